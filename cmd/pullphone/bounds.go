package main

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// What strangers can hold of this server: connections, and memory for what they send.
const (
	maxConnections = 512
	maxBody        = 1 << 20  // of one request
	smallBody      = 64 << 10 // as much as any of Twilio's requests has
	maxLarge       = 32       // requests that are larger, at once
)

// bounded is a listener that holds so many connections open and no more. One that comes beyond that takes the place of
// the one that was opened first, of those for which nothing that Twilio or Slack has signed is worked on: whoever
// holds places by sending slowly loses them first.
type bounded struct {
	net.Listener
	max int

	mu     sync.Mutex
	guests list.List // *guest that may be turned out, the one opened first at the front
	open   int
}

// guest is one connection of a bounded listener.
type guest struct {
	net.Conn
	of     *bounded
	place  *list.Element // in guests; nil while it may not be turned out
	closed bool
}

func (c *bounded) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, of: c}
	c.mu.Lock()
	var first *guest
	if c.open >= c.max && c.guests.Len() > 0 {
		first = c.guests.Front().Value.(*guest)
	}
	c.open++
	g.place = c.guests.PushBack(g)
	c.mu.Unlock()
	if first != nil {
		first.Close()
	}
	return g, nil
}

func (g *guest) Close() error {
	g.of.mu.Lock()
	if !g.closed {
		g.closed = true
		g.of.open--
		g.leave()
	}
	g.of.mu.Unlock()
	return g.Conn.Close()
}

func (g *guest) leave() {
	if g.place != nil {
		g.of.guests.Remove(g.place)
		g.place = nil
	}
}

// known keeps a connection while a request that is signed is worked on. It then counts as one that has just come.
func (g *guest) known() (done func()) {
	c := g.of
	c.mu.Lock()
	defer c.mu.Unlock()
	g.leave()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !g.closed {
			g.place = c.guests.PushBack(g)
		}
	}
}

type guestKey struct{}

// connected lets the handlers of a server find the guest that asks.
func connected(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, c)
}

// maxAtWork bounds the signed requests that are worked on at once; those beyond are turned away, which Twilio takes to
// its fallback.
const maxAtWork = 256

// atWork bounds what is worked on at once. It stands behind the check of the signature: no stranger takes up a place.
func atWork() func(http.Handler) http.Handler {
	places := make(chan struct{}, maxAtWork)
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
			default:
				http.Error(w, "busy", http.StatusServiceUnavailable)
				return
			}
			if g, ok := r.Context().Value(guestKey{}).(*guest); ok {
				defer g.known()()
			}
			h.ServeHTTP(w, r)
		})
	}
}

// twilioAnswer is how long a webhook of Twilio's may be worked on. Twilio waits 15 seconds and then turns to the fallback; a
// store that cannot say yes by now is given up before that, so that the caller hears something the sooner.
const twilioAnswer = 10 * time.Second

// within bounds what is done for a request; what is not committed by then fails.
func within(limit time.Duration, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// received reads the whole of a request before anything else is done about it: a sender who is slow keeps nothing but
// their own connection busy. Those that are large are few at once.
func received(h http.Handler, log *slog.Logger) http.Handler {
	large := make(chan struct{}, maxLarge)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == http.NoBody {
			h.ServeHTTP(w, r)
			return
		}
		refuse := func(status int, why string) {
			log.Warn("request refused", "path", r.URL.Path, "why", why)
			http.Error(w, http.StatusText(status), status)
		}
		limited := http.MaxBytesReader(w, r.Body, maxBody)
		body, err := io.ReadAll(io.LimitReader(limited, smallBody))
		if err == nil && len(body) == smallBody {
			select {
			case large <- struct{}{}:
				defer func() { <-large }()
			default:
				refuse(http.StatusServiceUnavailable, "too many large requests")
				return
			}
			var rest []byte
			rest, err = io.ReadAll(limited)
			body = append(body, rest...)
		}
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			refuse(http.StatusRequestEntityTooLarge, "body over 1 MB")
			return
		}
		if err != nil {
			refuse(http.StatusBadRequest, "body broke off")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	})
}
