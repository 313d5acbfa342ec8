package store

import (
	"context"
	"time"
)

const (
	// backWithin is how long a caller who asked to be called back waits for it.
	backWithin = 24 * time.Hour
	// maxBackTries is how often a caller who cannot be reached is called back.
	maxBackTries = 2
)

// AskBack records that a caller on hold wants to be called back: they hang up and keep their place. It reports false
// when there is nobody to call, or the call does not wait any more.
func (s *Store) AskBack(ctx context.Context, id CallID, attempt int) (bool, Call, error) {
	c, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Waiting || c.Attempt != attempt || c.From == "" || c.Back != nil {
			return nothing, nil
		}
		c.Back = &Callback{At: t.now}
		c.Deadline, c.Queue = t.now.Add(backWithin), ""
		t.here(c)
		if !c.Ring.Up { // else who has picked up may still take it
			if c.Ring.SID != "" {
				t.due(Deed{Kind: HangUp, Call: c.ID, Whom: c.Ring.SID})
			}
			c.Ring = Ring{}
		}
		return visible, nil
	})
	return err == nil && c.Back != nil && c.Open(), c, err
}

// LeaveMessage records that a caller on hold wants to leave a message now. They hear our next document anyway. It reports
// false when somebody was quicker.
func (s *Store) LeaveMessage(ctx context.Context, id CallID, attempt int) (bool, Call, error) {
	c, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Waiting || c.Attempt != attempt || c.Back != nil {
			return nothing, nil
		}
		t.sendToVoicemail(c, CallersKey)
		return visible, nil
	})
	return err == nil && c.State == Recording && c.Claim.Rule == CallersKey, c, err
}

// CalledOut records that Twilio rings the phone of whoever calls back; leg is the CallSid of the call to them. It
// reports whether the call is still theirs: else that phone is to stop ringing.
func (c *Call) CalledOut(attempt int, leg string) bool {
	if c.Back == nil || c.Attempt != attempt || c.State != Ringing {
		return false
	}
	claim := *c.Claim
	claim.Leg = leg
	c.Claim = &claim
	return true
}

// stopCallOut makes it due to stop the phone of whoever was to call back.
func (t *txn) stopCallOut(c *Call) {
	t.Delete(Deed{Kind: CallOut, Call: c.ID, Attempt: c.Attempt}.Key())
	if c.Claim.Leg != "" {
		t.due(Deed{Kind: HangUp, Call: c.ID, Whom: c.Claim.Leg})
	}
}

// CallBackOver records how an attempt to call back ended: with a conversation, with a taker who did not come, or, when
// they did, with a caller who could not be reached.
func (s *Store) CallBackOver(ctx context.Context, id CallID, attempt int, r DialResult) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.Back == nil || c.Attempt != attempt || c.State != Ringing && c.State != Talking {
			return nothing, nil
		}
		switch {
		case r.Bridged:
			if c.Accepted.IsZero() {
				c.Accepted = t.now.Add(-time.Duration(r.Seconds) * time.Second)
			}
			t.talked(c, r.Seconds)
			return visible, nil
		case c.State == Ringing: // nobody has pressed 1
			return visible, t.waitAgain(c, r.Why)
		}
		back := *c.Back
		back.Tries++
		c.Back = &back
		if back.Tries >= maxBackTries {
			t.end(c, Tried)
			return visible, nil
		}
		return visible, t.waitAgain(c, Unreached)
	})
}
