package store

import "context"

// Expire does once what Deadlines does over and over.
func (s *Store) Expire(ctx context.Context) error {
	_, err := s.expire(ctx)
	return err
}

// TakeUp does once what TakeOver does over and over.
func (s *Store) TakeUp(ctx context.Context) error {
	_, err := s.takeUp(ctx, false)
	return err
}

// Worker does the deeds of one kind that it is given, as Run does those that it finds.
type Worker struct{ r *runner }

// Worker begins one; what it remembers of a deed that failed ends with it.
func (s *Store) Worker(w Work) Worker {
	return Worker{&runner{Store: s, Work: w, tries: map[string]*try{}}}
}

// Do does a deed once, or fails to.
func (w Worker) Do(ctx context.Context, d Deed) { w.r.do(ctx, d) }

// Rules are the works that RunRules runs.
func (s *Store) Rules() []Work {
	return []Work{{Kind: Escalate, Do: s.escalate}, {Kind: Freed, Do: s.tellFreed}}
}
