package store

import (
	"context"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// RunRules does, until ctx ends, what follows from the team's rules alone: it tells the next people of calls that nobody
// has answered, and those who can take calls again of the ones that wait.
func (s *Store) RunRules(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, w := range []Work{
		{Kind: Escalate, Parallel: 4, Longest: 8 * time.Second, Do: s.escalate},
		{Kind: Freed, Parallel: 4, Longest: 8 * time.Second, Do: s.tellFreed},
	} {
		g.Go(func() error { return s.Run(ctx, w) })
	}
	return g.Wait()
}

// escalations makes the steps due that are still to be taken of a call whose wait begins.
func (t *txn) escalations(c *Call) {
	line, _ := t.team.Line(c.Line)
	for i := c.Steps; i < len(line.Escalate); i++ {
		t.due(Deed{Kind: Escalate, Call: c.ID, Whom: strconv.Itoa(i + 1), Due: c.WaitBegan().Add(line.Escalate[i].After)})
	}
}

// escalate takes a step of a call that still waits. Of one that is being answered it is taken when it waits again.
func (s *Store) escalate(ctx context.Context, d Deed) (func(*Call) bool, error) {
	step, _ := strconv.Atoi(d.Whom)
	_, err := s.change(ctx, d.Call, func(t *txn, c *Call) (change, error) {
		did := nothing
		for c.State == Waiting && c.Back == nil && c.Steps < step { // after a pause the later deed may come first
			if more, err := t.escalate(c); err != nil || !more {
				return did, err
			}
			did = visible
		}
		return did, nil
	})
	return nil, err
}

// escalate takes the next step of a call that waits: the people of the step are told, if they can take it. It reports
// false when there is none.
func (t *txn) escalate(c *Call) (more bool, err error) {
	line, _ := t.team.Line(c.Line)
	if c.Steps >= len(line.Escalate) {
		return false, nil
	}
	step := line.Escalate[c.Steps]
	c.Steps++
	if step.Here {
		t.mention(c)
	}
	people, err := t.callees(c)
	if err != nil {
		return true, err
	}
	people = slices.DeleteFunc(people, func(name string) bool {
		return !slices.Contains(step.People, name) || slices.Contains(c.Told, name)
	})
	return true, t.tellMore(c, people)
}

// catchUpSteps takes the steps whose time came while a call was being answered.
func (t *txn) catchUpSteps(c *Call) {
	line, _ := t.team.Line(c.Line)
	for c.Back == nil && c.Steps < len(line.Escalate) && !c.WaitBegan().Add(line.Escalate[c.Steps].After).After(t.now) {
		here := line.Escalate[c.Steps].Here
		c.Steps++
		if here {
			t.mention(c)
		}
	}
}

// mention makes it due to mention those who are active in the line's channel, once for the steps that are taken together.
func (t *txn) mention(c *Call) {
	t.due(Deed{Kind: Mention, Call: c.ID, Attempt: c.Attempt, Line: c.Line, Rev: int64(c.Steps)})
}
