package bot

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"pullphone/store"
)

// command hears a slash command. Whatever it comes to, Slack gets 200 and a private word: another status would show
// the person an error of Slack's own.
func (b *Bot) command(w http.ResponseWriter, r *http.Request) {
	form, reply := r.PostForm, ""
	if form.Get("ssl_check") != "1" { // Slack's own probe of the URL
		reply = b.commanded(r.Context(), form.Get("user_id"), form.Get("text"), form.Get("trigger_id"))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(privately(reply)) // a peer that has gone is not told
}

// privately is a reply to a command that only the person sees.
func privately(text string) map[string]string {
	return map[string]string{"response_type": "ephemeral", "text": shown(text)}
}

// commanded does what a slash command says and returns what to tell the person. trigger is the command's natural key.
func (b *Bot) commanded(ctx context.Context, user, text, trigger string) string {
	person, known := b.Store.Team.PersonBySlack(user)
	if !known || strings.TrimSpace(text) == "" && person.Phone == "" {
		return unknownInSlack
	}
	if trigger == "" { // Slack always sends one; two commands must never count as the same
		trigger = b.Store.Clock.Now().Format(time.RFC3339Nano)
	}
	var reply string
	var err error
	switch {
	case strings.TrimSpace(text) == "": // "?" asks for help
		reply, err = b.pull(ctx, person, store.Answer{ID: answerID("command", user, trigger), Person: person.Name, Via: store.BySlack})
	case command(text).word == wordList:
		reply, err = b.list(ctx, person)
	default:
		reply = commandHelp
	}
	if err != nil {
		b.Log.Error("command failed", "user", user, "err", err)
		return failed
	}
	return reply
}
