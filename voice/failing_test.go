package voice

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"pullphone/store"
)

// What could not be committed was not accepted: the webhook fails, and Twilio turns to the fallback. The reason goes to
// the log and nowhere else.
func TestWithoutStore(t *testing.T) {
	for _, reads := range []bool{false, true} { // can the store at least be read?
		for path, f := range map[string][]string{
			IncomingPath: {"From", caller}, connectPath: nil, leftPath: {"QueueResult", "hangup"}, dialedPath: {"DialCallStatus", "busy"},
			recordedPath: {"RecordingDuration", "0"}, recordingPath: {"RecordingSid", "RE1", "RecordingDuration", "3"},
			answeredPath: nil, StatusPath: {"CallStatus", "completed"},
		} {
			h := open(t, someTeam())
			at := "ringing"
			if strings.HasPrefix(path, recordedPath[:15]) {
				at = "recording"
			}
			c := stage(h, h.arrive("CA1"), at)
			h.disk.noWrites.Store(true)
			h.disk.noReads.Store(!reads)
			w := h.post(of(path, c, 1), form(append([]string{"CallSid", "CA1", "To", sales, "CallStatus", "in-progress"}, f...)...))
			if w.Code != http.StatusServiceUnavailable || strings.TrimSpace(w.Body.String()) != "unavailable" {
				t.Errorf("%s, reads %v: status %d, %s", path, reads, w.Code, w.Body)
			}
			if !strings.Contains(h.log.String(), "disk on fire") {
				t.Errorf("%s: the failure is not logged", path)
			}
			h.disk.breakDown(false)
			if now := h.call(c.ID); now.State != c.State || now.Rev != c.Rev {
				t.Errorf("%s: it changed all the same: %+v", path, now)
			}
			// The same again, with the store back, is as if nothing had been.
			if w := h.post(of(path, c, 1), form(append([]string{"CallSid", "CA1", "To", sales, "CallStatus", "in-progress"}, f...)...)); w.Code >= 300 {
				t.Errorf("%s: status %d with the store back", path, w.Code)
			}
		}
	}
}

// The fallback takes a message in any case. Its Record has an action of its own, or Twilio would ask for it again and
// again. What is reported to it finds the call by its CallSid, once the store takes it.
func TestFallbackWithoutStore(t *testing.T) {
	h := open(t, someTeam())
	h.disk.breakDown(true)
	who := form("CallSid", "CA1", "To", sales, "From", caller, "CallStatus", "in-progress")
	got := spoken(t, h.post(FallbackPath, who))
	want := []verb{say("Sorry, we cannot put you through right now."), {Name: "Record", Attr: map[string]string{
		"action": here + FallbackPath + "/done", "maxLength": "300", "timeout": "10", "finishOnKey": "#", "playBeep": "true",
		"recordingStatusCallback": here + FallbackPath + "/recording", "recordingStatusCallbackEvent": "completed absent",
	}}}
	if !reflect.DeepEqual(got.Inner, want) {
		t.Errorf("got %s", got)
	}
	done := func() {
		t.Helper()
		if got := spoken(t, h.post(FallbackPath+"/done", who)); !reflect.DeepEqual(got.Inner, []verb{say("Thank you. Goodbye."), {Name: "Hangup"}}) {
			t.Errorf("got %s", got)
		}
	}
	done() // the store is still away: the log alone knows
	if !strings.Contains(h.log.String(), "its message is only at Twilio") {
		t.Error("nothing is logged of a message that is only at Twilio")
	}
	h.disk.breakDown(false)
	done()
	id, err := h.Store.CallBySID(t.Context(), "CA1")
	if err != nil {
		t.Fatal(err)
	}
	if c := h.call(id); c.State != store.Recording || c.From != caller {
		t.Errorf("%+v", c)
	}
	for range 2 {
		w := h.post(FallbackPath+"/recording", form("CallSid", "CA1", "RecordingSid", "RE1", "RecordingStatus", "completed", "RecordingDuration", "7"))
		if w.Code != http.StatusNoContent {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if c := h.call(id); c.Outcome != store.Voicemail || len(c.Voice) != 1 || c.Voice[0].Seconds != 7 {
			t.Errorf("%+v", c)
		}
	}
	if w := h.post(FallbackPath+"/recording", form("CallSid", "CA404", "RecordingSid", "RE1", "RecordingDuration", "7")); w.Code != http.StatusNoContent {
		t.Errorf("of an unknown call: status %d", w.Code)
	}
}

// The leg of a taker is no caller: nobody is asked for a message on it.
func TestFallbackOfTaker(t *testing.T) {
	h := open(t, someTeam())
	for _, broken := range []bool{false, true} {
		h.disk.breakDown(broken)
		got := spoken(t, h.post(FallbackPath, form("CallSid", "CA9", "To", "+12085550101", "From", sales, "Direction", "outbound-dial")))
		if !reflect.DeepEqual(got.Inner, []verb{say("Sorry, we cannot put you through right now."), {Name: "Hangup"}}) {
			t.Errorf("got %s", got)
		}
	}
	h.disk.breakDown(false)
	if calls, err := h.Store.OpenCalls(t.Context(), ""); err != nil || len(calls) != 0 {
		t.Errorf("%d calls, %v", len(calls), err)
	}
}

// A taker hears no error either: the line goes dead and the caller back on hold. Only the reason of a 2 is lost.
func TestScreenWithoutStore(t *testing.T) {
	h := open(t, someTeam())
	c := stage(h, h.arrive("CA1"), "fetched")
	h.disk.breakDown(true)
	hangup := []verb{{Name: "Hangup"}}
	if got := spoken(t, h.post(of(screenPath, c, 1), nil)); !reflect.DeepEqual(got.Inner, hangup) {
		t.Errorf("screen: %s", got)
	}
	for _, key := range []string{"1", "2", "9"} {
		if got := spoken(t, h.post(of(acceptPath, c, 1), form("Digits", key))); !reflect.DeepEqual(got.Inner, hangup) {
			t.Errorf("key %s: %s", key, got)
		}
	}
	h.disk.breakDown(false)
	if now := h.call(c.ID); now.State != store.Ringing {
		t.Errorf("it is %s: a 1 that was not committed counts", now.State)
	}
}
