package store

import (
	"context"
	"fmt"
	"time"
)

// Began is when the call's current attempt began: no answer to it is older.
func (c *Call) Began() time.Time {
	began := c.Arrived
	if n := len(c.Tries); n > 0 {
		began = c.Tries[n-1].At
	}
	if c.Handed != nil && c.Handed.At.After(began) {
		began = c.Handed.At
	}
	return began
}

// AskAbout makes it due to ask what became of a call that waits here. It reports false when that was due already, or the
// call waits no more.
func (s *Store) AskAbout(ctx context.Context, id CallID) (asked bool, err error) {
	_, err = s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		d := Deed{Kind: Ask, Call: id}
		due, err := t.deed(d.Key())
		if asked = err == nil && due == nil && c.State == Waiting; asked {
			t.due(d)
		}
		return nothing, err
	})
	return asked, err
}

// returned is how long after a claim a caller who rings, as far as is known here, may still be on the way out of the queue.
const returned = time.Minute

// BackInQueue records that a caller is in the queue though the call rings here: nobody took them, and the word of that was
// lost. It reports whether that was news.
func (s *Store) BackInQueue(ctx context.Context, id CallID) (news bool, err error) {
	_, err = s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		news = false
		if c.State != Ringing || c.Back != nil || t.now.Sub(c.Claim.At) < returned {
			return nothing, nil
		}
		due, err := t.deed(Deed{Kind: Redirect, Call: id, Attempt: c.Attempt}.Key())
		if news = err == nil && due == nil; !news {
			return nothing, err
		}
		return visible, t.waitAgain(c, Failed)
	})
	return news, err
}

// OutOfQueue records that a caller who waits here is on the line but in no queue: what they hear is not ours, and asks
// for a message. Their redirect is in doubt from the start: it moves them if they are in the queue after all, and never
// tears down what they hear.
func (s *Store) OutOfQueue(ctx context.Context, id CallID, attempt int) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Waiting || c.Attempt != attempt || c.Back != nil || c.Missing == attempt {
			return nothing, nil
		}
		if err := t.claim(c, Claim{Word: SendVoicemail, Via: ByRule}); err != nil {
			return nothing, err
		}
		t.due(Deed{Kind: Redirect, Call: c.ID, Attempt: c.Attempt, Doubt: true})
		return visible, nil
	})
}

// LeftMessage records a message that a caller left while nobody listened, in a call of which nothing was known: the call
// is over, and the message's link is due. The same again changes nothing.
func (s *Store) LeftMessage(ctx context.Context, a Arrival, arrived, ended time.Time, v Voice) (Call, error) {
	arrived = arrived.UTC().Truncate(time.Millisecond)
	c, err := s.arrive(ctx, a, arrived, func(t *txn, c *Call) error {
		if ended.IsZero() {
			ended = t.now
		}
		c.State, c.Outcome, c.Stopped = Ended, Voicemail, ended.UTC()
		c.Claim = &Claim{Word: SendVoicemail, Via: ByRule, Attempt: c.Attempt, At: arrived}
		t.recording(c, v.SID, v.Seconds)
		return nil
	})
	if err != nil {
		return c, err
	}
	return s.RecordingReady(ctx, c.ID, v.SID, v.Seconds)
}

// Learn makes it due to find out about a message that Twilio reports in a call of which nothing is known here.
func (s *Store) Learn(ctx context.Context, callSID, recording string, seconds int) error {
	return s.update(ctx, func(t *txn) error {
		t.due(Deed{Kind: Learn, Whom: fmt.Sprintf("%s/%s/%d", callSID, recording, seconds)})
		return nil
	})
}

// Erasing reports whether it is due to erase what Twilio keeps of a call: then none of it must be found again.
func (s *Store) Erasing(ctx context.Context, callSID string) (found bool, err error) {
	err = s.backend.View(ctx, func(r Reader) error {
		id, err := r.Get("sid/" + callSID)
		if err != nil || id == nil {
			return err
		}
		d, err := r.Get(Deed{Kind: Erase, Call: CallID(id), Whom: callSID}.Key())
		found = d != nil
		return err
	})
	return found, err
}

// Moving reports whether a caller has been pulled out of the queue and has not asked for what they hear next.
func (s *Store) Moving(ctx context.Context) (moving bool, err error) {
	calls, err := s.OpenCalls(ctx, "")
	if err != nil {
		return false, err
	}
	err = s.backend.View(ctx, func(r Reader) error {
		moving = false
		for _, c := range calls {
			if c.Claim == nil || c.Back != nil || c.Fetched == c.Attempt || c.State != Ringing && c.State != Recording {
				continue
			}
			due, err := r.Get(Deed{Kind: Redirect, Call: c.ID, Attempt: c.Attempt}.Key())
			if err != nil {
				return err
			}
			moving = moving || due == nil
		}
		return nil
	})
	return moving, err
}

// Settled waits until nothing of a kind is due that was due when it was called, or ctx ends.
func (s *Store) Settled(ctx context.Context, kind Kind) error {
	now := s.now()
	prefix := "due/" + string(kind) + "/"
	changed, cancel := s.backend.Watch(prefix)
	defer cancel()
	for {
		due := false
		err := s.backend.View(ctx, func(r Reader) error {
			due = false
			return r.Scan(prefix, "", func(_ string, b []byte) bool {
				d, err := decode[Deed](b)
				due = err == nil && !d.Due.After(now) // what cannot be read will not be done
				return !due
			})
		})
		if err != nil || !due {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
