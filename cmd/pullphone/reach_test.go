package main

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// unreached is a town in which Slack is down and nobody's phone takes a text.
func unreached(t *testing.T, o options) (*harness, *outage) {
	t.Helper()
	var slack outage
	o.slack.Intercept = slack.wrap
	if len(o.line) == 0 {
		o.line = []string{"max_wait: 10m"}
	}
	h := serveTown(t, o)
	slack.on.Store(true)
	for _, phone := range []string{annPhone, bobPhone} {
		h.net.Phone(phone).SetSMSRefusal(21610)
	}
	return h, &slack
}

// waits has somebody call, until they are in the queue and both texts have been refused.
func (h *harness) waits() *voicetest.Call {
	h.t.Helper()
	call := h.net.Phone(janePhone).Call(salesNumber, jane)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	h.until("both texts are refused", func() bool { return len(h.call(call).Texts) == 2 })
	return call
}

// rungFor waits until a phone rings because nobody was told, while the clock runs.
func (h *harness) rungFor(phone string) *voicetest.Leg {
	h.t.Helper()
	stop := h.pump(100 * time.Millisecond)
	defer stop()
	leg, err := h.net.Phone(phone).WaitRing(h.ctx)
	h.must(err)
	equal(h.t, "rung by a Dial", leg.Parent(), "")
	equal(h.t, "shown", leg.From(), salesNumber)
	return leg
}

// presses has a ringing phone picked up and a key pressed at the question.
func (h *harness) presses(leg *voicetest.Leg, key string) {
	h.t.Helper()
	leg.Answer()
	h.hears(leg)
	h.must(leg.WaitKeys(h.ctx))
	leg.Press(key)
}

// told waits for a sentence on a leg.
func (h *harness) told(leg *voicetest.Leg, text string) {
	h.t.Helper()
	_, err := leg.WaitHeard(h.ctx, func(v voicetest.Heard) bool { return v.Kind == voicetest.HeardSay && v.Text == text })
	h.must(err)
}

// Whoever cannot be told is shown by name; the next call tries anew, and a text that arrives forgets the trouble.
func TestOptedOut(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.net.Phone(bobPhone).SetSMSRefusal(21610)
	for _, want := range []string{"No SMS to Bob: has opted out; text START to the line.", "text START to the line (2 in a row)."} {
		call, m := h.queued(janePhone, jane)
		h.shows(m.TS, want)
		call.Hangup()
		h.record(call)
	}
	checked := func() string {
		_, out, _ := runs(h.ctx, "check", "--config", h.file)
		return out
	}
	contains(t, "check", checked(), "note phone of Bob: took none of the last 2 texts: has opted out; text START to the line\n")
	h.atRest()
	h.stop()
	contains(t, "check without a server", checked(), "note phone of Bob: took none of the last 2 texts")
	h.start()
	h.net.Phone(bobPhone).SetSMSRefusal(0)
	call, m := h.arrive(janePhone, jane)
	call.Hangup()
	h.record(call)
	h.atRest()
	h.until("the trouble is forgotten", func() bool { return !strings.Contains(checked(), "phone of Bob") })
	if strings.Contains(h.shows(m.TS, "Missed").AsText(), "No SMS") {
		t.Error("a text that arrived is shown as one that did not")
	}
}

// A text that Twilio took, and knows later that it will not arrive: shown, even after the call. A phone that is refused
// for good is not tried again for the same call.
func TestUndeliveredLater(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{voice: voicetest.Options{Repeat: func(string) int { return 2 }}, line: []string{"max_wait: 10m"}})
	bob := h.net.Phone(bobPhone)
	bob.SetSMSRefusal(30034)
	bob.SetSMSDelay(3 * time.Second)
	call, m := h.queued(janePhone, jane)
	h.until("the text is sent", func() bool {
		x, ok := storeCall(h, call).TextTo("Bob")
		return ok && x.Status == store.TextSent
	})
	h.clock.Advance(3 * time.Second)
	h.shows(m.TS, "No SMS to Bob: the line is not registered for SMS in the US.")
	if strings.Contains(h.shows(m.TS, "No SMS").AsText(), "in a row") {
		t.Error("one text is counted twice")
	}
	h.press(annSlack, h.shows(m.TS, "Waiting."), "Take")
	h.rings(annPhone, call).Decline()
	h.shows(m.TS, "Ann is busy, still waiting ")
	h.atRest()
	c := h.call(call)
	equal(t, "attempt", c.Attempt, 2)
	if _, tried := c.TextTo("Bob"); tried {
		t.Errorf("tried again for the same call: %+v", c.Texts)
	}
	call.Hangup()
	h.record(call)
	h.atRest()
}

func storeCall(h *harness, call *voicetest.Call) *store.Call {
	c := h.call(call)
	return &c
}

// The status of a text comes twice, in any order, and late; what is not signed is not heard.
func TestTextStatus(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 10m"}})
	call, _ := h.arrive(janePhone, jane)
	h.atRest()
	h.until("both texts are delivered", func() bool {
		a, _ := storeCall(h, call).TextTo("Ann")
		b, _ := storeCall(h, call).TextTo("Bob")
		return a.Status == store.TextDelivered && b.Status == store.TextDelivered
	})
	h.atRest()
	c := h.call(call)
	sid := c.Texts[0].SID
	target := h.cfg.PublicURL + "/twilio/sms/status?c=" + string(c.ID) + "." + strconv.Itoa(c.Attempt)
	status := func(sid, what, code string) url.Values {
		return url.Values{"MessageSid": {sid}, "MessageStatus": {what}, "To": {annPhone}, "From": {salesNumber}, "ErrorCode": {code}}
	}
	for _, s := range []url.Values{status(sid, "sent", ""), status(sid, "delivered", ""), status(sid, "queued", ""), status(sid, "undelivered", "30003"), status("SM9", "sending", "")} {
		if code, answer := h.sendSigned(target, s); code != http.StatusNoContent {
			t.Errorf("%v: %d %s", s, code, answer)
		}
	}
	if code, _ := h.send(target, form, nil, status("SM9", "failed", "30003").Encode()); code != http.StatusForbidden {
		t.Errorf("unsigned: %d", code)
	}
	gone := strings.Replace(target, string(c.ID), "01ARZ3NDEKTSV4RRFFQ69G5FAV", 1)
	if code, _ := h.sendSigned(gone, status(sid, "failed", "30003")); code != http.StatusNoContent {
		t.Errorf("a call that was erased: %d", code)
	}
	equal(t, "texts", len(h.call(call).Texts), 2)
	for i, x := range h.call(call).Texts {
		equal(t, "text", x, c.Texts[i])
	}
	equal(t, "revision", h.call(call).Rev, c.Rev)
	// Signed, new and in order it is heard: the test could have failed. The word that it was sent overtakes nothing.
	for _, s := range []url.Values{status("SM9", "undelivered", "30003"), status("SM9", "sent", "")} {
		h.sendSigned(target, s)
	}
	now := h.call(call)
	equal(t, "texts", len(now.Texts), 3)
	equal(t, "the third", now.Texts[2], store.SMSText{Person: "Ann", Attempt: 1, SID: "SM9", Status: store.TextUndelivered, Code: 30003, Why: "phone is off or out of reach"})
}

// Nobody takes a text and Slack is down: Ann's phone rings, then Bob's, who presses 1 and talks.
func TestPhonesRing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{
		"plain":   {},
		"true":    {voice: voicetest.Options{QueueBridged: "true"}},
		"false":   {voice: voicetest.Options{QueueBridged: "false"}},
		"doubled": {voice: voicetest.Options{Repeat: func(string) int { return 2 }, Shuffle: func(n int) int { return n - 1 }}},
	} {
		for _, first := range []string{"Bob", "Jane"} {
			t.Run(name+", "+first+" hangs up", func(t *testing.T) {
				t.Parallel()
				h, slack := unreached(t, o)
				call := h.waits()
				leg := h.rungFor(annPhone)
				if d := h.clock.Since(h.call(call).Arrived); d < 5*time.Second || d > 10*time.Second {
					t.Errorf("rung after %s", d)
				}
				ringsOut(h, leg)
				leg = h.rungFor(bobPhone)
				h.presses(leg, "1")
				h.must(leg.WaitBridged(h.ctx))
				h.must(call.WaitPlace(h.ctx, voicetest.PlaceBridged))
				for _, s := range []string{"Call for Sales from JANE DOE. Press 1 to take it, 2 to pass on.", "Go ahead."} {
					h.told(leg, s)
				}
				_, err := call.WaitHeard(h.ctx, func(v voicetest.Heard) bool { return v.Text == "Putting you through to Bob." })
				h.must(err)
				h.clock.Advance(30 * time.Second)
				if first == "Bob" {
					leg.Hangup()
				} else {
					call.Hangup()
				}
				r := h.record(call)
				h.must(leg.WaitEnd(h.ctx))
				equal(t, "outcome", r.Outcome, store.Talked)
				equal(t, "by", r.AnsweredBy, "Bob")
				equal(t, "via", r.Via, store.ByPhone)
				equal(t, "seconds", r.TalkedSeconds, 30)
				h.redirected(call, 1)
				equal(t, "phones rung", h.rung(), 2)
				slack.on.Store(false)
				stop := h.pump(time.Second)
				defer stop()
				_, err = h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return strings.Contains(m.AsText(), "Talked with Bob for 0:30") })
				h.must(err)
			})
		}
	}
}

// rung is how often Twilio was asked to ring somebody.
func (h *harness) rung() int {
	return len(slices.DeleteFunc(h.net.Requests(), func(r voicetest.Request) bool {
		return r.Method != http.MethodPost || !strings.HasSuffix(r.Path, "/Calls.json")
	}))
}

// Somebody who can be told in one way is not rung: by a text alone, or in Slack alone.
func TestNoRingForSomebodyTold(t *testing.T) {
	t.Parallel()
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		h, _ := unreached(t, options{})
		h.net.Phone(bobPhone).SetSMSRefusal(0)
		call := h.net.Phone(janePhone).Call(salesNumber, jane)
		h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
		h.until("one text is refused, one delivered", func() bool {
			x, _ := storeCall(h, call).TextTo("Bob")
			return len(h.call(call).Texts) == 2 && x.Status == store.TextDelivered
		})
		h.clock.Advance(time.Minute)
		h.atRest0("draw")
		equal(t, "phones rung", h.rung(), 0)
		// Twilio finds out that it was not delivered after all: now nobody knows.
		h.net.Phone(bobPhone).SetSMSRefusal(30003)
		h.net.Phone(bobPhone).SetSMSDelay(20 * time.Second)
		second := h.net.Phone(markPhone).Call(salesNumber, voicetest.CallerInfo{})
		h.must(second.WaitPlace(h.ctx, voicetest.PlaceQueue))
		h.until("the text is sent", func() bool {
			x, _ := storeCall(h, second).TextTo("Bob")
			return x.Status == store.TextSent
		})
		h.rungFor(annPhone)
		if d := h.clock.Since(h.call(second).Arrived); d < 20*time.Second || d > 25*time.Second {
			t.Errorf("rung after %s", d)
		}
	})
	t.Run("Slack", func(t *testing.T) {
		t.Parallel()
		h, slack := unreached(t, options{})
		slack.on.Store(false)
		h.queued(janePhone, jane)
		h.clock.Advance(time.Minute)
		h.atRest()
		equal(t, "phones rung", h.rung(), 0)
	})
}

// atRest0 is atRest but for one kind of deed, which cannot be done.
func (h *harness) atRest0(kind string) {
	h.t.Helper()
	h.must(h.net.WaitQuiet(h.ctx))
	h.until("nothing else is due", func() bool {
		due := false
		h.must(h.db.View(h.ctx, func(r store.Reader) error {
			return r.Scan("due/", "", func(key string, _ []byte) bool {
				due = !strings.HasPrefix(key, "due/"+kind+"/")
				return !due
			})
		}))
		return !due
	})
}

// Bob presses 1 while Ann answers in Slack: one of them has it, the other is told who.
func TestPhoneAndSlackAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 5 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			h, _ := unreached(t, options{})
			call := h.waits()
			ringsOut(h, h.rungFor(annPhone))
			bob := h.rungFor(bobPhone)
			bob.Answer()
			h.must(bob.WaitKeys(h.ctx))
			pressed := make(chan struct{})
			press := func() { bob.Press("1"); close(pressed) }
			if i > 0 {
				go press()
			}
			ann := h.command(annSlack, "")
			if i == 0 { // a moment later
				press()
				contains(t, "Ann is told", ann, "Yours")
				h.told(bob, "Ann has answered it. Goodbye.")
			}
			<-pressed
			h.until("it is somebody's", func() bool { return h.call(call).State != store.Waiting })
			by := h.call(call).Claim.Person
			if by == "Ann" {
				contains(t, "Ann is told", ann, "Yours")
				h.told(bob, "Ann has answered it. Goodbye.")
				h.must(bob.WaitEnd(h.ctx))
				h.accepts(h.rings(annPhone, call))
			} else {
				if strings.Contains(ann, "Yours") {
					t.Errorf("Ann is told %s", ann)
				}
				h.must(bob.WaitBridged(h.ctx))
			}
			h.redirected(call, 1)
			call.Hangup()
			r := h.record(call)
			equal(t, "by", r.AnsweredBy, by)
			equal(t, "outcome", r.Outcome, store.Talked)
		})
	}
}

// When somebody else answers, or the caller gives up, the phone that rings stops.
func TestRingEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*harness, *voicetest.Call){
		"the caller hangs up": func(h *harness, call *voicetest.Call) {
			call.Hangup()
			equal(h.t, "outcome", h.record(call).Outcome, store.Missed)
		},
		"Ann takes it": func(h *harness, call *voicetest.Call) {
			contains(h.t, "Ann is told", h.command(annSlack, ""), "Yours")
			h.rings(annPhone, call)
		},
		"max_wait": func(h *harness, call *voicetest.Call) {
			stop := h.pump(10 * time.Millisecond)
			defer stop()
			h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options{line: []string{"max_wait: 10m"}}
			if name == "max_wait" {
				o.line = []string{"max_wait: 50s", "ring_timeout: 60s"}
			}
			h, _ := unreached(t, o)
			call := h.waits()
			var leg *voicetest.Leg
			if name == "max_wait" {
				leg = h.rungFor(annPhone)
			} else {
				ringsOut(h, h.rungFor(annPhone))
				leg = h.rungFor(bobPhone)
			}
			h.until("the ringing is recorded", func() bool { return h.call(call).Ring.SID == leg.SID() })
			end(h, call)
			h.must(leg.WaitEnd(h.ctx))
			h.atRest0("draw")
			equal(t, "status", leg.Status(), "canceled")
			call.Hangup()
			h.record(call)
			rung, over := h.rung(), h.clock.Now().Add(5*time.Minute)
			defer h.pump(time.Second)() // whoever took it is told that nobody is there, or it is given up
			h.until("five minutes later", func() bool { return h.clock.Now().After(over) })
			h.atRest0("draw")
			equal(t, "phones rung", h.rung(), rung)
		})
	}
}

// Nobody presses 1: a machine answers, Bob passes. Ann's phone rings again after a pause, Bob's does not.
func TestRingRounds(t *testing.T) {
	t.Parallel()
	h, _ := unreached(t, options{})
	call := h.waits()
	ann := h.rungFor(annPhone)
	ann.Answer() // and says its greeting
	ringsOut(h, ann)
	bob := h.rungFor(bobPhone)
	h.presses(bob, "2")
	h.told(bob, "All right, not you. Goodbye.")
	h.must(bob.WaitEnd(h.ctx))
	passed := h.clock.Now()
	if c := h.call(call); len(c.Passed) != 1 || c.Passed[0].Person != "Bob" || c.Passed[0].Via != store.ByPhone {
		t.Errorf("passed: %+v", c.Passed)
	}
	ann = h.rungFor(annPhone)
	if d := h.clock.Since(passed); d < 15*time.Second || d > 20*time.Second {
		t.Errorf("the next round begins after %s", d)
	}
	ann.Decline()
	ann = h.rungFor(annPhone)
	equal(t, "phones rung", h.rung(), 4)
	// In the meantime the caller has gone; the question is still being asked.
	ann.Answer()
	h.must(ann.WaitKeys(h.ctx))
	call.Hangup()
	h.record(call)
	ann.Press("1")
	h.told(ann, "The caller has hung up. Goodbye.")
	h.must(ann.WaitEnd(h.ctx))
	h.redirected(call, 0)
}

// A taker who is gone before the caller is there has not taken the call: it waits again, and whose phone rings then takes
// it. Here Twilio cannot reach us while the taker waits, so that their leg ends; whether we hear of that or not.
func TestTakerGoneBeforeTheCallerCame(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string][]string{
		"heard of":     {"/twilio/meet"},
		"not heard of": {"/twilio/meet", "/twilio/meet/parted", "/twilio/ring/over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			away := outage{match: func(r *http.Request) bool { return slices.Contains(lost, r.URL.Path) }}
			h, _ := unreached(t, options{front: away.wrap, errors: []string{"fallback"}})
			call := h.waits()
			ann := h.rungFor(annPhone)
			away.on.Store(true)
			h.presses(ann, "1")
			h.must(ann.WaitEnd(h.ctx))
			h.must(h.net.WaitQuiet(h.ctx))
			if len(lost) > 1 {
				equal(t, "state", h.call(call).State, store.Ringing)
				stop := h.pump(50 * time.Millisecond)
				h.until("the caller has found nobody", func() bool { return h.call(call).Attempt == 2 })
				stop()
				h.redirected(call, 1)
			}
			away.on.Store(false)
			c := h.call(call)
			equal(t, "state", c.State, store.Waiting)
			equal(t, "why", c.Tries[0].Why, store.HungUp)
			h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
			bob := h.rungFor(bobPhone)
			h.presses(bob, "1")
			h.must(bob.WaitBridged(h.ctx))
			call.Hangup()
			equal(t, "by", h.record(call).AnsweredBy, "Bob")
			h.redirected(call, min(2, len(lost))) // the first found nobody
		})
	}
}

// Twilio refuses to ring a phone: shown by name, the next has its turn.
func TestPhoneNotRung(t *testing.T) {
	t.Parallel()
	refuse := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Calls.json") {
				_ = r.ParseForm()
				if r.PostForm.Get("To") == annPhone {
					w.WriteHeader(http.StatusBadRequest)
					_, _ = w.Write([]byte(`{"code": 21215, "message": "not enabled", "status": 400}`))
					return
				}
				r.Body = io.NopCloser(strings.NewReader(r.PostForm.Encode()))
			}
			next.ServeHTTP(w, r)
		})
	}
	h, slack := unreached(t, options{voice: voicetest.Options{Intercept: refuse}})
	h.waits()
	h.rungFor(bobPhone)
	slack.on.Store(false)
	stop := h.pump(10 * time.Millisecond)
	defer stop()
	_, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool {
		return strings.Contains(m.AsText(), "Ann's phone could not be rung: Twilio error 21215.")
	})
	h.must(err)
}

// The program is killed while it waits for Twilio's answer to the request to ring Ann: her phone rings once, whether the
// request was carried out or not, and she takes the call.
func TestKillInARingRequest(t *testing.T) {
	t.Parallel()
	for name, done := range map[string]bool{"done": true, "not done": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gate{done: done, match: func(r *http.Request, body string) bool {
				return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Calls.json")
			}}
			var slack outage
			p := processTown(t, options{voice: voicetest.Options{Intercept: g.wrap}, slack: bottest.Options{Intercept: slack.wrap}})
			slack.on.Store(true)
			for _, phone := range []string{annPhone, bobPhone} {
				p.net.Phone(phone).SetSMSRefusal(21610)
			}
			arrived := g.arm()
			call := p.net.Phone(janePhone).Call(salesNumber, jane)
			p.must(call.WaitPlace(p.ctx, voicetest.PlaceQueue))
			p.wait("the request", arrived)
			p.kill()
			p.run()
			p.until("Twilio is asked whether it was done", func() bool {
				return slices.ContainsFunc(p.net.Requests(), func(r voicetest.Request) bool {
					return r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/Calls.json") && r.Query.Get("To") == annPhone
				})
			})
			leg, err := p.net.Phone(annPhone).WaitRing(p.ctx)
			p.must(err)
			p.presses(leg, "1")
			p.must(leg.WaitBridged(p.ctx))
			call.Hangup()
			r := p.ended(call)
			equal(t, "outcome", r.Outcome, store.Talked)
			equal(t, "by", r.AnsweredBy, "Ann")
			equal(t, "via", r.Via, store.ByPhone)
			rung := 0
			for _, r := range p.net.Requests() {
				if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/Calls.json") {
					rung++
				}
			}
			equal(t, "requests carried out", rung, 1)
			slack.on.Store(false)
		})
	}
}

// Twilio's SMS are out for an hour, by an error or by its rate: what is older than the call it announces is not sent late.
// Slack goes on, and so do the texts afterwards.
func TestSMSDownForAnHour(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"503": 503, "429": 429} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var on outage
			wrap := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if on.on.Load() && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Messages.json") {
						on.hit.Add(1)
						w.WriteHeader(status)
						_, _ = w.Write([]byte(`{"code": 20` + strconv.Itoa(status) + `}`))
						return
					}
					next.ServeHTTP(w, r)
				})
			}
			h := serveTown(t, options{voice: voicetest.Options{Intercept: wrap}, line: []string{"max_wait: 30m"}})
			on.on.Store(true)
			gone, m := h.queued(janePhone, jane)
			h.until("Twilio is asked for both", func() bool { return on.hit.Load() > 1 })
			gone.Hangup()
			h.record(gone)
			waits, m2 := h.queued(markPhone, voicetest.CallerInfo{})
			stop := h.pump(time.Second)
			h.must(waits.WaitPlace(h.ctx, voicetest.PlaceRecording)) // max_wait
			waits.Hangup()
			h.record(waits)
			h.until("an hour", func() bool { return h.clock.Since(h.call(gone).Arrived) > time.Hour })
			stop()
			h.shows(m.TS, "Missed")
			h.shows(m2.TS, "Missed")
			on.on.Store(false)
			stop = h.pump(time.Second)
			h.atRest()
			stop()
			for _, phone := range []string{annPhone, bobPhone} {
				equal(t, "late SMS", len(h.net.Phone(phone).Inbox()), 0)
			}
			call, _ := h.arrive(janePhone, jane)
			equal(t, "SMS", len(announcements(h.net, annPhone)), 1)
			call.Hangup()
			h.record(call)
			equal(t, "phones rung", h.rung(), 0)
		})
	}
}
