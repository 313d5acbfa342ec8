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
	// backCheck is how long after a taker pressed 1 Twilio is asked whether they reached the caller.
	backCheck = 2 * time.Minute
)

// AskBack records that a caller on hold wants to be called back: they hang up and keep their place. It reports false
// when there is nobody to call, the call does not wait any more, or another call of theirs waits for the same.
func (s *Store) AskBack(ctx context.Context, id CallID, attempt int) (bool, Call, error) {
	c, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Waiting || c.Attempt != attempt || c.From == "" || c.Back != nil {
			return nothing, nil
		}
		if asked, err := asked(t.Get, c); err != nil || asked {
			return nothing, err
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

// Asked reports whether the caller waits to be called back from another call of theirs already: once is enough.
func (s *Store) Asked(ctx context.Context, c Call) (yes bool, err error) {
	err = s.backend.View(ctx, func(r Reader) (err error) {
		yes, err = asked(r.Get, &c)
		return err
	})
	return yes, err
}

func asked(get func(string) ([]byte, error), c *Call) (bool, error) {
	open, err := callsOf(get, "from/"+c.From)
	if err != nil {
		return false, err
	}
	for _, id := range open {
		other, err := load(get, id)
		if err != nil {
			return false, err
		}
		if other != nil && other.ID != c.ID && other.Open() && other.Back != nil {
			return true, nil
		}
	}
	return false, nil
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

// notCalledBack ends the wait of a caller whom nobody is to call back any more.
func (t *txn) notCalledBack(c *Call) {
	if c.Back.Tries > 0 {
		t.end(c, Tried)
	} else {
		t.end(c, Missed)
	}
}

// CalledOut records that Twilio rings the phone of whoever calls back, or that they have picked it up; leg is the CallSid.
// When the call is not theirs any more, it is due to stop that phone, and CalledOut reports false.
func (s *Store) CalledOut(ctx context.Context, id CallID, attempt int, leg string) (theirs bool, c Call, err error) {
	c, err = s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		theirs = c.Back != nil && c.Attempt == attempt && c.Claim != nil && (c.Claim.Leg == leg || c.State == Ringing && c.Claim.Leg == "")
		switch {
		case theirs && c.Claim.Leg == leg:
			return nothing, nil
		case theirs:
			claim := *c.Claim
			claim.Leg = leg
			c.Claim = &claim
			return hidden, nil
		}
		t.due(Deed{Kind: HangUp, Call: c.ID, Whom: leg})
		return nothing, nil
	})
	return err == nil && theirs, c, err
}

// stopCallOut makes it due to stop the phone of whoever was to call back.
func (t *txn) stopCallOut(c *Call) {
	t.Delete(Deed{Kind: CallOut, Call: c.ID, Attempt: c.Attempt}.Key())
	if c.Claim.Leg != "" {
		t.due(Deed{Kind: HangUp, Call: c.ID, Whom: c.Claim.Leg})
	}
}

// CallBackOver records how an attempt to call back ended: with a conversation, with a taker who did not come, or, when
// they did, with a caller who could not be reached: those are counted. A taker who is gone before the caller's phone has
// rung out has HungUp.
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
		case c.State == Ringing, r.Why == HungUp: // nobody has pressed 1, or waited for the caller
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

// BackLegOver records that the phone call of whoever calls back has ended; why is the reason if they have not pressed 1.
// What became of the caller's phone is reported by itself, perhaps later than this; else Twilio is asked.
func (s *Store) BackLegOver(ctx context.Context, id CallID, attempt int, leg string, why Why) error {
	_, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.Back == nil || c.Attempt != attempt || c.Claim == nil || c.Claim.Leg != "" && c.Claim.Leg != leg {
			return nothing, nil
		}
		switch c.State {
		case Ringing:
			return visible, t.waitAgain(c, why)
		case Talking:
			t.due(Deed{Kind: Ask, Call: c.ID, Due: t.now.Add(askAgain)})
		}
		return nothing, nil
	})
	return err
}
