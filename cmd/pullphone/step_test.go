package main

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

// stepped is a clock that can be set, as the real one can: what is read off it jumps, and its timers do not notice.
type stepped struct {
	*clockwork.FakeClock
	off atomic.Int64
}

func (s *stepped) Now() time.Time                  { return s.FakeClock.Now().Add(time.Duration(s.off.Load())) }
func (s *stepped) Since(t time.Time) time.Duration { return s.Now().Sub(t) }
func (s *stepped) Until(t time.Time) time.Duration { return t.Sub(s.Now()) }

// The server's clock is set while a caller waits: everybody is told of them, and nobody twice.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		step      time.Duration
		announced bool // before the step; else it waits for the caller's name
	}{
		{"back, announced", -time.Hour, true},
		{"back, to be announced", -time.Hour, false},
		{"forward, announced", time.Hour, true},
		{"forward, to be announced", time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{})
			h := open(t, options{voice: voicetest.Options{Intercept: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.URL.Path, "/v2/PhoneNumbers/") {
						close(asked)
					}
					next.ServeHTTP(w, r)
				})
			}}})
			clock := &stepped{FakeClock: h.clock}
			h.opt.clock = clock
			h.must(h.setUp(h.ctx, h.cfg, io.Discard))
			h.start()
			h.net.SetLookup(janePhone, voicetest.Lookup{Name: "JANE DOE", Delay: 5 * time.Second})
			call := h.net.Phone(janePhone).Call(salesNumber, jane)
			h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
			h.wait("the lookup", asked)
			everybody := func() bool {
				return len(announcements(h.net, annPhone)) > 0 && len(announcements(h.net, bobPhone)) > 0 && len(h.work.Messages(salesChannel)) > 0
			}
			if tt.announced {
				stop := h.pump(20 * time.Millisecond)
				h.until("they are announced", everybody)
				stop()
			}
			clock.off.Store(int64(tt.step))
			stop := h.pump(20 * time.Millisecond)
			h.until("they are announced", everybody)
			stop()
			set := h.clock.Now()
			stop = h.pump(500 * time.Millisecond)
			h.until("two more minutes", func() bool { return h.clock.Since(set) > 2*time.Minute })
			stop()
			// Their time goes by the clock.
			equal(t, "still waiting", h.call(call).State == store.Waiting, tt.step < 0)
			call.Hangup()
			h.record(call)
			h.must(h.net.WaitQuiet(h.ctx))
			for _, phone := range []string{annPhone, bobPhone} {
				equal(t, "SMS to "+phone, len(announcements(h.net, phone)), 1)
			}
			equal(t, "messages", len(h.work.Messages(salesChannel)), 1)
		})
	}
}
