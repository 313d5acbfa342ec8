package bottest_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"

	"github.com/jonboulle/clockwork"
	"github.com/slack-go/slack"
)

func say(contentType, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		_, _ = rw.Write([]byte(body))
	}
}

func TestCommand(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, say("text/plain", "2 wait &amp; sing"))
	w.AddChannel(bottest.Channel{ID: "C0PRIV", Name: "priv", Private: true, BotIsMember: true})
	ctx := ctxOf(t)
	a, err := w.Command(ctx, ann, sales, "/pull", "list @bob #sales <x> 50%")
	if err != nil || a.Status != 200 || a.Text != "2 wait & sing" {
		t.Fatalf("answer %+v, %v", a, err)
	}
	c := next(t, p.commands)
	if c.Command != "/pull" || c.Text != "list <@U000BOB|bob> <#C000SALES|sales> &lt;x&gt; 50%" || c.UserID != ann || c.UserName != "ann" || c.ChannelID != sales || c.ChannelName != "sales" ||
		c.TeamID != bottest.TeamID || c.ResponseURL == "" || c.TriggerID == "" || c.APIAppID != bottest.AppID {
		t.Errorf("command %+v", c)
	}
	_, body := w.LastSent()
	values, _ := url.ParseQuery(string(body))
	sample := readSample(t, "SlashCommandPayload")
	for name := range values {
		if _, ok := sample[name]; !ok {
			t.Errorf("Slack's sample has no %s", name)
		}
	}
	if m := w.Ephemerals(ann); len(m) != 1 || m[0].Via != bottest.ViaCommand || m[0].AsText() != a.Text {
		t.Errorf("got %+v", m)
	}
	if _, err = w.Command(ctx, ann, "C0PRIV", "/pull", ""); err != nil {
		t.Fatal(err)
	}
	if c = next(t, p.commands); c.ChannelName != "privategroup" || c.Text != "" {
		t.Errorf("command %+v", c)
	}
	clean(t, w)
}

func TestCommandsThatCannotBe(t *testing.T) {
	w := start(t, bottest.Options{})
	w.AddUser(bottest.User{ID: "U0FAR", Name: "Far", TeamID: "T0FAR"})
	ctx := ctxOf(t)
	listen(t, w, nil)
	for want, args := range map[error][3]string{
		bottest.ErrNoUser:     {"U0NONE", sales, "/pull"},
		bottest.ErrNoChannel:  {ann, "C0NONE", "/pull"},
		bottest.ErrNoCommand:  {ann, sales, "/push"},
		bottest.ErrNotAllowed: {"U0FAR", sales, "/pull"},
	} {
		if _, err := w.Command(ctx, args[0], args[1], args[2], ""); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	w.Configure(bottest.App{Commands: map[string]bottest.Command{"/pull": {}}})
	if _, err := w.Command(ctx, ann, sales, "/pull", ""); !errors.Is(err, bottest.ErrNoURL) {
		t.Errorf("got %v", err)
	}
	clean(t, w)
}

func TestCommandAnswers(t *testing.T) {
	blocks := `"blocks":[{"type":"section","text":{"type":"mrkdwn","verbatim":true,"text":"*two* wait"}}]`
	for name, tt := range map[string]struct {
		kind, body, text string
		posted           int // messages to all
		problem          string
	}{
		"nothing":         {},
		"JSON":            {kind: "application/json", body: `{"text":"hi"}`, text: "hi"},
		"blocks":          {kind: "application/json", body: `{"text":"hi",` + blocks + `}`, text: "two wait"},
		"to all":          {kind: "application/json", body: `{"response_type":"in_channel","text":"hi"}`, text: "hi", posted: 1},
		"wrong type":      {kind: "text/plain", body: `{"text":"hi"}`, text: "hi", problem: "content type"},
		"broken":          {kind: "application/json", body: `{"text":`, problem: "no message"},
		"to whom":         {kind: "application/json", body: `{"response_type":"loud","text":"hi"}`, problem: "loud"},
		"blocks alone":    {kind: "application/json", body: `{` + blocks + `}`, text: "two wait", problem: "blocks without text"},
		"misspelt blocks": {kind: "application/json", body: `{"text":"hi","blocks":[{"type":"sektion"}]}`, problem: "sektion"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, bottest.Options{})
			listen(t, w, say(tt.kind, tt.body))
			a, err := w.Command(ctxOf(t), ann, sales, "/pull", "")
			if err != nil || a.Text != tt.text || len(w.Messages(sales)) != tt.posted {
				t.Errorf("answer %q, %v; %d posted", a.Text, err, len(w.Messages(sales)))
			}
			if tt.problem == "" {
				clean(t, w)
			} else {
				problem(t, w, "/pull", tt.problem)
			}
		})
	}
}

func TestResponseURL(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	w := start(t, bottest.Options{Clock: clock})
	p := listen(t, w, nil)
	ctx := ctxOf(t)
	command := func() string {
		if _, err := w.Command(ctx, ann, sales, "/pull", ""); err != nil {
			t.Fatal(err)
		}
		return next(t, p.commands).ResponseURL
	}
	post := func(u, body string) (int, string) {
		r, err := http.NewRequest(http.MethodPost, u, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, o := raw(t, r)
		e, _ := o["error"].(string)
		return resp.StatusCode, e
	}
	u := command()
	if status, e := post(u, `{"text":"hi"}`); status != 200 || e != "" {
		t.Errorf("got %d %s", status, e)
	}
	if status, _ := post(u, `{"text":"hi all","response_type":"in_channel","replace_original":false,"metadata":null,"blocks":null}`); status != 200 {
		t.Errorf("got %d", status)
	}
	if e, m := w.Ephemerals(ann), w.Messages(sales); len(e) != 1 || e[0].Via != bottest.ViaResponseURL || len(m) != 1 || m[0].Text != "hi all" {
		t.Errorf("got %+v and %+v", e, m)
	}
	clean(t, w)
	for range 3 {
		if status, _ := post(u, `{"text":"hi"}`); status != 200 {
			t.Errorf("got %d", status)
		}
	}
	for name, tt := range map[string]struct{ url, body, want, problem string }{
		"sixth use":          {u, `{"text":"hi"}`, "used_url", "more than 5 times"},
		"no such URL":        {u + "0", `{"text":"hi"}`, "no_service", "no such URL"},
		"no JSON":            {command(), `text=hi`, "invalid_payload", "no message"},
		"nothing":            {command(), `{}`, "no_text", "empty"},
		"original of nobody": {command(), `{"text":"hi","replace_original":true}`, "invalid_payload", "no original"},
	} {
		if _, e := post(tt.url, tt.body); e != tt.want {
			t.Errorf("%s: got %s", name, e)
		}
		problem(t, w, "response_url", tt.problem)
	}
	u = command()
	clock.Advance(30*time.Minute + time.Second)
	if status, e := post(u, `{"text":"hi"}`); status != 404 || e != "expired_url" {
		t.Errorf("got %d %s", status, e)
	}
}

func TestReplaceOriginalMessage(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, nil)
	ctx := ctxOf(t)
	if _, err := w.Press(ctx, ann, sales, announce(t, w), "Take"); err != nil {
		t.Fatal(err)
	}
	cb := next(t, p.presses)
	if _, _, err := client(w).PostMessageContext(ctx, sales, slack.MsgOptionReplaceOriginal(cb.ResponseURL), slack.MsgOptionText("Ann took it", false)); err != nil {
		t.Fatal(err)
	}
	if m := w.Messages(sales); len(m) != 1 || m[0].AsText() != "Ann took it" || m[0].Updates != 1 {
		t.Errorf("got %+v", m)
	}
	clean(t, w)
}

func TestEvents(t *testing.T) {
	w := start(t, bottest.Options{})
	ctx := ctxOf(t)
	if err := w.VerifyEvents(ctx); !errors.Is(err, bottest.ErrNoURL) {
		t.Errorf("got %v", err)
	}
	p := listen(t, w, nil)
	if err := w.VerifyEvents(ctx); err == nil {
		t.Error("an empty answer should not verify")
	}
	next(t, p.events)
	p.answer = say("text/plain", "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
	if err := w.VerifyEvents(ctx); err != nil {
		t.Error(err)
	}
	next(t, p.events)
	if _, err := w.Event(ctx, map[string]any{"type": "app_uninstalled"}); err != nil {
		t.Fatal(err)
	}
	first := next(t, p.events)
	if _, err := w.Replay(ctx); err != nil {
		t.Fatal(err)
	}
	if again := next(t, p.events); first["event_id"] == "" || again["event_id"] != first["event_id"] {
		t.Errorf("events %v and %v", first["event_id"], again["event_id"])
	}
	clean(t, w)
}

func TestReadManifest(t *testing.T) {
	const yaml = `
_metadata: {major_version: 1}
display_information: {name: Pullphone}
features:
  slash_commands:
    - {command: /pull, description: Calls, url: "https://phone.example.com/slack/commands", should_escape: true}
oauth_config:
  scopes: {bot: [chat:write, users:read]}
settings:
  interactivity: {is_enabled: true, request_url: "https://phone.example.com/slack/actions"}
  event_subscriptions: {request_url: "https://phone.example.com/slack/events", bot_events: [app_uninstalled]}
  socket_mode_enabled: false
`
	const json = `{"features":{"slash_commands":[{"command":"/pull","url":"https://phone.example.com/slack/commands","should_escape":true}]},
"oauth_config":{"scopes":{"bot":["chat:write","users:read"]}},"settings":{"interactivity":{"is_enabled":true,"request_url":"https://phone.example.com/slack/actions"},
"event_subscriptions":{"request_url":"https://phone.example.com/slack/events"}}}`
	for _, text := range []string{yaml, json} {
		a, err := bottest.ReadManifest([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if a.Interactivity != "https://phone.example.com/slack/actions" || a.Events != "https://phone.example.com/slack/events" || a.SocketMode ||
			a.Commands["/pull"] != (bottest.Command{URL: "https://phone.example.com/slack/commands", ShouldEscape: true}) || len(a.Scopes) != 2 {
			t.Errorf("got %+v", a)
		}
		w := start(t, bottest.Options{})
		w.Configure(a)
		if _, err := client(w).GetUserInfoContext(ctxOf(t), ann); err != nil {
			t.Errorf("the manifest's scopes should be granted: %v", err)
		}
	}
	if _, err := bottest.ReadManifest([]byte("features: [")); err == nil {
		t.Error("no error")
	}
}
