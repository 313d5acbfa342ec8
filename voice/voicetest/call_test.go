package voicetest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

func TestInboundCall(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/voice", `<Say>Hello <break time="1s"/>there</Say><Hangup/><Say>never</Say>`)
	c := n.Phone(caller).Call(line, voicetest.CallerInfo{City: "BOISE", State: "ID", Country: "US", StirVerstat: "TN-Validation-Passed-A"})
	n.no(c.WaitEnd(n.ctx))
	n.quiet()
	if got := c.Heard(); len(got) != 1 || got[0].Kind != voicetest.HeardSay || strings.Join(strings.Fields(got[0].Text), " ") != "Hello there" {
		t.Errorf("heard %v", got)
	}
	expect(t, "webhooks", n.app.order(), "/voice /ended")
	first := n.app.got("/voice")[0]
	for name, want := range map[string]string{"CallSid": c.SID(), "AccountSid": n.AccountSID(), "From": caller, "To": line, "Caller": caller,
		"CallStatus": "ringing", "Direction": "inbound", "FromCity": "BOISE", "StirVerstat": "TN-Validation-Passed-A", "ApiVersion": "2010-04-01"} {
		expect(t, name, first.form.Get(name), want)
	}
	ended := n.app.got("/ended")
	expect(t, "status callbacks", len(ended), 1)
	expect(t, "CallStatus", ended[0].form.Get("CallStatus"), "completed")
	expect(t, "SequenceNumber", ended[0].form.Get("SequenceNumber"), "0")
	expect(t, "SID shape", len(c.SID()), 34)
}

func TestGetWebhook(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.Configure(line, voicetest.NumberConfig{VoiceURL: n.app.server.URL + "/voice?x=1#rc=2", VoiceMethod: "GET"})
	n.app.on("/voice", "<Hangup/>")
	c := n.call()
	n.no(c.WaitEnd(n.ctx))
	form := n.app.got("/voice")[0].form
	expect(t, "query", form.Get("x")+form.Get("From"), "1"+caller)
}

func TestGather(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	n.app.on("/voice", `<Gather numDigits="2" timeout="7" action="/keys"><Say>Two keys</Say></Gather><Say>Nothing</Say>
		<Gather action="/finish"><Say>Finish</Say></Gather>
		<Gather action="/empty" actionOnEmptyResult="true" timeout="1"><Say>Empty</Say></Gather>`)
	n.app.on("/empty", "<Say>bye</Say>")
	n.app.on("/keys", "<Say>two</Say>")
	n.app.on("/finish", "<Say>done</Say>")

	none := n.call()
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(7 * time.Second)
	_, err := none.WaitHeard(n.ctx, heard("say", "Finish"))
	n.no(err)
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(5 * time.Second)
	_, err = none.WaitHeard(n.ctx, heard("say", "Empty"))
	n.no(err)
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(time.Second)
	n.no(none.WaitEnd(n.ctx))
	expect(t, "empty digits", n.app.got("/empty")[0].form.Get("Digits"), "")

	two := n.call()
	n.no(two.WaitKeys(n.ctx))
	two.Press("12")
	_, err = two.WaitHeard(n.ctx, heard("say", "two"))
	n.no(err)
	expect(t, "digits", n.app.got("/keys")[0].form.Get("Digits"), "12")
	n.no(two.WaitEnd(n.ctx))

	three := n.call()
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(7 * time.Second)
	_, err = three.WaitHeard(n.ctx, heard("say", "Finish"))
	n.no(err)
	three.Press("48#")
	n.no(three.WaitEnd(n.ctx))
	form := n.app.got("/finish")[0].form
	expect(t, "finished", form.Get("Digits")+form.Get("FinishedOnKey"), "48#")
}

func TestRedirectPauseReject(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	n.app.on("/voice", `<Pause length="3"/><Redirect>next?x=1&amp;y=2</Redirect>`)
	n.app.on("/next", `<Say>here</Say>`)
	c := n.call()
	n.no(clock.BlockUntilContext(n.ctx, 1))
	expect(t, "status", c.Status(), "ringing")
	clock.Advance(3 * time.Second)
	n.no(c.WaitEnd(n.ctx))
	expect(t, "y", n.app.got("/next")[0].form.Get("y"), "2")

	n.app.on("/voice", `<Reject reason="busy"/>`)
	c = n.call()
	n.no(c.WaitEnd(n.ctx))
	expect(t, "status", c.Status(), "busy")
	expect(t, "heard", c.Heard()[0].Kind, voicetest.HeardReject)
}

func TestPlay(t *testing.T) {
	n := start(t, voicetest.Options{})
	kind := "audio/mpeg"
	n.app.handle("/music", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		io.WriteString(w, "sound")
	})
	n.app.on("/voice", `<Play>/music</Play><Play>/music</Play>`)
	c := n.call()
	n.no(c.WaitEnd(n.ctx))
	expect(t, "fetched", len(n.app.got("/music")), 1)
	expect(t, "heard", c.Heard()[1].Text, n.app.server.URL+"/music")

	kind = "text/plain"
	n.app.on("/voice", `<Play>/music?other</Play>`)
	n.no(n.call().WaitEnd(n.ctx))
	if !strings.Contains(n.problems(), "is not audio") {
		t.Errorf("problems: %s", n.problems())
	}
}

func TestCallerGoesAwayWhileAnswering(t *testing.T) {
	n := start(t, voicetest.Options{})
	arrived, release := make(chan struct{}), make(chan struct{})
	n.app.handle("/voice", func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, "<Response><Say>late</Say></Response>")
	})
	c := n.call()
	<-arrived
	c.Hangup()
	n.no(c.WaitEnd(n.ctx))
	n.app.wait(n.ctx, "/ended", 1)
	close(release)
	n.quiet()
	expect(t, "heard", len(c.Heard()), 0)
	expect(t, "status", c.Status(), "no-answer")
}

func TestOutboundCall(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	n.app.on("/out", "<Say>Hello</Say>")
	form := map[string][]string{"From": {line}, "To": {mobile}, "Url": {n.app.server.URL + "/out"},
		"StatusCallback": {n.app.server.URL + "/progress"}, "StatusCallbackEvent": {"initiated", "ringing", "answered", "completed"}}
	n.app.on("/progress", "")
	status, v := n.rest("POST", "Calls.json", form)
	expect(t, "status", status, 201)
	leg, err := n.Phone(mobile).WaitRing(n.ctx)
	n.no(err)
	expect(t, "SID", leg.SID(), v["sid"])
	expect(t, "from", leg.From(), line)
	leg.Answer()
	n.no(leg.WaitEnd(n.ctx))
	n.quiet()
	var seen []string
	for _, h := range n.app.got("/progress") {
		seen = append(seen, h.form.Get("SequenceNumber")+h.form.Get("CallStatus"))
	}
	expect(t, "progress", strings.Join(seen, " "), "0initiated 1ringing 2in-progress 3completed")

	n.rest("POST", "Calls.json", form)
	leg, err = n.Phone(mobile).WaitRing(n.ctx)
	n.no(err)
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(time.Minute)
	n.no(leg.WaitEnd(n.ctx))
	expect(t, "status", leg.Status(), "no-answer")

	form["From"] = []string{mobile}
	status, v = n.rest("POST", "Calls.json", form)
	expect(t, "foreign number", status, 400)
	expect(t, "code", v["code"], 21210.0)
}

// A redirect does not wait for a sound that does not come.
func TestRedirectDuringSlowSound(t *testing.T) {
	n := start(t, voicetest.Options{})
	arrived, release := make(chan struct{}), make(chan struct{})
	n.app.handle("/music", func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		w.Header().Set("Content-Type", "audio/mpeg")
	})
	n.app.on("/voice", `<Say>wait</Say><Play loop="0">/music</Play>`)
	c := n.call()
	<-arrived
	n.rest("POST", "Calls/"+c.SID()+".json", map[string][]string{"Twiml": {"<Response><Say>on</Say></Response>"}})
	n.no(c.WaitEnd(n.ctx))
	close(release)
	expect(t, "heard", len(c.Heard()), 2)
}
