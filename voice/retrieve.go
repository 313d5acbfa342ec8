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

// retrieve redirects the caller's own leg, which ends whatever it dials. It is done twice only in doubt: that may be what
// they have not heard yet, and nobody is torn from whom a later claim has brought them to.
func (p *Phone) retrieve(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := p.Store.Call(ctx, d.Call)
	if err != nil || c.Missing != d.Attempt || !c.Open() {
		return nil, err
	}
	here := func(c *store.Call) bool {
		if c.Missing == d.Attempt {
			c.Missing = 0
		}
		return false
	}
	if d.Rev > 0 {
		// Twilio was asked, and they have not come: they hear a fallback. That is not torn down; see ask.
		return here, nil
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
	return nil, p.Store.Led(ctx, c.ID, d.Attempt, insist)
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
