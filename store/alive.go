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

	// refusedAgain is how soon after a webhook that was refused Twilio is asked once more because of another: a fault may
	// last.
	refusedAgain = time.Minute
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

// beat makes a change as large as the backend says that it must be.
func (s *Store) beat(ctx context.Context) error {
	size := s.backend.BeatSize()
	err := s.update(ctx, func(t *txn) error {
		t.Put(aliveKey, fmt.Appendf(nil, "%-*s", size, t.now.Format(time.RFC3339Nano)))
		return nil
	})
	before := s.beaten.Load()
	refused := s.refused.Load() && s.Clock.Since(s.asked) >= refusedAgain
	if err == nil && (refused || before != nil && before.err != nil) {
		s.refused.Store(false)
		if err = s.askAll(ctx); err == nil { // nobody could listen meanwhile
			s.asked = s.Clock.Now()
			s.lose(true)
		}
	}
	// The time has its monotonic reading, where it has one: a clock that is set changes no age.
	s.beaten.Store(&beaten{s.Clock.Now(), err})
	return err
}

// Refused notes that a webhook was not taken, though the store may take others: with the next beat Twilio is asked what it
// was about, and Lost receives.
func (s *Store) Refused() { s.refused.Store(true) }

// beaten is when Alive last wrote the time, or tried to.
type beaten struct {
	at  time.Time
	err error
}

// SinceBeat is how long ago Alive last wrote the time. The error says why it could not, or has not yet.
func (s *Store) SinceBeat() (age time.Duration, err error) {
	b := s.beaten.Load()
	if b == nil {
		return 0, errNoBeat
	}
	return s.Clock.Since(b.at), b.err
}

var errNoBeat = errors.New("it has not been tried yet")

// CaughtUp returns until when a kind of thing that may have been missed has been looked for: as CatchUp recorded it, else
// until LastSeen, else until now.
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

// LastSeen is when a process before this one last wrote the time; zero when none has, or when others served the store as
// this one opened it: then nothing was missed.
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
