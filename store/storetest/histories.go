package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"pullphone/store"
)

var histories = []part[*world]{
	{"history since a time", historySince},
	{"history of many calls", historyPages},
	{"the call that ended last", lastEnded},
	{"what a record says", recordNames},
	{"the waiting time that history tells", recordWaited},
}

// history lists the CallSids that history tells since a time.
func (w *world) history(since time.Time) (sids []string) {
	w.Helper()
	for r, err := range w.s.History(w.ctx, since) {
		w.check(err)
		sids = append(sids, r.CallSID)
	}
	return sids
}

func historySince(w *world) {
	if got := w.history(time.Time{}); got != nil {
		w.Errorf("a new store tells %q", got)
	}
	var sids []string
	var ids []store.CallID
	for range 4 {
		c := w.arrive(sales)
		sids, ids = append(sids, c.SID), append(ids, c.ID)
		w.clock.Advance(time.Minute)
	}
	if got := w.history(time.Time{}); got != nil {
		w.Errorf("calls that have not ended are told: %q", got)
	}
	for _, i := range []int{2, 0, 3, 1} { // the order of their ends is not that of their arrivals
		w.ok(w.s.HungUp(w.ctx, ids[i]))
	}
	for _, c := range []struct {
		since time.Time
		want  []string
	}{
		{time.Time{}, sids}, {time.Unix(-5, 0), sids}, {time.Unix(0, 0), sids},
		{began, sids}, {began.Add(time.Millisecond), sids[1:]}, {began.Add(time.Minute), sids[1:]},
		{began.Add(3 * time.Minute), sids[3:]}, {began.Add(time.Hour), nil},
	} {
		if got := w.history(c.since); !slices.Equal(got, c.want) {
			w.Errorf("since %s: %q, want %q", c.since, got, c.want)
		}
	}
	for range w.s.History(w.ctx, time.Time{}) {
		break // and no harm done
	}
	w.check(w.s.Close())
	w.keys = newNudged(w.reopen())
	history, err := store.OpenHistory(w.ctx, w.keys, w.team)
	if err != nil {
		w.Fatal(err)
	}
	w.s = history
	if got := w.history(time.Time{}); !slices.Equal(got, sids) {
		w.Errorf("opened for history: %q", got)
	}
}

// historyPages puts more calls than one page of history holds, and one ends while it is told.
func historyPages(w *world) {
	const n = 1203
	var want []string
	var calls []store.Call
	for i := range n {
		c := store.Call{ID: store.NewCallID(began.Add(time.Duration(i) * time.Second)), SID: fmt.Sprint("CB", i), State: store.Ended,
			Outcome: store.Missed, Arrived: began, Stopped: began}
		want, calls = append(want, c.SID), append(calls, c)
	}
	w.fill(calls)
	if got := w.history(time.Time{}); !slices.Equal(got, want) {
		w.Errorf("%d of %d calls", len(got), n)
	}
	if got := w.history(began.Add(100 * time.Second)); !slices.Equal(got, want[100:]) {
		w.Errorf("%d of %d calls since a time", len(got), n-100)
	}
	w.clock.Advance(time.Hour)
	late := w.arrive(sales)
	var got []string
	for r, err := range w.s.History(w.ctx, time.Time{}) {
		w.check(err)
		if got = append(got, r.CallSID); len(got) == 10 {
			w.ok(w.s.HungUp(w.ctx, late.ID))
		}
	}
	if !slices.Equal(got, append(want, late.SID)) {
		w.Errorf("%d calls were told while one ended", len(got))
	}
}

func lastEnded(w *world) {
	want := func(line string, since time.Time, id store.CallID) {
		w.Helper()
		c, err := w.s.Last(w.ctx, line, since)
		if c.ID != id || (id == "") != errors.Is(err, store.ErrNoCall) {
			w.Errorf("last of %s since %s is %q, %v, want %q", line, since, c.ID, err, id)
		}
	}
	want(sales, began, "")
	first := w.arrive(sales)
	w.clock.Advance(time.Minute)
	second := w.arrive(sales)
	w.ok(w.s.HungUp(w.ctx, second.ID))
	want(sales, began, second.ID)
	w.clock.Advance(time.Minute)
	w.ok(w.s.HungUp(w.ctx, first.ID))
	w.ok(w.s.HungUp(w.ctx, w.arrive(support).ID))
	want(sales, began, first.ID)
	want(sales, time.Time{}, first.ID)
	want(sales, began.Add(2*time.Minute), first.ID) // when it ended
	want(sales, began.Add(2*time.Minute+time.Second), "")
	want(sales, began.Add(time.Hour), "")
}

func recordNames(w *world) {
	c := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: "CA1", Line: sales, From: "+12085559999", Name: "Dee Doe", City: "Boise, ID"}))
	w.clock.Advance(12 * time.Second)
	c = w.wins(c, "Ann", store.Take)
	w.clock.Advance(8 * time.Second)
	_, c, err := w.s.Accept(w.ctx, c.ID, 1)
	w.check(err)
	w.clock.Advance(time.Minute)
	w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Bridged: true, Seconds: 61}))
	c = w.recording()
	w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 9))
	w.ok(w.s.LeftQueue(w.ctx, w.arrive(support).ID, 1))
	w.ok(w.s.NothingRecorded(w.ctx, last(w).ID))
	w.ok(w.s.HungUp(w.ctx, w.arrive("+12085550999").ID)) // a line that is configured no more

	want := []string{
		`{"call_sid":"CA1","line":"Sales","from":"+12085559999","name":"Dee Doe","place":"Boise, ID","arrived":"2026-03-02T09:00:00Z",` +
			`"waited_seconds":20,"answered_by":"Ann","via":"sms","outcome":"talked","talked_seconds":61,"voicemail_seconds":0}`,
		`{"call_sid":"CA0002","line":"Sales","from":"+12085560002","name":"","place":"Boise, ID","arrived":"2026-03-02T09:01:20Z",` +
			`"waited_seconds":0,"answered_by":"Ann","via":"sms","outcome":"voicemail","talked_seconds":0,"voicemail_seconds":9}`,
		`{"call_sid":"CA0004","line":"Support","from":"+12085560004","name":"","place":"Boise, ID","arrived":"2026-03-02T09:01:20Z",` +
			`"waited_seconds":0,"answered_by":"","via":"rule","outcome":"missed","talked_seconds":0,"voicemail_seconds":0}`,
		`{"call_sid":"CA0005","line":"+12085550999","from":"+12085560005","name":"","place":"Boise, ID","arrived":"2026-03-02T09:01:20Z",` +
			`"waited_seconds":0,"answered_by":"","via":"","outcome":"missed","talked_seconds":0,"voicemail_seconds":0}`,
	}
	var got []string
	for r, err := range w.s.History(w.ctx, time.Time{}) {
		w.check(err)
		b, err := json.Marshal(r)
		w.check(err)
		got = append(got, string(b))
	}
	if !slices.Equal(got, want) {
		w.Errorf("history tells\n%s\nwant\n%s", got, want)
	}
}

// last is the open call that arrived last.
func last(w *world) store.Call {
	w.Helper()
	calls, err := w.s.OpenCalls(w.ctx, "")
	if w.check(err); len(calls) == 0 {
		w.Fatal("no call is open")
	}
	return calls[len(calls)-1]
}

func recordWaited(w *world) {
	for name, c := range map[string]struct {
		end  func(store.Call)
		want int
	}{
		"gave up": {func(c store.Call) { w.ok(w.s.HungUp(w.ctx, c.ID)) }, 25},
		"gave up while it rang": {func(c store.Call) {
			w.wins(c, "Ann", store.Take)
			w.clock.Advance(5 * time.Second)
			w.ok(w.s.HungUp(w.ctx, c.ID))
		}, 30},
		"asked for a message": {func(c store.Call) {
			w.wins(c, "Ann", store.SendVoicemail)
			w.clock.Advance(time.Minute)
			w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 9))
		}, 25},
		"taken at the second trial": {w.secondTrial, 55},
	} {
		call := w.arrive(sales)
		w.clock.Advance(25 * time.Second)
		c.end(call)
		found := false
		for r, err := range w.s.History(w.ctx, began) {
			if w.check(err); r.CallSID == call.SID {
				if found = true; r.WaitedSeconds != c.want {
					w.Errorf("%s: waited %d s, want %d", name, r.WaitedSeconds, c.want)
				}
			}
		}
		if !found {
			w.Errorf("%s: not told", name)
		}
	}
}

// secondTrial: Ann does not answer for twenty seconds, Bob accepts ten later and talks.
func (w *world) secondTrial(c store.Call) {
	w.wins(c, "Ann", store.Take)
	w.clock.Advance(20 * time.Second)
	c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer}))
	c = w.wins(c, "Bob", store.Take)
	w.clock.Advance(10 * time.Second)
	_, c, err := w.s.Accept(w.ctx, c.ID, 2)
	w.check(err)
	w.clock.Advance(time.Minute)
	w.ok(w.s.HungUp(w.ctx, c.ID))
}
