package store

import (
	"net/url"
	"strconv"
	"time"
)

// Kind is what sort of thing is due.
type Kind string

// The kinds. Draw is a picture: it shows the latest state, and what was skipped stays skipped. The others are deeds,
// done once as far as the outside allows.
const (
	Redirect Kind = "redirect" // pull a claimed call out of its queue
	Ask      Kind = "ask"      // ask Twilio what became of a call
	Lookup   Kind = "lookup"   // the caller's name
	Text     Kind = "sms"      // announce a call to one person
	Draw     Kind = "draw"     // the call's Slack message
	Post     Kind = "post"     // the link of a voicemail
	Tell     Kind = "tell"     // tell one person what became of their answer
	RingUp   Kind = "ring"     // ring the phone of somebody, because nobody could be told
	HangUp   Kind = "hangup"   // stop a phone that rings for nothing
)

// Deed is one thing that is due.
type Deed struct {
	Kind    Kind      `json:"kind"`
	Call    CallID    `json:"call"`
	Attempt int       `json:"attempt,omitempty"`
	Line    string    `json:"line,omitempty"` // Draw, Post: whose channel
	Whom    string    `json:"whom,omitempty"` // Text: person; Post: RecordingSid; Tell: answer; HangUp: CallSid
	Rev     int64     `json:"rev,omitempty"`  // Draw, Tell: revision of the call that asked for it; RingUp: turn
	Due     time.Time `json:"due"`            // not before

	Owner string    `json:"owner,omitempty"` // who reserved it
	Until time.Time `json:"until,omitzero"`
	Doubt bool      `json:"doubt,omitempty"` // reserved once by somebody who did not record the end: it may be done
}

// Key is where the deed stands in the store; there is one deed of a kind for a call, attempt and person.
func (d Deed) Key() string {
	key := "due/" + string(d.Kind) + "/" + string(d.Call)
	if d.Whom != "" {
		key += "/" + url.PathEscape(d.Whom)
	}
	if d.Attempt != 0 {
		key += "/" + strconv.Itoa(d.Attempt)
	}
	return key
}

// reserveFor is how long a reservation lasts: longer than any request to Twilio or Slack may take.
const reserveFor = 30 * time.Second

// nameWait is how long an announcement waits for the caller's name.
const nameWait = 1500 * time.Millisecond

// due makes a deed due now, unless it says later.
func (t *txn) due(d Deed) {
	if d.Due.IsZero() {
		d.Due = t.now
	}
	t.put(d)
}

func (t *txn) put(d Deed) { t.Put(d.Key(), encode(d)) }

func (t *txn) deed(key string) (*Deed, error) {
	b, err := t.Get(key)
	if err != nil || b == nil {
		return nil, err
	}
	return decode[Deed](b)
}

// draw makes the call's picture due. While the caller's name is looked up it may wait as long as the name may take.
func (t *txn) draw(c *Call) error {
	d := Deed{Kind: Draw, Call: c.ID, Line: c.Line, Rev: c.Rev, Due: t.now}
	old, err := t.deed(d.Key())
	if err != nil {
		return err
	}
	switch {
	case old != nil && old.Owner != "":
		// It is being drawn: the reservation stands until that ends.
		d.Owner, d.Until, d.Doubt = old.Owner, old.Until, old.Doubt
	case c.Naming && c.State == Waiting && old != nil:
		d.Due = old.Due
	case c.Naming && c.State == Waiting && c.Message.TS == "":
		d.Due = t.now.Add(nameWait)
	}
	t.put(d)
	return nil
}

// announce makes one SMS to each person of the line due.
func (t *txn) announce(c *Call) {
	due := t.now
	if c.Naming {
		due = t.now.Add(nameWait)
	}
	for _, name := range t.callees(c) {
		if !c.hopeless(name) {
			t.due(Deed{Kind: Text, Call: c.ID, Attempt: c.Attempt, Whom: name, Due: due})
		}
	}
	t.beginRing(c)
}

// tellTaker makes it due to tell a taker that there is nobody left to be put through to them. One who is on the phone
// hears it there.
func (t *txn) tellTaker(c *Call) {
	if c.Claim != nil && c.Claim.Word == Take && c.Claim.Answer != "" && c.Claim.Leg == "" {
		// Another revision than the word on the answer itself, which may be on its way this moment.
		t.due(Deed{Kind: Tell, Call: c.ID, Whom: c.Claim.Answer, Rev: c.Rev + 1})
	}
}

// hasten lets the announcements go that waited for the caller's name.
func (t *txn) hasten(c *Call) error {
	line, _ := t.team.Line(c.Line)
	keys := []string{Deed{Kind: Draw, Call: c.ID}.Key()}
	for _, name := range line.People {
		keys = append(keys, Deed{Kind: Text, Call: c.ID, Attempt: c.Attempt, Whom: name}.Key())
	}
	for _, key := range keys {
		d, err := t.deed(key)
		if err != nil {
			return err
		}
		if d != nil && d.Owner == "" && d.Due.After(t.now) {
			d.Due = t.now
			t.put(*d)
		}
	}
	return nil
}
