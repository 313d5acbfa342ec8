package storetest

import (
	"slices"
	"strings"

	"pullphone/store"
)

var passes = []part[*world]{
	{"when all have passed, it is voicemail", allPass},
	{"when all have passed, the next are told first", allPassStep},
	{"a text that is lost reaches nobody", passedAndLost},
	{"who has passed is left alone", passedStays},
}

// pass has people say "not me".
func (w *world) pass(c store.Call, people ...string) store.Call {
	w.Helper()
	for _, name := range people {
		v, after := w.says(c, name, store.BySMS, store.Pass)
		if v.Result != store.PassOn {
			w.Errorf("%s's pass came to %q", name, v.Result)
		}
		c = after
	}
	return c
}

func allPass(w *world) {
	c := w.pass(w.waits("Ann Bob Cy"), "Cy", "Ann")
	w.is(c.ID, store.Waiting, "")
	c = w.pass(c, "Cy", "Ann") // once more
	if w.is(c.ID, store.Waiting, ""); len(c.Passed) != 2 || c.Rev != 3 {
		w.Errorf("%d have passed, revision %d", len(c.Passed), c.Rev)
	}
	w.byRule(w.pass(c, "Bob"), store.AllPassed, 1)
	// Who was not told, because they have a call, is not waited for; nor who is off duty.
	w.wins(w.waits("Ann Bob Cy"), "Ann", store.Take)
	w.check(w.s.SetDuty(w.ctx, "Bob", store.Duty{Off: true}))
	w.byRule(w.pass(w.waits("Cy"), "Cy"), store.AllPassed, 1)
	// Nobody could be told: those who see it all the same decide nothing for the others.
	w.check(w.s.SetDuty(w.ctx, "Cy", store.Duty{Off: true}))
	w.check(w.s.SetDuty(w.ctx, "Bob", store.Duty{}))
	w.wins(w.waits("Bob"), "Bob", store.Take)
	c = w.pass(w.waits(""), "Cy", "Ann")
	w.is(c.ID, store.Waiting, "")
	w.byRule(w.pass(c, "Bob"), store.AllPassed, 1)
	// Who has no phone cannot take it.
	w.staff(func(t *store.Team) { t.People[1].Phone = "" })
	w.byRule(w.pass(w.waits(""), "Cy", "Ann"), store.AllPassed, 1)
}

func allPassStep(w *world) {
	w.staff(func(t *store.Team) {
		t.People = append(t.People, store.Person{Name: "Dee", Phone: "+12085550104"}, store.Person{Name: "Eve", Phone: "+12085550105"})
		t.Lines[0].People = []string{"Ann", "Bob"}
		t.Lines[0].Escalate = []store.Step{{After: 30 * second, People: []string{"Cy"}}, {After: minute, People: []string{"Dee", "Eve"}, Here: true}}
	})
	w.check(w.s.SetDuty(w.ctx, "Cy", store.Duty{Off: true}))
	c := w.pass(w.waits("Ann Bob"), "Ann")
	if c.Steps != 0 || w.told(c) != "Ann Bob" {
		w.Errorf("one has passed: %+v, told %q", c, w.told(c))
	}
	c = w.pass(c, "Bob") // nobody of the first step can be told
	if c.State != store.Waiting || c.Steps != 2 || w.told(c) != "Ann Bob Dee Eve" || len(w.deeds(store.Mention, c.ID)) != 1 {
		w.Errorf("all have passed: %+v, told %q", c, w.told(c))
	}
	w.clock.Advance(minute)
	w.follow()
	if w.told(c) != "Ann Bob Dee Eve" || len(w.deeds(store.Escalate, c.ID)) != 0 {
		w.Errorf("at its time: told %q", w.told(c))
	}
	c = w.pass(c, "Eve")
	w.is(c.ID, store.Waiting, "")
	w.byRule(w.pass(c, "Dee"), store.AllPassed, 1)
}

func passedAndLost(w *world) {
	lost := func(c store.Call) store.Call { return w.text(c, "Cy", w.id("SM"), store.TextUndelivered, 30003) }
	w.byRule(w.pass(lost(w.waits("Ann Bob Cy")), "Ann", "Bob"), store.AllPassed, 1)
	w.byRule(lost(w.pass(w.waits("Ann Bob Cy"), "Ann", "Bob")), store.AllPassed, 1)
	// One that has arrived, or may yet, is waited for; and where nobody has passed, it is for the phones to ring.
	c := w.text(w.pass(w.waits("Ann Bob Cy"), "Ann", "Bob"), "Cy", "SM1", store.TextDelivered, 0)
	w.is(c.ID, store.Waiting, "")
	c = w.waits("Ann Bob Cy")
	for _, name := range []string{"Ann", "Bob", "Cy"} {
		c = w.text(c, name, w.id("SM"), store.TextUndelivered, 30003)
	}
	w.is(c.ID, store.Waiting, "")
	// Who can never be texted was not reached at the next attempt either, though nothing was sent.
	c = w.waits("Ann Bob Cy")
	w.check(w.s.Texted(w.ctx, c.ID, store.SMSText{Person: "Cy", Attempt: 1, Status: store.TextFailed, Code: 21610, Never: true}))
	c = w.wins(c, "Dan", store.Take)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if got := w.told(c); got != "Ann Bob" || !slices.Equal(c.Told, []string{"Ann", "Bob", "Cy"}) {
		w.Errorf("told %q of %s", got, c.Told)
	}
	w.byRule(w.pass(c, "Ann", "Bob"), store.AllPassed, 2)
}

func passedStays(w *world) {
	c := w.pass(w.waits("Ann Bob Cy"), "Ann")
	c = w.wins(c, "Bob", store.Take)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if got := w.told(c); got != "Cy" || strings.Join(c.Told, " ") != "Cy" {
		w.Errorf("at the next attempt told %q, %s", got, c.Told)
	}
	for turn := 1; turn <= 4; turn++ { // nor is their phone rung
		if c.Ring.Person == "Ann" {
			w.Errorf("rung: %+v", c.Ring)
		}
		c = w.ok(w.s.RingOver(w.ctx, c.ID, 2, turn, "", 0))
	}
	w.byRule(w.pass(c, "Cy"), store.AllPassed, 2)
}
