package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

const (
	// catchUpEvery is how often Twilio is asked for what was missed, though nothing should be.
	catchUpEvery = 10 * time.Minute
	// catchUpLate is how long nobody has asked when the others no longer leave it to the eldest.
	catchUpLate = catchUpEvery + 2*time.Minute
	// catchUpAgain is how soon it is asked again when it did not answer; then later each time.
	catchUpAgain = time.Minute
	// catchUpWithin bounds each of the things that are asked for.
	catchUpWithin = time.Minute
)

// loss is one kind of thing that may have been missed.
type loss struct {
	what string
	// overlap is how much further back it is looked for than until when it has been looked for: at the first time, and
	// later. settle is how old it must be, later, so that the ordinary word of it is not overtaken.
	first, overlap, settle time.Duration
	find                   func(ctx context.Context, since, until time.Time) error
}

func (s *service) mend(what string) { s.metrics.mended.WithLabelValues(what).Inc() }

// losses are in the order of need: callers who wait, those who would take them, then messages.
func (s *service) losses() []loss {
	return []loss{
		{what: "calls", find: func(ctx context.Context, _, _ time.Time) error { return s.phone.MissedCalls(ctx, s.mend) }},
		{what: "texts", first: time.Minute, overlap: time.Minute, settle: time.Minute,
			find: func(ctx context.Context, since, until time.Time) error {
				return s.bot.MissedTexts(ctx, since, until, s.mend)
			}},
		// A recording is known by when it began, and is reported when it has ended.
		{what: "messages", first: 24 * time.Hour, overlap: time.Hour, settle: 6 * time.Minute,
			find: func(ctx context.Context, since, until time.Time) error {
				return s.phone.MissedMessages(ctx, since, until, s.mend)
			}},
	}
}

// catchUp asks Twilio, at the start and again and again until ctx ends, for what has happened and was not heard of: at once,
// too, when another process on the same store has ended, or the store has taken no change for a while. The eldest process asks
// for all, but of what came to another alone it does not know, and it may be one that reaches nobody.
func (s *service) catchUp(ctx context.Context) error {
	if seen := s.store.LastSeen(); !seen.IsZero() {
		s.log.Info("taking up what happened meanwhile", "last_seen", seen)
	}
	again := catchUpAgain
	done := map[string]bool{}
	lost := false // something surely was
	mine := 0     // looks that this process makes though it is not the eldest: nobody else knows that something was lost
	for {
		next, failed := catchUpEvery, false
		if lost {
			next = catchUpAgain // what is too fresh now is not by then
		}
		losses := s.losses()
		if eldest, err := s.store.Eldest(ctx); err == nil && !eldest && mine == 0 {
			for _, l := range losses { // others were there before this process
				done[l.what] = true
			}
			losses = slices.DeleteFunc(losses, func(l loss) bool {
				until, err := s.store.CaughtUp(ctx, l.what)
				return err != nil || s.store.Clock.Since(until) < catchUpLate+l.settle
			})
		}
		for _, l := range losses {
			err := s.lookFor(ctx, l, !done[l.what], lost)
			if err == nil {
				done[l.what] = true
			} else if ctx.Err() == nil {
				s.log.Warn("what was missed could not be asked for", "what", l.what, "err", err)
				failed = true
			}
		}
		if failed {
			next = min(next, again)
			again = min(2*again, catchUpEvery)
		} else {
			again = catchUpAgain
		}
		if lost = false; !failed {
			mine = max(0, mine-1)
		}
		s.ready.caughtUp.Store(true)
		timer := s.store.Clock.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.store.Lost():
			timer.Stop()
			lost = true
			if s.store.LostHere() {
				mine = 2 // what is too fresh at first is not at the second
			}
		case <-timer.Chan():
		}
	}
}

// lookFor finds what was missed of one kind, since it was last looked for. When something was lost, no word of it can be
// overtaken.
func (s *service) lookFor(ctx context.Context, l loss, first, lost bool) (err error) {
	defer func() {
		if p := recover(); p != nil { // what cannot be looked for must not end the calls that go on, with the process
			s.log.Error("panic", "what", l.what, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	since, err := s.store.CaughtUp(ctx, l.what)
	if err != nil {
		return err
	}
	until := s.store.Clock.Now()
	switch {
	case first:
		since, until = since.Add(-l.first), s.ready.started
	case lost:
		since = since.Add(-l.overlap)
	default:
		since, until = since.Add(-l.overlap), until.Add(-l.settle)
	}
	if err := l.find(ctx, since, until); err != nil {
		return err
	}
	return s.store.CatchUp(ctx, l.what, until)
}
