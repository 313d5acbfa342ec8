package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

// TextStatus is what Twilio says of a text (twilio.com/docs/messaging/api/message-resource).
type TextStatus string

// The statuses that say something new.
const (
	TextQueued      TextStatus = "queued" // Twilio has taken it
	TextSent        TextStatus = "sent"   // a carrier has taken it
	TextDelivered   TextStatus = "delivered"
	TextUndelivered TextStatus = "undelivered"
	TextFailed      TextStatus = "failed" // never left, or was refused at once
)

// Lost reports whether a text did not arrive and never will.
func (s TextStatus) Lost() bool { return s == TextUndelivered || s == TextFailed }

func (s TextStatus) step() int {
	switch s {
	case TextQueued:
		return 0
	case TextSent:
		return 1
	}
	return 2
}

// SMSText is a text about a call to one person, and what became of it.
type SMSText struct {
	Person  string     `json:"person"`
	Attempt int        `json:"attempt,omitempty"` // whose announcement it is; 0: it announces nothing
	SID     string     `json:"sid,omitempty"`     // Twilio MessageSid; empty when Twilio refused the text at once
	Status  TextStatus `json:"status"`
	Code    int        `json:"code,omitempty"`  // Twilio's error code
	Why     string     `json:"why,omitempty"`   // the same in words
	Never   bool       `json:"never,omitempty"` // repetition does not mend it
}

// maxTexts bounds how many texts of a call are kept.
const maxTexts = 200

// Texted records what became of a text about a call, which Twilio may report in any order, late and more than once: it
// never goes backwards.
func (s *Store) Texted(ctx context.Context, id CallID, x SMSText) error {
	_, err := s.change(ctx, id, func(_ *txn, c *Call) (change, error) { return c.texted(x), nil })
	return err
}

// Texted is the same for whoever sends the text. It reports whether people see the change.
func (c *Call) Texted(x SMSText) bool { return c.texted(x) == visible }

func (c *Call) texted(x SMSText) change {
	i := slices.IndexFunc(c.Texts, func(t SMSText) bool {
		return t.SID == x.SID && (x.SID != "" || t.Person == x.Person && t.Attempt == x.Attempt)
	})
	switch {
	case i < 0 && len(c.Texts) >= maxTexts:
		return nothing
	case i < 0:
		c.Texts = append(c.Texts, x)
	case x.Status.step() <= c.Texts[i].Status.step():
		return nothing
	default:
		x.Person, x.Attempt = c.Texts[i].Person, c.Texts[i].Attempt
		c.Texts = slices.Clone(c.Texts) // what the call was is compared with what it is
		c.Texts[i] = x
	}
	if !x.Status.Lost() {
		return hidden
	}
	c.giveUp(Undone{Kind: Text, Person: x.Person, Code: x.Code, Why: x.Why})
	return visible
}

// TextTo finds what became of the announcement of the call's current attempt to a person: of the one that fared best,
// should there be two.
func (c *Call) TextTo(person string) (best SMSText, ok bool) {
	for _, x := range c.Texts {
		if x.Person == person && x.Attempt == c.Attempt && (!ok || best.Status.Lost()) {
			best, ok = x, true
		}
	}
	return best, ok
}

// hopeless reports whether a text to a person was refused in a way that no repetition mends. It is not sent again for
// the same call; the next call tries anew, so that a phone that has been mended is found out.
func (c *Call) hopeless(person string) bool {
	return slices.ContainsFunc(c.Texts, func(x SMSText) bool { return x.Person == person && x.Never && x.Status.Lost() })
}

// giveUp records something that could not be done, once.
func (c *Call) giveUp(u Undone) {
	if !slices.ContainsFunc(c.Undone, func(o Undone) bool { return o.same(u) }) {
		c.Undone = append(c.Undone, u)
	}
}

func (u Undone) same(o Undone) bool {
	return u.Kind == o.Kind && u.Person == o.Person && u.Code == o.Code && u.Why == o.Why
}

// Trouble is a phone that took none of our last texts.
type Trouble struct {
	Phone  string    `json:"phone"`  // E.164
	Texts  int       `json:"texts"`  // how many in a row
	Code   int       `json:"code"`   // Twilio's error code of the last
	Why    string    `json:"why"`    // the same in words
	LastAt time.Time `json:"lastAt"` // when that was heard
}

// Troubles lists the phones that took none of our last texts.
func (s *Store) Troubles(ctx context.Context) ([]Trouble, error) {
	var all []Trouble
	err := s.backend.View(ctx, func(r Reader) error {
		all = nil
		var bad error
		err := r.Scan("phone/", "", func(_ string, b []byte) bool {
			p, err := decode[Trouble](b)
			if bad = err; err == nil {
				all = append(all, *p)
			}
			return err == nil
		})
		return errors.Join(err, bad)
	})
	return all, err
}

// count keeps for each phone how many texts in a row it did not take, from what a transition says of a call's texts.
func (t *txn) count(was, c *Call) error {
	for i, x := range c.Texts {
		if was != nil && i < len(was.Texts) && was.Texts[i].Status == x.Status {
			continue
		}
		person, _ := t.team.Person(x.Person)
		if person.Phone == "" || x.Status != TextDelivered && !x.Status.Lost() {
			continue
		}
		key := "phone/" + person.Phone
		b, err := t.Get(key)
		if err != nil {
			return err
		}
		if x.Status == TextDelivered {
			if b != nil {
				t.Delete(key)
			}
			continue
		}
		p := &Trouble{Phone: person.Phone}
		if b != nil {
			if p, err = decode[Trouble](b); err != nil {
				return err
			}
		}
		p.Texts++
		p.Code, p.Why, p.LastAt = x.Code, x.Why, t.now
		t.Put(key, encode(p))
		if j := slices.IndexFunc(c.Undone, func(u Undone) bool {
			return u.same(Undone{Kind: Text, Person: x.Person, Code: x.Code, Why: x.Why})
		}); j >= 0 {
			c.Undone = slices.Clone(c.Undone)
			c.Undone[j].Times = p.Texts
		}
	}
	return nil
}
