package storetest

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"pullphone/store"
)

// RunStore runs what a store does on every backend.
func RunStore(t *testing.T, open Opener) {
	play(t, slices.Concat([]part[*world]{
		{"a call arrives once", arrivesOnce},
		{"an arrival makes its announcement due", arrivalIsAnnounced},
		{"an arrival at the fallback", arrivesAtFallback},
		{"a call's queue", queued},
		{"unknown calls", unknownCalls},
		{"open calls are listed in order", openCalls},
		{"short codes", shortCodes},
		{"a newer schema is refused", newerSchema},
	}, claims, rings, reaching, endings, names, deadlines, histories, recoveries, mendings, works, keeping, floods,
		duties, passes, standings, escalations, handovers, forwards, callbacks),
		func(t *testing.T, run func(*world)) {
			t.Parallel()
			w := newWorld(t, open)
			run(w)
			w.sound()
			w.check(w.s.Close())
		})
}

func arrivesOnce(w *world) {
	a := store.Arrival{SID: "CA1", Line: sales, From: "+12085559999", Name: "Dee", City: "Boise, ID"}
	ids := make([]store.CallID, 30)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			c, err := w.s.Arrive(w.ctx, a)
			if err != nil {
				w.Error(err)
			}
			ids[i] = c.ID
		})
	}
	all.Wait()
	w.sound()
	if len(slices.Compact(ids)) != 1 {
		w.Fatalf("one CallSid gave several calls: %s", ids)
	}
	c := w.is(ids[0], store.Waiting, "")
	if c.SID != a.SID || c.Line != a.Line || c.From != a.From || c.Name != a.Name || c.City != a.City ||
		!c.Arrived.Equal(began) || !c.Deadline.Equal(began.Add(2*minute)) || c.Attempt != 1 || c.Code != 1 || c.Rev != 1 {
		w.Errorf("it arrived as %+v", c)
	}
	if got, err := w.s.CallBySID(w.ctx, "CA1"); err != nil || got != c.ID {
		w.Errorf("by its SID it is %s, %v", got, err)
	}

	// Again once it has been claimed, and once it has ended: still the same, and nothing happens to it.
	w.wins(c, "Ann", store.Take)
	if again := w.ok(w.s.Arrive(w.ctx, a)); again.ID != c.ID || again.State != store.Ringing {
		w.Errorf("arriving again while it rings gave %+v", again)
	}
	ended := w.ok(w.s.HungUp(w.ctx, c.ID))
	if again := w.ok(w.s.Arrive(w.ctx, a)); again.ID != c.ID || again.State != store.Ended || again.Rev != ended.Rev {
		w.Errorf("arriving again after its end gave %+v", again)
	}
}

func arrivalIsAnnounced(w *world) {
	c := w.arrive(sales)
	if got := w.told(c); got != "Ann Bob Cy" {
		w.Errorf("told: %q", got)
	}
	for _, d := range append(w.deeds(store.Text, c.ID), w.one(store.Draw, c.ID)) {
		if !d.Due.Equal(began) || d.Owner != "" || d.Doubt {
			w.Errorf("%s is due at %s, owner %q, doubt %t", d.Kind, d.Due, d.Owner, d.Doubt)
		}
	}
	if d := w.one(store.Draw, c.ID); d.Rev != c.Rev || d.Line != sales {
		w.Errorf("the picture is due as %+v", d)
	}
	if n := len(w.deeds(store.Lookup, c.ID)) + len(w.deeds(store.Redirect, c.ID)); n != 0 {
		w.Errorf("%d more deeds", n)
	}
	if got := w.told(w.arrive(support)); got != "Bob" {
		w.Errorf("told on the other line: %q", got)
	}
}

func arrivesAtFallback(w *world) {
	a := store.Arrival{SID: "CA1", Line: sales, From: "+12085559999"}
	isRecording := func(c store.Call) {
		w.Helper()
		if c.State != store.Recording || c.Claim == nil || c.Claim.Via != store.ByRule || c.Claim.Word != store.SendVoicemail ||
			c.Claim.Person != "" || c.Fetched != c.Attempt || !c.Deadline.After(w.clock.Now().Add(store.MaxMessage)) {
			w.Errorf("at the fallback: %+v, claim %+v", c, c.Claim)
		}
		if ds := w.deeds(store.Redirect, c.ID); len(ds) != 0 {
			w.Errorf("a redirect is due: %+v", ds)
		}
	}
	c := w.ok(w.s.ArriveAtFallback(w.ctx, a))
	isRecording(c)
	if w.told(c) != "" || c.Code != 0 || len(w.deeds(store.Draw, c.ID)) != 1 {
		w.Errorf("people are told: %q, code %d", w.told(c), c.Code)
	}
	if again := w.ok(w.s.ArriveAtFallback(w.ctx, a)); again.ID != c.ID || again.Rev != c.Rev {
		w.Errorf("again: %+v", again)
	}

	for _, s := range states {
		known := w.in(s)
		c := w.ok(w.s.ArriveAtFallback(w.ctx, store.Arrival{SID: known.SID, Line: sales}))
		switch {
		case c.ID != known.ID:
			w.Errorf("a known call that is %s arrived as another", s)
		case s == store.Ended || s == store.Recording:
			if c.State != s || c.Rev != known.Rev {
				w.Errorf("a known call that is %s became %s", s, c.State)
			}
		case s == store.Talking: // they have talked; what failed was the way on from there
			if c.State != store.Ended || c.Outcome != store.Talked {
				w.Errorf("a known call that is %s became %s %s", s, c.State, c.Outcome)
			}
		default:
			isRecording(c)
		}
		if told := len(w.deeds(store.Tell, c.ID)); told != map[store.State]int{store.Ringing: 1}[s] {
			w.Errorf("a known call that is %s: %d are told", s, told)
		}
	}
}

func queued(w *world) {
	for _, s := range states {
		c := w.in(s)
		rev := c.Rev
		w.ok(w.s.Queued(w.ctx, c.ID, c.Attempt, "QU1"))
		c, err := w.s.Call(w.ctx, c.ID)
		if w.check(err); (c.Queue == "QU1") != (s != store.Ended) || c.Rev != rev {
			w.Errorf("a call that is %s has queue %q, revision %d, was %d", s, c.Queue, c.Rev, rev)
		}
	}
}

func unknownCalls(w *world) {
	const id = store.CallID("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	_, err1 := w.s.Call(w.ctx, id)
	_, err2 := w.s.CallBySID(w.ctx, "CA-unknown")
	_, err3 := w.s.HungUp(w.ctx, id)
	_, _, err4 := w.s.Answer(w.ctx, store.Answer{ID: "x", Call: id, Attempt: 1, Person: "Ann", Word: store.Take})
	_, _, err5 := w.s.Accept(w.ctx, id, 1)
	_, err6 := w.s.Queued(w.ctx, id, 1, "QU1")
	for i, err := range []error{err1, err2, err3, err4, err5, err6, w.s.Named(w.ctx, id, "Dee")} {
		if !errors.Is(err, store.ErrNoCall) {
			w.Errorf("%d: %v", i, err)
		}
	}
	if n := len(w.all("open/")) + len(w.all("seen/")) + len(w.all("due/")); n != 0 {
		w.Errorf("an unknown call left %d keys", n)
	}
}

func openCalls(w *world) {
	var want []store.CallID
	for range 5 { // within one millisecond, too
		want = append(want, w.arrive(sales).ID)
	}
	w.clock.Advance(second)
	other := w.arrive(support)
	list := func(line string) (ids []store.CallID) {
		calls, err := w.s.OpenCalls(w.ctx, line)
		w.check(err)
		for _, c := range calls {
			ids = append(ids, c.ID)
		}
		return ids
	}
	if got := list(sales); !slices.Equal(got, want) {
		w.Errorf("one line: %s, want %s", got, want)
	}
	if got := list(""); !slices.Equal(got, append(slices.Clone(want), other.ID)) {
		w.Errorf("all lines: %s", got)
	}
	w.ok(w.s.HungUp(w.ctx, want[1]))
	if got := list(sales); !slices.Equal(got, slices.Delete(slices.Clone(want), 1, 2)) {
		w.Errorf("after one has ended: %s", got)
	}
}

func shortCodes(w *world) {
	one, two, three := w.arrive(sales), w.arrive(sales), w.arrive(sales)
	if got := fmt.Sprint(one.Code, two.Code, three.Code, w.arrive(support).Code); got != "1 2 3 1" {
		w.Errorf("codes %s", got)
	}
	w.wins(one, "Ann", store.Take)
	if c := w.is(one.ID, store.Ringing, ""); c.Code != 1 {
		w.Errorf("a claimed call lost its code: %d", c.Code)
	}
	w.ok(w.s.HungUp(w.ctx, two.ID))
	if c := w.arrive(sales); c.Code != 4 {
		w.Errorf("code %d was given while 2 rests", c.Code)
	}
	w.clock.Advance(10*minute - millisecond)
	if c := w.arrive(sales); c.Code != 5 {
		w.Errorf("code %d was given just before 2 has rested", c.Code)
	}
	w.clock.Advance(millisecond)
	if c := w.arrive(sales); c.Code != 2 {
		w.Errorf("code %d was given when 2 had rested", c.Code)
	}
	if c := w.arrive(sales); c.Code != 6 {
		w.Errorf("code %d was given next", c.Code)
	}
}

func newerSchema(w *world) {
	put := func(v string) {
		w.check(w.keys.Update(w.ctx, func(tx store.Tx) error { tx.Put("meta/schema", []byte(v)); return nil }))
	}
	open := func() error {
		_, err := store.Open(w.ctx, w.keys, w.team, w.clock, slog.New(slog.DiscardHandler))
		return err
	}
	if got := string(w.all("meta/")["meta/schema"]); got != fmt.Sprint(store.Schema) {
		w.Errorf("the schema is written as %q", got)
	}
	before := w.arrive(sales)
	put(fmt.Sprint(store.Schema + 1))
	if err := open(); !errors.Is(err, store.ErrNewer) {
		w.Errorf("a newer schema: %v", err)
	}
	if len(w.deeds(store.Ask, before.ID)) != 0 {
		w.Error("a store of a newer schema was written to")
	}
	put("x")
	if err := open(); err == nil || !strings.Contains(err.Error(), `"x"`) {
		w.Errorf("a schema that is no number: %v", err)
	}
	put(fmt.Sprint(store.Schema))
	w.check(open())
}
