package voice

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

// byPhone gives the word of somebody whose phone was rung.
func (h *house) byPhone(c store.Call, person, leg string, word store.Word) store.Call {
	h.Helper()
	v, c, err := h.Store.Answer(h.Context(), store.Answer{
		ID: "phone:" + leg, Call: c.ID, Attempt: c.Attempt, Person: person, Via: store.ByPhone, Word: word, Leg: leg,
	})
	if err != nil || v.Result != store.Won && word == store.Take {
		h.Fatalf("%+v, %v", v, err)
	}
	return c
}

func init() {
	const ask = `<Gather action="@u/twilio/ring/key?c=@c&amp;n=@n&amp;t=1" numDigits="1" finishOnKey="" timeout="5">
		<Say voice="woman">Call for Sales from Jane Doe. Press 1 to take it, 2 to pass on.</Say></Gather>`
	for name, doc := range map[string]string{
		"ask rung": ask + ask + `<Hangup/>`,
		"Ann has":  `<Say voice="woman">Ann has answered it. Goodbye.</Say><Hangup/>`,
		"message":  `<Say voice="woman">The caller is leaving a message. Goodbye.</Say><Hangup/>`,
		"not you":  `<Say voice="woman">All right, not you. Goodbye.</Say><Hangup/>`,
		"meet":     `<Enqueue action="@u/twilio/meet/parted?c=@c&amp;n=@n" waitUrl="@u/twilio/meet?c=@c&amp;n=@n">pullphone-meet-12085550100-1</Enqueue>`,
		"moment":   `<Say voice="woman">One moment.</Say><Pause length="3"/>`,
		"go ahead": `<Say voice="woman">Go ahead.</Say>`,
		"bring": `<Say voice="woman">Putting you through to Ann.</Say>
			<Dial timeout="10" action="@u/twilio/dialed?c=@c&amp;n=@n"><Queue url="@u/twilio/meet/met?c=@c&amp;n=@n">pullphone-meet-12085550100-1</Queue></Dial>`,
	} {
		documents[name] = doc
	}
	for name, bring := range map[string]func(*house, store.Call) store.Call{
		"on the phone":   func(h *house, c store.Call) store.Call { return h.byPhone(c, "Ann", "CA9", store.Take) },
		"phone, talking": func(h *house, c store.Call) store.Call { return h.accepted(h.fetched(stages["on the phone"](h, c))) },
		"elsewhere": func(h *house, c store.Call) store.Call { // Ann has another call
			h.answer(h.arrive("CA77"), "Ann", store.Take)
			return c
		},
		"nobody": func(h *house, c store.Call) store.Call { // answered
			c, err := h.Store.LeftQueue(h.Context(), c.ID, 1)
			return h.got(c, err)
		},
	} {
		stages[name] = bring
	}
}

func ofLeg(leg string, more ...string) func(store.Call) []string {
	return func(store.Call) []string {
		return append([]string{"CallSid", leg, "From", sales, "To", "+12085550101", "CallStatus", "in-progress"}, more...)
	}
}

func TestRing(t *testing.T) {
	run(t, ringPath, ofLeg("CA9"), []step{
		{"waiting", 1, "ask rung", 0, store.Waiting},
		{"again", 1, "ask rung", 2, store.Waiting}, // asked for the attempt that waits now
		{"ringing", 1, "Ann has", 0, store.Ringing},
		{"talking", 1, "Ann has", 0, store.Talking},
		{"recording", 1, "Ann has", 0, store.Recording},
		{"nobody", 1, "message", 0, store.Recording},
		{"missed", 1, "gone", 0, store.Ended},
		{"talked", 1, "Ann has", 0, store.Ended},
	})
}

func TestKey(t *testing.T) {
	t.Run("1", func(t *testing.T) {
		run(t, keyPath, ofLeg("CA9", "Digits", "1"), []step{
			{"waiting", 1, "meet", 0, store.Ringing},
			{"elsewhere", 1, "meet", 0, store.Ringing},
			{"on the phone", 1, "meet", 0, store.Ringing},
			{"again", 1, "ask rung", 2, store.Waiting}, // pressed for an attempt that is over
			{"ringing", 1, "Ann has", 0, store.Ringing},
			{"recording", 1, "Ann has", 0, store.Recording},
			{"nobody", 1, "message", 0, store.Recording},
			{"missed", 1, "gone", 0, store.Ended},
		})
		run(t, keyPath, ofLeg("CA8", "Digits", "1"), []step{{"on the phone", 1, "Ann has", 0, store.Ringing}})
	})
	t.Run("2", func(t *testing.T) {
		run(t, keyPath, ofLeg("CA9", "Digits", "2"), []step{
			{"waiting", 1, "not you", 0, store.Waiting},
			{"ringing", 1, "Ann has", 0, store.Ringing},
		})
	})
	for _, other := range []string{"", "9", "#"} {
		run(t, keyPath, ofLeg("CA9", "Digits", other), []step{{"waiting", 1, "meet", 0, store.Ringing}, {"ringing", 1, "Ann has", 0, store.Ringing}})
	}
	// From a phone that is nobody's, or a leg that cannot be one.
	run(t, keyPath, ofLeg("CA9", "Digits", "1", "To", caller), []step{{"waiting", 1, "ask rung", 0, store.Waiting}})
	run(t, keyPath, ofLeg("../9", "Digits", "1"), []step{{"waiting", 1, "ask rung", 0, store.Waiting}})
}

// A phone whose owner has another call, or has gone off duty, is not rung: the next has its turn.
func TestRingUpWhoIsBusy(t *testing.T) {
	h := open(t, someTeam())
	c := h.arrive("CA1")
	h.clock.Advance(time.Minute)
	h.answer(h.arrive("CA2"), "Ann", store.Take)
	if err := h.Store.SetDuty(t.Context(), "Bob", store.Duty{Off: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ringUp(t.Context(), store.Deed{Kind: store.RingUp, Call: c.ID, Attempt: 1, Rev: 1}); err != nil {
		t.Error(err)
	}
	if c = h.call(c.ID); c.Ring.Turn != 2 || c.Ring.Person != "" || len(c.Undone) != 0 {
		t.Errorf("rung next: %+v, undone %+v", c.Ring, c.Undone)
	}
}

func TestMeet(t *testing.T) {
	run(t, meetPath, ofLeg("CA9"), []step{
		{"on the phone", 1, "moment", 0, store.Ringing},
		{"phone, talking", 1, "moment", 0, store.Talking},
		{"on the phone", 2, "Ann has", 0, store.Ringing},
		{"again", 1, "gone", 0, store.Waiting},
		{"missed", 1, "gone", 0, store.Ended},
	})
	run(t, metPath, ofLeg("CA9"), []step{
		{"on the phone", 1, "go ahead", 0, store.Talking},
		{"missed", 1, "go ahead", 0, store.Ended},
	})
	run(t, partedPath, ofLeg("CA9", "QueueResult", "bridged"), []step{{"phone, talking", 1, "hangup", 0, store.Talking}})
	run(t, connectPath, with(), []step{
		{"on the phone", 1, "bring", 0, store.Ringing},
		{"phone, talking", 1, "bring", 0, store.Talking},
	})
}

// How the Dial of the taker's queue can end. What Twilio says of DialBridged there is not written down.
func TestDialedQueue(t *testing.T) {
	for _, c := range []struct {
		stage, bridged, status string
		after                  time.Duration
		outcome                store.Outcome // empty: it waits again
	}{
		{"on the phone", "", "failed", 0, ""},
		{"on the phone", "", "no-answer", 0, ""},
		{"on the phone", "false", "completed", 0, ""},
		{"on the phone", "", "completed", 0, ""}, // our url was not asked for
		{"on the phone", "true", "completed", 0, store.Talked},
		{"phone, talking", "", "completed", 0, store.Talked},
		{"phone, talking", "", "answered", 0, store.Talked},
		{"phone, talking", "true", "completed", 0, store.Talked},
		{"phone, talking", "false", "completed", time.Second, ""}, // fell apart at once
		{"phone, talking", "false", "completed", time.Minute, store.Talked},
	} {
		h := open(t, someTeam())
		call := stage(h, h.arrive("CA1"), c.stage)
		h.clock.Advance(c.after)
		f := common(call, "DialCallStatus", c.status)
		if c.bridged != "" {
			f = append(f, "DialBridged", c.bridged)
		}
		h.post(of(dialedPath, call, 1), form(f...))
		now := h.call(call.ID)
		if now.Outcome != c.outcome || c.outcome == "" && (now.State != store.Waiting || now.Tries[0].Why != store.HungUp) {
			t.Errorf("%+v: %s %q, %+v", c, now.State, now.Outcome, now.Tries)
		}
		if c.outcome != "" && now.Seconds != int(c.after.Seconds()) {
			t.Errorf("%+v: %d s", c, now.Seconds)
		}
	}
}

// Without a store nobody is left on the line in silence.
func TestRingWithoutAStore(t *testing.T) {
	h := open(t, someTeam())
	c := h.byPhone(h.arrive("CA1"), "Ann", "CA9", store.Take)
	h.disk.breakDown(true)
	for path, want := range map[string]string{ringPath: "hangup", keyPath: "hangup", meetPath: "moment", metPath: "go ahead", partedPath: "hangup"} {
		got := spoken(t, h.post(of(path, c, 1), form("CallSid", "CA9", "To", "+12085550101", "Digits", "1")))
		if want := document(t, c, 1, want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	if w := h.post(of(rungPath, c, 1), form("CallSid", "CA9", "CallStatus", "completed")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	h.disk.breakDown(false)
	if w := h.post(of(rungPath, c, 1), form("CallSid", "CA9", "CallStatus", "ringing")); w.Code != http.StatusNoContent || h.call(c.ID).State != store.Ringing {
		t.Errorf("status %d, %s", w.Code, h.call(c.ID).State)
	}
	if !strings.Contains(h.log.String(), "disk on fire") {
		t.Error("nothing is logged")
	}
}
