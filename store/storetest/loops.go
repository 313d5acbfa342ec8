package storetest

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
)

// clock is a fake clock that counts the timers set, so that a loop can be seen to have looked at it.
type clock struct {
	*clockwork.FakeClock
	mu     sync.Mutex
	timers int
	next   time.Time // when the latest timer rings
	set    chan struct{}
}

func newClock() *clock {
	return &clock{FakeClock: clockwork.NewFakeClockAt(began), set: make(chan struct{})}
}

func (c *clock) NewTimer(d time.Duration) clockwork.Timer {
	t := c.FakeClock.NewTimer(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers, c.next = c.timers+1, c.Now().Add(d)
	close(c.set)
	c.set = make(chan struct{})
	return t
}

// await waits until what the clock knows of its timers is so.
func (c *clock) await(w *world, what string, so func() bool) {
	w.Helper()
	for {
		c.mu.Lock()
		fine, set := so(), c.set
		c.mu.Unlock()
		if fine {
			return
		}
		await(w, w.ctx, what, set)
	}
}

func (c *clock) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timers
}

// advance moves the clock and waits until the loop that runs has looked at the new time. (A loop that looked just
// before sets its timer too late; on a true clock by microseconds, here for ever.)
func (w *world) advance(d time.Duration) {
	w.Helper()
	w.clock.Advance(d)
	w.settle()
}

// settle waits until the loop that runs has been once through all that is there now: the first timer may be of a
// round that had begun before.
func (w *world) settle() {
	w.Helper()
	for range 2 {
		n := w.clock.count()
		w.keys.nudge()
		w.clock.await(w, "the loop's next round", func() bool { return w.clock.timers > n })
	}
}

// during runs a loop of the store while the test does something, and waits for its end.
func (w *world) during(loop func(context.Context) error, do func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	n := w.clock.count()
	go func() { ended <- loop(ctx) }()
	defer func() {
		cancel()
		if err := await(w, w.ctx, "the loop ends", ended); err != nil {
			w.Errorf("the loop ended with %v", err)
		}
	}()
	w.clock.await(w, "the loop begins", func() bool { return w.clock.timers > n })
	do()
}

// job is a deed that a worker has begun; it goes on when the test says what it came to.
type job struct {
	store.Deed
	at   time.Time // when it was begun
	done chan outcome
}

type outcome struct {
	after func(*store.Call) bool
	err   error
}

// work runs the worker of a kind while the test does its jobs.
func (w *world) work(kind store.Kind, do func(jobs <-chan job), with ...func(*store.Work)) {
	w.Helper()
	jobs := make(chan job, 1000)
	work := store.Work{Kind: kind, Parallel: 8, Longest: 8 * second, Do: func(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
		w.began(+1)
		defer w.began(-1)
		j := job{d, w.clock.Now(), make(chan outcome, 1)}
		jobs <- j
		select {
		case o := <-j.done:
			return o.after, o.err
		case <-w.ctx.Done(): // the test has failed
			return nil, w.ctx.Err()
		}
	}}
	for _, set := range with {
		set(&work)
	}
	w.during(func(ctx context.Context) error { return w.s.Run(ctx, work) }, func() { do(jobs) })
}

// began counts the jobs under way.
func (w *world) began(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy += n
	w.busiest = max(w.busiest, w.busy)
}

// awaitDone waits until nothing of a kind is due for a call.
func (w *world) awaitDone(kind store.Kind, id store.CallID) {
	w.Helper()
	changed, cancel := w.keys.Watch("due/" + string(kind) + "/")
	defer cancel()
	for len(w.deeds(kind, id)) > 0 {
		await(w, w.ctx, "what is due is done", changed)
	}
}

// nudged is a backend whose watchers can be woken without a change, and that can be full, or out of reach.
type nudged struct {
	store.Backend
	full atomic.Bool
	away atomic.Bool
	once atomic.Pointer[func()]           // runs before the next change
	ran  atomic.Pointer[[2]chan struct{}] // the next change closes the first when its function has run, and waits for the second
	mu   sync.Mutex
	outs map[chan struct{}]struct{}

	read, written int // keys, by the largest change
}

func newNudged(b store.Backend) *nudged {
	return &nudged{Backend: b, outs: map[chan struct{}]struct{}{}}
}

func (n *nudged) Watch(prefix string) (<-chan struct{}, func()) {
	in, cancel := n.Backend.Watch(prefix)
	out, end := make(chan struct{}, 1), make(chan struct{})
	n.mu.Lock()
	n.outs[out] = struct{}{}
	n.mu.Unlock()
	go func() {
		for {
			select {
			case <-in:
				hint(out)
			case <-end:
				return
			}
		}
	}()
	return out, func() {
		cancel()
		close(end)
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.outs, out)
	}
}

func (n *nudged) Update(ctx context.Context, fn func(store.Tx) error) error {
	if first := n.once.Swap(nil); first != nil {
		(*first)()
	}
	if n.full.Load() {
		return syscall.ENOSPC
	}
	if n.away.Load() {
		return syscall.EHOSTUNREACH
	}
	inner := fn
	fn = func(tx store.Tx) error {
		err := inner(tx)
		if wait := n.ran.Swap(nil); wait != nil {
			close(wait[0])
			<-wait[1]
		}
		return err
	}
	return n.Backend.Update(ctx, few(fn, func(read, written int) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.read, n.written = max(n.read, read), max(n.written, written)
	}))
}

func (n *nudged) View(ctx context.Context, fn func(store.Reader) error) error {
	if n.away.Load() {
		return syscall.EHOSTUNREACH
	}
	return n.Backend.View(ctx, fn)
}

func (n *nudged) nudge() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for out := range n.outs {
		hint(out)
	}
}

func hint(out chan struct{}) {
	select {
	case out <- struct{}{}:
	default:
	}
}
