package store

import (
	"context"
	"slices"
	"time"
)

// Answer is a person's word on a waiting call.
type Answer struct {
	ID      string `json:"id"` // natural key of the event it came by: the same again has no second effect
	Call    CallID `json:"call"`
	Attempt int    `json:"attempt"`
	Person  string `json:"person"` // name
	Via     Via    `json:"via"`
	Word    Word   `json:"word"`
	Force   bool   `json:"force,omitempty"`   // Take: though they have another call
	Pull    bool   `json:"pull,omitempty"`    // Take: whichever call waits longest
	To      string `json:"to,omitempty"`      // Forward: E.164
	Say     string `json:"say,omitempty"`     // what the caller hears before what the word says
	Note    string `json:"note,omitempty"`    // HandOver: for whoever takes the call
	Leg     string `json:"leg,omitempty"`     // Twilio CallSid of the person, when they say it on the phone
	User    string `json:"user,omitempty"`    // Slack user to be told the verdict in private, when the answer's own reply cannot
	Channel string `json:"channel,omitempty"` // where they see it
	Late    bool   `json:"late,omitempty"`    // read from Twilio's list of texts: there is no reply to it, they are told by SMS
}

// Result is what an answer came to.
type Result string

// The results.
const (
	Won     Result = "won"     // this answer is the claim
	Yours   Result = "yours"   // the same person had won already
	Lost    Result = "lost"    // somebody else was first
	Stale   Result = "stale"   // the call waits, but this answers an earlier announcement of it
	TooLate Result = "toolate" // the call has ended, or is beyond answering, without a person's claim
	PassOn  Result = "pass"    // not me

	OnACall    Result = "onacall"    // they have another call, see Verdict.Other
	GivenBack  Result = "givenback"  // the taker said no before they pressed 1: the call waits again
	HandedOver Result = "handedover" // the call waits for somebody else
	NotTalking Result = "nottalking" // there is nothing to hand over
	OnlyTake   Result = "onlytake"   // the caller waits to be called back, and can neither leave a message nor be forwarded
	InLine     Result = "inline"     // they stand in line for the next call

	undecided Result = ""
)

// Verdict is what an answer came to and, unless it won, who was first.
type Verdict struct {
	Result Result `json:"result"`
	First  *Claim `json:"first,omitempty"`
	Other  CallID `json:"other,omitempty"` // OnACall: the call that they have
}

// Given is an answer with its verdict.
type Given struct {
	Answer  Answer    `json:"answer"`
	Verdict Verdict   `json:"verdict"`
	Reply   string    `json:"reply,omitempty"` // of one that was about no call: what was said instead, unless that is forgotten
	At      time.Time `json:"at"`
}

// Replied reports whether it was an answer about no call, to which there is no more to say than Reply.
func (g Given) Replied() bool { return g.Answer.ID == "" && !g.At.IsZero() }

// Answer gives a person's word on a call. The first answer to a waiting call's current attempt is its claim, and what
// follows from it is due; every other answer changes nothing and is told who was first. The verdict is remembered
// under the answer's ID.
func (s *Store) Answer(ctx context.Context, a Answer) (Verdict, Call, error) {
	var v Verdict
	var told CallID
	again := false
	c, err := s.change(ctx, a.Call, func(t *txn, c *Call) (change, error) {
		told = c.ID
		b, err := t.Get("seen/" + a.ID)
		if err != nil {
			return nothing, err
		}
		if again = b != nil; again {
			g, err := decode[Given](b)
			if err == nil {
				v, told = g.Verdict, g.Answer.Call
			}
			return nothing, err
		}
		var did change
		if v, did, err = t.answer(c, a); err != nil {
			return nothing, err
		}
		if a.Pull && (v.Result == Lost || v.Result == Stale || v.Result == TooLate) {
			v = Verdict{Result: undecided} // the next call is tried
			return nothing, nil
		}
		t.given(a, v)
		if a.User != "" && !a.Pull || a.Late { // a pull has a reply of its own
			t.due(Deed{Kind: Tell, Call: c.ID, Whom: a.ID})
		}
		return did, nil
	})
	if err != nil {
		return v, c, err
	}
	if !again && v.Result != undecided {
		s.metrics.claims.WithLabelValues(string(a.Via), string(v.Result)).Inc()
	}
	if told != c.ID {
		c, err = s.Call(ctx, told)
	}
	return v, c, err
}

// given remembers an answer and its verdict, but not what it says of the caller: that goes with the call.
func (t *txn) given(a Answer, v Verdict) {
	a.Note = ""
	t.Put("seen/"+a.ID, encode(Given{Answer: a, Verdict: v, At: t.now}))
}

// answer is the rule that everything rests on.
func (t *txn) answer(c *Call, a Answer) (Verdict, change, error) {
	switch {
	case a.Word == HandOver:
		return t.handOver(c, a)
	case c.State == Waiting && a.Attempt != c.Attempt:
		return Verdict{Result: Stale}, nothing, nil
	case c.State == Waiting && a.Word == Pass:
		if c.hasPassed(a.Person) {
			return Verdict{Result: PassOn}, nothing, nil
		}
		c.Passed = append(slices.Clone(c.Passed), Claim{Word: Pass, Person: a.Person, Via: a.Via, Attempt: c.Attempt, At: t.now})
		return Verdict{Result: PassOn}, visible, t.allPassed(c)
	case c.State == Waiting && c.Back != nil && a.Word != Take:
		return Verdict{Result: OnlyTake}, nothing, nil
	case c.State == Waiting:
		if a.Word == Take && !a.Force {
			if has, err := t.has(a.Person); err != nil || len(has) > 0 {
				return Verdict{Result: OnACall, Other: append(has, "")[0]}, nothing, err
			}
		}
		err := t.claim(c, Claim{Word: a.Word, Person: a.Person, Via: a.Via, Answer: a.ID, Leg: a.Leg, To: a.To, Say: a.Say})
		return Verdict{Result: Won, First: c.Claim}, visible, err
	case t.givesBack(c, a):
		first := c.Claim
		return Verdict{Result: GivenBack, First: first}, visible, t.giveBack(c)
	case c.Claim == nil || c.Claim.Person == "":
		return Verdict{Result: TooLate, First: c.Claim}, nothing, nil
	case c.Claim.Person == a.Person && c.Claim.Word == a.Word:
		return Verdict{Result: Yours, First: c.Claim}, nothing, nil
	}
	return Verdict{Result: Lost, First: c.Claim}, nothing, nil
}

// claim gives a waiting call to the first who answered. The redirect is reserved here for this process, unless that is
// about to end, so that it needs no second commit before it goes out.
func (t *txn) claim(c *Call, by Claim) error {
	by.Attempt, by.At = c.Attempt, t.now
	c.Claim = &by
	c.Screened = ""
	line, _ := t.team.Line(c.Line)
	switch by.Word {
	case Take, Forward:
		c.State, c.Deadline = Ringing, t.now.Add(line.RingTimeout+screening)
	default:
		c.State, c.Deadline = Recording, t.now.Add(MaxMessage+grace)
	}
	at := t.now
	if by.Leg != "" {
		at = at.Add(meetWithin) // they have to be where the caller is led; see Met
	}
	d := Deed{Kind: Redirect, Call: c.ID, Attempt: c.Attempt, Due: at}
	if c.Back != nil {
		d.Kind = CallOut
	}
	if c.Back == nil || by.Leg == "" {
		var err error
		if d.Owner, err = t.owner(d.Kind); err != nil {
			return err
		}
		t.due(d)
	}
	if by.Word == Take {
		return t.leaveLine(by.Person)
	}
	return nil
}

// allPassed sees to a call of which somebody wants none: when nobody is left of those who were told, the next are told at
// once; where there are none, it comes back to whoever handed it over, or the caller is asked for a message.
func (t *txn) allPassed(c *Call) error {
	for t.nobodyLeft(c) {
		more, err := t.escalate(c)
		if err != nil {
			return err
		}
		if !more {
			if c.Back != nil { // it stays open for whoever has the time
				return nil
			}
			if c.Handed != nil && !c.Handed.Returned {
				if rung, err := t.handBack(c); err != nil || rung {
					return err
				}
			}
			return t.claim(c, Claim{Word: SendVoicemail, Via: ByRule, Rule: AllPassed})
		}
	}
	return nil
}

// hasPassed reports whether a person has said "not me".
func (c *Call) hasPassed(person string) bool {
	return slices.ContainsFunc(c.Passed, func(p Claim) bool { return p.Person == person })
}

// nobodyLeft reports whether all who were reached have said "not me"; where nobody could be told, all whom the call
// concerns and who have a phone. Once phones are rung because no text arrives, those who have not are still to be reached.
func (t *txn) nobodyLeft(c *Call) bool {
	people := c.Told
	if len(people) == 0 {
		people = slices.DeleteFunc(t.concerned(c), func(name string) bool {
			p, _ := t.team.Person(name)
			return p.Phone == ""
		})
	}
	rung := c.Ring.Person != "" && (c.Ring.SID != "" || c.Ring.Turn > 1)
	return !slices.ContainsFunc(people, func(name string) bool {
		x, ok := c.TextTo(name)
		return !c.hasPassed(name) && (rung || !(ok && x.Status.Lost()) && !c.hopeless(name))
	})
}

// lastLost sees to a call whose last text, to those who have not said "not me", turns out to be lost, or is not sent after all
// (see MayTell). It reports whether anything follows from that.
func (t *txn) lastLost(was, c *Call) (bool, error) {
	if was == nil || was.State != Waiting || c.State != Waiting || was.Attempt != c.Attempt || t.nobodyLeft(was) ||
		!slices.ContainsFunc(c.Told, c.hasPassed) || !t.nobodyLeft(c) {
		return false, nil
	}
	return true, t.allPassed(c)
}

// sendToVoicemail claims a call for voicemail by a rule when its caller hears our next document anyway, so that no
// redirect is needed.
func (t *txn) sendToVoicemail(c *Call, by Rule) {
	c.State, c.Deadline = Recording, t.now.Add(MaxMessage+grace)
	c.Claim = &Claim{Word: SendVoicemail, Via: ByRule, Rule: by, Attempt: c.Attempt, At: t.now}
	t.heardNext(c)
}

const (
	// MaxMessage is the longest message a caller can leave.
	MaxMessage = 5 * time.Minute
	// MaxShort is the longest message of a caller who has too many calls open.
	MaxShort = time.Minute

	screening = 75 * time.Second // Twilio's own 5 s on a Dial, the question asked twice, and the way back
	grace     = time.Minute      // for Twilio to report what it did
)

// Replied remembers what was said to an answer that was about no call, so that the same delivered again is not taken
// for an answer to a call that has come since. What is known of the answer already stays as it is: two deliveries at a
// time may find the world different. See Given.
func (s *Store) Replied(ctx context.Context, answer, reply string) error {
	return s.update(ctx, func(t *txn) error {
		if b, err := t.Get("seen/" + answer); err != nil || b != nil {
			return err
		}
		t.Put("seen/"+answer, encode(Given{Reply: reply, At: t.now}))
		return nil
	})
}

// Given returns an answer that was given, and its verdict.
func (s *Store) Given(ctx context.Context, answer string) (Given, error) {
	var g Given
	err := s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get("seen/" + answer)
		if err != nil || b == nil {
			return err
		}
		p, err := decode[Given](b)
		if err == nil {
			g = *p
		}
		return err
	})
	return g, err
}

// Announced reports that no SMS about the call's current attempt is still to leave for a person: it has left, is leaving,
// or none was due. A bare "yes" of somebody who is yet to be told can only be about something else.
func (s *Store) Announced(ctx context.Context, c Call, person string) (bool, error) {
	told := true
	err := s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get(Deed{Kind: Text, Call: c.ID, Attempt: c.Attempt, Whom: person}.Key())
		if err != nil || b == nil {
			return err
		}
		d, err := decode[Deed](b)
		if err == nil {
			told = d.Owner != "" || d.Doubt
		}
		return err
	})
	return told, err
}
