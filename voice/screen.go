package voice

import (
	"net/http"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// screen asks the taker to press a key, twice, and hangs up on whoever does not: a mailbox, a call screen. The
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
		Action: p.at(acceptPath, c), NumDigits: "1", FinishOnKey: noKey, Timeout: "5",
		InnerElements: []twiml.Element{words(pressOne(line, c))},
	}
}

// noKey stands for a finishOnKey that is empty, which the twiml package leaves out: a # would end the Gather without a
// key then, as if nobody had pressed one (twilio.com/docs/voice/twiml/gather, finishOnKey).
const noKey = "none"

// accept hears the taker's key: 2 declines, any other accepts, because who has the phone at the ear hits the one beside
// it as well. The answer without a verb connects the two.
func (p *Phone) accept(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	if r.PostForm.Get("Digits") == "2" {
		if err := p.Store.Screen(r.Context(), id, attempt, store.Declined); err != nil {
			p.Log.Error("decline", "call", id, "err", err) // only the reason is lost
		}
		p.say(w, &twiml.VoiceHangup{})
		return
	}
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
}
