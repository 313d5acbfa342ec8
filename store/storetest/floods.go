package storetest

import (
	"fmt"
	"strings"
	"time"

	"pullphone/store"
)

var floods = []part[*world]{
	{"a caller has so many calls open and no more", floodOfOne},
	{"where many wait, people are told how many", floodOfMany},
	{"who waits to be called back crowds no line", floodOfBacks},
	{"those who wait are counted", waitingCounted},
	{"a line of many people", manyPeople},
	{"people of other lines in line are nothing to a call", manyStand},
	{"a quota", quotas},
	{"quotas that are over are removed", quotasPruned},
}

func floodOfOne(w *world) {
	const number = "+12085559999"
	from := func(line, number string) store.Call {
		w.Helper()
		return w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: line, From: number}))
	}
	calls := []store.Call{from(sales, number), from(support, number), from(sales, number)}
	for _, c := range calls {
		if w.is(c.ID, store.Waiting, ""); c.Short {
			w.Errorf("one of three: %+v", c)
		}
	}
	w.restart() // it is counted in the store
	fourth := from(sales, number)
	if fourth.State != store.Recording || !fourth.Short || fourth.Claim.Via != store.ByRule || fourth.Code != 0 || w.told(fourth) != "" || len(w.deeds(store.Draw, fourth.ID)) != 1 || len(w.deeds(store.Lookup, fourth.ID)) != 0 {
		w.Errorf("one too many: %+v, told %q", fourth, w.told(fourth))
	}
	w.one(store.Draw, fourth.ID)
	if ended := w.ok(w.s.RecordingReady(w.ctx, fourth.ID, "RE1", 5)); ended.Outcome != store.Voicemail {
		w.Errorf("its message: %+v", ended)
	}
	w.one(store.Post, fourth.ID)
	for range 5 { // others, and those who withhold theirs, are not counted with them
		if c := from(sales, ""); c.State != store.Waiting {
			w.Errorf("withheld: %s", c.State)
		}
	}
	if c := from(sales, "+12085559998"); c.State != store.Waiting {
		w.Errorf("another: %s", c.State)
	}
	// Asked for a message or talking, it is still open; ended, it makes room for one.
	w.wins(calls[0], "Ann", store.SendVoicemail)
	if c := from(sales, number); c.State != store.Recording {
		w.Errorf("with three open: %s", c.State)
	}
	w.ok(w.s.HungUp(w.ctx, calls[1].ID))
	fifth := from(sales, number)
	if fifth.State != store.Waiting {
		w.Errorf("with room for one: %s", fifth.State)
	}
	if c := from(sales, number); c.State != store.Recording {
		w.Errorf("with three open again: %s", c.State)
	}
	w.ok(w.s.NothingRecorded(w.ctx, calls[0].ID))
	for _, c := range []store.Call{calls[2], fifth} {
		w.ok(w.s.HungUp(w.ctx, c.ID))
	}
	if left := w.all("from/" + number); len(left) != 0 {
		w.Errorf("kept of a caller who has no call open: %s", left)
	}
}

// lists are the counts that are due to people of a line.
func (w *world) lists(line string) string {
	w.Helper()
	var out []string
	for _, name := range []string{"Ann", "Bob", "Cy"} {
		d := store.Deed{Kind: store.List, Line: line, Whom: name}
		for _, got := range w.deeds(store.List, "") {
			if got.Key() == d.Key() {
				out = append(out, fmt.Sprintf("%s %s", name, got.Due.Sub(w.clock.Now())))
			}
		}
	}
	return strings.Join(out, ", ")
}

func floodOfMany(w *world) {
	var calls []store.Call
	for i := range 10 {
		c := w.arrive(sales)
		if calls = append(calls, c); w.told(c) != "Ann Bob Cy" {
			w.Errorf("call %d: told %q", i, w.told(c))
		}
	}
	for range 5 {
		c := w.arrive(sales)
		if calls = append(calls, c); w.told(c) != "" || len(w.deeds(store.Draw, c.ID)) != 1 {
			w.Errorf("one too many: told %q", w.told(c))
		}
	}
	if got := w.lists(sales); got != "Ann 0s, Bob 0s, Cy 0s" {
		w.Errorf("counts: %q", got)
	}
	if c := w.arrive(support); w.told(c) != "Bob" { // another line is not concerned
		w.Errorf("on the other line: %q", w.told(c))
	}
	// One has left when the next is asked for: not before a minute is over. What is being sent counts who waits now.
	w.work(store.List, func(jobs <-chan job) {
		var begun []job
		for range 3 {
			begun = append(begun, await(w, w.ctx, "a count", jobs))
		}
		w.clock.Advance(20 * time.Second)
		calls = append(calls, w.arrive(sales))
		for _, j := range begun {
			j.done <- outcome{}
		}
		w.settle()
		if got := w.lists(sales); got != "Ann 40s, Bob 40s, Cy 40s" {
			w.Errorf("counts to come: %q", got)
		}
		calls = append(calls, w.arrive(sales)) // counted with those
		w.advance(39 * time.Second)
		select {
		case <-jobs:
			w.Error("two within a minute")
		default:
		}
		w.advance(time.Second)
		for range 3 {
			await(w, w.ctx, "the next count", jobs).done <- outcome{}
		}
		w.settle()
	})
	if got := w.lists(sales); got != "" {
		w.Errorf("still due: %q", got)
	}
	// When few wait again, each is announced again.
	for _, c := range calls[:8] {
		w.ok(w.s.HungUp(w.ctx, c.ID))
	}
	if c := w.arrive(sales); w.told(c) != "Ann Bob Cy" || w.lists(sales) != "" {
		w.Errorf("with ten waiting: told %q, %q", w.told(c), w.lists(sales))
	}
}

func floodOfBacks(w *world) {
	for range 10 {
		w.asks()
	}
	c := w.arrive(sales)
	if w.told(c) != "Ann Bob Cy" || w.lists(sales) != "" {
		w.Errorf("told %q, %q", w.told(c), w.lists(sales))
	}
	// Nor is one of them kept back, while others who are on hold are one too few.
	w.restart()
	for range 8 {
		w.arrive(sales)
	}
	c = w.wins(w.asks(), "Cy", store.Take)
	c = w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if w.told(c) != "Ann Bob" {
		w.Errorf("to be called back again: told %q", w.told(c))
	}
	w.arrive(sales)
	if c = w.arrive(sales); w.told(c) != "" {
		w.Errorf("ten are on hold: told %q", w.told(c))
	}
}

func waitingCounted(w *world) {
	check := func(when string) {
		w.Helper()
		open, err := w.s.OpenCalls(w.ctx, sales)
		w.check(err)
		n := 0
		for _, c := range open {
			if c.State == store.Waiting && c.Back == nil {
				n++
			}
		}
		if got := string(w.all("waits/" + sales)["waits/"+sales]); !strings.HasPrefix(got, fmt.Sprintf(`{"waiting":%d`, n)) {
			w.Errorf("%s: %d wait, counted %s", when, n, got)
		}
	}
	for _, s := range states {
		w.in(s)
		check("a call that is " + string(s))
	}
	c := w.ringing()
	w.ok(w.s.Dialed(w.ctx, c.ID, c.Attempt, store.DialResult{Why: store.Busy}))
	check("back on hold")
	c = w.arrive(sales)
	w.ok(w.s.LeftQueue(w.ctx, c.ID, c.Attempt))
	check("out of the queue")
	w.during(w.s.Deadlines, func() { w.advance(3 * time.Minute) })
	check("after max_wait")
	c = w.asks()
	check("to be called back")
	c = w.wins(c, "Ann", store.Take)
	check("called back")
	w.ok(w.s.CallBackOver(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	check("not called back")
	// A store in which they were not counted.
	w.arrive(sales)
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error { tx.Delete("meta/counted"); tx.Delete("waits/" + sales); return nil }))
	w.restart()
	check("counted anew")
}

// manyStand: people of other lines who stand in line are nothing to a call, however many they are.
func manyStand(w *world) {
	const people, lines = 45, 2
	w.staff(func(t *store.Team) {
		for i := range people * lines {
			if i%people == 0 {
				t.Lines = append(t.Lines, store.Line{Name: fmt.Sprint("Line ", i), Number: fmt.Sprintf("+120855503%02d", i), Channel: "C000LINE",
					MaxWait: time.Minute, RingTimeout: 20 * time.Second})
			}
			p := store.Person{Name: fmt.Sprint("Person ", i), Phone: fmt.Sprintf("+120855570%02d", i)}
			t.People = append(t.People, p)
			l := &t.Lines[len(t.Lines)-1]
			l.People = append(l.People, p.Name)
		}
	})
	for i := range people * lines {
		v, err := w.s.Stand(w.ctx, store.Answer{ID: fmt.Sprint("stand", i), Person: fmt.Sprint("Person ", i), Via: store.BySMS})
		if w.check(err); v.Result != store.InLine {
			w.Errorf("%+v", v)
		}
	}
	w.keys.read = 0
	w.arrive(sales)
	if most := w.team.Keys(); w.keys.read > most {
		w.Errorf("%d keys are read, said are %d", w.keys.read, most)
	}
}

// manyPeople: one change tells all the people of a line, and stays well below what etcd takes.
func manyPeople(w *world) {
	const people = 50
	w.staff(func(t *store.Team) {
		t.Lookup = true
		l := &t.Lines[0]
		l.Escalate = []store.Step{{After: 10 * second, Here: true}}
		for i := range people {
			p := store.Person{Name: fmt.Sprint("Person ", i), Phone: fmt.Sprintf("+120855570%02d", i), Slack: fmt.Sprint("U", i)}
			t.People = append(t.People, p)
			if i%2 == 0 {
				l.People = append(l.People, p.Name)
			} else {
				l.Escalate[0].People = append(l.Escalate[0].People, p.Name)
			}
		}
	})
	all := len(w.team.Lines[0].People) + people/2
	var off []string
	for i := range people / 2 {
		off = append(off, fmt.Sprint("Person ", i))
	}
	tried := func(what string) {
		w.Helper()
		w.Logf("%s: at most %d keys read, %d written, with %d people", what, w.keys.read, w.keys.written, all)
		if most := w.team.Keys(); w.keys.read > most || w.keys.written > most || most > FewKeys {
			w.Errorf("%s: %d keys are read and %d written, said are %d", what, w.keys.read, w.keys.written, most)
		}
		w.keys.read, w.keys.written = 0, 0
	}
	tried("open")
	c := w.arrive(sales)
	tried("arrive")
	w.check(w.s.Named(w.ctx, c.ID, "Zoe"))
	tried("named")
	w.clock.Advance(10 * second)
	w.follow()
	if c = w.is(c.ID, store.Waiting, ""); len(c.Told) != all {
		w.Errorf("%d of %d are told", len(c.Told), all)
	}
	tried("escalate")
	v, c, err := w.s.Answer(w.ctx, store.Answer{ID: "take", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take})
	if w.check(err); v.Result != store.Won {
		w.Errorf("%+v", v)
	}
	tried("claim")
	_, c, err = w.s.Accept(w.ctx, c.ID, 1)
	w.check(err)
	tried("accept")
	v, c, err = w.s.Answer(w.ctx, store.Answer{ID: "hand over", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.HandOver})
	if w.check(err); v.Result != store.HandedOver || len(c.Told) != all-1 {
		w.Errorf("%+v: %d are told", v, len(c.Told))
	}
	tried("hand over")
	for _, name := range off {
		w.check(w.s.SetDuty(w.ctx, name, store.Duty{Off: true}))
	}
	tried("off duty")
	for _, name := range c.Told {
		_, c = w.says(c, name, store.BySMS, store.Pass)
	}
	w.ok(w.s.HungUp(w.ctx, c.ID))
	tried("pass, the last of them")
}

func quotas(w *world) {
	day, hour := store.Quota{Of: "stranger +12085559999", Most: 1, Within: 24 * time.Hour}, store.Quota{Of: "strangers", Most: 3, Within: time.Hour}
	try := func(event string, want bool, quotas ...store.Quota) {
		w.Helper()
		got, err := w.s.Allow(w.ctx, event, quotas...)
		w.check(err)
		if got != want {
			w.Errorf("%s: allowed %t", event, got)
		}
	}
	try("SM1", true, day, hour)
	try("SM1", true, day, hour) // the same again
	try("SM2", false, day, hour)
	for i := range 2 {
		try(fmt.Sprint("other", i), true, store.Quota{Of: fmt.Sprint(i), Most: 1, Within: time.Hour}, hour)
	}
	w.restart()
	last := store.Quota{Of: "last", Most: 1, Within: time.Hour}
	try("late", false, last, hour)
	try("late", true, last) // what was refused was not counted
	w.clock.Advance(time.Hour - time.Millisecond)
	try("SM3", false, store.Quota{Of: "x", Most: 1, Within: time.Hour}, hour)
	w.clock.Advance(time.Millisecond)
	try("SM3", true, store.Quota{Of: "x", Most: 1, Within: time.Hour}, hour)
	try("SM4", false, day)
	w.clock.Advance(23 * time.Hour)
	try("SM4", true, day)
	for key, v := range w.all("quota/") {
		if strings.Contains(key+string(v), "2085559999") {
			w.Errorf("a stranger's number is kept: %s", key)
		}
	}
}

func quotasPruned(w *world) {
	for i := range 250 {
		_, err := w.s.Allow(w.ctx, "SM1", store.Quota{Of: fmt.Sprint(i), Most: 1, Within: time.Duration(1+i%2) * time.Hour})
		w.check(err)
	}
	w.during(w.s.Retain, func() {
		w.advance(time.Hour)
		w.settle()
		if n := len(w.all("quota/")); n != 125 {
			w.Errorf("%d are kept after an hour", n)
		}
		w.advance(time.Hour)
		w.settle()
		if n := len(w.all("quota/")); n != 0 {
			w.Errorf("%d are kept after two", n)
		}
	})
}
