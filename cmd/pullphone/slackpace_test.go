package main

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

var outageCalls = flag.Int("outage-calls", 50, "calls in an hour without Slack")

// slackTown is a town whose Slack enforces its limits, by the same clock as everything else. Nobody can press a button
// there: the library checks the signature of a press against the real time.
func slackTown(t *testing.T, o options) *harness {
	clock := clockwork.NewFakeClockAt(time.Now())
	o.clock, o.slack.Clock, o.slack.Limits, o.haste, o.limit = clock, clock, true, 1, 5*time.Minute
	h := serveTown(t, o)
	h.clock = clock
	return h
}

// caughtUp lets the clock run until nothing is to be done any more, and returns how long that took. The smaller its
// steps, the less of that is this machine's own slowness.
func (h *harness) caughtUp(step time.Duration) time.Duration {
	h.t.Helper()
	began := h.clock.Now()
	stop := h.pump(step)
	defer stop()
	h.until("everything is done", func() bool {
		due, err := isDue(h.ctx, h.db, h.clock.Now())
		h.must(err)
		return !due
	})
	return h.clock.Since(began)
}

// inLimits asserts that Slack was never asked more often than it takes.
func (h *harness) inLimits() {
	h.t.Helper()
	for _, r := range h.work.Requests() {
		if r.Status == http.StatusTooManyRequests {
			h.t.Errorf("%s at %s is over Slack's limits", r.Method, r.At)
		}
	}
}

// shown are the messages of the channel by their kind, "Call" or "Voicemail", and their caller's number.
func (h *harness) shown() map[string][]bottest.Message {
	out := map[string][]bottest.Message{}
	for _, m := range h.work.Messages(salesChannel) {
		from := m.Text[strings.Index(m.Text, "("):][:len("(208) 555-0000")]
		key := strings.Fields(m.Text)[0] + " " + from
		out[key] = append(out[key], m)
	}
	return out
}

func crewNumber(i int) string { return fmt.Sprintf("(208) 555-%04d", 1000+i) }

// calls places a call and waits until the caller is on hold.
func (h *harness) calls(i int) *voicetest.Call {
	h.t.Helper()
	call := h.net.Phone(crewPhone(i)).Call(salesNumber, voicetest.CallerInfo{})
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	return call
}

// Two hundred calls within seconds, all shown, and all of them over at once: everything is caught up within Slack's
// limits, and whoever calls meanwhile is announced at once.
func TestSlackPace(t *testing.T) {
	t.Parallel()
	h := slackTown(t, options{line: []string{"max_wait: 1h"}})
	const n = 200
	var calls []*voicetest.Call
	for i := range n {
		calls = append(calls, h.calls(i))
		// Whoever's name is known is shown before those for whose names it still waits.
		h.until("the caller is named", func() bool { return !h.call(calls[i]).Naming })
		h.clock.Advance(10 * time.Millisecond)
	}
	if d := h.caughtUp(100 * time.Millisecond); d > 2*n*time.Second {
		t.Errorf("all are shown after %s", d)
	}
	for i, m := range h.work.Messages(salesChannel) {
		if !strings.Contains(m.Text, crewNumber(i)) {
			t.Errorf("message %d is %s", i, m.Text)
		}
	}
	for _, c := range calls {
		c.Hangup()
	}
	for _, c := range calls {
		h.must(c.WaitEnd(h.ctx))
	}
	h.must(h.net.WaitQuiet(h.ctx))

	began, stop := h.clock.Now(), h.pump(100*time.Millisecond)
	h.calls(n)
	_, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool {
		return strings.Contains(m.Text, crewNumber(n)) && len(m.Buttons()) == 2
	})
	h.must(err)
	if d := h.clock.Since(began); d > 10*time.Second { // of which some are this machine's
		t.Errorf("who called meanwhile is shown after %s", d)
	}
	stop()
	changed := 0
	for _, m := range h.work.Messages(salesChannel) {
		changed += m.Updates
	}
	if changed > n/2 {
		t.Fatalf("%d were changed already: the test proves nothing", changed)
	}
	if d := h.caughtUp(100 * time.Millisecond); d > 2*n*time.Second {
		t.Errorf("all are changed after %s", d)
	}
	h.inLimits()
	shown := h.shown()
	equal(t, "messages", len(h.work.Messages(salesChannel)), n+1)
	for i := range n {
		for _, m := range shown["Call "+crewNumber(i)] {
			if !strings.Contains(m.AsText(), "Missed") || m.Updates != 1 {
				t.Errorf("after %d updates: %s", m.Updates, m.AsText())
			}
		}
	}
}

// An hour without Slack, and calls all the while: texts and calls notice nothing. Afterwards each call's message shows
// how it ended, at the cost of two requests at most, and every voicemail is posted, in Slack's limits.
func TestSlackOutage(t *testing.T) {
	t.Parallel()
	var down outage
	h := slackTown(t, options{line: []string{"max_wait: 3h"}, slack: bottest.Options{Intercept: down.wrap}})
	n := *outageCalls
	before := n / 10 // are on hold when it begins
	ends := []string{"Missed: hung up after", "Talked with Ann", "Left a voicemail of 0:03.", "Missed: hung up without leaving"}
	// end has a call end in one of the ways.
	end := func(i int, call *voicetest.Call) {
		t.Helper()
		code := h.call(call).Code
		switch i % len(ends) {
		case 1:
			contains(t, "Ann is told", h.text(annPhone, fmt.Sprintf("Y %d", code)), "Yours")
			leg := h.rings(annPhone, call)
			h.accepts(leg)
			leg.Hangup()
			h.must(call.WaitEnd(h.ctx))
			return
		case 2, 3:
			contains(t, "Bob is told", h.text(bobPhone, fmt.Sprintf("N %d", code)), "is sent to voicemail.")
			h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
			if i%len(ends) == 2 {
				call.Speak(3 * time.Second)
			}
		}
		call.Hangup()
		h.must(call.WaitEnd(h.ctx))
	}
	var waiting []*voicetest.Call
	for i := range before {
		waiting = append(waiting, h.calls(i))
	}
	h.caughtUp(100 * time.Millisecond)
	equal(t, "messages before", len(h.work.Messages(salesChannel)), before)

	down.on.Store(true)
	for i := range n {
		var call *voicetest.Call
		if i < before {
			call = waiting[i]
		} else {
			told := len(announcements(h.net, annPhone))
			call = h.calls(i)
			h.until("Ann is told", func() bool { return len(announcements(h.net, annPhone)) > told }) // with the clock at rest
		}
		end(i, call)
		for range 4 {
			h.clock.Advance(time.Hour / time.Duration(4*n))
		}
	}
	h.must(h.net.WaitQuiet(h.ctx))
	hits, asked := down.hit.Load(), len(h.work.Requests())
	down.on.Store(false)
	took := h.caughtUp(50 * time.Millisecond)

	h.inLimits()
	shown, messages := h.shown(), h.work.Messages(salesChannel)
	posts := 0
	for i := range n {
		of := shown["Call "+crewNumber(i)]
		if len(of) != 1 || !strings.Contains(of[0].AsText(), ends[i%len(ends)]) || len(of[0].Buttons()) != 0 {
			t.Errorf("call %d, to be %q, is shown as %d messages: %+v", i, ends[i%len(ends)], len(of), of)
		}
		want := 0
		if i%len(ends) == 2 {
			want = 1
		}
		posts += want
		equal(t, "voicemails of "+crewNumber(i), len(shown["Voicemail "+crewNumber(i)]), want)
	}
	equal(t, "messages", len(messages), n+posts)
	requests, most := map[string]int{}, 0
	for _, r := range h.work.Requests()[asked:] {
		whose := r.Args["ts"]
		if r.Method == "chat.postMessage" {
			whose = r.Args["metadata"]
		}
		if r.Method != "conversations.history" { // which is asked for all at once
			requests[whose]++
			most = max(most, requests[whose])
		}
	}
	if history := len(h.work.Requests()[asked:]) - len(requests); most > 1 || history > 10 {
		t.Errorf("%d requests for one message, %d for the history", most, history)
	}
	if limit := time.Minute + time.Duration(n+posts)*time.Second; took > limit {
		t.Errorf("caught up after %s, not within %s", took, limit)
	}
	talked := 0
	for _, r := range h.history() {
		if r.Outcome == store.Talked {
			talked++
		}
	}
	t.Logf("%d calls, %d of them talked, %d messages; asked %d times in the hour, caught up in %s with %d requests",
		n, talked, len(messages), hits, took, len(h.work.Requests())-asked)
}
