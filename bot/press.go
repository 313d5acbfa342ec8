package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"pullphone/store"
)

// Buttons: of a call's message, and of the private word to whoever has taken it.
const (
	takeAction      = "take"
	voicemailAction = "voicemail"
	handOverAction  = "handover"
)

var pressWords = map[string]store.Word{takeAction: store.Take, voicemailAction: store.SendVoicemail, handOverAction: store.HandOver}

// value is what a button carries: call and attempt, so that an old rendering cannot answer a newer attempt.
func value(c store.Call) string { return string(c.ID) + "." + strconv.Itoa(c.Attempt) }

func parseValue(s string) (store.CallID, int, bool) {
	id, n, ok := strings.Cut(s, ".")
	attempt, err := strconv.Atoi(n)
	return store.CallID(id), attempt, ok && err == nil && len(id) == 26
}

// fromSlack lets only requests through that Slack has signed within the last five minutes
// (docs.slack.dev/authentication/verifying-requests-from-slack); others get 401 and one word. Only the body counts:
// nothing signs the query. Handlers read PostForm alone.
func (b *Bot) fromSlack(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, why string) {
			b.Log.Warn("webhook refused", "service", "slack", "path", r.URL.Path, "why", why)
			http.Error(w, http.StatusText(status), status)
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			refuse(http.StatusRequestEntityTooLarge, "body over 1 MB")
			return
		}
		if err != nil {
			refuse(http.StatusBadRequest, "body broke off")
			return
		}
		v, err := slack.NewSecretsVerifier(r.Header, b.SigningSecret)
		if err == nil {
			_, _ = v.Write(body) // a hash takes everything
			err = v.Ensure()
		}
		if err != nil { // the library's error tells the right signature: it goes nowhere
			refuse(http.StatusUnauthorized, "signature missing, old or wrong")
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			refuse(http.StatusBadRequest, "no form")
			return
		}
		r.Body, r.PostForm = io.NopCloser(bytes.NewReader(nil)), form
		next.ServeHTTP(w, r)
	})
}

// press is what we read of a block_actions payload
// (docs.slack.dev/reference/interaction-payloads/block_actions-payload); any of it may be missing.
type press struct {
	Type string `json:"type"`
	User struct {
		ID     string `json:"id"`
		TeamID string `json:"team_id"`
	} `json:"user"`
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	Actions []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
		ActionTS string `json:"action_ts"`
	} `json:"actions"`
}

// action hears a press of a button. Slack takes 200 for "received" within three seconds; what it came to is told
// afterwards.
func (b *Bot) action(w http.ResponseWriter, r *http.Request) {
	var p press
	if err := json.Unmarshal([]byte(r.PostForm.Get("payload")), &p); err != nil {
		b.Log.Warn("press that cannot be read", "err", err)
		http.Error(w, "no payload", http.StatusBadRequest)
		return
	}
	if err := b.pressed(r.Context(), p); err != nil {
		b.Log.Error("press not recorded", "user", p.User.ID, "err", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// pressed records what a press says.
func (b *Bot) pressed(ctx context.Context, p press) error {
	if p.Type != "block_actions" {
		return nil
	}
	channel := p.Channel.ID
	if channel == "" {
		channel = p.Container.ChannelID
	}
	for _, a := range p.Actions {
		word := pressWords[a.ActionID]
		id, attempt, ok := parseValue(a.Value)
		if word == "" || !ok {
			b.Log.Warn("press of a button that is none of ours", "action", a.ActionID)
			continue
		}
		tell := func(text string) { b.aside(aside{channel, p.User.ID, text}) }
		if p.Team.ID != "" && p.User.TeamID != "" && p.User.TeamID != p.Team.ID {
			tell(strangers)
			continue
		}
		person, known := b.Store.Team.PersonBySlack(p.User.ID)
		if !known || word == store.Take && person.Phone == "" {
			tell(unknownInSlack)
			continue
		}
		_, _, err := b.Store.Answer(ctx, store.Answer{
			ID: answerID("press", p.User.ID, a.ActionID, a.Value, a.ActionTS), Call: id, Attempt: attempt,
			Person: person.Name, Via: store.BySlack, Word: word, User: p.User.ID, Channel: channel,
		})
		if errors.Is(err, store.ErrNoCall) {
			tell(forgotten)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answerID is the natural key of an answer, of parts that come from outside.
func answerID(parts ...string) string {
	for i, p := range parts {
		if len(p) > 100 {
			p = p[:100]
		}
		parts[i] = url.QueryEscape(p) // colons too
	}
	return strings.Join(parts, ":")
}
