package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/twilio"
)

const (
	sales   = "+12085550100"
	service = "+12085550200"
	caller  = "+12085550123"
	channel = "C000SALES"

	ann = "U000ANN" // of Sales, like Bob
	bob = "U000BOB"
	cy  = "U000CYX" // of Service alone
	dee = "U000DEE" // of Sales, without a phone
	eve = "U000EVE" // of the workspace, but not of the team
)

func someTeam() store.Team {
	line := store.Line{
		Name: "Sales", Number: sales, Country: "US", Channel: channel, People: []string{"Ann", "Bob", "Dee"},
		MaxWait: 2 * time.Minute, RingTimeout: 20 * time.Second, Accept: true, No: store.NoVoicemail,
	}
	other := line
	other.Name, other.Number, other.Channel, other.People = "Service", service, "C000SERVICE", []string{"Cy"}
	return store.Team{
		People: []store.Person{
			{Name: "Ann", Phone: "+12085550101", Slack: ann}, {Name: "Bob", Phone: "+12085550102", Slack: bob},
			{Name: "Cy", Phone: "+12085550103", Slack: cy}, {Name: "Dee", Slack: dee},
		},
		Lines: []store.Line{line, other},
	}
}

// room is a Bot with a Slack workspace around it. Its HTTP side is served; what is due is done when the test says so.
type room struct {
	testing.TB
	*Bot
	work  *bottest.Workspace
	clock *clockwork.FakeClock
	url   string
	ctx   context.Context
	log   *logged
	keys  *sick

	api   http.Handler // Slack's, behind the faults
	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request, method string) (met bool) // of Slack's API
	asked []string                                                               // methods of Slack's API, faults included
}

// sick is a backend that takes no change while it is told to.
type sick struct {
	store.Backend
	on atomic.Bool
}

func (s *sick) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.on.Load() {
		return errors.New("it takes no change")
	}
	return s.Backend.Update(ctx, fn)
}

// logged is what was logged.
type logged struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed by the next line
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.buf.Write(b)
}

// wait waits until something is logged.
func (l *logged) wait(r *room, text string) {
	r.Helper()
	for {
		l.mu.Lock()
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed, there := l.changed, strings.Contains(l.buf.String(), text)
		l.mu.Unlock()
		if there {
			return
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			r.Fatalf("%q is not logged: %s", text, l)
		}
	}
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func open(t testing.TB, team store.Team) *room {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "calls.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := &room{TB: t, clock: clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)), log: &logged{}, keys: &sick{Backend: db}}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	st, err := store.Open(t.Context(), r.keys, team, r.clock, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	r.ctx = ctx
	r.work, err = bottest.Start(bottest.Options{Intercept: func(api http.Handler) http.Handler {
		r.api = api
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			method := strings.TrimPrefix(req.URL.Path, "/api/")
			r.mu.Lock()
			fault := r.fault
			r.asked = append(r.asked, method)
			r.mu.Unlock()
			if fault == nil || !fault(w, req, method) {
				api.ServeHTTP(w, req)
			}
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		cancel()
		srv.Close()
		if err := r.work.Close(); err != nil {
			t.Error(err)
		}
		for _, p := range r.work.Problems() {
			t.Errorf("problem: %v", p)
		}
		_ = st.Close()
	})
	r.url = srv.URL
	for _, c := range []bottest.Channel{{ID: channel, Name: "sales", BotIsMember: true}, {ID: "C000SERVICE", Name: "service", BotIsMember: true}} {
		r.work.AddChannel(c)
	}
	for id, name := range map[string]string{ann: "Ann", bob: "Bob", cy: "Cy", dee: "Dee", eve: "Eve"} {
		r.work.AddUser(bottest.User{ID: id, Name: name})
	}
	tw, err := twilio.New("AC00000000000000000000000000000001", "token", "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	links, err := NewLinks(srv.URL, "secret")
	if err != nil {
		t.Fatal(err)
	}
	r.Bot = New(Bot{
		Store: st, Twilio: tw, Slack: NewSlack(r.work.BotToken(), r.work.URL()), SigningSecret: r.work.SigningSecret(), Links: links, Log: log, PublicURL: srv.URL,
	})
	r.Handle(mux, unsigned, func(h http.Handler) http.Handler { return h })
	r.work.Configure(bottest.App{
		Interactivity: srv.URL + ActionsPath,
		Commands:      map[string]bottest.Command{"/pull": {URL: srv.URL + CommandPath, ShouldEscape: true}},
	})
	return r
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

// failing plays a fault of Slack's API; it says whether it answered.
func (r *room) failing(f func(w http.ResponseWriter, req *http.Request, method string) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// refusing has Slack refuse a method with one of its codes.
func (r *room) refusing(which, code string) {
	r.failing(func(w http.ResponseWriter, _ *http.Request, method string) bool {
		if method != which {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ok": false, "error": %q}`, code)
		return true
	})
}

// count is how often a method of Slack's API was asked for.
func (r *room) count(method string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, m := range r.asked {
		if m == method {
			n++
		}
	}
	return n
}

func (r *room) no(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// arrive has a call come in on Sales.
func (r *room) arrive(sid string) store.Call { r.Helper(); return r.arriveAs(store.Arrival{SID: sid}) }

// arriveAs has one come in that is not the usual one.
func (r *room) arriveAs(a store.Arrival) store.Call {
	r.Helper()
	if a.Line == "" {
		a.Line = sales
	}
	if a.From == "" {
		a.From = caller
	}
	c, err := r.Store.Arrive(r.ctx, a)
	r.no(err)
	return c
}

func (r *room) call(id store.CallID) store.Call {
	r.Helper()
	c, err := r.Store.Call(r.ctx, id)
	r.no(err)
	return c
}

// answers gives a person's word on a call.
func (r *room) answers(c store.Call, person string, word store.Word) (store.Verdict, store.Call) {
	r.Helper()
	v, c, err := r.Store.Answer(r.ctx, store.Answer{
		ID: fmt.Sprint(c.ID, c.Attempt, person, word), Call: c.ID, Attempt: c.Attempt, Person: person, Via: store.BySMS, Word: word,
	})
	r.no(err)
	return v, c
}

// back brings a call back on hold whose taker, Ann, did not pick up.
func (r *room) back(c store.Call) store.Call {
	r.Helper()
	r.answers(c, "Ann", store.Take)
	c, err := r.Store.Dialed(r.ctx, c.ID, c.Attempt, store.DialResult{Why: store.NoAnswer})
	r.no(err)
	return c
}

// drawn draws a call's message as the worker does, and returns it.
func (r *room) drawn(c store.Call) bottest.Message {
	r.Helper()
	r.no(r.tryDraw(c))
	now := r.call(c.ID)
	for _, m := range r.work.Messages(now.Message.Channel) {
		if m.TS == now.Message.TS {
			return m
		}
	}
	r.Fatalf("no message %+v", now.Message)
	return bottest.Message{}
}

// tryDraw does the deed of drawing once; what follows from it is recorded.
func (r *room) tryDraw(c store.Call) error {
	r.Helper()
	return r.once(store.Work{Kind: store.Draw, Do: r.draw}, func(d store.Deed) bool { return d.Call == c.ID })
}

// once does the due deeds of a kind that match, each once, and returns the first error.
func (r *room) once(w store.Work, match func(store.Deed) bool) error {
	r.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	var failed error
	done := make(chan struct{})
	var stop sync.Once
	do := w.Do
	w.Do = func(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
		if !match(d) {
			return nil, fmt.Errorf("not now")
		}
		after, err := do(ctx, d)
		for later, ok := errors.AsType[*store.Later](err); ok && later.Err == nil && later.After < time.Minute; later, ok = errors.AsType[*store.Later](err) {
			r.clock.Advance(later.After + time.Millisecond) // it is not its turn
			after, err = do(ctx, d)
		}
		failed = err
		stop.Do(func() { close(done) })
		return after, err
	}
	w.Parallel, w.Longest = 1, time.Hour
	var ran sync.WaitGroup
	ran.Go(func() { _ = r.Store.Run(ctx, w) })
	select {
	case <-done:
	case <-ctx.Done():
		r.Fatalf("nothing of kind %s was due", w.Kind)
	}
	cancel()
	ran.Wait()
	return failed
}
