package storetest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"pullphone/store"
)

var standings = []part[*world]{
	{"a pull takes the longest waiting", pullOrder},
	{"the same pull twice", samePull},
	{"a pull that is too late takes the next", pullTooLate},
	{"many pull at once", manyPull},
	{"a pull of somebody who has a call", pullBusy},
	{"in line for the next", inLine},
	{"a place in line ends", inLineEnds},
	{"a take that fails costs the place", inLineFails},
	{"a restart keeps the line", inLineKept},
	{"a call that comes just before one stands in line", inLineGap},
	{"in line while others wait", inLineMeanwhile},
}

// pull pulls for a person.
func (w *world) pull(person string, want store.Result) store.Call {
	w.Helper()
	v, c, err := w.s.Pull(w.ctx, store.Answer{ID: w.id("pull"), Person: person, Via: store.BySMS})
	if w.check(err); v.Result != want {
		w.Fatalf("%s's pull came to %+v, want %q", person, v, want)
	}
	w.sound()
	return c
}

// line names who stands in line.
func (w *world) line(want string) {
	w.Helper()
	all, err := w.s.InLine(w.ctx)
	w.check(err)
	var names []string
	for _, p := range all {
		names = append(names, p.Person)
	}
	if got := strings.Join(names, " "); got != want {
		w.Errorf("in line: %q, want %q", got, want)
	}
}

func pullOrder(w *world) {
	handed := w.talking()
	old := w.arrive(sales)
	w.clock.Advance(second)
	other, young := w.arrive(support), w.arrive(sales)
	_, handed = w.answers(store.Answer{Call: handed.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.HandOver})
	w.pass(old, "Cy")
	waiting, err := w.s.WaitingFor(w.ctx, "Cy")
	if w.check(err); len(waiting) != 3 || waiting[0].ID != handed.ID || waiting[1].ID != old.ID || waiting[2].ID != young.ID {
		w.Errorf("for Cy there wait %+v", waiting)
	}
	for _, p := range []struct {
		person string
		gets   store.Call
	}{{"Bob", handed}, {"Cy", young}, {"Ann", old}} { // not one that Cy wants none of
		if c := w.pull(p.person, store.Won); c.ID != p.gets.ID || c.Claim.Person != p.person || c.Claim.Via != store.BySMS {
			w.Errorf("%s pulled %+v", p.person, c)
		}
	}
	w.is(other.ID, store.Waiting, "") // not of their line
	w.line("")
}

func samePull(w *world) {
	first, second := w.arrive(sales), w.arrive(sales)
	again := func(a store.Answer, v store.Verdict, c store.Call) {
		w.Helper()
		due := len(w.all("due/"))
		v2, c2, err := w.s.Pull(w.ctx, a)
		if w.check(err); !reflect.DeepEqual(v2, v) || c2.ID != c.ID || len(w.all("due/")) != due {
			w.Errorf("again it came to %+v, %s; first %+v, %s", v2, c2.ID, v, c.ID)
		}
		w.sound()
	}
	a := store.Answer{ID: "SM1", Person: "Ann", Via: store.BySMS}
	v, c, err := w.s.Pull(w.ctx, a)
	if w.check(err); v.Result != store.Won || c.ID != first.ID {
		w.Errorf("%+v, %s", v, c.ID)
	}
	again(a, v, c)
	w.ok(w.s.HungUp(w.ctx, first.ID))
	again(a, v, c) // Ann is free, and this is still about the first
	w.is(second.ID, store.Waiting, "")
	w.ok(w.s.HungUp(w.ctx, second.ID))

	a.ID = "SM2"
	v, c, err = w.s.Pull(w.ctx, a)
	if w.check(err); v.Result != store.InLine || c.ID != "" {
		w.Errorf("%+v, %s", v, c.ID)
	}
	again(a, v, c)
	w.line("Ann")
	third := w.arrive(sales)
	w.ok(w.s.HungUp(w.ctx, third.ID))
	again(a, v, c) // and stands in line no more
	w.line("")
	w.restart()
	again(a, v, c)
}

// pullTooLate: somebody is quicker between the look at who waits and the claim.
func pullTooLate(w *world) {
	first, second := w.arrive(sales), w.arrive(sales)
	quicker := func() { w.wins(first, "Bob", store.Take) }
	w.keys.once.Store(&quicker)
	if c := w.pull("Ann", store.Won); c.ID != second.ID {
		w.Errorf("Ann got %+v", c)
	}
	if c := w.is(first.ID, store.Ringing, ""); c.Claim.Person != "Bob" {
		w.Errorf("Bob's is %+v", c.Claim)
	}
	third := w.arrive(sales)
	quicker = func() { w.ok(w.s.HungUp(w.ctx, third.ID)) }
	w.keys.once.Store(&quicker)
	w.pull("Cy", store.InLine)
	w.line("Cy")
}

func manyPull(w *world) {
	const people, calls = 20, 15
	w.staff(func(t *store.Team) {
		for i := range people {
			name := fmt.Sprint("P", i)
			t.People = append(t.People, store.Person{Name: name, Phone: fmt.Sprintf("+120855502%02d", i)})
			t.Lines[0].People = append(t.Lines[0].People, name)
		}
	})
	for range calls {
		w.arrive(sales)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	won, stand := map[store.CallID]string{}, 0
	for i := range people {
		id := w.id("pull")
		all.Go(func() {
			v, c, err := w.s.Pull(w.ctx, store.Answer{ID: id, Person: fmt.Sprint("P", i), Via: store.BySMS})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && v.Result == store.Won && won[c.ID] == "" && c.Claim.Person == fmt.Sprint("P", i):
				won[c.ID] = c.Claim.Person
			case err == nil && v.Result == store.InLine:
				stand++
			default:
				w.Errorf("P%d: %+v, %+v, %v", i, v, c.Claim, err)
			}
		})
	}
	all.Wait()
	w.sound()
	if len(won) != calls || stand != people-calls {
		w.Errorf("%d got a call, %d stand in line", len(won), stand)
	}
	if line, err := w.s.InLine(w.ctx); err != nil || len(line) != stand {
		w.Errorf("in line: %+v, %v", line, err)
	}
}

func pullBusy(w *world) {
	c, other := w.talking(), w.arrive(sales)
	a := store.Answer{ID: "SM1", Person: "Ann", Via: store.BySMS}
	for range 2 {
		if v, _, err := w.s.Pull(w.ctx, a); err != nil || v.Result != store.OnACall || v.Other != c.ID {
			w.Errorf("%+v, %v", v, err)
		}
	}
	w.is(other.ID, store.Waiting, "")
	a.ID, a.Force = "SM2", true
	if v, got, err := w.s.Pull(w.ctx, a); err != nil || v.Result != store.Won || got.ID != other.ID {
		w.Errorf("by force: %+v, %v", v, err)
	}
	a.ID, a.Force = "SM3", false // with nobody waiting, too
	if v, _, err := w.s.Pull(w.ctx, a); err != nil || v.Result != store.OnACall || v.Other != c.ID {
		w.Errorf("%+v, %v", v, err)
	}
	w.line("")
	// Who insists on a place gets the first call after those that they have.
	a.ID, a.Force = "SM4", true
	if v, _, err := w.s.Pull(w.ctx, a); err != nil || v.Result != store.InLine {
		w.Errorf("by force: %+v, %v", v, err)
	}
	third := w.waits("Bob Cy")
	w.ok(w.s.HungUp(w.ctx, c.ID))
	w.follow()
	w.is(third.ID, store.Waiting, "")
	w.ok(w.s.HungUp(w.ctx, other.ID))
	w.follow()
	if c := w.is(third.ID, store.Ringing, ""); c.Claim.Person != "Ann" || c.Claim.Via != store.ByLine {
		w.Errorf("claimed by %+v", c.Claim)
	}
}

// byLine checks that a call was claimed for somebody who stood in line, and that they are told.
func (w *world) byLine(c store.Call, person string) {
	w.Helper()
	if c.State != store.Ringing || c.Claim.Person != person || c.Claim.Via != store.ByLine || c.Claim.Word != store.Take || c.Claim.Attempt != c.Attempt {
		w.Fatalf("for %s: a call that is %s, claim %+v", person, c.State, c.Claim)
	}
	g, err := w.s.Given(w.ctx, c.Claim.Answer)
	if w.check(err); g.Answer.Person != person || g.Answer.Call != c.ID || g.Verdict.Result != store.Won {
		w.Errorf("their answer is %+v", g)
	}
	var tells, redirects int
	for _, d := range w.deeds(store.Tell, c.ID) {
		if d.Whom == c.Claim.Answer {
			tells++
		}
	}
	for _, d := range w.deeds(store.Redirect, c.ID) {
		if d.Attempt == c.Attempt {
			redirects++
		}
	}
	heard := 0 // who comes, or comes back from a taker, hears it as our next document
	if c.Fetched == c.Attempt {
		heard = 1
	}
	if tells != 1 || redirects+heard != 1 || w.told(c) != "" {
		w.Errorf("%d tells, %d redirects, told %q", tells, redirects, w.told(c))
	}
}

func inLine(w *world) {
	v, _, err := w.s.Pull(w.ctx, store.Answer{ID: "x1", Person: "Cy", Via: store.BySlack, User: "U000CY", Channel: "C1"})
	if err != nil || v.Result != store.InLine {
		w.Errorf("%+v, %v", v, err)
	}
	w.clock.Advance(minute)
	w.pull("Ann", store.InLine)
	w.pull("Cy", store.InLine) // keeps the place, by another way
	w.line("Cy Ann")
	other := w.arrive(support)
	if other.State != store.Waiting || w.told(other) != "Bob" {
		w.Errorf("of another line: %+v", other)
	}
	w.follow()
	w.line("Cy Ann")
	c := w.arrive(sales)
	w.byLine(c, "Cy")
	if g, err := w.s.Given(w.ctx, c.Claim.Answer); err != nil || g.Answer.User != "" { // the last time by SMS: told so
		w.Errorf("%+v, %v", g, err)
	}
	w.line("Ann")
	// Who cannot take it, or wants none of it, is passed over and keeps their place.
	w.pull("Cy", store.OnACall)
	w.ok(w.s.HungUp(w.ctx, c.ID))
	w.pull("Cy", store.InLine)
	w.line("Ann Cy")
	w.wins(other, "Ann", store.SendVoicemail) // that is no take
	w.line("Ann Cy")
	c = w.arrive(sales)
	w.byLine(c, "Ann")
	c = w.arrive(sales)
	w.byLine(c, "Cy")
	w.line("")
	w.waits("Bob")
}

func inLineEnds(w *world) {
	ends := func(why string, do func()) {
		w.Helper()
		w.pull("Ann", store.InLine)
		w.line("Ann")
		do()
		w.line("")
		if c := w.waits(w.free()); len(c.Told) == 0 {
			w.Errorf("%s: nobody is told of %+v", why, c)
		} else {
			w.ok(w.s.HungUp(w.ctx, c.ID))
		}
	}
	ends("time", func() {
		w.clock.Advance(30*minute - millisecond)
		w.line("Ann")
		w.clock.Advance(millisecond)
	})
	ends("time, counted from the last pull", func() {
		w.clock.Advance(20 * minute)
		w.pull("Ann", store.InLine)
		w.clock.Advance(30*minute - millisecond)
		w.line("Ann")
		w.clock.Advance(millisecond)
	})
	ends("her word", func() {
		for _, want := range []bool{true, false} {
			if had, err := w.s.LeaveLine(w.ctx, "Ann"); err != nil || had != want {
				w.Errorf("she left the line: %t, %v", had, err)
			}
		}
	})
	ends("off", func() {
		w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{Off: true}))
	})
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{}))
	ends("another call", func() {
		w.wins(w.arrive(support), "Ann", store.Take)
	})
	if left := w.all("standing/"); len(left) != 0 {
		w.Errorf("kept of the line: %s", left)
	}
}

// free names who can be told of a call on the sales line.
func (w *world) free() string {
	w.Helper()
	var names []string
	for _, name := range []string{"Ann", "Bob", "Cy"} {
		if d, err := w.s.Duty(w.ctx, name); err == nil && !d.Off && len(w.has(name)) == 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func inLineFails(w *world) {
	w.pull("Ann", store.InLine)
	c := w.arrive(sales)
	w.byLine(c, "Ann")
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	w.line("")
	if got := w.told(c); c.State != store.Waiting || got != "Bob Cy" {
		w.Errorf("it waits again: %s, told %q", c.State, got)
	}
	w.follow() // Ann is free, and has lost her place
	c = w.is(c.ID, store.Waiting, "")
	// Who waits again goes to the first in line, before anybody is told.
	c = w.wins(c, "Bob", store.Take)
	w.pull("Cy", store.InLine)
	w.clock.Advance(second)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.Busy}))
	w.byLine(c, "Cy")
	if c.Attempt != 3 || len(c.Told) != 0 || len(c.Tries) != 2 {
		w.Errorf("%+v", c)
	}
	w.line("")
	// Whoever has passed is not given it.
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 3, store.DialResult{Why: store.Busy}))
	c = w.pass(c, "Ann")
	w.pull("Ann", store.InLine)
	w.follow()
	c = w.is(c.ID, store.Waiting, "")
	c = w.wins(c, "Bob", store.Take)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 4, store.DialResult{Why: store.Busy}))
	if got := w.told(c); c.State != store.Waiting || got != "Cy" {
		w.Errorf("it waits again: %s, told %q", c.State, got)
	}
	w.line("Ann")
}

func inLineKept(w *world) {
	w.pull("Ann", store.InLine)
	w.clock.Advance(20 * minute)
	w.pull("Bob", store.InLine)
	w.restart()
	w.line("Ann Bob")
	w.clock.Advance(10 * minute)
	w.line("Bob")
	w.restart()
	w.byLine(w.arrive(sales), "Bob")
}

// inLineGap: a call comes between the look at who waits and the place in line, and the program may be killed there.
func inLineGap(w *world) {
	for _, killed := range []bool{false, true} {
		var c store.Call
		comes := func() { c = w.waits("Ann Bob Cy") }
		w.keys.once.Store(&comes)
		w.pull("Ann", store.InLine)
		w.is(c.ID, store.Waiting, "")
		if killed {
			w.restart()
		}
		w.clock.Advance(second)
		w.follow()
		c = w.is(c.ID, store.Ringing, "")
		if c.Claim.Person != "Ann" || c.Claim.Via != store.ByLine || len(w.deeds(store.Tell, c.ID)) != 1 {
			w.Errorf("killed %t: claimed by %+v", killed, c.Claim)
		}
		w.line("")
		w.ok(w.s.HungUp(w.ctx, c.ID))
	}
}

func inLineMeanwhile(w *world) {
	old := w.waits("Ann Bob Cy")
	a := store.Answer{ID: "x1", Person: "Ann", Via: store.ByPhone}
	for range 2 {
		if v, err := w.s.Stand(w.ctx, a); err != nil || v.Result != store.InLine {
			w.Errorf("%+v, %v", v, err)
		}
	}
	w.line("Ann")
	w.check(w.s.SetDuty(w.ctx, "Ann", store.Duty{}))
	w.follow() // she is told of what waits, and wants the next
	w.is(old.ID, store.Waiting, "")
	w.clock.Advance(second)
	w.byLine(w.arrive(sales), "Ann")
	a.ID = "x2"
	if v, err := w.s.Stand(w.ctx, a); err != nil || v.Result != store.OnACall {
		w.Errorf("%+v, %v", v, err)
	}
	w.line("")
}
