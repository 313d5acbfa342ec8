package voicetest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"pullphone/voice/voicetest"
)

func TestTwiMLViolations(t *testing.T) {
	const tail = `<Say>went on</Say>`
	for _, c := range []struct {
		name, verbs, problem string
	}{
		{"unknown verb", `<Speak>x</Speak>`, "Speak is no TwiML element"},
		{"lower case", `<say>x</say>`, "say is no TwiML element"},
		{"unknown attribute", `<Say speaker="a">x</Say>`, "Say has no attribute speaker"},
		{"case of attribute", `<Gather numdigits="1" timeout="0"/>`, "no attribute numdigits"},
		{"nesting", `<Gather timeout="0"><Dial>+12085550101</Dial></Gather>`, "Dial may not stand inside Gather"},
		{"noun as verb", `<Number>+12085550101</Number>`, "Number may not stand inside Response"},
		{"empty Say", `<Say> </Say>`, "nothing to say (13520)"},
		{"integer", `<Pause length="soon"/>`, "want an integer"},
		{"method", `<Gather action="/x" method="PUT" timeout="0"/>`, "want one of GET, POST"},
		{"scheme", `<Gather action="ftp://x/y" timeout="0"/>`, "not an http or https URL (11100)"},
		{"event", `<Dial><Number statusCallback="/x" statusCallbackEvent="initiated,ringing">12</Number></Dial>`, "want some of initiated"},
		{"number", `<Dial><Number>208-555-0101</Number></Dial>`, "not a number in E.164 form (13223)"},
		{"dial nobody", `<Dial/>`, "nobody to dial"},
		{"action on Number", `<Dial><Number action="/x">nobody</Number></Dial>`, "Number has no attribute action"},
		{"stray text", `Hello`, "Response has text"},
		{"Leave outside of a queue", `<Leave/>`, "Leave may not stand in a call"},
		{"queue name", `<Enqueue waitUrl=""></Enqueue><Hangup/>`, "queue name"},
		{"key", `<Gather finishOnKey="x" timeout="0"/>`, "13310"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := start(t, voicetest.Options{})
			n.app.on("/voice", c.verbs+tail)
			call := n.call()
			if strings.Contains(c.verbs, "Enqueue") {
				n.no(call.WaitPlace(n.ctx, voicetest.PlaceQueue))
				call.Hangup()
			} else if !strings.Contains(c.verbs, "Hangup") {
				_, err := call.WaitHeard(n.ctx, heard("say", "went on"))
				n.no(err)
			}
			if !strings.Contains(n.problems(), c.problem) {
				t.Errorf("problems %q, want %q", n.problems(), c.problem)
			}
		})
	}
}

func TestFatalTwiML(t *testing.T) {
	for _, c := range []struct {
		name, kind, body, problem string
	}{
		{"not well-formed", "text/xml", "<Response><Say>a & b</Say></Response>", "12100"},
		{"unclosed", "text/xml", "<Response><Say>", "12100"},
		{"blank before the declaration", "text/xml", "\n<?xml version=\"1.0\"?><Response/>", "12100"},
		{"root", "text/xml", "<response/>", "12102"},
		{"empty", "text/xml", "", "12100"},
		{"too long", "text/xml", "<Response><Say>" + strings.Repeat("a", 65<<10) + "</Say></Response>", "11750"},
		{"JSON", "application/json", "{}", "12300"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := start(t, voicetest.Options{})
			n.app.handle("/voice", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				io.WriteString(w, c.body)
			})
			call := n.call()
			h, err := call.WaitHeard(n.ctx, heard("error", ""))
			n.no(err)
			n.no(call.WaitEnd(n.ctx))
			if !strings.HasPrefix(h.Text, c.problem) || !strings.Contains(n.problems(), c.problem) || !strings.Contains(n.problems(), "hears an error") {
				t.Errorf("heard %q, problems %q, want %s", h.Text, n.problems(), c.problem)
			}
		})
	}
}

func TestWrongKindStillExecuted(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.handle("/voice", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<Response><Say>hi</Say></Response>") // sniffed as text
	})
	_, err := n.call().WaitHeard(n.ctx, heard("say", "hi"))
	n.no(err)
	if !strings.Contains(n.problems(), "want text/xml") {
		t.Errorf("problems %q", n.problems())
	}
}

func TestRooms(t *testing.T) {
	n := start(t, voicetest.Options{})
	c, leg := dialing(n)
	n.app.on("/whisper", `<Dial>`+second+`</Dial><Say>only for you</Say>`)
	leg.Answer()
	n.no(leg.WaitBridged(n.ctx)) // no Hangup at the end
	c.Hangup()
	if !strings.Contains(n.problems(), "Dial may not stand in a Number url document (13201)") {
		t.Errorf("problems %q", n.problems())
	}

	n = start(t, voicetest.Options{})
	n.app.on("/voice", `<Enqueue waitUrl="/wait">support</Enqueue>`)
	n.app.on("/wait", `<Record/><Say>hold</Say>`)
	c = n.call()
	_, err := c.WaitHeard(n.ctx, heard("say", "hold"))
	n.no(err)
	c.Hangup()
	if !strings.Contains(n.problems(), "Record may not stand in a waitUrl document") {
		t.Errorf("problems %q", n.problems())
	}
}
