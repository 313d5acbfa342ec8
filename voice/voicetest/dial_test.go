package voicetest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

const dialOne = `<Dial timeout="20" answerOnBridge="true" callerId="` + line + `" action="/dialed">
	<Number url="/whisper" statusCallback="/leg" statusCallbackEvent="initiated ringing answered completed">` + mobile + `</Number></Dial>`

// dialing brings a call to the ringing telephone of dialOne.
func dialing(n *network) (*voicetest.Call, *voicetest.Leg) {
	n.t.Helper()
	n.app.on("/voice", dialOne)
	n.app.on("/whisper", `<Gather numDigits="1" timeout="6" action="/accept"><Say>Press 1</Say></Gather><Hangup/>`)
	n.app.on("/accept", ``)
	n.app.on("/dialed", `<Say>after the dial</Say>`)
	n.app.on("/leg", ``)
	c := n.call()
	leg, err := n.Phone(mobile).WaitRing(n.ctx)
	n.no(err)
	n.no(c.WaitPlace(n.ctx, voicetest.PlaceDialing))
	expect(n.t, "caller ID", leg.From(), line)
	return c, leg
}

// legEvents is what the leg's status callback was told.
func (n *network) legEvents() string {
	var seen []string
	for _, h := range n.app.got("/leg") {
		seen = append(seen, h.form.Get("SequenceNumber")+h.form.Get("CallStatus"))
	}
	return strings.Join(seen, " ")
}

// dialed checks the parameters of the Dial's action.
func (n *network) dialed(want map[string]string) {
	n.t.Helper()
	form := n.app.wait(n.ctx, "/dialed", 1).form
	for name, value := range want {
		expect(n.t, name, form.Get(name), value)
	}
	if got := n.app.got("/dialed"); len(got) != 1 {
		n.t.Errorf("dial actions: %v", got)
	}
}

func TestDialBridged(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	c, leg := dialing(n)
	expect(t, "status before the bridge", c.Status(), "ringing")
	leg.Answer()
	n.no(leg.WaitKeys(n.ctx))
	_, err := leg.WaitHeard(n.ctx, heard("say", "Press 1"))
	n.no(err)
	leg.Press("1")
	n.no(leg.WaitBridged(n.ctx))
	expect(t, "place", c.Place(), voicetest.PlaceBridged)
	expect(t, "status", c.Status(), "in-progress")
	clock.Advance(42 * time.Second)
	leg.Hangup()
	_, err = c.WaitHeard(n.ctx, heard("say", "after the dial"))
	n.no(err)
	n.no(c.WaitEnd(n.ctx))
	n.quiet()
	n.dialed(map[string]string{"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "42", "DialCallSid": leg.SID(), "CallStatus": "in-progress"})
	whisper := n.app.got("/whisper")[0].form
	for name, want := range map[string]string{"CallSid": leg.SID(), "ParentCallSid": c.SID(), "Direction": "outbound-dial", "From": line, "To": mobile} {
		expect(t, name, whisper.Get(name), want)
	}
	expect(t, "keys", n.app.got("/accept")[0].form.Get("Digits"), "1")
	expect(t, "leg", n.legEvents(), "0initiated 1ringing 2in-progress 3completed")
}

func TestDialEndings(t *testing.T) {
	for _, c := range []struct {
		name    string
		options voicetest.Options
		do      func(*network, *clockwork.FakeClock, *voicetest.Leg)
		status  string
		leg     string
	}{
		{"no answer", voicetest.Options{}, func(n *network, clock *clockwork.FakeClock, leg *voicetest.Leg) {
			n.no(clock.BlockUntilContext(n.ctx, 1))
			clock.Advance(24 * time.Second)
			n.no(clock.BlockUntilContext(n.ctx, 1))
			expect(n.t, "status", leg.Status(), "ringing") // the buffer of 5 s
			clock.Advance(time.Second)
		}, "no-answer", "0initiated 1ringing 2no-answer"},
		{"busy", voicetest.Options{}, func(_ *network, _ *clockwork.FakeClock, leg *voicetest.Leg) { leg.Decline() }, "busy", "0initiated 1ringing 2busy"},
		{"nobody presses 1", voicetest.Options{}, func(n *network, clock *clockwork.FakeClock, leg *voicetest.Leg) {
			leg.Answer()
			n.no(leg.WaitKeys(n.ctx))
			n.no(clock.BlockUntilContext(n.ctx, 1))
			clock.Advance(6 * time.Second)
		}, "completed", "0initiated 1ringing 2in-progress 3completed"},
		{"hangs up while screened", voicetest.Options{ScreenedStatus: "no-answer"}, func(n *network, _ *clockwork.FakeClock, leg *voicetest.Leg) {
			leg.Answer()
			n.no(leg.WaitKeys(n.ctx))
			leg.Hangup()
		}, "no-answer", "0initiated 1ringing 2in-progress 3completed"},
		{"ended by the API", voicetest.Options{}, func(n *network, _ *clockwork.FakeClock, leg *voicetest.Leg) {
			n.rest("POST", "Calls/"+leg.SID()+".json", url.Values{"Status": {"completed"}})
		}, "canceled", "0initiated 1ringing 2canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := clockwork.NewFakeClock()
			c.options.Clock = clock
			n := start(t, c.options)
			call, leg := dialing(n)
			c.do(n, clock, leg)
			n.no(call.WaitEnd(n.ctx))
			n.quiet()
			n.dialed(map[string]string{"DialCallStatus": c.status, "DialBridged": "false"})
			expect(t, "leg", n.legEvents(), c.leg)
		})
	}
}

func TestCallerHangsUpDuringDial(t *testing.T) {
	n := start(t, voicetest.Options{})
	c, leg := dialing(n)
	c.Hangup()
	n.no(leg.WaitEnd(n.ctx))
	n.quiet()
	expect(t, "webhooks", n.app.order(), "/voice /leg /leg /leg /dialed /ended")
	n.dialed(map[string]string{"DialCallStatus": "canceled", "CallStatus": "no-answer"})
	expect(t, "leg", n.legEvents(), "0initiated 1ringing 2canceled")

	n = start(t, voicetest.Options{NoDialActionOnHangup: true})
	c, _ = dialing(n)
	c.Hangup()
	n.quiet()
	expect(t, "webhooks", n.app.order(), "/voice /leg /leg /leg /ended")

	n = start(t, voicetest.Options{})
	c, leg = dialing(n)
	leg.Answer()
	n.no(leg.WaitKeys(n.ctx))
	leg.Press("1")
	n.no(leg.WaitBridged(n.ctx))
	c.Hangup()
	n.quiet()
	n.dialed(map[string]string{"DialCallStatus": "completed", "DialBridged": "true", "CallStatus": "completed"})
	if order := n.app.order(); !strings.HasSuffix(order, "/leg /dialed /ended") {
		t.Errorf("webhooks: %s", order)
	}
}

func TestRedirectTearsDialDown(t *testing.T) {
	n := start(t, voicetest.Options{})
	c, leg := dialing(n)
	leg.Answer()
	n.no(leg.WaitKeys(n.ctx))
	leg.Press("1")
	n.no(leg.WaitBridged(n.ctx))
	n.app.on("/elsewhere", "<Say>elsewhere</Say>")
	n.rest("POST", "Calls/"+c.SID()+".json", url.Values{"Url": {n.app.server.URL + "/elsewhere"}})
	n.no(leg.WaitEnd(n.ctx))
	n.no(c.WaitEnd(n.ctx))
	n.quiet()
	n.dialed(map[string]string{"DialCallStatus": "completed"})
	_, err := c.WaitHeard(n.ctx, heard("say", "elsewhere"))
	n.no(err)
	if _, err := c.WaitHeard(n.ctx, heard("say", "after")); err == nil {
		t.Error("the answer of the interrupted Dial was executed")
	}
}

func TestSeveralNumbers(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/voice", `<Dial callerId="`+line+`"><Number>`+mobile+`</Number><Number>`+second+`</Number></Dial><Say>next verb</Say>`)
	c := n.call()
	one, err := n.Phone(mobile).WaitRing(n.ctx)
	n.no(err)
	two, err := n.Phone(second).WaitRing(n.ctx)
	n.no(err)
	two.Answer()
	n.no(one.WaitEnd(n.ctx))
	expect(t, "loser", one.Status(), "canceled")
	n.no(two.WaitBridged(n.ctx))
	two.Hangup()
	_, err = c.WaitHeard(n.ctx, heard("say", "next verb"))
	n.no(err)
}

func TestTimeLimitAndPlainNumber(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	n.app.on("/voice", `<Dial timeLimit="60">`+mobile+`</Dial>`)
	c := n.call()
	leg, err := n.Phone(mobile).WaitRing(n.ctx)
	n.no(err)
	expect(t, "caller ID", leg.From(), caller)
	leg.Answer()
	n.no(leg.WaitBridged(n.ctx))
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(time.Minute)
	n.no(c.WaitEnd(n.ctx))
}

func TestCallerID(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/voice", `<Dial action="/dialed">`+mobile+`</Dial>`)
	n.app.on("/dialed", ``)
	for _, from := range []string{"anonymous", "+266696687"} {
		n.no(n.Phone(caller).Call(line, voicetest.CallerInfo{From: from}).WaitEnd(n.ctx))
	}
	n.app.on("/voice", `<Dial callerId="+12085550999" action="/dialed">`+mobile+`</Dial>`)
	n.no(n.call().WaitEnd(n.ctx))
	expect(t, "problems", strings.Count(n.problems(), "13214"), 3)
	expect(t, "DialCallStatus", n.app.got("/dialed")[2].form.Get("DialCallStatus"), "failed")
}
