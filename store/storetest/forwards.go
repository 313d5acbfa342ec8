package storetest

import (
	"reflect"
	"testing"

	"pullphone/store"
)

var forwards = []part[*world]{
	{"forwarded, and reached", forwardReached},
	{"forwarded, and not reached", forwardUnreached},
	{"forwarded, and gone", forwardGone},
}

// forward sends a new call to a number outside.
func (w *world) forward(person string) store.Call {
	w.Helper()
	c := w.arrive(sales)
	v, c := w.answers(store.Answer{Call: c.ID, Attempt: 1, Person: person, Via: store.BySMS, Word: store.Forward, To: "+12085550199", Say: "Connecting you."})
	if v.Result != store.Won || c.State != store.Ringing || c.Claim.Word != store.Forward || c.Claim.Person != person || c.Claim.To != "+12085550199" || c.Claim.Say != "Connecting you." {
		w.Fatalf("it came to %+v, claim %+v", v, c.Claim)
	}
	w.one(store.Redirect, c.ID)
	if len(w.has(person)) != 0 { // it is not their phone that rings
		w.Errorf("%s has %s", person, w.has(person))
	}
	return c
}

func forwardReached(w *world) {
	for name, end := range map[string]func(store.Call) store.Call{
		"the dial's end": func(c store.Call) store.Call {
			return w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Bridged: true, Seconds: 42}))
		},
		"the dial's end after the caller's": func(c store.Call) store.Call {
			c = w.ok(w.s.HungUp(w.ctx, c.ID))
			return w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Bridged: true, Seconds: 42}))
		},
		"the caller's end, once it is known that they talk": func(c store.Call) store.Call {
			return w.ok(w.s.HungUp(w.ctx, w.joins(c).ID))
		},
		"what Twilio says of it": func(c store.Call) store.Call {
			return w.ok(w.s.Found(w.ctx, w.joins(c).ID, store.Facts{Ended: w.clock.Now().Add(42 * second)}))
		},
	} {
		w.Run(name, func(t *testing.T) {
			c := end(w.forward("Ann"))
			if c.State != store.Ended || c.Outcome != store.Forwarded {
				t.Errorf("ended %s %q, %d s", c.State, c.Outcome, c.Seconds)
			}
			if ds := w.deeds(store.Tell, c.ID); len(ds) != 0 {
				t.Errorf("told: %+v", ds)
			}
		})
	}
}

func forwardUnreached(w *world) {
	c := w.forward("Ann")
	w.clock.Advance(20 * second)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.Busy}))
	want := store.Try{Person: "Ann", Why: store.Busy, Word: store.Forward, At: w.clock.Now()}
	if c.State != store.Waiting || c.Attempt != 2 || len(c.Tries) != 1 || c.Tries[0] != want || !c.Deadline.Equal(c.Arrived.Add(2*minute)) {
		w.Errorf("%+v", c)
	}
	if got := w.told(c); got != "Ann Bob Cy" { // it was not Ann who did not come
		w.Errorf("told %q", got)
	}
	if again := w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.Busy})); !reflect.DeepEqual(again, c) {
		w.Errorf("again: %+v", again)
	}
	// Too late to wait again.
	_, c = w.answers(store.Answer{Call: c.ID, Attempt: 2, Person: "Bob", Via: store.BySMS, Word: store.Forward, To: "+12085550199"})
	w.clock.Advance(2 * minute)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	w.byRule(c, store.WaitedOut, 2)
}

func forwardGone(w *world) {
	c := w.ok(w.s.HungUp(w.ctx, w.forward("Ann").ID))
	if c.Outcome != store.Missed || len(w.deeds(store.Tell, c.ID)) != 0 {
		w.Errorf("%+v", c)
	}
	c = w.ok(w.s.Dialed(w.ctx, w.forward("Ann").ID, 1, store.DialResult{CallerGone: true}))
	if c.Outcome != store.Missed {
		w.Errorf("%+v", c)
	}
	// Nobody else's word counts meanwhile, nor does it when that is over.
	c = w.forward("Ann")
	for _, a := range []store.Answer{{Person: "Bob", Word: store.Take}, {Person: "Ann", Word: store.Pass}, {Person: "Ann", Word: store.HandOver}} {
		a.Call, a.Attempt, a.Via = c.ID, 1, store.BySMS
		if v, after := w.answers(a); v.Result == store.Won || v.Result == store.GivenBack || !reflect.DeepEqual(after, c) {
			w.Errorf("%+v came to %+v", a, v)
		}
	}
	// It has a deadline like any other: Twilio is asked.
	w.clock.Advance(20*second + 75*second)
	w.expire()
	w.one(store.Ask, c.ID)
}
