package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	// catchUpEvery is how often Twilio is asked for what was missed, though nothing should be.
	catchUpEvery = 10 * time.Minute
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

// catchUp asks Twilio, at the start and again and again until ctx ends, for what has happened and was not heard of.
func (s *service) catchUp(ctx context.Context) error {
	if seen := s.store.LastSeen(); !seen.IsZero() {
		s.log.Info("taking up what happened meanwhile", "last_seen", seen)
	}
	again := catchUpAgain
	done := map[string]bool{}
	for {
		next := catchUpEvery
		for _, l := range s.losses() {
			err := s.lookFor(ctx, l, !done[l.what])
			if err == nil {
				done[l.what] = true
			} else if ctx.Err() == nil {
				s.log.Warn("what was missed could not be asked for", "what", l.what, "err", err)
				next = again
			}
		}
		if next == catchUpEvery {
			again = catchUpAgain
		} else {
			again = min(2*again, catchUpEvery)
		}
		s.ready.caughtUp.Store(true)
		timer := s.store.Clock.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.Chan():
		}
	}
}

// lookFor finds what was missed of one kind, since it was last looked for.
func (s *service) lookFor(ctx context.Context, l loss, first bool) (err error) {
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
	if first {
		since, until = since.Add(-l.first), s.ready.started
	} else {
		since, until = since.Add(-l.overlap), until.Add(-l.settle)
	}
	if err := l.find(ctx, since, until); err != nil {
		return err
	}
	return s.store.CatchUp(ctx, l.what, until)
}
