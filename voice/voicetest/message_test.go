package voicetest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pullphone/voice/voicetest"
)

func fromLine(s voicetest.SMS) bool { return s.From == line }

func TestTextAndReply(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/sms", `<Message>You took it</Message><Message to="`+second+`"><Body>Taken</Body></Message>`)
	text := n.Phone(mobile).Text(line, "Y 2")
	n.no(text.WaitDone(n.ctx))
	form := n.app.got("/sms")[0].form
	for name, want := range map[string]string{"MessageSid": text.SID(), "From": mobile, "To": line, "Body": "Y 2", "NumMedia": "0"} {
		expect(t, name, form.Get(name), want)
	}
	got, err := n.Phone(mobile).WaitSMS(n.ctx, fromLine)
	n.no(err)
	expect(t, "reply", got.Body, "You took it")
	_, err = n.Phone(second).WaitSMS(n.ctx, fromLine)
	n.no(err)
	_, v := n.rest("GET", "Messages.json?From="+url.QueryEscape(mobile), nil)
	expect(t, "log", v["messages"].([]any)[0].(map[string]any)["direction"], "inbound")
}

func TestTextFallback(t *testing.T) {
	n := start(t, voicetest.Options{})
	u := n.app.server.URL
	n.Configure(line, voicetest.NumberConfig{SMSURL: u + "/sms", SMSFallbackURL: u + "/smsfallback"})
	n.app.broken("/sms", 500)
	n.app.on("/smsfallback", `<Message>later</Message>`)
	n.no(n.Phone(mobile).Text(line, "Y").WaitDone(n.ctx))
	_, err := n.Phone(mobile).WaitSMS(n.ctx, fromLine)
	n.no(err)
	expect(t, "ErrorCode", n.app.got("/smsfallback")[0].form.Get("ErrorCode"), "11200")
}

func TestVoiceVerbInSMS(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/sms", `<Say>hello</Say>`)
	n.no(n.Phone(mobile).Text(line, "hi").WaitDone(n.ctx))
	if !strings.Contains(n.problems(), "Say is no TwiML element") {
		t.Errorf("problems: %s", n.problems())
	}
}

func (n *network) send(to string) (int, map[string]any) {
	return n.rest("POST", "Messages.json", url.Values{"To": {to}, "From": {line}, "Body": {"A call waits"}, "StatusCallback": {n.app.server.URL + "/sent"}})
}

func TestMessages(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/sent", ``)
	status, v := n.send(mobile)
	expect(t, "create", status, 201)
	expect(t, "status", v["status"], "queued")
	got, err := n.Phone(mobile).WaitSMS(n.ctx, fromLine)
	n.no(err)
	expect(t, "body", got.Body, "A call waits")
	expect(t, "SID", got.SID, v["sid"])
	n.quiet()
	expect(t, "callbacks", n.app.got("/sent")[0].form.Get("MessageStatus")+n.app.got("/sent")[1].form.Get("MessageStatus"), "sentdelivered")
	status, v = n.rest("GET", "Messages/"+got.SID+".json", nil)
	expect(t, "get", status, 200)
	expect(t, "status", v["status"], "delivered")

	for query, want := range map[string]int{
		"To=" + url.QueryEscape(mobile):                                                  1,
		"To=" + url.QueryEscape(second):                                                  0,
		"DateSent=" + time.Now().UTC().Format(time.DateOnly):                             1,
		"DateSent%3E=" + time.Now().UTC().Format(time.DateOnly):                          1,
		"DateSent%3E=" + url.QueryEscape(time.Now().Add(time.Hour).Format(time.RFC3339)): 0,
		"DateSent%3C=2020-01-01":                                                         0,
	} {
		_, v = n.rest("GET", "Messages.json?"+query, nil)
		expect(t, query, len(v["messages"].([]any)), want)
	}
}

func TestMessageRefusals(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/sent", ``)
	n.app.on("/sms", ``)
	for _, code := range []int{21610, 21211, 21614} {
		n.Phone(mobile).SetSMSRefusal(code)
		status, v := n.send(mobile)
		expect(t, "status", status, 400)
		expect(t, "code", v["code"], float64(code))
	}
	n.Phone(mobile).SetSMSRefusal(30034)
	status, _ := n.send(mobile)
	expect(t, "accepted", status, 201)
	n.quiet()
	last := n.app.got("/sent")[1].form
	expect(t, "callback", last.Get("MessageStatus")+last.Get("ErrorCode"), "undelivered30034")
	n.Phone(mobile).SetSMSRefusal(0)

	n.no(n.Phone(mobile).Text(line, "Stop").WaitDone(n.ctx))
	_, v := n.send(mobile)
	expect(t, "after STOP", v["code"], 21610.0)
	n.no(n.Phone(mobile).Text(line, "start").WaitDone(n.ctx))
	status, _ = n.send(mobile)
	expect(t, "after START", status, 201)
	status, v = n.rest("POST", "Messages.json", url.Values{"To": {mobile}, "From": {second}, "Body": {"x"}})
	expect(t, "foreign number", status, 400)
	expect(t, "code", v["code"], 21606.0)
	n.quiet()
	expect(t, "inbox", len(n.Phone(mobile).Inbox()), 1)
}

func TestSegments(t *testing.T) {
	n := start(t, voicetest.Options{})
	for _, c := range []struct {
		body string
		want string
	}{
		{strings.Repeat("a", 160), "1"}, {strings.Repeat("a", 161), "2"}, {strings.Repeat("[", 81), "2"},
		{strings.Repeat("\u4e00", 70), "1"}, {strings.Repeat("\u4e00", 71), "2"}, {strings.Repeat("\U0001F600", 36), "2"},
	} {
		_, v := n.rest("POST", "Messages.json", url.Values{"To": {mobile}, "From": {line}, "Body": {c.body}})
		expect(t, c.body, v["num_segments"], any(c.want))
	}
	n.quiet()
}
