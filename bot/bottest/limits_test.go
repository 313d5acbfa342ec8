package bottest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"

	"github.com/jonboulle/clockwork"
	"github.com/slack-go/slack"
)

func limited(t *testing.T, err error) time.Duration {
	t.Helper()
	var e *slack.RateLimitedError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a rate limit", err)
	}
	return e.RetryAfter
}

func TestOneMessageASecondAndChannel(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	w := start(t, bottest.Options{Limits: true, Clock: clock})
	w.AddChannel(bottest.Channel{ID: "C1", Name: "other", BotIsMember: true})
	p := listen(t, w, nil)
	api, ctx := client(w), ctxOf(t)
	post := func(channel string) error {
		_, _, err := api.PostMessageContext(ctx, channel, quiet, slack.MsgOptionText("x", false))
		return err
	}
	for range 5 { // a short burst
		if err := post(sales); err != nil {
			t.Fatal(err)
		}
	}
	if d := limited(t, post(sales)); d != time.Second {
		t.Errorf("retry after %s", d)
	}
	if err := post("C1"); err != nil {
		t.Errorf("another channel: %v", err)
	}
	if _, err := w.Command(ctx, ann, sales, "/pull", ""); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, next(t, p.commands).ResponseURL, strings.NewReader(`{"text":"x","response_type":"in_channel"}`))
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := raw(t, r); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("response_url: %d", resp.StatusCode)
	}
	clock.Advance(time.Second)
	if err := post(sales); err != nil {
		t.Errorf("a second later: %v", err)
	}
	limited(t, post(sales))
	if n := len(w.Messages(sales)); n != 6 {
		t.Errorf("%d messages", n)
	}
	reqs := w.Requests()
	if last := reqs[len(reqs)-1]; last.Status != 429 || last.Error != "ratelimited" || last.OK() {
		t.Errorf("request %+v", last)
	}
	clean(t, w)
}

func TestTiers(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	w := start(t, bottest.Options{Limits: true, Clock: clock})
	api, ctx := client(w), ctxOf(t)
	list := func() error {
		_, _, err := api.GetConversationsContext(ctx, &slack.GetConversationsParameters{})
		return err
	}
	for range 20 { // Tier 2
		if err := list(); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(18 * time.Second)
	if d := limited(t, list()); d != 42*time.Second {
		t.Errorf("retry after %s", d)
	}
	if _, err := api.AuthTestContext(ctx); err != nil {
		t.Errorf("other methods go on: %v", err)
	}
	clock.Advance(42 * time.Second)
	if err := list(); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestNoLimitsUnlessAskedFor(t *testing.T) {
	w := start(t, bottest.Options{})
	for range 30 {
		if _, o := form(t, w, "conversations.list", nil); o["ok"] != true {
			t.Fatal(o)
		}
	}
}
