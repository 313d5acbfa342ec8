package voice

import (
	"net/http"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// screen asks the taker to press 1, twice, and hangs up on whoever does not: a mailbox, a pocket, a call screen. The
// Hangup is what refuses: a document that just ends connects the two (twilio.com/docs/voice/twiml/number, url).
func (p *Phone) screen(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	c, err := p.Store.Call(r.Context(), id)
	switch {
	case err != nil:
		p.Log.Error("screen", "call", id, "err", err)
		p.say(w, &twiml.VoiceHangup{}) // the caller goes back on hold
	case c.State != store.Ringing && c.State != store.Talking || c.Attempt != attempt:
		p.say(w, words(callerGone), &twiml.VoiceHangup{})
	default:
		p.say(w, p.question(c), p.question(c), &twiml.VoiceHangup{})
	}
}

func (p *Phone) question(c store.Call) twiml.Element {
	line, _ := p.Store.Team.Line(c.Line)
	return &twiml.VoiceGather{
		Action: p.at(acceptPath, c), NumDigits: "1", Timeout: "5",
		InnerElements: []twiml.Element{words(pressOne(line, c))},
	}
}

// accept hears the taker's key. The answer without a verb connects the two.
func (p *Phone) accept(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	switch r.PostForm.Get("Digits") {
	case "1":
		connect, _, err := p.Store.Accept(r.Context(), id, attempt)
		switch {
		case err != nil:
			p.Log.Error("accept", "call", id, "err", err)
			p.say(w, &twiml.VoiceHangup{})
		case connect:
			p.say(w)
		default:
			p.say(w, words(callerGone), &twiml.VoiceHangup{})
		}
	case "2":
		if err := p.Store.Screen(r.Context(), id, attempt, store.Declined); err != nil {
			p.Log.Error("decline", "call", id, "err", err) // only the reason is lost
		}
		p.say(w, &twiml.VoiceHangup{})
	default:
		p.screen(w, r, id, attempt)
	}
}
