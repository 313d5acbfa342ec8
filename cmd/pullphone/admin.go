package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pullphone/store"
	"pullphone/store/bolt"
)

// newAdmin is what the admin listener serves: health, metrics, history, backup and profiles. It is for this machine
// only, and asks for no credentials.
func newAdmin(s *service, db *bolt.DB) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.store.Ready(r.Context()); err != nil {
			http.Error(w, "the store takes no change: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		healthz(w, r)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics(s.store), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, r *http.Request) { history(w, r, s.store) })
	mux.HandleFunc("GET /phones", func(w http.ResponseWriter, r *http.Request) {
		all, err := s.store.Troubles(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(all) // a peer that has gone is not told
	})
	mux.HandleFunc("GET /backup", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := db.WriteTo(w); err != nil {
			panic(http.ErrAbortHandler) // so that the reader does not take half a copy for a whole one
		}
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// history writes the calls that arrived since a time, one JSON object a line.
func history(w http.ResponseWriter, r *http.Request, st *store.Store) {
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err != nil {
		http.Error(w, "since is no time", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
	enc := json.NewEncoder(w)
	for rec, err := range st.History(r.Context(), since) {
		if err == nil {
			err = enc.Encode(rec)
		}
		if err != nil {
			panic(http.ErrAbortHandler) // so that the reader does not take part of it for all
		}
	}
}

// metrics are read from the store when they are asked for.
func metrics(st *store.Store) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), openCalls{st})
	return reg
}

type openCalls struct{ *store.Store }

var (
	waitingDesc = prometheus.NewDesc("pullphone_calls_waiting", "Callers who wait for an answer.", []string{"line"}, nil)
	openDesc    = prometheus.NewDesc("pullphone_calls_open", "Calls that have not ended.", []string{"line", "state"}, nil)
)

func (o openCalls) Describe(ch chan<- *prometheus.Desc) {
	ch <- waitingDesc
	ch <- openDesc
}

func (o openCalls) Collect(ch chan<- prometheus.Metric) {
	calls, err := o.OpenCalls(context.Background(), "")
	if err != nil {
		ch <- prometheus.NewInvalidMetric(openDesc, fmt.Errorf("read open calls: %w", err))
		return
	}
	type key struct{ line, state string }
	waiting, open := map[string]int{}, map[key]int{}
	for _, l := range o.Team.Lines {
		waiting[l.Name] = 0
	}
	for _, c := range calls {
		name := "gone"
		if l, ok := o.Team.Line(c.Line); ok {
			name = l.Name
		}
		open[key{name, string(c.State)}]++
		if c.State == store.Waiting {
			waiting[name]++
		}
	}
	for line, n := range waiting {
		ch <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(n), line)
	}
	for k, n := range open {
		ch <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, float64(n), k.line, k.state)
	}
}
