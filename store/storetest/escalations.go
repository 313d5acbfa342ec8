package storetest

import (
	"strings"
	"time"

	"pullphone/store"
)

var escalations = []part[*world]{
	{"the next are told in time", stepsInTime},
	{"steps that came while somebody was asked", stepsCaughtUp},
	{"steps of a call that was handed over", stepsHandedOver},
	{"steps that came while nobody ran", stepsAfterPause},
	{"steps of a call that is over", stepsOver},
	{"a step for who cannot take it now", stepForBusy},
	{"a step where many wait", stepInFlood},
}

// escalating gives the sales line steps: Cy after half a minute, Dee and the channel after one.
func (w *world) escalating() {
	w.Helper()
	w.staff(func(t *store.Team) {
		t.People = append(t.People, store.Person{Name: "Dee", Phone: "+12085550104"})
		t.Lines[0].People = []string{"Ann", "Bob"}
		t.Lines[0].Escalate = []store.Step{{After: 30 * second, People: []string{"Cy"}}, {After: minute, People: []string{"Dee", "Ann"}, Here: true}}
	})
}

// steps checks how far a call has come, and whom its attempt was announced to.
func (w *world) steps(c store.Call, taken int, told string, mentions int) store.Call {
	w.Helper()
	c, err := w.s.Call(w.ctx, c.ID)
	w.check(err)
	if got := w.told(c); c.Steps != taken || got != told || len(c.Told) != len(strings.Fields(told)) || len(w.deeds(store.Mention, c.ID)) != mentions {
		w.Errorf("%d steps taken, told %q, %s, mentions %+v; want %d, %q, %d", c.Steps, got, c.Told, w.deeds(store.Mention, c.ID), taken, told, mentions)
	}
	return c
}

func stepsInTime(w *world) {
	w.escalating()
	c := w.waits("Ann Bob")
	for _, s := range []struct {
		at       time.Duration
		taken    int
		told     string
		mentions int
	}{
		{30*second - millisecond, 0, "Ann Bob", 0}, {30 * second, 1, "Ann Bob Cy", 0}, {40 * second, 1, "Ann Bob Cy", 0},
		{minute - millisecond, 1, "Ann Bob Cy", 0}, {minute, 2, "Ann Bob Cy Dee", 1}, {90 * second, 2, "Ann Bob Cy Dee", 1},
	} {
		w.clock.Advance(began.Add(s.at).Sub(w.clock.Now()))
		w.follow()
		w.steps(c, s.taken, s.told, s.mentions)
	}
	if c := w.is(c.ID, store.Waiting, ""); c.Rev != 3 || c.Attempt != 1 || !c.Deadline.Equal(began.Add(2*minute)) {
		w.Errorf("%+v", c)
	}
	if d := w.one(store.Mention, c.ID); d.Attempt != 1 || d.Line != sales {
		w.Errorf("mention %+v", d)
	}
	// At the next attempt all of them are told, and nobody is called once more.
	w.work(store.Mention, func(jobs <-chan job) {
		await(w, w.ctx, "the mention", jobs).done <- outcome{}
		w.awaitDone(store.Mention, c.ID)
	})
	c = w.wins(c, "Ann", store.Take)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	w.follow()
	w.steps(c, 2, "Bob Cy Dee", 0)
}

func stepsCaughtUp(w *world) {
	w.escalating()
	c := w.waits("Ann Bob")
	w.clock.Advance(20 * second)
	c = w.wins(c, "Ann", store.Take)
	w.clock.Advance(50 * second)
	w.follow()
	if c := w.is(c.ID, store.Ringing, ""); c.Steps != 0 || len(w.deeds(store.Mention, c.ID)) != 0 {
		w.Errorf("while her phone rings: %+v", c)
	}
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	w.steps(c, 2, "Bob Cy Dee", 1)
	if d := w.one(store.Mention, c.ID); d.Attempt != 2 {
		w.Errorf("mention %+v", d)
	}

	// Not while it is for somebody in line.
	w.wins(c, "Cy", store.Take)
	c = w.wins(w.waits("Ann Bob"), "Ann", store.Take)
	w.clock.Advance(70 * second)
	w.follow()
	w.check(w.s.SetDuty(w.ctx, "Dee", store.Duty{Off: true}))
	if _, err := w.s.Stand(w.ctx, store.Answer{ID: "x1", Person: "Dee", Via: store.BySMS}); err != nil {
		w.Error(err)
	}
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	w.byLine(c, "Dee")
	if c.Steps != 0 || len(w.deeds(store.Mention, c.ID)) != 0 {
		w.Errorf("for Dee: %+v", c)
	}
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	w.steps(c, 2, "Ann Bob", 1)
}

// stepsHandedOver counts from when the call was handed over; steps that were taken stay taken.
func stepsHandedOver(w *world) {
	w.escalating()
	c := w.talking()
	w.clock.Advance(5 * minute)
	w.follow()
	c = w.handsOver(c, "Ann", "")
	w.follow()
	w.steps(c, 0, "Bob", 0)
	w.clock.Advance(30 * second)
	w.follow()
	c = w.steps(c, 1, "Bob Cy", 0)
	c = w.handsOver(w.joins(w.wins(c, "Cy", store.Take)), "Cy", "")
	w.steps(c, 1, "Ann Bob", 0)
	w.clock.Advance(minute - millisecond)
	w.follow()
	w.steps(c, 1, "Ann Bob", 0)
	w.clock.Advance(millisecond)
	w.follow()
	w.steps(c, 2, "Ann Bob Dee", 1)
}

func stepsAfterPause(w *world) {
	w.escalating()
	c, other := w.waits("Ann Bob"), w.waits("Ann Bob")
	w.clock.Advance(70 * second)
	w.restart()
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error { // the later deed comes first
		tx.Delete(store.Deed{Kind: store.Escalate, Call: other.ID, Whom: "1"}.Key())
		return nil
	}))
	w.follow()
	w.steps(c, 2, "Ann Bob Cy Dee", 1)
	w.steps(other, 2, "Ann Bob Cy Dee", 1)
	w.restart()
	w.follow()
	w.steps(c, 2, "Ann Bob Cy Dee", 1)
}

func stepsOver(w *world) {
	w.escalating()
	gone, talks, records := w.waits("Ann Bob"), w.wins(w.waits("Ann Bob"), "Ann", store.Take), w.wins(w.waits("Bob"), "Bob", store.SendVoicemail)
	w.ok(w.s.HungUp(w.ctx, gone.ID))
	back := w.arrive(sales)
	if ok, _, err := w.s.AskBack(w.ctx, back.ID, 1); err != nil || !ok {
		w.Errorf("to be called back: %t, %v", ok, err)
	}
	w.clock.Advance(minute)
	w.follow()
	for _, c := range []store.Call{gone, talks, records, back} { // who waits to be called back has time
		if now, err := w.s.Call(w.ctx, c.ID); err != nil || now.Steps != 0 || len(w.deeds(store.Mention, c.ID))+len(w.deeds(store.Escalate, c.ID)) != 0 {
			w.Errorf("%+v, %v", now, err)
		}
	}
}

func stepForBusy(w *world) {
	w.escalating()
	busy := w.wins(w.waits("Ann Bob"), "Cy", store.Take)
	w.check(w.s.SetDuty(w.ctx, "Dee", store.Duty{Off: true, Until: began.Add(65 * second)}))
	c := w.waits("Ann Bob")
	w.clock.Advance(minute)
	w.follow()
	w.steps(c, 2, "Ann Bob", 1)
	w.clock.Advance(5 * second)
	w.follow()
	w.steps(c, 2, "Ann Bob Dee", 1)
	w.ok(w.s.HungUp(w.ctx, busy.ID))
	w.follow()
	w.steps(c, 2, "Ann Bob Cy Dee", 1)
	// Before their step nobody is told of what is not theirs yet.
	c = w.waits("Ann Bob")
	w.ok(w.s.HungUp(w.ctx, w.wins(w.waits("Ann Bob"), "Cy", store.Take).ID))
	w.follow()
	w.steps(c, 0, "Ann Bob", 0)
}

func stepInFlood(w *world) {
	w.escalating()
	busy := w.wins(w.waits("Ann Bob"), "Cy", store.Take)
	for range 10 {
		w.waits("Ann Bob")
	}
	w.clock.Advance(29 * second)
	c := w.arrive(sales) // one too many to be announced
	w.clock.Advance(31 * second)
	w.follow()
	if c := w.is(c.ID, store.Waiting, ""); c.Steps != 1 || w.told(c) != "" {
		w.Errorf("%+v, told %q", c, w.told(c))
	}
	w.ok(w.s.HungUp(w.ctx, busy.ID))
	w.follow()
	if n := len(w.all("due/sms/")); n != 11*2 {
		w.Errorf("%d texts are due; where many wait, a count is enough", n)
	}
	if got := len(w.deeds(store.List, "")); got != 4 {
		w.Errorf("%d counts are due", got)
	}
}
