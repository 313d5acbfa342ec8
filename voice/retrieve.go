package voice

import (
	"context"
	"net/http"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// retrieves bring callers back on hold from the taker they are with, or whose phone rings for them.
func (p *Phone) retrieves() store.Work {
	return store.Work{Kind: store.Retrieve, Parallel: 32, Do: p.retrieve, Longest: 8 * time.Second}
}

// retrieve redirects the caller's own leg, which ends whatever it dials. It may do so twice, for they are on their way to
// the queue then; it does nothing once they have come, or are with whoever took them since.
func (p *Phone) retrieve(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := p.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	here := func(c *store.Call) bool {
		if c.Missing == d.Attempt {
			c.Missing = 0
		}
		return false
	}
	if !c.Open() || c.Attempt != d.Attempt || c.Missing != d.Attempt {
		return nil, nil
	}
	queue, err := p.queue(ctx, &c)
	if err != nil && !twilio.Refused(err) {
		return nil, later(err)
	}
	if queue != "" {
		in, _, err := p.Twilio.InQueue(ctx, queue, c.SID)
		switch {
		case err != nil:
			return nil, later(err)
		case in:
			return here, nil
		}
	}
	call, err := p.Twilio.Call(ctx, c.SID)
	switch {
	case err != nil:
		return nil, later(err)
	case twilio.Over(call.Status):
		return nil, p.settle(ctx, c, call)
	}
	if c, err = p.Store.Call(ctx, c.ID); err != nil || c.Missing != d.Attempt {
		return nil, err
	}
	if err := p.Twilio.RedirectCall(ctx, c.SID, p.at(backPath, c)); err != nil {
		return nil, later(err)
	}
	// The leg that they were with ends a moment later. Until then the redirect of a new claim would take it for a
	// conversation of which nothing is known.
	if with, err := p.Twilio.Connected(ctx, c.SID); err == nil && with {
		return nil, &store.Later{After: quick}
	}
	return here, nil
}

// back is where a caller is redirected to who is to be on hold again. One who was claimed meanwhile hears what the claim
// says; unless that has a redirect of its own, which finds them in the queue.
func (p *Phone) back(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	c, err := p.Store.Retrieved(r.Context(), id, attempt)
	if err != nil {
		p.fail(w, err)
		return
	}
	p.say(w, p.onward(c, 0)...)
}
