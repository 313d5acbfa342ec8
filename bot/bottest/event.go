package bottest

import (
	"context"
	"encoding/json"
	"fmt"
)

// Event sends an event of the Events API, {"type": "app_uninstalled"} say, in the envelope that Slack puts around it
// (docs.slack.dev/apis/events-api). It is sent once: what Slack would repeat is up to the caller, by Replay.
func (w *Workspace) Event(ctx context.Context, event map[string]any) (Answer, error) {
	w.mu.Lock()
	envelope := map[string]any{
		"token": verificationToken, "team_id": TeamID, "api_app_id": AppID, "event": event, "type": "event_callback",
		"event_id": w.ids.next("Ev"), "event_time": w.clock.Now().Unix(), "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{"enterprise_id": nil, "team_id": TeamID, "user_id": BotUserID, "is_bot": true, "is_enterprise_install": false}},
	}
	w.mu.Unlock()
	return w.sendEvent(ctx, "event "+str(event["type"]), envelope)
}

// OpenHome opens the app's Home tab as a person, which tells the app by an app_home_opened event.
func (w *Workspace) OpenHome(ctx context.Context, user string) (Answer, error) {
	w.mu.Lock()
	ts := w.ids.ts(w.clock.Now())
	channel := w.direct(user).ID
	w.mu.Unlock()
	return w.Event(ctx, map[string]any{"type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": ts})
}

// VerifyEvents does what Slack does when the event request URL is saved: it posts a challenge, and the answer has to
// contain it (docs.slack.dev/apis/events-api/using-http-request-urls).
func (w *Workspace) VerifyEvents(ctx context.Context) error {
	const challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
	a, err := w.sendEvent(ctx, "url_verification", map[string]any{"token": verificationToken, "challenge": challenge, "type": "url_verification"})
	if err != nil {
		return err
	}
	var o struct{ Challenge string }
	if string(a.Body) == challenge || string(a.Body) == "challenge="+challenge ||
		json.Unmarshal(a.Body, &o) == nil && o.Challenge == challenge {
		return nil
	}
	return fmt.Errorf("bottest: the challenge was answered with %q", short(string(a.Body), 200))
}

func (w *Workspace) sendEvent(ctx context.Context, what string, envelope map[string]any) (Answer, error) {
	b, err := json.Marshal(envelope)
	if err != nil {
		return Answer{}, fmt.Errorf("bottest: %w", err)
	}
	w.mu.Lock()
	target, s := w.route(w.app.Events)
	w.mu.Unlock()
	w.trace(KindEvent, what, string(b))
	switch {
	case s != nil:
		return w.askSocket(ctx, s, what, "events_api", b, false)
	case target == "":
		return Answer{}, fmt.Errorf("%w: %s", ErrNoURL, what)
	}
	return w.ask(ctx, what, target, b, "application/json")
}
