package storetest

import (
	"reflect"
	"slices"
	"time"

	"pullphone/store"
)

var duties = []part[*world]{
	{"who has a call is refused another", busyRefused},
	{"who has a call may insist", busyInsists},
	{"who has a call is told when it is over", freedIsTold},
	{"what makes somebody free once more is not lost", freedMeanwhile},
	{"who is not free when the text is to leave is told later", notToldYet},
	{"phones ring on when somebody is free again", freedIsRung},
	{"who has which call is noted anew at the start", busyNotedAnew},
	{"off duty, and on", offDuty},
	{"who was off duty in an older store still is", offDutyBefore},
	{"off duty for a while", offForAWhile},
	{"nobody on duty", nobodyOnDuty},
	{"after hours", afterHours},
}

// waits places a call that waits and says whom it was announced to.
func (w *world) waits(told string) store.Call {
	w.Helper()
	c := w.arrive(sales)
	if got := w.told(c); c.State != store.Waiting || got != told {
		w.Errorf("a call that is %s is announced to %q, want %q", c.State, got, told)
	}
	return c
}

// has lists whose calls a person has.
func (w *world) has(person string) (ids []store.CallID) {
	w.Helper()
	calls, err := w.s.CallsOf(w.ctx, person)
	w.check(err)
	for _, c := range calls {
		ids = append(ids, c.ID)
	}
	return ids
}

func busyRefused(w *world) {
	for _, c := range []store.Call{w.ringing(), w.talking()} {
		if got := w.has("Ann"); !slices.Contains(got, c.ID) {
			w.Errorf("Ann has %s, not %s", got, c.ID)
		}
		other := w.waits("Bob Cy")
		a := store.Answer{ID: w.id("answer"), Call: other.ID, Attempt: 1, Person: "Ann", Via: store.BySlack, Word: store.Take}
		v, after := w.answers(a)
		if v.Result != store.OnACall || v.Other != w.has("Ann")[0] || v.First != nil || !reflect.DeepEqual(after, other) {
			w.Errorf("a second take came to %+v, the call is %+v", v, after)
		}
		w.one(store.Tell, other.ID)
		if again, _ := w.answers(a); !reflect.DeepEqual(again, v) {
			w.Errorf("again it came to %+v", again)
		}
		// Other words are not about their own phone.
		if v, _ := w.says(other, "Ann", store.BySMS, store.SendVoicemail); v.Result != store.Won {
			w.Errorf("her no came to %q", v.Result)
		}
		w.ok(w.s.HungUp(w.ctx, c.ID))
	}
	if got := w.has("Ann"); len(got) != 0 {
		w.Errorf("Ann still has %s", got)
	}
	w.waits("Ann Bob Cy")
}

func busyInsists(w *world) {
	first := w.talking()
	second := w.waits("Bob Cy")
	v, second := w.answers(store.Answer{Call: second.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take, Force: true})
	if got := w.has("Ann"); v.Result != store.Won || !slices.Equal(got, []store.CallID{first.ID, second.ID}) {
		w.Errorf("it came to %q, Ann has %s", v.Result, got)
	}
	w.ok(w.s.HungUp(w.ctx, first.ID))
	if got := w.has("Ann"); !slices.Equal(got, []store.CallID{second.ID}) || len(w.deeds(store.Freed, "")) != 0 {
		w.Errorf("Ann has %s, due are %+v", got, w.deeds(store.Freed, ""))
	}
	w.waits("Bob Cy")
	// A take that comes to nothing, and one that is for voicemail after all, leave nobody busy.
	w.ok(w.s.Dialed(w.ctx, second.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if d := w.one(store.Freed, ""); d.Whom != "Ann" {
		w.Errorf("free again: %+v", d)
	}
	third := w.ringing()
	w.ok(w.s.ArriveAtFallback(w.ctx, store.Arrival{SID: third.SID, Line: sales}))
	if got := w.has("Ann"); len(got) != 0 {
		w.Errorf("Ann still has %s", got)
	}
}

func freedIsTold(w *world) {
	c := w.ringing()
	other, passed, elsewhere := w.waits("Bob Cy"), w.waits("Bob Cy"), w.arrive(support)
	w.says(passed, "Ann", store.BySlack, store.Pass)
	w.follow()
	if got := w.told(other); got != "Bob Cy" {
		w.Errorf("while her phone rings told are %q", got)
	}
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	w.follow()
	for _, d := range []struct {
		c    store.Call
		told string
	}{{other, "Ann Bob Cy"}, {passed, "Bob Cy"}, {elsewhere, "Bob"}, {c, "Bob Cy"}} { // not of the one that she has just not taken
		if got := w.told(d.c); got != d.told {
			w.Errorf("told are %q, want %q", got, d.told)
		}
	}
	if now := w.is(other.ID, store.Waiting, ""); !slices.Equal(now.Told, []string{"Bob", "Cy", "Ann"}) || now.Rev != other.Rev {
		w.Errorf("%+v", now)
	}
	// Once is enough.
	w.work(store.Text, func(jobs <-chan job) {
		for range 4 + 3 + 1 + 3 {
			await(w, w.ctx, "an SMS", jobs).done <- outcome{}
		}
		w.awaitDone(store.Text, other.ID)
		w.awaitDone(store.Text, c.ID)
	})
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{}))
	w.follow()
	if got := w.told(other); got != "" {
		w.Errorf("told again: %q", got)
	}
}

func notToldYet(w *world) {
	c := w.waits("Ann Bob Cy")
	may := func(person string, attempt int, want bool, told ...string) {
		w.Helper()
		got, err := w.s.MayTell(w.ctx, c.ID, attempt, person)
		if now := w.is(c.ID, store.Waiting, ""); err != nil || got != want || !slices.Equal(now.Told, told) {
			w.Errorf("%s may be told: %t, %v; told %s, want %t, %s", person, got, err, now.Told, want, told)
		}
	}
	other := w.talking()
	w.check(w.s.SetDuty(w.ctx, "Cy", store.Duty{Off: true}))
	may("Bob", 1, true, "Ann", "Bob", "Cy")
	may("Ann", 2, false, "Ann", "Bob", "Cy")
	may("Ann", 1, false, "Bob", "Cy")
	may("Cy", 1, false, "Bob")
	w.ok(w.s.HungUp(w.ctx, other.ID))
	w.follow()
	w.check(w.s.SetDuty(w.ctx, "Cy", store.Duty{}))
	w.follow()
	may("Ann", 1, true, "Bob", "Ann", "Cy")
}

func freedIsRung(w *world) {
	c := w.waits("Ann Bob Cy")
	w.clock.Advance(10 * second)
	c = w.goesUp(c, "CA1")
	other := w.talking()
	for _, name := range []string{"Bob", "Cy"} {
		w.check(w.s.SetDuty(w.ctx, name, store.Duty{Off: true}))
	}
	c = w.ok(w.s.RingOver(w.ctx, c.ID, 1, 1, "CA1", 0))
	if ds := w.deeds(store.RingUp, c.ID); c.Ring.Person != "" || len(ds) != 0 {
		w.Errorf("nobody can be rung, but %+v, %+v", c.Ring, ds)
	}
	w.follow()
	w.clock.Advance(10 * second)
	w.ok(w.s.HungUp(w.ctx, other.ID))
	w.follow()
	c = w.is(c.ID, store.Waiting, "")
	if d := w.one(store.RingUp, c.ID); c.Ring.Person != "Ann" || c.Ring.Turn != 3 || d.Rev != 3 || !d.Due.Equal(w.clock.Now()) {
		w.Errorf("Ann can be: %+v, %+v", c.Ring, d)
	}
	w.follow()
	// A call that came while nobody could be rung gives texts their time first.
	w.wins(w.arrive(sales), "Ann", store.Take)
	c = w.waits("")
	if ds := w.deeds(store.RingUp, c.ID); len(ds) != 0 {
		w.Errorf("nobody can be rung, but %+v", ds)
	}
	w.check(w.s.SetDuty(w.ctx, "Bob", store.Duty{}))
	w.follow()
	if d := w.one(store.RingUp, c.ID); d.Rev != 1 || !d.Due.Equal(w.clock.Now().Add(10*second)) || w.told(c) != "Bob" {
		w.Errorf("Bob can be: %+v", d)
	}
	if c = w.drawn(w.is(c.ID, store.Waiting, "")); !c.Ring.At.IsZero() { // Slack has shown it
		w.Errorf("%+v", c.Ring)
	}
}

// freedMeanwhile: a call ends while its taker is being told what waits since another of theirs has.
func freedMeanwhile(w *world) {
	w.ok(w.s.HungUp(w.ctx, w.ringing().ID))
	w.work(store.Freed, func(jobs <-chan job) {
		j := await(w, w.ctx, "Ann is told", jobs)
		w.ok(w.s.HungUp(w.ctx, w.ringing().ID))
		j.done <- outcome{}
		j = await(w, w.ctx, "Ann is told again", jobs)
		if j.Whom != "Ann" || j.Kind != store.Freed {
			w.Errorf("%+v", j.Deed)
		}
		j.done <- outcome{}
		w.awaitDone(store.Freed, "")
	})
}

func busyNotedAnew(w *world) {
	first := w.talking()
	w.clock.Advance(second)
	second := w.ringing()
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error { // from before it was noted; Bob's call was put back to another day
		tx.Delete("meta/counted")
		tx.Delete("busy/Ann")
		tx.Put("busy/Bob", []byte(`["01ARZ3NDEKTSV4RRFFQ69G5FAV"]`))
		return nil
	}))
	w.restart()
	w.sound()
	if got := w.has("Ann"); !slices.Equal(got, []store.CallID{first.ID, second.ID}) {
		w.Errorf("Ann has %s", got)
	}
	w.waits("Bob Cy")
	if d := w.one(store.Freed, ""); d.Whom != "Bob" {
		w.Errorf("free is %+v", d)
	}
	w.restart()
	w.sound()
}

// duty reads whether a person is off duty, and until when.
func (w *world) duty(person string, want store.Duty) {
	w.Helper()
	if got, err := w.s.Duty(w.ctx, person); err != nil || got.Off != want.Off || !got.Until.Equal(want.Until) {
		w.Errorf("%s: %+v, %v; want %+v", person, got, err, want)
	}
}

func offDuty(w *world) {
	w.duty("Ann", store.Duty{})
	old := w.waits("Ann Bob Cy")
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{Off: true}))
	w.duty("Ann", store.Duty{Off: true})
	w.restart()
	w.duty("Ann", store.Duty{Off: true})
	w.clock.Advance(100 * 24 * time.Hour)
	c := w.waits("Bob Cy")
	w.follow()
	if got := w.told(c); got != "Bob Cy" {
		w.Errorf("off duty, and told: %q", got)
	}
	for range 2 {
		w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{}))
		w.follow()
	}
	w.duty("Ann", store.Duty{})
	if got := w.told(c); got != "Ann Bob Cy" {
		w.Errorf("on duty again, told: %q", got)
	}
	w.wins(old, "Bob", store.SendVoicemail)
	// Off duty one is not told, and may take a call all the same.
	w.check(w.s.SetDuty(w.ctx, "Cy", store.Duty{Off: true}))
	if v, _ := w.says(c, "Cy", store.BySlack, store.Take); v.Result != store.Won {
		w.Errorf("off duty, a take came to %q", v.Result)
	}
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	w.follow()
	if got := w.told(c); got != "Ann Bob" {
		w.Errorf("told are %q", got)
	}
}

func offForAWhile(w *world) {
	until := began.Add(2 * time.Hour)
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{Off: true, Until: until}))
	w.duty("Ann", store.Duty{Off: true, Until: until})
	w.clock.Advance(2*time.Hour - millisecond)
	c := w.waits("Bob Cy")
	w.ok(w.s.HungUp(w.ctx, w.wins(w.waits("Bob Cy"), "Ann", store.Take).ID)) // it makes her free, and still off duty
	w.follow()
	if got := w.told(c); got != "Bob Cy" {
		w.Errorf("a moment too early told are %q", got)
	}
	w.restart()
	w.clock.Advance(millisecond)
	w.duty("Ann", store.Duty{})
	w.follow()
	if got := w.told(c); got != "Ann Bob Cy" {
		w.Errorf("when it is over told are %q", got)
	}
	// For longer, or for good: the first time says nothing any more.
	for _, d := range []store.Duty{{Off: true, Until: until.Add(2 * time.Hour)}, {Off: true}} {
		w.check(w.s.SetDuty(w.ctx, "Bob", store.Duty{Off: true, Until: w.clock.Now().Add(time.Hour)}))
		w.check(w.s.SetDuty(w.ctx, "Bob", d))
		c := w.waits("Ann Cy")
		w.clock.Advance(time.Hour)
		w.follow()
		if got := w.told(c); got != "Ann Cy" {
			w.Errorf("off until %s, told are %q", d.Until, got)
		}
	}
	w.check(w.s.SetDuty(w.ctx, "Bob", store.Duty{Off: true, Until: w.clock.Now().Add(time.Hour)}))
	w.check(w.s.SetDuty(w.ctx, "Bob", store.Duty{})) // sooner
	w.follow()
	if left := w.deeds(store.Freed, ""); len(left) != 0 {
		w.Errorf("still due: %+v", left)
	}
	// A time that is over is not kept.
	w.check(w.s.SetDuty(w.ctx, "Cy", store.Duty{Off: true, Until: w.clock.Now().Add(time.Hour)}))
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{Off: true}))
	w.clock.Advance(time.Hour)
	w.during(w.s.Retain, w.settle)
	if left := string(w.all("off/")["off/all"]); left != `{"Ann":{"off":true}}` {
		w.Errorf("kept of who is off duty: %s", left)
	}
}

// offDutyBefore: an older pullphone kept a record for each.
func offDutyBefore(w *world) {
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{Off: true}))
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
		tx.Put("duty/Bob", []byte(`{"off":true,"until":"2026-03-02T09:30:00Z"}`))
		tx.Put("duty/Cy", []byte(`{"off":true,"until":"2026-03-02T08:59:00Z"}`)) // over
		return nil
	}))
	w.restart()
	w.duty("Ann", store.Duty{Off: true})
	w.duty("Bob", store.Duty{Off: true, Until: began.Add(30 * minute)})
	w.duty("Cy", store.Duty{})
	if left := w.all("duty/"); len(left) != 0 {
		w.Errorf("still there: %s", left)
	}
}

// byRule checks that a caller is asked for a message because of a rule; a redirect is due where they hear no other
// document of ours.
func (w *world) byRule(c store.Call, rule store.Rule, redirects int) {
	w.Helper()
	if c.State != store.Recording || c.Claim.Rule != rule || c.Claim.Via != store.ByRule || c.Claim.Person != "" || c.Claim.Word != store.SendVoicemail {
		w.Errorf("a call that is %s, claim %+v; want rule %q", c.State, c.Claim, rule)
	}
	if got := len(w.deeds(store.Redirect, c.ID)); got != redirects {
		w.Errorf("%d redirects are due, want %d", got, redirects)
	}
	if len(w.deeds(store.Draw, c.ID)) != 1 || c.Deadline != w.clock.Now().Add(store.MaxMessage+minute) {
		w.Errorf("%+v", c)
	}
}

// arrivesClosed places a call on a line that keeps nobody waiting, and one of a caller who is in the queue already.
func (w *world) arrivesClosed(rule store.Rule) {
	w.Helper()
	for _, queued := range []bool{false, true} {
		c := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: sales, From: "+12085559999", Queued: queued}))
		redirects := 0
		if queued {
			redirects = 1
		}
		w.byRule(c, rule, redirects)
		if w.told(c) != "" || c.Code != 0 || c.Short || len(w.deeds(store.Escalate, c.ID)) != 0 || (c.Fetched == 1) == queued {
			w.Errorf("told %q, %+v", w.told(c), c)
		}
		if c = w.ok(w.s.RecordingReady(w.ctx, c.ID, w.id("RE"), 5)); c.Outcome != store.Voicemail {
			w.Errorf("ended: %s", c.Outcome)
		}
	}
	if left := w.all("from/+12085559999"); len(left) != 0 {
		w.Errorf("kept of who has no call open: %s", left)
	}
}

func nobodyOnDuty(w *world) {
	w.staff(func(t *store.Team) {
		t.People = append(t.People, store.Person{Name: "Dee", Phone: "+12085550104"})
		t.Lines[0].Escalate = []store.Step{{After: 30 * second, People: []string{"Dee"}}}
	})
	for _, name := range []string{"Ann", "Bob", "Cy"} {
		w.check(w.s.SetDuty(w.ctx, name, store.Duty{Off: true}))
	}
	c := w.waits("") // for Dee, who is told later
	if ds := w.deeds(store.RingUp, c.ID); len(ds) != 0 {
		w.Errorf("nobody can be rung: %+v", ds)
	}
	w.clock.Advance(30 * second)
	w.follow()
	if got := w.told(c); got != "Dee" {
		w.Errorf("told: %q", got)
	}
	if d := w.one(store.RingUp, c.ID); !d.Due.Equal(w.clock.Now().Add(10 * second)) { // should that be lost
		w.Errorf("ringing is due as %+v", d)
	}
	w.check(w.s.SetDuty(w.ctx, "Dee", store.Duty{Off: true, Until: w.clock.Now().Add(time.Hour)}))
	w.arrivesClosed(store.NobodyOnDuty)
	// Who asked for the next call is there.
	if _, err := w.s.Stand(w.ctx, store.Answer{ID: "line1", Person: "Cy", Via: store.BySMS}); err != nil {
		w.Error(err)
	}
	if c := w.arrive(sales); c.State != store.Ringing || c.Claim.Person != "Cy" {
		w.Errorf("in line: %+v", c)
	}
	w.arrivesClosed(store.NobodyOnDuty)
	w.clock.Advance(time.Hour)
	w.waits("") // Dee is back
}

func afterHours(w *world) {
	w.staff(func(t *store.Team) {
		t.Lines[0].Escalate = []store.Step{{After: 30 * second, People: []string{"Bob"}}}
		t.Lines[0].Hours = &store.Hours{Location: time.UTC, Spans: []store.Span{{Days: []time.Weekday{time.Monday}, From: 8 * 60, To: 9*60 + 1}}}
	})
	c := w.waits("Ann Bob Cy")
	w.clock.Advance(minute)
	if _, err := w.s.Stand(w.ctx, store.Answer{ID: "line1", Person: "Cy", Via: store.BySMS}); err != nil {
		w.Error(err)
	}
	w.arrivesClosed(store.AfterHours)
	w.is(c.ID, store.Waiting, "") // who came before is not sent away
	// The same CallSid again is the same call.
	a := store.Arrival{SID: "CA1", Line: sales}
	first := w.ok(w.s.Arrive(w.ctx, a))
	if again := w.ok(w.s.Arrive(w.ctx, a)); !reflect.DeepEqual(again, first) {
		w.Errorf("again: %+v", again)
	}
}
