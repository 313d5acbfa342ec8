package store_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/store/bolt"
)

// What was refused is told of with the next beat, but no sooner than a minute after the last time. A process that ends
// before leaves it to others.
func TestRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.db")
	db, err := bolt.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewFakeClock()
	s, err := store.Open(t.Context(), db, team, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Alive(ctx) }()
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	beat := func(after time.Duration) (told bool) {
		t.Helper()
		clock.Advance(after)
		for {
			age, err := s.SinceBeat()
			switch {
			case err == nil && age == 0:
				select {
				case <-s.Lost():
					return true
				default:
					return false
				}
			case t.Context().Err() != nil:
				t.Fatal("no beat")
			}
			time.Sleep(time.Millisecond)
		}
	}
	if beat(0) || beat(store.Beat) {
		t.Error("told of nothing")
	}
	s.Refused()
	if !beat(store.Beat) || !s.LostHere() || s.LostHere() {
		t.Error("not told at the next beat, once, that it is for this process")
	}
	s.Refused()
	if beat(store.Beat) {
		t.Error("told again at once")
	}
	if !beat(time.Minute) {
		t.Error("not told a minute later")
	}
	s.Refused()
	beat(store.Beat)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = bolt.OpenReadOnly(file); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	owners := 0
	err = db.View(t.Context(), func(r store.Reader) error {
		return r.Scan("owner/", "", func(string, []byte) bool { owners++; return true })
	})
	if err != nil || owners != 1 {
		t.Errorf("%d owners are left, %v", owners, err)
	}
}
