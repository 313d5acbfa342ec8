package voicetest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/voice/voicetest"
)

// broken answers a path with a status.
func (a *app) broken(path string, status int) {
	a.handle(path, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
}

func TestFallback(t *testing.T) {
	n := start(t, voicetest.Options{})
	u := n.app.server.URL
	n.Configure(line, voicetest.NumberConfig{VoiceURL: u + "/voice", VoiceFallbackURL: u + "/fallback"})
	n.app.on("/fallback", "<Say>we call back</Say>")
	n.app.broken("/voice", 503)
	c := n.call()
	n.no(c.WaitEnd(n.ctx))
	expect(t, "heard", c.Heard()[0].Text, "we call back")
	form := n.app.got("/fallback")[0].form
	expect(t, "ErrorCode", form.Get("ErrorCode"), "11200")
	expect(t, "ErrorUrl", form.Get("ErrorUrl"), u+"/voice")
	expect(t, "not retried", len(n.app.got("/voice")), 1)

	// Any later document of the call, too.
	n.app.on("/voice", "<Say>first</Say><Redirect>/later</Redirect>")
	c = n.call()
	n.no(c.WaitEnd(n.ctx))
	expect(t, "heard", c.Heard()[1].Text, "we call back")

	// No fallback left.
	n.app.broken("/fallback", 500)
	c = n.call()
	n.no(c.WaitEnd(n.ctx))
	expect(t, "heard", c.Heard()[1].Kind, voicetest.HeardError)
	if p := n.problems(); strings.Count(p, "hears an error") != 1 {
		t.Errorf("problems: %s", p)
	}
}

func TestConnectionRefused(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	var tries atomic.Int32
	n := start(t, voicetest.Options{Trace: func(e voicetest.Event) {
		if e.Kind == voicetest.EventWebhook && strings.HasPrefix(e.Summary, "voice:") {
			tries.Add(1)
		}
	}})
	n.Configure(line, voicetest.NumberConfig{VoiceURL: gone.URL + "/voice", VoiceFallbackURL: n.app.server.URL + "/fallback"})
	n.app.on("/fallback", "<Say>sorry</Say>")
	c := n.call()
	n.no(c.WaitEnd(n.ctx))
	expect(t, "heard", c.Heard()[0].Text, "sorry")
	expect(t, "ErrorCode", n.app.got("/fallback")[0].form.Get("ErrorCode"), "11205")
}

// A listener that comes up between the two tries is reached.
func TestConnectionRetried(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/voice", "<Say>second try</Say>")
	var dials atomic.Int32
	real := http.DefaultTransport.(*http.Transport).Clone()
	voicetest.SetDial(n.Network, func(ctx context.Context, network, addr string) (voicetest.Conn, error) {
		if dials.Add(1) == 1 {
			return nil, voicetest.Refused
		}
		return real.DialContext(ctx, network, addr)
	})
	c := n.call()
	n.no(c.WaitEnd(n.ctx))
	expect(t, "heard", c.Heard()[0].Text, "second try")
}

func TestSlowAnswer(t *testing.T) {
	release := make(chan struct{})
	n := start(t, voicetest.Options{WebhookTimeout: 20 * time.Millisecond})
	n.app.handle("/voice", func(w http.ResponseWriter, r *http.Request) { <-release })
	c := n.call()
	n.no(c.WaitEnd(n.ctx))
	close(release)
	expect(t, "heard", c.Heard()[0].Kind, voicetest.HeardError)
	if !strings.Contains(n.problems(), "deadline exceeded") {
		t.Errorf("problems: %s", n.problems())
	}
}

func TestRepeat(t *testing.T) {
	n := start(t, voicetest.Options{Repeat: func(path string) int {
		if path == "/left" || path == "/ended" {
			return 3
		}
		return 2
	}})
	c := queued(n)
	c.Hangup()
	n.quiet()
	voice, left := n.app.got("/voice"), n.app.got("/left")
	expect(t, "voice", len(voice), 2)
	expect(t, "left", len(left), 3)
	expect(t, "ended", len(n.app.got("/ended")), 3)
	token := func(h hit) string { return h.header.Get("I-Twilio-Idempotency-Token") }
	expect(t, "one token an event", token(left[0]) == token(left[2]) && token(voice[0]) == token(voice[1]), true)
	expect(t, "another token another event", token(voice[0]) != token(left[0]), true)
}

func TestHTTPRedirectIsReported(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.handle("/voice", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, n.app.server.URL+"/music", http.StatusFound)
	})
	n.app.on("/music", "")
	n.no(n.call().WaitEnd(n.ctx))
	if !strings.Contains(n.problems(), "HTTP redirect") {
		t.Errorf("problems: %s", n.problems())
	}
}

func TestCookiesAreKeptPerCall(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.handle("/voice", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("n"); err == nil {
			t.Error("a new call brought a cookie")
		}
		http.SetCookie(w, &http.Cookie{Name: "n", Value: "1", Path: "/"})
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, "<Response><Redirect>/next</Redirect></Response>")
	})
	n.app.on("/next", "")
	for range 2 {
		n.no(n.call().WaitEnd(n.ctx))
	}
	n.quiet()
	for _, h := range n.app.got("/next") {
		expect(t, "cookie", h.header.Get("Cookie"), "n=1")
	}
}

func TestCloseEndsWaits(t *testing.T) {
	n := start(t, voicetest.Options{})
	c := queued(n)
	errs := make(chan error)
	go func() { errs <- c.WaitEnd(n.ctx) }()
	n.no(n.Close())
	if err := <-errs; err == nil {
		t.Error("the wait ended without an error")
	}
}

func TestStartChecksOptions(t *testing.T) {
	if n, err := voicetest.Start(voicetest.Options{AccountSID: "AC1"}); err == nil {
		n.Close()
		t.Error("an account SID of the wrong shape was accepted")
	}
}
