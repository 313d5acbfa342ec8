package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	aliveKey = "meta/alive"
	caughtUp = "meta/caughtup/"

	// Beat is how often the store is written to see whether it takes a change.
	Beat = 5 * time.Second
)

// Alive writes the time into the store at once and every Beat, until ctx ends: so it is known whether the store takes
// changes, and after a crash, when the server was last there.
func (s *Store) Alive(ctx context.Context) error {
	tick := s.Clock.NewTicker(Beat)
	defer tick.Stop()
	for {
		if err := s.beat(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("the store takes no change", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.Chan():
		}
	}
}

// beat makes a large change: what is left of a full disk may do for a small one and yet not for a call.
func (s *Store) beat(ctx context.Context) error {
	err := s.update(ctx, func(t *txn) error {
		t.Put(aliveKey, fmt.Appendf(make([]byte, 0, 64<<10), "%-65000s", t.now.Format(time.RFC3339Nano)))
		return nil
	})
	if err != nil {
		s.beaten.Store(nil)
		return err
	}
	now := s.Clock.Now() // with its monotonic reading, where it has one: a clock that is set changes no age
	s.beaten.Store(&now)
	return nil
}

// SinceBeat is how long ago Alive last wrote the time; ok is false when it could not, or has not yet.
func (s *Store) SinceBeat() (age time.Duration, ok bool) {
	at := s.beaten.Load()
	if at == nil {
		return 0, false
	}
	return s.Clock.Since(*at), true
}

// CaughtUp returns until when a kind of thing that may have been missed has been looked for: as CatchUp recorded it, else
// until the process before this one last wrote the time, else until now.
func (s *Store) CaughtUp(ctx context.Context, what string) (time.Time, error) {
	at := s.lastSeen
	err := s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get(caughtUp + what)
		if err == nil && b != nil {
			at, err = time.Parse(time.RFC3339Nano, string(b))
		}
		return err
	})
	if now := s.now(); at.IsZero() || at.After(now) {
		at = now
	}
	return at, err
}

// CatchUp records until when a kind of thing has been looked for.
func (s *Store) CatchUp(ctx context.Context, what string, until time.Time) error {
	return s.update(ctx, func(t *txn) error {
		t.Put(caughtUp+what, []byte(until.UTC().Format(time.RFC3339Nano)))
		return nil
	})
}

// LastSeen is when a process before this one last wrote the time; zero when none has.
func (s *Store) LastSeen() time.Time { return s.lastSeen }

// readLastSeen is to be called before Alive overwrites it.
func (s *Store) readLastSeen(ctx context.Context) error {
	return s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get(aliveKey)
		if err != nil || b == nil {
			return err
		}
		if s.lastSeen, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(string(b))); err != nil {
			return errors.Join(fmt.Errorf("%s in the store is no time", aliveKey), err)
		}
		return nil
	})
}
