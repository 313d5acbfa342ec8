// Package page is the demo's page: a caller's phone, the team's mobiles, the Slack channel and what goes over the wire, side
// by side in a browser. It shows and works the telephone network and the Slack workspace that the real server is connected
// to, and runs that server as a process of its own, so that it can be killed.
//
// World is the picture that browsers get; events.go sends it whenever it changes. What people do there comes in as verbs
// (act.go) and is done by the doubles' own people: nothing here reaches into the server.
package page

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

// Page is one town with its page.
type Page struct {
	Net    *voicetest.Network
	Work   *bottest.Workspace
	Server *Server
	Wire   *Wire
	Faults *Faults

	Line    Line
	Channel Channel
	Callers []Caller
	Team    []Teammate

	picture picture
	sounds  sounds
	viewers atomic.Int32
}

// Line is the line that is called.
type Line struct{ Name, Number string }

// Channel is the line's channel in Slack.
type Channel struct{ ID, Name string }

// Caller is somebody who may call.
type Caller struct {
	Name, City string // as the page shows them
	Phone      string
	Info       voicetest.CallerInfo // as the network does
}

// Teammate is somebody of the team.
type Teammate struct{ Name, Phone, Slack string }

//go:embed static
var static embed.FS

// What browsers may hold of this process.
const (
	maxRequest = 64 << 10
	maxSound   = 8 << 20 // over a minute at 48 kHz
	maxViewers = 64
)

// policy lets the page load from here and nowhere else, and run nothing that stands in the HTML itself.
const policy = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page. Whoever calls it sees to it that the Host is one of this machine's.
func (p *Page) Handler() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is a good one
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /events", p.events)
	mux.HandleFunc("GET /sound", p.sound)
	mux.HandleFunc("GET /sample.wav", serveSample)
	mux.HandleFunc("POST /act/record", p.record)
	mux.HandleFunc("POST /act/{verb}", p.act)
	// A page of another site can send requests here, though not read the answers.
	ours := http.NewCrossOriginProtection().Handler(mux)
	all := http.NewServeMux()
	all.Handle("GET /voicemail/", p.Server.voicemail()) // which has a policy of its own
	all.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "microphone=(self)")
		h.Set("Cache-Control", "no-cache") // the next demo at this address may be another version
		ours.ServeHTTP(w, r)
	})
	return all
}

// Serve shows the page until ctx ends. handler is Handler, or something around it.
func (p *Page) Serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	var drawing sync.WaitGroup
	drawing.Go(func() { p.draw(ctx) })
	defer drawing.Wait()
	defer cancel()
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second, // a recorded message
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { srv.Close() }) // who watches would watch for ever
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// hint wakes whoever waits for the next change.
type hint struct {
	mu sync.Mutex
	ch chan struct{}
}

// next is closed at the next change.
func (h *hint) next() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ch == nil {
		h.ch = make(chan struct{})
	}
	return h.ch
}

func (h *hint) give() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ch != nil {
		close(h.ch)
		h.ch = nil
	}
}
