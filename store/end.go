package store

import (
	"context"
	"time"
)

// askAgain is how long Twilio gets to report a message by itself, once its caller has hung up.
const askAgain = 10 * time.Second

// HungUp records that the caller's own leg has ended.
func (s *Store) HungUp(ctx context.Context, id CallID) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) { return t.hungUp(c), nil })
}

func (t *txn) hungUp(c *Call) change {
	if c.Back != nil { // they wait to be called back
		return nothing
	}
	switch c.State {
	case Waiting:
		t.end(c, Missed)
	case Ringing:
		t.tellTaker(c)
		t.end(c, Missed)
	case Talking:
		t.talked(c, 0)
	case Recording:
		// They may have left a message: its recording is reported separately, perhaps later than this.
		t.due(Deed{Kind: Ask, Call: c.ID, Due: t.now.Add(askAgain)})
		did := nothing
		if c.Missing != 0 { // there is nobody to be brought here any more, and nothing has to wait for that
			t.here(c)
			did = hidden
		}
		if soon := t.now.Add(grace); c.Deadline.After(soon) {
			c.Deadline, did = soon, hidden
		}
		return did
	default:
		return nothing
	}
	return visible
}

// LeftQueue records that the caller's wait ended in a way that needs our next document: the queue was full, or its
// hold music could not be had. A caller who was not claimed is asked for a message.
func (s *Store) LeftQueue(ctx context.Context, id CallID, attempt int) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		switch {
		case c.Attempt != attempt || !c.Open():
			return nothing, nil
		case c.State == Waiting:
			if c.Back != nil {
				return nothing, nil
			}
			t.sendToVoicemail(c, "")
			return visible, nil
		}
		return nothing, nil
	})
}

// Recorded records that the caller has finished their message; seconds is its length before trimming. Only the
// recording's own report says that it can be listened to.
func (s *Store) Recorded(ctx context.Context, id CallID, seconds int) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Recording {
			return nothing, nil
		}
		if seconds == 0 {
			t.end(c, Missed)
			return visible, nil
		}
		return t.hungUp(c), nil
	})
}

// RecordingReady records that a message can be listened to. Its link is then due, whatever state the call is in: what
// a caller said is never dropped.
func (s *Store) RecordingReady(ctx context.Context, id CallID, sid string, seconds int) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) { return t.recording(c, sid, seconds), nil })
}

func (t *txn) recording(c *Call, sid string, seconds int) change {
	if c.Has(sid) {
		return nothing
	}
	c.Voice = append(c.Voice, Voice{SID: sid, Seconds: seconds, At: t.now})
	t.due(Deed{Kind: Post, Call: c.ID, Line: c.Line, Whom: sid})
	switch {
	case c.State == Recording:
		t.end(c, Voicemail)
	case c.GaveUp():
		c.Outcome = Voicemail // we had given the message up too early
	}
	return visible
}

// NothingRecorded records that Twilio kept no message: the caller said nothing.
func (s *Store) NothingRecorded(ctx context.Context, id CallID) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Recording {
			return nothing, nil
		}
		t.end(c, Missed)
		return visible, nil
	})
}

// Facts is what Twilio says of a call that is over.
type Facts struct {
	Ended     time.Time // when, if Twilio says
	Voice     []Voice   // complete recordings of the call that are not empty
	Unsettled bool      // a recording is still being processed
}

// Found records that a call is over and what Twilio says of it, in case a webhook was lost.
func (s *Store) Found(ctx context.Context, id CallID, f Facts) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		did := nothing
		for _, v := range f.Voice {
			did = max(did, t.recording(c, v.SID, v.Seconds))
		}
		switch {
		case !c.Open():
			return did, nil
		case c.State == Recording && !f.Unsettled:
			t.end(c, Missed)
			return visible, nil
		case c.State == Talking && f.Ended.After(c.Accepted):
			t.talked(c, int(f.Ended.Sub(c.Accepted).Round(time.Second)/time.Second))
			return visible, nil
		}
		did = max(did, t.hungUp(c))
		return did, nil
	})
}

// Named records the caller's name, or that there is none to be had, and lets the announcements go that waited for it.
func (s *Store) Named(ctx context.Context, id CallID, name string) error {
	_, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if !c.Naming && name == "" || name == c.Name && !c.Naming || c.Forgotten {
			return nothing, nil
		}
		c.Naming = false
		if err := t.hasten(c); err != nil {
			return nothing, err
		}
		if name == "" {
			return hidden, nil
		}
		c.Name = name
		return visible, nil
	})
	return err
}
