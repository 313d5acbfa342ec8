package storetest

import (
	"fmt"
	"reflect"
	"time"

	"pullphone/store"
)

var reaching = []part[*world]{
	{"a text's fate never goes backwards", textsForward},
	{"a phone's lost texts are counted", textsCounted},
	{"who is refused for good is not tried again for the same call", hopeless},
	{"when phones are rung", whenRung},
	{"phones are rung in turn", rungInTurn},
	{"what was heard of a ring before it was recorded", rungRaces},
	{"a phone that rings is hung up when the call waits no more", hungUpPhones},
	{"taken on the phone", takenOnThePhone},
	{"a restart doubts a ring", restartDoubtsRing},
}

// text records the fate of a text about a call's current attempt.
func (w *world) text(c store.Call, person, sid string, s store.TextStatus, code int) store.Call {
	w.Helper()
	w.check(w.s.Texted(w.ctx, c.ID, store.SMSText{Person: person, Attempt: c.Attempt, SID: sid, Status: s, Code: code, Why: fmt.Sprint("error ", code)}))
	w.sound()
	c, err := w.s.Call(w.ctx, c.ID)
	w.check(err)
	return c
}

func textsForward(w *world) {
	all := []store.TextStatus{store.TextQueued, store.TextSent, store.TextDelivered, store.TextUndelivered, store.TextFailed}
	for _, first := range all {
		for _, then := range all {
			for _, state := range states {
				c := w.in(state)
				rev := c.Rev
				c = w.text(c, "Bob", "SM1", first, 0)
				if len(c.Texts) != 1 || c.Texts[0].Status != first || (c.Rev != rev) != first.Lost() || (len(c.Undone) == 1) != first.Lost() {
					w.Errorf("%s, %s: %+v", state, first, c.Texts)
				}
				forward := first == store.TextQueued && then != first || first == store.TextSent && then != first && then != store.TextQueued
				again := w.text(c, "Bob", "SM1", then, 0)
				if want := first; forward {
					if want = then; again.Texts[0].Status != want {
						w.Errorf("%s after %s: %s", then, first, again.Texts[0].Status)
					}
				} else if !reflect.DeepEqual(again, c) {
					w.Errorf("%s after %s changed the call", then, first)
				}
			}
		}
	}
	// Refused at once, twice: one text that has no SID.
	c := w.arrive(sales)
	for range 2 {
		c = w.text(c, "Bob", "", store.TextFailed, 21610)
	}
	if len(c.Texts) != 1 || len(c.Undone) != 1 {
		w.Errorf("%+v, %+v", c.Texts, c.Undone)
	}
	for i := range 299 {
		w.check(w.s.Texted(w.ctx, c.ID, store.SMSText{Person: "Bob", Attempt: c.Attempt, SID: fmt.Sprint("SM", i), Status: store.TextSent}))
	}
	if c = w.text(c, "Bob", "SM299", store.TextSent, 0); len(c.Texts) != 200 {
		w.Errorf("%d texts are kept", len(c.Texts))
	}
}

func textsCounted(w *world) {
	const bob = "+12085550102"
	troubles := func() []store.Trouble {
		w.Helper()
		all, err := w.s.Troubles(w.ctx)
		w.check(err)
		return all
	}
	for n := 1; n <= 3; n++ {
		w.clock.Advance(second)
		c := w.arrive(sales)
		sid := fmt.Sprint("SM", n)
		w.text(c, "Bob", sid, store.TextSent, 0)
		for range 2 { // delivered again
			c = w.text(c, "Bob", sid, store.TextUndelivered, 30003)
		}
		want := store.Trouble{Phone: bob, Texts: n, Code: 30003, Why: "error 30003", LastAt: w.clock.Now()}
		if all := troubles(); len(all) != 1 || all[0] != want {
			w.Errorf("after %d: %+v", n, all)
		}
		if len(c.Undone) != 1 || c.Undone[0].Times != n || c.Undone[0].Person != "Bob" {
			w.Errorf("after %d: %+v", n, c.Undone)
		}
		w.text(c, "Cy", sid+"c", store.TextDelivered, 0) // another's
	}
	w.restart()
	if len(troubles()) != 1 {
		w.Error("forgotten at a restart")
	}
	w.text(w.arrive(sales), "Bob", "SM9", store.TextDelivered, 0)
	if all := troubles(); len(all) != 0 {
		w.Errorf("a text that arrived leaves %+v", all)
	}
}

func hopeless(w *world) {
	c := w.arrive(sales)
	w.check(w.s.Texted(w.ctx, c.ID, store.SMSText{Person: "Bob", Attempt: 1, Status: store.TextFailed, Code: 21610, Never: true}))
	w.text(c, "Cy", "SM1", store.TextUndelivered, 30003)
	c = w.wins(c, "Ann", store.Take)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if got := w.told(c); got != "Cy" {
		w.Errorf("told again: %q", got)
	}
	// Bob counts as not reached, all the same.
	c = w.text(c, "Cy", "SM2", store.TextFailed, 30003)
	if want := w.clock.Now().Add(5 * second); !c.Ring.At.Equal(want) {
		w.Errorf("rung at %s, want %s", c.Ring.At, want)
	}
	if got := w.told(w.arrive(sales)); got != "Ann Bob Cy" {
		w.Errorf("of the next call are told %q", got)
	}
}

// shown records that Slack shows the call as it is.
func (w *world) drawn(c store.Call) store.Call {
	w.Helper()
	w.work(store.Draw, func(jobs <-chan job) {
		for j := await(w, w.ctx, "the picture", jobs); ; j = await(w, w.ctx, "the picture", jobs) {
			rev := j.Rev
			j.done <- outcome{after: func(c *store.Call) bool {
				c.Message = store.Message{Channel: "C1", TS: "1", Rev: rev}
				return false
			}}
			if j.Call == c.ID {
				break
			}
		}
		w.awaitDone(store.Draw, c.ID)
		w.refuse(jobs)
	})
	return w.is(c.ID, c.State, c.Outcome)
}

func whenRung(w *world) {
	at := func(c store.Call, after time.Duration) {
		w.Helper()
		ds := w.deeds(store.RingUp, c.ID)
		switch {
		case after < 0 && len(ds) == 0:
		case after < 0, len(ds) != 1, !ds[0].Due.Equal(c.Ring.Began.Add(after)), ds[0].Attempt != c.Attempt, ds[0].Rev != 1:
			w.Errorf("ringing is due as %+v, want after %s", ds, after)
		}
	}
	const never = -1
	c := w.arrive(sales)
	at(c, 10*second)
	for _, name := range []string{"Ann", "Bob"} {
		c = w.text(c, name, "", store.TextFailed, 21610)
		at(c, 10*second)
	}
	c = w.text(c, "Cy", "SM1", store.TextQueued, 0)
	at(c, never)
	c = w.text(c, "Cy", "SM1", store.TextUndelivered, 30003)
	at(c, 5*second)
	if c.Ring.Person != "Ann" {
		w.Errorf("%s is rung first", c.Ring.Person)
	}
	c = w.drawn(c)
	at(c, never)
	if c.Ring.Person == "" {
		w.Errorf("%+v", c.Ring)
	}

	// What Slack shows of an earlier attempt tells nobody of this one.
	c = w.wins(c, "Ann", store.Take)
	at(c, never)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	at(c, 10*second)
	at(w.drawn(c), never)

	for _, s := range states[1:] {
		at(w.in(s), never)
	}
}

// refuse lets further jobs fail: the loop ends when nothing that it has begun is left.
func (w *world) refuse(jobs <-chan job) {
	go func() {
		for {
			select {
			case j := <-jobs:
				j.done <- outcome{err: fmt.Errorf("not now")}
			case <-w.ctx.Done():
				return
			}
		}
	}()
}

// goesUp has Twilio ring the phone whose turn it is.
func (w *world) goesUp(c store.Call, sid string) store.Call {
	w.Helper()
	w.work(store.RingUp, func(jobs <-chan job) {
		for {
			j := await(w, w.ctx, "the ringing", jobs)
			if j.Call != c.ID {
				j.done <- outcome{err: fmt.Errorf("not now")}
				continue
			}
			turn := int(j.Rev)
			j.done <- outcome{after: func(c *store.Call) bool {
				return c.Rung(j.Attempt, turn, sid, w.clock.Now().Add(minute))
			}}
			break
		}
		w.refuse(jobs)
	})
	c, err := w.s.Call(w.ctx, c.ID)
	w.check(err)
	w.sound()
	return c
}

func rungInTurn(w *world) {
	c := w.arrive(sales)
	w.clock.Advance(10 * second)
	for i, want := range []struct {
		person string
		pause  time.Duration
	}{{"Ann", 0}, {"Bob", 0}, {"Cy", 0}, {"Ann", 15 * second}, {"Cy", 0}} {
		if c.Ring.Person != want.person || c.Ring.Turn != i+1 {
			w.Fatalf("turn %d: %+v", i+1, c.Ring)
		}
		w.clock.Advance(want.pause)
		sid := fmt.Sprint("CA", i)
		c = w.goesUp(c, sid)
		if c.Ring.SID != sid || !c.Ring.At.Equal(w.clock.Now().Add(minute)) {
			w.Errorf("rung: %+v", c.Ring)
		}
		if d := w.one(store.RingUp, c.ID); !d.Due.Equal(c.Ring.At) || d.Owner != "" || d.Rev != int64(i+1) {
			w.Errorf("it is given up by %+v", d)
		}
		if i == 1 {
			_, c = w.says(c, "Bob", store.ByPhone, store.Pass)
		}
		// Ringing that has begun goes on, whoever can be told by now.
		c = w.text(c, "Ann", fmt.Sprint("SM", i), store.TextDelivered, 0)
		c = w.ok(w.s.RingOver(w.ctx, c.ID, 1, i+1, sid, 0))
		if again := w.ok(w.s.RingOver(w.ctx, c.ID, 1, i+1, sid, 0)); !reflect.DeepEqual(again, c) {
			w.Errorf("the end of a ring, told twice: %+v", again)
		}
	}
	// Nobody is left who has not said "not me".
	for _, name := range []string{"Ann", "Cy"} {
		_, c = w.says(c, name, store.ByPhone, store.Pass)
	}
	if c.State != store.Recording || c.Claim.Rule != store.AllPassed {
		w.Errorf("all have passed: %s, claim %+v", c.State, c.Claim)
	}
	c = w.ok(w.s.RingOver(w.ctx, c.ID, 1, 6, "", 0))
	if ds := w.deeds(store.RingUp, c.ID); len(ds) != 0 || c.Ring.Person != "" {
		w.Errorf("still to be rung: %+v", ds)
	}
}

func rungRaces(w *world) {
	// It is over, or picked up, before Twilio's answer to the request is recorded.
	c := w.arrive(sales)
	w.clock.Advance(10 * second)
	c = w.ok(w.s.RingOver(w.ctx, c.ID, 1, 1, "CA1", 13227))
	if c.Ring.Person != "Bob" || len(c.Undone) != 1 || c.Undone[0] != (store.Undone{Kind: store.RingUp, Person: "Ann", Code: 13227}) {
		w.Errorf("%+v, %+v", c.Ring, c.Undone)
	}
	if c.Rung(1, 1, "CA1", w.clock.Now()); c.Ring.SID != "" {
		w.Errorf("an old ring counts: %+v", c.Ring)
	}
	c = w.ok(w.s.PickedUp(w.ctx, c.ID, 1, 2, "CA2"))
	if !c.Ring.Up || c.Ring.SID != "CA2" || !c.Ring.At.Equal(w.clock.Now().Add(45*second)) {
		w.Errorf("picked up: %+v", c.Ring)
	}
	up := c
	if c.Rung(1, 2, "CA2", w.clock.Now()); !reflect.DeepEqual(c, up) {
		w.Errorf("picked up, then rung: %+v", c.Ring)
	}
	for _, turn := range []int{0, 1, 2, 3} {
		if again := w.ok(w.s.PickedUp(w.ctx, c.ID, 1, turn, "CA3")); !reflect.DeepEqual(again, c) {
			w.Errorf("turn %d is picked up: %+v", turn, again.Ring)
		}
	}
}

func hungUpPhones(w *world) {
	for name, end := range map[string]func(store.Call) store.Call{
		"claimed":        func(c store.Call) store.Call { return w.wins(c, "Cy", store.Take) },
		"sent away":      func(c store.Call) store.Call { return w.wins(c, "Cy", store.SendVoicemail) },
		"hung up":        func(c store.Call) store.Call { return w.ok(w.s.HungUp(w.ctx, c.ID)) },
		"out of a queue": func(c store.Call) store.Call { return w.ok(w.s.LeftQueue(w.ctx, c.ID, 1)) },
		"at the fallback": func(c store.Call) store.Call {
			return w.ok(w.s.ArriveAtFallback(w.ctx, store.Arrival{SID: c.SID, Line: sales}))
		},
	} {
		for _, up := range []bool{false, true} {
			c := w.arrive(sales)
			w.clock.Advance(10 * second)
			c = w.goesUp(c, "CA1")
			if up {
				c = w.ok(w.s.PickedUp(w.ctx, c.ID, 1, 1, "CA1"))
			}
			c = end(c)
			ds := w.deeds(store.HangUp, c.ID)
			if (len(ds) == 1) == up || len(ds) == 1 && ds[0].Whom != "CA1" {
				w.Errorf("%s, picked up %t: to hang up: %+v", name, up, ds)
			}
			if ds := w.deeds(store.RingUp, c.ID); len(ds) != 0 {
				w.Errorf("%s: still to be rung: %+v", name, ds)
			}
			if was := c.Ring; c.Rung(1, 1, "CA1", w.clock.Now()) || up && c.Ring != was || !up && c.Ring.SID != "CA1" {
				w.Errorf("%s, picked up %t, and then recorded as rung: %+v", name, up, c.Ring)
			}
		}
		// Answered while Twilio's answer to the request was on its way.
		c := end(w.arrive(sales))
		w.check(w.s.Texted(w.ctx, c.ID, store.SMSText{Person: "Ann", SID: "SM1", Status: store.TextSent}))
		if c.Rung(1, 1, "CA1", w.clock.Now()) || c.Ring.SID != "CA1" {
			w.Errorf("%s: a late ring: %+v", name, c.Ring)
		}
	}
}

func takenOnThePhone(w *world) {
	take := func() store.Call {
		w.Helper()
		c := w.arrive(sales)
		w.clock.Advance(10 * second)
		c = w.goesUp(c, "CA9")
		c = w.ok(w.s.PickedUp(w.ctx, c.ID, 1, 1, "CA9"))
		v, c, err := w.s.Answer(w.ctx, store.Answer{ID: w.id("phone"), Call: c.ID, Attempt: 1, Person: "Ann", Via: store.ByPhone, Word: store.Take, Leg: "CA9"})
		if w.check(err); v.Result != store.Won || c.State != store.Ringing || c.Claim.Leg != "CA9" || c.Claim.Via != store.ByPhone {
			w.Fatalf("%+v: %+v", v, c.Claim)
		}
		w.sound()
		// Twilio's answer to the request to ring them may be recorded as late as now.
		if was := c.Ring; c.Rung(1, 1, "CA9", w.clock.Now()) || c.Ring != was {
			w.Errorf("rung: %+v, was %+v", c.Ring, was)
		}
		if ds := w.deeds(store.HangUp, c.ID); len(ds) != 0 {
			w.Errorf("the taker is hung up on: %+v", ds)
		}
		return c
	}
	c := take()
	if d := w.one(store.Redirect, c.ID); !d.Due.Equal(w.clock.Now().Add(3*second)) || d.Owner == "" {
		w.Errorf("the caller is led away by %+v", d)
	}
	w.ok(w.s.Met(w.ctx, c.ID, 1, "CA8")) // somebody else's leg
	w.ok(w.s.Met(w.ctx, c.ID, 2, "CA9"))
	if d := w.one(store.Redirect, c.ID); d.Due.Equal(w.clock.Now()) {
		w.Error("hastened by somebody else")
	}
	w.ok(w.s.Met(w.ctx, c.ID, 1, "CA9"))
	if d := w.one(store.Redirect, c.ID); !d.Due.Equal(w.clock.Now()) || d.Owner == "" {
		w.Errorf("now that they are there: %+v", d)
	}
	// Gone before the caller was led to them, or somebody else.
	if other := w.ok(w.s.RingOver(w.ctx, c.ID, 1, 1, "CA8", 0)); other.State != store.Ringing {
		w.Errorf("another leg's end made it %s", other.State)
	}
	c = w.ok(w.s.RingOver(w.ctx, c.ID, 1, 1, "CA9", 0))
	if c.State != store.Waiting || c.Attempt != 2 || c.Tries[0].Person != "Ann" || c.Tries[0].Why != store.HungUp || w.told(c) != "Bob Cy" {
		w.Errorf("the taker is gone: %+v", c)
	}
	// Once the caller is on the way it is the Dial that tells what became of it.
	c = take()
	w.ok(w.s.Fetched(w.ctx, c.ID, 1))
	if c = w.ok(w.s.RingOver(w.ctx, c.ID, 1, 1, "CA9", 0)); c.State != store.Ringing {
		w.Errorf("the call is %s", c.State)
	}
	// The caller is gone: the taker hears it on the phone.
	c = w.ok(w.s.HungUp(w.ctx, c.ID))
	if ds := w.deeds(store.Tell, c.ID); len(ds) != 0 || c.Outcome != store.Missed {
		w.Errorf("%s; to tell: %+v", c.Outcome, ds)
	}
	c = take()
	joined, c, err := w.s.Accept(w.ctx, c.ID, 1)
	if w.check(err); !joined {
		w.Error("not connected")
	}
	w.clock.Advance(minute)
	if c = w.ok(w.s.HungUp(w.ctx, c.ID)); c.Outcome != store.Talked || c.Seconds != 60 {
		w.Errorf("%s, %d s", c.Outcome, c.Seconds)
	}
}

func restartDoubtsRing(w *world) {
	c := w.arrive(sales)
	w.clock.Advance(10 * second)
	w.work(store.RingUp, func(jobs <-chan job) {
		j := await(w, w.ctx, "the ringing", jobs)
		// A text that is lost meanwhile changes nothing about what is under way.
		for _, name := range []string{"Ann", "Bob", "Cy"} {
			w.text(c, name, "", store.TextFailed, 21610)
		}
		w.check(w.s.Close())
		j.done <- outcome{}
	})
	w.keys = newNudged(w.reopen())
	w.open()
	if d := w.one(store.RingUp, c.ID); !d.Doubt || d.Owner != "" || d.Rev != 1 {
		w.Errorf("after the crash: %+v", d)
	}
}
