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

// The fallback takes a message in any case. Its Record has an action of its own, or Twilio would ask for it again and again.
func TestFallbackWithoutStore(t *testing.T) {
	h := open(t, someTeam())
	h.disk.breakDown(true)
	got := spoken(t, h.post(FallbackPath, form("CallSid", "CA1", "To", sales, "From", caller)))
	want := []verb{say("Sorry, we cannot put you through right now."), {Name: "Record", Attr: map[string]string{
		"action": here + FallbackPath + "/done", "maxLength": "300", "timeout": "10", "finishOnKey": "#", "playBeep": "true",
	}}}
	if !reflect.DeepEqual(got.Inner, want) {
		t.Errorf("got %s", got)
	}
	if got := spoken(t, h.post(FallbackPath+"/done", form("RecordingSid", "RE1", "RecordingDuration", "7"))); got.Inner[1].Name != "Hangup" {
		t.Errorf("got %s", got)
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
