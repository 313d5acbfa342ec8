package voice

import (
	"net/http"
	"reflect"
	"testing"

	"pullphone/store"
)

func TestIncoming(t *testing.T) {
	h := open(t, someTeam())
	w := h.post(IncomingPath, form("CallSid", "CA1", "To", sales, "From", caller, "FromCity", "BOISE", "FromState", "ID", "CallerName", "Jane"))
	id, err := h.Store.CallBySID(t.Context(), "CA1")
	if err != nil {
		t.Fatal(err)
	}
	c := h.call(id)
	if got, want := spoken(t, w), document(t, c, 1, "enqueue"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if c.State != store.Waiting || c.From != caller || c.Name != "Jane" || c.City != "Boise, ID" || c.Line != sales || c.Code != 1 {
		t.Errorf("stored as %+v", c)
	}
}

// The same call again is answered like the first delivery: Twilio uses one of the answers, and a claim that came
// between has a redirect of its own.
func TestIncomingAgain(t *testing.T) {
	run(t, IncomingPath, with(), []step{
		{"waiting", 1, "enqueue", 0, store.Waiting},
		{"ringing", 1, "enqueue", 0, store.Ringing},
		{"fetched", 1, "enqueue", 0, store.Ringing},
		{"talking", 1, "enqueue", 0, store.Talking},
		{"recording", 1, "enqueue", 0, store.Recording},
		{"again", 1, "enqueue", 2, store.Waiting},
		{"talked", 1, "hangup", 0, store.Ended},
		{"voicemail", 1, "hangup", 0, store.Ended},
		{"missed", 1, "hangup", 0, store.Ended},
	})
}

func TestIncomingElsewhere(t *testing.T) {
	h := open(t, someTeam())
	got := spoken(t, h.post(IncomingPath, form("CallSid", "CA1", "To", "+12085550999", "From", caller)))
	if want, err := parse(`<Response><Say voice="woman">This number is not in service. Goodbye.</Say><Hangup/></Response>`); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", got)
	}
	if _, err := h.Store.CallBySID(t.Context(), "CA1"); err == nil {
		t.Error("a call to no line is stored")
	}
}

func TestConnect(t *testing.T) {
	run(t, connectPath, with(), []step{
		{"ringing", 1, "dial Ann", 0, store.Ringing},
		{"fetched", 1, "dial Ann", 0, store.Ringing},
		{"talking", 1, "dial Ann", 0, store.Talking},
		{"recording", 1, "record", 0, store.Recording},
		{"again", 1, "enqueue", 2, store.Waiting}, // late
		{"again ringing", 2, "dial Bob", 0, store.Ringing},
		{"again sent", 2, "record", 0, store.Recording},
		{"too long", 2, "record", 0, store.Recording},
		{"talked", 1, "hangup", 0, store.Ended},
		{"voicemail", 1, "hangup", 0, store.Ended},
		{"missed", 1, "hangup", 0, store.Ended},
	})
}

func TestConnectRecordsThatItCame(t *testing.T) {
	h := open(t, someTeam())
	c := h.answer(h.back(h.arrive("CA1")), "Bob", store.Take)
	h.post(of(connectPath, c, 1), form(common(c)...))
	if now := h.call(c.ID); now.Fetched != 1 {
		t.Errorf("a late request for the first attempt counts for the second: %+v", now)
	}
	h.post(of(connectPath, c, 2), form(common(c)...))
	if now := h.call(c.ID); now.Fetched != 2 {
		t.Errorf("fetched %d", now.Fetched)
	}
}

// A taker who left the config file since, or whose phone did, cannot be rung: the caller waits again.
func TestConnectTakerGone(t *testing.T) {
	for name, people := range map[string][]store.Person{
		"person": {{Name: "Bob", Phone: "+12085550102"}},
		"phone":  {{Name: "Ann", Slack: "U000ANN"}, {Name: "Bob", Phone: "+12085550102"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, someTeam())
			c := h.answer(h.arrive("CA1"), "Ann", store.Take)
			h.Store.Team.People = people
			for range 2 {
				if got, want := spoken(t, h.post(of(connectPath, c, 1), form(common(c)...))), document(t, c, 2, "enqueue"); !reflect.DeepEqual(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			}
			now := h.call(c.ID)
			if now.State != store.Waiting || now.Attempt != 2 || len(now.Tries) != 1 || now.Tries[0].Why != store.Failed {
				t.Errorf("%+v", now)
			}
		})
	}
}

func TestConnectWithoutAsking(t *testing.T) {
	team := someTeam()
	team.Lines[0].Accept = false
	h := open(t, team)
	c := h.answer(h.arrive("CA1"), "Ann", store.Take)
	got := spoken(t, h.post(of(connectPath, c, 1), form(common(c)...)))
	want := verb{Name: "Number", Text: "+12085550101", Attr: map[string]string{
		"statusCallback": here + of(answeredPath, c, 1), "statusCallbackEvent": "answered"}}
	if len(got.Inner) != 2 || !reflect.DeepEqual(got.Inner[1].Inner, []verb{want}) {
		t.Errorf("got %s", got)
	}
	for _, s := range []string{"ringing", "completed", ""} { // of no meaning here
		if w := h.post(of(answeredPath, c, 1), form("CallSid", "CA9", "CallStatus", s)); w.Code != http.StatusNoContent {
			t.Errorf("status %d", w.Code)
		}
		if now := h.call(c.ID); now.State != store.Ringing {
			t.Fatalf("%q made it %s", s, now.State)
		}
	}
	for range 2 {
		if w := h.post(of(answeredPath, c, 1), form("CallSid", "CA9", "CallStatus", "in-progress")); w.Code != http.StatusNoContent {
			t.Errorf("status %d", w.Code)
		}
		if now := h.call(c.ID); now.State != store.Talking {
			t.Errorf("picked up, and it is %s", now.State)
		}
	}
}

func TestAnsweredLate(t *testing.T) {
	run(t, answeredPath, with(), []step{
		{"waiting", 1, "204", 0, store.Waiting},
		{"again", 1, "204", 0, store.Waiting},
		{"again ringing", 1, "204", 0, store.Ringing},
		{"recording", 1, "204", 0, store.Recording},
		{"talking", 1, "204", 0, store.Talking},
		{"missed", 1, "204", 0, store.Ended},
	})
}

// After a redirect Twilio reports the end of the wait here too: nothing may change, nothing may be torn down.
func TestLeftByRedirect(t *testing.T) {
	for _, result := range []string{"redirected", "redirected-from-bridged", "bridged", "bridging-in-process", "", "something new"} {
		run(t, leftPath, with("QueueResult", result), []step{
			{"waiting", 1, "", 0, store.Waiting},
			{"ringing", 1, "", 0, store.Ringing},
			{"fetched", 1, "", 0, store.Ringing},
			{"talking", 1, "", 0, store.Talking},
			{"recording", 1, "", 0, store.Recording},
			{"again", 1, "", 0, store.Waiting},
			{"again ringing", 1, "", 0, store.Ringing},
			{"missed", 1, "", 0, store.Ended},
		})
	}
}

func TestLeftByHangup(t *testing.T) {
	for _, f := range [][]string{
		{"QueueResult", "hangup"}, {"QueueResult", "hangup", "CallStatus", "completed"}, {"QueueResult", "system-error", "CallStatus", "completed"},
		{"QueueResult", "error", "CallStatus", "canceled"},
	} {
		run(t, leftPath, with(f...), []step{
			{"waiting", 1, "", 0, store.Ended},
			{"ringing", 1, "", 0, store.Ended},
			{"talking", 1, "", 0, store.Ended},
			{"recording", 1, "", 0, store.Recording}, // a message may be left: its own report decides
			{"again", 2, "", 0, store.Ended},
			{"missed", 1, "", 0, store.Ended},
		})
	}
}

// A caller who fell out of the queue hears what the call's state says, never silence.
func TestLeftByFault(t *testing.T) {
	for _, result := range []string{"queue-full", "error", "system-error", "leave"} {
		run(t, leftPath, with("QueueResult", result), []step{
			{"waiting", 1, "record", 0, store.Recording},
			{"ringing", 1, "dial Ann", 0, store.Ringing},
			{"recording", 1, "record", 0, store.Recording},
			{"again", 2, "record", 0, store.Recording},
			{"again", 1, "enqueue", 2, store.Waiting}, // late
			{"again ringing", 2, "dial Bob", 0, store.Ringing},
			{"talked", 1, "hangup", 0, store.Ended},
			{"missed", 1, "hangup", 0, store.Ended},
		})
	}
}
