package storetest

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"pullphone/store"
)

var callbacks = []part[*world]{
	{"a caller asks to be called back", asksBack},
	{"who cannot be called back", asksBackInVain},
	{"a message instead of waiting", messageInstead},
	{"the caller's own leg counts no more", backIgnoresLeg},
	{"only a take is an answer to it", backOnlyTake},
	{"a taker calls back", callsBack},
	{"a taker does not call back", callsBackNot},
	{"a caller who cannot be reached", backUnreached},
	{"nobody calls back within a day", backTooLate24},
	{"no phone rings by itself for it", backRingsNobody},
	{"how calls back are kept and forgotten", backKept},
}

// asks has the caller of a new call ask to be called back.
func (w *world) asks() store.Call {
	w.Helper()
	c := w.arrive(sales)
	w.ok(w.s.Queued(w.ctx, c.ID, c.Attempt, "QU1"))
	return w.askBack(c)
}

func (w *world) askBack(c store.Call) store.Call {
	w.Helper()
	ok, c, err := w.s.AskBack(w.ctx, c.ID, c.Attempt)
	if w.check(err); !ok {
		w.Fatalf("not to be called back: %+v", c)
	}
	w.sound()
	return c
}

func asksBack(w *world) {
	first := w.waits("Ann Bob Cy")
	w.ok(w.s.Queued(w.ctx, first.ID, 1, "QU1"))
	w.clock.Advance(minute)
	second := w.arrive(sales)
	c := w.askBack(first)
	if c.State != store.Waiting || c.Back == nil || !c.Back.At.Equal(w.clock.Now()) || c.Back.Tries != 0 || c.Attempt != 1 || c.Queue != "" || c.Rev != 2 ||
		c.Code != first.Code || !c.Arrived.Equal(first.Arrived) || !c.Deadline.Equal(w.clock.Now().Add(24*time.Hour)) {
		w.Errorf("%+v, %+v", c, c.Back)
	}
	if ok, again, err := w.s.AskBack(w.ctx, c.ID, 1); err != nil || !ok || !reflect.DeepEqual(again, c) {
		w.Errorf("again: %t, %+v, %v", ok, again, err)
	}
	if all, err := w.s.WaitingFor(w.ctx, "Ann"); err != nil || len(all) != 2 || all[0].ID != c.ID || all[1].ID != second.ID {
		w.Errorf("its place is lost: %+v, %v", all, err)
	}
	if got, _, err := w.s.ByCode(w.ctx, sales, c.Code); err != nil || got.ID != c.ID {
		w.Errorf("by its code: %+v, %v", got, err)
	}
	if c := w.pull("Ann", store.Won); c.ID != first.ID {
		w.Errorf("pulled: %+v", c)
	}
	// One whom somebody has handed over may ask as well: nobody has to bring them back on hold any more.
	c = w.handsOver(w.joins(w.wins(w.arrive(sales), "Bob", store.Take)), "Bob", "")
	if c = w.askBack(c); c.Missing != 0 || len(w.deeds(store.Retrieve, c.ID)) != 0 || !c.Deadline.Equal(w.clock.Now().Add(24*time.Hour)) {
		w.Errorf("%+v", c)
	}
}

func asksBackInVain(w *world) {
	withheld := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: "CA-withheld", Line: sales}))
	for _, c := range []store.Call{withheld, w.ringing(), w.talking(), w.recording(), w.in(store.Ended)} {
		if ok, after, err := w.s.AskBack(w.ctx, c.ID, 1); err != nil || ok || !reflect.DeepEqual(after, c) {
			w.Errorf("a call that is %s, from %q: %t, %+v, %v", c.State, c.From, ok, after, err)
		}
	}
	c := w.arrive(sales)
	if ok, after, err := w.s.AskBack(w.ctx, c.ID, 2); err != nil || ok || !reflect.DeepEqual(after, c) {
		w.Errorf("another attempt: %t, %+v, %v", ok, after, err)
	}
}

func messageInstead(w *world) {
	leave := func(c store.Call, attempt int, want bool) store.Call {
		w.Helper()
		ok, c, err := w.s.LeaveMessage(w.ctx, c.ID, attempt)
		if w.check(err); ok != want {
			w.Errorf("a call that is %s: %t", c.State, ok)
		}
		w.sound()
		return c
	}
	c := leave(w.arrive(sales), 1, true)
	w.byRule(c, store.CallersKey, 0)
	if again := leave(c, 1, true); !reflect.DeepEqual(again, c) {
		w.Errorf("again: %+v", again)
	}
	for _, c := range []store.Call{w.ringing(), w.talking(), w.recording(), w.in(store.Ended), w.asks()} {
		if after := leave(c, 1, false); !reflect.DeepEqual(after, c) {
			w.Errorf("%+v", after)
		}
	}
	if c := w.arrive(sales); leave(c, 2, false).State != store.Waiting {
		w.Error("another attempt")
	}
}

// backIgnoresLeg: whatever Twilio says of the call that the caller has ended changes nothing.
func backIgnoresLeg(w *world) {
	for name, c := range map[string]store.Call{
		"waiting": w.asks(), "ringing": w.wins(w.asks(), "Ann", store.Take), "talking": w.joins(w.wins(w.asks(), "Bob", store.Take)),
	} {
		same := func(what string, after store.Call, err error) {
			w.Helper()
			if err == nil {
				after, err = w.s.Call(w.ctx, c.ID)
			}
			if err != nil || !reflect.DeepEqual(after, c) {
				w.Errorf("%s, %s: %+v, %v", name, what, after, err)
			}
			w.sound()
		}
		after, err := w.s.HungUp(w.ctx, c.ID)
		same("hung up", after, err)
		after, err = w.s.Found(w.ctx, c.ID, store.Facts{Ended: w.clock.Now()})
		same("found to be over", after, err)
		after, err = w.s.LeftQueue(w.ctx, c.ID, c.Attempt)
		same("left the queue", after, err)
		after, err = w.s.OutOfQueue(w.ctx, c.ID, c.Attempt)
		same("out of the queue", after, err)
		after, err = w.s.ArriveAtFallback(w.ctx, store.Arrival{SID: c.SID, Line: sales})
		same("at the fallback", after, err)
		after, err = w.s.Dialed(w.ctx, c.ID, c.Attempt, store.DialResult{Why: store.NoAnswer})
		same("dialed", after, err)
		after, err = w.s.Retrieved(w.ctx, c.ID, c.Attempt)
		same("retrieved", after, err)
		same("overtaken", c, w.s.Overtaken(w.ctx, c.ID, c.Attempt))
		w.clock.Advance(2 * minute)
		if name != "talking" {
			_, err = w.s.BackInQueue(w.ctx, c.ID)
			same("back in the queue", c, err)
		}
		w.clock.Advance(-2 * minute)
	}
	w.restart() // it asks what became of them
	w.clock.Advance(3 * time.Hour)
	c := w.asks()
	w.follow()
	w.clock.Advance(3 * time.Hour)
	w.expire()
	w.is(c.ID, store.Waiting, "")
}

func backOnlyTake(w *world) {
	c := w.asks()
	for _, word := range []store.Word{store.SendVoicemail, store.Forward} {
		if v, after := w.says(c, "Ann", store.BySMS, word); v.Result != store.OnlyTake || !reflect.DeepEqual(after, c) {
			w.Errorf("%s came to %+v", word, v)
		}
	}
	if v, _ := w.says(c, "Ann", store.BySMS, store.HandOver); v.Result != store.NotTalking {
		w.Errorf("hand over came to %+v", v)
	}
	c = w.pass(c, "Ann", "Bob", "Cy") // it stays for whoever has the time
	if c.State != store.Waiting || len(c.Passed) != 3 {
		w.Errorf("%+v", c)
	}
	stale := c
	stale.Attempt = 0
	if v, _ := w.says(stale, "Ann", store.BySMS, store.Take); v.Result != store.Stale {
		w.Errorf("an old answer came to %+v", v)
	}
	w.wins(c, "Bob", store.Take)
}

// callsOut records that the taker's phone rings.
func (w *world) callsOut(c store.Call, leg string) store.Call {
	w.Helper()
	w.work(store.CallOut, func(jobs <-chan job) {
		j := await(w, w.ctx, "the call to the taker", jobs)
		if j.Call != c.ID || j.Attempt != c.Attempt {
			w.Errorf("rung for %+v", j.Deed)
		}
		if theirs, _, err := w.s.CalledOut(w.ctx, c.ID, j.Attempt, leg); err != nil || !theirs {
			w.Errorf("it is theirs no more: %v", err)
		}
		j.done <- outcome{}
		w.awaitDone(store.CallOut, c.ID)
	})
	c, err := w.s.Call(w.ctx, c.ID)
	w.check(err)
	w.sound()
	return c
}

func callsBack(w *world) {
	c := w.wins(w.asks(), "Ann", store.Take)
	if d := w.one(store.CallOut, c.ID); d.Attempt != 1 || d.Owner == "" || len(w.deeds(store.Redirect, c.ID)) != 0 || c.State != store.Ringing {
		w.Errorf("%+v, %+v", d, c)
	}
	if got := w.has("Ann"); len(got) != 1 || got[0] != c.ID {
		w.Errorf("Ann has %s", got)
	}
	if c = w.callsOut(c, "CA-ann"); c.Claim.Leg != "CA-ann" {
		w.Errorf("%+v", c.Claim)
	}
	c = w.joins(c)
	w.clock.Advance(minute)
	ended := w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Bridged: true, Seconds: 50}))
	if ended.State != store.Ended || ended.Outcome != store.CalledBack || ended.Seconds != 50 || len(w.has("Ann")) != 0 {
		w.Errorf("%+v", ended)
	}
	if again := w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer})); !reflect.DeepEqual(again, ended) {
		w.Errorf("again: %+v", again)
	}
	if again := w.ok(w.s.HungUp(w.ctx, c.ID)); !reflect.DeepEqual(again, ended) {
		w.Errorf("hung up: %+v", again)
	}
	// The word that 1 was pressed may be lost, and how long they talked.
	c = w.callsOut(w.wins(w.asks(), "Ann", store.Take), "CA-ann")
	c = w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Bridged: true}))
	if c.Outcome != store.CalledBack || c.Seconds != 0 || c.Accepted.IsZero() {
		w.Errorf("%+v", c)
	}
	// Who is on the phone already is not rung.
	c = w.asks()
	_, c = w.answers(store.Answer{Call: c.ID, Attempt: 1, Person: "Ann", Via: store.ByPhone, Word: store.Take, Leg: "CA-leg"})
	if len(w.deeds(store.CallOut, c.ID))+len(w.deeds(store.Redirect, c.ID)) != 0 || c.State != store.Ringing {
		w.Errorf("%+v", c)
	}
	c = w.ok(w.s.CallBackOver(w.ctx, w.joins(c).ID, 1, store.DialResult{Bridged: true, Seconds: 5}))
	if c.Outcome != store.CalledBack {
		w.Errorf("%+v", c)
	}
}

func callsBackNot(w *world) {
	asked := w.asks()
	w.clock.Advance(minute)
	waits := func(c store.Call, attempt int, why store.Why) store.Call {
		w.Helper()
		if c.State != store.Waiting || c.Attempt != attempt || c.Claim != nil || c.Back == nil || c.Back.Tries != 0 || !c.Deadline.Equal(asked.Deadline) ||
			len(c.Tries) != attempt-1 || c.Tries[attempt-2].Why != why || len(w.has("Ann")) != 0 || w.told(c) != "Bob Cy" || len(w.deeds(store.CallOut, c.ID)) != 0 {
			w.Errorf("%+v, %+v, told %q", c, c.Back, w.told(c))
		}
		return c
	}
	c := w.callsOut(w.wins(asked, "Ann", store.Take), "CA1")
	c = w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	c = waits(c, 2, store.NoAnswer)
	if again := w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer})); !reflect.DeepEqual(again, c) {
		w.Errorf("again: %+v", again)
	}
	// Given back, before their phone rings and while it does.
	_, c = w.says(w.wins(c, "Ann", store.Take), "Ann", store.BySMS, store.Pass)
	c = waits(c, 3, store.GaveBack)
	c = w.callsOut(w.wins(c, "Ann", store.Take), "CA2")
	v, c := w.says(c, "Ann", store.BySMS, store.SendVoicemail)
	if d := w.one(store.HangUp, c.ID); v.Result != store.GivenBack || d.Whom != "CA2" || len(w.deeds(store.Retrieve, c.ID)) != 0 {
		w.Errorf("%+v, %+v", v, d)
	}
	c = waits(c, 4, store.GaveBack)
	// One that rings by then is not theirs any more, and is stopped.
	for i, leg := range []string{"CA3", "CA4"} {
		theirs, after, err := w.s.CalledOut(w.ctx, c.ID, 3+i, leg)
		if err != nil || theirs || !reflect.DeepEqual(after, c) || len(w.deeds(store.HangUp, c.ID)) != 2+i {
			w.Errorf("it is theirs though they gave it back: %+v, %v", after, err)
		}
	}
	// Nothing is heard of it: their phone could not be rung, or rings for ever.
	for attempt, why := range []store.Why{4: store.Failed, 5: store.NoAnswer} {
		if attempt < 4 {
			continue
		}
		if c = w.wins(c, "Ann", store.Take); why == store.NoAnswer {
			c = w.callsOut(c, "CA5")
		}
		w.clock.Advance(20*second + 75*second - millisecond)
		w.expire()
		w.is(c.ID, store.Ringing, "")
		w.clock.Advance(millisecond)
		w.expire()
		c = waits(w.is(c.ID, store.Waiting, ""), attempt+1, why)
	}
	for _, d := range w.deeds(store.HangUp, c.ID) {
		if !slices.Contains([]string{"CA2", "CA3", "CA4", "CA5"}, d.Whom) {
			w.Errorf("hung up: %+v", d)
		}
	}
	// And in line for the next, one gets it like any other.
	c = w.wins(c, "Ann", store.Take)
	w.pull("Cy", store.InLine)
	c = w.ok(w.s.CallBackOver(w.ctx, c.ID, c.Attempt, store.DialResult{Why: store.Busy}))
	if c.State != store.Ringing || c.Claim.Person != "Cy" || len(w.deeds(store.CallOut, c.ID)) != 2 {
		w.Errorf("%+v", c)
	}
}

func backUnreached(w *world) {
	c := w.asks()
	asked := c.Deadline
	c = w.joins(w.callsOut(w.wins(c, "Ann", store.Take), "CA1"))
	w.clock.Advance(minute)
	c = w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if c.State != store.Waiting || c.Attempt != 2 || c.Back.Tries != 1 || c.Tries[0].Why != store.Unreached || !c.Deadline.Equal(asked) || w.told(c) != "Bob Cy" {
		w.Errorf("once: %+v, %+v", c, c.Back)
	}
	if again := w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer})); again.Back.Tries != 1 || again.State != store.Waiting {
		w.Errorf("again: %+v", again)
	}
	c = w.joins(w.callsOut(w.wins(c, "Bob", store.Take), "CA2"))
	c = w.ok(w.s.CallBackOver(w.ctx, c.ID, 2, store.DialResult{Why: store.Busy}))
	if c.State != store.Ended || c.Outcome != store.Tried || c.Back.Tries != 2 {
		w.Errorf("twice: %+v, %+v", c, c.Back)
	}
	if last, err := w.s.Last(w.ctx, sales, began); err != nil || last.ID != c.ID {
		w.Errorf("%+v, %v", last, err)
	}
	for r, err := range w.s.History(w.ctx, began) {
		if err != nil || r.Outcome != store.Tried || r.AnsweredBy != "Bob" {
			w.Errorf("%+v, %v", r, err)
		}
	}
}

func backTooLate24(w *world) {
	never, once := w.asks(), w.asks()
	once = w.joins(w.wins(once, "Ann", store.Take))
	once = w.ok(w.s.CallBackOver(w.ctx, once.ID, 1, store.DialResult{Why: store.NoAnswer}))
	w.clock.Advance(24*time.Hour - millisecond)
	w.expire()
	w.is(never.ID, store.Waiting, "")
	rings := w.wins(w.is(once.ID, store.Waiting, ""), "Bob", store.Take) // just in time
	w.clock.Advance(millisecond)
	w.expire()
	w.is(never.ID, store.Ended, store.Missed)
	w.is(rings.ID, store.Ringing, "")
	w.ok(w.s.CallBackOver(w.ctx, rings.ID, 2, store.DialResult{Why: store.NoAnswer}))
	w.expire()
	w.is(rings.ID, store.Ended, store.Tried)
	w.restart()
	w.is(never.ID, store.Ended, store.Missed)
}

func backRingsNobody(w *world) {
	rung := func(c store.Call) store.Call {
		w.Helper()
		c, err := w.s.Call(w.ctx, c.ID)
		if ds := w.deeds(store.RingUp, c.ID); err != nil || len(ds) != 0 || !c.Ring.At.IsZero() {
			w.Errorf("still rung: %+v, %+v, %v", ds, c.Ring, err)
		}
		return c
	}
	c := rung(w.asks())
	c = w.wins(c, "Ann", store.Take)
	c = w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	for _, name := range []string{"Bob", "Cy"} {
		c = w.text(c, name, w.id("SM"), store.TextUndelivered, 30003)
	}
	rung(c)
	// A phone that rings already is stopped; who has picked it up may still take it.
	c = w.arrive(sales)
	w.clock.Advance(10 * second)
	c = w.goesUp(c, "CA-ann")
	rung(w.askBack(c))
	if d := w.one(store.HangUp, c.ID); d.Whom != "CA-ann" {
		w.Errorf("%+v", d)
	}
	c = w.arrive(sales)
	w.clock.Advance(10 * second)
	c = w.goesUp(c, "CA-ann")
	c = w.ok(w.s.PickedUp(w.ctx, c.ID, 1, 1, "CA-ann"))
	c = w.askBack(c)
	if len(w.deeds(store.HangUp, c.ID)) != 0 || !c.Ring.Up {
		w.Errorf("%+v", c.Ring)
	}
	rung(w.ok(w.s.RingOver(w.ctx, c.ID, 1, 1, "CA-ann", 0)))
}

func backKept(w *world) {
	w.keep(24 * time.Hour)
	c := w.asks()
	w.clock.Advance(23 * time.Hour)
	if n := len(w.all("from/" + c.From)); n != 1 { // it is open
		w.Errorf("counted %d times", n)
	}
	talks := w.joins(w.wins(w.askBack(w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: sales, From: "+12085569999"}))), "Ann", store.Take))
	if f, err := w.s.Forget(w.ctx, talks.From); err != nil || f.Open != 1 || f.Calls != 0 { // they are on the phone with somebody
		w.Errorf("%+v, %v", f, err)
	}
	w.is(talks.ID, store.Talking, "")
	w.ok(w.s.CallBackOver(w.ctx, talks.ID, 1, store.DialResult{Bridged: true, Seconds: 5}))
	// Who still waits for it is forgotten at once, and nobody calls them any more.
	if f, err := w.s.Forget(w.ctx, c.From); err != nil || f.Open != 0 || f.Calls != 1 {
		w.Errorf("%+v, %v", f, err)
	}
	w.sound()
	if now := w.is(c.ID, store.Ended, store.Missed); now.From != "" || !now.Forgotten {
		w.Errorf("%+v", now)
	}
	if v, _ := w.says(c, "Ann", store.BySMS, store.Take); v.Result != store.TooLate {
		w.Errorf("called back all the same: %+v", v)
	}
	w.during(w.s.Retain, w.settle)
	for _, prefix := range strings.Fields("sid/ open/ done/ at/ seen/ from/ last/ due/ busy/") {
		for key, v := range w.all(prefix) {
			if strings.Contains(key+string(v), c.From) {
				w.Errorf("%s still knows of %s", key, c.From)
			}
		}
	}
	// One that nobody has done is kept for as long as it is open, however old its call is.
	old := w.asks()
	w.clock.Advance(24*time.Hour - second)
	w.during(w.s.Retain, w.settle)
	w.is(old.ID, store.Waiting, "")
	for _, prefix := range []string{"busy/", "standing/", "off/"} {
		if left := w.all(prefix); len(left) != 0 {
			w.Errorf("left: %s", left)
		}
	}
}
