package storetest

import (
	"reflect"
	"strings"
	"time"

	"pullphone/store"
)

var handovers = []part[*world]{
	{"giving back before pressing 1", givingBack},
	{"handing over while talking", handingOver},
	{"who may hand over", handingOverWho},
	{"who had passed is asked anew", handedAnew},
	{"nobody takes what was handed over", handedBack},
	{"whoever handed over cannot take it back", handedBackToNobody},
	{"all others pass on what was handed over", handedAndPassed},
	{"a second taker does not come either", handedTwice},
	{"a caller is brought back on hold", retrieving},
	{"a caller is taken while brought back on hold", retrievingTaken},
	{"a caller who was handed over hangs up", handedAndGone},
}

// handsOver is a call that somebody has talked to and handed over.
func (w *world) handsOver(c store.Call, person, note string) store.Call {
	w.Helper()
	v, c := w.answers(store.Answer{Call: c.ID, Attempt: c.Attempt, Person: person, Via: store.BySMS, Word: store.HandOver, Note: note})
	if v.Result != store.HandedOver || v.First == nil || v.First.Person != person {
		w.Fatalf("handing over came to %+v", v)
	}
	return c
}

// joins has a taker press 1.
func (w *world) joins(c store.Call) store.Call {
	w.Helper()
	joined, c, err := w.s.Accept(w.ctx, c.ID, c.Attempt)
	if w.check(err); !joined {
		w.Fatalf("not connected: %+v", c)
	}
	w.sound()
	return c
}

func givingBack(w *world) {
	for _, a := range []store.Answer{
		{Via: store.BySMS, Word: store.SendVoicemail}, {Via: store.BySMS, Word: store.Pass}, {Via: store.BySlack, Word: store.Pass},
		{Via: store.BySMS, Word: store.HandOver}, {Via: store.BySlack, Word: store.HandOver},
	} {
		c := w.ringing()
		w.check(w.s.Screen(w.ctx, c.ID, 1, store.NotAccepted))
		w.clock.Advance(second)
		a.ID, a.Call, a.Attempt, a.Person = w.id("answer"), c.ID, 1, "Ann"
		tells := 0
		if a.Via == store.BySlack {
			tells = 1
		}
		v, c := w.answers(a)
		want := store.Try{Person: "Ann", Why: store.GaveBack, At: w.clock.Now()}
		if v.Result != store.GivenBack || v.First == nil || v.First.Person != "Ann" || c.State != store.Waiting || c.Attempt != 2 || c.Claim != nil ||
			len(c.Tries) != 1 || c.Tries[0] != want || len(c.Passed) != 0 || c.Missing != 2 || !c.Deadline.Equal(c.Arrived.Add(2*minute)) {
			w.Errorf("%s by %s came to %+v, %+v", a.Word, a.Via, v, c)
		}
		// Who gave it back knows; the caller may be on the way to them already.
		if d := w.one(store.Retrieve, c.ID); d.Attempt != 2 || len(w.deeds(store.Redirect, c.ID)) != 0 || len(w.deeds(store.Tell, c.ID)) != tells || w.told(c) != "Bob Cy" {
			w.Errorf("%s by %s: %+v, told %q", a.Word, a.Via, d, w.told(c))
		}
		if again, after := w.answers(a); !reflect.DeepEqual(again, v) || !reflect.DeepEqual(after, c) {
			w.Errorf("again it came to %+v, %+v", again, after)
		}
		w.wins(c, "Bob", store.SendVoicemail)
	}
	// A button or a key may be about what went before; another's word, or one to another attempt, is about something else.
	c := w.ringing()
	for _, a := range []store.Answer{
		{Person: "Ann", Via: store.BySlack, Word: store.SendVoicemail, Attempt: 1}, {Person: "Ann", Via: store.ByPhone, Word: store.Pass, Attempt: 1},
		{Person: "Bob", Via: store.BySMS, Word: store.SendVoicemail, Attempt: 1}, {Person: "Bob", Via: store.BySMS, Word: store.HandOver, Attempt: 1},
		{Person: "Ann", Via: store.BySMS, Word: store.Pass, Attempt: 0}, {Person: "Ann", Via: store.BySMS, Word: store.HandOver, Attempt: 2},
	} {
		a.Call = c.ID
		if v, after := w.answers(a); v.Result == store.GivenBack || v.Result == store.Won || !reflect.DeepEqual(after, c) {
			w.Errorf("%+v came to %+v, %+v", a, v, after)
		}
	}
	// Nor does a key on the phone by which it was taken.
	c = w.arrive(sales)
	_, c = w.answers(store.Answer{Call: c.ID, Attempt: 1, Person: "Bob", Via: store.ByPhone, Word: store.Take, Leg: "CA-bob"})
	if v, after := w.says(c, "Bob", store.BySMS, store.Pass); v.Result != store.Lost || !reflect.DeepEqual(after, c) {
		w.Errorf("on the phone already: %+v, %+v", v, after)
	}
	// Late, there is no time left to wait: they have to be brought to where they are asked for a message.
	c = w.wins(w.arrive(sales), "Cy", store.Take)
	w.clock.Advance(2 * minute)
	_, c = w.says(c, "Cy", store.BySMS, store.SendVoicemail)
	w.byRule(c, store.WaitedOut, 1)
	if c.Missing != 2 || w.one(store.Retrieve, c.ID).Attempt != 2 {
		w.Errorf("%+v", c)
	}
}

func handingOver(w *world) {
	c := w.talking()
	old := w.waits("Bob Cy")
	w.clock.Advance(10 * minute)
	c = w.handsOver(c, "Ann", strings.Repeat("ä", 300))
	if c.State != store.Waiting || c.Attempt != 2 || c.Claim != nil || !c.Accepted.IsZero() || c.Missing != 2 || len(c.Tries) != 0 ||
		!c.Deadline.Equal(w.clock.Now().Add(30*second)) || c.Code == 0 {
		w.Errorf("handed over: %+v", c)
	}
	if h := c.Handed; h == nil || h.By != "Ann" || h.Note != strings.Repeat("ä", 200) || !h.At.Equal(w.clock.Now()) || h.Returned {
		w.Errorf("%+v", h)
	}
	if d := w.one(store.Retrieve, c.ID); d.Attempt != 2 || w.told(c) != "Bob Cy" || len(w.has("Ann")) != 0 || !c.Began().Equal(w.clock.Now()) {
		w.Errorf("%+v, told %q, began %s", d, w.told(c), c.Began())
	}
	w.follow() // Ann can take others, and is not told of what she has just handed over
	if w.told(c) != "Bob Cy" || w.told(old) != "Ann Bob Cy" {
		w.Errorf("told %q, %q", w.told(c), w.told(old))
	}
	for key, v := range w.all("seen/") { // what it says of the caller goes with the call
		if strings.Contains(string(v), "ä") {
			w.Errorf("%s keeps the note", key)
		}
	}
	// In front of those who have waited longer.
	if all, err := w.s.WaitingFor(w.ctx, "Bob"); err != nil || len(all) != 2 || all[0].ID != c.ID {
		w.Errorf("%+v, %v", all, err)
	}
	c = w.joins(w.wins(c, "Bob", store.Take))
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Bridged: true, Seconds: 60}))
	if c.Outcome != store.Talked || c.Claim.Person != "Bob" || c.Handed.By != "Ann" {
		w.Errorf("ended: %+v", c)
	}
	// With nobody else there, they are told of it themselves.
	for _, name := range []string{"Bob", "Cy"} {
		w.check(w.s.SetDuty(w.ctx, name, store.Duty{Off: true}))
	}
	if c := w.handsOver(w.talking(), "Ann", ""); w.told(c) != "Ann" {
		w.Errorf("told %q", w.told(c))
	}
}

func handingOverWho(w *world) {
	for _, c := range []store.Call{w.arrive(sales), w.recording(), w.in(store.Ended), w.talking()} {
		v, after := w.answers(store.Answer{Call: c.ID, Attempt: 1, Person: "Bob", Via: store.BySMS, Word: store.HandOver, Note: "x"})
		if v.Result != store.NotTalking || !reflect.DeepEqual(after, c) {
			w.Errorf("Bob's word on a call that is %s came to %+v", c.State, v)
		}
	}
	// A press that was meant for an earlier conversation of the same two.
	c := w.handsOver(w.talking(), "Ann", "")
	if v, _ := w.answers(store.Answer{Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySlack, Word: store.HandOver}); v.Result != store.NotTalking {
		w.Errorf("pressed twice: %+v", v)
	}
	c = w.joins(w.wins(c, "Ann", store.Take))
	if v, after := w.answers(store.Answer{Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySlack, Word: store.HandOver}); v.Result != store.Stale || !reflect.DeepEqual(after, c) {
		w.Errorf("pressed late: %+v", v)
	}
	// The store may not know who talks.
	c = w.arrive(sales)
	w.check(w.s.Overtaken(w.ctx, c.ID, 1))
	if v, _ := w.answers(store.Answer{Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.HandOver}); v.Result != store.NotTalking {
		w.Errorf("nobody is known to talk: %+v", v)
	}
}

func handedAnew(w *world) {
	c := w.pass(w.arrive(sales), "Bob")
	c = w.handsOver(w.joins(w.wins(c, "Ann", store.Take)), "Ann", "")
	if w.told(c) != "Bob Cy" || len(c.Passed) != 0 {
		w.Errorf("told %q, passed %+v", w.told(c), c.Passed)
	}
}

func handedBack(w *world) {
	c := w.handsOver(w.talking(), "Ann", "")
	handed := w.clock.Now()
	w.ok(w.s.Queued(w.ctx, c.ID, 2, "QU1"))
	w.clock.Advance(30*second - millisecond)
	w.expire()
	w.is(c.ID, store.Waiting, "")
	w.clock.Advance(millisecond)
	w.expire()
	c = w.is(c.ID, store.Ringing, "")
	if c.Claim.Person != "Ann" || c.Claim.Word != store.Take || c.Claim.Via != store.ByRule || c.Claim.Rule != store.HandedBack || !c.Handed.Returned || c.Attempt != 2 {
		w.Errorf("%+v, %+v", c, c.Claim)
	}
	if d := w.deeds(store.Redirect, c.ID); len(d) != 2 || d[1].Attempt != 2 { // beside the first one
		w.Errorf("redirects %+v", d)
	}
	w.waits("Bob Cy") // Ann's phone rings
	if v, _ := w.says(c, "Bob", store.BySMS, store.Take); v.Result != store.Lost {
		w.Errorf("too late: %+v", v)
	}
	// She does not come: it waits for what is left, counted from when it was handed over, and comes back to her no more.
	w.clock.Advance(20 * second)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	if c.State != store.Waiting || c.Attempt != 3 || w.told(c) != "Bob Cy" || !c.Deadline.Equal(handed.Add(2*minute)) || len(c.Tries) != 1 {
		w.Errorf("%+v, told %q", c, w.told(c))
	}
	w.clock.Advance(70 * second)
	w.expire()
	c = w.is(c.ID, store.Recording, "")
	w.byRule(c, store.WaitedOut, 3)
	// Handed over once more, it is another matter.
	c = w.handsOver(w.joins(w.wins(w.handsOver(w.talking(), "Ann", ""), "Bob", store.Take)), "Bob", "second")
	if c.Handed.By != "Bob" || c.Handed.Returned || w.told(c) != "Ann Cy" {
		w.Errorf("%+v, told %q", c.Handed, w.told(c))
	}
}

func handedBackToNobody(w *world) {
	for name, away := range map[string]func(){
		"talking":  func() { w.wins(w.arrive(sales), "Ann", store.Take) },
		"off duty": func() { w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{Off: true})) },
	} {
		c := w.handsOver(w.talking(), "Ann", "")
		away()
		w.clock.Advance(30 * second)
		w.expire()
		if c = w.is(c.ID, store.Waiting, ""); !c.Handed.Returned || c.Attempt != 2 || !c.Deadline.Equal(c.Handed.At.Add(2*minute)) {
			w.Errorf("%s: %+v, %+v", name, c, c.Handed)
		}
		w.clock.Advance(90*second - millisecond)
		w.expire()
		w.is(c.ID, store.Waiting, "")
		w.clock.Advance(millisecond)
		w.expire()
		w.byRule(w.is(c.ID, store.Recording, ""), store.WaitedOut, 2)
		for _, id := range w.has("Ann") {
			w.ok(w.s.HungUp(w.ctx, id))
		}
	}
	// Where callers wait for less than that, there is nothing left.
	w.staff(func(t *store.Team) { t.Lines[0].MaxWait = 20 * second })
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{}))
	c := w.handsOver(w.talking(), "Ann", "")
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{Off: true}))
	w.clock.Advance(30 * second)
	w.expire()
	w.byRule(w.is(c.ID, store.Recording, ""), store.WaitedOut, 2)
}

func handedAndPassed(w *world) {
	ringsAnn := func(c store.Call) store.Call {
		w.Helper()
		if c.State != store.Ringing || c.Claim.Person != "Ann" || c.Claim.Rule != store.HandedBack || !c.Handed.Returned {
			w.Errorf("%+v, %+v", c, c.Claim)
		}
		return c
	}
	c := w.pass(w.handsOver(w.talking(), "Ann", ""), "Bob")
	w.is(c.ID, store.Waiting, "")
	c = ringsAnn(w.pass(c, "Cy"))
	// She does not come, and is the only one who has not passed.
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	if c.State != store.Waiting || w.told(c) != "Ann" {
		w.Errorf("%+v, told %q", c, w.told(c))
	}
	w.byRule(w.pass(c, "Ann"), store.AllPassed, 3)
	// The last text that is lost is as good as a word.
	c = w.pass(w.handsOver(w.talking(), "Ann", ""), "Bob")
	ringsAnn(w.text(c, "Cy", w.id("SM"), store.TextUndelivered, 30003))
	w.ok(w.s.HungUp(w.ctx, c.ID))
	// She wants none of it either.
	c = w.handsOver(w.talking(), "Ann", "")
	c = w.pass(c, "Ann", "Bob", "Cy")
	w.byRule(c, store.AllPassed, 2)
	// By somebody who is not of the line, nobody is left to be told when they do not come.
	w.staff(func(t *store.Team) { t.People = append(t.People, store.Person{Name: "Dan", Phone: "+12085550104"}) })
	c = w.handsOver(w.joins(w.wins(w.arrive(sales), "Dan", store.Take)), "Dan", "")
	c = w.pass(c, "Ann", "Bob", "Cy")
	if c.State != store.Ringing || c.Claim.Person != "Dan" {
		w.Fatalf("%+v", c)
	}
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	w.byRule(c, store.AllPassed, 2) // which they hear next
	// Unless somebody has not passed, and is only not there.
	c = w.wins(w.arrive(sales), "Dan", store.Take)
	w.check(w.s.SetDuty(w.ctx, "Cy", store.Duty{Off: true}))
	c = w.handsOver(w.joins(c), "Dan", "")
	c = w.ok(w.s.Dialed(w.ctx, w.pass(c, "Ann", "Bob").ID, 2, store.DialResult{Why: store.NoAnswer}))
	if c.State != store.Waiting || w.told(c) != "" {
		w.Errorf("%+v, told %q", c, w.told(c))
	}
}

func handedTwice(w *world) {
	c := w.handsOver(w.talking(), "Ann", "")
	w.ok(w.s.Queued(w.ctx, c.ID, 2, "QU1"))
	w.clock.Advance(20 * second)
	c = w.wins(c, "Bob", store.Take)
	w.clock.Advance(25 * second)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	if c.State != store.Waiting || w.told(c) != "Ann Cy" || !c.Deadline.Equal(w.clock.Now().Add(30*second)) {
		w.Errorf("%+v, told %q", c, w.told(c))
	}
	w.clock.Advance(30 * second)
	w.expire()
	if c = w.is(c.ID, store.Ringing, ""); c.Claim.Person != "Ann" || c.Claim.Rule != store.HandedBack {
		w.Errorf("%+v", c.Claim)
	}
	// However often somebody tries, it ends by itself.
	c = w.handsOver(w.joins(c), "Ann", "")
	handed := w.clock.Now()
	for w.clock.Now().Sub(handed) < 100*time.Second {
		c = w.wins(c, "Bob", store.Take)
		w.clock.Advance(25 * second)
		c = w.ok(w.s.Dialed(w.ctx, c.ID, c.Attempt, store.DialResult{Why: store.NoAnswer}))
	}
	if !c.Deadline.Equal(handed.Add(2 * minute)) {
		w.Errorf("%s is left", c.Deadline.Sub(handed))
	}
	c = w.wins(c, "Bob", store.Take)
	w.clock.Advance(25 * second)
	if c = w.ok(w.s.Dialed(w.ctx, c.ID, c.Attempt, store.DialResult{Why: store.NoAnswer})); c.State != store.Recording || c.Claim.Rule != store.WaitedOut || c.Fetched != c.Attempt {
		w.Errorf("%+v, %+v", c, c.Claim)
	}
}

func retrieving(w *world) {
	// On the way: what does not find them in the queue must not take them for lost.
	c := w.handsOver(w.talking(), "Ann", "")
	if after := w.ok(w.s.OutOfQueue(w.ctx, c.ID, 2)); !reflect.DeepEqual(after, c) {
		w.Errorf("out of the queue: %+v", after)
	}
	w.check(w.s.Overtaken(w.ctx, c.ID, 2))
	w.is(c.ID, store.Waiting, "")
	for _, attempt := range []int{0, 1, 3} { // of another attempt
		if after := w.ok(w.s.Retrieved(w.ctx, c.ID, attempt)); after.Missing != 2 {
			w.Errorf("attempt %d: %+v", attempt, after)
		}
		if after := w.ok(w.s.Queued(w.ctx, c.ID, attempt, "QU0")); after.Missing != 2 {
			w.Errorf("attempt %d: %+v", attempt, after)
		}
	}
	back := w.ok(w.s.Retrieved(w.ctx, c.ID, 2))
	if back.Missing != 0 || back.State != store.Waiting || back.Fetched != c.Fetched || back.Rev != c.Rev {
		w.Errorf("%+v", back)
	}
	if again := w.ok(w.s.Retrieved(w.ctx, c.ID, 2)); !reflect.DeepEqual(again, back) {
		w.Errorf("again: %+v", again)
	}
	// Or they are seen in the queue, be it the same as before.
	c = w.talking()
	w.ok(w.s.Queued(w.ctx, c.ID, 1, "QU1"))
	c = w.handsOver(c, "Ann", "")
	if c = w.ok(w.s.Queued(w.ctx, c.ID, 2, "QU1")); c.Missing != 0 || c.Queue != "QU1" {
		w.Errorf("%+v", c)
	}
	if c = w.ok(w.s.OutOfQueue(w.ctx, c.ID, 2)); c.State != store.Recording {
		w.Errorf("back on hold, and lost since: %+v", c)
	}
	// At the fallback nobody has to bring them anywhere.
	c = w.handsOver(w.talking(), "Ann", "")
	c = w.ok(w.s.ArriveAtFallback(w.ctx, store.Arrival{SID: c.SID, Line: sales}))
	if ds := w.deeds(store.Retrieve, c.ID); c.State != store.Recording || c.Missing != 0 || len(ds) != 0 {
		w.Errorf("%+v, %+v", c, ds)
	}
}

func retrievingTaken(w *world) {
	// Claimed on the way, they hear at once what is theirs: their redirect is done.
	for _, word := range []store.Word{store.Take, store.SendVoicemail} {
		c := w.wins(w.handsOver(w.talking(), "Ann", ""), "Bob", word)
		if c.Missing != 2 || c.Fetched == 2 {
			w.Errorf("claimed: %+v", c)
		}
		if c = w.ok(w.s.Retrieved(w.ctx, c.ID, 2)); c.Missing != 0 || c.Fetched != 2 {
			w.Errorf("back: %+v", c)
		}
		w.ok(w.s.HungUp(w.ctx, c.ID))
	}
	// The second gives it back as well before they have come: one way back is enough, and it is the last.
	c := w.wins(w.handsOver(w.talking(), "Ann", ""), "Bob", store.Take)
	_, c = w.says(c, "Bob", store.BySMS, store.Pass)
	if d := w.one(store.Retrieve, c.ID); d.Attempt != 3 || c.Missing != 3 || c.State != store.Waiting {
		w.Errorf("%+v, %+v", d, c)
	}
	// So does one who took it on the phone, and is gone.
	_, c = w.answers(store.Answer{Call: c.ID, Attempt: 3, Person: "Cy", Via: store.ByPhone, Word: store.Take, Leg: "CA-cy"})
	c = w.ok(w.s.RingOver(w.ctx, c.ID, 3, 0, "CA-cy", 0))
	if d := w.one(store.Retrieve, c.ID); d.Attempt != 4 || c.Missing != 4 || c.State != store.Waiting {
		w.Errorf("%+v, %+v", d, c)
	}
	w.ok(w.s.HungUp(w.ctx, c.ID))
	// A dial's end tells that they were there, whatever else was lost.
	c = w.wins(w.handsOver(w.talking(), "Ann", ""), "Bob", store.Take)
	if fetched := w.ok(w.s.Fetched(w.ctx, c.ID, 2)); fetched.Missing != 0 {
		w.Errorf("%+v", fetched)
	}
	c = w.wins(w.handsOver(w.talking(), "Ann", ""), "Cy", store.Take)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	if ds := w.deeds(store.Retrieve, c.ID); c.State != store.Waiting || c.Missing != 0 || len(ds) != 0 {
		w.Errorf("%+v, %+v", c, ds)
	}
}

func handedAndGone(w *world) {
	over := func() store.Call {
		w.Helper()
		c := w.arrive(sales)
		w.clock.Advance(5 * second)
		c = w.joins(w.wins(c, "Ann", store.Take))
		w.clock.Advance(40 * second)
		c = w.handsOver(c, "Ann", "Jane's sister")
		if !c.WaitBegan().Equal(w.clock.Now()) || c.Waited(w.clock.Now()) != 0 {
			w.Errorf("waited %s since %s", c.Waited(w.clock.Now()), c.WaitBegan())
		}
		w.clock.Advance(10 * second)
		return c
	}
	ends := func(c store.Call, want store.Record, gaveUp bool) store.Call {
		w.Helper()
		for r, err := range w.s.History(w.ctx, began) {
			if err == nil && r.CallSID == c.SID {
				want.CallSID, want.Line, want.From, want.Place, want.Arrived = r.CallSID, "Sales", c.From, "Boise, ID", c.Arrived
				if r != want || c.GaveUp() != gaveUp {
					w.Errorf("ended as %+v, given up %t", r, c.GaveUp())
				}
				return c
			}
		}
		w.Errorf("%s %s is in no history", c.State, c.Outcome)
		return c
	}
	talked := store.Record{Outcome: store.Talked, AnsweredBy: "Ann", Via: store.BySMS, WaitedSeconds: 10, TalkedSeconds: 40}
	c := ends(w.ok(w.s.HungUp(w.ctx, over().ID)), talked, true)
	// So do those who hang up while the next one's phone rings, or leave no message.
	rings := ends(w.ok(w.s.HungUp(w.ctx, w.wins(over(), "Bob", store.Take).ID)), talked, true)
	silent := ends(w.ok(w.s.NothingRecorded(w.ctx, w.wins(over(), "Bob", store.SendVoicemail).ID)), talked, true)
	joined := w.joins(w.wins(over(), "Bob", store.Take))
	ends(w.ok(w.s.Dialed(w.ctx, joined.ID, 2, store.DialResult{CallerGone: true})), talked, true)
	// What is heard later goes before that.
	ends(w.ok(w.s.Dialed(w.ctx, rings.ID, 2, store.DialResult{Bridged: true, Seconds: 7})),
		store.Record{Outcome: store.Talked, AnsweredBy: "Bob", Via: store.BySMS, WaitedSeconds: 3, TalkedSeconds: 47}, false)
	message := store.Record{Outcome: store.Voicemail, AnsweredBy: "Bob", Via: store.BySMS, WaitedSeconds: 10, TalkedSeconds: 40, VoicemailSeconds: 6}
	ends(w.ok(w.s.RecordingReady(w.ctx, silent.ID, "RE1", 6)), message, false)
	ends(w.ok(w.s.RecordingReady(w.ctx, w.wins(over(), "Bob", store.SendVoicemail).ID, "RE2", 6)), message, false)
	// All that they talked counts, and the latest wait.
	again := w.joins(w.wins(over(), "Bob", store.Take))
	w.clock.Advance(20 * second)
	again = w.joins(w.wins(w.handsOver(again, "Bob", ""), "Cy", store.Take))
	ends(w.ok(w.s.Dialed(w.ctx, again.ID, 3, store.DialResult{Bridged: true, Seconds: 30})),
		store.Record{Outcome: store.Talked, AnsweredBy: "Cy", Via: store.BySMS, TalkedSeconds: 90}, false)
	// To be called back, they wait for somebody who does.
	back := w.askBack(over())
	w.clock.Advance(24 * time.Hour)
	w.expire()
	ends(w.is(back.ID, store.Ended, store.Missed), store.Record{Outcome: store.Missed, WaitedSeconds: 24*60*60 + 10, TalkedSeconds: 40}, true)
	// Twilio's word of the conversation's end comes late, and changes nothing.
	if after := w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Bridged: true, Seconds: 10})); !reflect.DeepEqual(after, c) {
		w.Errorf("%+v", after)
	}
	if _, err := w.s.Forget(w.ctx, c.From); err != nil {
		w.Error(err)
	}
	if now := w.is(c.ID, store.Ended, store.Talked); now.Handed.Note != "" {
		w.Errorf("kept of a caller who is forgotten: %q", now.Handed.Note)
	}
}
