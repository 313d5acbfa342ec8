package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"pullphone/store"
)

// command hears a slash command. Whatever it comes to, Slack gets 200 and a private word: another status would show
// the person an error of Slack's own.
func (b *Bot) command(w http.ResponseWriter, r *http.Request) {
	form, reply := r.PostForm, ""
	if form.Get("ssl_check") != "1" { // Slack's own probe of the URL
		reply = b.commanded(r.Context(), slashed{user: form.Get("user_id"), text: form.Get("text"), trigger: form.Get("trigger_id"),
			channel: form.Get("channel_id"), channelName: form.Get("channel_name")})
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(privately(reply)) // a peer that has gone is not told
}

// privately is a reply to a command that only the person sees.
func privately(text string) map[string]string {
	return map[string]string{"response_type": "ephemeral", "text": shown(text)}
}

// slashed is what we read of a slash command (docs.slack.dev/interactivity/implementing-slash-commands); any of it may be
// missing.
type slashed struct {
	user, text           string
	trigger              string // the command's natural key
	channel, channelName string // where it was typed; the name has no #
}

// commanded does what a slash command says and returns what to tell the person.
func (b *Bot) commanded(ctx context.Context, s slashed) string {
	person, known := b.Store.Team.PersonBySlack(s.user)
	text := readable(s.text)
	t := typed{said: command(text), person: person, lines: b.linesOf(person.Name)}
	if !known || person.Phone == "" && (t.word == wordPull || t.word == wordYes) {
		return unknownInSlack
	}
	switch word, _, _ := strings.Cut(Plain(text), " "); {
	case word == "phone":
		return phonesInConfig
	case t.word == "", t.word == wordHelp:
		return commandHelp
	case len(t.lines) == 0:
		return noLine
	}
	if s.trigger == "" { // Slack always sends one; two commands must never count as the same
		s.trigger = b.Store.Clock.Now().Format(time.RFC3339Nano)
	}
	t.answer = store.Answer{ID: answerID("command", s.user, s.trigger), Person: person.Name, Via: store.BySlack}
	for _, l := range t.lines {
		if l.Channel == s.channel || l.Channel == "#"+s.channelName {
			t.here = l.Number
		}
	}
	if t.word == wordPull { // the next call may come much later than the reply to this
		t.answer.User, t.answer.Channel = s.user, s.channel
	}
	reply, known, err := b.again(ctx, t.answer.ID)
	if !known && err == nil {
		reply, err = b.do(ctx, t)
	}
	if err != nil {
		b.Log.Error("command failed", "user", s.user, "err", err)
		return failed
	}
	return reply
}

// Slack writes people, channels and links as <@U000ANN|ann>, <#C000SALES|sales> and <https://example.com|example.com>, and
// three characters as entities (docs.slack.dev/messaging/formatting-message-text).
var (
	marked   = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)
	entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// readable is what somebody typed after a slash command, as a person reads it.
func readable(text string) string {
	text = marked.ReplaceAllStringFunc(text, func(s string) string {
		m := marked.FindStringSubmatch(s)
		return m[1] + cmp.Or(m[3], m[2])
	})
	return entities.Replace(text)
}
