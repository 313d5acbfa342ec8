package bottest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"

	"github.com/slack-go/slack"
)

const (
	sales = "C000SALES"
	ann   = "U000ANN"
	bob   = "U000BOB"
)

// start opens a workspace with a channel and two people.
func start(t *testing.T, o bottest.Options) *bottest.Workspace {
	t.Helper()
	w, err := bottest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	w.AddChannel(bottest.Channel{ID: sales, Name: "sales", BotIsMember: true})
	w.AddUser(bottest.User{ID: ann, Name: "Ann", TZ: "America/Boise"})
	w.AddUser(bottest.User{ID: bob, Name: "Bob"})
	return w
}

func client(w *bottest.Workspace) *slack.Client {
	return slack.New(w.BotToken(), slack.OptionAPIURL(w.URL()), slack.OptionAppLevelToken(w.AppToken()))
}

func ctxOf(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// clean fails the test when there are problems.
func clean(t *testing.T, w *bottest.Workspace) {
	t.Helper()
	for _, p := range w.Problems() {
		t.Errorf("problem: %v", p)
	}
}

// problem fails the test unless some problem contains each of the words.
func problem(t *testing.T, w *bottest.Workspace, words ...string) {
	t.Helper()
next:
	for _, p := range w.Problems() {
		for _, word := range words {
			if !strings.Contains(p.Error(), word) {
				continue next
			}
		}
		return
	}
	t.Errorf("no problem with %q among %v", words, w.Problems())
}

// code fails the test unless err is Slack's refusal with this code.
func code(t *testing.T, err error, want string) slack.SlackErrorResponse {
	t.Helper()
	var e slack.SlackErrorResponse
	if !errors.As(err, &e) || e.Err != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	return e
}

func section(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", text, false, true), nil, nil)
}

func actions() slack.Block {
	take := slack.NewButtonBlockElement("take", "CA1", slack.NewTextBlockObject("plain_text", "Take", false, false))
	take.Style = slack.StylePrimary
	voicemail := slack.NewButtonBlockElement("voicemail", "CA1", slack.NewTextBlockObject("plain_text", "Voicemail", false, false))
	return slack.NewActionBlock("", take, voicemail)
}

var quiet = slack.MsgOptionCompose(slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(), slack.MsgOptionParse(false))

// announce posts a message with the two buttons.
func announce(t *testing.T, w *bottest.Workspace) string {
	t.Helper()
	_, ts, err := client(w).PostMessageContext(ctxOf(t), sales, quiet,
		slack.MsgOptionText("A call waits", false), slack.MsgOptionBlocks(section("A call *waits*"), actions()))
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// program is a Slack app that keeps what it hears, answers as told, and refuses what is not signed.
type program struct {
	*httptest.Server
	presses  chan slack.InteractionCallback
	commands chan slack.SlashCommand
	events   chan map[string]any
	answer   http.HandlerFunc // default: an empty 200
}

func listen(t *testing.T, w *bottest.Workspace, answer http.HandlerFunc) *program {
	t.Helper()
	p := &program{
		presses: make(chan slack.InteractionCallback, 100), commands: make(chan slack.SlashCommand, 100), events: make(chan map[string]any, 100),
		answer: answer,
	}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	w.Configure(bottest.App{
		Interactivity: p.URL + "/press",
		Commands:      map[string]bottest.Command{"/pull": {URL: p.URL + "/pull", ShouldEscape: true}},
		Events:        p.URL + "/events",
	})
	return p
}

func (p *program) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v, err := slack.NewSecretsVerifier(r.Header, bottest.DefaultSigningSecret)
	if err == nil {
		_, _ = v.Write(body)
		err = v.Ensure()
	}
	if err != nil {
		http.Error(rw, "no", http.StatusUnauthorized)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	switch r.URL.Path {
	case "/press":
		cb, err := slack.InteractionCallbackParse(r)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		p.presses <- cb
	case "/pull":
		cmd, err := slack.SlashCommandParse(r)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		p.commands <- cmd
	case "/events":
		var e map[string]any
		if err := json.Unmarshal(body, &e); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		p.events <- e
	}
	if p.answer != nil {
		p.answer(rw, r)
	}
}

// next takes from a channel, or fails the test when nothing comes.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-ctxOf(t).Done():
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// raw calls a method by hand and returns status, headers and decoded answer.
func raw(t *testing.T, r *http.Request) (*http.Response, map[string]any) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r.WithContext(ctxOf(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var o map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&o); err != nil {
		t.Fatalf("%s: %v", r.URL, err)
	}
	return resp, o
}

// form posts a form to a method with the token as a field.
func form(t *testing.T, w *bottest.Workspace, method string, args url.Values) (*http.Response, map[string]any) {
	t.Helper()
	values := url.Values{"token": {w.BotToken()}}
	for k, v := range args {
		values[k] = v
	}
	r, err := http.NewRequest(http.MethodPost, w.URL()+method, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return raw(t, r)
}
