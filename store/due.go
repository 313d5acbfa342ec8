package store

import (
	"cmp"
	"net/url"
	"slices"
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
	Erase    Kind = "erase"    // delete what Twilio keeps of a call that is no longer in the store
	Unpost   Kind = "unpost"   // delete a Slack message of such a call
	Learn    Kind = "learn"    // find out about a message that was left in a call of which nothing is known
	List     Kind = "list"     // tell one person how many wait on a line, where there are too many to announce each
	RingUp   Kind = "ring"     // ring the phone of somebody, because nobody could be told
	HangUp   Kind = "hangup"   // stop a phone that rings for nothing
	CallOut  Kind = "callout"  // ring the phone of somebody who calls back
	Retrieve Kind = "retrieve" // bring a caller back on hold from whoever they are with
	Escalate Kind = "escalate" // tell the next people
	Mention  Kind = "mention"  // of those who are active in the line's channel
	Freed    Kind = "freed"    // tell somebody who can take calls again which ones wait
	Offer    Kind = "offer"    // give whoever talks the button to hand the call over
)

var kinds = []Kind{Redirect, Ask, Lookup, Text, Draw, Post, Tell, Erase, Unpost, List, Learn, RingUp, HangUp, CallOut, Retrieve, Escalate, Mention, Freed, Offer}

// Deed is one thing that is due.
type Deed struct {
	Kind    Kind      `json:"kind"`
	Call    CallID    `json:"call"` // empty for a List, which is about its line, and a Learn
	Attempt int       `json:"attempt,omitempty"`
	Line    string    `json:"line,omitempty"`    // Draw, Post: whose channel; List
	Whom    string    `json:"whom,omitempty"`    // Text, List: person; Post: RecordingSid; Tell: answer; Erase: CallSid or RecordingSid; HangUp: CallSid; Unpost: channel/ts; Learn: CallSid/RecordingSid/seconds; Escalate: number of the step; Freed: person
	Rev     int64     `json:"rev,omitempty"`     // Draw, Tell: revision of the call that asked for it; List: grows when asked for again; RingUp: turn; Mention: how many of the line's steps were taken; Retrieve: 1 once Twilio was asked
	Due     time.Time `json:"due"`               // not before
	First   bool      `json:"first,omitempty"`   // Draw: the call has no message yet
	Waiting bool      `json:"waiting,omitempty"` // Draw: the call waits for an answer

	Owner string `json:"owner,omitempty"` // who reserved it, see process.go
	Doubt bool   `json:"doubt,omitempty"` // reserved once by somebody who did not record the end: it may be done
	Left  string `json:"left,omitempty"`  // the owner who did not, once they are gone; with a mark of the occasion, once they gave it up
}

// Key is where the deed stands in the store; there is one deed of a kind for a call, attempt and person.
func (d Deed) Key() string {
	key := "due/" + string(d.Kind) + "/" + cmp.Or(string(d.Call), d.Line)
	if d.Whom != "" {
		key += "/" + url.PathEscape(d.Whom)
	}
	if d.Attempt != 0 {
		key += "/" + strconv.Itoa(d.Attempt)
	}
	return key
}

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
	d := Deed{Kind: Draw, Call: c.ID, Line: c.Line, Rev: c.Rev, Due: t.now, First: c.Message.TS == "", Waiting: c.State == Waiting}
	old, err := t.deed(d.Key())
	if err != nil {
		return err
	}
	if old != nil {
		d.Doubt, d.Left = old.Doubt, old.Left
	}
	switch {
	case old != nil && old.Owner != "":
		// It is being drawn: the reservation stands until that ends.
		d.Owner = old.Owner
	case c.Naming && c.State == Waiting && old != nil:
		d.Due = old.Due
	case c.Naming && c.State == Waiting && c.Message.TS == "":
		d.Due = t.now.Add(nameWait)
	}
	t.put(d)
	return nil
}

// announce makes one SMS to each person who is to be told due. Where too many wait already, people are told how many.
func (t *txn) announce(c *Call) error {
	people, err := t.callees(c)
	if err != nil {
		return err
	}
	return t.tell(c, people, 0) // this one is not counted yet
}

// tellMore is the same for people who can be told of it only now, or are to be.
func (t *txn) tellMore(c *Call, people []string) error {
	if len(people) == 0 {
		return nil
	}
	counted := 0
	if c.onHold() {
		counted = 1
	}
	return t.tell(c, people, counted)
}

func (t *txn) tell(c *Call, people []string, counted int) error {
	crowd, err := t.crowd(c.Line)
	if err != nil {
		return err
	}
	c.Told = append(slices.Clone(c.Told), people...)
	if crowd.Waiting-counted >= maxTold {
		return t.list(c.Line, crowd, people) // and no phone is rung
	}
	for _, name := range people {
		t.text(c, name)
	}
	return t.beginRing(c)
}

// text makes the announcement of a call to one person due.
func (t *txn) text(c *Call, name string) {
	if c.hopeless(name) {
		return
	}
	due := t.now
	if c.Naming {
		due = t.now.Add(nameWait)
	}
	t.due(Deed{Kind: Text, Call: c.ID, Attempt: c.Attempt, Whom: name, Due: due})
}

// tellTaker makes it due to tell a taker that there is nobody left to be put through to them. One who is on the phone
// hears it there.
func (t *txn) tellTaker(c *Call) {
	calledOut := c.Back != nil && c.State == Ringing // their phone rang, or they did not press 1
	if c.Claim != nil && c.Claim.Word == Take && c.Claim.Answer != "" && (c.Claim.Leg == "" || calledOut) {
		// Another revision than the word on the answer itself, which may be on its way this moment.
		t.due(Deed{Kind: Tell, Call: c.ID, Whom: c.Claim.Answer, Rev: c.Rev + 1})
	}
}

// hasten lets the announcements go that waited for the caller's name.
func (t *txn) hasten(c *Call) error {
	keys := []string{Deed{Kind: Draw, Call: c.ID}.Key()}
	for _, name := range c.Told {
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
