package voice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// redirects pulls claimed calls out of their queues.
func (p *Phone) redirects() store.Work {
	return store.Work{Kind: store.Redirect, Parallel: 32, Do: p.redirect, Longest: 8 * time.Second}
}

// insist is how long after a claim the caller is looked for in the queue before the call itself is redirected.
const insist = 5 * time.Second

// quick is how soon the caller is looked for again right after a claim: four times a second for a second is what Twilio's
// limits on requests do not mind.
const quick = 250 * time.Millisecond

// redirect does it once: Twilio moves a member of a queue and refuses afterwards. A refusal means that something has
// become of the call, not that the redirect failed.
func (p *Phone) redirect(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := p.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	claimed := c.Attempt == d.Attempt && (c.State == store.Ringing || c.State == store.Recording)
	switch {
	case !claimed || c.Fetched == d.Attempt:
		return nil, nil
	case c.Missing == d.Attempt: // they are yet to be brought back from where they were, see retrieve
		return nil, &store.Later{After: quick}
	}
	target := p.at(connectPath, c)
	queue, err := p.queue(ctx, &c)
	if err != nil && !twilio.Refused(err) {
		return nil, later(err)
	}
	waits := queue != ""
	if waits && d.Doubt {
		in, sure, err := p.Twilio.InQueue(ctx, queue, c.SID)
		if err != nil {
			return nil, later(err)
		}
		waits = in || !sure
		p.Store.Looked(d.Kind, !waits)
	}
	if waits {
		err = p.Twilio.RedirectMember(ctx, queue, c.SID, target)
		if err == nil {
			return p.keepQueue(queue), nil
		}
		if !twilio.Refused(err) {
			return nil, later(err)
		}
	}
	refusal := err
	call, err := p.Twilio.Call(ctx, c.SID)
	if err != nil {
		return nil, later(err)
	}
	if twilio.Over(call.Status) {
		return nil, p.settle(ctx, c, call)
	}
	if c, err = p.Store.Call(ctx, c.ID); err != nil {
		return nil, err
	}
	if c.Fetched == d.Attempt || c.Attempt != d.Attempt {
		return nil, nil
	}
	switch since := p.Store.Clock.Since(c.Claim.At); {
	case since < time.Second:
		// A claim can be quicker than Twilio's Enqueue; that of who stands in line is, as a rule.
		return nil, &store.Later{After: quick}
	case since < insist:
		// They are on their way into the queue, or out of it.
		return nil, &store.Later{After: time.Second, Err: fmt.Errorf("caller is not in the queue yet: %w", errors.Join(errNotQueued, refusal))}
	}
	talks, err := p.Twilio.Connected(ctx, c.SID)
	switch {
	case talks: // the store was put back to a copy that does not know of it
		return nil, p.Store.Overtaken(ctx, c.ID, c.Attempt)
	case err != nil && !twilio.Refused(err):
		return nil, later(err)
	case d.Doubt, c.Claim.Word == store.SendVoicemail:
		// They may be leaving a message at a fallback, when they came or were pulled out while this server could not be
		// reached: that is not torn down, least of all to ask for a message.
		return nil, &store.Later{After: insist, Err: errNotQueued}
	}
	// They are on the line, in no queue, and hear none of our documents: nothing can be torn down.
	return nil, later(p.Twilio.RedirectCall(ctx, c.SID, target))
}

var errNotQueued = errors.New("call in progress, but no member of its queue")

// queue gives the SID of the call's queue: as Twilio told it when it asked for the hold music, or else found by name.
func (p *Phone) queue(ctx context.Context, c *store.Call) (string, error) {
	if c.Queue != "" {
		return c.Queue, nil
	}
	return p.Twilio.Queue(ctx, queueName(c.Line))
}

func (p *Phone) keepQueue(queue string) func(*store.Call) bool {
	return func(c *store.Call) bool {
		c.Queue = queue
		return false
	}
}

// later keeps Twilio's own word on when to try again.
func later(err error) error {
	if after, ok := twilio.Limited(err); ok {
		return &store.Later{After: after, Err: err}
	}
	return err
}

// questions asks Twilio what became of calls of which nothing was heard for too long.
func (p *Phone) questions() store.Work {
	return store.Work{Kind: store.Ask, Parallel: 8, Do: p.ask, Longest: time.Minute}
}

func (p *Phone) ask(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := p.Store.Call(ctx, d.Call)
	if err != nil || !c.Open() {
		return nil, err
	}
	if c.Back != nil {
		return nil, p.askCallBack(ctx, c)
	}
	if c, err = p.pickedUp(ctx, c); err != nil || !c.Open() {
		return nil, err
	}
	waits := c.State == store.Waiting && c.Missing != c.Attempt // else they are looked after, see retrieve
	if waits {
		gone, err := p.outOfQueue(ctx, &c)
		if err != nil {
			return nil, later(err)
		}
		if !gone {
			return nil, nil
		}
	}
	call, err := p.Twilio.Call(ctx, c.SID)
	switch {
	case err != nil:
		return nil, later(err)
	case twilio.Over(call.Status):
		return nil, p.settle(ctx, c, call)
	case waits && call.Status == "in-progress" && min(p.Store.Clock.Since(d.Due), p.Store.Clock.Since(c.Began())) < insist:
		return nil, &store.Later{After: insist, Err: errNotQueued} // they may be on their way into it
	case waits && call.Status == "in-progress":
		talks, err := p.Twilio.Connected(ctx, c.SID)
		switch {
		case talks: // the store was put back to a copy that does not know of it
			return nil, p.Store.Overtaken(ctx, c.ID, c.Attempt)
		case err != nil && !twilio.Refused(err):
			return nil, later(err)
		}
		p.Log.Warn("a call that waits is on the line, but not in its queue", "call", c.ID)
		_, err = p.Store.OutOfQueue(ctx, c.ID, c.Attempt)
		return nil, err
	}
	return nil, err
}

// pickedUp finds out whether they have picked up whom a caller was put through to and who is asked for no key. The word of
// that may have been lost, and nothing else here says so when that of the end is lost as well.
func (p *Phone) pickedUp(ctx context.Context, c store.Call) (store.Call, error) {
	line, _ := p.Store.Team.Line(c.Line)
	if c.State != store.Ringing || c.Claim.Leg != "" || asks(line, c) {
		return c, nil
	}
	taker, _ := p.Store.Team.Person(c.Claim.Person)
	legs, err := p.Twilio.Dialed(ctx, c.SID)
	i := slices.IndexFunc(legs, func(d twilio.Dialed) bool {
		return d.To == cmp.Or(c.Claim.To, taker.Phone) && !d.Began.Before(c.Claim.At.Add(-clockSkew))
	})
	if err != nil || i < 0 {
		return c, later(err)
	}
	switch leg := legs[i]; {
	case leg.Status == "in-progress":
		_, c, err = p.Store.Accept(ctx, c.ID, c.Attempt)
	case leg.Status == "completed":
		c, err = p.Store.Dialed(ctx, c.ID, c.Attempt, store.DialResult{Bridged: true, Seconds: leg.Seconds})
	}
	return c, err
}

// outOfQueue reports whether a call is certainly not in its queue.
func (p *Phone) outOfQueue(ctx context.Context, c *store.Call) (bool, error) {
	queue, err := p.queue(ctx, c)
	if err != nil {
		return false, err
	}
	if queue == "" { // nobody has ever been in it
		return true, nil
	}
	in, sure, err := p.Twilio.InQueue(ctx, queue, c.SID)
	return !in && sure, err
}

// settle records that a call is over, with what Twilio recorded of it: in whatever state it is here, for a message may
// have been left where this server could not be reached.
func (p *Phone) settle(ctx context.Context, c store.Call, call twilio.Call) error {
	rs, err := p.Twilio.Recordings(ctx, c.SID)
	if err != nil {
		return later(err)
	}
	facts := store.Facts{Ended: call.Ended}
	for _, r := range rs {
		switch {
		case r.Status == "completed" && r.Seconds > 0:
			facts.Voice = append(facts.Voice, store.Voice{SID: r.SID, Seconds: r.Seconds})
		case r.Status == "in-progress", r.Status == "processing":
			facts.Unsettled = true
		}
	}
	_, err = p.Store.Found(ctx, c.ID, facts)
	return err
}

// lookups asks for callers' names. One that fails is not asked for again: by then the call has been announced.
func (p *Phone) lookups() store.Work {
	return store.Work{Kind: store.Lookup, Parallel: 16, Longest: time.Second,
		Do: func(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
			c, err := p.Store.Call(ctx, d.Call)
			if err != nil || !c.Open() {
				return nil, err
			}
			name, err := p.Twilio.Name(ctx, c.From)
			if err != nil {
				p.Log.Warn("caller's name not looked up", "call", c.ID, "err", err)
			}
			return nil, p.Store.Named(ctx, c.ID, plain(name, 60))
		}}
}
