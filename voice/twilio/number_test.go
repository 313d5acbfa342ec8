package twilio_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

var hooks = twilio.Webhooks{
	Voice: "https://h.example/v", VoiceFallback: "https://h.example/f", Status: "https://h.example/s",
	SMS: "https://h.example/m", SMSFallback: "https://h.example/mf",
}

func TestPointAndNumber(t *testing.T) {
	net, c, _ := network(t, nil)
	ctx := soon(t)
	net.AddNumber("+12085550199")
	n, err := c.Number(ctx, "+12085550199")
	if err != nil || n == nil || n.Application || n.Webhooks != (twilio.Webhooks{}) {
		t.Fatalf("new number: %+v, %v", n, err)
	}
	no(t, c.Point(ctx, n.SID, hooks))
	if n, err = c.Number(ctx, "+12085550199"); err != nil || n.Webhooks != hooks {
		t.Errorf("got %+v, %v", n, err)
	}
	other := hooks
	other.SMSFallback = "" // left as it is
	other.Voice = "https://h.example/other"
	no(t, c.Point(ctx, n.SID, other))
	other.SMSFallback = hooks.SMSFallback
	if n, err = c.Number(ctx, "+12085550199"); err != nil || n.Webhooks != other {
		t.Errorf("got %+v, %v", n, err)
	}
	if err := c.Point(ctx, "PN00000000000000000000000000000000", hooks); !twilio.NotFound(err) {
		t.Errorf("unknown number: %v", err)
	}
	if n, err := c.Number(ctx, line); err != nil || n.Webhooks == other {
		t.Errorf("the other number was changed too: %+v, %v", n, err)
	}
}

// A webhook that Twilio requests by another method than POST has no form and a signature of another kind: it must
// look different from the one wanted, whatever its URL.
func TestNumberMethods(t *testing.T) {
	net, c, _ := network(t, nil)
	net.Configure(line, voicetest.NumberConfig{
		VoiceURL: hooks.Voice, VoiceMethod: "GET", VoiceFallbackURL: hooks.VoiceFallback, VoiceFallbackMethod: "GET",
		StatusCallback: hooks.Status, StatusCallbackMethod: "GET", SMSURL: hooks.SMS, SMSMethod: "GET",
		SMSFallbackURL: hooks.SMSFallback, SMSFallbackMethod: "GET",
	})
	n, err := c.Number(soon(t), line)
	no(t, err)
	want := twilio.Webhooks{
		Voice: "GET " + hooks.Voice, VoiceFallback: "GET " + hooks.VoiceFallback, Status: "GET " + hooks.Status,
		SMS: "GET " + hooks.SMS, SMSFallback: "GET " + hooks.SMSFallback,
	}
	if n.Webhooks != want {
		t.Errorf("got %+v", n.Webhooks)
	}
	no(t, c.Point(soon(t), n.SID, hooks))
	if n, err = c.Number(soon(t), line); err != nil || n.Webhooks != hooks {
		t.Errorf("mended: %+v, %v", n, err)
	}
}

func TestNumberApplications(t *testing.T) {
	net, c, _ := network(t, nil)
	for name, o := range map[string]voicetest.NumberConfig{
		"voice": {VoiceApplicationSID: "AP00000000000000000000000000000001"},
		"sms":   {SMSApplicationSID: "AP00000000000000000000000000000001"},
		"trunk": {TrunkSID: "TK00000000000000000000000000000001"},
		"":      {},
	} {
		net.Configure(line, o)
		if n, err := c.Number(soon(t), line); err != nil || n.Application != (name != "") {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

// Twilio's filter matches parts of numbers; only the number itself counts. Fields may be missing.
func TestNumberExactly(t *testing.T) {
	var listed []map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("PhoneNumber"); got != "+1208555" {
			t.Errorf("asked for %q", got)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"incoming_phone_numbers": listed})
	}))
	defer srv.Close()
	c, err := twilio.New("AC00000000000000000000000000000001", "token", srv.URL)
	no(t, err)
	listed = []map[string]any{{"sid": "PN1", "phone_number": "+12085550100"}, {"sid": "PN2"}, {"sid": "PN3", "phone_number": "1208555"}}
	if n, err := c.Number(soon(t), "+1208555"); n != nil || err != nil {
		t.Errorf("a part of a number is taken for it: %+v, %v", n, err)
	}
	listed = append(listed, map[string]any{"sid": "PN4", "phone_number": "+1208555"}, map[string]any{"sid": "PN5", "phone_number": "+12085559"})
	if n, err := c.Number(soon(t), "+1208555"); err != nil || n == nil || n.SID != "PN4" || n.Application || n.Webhooks != (twilio.Webhooks{}) {
		t.Errorf("got %+v, %v", n, err)
	}
}
