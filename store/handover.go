package store

import (
	"context"
	"time"
)

// handedFor is how long a call that was handed over waits for somebody else before whoever handed it over is rung again.
const handedFor = 30 * time.Second

// maxNote bounds the note of who hands a call over, in characters.
const maxNote = 200

// handOver has whoever talks give a call to somebody else: the caller waits again, before all others.
func (t *txn) handOver(c *Call, a Answer) (Verdict, change, error) {
	first := c.Claim
	if c.Back != nil || c.State != Talking || c.Claim.Person != a.Person || c.Claim.Word != Take {
		if t.givesBack(c, a) {
			return Verdict{Result: GivenBack, First: first}, visible, t.giveBack(c)
		}
		return Verdict{Result: NotTalking, First: first}, nothing, nil
	}
	if a.Attempt != c.Attempt { // it was about an earlier conversation of theirs
		return Verdict{Result: Stale, First: first}, nothing, nil
	}
	note := []rune(a.Note)
	seconds := t.since(c.Accepted)
	if c.Handed != nil {
		seconds += c.Handed.Seconds
	}
	c.Handed = &Handed{By: a.Person, Note: string(note[:min(len(note), maxNote)]), At: t.now, Via: first.Via, Seconds: seconds}
	t.retrieve(c)
	c.State, c.Claim, c.Accepted, c.Screened = Waiting, nil, time.Time{}, ""
	c.Passed = nil // it was before the conversation
	c.Attempt++
	c.Deadline = t.now.Add(handedFor)
	t.escalations(c)
	return Verdict{Result: HandedOver, First: first}, visible, t.wait(c)
}

// handBack gives a caller whom nobody has taken back to whoever handed them over. It reports false when those cannot take
// them, or want none of it either.
func (t *txn) handBack(c *Call) (rung bool, err error) {
	handed := *c.Handed
	handed.Returned = true
	c.Handed = &handed
	can, err := t.canTake(handed.By, c.ID)
	if err != nil || !can || c.hasPassed(handed.By) {
		return false, err
	}
	return true, t.claim(c, Claim{Word: Take, Person: handed.By, Via: ByRule, Rule: HandedBack})
}

// offer makes it due to give whoever talks from now on the button to hand the call over.
func (t *txn) offer(c *Call) {
	if p, _ := t.team.Person(c.taker()); p.Slack != "" && c.Back == nil {
		t.due(Deed{Kind: Offer, Call: c.ID, Attempt: c.Attempt, Line: c.Line})
	}
}

// retrieve makes it due to bring a caller back on hold from the taker they are with, or whose phone rings for them. It is
// to be called before the attempt is counted up.
func (t *txn) retrieve(c *Call) {
	t.here(c)
	c.Missing = c.Attempt + 1
	t.due(Deed{Kind: Retrieve, Call: c.ID, Attempt: c.Missing})
}

// here notes that nobody has to bring a caller back.
func (t *txn) here(c *Call) {
	if c.Missing != 0 {
		t.Delete(Deed{Kind: Retrieve, Call: c.ID, Attempt: c.Missing}.Key())
		c.Missing = 0
	}
}

// givesBack reports whether an answer is the word of a taker who has not pressed 1 that they do not take the call after
// all. A press of another button is none, nor a key on another phone call: they may be about what went before. One who
// is on the phone already only has to hang up.
func (t *txn) givesBack(c *Call, a Answer) bool {
	return c.State == Ringing && a.Attempt == c.Attempt && c.taker() == a.Person && c.Claim.Via != ByPhone &&
		(a.Word == HandOver || a.Word == Pass && a.Via != ByPhone || a.Word == SendVoicemail && a.Via == BySMS)
}

// giveBack lets a call wait again whose taker has not pressed 1.
func (t *txn) giveBack(c *Call) error {
	if c.Back != nil {
		t.stopCallOut(c)
	} else {
		t.Delete(Deed{Kind: Redirect, Call: c.ID, Attempt: c.Attempt}.Key())
		t.retrieve(c)
	}
	c.Screened = ""
	return t.waitAgain(c, GaveBack)
}

// Retrieved records that a caller is on their way back on hold, and whether they have been claimed meanwhile: then they
// hear the next document at once.
func (s *Store) Retrieved(ctx context.Context, id CallID, attempt int) (Call, error) {
	return s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.Attempt != attempt || !c.Open() || c.Missing != attempt {
			return nothing, nil
		}
		t.here(c)
		if c.State == Ringing || c.State == Recording {
			c.Fetched = attempt
		}
		return hidden, nil
	})
}

// Led records that Twilio is leading a caller back on hold, for a Retrieve deed. They have a moment to come; then the deed
// is due once more, with a Rev that says so.
func (s *Store) Led(ctx context.Context, id CallID, attempt int, moment time.Duration) error {
	_, err := s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		if c.Missing == attempt {
			t.due(Deed{Kind: Retrieve, Call: id, Attempt: attempt, Rev: 1, Due: t.now.Add(moment)})
		}
		return nothing, nil
	})
	return err
}
