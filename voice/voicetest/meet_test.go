package voicetest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

// met brings a caller and somebody whom the program calls together by a queue: the one called waits in it.
func met(n *network) (*voicetest.Call, *voicetest.Leg) {
	n.t.Helper()
	u := n.app.server.URL
	n.app.on("/picked", `<Enqueue waitUrl="/wait" action="/parted">meet</Enqueue>`)
	n.app.on("/wait", `<Say>one moment</Say><Pause length="3"/>`)
	n.app.on("/parted", `<Say>bye</Say>`)
	n.app.on("/met", `<Say>go ahead</Say>`)
	n.app.on("/over", ``)
	n.app.on("/dialed", `<Say>after the dial</Say>`)
	n.app.on("/voice", `<Dial timeout="10" action="/dialed"><Queue url="/met">meet</Queue></Dial>`)
	status, _ := n.rest("POST", "Calls.json", url.Values{"From": {line}, "To": {mobile}, "Url": {u + "/picked"}, "StatusCallback": {u + "/over"}})
	expect(n.t, "create", status, 201)
	leg, err := n.Phone(mobile).WaitRing(n.ctx)
	n.no(err)
	leg.Answer()
	_, err = leg.WaitHeard(n.ctx, heard("say", "one moment"))
	n.no(err)
	c := n.call()
	n.no(leg.WaitBridged(n.ctx))
	n.no(c.WaitPlace(n.ctx, voicetest.PlaceBridged))
	expect(n.t, "members", len(n.Members("meet")), 0)
	return c, leg
}

func TestMeetInAQueue(t *testing.T) {
	for _, bridged := range []string{"", "true", "false"} {
		for _, first := range []string{"caller", "taker"} {
			clock := clockwork.NewFakeClock()
			n := start(t, voicetest.Options{Clock: clock, QueueBridged: bridged})
			c, leg := met(n)
			asked := n.app.got("/met")[0].form
			expect(t, "CallSid", asked.Get("CallSid"), leg.SID())
			expect(t, "DequeingCallSid", asked.Get("DequeingCallSid"), c.SID())
			if first == "caller" {
				c.Hangup()
			} else {
				leg.Hangup()
			}
			n.no(c.WaitEnd(n.ctx))
			n.no(leg.WaitEnd(n.ctx))
			n.quiet()
			dialed := n.app.wait(n.ctx, "/dialed", 1).form
			expect(t, "DialCallStatus", dialed.Get("DialCallStatus"), "completed")
			expect(t, "DialBridged", dialed.Get("DialBridged"), bridged)
			expect(t, "CallStatus", dialed.Get("CallStatus"), map[string]string{"caller": "completed", "taker": "in-progress"}[first])
			parted := n.app.wait(n.ctx, "/parted", 1).form
			expect(t, "QueueResult", parted.Get("QueueResult"), "bridged")
			expect(t, "dials", len(n.app.got("/dialed"))+len(n.app.got("/parted")), 2)
			if story := c.Heard(); first == "taker" {
				expect(t, "the caller hears", story[len(story)-1].Text, "after the dial")
			}
			if story := leg.Heard(); first == "caller" {
				expect(t, "the taker hears", story[len(story)-1].Text, "bye")
			}
			expect(t, "over", n.app.wait(n.ctx, "/over", 1).form.Get("CallStatus"), "completed")
		}
	}
}

// Nobody is in the queue, or there is none.
func TestMeetNobody(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	n.app.on("/dialed", `<Hangup/>`)
	n.app.on("/voice", `<Dial timeout="10" action="/dialed"><Queue>meet</Queue></Dial>`)
	n.no(n.call().WaitEnd(n.ctx))
	expect(t, "no queue", n.app.wait(n.ctx, "/dialed", 1).form.Get("DialCallStatus"), "failed")
	status, _ := n.rest("POST", "Queues.json", url.Values{"FriendlyName": {"meet"}})
	expect(t, "create", status, 201)
	c := n.call()
	n.no(c.WaitPlace(n.ctx, voicetest.PlaceDialing))
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(10 * time.Second)
	n.no(c.WaitEnd(n.ctx))
	expect(t, "empty queue", n.app.wait(n.ctx, "/dialed", 2).form.Get("DialCallStatus"), "no-answer")

	n.app.on("/voice", `<Dial><Queue>meet</Queue><Number>`+mobile+`</Number></Dial>`)
	c = n.call()
	n.no(c.WaitPlace(n.ctx, voicetest.PlaceDialing))
	c.Hangup()
	n.quiet()
	if !strings.Contains(n.problems(), "a queue beside other nouns") {
		t.Errorf("problems: %s", n.problems())
	}
}

// Twilio knows late that a message does not arrive.
func TestMessageLate(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	n.app.on("/sent", ``)
	n.Phone(mobile).SetSMSDelay(20 * time.Second)
	n.Phone(mobile).SetSMSRefusal(30034)
	n.send(mobile)
	n.app.wait(n.ctx, "/sent", 1)
	n.quiet()
	expect(t, "callbacks", len(n.app.got("/sent")), 1)
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(20 * time.Second)
	late := n.app.wait(n.ctx, "/sent", 2).form
	expect(t, "status", late.Get("MessageStatus")+late.Get("ErrorCode"), "undelivered30034")
}
