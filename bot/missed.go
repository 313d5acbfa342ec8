package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// fresh is how long after it was sent a text that was missed can still be somebody's word on a waiting call.
const fresh = 5 * time.Minute

// askedWithin is how long texts that were missed wait for the word on what became of the calls that they may be about.
const askedWithin = 20 * time.Second

// MissedTexts hears the texts that came to the lines between two times and never reached us. Only words on a call are
// heard: to answer anything else so late would only puzzle. mended is told of each.
func (b *Bot) MissedTexts(ctx context.Context, since, until time.Time, mended func(what string)) error {
	var failed error
	asked := false
	for _, line := range b.Store.Team.Lines {
		texts, err := b.Twilio.Texts(ctx, line.Number, since)
		if err != nil {
			failed = errors.Join(failed, err) // one line's texts that cannot be had hold up no other
			continue
		}
		slices.SortStableFunc(texts, func(x, y twilio.Text) int { return x.Sent.Compare(y.Sent) })
		for _, m := range texts {
			if !m.Sent.Before(until) {
				continue
			}
			person, missed, err := b.missed(ctx, line, m)
			if missed && !asked {
				wait, cancel := context.WithTimeout(ctx, askedWithin)
				_ = b.Store.Settled(wait, store.Ask) // else they are heard without it
				cancel()
				asked = true
			}
			if missed && err == nil {
				err = b.hearLate(ctx, line, person, m, mended)
			}
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// missed reports whether a text is a person's word on a call and was never heard.
func (b *Bot) missed(ctx context.Context, line store.Line, m twilio.Text) (store.Person, bool, error) {
	person, known := b.Store.Team.PersonByPhone(m.From)
	if !known || !line.Serves(person.Name) || !messageSID.MatchString(m.SID) {
		return person, false, nil
	}
	switch hear(line, m.Body).word {
	case wordYes, wordNo, wordPass, wordKeyword, wordPull:
	default: // a conversation is not broken off, nor duty changed, by a word that got no answer when it was said
		return person, false, nil
	}
	g, err := b.Store.Given(ctx, answerID("sms", m.SID))
	return person, err == nil && g.At.IsZero(), err
}

// hearLate hears a text. There is no webhook to answer: the verdict on a call is due to be told; any other reply is worth
// one try.
func (b *Bot) hearLate(ctx context.Context, line store.Line, person store.Person, m twilio.Text, mended func(string)) error {
	reply, err := b.heard(ctx, m, "")
	if err != nil || reply == "" {
		return err
	}
	// Others on the same store may have missed it too, and looked for it at the same time.
	mine, err := b.Store.Allow(ctx, rand.Text(), store.Quota{Of: "a reply to " + m.SID, Most: 1, Within: time.Hour})
	if err != nil || !mine {
		return err
	}
	b.Log.Warn("a text was missed", "sid", m.SID, "person", person.Name)
	mended("text")
	g, err := b.Store.Given(ctx, answerID("sms", m.SID))
	if err != nil || g.Answer.Call != "" {
		return err
	}
	_, err = b.Twilio.Send(ctx, twilio.SMS{From: line.Number, To: person.Phone, Body: reply, Validity: tellWithin})
	return err
}

// outdated reports whether a text that is heard late means nothing any more: it is no answer to an announcement that came
// after it, only a fresh one takes a call that waits, and one from before its sender took the call does not give it back.
// About a call that has gone they are told all the same. A text that has just come in is never outdated. c is empty when
// the text is about no call.
func (b *Bot) outdated(t typed, c store.Call) bool {
	old := b.Store.Clock.Since(t.sent) > fresh
	switch {
	case t.sent.IsZero():
		return false
	case c.ID == "":
		return old
	case c.State == store.Waiting:
		return old || t.sent.Before(c.Began().Truncate(time.Second)) // Twilio's times are whole seconds
	case c.State == store.Ringing && has(c, t.person.Name) && t.word != wordYes:
		return old || t.sent.Before(c.Claim.At)
	}
	return t.sent.Before(c.Arrived.Truncate(time.Second))
}
