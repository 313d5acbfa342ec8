package storetest

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pullphone/store"
)

func parallel(w *world) {
	for range 4 {
		w.arrive(sales) // three SMS each
	}
	w.work(store.Text, func(jobs <-chan job) {
		var begun []job
		for left := 12; left > 0; left -= 3 {
			for range 3 {
				begun = append(begun, await(w, w.ctx, "a deed", jobs))
			}
			w.settle()
			select {
			case <-jobs:
				w.Fatal("a fourth was begun beside three")
			default:
			}
			for _, j := range begun {
				j.done <- outcome{}
			}
			begun = nil
		}
	}, func(work *store.Work) { work.Parallel = 3 })
	if w.busiest != 3 {
		w.Errorf("%d were under way at once", w.busiest)
	}
	if n := len(w.all("due/sms/")); n != 0 {
		w.Errorf("%d are still due", n)
	}
}

// parallelAgain: a second try that comes due while another deed is under way has to wait for it, too.
func parallelAgain(w *world) {
	first, second := w.arrive(support), w.arrive(support)
	w.work(store.Text, func(jobs <-chan job) {
		await(w, w.ctx, "the first", jobs).done <- outcome{err: &store.Later{After: 10 * time.Second, Err: errMine}}
		j := await(w, w.ctx, "the second", jobs)
		w.advance(10 * time.Second)
		j.done <- outcome{}
		w.awaitDone(store.Text, second.ID)
		await(w, w.ctx, "the first again", jobs).done <- outcome{}
		w.awaitDone(store.Text, first.ID)
	}, func(work *store.Work) { work.Parallel = 1 })
	if w.busiest != 1 {
		w.Errorf("%d were under way at once", w.busiest)
	}
}

func byPerson(work *store.Work) { work.Lane = func(d store.Deed) string { return d.Whom } }

func laneOrder(w *world) {
	var calls []store.CallID
	for range 4 {
		calls = append(calls, w.arrive(sales).ID)
	}
	w.work(store.Text, func(jobs <-chan job) {
		for i := range calls {
			round := map[string]job{}
			for range 3 {
				j := await(w, w.ctx, "an SMS", jobs)
				if round[j.Whom] = j; j.Call != calls[i] {
					w.Errorf("%s was told of %s in place %d", j.Whom, j.Call, i)
				}
			}
			w.settle()
			select {
			case <-jobs:
				w.Error("two of one lane at once")
			default:
			}
			if len(round) != 3 {
				w.Fatalf("the lanes were %v", round)
			}
			for _, j := range round {
				j.done <- outcome{}
			}
		}
	}, byPerson)
	if w.busiest != 3 {
		w.Errorf("%d were under way at once in three lanes", w.busiest)
	}
}

// laneStress does deeds as fast as they come, so that lanes get free while the worker looks for more.
func laneStress(w *world) {
	const n = 60
	var mu sync.Mutex
	seen := map[string][]store.CallID{}
	all := make(chan struct{})
	var calls []store.CallID
	for range n {
		c := w.arrive(sales)
		calls = append(calls, c.ID)
		w.ok(w.s.HungUp(w.ctx, c.ID)) // or too many would wait for an SMS about each
	}
	count := 0
	work := store.Work{Kind: store.Text, Parallel: 3, Longest: time.Second, Lane: func(d store.Deed) string { return d.Whom },
		Do: func(_ context.Context, d store.Deed) (func(*store.Call) bool, error) {
			mu.Lock()
			defer mu.Unlock()
			seen[d.Whom] = append(seen[d.Whom], d.Call)
			if count++; count == 3*n {
				close(all)
			}
			return nil, nil
		}}
	w.during(func(ctx context.Context) error { return w.s.Run(ctx, work) }, func() { await(w, w.ctx, "all SMS", all) })
	for person, got := range seen {
		for i, id := range got {
			if i >= len(calls) || id != calls[i] {
				w.Errorf("%s was told %d times; of call %d in place %d", person, len(got), slices.Index(calls, id), i)
				break
			}
		}
	}
}

// doneOnce lets a deed end while the worker looks at a picture of what is due that is older than that end.
func doneOnce(w *world) {
	w.lookUp()
	first := w.arrive(support) // waits for its name; looked at before the other in each round
	second := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: "CA-known", Line: support, From: "+12085558888", Name: "Dee"}))
	looked, resume := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	w.work(store.Text, func(jobs <-chan job) {
		j := await(w, w.ctx, "an SMS", jobs)
		armed.Store(true)
		w.keys.nudge()
		await(w, w.ctx, "the worker looks", looked)
		j.done <- outcome{}
		w.awaitDone(store.Text, second.ID)
		for range 1000 {
			runtime.Gosched()
		}
		close(resume)
		w.settle()
		w.settle()
		select {
		case j := <-jobs:
			w.Errorf("done twice: %+v", j.Deed)
			j.done <- outcome{}
		default:
		}
	}, func(work *store.Work) {
		work.Lane = func(d store.Deed) string {
			if d.Call == first.ID && armed.CompareAndSwap(true, false) {
				looked <- struct{}{}
				<-resume
			}
			return string(d.Call)
		}
	})
}

func deadLane(w *world) {
	first, second := w.arrive(sales), w.arrive(sales)
	w.work(store.Text, func(jobs <-chan job) {
		dead, told := 0, 0
		for told < 4 {
			j := await(w, w.ctx, "an SMS", jobs)
			if j.Whom == "Ann" {
				dead++
				j.done <- outcome{err: &store.Later{After: 50 * time.Minute, Err: errMine}}
				continue
			}
			told++
			j.done <- outcome{}
		}
		w.awaitPause()
		if dead != 1 {
			w.Errorf("Ann was tried %d times", dead)
		}
		// Her first keeps its place before her second.
		w.advance(50 * time.Minute)
		for _, c := range []store.Call{first, second} {
			j := await(w, w.ctx, "Ann's SMS", jobs)
			if j.Doubt { // Later is said of what was certainly not done
				w.Error("her SMS is in doubt")
			}
			if j.Whom != "Ann" || j.Call != c.ID {
				w.Errorf("%s was told of %s, want %s", j.Whom, j.Call, c.ID)
			}
			j.done <- outcome{}
		}
	}, byPerson)
}
