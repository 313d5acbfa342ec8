package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"pullphone/store"
)

const (
	// oldestBeat is how old the last change of the store may be: three beats.
	oldestBeat = 3 * store.Beat
	// catchUpPatience is how long the first look for what was missed may keep the server from being ready.
	catchUpPatience = time.Minute
	// skewLimit is how far the clock may be off: Slack's signatures are good for five minutes.
	skewLimit = time.Minute
	// skewKept is how long a service's word on the time counts.
	skewKept = 15 * time.Minute
	// skewPatience is how long an answer may take for its Date to count: it is not known when in that time it was written.
	skewPatience = 5 * time.Second

	// What a person or check has to tell apart in why.
	whyStopping = "stopping"
	whyAsking   = "Twilio is being asked what happened meanwhile"
	whyStore    = "the store "
	whyClock    = "this machine's clock "
)

// readiness says whether this server can do its work. An outage of Twilio or Slack is not its fault.
type readiness struct {
	store    *store.Store
	started  time.Time
	caughtUp atomic.Bool // what was missed has been asked for once, with or without success
	stopping atomic.Bool
	skew     *skew
	trouble  func(context.Context) []string // what a person has to mend, though it keeps no call from being answered
}

// why says what keeps the server from being ready, a line each; nothing when it is.
func (r *readiness) why() []string {
	var out []string
	if r.stopping.Load() {
		out = append(out, whyStopping)
	}
	if why := r.whyStore(); why != "" {
		out = append(out, why)
	}
	if !r.caughtUp.Load() && r.store.Clock.Since(r.started) < catchUpPatience {
		out = append(out, whyAsking)
	}
	return append(out, r.skew.why()...)
}

// whyStore says why the store takes no change; nothing when it does.
func (r *readiness) whyStore() string {
	switch age, err := r.store.SinceBeat(); {
	case err != nil:
		return whyStore + "takes no change: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	case age >= oldestBeat:
		return fmt.Sprintf(whyStore+"has taken no change for %s", age.Round(time.Second))
	}
	return ""
}

func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if why := r.why(); len(why) > 0 {
		http.Error(w, strings.Join(why, "\n"), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // a peer that has gone is not told
	for _, t := range r.trouble(req.Context()) {
		fmt.Fprintln(w, troublePrefix+t)
	}
	all, err := r.store.Processes(req.Context())
	if err != nil || len(all) < 2 {
		return
	}
	for _, p := range all {
		fmt.Fprintln(w, serverPrefix+p.String())
	}
}

// skew is how far this machine's clock is from those of the services, by the Date of their answers.
type skew struct {
	clock clockwork.Clock

	mu  sync.Mutex
	off map[string]reading
}

type reading struct {
	off time.Duration // ours less theirs
	at  time.Time
}

// now is how far off the clock is when it shows a time, a while after the reading: whoever set it right meanwhile is
// believed. One that seems to have gone wrong has perhaps only slept: the next answer tells.
func (r reading) now(now time.Time) time.Duration {
	set := now.Round(0).Sub(r.at.Round(0)) - now.Sub(r.at) // by so much more than the time that went by has it moved
	if mended := r.off + set; mended.Abs() < r.off.Abs() {
		return mended
	}
	return r.off
}

func newSkew(clock clockwork.Clock) *skew { return &skew{clock: clock, off: map[string]reading{}} }

// heard takes the Date of an answer.
func (s *skew) heard(service string, h http.Header) {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off[service] = reading{off: now.Sub(theirs), at: now}
}

// listen takes the Date of each answer that a transport brings: the Slack library shows those of some methods only.
func (s *skew) listen(service string, next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		begun := s.clock.Now()
		res, err := next.RoundTrip(r)
		if err == nil && s.clock.Since(begun) <= skewPatience {
			s.heard(service, res.Header)
		}
		return res, err
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// metrics are how far the clock is off.
func (s *skew) metrics() []prometheus.Collector { return []prometheus.Collector{s} }

var skewDesc = prometheus.NewDesc("pullphone_clock_skew_seconds", "How far this machine's clock is ahead of a service's.", []string{"service"}, nil)

// Describe implements prometheus.Collector.
func (s *skew) Describe(ch chan<- *prometheus.Desc) { ch <- skewDesc }

// Collect implements prometheus.Collector.
func (s *skew) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for service, r := range s.off {
		ch <- prometheus.MustNewConstMetric(skewDesc, prometheus.GaugeValue, r.now(s.clock.Now()).Seconds(), strings.ToLower(service))
	}
}

func (s *skew) why() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	now := s.clock.Now()
	for service, r := range s.off {
		off, side := r.now(now), "ahead of"
		if off < 0 {
			side = "behind"
		}
		if off.Abs() >= skewLimit && now.Sub(r.at) < skewKept {
			out = append(out, fmt.Sprintf(whyClock+"is %s %s %s's; set it right", off.Abs().Round(time.Second), side, service))
		}
	}
	slices.Sort(out)
	return out
}
