package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Duty is whether a person is told of calls.
type Duty struct {
	Off   bool      `json:"off"`
	Until time.Time `json:"until,omitzero"` // when they are on duty again by themselves; zero: when they say so
}

// SetDuty puts a person on duty, or off it. Who goes off stands in line for nothing; who comes on is told of the calls
// that wait.
func (s *Store) SetDuty(ctx context.Context, person string, d Duty) error {
	return s.update(ctx, func(t *txn) error {
		off, err := offOf(t.Get, t.now)
		if err != nil {
			return err
		}
		delete(off, person)
		if d.Off {
			off[person] = d
		}
		t.setOff(off)
		if err := t.freed(person); err != nil || !d.Off {
			return err
		}
		return t.leaveLine(person)
	})
}

// offKey is one record for all: an arrival asks about everybody.
const offKey = "off/all"

// offOf reads who is off duty.
func offOf(get func(string) ([]byte, error), now time.Time) (map[string]Duty, error) {
	b, err := get(offKey)
	if err != nil || b == nil {
		return map[string]Duty{}, err
	}
	off, err := decode[map[string]Duty](b)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(*off, func(_ string, d Duty) bool { return d.over(now) })
	return *off, nil
}

func (t *txn) setOff(off map[string]Duty) {
	if len(off) == 0 {
		t.Delete(offKey)
		return
	}
	t.Put(offKey, encode(off))
}

// over reports whether somebody who was off duty is on duty again by themselves.
func (d Duty) over(now time.Time) bool { return !d.Until.IsZero() && !d.Until.After(now) }

// Duty tells whether a person is on duty.
func (s *Store) Duty(ctx context.Context, person string) (Duty, error) {
	var d Duty
	err := s.backend.View(ctx, func(r Reader) (err error) {
		d, err = dutyOf(r.Get, person, s.now())
		return err
	})
	return d, err
}

func dutyOf(get func(string) ([]byte, error), person string, now time.Time) (Duty, error) {
	off, err := offOf(get, now)
	return off[person], err
}

func (t *txn) offDuty(person string) (bool, error) {
	d, err := dutyOf(t.Get, person, t.now)
	return d.Off, err
}

// everybody who belongs to the line, those that are told later as well.
func (l Line) everybody() []string {
	all := slices.Clone(l.People)
	for _, s := range l.Escalate {
		for _, name := range s.People {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// concerned are the people of a call's line, and of the steps that were taken.
func (t *txn) concerned(c *Call) []string {
	line, _ := t.team.Line(c.Line)
	return Line{People: line.People, Escalate: line.Escalate[:min(c.Steps, len(line.Escalate))]}.everybody()
}

// callees are the people whom an announcement goes to: those of the line, and of the steps that were taken, who have a
// phone, are on duty, have no call and have not passed; but for the one who has just not taken the call, unless nobody
// else is left.
func (t *txn) callees(c *Call) ([]string, error) {
	var people []string
	last := ""
	switch n := len(c.Tries); {
	case c.Handed != nil && (n == 0 || c.Handed.At.After(c.Tries[n-1].At)):
		last = c.Handed.By
	case n > 0 && c.Tries[n-1].Word != Forward: // who sent it elsewhere has not been rung
		last = c.Tries[n-1].Person
	}
	lastToo := false
	for _, name := range t.concerned(c) {
		can, err := t.canTake(name, c.ID)
		if err != nil {
			return nil, err
		}
		switch {
		case !can, c.hasPassed(name):
		case name == last:
			lastToo = true
		default:
			people = append(people, name)
		}
	}
	if len(people) == 0 && lastToo {
		people = []string{last}
	}
	return people, nil
}

// CanTake reports whether a person may be told of calls: they have a phone, are on duty, and have no call.
func (s *Store) CanTake(ctx context.Context, person string) (can bool, err error) {
	err = s.backend.View(ctx, func(r Reader) error {
		can, err = canTake(r.Get, s.Team, person, "", s.now())
		return err
	})
	return can, err
}

// MayTell reports whether a person who was to be told of an attempt of a call still is. One who can take none by now is not
// among those who were told any more, so that they are told when they can again.
func (s *Store) MayTell(ctx context.Context, id CallID, attempt int, person string) (may bool, err error) {
	if may, err = s.CanTake(ctx, person); err != nil || may {
		return may, err
	}
	_, err = s.change(ctx, id, func(t *txn, c *Call) (change, error) {
		may, err = t.canTake(person, id) // they may have been freed meanwhile, and passed over as told
		if err != nil || may || c.State != Waiting || c.Attempt != attempt {
			return nothing, err
		}
		c.Told = slices.DeleteFunc(slices.Clone(c.Told), func(name string) bool { return name == person })
		return visible, nil
	})
	return may, err
}

func (t *txn) canTake(person string, c CallID) (bool, error) {
	return canTake(t.Get, t.team, person, c, t.now)
}

func canTake(get func(string) ([]byte, error), team Team, person string, c CallID, now time.Time) (bool, error) {
	if d, err := dutyOf(get, person, now); err != nil || d.Off {
		return false, err
	}
	return free(get, team, person, c)
}

// free reports whether a person has a phone, and no call but that one.
func free(get func(string) ([]byte, error), team Team, person string, c CallID) (bool, error) {
	if p, _ := team.Person(person); p.Phone == "" {
		return false, nil
	}
	has, err := callsOf(get, "busy/"+person)
	return len(has) == 0 || len(has) == 1 && has[0] == c, err // which is about to wait again
}

// taker is the person whose phone rings for a call, or who talks: empty when nobody's and nobody does.
func (c *Call) taker() string {
	if c.Claim == nil || c.Claim.Word != Take || c.State != Ringing && c.State != Talking {
		return ""
	}
	return c.Claim.Person
}

// has lists the calls that a person rings for or talks in.
func (t *txn) has(person string) ([]CallID, error) {
	return callsOf(t.Get, "busy/"+person)
}

// busy keeps which calls a person has. Who has none any more is told of those that wait.
func (t *txn) busy(was, c *Call) error {
	before := ""
	if was != nil {
		before = was.taker()
	}
	now := c.taker()
	if before == now {
		return nil
	}
	if before != "" {
		has, err := t.has(before)
		if err != nil {
			return err
		}
		has = slices.DeleteFunc(has, func(id CallID) bool { return id == c.ID })
		if err := t.setBusy(before, has); err != nil {
			return err
		}
	}
	if now != "" {
		has, err := t.has(now)
		if err != nil {
			return err
		}
		return t.setBusy(now, append(has, c.ID))
	}
	return nil
}

func (t *txn) setBusy(person string, has []CallID) error {
	if len(has) == 0 {
		t.Delete("busy/" + person)
		return t.freed(person)
	}
	t.Put("busy/"+person, encode(has))
	return nil
}

// CallsOf returns the calls that a person rings for or talks in, the oldest claim first.
func (s *Store) CallsOf(ctx context.Context, person string) ([]Call, error) {
	var calls []Call
	err := s.backend.View(ctx, func(r Reader) error {
		calls = nil
		has, err := callsOf(r.Get, "busy/"+person)
		if err != nil {
			return err
		}
		for _, id := range has {
			c, err := load(r.Get, id)
			if err != nil {
				return err
			}
			if c != nil {
				calls = append(calls, *c)
			}
		}
		return nil
	})
	return calls, err
}

// freed makes it due to tell a person of the calls that wait: at once, or when they are on duty again.
func (t *txn) freed(person string) error {
	d, err := dutyOf(t.Get, person, t.now)
	t.due(Deed{Kind: Freed, Whom: person, Due: d.Until})
	return err
}

// tellFreed tells a person who can take calls again of those that wait and of which they were not told. One that came
// since somebody stands in line is theirs.
func (s *Store) tellFreed(ctx context.Context, d Deed) (func(*Call) bool, error) {
	waiting, err := s.WaitingFor(ctx, d.Whom)
	if err != nil {
		return nil, err
	}
	for _, c := range waiting {
		_, err := s.change(ctx, c.ID, func(t *txn, c *Call) (change, error) {
			if c.State != Waiting {
				return nothing, nil
			}
			if first, err := t.firstSince(c); err != nil || first != nil {
				if err == nil {
					err = t.takeInLine(c, *first)
				}
				return visible, err
			}
			people, err := t.callees(c)
			switch {
			case err != nil || !slices.Contains(people, d.Whom):
				return nothing, err
			case !slices.Contains(c.Told, d.Whom):
				return hidden, t.tellMore(c, []string{d.Whom})
			case c.Ring.Turn > 1 && c.Ring.Person == "":
				return hidden, t.beginRing(c)
			}
			return nothing, nil
		})
		if err != nil && !errors.Is(err, ErrNoCall) {
			return nil, err
		}
	}
	return nil, nil
}
