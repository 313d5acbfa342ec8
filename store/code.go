package store

import (
	"strconv"
	"time"
)

// codeRest is how long a short code is not given to another call after its own has gone: an SMS answer to the old one
// may still be on its way.
const codeRest = 10 * time.Minute

// codes is the record of a line's short codes: those in use have the zero time, the others when they were freed.
type codes map[int]time.Time

func (t *txn) codes(line string) (codes, error) {
	b, err := t.Get("line/" + line)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return codes{}, nil
	}
	cs, err := decode[codes](b)
	if err != nil {
		return nil, err
	}
	return *cs, nil
}

// giveCode gives the call the smallest code that no other open call of the line has or had just now.
func (t *txn) giveCode(c *Call) error {
	cs, err := t.codes(c.Line)
	if err != nil {
		return err
	}
	for code, freed := range cs {
		if !freed.IsZero() && t.now.Sub(freed) >= codeRest {
			delete(cs, code)
		}
	}
	n := 1
	for ; ; n++ {
		if _, taken := cs[n]; !taken {
			break
		}
	}
	cs[n] = time.Time{}
	c.Code = n
	t.Put("line/"+c.Line, encode(cs))
	return nil
}

func (t *txn) freeCode(line string, code int) error {
	if code == 0 {
		return nil
	}
	cs, err := t.codes(line)
	if err != nil {
		return err
	}
	cs[code] = t.now
	t.Put("line/"+line, encode(cs))
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
