package bot

import (
	"context"
	"strings"
	"time"

	"pullphone/store"
)

// unposts deletes the messages of forgotten callers.
func (b *Bot) unposts() store.Work {
	return store.Work{
		Kind: store.Unpost, Parallel: 4, Longest: time.Minute,
		Lane: func(d store.Deed) string { return d.Line },
		Do:   b.unpost,
	}
}

func (b *Bot) unpost(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	channel, ts, _ := strings.Cut(d.Whom, "/")
	if err := b.turn(deleting, "", false); err != nil {
		return nil, err
	}
	_, _, err := b.Slack.DeleteMessageContext(ctx, channel, ts)
	b.noted(deleting, channel, err)
	switch slackCode(err) {
	case "message_not_found", "channel_not_found": // nobody can read it
		return nil, nil
	case "compliance_exports_prevent_deletion", "cant_delete_message":
		b.Log.Error("Slack does not let a message be deleted; somebody has to do it there", "channel", channel, "ts", ts, "err", err)
		return nil, nil
	}
	if err != nil {
		return nil, b.slackLater(channel, err)
	}
	return nil, nil
}
