package bottest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Lengths of a message's top-level text in characters (docs.slack.dev/reference/methods/chat.postMessage and
// chat.update): advised, refused when posting, refused when updating.
const (
	textAdvised   = 4000
	textMaxPost   = 40000
	textMaxUpdate = 4000
)

func (w *Workspace) postMessage(c *call) reply {
	ch, code := w.writable(c.args["channel"], true)
	if code != "" {
		return fail(code)
	}
	m := &Message{Channel: ch.ID, User: BotUserID, Via: ViaPost, ThreadTS: c.args["thread_ts"], NoMrkdwn: c.args["mrkdwn"] == "false"}
	if bad := w.content(c, m, textMaxPost); bad != nil {
		return bad
	}
	for _, name := range []string{"unfurl_links", "unfurl_media"} {
		if c.args[name] != "false" && c.args[name] != "0" {
			c.problem("%s is not switched off, so Slack fetches and previews the links in the message", name)
		}
	}
	if m.ThreadTS != "" && w.findMessage(ch.ID, m.ThreadTS) == nil {
		c.problem("thread_ts %s is no message of %s", m.ThreadTS, ch.ID)
	}
	w.post(m)
	return reply{"channel": ch.ID, "ts": m.TS, "message": w.wire(m)}
}

func (w *Workspace) updateMessage(c *call) reply {
	m, code := w.ownMessage(c.args["channel"], c.args["ts"], "cant_update_message")
	if code != "" {
		return fail(code)
	}
	if w.channels[m.Channel].Archived {
		return fail("is_inactive")
	}
	next := *m
	next.NoMrkdwn = false
	if !c.has("text") && !c.has("blocks") && c.has("metadata") {
		// Only the metadata changes; what is to be seen stays.
		if bad := w.metadata(c, &next); bad != nil {
			return bad
		}
		m.Metadata = next.Metadata
		m.Updates++
		w.change()
	} else {
		if bad := w.content(c, &next, textMaxUpdate); bad != nil { // text alone removes the blocks
			return bad
		}
		if allRich(m.Blocks) && len(next.Blocks) > 0 && !slices.ContainsFunc(next.Blocks, isRich) {
			c.problem("a message of rich_text blocks cannot be rewritten with others")
			return fail("block_mismatch")
		}
		w.revise(m, next.Text, next.Blocks)
		m.Metadata, m.Parse, m.LinkNames, m.NoMrkdwn = next.Metadata, next.Parse, next.LinkNames, next.NoMrkdwn
		m.Edited = m.Edited || !c.has("blocks")
	}
	return reply{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": w.wire(m)}
}

func isRich(b Block) bool { return b["type"] == "rich_text" }

func allRich(blocks []Block) bool {
	return len(blocks) > 0 && !slices.ContainsFunc(blocks, func(b Block) bool { return !isRich(b) })
}

func (w *Workspace) postEphemeral(c *call) reply {
	ch, code := w.writable(c.args["channel"], false)
	if code != "" {
		return fail(code)
	}
	if !slices.Contains(w.members(ch), c.args["user"]) {
		return fail("user_not_in_channel")
	}
	m := &Message{Channel: ch.ID, User: BotUserID, Via: ViaEphemeral, To: c.args["user"], ThreadTS: c.args["thread_ts"]}
	if bad := w.content(c, m, textMaxPost); bad != nil {
		return bad
	}
	w.post(m)
	return reply{"message_ts": m.TS}
}

func (w *Workspace) deleteMessage(c *call) reply {
	m, code := w.ownMessage(c.args["channel"], c.args["ts"], "cant_delete_message")
	if code != "" {
		return fail(code)
	}
	m.Deleted = true
	w.change()
	return reply{"channel": m.Channel, "ts": m.TS}
}

func (w *Workspace) getPermalink(c *call) reply {
	ch := w.visible(c.args["channel"])
	if ch == nil {
		return fail("channel_not_found")
	}
	ts := c.args["message_ts"]
	if w.findMessage(ch.ID, ts) == nil {
		return fail("message_not_found")
	}
	return reply{"channel": ch.ID, "permalink": "https://" + TeamDomain + ".slack.com/archives/" + ch.ID + "/p" + strings.Replace(ts, ".", "", 1)}
}

func (w *Workspace) reactionsAdd(c *call) reply {
	ch := w.visible(c.args["channel"])
	if ch == nil {
		return fail("channel_not_found")
	}
	m := w.findMessage(ch.ID, c.args["timestamp"])
	name := strings.Trim(c.args["name"], ":")
	switch {
	case m == nil:
		return fail("message_not_found")
	case !emojiName.MatchString(name):
		return fail("invalid_name")
	case slices.Contains(m.Reactions, name):
		return fail("already_reacted")
	}
	m.Reactions = append(m.Reactions, name)
	w.change()
	return reply{}
}

// visible is a channel by its ID that the bot may know of.
func (w *Workspace) visible(id string) *Channel {
	if c := w.channels[id]; c != nil && (!c.Private || c.BotIsMember) {
		return c
	}
	return nil
}

// writable finds the channel to write to, or Slack's code for why not. Posting takes names and users too.
func (w *Workspace) writable(channel string, names bool) (*Channel, string) {
	c := w.visible(channel)
	if c == nil && names {
		if u := w.users[channel]; u != nil && !u.Deleted {
			c = w.direct(channel)
		} else if found := w.findChannel(channel); found != nil {
			c = w.visible(found.ID)
		}
	}
	switch {
	case c == nil:
		return nil, "channel_not_found"
	case c.Archived:
		return nil, "is_archived"
	case !c.BotIsMember && !slices.Contains(w.scopes, "chat:write.public"):
		return nil, "not_in_channel"
	}
	return c, ""
}

// ownMessage finds one of the bot's messages. Ephemeral ones are not among them: Slack does not keep those.
func (w *Workspace) ownMessage(channel, ts, notOurs string) (*Message, string) {
	ch := w.visible(channel)
	if ch == nil {
		return nil, "channel_not_found"
	}
	m := w.findMessage(ch.ID, ts)
	if m == nil {
		return nil, "message_not_found"
	}
	if m.User != BotUserID {
		return nil, notOurs
	}
	return m, ""
}

// content reads text, blocks, metadata and the ways of formatting into m, and holds them against Slack's rules. It
// returns Slack's refusal, or nil.
func (w *Workspace) content(c *call, m *Message, textMax int) reply {
	text, n := c.args["text"], utf8.RuneCountInString(c.args["text"])
	for _, name := range []string{"attachments", "markdown_text", "file_ids"} {
		if v := c.args[name]; v != "" && v != "[]" {
			c.problem("%s is nothing that bottest shows; say it with text and blocks", name)
		}
	}
	if n > textMax {
		c.problem("the text has %d characters, %d are allowed", n, textMax)
		return fail("msg_too_long")
	}
	if n > textAdvised {
		c.problem("the text has %d characters; Slack asks for at most %d", n, textAdvised)
	}
	var blocks []Block
	if raw := c.args["blocks"]; raw != "" {
		if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
			c.problem("blocks are no JSON array of objects: %v", err)
			return fail("invalid_blocks_format")
		}
		if bad := w.accept(c, blocks, "message"); bad != nil {
			return bad
		}
	}
	if len(blocks) == 0 && strings.TrimSpace(text) == "" {
		c.problem("the message is empty")
		return fail("no_text")
	}
	if len(blocks) > 0 && strings.TrimSpace(text) == "" {
		c.problem("blocks without text: notifications and screen readers have nothing to say")
	}
	if bad := w.metadata(c, m); bad != nil {
		return bad
	}
	m.Text, m.Blocks = text, blocks
	m.Parse, m.LinkNames = c.args["parse"], c.yes("link_names")
	if m.Parse == "" && c.method == "chat.update" {
		m.Parse = "client" // its default differs from posting's
	}
	return nil
}

// accept checks blocks and fills in what Slack adds to them.
func (w *Workspace) accept(c *call, blocks []Block, surface string) reply {
	var refused []string
	for _, f := range checkBlocks(blocks, surface) {
		c.problem("%s [json-pointer:%s]", f.text, f.at)
		if f.refused {
			refused = append(refused, "[ERROR] "+f.text+" [json-pointer:"+f.at+"]")
		}
	}
	if len(refused) > 0 {
		return fail("invalid_blocks", refused...)
	}
	w.complete(blocks)
	return nil
}

var personal = regexp.MustCompile(`\+[0-9]{7}`)

func (w *Workspace) metadata(c *call, m *Message) reply {
	raw := c.args["metadata"]
	if raw == "" {
		return nil
	}
	var md Metadata
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&md); err != nil {
		c.problem("metadata: %v", err)
		return fail("invalid_metadata_format")
	}
	if personal.MatchString(raw) {
		c.problem("metadata holds what looks like a phone number; every app and member can read it")
	}
	// An empty object removes it; clients send one with empty members.
	if (md.EventType == "") != (md.EventPayload == nil) {
		c.problem("metadata wants event_type and event_payload")
		return fail("invalid_metadata_schema")
	}
	m.Metadata = md
	return nil
}

// complete adds the IDs and defaults that Slack adds to stored blocks.
func (w *Workspace) complete(blocks []Block) {
	for _, b := range blocks {
		if str(b["block_id"]) == "" {
			b["block_id"] = w.ids.next("b")
		}
		w.completeValue(b)
	}
}

func (w *Workspace) completeValue(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			w.completeValue(e)
		}
	case Block:
		switch str(v["type"]) {
		case "plain_text":
			setDefault(v, "emoji", true)
		case "mrkdwn":
			setDefault(v, "verbatim", false)
		case "button":
			if str(v["action_id"]) == "" {
				v["action_id"] = w.ids.next("a")
			}
		}
		for _, e := range v {
			w.completeValue(e)
		}
	}
}

func setDefault(b Block, key string, value any) {
	if _, ok := b[key]; !ok {
		b[key] = value
	}
}

// wire is a message as Slack sends it: in answers, in history, in payloads.
func (w *Workspace) wire(m *Message) map[string]any {
	o := map[string]any{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS, "team": TeamID}
	if m.User == BotUserID {
		o["bot_id"], o["app_id"] = BotID, AppID
	}
	if len(m.Blocks) > 0 {
		o["blocks"] = m.Blocks
	}
	if m.ThreadTS != "" {
		o["thread_ts"] = m.ThreadTS
	}
	if m.Edited {
		o["edited"] = map[string]any{"user": m.User, "ts": m.TS}
	}
	return o
}
