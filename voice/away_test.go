package voice

import (
	"net/http"
	"strings"
	"testing"

	"pullphone/store"
)

func TestAwayFiles(t *testing.T) {
	message, end := AwayFiles(here, sales, `Speak <now> & "here".`)
	if message.Type != "text/xml" || !strings.HasPrefix(message.Path, "/12085550100/message-") || !strings.HasPrefix(end.Path, AwayDir(sales)+"thanks-") {
		t.Errorf("%+v\n%+v", message, end)
	}
	doc, err := parse(string(message.Content)[strings.Index(string(message.Content), "<Response>"):])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"action": strings.TrimPrefix(end.Path, AwayDir(sales)), "method": "GET", "maxLength": "300", "timeout": "10", "finishOnKey": "#", "playBeep": "true",
		"recordingStatusCallback": here + FallbackPath + "/recording", "recordingStatusCallbackEvent": "in-progress completed absent",
	}
	if len(doc.Inner) != 3 || doc.Inner[0].Text != sorry || doc.Inner[1].Text != `Speak <now> & "here".` || doc.Inner[2].Name != "Record" {
		t.Fatalf("%s", doc)
	}
	for name, v := range want {
		if got := doc.Inner[2].Attr[name]; got != v {
			t.Errorf("%s is %q, want %q", name, got, v)
		}
	}
	if again, _ := AwayFiles(here, sales, `Speak <now> & "here".`); again.Path != message.Path || string(again.Content) != string(message.Content) {
		t.Errorf("the same again is %+v", again)
	}
	for _, other := range []string{"there", here} {
		if m, _ := AwayFiles(other, sales, "Other words."); m.Path == message.Path {
			t.Errorf("another content has the same path %s", m.Path)
		}
	}
}

func TestTakesMessage(t *testing.T) {
	message, end := AwayFiles(here, sales, "Speak.")
	for doc, good := range map[string]bool{
		string(message.Content): true, string(end.Content): false, "": false, "<html><Record/></html>": false, "Not found": false,
		"<Response><Say>x</Say><Record>": true, "<Response>": false,
	} {
		if err := TakesMessage([]byte(doc)); (err == nil) != good {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

// Twilio reports a recording that was made without this server: a call that is known goes over to its message, at once,
// so that nobody takes it in vain; one that is not known is left to those who look for recordings.
func TestRecordedAway(t *testing.T) {
	for _, name := range []string{"waiting", "ringing", "fetched"} {
		h := open(t, someTeam())
		c := stage(h, h.arrive("CA1"), name)
		report := func(sid, status string) {
			t.Helper()
			w := h.post(FallbackPath+"/recording", form("CallSid", sid, "RecordingSid", "RE1", "RecordingStatus", status, "RecordingDuration", "7"))
			if w.Code != http.StatusNoContent {
				t.Errorf("%s: status %d: %s", status, w.Code, w.Body)
			}
		}
		report("CA1", "in-progress")
		if now := h.call(c.ID); now.State != store.Recording {
			t.Errorf("%s: it is %s", name, now.State)
		}
		report("CA1", "completed")
		report("CA1", "in-progress") // late
		if now := h.call(c.ID); now.Outcome != store.Voicemail || len(now.Voice) != 1 {
			t.Errorf("%s: %+v", name, now)
		}
		report("CA404", "in-progress")
		report("CA404", "completed")
		if _, err := h.Store.CallBySID(t.Context(), "CA404"); err == nil {
			t.Error("a call came of nothing but a recording")
		}
	}
}
