package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/store/bolt"
)

// rules is a store of a small team on a clock of the test's own.
type rules struct {
	*testing.T
	*store.Store
	ctx   context.Context
	clock *clockwork.FakeClock
	db    *bolt.DB
	calls int
}

func newRules(t *testing.T, people ...store.Person) *rules {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "pullphone.db"))
	if err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	l := team.Lines[0]
	l.People = nil
	for _, p := range people {
		l.People = append(l.People, p.Name)
	}
	s, err := store.Open(t.Context(), db, store.Team{Lines: []store.Line{l}, People: people}, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &rules{T: t, Store: s, ctx: t.Context(), clock: clock, db: db}
}

func (r *rules) ok(c store.Call, err error) store.Call {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rules) arrive() store.Call {
	r.Helper()
	r.calls++
	return r.ok(r.Arrive(r.ctx, store.Arrival{SID: "CA" + strings.Repeat("0", 30) + string(rune('a'+r.calls)), Line: line, From: "+12085550123"}))
}

func (r *rules) take(c store.Call, person string) store.Call {
	r.Helper()
	v, c, err := r.Answer(r.ctx, store.Answer{ID: "sms:" + string(c.ID) + person, Call: c.ID, Attempt: c.Attempt, Person: person, Via: store.BySMS, Word: store.Take})
	if v.Result != store.Won {
		r.Fatalf("%s did not win: %+v", person, v)
	}
	return r.ok(c, err)
}

// passUntil lets time pass, a second at a time, until something comes.
func passUntil[T any](r *rules, what string, from <-chan T) T {
	r.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case got := <-from:
			return got
		case <-deadline:
			r.Fatalf("%s: nothing came", what)
		case <-time.After(time.Millisecond):
			r.clock.Advance(time.Second)
		}
	}
}

// due lists whom deeds of a kind are for.
func (r *rules) due(kind store.Kind, c store.Call) (whom []string) {
	r.Helper()
	prefix := "due/" + string(kind) + "/" + string(c.ID)
	err := r.db.View(r.ctx, func(rd store.Reader) error {
		return rd.Scan(prefix, "", func(key string, _ []byte) bool {
			whom = append(whom, strings.TrimPrefix(strings.TrimPrefix(key, prefix), "/"))
			return true
		})
	})
	if err != nil {
		r.Fatal(err)
	}
	return whom
}

var (
	ann = store.Person{Name: "Ann", Phone: "+12085550101"}
	bob = store.Person{Name: "Bob", Phone: "+12085550102"}
	cy  = store.Person{Name: "Cy", Slack: "U000CY"}
)

// Whoever has no phone is not texted; whoever did not pick up is not told of it, unless there is nobody else.
func TestWhoIsAnnouncedTo(t *testing.T) {
	for _, c := range []struct {
		people       []store.Person
		first, again string
	}{
		{[]store.Person{ann, bob, cy}, "Ann/1 Bob/1", "Ann/1 Bob/1 Bob/2"},
		{[]store.Person{ann, cy}, "Ann/1", "Ann/1 Ann/2"},
	} {
		r := newRules(t, c.people...)
		call := r.arrive()
		if got := strings.Join(r.due(store.Text, call), " "); got != c.first {
			t.Errorf("told %q, want %q", got, c.first)
		}
		call = r.take(call, "Ann")
		call = r.ok(r.Dialed(r.ctx, call.ID, 1, store.DialResult{Why: store.NoAnswer}))
		if got := strings.Join(r.due(store.Text, call), " "); got != c.again || call.Attempt != 2 {
			t.Errorf("told again %q, want %q", got, c.again)
		}
	}
}

// A taker who is told "yours" learns when there is nobody left to be put through.
func TestTakerIsToldThatTheCallerHasGone(t *testing.T) {
	r := newRules(t, ann, bob)
	gone := r.take(r.arrive(), "Ann")
	r.ok(r.HungUp(r.ctx, gone.ID))
	if told := r.due(store.Tell, gone); len(told) != 1 {
		t.Errorf("told: %q", told)
	}
	// The same when Twilio reports the end of the Dial before that of the call.
	late := r.take(r.arrive(), "Ann")
	r.ok(r.Dialed(r.ctx, late.ID, 1, store.DialResult{CallerGone: true}))
	r.ok(r.HungUp(r.ctx, late.ID))
	if told := r.due(store.Tell, late); len(told) != 1 {
		t.Errorf("told: %q", told)
	}
	waiting := r.arrive()
	r.ok(r.HungUp(r.ctx, waiting.ID))
	if told := r.due(store.Tell, waiting); len(told) != 0 {
		t.Errorf("nobody took it, and told are %q", told)
	}
}

// Twilio promises no order: the end of the caller's leg may be reported before the conversation is.
func TestConversationReportedAfterItsEnd(t *testing.T) {
	r := newRules(t, ann)
	c := r.take(r.arrive(), "Ann")
	r.clock.Advance(time.Minute)
	if c = r.ok(r.HungUp(r.ctx, c.ID)); c.Outcome != store.Missed {
		t.Fatalf("%+v", c)
	}
	other := r.ok(r.Dialed(r.ctx, c.ID, 2, store.DialResult{Bridged: true, Seconds: 40}))
	if other.Outcome != store.Missed {
		t.Error("another attempt's conversation counts")
	}
	c = r.ok(r.Dialed(r.ctx, c.ID, 1, store.DialResult{Bridged: true, Seconds: 40}))
	if c.Outcome != store.Talked || c.Seconds != 40 || c.Waited(c.Stopped) != 20*time.Second {
		t.Errorf("%s, %d s, waited %s", c.Outcome, c.Seconds, c.Waited(c.Stopped))
	}
	if again := r.ok(r.Dialed(r.ctx, c.ID, 1, store.DialResult{Bridged: true, Seconds: 99})); again.Seconds != 40 {
		t.Errorf("delivered again: %d s", again.Seconds)
	}
}

// How long two people talked is known even when nobody listened to the end of it.
func TestConversationThatEndedWhileNobodyListened(t *testing.T) {
	r := newRules(t, ann)
	c := r.take(r.arrive(), "Ann")
	if _, c, err := r.Accept(r.ctx, c.ID, 1); err != nil || c.State != store.Talking {
		t.Fatal(c, err)
	}
	ended := r.clock.Now().Add(90 * time.Second)
	r.clock.Advance(time.Hour)
	if c = r.ok(r.Found(r.ctx, c.ID, store.Facts{Ended: ended})); c.Outcome != store.Talked || c.Seconds != 90 {
		t.Errorf("%s, %d s", c.Outcome, c.Seconds)
	}
}

// A short code names what it was given to for ten minutes after, and no other call.
func TestCodeThatIsOver(t *testing.T) {
	r := newRules(t, ann, bob)
	c := r.take(r.arrive(), "Ann")
	c = r.ok(r.Dialed(r.ctx, c.ID, 1, store.DialResult{Why: store.Busy}))
	for code, attempt := range map[int]int{1: 1, 2: 2} {
		if got, n, err := r.ByCode(r.ctx, line, code); err != nil || got.ID != c.ID || n != attempt {
			t.Errorf("code %d: %s, attempt %d, %v", code, got.ID, n, err)
		}
	}
	r.ok(r.HungUp(r.ctx, c.ID))
	if got, _, err := r.ByCode(r.ctx, line, 2); err != nil || got.Outcome != store.Missed {
		t.Errorf("%+v, %v", got, err)
	}
	if other := r.arrive(); other.Code != 3 {
		t.Errorf("the next call has code %d", other.Code)
	}
	r.clock.Advance(10 * time.Minute)
	if other := r.arrive(); other.Code != 1 {
		t.Errorf("after ten minutes the next call has code %d", other.Code)
	}
	if _, _, err := r.ByCode(r.ctx, line, 2); !errors.Is(err, store.ErrNoCall) {
		t.Errorf("a code of long ago: %v", err)
	}
}

// However many calls come and go, a line's codes stay few and small.
func TestCodesOfABusyLine(t *testing.T) {
	r := newRules(t, ann)
	for i := range 300 {
		c := r.ok(r.Arrive(r.ctx, store.Arrival{SID: fmt.Sprintf("CA%032d", i), Line: line}))
		if c.Code > 52 {
			t.Fatalf("call %d has code %d", i, c.Code)
		}
		r.clock.Advance(time.Second)
		r.ok(r.HungUp(r.ctx, c.ID))
	}
}

// A deed that is made due anew while it is being done is done again: what was asked then is not what is asked now.
func TestDeedAskedForAgain(t *testing.T) {
	r := newRules(t, ann)
	c := r.take(r.arrive(), "Ann")
	c = r.ok(r.ArriveAtFallback(r.ctx, store.Arrival{SID: c.SID, Line: line})) // recording
	r.ok(r.HungUp(r.ctx, c.ID))                                                // ask in ten seconds
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	asked, ended := make(chan struct{}, 1), make(chan error)
	go func() {
		ended <- r.Store.Run(ctx, store.Work{Kind: store.Ask, Parallel: 1, Longest: time.Second, Do: func(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
			_, err := r.Found(ctx, d.Call, store.Facts{Unsettled: true})
			asked <- struct{}{}
			return nil, err
		}})
	}()
	passUntil(r, "the ask", asked)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if due := r.due(store.Ask, c); len(due) != 1 {
		t.Errorf("due: %q", due)
	}
}

// A deed that panics is tried again, and troubles no other.
func TestDeedThatPanics(t *testing.T) {
	r := newRules(t, ann, bob)
	r.arrive()
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	done := make(chan string, 10)
	bad := true
	ended := make(chan error)
	go func() {
		ended <- r.Store.Run(ctx, store.Work{Kind: store.Text, Parallel: 1, Longest: time.Second, Do: func(_ context.Context, d store.Deed) (func(*store.Call) bool, error) {
			if d.Whom == "Ann" && bad {
				bad = false
				done <- "panics"
				panic("on Ann")
			}
			done <- d.Whom
			return nil, nil
		}})
	}()
	want := func(whom string) {
		t.Helper()
		select {
		case got := <-done:
			if got != whom {
				t.Errorf("got %s, want %s", got, whom)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is not told", whom)
		}
	}
	want("panics")
	want("Bob")
	if got := passUntil(r, "another try", done); got != "Ann" {
		t.Errorf("got %s", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// blind is a backend that cannot be read while it is told so; it tells when somebody tried.
type blind struct {
	store.Backend
	is    atomic.Bool
	tried chan struct{}
}

func (b *blind) View(ctx context.Context, fn func(store.Reader) error) error {
	if !b.is.Load() {
		return b.Backend.View(ctx, fn)
	}
	b.tried <- struct{}{}
	return errFault
}

// What may have been done is still in doubt when the store could not be read for a while.
func TestDoubtOutlivesAFailedRead(t *testing.T) {
	keys := &blind{Backend: newMemory(&disk{}), tried: make(chan struct{})}
	clock := clockwork.NewFakeClock()
	s, err := store.Open(t.Context(), keys, team, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := &rules{T: t, Store: s, ctx: t.Context(), clock: clock}
	r.arrive()
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	doubts, ended := make(chan bool), make(chan error)
	go func() {
		ended <- s.Run(ctx, store.Work{Kind: store.Text, Parallel: 1, Longest: time.Second, Do: func(_ context.Context, d store.Deed) (func(*store.Call) bool, error) {
			if d.Whom != "Ann" {
				return nil, nil
			}
			doubts <- d.Doubt
			return nil, errFault
		}})
	}()
	if passUntil(r, "the text", doubts) {
		t.Error("in doubt before it was tried")
	}
	keys.is.Store(true)
	for range 2 {
		passUntil(r, "a read that fails", keys.tried)
	}
	keys.is.Store(false)
	if !passUntil(r, "the text again", doubts) {
		t.Error("in no doubt although it may have been sent")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What was said to an answer about no call is said again when it is delivered again.
func TestReplied(t *testing.T) {
	r := newRules(t, ann)
	if err := r.Replied(r.ctx, "sms:SM1", "Which one?"); err != nil {
		t.Fatal(err)
	}
	if g, err := r.Given(r.ctx, "sms:SM1"); err != nil || g.Reply != "Which one?" {
		t.Errorf("%+v, %v", g, err)
	}
	// Delivered twice at a time, it may have been an answer to a call that has just come.
	a := store.Answer{ID: "sms:SM2", Call: r.arrive().ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take}
	if v, _, err := r.Answer(r.ctx, a); err != nil || v.Result != store.Won {
		t.Fatal(v, err)
	}
	if err := r.Replied(r.ctx, "sms:SM2", "Nobody is waiting."); err != nil {
		t.Fatal(err)
	}
	if g, err := r.Given(r.ctx, "sms:SM2"); err != nil || g.Reply != "" || g.Verdict.Result != store.Won {
		t.Errorf("what counted is forgotten: %+v, %v", g, err)
	}
}

// The word of an earlier attempt, which comes late, does not end a conversation of which only the beginning was found out.
func TestOvertakenAndALateWord(t *testing.T) {
	r := newRules(t, ann, bob)
	call := r.take(r.arrive(), "Ann")
	call = r.ok(r.Dialed(r.ctx, call.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if err := r.Overtaken(r.ctx, call.ID, call.Attempt); err != nil {
		t.Fatal(err)
	}
	call = r.ok(r.Dialed(r.ctx, call.ID, 1, store.DialResult{Why: store.NoAnswer}))
	if call.State != store.Talking || call.Attempt != 2 {
		t.Errorf("the call is %s at attempt %d", call.State, call.Attempt)
	}
}

// A deed that was done, which could not be recorded, is not taken for one that was asked for since.
func TestDoneIsNotDoneAgain(t *testing.T) {
	keys := newMemory(&disk{})
	s, err := store.Open(t.Context(), keys, team, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	w := s.Worker(store.Work{Kind: store.Freed, Do: func(context.Context, store.Deed) (func(*store.Call) bool, error) {
		done++
		return nil, nil
	}})
	d := store.Deed{Kind: store.Freed, Whom: "Ann"}
	for range 2 {
		if err := s.SetDuty(t.Context(), "Ann", store.Duty{}); err != nil {
			t.Fatal(err)
		}
		changes := 0
		keys.fault = func() fault {
			if changes++; changes == 2 && done == 1 {
				return unwritten // the end of the first
			}
			return fine
		}
		w.Do(t.Context(), d)
	}
	if done != 2 {
		t.Errorf("done %d times, and was asked for twice", done)
	}
}
