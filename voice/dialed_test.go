package voice

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

// How a Dial can end: whether the taker had pressed 1 (the stage), DialBridged, DialCallStatus and the caller's own
// CallStatus, and what must follow.
func TestDialed(t *testing.T) {
	const live, over = "in-progress", "completed"
	for _, c := range []struct {
		stage, bridged, status, caller string
		state                          store.State
		outcome                        store.Outcome
		why                            store.Why
		doc                            string
	}{
		// Bridged: they talked, whatever else is said.
		{"talking", "true", "completed", live, store.Ended, store.Talked, "", "hangup"},
		{"talking", "true", "completed", over, store.Ended, store.Talked, "", "hangup"},
		{"talking", "true", "answered", over, store.Ended, store.Talked, "", "hangup"},
		{"talking", "true", "failed", live, store.Ended, store.Talked, "", "hangup"},
		{"fetched", "true", "completed", live, store.Ended, store.Talked, "", "hangup"}, // the word of the key was lost
		{"fetched", "true", "completed", over, store.Ended, store.Talked, "", "hangup"},

		// Not bridged though somebody answered: a mailbox, a pocket, a call screen.
		{"fetched", "false", "completed", live, store.Waiting, "", store.NotAccepted, "enqueue"},
		{"fetched", "false", "answered", live, store.Waiting, "", store.NotAccepted, "enqueue"},
		{"talking", "false", "completed", live, store.Waiting, "", store.NotAccepted, "enqueue"}, // fell apart after the key

		// DialBridged left out: our own record of the key decides.
		{"fetched", "", "completed", live, store.Waiting, "", store.NotAccepted, "enqueue"},
		{"talking", "", "completed", live, store.Ended, store.Talked, "", "hangup"},
		{"talking", "", "completed", over, store.Ended, store.Talked, "", "hangup"},
		{"talking", "", "failed", live, store.Waiting, "", store.Failed, "enqueue"},
		{"talking", "", "no-answer", live, store.Waiting, "", store.NoAnswer, "enqueue"},

		// Nobody picked up.
		{"fetched", "false", "busy", live, store.Waiting, "", store.Busy, "enqueue"},
		{"fetched", "false", "no-answer", live, store.Waiting, "", store.NoAnswer, "enqueue"},
		{"fetched", "false", "canceled", live, store.Waiting, "", store.NoAnswer, "enqueue"},
		{"fetched", "false", "failed", live, store.Waiting, "", store.Failed, "enqueue"},
		{"fetched", "", "busy", live, store.Waiting, "", store.Busy, "enqueue"},
		{"fetched", "", "no-answer", live, store.Waiting, "", store.NoAnswer, "enqueue"},
		{"fetched", "", "", live, store.Waiting, "", store.Failed, "enqueue"},
		{"fetched", "", "something new", live, store.Waiting, "", store.Failed, "enqueue"},
		{"ringing", "", "busy", live, store.Waiting, "", store.Busy, "enqueue"}, // before the document was recorded

		// The caller gave up meanwhile.
		{"fetched", "false", "no-answer", over, store.Ended, store.Missed, "", "hangup"},
		{"fetched", "", "canceled", over, store.Ended, store.Missed, "", "hangup"},
		{"fetched", "", "completed", over, store.Ended, store.Missed, "", "hangup"},
		{"fetched", "", "canceled", "canceled", store.Ended, store.Missed, "", "hangup"},
		{"talking", "false", "completed", over, store.Ended, store.Missed, "", "hangup"},

		// Of an attempt that is over, or of no meaning.
		{"waiting", "", "busy", live, store.Waiting, "", "", "enqueue"},
		{"recording", "false", "busy", live, store.Recording, "", "", "record"},
		{"talked", "true", "completed", live, store.Ended, store.Talked, "", "hangup"},
		{"talked", "false", "busy", live, store.Ended, store.Talked, "", "hangup"},
		{"missed", "true", "completed", over, store.Ended, store.Missed, "", "hangup"},
		{"voicemail", "true", "completed", over, store.Ended, store.Voicemail, "", "hangup"},
	} {
		name := strings.Join([]string{c.stage, "bridged=" + c.bridged, c.status, c.caller}, " ")
		t.Run(name, func(t *testing.T) {
			h := open(t, someTeam())
			call := stage(h, h.arrive("CA1"), c.stage)
			f := form("CallSid", "CA1", "To", sales, "CallStatus", c.caller)
			if c.bridged != "" {
				f.Set("DialBridged", c.bridged)
			}
			if c.status != "" {
				f.Set("DialCallStatus", c.status)
			}
			for i := range 2 { // the second is the same again
				got := spoken(t, h.post(of(dialedPath, call, 1), f))
				now := h.call(call.ID)
				if want := document(t, now, now.Attempt, c.doc); !reflect.DeepEqual(got, want) {
					t.Errorf("delivery %d: got\n%s\nwant\n%s", i+1, got, want)
				}
				if now.State != c.state || now.Outcome != c.outcome {
					t.Errorf("delivery %d: %s, %s", i+1, now.State, now.Outcome)
				}
				if n := len(now.Tries); (c.why != "") != (n == 1) || n == 1 && (now.Tries[0].Why != c.why || now.Tries[0].Person != "Ann") {
					t.Errorf("delivery %d: tries %+v, want %q", i+1, now.Tries, c.why)
				}
				if c.why != "" && now.Attempt != 2 || c.why == "" && now.Attempt != 1 {
					t.Errorf("delivery %d: attempt %d", i+1, now.Attempt)
				}
			}
		})
	}
}

// The first attempt's result comes once more after the next answer: that has a redirect of its own, which finds its
// caller in the queue. Where no redirect is to come, the caller hears what the state says.
func TestDialedLate(t *testing.T) {
	run(t, dialedPath, with("DialCallStatus", "no-answer"), []step{
		{"again", 1, "enqueue", 2, store.Waiting},
		{"again ringing", 1, "enqueue", 2, store.Ringing},
		{"again sent", 1, "enqueue", 2, store.Recording},
		{"too long", 1, "record", 2, store.Recording},
		{"again", 2, "enqueue", 2, store.Waiting}, // of an attempt that was never dialled
	})
}

// A caller whose time is up is asked for a message right away.
func TestDialedTooLong(t *testing.T) {
	h := open(t, someTeam())
	c := stage(h, h.arrive("CA1"), "fetched")
	h.clock.Advance(2 * time.Minute)
	got := spoken(t, h.post(of(dialedPath, c, 1), form(common(c, "DialCallStatus", "no-answer")...)))
	if want := document(t, c, 2, "record"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	now := h.call(c.ID)
	if now.State != store.Recording || now.Claim == nil || now.Claim.Via != store.ByRule || now.Fetched != 2 {
		t.Errorf("%+v, %+v", now, now.Claim)
	}
}

func TestTalkedSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		stage, duration string
		want            int
	}{
		// Twilio's figure is the one on the bill; it counts from the pick-up on. Our own begins at the key.
		"Twilio's figure":      {"talking", "70", 70},
		"without a key":        {"fetched", "70", 70},
		"nothing said":         {"talking", "", 65},
		"no number":            {"talking", "x", 65},
		"no record, no number": {"fetched", "", 0},
	} {
		h := open(t, someTeam())
		call := stage(h, h.arrive("CA1"), c.stage)
		h.clock.Advance(65 * time.Second)
		h.post(of(dialedPath, call, 1), form(common(call, "DialCallStatus", "completed", "DialBridged", "true", "DialCallDuration", c.duration)...))
		if now := h.call(call.ID); now.Outcome != store.Talked || now.Seconds != c.want {
			t.Errorf("%s: %s, %d s, want %d", name, now.Outcome, now.Seconds, c.want)
		}
	}
}
