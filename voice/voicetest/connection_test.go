package voicetest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

// Whoever shows the network sees both ends of a call, and is told of every change.
func TestConnections(t *testing.T) {
	n := start(t, voicetest.Options{})
	_, leg := dialing(n)
	seen := func(phone string) string {
		var all []string
		for _, c := range n.Phone(phone).Connections() {
			all = append(all, fmt.Sprintf("incoming=%t %s %s %q keys=%t answered=%t ended=%t", c.Incoming, c.Far, c.Status, c.Place, c.Keys, !c.Answered.IsZero(), !c.Ended.IsZero()))
		}
		return strings.Join(all, "; ")
	}
	until := func(phone, want string) {
		t.Helper()
		n.no(watch(n.ctx, n.Network, func() bool { return seen(phone) == want }))
		expect(t, phone, seen(phone), want)
	}
	until(caller, `incoming=false +12085550100 ringing "dialing" keys=false answered=false ended=false`)
	until(mobile, `incoming=true +12085550100 ringing "" keys=false answered=false ended=false`)
	if l, ok := n.Leg(leg.SID()); !ok || l.From() != line {
		t.Errorf("leg %s: %v", leg.SID(), ok)
	}
	if _, ok := n.Call(leg.SID()); ok {
		t.Error("a leg is no inbound call")
	}
	leg.Answer()
	until(mobile, `incoming=true +12085550100 in-progress "" keys=true answered=true ended=false`)
	leg.Press("1")
	until(mobile, `incoming=true +12085550100 in-progress "bridged" keys=false answered=true ended=false`)
	leg.Hangup()
	until(mobile, `incoming=true +12085550100 completed "ended" keys=false answered=true ended=true`)
	until(caller, `incoming=false +12085550100 completed "ended" keys=false answered=true ended=true`)
	last := n.Phone(caller).Connections()[0].Heard
	expect(t, "the last thing heard", last[len(last)-1].Text, "after the dial")
	if _, ok := n.Leg(n.Phone(caller).Connections()[0].SID); ok {
		t.Error("an inbound call is no leg")
	}
}

// watch waits as whoever shows the network does: by Changed alone.
func watch(ctx context.Context, n *voicetest.Network, is func() bool) error {
	for {
		changed := n.Changed()
		if is() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestThread(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/sms", `<Message>You took it</Message>`)
	phone := n.Phone(mobile)
	lines := func() (all []string) {
		for _, m := range phone.Thread(line) {
			all = append(all, fmt.Sprintf("mine=%t %s unheard=%t", m.From == mobile, m.Body, m.Unheard))
		}
		return all
	}
	until := func(want ...string) {
		t.Helper()
		n.no(watch(n.ctx, n.Network, func() bool { return slices.Equal(lines(), want) }))
	}
	phone.Text(line, "Y")
	until("mine=true Y unheard=false", "mine=false You took it unheard=false")
	n.app.broken("/sms", 500)
	phone.Text(line, "N")
	n.Phone(second).Text(line, "not in this thread")
	until("mine=true Y unheard=false", "mine=false You took it unheard=false", "mine=true N unheard=true")
	expect(t, "with another number", len(phone.Thread(caller)), 0)
}

// A prompt takes as long as it is spoken, and hears keys from its beginning.
func TestSpeech(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock, Speech: func(text string) time.Duration { return time.Duration(len(text)) * time.Second }})
	n.app.on("/voice", `<Say>Hello</Say><Gather numDigits="1" action="/keys"><Say>Press one</Say><Say>or two</Say></Gather>`)
	n.app.on("/keys", `<Say>Bye</Say><Hangup/>`)
	c := n.call()
	heardAfter := func(d time.Duration, want string) {
		t.Helper()
		n.no(clock.BlockUntilContext(n.ctx, 1))
		clock.Advance(d)
		_, err := c.WaitHeard(n.ctx, heard("say", want))
		n.no(err)
		h := c.Heard()
		expect(t, "the last thing heard", h[len(h)-1].Text, want)
	}
	_, err := c.WaitHeard(n.ctx, heard("say", "Hello"))
	n.no(err)
	heardAfter(5*time.Second, "Press one")
	n.no(c.WaitKeys(n.ctx))
	c.Press("1") // in the middle of it
	_, err = c.WaitHeard(n.ctx, heard("say", "Bye"))
	n.no(err)
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(2 * time.Second)
	expect(t, "still speaking", c.Place(), voicetest.PlaceListening)
	clock.Advance(time.Second)
	n.no(c.WaitEnd(n.ctx))
	for _, h := range c.Heard() {
		if h.Text == "or two" {
			t.Error("the first key silences the rest")
		}
	}

	other := n.call()
	_, err = other.WaitHeard(n.ctx, heard("say", "Hello"))
	n.no(err)
	other.Hangup() // in the middle of a sentence
	n.no(other.WaitEnd(n.ctx))
	n.quiet()
}
