package twilio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/voice/twilio"
)

const (
	account  = "AC00000000000000000000000000000001"
	password = "fedcba9876543210fedcba9876543210"
	someCall = "CA00000000000000000000000000000002"
	queueSID = "QU00000000000000000000000000000003"
)

// methods is every request that the client makes.
var methods = map[string]func(context.Context, *twilio.Client) error{
	"Account": func(ctx context.Context, c *twilio.Client) error { _, err := c.Account(ctx); return err },
	"Name":    func(ctx context.Context, c *twilio.Client) error { _, err := c.Name(ctx, caller); return err },
	"RedirectMember": func(ctx context.Context, c *twilio.Client) error {
		return c.RedirectMember(ctx, queueSID, someCall, "https://h.example/x")
	},
	"RedirectCall": func(ctx context.Context, c *twilio.Client) error {
		return c.RedirectCall(ctx, someCall, "https://h.example/x")
	},
	"InQueue": func(ctx context.Context, c *twilio.Client) error {
		_, _, err := c.InQueue(ctx, queueSID, someCall)
		return err
	},
	"Call":       func(ctx context.Context, c *twilio.Client) error { _, err := c.Call(ctx, someCall); return err },
	"Queue":      func(ctx context.Context, c *twilio.Client) error { _, err := c.Queue(ctx, "q"); return err },
	"Recordings": func(ctx context.Context, c *twilio.Client) error { _, err := c.Recordings(ctx, someCall); return err },
	"Send": func(ctx context.Context, c *twilio.Client) error {
		_, err := c.Send(ctx, twilio.SMS{From: line, To: mobile, Body: "x"})
		return err
	},
	"Sent": func(ctx context.Context, c *twilio.Client) error {
		_, err := c.Sent(ctx, twilio.SMS{From: line, To: mobile, Body: "x"}, time.Now())
		return err
	},
	"CallOut": func(ctx context.Context, c *twilio.Client) error {
		_, err := c.CallOut(ctx, twilio.Outgoing{From: line, To: mobile, URL: "https://h.example/x"})
		return err
	},
	"CalledOut": func(ctx context.Context, c *twilio.Client) error {
		_, err := c.CalledOut(ctx, twilio.Outgoing{From: line, To: mobile}, time.Now())
		return err
	},
	"End":    func(ctx context.Context, c *twilio.Client) error { return c.End(ctx, someCall) },
	"Number": func(ctx context.Context, c *twilio.Client) error { _, err := c.Number(ctx, line); return err },
	"Site":   func(ctx context.Context, c *twilio.Client) error { _, err := c.Site(ctx); return err },
	"Point": func(ctx context.Context, c *twilio.Client) error {
		return c.Point(ctx, "PN00000000000000000000000000000004", hooks)
	},
	"Recording": func(ctx context.Context, c *twilio.Client) error {
		res, err := c.Recording(ctx, "RE00000000000000000000000000000005", twilio.MP3, "")
		if err == nil {
			res.Body.Close()
		}
		return err
	},
}

// gone are the methods to which 404 is an answer.
var gone = map[string]bool{"InQueue": true, "Call": true, "Recordings": true}

func clientOf(t *testing.T, apiURL string) *twilio.Client {
	t.Helper()
	c, err := twilio.New(account, password, apiURL)
	no(t, err)
	return c
}

func answering(status int, kind, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestFailures(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("request to another server: %s with %v", r.URL, r.Header)
	}))
	defer elsewhere.Close()
	json := func(status, code int) string {
		return fmt.Sprintf(`{"code": %d, "message": "Such is life", "more_info": "https://www.twilio.com/docs/errors/%d", "status": %d}`, code, code, status)
	}
	for name, c := range map[string]struct {
		handler           http.HandlerFunc
		want              twilio.Error
		refused, notFound bool
	}{
		"401":                  {handler: answering(401, "application/json", json(401, 20003)), want: twilio.Error{Status: 401, Code: 20003}},
		"403":                  {handler: answering(403, "application/json", json(403, 20003)), want: twilio.Error{Status: 403, Code: 20003}},
		"404":                  {handler: answering(404, "application/json", json(404, 20404)), want: twilio.Error{Status: 404, Code: 20404}, refused: true, notFound: true},
		"400":                  {handler: answering(400, "application/json", json(400, 21220)), want: twilio.Error{Status: 400, Code: 21220}, refused: true},
		"429":                  {handler: answering(429, "application/json", json(429, 20429), "Retry-After", "7"), want: twilio.Error{Status: 429, Code: 20429, After: 7 * time.Second}},
		"429 without a hint":   {handler: answering(429, "application/json", json(429, 20429)), want: twilio.Error{Status: 429, Code: 20429}},
		"429 with a date":      {handler: answering(429, "application/json", json(429, 20429), "Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"), want: twilio.Error{Status: 429, Code: 20429}},
		"429 of a proxy":       {handler: answering(429, "text/plain", "slow down", "Retry-After", "2"), want: twilio.Error{Status: 429, After: 2 * time.Second}},
		"500":                  {handler: answering(500, "application/json", json(500, 20500)), want: twilio.Error{Status: 500, Code: 20500}},
		"502 HTML":             {handler: answering(502, "text/html", "<html><h1>Bad gateway</h1></html>"), want: twilio.Error{Status: 502}},
		"503 with nothing":     {handler: answering(503, "text/plain", "", "Retry-After", "30"), want: twilio.Error{Status: 503, After: 30 * time.Second}},
		"404 HTML":             {handler: answering(404, "text/html", "<html>"), want: twilio.Error{Status: 404}, refused: true, notFound: true},
		"302":                  {handler: answering(302, "text/html", "", "Location", elsewhere.URL+"/x"), want: twilio.Error{Status: 302}},
		"307":                  {handler: answering(307, "text/html", "", "Location", elsewhere.URL+"/x"), want: twilio.Error{Status: 307}},
		"304":                  {handler: answering(304, "text/html", ""), want: twilio.Error{Status: 304}},
		"lie about the status": {handler: answering(400, "application/json", json(200, 1)), want: twilio.Error{Status: 400, Code: 1}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.handler)
			defer srv.Close()
			client := clientOf(t, srv.URL)
			for method, do := range methods {
				err := do(soon(t), client)
				if c.notFound && gone[method] || c.refused && method == "InQueue" { // which Twilio answers by 400 as well
					if err != nil {
						t.Errorf("%s: %v, want none", method, err)
					}
					continue
				}
				e, ok := errors.AsType[*twilio.Error](err)
				if !ok {
					t.Errorf("%s: %v is no *twilio.Error", method, err)
					continue
				}
				if got := (twilio.Error{Status: e.Status, Code: e.Code, After: e.After}); got != c.want {
					t.Errorf("%s: got %+v, want %+v", method, got, c.want)
				}
				if (e.Message == "Such is life") != (e.Code != 0) {
					t.Errorf("%s: message %q", method, e.Message)
				}
				if after, ok := twilio.Limited(err); ok != (c.want.Status == 429) || ok && after != c.want.After {
					t.Errorf("%s: limited %v, %s", method, ok, after)
				}
				if twilio.Refused(err) != c.refused || twilio.NotFound(err) != c.notFound {
					t.Errorf("%s: refused %v, not found %v", method, twilio.Refused(err), twilio.NotFound(err))
				}
				if strings.Contains(err.Error(), password) || !strings.HasPrefix(err.Error(), "twilio: ") {
					t.Errorf("%s: %v", method, err)
				}
			}
		})
	}
}

// An answer that cannot be read says nothing of what became of the request: it is neither success nor refusal.
func TestUnreadableAnswers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"200 HTML": answering(200, "text/html", "<html>please log in to this wireless network</html>"),
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"sid": "x`)
		},
		"nothing at all": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		srv := httptest.NewServer(h)
		c := clientOf(t, srv.URL)
		for method, do := range methods {
			if method == "Recording" && name != "nothing at all" {
				continue // gives the sound as it comes
			}
			err := do(soon(t), c)
			if _, ok := errors.AsType[*twilio.Error](err); err == nil || ok || twilio.Refused(err) || twilio.NotFound(err) {
				t.Errorf("%s, %s: %v", name, method, err)
			}
		}
		srv.Close()
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	no(t, err)
	addr := l.Addr().String()
	no(t, l.Close())
	c := clientOf(t, "http://"+addr)
	for method, do := range methods {
		err := do(soon(t), c)
		if _, ok := errors.AsType[*twilio.Error](err); err == nil || ok || twilio.Refused(err) {
			t.Errorf("%s: %v", method, err)
		}
		if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
			t.Errorf("%s: %v does not say that nobody could be reached", method, err)
		}
	}
}

// ending is a context that ends, as cancelled or as too late, when the test says so.
type ending struct {
	context.Context
	done chan struct{}
	mu   sync.Mutex
	err  error
}

func (e *ending) Done() <-chan struct{} { return e.done }
func (e *ending) Err() error            { e.mu.Lock(); defer e.mu.Unlock(); return e.err }
func (e *ending) end(err error)         { e.mu.Lock(); e.err = err; e.mu.Unlock(); close(e.done) }

// The library knows no contexts: each request must end with its own all the same, while it waits for an answer and
// while it reads one.
func TestContextEndsRequest(t *testing.T) {
	for _, reading := range []bool{false, true} {
		for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
			for method, do := range methods {
				if method == "Recording" && reading {
					continue // gives the sound as it comes
				}
				ctx := &ending{Context: t.Context(), done: make(chan struct{})}
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client leave
					if reading {
						_, _ = io.WriteString(w, "{")
						_ = http.NewResponseController(w).Flush()
					}
					ctx.end(want)
					<-r.Context().Done()
				}))
				err := do(ctx, clientOf(t, srv.URL))
				if !errors.Is(err, want) || twilio.Refused(err) {
					t.Errorf("%s, reading %v: %v, want %v", method, reading, err, want)
				}
				srv.Close()
			}
		}
	}
}

func TestContextEndedBefore(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("requested") }))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for method, do := range methods {
		if err := do(ctx, clientOf(t, srv.URL)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestRefusedAndNotFound(t *testing.T) {
	for status, want := range map[int]struct{ refused, notFound bool }{
		200: {}, 302: {}, 399: {}, 400: {true, false}, 401: {}, 403: {}, 404: {true, true}, 405: {true, false}, 408: {}, 409: {true, false},
		410: {true, false}, 422: {true, false}, 429: {}, 499: {true, false}, 500: {}, 503: {}, 0: {},
	} {
		for _, err := range []error{&twilio.Error{Status: status}, fmt.Errorf("redirect: %w", &twilio.Error{Status: status, Code: 20404})} {
			if twilio.Refused(err) != want.refused || twilio.NotFound(err) != want.notFound {
				t.Errorf("%d: refused %v, not found %v", status, twilio.Refused(err), twilio.NotFound(err))
			}
		}
	}
	for _, err := range []error{nil, errors.New("x"), context.Canceled} {
		if _, limited := twilio.Limited(err); limited || twilio.Refused(err) || twilio.NotFound(err) {
			t.Errorf("%v is taken for Twilio's word", err)
		}
	}
}

func TestOver(t *testing.T) {
	for status, want := range map[string]bool{
		"queued": false, "initiated": false, "ringing": false, "in-progress": false, "": false, "Completed": false,
		"completed": true, "busy": true, "failed": true, "no-answer": true, "canceled": true,
	} {
		if twilio.Over(status) != want {
			t.Errorf("%q: %v", status, !want)
		}
	}
}

// The library reads Twilio's edge and region from the environment and writes them into host names. A configured api_url
// stands above that, for each request, and the credentials go there and nowhere else.
func TestOnlyTheBaseIsAsked(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "dublin")
	t.Setenv("TWILIO_REGION", "ie1")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("request to another server: %s, authorization %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	var mu sync.Mutex
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		if user != account || pass != password {
			t.Errorf("%s: wrong credentials", r.URL)
		}
		mu.Lock()
		asked = append(asked, r.Host)
		mu.Unlock()
		next := elsewhere.URL + "/2010-04-01/x?Page=1"
		if r.URL.Query().Get("Page") == "1" {
			next = ""
		}
		fmt.Fprintf(w, `{"sid": "x", "queues": [], "recordings": [], "messages": [], "incoming_phone_numbers": [], "next_page_uri": %q}`, next)
	}))
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	no(t, err)
	c := clientOf(t, srv.URL)
	for method, do := range methods {
		asked = nil
		if err := do(soon(t), c); err != nil && method != "Queue" && method != "Recordings" && method != "Sent" && method != "Number" {
			t.Errorf("%s: %v", method, err)
		}
		if len(asked) == 0 {
			t.Errorf("%s: the base was not asked", method)
		}
		for _, host := range asked {
			if host != base.Host {
				t.Errorf("%s: Host %q", method, host)
			}
		}
	}
}

// Without an api_url the requests go to Twilio's own hosts, over TLS.
func TestTwiliosHosts(t *testing.T) {
	var mu sync.Mutex
	dialed := map[string]bool{}
	was := http.DefaultTransport
	defer func() { http.DefaultTransport = was }()
	http.DefaultTransport = &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		mu.Lock()
		dialed[addr] = true
		mu.Unlock()
		return nil, errors.New("no way out")
	}}
	c := clientOf(t, "")
	for method, do := range methods {
		clear(dialed)
		if err := do(soon(t), c); err == nil {
			t.Errorf("%s: no error", method)
		}
		want := "api.twilio.com:443"
		switch method {
		case "Name":
			want = "lookups.twilio.com:443"
		case "Site":
			want = "serverless.twilio.com:443"
		}
		if len(dialed) != 1 || !dialed[want] {
			t.Errorf("%s: dialed %v, want %s", method, dialed, want)
		}
	}
}

// A list that goes on on a second page is read to its end, or it is an error.
func TestSecondPage(t *testing.T) {
	second := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("Page") == "" {
			fmt.Fprintf(w, `{"queues": [{"sid": "QU1", "friendly_name": "a"}], "next_page_uri": "/2010-04-01/Accounts/%s/Queues.json?Page=1&PageToken=x"}`, account)
			return
		}
		w.WriteHeader(second)
		_, _ = io.WriteString(w, `{"queues": [{"sid": "QU2", "friendly_name": "b"}], "code": 20503, "message": "unavailable"}`)
	}))
	defer srv.Close()
	c := clientOf(t, srv.URL)
	if sid, err := c.Queue(soon(t), "b"); sid != "QU2" || err != nil {
		t.Errorf("queue of the second page: %q, %v", sid, err)
	}
	second = http.StatusServiceUnavailable
	if sid, err := c.Queue(soon(t), "b"); err == nil {
		t.Errorf("second page not to be had: %q and no error", sid)
	}
}
