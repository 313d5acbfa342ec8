package store

import (
	"context"
	"slices"
	"time"
)

// When nobody could be told of a call, people's phones are rung, one after the other.
const (
	// soonest is how long Slack gets to show a call before phones are rung, once every text is known to be lost.
	soonest = 5 * time.Second
	// latest is how long anything gets to tell anybody.
	latest = 10 * time.Second
	// betweenRounds is how long it is from the last phone of a round to the first of the next.
	betweenRounds = 15 * time.Second
	// asking is how long the question may take somebody who picked up, asked twice, and the word of its end to come.
	asking = 45 * time.Second
	// meetWithin is how long a taker who is on the phone already may take to come to the place where the caller is led.
	meetWithin = 3 * time.Second
)

// Ring says whose phone is rung for a call that waits.
type Ring struct {
	Began  time.Time `json:"began"`         // when the attempt was announced
	Rev    int64     `json:"rev"`           // first revision of the call that shows the attempt
	Turn   int       `json:"turn"`          // counts phones, from 1
	Person string    `json:"person"`        // whose turn it is
	At     time.Time `json:"at,omitzero"`   // when they are rung, or given up once they are; zero: not at all, somebody was told
	SID    string    `json:"sid,omitempty"` // Twilio CallSid of the call to them, once it is known
	Up     bool      `json:"up,omitempty"`  // they picked up
}

// beginRing prepares the ringing of people, should nobody be told of the call's attempt, unless it is somebody's turn
// already. Ringing that ended because nobody was free goes on.
func (t *txn) beginRing(c *Call) error {
	if c.Ring.Person != "" {
		return nil
	}
	if c.Ring.Turn <= 1 { // nobody has been rung
		rev := c.Ring.Rev
		if rev == 0 {
			rev = c.Rev + 1
		}
		c.Ring = Ring{Began: t.now, Rev: rev}
	}
	return t.nextRing(c)
}

// nextRing gives the turn to the next phone, in the line's order, of those who can be told. Who waits to be called back
// hears no music: no phone is rung for them.
func (t *txn) nextRing(c *Call) error {
	if c.Back != nil {
		c.Ring = Ring{}
		return nil
	}
	people, err := t.callees(c)
	if err != nil {
		return err
	}
	r := Ring{Began: c.Ring.Began, Rev: c.Ring.Rev, Turn: c.Ring.Turn + 1}
	all := t.concerned(c)
	i := slices.Index(all, c.Ring.Person)
	for n := range all {
		next := (i + 1 + n) % len(all)
		if !slices.Contains(people, all[next]) {
			continue
		}
		r.Person, r.At = all[next], t.now
		if i >= 0 && next <= i {
			r.At = t.now.Add(betweenRounds)
		}
		break
	}
	c.Ring = r
	return nil
}

// reach says when the first phone is rung: not at all once the call is shown in Slack, or Twilio has taken a text that
// is not known to be lost. Ringing that has begun goes on until somebody answers.
func (t *txn) reach(c *Call) {
	r := &c.Ring
	if c.Back != nil && r.SID == "" { // nobody is on the line: whoever has the time sees it
		r.At = time.Time{}
		return
	}
	if r.Turn != 1 || r.SID != "" || r.Person == "" {
		return
	}
	shown := c.Message.TS != "" && c.Message.Rev >= r.Rev
	lost := 0
	for _, name := range c.Told {
		switch x, ok := c.TextTo(name); {
		case ok && !x.Status.Lost():
			shown = true
		case ok, c.hopeless(name):
			lost++
		}
	}
	switch {
	case shown:
		r.At = time.Time{}
	case lost == len(c.Told):
		r.At = r.Began.Add(soonest)
	default:
		r.At = r.Began.Add(latest)
	}
}

// ring keeps what is due in step with whose turn it is. When the call does not wait any more, a phone that still rings
// is hung up; who has picked up hears what became of the call.
func (t *txn) ring(was, c *Call) error {
	d := Deed{Kind: RingUp, Call: c.ID, Attempt: c.Attempt}
	if c.State != Waiting {
		if c.Ring == (Ring{}) {
			return nil
		}
		if was != nil && was.State == Waiting {
			t.Delete(d.Key())
		}
		if c.Ring.Up { // kept, so that Rung knows it
			return nil
		}
		if c.Ring.SID != "" && (c.Claim == nil || c.Claim.Leg != c.Ring.SID) {
			t.due(Deed{Kind: HangUp, Call: c.ID, Whom: c.Ring.SID})
		}
		c.Ring = Ring{}
		return nil
	}
	t.reach(c)
	if was != nil && was.Ring == c.Ring {
		return nil
	}
	if c.Ring.At.IsZero() {
		t.Delete(d.Key())
		return nil
	}
	d.Rev, d.Due = int64(c.Ring.Turn), c.Ring.At
	old, err := t.deed(d.Key())
	if err != nil {
		return err
	}
	if old != nil && old.Rev == d.Rev { // it may be under way: nobody else rings meanwhile, and its end leaves this one
		d.Owner, d.Doubt, d.Left = old.Owner, old.Doubt, old.Left
	}
	t.put(d)
	return nil
}

// Rung records that Twilio rings the phone whose turn it is; until is when it is given up, should nothing be heard of
// it. It reports whether people see the change.
func (c *Call) Rung(attempt, turn int, sid string, until time.Time) bool {
	switch {
	case c.Attempt != attempt:
		return false
	case c.State != Waiting: // answered meanwhile; it is hung up
		if !c.Ring.Up {
			c.Ring.SID = sid
		}
		return false
	case c.Ring.Turn != turn || c.Ring.Up: // over already, or picked up
		return false
	}
	c.Ring.SID, c.Ring.At = sid, until
	return true
}

// PickedUp records that somebody picked up the phone whose turn it is. leg is the Twilio CallSid of the call to them.
func (s *Store) PickedUp(ctx context.Context, id CallID, attempt, turn int, leg string) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Waiting || c.Attempt != attempt || c.Ring.Turn != turn || c.Ring.Up {
			return nothing, nil
		}
		did := hidden
		if c.Ring.SID == "" {
			did = visible
		}
		c.Ring.SID, c.Ring.Up, c.Ring.At = leg, true, t.now.Add(asking)
		return did, nil
	})
}

// RingOver records that the call to the phone whose turn it is has come to nothing; code is Twilio's error when it
// would not even ring. The next phone has its turn. A taker who has pressed 1 and is gone before the caller was
// brought to them has not taken the call.
func (s *Store) RingOver(ctx context.Context, id CallID, attempt, turn int, leg string, code int) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		switch {
		case c.Attempt != attempt:
		case c.State == Waiting && c.Ring.Turn == turn:
			if code != 0 {
				c.giveUp(Undone{Kind: RingUp, Person: c.Ring.Person, Code: code})
			}
			return visible, t.nextRing(c)
		case c.State == Ringing && leg != "" && c.Claim.Leg == leg && c.Fetched != c.Attempt:
			return visible, t.waitAgain(c, HungUp)
		}
		return nothing, nil
	})
}

// Met records that a taker who is on the phone is where the caller is to be led: the redirect need not wait any longer.
func (s *Store) Met(ctx context.Context, id CallID, attempt int, leg string) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.State != Ringing || c.Attempt != attempt || c.Claim.Leg != leg {
			return nothing, nil
		}
		d, err := t.deed(Deed{Kind: Redirect, Call: c.ID, Attempt: attempt}.Key())
		if err == nil && d != nil && d.Due.After(t.now) {
			d.Due = t.now
			t.put(*d)
		}
		return nothing, err
	})
}
