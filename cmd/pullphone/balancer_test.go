package main

import (
	"context"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"
)

// balancer hands requests to several servers in turn. One that refuses the connection is passed over, as any load balancer
// does, and so is one that does not call itself healthy, which is asked every second; a request that breaks off under way is
// answered with 502.
type balancer struct {
	addresses []string
	next      atomic.Uint64
	leaving   sync.Map // addresses that answer, and not that they are healthy

	mu      sync.Mutex
	slowest map[string]time.Duration // request, by path
	failed  map[string]int           // answers of 5xx, by path
}

// serve hands on what comes in by a listener until the function that it returns is called.
func (b *balancer) serve(l net.Listener) (stop func()) {
	b.reset()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "pullphone"
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DialContext: b.dial, DisableKeepAlives: true}, // each request has its own turn
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	server := &http.Server{Handler: b.timed(proxy)}
	go server.Serve(l)
	over := make(chan struct{})
	go func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
				b.look()
			case <-over:
				tick.Stop()
				return
			}
		}
	}()
	return func() { close(over); server.Close() }
}

// look asks each server whether it is healthy. One that gives no answer is found when a connection is refused.
func (b *balancer) look() {
	client := http.Client{Timeout: time.Second}
	for _, address := range b.addresses {
		res, err := client.Get("http://" + address + "/healthz")
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			b.leaving.Delete(address)
		} else {
			b.leaving.Store(address, true)
		}
	}
}

func (b *balancer) dial(ctx context.Context, network, _ string) (conn net.Conn, err error) {
	first := b.next.Add(1)
	for _, leaving := range []bool{false, true} { // better one of these than none
		for i := range b.addresses {
			address := b.addresses[(int(first)+i)%len(b.addresses)]
			if _, is := b.leaving.Load(address); is != leaving {
				continue
			}
			var d net.Dialer
			if conn, err = d.DialContext(ctx, network, address); err == nil {
				return conn, nil
			}
		}
	}
	return nil, err
}

func (b *balancer) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		answer := &status{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.slowest[r.URL.Path] = max(b.slowest[r.URL.Path], time.Since(begun))
			if answer.code >= http.StatusInternalServerError {
				b.failed[r.URL.Path]++
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// reset forgets what was measured.
func (b *balancer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slowest, b.failed = map[string]time.Duration{}, map[string]int{}
}

// failures counts the answers of 5xx since, by path.
func (b *balancer) failures() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.failed)
}

// longest is how long the slowest request took since.
func (b *balancer) longest() (path string, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p, d := range b.slowest {
		if d > took {
			path, took = p, d
		}
	}
	return path, took
}
