package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"pullphone/store"
)

// mark is what a message of ours carries as metadata, so that it can be found again when Slack's answer to it was lost.
// Every app and member of the workspace can read it (docs.slack.dev/reference/methods/chat.postMessage): it holds
// nothing but our own ID.
type mark struct{ event, id string }

func callMark(c store.Call) mark { return mark{"pullphone_call", string(c.ID)} }

func voicemailMark(c store.Call, n int) mark {
	return mark{"pullphone_voicemail", fmt.Sprintf("%s/%d", c.ID, n)}
}

func mentionMark(c store.Call, step int) mark {
	return mark{"pullphone_mention", fmt.Sprintf("%s/%d", c.ID, step)}
}

func (m mark) option() slack.MsgOption {
	return slack.MsgOptionMetadata(slack.SlackMetadata{EventType: m.event, EventPayload: map[string]any{"id": m.id}})
}

// ahead is how much Slack's clock may be behind ours: where it is more, Slack's signatures are stale for us anyway.
const ahead = 5 * time.Minute

// maxPages bounds how far back a busy channel is read.
const maxPages = 10

// finder remembers what the channels held of our messages, so that after an outage each is read once for all.
type finder struct {
	one sync.Mutex // held while a channel is read

	mu       sync.Mutex
	channels map[string]*found
	unmarked map[string]bool // channels where Slack refuses metadata
}

type found struct {
	from time.Time
	left map[string]bool // owners of deeds who were gone by then, see store.Deed
	ts   map[mark]string // of the newest with this mark
}

// find looks for a message that may have been posted since a time, by this process or by one that left it in doubt, whose
// owner's name is left. Where the channel cannot be read at all, most
// likely for want of the scope, there is none to be found: twice is better than never.
func (b *Bot) find(ctx context.Context, ref string, m mark, since time.Time, left string) (store.Message, error) {
	b.finder.one.Lock()
	defer b.finder.one.Unlock()
	channel, err := b.channelID(ctx, ref)
	var ts string
	if err == nil {
		ts, err = b.read(ctx, channel, m, since.Add(-ahead), left)
	}
	if unreadable(err) {
		b.Log.Warn("a message that Slack may have is posted again, since the channel cannot be read", "channel", ref, "id", m.id, "err", err)
		return store.Message{}, nil
	}
	if err != nil || ts == "" {
		return store.Message{}, err
	}
	return store.Message{Channel: channel, TS: ts}, nil
}

// unreadable reports that looking again finds no more.
func unreadable(err error) bool {
	_, unknown := errors.AsType[noChannel](err)
	_, garbled := errors.AsType[*json.SyntaxError](err) // no answer of Slack's
	code := slackCode(err)
	return unknown || garbled || turnedAway(err) || !passing(code) && !limited(code) && !tokenless(code)
}

func (b *Bot) read(ctx context.Context, channel string, m mark, from time.Time, left string) (ts string, err error) {
	f := b.finder.known(channel)
	// What another process has posted since the channel was read is not known here.
	if f == nil || f.from.After(from) || left != "" && !f.left[left] {
		next := &found{from: from, left: map[string]bool{left: true}, ts: map[mark]string{}}
		if f != nil {
			maps.Copy(next.left, f.left)
			if f.from.Before(from) {
				next.from = f.from
			}
		}
		f = next
		b.finder.know(channel, f) // before it is read: a post that ends in doubt meanwhile has it forgotten again
		if err := b.history(ctx, channel, f); err != nil {
			b.finder.forget(channel)
			return "", err
		}
	}
	return f.ts[m], nil
}

// history reads a channel's messages and keeps those of ours. The order of Slack's pages is not relied on.
func (b *Bot) history(ctx context.Context, channel string, f *found) error {
	p := slack.GetConversationHistoryParameters{
		ChannelID: channel, Oldest: fmt.Sprintf("%d.000000", f.from.Unix()), Limit: 200, IncludeAllMetadata: true,
	}
	for range maxPages {
		if err := b.await(ctx, reading, ""); err != nil {
			return err
		}
		page, err := b.Slack.GetConversationHistoryContext(ctx, &p)
		b.noted(reading, "", err)
		if err != nil {
			return err
		}
		for _, msg := range page.Messages {
			id, _ := msg.Metadata.EventPayload["id"].(string)
			if m := (mark{msg.Metadata.EventType, id}); id != "" && f.ts[m] < msg.Timestamp {
				f.ts[m] = msg.Timestamp
			}
		}
		if p.Cursor = page.ResponseMetaData.NextCursor; p.Cursor == "" {
			break
		}
	}
	return nil
}

func (f *finder) known(channel string) *found {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.channels[channel]
}

func (f *finder) know(channel string, now *found) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.channels[channel] = now
}

func (f *finder) forget(channel string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.channels, channel)
}

// channelID is the ID of a channel given by ID or #name.
func (b *Bot) channelID(ctx context.Context, ref string) (string, error) {
	id := b.pacer.channel(ref)
	if id != ref || ref[:1] != "#" {
		return id, nil
	}
	if err := b.await(ctx, searching, ""); err != nil {
		return "", err
	}
	c, err := Channel(ctx, b.Slack, ref)
	b.noted(searching, "", err)
	if err != nil {
		return "", err
	}
	b.pacer.learn(ref, c.ID)
	return c.ID, nil
}

func (f *finder) refused(channel string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unmarked[channel]
}

func (f *finder) refuse(channel string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unmarked[channel] = true
}
