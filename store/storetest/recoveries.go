package storetest

import (
	"errors"
	"reflect"
	"time"

	"pullphone/store"
)

var recoveries = []part[*world]{
	{"a restart asks about open calls", restartAsks},
	{"a restart doubts what was reserved", restartDoubts},
	{"a picture that was being drawn is in doubt after a crash", restartDoubtsPicture},
	{"a restart keeps every state", restartKeeps},
}

func restartAsks(w *world) {
	var calls []store.Call
	for _, s := range states {
		calls = append(calls, w.in(s))
	}
	w.restart()
	for _, c := range calls {
		ds := w.deeds(store.Ask, c.ID)
		if (len(ds) == 1) != c.Open() {
			w.Errorf("a call that is %s is asked about: %+v", c.State, ds)
		}
		for _, d := range ds {
			if !d.Due.Equal(w.clock.Now()) || d.Owner != "" || d.Doubt {
				w.Errorf("a call that is %s is asked about: %+v", c.State, d)
			}
		}
	}
}

func restartDoubts(w *world) {
	other := w.arrive(sales)
	c := w.ringing() // its redirect is reserved by the claim
	w.work(store.Text, func(jobs <-chan job) {
		for range 6 { // reserved, and never done
			await(w, w.ctx, "an SMS", jobs).done <- outcome{err: errors.New("no line")}
		}
	})

	before := w.one(store.Redirect, c.ID)
	doubts := func() (n int) {
		for _, d := range append(w.deeds(store.Text, c.ID), w.deeds(store.Text, other.ID)...) {
			if d.Owner != "" && d.Doubt {
				w.Errorf("owned and in doubt: %+v", d)
			}
			if d.Doubt {
				n++
			}
		}
		return n
	}
	if n := doubts(); n != 6 || before.Doubt { // the worker has ended, and leaves what it tried to others
		w.Errorf("%d SMS are in doubt, 6 were tried; the redirect is %+v", n, before)
	}
	w.restart()
	after := w.one(store.Redirect, c.ID)
	if after.Owner != "" || !after.Doubt || after.Left != before.Owner || !after.Due.Equal(before.Due) {
		w.Errorf("a redirect that was reserved is %+v", after)
	}
	if n := doubts(); n != 6 {
		w.Errorf("%d SMS are in doubt, 6 were reserved", n)
	}
	for _, d := range w.deeds(store.Draw, c.ID) { // nobody had reserved it
		if d.Doubt {
			w.Errorf("in doubt: %+v", d)
		}
	}

	// What was in doubt is done by the new process, and it is told of the doubt.
	w.work(store.Redirect, func(jobs <-chan job) {
		j := await(w, w.ctx, "the redirect", jobs)
		if !j.Doubt || j.Owner == "" || j.Owner == before.Owner {
			w.Errorf("the new process got %+v", j.Deed)
		}
		j.done <- outcome{}
		w.awaitDone(store.Redirect, c.ID)
	})
	w.restart()
	if ds := w.deeds(store.Redirect, c.ID); len(ds) != 0 {
		w.Errorf("what was done is due again: %+v", ds)
	}
}

// restartDoubtsPicture: the call's first Slack message is being posted, somebody wins meanwhile, and the process dies
// before it has recorded the post. The next one must look for a message before it posts another.
func restartDoubtsPicture(w *world) {
	c := w.arrive(sales)
	w.work(store.Draw, func(jobs <-chan job) {
		j := await(w, w.ctx, "the picture", jobs)
		w.wins(c, "Ann", store.Take)
		w.check(w.s.Close()) // the end of the post cannot be recorded any more
		j.done <- outcome{}
	})
	w.keys = newNudged(w.reopen())
	w.open()
	if d := w.one(store.Draw, c.ID); !d.Doubt || d.Rev != 2 || d.Owner != "" {
		w.Errorf("after the crash the picture is due as %+v", d)
	}
	// What happens before it is drawn takes nothing from the doubt; being drawn does.
	w.ok(w.s.HungUp(w.ctx, c.ID))
	w.work(store.Draw, func(jobs <-chan job) {
		j := await(w, w.ctx, "the picture", jobs)
		if !j.Doubt || j.Rev != 3 {
			w.Errorf("drawn after the crash: %+v", j.Deed)
		}
		_, err := w.s.RecordingReady(w.ctx, c.ID, "RE00000000000000000000000000000001", 5)
		w.check(err)
		j.done <- outcome{}
		if j = await(w, w.ctx, "the picture again", jobs); j.Doubt || j.Rev != 4 {
			w.Errorf("drawn again: %+v", j.Deed)
		}
		j.done <- outcome{}
		w.awaitDone(store.Draw, c.ID)
	})
}

func restartKeeps(w *world) {
	var before []store.Call
	for _, s := range states {
		w.clock.Advance(time.Second)
		before = append(before, w.in(s))
	}
	w.restart()
	for _, c := range before {
		if after, err := w.s.Call(w.ctx, c.ID); err != nil || !reflect.DeepEqual(after, c) {
			w.Errorf("%+v\nbecame, %v\n%+v", c, err, after)
		}
	}
	w.sound()
	w.during(w.s.Deadlines, func() {
		w.advance(2 * time.Minute)
		w.is(before[0].ID, store.Recording, "")
	})
}
