package voice

import (
	"context"
	"errors"
	"strings"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// erasures deletes what Twilio keeps of calls that are too old, or whose callers are forgotten.
func (p *Phone) erasures() store.Work {
	return store.Work{Kind: store.Erase, Parallel: 4, Do: p.erase, Longest: time.Hour}
}

// spokenOf is how long after its end a call may still be spoken of in texts.
const spokenOf = 20 * time.Minute

// unfinished is how long a call is left alone with which Twilio is not done.
const unfinished = 10 * time.Minute

// erase deletes a call's recordings, then the texts that name its caller, then the call, which knew the caller's number:
// a repetition finds what is left.
func (p *Phone) erase(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	if strings.HasPrefix(d.Whom, "RE") {
		return nil, p.eraseLater(p.Twilio.DeleteRecording(ctx, d.Whom))
	}
	call, err := p.Twilio.Call(ctx, d.Whom)
	if err != nil {
		return nil, later(err)
	}
	if !twilio.Over(call.Status) {
		return nil, &store.Later{After: unfinished, Err: errors.New("the call is not over")}
	}
	recordings, err := p.Twilio.RecordingsOf(ctx, d.Whom)
	if err != nil && !twilio.Refused(err) {
		return nil, later(err)
	}
	for _, r := range recordings {
		if r.Status == "in-progress" || r.Status == "processing" {
			return nil, &store.Later{After: unfinished, Err: errors.New("a recording is not complete")}
		}
		if err := p.Twilio.DeleteRecording(ctx, r.SID); err != nil {
			return nil, p.eraseLater(err)
		}
	}
	if e164.MatchString(call.From) && !withheld[call.From] {
		until := call.Ended
		if until.IsZero() {
			until = d.Call.Time().Add(24 * time.Hour)
		}
		texts, err := p.Twilio.TextsFrom(ctx, d.Line, d.Call.Time().Add(-time.Minute), until.Add(spokenOf))
		if err != nil && !twilio.Refused(err) {
			return nil, later(err)
		}
		for _, t := range texts {
			if !store.Mentions(t.Body, call.From) {
				continue
			}
			if err := p.Twilio.DeleteText(ctx, t.SID); err != nil {
				return nil, p.eraseLater(err)
			}
		}
	}
	if err := p.Twilio.DeleteCall(ctx, d.Whom); err != nil {
		return nil, p.eraseLater(err)
	}
	return nil, p.Store.Erased(ctx, d.Whom)
}

// eraseLater says when to try again what Twilio did not delete.
func (p *Phone) eraseLater(err error) error {
	if twilio.Unfinished(err) {
		return &store.Later{After: unfinished, Err: err}
	}
	return later(err)
}
