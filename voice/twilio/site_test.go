package twilio_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

func xml(path, say string) twilio.File {
	return twilio.File{Path: path, Type: "text/xml", Content: []byte("<Response><Say>" + say + "</Say></Response>")}
}

func none(string) bool { return false }

func TestDeploy(t *testing.T) {
	clock := clockwork.NewFakeClock()
	net, err := voicetest.Start(voicetest.Options{Clock: clock, BuildTime: 3 * time.Second})
	no(t, err)
	t.Cleanup(func() {
		no(t, net.Close())
		for _, p := range net.Problems() {
			t.Errorf("problem: %v", p)
		}
	})
	c, err := twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
	no(t, err)
	ctx := soon(t)
	deploy := func(files []twilio.File, drop func(string) bool) *twilio.Site {
		t.Helper()
		s, err := c.Site(ctx)
		no(t, err)
		done := make(chan error)
		go func() { done <- c.Deploy(ctx, clock, s, files, drop) }()
		for range 3 { // the build is waited for
			no(t, clock.BlockUntilContext(ctx, 1))
			clock.Advance(time.Second)
		}
		no(t, <-done)
		return s
	}
	asked := func() (s *twilio.Site) {
		t.Helper()
		s, err := c.Site(ctx)
		no(t, err)
		return s
	}
	serves := func(path, want string) {
		t.Helper()
		if s := asked(); s.Serves(path) != (want != "") {
			t.Errorf("%s: served: %v", path, s.Serves(path))
		}
		doc, err := c.Document(ctx, "GET "+asked().URL(path))
		if want == "" && err == nil || want != "" && (err != nil || !strings.Contains(string(doc), want)) {
			t.Errorf("%s: %s, %v", path, doc, err)
		}
	}

	if s := asked(); s.Domain != "" || s.Serves("/a/1.xml") {
		t.Errorf("before: %+v", s)
	}
	if s := deploy([]twilio.File{xml("/a/1.xml", "one"), xml("/b/1.xml", "other")}, none); s.Domain != "pullphone-1000.twil.io" || !s.Serves("/a/1.xml") {
		t.Errorf("%+v", s)
	}
	serves("/a/1.xml", "one")
	serves("/b/1.xml", "other")
	if _, err := c.Document(ctx, asked().URL("/a/1.xml")); err == nil || err.Error() != "POST is answered by HTTP 405" {
		t.Errorf("POST: %v", err)
	}

	before := len(net.Requests())
	deploy([]twilio.File{xml("/a/2.xml", "two"), xml("/a/1.xml", "one")}, func(path string) bool { return strings.HasPrefix(path, "/b/") })
	serves("/a/1.xml", "one")
	serves("/a/2.xml", "two")
	serves("/b/1.xml", "")
	uploads := slices.DeleteFunc(net.Requests()[before:], func(r voicetest.Request) bool { return r.Method != "POST" || !strings.HasSuffix(r.Path, "/Versions") })
	if len(uploads) != 1 {
		t.Errorf("%d uploads, want that of the new file alone", len(uploads))
	}
}

// What keeps a deployment from its end is an error, and the next one begins where it ended.
func TestDeployFails(t *testing.T) {
	var fail func(http.ResponseWriter, *http.Request) bool
	net, err := voicetest.Start(voicetest.Options{Intercept: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if fail == nil || !fail(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}})
	no(t, err)
	t.Cleanup(func() { no(t, net.Close()) })
	c, err := twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
	no(t, err)
	ctx := soon(t)
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/v1/Services", "twilio: HTTP 404"},
		{"POST", "/v1/Services", "twilio: HTTP 404"},
		{"POST", "/Environments", "twilio: HTTP 404"},
		{"GET", "/Environments", "twilio: HTTP 404"},
		{"GET", "/Assets", "twilio: HTTP 404"},
		{"POST", "/Assets", "twilio: HTTP 404"},
		{"POST", "/Versions", "twilio: HTTP 404"},
		{"POST", "/Builds", "twilio: HTTP 404"},
		{"GET", "/Status", "build of the files: twilio: failed"},
		{"POST", "/Deployments", "twilio: HTTP 404"},
	} {
		fail = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != tt.method || !strings.HasSuffix(r.URL.Path, tt.path) {
				return false
			}
			if tt.path == "/Status" {
				fmt.Fprint(w, `{"status":"failed"}`)
			} else {
				http.NotFound(w, r)
			}
			return true
		}
		s, err := c.Site(ctx)
		if err == nil {
			err = c.Deploy(ctx, clockwork.NewFakeClock(), s, []twilio.File{xml("/a/1.xml", "one")}, none)
		}
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
		}
	}
	fail = nil
	s, err := c.Site(ctx)
	no(t, err)
	no(t, c.Deploy(ctx, clockwork.NewFakeClock(), s, []twilio.File{xml("/a/1.xml", "one")}, none))
	made := map[string]int{}
	for _, r := range net.Requests() {
		if r.Method == "POST" && r.Status == 201 {
			made[r.Path[strings.LastIndexByte(r.Path, '/'):]]++
		}
	}
	if made["/Services"] != 1 || made["/Environments"] != 1 || made["/Assets"] != 1 || made["/Deployments"] != 1 {
		t.Errorf("made: %v", made)
	}
	for _, doc := range []twilio.File{{Path: "/a/x.txt", Type: "text/plain", Content: []byte("x")}} {
		ctx, clock := soon(t), clockwork.NewFakeClock()
		done := make(chan error)
		go func() { done <- c.Deploy(ctx, clock, s, []twilio.File{doc}, none) }()
		for range 120 {
			no(t, clock.BlockUntilContext(ctx, 1))
			clock.Advance(time.Second)
		}
		if err := <-done; err == nil || !strings.HasSuffix(err.Error(), `the Content-Type is "text/plain", to be text/xml`) {
			t.Errorf("what Twilio would not take: %v", err)
		}
	}
}
