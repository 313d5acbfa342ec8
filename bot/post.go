package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pullphone/store"
)

// posts posts the links of voicemails: a new message each, because an update notifies nobody.
func (b *Bot) posts() store.Work {
	return store.Work{
		Kind: store.Post, Parallel: 8, Longest: time.Minute,
		Lane: func(d store.Deed) string { return d.Line },
		Do:   b.post,
	}
}

func (b *Bot) post(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := b.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	line, known := b.Store.Team.Line(c.Line)
	n := slices.IndexFunc(c.Voice, func(v store.Voice) bool { return v.SID == d.Whom })
	if !known {
		return nil, &store.Later{After: time.Minute, Err: fmt.Errorf("a voicemail on %s, which is no line of the config any more", c.Line)}
	}
	if n < 0 {
		return nil, nil
	}
	m := voicemail(line, c, n, b.Links.Make(c.ID, n, b.Store.Clock.Now()))
	var at store.Message
	if d.Doubt {
		at, err = b.find(ctx, line.Channel, m.mark, c.Voice[n].At, d.Left)
		b.Store.Looked(d.Kind, at.TS != "")
	}
	if err == nil && at.TS == "" {
		at, err = b.send(ctx, line.Channel, m)
	}
	if err != nil {
		return nil, b.slackLater(line.Channel, err)
	}
	return func(now *store.Call) bool {
		for i, v := range now.Voice {
			if v.SID == d.Whom {
				now.Voice[i].Message = at
			}
		}
		return false
	}, nil
}
