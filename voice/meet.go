package voice

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// How a caller and a taker who is on the phone already are connected: the taker waits in a queue of their own, and the
// caller is led to a Dial of that queue.

// meetingPlace is that queue. A short code belongs to one open call of its line, so that there are few of these queues:
// Twilio keeps a queue once it was used.
func meetingPlace(c store.Call) string {
	return "pullphone-meet-" + strings.TrimPrefix(c.Line, "+") + "-" + strconv.Itoa(c.Code)
}

// takenOn reports whether a call was taken by whoever is on this leg, and is on its way to them.
func takenOn(c store.Call, leg string) bool {
	return (c.State == store.Ringing || c.State == store.Talking) && c.Claim.Leg != "" && c.Claim.Leg == leg
}

// meet has a taker wait for the caller.
func (p *Phone) meet(c store.Call) []twiml.Element {
	return []twiml.Element{&twiml.VoiceEnqueue{
		Name:    meetingPlace(c),
		Action:  p.at(partedPath, c),
		WaitUrl: p.at(meetPath, c),
	}}
}

// bring leads the caller to the taker. The queue's url is asked for in the moment before the two are connected, and
// heard by the taker (twilio.com/docs/voice/twiml/queue).
func (p *Phone) bring(c store.Call) []twiml.Element {
	return []twiml.Element{
		words(puttingThrough(c.Claim.Person)),
		&twiml.VoiceDial{
			Timeout: "10", // the taker is there, or gone
			Action:  p.at(dialedPath, c),
			InnerElements: []twiml.Element{
				&twiml.VoiceQueue{Name: meetingPlace(c), Url: p.at(metPath, c)},
			},
		},
	}
}

// waiting says what a taker hears until the caller comes. Twilio asks again when it is over: then they learn whether
// there is still somebody to come.
func (p *Phone) waiting(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	leg := r.PostForm.Get("CallSid")
	c, err := p.Store.Met(r.Context(), id, attempt, leg)
	switch {
	case err != nil && !errors.Is(err, store.ErrNoCall):
		p.Log.Error("taker waits", "call", id, "err", err)
		p.say(w, words(oneMoment), &twiml.VoicePause{Length: "3"})
	case c.Attempt == attempt && takenOn(c, leg):
		p.say(w, words(oneMoment), &twiml.VoicePause{Length: "3"})
	default:
		p.say(w, words(answeredElsewhere(c)), &twiml.VoiceHangup{})
	}
}

// met hears that the two are being connected.
func (p *Phone) met(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	if _, _, err := p.Store.Accept(r.Context(), id, attempt); err != nil {
		p.Log.Error("met", "call", id, "err", err) // they are connected all the same; the Dial's end tells how long
	}
	p.say(w, words(goAhead))
}

// parted ends the taker's leg, whether they have talked or not. One who leaves before the caller came has not taken the
// call.
func (p *Phone) parted(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	if f := r.PostForm; f.Get("QueueResult") != "bridged" {
		if _, err := p.Store.RingOver(r.Context(), id, attempt, notRung, f.Get("CallSid"), 0); err != nil && !errors.Is(err, store.ErrNoCall) {
			p.Log.Error("taker has left", "call", id, "err", err) // the caller finds nobody, and waits again then
		}
	}
	p.say(w, &twiml.VoiceHangup{})
}
