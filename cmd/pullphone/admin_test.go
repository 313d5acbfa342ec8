package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pullphone/cmd/pullphone/config"
)

// The admin listener answers those who ask for this machine, and no page that had its own name lead here.
func TestAdminIsAskedForByName(t *testing.T) {
	t.Parallel()
	fine := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, tt := range []struct {
		listen, host string
		want         int
	}{
		{"127.0.0.1:9090", "127.0.0.1:9090", 200},
		{"127.0.0.1:9090", "localhost:9090", 200},
		{"127.0.0.1:9090", "LOCALHOST", 200},
		{"127.0.0.1:9090", "[::1]:9090", 200},
		{"127.0.0.1:9090", "[::1]", 200},
		{"0.0.0.0:9090", "192.0.2.7:9090", 200},
		{"inner.example.com:9090", "Inner.example.com:9090", 200},
		{"inner.example.com:9090", "inner.example.com", 200},
		{"127.0.0.1:9090", "evil.example.com:9090", 403},
		{"127.0.0.1:9090", "evil.example.com", 403},
		{"127.0.0.1:9090", "127.0.0.1.example.com:9090", 403},
		{"127.0.0.1:9090", "localhost.example.com", 403},
		{"127.0.0.1:9090", "", 403},
		{"0.0.0.0:9090", "evil.example.com:9090", 403},
		{":9090", "evil.example.com:9090", 403},
		{"inner.example.com:9090", "evil.inner.example.com:9090", 403},
	} {
		req := httptest.NewRequest(http.MethodGet, "/calls", nil)
		req.Host = tt.host
		res := httptest.NewRecorder()
		asked(fine, []string{tt.listen}).ServeHTTP(res, req)
		equal(t, tt.listen+" asked for as "+tt.host, res.Code, tt.want)
	}
}

func TestAdminForbidsOtherNames(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/calls?since=2020-01-01T00:00:00Z", "/phones", "/backup", "/debug/pprof/"} {
		req, err := http.NewRequestWithContext(h.ctx, http.MethodGet, "http://"+h.admin+path, nil)
		h.must(err)
		req.Host = "evil.example.com:9090"
		res, err := http.DefaultClient.Do(req)
		h.must(err)
		res.Body.Close()
		equal(t, path, res.StatusCode, http.StatusForbidden)
	}
}

// Whatever admin_listen is, the commands ask for it in a way that is let through.
func TestCommandsAreLetThrough(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost", "", "0.0.0.0", "::", "::ffff:127.0.0.1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		cfg := &config.Config{AdminListen: net.JoinHostPort(host, port)}
		srv := httptest.NewUnstartedServer(asked(http.HandlerFunc(healthz), []string{cfg.AdminListen}))
		srv.Listener.Close()
		srv.Listener = l
		srv.Start()
		defer srv.Close()
		for _, ask := range []func() (*http.Response, error){
			func() (*http.Response, error) { return askAdmin(t.Context(), cfg, "/healthz") },
			func() (*http.Response, error) { return askReady(t.Context(), cfg) },
		} {
			res, err := ask()
			if err != nil || res == nil {
				t.Errorf("%s: %v, %v", cfg.AdminListen, res, err)
				continue
			}
			res.Body.Close()
		}
	}
}

// What the running server says of itself stands under what it is about.
func TestCheckTellsReadyzApart(t *testing.T) {
	t.Parallel()
	clock := whyClock + "is 6m0s behind Twilio's; set it right"
	const writes = "ok   store: the running server writes to bolt:calls.db"
	for _, tt := range []struct {
		status int
		body   string
		want   []string
		bad    int
	}{
		{200, "ok\n", []string{writes}, 0},
		{200, "ok\ntrouble: text START\n", []string{"note running server: text START", writes}, 0},
		{200, "ok\nserver: a, process 1\nserver: b, process 2\n", []string{writes, "ok   store: 2 servers share it"}, 0},
		{503, whyStopping + "\n", []string{"note running server: stopping", writes}, 0},
		{503, whyAsking + "\n", []string{"note running server: Twilio is being asked what happened meanwhile", writes}, 0},
		{503, clock + "\n", []string{"BAD  clock: " + clock, writes}, 1},
		{503, whyStore + "takes no change: disk full\n" + whyAsking + "\n" + clock + "\n", []string{
			"BAD  store: the running server says: the store takes no change: disk full; see its log",
			"note running server: Twilio is being asked what happened meanwhile", "BAD  clock: " + clock,
		}, 2},
		{503, "no\x1b[m backend\n", []string{"BAD  running server: answers 503 Service Unavailable: no[m backend; is admin_listen pullphone's?"}, 1},
		{404, "", []string{"BAD  store: the running server says: the server at admin_listen ADMIN answers 404 Not Found"}, 1},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		defer srv.Close()
		var out strings.Builder
		c := &checker{out: &out}
		at := srv.Listener.Addr().String()
		c.store(t.Context(), &config.Config{AdminListen: at, Store: config.Store{Path: "calls.db"}})
		want := strings.ReplaceAll(strings.Join(tt.want, "\n")+"\n", "ADMIN", at)
		equal(t, "after "+tt.body, out.String(), want)
		equal(t, "bad after "+tt.body, c.bad, tt.bad)
	}
}
