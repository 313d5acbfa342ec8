package voice

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/twilio"
)

const (
	sales  = "+12085550100"
	caller = "+12085550123"
	here   = "https://phone.example.com"
)

func someTeam() store.Team {
	return store.Team{
		People: []store.Person{{Name: "Ann", Phone: "+12085550101"}, {Name: "Bob", Phone: "+12085550102"}},
		Lines: []store.Line{{
			Name: "Sales", Number: sales, Country: "US", Channel: "C000SALES", People: []string{"Ann", "Bob"},
			Greeting: "Hello & welcome.", VoicemailGreeting: "Please leave a message.", MaxWait: 2 * time.Minute,
			RingTimeout: 20 * time.Second, Accept: true, No: store.NoVoicemail,
		}},
	}
}

var errBroken = errors.New("disk on fire")

// faulty is a backend that fails while it is told to.
type faulty struct {
	store.Backend
	noWrites, noReads atomic.Bool
}

func (f *faulty) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.noWrites.Load() {
		return errBroken
	}
	return f.Backend.Update(ctx, fn)
}

func (f *faulty) View(ctx context.Context, fn func(store.Reader) error) error {
	if f.noReads.Load() {
		return errBroken
	}
	return f.Backend.View(ctx, fn)
}

func (f *faulty) breakDown(broken bool) {
	f.noWrites.Store(broken)
	f.noReads.Store(broken)
}

// house is a Phone over a store, its webhooks without signatures.
type house struct {
	testing.TB
	*Phone
	clock *clockwork.FakeClock
	disk  *faulty
	mux   *http.ServeMux
	log   *logged
}

// logged is what was logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func open(t testing.TB, team store.Team) *house {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "calls.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{TB: t, clock: clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)), disk: &faulty{Backend: db}, log: &logged{}}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	st, err := store.Open(t.Context(), h.disk, team, h.clock, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	tw, err := twilio.New("AC00000000000000000000000000000001", "token", "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	h.Phone = &Phone{Store: st, Twilio: tw, PublicURL: here, Log: log}
	h.mux = http.NewServeMux()
	h.Handle(h.mux, unsigned)
	return h
}

// unsigned stands in for twilio.Verify.
func unsigned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// form makes a form of names and values.
func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// post delivers a webhook.
func (h *house) post(uri string, f url.Values) *httptest.ResponseRecorder {
	h.Helper()
	r := httptest.NewRequest(http.MethodPost, uri, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

// of is the path of a webhook about a call and attempt.
func of(path string, c store.Call, n int) string {
	if strings.Contains(path, "?") {
		return fmt.Sprintf("%s&c=%s&n=%d", path, c.ID, n)
	}
	return fmt.Sprintf("%s?c=%s&n=%d", path, c.ID, n)
}

// arrive has a call come in, and returns it.
func (h *house) arrive(sid string) store.Call {
	h.Helper()
	c, err := h.Store.Arrive(h.Context(), store.Arrival{SID: sid, Line: sales, From: caller, Name: "Jane Doe", City: "Boise, ID"})
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// call reads a call anew.
func (h *house) call(id store.CallID) store.Call {
	h.Helper()
	c, err := h.Store.Call(h.Context(), id)
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// answer gives a person's word, which must win.
func (h *house) answer(c store.Call, person string, word store.Word) store.Call {
	h.Helper()
	v, c, err := h.Store.Answer(h.Context(), store.Answer{
		ID: fmt.Sprint(c.ID, c.Attempt, person), Call: c.ID, Attempt: c.Attempt, Person: person, Via: store.BySMS, Word: word,
	})
	if err != nil || v.Result != store.Won {
		h.Fatalf("%s's %s came to %q: %v", person, word, v.Result, err)
	}
	return c
}

// verb is an element of a TwiML document.
type verb struct {
	Name  string
	Attr  map[string]string
	Text  string
	Inner []verb
}

func (v verb) String() string {
	var b strings.Builder
	b.WriteString("<" + v.Name)
	for _, k := range sortedKeys(v.Attr) {
		fmt.Fprintf(&b, " %s=%q", k, v.Attr[k])
	}
	b.WriteString(">" + v.Text)
	for _, in := range v.Inner {
		b.WriteString(in.String())
	}
	return b.String() + "</" + v.Name + ">"
}

// parse reads a document, whose attributes stand in no order.
func parse(doc string) (verb, error) {
	d := xml.NewDecoder(strings.NewReader(doc))
	root := verb{}
	stack := []*verb{&root}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return verb{}, fmt.Errorf("%w in %q", err, doc)
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			v := verb{Name: tok.Name.Local}
			for _, a := range tok.Attr {
				if v.Attr == nil {
					v.Attr = map[string]string{}
				}
				v.Attr[a.Name.Local] = a.Value
			}
			top.Inner = append(top.Inner, v)
			stack = append(stack, &top.Inner[len(top.Inner)-1])
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.Text += string(tok)
		}
	}
	if len(root.Inner) != 1 || root.Inner[0].Name != "Response" {
		return verb{}, fmt.Errorf("no Response alone in %q", doc)
	}
	return root.Inner[0], nil
}

// spoken checks that an answer is a TwiML document, and returns it.
func spoken(t testing.TB, w *httptest.ResponseRecorder) verb {
	t.Helper()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Fatalf("status %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	v, err := parse(w.Body.String())
	if err != nil {
		t.Fatal(err)
	}
	if n := w.Body.Len(); n >= 64<<10 {
		t.Errorf("a document of %d bytes: Twilio takes 64 kB (error 11750)", n)
	}
	for _, v := range v.Inner {
		checkSay(t, v)
	}
	return v
}

// checkSay holds each Say against what Twilio takes: some text (error 13520), of 4,096 characters at most.
func checkSay(t testing.TB, v verb) {
	t.Helper()
	if n := len([]rune(v.Text)); v.Name == "Say" && (strings.TrimSpace(v.Text) == "" || n > 4096) {
		t.Errorf("a Say of %d characters: %q", n, v.Text)
	}
	for _, in := range v.Inner {
		checkSay(t, in)
	}
}

// request sends a request without a body.
func (h *house) request(method, uri string, header http.Header) *httptest.ResponseRecorder {
	h.Helper()
	r := httptest.NewRequest(method, uri, nil)
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}
