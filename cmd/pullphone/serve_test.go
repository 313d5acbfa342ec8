package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A handler that panics is answered, and so is the next request.
func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	h := answering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			panic("what never happens")
		}
		healthz(w, r)
	}), slog.New(slog.NewTextHandler(&log, nil)))
	for path, want := range map[string]int{"/bad": 500, "/good": 200} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, nil))
		if w.Code != want || strings.Contains(w.Body.String(), "never") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	if !strings.Contains(log.String(), "what never happens") {
		t.Error("the panic is not in the log")
	}
}

// An answer that is broken off on purpose stays so: half a voicemail must not look whole.
func TestBrokenOffOnPurpose(t *testing.T) {
	t.Parallel()
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panic: %v", p)
		}
	}()
	h := answering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), slog.New(slog.DiscardHandler))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

// A look for what was missed that panics is one that failed.
func TestPanicInALook(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{errors: []string{"panic"}})
	s := &service{store: h.store, ready: h.ready, log: slog.New(slog.DiscardHandler)}
	bad := loss{what: "sense", find: func(context.Context, time.Time, time.Time) error { panic("what never happens") }}
	if err := s.lookFor(h.ctx, bad, true, false); err == nil || !strings.Contains(err.Error(), "never") {
		t.Errorf("%v", err)
	}
}
