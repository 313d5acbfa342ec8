package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
)

// began is when a world's clock starts.
var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const (
	minute      = time.Minute
	second      = time.Second
	millisecond = time.Millisecond
)

const (
	sales   = "+12085550100"
	support = "+12085550200"
)

// world is a store on the backend under test, with a team and a clock that the test moves.
type world struct {
	*testing.T
	s      *store.Store
	ctx    context.Context
	clock  *clock
	keys   *nudged
	team   store.Team
	reopen func() store.Backend
	shared Shared // or nil
	others int
	ids    int

	mu            sync.Mutex
	busy, busiest int // jobs of a worker under way, now and at most
}

func newWorld(t *testing.T, open Opener) *world {
	first, reopen := open(t)
	w := &world{T: t, ctx: limited(t), clock: newClock(), team: store.Team{
		Lines: []store.Line{
			{Name: "Sales", Number: sales, Channel: "C000SALES", People: []string{"Ann", "Bob", "Cy"},
				MaxWait: 2 * time.Minute, RingTimeout: 20 * time.Second, Accept: true},
			{Name: "Support", Number: support, Channel: "C000SUPPORT", People: []string{"Bob"},
				MaxWait: time.Minute, RingTimeout: 30 * time.Second},
		},
		People: []store.Person{
			{Name: "Ann", Phone: "+12085550101", Slack: "U000ANN"},
			{Name: "Bob", Phone: "+12085550102", Slack: "U000BOB"},
			{Name: "Cy", Phone: "+12085550103"},
		},
	}}
	w.keys, w.reopen = newNudged(first), reopen
	w.open()
	return w
}

func (w *world) open() {
	w.Helper()
	var err error
	w.s, err = store.Open(w.ctx, w.keys, w.team, w.clock, slog.New(slog.DiscardHandler))
	w.check(err)
}

// staff changes the team, and restarts with it.
func (w *world) staff(change func(*store.Team)) {
	w.Helper()
	change(&w.team)
	w.restart()
}

// follow has everything done that follows by now from the team's rules alone.
func (w *world) follow() {
	w.Helper()
	w.during(w.s.RunRules, func() {
		w.check(w.s.Settled(w.ctx, store.Escalate))
		w.check(w.s.Settled(w.ctx, store.Freed))
	})
	w.sound()
}

// expire has everything done that follows from the deadlines that have passed.
func (w *world) expire() {
	w.Helper()
	w.during(w.s.Deadlines, w.settle)
	w.sound()
}

// restart closes the store and opens the same data again, as a new process would.
func (w *world) restart() {
	w.Helper()
	w.check(w.s.Close())
	w.keys = newNudged(w.reopen())
	w.open()
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// ok takes what a transition returned.
func (w *world) ok(c store.Call, err error) store.Call {
	w.Helper()
	w.check(err)
	w.sound()
	return c
}

// id gives a new name of something.
func (w *world) id(kind string) string {
	w.ids++
	return fmt.Sprintf("%s%04d", kind, w.ids)
}

// arrive places a new call on a line.
func (w *world) arrive(line string) store.Call {
	w.Helper()
	return w.ok(w.s.Arrive(w.ctx, store.Arrival{SID: w.id("CA"), Line: line, From: fmt.Sprintf("+1208556%04d", w.ids), City: "Boise, ID"}))
}

// says gives a person's word on the call as it was announced last.
func (w *world) says(c store.Call, person string, via store.Via, word store.Word) (store.Verdict, store.Call) {
	w.Helper()
	return w.answers(store.Answer{Call: c.ID, Attempt: c.Attempt, Person: person, Via: via, Word: word})
}

// answers gives an answer, under a new ID if it has none.
func (w *world) answers(a store.Answer) (store.Verdict, store.Call) {
	w.Helper()
	if a.ID == "" {
		a.ID = w.id("answer")
	}
	if a.Via == store.BySlack {
		a.User, a.Channel = "U-"+a.Person, "C-"+a.Person
	}
	v, c, err := w.s.Answer(w.ctx, a)
	w.check(err)
	w.sound()
	return v, c
}

// wins is a word that must win, whatever other calls the person has.
func (w *world) wins(c store.Call, person string, word store.Word) store.Call {
	w.Helper()
	v, c := w.answers(store.Answer{Call: c.ID, Attempt: c.Attempt, Person: person, Via: store.BySMS, Word: word, Force: word == store.Take})
	if v.Result != store.Won {
		w.Fatalf("%s's %s came to %q", person, word, v.Result)
	}
	return c
}

// ringing, talking and recording bring a new call there.
func (w *world) ringing() store.Call { w.Helper(); return w.wins(w.arrive(sales), "Ann", store.Take) }

func (w *world) talking() store.Call {
	w.Helper()
	c := w.ringing()
	joined, c, err := w.s.Accept(w.ctx, c.ID, c.Attempt)
	if w.check(err); !joined {
		w.Fatal("not connected")
	}
	return c
}

func (w *world) recording() store.Call {
	w.Helper()
	return w.wins(w.arrive(sales), "Ann", store.SendVoicemail)
}

// fill writes calls that have ended, in changes that every backend takes.
func (w *world) fill(calls []store.Call) {
	w.Helper()
	for part := range slices.Chunk(calls, 100) {
		w.check(w.keys.Update(w.ctx, func(tx store.Tx) error {
			for _, c := range part {
				b, err := json.Marshal(c)
				if err != nil {
					return err
				}
				tx.Put("done/"+string(c.ID), b)
			}
			return nil
		}))
	}
}

// in brings a new call into a state.
func (w *world) in(s store.State) store.Call {
	w.Helper()
	switch s {
	case store.Waiting:
		return w.arrive(sales)
	case store.Ringing:
		return w.ringing()
	case store.Talking:
		return w.talking()
	case store.Recording:
		return w.recording()
	}
	return w.ok(w.s.HungUp(w.ctx, w.arrive(sales).ID))
}

var states = []store.State{store.Waiting, store.Ringing, store.Talking, store.Recording, store.Ended}

// is checks where a call is now, and how it ended.
func (w *world) is(id store.CallID, s store.State, o store.Outcome) store.Call {
	w.Helper()
	c, err := w.s.Call(w.ctx, id)
	w.check(err)
	if c.State != s || c.Outcome != o {
		w.Fatalf("the call is %s %q, want %s %q", c.State, c.Outcome, s, o)
	}
	return c
}

// all reads the keys of a prefix.
func (w *world) all(prefix string) map[string][]byte {
	w.Helper()
	out := map[string][]byte{}
	w.check(w.keys.View(w.ctx, func(r store.Reader) error {
		clear(out)
		return r.Scan(prefix, "", func(key string, v []byte) bool {
			out[key] = slices.Clone(v)
			return true
		})
	}))
	return out
}

// deeds lists what is due of a kind for a call, in the order of the keys.
func (w *world) deeds(kind store.Kind, id store.CallID) []store.Deed {
	w.Helper()
	var out []store.Deed
	for key, v := range w.all("due/" + string(kind) + "/") {
		var d store.Deed
		w.check(json.Unmarshal(v, &d))
		if d.Key() != key || d.Kind != kind {
			w.Errorf("deed of key %s stands at %s", d.Key(), key)
		}
		if d.Call == id {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b store.Deed) int { return strings.Compare(a.Key(), b.Key()) })
	return out
}

// one is the only deed of a kind for a call.
func (w *world) one(kind store.Kind, id store.CallID) store.Deed {
	w.Helper()
	ds := w.deeds(kind, id)
	if len(ds) != 1 {
		w.Fatalf("%d deeds %q are due, want one: %+v", len(ds), kind, ds)
	}
	return ds[0]
}

// told lists whom an SMS about the call's attempt is due for.
func (w *world) told(c store.Call) string {
	w.Helper()
	var names []string
	for _, d := range w.deeds(store.Text, c.ID) {
		if d.Attempt == c.Attempt {
			names = append(names, d.Whom)
		}
	}
	return strings.Join(names, " ")
}

// sound checks what always holds: an open call has a deadline that is indexed, an ended one has an outcome and stands
// in no index, and each index entry is of such a call.
func (w *world) sound() {
	w.Helper()
	kinds := map[string]map[string][]byte{}
	for _, kind := range []string{"at/", "open/", "busy/", "done/"} {
		kinds[kind] = map[string][]byte{}
	}
	for key, v := range w.all("") {
		kind, _, _ := strings.Cut(key, "/")
		if of := kinds[kind+"/"]; of != nil {
			of[key] = v
		}
	}
	at, noted := kinds["at/"], kinds["busy/"]
	codes, busy := map[string]bool{}, map[string]int{}
	for key, v := range kinds["open/"] {
		var c store.Call
		w.check(json.Unmarshal(v, &c))
		where := "at/" + c.Deadline.UTC().Format("20060102T150405.000") + "/" + string(c.ID)
		if _, indexed := at[where]; !indexed || c.Deadline.IsZero() {
			w.Errorf("open call in state %s has deadline %s, not indexed", c.State, c.Deadline)
		}
		delete(at, where)
		if key != "open/"+string(c.ID) || c.State == store.Ended || c.Outcome != "" {
			w.Errorf("%s holds a call that is %s %q", key, c.State, c.Outcome)
		}
		if code := fmt.Sprint(c.Line, "/", c.Code); c.Code != 0 {
			if codes[code] {
				w.Errorf("two open calls have the code %s", code)
			}
			codes[code] = true
		}
		if c.Claim != nil && c.Claim.Word == store.Take && c.Claim.Person != "" && (c.State == store.Ringing || c.State == store.Talking) {
			busy[c.Claim.Person]++
			if has := string(noted["busy/"+c.Claim.Person]); strings.Count(has, string(c.ID)) != 1 {
				w.Errorf("%s has a call that is %s, noted are %q", c.Claim.Person, c.State, has)
			}
		}
		if (c.State == store.Ringing || c.State == store.Talking || c.State == store.Recording) != (c.Claim != nil) {
			w.Errorf("a call that is %s has the claim %+v", c.State, c.Claim)
		}
	}
	for key := range at {
		w.Errorf("%s is of no open call", key)
	}
	for key, v := range noted {
		var has []store.CallID
		w.check(json.Unmarshal(v, &has))
		if n := busy[strings.TrimPrefix(key, "busy/")]; n == 0 || n != len(has) {
			w.Errorf("%s notes %s, %d are so", key, v, n)
		}
	}
	for key, v := range kinds["done/"] {
		var c store.Call
		w.check(json.Unmarshal(v, &c))
		if c.State != store.Ended || c.Outcome == "" || c.Stopped.IsZero() || c.Code != 0 || !c.Deadline.IsZero() {
			w.Errorf("%s holds a call that is %s %q, stopped %s, code %d", key, c.State, c.Outcome, c.Stopped, c.Code)
		}
	}
}

// dur is a duration as Go writes it.
func dur(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}
