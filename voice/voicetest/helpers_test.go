package voicetest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/voice/voicetest"
)

const (
	line   = "+12085550100"
	caller = "+12085550123"
	mobile = "+12085550101"
	second = "+12085550102"
)

// hit is a webhook the application got.
type hit struct {
	path   string
	form   url.Values
	header http.Header
}

// app is a small program under test: a TwiML answer per path.
type app struct {
	t       *testing.T
	server  *httptest.Server
	token   string
	mu      sync.Mutex
	pages   map[string]http.HandlerFunc
	hits    []hit
	changed chan struct{}
}

func newApp(t *testing.T) *app {
	a := &app{t: t, pages: map[string]http.HandlerFunc{}, changed: make(chan struct{})}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	full := a.server.URL + r.URL.RequestURI()
	if r.URL.Path != "/music" && r.Header.Get("X-Twilio-Signature") != voicetest.Sign(a.token, full, r.PostForm) {
		a.t.Errorf("%s: bad signature", full)
	}
	a.mu.Lock()
	page := a.pages[r.URL.Path]
	a.hits = append(a.hits, hit{r.URL.Path, r.Form, r.Header})
	close(a.changed)
	a.changed = make(chan struct{})
	a.mu.Unlock()
	if page == nil {
		http.NotFound(w, r)
		return
	}
	page(w, r)
}

// on answers a path with what stands inside Response.
func (a *app) on(path, verbs string) {
	a.handle(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, "<Response>"+verbs+"</Response>")
	})
}

func (a *app) handle(path string, h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pages[path] = h
}

func (a *app) got(path string) []hit {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []hit
	for _, h := range a.hits {
		if h.path == path {
			found = append(found, h)
		}
	}
	return found
}

// order is the paths of all webhooks so far, but for those left out.
func (a *app) order(except ...string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var paths []string
	for _, h := range a.hits {
		if !strings.Contains(" "+strings.Join(except, " ")+" ", " "+h.path+" ") {
			paths = append(paths, h.path)
		}
	}
	return strings.Join(paths, " ")
}

// wait waits for the n-th webhook to a path.
func (a *app) wait(ctx context.Context, path string, n int) hit {
	a.t.Helper()
	for {
		a.mu.Lock()
		ch := a.changed
		a.mu.Unlock()
		if hits := a.got(path); len(hits) >= n {
			return hits[n-1]
		}
		select {
		case <-ch:
		case <-ctx.Done():
			a.t.Fatalf("no webhook %d to %s; got %s", n, path, a.order())
		}
	}
}

// start opens a network with the line configured, which must have no problems
// at the end unless the test takes them with problems.
type network struct {
	*voicetest.Network
	t   *testing.T
	app *app
	ctx context.Context
	ok  bool // problems were looked at
}

func start(t *testing.T, o voicetest.Options) *network {
	t.Helper()
	a := newApp(t)
	n, err := voicetest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	a.token = n.AuthToken()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	net := &network{Network: n, t: t, app: a, ctx: ctx}
	t.Cleanup(func() {
		defer cancel()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if !net.ok {
			for _, p := range n.Problems() {
				t.Errorf("problem: %v", p)
			}
		}
	})
	u := a.server.URL
	n.Configure(line, voicetest.NumberConfig{VoiceURL: u + "/voice", StatusCallback: u + "/ended", SMSURL: u + "/sms"})
	a.on("/ended", "")
	return net
}

func (n *network) call() *voicetest.Call {
	return n.Phone(caller).Call(line, voicetest.CallerInfo{})
}

// problems returns all problems in one text.
func (n *network) problems() string {
	n.ok = true
	var all []string
	for _, p := range n.Problems() {
		all = append(all, p.Error())
	}
	return strings.Join(all, "\n")
}

func (n *network) no(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *network) quiet() {
	n.t.Helper()
	n.no(n.WaitQuiet(n.ctx))
}

// rest sends a request to the API, path relative to the account, and checks the
// answer against Twilio's description.
func (n *network) rest(method, path string, form url.Values) (int, map[string]any) {
	n.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/2010-04-01/Accounts/" + n.AccountSID() + "/" + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(n.ctx, method, n.URL()+path, body)
	n.no(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.SetBasicAuth(n.AccountSID(), n.AuthToken())
	resp, err := http.DefaultClient.Do(r)
	n.no(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	n.no(err)
	if resp.StatusCode < 400 {
		if err := voicetest.CheckResponse(method, r.URL.Path, resp.StatusCode, data); err != nil {
			n.t.Errorf("%s %s: answer breaks the description: %v\n%s", method, path, err, data)
		}
	}
	var v map[string]any
	if len(data) > 0 {
		n.no(json.Unmarshal(data, &v))
	}
	return resp.StatusCode, v
}

func heard(kind voicetest.HeardKind, text string) func(voicetest.Heard) bool {
	return func(h voicetest.Heard) bool { return h.Kind == kind && strings.Contains(h.Text, text) }
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
