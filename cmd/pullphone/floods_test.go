package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// One number calls again and again: each call is answered, three of them wait, and the others may leave a short message,
// which is posted. Another caller notices nothing.
func TestFloodOfOneCaller(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	for range 3 {
		h.arrive(markPhone, voicetest.CallerInfo{})
	}
	h.clock.Advance(10 * time.Second) // Slack has its limits
	told, lookups := len(announcements(h.net, annPhone)), h.lookups()
	for i := range 5 {
		call := h.net.Phone(markPhone).Call(salesNumber, voicetest.CallerInfo{})
		h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
		heard := call.Heard()
		equal(t, "is asked", heard[len(heard)-2].Text, "Please leave a message after the tone.")
		if c := h.call(call); !c.Short || c.State != store.Recording {
			t.Errorf("call %d: %+v", i, c)
		}
		h.redirected(call, 0)
		if i == 0 {
			m, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool {
				return strings.Contains(m.AsText(), "this number has several calls open")
			})
			h.must(err)
			equal(t, "buttons", len(m.Buttons()), 0)
			call.Speak(4 * time.Second)
		}
		call.Hangup()
		equal(t, "via", h.record(call).Via, store.ByRule)
	}
	h.clock.Advance(20 * time.Second)
	h.posted("(208) 555-0145")
	equal(t, "SMS", len(announcements(h.net, annPhone)), told)
	equal(t, "lookups", h.lookups(), lookups)
	call, m := h.arrive(janePhone, jane)
	contains(t, "Ann is told", h.press(annSlack, m, "Take"), "Yours")
	h.accepts(h.rings(annPhone, call))
}

// lookups is how often a caller's name was looked up.
func (h *harness) lookups() int {
	n := 0
	for _, r := range h.net.Requests() {
		if strings.Contains(r.Path, "/v2/PhoneNumbers") {
			n++
		}
	}
	return n
}

// counts are the SMS about how many wait that a phone got.
func counts(n *voicetest.Network, phone string) []string {
	var out []string
	for _, m := range n.Phone(phone).Inbox() {
		if strings.Contains(m.Body, "callers wait on") {
			out = append(out, m.Body)
		}
	}
	return out
}

// Many wait on one line: of those beyond ten people get no SMS each, but how many wait, once a minute; Slack shows each.
func TestManyWait(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	for i := range 10 {
		h.arrive(crewPhone(i), voicetest.CallerInfo{})
		h.clock.Advance(time.Second)
	}
	for i := range 5 {
		h.queued(crewPhone(10+i), voicetest.CallerInfo{})
		h.clock.Advance(time.Second)
	}
	for _, phone := range []string{annPhone, bobPhone} {
		h.until("a count", func() bool { return len(counts(h.net, phone)) == 1 })
		contains(t, "SMS", counts(h.net, phone)[0], "callers wait on Sales. LIST shows them, PULL takes the longest waiting.")
	}
	stop := h.pump(time.Second)
	h.until("the next count", func() bool { return len(counts(h.net, annPhone)) == 2 && len(counts(h.net, bobPhone)) == 2 })
	stop()
	contains(t, "SMS", counts(h.net, annPhone)[1], "15 callers wait on Sales.")
	h.atRest()
	h.clock.Advance(10 * time.Minute)
	h.atRest()
	for _, phone := range []string{annPhone, bobPhone} {
		equal(t, "announcements", len(announcements(h.net, phone)), 10)
		equal(t, "counts", len(counts(h.net, phone)), 2)
	}
	equal(t, "messages", len(h.work.Messages(salesChannel)), 15)
	contains(t, "PULL", h.text(annPhone, "PULL"), "Yours: (208) 555-1000.")
}

// A count that must wait for its minute is not sent when all have gone by then.
func TestNobodyWaitsToBeCounted(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	var calls []*voicetest.Call
	calling := func(i int) {
		call, _ := h.queued(crewPhone(i), voicetest.CallerInfo{})
		calls = append(calls, call)
		h.clock.Advance(time.Second)
	}
	count := store.Deed{Kind: store.List, Line: salesNumber, Whom: "Ann"}.Key()
	next := func() (b []byte) {
		h.must(h.db.View(h.ctx, func(r store.Reader) (err error) {
			b, err = r.Get(count)
			return err
		}))
		return b
	}
	for i := range 11 {
		calling(i)
	}
	h.until("a count", func() bool { return len(counts(h.net, annPhone)) == 1 && next() == nil })
	calling(11)
	h.until("the next is due", func() bool { return next() != nil })
	for _, call := range calls {
		call.Hangup()
		h.must(call.WaitEnd(h.ctx))
	}
	h.atRest()
	h.clock.Advance(2 * time.Minute)
	h.until("it is not due any more", func() bool { return next() == nil })
	equal(t, "counts", len(counts(h.net, annPhone)), 1)
}

var flood = flag.Int("flood", 1, "how many minutes TestFloodOfCalls lasts, by the clock of the calls")

// Five hundred calls a minute, half of them from a handful of numbers: each is answered at once, and
// memory stays bounded, with those that nobody takes asked for a message meanwhile.
func TestFloodOfCalls(t *testing.T) { // alone, because it is about time and memory
	const perMinute = 500
	h := serveTown(t, options{})
	h.ctx = t.Context() // as long as it takes
	var longest time.Duration
	var most, goroutines uint64
	began := runtime.NumGoroutine()
	for n := range *flood * perMinute {
		from := fmt.Sprintf("+1208%07d", 6000000+n)
		if n%2 == 0 {
			from = crewPhone(n % 10)
		}
		target, callSID := h.cfg.PublicURL+"/twilio/voice", fmt.Sprintf("CA%032d", 100000+n)
		at := time.Now()
		status, answer := h.sendSigned(target, url.Values{"CallSid": {callSID}, "From": {from}, "To": {salesNumber}, "CallStatus": {"ringing"}})
		longest = max(longest, time.Since(at))
		if status != http.StatusOK || !strings.Contains(answer, "<Enqueue") && !strings.Contains(answer, "<Record") {
			t.Fatalf("call %d: %d %s", n, status, answer)
		}
		if n >= 100 { // who came before has had enough
			h.sendSigned(h.cfg.PublicURL+"/twilio/status", url.Values{"CallSid": {fmt.Sprintf("CA%032d", 100000+n-100)}, "CallStatus": {"completed"}})
		}
		h.clock.Advance(time.Minute / perMinute)
		if n%250 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most, goroutines = max(most, m.HeapInuse+m.StackInuse), max(goroutines, uint64(runtime.NumGoroutine()))
		}
	}
	t.Logf("%d calls; the slowest answer took %s; at most %d MB and %d goroutines (%d before), the network and the workspace included",
		*flood*perMinute, longest, most>>20, goroutines, began)
	if most > 256<<20 {
		t.Errorf("%d MB", most>>20)
	}
	for _, phone := range []string{annPhone, bobPhone} {
		sent := len(announcements(h.net, phone)) + len(counts(h.net, phone))
		t.Logf("%d SMS to %s", sent, phone)
	}
}
