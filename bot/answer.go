package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pullphone/store"
)

// recent is how long after its end a call can be what an answer is about.
const recent = 15 * time.Minute

// overlap is how long after its end an answer to a call can still be on its way.
const overlap = 2 * time.Minute

// typed is what a person has typed, in a text or after the slash command.
type typed struct {
	said
	person store.Person
	lines  []store.Line // that it can be about
	here   string       // number of the line in whose channel it was typed, or empty
	sent   time.Time    // of a text that was missed, else zero
	answer store.Answer // natural key, person, way
}

// do does what somebody has typed, once, and returns what to tell them.
func (b *Bot) do(ctx context.Context, t typed) (string, error) {
	switch t.word {
	case wordYes, wordNo, wordPass, wordKeyword:
		return b.decide(ctx, t)
	case wordPassOn:
		return b.passOn(ctx, t)
	case wordPull:
		return b.pull(ctx, t)
	case wordOn:
		if err := b.Store.SetDuty(ctx, t.person.Name, store.Duty{}); err != nil {
			return "", err
		}
		return b.reply(ctx, t.answer.ID, onDuty)
	case wordOff:
		d, now := store.Duty{Off: true}, b.Store.Clock.Now()
		if t.span > 0 {
			d.Until = now.Add(t.span)
		}
		if err := b.Store.SetDuty(ctx, t.person.Name, d); err != nil {
			return "", err
		}
		return b.reply(ctx, t.answer.ID, offDuty(b.Store.Team, t.answer, d, now))
	case wordLeave:
		had, err := b.Store.LeaveLine(ctx, t.person.Name)
		if err != nil {
			return "", err
		}
		if had {
			return b.reply(ctx, t.answer.ID, leftLine)
		}
		return b.reply(ctx, t.answer.ID, notInLine)
	}
	return b.list(ctx, t.person)
}

// decide answers the call that a word is about.
func (b *Bot) decide(ctx context.Context, t typed) (string, error) {
	c, text, err := b.which(ctx, t)
	if err != nil {
		return "", err
	}
	if b.outdated(t, c) {
		return "", b.Store.Replied(ctx, t.answer.ID, "")
	}
	if text != "" {
		return b.reply(ctx, t.answer.ID, text)
	}
	line, _ := b.Store.Team.Line(c.Line)
	a := t.answer
	a.Force, a.To, a.Say = t.force, t.keyword.Forward, t.keyword.Say
	switch {
	case t.word == wordYes:
		a.Word = store.Take
	case t.keyword.Forward != "":
		a.Word = store.Forward
	case t.word == wordPass, t.keyword.Pass, t.word == wordNo && line.No == store.NoPass, c.State == store.Ringing && has(c, t.person.Name):
		a.Word = store.Pass
	default:
		a.Word = store.SendVoicemail
	}
	return b.answer(ctx, c, a)
}

// has reports whether a call is a person's own: their phone rings for it, or they talk.
func has(c store.Call, person string) bool {
	return (c.State == store.Ringing || c.State == store.Talking) && c.Claim != nil && c.Claim.Word == store.Take && c.Claim.Person == person
}

// which finds the call that an answer without a button is about: the one with the code that it names; for a no, the one
// that its sender has; or the only one that waits; with none, the one that came last. Where that is not certain the person
// is asked back, never guessed for, and text says so.
func (b *Bot) which(ctx context.Context, t typed) (c store.Call, text string, err error) {
	if t.code > 0 {
		return b.byCode(ctx, t)
	}
	now := b.Store.Clock.Now()
	if t.word != wordYes && t.keyword.Forward == "" {
		own, err := b.Store.CallsOf(ctx, t.person.Name)
		own = slices.DeleteFunc(own, func(c store.Call) bool { return !t.about(c) })
		if err != nil || len(own) == 1 {
			return append(own, store.Call{})[0], "", err
		}
		if len(own) > 1 {
			return store.Call{}, whichOne(b.Store.Team, own, t.example(own[0]), now), nil
		}
	}
	open, err := b.Store.OpenCalls(ctx, "")
	if err != nil {
		return store.Call{}, "", err
	}
	open = slices.DeleteFunc(open, func(c store.Call) bool { return !t.about(c) })
	var last store.Call
	for _, line := range t.lines {
		c, err := b.Store.Last(ctx, line.Number, now.Add(-recent))
		if err != nil && !errors.Is(err, store.ErrNoCall) {
			return store.Call{}, "", err
		}
		if err == nil && c.Stopped.After(last.Stopped) {
			last = c
		}
	}
	waiting := only(open, store.Waiting)
	switch {
	case len(waiting) == 0 && len(open) > 0 && open[len(open)-1].Arrived.After(last.Arrived):
		return open[len(open)-1], "", nil
	case len(waiting) == 0 && last.ID != "":
		return last, "", nil
	case len(waiting) == 0:
		return store.Call{}, nothingWaits, nil
	case len(waiting) == 1:
		c := waiting[0]
		sure := len(open) == 1 && c.Attempt == 1 && !(last.ID != "" && now.Sub(last.Stopped) < overlap)
		if !sure {
			// Only somebody who was told of this one can mean it: it may just have come, or wait again, and the answer be to
			// another.
			sure, err = b.told(ctx, c, t.person)
		}
		if sure || err != nil {
			return c, "", err
		}
	}
	return store.Call{}, whichOne(b.Store.Team, waiting, t.example(waiting[0]), now), nil
}

// example is the same word with the code of a call.
func (t typed) example(c store.Call) string {
	word := strings.ToUpper(t.keyword.Word)
	switch t.word {
	case wordYes:
		return takes(t.answer, c, t.force)
	case wordNo:
		word = orCommand(t.answer, "N", "/pull no")
	case wordPass:
		word = orCommand(t.answer, "PASS", "/pull pass")
	}
	return fmt.Sprintf("%s %d", word, c.Code)
}

// about reports whether what was typed can be about a call.
func (t typed) about(c store.Call) bool {
	return slices.ContainsFunc(t.lines, func(l store.Line) bool { return l.Number == c.Line })
}

// told reports whether a person was told of a call's current attempt.
func (b *Bot) told(ctx context.Context, c store.Call, person store.Person) (bool, error) {
	if !slices.Contains(c.Told, person.Name) {
		return false, nil
	}
	return b.Store.Announced(ctx, c, person.Name)
}

// byCode finds the call with a code. Each line counts its own: where several have it, the one in whose channel it was
// typed is meant.
func (b *Bot) byCode(ctx context.Context, t typed) (store.Call, string, error) {
	var found []store.Call
	for _, line := range t.lines {
		c, attempt, err := b.Store.ByCode(ctx, line.Number, t.code)
		if errors.Is(err, store.ErrNoCall) {
			continue
		}
		if err != nil {
			return store.Call{}, "", err
		}
		c.Attempt = attempt // what the code named, which may be over
		if line.Number == t.here {
			return c, "", nil
		}
		found = append(found, c)
	}
	switch len(found) {
	case 0:
		return store.Call{}, noSuchCode(t.answer, t.code), nil
	case 1:
		return found[0], "", nil
	}
	return store.Call{}, severalCodes(t.code), nil
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
	return b.verdict(ctx, a, v, c)
}

// verdict tells a person what their answer came to.
func (b *Bot) verdict(ctx context.Context, a store.Answer, v store.Verdict, c store.Call) (string, error) {
	if v.Result == store.InLine {
		return b.place(ctx, a.Person)
	}
	var other store.Call
	if v.Other != "" {
		var err error
		if other, err = b.Store.Call(ctx, v.Other); err != nil && !errors.Is(err, store.ErrNoCall) {
			return "", err
		}
	}
	return verdict(b.Store.Team, a, v, c, other, b.Store.Clock.Now()), nil
}

// place tells a person where they stand in line: behind those who stood there first for one of their lines.
func (b *Bot) place(ctx context.Context, name string) (string, error) {
	all, err := b.Store.InLine(ctx)
	if err != nil {
		return "", err
	}
	before := 0
	for _, p := range all {
		if p.Person == name {
			person, _ := b.Store.Team.Person(name)
			return inLine(person, b.Store.Team, p, before, b.Store.Clock.Now()), nil
		}
		if slices.ContainsFunc(b.linesOf(name), func(l store.Line) bool { return l.Serves(p.Person) }) {
			before++
		}
	}
	return leftLine, nil
}

// linesOf are the lines that a person serves.
func (b *Bot) linesOf(person string) []store.Line {
	return slices.DeleteFunc(slices.Clone(b.Store.Team.Lines), func(l store.Line) bool { return !l.Serves(person) })
}

// again says what an answer came to that was given before, when it is delivered once more; known is false when it was
// not.
func (b *Bot) again(ctx context.Context, answer string) (text string, known bool, err error) {
	g, err := b.Store.Given(ctx, answer)
	if err != nil || g.Answer.ID == "" {
		return g.Reply, g.Replied(), err
	}
	var c store.Call
	if g.Answer.Call != "" { // a pull may have found none
		c, err = b.Store.Call(ctx, g.Answer.Call)
	}
	if errors.Is(err, store.ErrNoCall) {
		return forgotten, true, nil
	}
	if err == nil {
		text, err = b.verdict(ctx, g.Answer, g.Verdict, c)
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

// pull takes the call that has waited longest for a person, or puts them in line for the next one.
func (b *Bot) pull(ctx context.Context, t typed) (string, error) {
	if !t.sent.IsZero() {
		waiting, err := b.Store.WaitingFor(ctx, t.person.Name)
		if err != nil {
			return "", err
		}
		if b.outdated(t, append(waiting, store.Call{})[0]) {
			return "", b.Store.Replied(ctx, t.answer.ID, "")
		}
	}
	a := t.answer
	a.Word, a.Pull, a.Force = store.Take, true, t.force
	v, c, err := b.Store.Pull(ctx, a)
	if errors.Is(err, store.ErrNoCall) {
		return forgotten, nil
	}
	if err != nil {
		return "", err
	}
	return b.verdict(ctx, a, v, c)
}

// passOn hands the caller over whom a person is on the phone with, or gives the one back for whom their phone rings.
func (b *Bot) passOn(ctx context.Context, t typed) (string, error) {
	own, err := b.Store.CallsOf(ctx, t.person.Name)
	if err != nil {
		return "", err
	}
	if talking := only(own, store.Talking); len(talking) > 0 {
		own = talking
	}
	if len(own) == 0 {
		return b.reply(ctx, t.answer.ID, nobodyHeld)
	}
	a := t.answer
	a.Word, a.Note = store.HandOver, t.note
	return b.answer(ctx, own[len(own)-1], a) // the one that they took last
}

// list says what waits on the lines that a person serves, and who there stands in line or is off duty.
func (b *Bot) list(ctx context.Context, person store.Person) (string, error) {
	waiting, err := b.Store.WaitingFor(ctx, person.Name)
	if err != nil {
		return "", err
	}
	standing, err := b.Store.InLine(ctx)
	if err != nil {
		return "", err
	}
	lines, now := b.linesOf(person.Name), b.Store.Clock.Now()
	colleague := func(name string) bool {
		return slices.ContainsFunc(lines, func(l store.Line) bool { return l.Serves(name) })
	}
	var inLine, off []string
	for _, p := range standing {
		if colleague(p.Person) {
			inLine = append(inLine, p.Person)
		}
	}
	for _, p := range b.Store.Team.People {
		d, err := b.Store.Duty(ctx, p.Name)
		if err != nil {
			return "", err
		}
		if !d.Off || !colleague(p.Name) {
			continue
		}
		name := p.Name
		if !d.Until.IsZero() {
			name += " " + until(d.Until, now, zone(b.Store.Team, person.Name))
		}
		off = append(off, name)
	}
	return waitingList(b.Store.Team, waiting, now) + people("In line", inLine) + people("Off duty", off), nil
}
