package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

// standFor is how long a place in line lasts.
const standFor = 30 * time.Minute

// Standing is a place in line for the next call of a person's lines.
type Standing struct {
	Person  string    `json:"person"` // name
	Since   time.Time `json:"since"`
	After   time.Time `json:"after,omitzero"` // calls that began to wait after this are theirs; zero: all
	Until   time.Time `json:"until"`
	User    string    `json:"user,omitempty"`    // Slack user who is told in private, else they are told by SMS
	Channel string    `json:"channel,omitempty"` // where they see it
}

const standingKey = "standing/all"

// standingOf reads who stands in line, the first first.
func standingOf(get func(string) ([]byte, error), now time.Time) ([]Standing, error) {
	b, err := get(standingKey)
	if err != nil || b == nil {
		return nil, err
	}
	all, err := decode[[]Standing](b)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(*all, func(p Standing) bool { return !p.Until.After(now) }), nil
}

// InLine lists who stands in line for the next call, the first first.
func (s *Store) InLine(ctx context.Context) ([]Standing, error) {
	var all []Standing
	err := s.backend.View(ctx, func(r Reader) (err error) {
		all, err = standingOf(r.Get, s.now())
		return err
	})
	return all, err
}

// Pull gives a person the call that has waited longest on their lines, or a place in line for the next one (InLine).
// The answer names neither call nor attempt. The same answer again has no second effect.
func (s *Store) Pull(ctx context.Context, a Answer) (Verdict, Call, error) {
	a.Word, a.Pull = Take, true
	tried := map[CallID]bool{}
	for {
		g, err := s.Given(ctx, a.ID)
		if err != nil {
			return Verdict{}, Call{}, err
		}
		if g.Answer.ID != "" {
			return s.pulled(ctx, g)
		}
		next, err := s.longest(ctx, a.Person, tried)
		if err != nil {
			return Verdict{}, Call{}, err
		}
		if next.ID == "" {
			break
		}
		tried[next.ID] = true
		a.Call, a.Attempt = next.ID, next.Attempt
		v, c, err := s.Answer(ctx, a)
		if err != nil && !errors.Is(err, ErrNoCall) {
			return v, c, err
		}
		if err == nil && v.Result != undecided {
			return v, c, nil
		}
	}
	g, err := s.stand(ctx, a, time.Time{})
	if err != nil {
		return Verdict{}, Call{}, err
	}
	return s.pulled(ctx, g)
}

// Stand gives a person a place in line for the next call (InLine), whether or not others wait; one who has a call gets
// none (OnACall). The answer names neither call nor attempt. The same answer again has no second effect.
func (s *Store) Stand(ctx context.Context, a Answer) (Verdict, error) {
	a.Word = Take
	g, err := s.stand(ctx, a, s.now())
	return g.Verdict, err
}

// stand gives a place in line for the calls that began to wait after a time.
func (s *Store) stand(ctx context.Context, a Answer, after time.Time) (Given, error) {
	a.Call, a.Attempt = "", 0
	var g Given
	err := s.update(ctx, func(t *txn) error {
		b, err := t.Get("seen/" + a.ID)
		if err != nil {
			return err
		}
		if b != nil {
			known, err := decode[Given](b)
			if err == nil {
				g = *known
			}
			return err
		}
		g = Given{Answer: a, Verdict: Verdict{Result: InLine}}
		has, err := t.has(a.Person)
		if err != nil {
			return err
		}
		if len(has) > 0 && !a.Force {
			g.Verdict = Verdict{Result: OnACall, Other: has[0]}
		} else if err := t.stand(a, after); err != nil {
			return err
		}
		t.given(a, g.Verdict)
		return nil
	})
	return g, err
}

// pulled tells what a pull came to, which may be delivered once more.
func (s *Store) pulled(ctx context.Context, g Given) (Verdict, Call, error) {
	if g.Answer.Call == "" {
		return g.Verdict, Call{}, nil
	}
	c, err := s.Call(ctx, g.Answer.Call)
	if errors.Is(err, ErrNoCall) { // erased since
		err = nil
	}
	return g.Verdict, c, err
}

// longest finds the call that has waited longest on the lines that a person serves, but for those.
func (s *Store) longest(ctx context.Context, person string, but map[CallID]bool) (Call, error) {
	waiting, err := s.WaitingFor(ctx, person)
	if err != nil {
		return Call{}, err
	}
	for _, c := range waiting {
		if !but[c.ID] && !c.hasPassed(person) {
			return c, nil
		}
	}
	return Call{}, nil
}

// WaitingFor returns the calls that wait on the lines that a person serves, in the order in which they are to be taken:
// those that were handed over first, then those that have waited longest.
func (s *Store) WaitingFor(ctx context.Context, person string) ([]Call, error) {
	open, err := s.OpenCalls(ctx, "")
	return InOrder(slices.DeleteFunc(open, func(c Call) bool {
		line, _ := s.Team.Line(c.Line)
		return c.State != Waiting || !line.Serves(person)
	})), err
}

// InOrder sorts calls that wait in the order in which they are to be taken.
func InOrder(waiting []Call) []Call {
	slices.SortStableFunc(waiting, inOrder)
	return waiting
}

func inOrder(a, b Call) int {
	switch {
	case a.Handed != nil && b.Handed == nil:
		return -1
	case a.Handed == nil && b.Handed != nil:
		return 1
	}
	return a.Arrived.Compare(b.Arrived)
}

// stand puts a person at the end of the line; who stands there already keeps their place.
func (t *txn) stand(a Answer, after time.Time) error {
	all, err := standingOf(t.Get, t.now)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p Standing) bool { return p.Person == a.Person })
	if i < 0 {
		i, all = len(all), append(all, Standing{Person: a.Person, Since: t.now, After: after})
	}
	all[i].Until, all[i].User, all[i].Channel = t.now.Add(standFor), a.User, a.Channel
	t.Put(standingKey, encode(all))
	return t.freed(a.Person) // a call may have come since they looked for one
}

// LeaveLine gives a person's place in line up. It reports whether they had one.
func (s *Store) LeaveLine(ctx context.Context, person string) (had bool, err error) {
	err = s.update(ctx, func(t *txn) error {
		all, err := standingOf(t.Get, t.now)
		if err != nil {
			return err
		}
		had = slices.ContainsFunc(all, func(p Standing) bool { return p.Person == person })
		return t.leaveLine(person)
	})
	return had, err
}

func (t *txn) leaveLine(person string) error {
	all, err := standingOf(t.Get, t.now)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(p Standing) bool { return p.Person == person })
	switch {
	case len(rest) == len(all):
	case len(rest) == 0:
		t.Delete(standingKey)
	default:
		t.Put(standingKey, encode(rest))
	}
	return nil
}

// firstInLine finds the first who stands in line for a call and can take it. It is their wish: they need not be on duty.
func (t *txn) firstInLine(c *Call) (*Standing, error) {
	return t.firstWho(c, func(Standing) bool { return true })
}

// firstSince is the same for a call that has been waiting.
func (t *txn) firstSince(c *Call) (*Standing, error) {
	return t.firstWho(c, func(p Standing) bool { return c.Began().After(p.After) })
}

func (t *txn) firstWho(c *Call, may func(Standing) bool) (*Standing, error) {
	all, err := standingOf(t.Get, t.now)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	line, _ := t.team.Line(c.Line)
	for _, p := range all {
		if !may(p) || !line.Serves(p.Person) || c.hasPassed(p.Person) || c.Handed != nil && c.Handed.By == p.Person {
			continue // nothing is read of people of other lines, who may be many, see Team.Keys
		}
		if can, err := free(t.Get, t.team, p.Person, c.ID); err != nil || can {
			return &p, err
		}
	}
	return nil, nil
}

// takeInLine claims a call for somebody who stands in line. They are told as if they had answered it.
func (t *txn) takeInLine(c *Call, p Standing) error {
	a := Answer{ID: "line:" + string(c.ID) + ":" + p.Since.Format("20060102T150405.000"), Call: c.ID, Attempt: c.Attempt, Person: p.Person, Via: ByLine, Word: Take,
		User: p.User, Channel: p.Channel}
	if err := t.claim(c, Claim{Word: Take, Person: p.Person, Via: ByLine, Answer: a.ID}); err != nil {
		return err
	}
	t.given(a, Verdict{Result: Won, First: c.Claim})
	t.due(Deed{Kind: Tell, Call: c.ID, Whom: a.ID})
	return nil
}
