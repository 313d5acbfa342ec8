package bot

import (
	"encoding/json"
	"net/http"
	"net/url"

	"pullphone/store"
)

// command hears a slash command. Whatever it comes to, Slack gets 200 and a private word: another status would show
// the person an error of Slack's own.
func (b *Bot) command(w http.ResponseWriter, r *http.Request, form url.Values) {
	reply, err := b.commanded(r, form)
	if err != nil {
		b.Log.Error("command failed", "user", form.Get("user_id"), "err", err)
		reply = failed
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string]string{"response_type": "ephemeral", "text": shown(reply)}) // a peer that has gone is not told
}

func (b *Bot) commanded(r *http.Request, form url.Values) (string, error) {
	if form.Get("ssl_check") == "1" {
		return "", nil
	}
	person, known := b.Store.Team.PersonBySlack(form.Get("user_id"))
	if !known {
		return unknownInSlack, nil
	}
	switch words := tokens(form.Get("text")); {
	case len(words) == 0:
		a := store.Answer{ID: answerID("command", form.Get("user_id"), form.Get("trigger_id")), Person: person.Name, Via: store.BySlack}
		return b.pull(r.Context(), person, a)
	case len(words) == 1 && words[0] == "list":
		return b.list(r.Context(), person)
	}
	return commandHelp, nil
}
