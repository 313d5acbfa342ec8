package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/semaphore"
)

// Schema is the version of the keys and records that this program writes. A store of a newer one is refused.
const Schema = 1

var (
	// ErrNewer means that a newer pullphone wrote the store.
	ErrNewer = errors.New("the store was written by a newer pullphone")
	// ErrNoCall means that no call has the given ID.
	ErrNoCall = errors.New("no such call")
)

// Store holds the calls of a team over a backend. Its methods are safe for concurrent use.
type Store struct {
	Team  Team
	Clock clockwork.Clock
	Log   *slog.Logger

	backend  Backend
	metrics  *metrics
	lastSeen time.Time
	beaten   atomic.Pointer[beaten] // nil at first
	refused  atomic.Bool            // see Refused
	asked    time.Time              // when that was last asked about

	ids     io.Reader // entropy
	name    string    // of this process
	about   Process   // it, as it has registered
	terms   atomic.Int64
	current atomic.Pointer[string] // see owner
	idle    sync.Map               // kinds of deeds that this process does no more
	changes underway
	living  atomic.Int32
	lost    chan struct{}
	here    atomic.Bool         // see LostHere
	wiping  *semaphore.Weighted // see beWiper

	mu    sync.Mutex
	lived map[string]Process // at the last look, by name
}

// Open checks the backend's schema, registers this process and takes up what processes that died have left. Unless others
// serve the store, it has Twilio asked what became of every call that is still open. The backend belongs to the store from
// here on, unless Open returns an error.
func Open(ctx context.Context, b Backend, team Team, clock clockwork.Clock, log *slog.Logger) (*Store, error) {
	s := &Store{Team: team, Clock: clock, Log: log, backend: b,
		ids:  &ulid.LockedMonotonicReader{MonotonicReader: ulid.Monotonic(rand.Reader, 0)},
		name: ulid.Make().String(), metrics: newMetrics(), lost: make(chan struct{}, 1), wiping: semaphore.NewWeighted(1)}
	found, err := schema(ctx, b)
	if err != nil {
		return nil, err
	}
	if found == 0 {
		err := b.Update(ctx, func(tx Tx) error {
			if b, err := tx.Get(copyingKey); err != nil || b != nil { // begun since
				return cmp.Or(err, ErrUnfinished)
			}
			tx.Put(schemaKey, []byte(strconv.Itoa(Schema)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if err := s.register(ctx); err != nil {
		return nil, err
	}
	if err := s.upgrade(ctx); err != nil {
		return nil, fmt.Errorf("bring the store up to date: %w", err)
	}
	served, err := s.takeUp(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("take up what was left: %w", err)
	}
	if !served {
		if err := s.readLastSeen(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// OpenHistory gives a store for reading what has ended, over a backend that need not take changes.
func OpenHistory(ctx context.Context, b Backend, team Team) (*Store, error) {
	s := &Store{Team: team, backend: b}
	_, err := schema(ctx, b)
	return s, err
}

// Close gives up what this process has reserved and closes the backend. Nothing may use the store afterwards. What was
// refused and is not asked for yet is left to others, as if this process had died.
func (s *Store) Close() error {
	if name := s.owner(); name != "" && !s.refused.Load() {
		_ = s.update(context.Background(), func(t *txn) error { // else it is taken for one that died
			t.Delete(owners + name)
			return nil
		})
	}
	return s.backend.Close()
}

const schemaKey = "meta/schema"

// schema reads which schema a backend has, 0 for a new one, and refuses a newer one and half a copy.
func schema(ctx context.Context, b Backend) (found int, err error) {
	err = b.View(ctx, func(r Reader) error {
		found = 0
		b, err := r.Get(copyingKey)
		if err == nil && b != nil {
			return ErrUnfinished
		}
		if err == nil {
			b, err = r.Get(schemaKey)
		}
		if err == nil && b != nil {
			if found, err = strconv.Atoi(string(b)); err != nil {
				err = fmt.Errorf("schema version %q in the store is no number", b)
			}
		}
		return err
	})
	if err == nil && found > Schema {
		err = fmt.Errorf("%w: it has schema %d, this program knows %d; use a newer pullphone", ErrNewer, found, Schema)
	}
	return found, err
}

// Call returns a call by its ID, or ErrNoCall.
func (s *Store) Call(ctx context.Context, id CallID) (Call, error) {
	var c *Call
	err := s.backend.View(ctx, func(r Reader) (err error) {
		c, err = load(r.Get, id)
		return err
	})
	if err == nil && c == nil {
		err = ErrNoCall
	}
	if err != nil {
		return Call{}, err
	}
	return *c, nil
}

// CallBySID returns the ID of the call with a Twilio CallSid, or ErrNoCall.
func (s *Store) CallBySID(ctx context.Context, sid string) (CallID, error) {
	var id CallID
	err := s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get("sid/" + sid)
		id = CallID(b)
		return err
	})
	if err == nil && id == "" {
		err = ErrNoCall
	}
	return id, err
}

// OpenCalls returns the calls that have not ended, in order of arrival: those of one line, or all when line is empty.
func (s *Store) OpenCalls(ctx context.Context, line string) ([]Call, error) {
	var calls []Call
	err := s.backend.View(ctx, func(r Reader) error {
		var bad error
		err := r.Scan("open/", "", func(_ string, b []byte) bool {
			c, err := decode[Call](b)
			if err != nil {
				bad = err
				return false
			}
			if line == "" || c.Line == line {
				calls = append(calls, *c)
			}
			return true
		})
		return errors.Join(err, bad)
	})
	return calls, err
}

// txn is one transition in the making.
type txn struct {
	Tx
	now   time.Time
	team  Team
	store *Store
}

func (s *Store) update(ctx context.Context, fn func(*txn) error) error {
	defer s.changes.begin()()
	return s.backend.Update(ctx, func(tx Tx) error {
		return fn(&txn{Tx: tx, now: s.now(), team: s.Team, store: s})
	})
}

// underway are changes that have begun and not ended.
type underway struct {
	mu  sync.Mutex
	now *sync.WaitGroup
}

// begin counts a change until the returned function is called.
func (u *underway) begin() (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.now == nil {
		u.now = new(sync.WaitGroup)
	}
	u.now.Add(1)
	return u.now.Done
}

// settle waits for the changes that have begun, and for none that begins meanwhile.
func (u *underway) settle() {
	after := new(sync.WaitGroup)
	after.Add(1) // whoever settles next waits for those before as well
	u.mu.Lock()
	before := u.now
	u.now = after
	u.mu.Unlock()
	if before != nil {
		before.Wait()
	}
	after.Done()
}

func (s *Store) now() time.Time { return s.Clock.Now().UTC().Truncate(time.Millisecond) }

// change says what a transition did to a call.
type change int

const (
	nothing change = iota
	hidden         // something that nobody sees
	visible        // something that people are shown: the call's picture is due
)

// change runs one transition of one call and returns the call as it then is. fn gets the call and says what it did.
func (s *Store) change(ctx context.Context, id CallID, fn func(*txn, *Call) (change, error)) (Call, error) {
	var was, out Call
	err := s.update(ctx, func(t *txn) error {
		c, err := load(t.Get, id)
		if err != nil {
			return err
		}
		if c == nil {
			return ErrNoCall
		}
		was = *c
		did, err := fn(t, c)
		if err != nil {
			return err
		}
		out = *c
		if did != nothing {
			err = t.save(&was, c, did)
			out = *c
		}
		return err
	})
	if err != nil {
		return Call{}, fmt.Errorf("call %s: %w", id, err)
	}
	s.saved(&was, &out)
	return out, nil
}

// save writes a call and all that follows from the difference to what it was (nil for a new call).
func (t *txn) save(was, c *Call, did change) error {
	if passed, err := t.lastLost(was, c); err != nil {
		return err
	} else if passed {
		did = visible
	}
	if was != nil {
		if was.key() != c.key() {
			t.Delete(was.key())
			if err := t.gone(c); err != nil {
				return err
			}
		}
		if !was.Deadline.Equal(c.Deadline) && !was.Deadline.IsZero() {
			t.Delete(atKey(was.Deadline, c.ID))
		}
	}
	if err := t.moved(was, c); err != nil {
		return err
	}
	if !c.Deadline.IsZero() {
		t.Put(atKey(c.Deadline, c.ID), nil)
	}
	if was != nil && was.Code != c.Code {
		if err := t.freeCode(c.Line, was.Code); err != nil {
			return err
		}
	}
	if err := errors.Join(t.count(was, c), t.ring(was, c), t.busy(was, c)); err != nil {
		return err
	}
	if did == visible {
		c.Rev++
		if err := t.draw(c); err != nil {
			return err
		}
	}
	t.Put(c.key(), encode(c))
	return nil
}

// end brings a call to its outcome. Who was handed over has talked, whatever came of that.
func (t *txn) end(c *Call, o Outcome) {
	switch {
	case o == Missed && len(c.Voice) > 0:
		o = Voicemail
	case o == Missed && c.Handed != nil && c.Back == nil:
		o, c.Accepted = Talked, time.Time{}
	}
	c.State, c.Outcome, c.Stopped = Ended, o, t.now
	c.Deadline, c.Naming, c.Code = time.Time{}, false, 0
	t.Put("last/"+c.Line, []byte(c.ID))
}
