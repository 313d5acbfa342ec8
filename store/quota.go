package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// Quota bounds how often something may happen: at most Most times within any span of Within. Of says what, and to whom;
// the store keeps a hash of it alone.
type Quota struct {
	Of     string
	Most   int
	Within time.Duration
}

func (q Quota) key() string {
	return fmt.Sprintf("quota/%x", sha256.Sum256([]byte(q.Of)))[:len("quota/")+32]
}

// used is the record of a quota.
type used struct {
	Until time.Time `json:"until"` // nothing of it counts any more
	By    []use     `json:"by"`
}

type use struct {
	Event string    `json:"event"`
	At    time.Time `json:"at"`
}

// Allow counts an event for each of the quotas and reports true; where one of them is used up, it counts for none. An
// event that was counted is allowed again without being counted twice: event is its natural key.
func (s *Store) Allow(ctx context.Context, event string, quotas ...Quota) (bool, error) {
	allowed := false
	err := s.update(ctx, func(t *txn) error {
		allowed = false
		counted := make([]used, len(quotas))
		for i, q := range quotas {
			b, err := t.Get(q.key())
			if err != nil {
				return err
			}
			if b != nil {
				u, err := decode[used](b)
				if err != nil {
					return err
				}
				counted[i] = *u
			}
			u := &counted[i]
			u.By = slices.DeleteFunc(u.By, func(by use) bool { return t.now.Sub(by.At) >= q.Within })
			if slices.ContainsFunc(u.By, func(by use) bool { return by.Event == event }) {
				allowed = true
				return nil
			}
			if len(u.By) >= q.Most {
				return nil
			}
			u.By, u.Until = append(u.By, use{event, t.now}), t.now.Add(q.Within)
		}
		for i, q := range quotas {
			t.Put(q.key(), encode(counted[i]))
		}
		allowed = true
		return nil
	})
	return allowed, err
}

// TakeBack gives back what Allow counted for an event that turned out to be none of those that are bounded.
func (s *Store) TakeBack(ctx context.Context, event string, q Quota) error {
	return s.update(ctx, func(t *txn) error {
		b, err := t.Get(q.key())
		if err != nil || b == nil {
			return err
		}
		u, err := decode[used](b)
		if err != nil {
			return err
		}
		u.By = slices.DeleteFunc(u.By, func(by use) bool { return by.Event == event })
		t.Put(q.key(), encode(u))
		return nil
	})
}
