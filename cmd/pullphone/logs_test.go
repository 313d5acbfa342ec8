package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

type valuer struct{ number string }

func (v valuer) LogValue() slog.Value {
	return slog.GroupValue(slog.String("number", v.number), slog.Any("err", errors.New("no route to "+v.number)))
}

type written struct{ number *string }

func (w written) MarshalText() ([]byte, error) { return []byte("text of " + *w.number), nil }

// Wherever a phone number stands in an entry, the log has no more of it than its country and its end.
func TestLogShortensNumbers(t *testing.T) {
	t.Parallel()
	const number = "+12085550123"
	fault := fmt.Errorf("send: %w", &url.Error{Op: "Get", URL: "https://lookups.example/v2/PhoneNumbers/%2B12085550123?To=" + number, Err: errors.New("refused")})
	entries := map[string]func(*slog.Logger){
		"message":        func(l *slog.Logger) { l.Info("call from " + number + " to " + number) },
		"attribute":      func(l *slog.Logger) { l.Info("x", "from", number) },
		"text with more": func(l *slog.Logger) { l.Info("x", "why", "The 'To' number "+number+" is not valid (21211)") },
		"error":          func(l *slog.Logger) { l.Error("x", "err", fault) },
		"joined errors":  func(l *slog.Logger) { l.Error("x", "err", errors.Join(fault, errors.New(number))) },
		"group":          func(l *slog.Logger) { l.Info("x", slog.Group("g", slog.Group("h", "from", number, "err", fault))) },
		"WithGroup":      func(l *slog.Logger) { l.WithGroup("g").Info("x", "from", number) },
		"With":           func(l *slog.Logger) { l.With("from", number, "err", fault).Info("x") },
		"With in group":  func(l *slog.Logger) { l.WithGroup("g").With("from", number).Info("x") },
		"LogValuer":      func(l *slog.Logger) { l.Info("x", "v", valuer{number}) },
		"With LogValuer": func(l *slog.Logger) { l.With("v", valuer{number}).Info("x") },
		"TextMarshaler":  func(l *slog.Logger) { l.Info("x", "v", written{new(number)}) },
		"bytes":          func(l *slog.Logger) { l.Info("x", "v", []byte(number)) },
		"structure":      func(l *slog.Logger) { l.Info("x", "v", store.Call{From: number}, "p", []string{number}) },
		"standard log":   func(l *slog.Logger) { slog.NewLogLogger(l.Handler(), slog.LevelWarn).Print("http: ", number) },
		"encoded small":  func(l *slog.Logger) { l.Info("%2b12085550123") },
	}
	for name, entry := range entries {
		var short, long strings.Builder
		entry(newLog(&short, false))
		entry(newLog(&long, true))
		if got := short.String(); strings.Contains(got, "5550123") || strings.Contains(got, "208555") || !strings.Contains(got, "+1…0123") {
			t.Errorf("%s: %s", name, got)
		}
		if got := long.String(); !strings.Contains(got, "12085550123") {
			t.Errorf("%s, asked for: %s", name, got)
		}
	}
	for in, want := range map[string]string{
		"+442079460018": "+44…0018", "+35312345678": "+353…5678", "+999123456": "+9…3456", "a+12085550123b": "a+1…0123b", "+12085550100,+12085550123": "+1…0100,+1…0123",
		"+12345": "+12345", "1+1=2": "1+1=2", "RE0123456789abcdef": "RE0123456789abcdef", "2026-11-22T19:29:49.090Z": "2026-11-22T19:29:49.090Z", "pullphone-12085550100": "pullphone-12085550100",
	} {
		if got := shortNumbers(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	// What is no number stays what it is.
	var b strings.Builder
	newLog(&b, false).Info("x", "n", 7, "err", errors.New("plain"), "call", store.CallID("01M8"), "ok", true)
	if got := b.String(); !strings.HasSuffix(got, "level=INFO msg=x n=7 err=plain call=01M8 ok=true\n") {
		t.Errorf("got %s", got)
	}
}

// The running program shortens the numbers in what Twilio says, too; unless log_numbers asks for them.
func TestServerShortensNumbers(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprint(whole), func(t *testing.T) {
			t.Parallel()
			refused := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Messages.json") {
						w.Header().Set("Content-Type", "application/json")
						w.WriteHeader(http.StatusBadRequest)
						fmt.Fprintf(w, `{"code": 21211, "message": "The 'To' number %s is not a valid phone number.", "more_info": "", "status": 400}`, annPhone)
						return
					}
					next.ServeHTTP(w, r)
				})
			}
			p := processTown(t, options{voice: voicetest.Options{Intercept: refused}, yaml: func(y string) string { return fmt.Sprintf("log_numbers: %t\n", whole) + y }})
			call, _ := p.queued(janePhone, jane)
			p.until("the log", func() bool { return strings.Contains(p.log.String(), "SMS refused") })
			call.Hangup()
			p.ended(call)
			log := p.log.String()
			if strings.Contains(log, annPhone) != whole || strings.Contains(log, "+1…0101") == whole {
				t.Errorf("the log: %s", log)
			}
		})
	}
}
