package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"pullphone/store"
)

// recent is how long after its end a call can be what an answer is about.
const recent = 15 * time.Minute

// overlap is how long after its end an answer to a call can still be on its way.
const overlap = 2 * time.Minute

// which finds the call that an answer without a button is about: the one with the code that it names, or the only one
// that waits. Where that is not certain the person is asked back, never guessed for, and text says so.
func (b *Bot) which(ctx context.Context, line store.Line, person store.Person, code int) (c store.Call, text string, err error) {
	if code > 0 {
		c, attempt, err := b.Store.ByCode(ctx, line.Number, code)
		if errors.Is(err, store.ErrNoCall) {
			return store.Call{}, noSuchCode(code), nil
		}
		c.Attempt = attempt // what the code named, which may be over
		return c, "", err
	}
	open, err := b.Store.OpenCalls(ctx, line.Number)
	if err != nil {
		return store.Call{}, "", err
	}
	last, err := b.Store.Last(ctx, line.Number, b.Store.Clock.Now().Add(-recent))
	if err != nil && !errors.Is(err, store.ErrNoCall) {
		return store.Call{}, "", err
	}
	ended := err == nil
	waiting := only(open, store.Waiting)
	switch {
	case len(waiting) == 0 && len(open) > 0:
		return open[len(open)-1], "", nil
	case len(waiting) == 0 && ended:
		return last, "", nil
	case len(waiting) == 0:
		return store.Call{}, nothingWaits, nil
	case len(waiting) == 1 && len(open) == 1 && !(ended && b.Store.Clock.Since(last.Stopped) < overlap):
		return waiting[0], "", nil
	case len(waiting) == 1:
		// Only somebody who was told of this one can mean it: it may just have come, and the answer be to another.
		told, err := b.Store.Announced(ctx, waiting[0], person.Name)
		if err != nil || told {
			return waiting[0], "", err
		}
	}
	return store.Call{}, whichOne(line, waiting, b.Store.Clock.Now()), nil
}

// waitingFor returns the calls that wait on the lines that a person serves, the longest first.
func (b *Bot) waitingFor(ctx context.Context, person store.Person) ([]store.Call, error) {
	open, err := b.Store.OpenCalls(ctx, "")
	return slices.DeleteFunc(only(open, store.Waiting), func(c store.Call) bool {
		line, _ := b.Store.Team.Line(c.Line)
		return !line.Serves(person.Name)
	}), err
}

// list says what waits on the lines that a person serves.
func (b *Bot) list(ctx context.Context, person store.Person) (string, error) {
	waiting, err := b.waitingFor(ctx, person)
	if err != nil {
		return "", err
	}
	return waitingList(b.Store.Team, waiting, b.Store.Clock.Now()), nil
}

func only(calls []store.Call, s store.State) []store.Call {
	return slices.DeleteFunc(slices.Clone(calls), func(c store.Call) bool { return c.State != s })
}

// answer gives a person's word on a call and returns what to tell them.
func (b *Bot) answer(ctx context.Context, c store.Call, a store.Answer) (string, error) {
	a.Call, a.Attempt = c.ID, c.Attempt
	v, c, err := b.Store.Answer(ctx, a)
	if errors.Is(err, store.ErrNoCall) {
		return forgotten, b.Store.Replied(ctx, a.ID, forgotten)
	}
	if err != nil {
		return "", err
	}
	return verdict(b.Store.Team, a, v, c, b.Store.Clock.Now()), nil
}

// again says what an answer came to that was given before, when it is delivered once more; known is false when it was
// not.
func (b *Bot) again(ctx context.Context, answer string) (text string, known bool, err error) {
	g, err := b.Store.Given(ctx, answer)
	if err != nil || g.Answer.ID == "" {
		return g.Reply, g.Replied(), err
	}
	c, err := b.Store.Call(ctx, g.Answer.Call)
	if errors.Is(err, store.ErrNoCall) {
		return forgotten, true, nil
	}
	if err == nil {
		text, err = b.answer(ctx, c, g.Answer)
	}
	return text, true, err
}

// reply remembers what is said to an answer about no call. When the same answer has come to something meanwhile, that
// is said instead.
func (b *Bot) reply(ctx context.Context, answer, text string) (string, error) {
	if err := b.Store.Replied(ctx, answer, text); err != nil {
		return "", err
	}
	text, _, err := b.again(ctx, answer)
	return text, err
}

// pull takes the longest-waiting call for a person.
func (b *Bot) pull(ctx context.Context, person store.Person, a store.Answer) (string, error) {
	if text, known, err := b.again(ctx, a.ID); known || err != nil {
		return text, err
	}
	waiting, err := b.waitingFor(ctx, person)
	if err != nil {
		return "", err
	}
	if len(waiting) == 0 {
		return b.reply(ctx, a.ID, nothingWaits)
	}
	a.Word = store.Take
	return b.answer(ctx, waiting[0], a)
}
