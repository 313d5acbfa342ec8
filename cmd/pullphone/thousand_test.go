package main

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

var openCalls = flag.Int("open-calls", 300, "how many callers wait in TestThousandOpenCalls while the server is away; 1000 take a minute with the race detector")

// A thousand callers wait while the server is away, and some of them hang up: it answers within two seconds of its start,
// knows within a minute how each of them stands, and asks Twilio for no more than a handful at once.
func TestThousandOpenCalls(t *testing.T) {
	t.Parallel()
	all, gone := *openCalls, *openCalls*3/10
	var atOnce, most atomic.Int32
	h := open(t, options{
		clock: clockwork.NewRealClock(), steady: true, eager: true, limit: 5 * time.Minute,
		line: []string{"max_wait: 1h", "people: [Dee]"}, people: "  - {name: Dee, slack: U000DEE}\n",
		// The texts of the announcements are not what this is about: nobody has a phone, and Slack is away.
		yaml: func(y string) string { return strings.Replace(y, "\ntwilio:\n", "\ntwilio:\n  lookup: false\n", 1) },
		slack: bottest.Options{Intercept: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/chat.postMessage") {
					w.Header().Set("Retry-After", "3600")
					http.Error(w, "", http.StatusTooManyRequests)
					return
				}
				next.ServeHTTP(w, r)
			})
		}},
		voice: voicetest.Options{Intercept: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					n := atOnce.Add(1)
					defer atOnce.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
				}
				next.ServeHTTP(w, r)
			})
		}},
	})
	h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
	h.start()
	calls := make([]*voicetest.Call, all)
	var g errgroup.Group
	g.SetLimit(32)
	for i := range calls {
		g.Go(func() error {
			calls[i] = h.net.Phone(fmt.Sprintf("+1208556%04d", i)).Call(salesNumber, voicetest.CallerInfo{})
			return calls[i].WaitPlace(h.ctx, voicetest.PlaceQueue)
		})
	}
	h.must(g.Wait())
	h.must(h.net.WaitQuiet(h.ctx))
	h.stop()
	for _, call := range calls[:gone] {
		call.Hangup()
	}
	h.must(h.net.WaitQuiet(h.ctx))
	most.Store(0)

	began := time.Now()
	h.start()
	late := h.net.Phone(janePhone).Call(salesNumber, jane)
	h.must(late.WaitPlace(h.ctx, voicetest.PlaceQueue))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the first call after the start was answered after %s", took)
	}
	h.readyAs("200 ok")
	h.until("it is known who has gone", func() bool {
		open, err := h.store.OpenCalls(h.ctx, "")
		h.must(err)
		return len(open) == all-gone+1
	})
	h.must(h.store.Settled(h.ctx, store.Ask))
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if n := most.Load(); n > 9 { // eight about calls, and one about what was missed
		t.Errorf("%d requests at once", n)
	}
	open, err := h.store.OpenCalls(h.ctx, "")
	h.must(err)
	for _, c := range open {
		if c.State != store.Waiting {
			t.Errorf("%s is %s", c.From, c.State)
		}
	}
	equal(t, "mended by comparing", h.mendedOf("left")+h.mendedOf("call"), 0)
	t.Logf("%s with %d open calls, at most %d requests at once", time.Since(began), all, most.Load())
}
