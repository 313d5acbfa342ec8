package main

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are those that no other package can count. Labels never hold numbers, people's names or IDs.
type metrics struct {
	webhook *prometheus.HistogramVec
	refused *prometheus.CounterVec
	panics  prometheus.Counter
	mended  *prometheus.CounterVec
	asked   *prometheus.HistogramVec
	limited *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		webhook: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pullphone_webhook_seconds", Help: "How long requests took to answer.", Buckets: prometheus.ExponentialBuckets(.0005, 2, 15),
		}, []string{"kind"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullphone_webhook_refused_total", Help: "Webhooks that were turned away.",
		}, []string{"service", "reason"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "pullphone_panics_total", Help: "Panics while a request was answered."}),
		asked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pullphone_service_seconds", Help: "How long requests to Twilio and Slack took, failed ones too.", Buckets: prometheus.ExponentialBuckets(.01, 2, 11),
		}, []string{"service", "method"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullphone_service_limited_total", Help: "Requests that Twilio or Slack turned down for their rate.",
		}, []string{"service"}),
		mended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullphone_reconcile_mended_total",
			Help: "What was missed and found at Twilio: a caller who waits, one who is not in the queue any more, a voicemail, a text.",
		}, []string{"what"}),
	}
}

func (m *metrics) registry(more ...[]prometheus.Collector) *prometheus.Registry {
	version, _ := build()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pullphone_build_info", Help: "1.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info,
		m.webhook, m.refused, m.panics, m.mended, m.asked, m.limited)
	for _, cs := range more {
		reg.MustRegister(cs...)
	}
	return reg
}

// webhooks times what a mux serves, and counts what it turns away.
func (m *metrics) webhooks(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		s := &status{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				if p != http.ErrAbortHandler {
					m.panics.Inc()
				}
				panic(p)
			}
			if r.Pattern == "" { // a stranger's path is no label
				return
			}
			kind := kind(r.Pattern)
			m.webhook.WithLabelValues(kind).Observe(time.Since(begun).Seconds())
			service, _, hook := strings.Cut(kind, "/")
			if reason := reasons[s.code]; hook && reason != "" {
				m.refused.WithLabelValues(service, reason).Inc()
			}
		}()
		mux.ServeHTTP(s, r)
	})
}

// service times the requests that a transport carries to a service, and counts those that come too often for it.
func (m *metrics) service(name string, next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		begun := time.Now()
		res, err := next.RoundTrip(r)
		m.asked.WithLabelValues(name, method(name, r)).Observe(time.Since(begun).Seconds())
		if err == nil && res.StatusCode == http.StatusTooManyRequests {
			m.limited.WithLabelValues(name).Inc()
		}
		return res, err
	})
}

var (
	slackMethod    = regexp.MustCompile(`/([a-z]+(?:\.[a-zA-Z]+)+)$`)
	twilioResource = regexp.MustCompile(`/([A-Z][A-Za-z]+)(?:\.json)?(?:/[^/]*)?$`)
)

// method names what is asked of a service in a label: "chat.update", "POST Messages". What is in the path besides,
// numbers and IDs, stays out.
func method(service string, r *http.Request) string {
	if service == "slack" {
		if m := slackMethod.FindStringSubmatch(r.URL.Path); m != nil {
			return m[1]
		}
		return "other"
	}
	if m := twilioResource.FindStringSubmatch(r.URL.Path); m != nil {
		return r.Method + " " + m[1]
	}
	return "other"
}

// kind is the path of a route, without what differs from request to request: "twilio/voice".
func kind(pattern string) string {
	_, path, _ := strings.Cut(pattern, "/")
	path, rest, _ := strings.Cut(path, "/{")
	if strings.HasSuffix(rest, "/audio") {
		path += "-audio"
	}
	return path
}

var reasons = map[int]string{
	http.StatusUnauthorized: "signature", http.StatusForbidden: "signature", http.StatusBadRequest: "malformed",
	http.StatusRequestEntityTooLarge: "too large", http.StatusServiceUnavailable: "unavailable",
}

// status remembers the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
