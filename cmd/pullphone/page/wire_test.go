package page

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

const (
	caller = "CA00000000000000000000000000000001"
	mobile = "CA00000000000000000000000000000002"
	ours   = "01M8NQ30RHA7898GN8XJ0TAN37"
)

// Whatever goes over the wire, what proves who sent it is not kept.
func TestWireHides(t *testing.T) {
	w := new(Wire)
	w.Hide("s3cret")
	for _, text := range []string{
		"AuthToken=s3cret", "https://AC1:s3cret@api.twilio.com/", `{"token":"verify","type":"block_actions"}`, `{"token": "verify"}`,
		"channel_id=C1&token=verify&user_id=U1", "token=verify", "CallSid=CA1\nCallToken=verify\nFrom=+1", "call_token=verify",
	} {
		got := w.add(Entry{Text: text}).Text
		if strings.Contains(got, "verify") || strings.Contains(got, "s3cret") || !strings.Contains(got, "(hidden)") {
			t.Errorf("%q is kept as %q", text, got)
		}
	}
	const harmless = "Body=A token of thanks&To=+1\nhttp://127.0.0.1/voicemail?token"
	if got := w.add(Entry{Text: harmless}).Text; got != harmless {
		t.Errorf("%q is kept as %q", harmless, got)
	}
}

// An entry says which caller's call it is about, as far as earlier ones told.
func TestWireCalls(t *testing.T) {
	w := new(Wire)
	slack := func(kind, summary, text string) { w.Slack(bottest.Event{Kind: kind, Summary: summary, Text: text}) }
	voice := func(kind, sid, summary, text string) {
		w.Voice(voicetest.Event{Kind: kind, CallSID: sid, Summary: summary, Text: text})
	}
	voice(voicetest.EventWebhook, caller, "voice: POST /twilio/voice", "http://127.0.0.1/twilio/voice\nFrom=+1208\n")
	voice(voicetest.EventAnswer, caller, "voice: Enqueue", `<Enqueue waitUrl="http://127.0.0.1/twilio/hold?c=`+ours+`&amp;n=1">`)
	voice(voicetest.EventREST, "", "POST /2010-04-01/Accounts/AC1/Messages.json", "Body=Hello\nStatusCallback=http://127.0.0.1/sms/status?c="+ours+".1\n")
	voice(voicetest.EventReply, "", "201 POST /2010-04-01/Accounts/AC1/Messages.json", `{"sid":"SM1"}`)
	slack(bottest.KindCall, `chat.postMessage C000SALES "Call 1"`, `blocks=[{"value":"`+ours+`.1"}]`)
	slack(bottest.KindReply, "chat.postMessage: ok", `{"ok":true,"ts":"1796025189.176651"}`)
	slack(bottest.KindCall, "chat.update C000SALES 1796025189.176651", "text=Talking with Ann\nts=1796025189.176651\n")
	slack(bottest.KindPress, "Ann presses [Take]", `{"value":"`+ours+`.1"}`)
	voice(voicetest.EventWebhook, mobile, "whisper: POST /twilio/screen", "CallSid="+mobile+"\nParentCallSid="+caller+"\n")
	voice(voicetest.EventAnswer, mobile, "whisper: Gather", "<Gather/>")
	about := w.since(0)
	for _, e := range about {
		if e.Call != caller {
			t.Errorf("%s is about %q", e.Summary, e.Call)
		}
	}
	voice(voicetest.EventWebhook, "SM1", "sms: POST /twilio/sms", "Body=Y\n")
	slack(bottest.KindCall, "users.info U000ANN", "user=U000ANN\n")
	slack(bottest.KindReply, "users.info: ok", "{}")
	for _, e := range w.since(len(about)) {
		if e.Call != "" {
			t.Errorf("%s is about %q", e.Summary, e.Call)
		}
	}
	for i, want := range map[int]string{0: "", 3: "201", 5: ""} {
		if got := about[i].Status; got != want {
			t.Errorf("%s: status %q", about[i].Summary, got)
		}
	}
}

// What an outage refuses, which the doubles do not see, is on the wire as well, request and answer, with the call it is about.
func TestFaultsOnTheWire(t *testing.T) {
	w := new(Wire)
	f := &Faults{Wire: w}
	w.Voice(voicetest.Event{Kind: voicetest.EventAnswer, CallSID: caller, Summary: "voice: Enqueue", Text: "?c=" + ours + "&amp;n=1"})
	passed := 0
	through := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ })
	for _, what := range []string{"sms", "slack"} {
		ask, path := f.Slack(through), "/api/chat.postMessage"
		if what == "sms" {
			ask, path = f.Voice(through), "/2010-04-01/Accounts/AC1/Messages.json"
		}
		for _, down := range []bool{true, false} {
			f.set(what, down)
			known := len(w.since(0))
			got := httptest.NewRecorder()
			ask.ServeHTTP(got, httptest.NewRequest(http.MethodPost, path, strings.NewReader("about="+ours+".1")))
			told := w.since(known)
			switch {
			case !down && (len(told) != 0 || got.Code != http.StatusOK):
				t.Errorf("%s is up: %d, %v", what, got.Code, told)
			case down && (len(told) != 2 || got.Code != http.StatusServiceUnavailable || told[0].Call != caller || told[1].Call != caller ||
				!strings.Contains(told[0].Text, ours) || told[1].Status != "503"):
				t.Errorf("%s is down: %d, %v", what, got.Code, told)
			}
		}
	}
	if passed != 2 {
		t.Errorf("%d requests passed", passed)
	}
}

// The newest entries are kept, and whoever comes back gets those after the last one they had.
func TestWireKeeps(t *testing.T) {
	w := new(Wire)
	for i := range 5 * keptEntries {
		w.add(Entry{Summary: fmt.Sprint(i + 1)})
	}
	all := w.since(0)
	if len(all) != keptEntries || all[len(all)-1].Summary != fmt.Sprint(5*keptEntries) || all[0].N != 4*keptEntries+1 {
		t.Errorf("%d kept, %d to %d", len(all), all[0].N, all[len(all)-1].N)
	}
	last := all[len(all)-1].N
	for after, want := range map[int]int{-1: keptEntries, 1: keptEntries, last - 7: 7, last: 0, last + 1: 0} {
		if got := len(w.since(after)); got != want {
			t.Errorf("after %d: %d, not %d", after, got, want)
		}
	}
	changed := w.changed.next()
	w.add(Entry{})
	select {
	case <-changed:
	case <-time.After(time.Minute):
		t.Error("nobody is told")
	}
}
