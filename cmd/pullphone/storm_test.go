package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var storm = flag.Int("storm", 40, "how many calls TestStorm makes")

// Both services fail at random while callers and people do as they please, and what Twilio tells comes late, twice and
// in any order. Every call ends in one way, and what was done twice was done twice because an answer was lost.
func TestStorm(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	const perTown, atOnce = 200, 2
	var (
		left = make(chan int, *storm/perTown+1)
		all  sync.WaitGroup
		town atomic.Uint64
	)
	for n := *storm; n > 0; n -= perTown {
		left <- min(n, perTown)
	}
	close(left)
	for range atOnce {
		all.Go(func() {
			for n := range left {
				i := town.Add(1)
				t.Run(fmt.Sprintf("town %d", i), func(t *testing.T) { stormy(t, seed+i, n) })
			}
		})
	}
	all.Wait()
}

func stormy(t *testing.T, seed uint64, calls int) {
	c, o := newCrowd(seed, time.Second)
	w := weather{dice: rand.New(rand.NewPCG(seed, 0)), drawn: map[string]int{}}
	o.voice.Intercept, o.slack.Intercept, o.front = w.wrap, w.wrap, w.delay
	post := rand.New(rand.NewPCG(seed, 1<<32)) // the network asks for one thing at a time
	o.voice.Repeat = func(string) int { return 1 + min(1, post.IntN(6)/5) }
	o.voice.Shuffle = post.IntN
	c.harness = open(t, o)
	c.must(c.setUp(c.ctx, c.cfg, io.Discard))
	c.start()
	w.rough.Store(true)
	stop := c.pump(15 * time.Millisecond)
	var begun atomic.Int64
	c.live(callersAtOnce, func() bool { return begun.Add(1) <= int64(calls) })
	w.rough.Store(false)

	var k kept
	ended := func() {
		c.until("everything has come to its end", func() bool {
			time.Sleep(20 * time.Millisecond)
			k = readKept(t, c.db, team(c.cfg))
			return len(k.left) == 0
		})
	}
	ended()
	c.goHome()
	ended()
	stop()
	c.must(c.net.WaitQuiet(c.ctx))
	sum := c.judge(k)
	t.Logf("%s; faults: %v", sum, w.drawn)
	equal(t, "calls", sum.calls, calls)
	for _, m := range sum.missing {
		t.Errorf("nobody was told of %+v", m)
	}
	for _, d := range sum.twice {
		if n := w.explains(d); n < d.times {
			t.Errorf("twice: %+v, though only %d answers were lost", d, n)
		}
	}
	for _, f := range c.faults {
		t.Errorf("the network objects: %s", f)
	}
}

// weather draws faults for the requests to both services.
type weather struct {
	rough atomic.Bool

	mu      sync.Mutex
	dice    *rand.Rand
	drawn   map[string]int
	carried []carried
}

// carried is a request that was carried out though its sender was told otherwise, or nothing.
type carried struct {
	path string
	form url.Values
}

func (w *weather) draw() (fault string, late time.Duration) {
	if !w.rough.Load() {
		return "", 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dice.IntN(4) == 0 {
		late = time.Duration(w.dice.IntN(30)) * time.Millisecond
	}
	fault = []string{"503", "500 afterwards", "429", "429 with Retry-After", "reset", "reset afterwards", ""}[min(6, w.dice.IntN(30))]
	w.drawn[fault]++
	return fault, late
}

func (w *weather) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fault, late := w.draw()
		time.Sleep(late)
		if strings.HasSuffix(fault, "afterwards") {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // the sender has gone
			}
			form, _ := url.ParseQuery(string(body))
			w.mu.Lock()
			w.carried = append(w.carried, carried{r.URL.Path, form})
			w.mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(discard{http.Header{}}, r)
		}
		switch fault {
		case "":
			next.ServeHTTP(rw, r)
		case "503":
			http.Error(rw, "down", http.StatusServiceUnavailable)
		case "500 afterwards":
			http.Error(rw, "oops", http.StatusInternalServerError)
		case "429 with Retry-After":
			rw.Header().Set("Retry-After", "2")
			fallthrough
		case "429":
			http.Error(rw, "slower", http.StatusTooManyRequests)
		default:
			reset(rw)
		}
	})
}

// reset breaks a connection off as a machine does that has forgotten it.
func reset(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}

// delay lets webhooks arrive late.
func (w *weather) delay(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.rough.Load() {
			w.mu.Lock()
			late := time.Duration(max(0, w.dice.IntN(120)-80)) * time.Millisecond
			w.mu.Unlock()
			time.Sleep(late)
		}
		next.ServeHTTP(rw, r)
	})
}

// explains counts the requests for what was done twice that were carried out without their sender's learning of it.
func (w *weather) explains(d twice) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.carried {
		text := r.form.Get("text")
		switch d.what {
		case "sms":
			if strings.HasSuffix(r.path, "/Messages.json") && r.form.Get("To") == d.to && r.form.Get("Body") == d.text {
				n++
			}
		case "call":
			if strings.HasSuffix(r.path, "/chat.postMessage") && strings.HasPrefix(text, "Call ") && strings.Contains(text, d.text) {
				n++
			}
		case "voicemail":
			if strings.HasSuffix(r.path, "/chat.postMessage") && strings.HasPrefix(text, "Voicemail from "+d.text) {
				n++
			}
		}
	}
	return n
}
