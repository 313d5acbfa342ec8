package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what this process does. Labels never hold numbers, people's names or IDs.
type metrics struct {
	calls   *prometheus.CounterVec
	wait    prometheus.Histogram
	claims  *prometheus.CounterVec
	deeds   *prometheus.CounterVec
	looked  *prometheus.CounterVec
	givenUp *prometheus.CounterVec
	panics  prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pullphone_" + name, Help: help}, labels)
	}
	return &metrics{
		calls: counter("calls_total", "Calls that have ended.", "line", "outcome"),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pullphone_wait_seconds", Help: "How long callers waited.", Buckets: []float64{1, 5, 10, 20, 30, 60, 90, 120, 180, 300, 600},
		}),
		claims:  counter("claims_total", "Answers to calls, by what they came to.", "way", "result"),
		deeds:   counter("deeds_total", "Tries at what was due.", "kind", "result"),
		looked:  counter("deed_lookups_total", "Deeds in doubt that were looked for before they were repeated.", "kind", "found"),
		givenUp: counter("deed_given_up_total", "Deeds that will never work.", "kind", "reason"),
		panics:  prometheus.NewCounter(prometheus.CounterOpts{Name: "pullphone_deed_panics_total", Help: "Panics while a deed was done."}),
	}
}

// Metrics are the store's, for a registry. Those about what is due and what is open are read when they are asked for.
func (s *Store) Metrics() []prometheus.Collector {
	m := s.metrics
	return []prometheus.Collector{m.calls, m.wait, m.claims, m.deeds, m.looked, m.givenUp, m.panics, state{s}}
}

// Looked counts that a deed in doubt was looked for outside, and whether it had been done.
func (s *Store) Looked(k Kind, found bool) {
	s.metrics.looked.WithLabelValues(string(k), fmt.Sprint(found)).Inc()
}

// saved counts what a transition that is committed did to a call.
func (s *Store) saved(was, is *Call) {
	if was.Open() && !is.Open() {
		s.metrics.calls.WithLabelValues(s.lineName(is.Line), string(is.Outcome)).Inc()
		s.metrics.wait.Observe(is.Waited(is.Stopped).Seconds())
	}
	for _, u := range is.Undone[min(len(was.Undone), len(is.Undone)):] {
		s.metrics.givenUp.WithLabelValues(string(u.Kind), "refused").Inc()
	}
}

// lineName names a line in a label; one that has left the config is not named by its number.
func (s *Store) lineName(number string) string {
	if line, ok := s.Team.Line(number); ok {
		return line.Name
	}
	return "gone"
}

// state tells of what is open and due and of backups, as the backend has it.
type state struct{ *Store }

var (
	waitingDesc = prometheus.NewDesc("pullphone_calls_waiting", "Callers who wait for an answer.", []string{"line"}, nil)
	openDesc    = prometheus.NewDesc("pullphone_calls_open", "Calls that have not ended.", []string{"line", "state"}, nil)
	dueDesc     = prometheus.NewDesc("pullphone_due", "What is to be done by now.", []string{"kind"}, nil)
	backupDesc  = prometheus.NewDesc("pullphone_backup_age_seconds", "How long ago the last backup ended, counted from the start when there was none since.", nil, nil)
	oldestDesc  = prometheus.NewDesc("pullphone_due_oldest_seconds", "How long the oldest of it has been due.", []string{"kind"}, nil)
)

// Describe implements prometheus.Collector.
func (state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{waitingDesc, openDesc, dueDesc, oldestDesc, backupDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s state) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	calls, err := s.OpenCalls(context.Background(), "")
	if err != nil {
		ch <- prometheus.NewInvalidMetric(openDesc, fmt.Errorf("read open calls: %w", err))
		return
	}
	type key struct{ line, state string }
	waiting, open := map[string]int{}, map[key]int{}
	for _, l := range s.Team.Lines {
		waiting[l.Name] = 0
	}
	for _, c := range calls {
		name := s.lineName(c.Line)
		open[key{name, string(c.State)}]++
		if c.State == Waiting {
			waiting[name]++
		}
	}
	for line, n := range waiting {
		gauge(waitingDesc, float64(n), line)
	}
	for k, n := range open {
		gauge(openDesc, float64(n), k.line, k.state)
	}
	due, oldest, err := s.overdue(context.Background())
	if err != nil {
		ch <- prometheus.NewInvalidMetric(dueDesc, fmt.Errorf("read what is due: %w", err))
		return
	}
	for kind, n := range due {
		gauge(dueDesc, float64(n), string(kind))
		gauge(oldestDesc, oldest[kind].Seconds(), string(kind))
	}
	age, err := s.sinceBackup(context.Background())
	if err != nil {
		ch <- prometheus.NewInvalidMetric(backupDesc, fmt.Errorf("read when the last backup was made: %w", err))
		return
	}
	gauge(backupDesc, age.Seconds())
}

// overdue counts the deeds that are due by now and says how long the oldest of each kind has been. Kinds of which none
// is due count zero, so that an alert sees them go back.
func (s *Store) overdue(ctx context.Context) (due map[Kind]int, oldest map[Kind]time.Duration, err error) {
	due, oldest = map[Kind]int{}, map[Kind]time.Duration{}
	for _, k := range kinds {
		due[k], oldest[k] = 0, 0
	}
	now := s.now()
	err = s.backend.View(ctx, func(r Reader) error {
		var bad error
		err := r.Scan("due/", "", func(key string, b []byte) bool {
			d, err := decode[Deed](b)
			if err != nil {
				bad = fmt.Errorf("%s: %w", key, err)
				return false
			}
			if !d.Due.After(now) {
				due[d.Kind]++
				oldest[d.Kind] = max(oldest[d.Kind], now.Sub(d.Due))
			}
			return true
		})
		if err == nil {
			err = bad
		}
		return err
	})
	return due, oldest, err
}
