package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// outage answers 503 to what matches, while it lasts.
type outage struct {
	on    atomic.Bool
	hit   atomic.Int32
	match func(*http.Request) bool
}

func (o *outage) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.on.Load() && (o.match == nil || o.match(r)) {
			o.hit.Add(1)
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// A lookup that takes five seconds holds the announcement up for less than two; the name is shown when it comes.
func TestLookupSlow(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.net.SetLookup(janePhone, voicetest.Lookup{Name: "JANE DOE", Delay: 5 * time.Second})
	call := h.net.Phone(janePhone).Call(salesNumber, jane)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	h.until("the wait for the name", func() bool { return h.call(call).Naming })
	arrived := h.call(call).Arrived
	equal(t, "messages before", len(h.work.Messages(salesChannel)), 0)
	equal(t, "SMS before", len(h.net.Phone(annPhone).Inbox()), 0)
	stop := h.pump(10 * time.Millisecond) // in small steps: a timer may be set while the clock moves
	sms, err := h.net.Phone(annPhone).WaitSMS(h.ctx, func(voicetest.SMS) bool { return true })
	h.must(err)
	equal(t, "SMS", sms.Body, "Sales: (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (1)")
	m, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return len(m.Buttons()) == 2 })
	h.must(err)
	stop()
	if d := sms.At.Sub(arrived); d > 2*time.Second {
		t.Errorf("the announcement came after %s", d)
	}
	if d := h.clock.Since(arrived); d > 5*time.Second-200*time.Millisecond {
		t.Fatalf("the clock ran on for %s: the test proves nothing", d)
	}
	contains(t, "Slack", m.AsText(), "(208) 555-0123\nWaiting.")
	if strings.Contains(m.AsText(), "JANE") {
		t.Errorf("the name before it was known: %s", m.AsText())
	}
	h.clock.Advance(5 * time.Second)
	named := h.shows(m.TS, "JANE DOE, (208) 555-0123\nWaiting.")
	equal(t, "buttons", len(named.Buttons()), 2)
	equal(t, "redraws", named.Updates, 1)
	equal(t, "SMS", len(announcements(h.net, annPhone)), 1) // the name is not worth a second one
	contains(t, "Ann is told", h.press(annSlack, m, "Take"), "Yours: JANE DOE, (208) 555-0123.")
	h.rings(annPhone, call)
}

// A lookup that fails changes nothing but the name.
func TestLookupFails(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]voicetest.Lookup{"fault": {Status: 503}, "limit": {Status: 429}, "unknown": {Status: 404}, "no name": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serveTown(t, options{})
			h.net.SetLookup(janePhone, l)
			_, m := h.arrive(janePhone, jane) // without any advance of the clock: at once
			contains(t, "Slack", m.AsText(), "(208) 555-0123\nWaiting.\nCall 1 on Sales, Boise, ID")
			equal(t, "SMS", announcements(h.net, annPhone)[0], "Sales: (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (1)")
		})
	}
}

func TestLookupOff(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{yaml: func(y string) string { return strings.Replace(y, "\ntwilio:\n", "\ntwilio:\n  lookup: false\n", 1) }})
	_, m := h.arrive(janePhone, jane)
	contains(t, "Slack", m.AsText(), "(208) 555-0123\nWaiting.")
	for _, r := range h.net.Requests() {
		if strings.Contains(r.Path, "/v2/PhoneNumbers") {
			t.Errorf("looked up all the same: %s", r.Path)
		}
	}
}

// Slack is down for a whole call, and for a voicemail: neither the texts nor the calls notice, and afterwards Slack shows
// how each ended, with the voicemail.
func TestSlackDown(t *testing.T) {
	t.Parallel()
	var down outage
	h := serveTown(t, options{slack: bottest.Options{Intercept: down.wrap}, line: []string{"max_wait: 1h"}})
	down.on.Store(true)
	call := h.net.Phone(janePhone).Call(salesNumber, jane)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	_, err := h.net.Phone(annPhone).WaitSMS(h.ctx, func(s voicetest.SMS) bool { return strings.Contains(s.Body, announced) })
	h.must(err) // without any advance of the clock: at once
	h.until("Slack is asked", func() bool { return down.hit.Load() > 0 })
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	leg := h.rings(annPhone, call)
	h.accepts(leg)
	h.clock.Advance(30 * time.Second)
	leg.Hangup()
	equal(t, "outcome", h.record(call).Outcome, store.Talked)

	second := h.net.Phone(markPhone).Call(salesNumber, voicetest.CallerInfo{})
	h.must(second.WaitPlace(h.ctx, voicetest.PlaceQueue))
	_, err = h.net.Phone(bobPhone).WaitSMS(h.ctx, func(s voicetest.SMS) bool { return strings.Contains(s.Body, "555-0145"+announced) })
	h.must(err)
	contains(t, "Bob is told", h.text(bobPhone, "No 2"), "is sent to voicemail.")
	h.must(second.WaitPlace(h.ctx, voicetest.PlaceRecording))
	second.Speak(3 * time.Second)
	second.Hangup()
	equal(t, "outcome", h.record(second).Outcome, store.Voicemail)
	h.clock.Advance(10 * time.Minute)
	equal(t, "messages meanwhile", len(h.work.Messages(salesChannel)), 0)

	down.on.Store(false)
	stop := h.pump(time.Second)
	h.posted("(208) 555-0145")
	for _, want := range []string{"Talked with Ann for 0:30", "Left a voicemail of 0:03."} {
		m, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return strings.Contains(m.AsText(), want) })
		h.must(err)
		equal(t, "updates of "+want, m.Updates, 0) // what nobody could see is not caught up
	}
	stop()
	all := h.work.Messages(salesChannel)
	equal(t, "messages", len(all), 3)
	var calls []string
	for _, m := range all {
		if !strings.HasPrefix(m.AsText(), "Voicemail") {
			calls = append(calls, strings.SplitN(m.AsText(), "\n", 2)[0])
		}
	}
	equal(t, "order", strings.Join(calls, " | "), "JANE DOE, (208) 555-0123 | (208) 555-0145")
}

// Slack goes down while a call waits, is taken and ends: its message is brought up to date once Slack is back.
func TestSlackDownInTheMiddle(t *testing.T) {
	t.Parallel()
	var down outage
	h := serveTown(t, options{slack: bottest.Options{Intercept: down.wrap}})
	call, m := h.arrive(janePhone, jane)
	down.on.Store(true)
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	h.accepts(h.rings(annPhone, call))
	h.until("Slack is asked", func() bool { return down.hit.Load() > 0 })
	call.Hangup()
	equal(t, "outcome", h.record(call).Outcome, store.Talked)
	down.on.Store(false)
	stop := h.pump(time.Second)
	defer stop()
	last := h.shows(m.TS, "Talked with Ann")
	if len(last.Buttons()) != 0 || last.Updates > 2 {
		t.Errorf("%d updates, %s", last.Updates, last.AsText())
	}
}

// The way for SMS is down: Slack and the call go on, and what is not old by then is sent afterwards.
func TestSMSDown(t *testing.T) {
	t.Parallel()
	down := outage{match: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/Messages") }}
	h := serveTown(t, options{voice: voicetest.Options{Intercept: down.wrap}, line: []string{"max_wait: 1h"}})
	down.on.Store(true)
	first, m1 := h.queued(janePhone, jane) // without any advance of the clock: at once
	contains(t, "Ann is told", h.press(annSlack, m1, "Take"), "Yours")
	leg := h.rings(annPhone, first)
	h.accepts(leg)
	h.shows(m1.TS, "Talking with Ann")
	leg.Hangup()
	equal(t, "outcome", h.record(first).Outcome, store.Talked)
	second, m2 := h.queued(markPhone, voicetest.CallerInfo{})
	h.clock.Advance(20 * time.Second)
	h.until("SMS is tried", func() bool { return down.hit.Load() > 0 })
	equal(t, "SMS meanwhile", len(h.net.Phone(annPhone).Inbox())+len(h.net.Phone(bobPhone).Inbox()), 0)

	down.on.Store(false)
	stop := h.pump(100 * time.Millisecond)
	for _, phone := range []string{annPhone, bobPhone} {
		_, err := h.net.Phone(phone).WaitSMS(h.ctx, func(voicetest.SMS) bool { return true })
		h.must(err)
		equal(t, "SMS to "+phone, strings.Join(announcements(h.net, phone), "|"), "Sales: (208) 555-0145. Reply Y to take, N for voicemail. (2)")
	}
	stop()
	contains(t, "Bob is told", h.press(bobSlack, m2, "Take"), "Yours")
	h.rings(bobPhone, second)
}

// Twilio refuses to text somebody: that is said by name where everybody sees it, and holds up nobody.
func TestSMSRefused(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.net.Phone(annPhone).SetSMSRefusal(21610)
	call, m := h.queued(janePhone, jane)
	_, err := h.net.Phone(bobPhone).WaitSMS(h.ctx, func(s voicetest.SMS) bool { return strings.Contains(s.Body, announced) })
	h.must(err)
	shown := h.shows(m.TS, "No SMS to Ann: has opted out; text START to the line.")
	equal(t, "buttons", len(shown.Buttons()), 2)
	contains(t, "Ann is told in Slack", h.press(annSlack, m, "Take"), "Yours")
	h.accepts(h.rings(annPhone, call))
	call.Hangup()
	contains(t, "afterwards", h.shows(m.TS, "Talked with Ann").AsText(), "No SMS to Ann")
	tried := 0
	for _, r := range h.net.Requests() {
		if r.Method == "POST" && r.Form.Get("To") == annPhone {
			tried++
		}
	}
	equal(t, "SMS to Ann", tried, 1)
}

// Twilio's API is down at the claim: the redirect is tried until it works, and works once.
func TestRedirectsDown(t *testing.T) {
	t.Parallel()
	down := outage{match: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/Members/") }}
	h := serveTown(t, options{voice: voicetest.Options{Intercept: down.wrap}})
	call, m := h.arrive(janePhone, jane)
	down.on.Store(true)
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	h.until("the redirect is tried", func() bool { return down.hit.Load() > 0 })
	contains(t, "Bob is told", h.press(bobSlack, m, "Take"), "Too late: Ann took")
	stop := h.pump(20 * time.Millisecond)
	h.until("it is tried again", func() bool { return down.hit.Load() > 3 })
	equal(t, "place", call.Place(), voicetest.PlaceQueue)
	down.on.Store(false)
	leg := h.rings(annPhone, call)
	stop()
	h.accepts(leg)
	h.shows(m.TS, "Talking with Ann")
	leg.Hangup()
	equal(t, "outcome", h.record(call).Outcome, store.Talked)
	equal(t, "redirects that worked", h.net.Redirects(call.SID()), 1)
}
