package storetest

import (
	"context"
	"time"

	"pullphone/store"
)

var mendings = []part[*world]{
	{"the last beat is read before the next", beats},
	{"until when something was looked for is kept", catchesUp},
	{"a message of an unknown call makes an ended call", leftMessage},
	{"a caller who is in no queue is asked for a message", outOfQueue},
	{"a call is asked about once", asksOnce},
	{"what is due of a kind can be waited for", settles},
	{"a caller between the queue and their document is known", moves},
	{"a recording that is being erased is known", erases},
	{"a late answer is told", toldLate},
	{"who waits in the queue already is never refused it", queuedAlready},
	{"who rings but is in the queue waits again", backInQueue},
}

func beats(w *world) {
	if _, err := w.s.SinceBeat(); err == nil || !w.s.LastSeen().IsZero() {
		w.Error("seen before the first beat")
	}
	first := w.clock.Now()
	w.alive(func() {
		w.clock.Advance(store.Beat - second)
		w.beaten(store.Beat - second)
		w.clock.Advance(second)
		w.beaten(0)
	})
	w.clock.Advance(minute)
	w.restart()
	if got := w.s.LastSeen(); !got.Equal(first.Add(store.Beat)) {
		w.Errorf("last seen %s, want %s", got, first.Add(store.Beat))
	}
}

// alive does something while the heart beats, once it has.
func (w *world) alive(do func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.s.Alive(ctx) }()
	w.beaten(0)
	do()
	cancel()
	w.check(await(w, w.ctx, "the heart stops", ended))
}

// beaten waits until the last beat is so long ago.
func (w *world) beaten(ago time.Duration) {
	w.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if age, err := w.s.SinceBeat(); err == nil && age == ago {
			return
		}
		select {
		case <-tick.C:
		case <-w.ctx.Done():
			w.Fatal("no beat")
		}
	}
}

func catchesUp(w *world) {
	until := func(want time.Time) {
		w.Helper()
		if at, err := w.s.CaughtUp(w.ctx, "texts"); err != nil || !at.Equal(want) {
			w.Errorf("caught up until %s, %v; want %s", at, err, want)
		}
	}
	until(w.clock.Now()) // nothing can have been missed before the first start
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	beat := w.clock.Now()
	w.alive(func() {})
	w.clock.Advance(time.Hour)
	w.restart()
	until(beat)
	w.check(w.s.CatchUp(w.ctx, "texts", beat.Add(minute)))
	if w.s.CatchUp(ctx, "texts", beat) == nil {
		w.Error("a change that was not made is none")
	}
	w.restart()
	until(beat.Add(minute))
	w.check(w.s.CatchUp(w.ctx, "texts", w.clock.Now().Add(time.Hour))) // before the clock was set back
	until(w.clock.Now())
}

func leftMessage(w *world) {
	later := w.arrive(sales)
	arrived, ended := w.clock.Now().Add(-time.Hour), w.clock.Now().Add(-59*minute)
	a := store.Arrival{SID: w.id("CA"), Line: sales, From: "+12085559999"}
	v := store.Voice{SID: "RE1", Seconds: 4}
	var c store.Call
	for range 2 {
		c = w.ok(w.s.LeftMessage(w.ctx, a, arrived, ended, v))
	}
	if c.State != store.Ended || c.Outcome != store.Voicemail || !c.Arrived.Equal(arrived) || !c.Stopped.Equal(ended) || len(c.Voice) != 1 || c.Rev != 1 {
		w.Errorf("%+v", c)
	}
	if c.ID >= later.ID {
		w.Error("it stands behind a call that came later")
	}
	if d := w.one(store.Post, c.ID); d.Whom != "RE1" || d.Line != sales {
		w.Errorf("due: %+v", d)
	}
	w.one(store.Draw, c.ID)
	for _, kind := range []store.Kind{store.Text, store.Lookup, store.Redirect, store.Ask} {
		if ds := w.deeds(kind, c.ID); len(ds) != 0 {
			w.Errorf("due: %+v", ds)
		}
	}
	if _, err := w.s.Last(w.ctx, sales, time.Time{}); err == nil {
		w.Error("an answer could be about a call of which nobody was told")
	}
	// Another of the same call.
	if c = w.ok(w.s.LeftMessage(w.ctx, a, arrived, ended, store.Voice{SID: "RE2", Seconds: 2})); len(c.Voice) != 2 || c.VoiceSeconds() != 6 {
		w.Errorf("%+v", c)
	}
	// One of a call that is known.
	known := w.ok(w.s.HungUp(w.ctx, later.ID))
	if c = w.ok(w.s.LeftMessage(w.ctx, store.Arrival{SID: known.SID, Line: sales}, arrived, ended, v)); c.ID != known.ID || c.Outcome != store.Voicemail {
		w.Errorf("%+v", c)
	}
}

func outOfQueue(w *world) {
	c := w.arrive(sales)
	if c = w.ok(w.s.OutOfQueue(w.ctx, c.ID, 2)); c.State != store.Waiting {
		w.Errorf("another attempt made it %s", c.State)
	}
	c = w.ok(w.s.OutOfQueue(w.ctx, c.ID, 1))
	if c.State != store.Recording || c.Claim.Via != store.ByRule || c.Fetched != 0 {
		w.Errorf("%+v", c)
	}
	if d := w.one(store.Redirect, c.ID); !d.Doubt || d.Owner != "" {
		w.Errorf("due: %+v", d)
	}
	for _, s := range states[1:] {
		c := w.in(s)
		if after := w.ok(w.s.OutOfQueue(w.ctx, c.ID, 1)); after.State != c.State || after.Rev != c.Rev {
			w.Errorf("a call that is %s became %s", c.State, after.State)
		}
	}
}

func asksOnce(w *world) {
	for _, s := range states {
		c := w.in(s)
		before := len(w.deeds(store.Ask, c.ID))
		for i := range 2 {
			asked, err := w.s.AskAbout(w.ctx, c.ID)
			if w.check(err); asked != (s == store.Waiting && i == 0) {
				w.Errorf("%s, time %d: asked is %v", s, i, asked)
			}
		}
		if s == store.Waiting {
			if d := w.one(store.Ask, c.ID); !d.Due.Equal(w.clock.Now()) {
				w.Errorf("due: %+v", d)
			}
		} else if len(w.deeds(store.Ask, c.ID)) != before {
			w.Errorf("a call that is %s is asked about", s)
		}
	}
}

func settles(w *world) {
	w.check(w.s.Settled(w.ctx, store.Ask))
	c := w.arrive(sales)
	_, err := w.s.AskAbout(w.ctx, c.ID)
	w.check(err)
	ended := make(chan error, 1)
	go func() { ended <- w.s.Settled(w.ctx, store.Ask) }()
	w.work(store.Ask, func(jobs <-chan job) {
		j := await(w, w.ctx, "the question", jobs)
		select {
		case err := <-ended:
			w.Errorf("settled before it is done: %v", err)
		default:
		}
		j.done <- outcome{}
		w.check(await(w, w.ctx, "it is settled", ended))
	})
	later := w.recording()
	w.ok(w.s.HungUp(w.ctx, later.ID)) // to be asked about in some seconds
	w.check(w.s.Settled(w.ctx, store.Ask))
	_, err = w.s.AskAbout(w.ctx, c.ID)
	w.check(err)
	ctx, cancel := context.WithCancel(w.ctx)
	if cancel(); w.s.Settled(ctx, store.Ask) == nil {
		w.Error("settled although it is not done")
	}
}

func moves(w *world) {
	moving := func(want bool) {
		w.Helper()
		if is, err := w.s.Moving(w.ctx); err != nil || is != want {
			w.Errorf("moving is %v, %v", is, err)
		}
	}
	w.arrive(sales)
	moving(false)
	c := w.ringing()
	moving(false) // not pulled out yet
	w.work(store.Redirect, func(jobs <-chan job) {
		await(w, w.ctx, "the redirect", jobs).done <- outcome{}
		w.awaitDone(store.Redirect, c.ID)
	})
	moving(true)
	w.ok(w.s.Fetched(w.ctx, c.ID, 1))
	moving(false)
}

func erases(w *world) {
	erasing, kept := w.arrive(sales), w.arrive(sales)
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
		tx.Put(store.Deed{Kind: store.Erase, Call: erasing.ID, Whom: erasing.SID}.Key(), []byte("{}"))
		return nil
	}))
	for sid, want := range map[string]bool{erasing.SID: true, kept.SID: false, "CAunknown": false} {
		if is, err := w.s.Erasing(w.ctx, sid); err != nil || is != want {
			w.Errorf("%s: %v, %v", sid, is, err)
		}
	}
}

func toldLate(w *world) {
	for _, late := range []bool{false, true} {
		c := w.arrive(sales)
		a := store.Answer{ID: w.id("answer"), Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take, Late: late}
		_, _, err := w.s.Answer(w.ctx, a)
		w.check(err)
		if ds := w.deeds(store.Tell, c.ID); len(ds) > 0 != late {
			w.Errorf("late %v: due %+v", late, ds)
		}
	}
}

func queuedAlready(w *world) {
	const office = "+12085550150"
	for i := range 5 {
		c := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: sales, From: office, Queued: i > 2}))
		if c.State != store.Waiting || c.Short {
			w.Errorf("call %d: %+v", i, c)
		}
	}
	if c := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: sales, From: office})); c.State != store.Recording || !c.Short {
		w.Errorf("one that has just come in: %+v", c)
	}
}

func backInQueue(w *world) {
	is := func(c store.Call, want bool) {
		w.Helper()
		if news, err := w.s.BackInQueue(w.ctx, c.ID); err != nil || news != want {
			w.Errorf("%v, %v", news, err)
		}
	}
	c := w.ringing()
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
		tx.Delete(store.Deed{Kind: store.Redirect, Call: c.ID, Attempt: 1}.Key())
		return nil
	}))
	is(c, false) // they may be on their way
	other := w.ringing()
	w.clock.Advance(minute)
	is(other, false) // they are yet to be pulled out
	is(c, true)
	if now := w.is(c.ID, store.Waiting, ""); now.Attempt != 2 || now.Claim != nil || len(now.Tries) != 1 {
		w.Errorf("%+v", now)
	}
	is(c, false)
}
