package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// tellWithin is how long what became of an answer is worth telling.
const tellWithin = time.Minute

// tells tells people what became of their answers: of a press, because Slack's reply to the press itself cannot carry
// words; of a place in line, when it has brought them a call; of a take, when the two were not put through.
func (b *Bot) tells() store.Work {
	return store.Work{Kind: store.Tell, Parallel: 16, Do: b.tell, Longest: 8 * time.Second}
}

func (b *Bot) tell(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	if b.Store.Clock.Since(d.Due) > tellWithin {
		return nil, nil
	}
	g, err := b.Store.Given(ctx, d.Whom)
	if err != nil {
		return nil, err
	}
	c, err := b.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	text, err := b.verdict(ctx, g.Answer, g.Verdict, c)
	if err != nil {
		return nil, err
	}
	if g.Answer.User == "" {
		return b.tellBySMS(ctx, c, g.Answer.Person, text, d)
	}
	channel := g.Answer.Channel
	if channel == "" {
		channel = c.Message.Channel
	}
	if err := b.turn(whisper, "", true); err != nil {
		return nil, err
	}
	err = b.ephemeral(ctx, aside{channel: channel, user: g.Answer.User, text: text})
	switch code := slackCode(err); {
	case err == nil:
	case passing(code), limited(code):
		return nil, b.slackLater(channel, err)
	default:
		b.Log.Warn("not told in Slack", "call", d.Call, "user", g.Answer.User, "err", err)
		if g.Answer.Pull || g.Answer.Via == store.ByLine { // typed anywhere, perhaps where we cannot speak
			return b.tellBySMS(ctx, c, g.Answer.Person, text, d)
		} // else the call's own message says it too
	}
	return nil, nil
}

func (b *Bot) tellBySMS(ctx context.Context, c store.Call, name, text string, d store.Deed) (func(*store.Call) bool, error) {
	person, _ := b.Store.Team.Person(name)
	if person.Phone == "" {
		return nil, nil
	}
	sms := twilio.SMS{From: c.Line, To: person.Phone, Body: text, Validity: tellWithin}
	told := func(sid string) func(*store.Call) bool {
		return func(c *store.Call) bool {
			return c.Texted(store.SMSText{Person: name, SID: sid, Status: store.TextQueued})
		}
	}
	if d.Doubt {
		if sid, err := b.sent(ctx, d, sms, d.Due); err != nil || sid != "" {
			return told(sid), err
		}
	}
	sid, err := b.Twilio.Send(ctx, sms)
	if after, ok := twilio.Limited(err); ok {
		return nil, &store.Later{After: after, Err: err}
	}
	if twilio.Refused(err) {
		b.Log.Warn("not told by SMS", "call", c.ID, "person", name, "err", err)
		return nil, nil
	}
	return told(sid), err
}

func (b *Bot) ephemeral(ctx context.Context, a aside) error {
	return b.showTo(ctx, a.channel, a.user, post{text: shown(a.text)})
}

// showTo shows a message to one person alone. Slack does so only while they are active, and keeps nothing of it
// (docs.slack.dev/reference/methods/chat.postEphemeral).
func (b *Bot) showTo(ctx context.Context, channel, user string, p post) error {
	_, err := b.Slack.PostEphemeralContext(ctx, channel, user, slack.MsgOptionText(p.text, false), slack.MsgOptionParse(false),
		slack.MsgOptionBlocks(p.blocks...))
	b.noted(whisper, "", err)
	return err
}

// aside is a private word to somebody whose press was no answer. It is worth one try.
type aside struct{ channel, user, text string }

func (b *Bot) aside(a aside) {
	select {
	case b.asides <- a:
	default:
		b.Log.Warn("too many presses to answer each", "user", a.user)
	}
}

func (b *Bot) runAsides(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-b.asides:
			err := b.await(ctx, whisper, "")
			if err == nil {
				err = b.ephemeral(ctx, a)
			}
			if err != nil && ctx.Err() == nil {
				b.Log.Warn("not told in Slack", "user", a.user, "err", err)
			}
		}
	}
}
