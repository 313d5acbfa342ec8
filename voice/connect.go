package voice

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// connect is where a redirect leads: the caller hears what the claim says.
func (p *Phone) connect(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	c, err := p.Store.Fetched(r.Context(), id, attempt)
	if err == nil && c.State == store.Ringing && c.Claim.Leg == "" && c.Claim.Word == store.Take {
		if taker, _ := p.Store.Team.Person(c.Claim.Person); taker.Phone == "" { // gone from the config file since
			c, err = p.Store.Dialed(r.Context(), id, attempt, store.DialResult{Why: store.Failed})
		}
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	p.say(w, p.onward(c, attempt)...)
}

// onward is what the caller hears next after something of an attempt. When a later attempt has been claimed meanwhile,
// its own redirect is on the way and finds them in the queue.
func (p *Phone) onward(c store.Call, attempt int) []twiml.Element {
	if c.Open() && c.Back == nil && c.Attempt > attempt && c.Fetched != c.Attempt {
		return p.enqueue(c)
	}
	return p.document(c)
}

// asks reports whether who picks up has to press a key: who is forwarded to knows of no key.
func asks(line store.Line, c store.Call) bool {
	return line.Accept && (c.Claim == nil || c.Claim.Word != store.Forward)
}

// dial rings the taker's mobile, or the number that a call is forwarded to. With answerOnBridge the caller hears ringing until the taker has accepted
// (twilio.com/docs/voice/twiml/dial).
func (p *Phone) dial(c store.Call) []twiml.Element {
	if c.Claim.Leg != "" {
		return p.bring(c)
	}
	line, _ := p.Store.Team.Line(c.Line)
	taker, _ := p.Store.Team.Person(c.Claim.Person)
	said, number := puttingThrough(taker.Name), &twiml.VoiceNumber{PhoneNumber: taker.Phone}
	if c.Claim.Word == store.Forward {
		said, number.PhoneNumber = cmp.Or(c.Claim.Say, forwarding), c.Claim.To
	}
	if asks(line, c) {
		number.Url = p.at(screenPath, c)
	} else {
		number.StatusCallback, number.StatusCallbackEvent = p.at(answeredPath, c), "answered"
	}
	return []twiml.Element{
		words(said),
		&twiml.VoiceDial{
			Timeout:        seconds(line.RingTimeout),
			CallerId:       c.Line,
			AnswerOnBridge: "true",
			Action:         p.at(dialedPath, c),
			InnerElements:  []twiml.Element{number},
		},
	}
}

// fellApart is the shortest conversation that is believed against Twilio's word.
const fellApart = 10 * time.Second

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// answered hears that somebody picked up who is not asked for a key: that is their acceptance.
func (p *Phone) answered(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	if r.PostForm.Get("CallStatus") == "in-progress" {
		if _, _, err := p.Store.Accept(r.Context(), id, attempt); err != nil {
			p.fail(w, err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// dialed hears how the call to the taker ended. A caller whom nobody took goes back on hold.
func (p *Phone) dialed(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	c, err := p.Store.Call(r.Context(), id)
	if err == nil {
		c, err = p.Store.Dialed(r.Context(), id, attempt, p.result(r, c))
	}
	switch {
	case err != nil:
		p.fail(w, err)
	default:
		p.say(w, p.onward(c, attempt)...)
	}
}

// result reads a Dial's action. DialCallStatus "completed" does not say that two people talked: a voicemail box that
// our question hung up on completes as well. DialBridged says it; where Twilio leaves it out, our own record of the
// key does.
func (p *Phone) result(r *http.Request, c store.Call) store.DialResult {
	f := r.PostForm
	status := f.Get("DialCallStatus")
	line, _ := p.Store.Team.Line(c.Line)
	accepted := c.State == store.Talking || !asks(line, c)
	seconds, _ := strconv.Atoi(f.Get("DialCallDuration")) // absent: 0
	out := store.DialResult{
		Bridged:    f.Get("DialBridged") == "true" || f.Get("DialBridged") == "" && accepted && status == "completed",
		Seconds:    seconds, // from the pick-up on, our question included: the figure on the bill
		CallerGone: twilio.Over(f.Get("CallStatus")),
		Why:        store.Failed,
	}
	if c.Claim != nil && c.Claim.Leg != "" {
		// DialBridged is written of for a Number. That our url was asked for says as much, unless the two fell apart at once.
		out.Bridged = out.Bridged || c.State == store.Talking && (f.Get("DialBridged") == "" || p.Store.Clock.Since(c.Accepted) > fellApart)
		out.Why = store.HungUp
		return out
	}
	switch status {
	case "busy":
		out.Why = store.Busy
	case "no-answer", "canceled":
		out.Why = store.NoAnswer
	case "completed", "answered":
		if asks(line, c) {
			out.Why = store.NotAccepted
		}
	}
	return out
}
