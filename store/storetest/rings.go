package storetest

import (
	"fmt"
	"reflect"

	"pullphone/store"
)

var rings = []part[*world]{
	{"accepting connects while it rings", accepting},
	{"a redirect that arrived", fetching},
	{"what the taker did instead", screening},
	{"back to waiting", waitingAgain},
	{"back too late to wait", backTooLate},
	{"a dial's result, in every state", dialResults},
	{"many attempts", manyAttempts},
}

func accepting(w *world) {
	accept := func(c store.Call, attempt int, want bool) store.Call {
		w.Helper()
		joined, c, err := w.s.Accept(w.ctx, c.ID, attempt)
		if w.check(err); joined != want {
			w.Errorf("accepting attempt %d of a call that is %s, attempt %d: %t", attempt, c.State, c.Attempt, joined)
		}
		w.sound()
		return c
	}
	for _, s := range []store.State{store.Waiting, store.Recording, store.Ended} {
		before := w.in(s)
		if c := accept(before, 1, false); !reflect.DeepEqual(c, before) {
			w.Errorf("accepting changed a call that is %s", s)
		}
	}
	c := w.ringing()
	accept(c, 2, false)
	accept(c, 0, false)
	w.clock.Advance(7 * second)
	c = accept(c, 1, true)
	if c.State != store.Talking || !c.Accepted.Equal(w.clock.Now()) || c.Fetched != 1 || !c.Deadline.Equal(w.clock.Now().Add(10*minute)) {
		w.Errorf("accepted: %+v", c)
	}
	if got := c.Waited(w.clock.Now().Add(minute)); got != 7*second {
		w.Errorf("waited %s", got)
	}
	w.clock.Advance(second)
	if again := accept(c, 1, true); !reflect.DeepEqual(again, c) { // the webhook delivered again is answered alike
		w.Errorf("accepted again: %+v", again)
	}
	w.ok(w.s.HungUp(w.ctx, c.ID))
	accept(c, 1, false)

	// Pressed 1 for an attempt that has failed meanwhile.
	c = w.ringing()
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	accept(c, 1, false)
	c = w.wins(c, "Bob", store.Take)
	accept(c, 1, false)
	accept(c, 2, true)
}

func fetching(w *world) {
	for _, s := range states {
		before := w.in(s)
		c := w.ok(w.s.Fetched(w.ctx, before.ID, 2))
		if !reflect.DeepEqual(c, before) {
			w.Errorf("%s: another attempt's redirect changed the call", s)
		}
		c = w.ok(w.s.Fetched(w.ctx, before.ID, 1))
		if (c.Fetched == 1) != (s != store.Ended) || c.State != s || c.Rev != before.Rev {
			w.Errorf("%s: fetched %d, now %s", s, c.Fetched, c.State)
		}
	}
}

func screening(w *world) {
	c := w.ringing()
	w.check(w.s.Screen(w.ctx, c.ID, 2, store.Declined)) // of another attempt
	if c := w.is(c.ID, store.Ringing, ""); c.Screened != "" {
		w.Errorf("screened: %q", c.Screened)
	}
	w.check(w.s.Screen(w.ctx, c.ID, 1, store.Declined))
	w.check(w.s.Screen(w.ctx, c.ID, 1, store.Declined))
	// It says more than the dial's own result: the phone was picked up.
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if len(c.Tries) != 1 || c.Tries[0].Why != store.Declined || c.Screened != "" {
		w.Errorf("tries %+v", c.Tries)
	}
	c = w.wins(c, "Bob", store.Take)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.Busy}))
	if len(c.Tries) != 2 || c.Tries[1].Why != store.Busy || c.Tries[1].Person != "Bob" {
		w.Errorf("the next try: %+v", c.Tries)
	}
	c = w.talking()
	w.check(w.s.Screen(w.ctx, c.ID, 1, store.NotAccepted))
	if c := w.is(c.ID, store.Talking, ""); c.Screened != "" {
		w.Errorf("screened while they talk: %q", c.Screened)
	}
}

func waitingAgain(w *world) {
	for name, c := range map[string]store.Call{"ringing": w.ringing(), "talking": w.talking()} {
		first := c.Code
		deadline := c.Arrived.Add(2 * minute)
		w.clock.Advance(30 * second)
		rev := c.Rev
		c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
		want := store.Try{Person: "Ann", Why: store.NoAnswer, At: w.clock.Now()}
		if c.State != store.Waiting || c.Attempt != 2 || c.Claim != nil || !c.Accepted.IsZero() || len(c.Tries) != 1 || c.Tries[0] != want || c.Rev != rev+1 {
			w.Errorf("%s: %+v", name, c)
		}
		if !c.Deadline.Equal(deadline) {
			w.Errorf("%s: the deadline is %s, was %s", name, c.Deadline, deadline)
		}
		if c.Code == first || c.Code == 0 {
			w.Errorf("%s: code %d, was %d", name, c.Code, first)
		}
		if got := w.told(c); got != "Bob Cy" {
			w.Errorf("%s: told %q", name, got)
		}
		// The same result again, from Twilio's retry or the next document's.
		if again := w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.Busy})); !reflect.DeepEqual(again, c) {
			w.Errorf("%s: again: %+v", name, again)
		}
		// Its old code rests; a new call does not get it.
		if other := w.arrive(sales); other.Code == first || other.Code == c.Code {
			w.Errorf("%s: another call got code %d", name, other.Code)
		}
		c = w.wins(c, "Ann", store.Take) // who failed may try again
		if d := w.deeds(store.Redirect, c.ID); len(d) != 2 || d[1].Attempt != 2 {
			w.Errorf("%s: redirects %+v", name, d)
		}
		w.clock.Advance(-30 * second)
	}
}

func backTooLate(w *world) {
	for _, late := range []struct {
		after string
		left  bool
	}{{"1m59.999s", true}, {"2m", false}, {"3m", false}} {
		c := w.ringing()
		w.clock.Advance(dur(late.after))
		c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
		if late.left {
			if c.State != store.Waiting {
				w.Errorf("after %s: %s", late.after, c.State)
			}
			continue
		}
		if c.State != store.Recording || c.Attempt != 2 || c.Claim == nil || c.Claim.Via != store.ByRule || c.Claim.Attempt != 2 ||
			c.Fetched != 2 || len(c.Tries) != 1 || !c.Deadline.Equal(w.clock.Now().Add(store.MaxMessage+minute)) {
			w.Errorf("after %s: %+v, claim %+v", late.after, c, c.Claim)
		}
		// The caller hears our next document anyway: nobody is told, nothing is redirected.
		if ds := w.deeds(store.Redirect, c.ID); w.told(c) != "" || len(ds) != 1 || ds[0].Attempt != 1 {
			w.Errorf("after %s: told %q, redirects %+v", late.after, w.told(c), ds)
		}
	}
}

func dialResults(w *world) {
	bridged := store.DialResult{Bridged: true, Seconds: 42}
	for _, s := range []store.State{store.Waiting, store.Recording, store.Ended} {
		for _, r := range []store.DialResult{bridged, {Why: store.Busy}, {CallerGone: true}} {
			before := w.in(s)
			if c := w.ok(w.s.Dialed(w.ctx, before.ID, 1, r)); !reflect.DeepEqual(c, before) {
				w.Errorf("a dial's result changed a call that is %s", s)
			}
		}
	}
	for _, s := range []store.State{store.Ringing, store.Talking} {
		for _, c := range []struct {
			r       store.DialResult
			outcome store.Outcome
			seconds int
		}{
			{bridged, store.Talked, 42},
			{store.DialResult{CallerGone: true, Why: store.NoAnswer}, store.Missed, 0},
		} {
			call := w.in(s)
			if other := w.ok(w.s.Dialed(w.ctx, call.ID, 2, c.r)); other.State != s {
				w.Errorf("another attempt's result made a call that is %s %s", s, other.State)
			}
			w.clock.Advance(50 * second)
			got := w.ok(w.s.Dialed(w.ctx, call.ID, 1, c.r))
			if got.State != store.Ended || got.Outcome != c.outcome || got.Seconds != c.seconds || !got.Stopped.Equal(w.clock.Now()) {
				w.Errorf("%s, %+v: %s %q, %d s", s, c.r, got.State, got.Outcome, got.Seconds)
			}
			if c.outcome == store.Talked && got.Accepted.IsZero() {
				w.Errorf("%s: talked, but never accepted", s)
			}
		}
	}
	// A conversation of which Twilio does not say how long it was.
	c := w.talking()
	w.clock.Advance(90 * second)
	if c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Bridged: true})); c.Seconds != 90 {
		w.Errorf("talked %d s", c.Seconds)
	}
}

func manyAttempts(w *world) {
	c := w.arrive(sales)
	people := []string{"Ann", "Bob", "Cy"}
	for i := range 12 {
		c = w.wins(c, people[i%3], store.Take)
		c = w.ok(w.s.Dialed(w.ctx, c.ID, c.Attempt, store.DialResult{Why: store.NoAnswer}))
	}
	if c.Attempt != 13 || len(c.Tries) != 12 || c.Code != 13 {
		w.Errorf("attempt %d, %d tries, code %d", c.Attempt, len(c.Tries), c.Code)
	}
	if got := len(w.deeds(store.Redirect, c.ID)); got != 12 {
		w.Errorf("%d redirects", got)
	}
	w.clock.Advance(10 * minute)
	if got := fmt.Sprint(w.arrive(sales).Code, w.arrive(sales).Code); got != "1 2" {
		w.Errorf("codes after the rest: %s", got)
	}
}
