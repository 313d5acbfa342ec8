package voice

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// rings rings people's phones, one after the other, for a call that nobody could be told of.
func (p *Phone) rings() store.Work {
	return store.Work{Kind: store.RingUp, Parallel: 16, Do: p.ringUp, Longest: 8 * time.Second}
}

// ringUp rings the phone whose turn it is, or gives it up when nothing was heard of it for too long.
func (p *Phone) ringUp(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := p.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	turn := int(d.Rev)
	if c.State != store.Waiting || c.Attempt != d.Attempt || c.Ring.Turn != turn || c.Ring.At.IsZero() {
		return nil, nil
	}
	if wait := p.Store.Clock.Until(c.Ring.At); wait > 0 { // put off since, for it rings
		return nil, &store.Later{After: wait, Err: errors.New("it is not time yet")}
	}
	person, _ := p.Store.Team.Person(c.Ring.Person)
	free, err := p.Store.CanTake(ctx, person.Name) // they may have taken another call since it was their turn
	if err != nil {
		return nil, &store.Later{Err: err}
	}
	if c.Ring.SID != "" || !free && !d.Doubt {
		_, err := p.Store.RingOver(ctx, c.ID, c.Attempt, turn, c.Ring.SID, 0)
		return nil, err
	}
	// An older call to the same phone was made at least a round ago.
	sid, refused, err := p.ringPhone(ctx, d, c, person, p.turn(ringPath, c), p.turn(rungPath, c), c.Ring.At)
	if err != nil {
		return nil, err
	}
	if sid == "" {
		_, err = p.Store.RingOver(ctx, c.ID, c.Attempt, turn, "", refused)
		return nil, err
	}
	p.Log.Info("nobody was told of a call, so a phone rings", "call", c.ID, "person", person.Name)
	line, _ := p.Store.Team.Line(c.Line)
	until := p.Store.Clock.Now().Add(line.RingTimeout + ringGrace)
	return func(c *store.Call) bool { return c.Rung(d.Attempt, turn, sid, until) }, nil
}

// ringPhone rings a person's phone for a call, once; since is when that was due, url and status are told of it. The SID is
// empty when it is not to ring: it has too often in this hour, or Twilio refuses to, with the code of an error.
func (p *Phone) ringPhone(ctx context.Context, d store.Deed, c store.Call, person store.Person, url, status string, since time.Time) (
	sid string, refused int, err error,
) {
	line, _ := p.Store.Team.Line(c.Line)
	out := twilio.Outgoing{From: c.Line, To: person.Phone, URL: url, Status: status, Fallback: p.PublicURL + FallbackPath, Timeout: line.RingTimeout}
	if d.Doubt { // it may ring already
		if sid, err = p.Twilio.CalledOut(ctx, out, since.Add(-clockSkew)); err != nil || sid != "" {
			return sid, 0, later(err)
		}
	}
	may, err := p.Store.Allow(ctx, fmt.Sprintf("%s/%d", d.Key(), d.Rev),
		store.Quota{Of: "rings to " + person.Name, Most: 30, Within: time.Hour}, store.Quota{Of: "rings on " + c.Line, Most: 120, Within: time.Hour})
	if err != nil {
		return "", 0, &store.Later{Err: err}
	}
	if !may {
		p.Log.Warn("phone not rung: it has been too often in this hour", "call", c.ID, "person", person.Name)
		return "", 0, nil
	}
	sid, err = p.Twilio.CallOut(ctx, out)
	if e, ok := errors.AsType[*twilio.Error](err); ok && twilio.Refused(err) {
		p.Log.Warn("phone not rung", "call", c.ID, "person", person.Name, "err", err)
		return "", max(e.Code, 1), nil
	}
	return sid, 0, later(err)
}

const (
	clockSkew = 5 * time.Second  // between Twilio's clock and ours
	ringGrace = 60 * time.Second // Twilio's own 5 s on a timeout, the wait for a free line, and the word of the end to come
)

// hangups stop phones that ring for a call that somebody has answered, or whose caller has gone.
func (p *Phone) hangups() store.Work {
	return store.Work{Kind: store.HangUp, Parallel: 16, Longest: 8 * time.Second,
		Do: func(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
			if p.Store.Clock.Since(d.Due) > ringGrace {
				return nil, nil // it has stopped by itself
			}
			// Who has picked up is not cut off: they hear what became of the call, or talk with another caller by now.
			call, err := p.Twilio.Call(ctx, d.Whom)
			if err == nil && (call.Status == "queued" || call.Status == "ringing") {
				err = p.Twilio.End(ctx, d.Whom)
			}
			if twilio.Refused(err) { // it is over
				err = nil
			}
			return nil, later(err)
		}}
}

// turn is the URL of one of our documents for the phone whose turn it is.
func (p *Phone) turn(path string, c store.Call) string {
	return fmt.Sprintf("%s&t=%d", p.at(path, c), c.Ring.Turn)
}

func turnOf(r *http.Request) int {
	turn, _ := strconv.Atoi(r.URL.Query().Get("t")) // none: 0, which is nobody's
	return turn
}

// ring asks somebody who picked up whether they take the call.
func (p *Phone) ring(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	c, err := p.Store.PickedUp(r.Context(), id, attempt, turnOf(r), r.PostForm.Get("CallSid"))
	if err != nil {
		p.Log.Error("ring", "call", id, "err", err)
		p.say(w, &twiml.VoiceHangup{}) // the next phone has its turn
		return
	}
	p.say(w, p.toRung(r.Context(), c, r.PostForm.Get("CallSid"))...)
}

// key hears the key that somebody pressed whose phone was rung: their word on the call, under the same rule as any
// other. 2 passes on, any other key takes it. Who they are is the number that was rung.
func (p *Phone) key(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	f := r.PostForm
	leg := f.Get("CallSid")
	person, known := p.Store.Team.PersonByPhone(f.Get("To"))
	if !known || !sid.MatchString(leg) {
		p.ring(w, r, id, attempt)
		return
	}
	word := store.Take
	if f.Get("Digits") == "2" {
		word = store.Pass
	}
	v, c, err := p.Store.Answer(r.Context(), store.Answer{
		ID: fmt.Sprintf("phone:%s:%d", leg, attempt), Call: id, Attempt: attempt, Person: person.Name, Via: store.ByPhone, Word: word, Leg: leg,
		Force: true, // who picks up beside another call knows
	})
	switch {
	case err != nil:
		p.Log.Error("key", "call", id, "err", err)
		p.say(w, &twiml.VoiceHangup{})
	case v.Result == store.PassOn:
		p.say(w, words(notYou), &twiml.VoiceHangup{})
	default:
		p.say(w, p.toRung(r.Context(), c, leg)...)
	}
}

// toRung is what somebody whose phone was rung hears now.
func (p *Phone) toRung(ctx context.Context, c store.Call, leg string) []twiml.Element {
	switch {
	case c.State == store.Waiting:
		line, _ := p.Store.Team.Line(c.Line)
		ask := &twiml.VoiceGather{Action: p.turn(keyPath, c), NumDigits: "1", FinishOnKey: noKey, Timeout: "5",
			InnerElements: []twiml.Element{words(pressOneOrPass(line, c))}}
		return []twiml.Element{ask, ask, &twiml.VoiceHangup{}}
	case takenOn(c, leg) && c.Back != nil:
		return p.callBack(ctx, c, leg)
	case takenOn(c, leg):
		return p.meet(c)
	}
	return []twiml.Element{words(answeredElsewhere(c)), &twiml.VoiceHangup{}}
}

// rung hears how the call to somebody's phone ended. Twilio sends it once, at the end.
func (p *Phone) rung(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	if leg := r.PostForm.Get("CallSid"); twilio.Over(r.PostForm.Get("CallStatus")) {
		_, err := p.Store.RingOver(r.Context(), id, attempt, turnOf(r), leg, 0)
		if err == nil {
			err = p.Store.BackLegOver(r.Context(), id, attempt, leg, store.HungUp)
		}
		if err != nil && !errors.Is(err, store.ErrNoCall) {
			p.fail(w, err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
