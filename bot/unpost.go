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
		Lane: func(d store.Deed) string { return d.Whom }, // one that cannot be deleted holds up no other
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
	switch code := slackCode(err); {
	case err == nil, code == "message_not_found", code == "channel_not_found": // nobody can read it
		return nil, nil
	case !turnedAway(err) && (passing(code) || limited(code) || tokenless(code)):
		return nil, b.slackLater(channel, err)
	}
	b.Log.Error("Slack does not let a message be deleted; somebody has to do it there", "channel", channel, "ts", ts, "err", err)
	return nil, nil
}
