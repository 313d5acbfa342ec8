package voice

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// exchange is a house on a telephone network: its webhooks are signed and come over HTTP.
type exchange struct {
	*house
	net *voicetest.Network
	ctx context.Context

	mu    sync.Mutex
	gates map[string]chan struct{}                                // webhooks that are held until their gate is opened
	bent  map[string]func(http.Handler) http.Handler              // answers that are not ours
	fault func(w http.ResponseWriter, r *http.Request) (met bool) // of Twilio's API
}

func connected(t *testing.T, o voicetest.Options) *exchange {
	t.Helper()
	x := &exchange{house: open(t, someTeam()), gates: map[string]chan struct{}{}, bent: map[string]func(http.Handler) http.Handler{}}
	o.Intercept = func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x.mu.Lock()
			fault := x.fault
			x.mu.Unlock()
			if fault == nil || !fault(w, r) {
				api.ServeHTTP(w, r)
			}
		})
	}
	var err error
	if x.net, err = voicetest.Start(o); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	x.ctx = ctx
	t.Cleanup(func() {
		defer cancel()
		x.mu.Lock()
		for path := range x.gates {
			x.openLocked(path)
		}
		x.mu.Unlock()
		if err := x.net.Close(); err != nil {
			t.Error(err)
		}
		app.Close()
		for _, p := range x.net.Problems() {
			t.Errorf("problem: %v", p)
		}
	})
	x.PublicURL = app.URL
	if x.Twilio, err = twilio.New(x.net.AccountSID(), x.net.AuthToken(), x.net.URL()); err != nil {
		t.Fatal(err)
	}
	x.Handle(mux, func(next http.Handler) http.Handler {
		return twilio.Verify(app.URL, x.net.AuthToken(), slog.New(slog.DiscardHandler), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x.mu.Lock()
			gate, bend := x.gates[r.URL.Path], x.bent[r.URL.Path]
			x.mu.Unlock()
			if bend != nil {
				bend(next).ServeHTTP(w, r)
			} else {
				next.ServeHTTP(w, r)
			}
			if gate != nil {
				<-gate
			}
		}))
	})
	x.net.Configure(sales, voicetest.NumberConfig{VoiceURL: app.URL + IncomingPath, StatusCallback: app.URL + StatusPath, VoiceFallbackURL: app.URL + FallbackPath})
	return x
}

// hold keeps answers to a webhook back, after they are committed, until release.
func (x *exchange) hold(path string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.gates[path] = make(chan struct{})
}

func (x *exchange) release(path string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.openLocked(path)
}

func (x *exchange) openLocked(path string) {
	close(x.gates[path])
	delete(x.gates, path)
}

// bend has a webhook answered in another way.
func (x *exchange) bend(path string, with func(http.Handler) http.Handler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.bent[path] = with
}

func (x *exchange) failing(f func(w http.ResponseWriter, r *http.Request) bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fault = f
}

func (x *exchange) no(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// dialIn calls the line and waits until the call is in the store.
func (x *exchange) dialIn() (*voicetest.Call, store.Call) {
	x.Helper()
	in := x.net.Phone(caller).Call(sales, voicetest.CallerInfo{})
	return in, x.stored(in, func(store.Call) bool { return true })
}

// stored waits until a call is in the store as ok wants it.
func (x *exchange) stored(in *voicetest.Call, ok func(store.Call) bool) store.Call {
	x.Helper()
	for {
		changed, stop := x.disk.Watch("")
		id, err := x.Store.CallBySID(x.ctx, in.SID())
		if err == nil {
			if c := x.call(id); ok(c) {
				stop()
				return c
			}
		} else if !errors.Is(err, store.ErrNoCall) {
			x.Fatal(err)
		}
		select {
		case <-changed:
			stop()
		case <-x.ctx.Done():
			x.Fatal("the call does not come to that")
		}
	}
}

// waiting is a call on hold whose queue is known.
func (x *exchange) waiting() (*voicetest.Call, store.Call) {
	x.Helper()
	in, _ := x.dialIn()
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	return in, x.stored(in, func(c store.Call) bool { return c.Queue != "" })
}

func deed(c store.Call) store.Deed {
	return store.Deed{Kind: store.Redirect, Call: c.ID, Attempt: c.Attempt}
}

// asked counts the requests to Twilio with that method and end of path.
func (x *exchange) asked(method, part string) int {
	n := 0
	for _, r := range x.net.Requests() {
		if r.Method == method && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// putOff checks that a redirect is to be tried again after a while: without a word about it when that is short.
func putOff(t *testing.T, err error, after time.Duration) {
	t.Helper()
	later, ok := errors.AsType[*store.Later](err)
	if !ok || later.After != after || errors.Is(err, errNotQueued) != (after == time.Second) {
		t.Fatalf("%v, want another try after %s", err, after)
	}
}
