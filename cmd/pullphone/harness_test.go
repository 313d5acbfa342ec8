package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/bot/bottest"
	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/voicetest"
)

// childEnv makes the test binary the program itself, so that a test can kill it. It ends with its standard input, so
// that it does not outlive the test.
const childEnv = "PULLPHONE_TEST_CHILD"

// hasteEnv has that program use Slack's limits more than once.
const hasteEnv = "PULLPHONE_TEST_HASTE"

// leisureEnv has it work on a webhook that many times longer.
const leisureEnv = "PULLPHONE_TEST_LEISURE"

// atEnd is what is done after all tests.
var atEnd []func()

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Setenv(childEnv, "1") // for the processes that the tests start
		code := m.Run()
		for _, do := range atEnd {
			do()
		}
		os.Exit(code)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	haste, _ = strconv.ParseFloat(os.Getenv(hasteEnv), 64) // unset: none
	if n, err := strconv.Atoi(os.Getenv(leisureEnv)); err == nil {
		leisure = time.Duration(n)
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// options say what a harness's town is like.
type options struct {
	voice   voicetest.Options
	slack   bottest.Options
	people  string                          // more of them, as the config file has it
	line    []string                        // more of the line
	yaml    func(string) string             // changes the config file
	front   func(http.Handler) http.Handler // wraps the server's public side
	errors  []string                        // what the server may log as errors
	faults  []string                        // parts of what the services may find wrong
	clock   clockwork.Clock                 // of everything but Slack, which has the real one; a fake one by default
	steady  bool                            // the server's ports stay free while it is down
	dir     string                          // where the store is; one of its own by default
	haste   float64                         // how many times Slack's limits are used; 0: once by a process, without end here
	limit   time.Duration                   // how long the story may take; 0: limit
	prepare func(*town)                     // adds to the town before anything is set up
	eager   bool                            // what was missed may still be asked for when the test begins

	backend func(store.Backend) store.Backend // wraps the server's store
}

// harness is a town with pullphone in it, served in this process on a clock that the test moves.
type harness struct {
	*town
	t     testing.TB
	ctx   context.Context
	opt   options
	clock *clockwork.FakeClock // nil when the options name another
	cfg   *config.Config
	file  string // its config file
	store *store.Store
	db    *bolt.DB // nil on etcd
	ready *readiness
	log   syncBuffer // what the server has logged

	asked, answered atomic.Int64 // requests to the services
	closing         atomic.Bool  // the network is being closed, and cuts its webhooks off

	stop func() // ends the server and waits; to be called again is no fault
}

// limit is how long one story may take, unless its options say otherwise.
const limit = 60 * time.Second

// open makes the town and sets it up; nothing is served yet. At its end the test fails if one of the services found
// fault with the program.
func open(t testing.TB, o options) *harness {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(o.limit, limit))
	t.Cleanup(cancel)
	h := &harness{t: t, ctx: ctx, opt: o, stop: func() {}}
	if o.clock == nil {
		// The library checks Slack's signatures against the real time, so the two clocks begin alike.
		h.clock = clockwork.NewFakeClockAt(time.Now())
		h.opt.clock = h.clock
	}
	o.voice.Clock = h.opt.clock
	o.voice.Intercept, o.slack.Intercept = h.counted(thenDelayed(o.voice.Intercept)), h.counted(thenDelayed(o.slack.Intercept))
	var err error
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	h.town, err = newTown(o.dir, o.voice, o.slack)
	h.must(err)
	if o.prepare != nil {
		o.prepare(h.town)
	}
	if o.steady {
		h.must(h.town.steady())
	}
	t.Cleanup(func() {
		quiet, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.net.WaitQuiet(quiet); err != nil && !t.Failed() { // a webhook that is cut off looks like a fault
			t.Errorf("webhooks at the end: %v", err)
		}
		h.closing.Store(true)
		// Side by side: a server that stops waits five seconds for a connection on which nothing was asked yet, and
		// its clients open such in advance.
		stopped := make(chan struct{})
		go func() { h.stop(); close(stopped) }()
		if err := h.close(); err != nil {
			t.Error(err)
		}
		<-stopped
		for _, err := range append(h.net.Problems(), h.work.Problems()...) {
			if !slices.ContainsFunc(o.faults, func(f string) bool { return strings.Contains(err.Error(), f) }) {
				t.Errorf("a service objects: %v", err)
			}
		}
	})
	h.town.people = o.people
	y := h.yaml(o.line...)
	if o.yaml != nil {
		y = o.yaml(y)
	}
	h.file = h.town.store + ".yml"
	h.must(os.WriteFile(h.file, []byte(y), 0o600))
	h.cfg, err = config.Load(h.file, os.LookupEnv)
	h.must(err)
	return h
}

// serveTown is open with pullphone set up and serving.
func serveTown(t testing.TB, o options) *harness {
	t.Helper()
	h := open(t, o)
	h.must(h.setUp(h.ctx, h.cfg, io.Discard))
	h.start()
	return h
}

// start serves. After stop it serves again, at the same addresses and on the same file.
func (h *harness) start() {
	h.t.Helper()
	log := slog.New(&logBook{Handler: slog.NewTextHandler(io.MultiWriter(h.t.Output(), &h.log), nil), t: h.t, expected: h.opt.errors, closing: &h.closing})
	for i, addr := range []string{h.listen, h.admin} {
		if h.listeners[i] == nil {
			var err error
			h.listeners[i], err = net.Listen("tcp", addr)
			h.must(err)
		}
	}
	db, err := storageOf(h.cfg).open(h.ctx, log)
	h.must(err)
	if f, ok := db.(openFile); ok {
		h.db = f.DB
	}
	var backend store.Backend = db
	if h.opt.backend != nil {
		backend = h.opt.backend(db)
	}
	s, err := newService(h.ctx, h.cfg, backend, h.opt.clock, log)
	h.must(err)
	s.bot.Haste = cmp.Or(h.opt.haste, 1000) // a clock that stands gives no turns
	if h.opt.front != nil {
		s.public = h.opt.front(s.public)
	}
	s.public = delayed(s.public)
	s.tend(db)
	h.store, h.ready = s.store, s.ready
	ctx, cancel := context.WithCancel(context.Background())
	if h.clock != nil {
		go h.nudge(ctx, db)
	}
	served := make(chan error, 1)
	public, admin := h.listeners[0], h.listeners[1]
	h.listeners = [2]net.Listener{} // they are the server's now
	go func() { served <- s.serve(ctx, public, newAdmin(s, db), admin, log) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			h.t.Errorf("serve: %v", err)
		}
	})
	h.until("what was missed is asked for", func() bool {
		_, err := s.store.SinceBeat()
		return err == nil && (h.opt.eager || s.ready.caughtUp.Load())
	})
}

// logBook passes the server's log on and fails the test over an error in it that nobody expects.
type logBook struct {
	slog.Handler
	t        testing.TB
	expected []string
	closing  *atomic.Bool
}

func (l *logBook) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError && !slices.Contains(l.expected, r.Message) {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		if l.closing.Load() && strings.Contains(text, context.Canceled.Error()) {
			return l.Handler.Handle(ctx, r)
		}
		l.t.Errorf("the server logs an error: %s", text)
	}
	return l.Handler.Handle(ctx, r)
}

func (h *harness) must(err error) {
	if err != nil {
		h.t.Helper()
		h.t.Fatal(err)
	}
}

// until waits for something that nothing tells of.
func (h *harness) until(what string, is func() bool) {
	h.t.Helper()
	for again := time.Millisecond; !is(); again = min(2*again, 20*time.Millisecond) { // what it looks at may be large
		select {
		case <-time.After(again):
		case <-h.ctx.Done():
			h.t.Fatalf("%s: %v", what, h.ctx.Err())
		}
	}
}

// pump lets the clock run, a step a millisecond, until the returned function is called. It waits for webhooks and requests
// that are on their way, but not for ever, nor for those that are held: how slow this machine is should not count as time.
func (h *harness) pump(step time.Duration) (stop func()) {
	const patience, forAnswers = 50, 200
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		waited, held, last := 0, 0, int64(0)
		for {
			select {
			case <-tick.C:
				if answered := h.answered.Load(); answered != last {
					last, held = answered, 0
				}
				if waited < patience && h.net.Busy() || held < forAnswers && h.asked.Load() > last {
					waited++
					held++
					continue
				}
				waited = 0
				h.clock.Advance(step)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// nudge moves the clock on whenever the town stands still and waits for it: something is due and was put off for a moment.
// Of two that cross, a claim and the caller's way into the queue for one, either may be the first, and few tests care.
func (h *harness) nudge(ctx context.Context, db store.Backend) {
	const step = 250 * time.Millisecond
	var since time.Time // when it was first seen as it stands now
	var clock time.Time
	var stands string
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
		due, err := whatIsDue(ctx, db, h.clock.Now())
		switch now := h.clock.Now(); {
		case err != nil, due == "", h.net.Busy(), due != stands, !now.Equal(clock):
			since, stands, clock = time.Now(), due, now
		case time.Since(since) > time.Second:
			h.clock.Advance(step)
		}
	}
}

// jane is the caller of most stories.
var jane = voicetest.CallerInfo{City: "BOISE", State: "ID", Country: "US"}

// arrive has somebody call, and waits until they are in the queue and announced everywhere.
func (h *harness) arrive(phone string, info voicetest.CallerInfo) (*voicetest.Call, bottest.Message) {
	h.t.Helper()
	told := map[string]int{}
	for _, p := range h.cfg.People {
		told[p.Phone] = len(announcements(h.net, p.Phone))
	}
	call, m := h.queued(phone, info)
	for _, p := range h.cfg.People {
		h.until("SMS to "+p.Name, func() bool { return len(announcements(h.net, p.Phone)) > told[p.Phone] })
	}
	return call, m
}

// queued has somebody call, and waits until they are in the queue and shown in Slack.
func (h *harness) queued(phone string, info voicetest.CallerInfo) (*voicetest.Call, bottest.Message) {
	h.t.Helper()
	before := map[string]bool{}
	for _, m := range h.work.Messages(salesChannel) {
		before[m.TS] = true
	}
	call := h.net.Phone(phone).Call(salesNumber, info)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	_, err := call.WaitHeard(h.ctx, func(v voicetest.Heard) bool { return v.Kind == voicetest.HeardPlay })
	h.must(err)
	m, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return !before[m.TS] && len(m.Buttons()) == 2 })
	h.must(err)
	if h.store != nil { // else phones would ring when the test moves the clock on: nobody was told yet
		h.until("it is recorded that people were told", func() bool { return h.call(call).Ring.At.IsZero() })
	}
	return call, m
}

const announced = ". Reply Y to take, N for "

// announcements are the SMS about callers that a phone got.
func announcements(n *voicetest.Network, phone string) []string {
	var out []string
	for _, m := range n.Phone(phone).Inbox() {
		if strings.Contains(m.Body, announced) {
			out = append(out, m.Body)
		}
	}
	return out
}

// reply texts the line's number, and returns what the sender is answered.
func (h *harness) reply(phone, body string) (string, error) {
	p := h.net.Phone(phone)
	text := p.Text(salesNumber, body)
	if err := text.WaitDone(h.ctx); err != nil {
		return "", err
	}
	m, err := p.WaitSMS(h.ctx, func(m voicetest.SMS) bool { return m.ReplyTo == text.SID() })
	return m.Body, err
}

// text is reply where there must be one.
func (h *harness) text(phone, body string) string {
	h.t.Helper()
	said, err := h.reply(phone, body)
	if err != nil {
		h.t.Fatalf("no reply to %q: %v", body, err)
	}
	return said
}

// press has somebody press a button of a message as they saw it, and returns what they are told in private.
func (h *harness) press(user string, m bottest.Message, button string) string {
	h.t.Helper()
	before := map[string]bool{}
	for _, e := range h.work.Ephemerals(user) {
		before[e.TS] = true
	}
	_, err := h.work.PressStale(h.ctx, user, salesChannel, m, button)
	h.must(err)
	e, err := h.work.WaitEphemeral(h.ctx, user, func(e bottest.Message) bool { return !before[e.TS] })
	h.must(err)
	return e.AsText()
}

// command types a slash command and returns what it says.
func (h *harness) command(user, text string) string {
	h.t.Helper()
	a, err := h.work.Command(h.ctx, user, salesChannel, "/pull", text)
	h.must(err)
	return a.Text
}

// shows waits until a Slack message says something.
func (h *harness) shows(ts, text string) bottest.Message {
	h.t.Helper()
	m, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return m.TS == ts && strings.Contains(m.AsText(), text) })
	if err != nil {
		h.t.Fatalf("no message %q: %v", text, err)
	}
	return m
}

// hears waits for the first sound on a taker's phone: keys may be listened for a moment before it.
func (h *harness) hears(leg *voicetest.Leg) voicetest.Heard {
	h.t.Helper()
	heard, err := leg.WaitHeard(h.ctx, func(voicetest.Heard) bool { return true })
	h.must(err)
	return heard
}

// rings waits until a phone rings for a call. One that rings because nobody could be told in time, by a clock that runs
// fast, is declined.
func (h *harness) rings(phone string, call *voicetest.Call) *voicetest.Leg {
	h.t.Helper()
	for {
		leg, err := h.net.Phone(phone).WaitRing(h.ctx)
		h.must(err)
		switch leg.Parent() {
		case call.SID():
			return leg
		case "":
			leg.Decline()
		default:
			h.t.Fatalf("%s rings for %s, not for %s", phone, leg.Parent(), call.SID())
		}
	}
}

// accepts has a ringing phone picked up and 1 pressed, until the two are connected.
func (h *harness) accepts(leg *voicetest.Leg) {
	h.t.Helper()
	leg.Answer()
	h.must(leg.WaitKeys(h.ctx))
	leg.Press("1")
	h.must(leg.WaitBridged(h.ctx))
}

// history is what `calls` shows of all calls.
func (h *harness) history() []store.Record {
	h.t.Helper()
	var out []store.Record
	for r, err := range h.store.History(h.ctx, time.Time{}) {
		h.must(err)
		out = append(out, r)
	}
	return out
}

// record waits until a call is in the history, and returns it. It must stand there once.
func (h *harness) record(call *voicetest.Call) store.Record {
	h.t.Helper()
	var of []store.Record
	h.until("end of "+call.SID(), func() bool {
		of = slices.DeleteFunc(h.history(), func(r store.Record) bool { return r.CallSID != call.SID() })
		return len(of) > 0
	})
	if len(of) > 1 {
		h.t.Errorf("%s stands in the history %d times", call.SID(), len(of))
	}
	return of[0]
}

// call reads a call from the store.
func (h *harness) call(c *voicetest.Call) store.Call {
	h.t.Helper()
	id, err := h.store.CallBySID(h.ctx, c.SID())
	h.must(err)
	out, err := h.store.Call(h.ctx, id)
	h.must(err)
	return out
}

// memberRedirects are the requests that asked Twilio to take a call out of its queue.
func memberRedirects(n *voicetest.Network, callSID string) []voicetest.Request {
	return slices.DeleteFunc(n.Requests(), func(r voicetest.Request) bool {
		return r.Method != http.MethodPost || !strings.Contains(r.Path, "/Members/"+callSID)
	})
}

// redirected asserts how often a call was taken out of its queue, and that nothing else was tried.
func (h *harness) redirected(call *voicetest.Call, times int) {
	h.t.Helper()
	if n := h.net.Redirects(call.SID()); n != times {
		h.t.Errorf("%s was redirected %d times, not %d", call.SID(), n, times)
	}
	if rs := memberRedirects(h.net, call.SID()); len(rs) != times {
		h.t.Errorf("%d requests to redirect %s, not %d: %+v", len(rs), call.SID(), times, rs)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func contains(t testing.TB, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s:\n got %s\nwant …%s…", what, got, want)
	}
}

// gate holds back one request of the program, once armed, and says when it has arrived.
type gate struct {
	match func(r *http.Request, body string) bool
	done  bool // the service does what it is asked before the request is held; else it never learns of it

	mu      sync.Mutex
	arrived chan struct{} // nil: not armed, or has held its request
}

// arm has the next request that matches held until its sender goes away.
func (g *gate) arm() (arrived <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived = make(chan struct{})
	return g.arrived
}

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender has gone
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		g.mu.Lock()
		arrived := g.arrived
		if arrived == nil || !g.match(r, string(body)) {
			g.mu.Unlock()
			next.ServeHTTP(w, r)
			return
		}
		g.arrived = nil
		g.mu.Unlock()
		if g.done {
			next.ServeHTTP(discard{http.Header{}}, r)
		}
		close(arrived)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// discard is an answer that never arrives.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// wait waits for a gate, or another channel.
func (h *harness) wait(what string, c <-chan struct{}) {
	h.t.Helper()
	select {
	case <-c:
	case <-h.ctx.Done():
		h.t.Fatalf("%s: %v", what, h.ctx.Err())
	}
}

// isDue reports whether something is to be done by now, or is under way.
func isDue(ctx context.Context, b store.Backend, now time.Time) (bool, error) {
	due, err := whatIsDue(ctx, b, now)
	return due != "", err
}

// whatIsDue is the first thing that is to be done by now, or is under way, as it stands in the store.
func whatIsDue(ctx context.Context, b store.Backend, now time.Time) (due string, err error) {
	var bad error
	err = b.View(ctx, func(r store.Reader) error {
		return r.Scan("due/", "", func(key string, value []byte) bool {
			var d store.Deed
			bad = json.Unmarshal(value, &d)
			if bad != nil || !d.Due.After(now) {
				due = key + string(value)
			}
			return due == ""
		})
	})
	return due, errors.Join(err, bad)
}

var jitter = flag.Duration("jitter", 0, "how long, at most, every request and every answer is held up, each by chance: tests must not mind")

// delayed holds requests and answers up, see jitter.
func delayed(next http.Handler) http.Handler {
	if *jitter == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(rand.N(*jitter))
		defer func() { time.Sleep(rand.N(*jitter)) }()
		next.ServeHTTP(w, r)
	})
}

// counted counts requests, but for connections that stay.
func (h *harness) counted(wrap func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		next = wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") == "" {
				h.asked.Add(1)
				defer h.answered.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// thenDelayed is delayed for what may be wrapped already.
func thenDelayed(wrap func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if wrap != nil {
			next = wrap(next)
		}
		return delayed(next)
	}
}

// crew is more people, as the config file has them, with phones and Slack users made of their number.
func crew(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {name: %s, phone: %q, slack: %s}\n", crewName(i), crewPhone(i), crewSlack(i))
	}
	return b.String()
}

func crewName(i int) string  { return fmt.Sprintf("P%02d", i) }
func crewPhone(i int) string { return fmt.Sprintf("+1208555%04d", 1000+i) }
func crewSlack(i int) string { return fmt.Sprintf("U000P%02d", i) }

// runs runs a command line in this process.
func runs(ctx context.Context, args ...string) (code int, out, errs string) {
	var o, e strings.Builder
	code = run(ctx, args, &o, &e)
	return code, o.String(), e.String()
}

// get fetches a URL.
func (h *harness) get(method, url string, header http.Header) (*http.Response, []byte) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.ctx, method, url, nil)
	h.must(err)
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := http.DefaultTransport.RoundTrip(req) // no redirects
	h.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		h.t.Fatal(err)
	}
	return res, body
}
