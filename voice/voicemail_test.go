package voice

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"pullphone/store"
)

func TestRecorded(t *testing.T) {
	for _, seconds := range []string{"7", "300", "", "x"} {
		run(t, recordedPath, with("RecordingDuration", seconds, "RecordingUrl", "https://evil.example/x", "Digits", "#"), []step{
			{"recording", 1, "thanks", 0, store.Recording},
			{"voicemail", 1, "thanks", 0, store.Ended},
			{"talked", 1, "thanks", 0, store.Ended},
		})
	}
	run(t, recordedPath, with("RecordingDuration", "0", "Digits", "hangup", "CallStatus", "completed"), []step{
		{"recording", 1, "nothing", 0, store.Ended},
		{"missed", 1, "nothing", 0, store.Ended},
		{"voicemail", 1, "thanks", 0, store.Ended}, // the recording's report was quicker
	})
}

func TestRecording(t *testing.T) {
	for _, f := range [][]string{
		{"RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "7"},
		{"RecordingSid", "RE1", "RecordingDuration", "7"}, // as some pages of Twilio have it
	} {
		run(t, recordingPath, with(f...), []step{
			{"recording", 1, "204", 0, store.Ended},
			{"missed", 1, "204", 0, store.Ended},
			{"voicemail", 1, "204", 0, store.Ended},
			{"waiting", 1, "204", 0, store.Waiting}, // of no meaning, but never lost
		})
	}
	for _, f := range [][]string{
		{"RecordingStatus", "absent"}, {"RecordingStatus", "failed", "RecordingSid", "RE1"},
		{"RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "0"},
	} {
		run(t, recordingPath, with(f...), []step{
			{"recording", 1, "204", 0, store.Ended},
			{"voicemail", 1, "204", 0, store.Ended},
			{"waiting", 1, "204", 0, store.Waiting},
		})
	}
	run(t, recordingPath, with("RecordingStatus", "in-progress", "RecordingSid", "RE1"), []step{
		{"recording", 1, "204", 0, store.Recording},
		{"missed", 1, "204", 0, store.Ended},
	})
}

// A message counts whenever its report comes, once.
func TestRecordingIsKept(t *testing.T) {
	for _, at := range []string{"recording", "missed", "talked", "waiting", "voicemail"} {
		h := open(t, someTeam())
		c := stage(h, h.arrive("CA1"), at)
		before := len(c.Voice)
		for range 2 {
			h.post(of(recordingPath, c, 1), form("RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "7",
				"RecordingUrl", "https://evil.example/x"))
		}
		now := h.call(c.ID)
		if len(now.Voice) != before+1 || now.Voice[before].SID != "RE1" || now.Voice[before].Seconds != 7 {
			t.Errorf("%s: %+v", at, now.Voice)
		}
		if at == "missed" && now.Outcome != store.Voicemail {
			t.Errorf("missed stays %s", now.Outcome)
		}
	}
	h := open(t, someTeam())
	silent := stage(h, h.arrive("CA0"), "recording")
	h.post(of(recordingPath, silent, 1), form("RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "0"))
	if now := h.call(silent.ID); now.Outcome != store.Missed || len(now.Voice) != 0 {
		t.Errorf("silence is kept as %s, %+v", now.Outcome, now.Voice)
	}
	c := stage(h, h.arrive("CA1"), "recording")
	for _, sid := range []string{"", "../../Accounts", "RE1/../x", "re1", "RE1 x", "RE" + strings.Repeat("1", 80)} {
		if w := h.post(of(recordingPath, c, 1), form("RecordingStatus", "completed", "RecordingSid", sid, "RecordingDuration", "7")); w.Code != 400 {
			t.Errorf("RecordingSid %q: status %d", sid, w.Code)
		}
	}
	if now := h.call(c.ID); len(now.Voice) != 0 {
		t.Errorf("%+v", now.Voice)
	}
}

func TestEnded(t *testing.T) {
	for _, s := range []string{"completed", "busy", "failed", "no-answer", "canceled"} {
		run(t, StatusPath, with("CallStatus", s), []step{
			{"waiting", 1, "204", 0, store.Ended},
			{"ringing", 1, "204", 0, store.Ended},
			{"talking", 1, "204", 0, store.Ended},
			{"recording", 1, "204", 0, store.Recording},
			{"talked", 1, "204", 0, store.Ended},
		})
	}
	for _, s := range []string{"in-progress", "ringing", "queued", ""} {
		run(t, StatusPath, with("CallStatus", s), []step{{"waiting", 1, "204", 0, store.Waiting}})
	}
	h := open(t, someTeam())
	for _, sid := range []string{"CA404", "", "open/x", "../x", "CA1\n"} {
		if w := h.post(StatusPath, form("CallStatus", "completed", "CallSid", sid)); w.Code != http.StatusNoContent {
			t.Errorf("CallSid %q: status %d", sid, w.Code)
		}
	}
}

func TestFallback(t *testing.T) {
	run(t, FallbackPath, with("ErrorCode", "11200", "ErrorUrl", here+IncomingPath), []step{
		{"waiting", 1, "sorry+record", 0, store.Recording},
		{"ringing", 1, "sorry+record", 0, store.Recording},
		{"talking", 1, "hangup", 0, store.Ended}, // what failed was the way on from their conversation
		{"recording", 1, "sorry+record", 0, store.Recording},
		{"again", 2, "sorry+record", 0, store.Recording},
		{"talked", 1, "hangup", 0, store.Ended},
		{"missed", 1, "hangup", 0, store.Ended},
	})
	h := open(t, someTeam())
	w := h.post(FallbackPath, form("CallSid", "CA7", "To", sales, "From", caller, "ErrorCode", "11200"))
	id, err := h.Store.CallBySID(t.Context(), "CA7")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := spoken(t, w), document(t, h.call(id), 1, "sorry", "record"); !reflect.DeepEqual(got, want) {
		t.Errorf("a call that never arrived: got\n%s\nwant\n%s", got, want)
	}
	if got, want := spoken(t, h.post(FallbackPath+"/done", form("RecordingDuration", "9"))), document(t, store.Call{}, 1, "thanks"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", got)
	}
}
