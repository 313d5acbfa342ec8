package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"pullphone/store"
)

// pictures keeps each call's Slack message at the latest state. Those of one channel are drawn in order of arrival, but
// what is new waits behind no change of what is there, and a call that waits behind none that does not.
func (b *Bot) pictures() store.Work {
	return store.Work{
		Kind: store.Draw, Parallel: 32, Longest: time.Minute,
		Lane: func(d store.Deed) string { return fmt.Sprint(d.Line, d.First, d.Waiting) },
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
	at := c.Message
	if at.TS != "" {
		err = b.update(ctx, &at, m)
	}
	if err == nil && at.TS == "" && d.Doubt {
		at, err = b.find(ctx, line.Channel, m.mark, c.Arrived, d.Left)
		b.Store.Looked(d.Kind, at.TS != "")
		if at.TS != "" {
			err = b.update(ctx, &at, m)
		}
	}
	if err == nil && at.TS == "" {
		at, err = b.send(ctx, line.Channel, m)
	}
	switch {
	case err == nil:
	case slackCode(err) == "edit_window_closed":
		b.Log.Warn("the workspace lets messages be edited for a time only", "call", c.ID)
	default:
		return nil, b.slackLater(line.Channel, err)
	}
	return func(now *store.Call) bool {
		at.Rev = c.Rev
		now.Message = at
		return false
	}, nil
}

// send posts a message when it is its turn. One whose blocks Slack refuses is posted as text, so that people are told
// all the same; one whose metadata it refuses, without.
func (b *Bot) send(ctx context.Context, channel string, m post) (store.Message, error) {
	if err := b.turn(posting, channel, m.urgent); err != nil {
		return store.Message{}, err
	}
	if b.finder.refused(channel) {
		m.mark = mark{}
	}
	at, err := b.postMessage(ctx, channel, m)
	if unshowable(err) {
		b.Log.Error("Slack refuses a message's blocks; it is posted as text", "channel", channel, "err", err)
		m.blocks = nil
		if err = b.await(ctx, posting, channel); err == nil {
			at, err = b.postMessage(ctx, channel, m)
		}
	}
	if unmarkable(err) {
		b.Log.Warn("Slack refuses metadata; a message whose answer is lost may be posted twice", "channel", channel, "err", err)
		b.finder.refuse(channel)
		err = &store.Later{}
	}
	return at, err
}

func (b *Bot) postMessage(ctx context.Context, channel string, m post) (store.Message, error) {
	opts := m.options()
	if m.mark.id != "" {
		opts = append(opts, m.mark.option())
	}
	id, ts, err := b.Slack.PostMessageContext(ctx, channel, opts...)
	if err == nil && ts == "" {
		err = errNoReason
	}
	b.noted(posting, channel, err)
	switch {
	case err == nil:
		b.pacer.learn(channel, id)
	case inDoubt(err):
		b.finder.forget(b.pacer.channel(channel))
	}
	return store.Message{Channel: id, TS: ts}, err
}

// errNoReason is a refusal that the library takes for success: one of Slack's that says no more than "not ok".
var errNoReason = errors.New("slack refuses without a reason")

// update changes a message, likewise. Its answer need not repeat the ts that we know, and its metadata stays. A message
// that was deleted, or is out of reach because the channel was changed, archived or left, is none any more.
func (b *Bot) update(ctx context.Context, at *store.Message, m post) error {
	if err := b.turn(updating, "", m.urgent); err != nil {
		return err
	}
	_, _, _, err := b.Slack.UpdateMessageContext(ctx, at.Channel, at.TS, m.options()...)
	if unshowable(err) {
		b.Log.Error("Slack refuses a message's blocks; it is shown as text", "channel", at.Channel, "err", err)
		m.blocks = nil
		if err = b.await(ctx, updating, ""); err == nil {
			_, _, _, err = b.Slack.UpdateMessageContext(ctx, at.Channel, at.TS, m.options()...)
		}
	}
	b.noted(updating, at.Channel, err)
	if gone(err) {
		at.TS, err = "", nil
	}
	return err
}

// post is a Slack message to be: blocks, and the text that notifications show and screen readers read.
type post struct {
	text   string
	blocks []slack.Block
	mark   mark
	urgent bool // somebody waits for an answer to it
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

func unmarkable(err error) bool {
	switch slackCode(err) {
	case "invalid_metadata_format", "invalid_metadata_schema", "metadata_must_be_sent_from_app", "metadata_too_large":
		return true
	}
	return false
}

// slackLater says when a failed request to Slack is tried again: when Slack says, or when a person may have mended
// what no repetition mends.
func (b *Bot) slackLater(channel string, err error) error {
	if later, ok := errors.AsType[*store.Later](err); ok {
		return later
	}
	if after := limit(err); after > 0 {
		return &store.Later{After: after, Err: err}
	}
	if inDoubt(err) {
		return err
	}
	if slackCode(err) == "" {
		return &store.Later{Err: err}
	}
	b.refused(channel, err)
	return &store.Later{After: time.Minute}
}

// limit is how long Slack wants to hear no more of what it refused for its rate, 0 when it did not. Where it does not
// say, we do.
func limit(err error) time.Duration {
	const unsaid = 30 * time.Second
	if e, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return max(e.RetryAfter, time.Second)
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok && e.Code == http.StatusTooManyRequests {
		return unsaid
	}
	if limited(slackCode(err)) {
		return unsaid
	}
	return 0
}

// inDoubt reports whether a request that failed may have been carried out. One for which there was no connection was not.
func inDoubt(err error) bool {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return false
	}
	return err != nil && limit(err) == 0 && passing(slackCode(err))
}

// passing reports whether Slack's error, or one that is none of Slack's, may be gone at the next try.
func passing(code string) bool {
	switch code {
	case "", "fatal_error", "internal_error", "service_unavailable", "request_timeout":
		return true
	}
	return false
}

// turnedAway reports a refusal by HTTP status, Slack's or that of something in between, that no repetition mends.
func turnedAway(err error) bool {
	e, ok := errors.AsType[slack.StatusCodeError](err)
	return ok && e.Code >= 400 && e.Code < 500 && e.Code != http.StatusRequestTimeout && e.Code != http.StatusTooManyRequests
}

// limited reports Slack's refusal for its rate, of which there are two spellings.
func limited(code string) bool { return code == "ratelimited" || code == "rate_limited" }
