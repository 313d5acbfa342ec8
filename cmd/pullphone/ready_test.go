package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/jonboulle/clockwork"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// sick is a backend that takes no change while it is told so.
type sick struct {
	store.Backend
	on atomic.Bool
}

func (s *sick) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.on.Load() {
		return errors.New("no space left on device")
	}
	return s.Backend.Update(ctx, fn)
}

// readyz is what the admin listener says.
func (h *harness) readyz() string {
	h.t.Helper()
	res, body := h.get("GET", "http://"+h.admin+"/readyz", nil)
	return res.Status[:3] + " " + strings.TrimSpace(string(body))
}

// readyAs waits until the admin listener says something.
func (h *harness) readyAs(want string) {
	h.t.Helper()
	h.until("readyz: "+want, func() bool { return h.readyz() == want })
}

// A load balancer learns at /healthz that a server cannot reach the store. One that is alone stays what there is.
func TestHealthyBesideOthers(t *testing.T) {
	t.Parallel()
	s := &sick{}
	h := serveTown(t, options{errors: []string{"the store takes no change"}, backend: func(b store.Backend) store.Backend { s.Backend = b; return s }})
	healthz := func(sick bool) int {
		s.on.Store(sick)
		h.clock.Advance(store.Beat)
		h.until("a beat", func() bool { age, err := h.store.SinceBeat(); return age < store.Beat && sick == (err != nil) })
		res, _ := h.get("GET", "http://"+h.listen+"/healthz", nil)
		return res.StatusCode
	}
	equal(t, "alone", healthz(true), 200)
	equal(t, "well", healthz(false), 200)
	h.must(h.db.Register(h.ctx, "00older", []byte("{}")))
	h.until("it is known", func() bool { return h.store.Living() == 2 })
	equal(t, "beside another", healthz(true), 503)
	equal(t, "well again", healthz(false), 200)
	res, _ := h.get("GET", "http://"+h.admin+"/healthz", nil)
	equal(t, "the process itself", res.StatusCode, 200)
}

// Ready follows the heartbeat: false at the first that the store does not take, true when it does again, without a restart.
func TestReadyFollowsTheStore(t *testing.T) {
	t.Parallel()
	s := &sick{}
	h := serveTown(t, options{errors: []string{"the store takes no change", "webhook failed", "fallback", "fallback without a store", "a call is not in the store; its message is only at Twilio"},
		backend: func(b store.Backend) store.Backend { s.Backend = b; return s }})
	equal(t, "at first", h.readyz(), "200 ok")
	s.on.Store(true)
	h.clock.Advance(5 * time.Second)
	h.readyAs("503 the store takes no change: no space left on device")
	res, body := h.get("GET", "http://"+h.admin+"/healthz", nil)
	equal(t, "healthz", res.Status+" "+string(body), "200 OK ok\n")
	s.on.Store(false)
	h.clock.Advance(5 * time.Second)
	h.readyAs("200 ok")
	h.arrive(janePhone, jane)
}

// An outage of Twilio and Slack does not keep the server from being ready, nor does one that answers nothing.
func TestReadyInAnOutage(t *testing.T) {
	t.Parallel()
	var silent atomic.Bool
	mute := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if silent.Load() {
				<-r.Context().Done()
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	}
	h := open(t, options{steady: true, eager: true, voice: voicetest.Options{Intercept: mute}, slack: bottest.Options{Intercept: mute}})
	h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
	silent.Store(true)
	h.start()
	h.readyAs("503 Twilio is being asked what happened meanwhile")
	stop := h.pump(100 * time.Millisecond)
	h.readyAs("200 ok")
	stop()
	if h.ready.caughtUp.Load() {
		t.Error("Twilio was asked to the end: the test proves nothing")
	}
	silent.Store(false)
}

// A clock that is wrong is named, by whichever service tells the time.
func TestReadyNamesTheSkew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		service string
		off     time.Duration // of the service's clock
		want    string
	}{
		{"Twilio", 0, "200 ok"},
		{"Twilio", 50 * time.Second, "200 ok"},
		{"Twilio", 6 * time.Minute, "503 this machine's clock is 6m0s behind Twilio's; set it right"},
		{"Slack", -6 * time.Minute, "503 this machine's clock is 6m0s ahead of Slack's; set it right"},
	} {
		t.Run(tt.service+tt.off.String(), func(t *testing.T) {
			t.Parallel()
			var h *harness
			var off atomic.Int64
			off.Store(int64(tt.off))
			tell := func(service string) func(http.Handler) http.Handler {
				return func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						at := h.clock.Now()
						if service == tt.service {
							at = at.Add(time.Duration(off.Load()))
						}
						w.Header().Set("Date", at.Round(time.Second).UTC().Format(http.TimeFormat))
						next.ServeHTTP(w, r)
					})
				}
			}
			h = open(t, options{voice: voicetest.Options{Intercept: tell("Twilio")}, slack: bottest.Options{Intercept: tell("Slack")}})
			h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
			h.start()
			h.arrive(janePhone, jane)
			said := func() string { // a second more or less is no matter
				return strings.NewReplacer("6m1s", "6m0s", "5m59s", "6m0s").Replace(h.readyz())
			}
			h.until("readyz: "+tt.want, func() bool { return said() == tt.want })
			off.Store(0)
			h.arrive(markPhone, voicetest.CallerInfo{})
			h.readyAs("200 ok")
		})
	}
}

// moved is a time after which the wall clock was set by so much: its monotonic reading is what it was.
func moved(at time.Time, by time.Duration) time.Time {
	at = at.Add(by)
	(*struct { // as package time has it
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&at)).ext -= int64(by)
	return at
}

// hand is a clock that shows what it is told.
type hand struct {
	clockwork.Clock
	now time.Time
}

func (c *hand) Now() time.Time                   { return c.now }
func (c *hand) Since(at time.Time) time.Duration { return c.now.Sub(at) }

// A clock that has been set right is right at once, whatever was measured before.
func TestSkewOfClockSetRight(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	begun = begun.Add(-time.Duration(begun.Nanosecond())) // a Date has whole seconds
	if now := moved(begun, time.Hour); now.Sub(begun) != 0 || now.Round(0).Sub(begun.Round(0)) != time.Hour {
		t.Fatalf("by %s, and by the wall %s", now.Sub(begun), now.Round(0).Sub(begun.Round(0)))
	}
	for _, tt := range []struct {
		off, set time.Duration
		want     string
	}{
		{6 * time.Minute, 0, "this machine's clock is 6m0s ahead of Twilio's; set it right"},
		{6 * time.Minute, -6 * time.Minute, ""},
		{-6 * time.Minute, 6 * time.Minute, ""},
		{-6 * time.Minute, 2 * time.Minute, "this machine's clock is 4m0s behind Twilio's; set it right"},
		{0, 6 * time.Minute, ""}, // it slept, perhaps
	} {
		clock := &hand{now: begun}
		s := newSkew(clock)
		s.heard("Twilio", http.Header{"Date": {begun.Add(-tt.off).UTC().Format(http.TimeFormat)}})
		clock.now = moved(begun.Add(time.Minute), tt.set)
		equal(t, tt.off.String()+" set by "+tt.set.String(), strings.Join(s.why(), "\n"), tt.want)
	}
}

// An answer that took long tells no time.
func TestSkewOfSlowAnswer(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]int{skewPatience: 1, skewPatience + time.Millisecond: 0} {
		clock := clockwork.NewFakeClock()
		s := newSkew(clock)
		asked := clock.Now()
		_, err := s.listen("Twilio", roundTrip(func(*http.Request) (*http.Response, error) {
			clock.Advance(took)
			return &http.Response{Header: http.Header{"Date": {asked.Add(-time.Hour).UTC().Format(http.TimeFormat)}}}, nil
		})).RoundTrip(nil)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "readings after "+took.String(), len(s.why()), want)
	}
}
