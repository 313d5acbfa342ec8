package bottest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Ways a message came to be.
const (
	ViaPost        = "chat.postMessage"
	ViaEphemeral   = "chat.postEphemeral"
	ViaResponseURL = "response_url"
	ViaCommand     = "command" // the body of the answer to a slash command
	ViaPerson      = "person"
)

// Metadata is what an app attached to a message. Every app and member of the workspace can read it.
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// Block is a Block Kit block, as decoded from JSON, with what Slack adds: block_id, action_id and the defaults of text
// objects. It is shared and must not be changed.
type Block = map[string]any

// Revision is what a message said before an update.
type Revision struct {
	Text   string
	Blocks []Block
}

// Message is a message as it stood when it was asked for.
type Message struct {
	Channel  string // ID
	TS       string // timestamp, which is the message's ID in its channel
	ThreadTS string // of the thread's first message, "" outside threads
	User     string // who wrote it
	Text     string // in blocks' company only the notification and what a screen reader says
	Blocks   []Block
	Metadata Metadata

	Parse     string // of the top-level text: "", "none", "full" or "client"
	LinkNames bool   // bare names in the top-level text are linked
	NoMrkdwn  bool   // the top-level text is not formatted

	To        string // ephemeral messages: who alone sees it
	Via       string // one of the Via constants
	Updates   int    // how often it was changed
	Edited    bool   // shows the "edited" mark
	Deleted   bool
	Revisions []Revision // each earlier state, oldest first
	Reactions []string

	names map[string]string
	zone  *time.Location
}

// Ephemeral says whether only one person sees the message.
func (m Message) Ephemeral() bool { return m.To != "" }

// AsText is everything a reader sees on the message, as Render gives it, with times in the zone of the person who
// alone sees it, or in UTC.
func (m Message) AsText() string { return Render(m, m.zone) }

// Buttons are the buttons on the message, in reading order.
func (m Message) Buttons() []Button { return buttons(m.Blocks) }

// Button is a button as a person and a program know it.
type Button struct {
	Text, ActionID, BlockID, Value, Style, URL string

	element Block
}

func buttons(blocks []Block) []Button {
	var out []Button
	add := func(b Block, v any) {
		e, _ := v.(Block)
		if str(e["type"]) != "button" {
			return
		}
		out = append(out, Button{
			Text: str(obj(e["text"])["text"]), ActionID: str(e["action_id"]), BlockID: str(b["block_id"]),
			Value: str(e["value"]), Style: str(e["style"]), URL: str(e["url"]), element: e,
		})
	}
	for _, b := range blocks {
		add(b, b["accessory"])
		for _, e := range arr(b["elements"]) {
			add(b, e)
		}
	}
	return out
}

// findButton looks for a button by its visible text or action_id.
func findButton(blocks []Block, button string) (Button, bool) {
	all := buttons(blocks)
	i := slices.IndexFunc(all, func(b Button) bool { return b.Text == button || b.ActionID == button })
	if i < 0 {
		return Button{}, false
	}
	return all[i], true
}

func str(v any) string { s, _ := v.(string); return s }
func obj(v any) Block  { o, _ := v.(Block); return o }
func arr(v any) []any  { a, _ := v.([]any); return a }

// Messages are a channel's messages in order, deleted ones included. The channel is an ID, "#name", or a user's ID for
// the direct message with the bot.
func (w *Workspace) Messages(channel string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshots(w.messages[w.channelID(channel)])
}

// Ephemerals are the messages that only this person saw, in order: chat.postEphemeral, response URLs and the answers to
// slash commands alike.
func (w *Workspace) Ephemerals(user string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshots(w.ephemerals[user])
}

// WaitMessage returns the first message of a channel that match accepts, now or as soon as a post or an update makes
// one. match must not use the workspace. When ctx ends first, the error shows what the channel holds.
func (w *Workspace) WaitMessage(ctx context.Context, channel string, match func(Message) bool) (Message, error) {
	return w.waitFor(ctx, "message in "+channel, match, func() []*Message { return w.messages[w.channelID(channel)] })
}

// WaitEphemeral is WaitMessage for what only this person sees.
func (w *Workspace) WaitEphemeral(ctx context.Context, user string, match func(Message) bool) (Message, error) {
	return w.waitFor(ctx, "message to "+user, match, func() []*Message { return w.ephemerals[user] })
}

func (w *Workspace) waitFor(ctx context.Context, what string, match func(Message) bool, list func() []*Message) (Message, error) {
	var found Message
	var seen []Message
	err := w.wait(ctx, func() bool {
		seen = w.snapshots(list())
		i := slices.IndexFunc(seen, match)
		if i >= 0 {
			found = seen[i]
		}
		return i >= 0
	})
	if err != nil {
		var b strings.Builder
		for _, m := range seen {
			fmt.Fprintf(&b, "\n%s (updates %d, deleted %t): %s", m.TS, m.Updates, m.Deleted, m.AsText())
		}
		return Message{}, fmt.Errorf("bottest: no such %s: %w; there are %d%s", what, err, len(seen), b.String())
	}
	return found, nil
}

// Say posts a message as a person, and returns it.
func (w *Workspace) Say(user, channel, text string) Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &Message{Channel: w.channelID(channel), User: user, Text: text, Via: ViaPerson}
	w.post(m)
	return w.snapshot(m)
}

// DeleteMessage removes a message as a person would.
func (w *Workspace) DeleteMessage(channel, ts string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.findMessage(w.channelID(channel), ts); m != nil {
		m.Deleted = true
		w.change()
	}
}

func (w *Workspace) channelID(channel string) string {
	if u := w.users[channel]; u != nil {
		return w.direct(channel).ID
	}
	if c := w.findChannel(channel); c != nil {
		return c.ID
	}
	return channel
}

// post stores a message at the end of its channel, or of the person's ephemeral ones.
func (w *Workspace) post(m *Message) {
	m.TS = w.ids.ts(w.clock.Now())
	if m.To != "" {
		w.ephemerals[m.To] = append(w.ephemerals[m.To], m)
	} else {
		w.messages[m.Channel] = append(w.messages[m.Channel], m)
	}
	w.change()
}

// revise keeps what the message said and says something else.
func (w *Workspace) revise(m *Message, text string, blocks []Block) {
	m.Revisions = append(m.Revisions, Revision{m.Text, m.Blocks})
	m.Text, m.Blocks = text, blocks
	m.Updates++
	w.change()
}

// findMessage finds a message that still stands.
func (w *Workspace) findMessage(channel, ts string) *Message {
	return find(w.messages[channel], ts)
}

func find(list []*Message, ts string) *Message {
	for _, m := range slices.Backward(list) {
		if m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

func (w *Workspace) snapshot(m *Message) Message {
	s := *m
	s.Revisions = slices.Clone(m.Revisions)
	s.Reactions = slices.Clone(m.Reactions)
	s.names = w.names
	s.zone = time.UTC
	if u := w.users[cmp.Or(m.To, w.directUser(m.Channel))]; u != nil {
		s.zone = u.zone()
	}
	return s
}

func (w *Workspace) directUser(channel string) string {
	if c := w.channels[channel]; c != nil {
		return c.user
	}
	return ""
}

func (w *Workspace) snapshots(list []*Message) []Message {
	out := make([]Message, len(list))
	for i, m := range list {
		out[i] = w.snapshot(m)
	}
	return out
}
