package voice

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// A caller who asked to be called back is reached from the phone of whoever takes the call: that rings first, shows the
// line's number and asks for a 1; then the caller's is dialled from it, and shows the line's number too.

// canCallBack reports whether a caller can be called back: their number is known, and an ordinary one in the line's own
// country. Whoever forges a number that costs extra must not have us call it.
func (p *Phone) canCallBack(c store.Call) bool {
	line, _ := p.Store.Team.Line(c.Line)
	return line.Usual(c.From)
}

// callOuts rings the phones of those who took a call of somebody to be called back.
func (p *Phone) callOuts() store.Work {
	return store.Work{Kind: store.CallOut, Parallel: 16, Do: p.callOut, Longest: 8 * time.Second}
}

func (p *Phone) callOut(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := p.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	if c.Back == nil || c.State != store.Ringing || c.Attempt != d.Attempt || c.Claim.Leg != "" {
		return nil, nil
	}
	person, _ := p.Store.Team.Person(c.Claim.Person)
	sid := ""
	if person.Phone != "" { // else gone from the config file since
		if sid, _, err = p.ringPhone(ctx, d, c, person, p.at(callbackPath, c), p.at(callbackOverPath, c), c.Claim.At); err != nil {
			return nil, err
		}
	}
	if sid == "" {
		return nil, p.Store.BackLegOver(ctx, c.ID, c.Attempt, "", store.Failed)
	}
	// Recorded at once, together with what is due when the call is not theirs any more.
	_, _, err = p.Store.CalledOut(ctx, c.ID, c.Attempt, sid)
	return nil, err
}

// callback asks whoever picked up to call back whether they do.
func (p *Phone) callback(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	leg := r.PostForm.Get("CallSid")
	if !sid.MatchString(leg) {
		http.Error(w, "no CallSid", http.StatusBadRequest)
		return
	}
	theirs, c, err := p.Store.CalledOut(r.Context(), id, attempt, leg)
	line, _ := p.Store.Team.Line(c.Line)
	switch {
	case err != nil:
		p.Log.Error("call back", "call", id, "err", err)
		p.say(w, &twiml.VoiceHangup{}) // it waits again
	case !theirs:
		p.say(w, words(answeredElsewhere(c)), &twiml.VoiceHangup{})
	case c.State == store.Ringing && line.Accept:
		ask := &twiml.VoiceGather{Action: p.at(callbackKeyPath, c), NumDigits: "1", FinishOnKey: noKey, Timeout: "5",
			InnerElements: []twiml.Element{words(pressOne(line, c))}}
		p.say(w, ask, ask, &twiml.VoiceHangup{})
	default:
		p.say(w, p.callBack(r.Context(), c, leg)...)
	}
}

// callbackKey hears the key of whoever is to call back: 2 declines, any other is a yes.
func (p *Phone) callbackKey(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	f := r.PostForm
	c, err := p.Store.Call(r.Context(), id)
	switch {
	case err != nil:
		p.Log.Error("key to call back", "call", id, "err", err)
		p.say(w, &twiml.VoiceHangup{})
	case c.Attempt != attempt:
		p.callback(w, r, id, attempt)
	case f.Get("Digits") == "2":
		if err := p.Store.BackLegOver(r.Context(), id, attempt, f.Get("CallSid"), store.Declined); err != nil {
			p.Log.Error("decline to call back", "call", id, "err", err) // its end is reported too
		}
		p.say(w, words(notYou), &twiml.VoiceHangup{})
	default:
		p.say(w, p.callBack(r.Context(), c, f.Get("CallSid"))...)
	}
}

// callBack connects the phone call of whoever calls back, leg, with the caller. They took the call on it, or pressed 1; the
// same again is answered the same.
func (p *Phone) callBack(ctx context.Context, c store.Call, leg string) []twiml.Element {
	if takenOn(c, leg) {
		theirs, now, err := p.Store.Accept(ctx, c.ID, c.Attempt)
		if err != nil {
			p.Log.Error("call back", "call", c.ID, "err", err)
			return []twiml.Element{&twiml.VoiceHangup{}} // it waits again
		}
		if !theirs {
			c = now
		}
	}
	if !takenOn(c, leg) {
		return []twiml.Element{words(answeredElsewhere(c)), &twiml.VoiceHangup{}}
	}
	return []twiml.Element{
		words(callingBack(c)),
		&twiml.VoiceDial{
			Timeout:       "30",
			CallerId:      c.Line,
			Action:        p.at(reachedPath, c),
			InnerElements: []twiml.Element{&twiml.VoiceNumber{PhoneNumber: c.From}},
		},
	}
}

// reached hears how dialling the caller ended. Whatever picked up has been reached, a mailbox too: the person who calls hears
// which, and can speak to it.
func (p *Phone) reached(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	f := r.PostForm
	seconds, _ := strconv.Atoi(f.Get("DialCallDuration"))
	gone := twilio.Over(f.Get("CallStatus"))
	c, err := p.Store.CallBackOver(r.Context(), id, attempt, spoke(f.Get("DialCallStatus"), f.Get("DialBridged"), seconds, gone))
	switch {
	case err != nil:
		p.fail(w, err)
	case c.Outcome == store.CalledBack:
		p.say(w, &twiml.VoiceHangup{})
	default:
		p.say(w, words(notReached(c)), &twiml.VoiceHangup{})
	}
}

// spoke is how dialling the caller ended, from the status of their phone; bridged is empty where Twilio does not say. gone
// says that who calls back was on the phone no more when it ended: that was no try, whatever the status.
func spoke(status, bridged string, seconds int, gone bool) store.DialResult {
	out := store.DialResult{Bridged: bridged == "true" || bridged == "" && status == "completed", Seconds: seconds, Why: store.Unreached}
	if gone || status == "canceled" || status == "" { // who calls back has hung up, or got no further
		out.Why = store.HungUp
	}
	return out
}

// callbackOver hears how the phone call of whoever calls back ended. Twilio sends it once, at the end.
func (p *Phone) callbackOver(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	if status := r.PostForm.Get("CallStatus"); twilio.Over(status) {
		err := p.Store.BackLegOver(r.Context(), id, attempt, r.PostForm.Get("CallSid"), notTaken(status))
		if err != nil && !errors.Is(err, store.ErrNoCall) {
			p.fail(w, err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// notTaken is why somebody did not call back, from how the call to their phone ended.
func notTaken(status string) store.Why {
	switch status {
	case "busy":
		return store.Busy
	case "no-answer", "canceled":
		return store.NoAnswer
	case "completed":
		return store.NotAccepted
	}
	return store.Failed
}

// askCallBack finds out what became of a call that somebody was to call back, and of which nothing was heard for too long.
func (p *Phone) askCallBack(ctx context.Context, c store.Call) error {
	if c.State != store.Ringing && c.State != store.Talking { // nobody is on any phone
		return nil
	}
	if c.Claim.Leg == "" {
		line, _ := p.Store.Team.Line(c.Line)
		if p.Store.Clock.Since(c.Claim.At) < line.RingTimeout+ringGrace {
			return nil
		}
		return p.Store.BackLegOver(ctx, c.ID, c.Attempt, "", store.Failed) // it could not be rung in all that time
	}
	call, err := p.Twilio.Call(ctx, c.Claim.Leg)
	if err != nil || !twilio.Over(call.Status) {
		return later(err)
	}
	if c.State == store.Ringing {
		return p.Store.BackLegOver(ctx, c.ID, c.Attempt, c.Claim.Leg, notTaken(call.Status))
	}
	phones, err := p.Twilio.Dialed(ctx, c.Claim.Leg)
	if err != nil {
		return later(err)
	}
	last := append(phones, twilio.Dialed{})[0]
	if last.Status != "" && !twilio.Over(last.Status) { // not long, without the other end
		return &store.Later{After: insist}
	}
	// Who hears that nobody picked up is on the phone for a while after that.
	gone := last.Status == "no-answer" && !call.Ended.IsZero() && !last.Ended.IsZero() && !last.Ended.Before(call.Ended)
	_, err = p.Store.CallBackOver(ctx, c.ID, c.Attempt, spoke(last.Status, "", last.Seconds, gone))
	return err
}
