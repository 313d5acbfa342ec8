package store

import (
	"context"
	"slices"
	"time"
)

// codeRest is how long a short code is not given to another call after its own has gone: an SMS answer to the old one
// may still be on its way.
const codeRest = 10 * time.Minute

// maxResting bounds how many of a line's codes rest at once, and so the cost of each arrival, however many calls came
// within the last minutes. On a line that busy the oldest rest less.
const maxResting = 50

// codeUse is a short code that a call has, or had: then freed is set.
type codeUse struct {
	Call    CallID    `json:"call"`
	Attempt int       `json:"attempt"`
	Freed   time.Time `json:"freed,omitzero"`
}

// codes is the record of a line's short codes.
type codes map[int]codeUse

func codesOf(get func(string) ([]byte, error), line string) (codes, error) {
	b, err := get("line/" + line)
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
	cs, err := codesOf(t.Get, c.Line)
	if err != nil {
		return err
	}
	resting := make([]int, 0, len(cs))
	for code, g := range cs {
		switch {
		case g.Freed.IsZero():
		case t.now.Sub(g.Freed) >= codeRest:
			delete(cs, code)
		default:
			resting = append(resting, code)
		}
	}
	slices.SortFunc(resting, func(a, b int) int { return cs[a].Freed.Compare(cs[b].Freed) })
	for _, code := range resting[:max(0, len(resting)-maxResting)] {
		delete(cs, code)
	}
	n := 1
	for ; ; n++ {
		if _, taken := cs[n]; !taken {
			break
		}
	}
	cs[n] = codeUse{Call: c.ID, Attempt: c.Attempt}
	c.Code = n
	t.Put("line/"+c.Line, encode(cs))
	return nil
}

func (t *txn) freeCode(line string, code int) error {
	if code == 0 {
		return nil
	}
	cs, err := codesOf(t.Get, line)
	if err != nil {
		return err
	}
	g := cs[code]
	g.Freed = t.now
	cs[code] = g
	t.Put("line/"+line, encode(cs))
	return nil
}

// ByCode finds the call and the attempt that a short code of a line names, or named last if it is still resting. The
// error is ErrNoCall when there is none.
func (s *Store) ByCode(ctx context.Context, line string, code int) (c Call, attempt int, err error) {
	err = s.backend.View(ctx, func(r Reader) error {
		cs, err := codesOf(r.Get, line)
		if err != nil {
			return err
		}
		g, ok := cs[code]
		if !ok || !g.Freed.IsZero() && s.now().Sub(g.Freed) >= codeRest {
			return ErrNoCall
		}
		found, err := load(r.Get, g.Call)
		if err != nil {
			return err
		}
		if found == nil {
			return ErrNoCall
		}
		c, attempt = *found, g.Attempt
		return nil
	})
	return c, attempt, err
}
