package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"pullphone/store"
)

var works = []part[*world]{
	{"a deed is reserved, done, and gone", deedDone},
	{"what a deed changes is shown", deedChanges},
	{"a change wakes the worker", deedWakes},
	{"so many at once and no more", parallel},
	{"a second try counts among so many", parallelAgain},
	{"a lane keeps its order", laneOrder},
	{"a lane keeps its order in a hurry", laneStress},
	{"a deed is not done twice", doneOnce},
	{"a dead lane holds up no other", deadLane},
	{"a failure is tried again later", triedAgain},
	{"pauses grow, up to the longest", pausesGrow},
	{"later means then", triedLater},
	{"what only waits its turn has not failed", notYet},
	{"what is due later waits", dueLater},
	{"a picture says whether it is the first, and of a call that waits", drawnWhich},
	{"a picture asked for meanwhile is drawn again", drawnAgain},
	{"what was begun is finished at the end", finishedAtEnd},
	{"a deed that cannot be read holds up no other", deedBesideDamage},
	{"what was done is not done again because the store was full", doneWhileFull},
	{"nor because it was out of reach", doneWhileAway},
}

func deedDone(w *world) {
	c := w.arrive(support)
	w.work(store.Text, func(jobs <-chan job) {
		j := await(w, w.ctx, "the SMS", jobs)
		d := w.one(store.Text, c.ID)
		if d != j.Deed || d.Owner == "" || d.Whom != "Bob" || d.Attempt != 1 {
			w.Errorf("done: %+v, reserved: %+v", j.Deed, d)
		}
		w.settle()
		select {
		case j := <-jobs:
			w.Errorf("begun twice: %+v", j.Deed)
		default:
		}
		j.done <- outcome{}
		w.awaitDone(store.Text, c.ID)
		w.settle()
	})
	if c := w.is(c.ID, store.Waiting, ""); c.Rev != 1 {
		w.Errorf("revision %d", c.Rev)
	}
}

func deedChanges(w *world) {
	for _, seen := range []bool{false, true} {
		c := w.arrive(support)
		w.work(store.Text, func(jobs <-chan job) {
			await(w, w.ctx, "the SMS", jobs).done <- outcome{after: func(c *store.Call) bool {
				c.Undone = []store.Undone{{Kind: store.Text, Person: "Bob", Why: "landline"}}
				return seen
			}}
			w.awaitDone(store.Text, c.ID)
		})
		now := w.is(c.ID, store.Waiting, "")
		if len(now.Undone) != 1 || (now.Rev == 2) != seen || (w.one(store.Draw, c.ID).Rev == 2) != seen {
			w.Errorf("to be seen: %t, revision %d, %+v", seen, now.Rev, now.Undone)
		}
		w.sound()
	}
	// It may change a call that has ended.
	c := w.arrive(support)
	w.ok(w.s.HungUp(w.ctx, c.ID))
	w.work(store.Draw, func(jobs <-chan job) {
		for range 3 {
			await(w, w.ctx, "a picture", jobs).done <- outcome{after: func(c *store.Call) bool {
				c.Message = store.Message{Channel: "C1", TS: "1.2", Rev: c.Rev}
				return false
			}}
		}
		w.awaitDone(store.Draw, c.ID)
	})
	if c := w.is(c.ID, store.Ended, store.Missed); c.Message.TS != "1.2" || c.Message.Rev != c.Rev {
		w.Errorf("message %+v", c.Message)
	}
}

// deedWakes relies on the backend's hints alone.
func deedWakes(w *world) {
	w.work(store.Text, func(jobs <-chan job) {
		for range 20 {
			c := w.arrive(support)
			await(w, w.ctx, "its SMS", jobs).done <- outcome{}
			w.awaitDone(store.Text, c.ID)
			w.ok(w.s.HungUp(w.ctx, c.ID))
		}
	})
}

func triedAgain(w *world) {
	c := w.arrive(support)
	w.work(store.Text, func(jobs <-chan job) {
		owner := ""
		for i := range 5 {
			j := await(w, w.ctx, "a try", jobs)
			if owner == "" {
				owner = j.Owner
			}
			if d := w.one(store.Text, c.ID); d.Owner != owner || d.Doubt {
				w.Errorf("try %d: %+v", i, d)
			}
			if j.Doubt != (i > 0) { // the try before ended without a word
				w.Errorf("try %d: in doubt %t", i, j.Doubt)
			}
			j.done <- outcome{err: errMine}
			w.awaitPause()
			select {
			case <-jobs:
				w.Error("tried again at once")
			default:
			}
			w.advance(12 * time.Second) // the longest pause, and half of it by chance
		}
		await(w, w.ctx, "the last try", jobs).done <- outcome{}
		w.awaitDone(store.Text, c.ID)
		w.settle()
	})
}

// awaitPause waits until a deed that failed has its next try planned.
func (w *world) awaitPause() {
	w.Helper()
	w.clock.await(w, "a timer for the next try", func() bool {
		d := w.clock.next.Sub(w.clock.Now())
		return d > 0 && d < time.Hour
	})
}

// pausesGrow fails many times: each pause is half to one and a half of 0.5 s, 1 s, 2 s and so on, and never beyond the
// longest.
func pausesGrow(w *world) {
	w.arrive(support)
	const longest = 5 * time.Second
	w.work(store.Text, func(jobs <-chan job) {
		j := await(w, w.ctx, "the first try", jobs)
		for i := range 25 {
			j.done <- outcome{err: errMine}
			w.awaitPause()
			before := w.clock.Now()
			pause := w.clock.next.Sub(before)
			base := min(500*time.Millisecond<<min(i, 10), longest)
			if pause < base/2 || pause > min(base*3/2, longest) {
				w.Errorf("pause %d is %s", i, pause)
			}
			w.advance(longest)
			j = await(w, w.ctx, fmt.Sprint("try ", i+2), jobs)
		}
		j.done <- outcome{}
	}, func(work *store.Work) { work.Longest = longest })
}

func triedLater(w *world) {
	w.arrive(support)
	w.work(store.Text, func(jobs <-chan job) {
		wrapped := fmt.Errorf("sent too fast: %w", &store.Later{After: 90 * time.Second, Err: errMine})
		if !errors.Is(wrapped, errMine) {
			w.Error("Later hides its error")
		}
		await(w, w.ctx, "the first try", jobs).done <- outcome{err: wrapped}
		w.clock.await(w, "a timer for the next try", func() bool { return w.clock.next.Equal(began.Add(90 * time.Second)) })
		w.advance(90*time.Second - time.Millisecond)
		w.advance(time.Millisecond)
		j := await(w, w.ctx, "the next try", jobs)
		if !j.at.Equal(began.Add(90 * time.Second)) {
			w.Errorf("tried again at %s", j.at)
		}
		j.done <- outcome{}
	})
}

// notYet: a try that was not its turn comes again at the time; nothing is doubted or logged because of
// it, and the pauses of true failures do not grow.
func notYet(w *world) {
	w.arrive(support)
	w.work(store.Text, func(jobs <-chan job) {
		at := began
		for range 10 {
			await(w, w.ctx, "a try", jobs).done <- outcome{err: &store.Later{After: 300 * time.Millisecond}}
			at = at.Add(300 * time.Millisecond)
			w.clock.await(w, "a timer for the next try", func() bool { return w.clock.next.Equal(at) })
			w.advance(300 * time.Millisecond)
		}
		j := await(w, w.ctx, "its turn", jobs)
		if j.Doubt || !j.at.Equal(at) {
			w.Errorf("after its waits: %+v at %s", j.Deed, j.at)
		}
		j.done <- outcome{err: &store.Later{Err: errMine}} // it failed before it could have been done
		w.awaitPause()
		if pause := w.clock.next.Sub(at); pause > 750*time.Millisecond {
			w.Errorf("the first pause is %s", pause)
		}
		w.advance(750 * time.Millisecond)
		if j = await(w, w.ctx, "the last try", jobs); j.Doubt {
			w.Error("in doubt, though it was certainly not done")
		}
		j.done <- outcome{}
	})
}

func drawnWhich(w *world) {
	c := w.arrive(support)
	which := func(what string, first, waiting bool) {
		w.Helper()
		if d := w.one(store.Draw, c.ID); d.First != first || d.Waiting != waiting {
			w.Errorf("%s: %+v", what, d)
		}
	}
	which("arrived", true, true)
	w.work(store.Draw, func(jobs <-chan job) {
		j := await(w, w.ctx, "the picture", jobs)
		c = w.wins(c, "Bob", store.Take)
		which("taken while it is drawn", true, false)
		j.done <- outcome{after: func(c *store.Call) bool {
			c.Message.TS = "1.2"
			return false
		}}
		j = await(w, w.ctx, "the picture again", jobs)
		which("drawn once", false, false)
		j.done <- outcome{}
		w.awaitDone(store.Draw, c.ID)
	})
	w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	which("waiting again", false, true)
}

func dueLater(w *world) {
	w.lookUp()
	c := w.arrive(support) // its announcement waits for the name
	w.work(store.Text, func(jobs <-chan job) {
		w.clock.await(w, "a timer for it", func() bool { return w.clock.next.Equal(began.Add(nameWait)) })
		known := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: "CA-known", Line: support, From: "+12085558888", Name: "Dee"}))
		j := await(w, w.ctx, "an SMS that waits for nothing", jobs) // it is let by, even in one lane
		if j.Call != known.ID || !j.at.Equal(began) {
			w.Errorf("told of %s at %s", j.Call, j.at)
		}
		j.done <- outcome{}
		w.awaitDone(store.Text, known.ID)
		w.advance(nameWait - time.Millisecond)
		w.advance(time.Millisecond)
		j = await(w, w.ctx, "the SMS that waited", jobs)
		if j.Call != c.ID || !j.at.Equal(began.Add(nameWait)) {
			w.Errorf("told of %s at %s", j.Call, j.at)
		}
		j.done <- outcome{}
	}, byPerson)
}

func drawnAgain(w *world) {
	c := w.arrive(support)
	w.work(store.Draw, func(jobs <-chan job) {
		j := await(w, w.ctx, "the picture", jobs)
		if j.Rev != 1 {
			w.Errorf("drawn at revision %d", j.Rev)
		}
		c = w.wins(c, "Bob", store.Take)
		w.ok(w.s.HungUp(w.ctx, c.ID))
		w.settle()
		select {
		case <-jobs:
			w.Error("a picture was drawn twice at once")
		default:
		}
		j.done <- outcome{after: func(c *store.Call) bool {
			c.Message.Rev = 1
			return false
		}}
		j = await(w, w.ctx, "the picture again", jobs)
		if j.Rev != 3 {
			w.Errorf("drawn again at revision %d, want only the newest", j.Rev)
		}
		j.done <- outcome{}
		w.awaitDone(store.Draw, c.ID)
		w.settle()
		select {
		case <-jobs:
			w.Error("drawn a third time")
		default:
		}
	})
	if c := w.is(c.ID, store.Ended, store.Missed); c.Message.Rev != 1 || c.Rev != 3 {
		w.Errorf("%+v", c)
	}
}

func finishedAtEnd(w *world) {
	c, next := w.arrive(support), w.arrive(support)
	ctx, cancel := context.WithCancel(w.ctx)
	begun, release, ended := make(chan error, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- w.s.Run(ctx, store.Work{Kind: store.Text, Parallel: 1, Longest: time.Second,
			Do: func(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
				begun <- nil
				<-release
				return nil, ctx.Err() // it is not cut off
			}})
	}()
	await(w, w.ctx, "the first begins", begun)
	cancel()
	select {
	case <-ended:
		w.Error("Run ended while a deed was under way")
	default:
	}
	close(release)
	w.check(await(w, w.ctx, "Run ends", ended))
	if n := len(w.deeds(store.Text, c.ID)); n != 0 {
		w.Error("what was finished at the end is still due")
	}
	if d := w.one(store.Text, next.ID); d.Owner != "" {
		w.Errorf("begun after the end: %+v", d)
	}
}

func deedBesideDamage(w *world) {
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
		tx.Put("due/sms/0", []byte("{"))
		return nil
	}))
	w.work(store.Text, func(jobs <-chan job) {
		c, err := w.s.Arrive(w.ctx, store.Arrival{SID: "CA1", Line: support})
		w.check(err)
		await(w, w.ctx, "an SMS", jobs).done <- outcome{}
		for _, left := w.all("due/sms/")["due/sms/"+string(c.ID)+"/Bob/1"]; left; _, left = w.all("due/sms/")["due/sms/"+string(c.ID)+"/Bob/1"] {
			w.settle()
		}
	})
}

func doneWhileFull(w *world) { doneWhile(w, &w.keys.full) }

func doneWhileAway(w *world) { doneWhile(w, &w.keys.away) }

// doneWhile does what is due while that cannot be recorded.
func doneWhile(w *world, fault *atomic.Bool) {
	c := w.arrive(support)
	w.work(store.Draw, func(jobs <-chan job) {
		j := await(w, w.ctx, "the picture", jobs)
		fault.Store(true)
		j.done <- outcome{after: func(c *store.Call) bool {
			c.Message = store.Message{Channel: "C1", TS: "1.2", Rev: j.Rev}
			return false
		}}
		for range 5 {
			w.awaitPause()
			w.keys.nudge()
			w.advance(12 * second)
		}
		select {
		case <-jobs:
			w.Error("drawn again, though only the record of it was missing")
		default:
		}
		fault.Store(false)
		c = w.ok(w.s.HungUp(w.ctx, c.ID)) // another picture is due, which has not been drawn
		w.advance(12 * second)
		j = await(w, w.ctx, "the next picture", jobs)
		if now := w.is(c.ID, store.Ended, store.Missed); now.Message.TS != "1.2" || now.Message.Rev != 1 || j.Rev != c.Rev {
			w.Errorf("recorded: %+v, drawn next: %+v", now.Message, j.Deed)
		}
		j.done <- outcome{}
		w.awaitDone(store.Draw, c.ID)
	})
}
