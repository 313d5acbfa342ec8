package bottest_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"pullphone/bot/bottest"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// connect runs slack-go's Socket Mode client, which answers presses with nothing and commands with a text.
func connect(t *testing.T, w *bottest.Workspace) <-chan slack.InteractionCallback {
	t.Helper()
	c := socketmode.New(client(w), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	presses := make(chan slack.InteractionCallback, 10)
	go func() {
		defer close(done)
		_ = c.RunContext(ctx) // ends with the context
	}()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-c.Events:
				switch data := e.Data.(type) {
				case slack.InteractionCallback:
					_ = c.Ack(*e.Request)
					presses <- data
				case slack.SlashCommand:
					_ = c.Ack(*e.Request, map[string]any{"text": "you typed " + data.Text})
				default:
					if e.Type == socketmode.EventTypeEventsAPI {
						_ = c.Ack(*e.Request)
					}
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	if err := w.WaitSocket(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	return presses
}

func TestSocketMode(t *testing.T) {
	w := start(t, bottest.Options{})
	presses := connect(t, w)
	ctx := ctxOf(t)
	ts := announce(t, w)
	if a, err := w.Press(ctx, ann, sales, ts, "Take"); err != nil || a.Status != 200 {
		t.Fatalf("answer %+v, %v", a, err)
	}
	if cb := next(t, presses); cb.User.ID != ann || cb.Message.Timestamp != ts {
		t.Errorf("press %+v", cb)
	}
	a, err := w.Command(ctx, ann, sales, "/pull", "list")
	if err != nil || a.Text != "you typed list" {
		t.Errorf("answer %+v, %v", a, err)
	}
	if a, err = w.Event(ctx, map[string]any{"type": "app_home_opened", "user": ann, "tab": "home"}); err != nil || a.Status != 200 {
		t.Errorf("answer %+v, %v", a, err)
	}
	clean(t, w)
	if u, _ := w.LastSent(); u != "" {
		t.Errorf("something went over HTTP to %s", u)
	}
}

func TestSocketModeAndURLs(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, nil)
	ctx := ctxOf(t)
	ts := announce(t, w)
	a := bottest.App{Interactivity: p.URL + "/press", SocketMode: true}
	w.Configure(a)
	if _, err := w.Press(ctx, ann, sales, ts, "Take"); !errors.Is(err, bottest.ErrNoURL) {
		t.Errorf("no socket is connected, and the URL is not used: %v", err)
	}
	presses := connect(t, w)
	if _, err := w.Press(ctx, ann, sales, ts, "Take"); err != nil {
		t.Fatal(err)
	}
	next(t, presses)
	a.SocketMode = false
	w.Configure(a)
	if _, err := w.Press(ctx, ann, sales, ts, "Take"); err != nil {
		t.Fatal(err)
	}
	next(t, p.presses)
	clean(t, w)
}

func TestSocketIsOpenedOnceAndWithTheRightToken(t *testing.T) {
	w := start(t, bottest.Options{})
	ctx := ctxOf(t)
	_, _, err := slack.New("", slack.OptionAPIURL(w.URL()), slack.OptionAppLevelToken(w.BotToken())).StartSocketModeContext(ctx)
	code(t, err, "not_allowed_token_type")
	_, _, err = slack.New("", slack.OptionAPIURL(w.URL()), slack.OptionAppLevelToken("xapp-other")).StartSocketModeContext(ctx)
	code(t, err, "invalid_auth")
	_, u, err := client(w).StartSocketModeContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var hello map[string]any
	if err := conn.ReadJSON(&hello); err != nil || hello["type"] != "hello" || hello["num_connections"] != 1.0 {
		t.Errorf("hello %v, %v", hello, err)
	}
	if _, resp, err := websocket.DefaultDialer.DialContext(ctx, u, nil); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("second use: %v", err)
	}
	problem(t, w, "socket mode", "used before")
	if err := w.WaitSocket(ctx); err != nil {
		t.Fatal(err)
	}

	// An acknowledgement of nothing, then none at all.
	if err := conn.WriteJSON(map[string]any{"envelope_id": "x"}); err != nil {
		t.Fatal(err)
	}
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		var envelope map[string]any
		if err := conn.ReadJSON(&envelope); err != nil || envelope["type"] != "interactive" || envelope["accepts_response_payload"] != false {
			t.Errorf("envelope %v, %v", envelope, err)
		}
		w.CutSockets()
	}()
	if _, err := w.Press(ctx, ann, sales, announce(t, w), "Take"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("got %v", err)
	}
	<-cut
	problem(t, w, "acknowledgement of an envelope")
}
