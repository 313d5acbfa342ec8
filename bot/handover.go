package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"pullphone/store"
)

// offers gives people who talk a button to hand the call over. It is for them alone: the call's own message has no button
// while somebody has the call.
func (b *Bot) offers() store.Work {
	return store.Work{Kind: store.Offer, Parallel: 16, Longest: 8 * time.Second, Do: b.offer}
}

// offer is tried until Slack has taken it or they talk no more. In doubt it is sent again: both buttons say the same.
func (b *Bot) offer(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := b.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	if c.State != store.Talking || c.Attempt != d.Attempt || c.Claim == nil {
		return nil, nil
	}
	line, known := b.Store.Team.Line(c.Line)
	person, _ := b.Store.Team.Person(c.Claim.Person)
	if !known || person.Slack == "" {
		return nil, nil
	}
	channel := c.Message.Channel
	if channel == "" {
		channel, err = b.channelID(ctx, line.Channel)
	}
	if err == nil {
		err = b.turn(whisper, "", true)
	}
	if err == nil {
		err = b.showTo(ctx, channel, person.Slack, talkingWith(line, c))
	}
	switch code := slackCode(err); {
	case err == nil:
	case passing(code), limited(code):
		return nil, b.slackLater(line.Channel, err)
	default:
		b.Log.Warn("no button to hand over in Slack", "call", d.Call, "user", person.Slack, "err", err) // they can text it
	}
	return nil, nil
}

// talkingWith tells a person whom they talk with, with the button.
func talkingWith(line store.Line, c store.Call) post {
	text := "You are talking with " + shorten(who(line, c), maxText) + "."
	return post{text: shown(text), blocks: []slack.Block{
		slack.NewSectionBlock(plain(text, 3000), nil, nil),
		slack.NewActionBlock("handover-"+value(c), slack.NewButtonBlockElement(handOverAction, value(c), plain("Hand over", 75))),
	}}
}
