package storetest

import (
	"context"
	"reflect"
	"time"

	"pullphone/store"
)

var names = []part[*world]{
	{"announcements wait for a name, a little", waitingForName},
	{"a name lets announcements go", nameHastens},
	{"a name that comes late", lateName},
	{"no name to look up", noLookup},
}

const nameWait = 1500 * time.Millisecond

func waitingForName(w *world) {
	w.lookUp()
	c := w.arrive(sales)
	if !c.Naming {
		w.Fatal("no name is looked up")
	}
	w.one(store.Lookup, c.ID)
	w.dueAt(c, began.Add(nameWait))
	w.clock.Advance(100 * time.Millisecond)
	// Somebody passes, the queue gets known: the announcements go when they would have.
	w.says(c, "Ann", store.BySMS, store.Pass)
	w.ok(w.s.Queued(w.ctx, c.ID, c.Attempt, "QU1"))
	w.dueAt(c, began.Add(nameWait))
	// Once somebody has won the picture waits for nothing.
	c = w.wins(c, "Bob", store.Take)
	if d := w.one(store.Draw, c.ID); !d.Due.Equal(w.clock.Now()) || d.Rev != c.Rev {
		w.Errorf("the picture of a claimed call is due at %s", d.Due)
	}
}

// lookUp makes names be looked up from here on.
func (w *world) lookUp() {
	w.team.Lookup = true
	w.restart()
}

// dueAt checks when the announcements of a call are due.
func (w *world) dueAt(c store.Call, at time.Time) {
	w.Helper()
	ds := append(w.deeds(store.Text, c.ID), w.one(store.Draw, c.ID))
	if len(ds) != 4 {
		w.Errorf("%d announcements", len(ds))
	}
	for _, d := range ds {
		if !d.Due.Equal(at) {
			w.Errorf("%s to %q is due at %s, want %s", d.Kind, d.Whom, d.Due, at)
		}
	}
}

func nameHastens(w *world) {
	w.lookUp()
	for _, name := range []string{"Dee Doe", ""} {
		c := w.arrive(sales)
		w.dueAt(c, w.clock.Now().Add(nameWait))
		w.clock.Advance(200 * time.Millisecond)
		w.check(w.s.Named(w.ctx, c.ID, name))
		w.dueAt(c, w.clock.Now())
		named := w.is(c.ID, store.Waiting, "")
		if named.Name != name || named.Naming || (named.Rev > c.Rev) != (name != "") {
			w.Errorf("named %q: %+v", name, named)
		}
		w.clock.Advance(time.Second)
		w.check(w.s.Named(w.ctx, c.ID, name)) // again
		if again := w.is(c.ID, store.Waiting, ""); !reflect.DeepEqual(again, named) {
			w.Errorf("named %q again: %+v", name, again)
		}
	}
}

func lateName(w *world) {
	w.lookUp()
	for _, s := range states {
		c := w.in(s)
		w.clock.Advance(3 * time.Second)
		w.check(w.s.Named(w.ctx, c.ID, "Dee Doe"))
		now, err := w.s.Call(w.ctx, c.ID)
		if w.check(err); now.Name != "Dee Doe" || now.State != s || now.Rev != c.Rev+1 {
			w.Errorf("%s: named late: %+v", s, now)
		}
		if d := w.one(store.Draw, c.ID); d.Rev != now.Rev || d.Due.After(w.clock.Now()) {
			w.Errorf("%s: the picture is due as %+v", s, d)
		}
		w.sound()
	}
}

func noLookup(w *world) {
	w.lookUp()
	for _, a := range []store.Arrival{{SID: "CA1", Line: sales}, {SID: "CA2", Line: sales, From: "+12085559999", Name: "Dee"}} {
		c := w.ok(w.s.Arrive(w.ctx, a))
		if c.Naming || len(w.deeds(store.Lookup, c.ID)) != 0 {
			w.Errorf("%+v is looked up", a)
		}
		w.dueAt(c, w.clock.Now())
	}
}

var deadlines = []part[*world]{
	{"nobody answers in time", maxWait},
	{"an arrival wakes the loop", deadlineWakes},
	{"a claim that leads nowhere is asked about", claimExpires},
	{"a record that cannot be read holds up no other", deadlineBesideDamage},
}

func maxWait(w *world) {
	w.during(w.s.Deadlines, func() {
		first := w.arrive(sales)
		w.advance(30 * time.Second)
		second, third := w.arrive(sales), w.arrive(support) // due at 2m30s and 1m30s
		w.advance(time.Minute - time.Millisecond)
		w.is(third.ID, store.Waiting, "")
		w.advance(time.Millisecond)
		w.is(third.ID, store.Recording, "")
		w.advance(30*time.Second - time.Millisecond)
		w.is(first.ID, store.Waiting, "")
		w.advance(time.Millisecond)
		c := w.is(first.ID, store.Recording, "")
		if c.Claim.Via != store.ByRule || c.Claim.Word != store.SendVoicemail || c.Claim.Person != "" || !c.Claim.At.Equal(w.clock.Now()) || c.Rev != 2 {
			w.Errorf("claim %+v", c.Claim)
		}
		if d := w.one(store.Redirect, c.ID); d.Attempt != 1 || d.Owner == "" {
			w.Errorf("redirect %+v", d)
		}
		if got := c.Waited(w.clock.Now()); got != 2*time.Minute {
			w.Errorf("waited %s", got)
		}
		w.is(second.ID, store.Waiting, "")
		if v, _ := w.says(first, "Ann", store.BySMS, store.Take); v.Result != store.TooLate || v.First.Via != store.ByRule {
			w.Errorf("an answer to it came to %+v", v)
		}
		w.sound()
	})
}

// deadlineWakes relies on the backend's hints alone.
func deadlineWakes(w *world) {
	w.during(w.s.Deadlines, func() {
		c := w.arrive(sales)
		w.clock.await(w, "a timer for the call's deadline", func() bool { return w.clock.next.Equal(c.Deadline) })
		w.clock.Advance(30 * time.Second)
		c = w.wins(c, "Ann", store.Take)
		w.clock.await(w, "a timer for its next deadline", func() bool { return w.clock.next.Equal(c.Deadline) })
	})
}

func claimExpires(w *world) {
	for _, c := range []struct {
		s            store.State
		first, again time.Duration
	}{
		{store.Ringing, 95 * time.Second, time.Minute},
		{store.Talking, 10 * time.Minute, 10 * time.Minute},
		{store.Recording, 6 * time.Minute, time.Minute},
	} {
		call := w.in(c.s)
		w.during(w.s.Deadlines, func() {
			w.advance(c.first - time.Millisecond)
			if ds := w.deeds(store.Ask, call.ID); len(ds) != 0 {
				w.Errorf("%s: asked too early", c.s)
			}
			w.advance(time.Millisecond)
			for range 3 {
				if d := w.one(store.Ask, call.ID); !d.Due.Equal(w.clock.Now()) {
					w.Errorf("%s: asked at %s", c.s, d.Due)
				}
				if now := w.is(call.ID, c.s, ""); now.Rev != call.Rev || !now.Deadline.Equal(w.clock.Now().Add(c.again)) {
					w.Errorf("%s: asked again at %s, revision %d", c.s, now.Deadline, now.Rev)
				}
				w.sound()
				w.advance(c.again)
			}
		})
		w.ok(w.s.Found(w.ctx, call.ID, store.Facts{}))
	}
}

func deadlineBesideDamage(w *world) {
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
		tx.Put("open/00000000000000000000000000", []byte("{"))
		tx.Put("at/20260302T090100.000/00000000000000000000000000", nil)
		return nil
	}))
	c, err := w.s.Arrive(w.ctx, store.Arrival{SID: "CA1", Line: sales})
	w.check(err)
	w.during(w.s.Deadlines, func() {
		w.advance(2 * time.Minute)
		w.is(c.ID, store.Recording, "")
	})
	w.check(w.keys.Update(context.Background(), func(tx store.Tx) error {
		tx.Delete("open/00000000000000000000000000")
		tx.Delete("at/20260302T090100.000/00000000000000000000000000")
		return nil
	}))
}
