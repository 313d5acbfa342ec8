package store

import (
	"context"
	"slices"
	"time"
)

// talkCheck is how often Twilio is asked about a call that talks, in case the word of its end was lost.
const talkCheck = 10 * time.Minute

// Fetched records that Twilio asked for the document that a redirect of this attempt points to: the redirect is done.
func (s *Store) Fetched(ctx context.Context, id CallID, attempt int) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if !c.Open() || c.Attempt != attempt || c.Fetched == attempt {
			return nothing, nil
		}
		c.Fetched = attempt
		if c.Missing == attempt {
			t.here(c)
		}
		return hidden, nil
	})
}

// Accept records that the taker pressed 1, or picked up on a line that does not ask. It reports whether the two are to
// be connected: not when the call is gone, or waits again.
func (s *Store) Accept(ctx context.Context, id CallID, attempt int) (bool, Call, error) {
	c, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Ringing || c.Attempt != attempt {
			return nothing, nil
		}
		c.State, c.Accepted, c.Deadline = Talking, t.now, t.now.Add(talkCheck)
		c.Fetched = attempt
		if c.Back != nil { // the caller's phone is yet to ring
			c.Deadline = t.now.Add(backCheck)
		}
		t.offer(c)
		return visible, t.waited(c)
	})
	return err == nil && c.State == Talking && c.Attempt == attempt, c, err
}

// Screen records what the taker did instead of accepting.
func (s *Store) Screen(ctx context.Context, id CallID, attempt int, why Why) error {
	_, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Ringing || c.Attempt != attempt || c.Screened == why {
			return nothing, nil
		}
		c.Screened = why
		return hidden, nil
	})
	return err
}

// DialResult is how the call to the taker's phone ended.
type DialResult struct {
	Bridged    bool // the caller and the taker were connected
	Seconds    int  // how long, as Twilio reports; 0 when it does not
	Why        Why  // when not bridged
	CallerGone bool // the caller has hung up
}

// Dialed records how ringing or talking ended. A caller whom nobody took waits again, with what is left of their
// waiting time, or is asked for a message when none is left.
func (s *Store) Dialed(ctx context.Context, id CallID, attempt int, r DialResult) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.Attempt == attempt && c.GaveUp() && r.Bridged && c.Claim != nil && (c.Claim.Word == Take || c.Claim.Word == Forward) {
			// The word of the caller's end overtook that of the conversation.
			c.Accepted, c.Outcome, c.Seconds = c.Stopped.Add(-time.Duration(r.Seconds)*time.Second), Talked, r.Seconds
			if c.Claim.Word == Forward {
				c.Outcome = Forwarded
			}
			return visible, nil
		}
		if c.State == Talking && c.Claim.Person == "" { // see Overtaken; what is earlier than the copy is late
			c.Attempt = max(c.Attempt, attempt)
		}
		if c.Attempt != attempt || c.Back != nil || c.State != Ringing && c.State != Talking {
			return nothing, nil
		}
		switch {
		case r.Bridged:
			if c.Accepted.IsZero() {
				c.Accepted = t.now.Add(-time.Duration(r.Seconds) * time.Second)
			}
			t.talked(c, r.Seconds)
			return visible, nil
		case r.CallerGone:
			if c.State == Ringing {
				t.tellTaker(c)
			}
			t.end(c, Missed)
			return visible, nil
		}
		t.here(c)
		if err := t.waitAgain(c, r.Why); err != nil {
			return nothing, err
		}
		t.heardNext(c)
		return visible, nil
	})
}

// Overtaken records that a caller whom nobody has taken, or to whom nobody got through, is on the phone with somebody all
// the same: the store was put back to a copy from before. Who took them, at which attempt, is not known any more.
func (s *Store) Overtaken(ctx context.Context, id CallID, attempt int) error {
	_, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if !c.Open() || c.Back != nil || c.State == Talking || c.Attempt != attempt || c.Fetched == attempt || c.Missing == attempt {
			return nothing, nil
		}
		t.tellTaker(c)
		c.State, c.Accepted, c.Deadline = Talking, t.now, t.now.Add(talkCheck)
		c.Claim = &Claim{Word: Take, Attempt: c.Attempt, At: t.now}
		return visible, nil
	})
	return err
}

func (t *txn) talked(c *Call, seconds int) {
	if seconds == 0 {
		seconds = t.since(c.Accepted)
	}
	c.Seconds = seconds
	switch {
	case c.Back != nil:
		t.end(c, CalledBack)
	case c.Claim.Word == Forward:
		t.end(c, Forwarded)
	default:
		t.end(c, Talked)
	}
}

// since is how many seconds ago a time was. Another machine's clock may be ahead of this one's.
func (t *txn) since(at time.Time) int {
	return max(0, int(t.now.Sub(at).Round(time.Second)/time.Second))
}

// waitAgain brings a caller back whom the taker did not take: a new attempt, so that an answer to the last
// announcement cannot take this one.
func (t *txn) waitAgain(c *Call, why Why) error {
	if c.Screened != "" {
		why = c.Screened
	}
	line, _ := t.team.Line(c.Line)
	if taker := c.Claim.Person; taker != "" {
		try := Try{Person: taker, Why: why, At: t.now}
		if c.Claim.Word == Forward {
			try.Word = Forward
		}
		c.Tries = append(slices.Clone(c.Tries), try)
	}
	if why != GaveBack { // who gave it back knows
		t.tellTaker(c)
	}
	if c.Missing == c.Attempt { // they have not come to where the taker was
		t.retrieve(c)
	}
	c.State, c.Claim, c.Accepted, c.Screened = Waiting, nil, time.Time{}, ""
	c.Attempt++
	switch {
	case c.Back != nil:
		c.Deadline = c.Back.At.Add(backWithin)
	case c.Handed != nil:
		c.Deadline = c.Handed.At.Add(line.MaxWait)
		if soon := t.now.Add(handedFor); !c.Handed.Returned && soon.Before(c.Deadline) {
			c.Deadline = soon
		}
	default:
		c.Deadline = c.Arrived.Add(line.MaxWait)
	}
	if c.Back == nil && !c.Deadline.After(t.now) {
		if c.Missing != 0 { // they have to be brought here first
			return t.claim(c, Claim{Word: SendVoicemail, Via: ByRule, Rule: WaitedOut})
		}
		t.sendToVoicemail(c, WaitedOut)
		return nil
	}
	if err := t.wait(c); err != nil || c.State != Waiting || len(c.Passed) == 0 || len(c.Told) > 0 {
		return err
	}
	return t.allPassed(c) // it may be that nobody is left who has not
}
