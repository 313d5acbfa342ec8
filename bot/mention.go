package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pullphone/store"
)

// mentions asks those who are active in a line's channel to take a call that has waited too long.
func (b *Bot) mentions() store.Work {
	return store.Work{
		Kind: store.Mention, Parallel: 8, Longest: 8 * time.Second,
		Lane: func(d store.Deed) string { return d.Line },
		Do:   b.mention,
	}
}

// mention posts it in a message of its own, because an update notifies nobody. It stays when the call has been answered:
// what it says stays true.
func (b *Bot) mention(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := b.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	line, known := b.Store.Team.Line(c.Line)
	if !known {
		return nil, nil
	}
	m := stillWaits(line, c, int(d.Rev), b.Store.Clock.Now())
	var at store.Message
	if d.Doubt { // even of a call that has ended: the message names the caller
		at, err = b.find(ctx, line.Channel, m.mark, c.Arrived, d.Left)
		b.Store.Looked(d.Kind, at.TS != "")
	}
	if err == nil && at.TS == "" {
		switch {
		case c.State != store.Waiting || c.Back != nil:
			return nil, nil
		case c.Message.TS == "": // its buttons come first
			return nil, &store.Later{After: time.Second}
		}
		at, err = b.send(ctx, line.Channel, m)
	}
	if err != nil {
		return nil, b.slackLater(line.Channel, err)
	}
	return func(now *store.Call) bool {
		now.Mentions = append(slices.Clone(now.Mentions), at)
		return false
	}, nil
}

// stillWaits mentions @here about a call that waits; step counts the steps of the line that were taken.
func stillWaits(line store.Line, c store.Call, step int, now time.Time) post {
	text := fmt.Sprintf("%s has been waiting on %s for %s. Take call %d above.",
		shorten(who(line, c), maxText/2), shorten(line.Name, maxText/4), length(c.Waited(now)), c.Code)
	return post{text: "<!here> " + shown(text), mark: mentionMark(c, step), urgent: true}
}
