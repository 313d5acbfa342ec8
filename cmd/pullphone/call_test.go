package main

import (
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// calledAt is a call's time as its Slack message shows it in UTC.
func calledAt(r store.Record) string { return "called " + r.Arrived.UTC().Format("3:04 PM") }

// screens are all states a Slack message has shown, the latest last: its text, and whether it had buttons.
func screens(m bottest.Message) []string {
	var out []string
	show := func(blocks []bottest.Block) {
		one := bottest.Message{Blocks: blocks}
		out = append(out, bottest.Render(one, nil))
	}
	for _, r := range m.Revisions {
		show(r.Blocks)
	}
	show(m.Blocks)
	return out
}

// One call from its first ring to its end, as everybody sees it.
func TestOneCall(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{`greeting: "Welcome."`}})
	call, m := h.arrive(janePhone, jane)

	// The caller is welcomed, told of the keys, and hears music.
	heard := call.Heard()
	for i, want := range []string{"say Welcome.", "say Press 1 to leave a message, 2 to be called back.", "play " + h.cfg.PublicURL + "/music/"} {
		if !strings.HasPrefix(heard[i].String(), want) {
			t.Errorf("the caller hears %s, not %s", heard[i], want)
		}
	}
	// Everybody is told, each once.
	for _, phone := range []string{annPhone, bobPhone} {
		equal(t, "SMS to "+phone, strings.Join(announcements(h.net, phone), "|"), "Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (1)")
	}
	equal(t, "notification", strings.ReplaceAll(m.Text, "\u2060", ""), "Call 1 for Sales from JANE DOE, (208) 555-0123, Boise, ID. Waiting. Take it or send it to voicemail.")
	var buttons []string
	for _, b := range m.Buttons() {
		buttons = append(buttons, b.ActionID+" "+b.Text+" "+b.Style)
		if strings.Contains(b.Value, call.SID()) || strings.Contains(b.BlockID, call.SID()) {
			t.Errorf("the button carries Twilio's CallSid: %+v", b)
		}
	}
	equal(t, "buttons", strings.Join(buttons, ", "), "take Take primary, voicemail Voicemail ")

	// Half a minute later Ann takes it, and Bob is late.
	h.clock.Advance(35 * time.Second)
	equal(t, "Ann is told", h.text(annPhone, "Yes"), "Yours: JANE DOE, (208) 555-0123. Your phone (208) 555-0101 rings now.")
	h.clock.Advance(3 * time.Second)
	equal(t, "Bob is told", h.text(bobPhone, "no"), "Too late: Ann took JANE DOE, (208) 555-0123, 0:03 ago.")
	equal(t, "Bob is told in Slack", h.press(bobSlack, m, "Take"), "Too late: Ann took JANE DOE, (208) 555-0123, 0:03 ago.")
	equal(t, "Ann is told again", h.press(annSlack, m, "Take"), "Yours: JANE DOE, (208) 555-0123. Your phone (208) 555-0101 rings now.")
	h.shows(m.TS, "Ringing Ann's phone")
	leg := h.rings(annPhone, call)
	equal(t, "caller ID", leg.From(), salesNumber)
	if _, err := call.WaitHeard(h.ctx, func(v voicetest.Heard) bool { return v.Text == "Putting you through to Ann." }); err != nil {
		t.Error(err)
	}

	// Ann picks up and hears who it is.
	h.clock.Advance(2 * time.Second)
	leg.Answer()
	h.must(leg.WaitKeys(h.ctx))
	equal(t, "Ann hears", h.hears(leg).String(), "say Call for Sales from JANE DOE. Press 1 to take it, 2 to decline.")
	if leg.Bridged() || call.Place() != voicetest.PlaceDialing {
		t.Errorf("before Ann pressed 1 the caller is at %q", call.Place())
	}
	h.clock.Advance(4 * time.Second)
	leg.Press("1")
	h.must(leg.WaitBridged(h.ctx))
	h.shows(m.TS, "Talking with Ann")

	// They talk, and Ann hangs up.
	h.clock.Advance(125 * time.Second)
	leg.Hangup()
	h.must(call.WaitEnd(h.ctx))
	r := h.record(call)
	want := store.Record{CallSID: call.SID(), Line: "Sales", From: janePhone, Name: "JANE DOE", Place: "Boise, ID", Arrived: r.Arrived,
		WaitedSeconds: 44, AnsweredBy: "Ann", Via: store.BySMS, Outcome: store.Talked, TalkedSeconds: 129}
	equal(t, "history", r, want)
	if d := call.Heard()[0].At.Sub(r.Arrived); d < 0 || d > time.Second {
		t.Errorf("it arrived %s before it was answered", d)
	}
	last := h.shows(m.TS, "Talked with Ann")
	head := "JANE DOE, (208) 555-0123\n"
	foot := "\nSales, Boise, ID " + calledAt(r)
	equal(t, "Slack", strings.Join(screens(last), "\n\n"), strings.Join([]string{
		head + "Waiting.\nCall 1 on Sales, Boise, ID " + calledAt(r) + "\n[Take] [Voicemail]",
		head + "Ann took it. Ringing Ann's phone." + foot,
		head + "Talking with Ann, after waiting 0:44." + foot,
		head + "Talked with Ann for 2:09, after waiting 0:44." + foot,
	}, "\n\n"))
	h.redirected(call, 1)
	if n := len(h.work.Messages(salesChannel)); n != 1 {
		t.Errorf("%d messages in the channel", n)
	}
	if all := leg.Heard(); all[len(all)-1].Kind != voicetest.HeardBridge {
		t.Errorf("Ann hears %v", all)
	}
	if ms := h.net.Members("pullphone-12085550100"); len(ms) != 0 {
		t.Errorf("still in the queue: %v", ms)
	}
}

// On a line without the question, picking up is accepting.
func TestAcceptFalse(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"accept: false"}})
	call, m := h.arrive(janePhone, jane)
	h.clock.Advance(10 * time.Second)
	contains(t, "Ann is told", h.press(annSlack, m, "Take"), "Yours: JANE DOE")
	leg := h.rings(annPhone, call)
	h.clock.Advance(5 * time.Second)
	leg.Answer()
	h.must(leg.WaitBridged(h.ctx))
	h.shows(m.TS, "Talking with Ann")
	h.clock.Advance(30 * time.Second)
	call.Hangup()
	r := h.record(call)
	equal(t, "history", r, store.Record{CallSID: call.SID(), Line: "Sales", From: janePhone, Name: "JANE DOE", Place: "Boise, ID", Arrived: r.Arrived,
		WaitedSeconds: 15, AnsweredBy: "Ann", Via: store.BySlack, Outcome: store.Talked, TalkedSeconds: 30})
	h.shows(m.TS, "Talked with Ann for 0:30, after waiting 0:15.")
	h.redirected(call, 1)
}

func TestHangUpWhileWaiting(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	call, m := h.arrive(janePhone, jane)
	h.clock.Advance(20 * time.Second)
	call.Hangup()
	r := h.record(call)
	equal(t, "history", r, store.Record{CallSID: call.SID(), Line: "Sales", From: janePhone, Name: "JANE DOE", Place: "Boise, ID", Arrived: r.Arrived,
		WaitedSeconds: 20, Outcome: store.Missed})
	if last := h.shows(m.TS, "Missed: hung up after waiting 0:20."); len(last.Buttons()) != 0 {
		t.Errorf("a missed call has buttons: %s", last.AsText())
	}
	// Whoever answers now is told.
	equal(t, "Ann is told", h.text(annPhone, "y"), "JANE DOE, (208) 555-0123 has hung up.")
	equal(t, "Bob is told", h.press(bobSlack, m, "Take"), "JANE DOE, (208) 555-0123 has hung up.")
	equal(t, "Bob is told by SMS", h.text(bobPhone, "N"), "JANE DOE, (208) 555-0123 has hung up.")
	// A quarter of an hour later it could be about anything.
	h.clock.Advance(40 * time.Minute)
	equal(t, "Ann is told later", h.text(annPhone, "y"), "Nobody is waiting.")
	h.redirected(call, 0)
}

// A call taken, and its caller gone before the taker picked up. What Twilio then reports is not settled.
func TestHangUpWhileRinging(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]voicetest.Options{"with the Dial's action": {}, "without it": {NoDialActionOnHangup: true}} {
		for _, screening := range []bool{false, true} {
			if screening {
				name += ", while asked for a 1"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := serveTown(t, options{voice: o})
				call, m := h.arrive(janePhone, jane)
				contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
				leg := h.rings(annPhone, call)
				if screening {
					leg.Answer()
					h.must(leg.WaitKeys(h.ctx))
				}
				h.clock.Advance(7 * time.Second / 2)
				call.Hangup()
				r := h.record(call)
				equal(t, "history", r, store.Record{CallSID: call.SID(), Line: "Sales", From: janePhone, Name: "JANE DOE", Place: "Boise, ID", Arrived: r.Arrived,
					WaitedSeconds: 3, AnsweredBy: "Ann", Via: store.BySMS, Outcome: store.Missed})
				h.must(leg.WaitEnd(h.ctx))
				h.must(h.net.WaitQuiet(h.ctx))
				h.shows(m.TS, "Missed: hung up after waiting 0:0")
				equal(t, "Bob is told", h.text(bobPhone, "y"), "Too late: Ann took JANE DOE, (208) 555-0123, 0:04 ago.")
				h.redirected(call, 1)
			})
		}
	}
}

// Callers who do not say who they are, in letters or in the carriers' digits for them.
func TestWithheldNumber(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	for i, from := range []string{"anonymous", "+266696687", "Restricted", ""} {
		phone := crewPhone(i)
		info := voicetest.CallerInfo{From: from}
		if from == "" {
			info.From = "+7378742833"
		}
		call, m := h.arrive(phone, info)
		r := screens(m)[0]
		if !strings.HasPrefix(r, "withheld number\nWaiting.\nCall ") {
			t.Errorf("%s: Slack shows %q", info.From, r)
		}
		sms := announcements(h.net, annPhone)
		if got := sms[len(sms)-1]; !strings.HasPrefix(got, "Sales: withheld number. Reply Y to take, N for voicemail. (") {
			t.Errorf("%s: SMS %q", info.From, got)
		}
		contains(t, "Ann is told", h.press(annSlack, m, "Take"), "Yours: withheld number.")
		leg := h.rings(annPhone, call)
		equal(t, "caller ID", leg.From(), salesNumber)
		leg.Answer()
		h.must(leg.WaitKeys(h.ctx))
		contains(t, "Ann hears", h.hears(leg).Text, "from a withheld number")
		leg.Press("1")
		h.must(leg.WaitBridged(h.ctx))
		call.Hangup()
		rec := h.record(call)
		equal(t, "from in history", rec.From, "")
		equal(t, "outcome", rec.Outcome, store.Talked)
		h.clock.Advance(10 * time.Second) // Slack has its limits
	}
	for _, r := range h.net.Requests() {
		if strings.Contains(r.Path, "/v2/PhoneNumbers/") {
			t.Errorf("a withheld number was looked up: %s", r.Path)
		}
	}
}

// Nobody answers within max_wait: the caller is asked for a message, by rule.
func TestMaxWait(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 40s"}})
	call, m := h.arrive(janePhone, jane)
	h.clock.Advance(39 * time.Second)
	h.must(h.net.WaitQuiet(h.ctx))
	equal(t, "state before", h.call(call).State, store.Waiting)
	stop := h.pump(10 * time.Millisecond)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	stop()
	h.shows(m.TS, "Asked to leave a message.")
	equal(t, "Ann is told", h.text(annPhone, "y"), "JANE DOE, (208) 555-0123 is at voicemail already.")
	equal(t, "Bob is told", h.press(bobSlack, m, "Take"), "JANE DOE, (208) 555-0123 is at voicemail already.")
	call.Speak(7 * time.Second)
	h.clock.Advance(7 * time.Second)
	call.Press("#")
	h.must(call.WaitEnd(h.ctx))
	r := h.record(call)
	equal(t, "history", r, store.Record{CallSID: call.SID(), Line: "Sales", From: janePhone, Name: "JANE DOE", Place: "Boise, ID", Arrived: r.Arrived,
		WaitedSeconds: r.WaitedSeconds, Via: store.ByRule, Outcome: store.Voicemail, VoicemailSeconds: 7})
	if r.WaitedSeconds < 40 || r.WaitedSeconds > 45 {
		t.Errorf("they waited %d s", r.WaitedSeconds)
	}
	h.shows(m.TS, "Left a voicemail of 0:07.")
	h.redirected(call, 1)
	if _, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return strings.HasPrefix(m.AsText(), "Voicemail from JANE DOE") }); err != nil {
		t.Error(err)
	}
}
