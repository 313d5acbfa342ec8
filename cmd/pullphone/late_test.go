package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/bot"
	"pullphone/bot/bottest"
	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/voicetest"
)

// stuck is a backend that takes a minute, when it is on, to find that it cannot do what it is asked for.
type stuck struct {
	store.Backend
	on bool
}

func (s *stuck) wait(ctx context.Context) error {
	select {
	case <-time.After(time.Minute):
		return errors.New("no quorum")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stuck) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.on {
		return s.wait(ctx)
	}
	return s.Backend.Update(ctx, fn)
}

func (s *stuck) View(ctx context.Context, fn func(store.Reader) error) error {
	if s.on {
		return s.wait(ctx)
	}
	return s.Backend.View(ctx, fn)
}

// However long the store takes to fail, Twilio and Slack have their answer before they give up waiting.
func TestStuckStore(t *testing.T) {
	t.Parallel()
	w := &town{listen: "127.0.0.1:1", admin: "127.0.0.1:2", store: filepath.Join(t.TempDir(), "pullphone.db")}
	var err error
	if w.net, err = voicetest.Start(voicetest.Options{}); err != nil {
		t.Fatal(err)
	}
	if w.work, err = bottest.Start(bottest.Options{}); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	cfg, err := config.Parse("town", []byte(w.yaml()), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		db, err := bolt.Open(w.store)
		if err != nil {
			t.Fatal(err)
		}
		b := &stuck{Backend: db}
		s, err := newService(t.Context(), cfg, b, clockwork.NewRealClock(), slog.New(slog.NewTextHandler(t.Output(), nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer s.store.Close()
		ask := func(path string, values url.Values) (int, string, time.Duration) {
			body := values.Encode()
			req := httptest.NewRequestWithContext(t.Context(), "POST", cfg.PublicURL+path, strings.NewReader(body))
			req.RequestURI = path
			req.Header.Set("Content-Type", form)
			req.Header.Set("X-Twilio-Signature", voicetest.Sign(w.net.AuthToken(), cfg.PublicURL+path, values))
			now := time.Now()
			req.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(now.Unix(), 10))
			req.Header.Set("X-Slack-Signature", bottest.Sign(w.work.SigningSecret(), now, []byte(body)))
			res := httptest.NewRecorder()
			s.public.ServeHTTP(res, req)
			answer, err := io.ReadAll(res.Result().Body)
			if err != nil {
				t.Fatal(err)
			}
			return res.Code, string(answer), time.Since(now)
		}
		sid := strings.Repeat("0", 32)
		incoming := url.Values{"CallSid": {"CA" + sid}, "From": {janePhone}, "To": {salesNumber}, "CallStatus": {"ringing"}}
		if status, answer, _ := ask("/twilio/voice", incoming); status != http.StatusOK || !strings.Contains(answer, "<Enqueue") {
			t.Fatalf("before: %d %s", status, answer)
		}
		calls, err := s.store.OpenCalls(t.Context(), "")
		if err != nil || len(calls) != 1 {
			t.Fatalf("%d calls, %v", len(calls), err)
		}
		press := `{"type":"block_actions","user":{"id":"` + annSlack + `"},"channel":{"id":"` + salesChannel + `"},"actions":[{"action_id":"take","value":"` +
			string(calls[0].ID) + `.1","action_ts":"1"}]}`
		b.on = true
		ofCall := "?c=" + string(calls[0].ID) + "&n=1"
		for path, tt := range map[string]struct {
			values url.Values
			status int
			within time.Duration
			answer string
		}{
			"/twilio/voice":           {incoming, http.StatusServiceUnavailable, twilioAnswer, "unavailable"},
			"/twilio/hold" + ofCall:   {incoming, http.StatusOK, twilioAnswer, "<Play"},
			"/twilio/dialed" + ofCall: {url.Values{"DialCallStatus": {"no-answer"}}, http.StatusServiceUnavailable, twilioAnswer, "unavailable"},
			"/twilio/status":          {url.Values{"CallSid": {"CA" + sid}, "CallStatus": {"completed"}}, http.StatusServiceUnavailable, twilioAnswer, "unavailable"},
			"/twilio/fallback":        {incoming, http.StatusOK, twilioAnswer, "<Record"},
			"/twilio/sms":             {url.Values{"MessageSid": {"SM" + sid}, "From": {annPhone}, "To": {salesNumber}, "Body": {"Yes"}}, http.StatusServiceUnavailable, twilioAnswer, "unavailable"},
			"/slack/actions":          {url.Values{"payload": {press}}, http.StatusServiceUnavailable, bot.AnswerWithin, "unavailable"},
			"/slack/commands":         {url.Values{"user_id": {annSlack}, "text": {"yes"}, "trigger_id": {"1"}, "channel_id": {salesChannel}}, http.StatusOK, bot.AnswerWithin, "did not work"},
		} {
			status, answer, took := ask(path, tt.values)
			if status != tt.status || took > tt.within {
				t.Errorf("%s: %d after %s, not %d within %s: %s", path, status, took, tt.status, tt.within, answer)
			}
			if took < 2*time.Second {
				t.Errorf("%s: the store was not asked", path)
			}
			if !strings.Contains(answer, tt.answer) {
				t.Errorf("%s: %s", path, answer)
			}
		}
	})
}
