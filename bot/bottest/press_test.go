package bottest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/bot/bottest"

	"github.com/slack-go/slack"
)

func TestPress(t *testing.T) {
	w := start(t, bottest.Options{})
	w.AddUser(bottest.User{ID: "U0FAR", Name: "Far", TeamID: "T0FAR"})
	p := listen(t, w, nil)
	ctx := ctxOf(t)
	ts := announce(t, w)
	a, err := w.Press(ctx, ann, "#sales", ts, "Take")
	if err != nil || a.Status != 200 || a.Took <= 0 {
		t.Fatalf("answer %+v, %v", a, err)
	}
	cb := next(t, p.presses)
	action := cb.ActionCallback.BlockActions[0]
	if cb.Type != slack.InteractionTypeBlockActions || cb.User.ID != ann || cb.User.TeamID != cb.Team.ID || cb.Team.ID != bottest.TeamID ||
		cb.Channel.ID != sales || cb.Channel.Name != "sales" || cb.Message.Timestamp != ts || cb.Container.MessageTs != ts || cb.Container.ChannelID != sales ||
		cb.APIAppID != bottest.AppID || len(cb.Message.Blocks.BlockSet) != 2 || cb.ResponseURL == "" {
		t.Errorf("payload %+v", cb)
	}
	if action.ActionID != "take" || action.Value != "CA1" || action.Text.Text != "Take" || action.BlockID == "" || action.ActionTs == "" || string(action.Type) != "button" {
		t.Errorf("action %+v", action)
	}
	if _, err = w.Press(ctx, "U0FAR", sales, ts, "voicemail"); err != nil { // by its action_id
		t.Fatal(err)
	}
	far := next(t, p.presses)
	if far.User.TeamID != "T0FAR" || far.Team.ID != bottest.TeamID {
		t.Errorf("a stranger's press: %+v", far)
	}
	if next := far.ActionCallback.BlockActions[0]; next.ActionTs == action.ActionTs || far.TriggerID == cb.TriggerID || far.ResponseURL == cb.ResponseURL {
		t.Error("each press has signs of its own")
	}
	clean(t, w)
}

func TestPressWhatIsNotThere(t *testing.T) {
	w := start(t, bottest.Options{})
	ctx := ctxOf(t)
	ts := announce(t, w)
	if _, err := w.Press(ctx, ann, sales, ts, "Take"); !errors.Is(err, bottest.ErrNoURL) {
		t.Errorf("no URL: %v", err)
	}
	p := listen(t, w, nil)
	stale := w.Messages(sales)[0]
	if _, _, _, err := client(w).UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText("gone", false)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Press(ctx, ann, sales, ts, "Take"); !errors.Is(err, bottest.ErrNoButton) {
		t.Errorf("no button: %v", err)
	}
	if _, err := w.Press(ctx, ann, sales, "1.000001", "Take"); !errors.Is(err, bottest.ErrNoMessage) {
		t.Errorf("no message: %v", err)
	}
	if _, err := w.PressStale(ctx, "U0NONE", sales, stale, "Take"); !errors.Is(err, bottest.ErrNoUser) {
		t.Errorf("no user: %v", err)
	}
	if _, err := w.PressHome(ctx, ann, "Take"); !errors.Is(err, bottest.ErrNoMessage) {
		t.Errorf("no home: %v", err)
	}
	w.DeleteMessage(sales, ts)
	if _, err := w.PressStale(ctx, ann, sales, stale, "Take"); err != nil {
		t.Fatal(err)
	}
	if cb := next(t, p.presses); cb.Message.Timestamp != ts || cb.ActionCallback.BlockActions[0].Value != "CA1" {
		t.Errorf("stale press %+v", cb)
	}
	clean(t, w)
}

// Fifty people press at once; every press arrives once, with an action_ts of its own.
func TestPressAtOnce(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, nil)
	ctx := ctxOf(t)
	ts := announce(t, w)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := w.Press(ctx, ann, sales, ts, "Take"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for range 50 {
		seen[next(t, p.presses).ActionCallback.BlockActions[0].ActionTs] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d different presses", len(seen))
	}
	clean(t, w)
}

func TestBadAnswersToAPress(t *testing.T) {
	release := make(chan struct{})
	tests := map[string]struct {
		answer http.HandlerFunc
		want   string
		late   bool
	}{
		"an error":   {answer: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }, want: "status 500"},
		"204":        {answer: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(204) }, want: "status 204"},
		"a redirect": {answer: func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/", http.StatusFound) }, want: "status 302"},
		"a body":     {answer: func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("done")) }, want: "a body"},
		"late": {answer: func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}, want: "no answer within", late: true},
	}
	defer close(release)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := bottest.Options{}
			if tt.late {
				o.Patience = 100 * time.Millisecond
			}
			w := start(t, o)
			listen(t, w, tt.answer)
			_, err := w.Press(ctxOf(t), ann, sales, announce(t, w), "Take")
			if tt.late != errors.Is(err, bottest.ErrLate) {
				t.Errorf("error %v", err)
			}
			problem(t, w, "Ann presses [Take]", tt.want)
		})
	}
}

// A program that is down breaks no rule; the person sees that nothing happened.
func TestPressWhenTheProgramIsDown(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, nil)
	ts := announce(t, w)
	p.Close()
	if _, err := w.Press(ctxOf(t), ann, sales, ts, "Take"); err == nil {
		t.Error("no error")
	}
	clean(t, w)
}

func TestPressOnEphemeralAndItsResponseURL(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, nil)
	api, ctx := client(w), ctxOf(t)
	ts, err := api.PostEphemeralContext(ctx, sales, ann, slack.MsgOptionText("sure?", false), slack.MsgOptionBlocks(section("sure?"), actions()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Press(ctx, bob, sales, ts, "Take"); !errors.Is(err, bottest.ErrNoMessage) {
		t.Errorf("somebody else's ephemeral message: %v", err)
	}
	if _, err = w.Press(ctx, ann, sales, ts, "Take"); err != nil {
		t.Fatal(err)
	}
	cb := next(t, p.presses)
	if cb.Message.Timestamp != "" || !cb.Container.IsEphemeral || cb.Container.MessageTs != ts {
		t.Errorf("payload %+v", cb)
	}
	if _, _, err = api.PostMessageContext(ctx, sales, slack.MsgOptionReplaceOriginal(cb.ResponseURL), slack.MsgOptionText("done", false)); err != nil {
		t.Fatal(err)
	}
	if m := w.Ephemerals(ann); len(m) != 1 || m[0].AsText() != "done" || m[0].Updates != 1 {
		t.Errorf("got %+v", m)
	}
	if _, _, err = api.PostMessageContext(ctx, sales, slack.MsgOptionDeleteOriginal(cb.ResponseURL)); err != nil {
		t.Fatal(err)
	}
	if m := w.Ephemerals(ann); !m[0].Deleted {
		t.Errorf("got %+v", m)
	}
	clean(t, w)
}

// The payload has no member that Slack's published sample of it lacks, and every one that matters.
func TestPressPayloadShape(t *testing.T) {
	w := start(t, bottest.Options{})
	listen(t, w, nil)
	if _, err := w.Press(ctxOf(t), ann, sales, announce(t, w), "Take"); err != nil {
		t.Fatal(err)
	}
	_, body := w.LastSent()
	values, err := url.ParseQuery(string(body))
	if err != nil || len(values) != 1 {
		t.Fatalf("form %v, %v", values, err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(values.Get("payload")), &got); err != nil {
		t.Fatal(err)
	}
	sample := readSample(t, "BlockActionPayload")
	// What the sample leaves empty, or leaves out.
	within(t, "payload", got, sample, "payload.message.blocks", "payload.actions", "payload.state.values", "payload.is_enterprise_install")
	for _, name := range strings.Fields("type user api_app_id token container trigger_id team enterprise is_enterprise_install channel message state response_url actions") {
		if _, ok := got[name]; !ok {
			t.Errorf("the payload lacks %s", name)
		}
	}
}

func readSample(t *testing.T, name string) map[string]any {
	t.Helper()
	b, err := os.ReadFile("testdata/slack/samples/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// within fails the test for members of got, at any depth, that the sample lacks.
func within(t *testing.T, at string, got, sample map[string]any, except ...string) {
	t.Helper()
next:
	for name, v := range got {
		path := at + "." + name
		for _, e := range except {
			if path == e {
				continue next
			}
		}
		s, ok := sample[name]
		if !ok {
			t.Errorf("Slack's sample has no %s", path)
			continue
		}
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
			if l, ok := s.([]any); ok && len(l) > 0 {
				s = l[0]
			}
		}
		inner, ok1 := v.(map[string]any)
		innerSample, ok2 := s.(map[string]any)
		if ok1 && ok2 {
			within(t, path, inner, innerSample, except...)
		}
	}
}

// Answers of the Web API have no member that Slack's samples lack.
func TestAnswerShapes(t *testing.T) {
	w := start(t, bottest.Options{Scopes: append(bottest.DefaultScopes(), "users:read")})
	ts := announce(t, w)
	for method, args := range map[string]url.Values{
		"auth.test":             nil,
		"conversations.info":    {"channel": {sales}, "include_num_members": {"true"}},
		"conversations.members": {"channel": {sales}},
		"users.info":            {"user": {ann}},
		"users.list":            nil,
		"chat.postEphemeral":    {"channel": {sales}, "user": {ann}, "text": {"x"}},
		"chat.getPermalink":     {"channel": {sales}, "message_ts": {ts}},
		"chat.delete":           {"channel": {sales}, "ts": {announce(t, w)}},
	} {
		_, got := form(t, w, method, args)
		if got["ok"] != true {
			t.Errorf("%s: %v", method, got)
		}
		within(t, method, got, readSample(t, method), "users.list.members.is_stranger")
	}
}
