package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Arrival is an incoming call.
type Arrival struct {
	SID  string // Twilio CallSid
	Line string // number that was dialled
	From string // E.164, empty when withheld
	Name string // when Twilio sent one
	City string // "Boise, ID"

	Queued bool // they are on hold already, and hear no other document of ours
}

// Arrive records an incoming call, once: the same CallSid again gives the same call. The call waits, its announcement
// is due; where its caller has as many calls open as one may, it is asked for a short message instead.
func (s *Store) Arrive(ctx context.Context, a Arrival) (Call, error) {
	return s.arrive(ctx, a, s.now(), func(t *txn, c *Call) error {
		line, _ := t.team.Line(c.Line)
		c.State, c.Deadline = Waiting, t.now.Add(line.MaxWait)
		if may, err := t.mayWait(c); err != nil || !may && !a.Queued {
			t.sendToVoicemail(c, "")
			c.Short = true
			return err
		}
		if rule, err := t.closed(c); err != nil || rule != "" {
			if a.Queued {
				return errors.Join(err, t.claim(c, Claim{Word: SendVoicemail, Via: ByRule, Rule: rule}))
			}
			t.sendToVoicemail(c, rule)
			return err
		}
		if c.Naming = t.team.Lookup && c.From != "" && c.Name == ""; c.Naming {
			t.due(Deed{Kind: Lookup, Call: c.ID})
		}
		t.escalations(c)
		if err := t.wait(c); err != nil || a.Queued {
			return err
		}
		t.heardNext(c)
		return nil
	})
}

// heardNext notes that a caller hears what a claim says as our next document anyway, so that no redirect is needed.
func (t *txn) heardNext(c *Call) {
	if c.State == Ringing || c.State == Recording {
		c.Fetched = c.Attempt
		t.Delete(Deed{Kind: Redirect, Call: c.ID, Attempt: c.Attempt}.Key())
		t.here(c)
	}
}

// wait has a call wait: for the first who stands in line, or for anybody who is told of it.
func (t *txn) wait(c *Call) error {
	c.Told, c.Ring = nil, Ring{}
	if err := t.giveCode(c); err != nil {
		return err
	}
	if first, err := t.firstInLine(c); err != nil || first != nil {
		if err == nil {
			err = t.takeInLine(c, *first)
		}
		return err
	}
	t.catchUpSteps(c)
	return t.announce(c)
}

// closed says which rule keeps a caller from waiting at all, if one does.
func (t *txn) closed(c *Call) (Rule, error) {
	l, _ := t.team.Line(c.Line)
	if !l.Hours.Open(t.now) {
		return AfterHours, nil
	}
	all := l.everybody()
	for _, name := range all {
		if off, err := t.offDuty(name); err != nil || !off {
			return "", err
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	if first, err := t.firstInLine(c); err != nil || first != nil { // they asked for this one
		return "", err
	}
	return NobodyOnDuty, nil
}

// ArriveAtFallback records a call that could not be put on hold and is being asked for a message. A call that is
// known already goes over to its message.
func (s *Store) ArriveAtFallback(ctx context.Context, a Arrival) (Call, error) {
	c, err := s.arrive(ctx, a, s.now(), func(t *txn, c *Call) error {
		c.State = Waiting
		t.sendToVoicemail(c, "")
		return nil
	})
	if err != nil || c.State == Recording || !c.Open() {
		return c, err
	}
	return s.change(ctx, c.ID, func(t *txn, c *Call) (change, error) {
		if c.Back != nil { // it is not the caller's own leg any more that counts
			return nothing, nil
		}
		switch c.State {
		case Waiting:
			t.sendToVoicemail(c, "")
		case Ringing:
			t.tellTaker(c)
			t.sendToVoicemail(c, "")
		case Talking:
			t.talked(c, 0) // what failed was the way on from their conversation
		default:
			return nothing, nil
		}
		return visible, nil
	})
}

func (s *Store) arrive(ctx context.Context, a Arrival, at time.Time, begin func(*txn, *Call) error) (Call, error) {
	var out Call
	isNew := false
	id := s.newCallID(at)
	err := s.update(ctx, func(t *txn) error {
		known, err := t.Get("sid/" + a.SID)
		if err != nil {
			return err
		}
		if isNew = known == nil; !isNew {
			c, err := load(t.Get, CallID(known))
			if c != nil {
				out = *c
			} else if err == nil {
				err = ErrNoCall
			}
			return err
		}
		c := &Call{ID: id, SID: a.SID, Line: a.Line, From: a.From, Name: a.Name, City: a.City, Attempt: 1, Arrived: at}
		if err := begin(t, c); err != nil {
			return err
		}
		t.Put("sid/"+a.SID, []byte(id))
		err = t.save(nil, c, visible)
		out = *c
		return err
	})
	if err != nil {
		return Call{}, fmt.Errorf("arrival of %s: %w", a.SID, err)
	}
	if isNew {
		s.saved(&Call{}, &out)
	}
	return out, nil
}

// Queued records the queue that Twilio put the call in, at an attempt.
func (s *Store) Queued(ctx context.Context, id CallID, attempt int, queue string) (Call, error) {
	return s.change(ctx, id, func(_ *txn, c *Call) (change, error) {
		back := c.Missing != 0 && c.Missing == attempt
		if queue == "" || !c.Open() || c.Queue == queue && !back {
			return nothing, nil
		}
		c.Queue = queue
		if back {
			c.Missing = 0
		}
		return hidden, nil
	})
}
