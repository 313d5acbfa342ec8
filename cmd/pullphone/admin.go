package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
)

// newAdmin is what the admin listener serves: health, metrics, history, backup, forgetting and profiles. It is for this machine
// only, and asks for no credentials. Each of listen is an admin_listen whose name may be asked for.
func newAdmin(s *service, db database, listen ...string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.Handle("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry(s.store.Metrics(), db.Metrics(), s.ready.skew.metrics()), promhttp.HandlerOpts{}))
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
	mux.HandleFunc("GET /backup", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_ = http.NewResponseController(w).Flush() // whoever asks waits for the beginning only so long; a peer that has gone is not told
		if _, err := db.backup(r.Context(), w); err != nil {
			s.log.Error("backup", "err", err)
			panic(http.ErrAbortHandler) // so that the reader does not take half a copy for a whole one
		}
		if err := s.store.BackedUp(r.Context()); err != nil { // the copy is whole nonetheless
			s.log.Error("backup", "err", err)
		}
	})
	mux.Handle("POST "+forgetPath, forgetting(s.store))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return asked(mux, listen)
}

// asked lets requests through that ask for this machine by an address, as localhost, or by the name in one of listen. A
// page in a browser of this machine could else have its own name lead here and read what no stranger may.
func asked(next http.Handler, listen []string) http.Handler {
	names := []string{"localhost"}
	for _, l := range listen {
		names = append(names, hostOf(l))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		_, err := netip.ParseAddr(host)
		if err != nil && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) }) {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// adminURL is where this machine's own commands find the admin listener.
func adminURL(cfg *config.Config, path string) (string, error) {
	address, err := fromHere(cfg.AdminListen)
	if err != nil {
		return "", fmt.Errorf("admin_listen: %w", err)
	}
	return "http://" + address + path, nil
}

// fromHere is where this machine itself reaches what listens on an address.
func fromHere(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), err
}

// hostOf is a Host without its port, and without the brackets of an address.
func hostOf(host string) string { return (&url.URL{Host: host}).Hostname() }

const (
	// troublePrefix begins a line of /readyz that tells what a person has to mend.
	troublePrefix = "trouble: "
	// serverPrefix begins one for each server, where several share the store.
	serverPrefix = "server: "
)

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
