package bolt_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
)

// cramped is a backend that finds no room to be compacted.
type cramped struct {
	store.Backend
	tried chan bool
}

func (c cramped) Compact(context.Context) error {
	c.tried <- true
	return errors.New("make room")
}

// A wipe that fails is tried again after a minute, then after twice as long each time, but an hour at most.
func TestFailedWipeIsPatient(t *testing.T) {
	db := cramped{opened(t, filepath.Join(t.TempDir(), "calls.db")), make(chan bool, 1)}
	put(t, db.Backend, "meta/wipe", "1")
	clock := clockwork.NewFakeClock()
	st, err := store.Open(t.Context(), db, store.Team{}, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- st.Retain(ctx) }()
	rest := func() {
		t.Helper()
		limit, done := context.WithTimeout(ctx, 10*time.Second)
		defer done()
		if err := clock.BlockUntilContext(limit, 1); err != nil {
			t.Fatal(err)
		}
	}
	<-db.tried
	for _, minutes := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		rest()
		clock.Advance(minutes*time.Minute - time.Second)
		select {
		case <-db.tried:
			t.Fatalf("tried again before %d minutes had gone by", minutes)
		case <-time.After(5 * time.Millisecond):
		}
		rest()
		clock.Advance(time.Second)
		select {
		case <-db.tried:
		case <-time.After(10 * time.Second):
			t.Fatalf("not tried again after %d minutes", minutes)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
