package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"pullphone/store"
)

// tellWithin is how long what a press came to is worth telling.
const tellWithin = time.Minute

// tells answers presses in private: Slack's reply to the press itself cannot carry words.
func (b *Bot) tells() store.Work {
	return store.Work{Kind: store.Tell, Parallel: 16, Do: b.tell, Longest: 8 * time.Second}
}

func (b *Bot) tell(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	g, err := b.Store.Given(ctx, d.Whom)
	if err != nil {
		return nil, err
	}
	if b.Store.Clock.Since(g.At) > tellWithin {
		return nil, nil
	}
	c, err := b.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	text := verdict(b.Store.Team, g.Answer, g.Verdict, c, b.Store.Clock.Now())
	err = b.ephemeral(ctx, aside{channel: g.Answer.Channel, user: g.Answer.User, text: text})
	if code := slackCode(err); code != "" && code != "ratelimited" {
		b.Log.Warn("not told in Slack", "call", d.Call, "user", g.Answer.User, "err", err)
		return nil, nil // they may have left the channel; the call's own message says it too
	}
	if err != nil {
		return nil, slackLater(err)
	}
	return nil, nil
}

func (b *Bot) ephemeral(ctx context.Context, a aside) error {
	_, err := b.Slack.PostEphemeralContext(ctx, a.channel, a.user, slack.MsgOptionText(shown(a.text), false), slack.MsgOptionParse(false))
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
			if err := b.ephemeral(ctx, a); err != nil {
				b.Log.Warn("not told in Slack", "user", a.user, "err", err)
			}
		}
	}
}
