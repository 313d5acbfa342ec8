package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"pullphone/store"
)

// Shared is a backend that several processes have open at the same time, for one test.
type Shared interface {
	Open() store.Backend  // as one more process does
	Kill(b store.Backend) // ends that process without a word; it returns when its process/ key is gone
	Lose(b store.Backend) // its process/ key is lost though it lives, until Back
	Back(b store.Backend)
}

// RunShared runs what a store must do where several processes share a backend.
func RunShared(t *testing.T, open func(t *testing.T) Shared) {
	play(t, []part[*world]{
		{"one claim over all processes", claimedOnce},
		{"a deed is done by one process", doneByOne},
		{"what another was quicker to reserve is not done", reservedMeanwhile},
		{"what is put off meanwhile is not done yet", putOffMeanwhile},
		{"a lane keeps its order over all processes", laneOverAll},
		{"a deadline is kept by one process", expiredOnce},
		{"what a process that died had reserved is taken over", takenOver},
		{"what one process cannot do another does", passedOn},
		{"what a process leaves in order is in no doubt", leftInOrder},
		{"what is claimed as a process stops is nobody's", claimedAtStop},
		{"a process that takes its leave and dies nonetheless is missed", diedLeaving},
		{"who begins to serve beside others has missed nothing", servedBefore},
		{"two that begin at once ask both", begunAtOnce},
		{"what is taken up by halves is taken up", takenUpAgain},
		{"a process that was out of reach records nothing of what others do", outOfReach},
		{"a process that was out of reach goes on", backAgain},
		{"a taker's redirect is nobody's while a process is out of reach", claimedOutOfReach},
		{"who is back in time is not written off", backInTime},
		{"a phone is rung by one process", rungByOne},
		{"the eldest works for all", eldest},
		{"one process wipes at a time", wipedByOne},
		{"what a process that died was to wipe is wiped", wipedAfterDeath},
		{"a rolling restart leaves nothing undone", rollingRestart},
	}, func(t *testing.T, run func(*world)) {
		t.Parallel()
		s := open(t)
		w := newWorld(t, func(*testing.T) (store.Backend, func() store.Backend) { return s.Open(), s.Open })
		w.shared = s
		run(w)
		w.sound()
	})
}

// join opens the store in one more process.
func (w *world) join() *world {
	w.Helper()
	w.others++
	other := &world{T: w.T, ctx: w.ctx, clock: w.clock, team: w.team, reopen: w.reopen, shared: w.shared, ids: 1000 * w.others}
	other.keys = newNudged(w.shared.Open())
	other.open()
	return other
}

func (w *world) backend() store.Backend { return w.keys.Backend }

// kill ends the process without a word.
func (w *world) kill() { w.shared.Kill(w.backend()) }

// takes runs TakeOver while the test does something.
func (w *world) takes(do func()) { w.Helper(); w.during(w.s.TakeOver, do) }

// eventually waits until something that a change brings about is so.
func (w *world) eventually(what string, so func() bool) {
	w.Helper()
	changed, cancel := w.keys.Watch("")
	defer cancel()
	for !so() {
		await(w, w.ctx, what, changed)
	}
}

// lives waits until so many processes are known to live.
func (w *world) lives(n int) {
	w.Helper()
	for w.s.Living() != n {
		if w.ctx.Err() != nil {
			w.Fatalf("%d live, not %d", w.s.Living(), n)
		}
		runtime.Gosched()
	}
}

// unowned reports whether nobody has reserved a deed.
func (w *world) unowned(kind store.Kind, id store.CallID) func() bool {
	return func() bool { return w.one(kind, id).Owner == "" }
}

func claimedOnce(w *world) {
	all := []*world{w, w.join(), w.join()}
	for range 5 {
		c := w.arrive(sales)
		var answers sync.WaitGroup
		results := make([]store.Verdict, 50)
		for i := range results {
			answers.Go(func() {
				var err error
				results[i], _, err = all[i%len(all)].s.Answer(w.ctx, store.Answer{ID: fmt.Sprint(c.ID, i), Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS,
					Word: store.Take, Force: true})
				if err != nil {
					w.Error(err)
				}
			})
		}
		answers.Wait()
		won := 0
		for _, v := range results {
			switch v.Result {
			case store.Won:
				won++
			case store.Yours:
			default:
				w.Errorf("%+v", v)
			}
		}
		if ds := w.deeds(store.Redirect, c.ID); won != 1 || len(ds) != 1 {
			w.Errorf("%d have won, %d redirects are due", won, len(ds))
		}
		w.sound()
	}
}

// doing counts what processes do.
type doing struct {
	mu    sync.Mutex
	done  []string // keys
	whose map[string]int
	busy  map[string]bool // lanes
	twice string
}

// work is what process n does of a kind; the lane is the person.
func (d *doing) work(kind store.Kind, n int) store.Work {
	return store.Work{Kind: kind, Parallel: 3, Longest: time.Second, Lane: func(d store.Deed) string { return d.Whom },
		Do: func(_ context.Context, deed store.Deed) (func(*store.Call) bool, error) {
			d.mu.Lock()
			if d.busy[deed.Whom] {
				d.twice = deed.Key()
			}
			d.busy[deed.Whom] = true
			d.mu.Unlock()
			defer func() {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.busy[deed.Whom] = false
				d.done = append(d.done, deed.Key())
				d.whose[fmt.Sprint(n)]++
			}()
			return nil, nil
		}}
}

func newDoing() *doing { return &doing{whose: map[string]int{}, busy: map[string]bool{}} }

// all runs a kind's workers in several processes while the test does something, until nothing of it is due.
func (d *doing) all(kind store.Kind, ws []*world, do func()) {
	w := ws[0]
	w.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	var ran sync.WaitGroup
	for n, other := range ws {
		ran.Go(func() {
			if err := other.s.Run(ctx, d.work(kind, n)); err != nil {
				w.Error(err)
			}
		})
	}
	do()
	w.check(w.s.Settled(w.ctx, kind))
	cancel()
	ran.Wait()
}

func doneByOne(w *world) {
	ws := []*world{w, w.join()}
	d := newDoing()
	calls := 0
	d.all(store.Text, ws, func() {
		for i := range 40 {
			ws[i%2].arrive(support)
			calls++
			if i%8 == 7 { // more at once are not announced each
				w.check(w.s.Settled(w.ctx, store.Text))
				for _, c := range w.openCalls() {
					w.ok(ws[i/8%2].s.HungUp(w.ctx, c.ID))
				}
			}
		}
	})
	slices.Sort(d.done)
	if len(d.done) != calls || len(slices.Compact(d.done)) != calls || d.twice != "" {
		w.Errorf("%d deeds were done of %d, at the same time %q", len(d.done), calls, d.twice)
	}
}

func reservedMeanwhile(w *world) {
	other := w.join()
	c := w.arrive(support)
	w.clock.Advance(time.Second) // so that it comes first
	owner := w.one(store.Redirect, w.ringing().ID).Owner
	for range 8 { // behind it, to be looked at while it turns out to be another's
		w.arrive(sales)
	}
	first := func() {
		d := w.one(store.Text, c.ID)
		d.Owner = owner
		b, err := json.Marshal(d)
		w.check(err)
		w.check(w.keys.Backend.Update(w.ctx, func(tx store.Tx) error { tx.Put(d.Key(), b); return nil }))
	}
	other.keys.once.Store(&first)
	other.work(store.Text, func(jobs <-chan job) {
		other.settle()
		select {
		case j := <-jobs:
			w.Errorf("done by the other: %+v", j.Deed)
			j.done <- outcome{}
		default:
		}
	}, oneAtATime, func(work *store.Work) { work.Lane = func(store.Deed) string { return "all" } })
	if d := w.one(store.Text, c.ID); d.Owner != owner {
		w.Errorf("reserved by %s, now %+v", owner, d)
	}
}

func putOffMeanwhile(w *world) {
	c := w.arrive(support)
	due := w.clock.Now().Add(minute)
	first := func() {
		d := w.one(store.Text, c.ID)
		d.Due = due
		b, err := json.Marshal(d)
		w.check(err)
		w.check(w.keys.Backend.Update(w.ctx, func(tx store.Tx) error { tx.Put(d.Key(), b); return nil }))
	}
	w.keys.once.Store(&first)
	w.work(store.Text, func(jobs <-chan job) {
		w.settle()
		select {
		case j := <-jobs:
			w.Errorf("done a minute early: %+v", j.Deed)
			j.done <- outcome{}
		default:
		}
		for {
			w.clock.Advance(minute)
			select {
			case j := <-jobs:
				j.done <- outcome{}
				return
			default:
				w.settle()
			}
		}
	}, oneAtATime)
}

func (w *world) openCalls() []store.Call {
	w.Helper()
	open, err := w.s.OpenCalls(w.ctx, "")
	w.check(err)
	return open
}

func laneOverAll(w *world) {
	ws := []*world{w, w.join(), w.join()}
	for range 10 {
		w.clock.Advance(time.Second)
		w.arrive(support)
	}
	d := newDoing()
	d.all(store.Text, ws, func() {})
	if len(d.done) != 10 || !slices.IsSorted(d.done) || d.twice != "" {
		w.Errorf("done in the order %q, at the same time %q", d.done, d.twice)
	}
}

func expiredOnce(w *world) {
	other := w.join()
	waits, rings := w.arrive(sales), w.ringing()
	w.clock.Advance(3 * minute)
	w.expire()
	w.check(w.s.Settled(w.ctx, store.Escalate))
	asked := w.one(store.Ask, rings.ID)
	other.expire()
	if c := w.is(waits.ID, store.Recording, ""); c.Rev != waits.Rev+1 {
		w.Errorf("a deadline was kept %d times", c.Rev-waits.Rev)
	}
	if again := w.one(store.Ask, rings.ID); again != asked {
		w.Errorf("asked about as %+v, and again as %+v", asked, again)
	}
}

func takenOver(w *world) {
	other := w.join()
	waits := w.arrive(support)
	w.clock.Advance(time.Second) // so that it comes first
	c, kept := other.ringing(), w.ringing()
	other.work(store.Text, func(jobs <-chan job) {
		mine := await(w, w.ctx, "the text", jobs)
		owner := w.one(store.Text, waits.ID).Owner
		w.takes(func() {
			w.lives(2)
			if d := w.one(store.Text, waits.ID); d.Owner != owner || len(w.deeds(store.Ask, waits.ID)) != 0 {
				w.Errorf("before anybody died: %+v", d)
			}
			other.kill()
			await(w, w.ctx, "the end of the other", w.s.Lost())
			w.lives(1)
		})
		for _, d := range []store.Deed{w.one(store.Text, waits.ID), w.one(store.Redirect, c.ID)} {
			if d.Owner != "" || !d.Doubt || d.Left != owner {
				w.Errorf("taken over from %s: %+v", owner, d)
			}
		}
		if d := w.one(store.Redirect, kept.ID); d.Owner == "" || d.Doubt {
			w.Errorf("of a process that lives: %+v", d)
		}
		for _, c := range w.openCalls() {
			if d := w.one(store.Ask, c.ID); d.Owner != "" || !d.Due.Equal(w.clock.Now()) {
				w.Errorf("asked about: %+v", d)
			}
		}
		if left := w.all("owner/"); len(left) != 1 || left["owner/"+owner] != nil {
			w.Errorf("owners are %q", left)
		}
		w.each(store.Text, func(d store.Deed) {
			if was := d.Call == waits.ID; d.Owner == owner || d.Doubt != was || (d.Left == owner) != was {
				w.Errorf("done: %+v", d)
			}
		})
		mine.done <- outcome{}
	}, oneAtATime)
}

func oneAtATime(work *store.Work) { work.Parallel = 1 }

// each has everything of a kind done, one after the other.
func (w *world) each(kind store.Kind, see func(store.Deed)) {
	w.Helper()
	w.during(func(ctx context.Context) error {
		return w.s.Run(ctx, store.Work{Kind: kind, Parallel: 1, Longest: time.Second,
			Do: func(_ context.Context, d store.Deed) (func(*store.Call) bool, error) { see(d); return nil, nil }})
	}, func() { w.check(w.s.Settled(w.ctx, kind)) })
}

// passedOn: one process reaches nobody. What it has reserved is done by the other, and what is behind it in its lane.
func passedOn(w *world) {
	other := w.join()
	w.takes(func() { w.lives(2) })
	first := w.arrive(support)
	w.clock.Advance(time.Second)
	second := w.arrive(support)
	var mu sync.Mutex
	var done []store.Deed
	tried := 0
	work := func(do func(store.Deed) error) store.Work {
		return store.Work{Kind: store.Text, Parallel: 1, Longest: time.Second, Lane: func(store.Deed) string { return "all" },
			Do: func(_ context.Context, d store.Deed) (func(*store.Call) bool, error) {
				mu.Lock()
				defer mu.Unlock()
				return nil, do(d)
			}}
	}
	w.during(func(ctx context.Context) error {
		return w.s.Run(ctx, work(func(store.Deed) error { tried++; return errMine }))
	}, func() {
		left := map[string]bool{}
		for len(left) < 2 {
			if d := w.one(store.Text, first.ID); d.Doubt && d.Owner == "" {
				left[d.Left] = true
			}
			w.settle()
			w.clock.Advance(100 * millisecond)
		}
		other.during(func(ctx context.Context) error {
			return other.s.Run(ctx, work(func(d store.Deed) error { done = append(done, d); return nil }))
		}, func() { w.check(w.s.Settled(w.ctx, store.Text)) })
	})
	if len(done) != 2 || done[0].Call != first.ID || !done[0].Doubt || done[0].Left == "" || done[1].Call != second.ID || tried < 2 {
		w.Errorf("one tried %d times, the other did %+v", tried, done)
	}
}

// claimedAtStop: a claim is being written as its process ceases to do redirects. Another does it.
func claimedAtStop(w *world) {
	c := w.arrive(sales)
	ran, goOn := make(chan struct{}), make(chan struct{})
	w.keys.ran.Store(&[2]chan struct{}{ran, goOn})
	var answered sync.WaitGroup
	answered.Go(func() {
		v, _, err := w.s.Answer(w.ctx, store.Answer{ID: "take", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take})
		if err != nil || v.Result != store.Won {
			w.Errorf("%+v, %v", v, err)
		}
	})
	await(w, w.ctx, "the claim", ran)
	ctx, stop := context.WithCancel(w.ctx)
	stop()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.check(w.s.Run(ctx, store.Work{Kind: store.Redirect, Parallel: 1, Longest: time.Second}))
	}()
	select {
	case <-stopped: // too early
	case <-time.After(50 * millisecond):
	}
	close(goOn)
	await(w, w.ctx, "the end of the work", stopped)
	answered.Wait()
	if d := w.one(store.Redirect, c.ID); d.Owner != "" || d.Doubt {
		w.Errorf("it is left as %+v", d)
	}
}

func leftInOrder(w *world) {
	other := w.join()
	calls := []store.Call{other.ringing(), other.ringing(), other.ringing()}
	ctx, drain := context.WithCancel(w.ctx)
	defer drain()
	begun := 0
	w.check(other.s.Run(ctx, store.Work{Kind: store.Redirect, Parallel: 1, Longest: time.Second, Do: func(context.Context, store.Deed) (func(*store.Call) bool, error) {
		if begun++; begun == 1 {
			return nil, &store.Later{After: time.Minute}
		}
		drain()
		return nil, errMine
	}}))
	var doubt []store.Deed // of three one was tried, and one not done for certain
	for _, c := range calls {
		d := w.one(store.Redirect, c.ID)
		if d.Owner != "" {
			w.Errorf("left as %+v", d)
		}
		if d.Doubt {
			doubt = append(doubt, d)
		}
	}
	if len(doubt) != 1 || doubt[0].Left == "" {
		w.Errorf("in doubt: %+v", doubt)
	}
	if d := w.one(store.Redirect, other.ringing().ID); d.Owner != "" {
		w.Errorf("a redirect is reserved by a process that does none any more: %+v", d)
	}
	done := 0
	w.each(store.Redirect, func(store.Deed) { done++ })
	if done != 4 {
		w.Errorf("%d were done", done)
	}
	w.takes(func() {
		w.lives(2)
		w.check(other.s.Leave(w.ctx))
		w.eventually("the other says that it leaves", func() bool {
			all, err := w.s.Processes(w.ctx)
			w.check(err)
			return slices.ContainsFunc(all, func(p store.Process) bool { return p.Leaving })
		})
		third := w.join() // when it is known, the leave is
		w.lives(3)
		w.check(other.s.Close())
		w.lives(2)
		if len(w.s.Lost()) != 0 {
			w.Error("a process took its leave and ended, and something is taken for lost")
		}
		w.check(third.s.Close()) // without a word before
		await(w, w.ctx, "the end of the third", w.s.Lost())
		w.lives(1)
	})
	if asks := w.all("due/ask/"); len(asks) != 0 {
		w.Errorf("processes ended in order, and are missed: %q", asks)
	}
}

func diedLeaving(w *world) {
	other := w.join()
	w.takes(func() {
		w.lives(2)
		w.check(other.s.Leave(w.ctx))
		third := w.join() // when it is known, the leave is
		w.lives(3)
		other.kill()
		await(w, w.ctx, "the end of the other", w.s.Lost())
		if !w.s.LostHere() {
			w.Error("it is left to others to ask what got lost")
		}
		w.lives(2)
		w.check(third.s.Close())
	})
}

func servedBefore(w *world) {
	c := w.ringing()
	before := w.one(store.Redirect, c.ID)
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	go func() { _ = w.s.Alive(ctx) }()
	w.eventually("the time is written", func() bool { return w.all("meta/")["meta/alive"] != nil })
	other := w.join()
	if asks := w.all("due/ask/"); len(asks) != 0 || !other.s.LastSeen().IsZero() {
		w.Errorf("last seen %s; asked about are %q", other.s.LastSeen(), asks)
	}
	if d := w.one(store.Redirect, c.ID); d != before {
		w.Errorf("what another process has reserved became %+v", d)
	}
	all, err := w.s.Processes(w.ctx)
	if w.check(err); len(all) != 2 || all[0].PID == 0 || all[0].Since.IsZero() {
		w.Errorf("%+v", all)
	}
}

func begunAtOnce(w *world) {
	c := w.arrive(support)
	w.check(w.s.Close())
	one := w.shared.Open() // which has not come any further
	w.check(one.Register(w.ctx, "00000000000000000000000000", []byte("{}")))
	w.keys = newNudged(w.shared.Open())
	w.open()
	if d := w.one(store.Ask, c.ID); d.Owner != "" {
		w.Errorf("asked about: %+v", d)
	}
	w.check(one.Close())
}

// takenUpAgain: who took up what another had left died over it.
func takenUpAgain(w *world) {
	for most := range 6 {
		first, second := w.join(), w.join()
		c := first.ringing()
		first.kill()
		changes := 0
		hook := func() {}
		hook = func() {
			if changes++; changes > most {
				second.keys.full.Store(true)
			}
			second.keys.once.Store(&hook)
		}
		second.keys.once.Store(&hook)
		second.takes(func() {})
		second.kill()
		w.takes(func() {
			w.eventually("nobody's owner is left", func() bool { return len(w.all("owner/")) == 1 })
		})
		if d := w.one(store.Redirect, c.ID); d.Owner != "" || !d.Doubt {
			w.Errorf("after %d changes: %+v", most, d)
		}
		if ds := w.deeds(store.Ask, c.ID); len(ds) != 1 {
			w.Errorf("after %d changes: asked about as %+v", most, ds)
		}
	}
}

func outOfReach(w *world) {
	other := w.join()
	c := w.arrive(support)
	sent := func(sid string) outcome {
		return outcome{after: func(c *store.Call) bool {
			return c.Texted(store.SMSText{Person: "Bob", Attempt: 1, SID: sid, Status: store.TextQueued})
		}}
	}
	other.work(store.Text, func(jobs <-chan job) {
		slow := await(w, w.ctx, "the text", jobs)
		other.shared.Lose(other.backend())
		w.takes(func() { w.eventually("it is free", w.unowned(store.Text, c.ID)) })
		// Freed, not begun: the end of the other must leave it.
		slow.done <- sent("SMslow")
		other.awaitPause()
		if d := w.one(store.Text, c.ID); d.Owner != "" || !d.Doubt {
			w.Errorf("after the end of who was out of reach: %+v", d)
		}
		other.shared.Back(other.backend())
		other.takes(func() { w.eventually("both are owners", func() bool { return len(w.all("owner/")) == 2 }) })
		w.work(store.Text, func(mine <-chan job) {
			var j job // the two are quits again: either may have it
			select {
			case j = <-mine:
			case j = <-jobs:
			case <-w.ctx.Done():
				w.Fatal("nobody does it")
			}
			if !j.Doubt {
				w.Errorf("done again: %+v", j.Deed)
			}
			j.done <- sent("SM1")
			w.awaitDone(store.Text, c.ID)
		})
	})
	if c := w.is(c.ID, store.Waiting, ""); len(c.Texts) != 1 || c.Texts[0].SID != "SM1" {
		w.Errorf("recorded are %+v", c.Texts)
	}
}

func backAgain(w *world) {
	other := w.join()
	c := w.arrive(support)
	other.work(store.Text, func(jobs <-chan job) {
		slow := await(w, w.ctx, "the text", jobs)
		before := slow.Owner
		other.shared.Lose(other.backend())
		other.takes(func() {})             // it knows better
		other.shared.Back(other.backend()) // before anybody else took it for dead
		w.takes(func() {
			if d := w.one(store.Text, c.ID); d.Owner != before || len(w.deeds(store.Ask, c.ID)) != 0 {
				w.Errorf("taken from who is back: %+v", d)
			}
		})
		slow.done <- outcome{}
		w.awaitDone(store.Text, c.ID)
	})
	other.shared.Lose(other.backend())
	w.takes(func() { w.eventually("it is written off", func() bool { return len(w.all("owner/")) == 1 }) })
	other.shared.Back(other.backend())
	other.takes(func() { w.eventually("it is an owner anew", func() bool { return len(w.all("owner/")) == 2 }) })
	if d := w.one(store.Redirect, other.ringing().ID); d.Owner == "" {
		w.Errorf("it reserves nothing any more: %+v", d)
	}
}

func claimedOutOfReach(w *world) {
	other := w.join()
	other.shared.Lose(other.backend())
	w.takes(func() { w.eventually("it is written off", func() bool { return len(w.all("owner/")) == 1 }) })
	c := other.ringing() // whoever hears the answer commits it all the same
	if d := w.one(store.Redirect, c.ID); d.Owner != "" {
		w.Errorf("reserved by a process that may not: %+v", d)
	}
	w.work(store.Redirect, func(jobs <-chan job) {
		await(w, w.ctx, "the redirect", jobs).done <- outcome{}
		w.awaitDone(store.Redirect, c.ID)
	})
	other.work(store.Text, func(jobs <-chan job) {
		other.awaitPause()
		select {
		case j := <-jobs:
			w.Errorf("begun by a process that may not: %+v", j.Deed)
			j.done <- outcome{}
		default:
		}
	}, oneAtATime)
}

func backInTime(w *world) {
	other := w.join()
	c := other.ringing()
	before := w.one(store.Redirect, c.ID)
	other.shared.Lose(other.backend())
	back := func() { other.shared.Back(other.backend()) }
	w.keys.once.Store(&back) // it was gone as w looked
	w.takes(func() {})
	if d := w.one(store.Redirect, c.ID); d != before {
		w.Errorf("taken from who is back: %+v", d)
	}
	if left := w.all("owner/"); string(left["owner/"+before.Owner]) != "{}" {
		w.Errorf("owners: %q", left)
	}
}

// rungByOne: while one process has a phone rung, the texts turn out to be lost. Then it was time earlier: nobody else rings
// the same phone.
func rungByOne(w *world) {
	other := w.join()
	c := w.arrive(sales)
	w.clock.Advance(10 * second)
	w.work(store.RingUp, func(jobs <-chan job) {
		j := await(w, w.ctx, "the ringing", jobs)
		other.work(store.RingUp, func(others <-chan job) {
			for _, name := range []string{"Ann", "Bob", "Cy"} {
				w.text(c, name, "", store.TextFailed, 21610)
			}
			if d := w.one(store.RingUp, c.ID); d.Owner != j.Owner || d.Due.Equal(j.Due) {
				w.Errorf("rung as %+v, then due as %+v", j.Deed, d)
			}
			other.settle()
			select {
			case j := <-others:
				w.Errorf("rung by the other too: %+v", j.Deed)
				j.done <- outcome{}
			default:
			}
		})
		j.done <- outcome{} // it saw no time to ring
		j = await(w, w.ctx, "the ringing, at the new time", jobs)
		until := w.clock.Now().Add(minute)
		j.done <- outcome{after: func(c *store.Call) bool { return c.Rung(1, 1, "CA9", until) }}
		w.eventually("it rings", func() bool { return w.is(c.ID, store.Waiting, "").Ring.SID == "CA9" })
		if d := w.one(store.RingUp, c.ID); d.Owner != "" || d.Doubt || !d.Due.Equal(until) {
			w.Errorf("given up at %+v", d)
		}
	})
}

func eldest(w *world) {
	second := w.join()
	third := w.join()
	is := func(first, of *world, want bool) {
		w.Helper()
		if got, err := of.s.Eldest(w.ctx); err != nil || got != want {
			w.Errorf("the eldest: %t, %v", got, err)
		}
	}
	is(w, w, true)
	is(w, second, false)
	w.ok(w.s.HungUp(w.ctx, w.arrive(support).ID))
	c := w.openCalls()
	_, err := w.s.Forget(w.ctx, "+12085560001")
	if w.check(err); len(c) != 0 || len(w.all("gone/")) != 1 {
		w.Errorf("open are %+v, forgotten %q", c, w.all("gone/"))
	}
	w.check(w.s.Settled(w.ctx, store.Erase))
	w.done(store.Text, store.Draw)
	third.during(third.s.Retain, func() {
		if len(w.all("gone/")) != 1 {
			w.Error("the youngest works for all")
		}
		w.check(w.s.Close())
		second.kill()
		third.eventually("the last one works", func() bool { return len(third.all("gone/")) == 0 })
	})
	w.s, w.keys = third.s, third.keys
}

// wipedByOne: the eldest leaves it to whoever forgets, and of two who forget, the second waits.
func wipedByOne(w *world) {
	w.past()
	all := &compactions{}
	w.counts(all)
	second, third := w.join(), w.join()
	other := second.counts(all)
	third.counts(all)
	w.during(w.s.Retain, func() {
		var waits sync.WaitGroup
		other.swept = w.settle
		other.meanwhile = func() error {
			w.settle()
			n := w.clock.count()
			waits.Go(func() {
				if _, err := third.forget("+12085560001"); err != nil {
					w.Errorf("who waits: %v", err)
				}
			})
			w.clock.await(w, "the third waits", func() bool { return w.clock.timers > n })
			return nil
		}
		if f, err := second.forget(jane); err != nil || f.Calls != 30 {
			w.Errorf("%+v, %v", f, err)
		}
		waits.Wait()
		w.wipedBy(all, 1) // the third found nothing
	})
	w.check(errors.Join(second.s.Close(), third.s.Close()))
}

func wipedAfterDeath(w *world) {
	w.past()
	all := &compactions{}
	w.counts(all)
	second := w.join()
	dies := second.counts(all)
	w.during(w.s.Retain, func() {
		dies.meanwhile = func() error {
			w.settle()
			if all.times != 1 {
				w.Errorf("compacted %d times while somebody is at it", all.times)
			}
			w.shared.Kill(dies.Backend)
			return errMine
		}
		if _, err := second.forget(jane); !errors.Is(err, errMine) {
			w.Errorf("forgotten by the dead: %v", err)
		}
		w.advance(5 * time.Second)
		w.wipedBy(all, 2)
	})
}

// done has everything of some kinds done.
func (w *world) done(kinds ...store.Kind) {
	w.Helper()
	for _, kind := range kinds {
		newDoing().all(kind, []*world{w}, func() {})
	}
}

func rollingRestart(w *world) {
	d := newDoing()
	ws := []*world{w, w.join()}
	calls := 0
	for round := range 6 {
		old := ws[0]
		ws = append(ws[1:], w.join())
		d.all(store.Text, ws[:1], func() {
			for i := range 4 {
				calls++
				c := ws[i%2].arrive(support)
				w.check(ws[0].s.Settled(w.ctx, store.Text))
				ws[1].ok(ws[1].s.HungUp(w.ctx, c.ID))
			}
			w.check(old.s.Close())
		})
		if asks := ws[0].all("due/ask/"); len(asks) != 0 {
			w.Errorf("round %d: asked about are %q", round, asks)
		}
	}
	w.s, w.keys = ws[0].s, ws[0].keys
	slices.Sort(d.done)
	if len(d.done) != calls || len(slices.Compact(d.done)) != calls {
		w.Errorf("%d deeds were done of %d", len(d.done), calls)
	}
	w.check(errors.Join(ws[0].s.Close(), ws[1].s.Close()))
	w.keys = newNudged(w.reopen())
	w.open()
}
