package storetest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pullphone/store"
)

var keeping = []part[*world]{
	{"a call leaves after the retention", leavesAfterRetention},
	{"a call for which something is due stays", staysWhileDue},
	{"a call for which something can never be done leaves at last", leavesAtLast},
	{"an open call stays", openStays},
	{"old calls leave a few at a time", leavesInSlices},
	{"answers leave when nobody repeats them", answersLeave},
	{"a caller is forgotten", forgets},
	{"a call that goes on is forgotten when it ends", forgetsOpen},
	{"a reply that names a forgotten caller is no more than given", forgetsReplies},
	{"what is due for a forgotten call is done first", forgottenWaits},
	{"a name that comes late is not kept", forgottenStays},
	{"what is forgotten is wiped, after a fault too", wipes},
	{"who forgets and who retains do not both wipe", wipesOnce},
	{"a call was taken that the store does not know of", overtaken},
}

const day = 24 * time.Hour

// keep restarts the store with a retention.
func (w *world) keep(retention time.Duration) {
	w.Helper()
	w.team.Retention = retention
	w.restart()
}

// idle has nothing due any more, as if all of it were done.
func (w *world) idle() {
	w.Helper()
	w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
		for key := range w.all("due/") {
			if !strings.HasPrefix(key, "due/erase/") && !strings.HasPrefix(key, "due/unpost/") {
				tx.Delete(key)
			}
		}
		return nil
	}))
}

// known reports whether the store has a call.
func (w *world) known(id store.CallID) bool {
	w.Helper()
	_, err := w.s.Call(w.ctx, id)
	if err != nil && !errors.Is(err, store.ErrNoCall) {
		w.Fatal(err)
	}
	return err == nil
}

func leavesAfterRetention(w *world) {
	w.keep(90 * day)
	old := w.in(store.Ended)
	code := store.Answer{ID: w.id("answer"), Call: old.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take}
	w.idle()
	w.clock.Advance(day)
	young := w.in(store.Ended)
	w.idle()
	w.clock.Advance(89*day - minute)
	w.during(w.s.Retain, func() {
		w.settle()
		if !w.known(old.ID) {
			w.Fatal("a call left before its time")
		}
		w.advance(time.Hour)
		if w.known(old.ID) || !w.known(young.ID) {
			w.Fatalf("after the retention: the old one known %t, the young one %t", w.known(old.ID), w.known(young.ID))
		}
	})
	if got := w.history(time.Time{}); strings.Join(got, " ") != young.SID {
		w.Errorf("history %v", got)
	}
	d := w.one(store.Erase, old.ID)
	if d.Whom != old.SID || d.Line != old.Line || !d.Due.Equal(w.clock.Now()) {
		w.Errorf("due at Twilio: %+v", d)
	}
	if ds := w.deeds(store.Unpost, old.ID); len(ds) != 0 {
		w.Errorf("due in Slack: %+v", ds)
	}
	// What names it gets a clear answer, and nothing of Twilio's makes it a new call while Twilio may still tell of it.
	if _, _, err := w.s.Answer(w.ctx, code); !errors.Is(err, store.ErrNoCall) {
		w.Errorf("an answer to it: %v", err)
	}
	if _, err := w.s.Arrive(w.ctx, store.Arrival{SID: old.SID, Line: sales, From: old.From}); !errors.Is(err, store.ErrNoCall) {
		w.Errorf("it arrives again: %v", err)
	}
	if id, err := w.s.CallBySID(w.ctx, old.SID); err != nil || id != old.ID {
		w.Errorf("by its CallSid: %s, %v", id, err)
	}
	w.check(w.s.Erased(w.ctx, old.SID))
	if _, err := w.s.CallBySID(w.ctx, old.SID); !errors.Is(err, store.ErrNoCall) {
		w.Errorf("by its CallSid, when Twilio has nothing of it: %v", err)
	}
	// The line's last call may be gone.
	w.clock.Advance(2 * day)
	w.during(w.s.Retain, w.settle)
	if _, err := w.s.Last(w.ctx, sales, time.Time{}); !errors.Is(err, store.ErrNoCall) {
		w.Errorf("the line's last call: %v", err)
	}
}

func leavesAtLast(w *world) {
	w.keep(time.Hour)
	c := w.recording()
	c = w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 7))
	w.during(w.s.Retain, func() {
		w.advance(7 * day)
		if !w.known(c.ID) {
			w.Fatal("a call left whose voicemail was still to be posted")
		}
		w.advance(2 * time.Hour)
		if w.known(c.ID) {
			w.Error("a call stays though its voicemail cannot be posted")
		}
	})
	w.one(store.Post, c.ID) // whoever tries it next finds no call
	if ds := w.deeds(store.Erase, c.ID); len(ds) != 2 {
		w.Errorf("due at Twilio: %+v", ds)
	}
}

func staysWhileDue(w *world) {
	w.keep(time.Hour)
	c := w.recording()
	w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 7))
	post := w.one(store.Post, c.ID)
	w.clock.Advance(2 * time.Hour)
	w.during(w.s.Retain, func() {
		w.settle()
		if !w.known(c.ID) {
			w.Fatal("a call left whose voicemail was still to be posted")
		}
		w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
			for key := range w.all("due/") {
				if key != post.Key() {
					tx.Delete(key)
				}
			}
			return nil
		}))
		w.advance(time.Hour)
		if !w.known(c.ID) {
			w.Fatal("a call left whose voicemail alone was still to be posted")
		}
		w.idle()
		w.advance(time.Hour)
		if w.known(c.ID) {
			w.Error("a call stays for which nothing is due")
		}
	})
}

func openStays(w *world) {
	w.keep(time.Hour)
	var open []store.Call
	for _, s := range states[:4] {
		open = append(open, w.in(s))
	}
	w.idle()
	w.clock.Advance(2 * day)
	w.during(w.s.Retain, w.settle)
	for _, c := range open {
		if !w.known(c.ID) {
			w.Errorf("a call left that was %s", c.State)
		}
	}
}

// counted is a backend that knows how many calls the largest transaction dropped.
type counted struct {
	store.Backend
	most atomic.Int64
}

func (c *counted) Update(ctx context.Context, fn func(store.Tx) error) error {
	return c.Backend.Update(ctx, func(tx store.Tx) error {
		t := &countedTx{Tx: tx}
		err := fn(t)
		c.most.Store(max(c.most.Load(), t.n))
		return err
	})
}

type countedTx struct {
	store.Tx
	n int64
}

func (t *countedTx) Delete(key string) {
	if strings.HasPrefix(key, "done/") {
		t.n++
	}
	t.Tx.Delete(key)
}

// leavesInSlices: those who wait for a transaction of the retention wait for a short one, and Twilio is not given more
// to delete than it can be asked in a while.
func leavesInSlices(w *world) {
	w.keep(time.Hour)
	var calls []store.Call
	for range 1200 {
		calls = append(calls, store.Call{ID: store.NewCallID(w.clock.Now()), SID: w.id("CA"), Line: sales, State: store.Ended,
			Outcome: store.Missed, Stopped: w.clock.Now()})
	}
	w.fill(calls)
	w.clock.Advance(day)
	c := &counted{Backend: w.keys.Backend}
	w.keys.Backend = c
	w.during(w.s.Retain, func() {
		for _, left := range []int{700, 200, 0} {
			w.settle()
			if n := len(w.all("done/")); n != left {
				w.Errorf("%d calls are left, want %d", n, left)
			}
			if n := len(w.all("due/erase/")); n > 500 {
				w.Errorf("%d deletions are due at Twilio at once", n)
			}
			w.advance(minute)
			if n := len(w.all("done/")); n != left {
				w.Errorf("%d calls are left while Twilio does nothing, want %d", n, left)
			}
			for part := range slices.Chunk(slices.Collect(maps.Keys(w.all("due/erase/"))), 100) {
				w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
					for _, key := range part {
						tx.Delete(key)
					}
					return nil
				}))
			}
			w.advance(minute)
		}
	})
	if n := c.most.Load(); n > 100 {
		w.Errorf("one transaction dropped %d calls", n)
	}
}

func answersLeave(w *world) {
	c := w.arrive(sales)
	old := store.Answer{ID: "old", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Pass}
	_, _, err := w.s.Answer(w.ctx, old)
	w.check(err)
	w.check(w.s.Replied(w.ctx, "old reply", "Nobody is waiting."))
	w.ok(w.s.HungUp(w.ctx, c.ID))
	w.clock.Advance(7*day - minute)
	w.check(w.s.Replied(w.ctx, "young", "Nobody is waiting."))
	w.during(w.s.Retain, func() {
		w.settle()
		if n := len(w.all("seen/")); n != 3 {
			w.Fatalf("%d answers are left of 3", n)
		}
		if n := string(w.all("line/")["line/"+sales]); n != "{}" {
			w.Errorf("the line's short codes: %s", n)
		}
		w.advance(day)
		if seen := w.all("seen/"); len(seen) != 1 || seen["seen/young"] == nil {
			w.Errorf("left: %v", seen)
		}
	})
}

const (
	jane      = "+12085550123"
	janesName = "Jane Doe"
	janesCity = "Boise, ID"
)

// fromJane brings a call of hers to an end, or leaves it open.
func (w *world) fromJane(ends bool) store.Call {
	w.Helper()
	c := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: sales, From: jane, Name: janesName, City: janesCity}))
	if ends {
		c = w.ok(w.s.HungUp(w.ctx, c.ID))
	}
	return c
}

// traces lists the keys whose values tell of Jane.
func (w *world) traces() (keys []string) {
	w.Helper()
	for _, prefix := range strings.Fields("meta/ sid/ open/ done/ at/ seen/ line/ last/ due/ gone/") {
		for key, v := range w.all(prefix) {
			for _, s := range []string{"5550123", janesName, "Boise"} {
				if strings.Contains(key+string(v), s) {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// shown draws and posts what is due, in Slack.
func (w *world) shown() {
	w.Helper()
	for _, kind := range []store.Kind{store.Draw, store.Post} {
		w.work(kind, func(jobs <-chan job) {
			for range w.all("due/" + string(kind) + "/") {
				j := await(w, w.ctx, "a message", jobs)
				defer w.awaitDone(kind, j.Call)
				j.done <- outcome{after: func(c *store.Call) bool {
					if kind == store.Draw {
						c.Message = store.Message{Channel: "C1", TS: "1.1", Rev: c.Rev}
						return false
					}
					for i := range c.Voice {
						c.Voice[i].Message = store.Message{Channel: "C1", TS: "2." + c.Voice[i].SID}
					}
					return false
				}}
			}
		})
	}
}

func forgets(w *world) {
	missed := w.fromJane(true)
	left := w.fromJane(false)
	w.wins(left, "Ann", store.SendVoicemail)
	w.ok(w.s.RecordingReady(w.ctx, left.ID, "RE1", 7))
	w.shown()
	other := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: sales, From: "+12085550145", Name: "Mark"}))
	w.ok(w.s.HungUp(w.ctx, other.ID))
	w.idle()
	if len(w.traces()) == 0 {
		w.Fatal("nothing to forget")
	}
	f, err := w.s.Forget(w.ctx, jane)
	if want := (store.Forgotten{Calls: 2, Recordings: 1, Messages: 3}); err != nil || f != want {
		w.Errorf("%+v, %v; want %+v", f, err, want)
	}
	if keys := w.traces(); len(keys) > 0 {
		w.Errorf("traces are left in %v", keys)
	}
	if got := w.history(time.Time{}); strings.Join(got, " ") != other.SID {
		w.Errorf("history %v", got)
	}
	left.Voice = []store.Voice{{SID: "RE1"}}
	for _, c := range []store.Call{missed, left} {
		w.erasing(c, began)
	}
	w.during(w.s.Retain, w.settle)
	if w.known(missed.ID) || w.known(left.ID) || !w.known(other.ID) {
		w.Errorf("known: missed %t, left %t, other %t", w.known(missed.ID), w.known(left.ID), w.known(other.ID))
	}
	var whom []string
	for _, d := range w.deeds(store.Unpost, left.ID) {
		whom = append(whom, d.Whom)
	}
	if got := strings.Join(whom, " "); got != "C1/1.1 C1/2.RE1" {
		w.Errorf("due in Slack: %s", got)
	}
	if n := len(w.all("gone/")); n != 0 {
		w.Errorf("%d calls are still to be forgotten", n)
	}
	for range 2 {
		if f, err := w.s.Forget(w.ctx, jane); err != nil || f != (store.Forgotten{}) {
			w.Errorf("again: %+v, %v", f, err)
		}
	}
}

func forgetsOpen(w *world) {
	c := w.fromJane(false)
	f, err := w.s.Forget(w.ctx, jane)
	if want := (store.Forgotten{Open: 1}); err != nil || f != want {
		w.Errorf("%+v, %v; want %+v", f, err, want)
	}
	compacted := &compactions{}
	w.counts(compacted)
	w.during(w.s.Retain, func() {
		w.advance(minute)
		if c := w.is(c.ID, store.Waiting, ""); c.From != jane || c.Name != janesName {
			w.Errorf("a call that goes on is %+v", c)
		}
		w.ok(w.s.HungUp(w.ctx, c.ID))
		w.advance(5 * second)
		if keys := w.traces(); len(keys) > 0 {
			w.Errorf("traces are left in %v", keys)
		}
		if w.all("meta/")["meta/wipe"] != nil || compacted.times != 1 {
			w.Errorf("what was forgotten at its end is wiped %d times", compacted.times)
		}
		w.idle()
		w.advance(5 * second)
		if w.known(c.ID) {
			w.Error("the call is still known")
		}
	})
	w.one(store.Erase, c.ID)
}

func forgetsReplies(w *world) {
	w.check(w.s.Replied(w.ctx, "which", "Which one? 1: Jane Doe, (208) 555-0123, waiting 0:10. Reply for example Y 1."))
	w.check(w.s.Replied(w.ctx, "other", "Which one? 1: Mark, (208) 555-0145, waiting 0:10. Reply for example Y 1."))
	_, err := w.s.Forget(w.ctx, jane)
	w.check(err)
	for id, want := range map[string]string{"which": "", "other": "(208) 555-0145"} {
		g, err := w.s.Given(w.ctx, id)
		if err != nil || !g.Replied() || want == "" && g.Reply != "" || !strings.Contains(g.Reply, want) {
			w.Errorf("%s: %+v, %v", id, g, err)
		}
	}
	if g, err := w.s.Given(w.ctx, "never given"); err != nil || g.Replied() {
		w.Errorf("one that was never given: %+v, %v", g, err)
	}
	if keys := w.traces(); len(keys) > 0 {
		w.Errorf("traces are left in %v", keys)
	}
}

func forgottenWaits(w *world) {
	c := w.fromJane(false)
	w.wins(c, "Ann", store.SendVoicemail)
	w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 7))
	_, err := w.s.Forget(w.ctx, jane)
	w.check(err)
	w.during(w.s.Retain, func() {
		w.advance(time.Hour)
		if now := w.is(c.ID, store.Ended, store.Voicemail); now.From != "" || !now.Forgotten {
			w.Errorf("%+v", now)
		}
	})
	w.erasing(w.is(c.ID, store.Ended, store.Voicemail), began) // Twilio's part waits for nothing
	w.shown()
	w.idle()
	w.during(w.s.Retain, w.settle)
	if ds := w.deeds(store.Unpost, c.ID); w.known(c.ID) || len(ds) != 2 {
		w.Errorf("known %t, due in Slack: %+v", w.known(c.ID), ds)
	}
}

func forgottenStays(w *world) {
	w.lookUp()
	c := w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: sales, From: jane}))
	w.ok(w.s.HungUp(w.ctx, c.ID))
	_, err := w.s.Forget(w.ctx, jane)
	w.check(err)
	w.check(w.s.Named(w.ctx, c.ID, janesName))
	if keys := w.traces(); len(keys) > 0 {
		w.Errorf("traces are left in %v", keys)
	}
}

// compactions counts how often a backend is compacted, by all processes.
type compactions struct {
	mu        sync.Mutex
	times     int
	now, most int // at once
}

func (c *compactions) begin(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += n
	c.times, c.most = c.times+max(n, 0), max(c.most, c.now)
}

// compacting is a process's way to a backend whose compactions are counted.
type compacting struct {
	store.Backend
	*compactions

	// meanwhile, if not nil, runs while somebody compacts whom forgetting has sent.
	meanwhile func() error
	// swept, if not nil, runs after the first of a forgetter's changes that made something due to be wiped.
	swept func()
}

func (w *world) counts(by *compactions) *compacting {
	c := &compacting{Backend: w.keys.Backend, compactions: by}
	w.keys.Backend = c
	return c
}

// forgetter marks the context of a Forget, so that what it does is told from what is done beside it.
type forgetter struct{}

func (w *world) forget(number string) (store.Forgotten, error) {
	return w.s.Forget(context.WithValue(w.ctx, forgetter{}, true), number)
}

func (c *compacting) Compact(ctx context.Context) error {
	c.begin(+1)
	defer c.begin(-1)
	if c.meanwhile != nil && ctx.Value(forgetter{}) != nil {
		if err := c.meanwhile(); err != nil {
			return err
		}
	}
	return c.Backend.Compact(ctx)
}

func (c *compacting) Update(ctx context.Context, fn func(store.Tx) error) error {
	wipes := false
	err := c.Backend.Update(ctx, func(tx store.Tx) error {
		err := fn(tx)
		if err == nil {
			var b []byte
			b, err = tx.Get("meta/wipe")
			wipes = b != nil
		}
		return err
	})
	if ctx.Value(forgetter{}) != nil && wipes && c.swept != nil {
		swept := c.swept
		c.swept = nil
		swept()
	}
	return err
}

// past is a day of Jane's: so many calls of hers that they are not forgotten in one change.
func (w *world) past() {
	w.Helper()
	var all []store.Call
	for range 30 {
		all = append(all, store.Call{ID: store.NewCallID(began), SID: w.id("CA"), Line: sales, From: jane, Name: janesName,
			State: store.Ended, Attempt: 1, Arrived: began, Stopped: began, Outcome: store.Missed})
	}
	w.fill(all)
}

// wipedBy checks that what was forgotten is wiped, by so many compactions one after the other.
func (w *world) wipedBy(c *compactions, times int) {
	w.Helper()
	if left := w.all("meta/"); left["meta/wipe"] != nil || left["meta/wiper"] != nil {
		w.Errorf("it is still to be wiped, or being wiped: %q", left)
	}
	if c.times != times || c.most != 1 {
		w.Errorf("compacted %d times, %d of them at once; want %d, one after the other", c.times, c.most, times)
	}
}

func wipesOnce(w *world) {
	w.past()
	all := &compactions{}
	mine := w.counts(all)
	w.during(w.s.Retain, func() {
		mine.swept = w.settle
		mine.meanwhile = func() error { w.settle(); return nil }
		if f, err := w.forget(jane); err != nil || f.Calls != 30 {
			w.Errorf("%+v, %v", f, err)
		}
		w.wipedBy(all, 1)
		w.advance(5 * second)
	})
	w.wipedBy(all, 1)
}

// stuck is a backend that cannot be compacted.
type stuck struct{ store.Backend }

func (stuck) Compact(context.Context) error { return errMine }

func wipes(w *world) {
	w.fromJane(true)
	whole := w.keys.Backend
	w.keys.Backend = stuck{whole}
	if _, err := w.s.Forget(w.ctx, jane); !errors.Is(err, errMine) {
		w.Errorf("what cannot be wiped is forgotten: %v", err)
	}
	w.keys.Backend = whole
	w.restart()
	if w.all("meta/")["meta/wipe"] == nil {
		w.Fatal("nobody knows that something is to be wiped")
	}
	w.during(w.s.Retain, w.settle)
	if w.all("meta/")["meta/wipe"] != nil {
		w.Error("it is still to be wiped")
	}
}

func overtaken(w *world) {
	for _, s := range states {
		before := w.in(s)
		w.check(w.s.Overtaken(w.ctx, before.ID, 2)) // about another attempt
		c, err := w.s.Call(w.ctx, before.ID)
		w.check(err)
		if !reflect.DeepEqual(c, before) {
			w.Errorf("%s: changed by what is about another attempt", s)
		}
		w.check(w.s.Overtaken(w.ctx, before.ID, 1))
		if c, err = w.s.Call(w.ctx, before.ID); err != nil || (s == store.Talking || s == store.Ended) != reflect.DeepEqual(c, before) {
			w.Errorf("%s became %+v, %v", s, c, err)
		}
		if s == store.Talking || s == store.Ended {
			w.ok(w.s.HungUp(w.ctx, c.ID)) // Ann can be told of the last one
			continue
		}
		if c.State != store.Talking || c.Claim.Word != store.Take || c.Claim.Person != "" {
			w.Errorf("%s became %+v, claim %+v", s, c, c.Claim)
		}
		if n := len(w.deeds(store.Tell, c.ID)); (n == 1) != (s == store.Ringing) {
			w.Errorf("%s: %d people are told that they are not put through", s, n)
		}
		w.sound()
		// How it ends may be of a later attempt.
		if c = w.ok(w.s.Dialed(w.ctx, c.ID, 3, store.DialResult{Bridged: true, Seconds: 42})); c.Outcome != store.Talked || c.Seconds != 42 {
			w.Errorf("%s ended %+v", s, c)
		}
	}
	c := w.arrive(sales)
	w.check(w.s.Overtaken(w.ctx, c.ID, 1))
	if c = w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.NoAnswer})); c.State != store.Waiting || len(c.Tries) != 0 || w.told(c) != "Ann Bob Cy" {
		w.Errorf("back on hold: %+v, told %q", c, w.told(c))
	}
}

// erasing asserts what is due to be deleted at Twilio of a call that ended at a time: its recordings at once, the rest later.
func (w *world) erasing(c store.Call, ended time.Time) {
	want := map[string]time.Time{c.SID: ended.Add(5 * minute)}
	for _, v := range c.Voice {
		want[v.SID] = ended
	}
	ds := w.deeds(store.Erase, c.ID)
	for _, d := range ds {
		if at, ok := want[d.Whom]; !ok || d.Line != sales || !d.Due.Equal(at) {
			w.Errorf("due at Twilio: %+v", d)
		}
	}
	if len(ds) != len(want) {
		w.Errorf("%d deeds are due at Twilio, not %d", len(ds), len(want))
	}
}
