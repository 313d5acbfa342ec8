package bottest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Command types a slash command, "/pull" and "list" say, in a channel. The program gets Slack's signed form
// (docs.slack.dev/interactivity/implementing-slash-commands); what it answers in the body is shown to the person, or to
// the channel, and decoded into Answer.Text. A command the app does not have is ErrNoCommand; people of other workspaces
// cannot use commands at all, ErrNotAllowed.
func (w *Workspace) Command(ctx context.Context, user, channel, command, text string) (Answer, error) {
	w.mu.Lock()
	u, ch := w.users[user], w.findChannel(w.channelID(channel))
	cmd, ok := w.app.Commands[command]
	target, s := w.route(cmd.URL)
	var err error
	switch {
	case u == nil:
		err = fmt.Errorf("%w: %s", ErrNoUser, user)
	case ch == nil:
		err = fmt.Errorf("%w: %s", ErrNoChannel, channel)
	case u.TeamID != TeamID:
		err = fmt.Errorf("%w: %s is of another workspace", ErrNotAllowed, user)
	case !ok && len(w.app.Commands) > 0, !ok && s == nil:
		err = fmt.Errorf("%w: %s", ErrNoCommand, command)
	case target == "" && s == nil:
		err = fmt.Errorf("%w: %s", ErrNoURL, command)
	}
	if err != nil {
		w.mu.Unlock()
		return Answer{}, err
	}
	if cmd.ShouldEscape {
		text = w.escapeNames(text)
	}
	form := map[string]string{
		"token": verificationToken, "team_id": TeamID, "team_domain": TeamDomain,
		"channel_id": ch.ID, "channel_name": w.payloadName(ch.ID), "user_id": u.ID, "user_name": u.handle(),
		"command": command, "text": text, "api_app_id": AppID, "is_enterprise_install": "false",
		"response_url": w.newResponder("commands", &responder{user: user, channel: ch.ID}), "trigger_id": w.newTrigger(user),
	}
	w.mu.Unlock()

	what := strings.TrimSpace(fmt.Sprintf("%s types %s %s", u.Name, command, text))
	values := url.Values{}
	for k, v := range form {
		values.Set(k, v)
	}
	w.trace(KindCommand, what, values.Encode())
	var a Answer
	if s != nil {
		b, jsonErr := json.Marshal(form)
		if jsonErr != nil {
			return Answer{}, fmt.Errorf("bottest: %w", jsonErr)
		}
		a, err = w.askSocket(ctx, s, what, "slash_commands", b, true)
	} else {
		a, err = w.ask(ctx, what, target, []byte(values.Encode()), "")
	}
	if err == nil && a.Status == 200 {
		a.Text = w.commandReply(what, user, ch.ID, a)
	}
	return a, err
}

// commandReply shows the body of the answer: plain text, or a message as JSON.
func (w *Workspace) commandReply(what, user, channel string, a Answer) string {
	body := strings.TrimSpace(string(a.Body))
	if body == "" || body == "{}" { // nothing to say: Slack shows nothing
		return ""
	}
	r := response{Text: &body}
	if strings.HasPrefix(body, "{") {
		r = response{}
		if err := json.Unmarshal(a.Body, &r); err != nil {
			w.problem(fmt.Errorf("%s: the answer is no message: %w", what, err))
			return ""
		}
		if a.Header != nil && !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
			w.problem(fmt.Errorf("%s: the answer is JSON but its content type is %q, so that Slack shows the source", what, a.Header.Get("Content-Type")))
		}
	}
	c := &call{method: "answer to " + strings.TrimSpace(what)}
	w.mu.Lock()
	m, bad := w.respond(c, &r, &Message{Channel: channel, User: BotUserID, Via: ViaCommand}, user)
	var text string
	if bad == nil {
		text = w.snapshot(m).AsText()
	}
	w.mu.Unlock()
	w.problem(c.problems...)
	return text
}

var typedName = regexp.MustCompile(`([@#])([\p{L}\p{N}._-]+)`)

// escapeNames does what should_escape asks for: the three escapes of mrkdwn, and signs for the names that exist.
func (w *Workspace) escapeNames(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return typedName.ReplaceAllStringFunc(text, func(s string) string {
		name := strings.ToLower(s[1:])
		if s[0] == '#' {
			if c := w.findChannel(name); c != nil {
				return "<#" + c.ID + "|" + c.Name + ">"
			}
			return s
		}
		for _, id := range w.userOrder {
			if u := w.users[id]; u.handle() == name {
				return "<@" + u.ID + "|" + u.handle() + ">"
			}
		}
		return s
	})
}
