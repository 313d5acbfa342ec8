package bottest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Press presses a button on a message as it now stands: the button by its visible text or action_id, the message by its
// timestamp, ephemeral ones that user sees among them. A button that is no longer there is ErrNoButton. The program gets
// a signed block_actions payload (docs.slack.dev/reference/interaction-payloads/block_actions-payload); an answer that is
// late or not a bare 200 is a Problem.
func (w *Workspace) Press(ctx context.Context, user, channel, ts, button string) (Answer, error) {
	w.mu.Lock()
	m := find(w.ephemerals[user], ts)
	if m == nil {
		m = w.findMessage(w.channelID(channel), ts)
	}
	if m == nil {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("%w: %s in %s", ErrNoMessage, ts, channel)
	}
	shown := w.snapshot(m)
	w.mu.Unlock()
	return w.press(ctx, user, shown, button)
}

// PressStale presses a button on an old rendering: the person's client had not yet heard of the update, or of the
// message's end. Slack sends the message as the client showed it.
func (w *Workspace) PressStale(ctx context.Context, user, channel string, m Message, button string) (Answer, error) {
	w.mu.Lock()
	if channel != "" {
		m.Channel = w.channelID(channel)
	}
	w.mu.Unlock()
	return w.press(ctx, user, m, button)
}

func (w *Workspace) press(ctx context.Context, user string, m Message, button string) (Answer, error) {
	b, ok := findButton(m.Blocks, button)
	if !ok {
		return Answer{}, fmt.Errorf("%w: %q on %q", ErrNoButton, button, m.AsText())
	}
	w.mu.Lock()
	u := w.users[user]
	if u == nil {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("%w: %s", ErrNoUser, user)
	}
	p := w.blockActions(u, b)
	container := map[string]any{"type": "message", "message_ts": m.TS, "channel_id": m.Channel, "is_ephemeral": m.Ephemeral()}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	p["container"] = container
	p["channel"] = map[string]any{"id": m.Channel, "name": w.payloadName(m.Channel)}
	if !m.Ephemeral() {
		p["message"] = w.wire(&m)
	}
	p["response_url"] = w.newResponder("actions", &responder{user: user, channel: m.Channel, ts: m.TS, thread: m.ThreadTS})
	target, socket := w.route(w.app.Interactivity)
	w.mu.Unlock()
	return w.sendInteraction(ctx, fmt.Sprintf("%s presses [%s]", u.Name, b.Text), p, target, socket)
}

// PressHome presses a button on a person's Home tab. Its payload has a view, and neither channel nor message nor
// response_url.
func (w *Workspace) PressHome(ctx context.Context, user, button string) (Answer, error) {
	w.mu.Lock()
	v, u := w.views[w.homes[user]], w.users[user]
	if v == nil || u == nil {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("%w: no Home tab of %s", ErrNoMessage, user)
	}
	b, ok := findButton(v.Blocks, button)
	if !ok {
		w.mu.Unlock()
		return Answer{}, fmt.Errorf("%w: %q on the Home tab of %s", ErrNoButton, button, user)
	}
	p := w.blockActions(u, b)
	p["container"] = map[string]any{"type": "view", "view_id": v.ID}
	p["view"] = w.wireView(v)
	delete(p, "state")
	target, socket := w.route(w.app.Interactivity)
	w.mu.Unlock()
	return w.sendInteraction(ctx, fmt.Sprintf("%s presses [%s] on the Home tab", u.Name, b.Text), p, target, socket)
}

// blockActions is the part that all presses share, with w.mu held.
func (w *Workspace) blockActions(u *User, b Button) map[string]any {
	action := map[string]any{
		"type": "button", "action_id": b.ActionID, "block_id": b.BlockID, "text": b.element["text"],
		"action_ts": w.ids.ts(w.clock.Now()),
	}
	for _, name := range []string{"value", "style", "url", "confirm"} {
		if v, ok := b.element[name]; ok {
			action[name] = v
		}
	}
	return map[string]any{
		"type": "block_actions", "team": map[string]any{"id": TeamID, "domain": TeamDomain}, "enterprise": nil, "is_enterprise_install": false,
		"user":       map[string]any{"id": u.ID, "username": u.handle(), "name": u.handle(), "team_id": u.TeamID},
		"api_app_id": AppID, "token": verificationToken, "trigger_id": w.newTrigger(u.ID),
		"state": map[string]any{"values": map[string]any{}}, "actions": []any{action},
	}
}

// verificationToken is in every payload and proves nothing: Slack retired it in favour of signatures.
const verificationToken = "bottestBottestBottest000"

// payloadName is a channel's name as payloads give it: private ones go unnamed.
func (w *Workspace) payloadName(channel string) string {
	c := w.channels[channel]
	switch {
	case c == nil:
		return ""
	case c.user != "":
		return "directmessage"
	case c.Private:
		return "privategroup"
	}
	return c.Name
}

func (w *Workspace) sendInteraction(ctx context.Context, what string, payload map[string]any, target string, s *socket) (Answer, error) {
	b, err := json.Marshal(payload)
	if err != nil {
		return Answer{}, fmt.Errorf("bottest: %w", err)
	}
	w.trace(KindPress, what, string(b))
	var a Answer
	switch {
	case s != nil:
		a, err = w.askSocket(ctx, s, what, "interactive", b, false)
	case target == "":
		return Answer{}, fmt.Errorf("%w: %s", ErrNoURL, what)
	default:
		a, err = w.ask(ctx, what, target, []byte(url.Values{"payload": {string(b)}}.Encode()), "")
	}
	if body := strings.TrimSpace(string(a.Body)); a.Status == 200 && cmp.Or(body, "{}") != "{}" {
		w.problem(fmt.Errorf("%s: the answer has a body, which Slack shows to nobody: %s", what, short(body, 200)))
	}
	return a, err
}
