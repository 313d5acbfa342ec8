package voice

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// young is how long after its beginning a wait may not be looked for in the queue: Twilio is about to put the caller
// there.
const young = time.Minute

// MissedCalls compares the lines' queues with the calls that wait here. A caller of whom nothing is known here is
// announced; what became of one who is in no queue is asked. mended is told of each.
func (p *Phone) MissedCalls(ctx context.Context, mended func(what string)) error {
	open, err := p.Store.OpenCalls(ctx, "")
	if err != nil {
		return err
	}
	waiting := only(open, func(c store.Call) bool {
		return c.State == store.Waiting && c.Back == nil && c.Missing != c.Attempt && p.Store.Clock.Since(c.Began()) >= young
	})
	var failed error
	for _, line := range p.Store.Team.Lines {
		err := p.compare(ctx, line.Number, waiting, mended)
		failed = errors.Join(failed, err) // one line's queue that cannot be had holds up no other
	}
	return failed
}

func only(calls []store.Call, is func(store.Call) bool) map[string]store.Call {
	out := map[string]store.Call{}
	for _, c := range calls {
		if is(c) {
			out[c.SID] = c
		}
	}
	return out
}

func (p *Phone) compare(ctx context.Context, line string, waiting map[string]store.Call, mended func(string)) error {
	queue, err := p.Twilio.Queue(ctx, queueName(line))
	if err != nil {
		return err
	}
	in := map[string]bool{}
	if queue != "" {
		members, err := p.Twilio.Members(ctx, queue)
		if err != nil {
			return err
		}
		var failed error
		for _, sid := range members {
			in[sid] = true
			failed = errors.Join(failed, p.member(ctx, line, queue, sid, mended))
		}
		if failed != nil {
			return failed
		}
	}
	for _, c := range waiting {
		if c.Line == line && !in[c.SID] {
			asked, err := p.Store.AskAbout(ctx, c.ID)
			if err != nil {
				return err
			}
			if asked {
				p.Log.Warn("a call that waits is not in its queue", "call", c.ID)
				mended("left")
			}
		}
	}
	return nil
}

// member takes up a caller who waits in a line's queue and of whom nothing is known here.
func (p *Phone) member(ctx context.Context, line, queue, callSID string, mended func(string)) error {
	if id, err := p.Store.CallBySID(ctx, callSID); !errors.Is(err, store.ErrNoCall) {
		if err == nil {
			var back bool
			if back, err = p.Store.BackInQueue(ctx, id); back {
				p.Log.Warn("a call that rang is back in its queue", "call", id)
				mended("call")
			}
		}
		if errors.Is(err, store.ErrNoCall) { // being erased
			err = nil
		}
		return err
	}
	call, err := p.Twilio.Call(ctx, callSID)
	if err != nil || twilio.Over(call.Status) {
		return err
	}
	a := found(callSID, call)
	a.Line, a.Queued = line, true
	c, err := p.Store.Arrive(ctx, a)
	if err != nil {
		return err
	}
	p.Log.Warn("a caller waits of whom nothing was known", "call", c.ID, "sid", callSID)
	mended("call")
	_, err = p.Store.Queued(ctx, c.ID, c.Attempt, queue)
	return err
}

// found reads a call of Twilio's as if it had just come in.
func found(callSID string, c twilio.Call) store.Arrival {
	return arrival(url.Values{"CallSid": {callSID}, "To": {c.To}, "From": {c.From}, "CallerName": {c.Name}})
}

// MissedMessages looks for messages that callers left between two times, here or at a fallback that needs no server, and
// of which nothing is known here: each becomes a voicemail. mended is told of each.
func (p *Phone) MissedMessages(ctx context.Context, since, until time.Time, mended func(what string)) error {
	// What is older was erased here, or is about to be.
	if oldest := p.Store.Clock.Now().Add(-p.Retention); p.Retention > 0 && since.Before(oldest) {
		since = oldest
	}
	rs, err := p.Twilio.RecordingsSince(ctx, since)
	if err != nil {
		return err
	}
	var failed error
	for _, r := range rs {
		if left(r) && (r.Created.IsZero() || !r.Created.Before(since) && !r.Created.After(until)) {
			failed = errors.Join(failed, p.message(ctx, r, since, mended))
		}
	}
	return failed
}

// left reports whether a recording is a message that can be listened to.
func left(r twilio.Recording) bool { return r.Status == "completed" && r.Seconds > 0 && r.Message }

func (p *Phone) message(ctx context.Context, r twilio.Recording, since time.Time, mended func(string)) error {
	// One that is being erased is still in Twilio's list, and its call may be forgotten here.
	if erasing, err := p.Store.Erasing(ctx, r.Call); err != nil || erasing {
		return err
	}
	id, err := p.Store.CallBySID(ctx, r.Call)
	if errors.Is(err, store.ErrNoCall) {
		return p.stranger(ctx, r, since, mended)
	}
	if err != nil {
		return err
	}
	c, err := p.Store.Call(ctx, id)
	if err != nil || c.Has(r.SID) {
		return err
	}
	p.Log.Warn("a voicemail was missed", "call", id, "recording", r.SID)
	mended("voicemail")
	_, err = p.Store.RecordingReady(ctx, id, r.SID, r.Seconds)
	return err
}

// lessons finds out about messages that Twilio reports in calls of which nothing is known.
func (p *Phone) lessons() store.Work {
	return store.Work{Kind: store.Learn, Parallel: 4, Longest: time.Minute,
		Do: func(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
			part := strings.Split(d.Whom, "/")
			seconds, _ := strconv.Atoi(part[2])
			call, err := p.Twilio.Call(ctx, part[0])
			if err != nil {
				return nil, later(err)
			}
			return nil, p.leftMessage(ctx, part[0], call, store.Voice{SID: part[1], Seconds: seconds}, d.Due)
		}}
}

// leftMessage records a message in a call of which nothing is known; heard is when we heard of it.
func (p *Phone) leftMessage(ctx context.Context, callSID string, call twilio.Call, v store.Voice, heard time.Time) error {
	if _, ours := p.Store.Team.Line(call.To); !ours {
		return nil
	}
	if call.Began.IsZero() {
		call.Began = heard
	}
	c, err := p.Store.LeftMessage(ctx, found(callSID, call), call.Began, call.Ended, v)
	if err == nil {
		p.Log.Warn("a caller left a message while nobody listened", "call", c.ID, "recording", v.SID)
	}
	return err
}

// stranger makes a call of a message whose call is not known: its caller got no further than the fallback.
func (p *Phone) stranger(ctx context.Context, r twilio.Recording, since time.Time, mended func(string)) error {
	call, err := p.Twilio.Call(ctx, r.Call)
	if err != nil {
		return err
	}
	if _, ours := p.Store.Team.Line(call.To); !ours || !call.Began.IsZero() && call.Began.Before(since) {
		return nil
	}
	// The list may be older than the erasing of what stood in it.
	rs, err := p.Twilio.Recordings(ctx, r.Call)
	if err != nil {
		return err
	}
	for _, now := range rs {
		if now.SID == r.SID {
			mended("voicemail")
			if err := p.leftMessage(ctx, r.Call, call, store.Voice{SID: r.SID, Seconds: r.Seconds}, p.Store.Clock.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}
