package store

import (
	"maps"
	"slices"
	"time"
)

const (
	maxPerCaller = 3  // open calls of one number; further ones are asked for a message at once
	maxTold      = 10 // callers on hold on a line; of each further one people get no SMS, but a count of all
	listEvery    = time.Minute
)

// mayWait reports whether a call that arrives is put on hold, and counts it for its number. Who withholds their number
// is not told from others, and may.
func (t *txn) mayWait(c *Call) (bool, error) {
	if c.From == "" {
		return true, nil
	}
	open, err := callsOf(t.Get, "from/"+c.From)
	if err != nil || len(open) >= maxPerCaller {
		return false, err
	}
	t.Put("from/"+c.From, encode(append(open, c.ID)))
	return true, nil
}

// callsOf reads a record that lists calls.
func callsOf(get func(string) ([]byte, error), key string) ([]CallID, error) {
	b, err := get(key)
	if err != nil || b == nil {
		return nil, err
	}
	ids, err := decode[[]CallID](b)
	if err != nil {
		return nil, err
	}
	return *ids, nil
}

// gone takes a call that has ended from those that are open of its number.
func (t *txn) gone(c *Call) error {
	open, err := callsOf(t.Get, "from/"+c.From)
	i := slices.Index(open, c.ID)
	if err != nil || i < 0 {
		return err
	}
	if open = slices.Delete(open, i, i+1); len(open) == 0 {
		t.Delete("from/" + c.From)
		return nil
	}
	t.Put("from/"+c.From, encode(open))
	return nil
}

// crowd is how many are on hold on a line, and who has been told how many.
type crowd struct {
	Waiting int                  `json:"waiting"`
	Listed  map[string]time.Time `json:"listed,omitempty"` // when a person's latest count is, or was, due
}

func (t *txn) crowd(line string) (crowd, error) {
	b, err := t.Get("waits/" + line)
	if err != nil || b == nil {
		return crowd{}, err
	}
	c, err := decode[crowd](b)
	if err != nil {
		return crowd{}, err
	}
	return *c, nil
}

// onHold reports whether the caller waits on the phone, and not to be called back.
func (c *Call) onHold() bool { return c.State == Waiting && c.Back == nil }

// moved counts a caller who begins or ceases to be on hold. was is nil for a new call.
func (t *txn) moved(was, c *Call) error {
	did, does := was != nil && was.onHold(), c.onHold()
	if did == does {
		return nil
	}
	line, err := t.crowd(c.Line)
	if err != nil {
		return err
	}
	if does {
		line.Waiting++
	} else {
		line.Waiting = max(0, line.Waiting-1)
	}
	t.Put("waits/"+c.Line, encode(line))
	return nil
}

// list makes an SMS due to each of these people that says how many wait on the line, but not more than one a minute.
func (t *txn) list(line string, c crowd, people []string) error {
	listed := maps.Clone(c.Listed)
	maps.DeleteFunc(listed, func(_ string, at time.Time) bool { return t.now.Sub(at) >= listEvery })
	if listed == nil {
		listed = map[string]time.Time{}
	}
	for _, name := range people {
		d := Deed{Kind: List, Line: line, Whom: name}
		old, err := t.deed(d.Key())
		switch {
		case err != nil:
			return err
		case old != nil && (old.Owner == "" || old.Due.After(t.now)):
			continue // one is to leave, and counts those who wait then
		case old != nil:
			d = *old
			d.Rev++ // this one is leaving: another follows
		}
		d.Due = t.now
		if last, ok := listed[name]; ok {
			d.Due = last.Add(listEvery)
		}
		listed[name] = d.Due
		t.put(d)
	}
	c.Listed = listed
	t.Put("waits/"+line, encode(c))
	return nil
}
