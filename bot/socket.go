package bot

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// socketPause is how long a refused connection is left alone: the token is wrong until a person mends it.
const socketPause = time.Minute

// socketAgain is how often it is looked whether this server is one to send answers to.
const socketAgain = time.Second

// runSocket hears presses and commands through Socket Mode until ctx ends (docs.slack.dev/apis/events-api/using-socket-mode).
// The library reconnects by itself; it gives up only where Slack refuses the token. While this server can record nothing it
// has no connection, so that Slack sends all to the others.
func (b *Bot) runSocket(ctx context.Context) error {
	for ctx.Err() == nil {
		if !b.records() {
			b.pause(ctx, socketAgain)
			continue
		}
		c := socketmode.New(b.Slack, socketmode.OptionLog(log.New(io.Discard, "", 0)))
		ended, cancel := context.WithCancel(ctx)
		go func() {
			for b.records() && b.pause(ended, socketAgain) {
			}
			cancel()
		}()
		refused := make(chan bool, 1)
		go func() {
			defer cancel()
			err := c.RunContext(ended) // it never returns nil
			no := ended.Err() == nil
			if no {
				b.Log.Error("Slack refuses the connection; check slack.app_token", "again in", socketPause, "err", err)
			}
			refused <- no
		}()
		b.hearSocket(ended, c)
		if <-refused {
			b.pause(ctx, socketPause)
		}
	}
	return nil
}

// records reports whether an answer can be recorded here, or nowhere else.
func (b *Bot) records() bool {
	_, err := b.Store.SinceBeat()
	return err == nil || b.Store.Living() == 1
}

// pause is false when ctx ends first.
func (b *Bot) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-b.Store.Clock.After(d):
		return true
	}
}

func (b *Bot) hearSocket(ctx context.Context, c *socketmode.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-c.Events:
			b.fromSocket(ctx, c, e)
		}
	}
}

// fromSocket handles one envelope. It is acknowledged only once what it changed is committed; Slack shows the person an
// error otherwise.
func (b *Bot) fromSocket(ctx context.Context, c *socketmode.Client, e socketmode.Event) {
	defer func() {
		if p := recover(); p != nil { // one that cannot be heard must not end those that can, with the process
			b.Log.Error("panic", "event", e.Type, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	var reply []any
	switch data := e.Data.(type) {
	case slack.InteractionCallback:
		var p press
		err := json.Unmarshal(e.Request.Payload, &p)
		if err == nil {
			err = b.pressed(ctx, p)
		}
		if err != nil {
			b.Log.Error("press not recorded", "user", data.User.ID, "err", err)
			return
		}
	case slack.SlashCommand:
		reply = append(reply, privately(b.commanded(ctx, slashed{user: data.UserID, text: data.Text, trigger: data.TriggerID, channel: data.ChannelID, channelName: data.ChannelName})))
	}
	if e.Request == nil || e.Request.EnvelopeID == "" { // Slack's hello and goodbye wait for no word
		if e.Type == socketmode.EventTypeConnectionError || e.Type == socketmode.EventTypeErrorWriteFailed {
			b.Log.Warn("Slack connection", "event", e.Type)
		}
		return
	}
	if err := c.Ack(*e.Request, reply...); err != nil {
		b.Log.Warn("not acknowledged to Slack", "err", err)
	}
}
