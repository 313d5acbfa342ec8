package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// atKey sorts by time, then by call.
func atKey(at time.Time, id CallID) string {
	return "at/" + at.UTC().Format("20060102T150405.000") + "/" + string(id)
}

// Deadlines does, until ctx ends, what follows when a call has stayed too long in a state. A caller on hold is asked for a
// message; one who was handed over comes back to whoever did that, first. One who waits to be called back does so no more,
// and a taker who is to call them back and has not pressed 1 has not taken the call. Of any other call Twilio is asked what
// became of it.
func (s *Store) Deadlines(ctx context.Context) error {
	changed, cancel := s.backend.Watch("at/")
	defer cancel()
	var failures row
	for {
		next, err := s.expire(ctx)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if failures.first(err) {
			s.Log.Error("deadlines", "err", err)
		}
		if err != nil {
			next = time.Second
		}
		if !s.pause(ctx, next, changed, nil) {
			return nil
		}
	}
}

// pause waits for a time to pass or for something to change. It reports false when ctx has ended.
func (s *Store) pause(ctx context.Context, d time.Duration, changed, woken <-chan struct{}) bool {
	timer := s.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-woken:
	case <-timer.Chan():
	}
	return ctx.Err() == nil
}

// expire handles the deadlines that have passed and returns how long it is to the next one.
func (s *Store) expire(ctx context.Context) (time.Duration, error) {
	const most = time.Hour
	now := s.now()
	var ids []CallID
	next := most
	err := s.backend.View(ctx, func(r Reader) error {
		return r.Scan("at/", "", func(key string, _ []byte) bool {
			at, id, _ := strings.Cut(strings.TrimPrefix(key, "at/"), "/")
			t, err := time.Parse("20060102T150405.000", at)
			if err == nil && t.After(now) {
				next = min(next, t.Sub(now))
				return false
			}
			ids = append(ids, CallID(id))
			return true
		})
	})
	if err != nil {
		return 0, fmt.Errorf("read deadlines: %w", err)
	}
	var bad error
	for _, id := range ids {
		if _, err := s.change(ctx, id, expired); err != nil {
			bad = errors.Join(bad, err) // one call that cannot be read holds up no other
		}
		next = 0 // what follows may have a deadline that is nearer
	}
	return next, bad
}

func expired(t *txn, c *Call) (change, error) {
	if !c.Open() || c.Deadline.After(t.now) {
		return nothing, nil
	}
	switch {
	case c.State == Waiting && c.Back != nil:
		t.notCalledBack(c)
		return visible, nil
	case c.State == Waiting:
		return visible, t.waitedOut(c)
	}
	if c.State == Ringing && c.Back != nil { // nobody has pressed 1, and Twilio knows of no call that could be asked about
		t.stopCallOut(c)
		why := NoAnswer
		if c.Claim.Leg == "" { // their phone could not be rung
			why = Failed
		}
		return visible, t.waitAgain(c, why)
	}
	c.Deadline = t.now.Add(grace)
	if c.State == Talking {
		c.Deadline = t.now.Add(talkCheck)
	}
	t.due(Deed{Kind: Ask, Call: c.ID})
	return hidden, nil
}

// waitedOut ends the wait of a caller whom nobody has taken. One who was handed over comes back to the person who did,
// once; if they cannot take it, the wait goes on for what is left of it.
func (t *txn) waitedOut(c *Call) error {
	if c.Handed != nil && !c.Handed.Returned {
		rung, err := t.handBack(c)
		if err != nil || rung {
			return err
		}
		line, _ := t.team.Line(c.Line)
		if end := c.Handed.At.Add(line.MaxWait); end.After(t.now) {
			c.Deadline = end
			return nil
		}
	}
	return t.claim(c, Claim{Word: SendVoicemail, Via: ByRule, Rule: WaitedOut})
}
