package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/oklog/ulid/v2"
)

// Work says how the deeds of one kind are done.
type Work struct {
	Kind Kind

	// Parallel is how many are done at once. Those with the same Lane are done one at a time, in order of arrival;
	// so a destination that is slow or dead holds up no other.
	Parallel int
	Lane     func(Deed) string

	// Do does one deed. A nil error means that it is finished, done or given up; after, when not nil, changes the
	// call in the transaction that removes the deed, and reports whether people see the change. An error means that
	// it is tried again, later each time; see Later.
	Do func(ctx context.Context, d Deed) (after func(*Call) bool, err error)

	// Longest is the longest pause between two tries.
	Longest time.Duration
}

// Later is an error that says when the next try makes sense, of a deed that was certainly not done.
type Later struct {
	After time.Duration // 0: as for any other error
	Err   error         // nil: nothing failed that is worth a word here, it is only not yet time
}

func (l *Later) Error() string {
	if l.Err == nil {
		return "not yet"
	}
	return l.Err.Error()
}

func (l *Later) Unwrap() error { return l.Err }

// requestLimit bounds what a deed may take in all.
const requestLimit = 20 * time.Second

// Run does deeds of one kind as they come due, until ctx ends; then it lets those under way finish, and leaves the others
// to other processes.
func (s *Store) Run(ctx context.Context, w Work) error {
	s.idle.Delete(w.Kind)
	r := &runner{Store: s, Work: w, busy: map[string]bool{}, lanes: map[string]bool{}, tries: map[string]*try{},
		wake: make(chan struct{}, 1)}
	changed, cancel := s.backend.Watch("due/" + string(w.Kind) + "/")
	defer cancel()
	defer func() {
		s.idle.Store(w.Kind, true)
		r.running.Wait()
		s.changes.settle() // one that began before may reserve a deed for this process
		if err := r.release(context.WithoutCancel(ctx)); err != nil {
			s.Log.Warn("what is due is left to others only when this process has ended", "kind", w.Kind, "err", err)
		}
	}()
	var failures row
	for {
		next, err := r.start(ctx)
		if failures.first(err) && ctx.Err() == nil {
			s.Log.Error("read what is due", "kind", w.Kind, "err", err)
		}
		if err != nil {
			next = time.Second
		}
		if !s.pause(ctx, next, changed, r.wake) {
			return nil
		}
	}
}

// row is whether something fails again and again: an outage of the store is told once by each who meets it, and the rest
// is the heart's to tell.
type row bool

// first reports whether an error is the first of a row.
func (r *row) first(err error) bool {
	was := bool(*r)
	*r = err != nil
	return err != nil && !was
}

type runner struct {
	*Store
	Work
	wake    chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	busy  map[string]bool // by key
	lanes map[string]bool
	tries map[string]*try
}

// try is how a deed that failed is tried again.
type try struct {
	backoff *backoff.ExponentialBackOff
	due     time.Time // of the deed as it was tried: it has come, wherever the clock is set since
	at      time.Time // of the next try, by the clock's monotonic reading where it has one
	doubt   bool      // the last one ended without a word from the other side: it may have been done
	did     *did      // it was done; only that could not be recorded
}

// did is a deed as it was done, and what is to be recorded of it.
type did struct {
	Deed
	after func(*Call) bool
}

// start begins what can be begun now and returns how long it is until more can.
func (r *runner) start(ctx context.Context) (time.Duration, error) {
	now := r.now()
	next := time.Hour
	passed := map[string]bool{} // lanes whose first deed has to wait: those behind it wait too
	known, all := map[string]bool{}, true
	var bad error
	err := r.backend.View(ctx, func(rd Reader) error {
		return rd.Scan("due/"+string(r.Kind)+"/", "", func(key string, b []byte) bool {
			d, err := decode[Deed](b)
			if err != nil {
				bad = fmt.Errorf("%s: %w", key, err)
				return true
			}
			known[key] = true
			next = min(next, r.begin(ctx, *d, now, passed))
			all = !r.full() // one that ends reads on from here
			return all
		})
	})
	if err = errors.Join(err, bad); err != nil { // what it has not seen may be there
		return next, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.tries {
		if err == nil && all && !known[key] {
			delete(r.tries, key)
		}
	}
	return next, nil
}

func (r *runner) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.busy) >= r.Parallel
}

// begin starts one deed if it can be; otherwise it returns how long to wait for it.
func (r *runner) begin(ctx context.Context, d Deed, now time.Time, passed map[string]bool) time.Duration {
	const whenWoken = time.Hour
	key, lane := d.Key(), ""
	// A lane may get free while the rest of it is looked at: nothing overtakes what has been passed over.
	hold := func(wait time.Duration) time.Duration {
		if lane != "" {
			passed[lane] = true
		}
		return wait
	}
	if r.Lane != nil {
		lane = r.Lane(d)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	wait := d.Due.Sub(now)
	t := r.tries[key]
	if t != nil {
		if t.due.Equal(d.Due) {
			wait = 0
		}
		wait = max(wait, r.Clock.Until(t.at))
	}
	switch {
	case r.busy[key], passed[lane], ctx.Err() != nil:
		return hold(whenWoken)
	case d.Owner != "" && d.Owner != r.owner():
		return hold(whenWoken)
	case wait > 0:
		// A deed that failed keeps its place; one that is not due yet lets others by.
		if t != nil {
			return hold(wait)
		}
		return wait
	case lane != "" && r.lanes[lane], len(r.busy) >= r.Parallel:
		return hold(whenWoken)
	}
	r.busy[key] = true
	if lane != "" {
		r.lanes[lane] = true
		passed[lane] = true // should it turn out to be somebody else's, or fail, while the rest is looked at
	}
	r.running.Go(func() {
		// What was begun is finished even when ctx ends; its own limit bounds it.
		r.do(context.WithoutCancel(ctx), d)
		r.mu.Lock()
		delete(r.busy, key)
		delete(r.lanes, lane)
		r.mu.Unlock()
		select {
		case r.wake <- struct{}{}:
		default:
		}
	})
	return whenWoken
}

func (r *runner) do(ctx context.Context, d Deed) {
	defer func() {
		if p := recover(); p != nil { // one deed that cannot be done must not end those that can, with the process
			r.metrics.panics.Inc()
			r.Log.Error("panic", "kind", d.Kind, "call", d.Call, "panic", p, "stack", string(debug.Stack()))
			r.again(d, fmt.Errorf("panic: %v", p))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	anew := d.Owner != r.owner() // asked for since it was done, should it have been
	mine, err := r.reserve(ctx, &d)
	if err != nil {
		r.again(d, err)
		return
	}
	if !mine {
		return
	}
	now := did{Deed: d}
	r.mu.Lock()
	t := r.tries[d.Key()]
	if t != nil && t.doubt {
		now.Doubt = true
	}
	r.mu.Unlock()
	if t != nil && t.did != nil && !anew {
		now = *t.did
	} else if now.after, err = r.Do(ctx, now.Deed); errors.Is(err, ErrNoCall) { // erased since: nothing of it is due any more
		now.after, err = nil, nil
	}
	if err != nil {
		t := r.again(d, err)
		if later, undone := errors.AsType[*Later](err); !undone || later.Err != nil && later.After == 0 {
			r.passOn(context.WithoutCancel(ctx), d, t)
		}
		return
	}
	// The request's own limit may be used up; what was done must be recorded all the same.
	if err := r.finish(context.WithoutCancel(ctx), now.Deed, now.after); errors.Is(err, errWrittenOff) {
		r.again(d, err) // whoever has it now finds out whether it is done
		return
	} else if err != nil {
		r.again(d, err).did = &now
		return
	}
	r.metrics.deeds.WithLabelValues(string(r.Kind), "done").Inc()
	r.mu.Lock()
	delete(r.tries, d.Key())
	r.mu.Unlock()
}

// again plans the next try.
func (r *runner) again(d Deed, err error) *try {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tries[d.Key()]
	if t == nil {
		b := backoff.NewExponentialBackOff()
		b.InitialInterval, b.Multiplier, b.MaxInterval = 500*time.Millisecond, 2, r.Longest
		t = &try{backoff: b}
		r.tries[d.Key()] = t
	}
	later, undone := errors.AsType[*Later](err)
	if undone && later.Err == nil {
		t.due, t.at = d.Due, r.Clock.Now().Add(later.After)
		return t
	}
	wait := min(t.backoff.NextBackOff(), r.Longest) // its jitter goes beyond its maximum
	if undone && later.After > 0 {
		wait = max(later.After, time.Second)
	}
	t.doubt = t.doubt || !undone
	t.due, t.at = d.Due, r.Clock.Now().Add(wait)
	r.metrics.deeds.WithLabelValues(string(r.Kind), "failed").Inc()
	r.Log.Warn("will be tried again", "kind", d.Kind, "call", d.Call, "whom", d.Whom, "in", wait, "err", err)
	return t
}

// passOn gives up a deed that failed where other processes may have more luck: it may be this one that reaches nobody. Should
// they have none, it is tried again here.
func (r *runner) passOn(ctx context.Context, d Deed, t *try) {
	if r.Living() == 1 {
		return
	}
	err := r.update(ctx, func(tx *txn) error {
		now, err := tx.deed(d.Key())
		if err != nil || now == nil || now.Owner != d.Owner {
			return err
		}
		if now.Owner = ""; t.doubt {
			now.Doubt, now.Left = true, d.Owner+"/"+ulid.Make().String() // whoever goes on looks anew: this owner goes on too
		}
		tx.put(*now)
		return nil
	})
	if err != nil { // the next try that fails gives it up
		r.Log.Warn("a deed that failed stays with this process", "kind", d.Kind, "call", d.Call, "err", err)
	}
}

// errWrittenOff means that the other processes took this one for dead. It is an owner again as soon as it sees that.
var errWrittenOff = errors.New("this process was out of reach, and its work is done by others")

// owner is who reserves a deed that is made due in this transaction: nobody, when this process does none of its kind any
// more, or is taken for dead.
func (t *txn) owner(k Kind) (string, error) {
	if _, idle := t.store.idle.Load(k); idle {
		return "", nil
	}
	name := t.store.owner()
	if holds, err := t.holds(name); err != nil || !holds {
		return "", err
	}
	return name, nil
}

// reserve marks a deed as being done, so that after a crash it is known to be in doubt. It reports false when the deed
// is gone or somebody else's.
func (r *runner) reserve(ctx context.Context, d *Deed) (bool, error) {
	name := r.owner()
	mine, was := false, d.Due
	check := func(get func(string) ([]byte, error)) error {
		mine = false
		b, err := get(d.Key())
		if err != nil || b == nil {
			return err
		}
		now, err := decode[Deed](b)
		if err != nil || now.Owner != "" && now.Owner != name {
			return err
		}
		if now.Due.After(was) && now.Due.After(r.now()) { // done since it was read, and due anew
			return nil
		}
		if held, err := holds(get, name); err != nil || !held {
			return cmp.Or[error](err, &Later{Err: errWrittenOff})
		}
		*d, mine = *now, true
		return nil
	}
	if d.Owner != "" && d.Owner == name { // with the claim, or for an earlier try; what was read may be older than its end, though
		err := r.backend.View(ctx, func(rd Reader) error { return check(rd.Get) })
		if err != nil || !mine || d.Owner == name {
			return mine, err
		}
	}
	err := r.update(ctx, func(t *txn) error {
		if err := check(t.Get); err != nil || !mine {
			return err
		}
		d.Owner = name
		t.put(*d)
		return nil
	})
	return mine, err
}

// release gives up what this process has reserved and will not do any more. Only what was begun is in doubt.
func (r *runner) release(ctx context.Context) error {
	name := r.owner()
	var mine []string
	err := r.backend.View(ctx, func(rd Reader) error {
		mine = nil
		return rd.Scan("due/"+string(r.Kind)+"/", "", func(key string, b []byte) bool {
			if d, err := decode[Deed](b); err == nil && d.Owner == name {
				mine = append(mine, key)
			}
			return true
		})
	})
	if err != nil {
		return err
	}
	for keys := range slices.Chunk(mine, few) {
		err := r.update(ctx, func(t *txn) error {
			for _, key := range keys {
				d, err := t.deed(key)
				if err != nil {
					return err
				}
				if d == nil || d.Owner != name {
					continue
				}
				d.Owner = ""
				if try := r.tries[key]; try != nil && (try.doubt || try.did != nil) {
					d.Doubt, d.Left = true, name
				}
				t.put(*d)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// finish removes a deed that is done and records what came of it. What was asked for again meanwhile stays due. When this
// process was written off since it reserved the deed, nothing is recorded: somebody else may have done it too.
func (r *runner) finish(ctx context.Context, d Deed, after func(*Call) bool) error {
	var was, is *Call
	err := r.update(ctx, func(t *txn) error {
		was, is = nil, nil
		if held, err := t.holds(d.Owner); err != nil || !held {
			return cmp.Or(err, errWrittenOff)
		}
		now, err := t.deed(d.Key())
		if err != nil {
			return err
		}
		switch {
		case now == nil:
		case now.Owner != d.Owner: // made due anew meanwhile
		case now.Rev == d.Rev && now.Due.Equal(d.Due):
			t.Delete(d.Key())
		default:
			now.Owner, now.Doubt, now.Left, now.First = "", false, "", false
			t.put(*now)
		}
		if after == nil {
			return nil
		}
		c, err := load(t.Get, d.Call)
		if err != nil || c == nil {
			return err
		}
		before, did := *c, hidden
		if after(c) {
			did = visible
		}
		was, is = &before, c
		return t.save(was, c, did)
	})
	if err == nil && is != nil {
		r.saved(was, is)
	}
	return err
}
