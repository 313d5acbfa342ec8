package bot

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"

	"pullphone/store"
)

// pictures keeps each call's Slack message at the latest state. Those of one channel are drawn in order of arrival.
func (b *Bot) pictures() store.Work {
	return store.Work{
		Kind: store.Draw, Parallel: 16, Longest: time.Minute,
		Lane: func(d store.Deed) string { return d.Line },
		Do:   b.draw,
	}
}

func (b *Bot) draw(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := b.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	line, known := b.Store.Team.Line(c.Line)
	if !known || c.Message.TS != "" && c.Message.Rev >= c.Rev {
		return nil, nil
	}
	m := message(line, c)
	channel, ts := c.Message.Channel, c.Message.TS
	if ts != "" {
		err = b.update(ctx, channel, ts, m)
		if gone(err) { // deleted, or out of reach: the channel may have been changed, archived or left
			ts = ""
		}
	}
	if ts == "" {
		channel, ts, err = b.send(ctx, line.Channel, m)
	}
	switch {
	case err == nil:
	case slackCode(err) == "edit_window_closed":
		b.Log.Warn("the workspace lets messages be edited for a time only", "call", c.ID)
	default:
		return nil, slackLater(err)
	}
	return func(now *store.Call) bool {
		now.Message = store.Message{Channel: channel, TS: ts, Rev: c.Rev}
		return false
	}, nil
}

// send posts a message. One whose blocks Slack refuses is posted as text, so that people are told all the same.
func (b *Bot) send(ctx context.Context, channel string, m post) (id, ts string, err error) {
	id, ts, err = b.Slack.PostMessageContext(ctx, channel, m.options()...)
	if unshowable(err) {
		b.Log.Error("Slack refuses a message's blocks; it is posted as text", "channel", channel, "err", err)
		m.blocks = nil
		id, ts, err = b.Slack.PostMessageContext(ctx, channel, m.options()...)
	}
	if err == nil && ts == "" {
		err = errNoReason
	}
	return id, ts, err
}

// errNoReason is a refusal that the library takes for success: one of Slack's that says no more than "not ok".
var errNoReason = errors.New("slack refuses without a reason")

// update changes a message, likewise. Its answer need not repeat the ts that we know.
func (b *Bot) update(ctx context.Context, channel, ts string, m post) error {
	_, _, _, err := b.Slack.UpdateMessageContext(ctx, channel, ts, m.options()...)
	if unshowable(err) {
		b.Log.Error("Slack refuses a message's blocks; it is shown as text", "channel", channel, "err", err)
		m.blocks = nil
		_, _, _, err = b.Slack.UpdateMessageContext(ctx, channel, ts, m.options()...)
	}
	return err
}

// post is a Slack message to be: blocks, and the text that notifications show and screen readers read.
type post struct {
	text   string
	blocks []slack.Block
}

// options sends everything so that Slack makes nothing of it but what the blocks say: no names linked, nothing unfurled.
func (p post) options() []slack.MsgOption {
	opts := []slack.MsgOption{
		slack.MsgOptionText(p.text, false), slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
	if p.blocks != nil {
		opts = append(opts, slack.MsgOptionBlocks(p.blocks...))
	}
	return opts
}

func slackCode(err error) string {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return e.Err
	}
	return ""
}

// gone reports whether a message can never be changed again, so that a new one has to say what it would.
func gone(err error) bool {
	switch slackCode(err) {
	case "message_not_found", "cant_update_message", "block_mismatch", "channel_not_found", "is_inactive", "not_in_channel":
		return true
	}
	return false
}

func unshowable(err error) bool {
	switch slackCode(err) {
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long":
		return true
	}
	return false
}

// slackLater says when a failed request to Slack is tried again: when Slack says, or when a person may have mended
// what no repetition mends.
func slackLater(err error) error {
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &store.Later{After: limited.RetryAfter, Err: err}
	}
	switch code := slackCode(err); {
	case passing(code):
		return err
	case limited(code):
		return &store.Later{After: 30 * time.Second, Err: err}
	}
	return &store.Later{After: time.Minute, Err: err}
}

// passing reports whether Slack's error, or one that is none of Slack's, may be gone at the next try.
func passing(code string) bool {
	switch code {
	case "", "fatal_error", "internal_error", "service_unavailable", "request_timeout":
		return true
	}
	return false
}

// limited reports Slack's refusal for its rate, of which there are two spellings.
func limited(code string) bool { return code == "ratelimited" || code == "rate_limited" }
