package store_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"pgregory.net/rapid"

	"pullphone/store"
)

var histories = flag.Int("histories", 150, "how many random histories TestHistories plays")

// TestHistories plays callers, people, what they say, what Twilio reports, and every way in which these come late, twice
// or not at all, and compares what the store makes of it with the picture of the states. In the end nobody does anything
// any more, and every call must come to its outcome by itself.
func TestHistories(t *testing.T) {
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(*histories), "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]map[string]int{}
	began := time.Now()
	played := 0
	rapid.Check(t, func(t *rapid.T) {
		playHistory(t, seen)
		played++
	})
	t.Logf("%d histories in %s", played, time.Since(began).Round(time.Millisecond))
	if played < *histories {
		t.Errorf("%d histories were asked for: the time was too short", *histories)
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		var counts []string
		for _, one := range slices.Sorted(maps.Keys(seen[what])) {
			counts = append(counts, fmt.Sprintf("%s %d", one, seen[what][one]))
		}
		t.Logf("%s: %s", what, strings.Join(counts, ", "))
	}
	for least, must := range mustSee {
		for what, all := range must {
			for _, one := range strings.Split(all, ", ") {
				if played >= least && seen[what][one] == 0 {
					t.Errorf("%s %q was never seen: these histories prove too little", what, one)
				}
			}
		}
	}
}

// mustSee is what so many histories cannot do without.
var mustSee = map[int]map[string]string{
	300: {
		"verdict": "won, yours, lost, toolate, pass, onacall, givenback, handedover, nottalking, onlytake, inline",
		"outcome": "talked, voicemail, missed, forwarded, called_back, tried, late voicemail",
		"via":     "slack, sms, phone, line, rule",
		"rule":    "hours, passed, max_wait, caller, escalated, listed",
		"fault":   "unwritten, doubtful, twice, meanwhile, delivered twice",
		"deed":    "redirect, ask, lookup, sms, draw, post, tell, list, ring, hangup, callout, retrieve, escalate, mention, freed",
	},
	3000: {
		"verdict": "stale",
		"outcome": "late talked, late forwarded",
		"rule":    "duty, handover",
	},
}

// history is one of them.
type history struct {
	*rapid.T
	*store.Store
	ctx     context.Context
	team    store.Team
	clock   *clockwork.FakeClock
	disk    *disk
	keys    *memory
	workers map[store.Kind]store.Worker // of this process
	quiet   bool                        // nobody does anything any more, and nothing is lost

	// The model.
	was                  *picture // at the last check
	records              map[string]record
	claims               map[claimed]store.Claim
	wins                 map[claimed]int
	answers              map[string]store.Answer
	verdicts             map[string]store.Verdict
	given, pulls         []store.Answer
	duty                 map[string]store.Duty
	inLine, inLineBefore []standing
	uncounted            map[store.CallID]bool // not among those of its number: never put on hold, or too many are
	sids                 []store.Arrival
	lately               store.CallID // to which something happened last
	crowds               int

	// What happens to the changes of a step.
	op      string
	updates int
	spoilt  int // number of the change
	fault   fault
	nested  bool
	between bool // another step ran inside of this one
	doing   doing

	ids   int
	names map[store.CallID]string
	trail []string
	count map[string]map[string]int
}

const meanwhile fault = -1 // another step comes before the change

var faultNames = map[fault]string{unwritten: "unwritten", doubtful: "doubtful", twice: "twice", meanwhile: "meanwhile"}

func playHistory(t *rapid.T, seen map[string]map[string]int) {
	h := &history{T: t, ctx: context.Background(), disk: &disk{}, records: map[string]record{}, claims: map[claimed]store.Claim{}, wins: map[claimed]int{},
		answers: map[string]store.Answer{}, verdicts: map[string]store.Verdict{}, duty: map[string]store.Duty{},
		uncounted: map[store.CallID]bool{}, names: map[store.CallID]string{}, count: seen}
	h.staff()
	h.start()
	h.check("open")
	for range 40 + h.pick(41, "steps") {
		h.step()
	}
	h.rest()
}

// staff makes up a team and a day.
func (h *history) staff() {
	names := []string{"Ann", "Bob", "Cy", "Dee", "Eve"}[:2+h.pick(4, "people")]
	some := func(least int) (out []string) {
		for i, name := range names {
			if len(names)-i <= least-len(out) || h.pick(3, name) > 0 {
				out = append(out, name)
			}
		}
		return out
	}
	for i, name := range names {
		p := store.Person{Name: name, Phone: fmt.Sprintf("+1208555010%d", i)}
		if h.pick(8, "phone") == 7 {
			p.Phone = ""
		}
		h.team.People = append(h.team.People, p)
	}
	h.team.Lookup = h.pick(2, "lookup") == 1
	for i := range 1 + h.pick(2, "lines") {
		l := store.Line{Name: []string{"Sales", "Support"}[i], Number: fmt.Sprintf("+1208555020%d", i), Channel: "C000SALES", People: some(1), Accept: true,
			MaxWait: []time.Duration{2 * time.Minute, time.Hour, 20 * time.Second}[h.pick(3, "max_wait")], RingTimeout: 20 * time.Second}
		if h.pick(4, "hours") == 3 {
			l.Hours = &store.Hours{Location: time.UTC, Spans: []store.Span{{Days: []time.Weekday{time.Monday}, From: 8 * 60, To: 9*60 + 10}}}
		}
		for n := range h.pick(3, "steps of escalation") {
			l.Escalate = append(l.Escalate, store.Step{After: time.Duration(n+1) * 15 * time.Second, People: some(0), Here: h.pick(2, "here") == 1})
		}
		h.team.Lines = append(h.team.Lines, l)
	}
	h.clock = clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) // a Monday
}

// start opens the store as a new process does.
func (h *history) start() {
	h.keys = newMemory(h.disk)
	h.workers = map[store.Kind]store.Worker{}
	var err error
	if h.Store, err = store.Open(h.ctx, h.keys, h.team, h.clock, slog.New(slog.DiscardHandler)); err != nil {
		h.Fatalf("open: %v", err)
	}
	h.keys.fault = h.spoil
}

func (h *history) now() time.Time { return h.clock.Now().UTC().Truncate(time.Millisecond) }

var dice = map[int]*rapid.Generator[int]{}

// pick draws a number below n, small ones more often.
func (h *history) pick(n int, what string) int {
	if n < 2 {
		return 0
	}
	if dice[n] == nil {
		dice[n] = rapid.IntRange(0, n-1)
	}
	return dice[n].Draw(h.T, what)
}

func (h *history) chance(oneIn int, what string) bool { return h.pick(oneIn, what) == oneIn-1 }

func (h *history) say(format string, args ...any) {
	h.trail = append(h.trail, fmt.Sprintf(format, args...))
}

func (h *history) seen(what, one string) {
	if h.count[what] == nil {
		h.count[what] = map[string]int{}
	}
	h.count[what][one]++
}

func (h *history) id(kind string) string {
	h.ids++
	return fmt.Sprintf("%s%04d", kind, h.ids)
}

// spoil is asked before each change what is to become of it.
func (h *history) spoil() fault {
	if h.op == "expire" || strings.HasPrefix(h.op, "do-") { // they change several calls, one after the other
		h.check(h.op)
	}
	if h.nested {
		return fine
	}
	h.updates++
	if h.updates != h.spoilt {
		return fine
	}
	f := h.fault
	h.seen("fault", faultNames[f])
	h.say("  change %d: %s", h.updates, faultNames[f])
	if f != meanwhile {
		return f
	}
	h.check(h.op)
	op := h.op
	h.nested, h.between = true, true
	h.act(h.pick(len(deck), "meanwhile"))
	h.nested, h.op = false, op
	return fine
}

// step is one thing that happens.
func (h *history) step() {
	h.updates, h.spoilt, h.between = 0, 0, false
	if h.chance(6, "fault") {
		h.spoilt, h.fault = 1+h.pick(2, "change"), []fault{unwritten, doubtful, twice, meanwhile}[h.pick(4, "what fault")]
	}
	h.act(h.pick(len(deck), "step"))
	h.finish()
}

// finish compares at the end of a step what only then can be compared.
func (h *history) finish() {
	h.spoilt = 0
	all, err := h.InLine(h.ctx)
	if err != nil {
		h.Errorf("in line: %v", err)
	}
	h.inLine = slices.DeleteFunc(h.inLine, func(s standing) bool { return !s.Until.After(h.now()) })
	var names, want []string
	for _, s := range all {
		names = append(names, s.Person)
	}
	for _, s := range h.inLine {
		want = append(want, s.Person)
	}
	if h.between { // who came first, the model cannot know
		h.inLine = nil
		for _, s := range all {
			h.inLine = append(h.inLine, standing{s.Person, s.After, s.Until})
		}
	} else if !slices.Equal(names, want) {
		h.Errorf("%s: %q stand in line, should be %q", h.op, names, want)
	}
	if h.Failed() {
		h.Fatalf("in this history:\n%s", strings.Join(h.trail, "\n"))
	}
}

// act does one kind of thing and checks what it came to.
func (h *history) act(n int) {
	one := deck[n]
	if h.nested && (one == "restart" || one == "time" || one == "crowd") {
		one = "arrive"
	}
	h.op = one
	steps[one](h)
	h.check(h.op)
	h.seen("step", h.op)
}

// deck is what happens how often.
var deck = func() (all []string) {
	for round := range 12 {
		for _, s := range []struct {
			name  string
			every int
		}{
			{"event", 1}, {"answer", 1}, {"arrive", 3}, {"work", 1}, {"time", 1}, {"event", 1}, {"pull", 3}, {"expire", 3}, {"work", 2}, {"answer", 2},
			{"duty", 6}, {"restart", 6}, {"leave", 12}, {"stand", 12}, {"fallback", 12}, {"crowd", 12}, {"event", 1},
		} {
			if (round+1)%s.every == 0 {
				all = append(all, s.name)
			}
		}
	}
	return all
}()

var steps map[string]func(*history)

func init() { // a step may run another
	steps = map[string]func(*history){
		"arrive": (*history).arrive, "fallback": (*history).fallback, "crowd": (*history).crowded, "answer": (*history).answer, "pull": (*history).pull,
		"stand": (*history).stands, "leave": (*history).leave, "duty": (*history).onOff, "time": (*history).pass, "expire": (*history).expire, "restart": (*history).restart,
		"work": (*history).work, "event": (*history).event,
	}
}

// deliver brings the news of something once, twice, again after an error, or not at all.
func (h *history) deliver(news func() error) {
	err := news()
	switch {
	case err != nil && !errors.Is(err, errFault):
		h.Errorf("%s: %v", h.op, err)
	case err != nil && h.pick(2, "again") == 0, err == nil && h.chance(8, "twice"):
		if err == nil {
			h.seen("fault", "delivered twice")
		}
		h.check(h.op)
		if err := news(); err != nil && !errors.Is(err, errFault) {
			h.Errorf("%s: %v", h.op, err)
		}
	}
}

// insist repeats until it is written.
func (h *history) insist(do func() error) {
	err := do()
	if errors.Is(err, errFault) {
		err = do()
	}
	if err != nil {
		h.Errorf("%s: %v", h.op, err)
	}
}

func (h *history) arrive() {
	h.op = "arrive"
	var a store.Arrival
	if h.chance(6, "the same") && len(h.sids) > 0 {
		a = h.sids[h.pick(len(h.sids), "which")]
	} else {
		a = store.Arrival{SID: h.id("CA"), Line: h.team.Lines[h.pick(len(h.team.Lines), "line")].Number, City: "Boise, ID",
			From: []string{"+12085550901", "+12085550902", ""}[h.pick(3, "from")], Queued: h.chance(10, "queued")}
		h.sids = append(h.sids, a)
	}
	h.say("%s arrives from %q, queued %t", a.SID, a.From, a.Queued)
	h.arrives(a)
}

func (h *history) arrives(a store.Arrival) {
	var full bool
	var c store.Call
	h.insist(func() (err error) {
		c, err = h.Arrive(h.ctx, a)
		full = h.was != nil && h.was.calls[c.ID] == nil && len(h.was.from[a.From]) >= 3 // as it was before
		if err == nil && full {
			h.uncounted[c.ID] = true
		}
		return err
	})
	if full && !c.Short && !a.Queued {
		h.Errorf("%s is the fourth call of its number and waits", h.name(c.ID))
	}
}

func (h *history) crowded() {
	if h.crowds++; h.crowds > 1 || h.chance(2, "a crowd") { // it takes long to play
		h.arrive()
		return
	}
	for range 12 {
		h.arrives(store.Arrival{SID: h.id("CA"), Line: h.team.Lines[0].Number})
		h.op = "arrive"
		h.check(h.op)
	}
	h.say("twelve arrive")
}

func (h *history) fallback() {
	a := store.Arrival{SID: h.id("CA"), Line: h.team.Lines[0].Number, From: "+12085550901"}
	if h.pick(2, "known") == 0 && len(h.sids) > 0 {
		a = h.sids[h.pick(len(h.sids), "which")]
	}
	h.say("%s comes to the fallback", a.SID)
	h.deliver(func() error {
		c, err := h.ArriveAtFallback(h.ctx, a)
		if id, _ := h.CallBySID(h.ctx, a.SID); h.was == nil || h.was.calls[id] == nil {
			h.uncounted[id] = true
		}
		if err == nil && c.State != store.Recording && c.Open() && c.Back == nil {
			h.Errorf("%s came to the fallback and is %s", h.name(c.ID), c.State)
		}
		return err
	})
}

// call picks one, mostly of those that are open.
func (h *history) call() *store.Call {
	if h.was == nil || len(h.was.order) == 0 {
		return nil
	}
	var live, open []store.CallID
	for _, id := range h.was.order {
		switch h.was.calls[id].State {
		case store.Ended:
		case store.Recording:
			open = append(open, id)
		default:
			live, open = append(live, id), append(open, id)
		}
	}
	all := h.was.order
	switch any := h.pick(8, "any call"); {
	case any < 2 && h.lately != "": // much happens to the same
		all = []store.CallID{h.lately}
	case any < 6 && len(live) > 0:
		all = live
	case any < 7 && len(open) > 0:
		all = open
	}
	h.lately = all[h.pick(len(all), "call")]
	return h.was.calls[h.lately]
}

// attempt picks one of a call, mostly the current.
func (h *history) attempt(c *store.Call) int {
	if h.chance(6, "stale") || c.Attempt > 1 && h.chance(4, "an earlier one") {
		return 1 + h.pick(c.Attempt, "attempt")
	}
	return c.Attempt
}

func (h *history) person() string {
	return h.team.People[h.pick(len(h.team.People), "person")].Name
}

func (h *history) answer() {
	c := h.call()
	if c != nil && (!c.Open() || c.State == store.Recording) && h.pick(4, "enough of it") > 0 {
		h.arrive()
		return
	}
	if c == nil {
		return
	}
	var a store.Answer
	again := h.chance(8, "given before") && len(h.given) > 0
	if again {
		a = h.given[h.pick(len(h.given), "which")]
	} else {
		a = store.Answer{ID: h.id("answer"), Call: c.ID, Attempt: h.attempt(c), Person: h.person(), Force: h.chance(6, "force"),
			Via:  []store.Via{store.BySMS, store.BySlack, store.ByPhone}[h.pick(3, "via")],
			Word: []store.Word{store.Take, store.Pass, store.SendVoicemail, store.Forward, store.HandOver}[h.pick(5, "word")], Late: h.chance(8, "late")}
		if who := taker(c); who != "" && h.pick(3, "taker") > 0 {
			a.Person = who
			if c.State == store.Talking && h.pick(3, "hand over") > 0 {
				a.Word = store.HandOver
			}
		}
		switch {
		case a.Via == store.BySlack:
			a.User = "U-" + a.Person
		case a.Via == store.ByPhone && a.Word == store.Take:
			a.Leg = h.id("LEG")
		}
		if a.Word == store.Forward {
			a.To = "+12085550199"
		}
	}
	var v store.Verdict
	h.say("%s says %s to %s at %d by %s, force %t (%s)", a.Person, a.Word, h.name(a.Call), a.Attempt, a.Via, a.Force, a.ID)
	if !again {
		h.answers[a.ID] = a
		h.given = append(h.given, a)
	}
	h.insist(func() (err error) { v, _, err = h.Answer(h.ctx, a); return err })
	h.say("  %s", v.Result)
	if want, known := h.verdicts[a.ID]; known { // else this one came first, while another was under way
		if want.Result != v.Result {
			h.Errorf("%s: the same answer came to %q and then to %q", a.ID, want.Result, v.Result)
		}
		return
	}
	h.verdicts[a.ID] = v
	h.seen("verdict", string(v.Result))
	before := h.was
	if want := h.verdict(before, before.calls[a.Call], a); v.Result != want {
		h.Errorf("%s came to %q, not %q", a.ID, v.Result, want)
	}
	h.check(h.op)
	is := h.was.calls[a.Call]
	switch v.Result {
	case store.Won:
		h.won(a, is)
	case store.Lost, store.Yours:
		if v.First == nil || v.First.Person == "" {
			h.Errorf("%s: %s, and nobody was first", a.ID, v.Result)
		}
	case store.PassOn:
		left := func(name string) bool {
			x, ok := is.TextTo(name)
			return !hasPassed(is, name) && !(ok && x.Status.Lost())
		}
		first := !hasPassed(before.calls[a.Call], a.Person) // who says it again says nothing new
		if first && is.State == store.Waiting && is.Back == nil && !slices.ContainsFunc(is.Told, left) {
			h.Errorf("%s: all have passed, and %s still waits", a.ID, h.name(is.ID))
		}
	case store.HandedOver, store.GivenBack:
		if is.Attempt != a.Attempt+1 && v.Result == store.GivenBack || is.State == before.calls[a.Call].State && is.Attempt == before.calls[a.Call].Attempt {
			h.Errorf("%s: %s did not go on from attempt %d", a.ID, h.name(is.ID), a.Attempt)
		}
		if v.Result == store.HandedOver && (is.Handed == nil || is.Handed.By != a.Person || is.State == store.Waiting && !is.Deadline.Equal(h.now().Add(30*time.Second))) {
			h.Errorf("%s: %s was handed over as %+v, to wait until %s", a.ID, h.name(is.ID), is.Handed, is.Deadline)
		}
		if is.Back == nil && is.Missing != is.Attempt {
			h.Errorf("%s: nobody knows that %s is not on hold", a.ID, h.name(is.ID))
		}
	}
}

// won counts an answer that was told that it won.
func (h *history) won(a store.Answer, c *store.Call) {
	at := claimed{c.ID, a.Attempt}
	h.wins[at]++
	if h.wins[at] > 1 {
		h.Errorf("%s was won twice at attempt %d", h.name(c.ID), a.Attempt)
	}
	if h.claims[at].Answer != a.ID {
		h.Errorf("%s won %s at attempt %d, which has the claim %+v", a.ID, h.name(c.ID), a.Attempt, h.claims[at])
	}
}

func (h *history) pull() {
	a := store.Answer{ID: h.id("pull"), Person: h.person(), Via: []store.Via{store.BySMS, store.BySlack}[h.pick(2, "via")], Force: h.chance(6, "force")}
	again := h.chance(8, "given before") && len(h.pulls) > 0
	if again {
		a = h.pulls[h.pick(len(h.pulls), "which")]
	}
	h.say("%s pulls, force %t (%s)", a.Person, a.Force, a.ID)
	kept := a
	kept.Pull, kept.Word = true, store.Take
	h.answers[a.ID] = kept
	want, which := store.InLine, store.CallID("")
	if p := h.was; p != nil {
		which = h.longest(p, a.Person)
		switch {
		case len(p.callsOf(a.Person, "")) > 0 && !a.Force:
			want = store.OnACall
		case which != "":
			want = store.Won
		}
	}
	var v store.Verdict
	var c store.Call
	h.insist(func() (err error) { v, c, err = h.Pull(h.ctx, a); return err })
	h.say("  %s %s", v.Result, c.ID)
	if again {
		if want := h.verdicts[a.ID]; want.Result != v.Result {
			h.Errorf("%s: the same pull came to %q and then to %q", a.ID, want.Result, v.Result)
		}
		return
	}
	if v.Result == store.InLine {
		h.stand(a.Person, time.Time{})
	}
	h.verdicts[a.ID] = v
	h.pulls = append(h.pulls, a)
	h.seen("pull", string(v.Result))
	h.seen("verdict", string(v.Result))
	h.check(h.op)
	if !h.between && (v.Result != want || want == store.Won && c.ID != which) {
		h.Errorf("%s came to %q of %s, not %q of %s", a.ID, v.Result, h.name(c.ID), want, h.name(which))
	}
	if v.Result == store.Won {
		a.Attempt = v.First.Attempt
		h.won(a, h.was.calls[c.ID])
	}
}

// stands is a place in line, whether or not others wait.
func (h *history) stands() {
	a := store.Answer{ID: h.id("stand"), Person: h.person(), Via: store.ByPhone}
	h.say("%s wants to stand in line", a.Person)
	want := store.InLine
	var v store.Verdict
	h.insist(func() (err error) { v, err = h.Stand(h.ctx, a); return err })
	if len(h.was.callsOf(a.Person, "")) > 0 {
		want = store.OnACall
	}
	if v.Result != want {
		h.Errorf("%s came to %q, not %q", a.ID, v.Result, want)
	}
	if v.Result == store.InLine {
		h.stand(a.Person, h.now())
	}
}

func (h *history) stand(person string, after time.Time) {
	i := slices.IndexFunc(h.inLine, func(s standing) bool { return s.Person == person })
	if h.inLine = slices.Clone(h.inLine); i < 0 {
		i, h.inLine = len(h.inLine), append(h.inLine, standing{Person: person, After: after})
	}
	h.inLine[i].Until = h.now().Add(30 * time.Minute)
	h.check(h.op)
	if h.was.due[store.Deed{Kind: store.Freed, Whom: person}.Key()] == nil {
		h.Errorf("%s stands in line, and nobody looks what has come meanwhile", person)
	}
}

// longest is the call that a pull is to give to a person.
func (h *history) longest(p *picture, person string) (best store.CallID) {
	for _, id := range p.order {
		c := p.calls[id]
		line, _ := h.team.Line(c.Line)
		if c.State != store.Waiting || !line.Serves(person) || hasPassed(c, person) {
			continue
		}
		b := p.calls[best]
		if b == nil || c.Handed != nil && b.Handed == nil || (c.Handed == nil) == (b.Handed == nil) && c.Arrived.Before(b.Arrived) {
			best = id
		}
	}
	return best
}

func (h *history) leave() {
	who := h.person()
	h.say("%s leaves the line", who)
	h.insist(func() error { _, err := h.LeaveLine(h.ctx, who); return err })
	h.leaveLine(who)
}

func (h *history) onOff() {
	if h.chance(6, "all off") {
		for _, p := range h.team.People {
			h.setDuty(p.Name, store.Duty{Off: true, Until: h.now().Add(time.Minute)})
		}
		return
	}
	who, d := h.person(), store.Duty{Off: h.pick(2, "off") == 1}
	if d.Off && h.pick(2, "until") == 1 {
		d.Until = h.now().Add(time.Minute)
	}
	h.setDuty(who, d)
}

func (h *history) setDuty(who string, d store.Duty) {
	h.say("%s: off duty %t until %s", who, d.Off, d.Until.Format(time.TimeOnly))
	h.insist(func() error { return h.SetDuty(h.ctx, who, d) })
	h.duty[who] = d
	if d.Off {
		h.leaveLine(who)
	} else {
		delete(h.duty, who)
		h.check(h.op)
		if h.was.due[store.Deed{Kind: store.Freed, Whom: who}.Key()] == nil {
			h.Errorf("%s is on duty again, and nobody tells them what waits", who)
		}
	}
}

func (h *history) pass() {
	d := []time.Duration{time.Second, 30 * time.Second, 10 * time.Second, 2 * time.Minute, 31 * time.Minute, 11 * time.Minute, 3 * time.Hour, 23 * time.Hour}[h.pick(8, "how long")]
	h.say("%s pass", d)
	h.clock.Advance(d)
	if h.pick(4, "deadlines") > 0 {
		h.expire()
	}
}

func (h *history) expire() {
	h.op = "expire"
	h.say("deadlines, at %s", h.now().Format(time.TimeOnly))
	h.deliver(func() error { return h.Expire(h.ctx) })
}

func (h *history) restart() {
	h.say("restart")
	if err := h.Close(); err != nil {
		h.Errorf("close: %v", err)
	}
	h.start()
}

// event is something that Twilio reports, or that a caller does.
func (h *history) event() {
	c := h.call()
	if c != nil && !c.Open() && h.chance(3, "enough of it") {
		h.arrive()
		return
	}
	if c == nil {
		return
	}
	of := eventsOf[c.State]
	switch {
	case c.Back != nil && (c.State == store.Ringing || c.State == store.Talking):
		of = []string{"backover", "accept", "accept", "hungup", "found"}
	case c.Outcome == store.Missed && c.Claim != nil && c.Claim.Person != "":
		of = []string{"dialed", "ready"}
	}
	if h.chance(5, "any event") {
		of = anyEvents
	}
	name := of[h.pick(len(of), "event")]
	h.op = name
	attempt := h.attempt(c)
	r := store.DialResult{Why: []store.Why{store.NoAnswer, store.Busy, store.Failed}[h.pick(3, "why")]}
	switch h.pick(3, "result") {
	case 0:
		r = store.DialResult{Bridged: true, Seconds: 10 * h.pick(2, "seconds")}
	case 2:
		r.CallerGone = h.chance(3, "gone")
	}
	leg := "LEG0000"
	if c.Claim != nil && c.Claim.Leg != "" {
		leg = c.Claim.Leg
	} else if c.Ring.SID != "" {
		leg = c.Ring.SID
	}
	n := h.pick(5, "variety")
	h.say("%s of %s at %d (%d, %+v)", name, h.name(c.ID), attempt, n, r)
	h.deliver(func() error { return events[name](h, c, attempt, r, leg, n) })
	h.seen("event", name)
}

var anyEvents = slices.Sorted(maps.Keys(events))

var eventsOf = map[store.State][]string{
	store.Waiting:   {"queued", "hungup", "pickedup", "askback", "askback", "texted", "message", "ringover", "retrieved", "leftqueue", "found", "outofqueue", "askabout", "overtaken", "named"},
	store.Ringing:   {"accept", "fetched", "dialed", "accept", "screen", "met", "hungup", "retrieved", "ringover", "found", "backinqueue", "overtaken"},
	store.Talking:   {"dialed", "hungup", "dialed", "found", "queued"},
	store.Recording: {"fetched", "ready", "recorded", "nothing", "hungup", "found", "retrieved", "overtaken"},
	store.Ended:     {"dialed", "ready", "recorded", "hungup", "texted", "found"},
}

var events = map[string]func(h *history, c *store.Call, attempt int, r store.DialResult, leg string, n int) error{
	"queued": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.Queued(h.ctx, c.ID, at, "QU1")
		return err
	},
	"fetched": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.Fetched(h.ctx, c.ID, at)
		return err
	},
	"accept": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		joined, is, err := h.Accept(h.ctx, c.ID, at)
		if err == nil && joined != (is.State == store.Talking && is.Attempt == at) {
			h.Errorf("joined %t, and %s is %s", joined, h.name(c.ID), is.State)
		}
		return err
	},
	"screen": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, n int) error {
		return h.Screen(h.ctx, c.ID, at, []store.Why{store.Declined, store.NotAccepted}[n%2])
	},
	"dialed": func(h *history, c *store.Call, at int, r store.DialResult, _ string, _ int) error {
		is, err := h.Dialed(h.ctx, c.ID, at, r)
		if was := h.was.calls[c.ID]; err == nil && was.Outcome == store.Missed && was.Attempt == at && was.Claim != nil && r.Bridged {
			if want := map[store.Word]store.Outcome{store.Take: store.Talked, store.Forward: store.Forwarded}[was.Claim.Word]; want != "" && is.Outcome != want {
				h.Errorf("%s was on the phone with somebody, and ended %s", h.name(c.ID), is.Outcome)
			}
		}
		return err
	},
	"hungup": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.HungUp(h.ctx, c.ID)
		return err
	},
	"leftqueue": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.LeftQueue(h.ctx, c.ID, at)
		return err
	},
	"recorded": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		_, err := h.Recorded(h.ctx, c.ID, n)
		return err
	},
	"ready": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		_, err := h.RecordingReady(h.ctx, c.ID, fmt.Sprintf("RE%s%d", c.SID, n%2), 1+n)
		return err
	},
	"nothing": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.NothingRecorded(h.ctx, c.ID)
		return err
	},
	"found": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		_, err := h.Found(h.ctx, c.ID, h.facts(c, n))
		return err
	},
	"named": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		return h.Named(h.ctx, c.ID, []string{"", "Zoe"}[n%2])
	},
	"texted": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		x := store.SMSText{Person: h.team.People[0].Name, Attempt: c.Attempt, SID: "SM0000"}
		if len(c.Texts) > 0 {
			x = c.Texts[n%len(c.Texts)]
		}
		x.Status = []store.TextStatus{store.TextDelivered, store.TextUndelivered, store.TextSent, store.TextFailed, store.TextQueued}[n]
		return h.Texted(h.ctx, c.ID, x)
	},
	"pickedup": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.PickedUp(h.ctx, c.ID, at, c.Ring.Turn, cmp.Or(c.Ring.SID, "LEG"+c.SID))
		return err
	},
	"ringover": func(h *history, c *store.Call, at int, _ store.DialResult, leg string, n int) error {
		_, err := h.RingOver(h.ctx, c.ID, at, c.Ring.Turn, leg, n/4*21211)
		return err
	},
	"met": func(h *history, c *store.Call, at int, _ store.DialResult, leg string, _ int) error {
		_, err := h.Met(h.ctx, c.ID, at, leg)
		return err
	},
	"askback": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, _, err := h.AskBack(h.ctx, c.ID, at)
		return err
	},
	"message": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, _, err := h.LeaveMessage(h.ctx, c.ID, at)
		return err
	},
	"retrieved": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.Retrieved(h.ctx, c.ID, at)
		return err
	},
	"backover": func(h *history, c *store.Call, at int, r store.DialResult, _ string, _ int) error {
		_, err := h.CallBackOver(h.ctx, c.ID, at, r)
		return err
	},
	"backinqueue": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.BackInQueue(h.ctx, c.ID)
		return err
	},
	"outofqueue": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.OutOfQueue(h.ctx, c.ID, at)
		return err
	},
	"askabout": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.AskAbout(h.ctx, c.ID)
		return err
	},
	"overtaken": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, n int) error {
		if n < 2 { // it takes a store that was put back
			return nil
		}
		return h.Overtaken(h.ctx, c.ID, at)
	},
}

// facts is what Twilio may say of a call that is over.
func (h *history) facts(c *store.Call, n int) store.Facts {
	f := store.Facts{Ended: h.now(), Unsettled: n == 2}
	if n == 3 {
		f.Voice = []store.Voice{{SID: "RE" + c.SID + "0", Seconds: 7}}
	}
	return f
}

// work does some of what is due, in any order.
func (h *history) work() {
	for range 1 + h.pick(4, "deeds") {
		due := h.dueNow()
		if len(due) == 0 {
			return
		}
		h.deed(due[h.pick(len(due), "deed")])
		h.check(h.op)
	}
}

func (h *history) dueNow() (due []store.Deed) {
	if h.was == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(h.was.due)) {
		if d := h.was.due[key]; !d.Due.After(h.now()) {
			due = append(due, *d)
		}
	}
	return due
}

var errOutside = errors.New("no answer")

// deed does one, as its worker does.
func (h *history) deed(d store.Deed) {
	fails, n := 0, 0
	if !h.quiet {
		fails, n = h.pick(8, "fails"), h.pick(5, "variety")
	}
	h.op = "do-" + string(d.Kind)
	w, known := h.workers[d.Kind]
	if !known {
		i := slices.IndexFunc(h.Rules(), func(w store.Work) bool { return w.Kind == d.Kind })
		work := store.Work{Kind: d.Kind, Longest: time.Second}
		if i >= 0 {
			work.Do = h.Rules()[i].Do
		} else {
			work.Do = func(_ context.Context, d store.Deed) (func(*store.Call) bool, error) { return h.todo(d) }
		}
		w = h.Worker(work)
		h.workers[d.Kind] = w
	}
	h.say("%s %s %s at %d (%d, %d)", h.op, h.name(d.Call), d.Whom, d.Attempt, fails, n)
	h.doing = doing{n: n, fails: fails}
	w.Do(h.ctx, d)
	h.seen("deed", string(d.Kind))
	if d.Kind == store.Freed {
		h.check(h.op)
		h.toldFreed(d.Whom)
	}
}

// toldFreed checks that who can take calls again knows of those that wait, or has one.
func (h *history) toldFreed(person string) {
	if h.between || h.updates >= h.spoilt && h.spoilt > 0 {
		return
	}
	for _, id := range h.was.order {
		c := h.was.calls[id]
		if c.State != store.Waiting {
			continue
		}
		if slices.Contains(h.callees(h.was, c), person) && !slices.Contains(c.Told, person) {
			h.Errorf("%s can take calls again, and was not told of %s", person, h.name(id))
		}
		line, _ := h.team.Line(c.Line)
		if first := h.nextInLine(h.was, c); first == person && line.Serves(person) {
			i := slices.IndexFunc(h.inLine, func(s standing) bool { return s.Person == person })
			if c.Began().After(h.inLine[i].After) {
				h.Errorf("%s stands in line and can take calls again, and %s waits", person, h.name(id))
			}
		}
	}
}

// doing is how the deed goes that is being done.
type doing struct{ n, fails int }

// todo is the work on a deed: what packages voice and bot make of it.
func (h *history) todo(d store.Deed) (after func(*store.Call) bool, err error) {
	switch h.doing.fails {
	case 5:
		return nil, &store.Later{After: time.Second, Err: errOutside}
	case 6:
		return nil, errOutside
	}
	after, err = h.outside(d)
	if err == nil && h.doing.fails == 7 {
		return nil, errOutside // it is done all the same
	}
	return after, err
}

func (h *history) outside(d store.Deed) (after func(*store.Call) bool, err error) {
	if d.Call == "" {
		return nil, nil
	}
	c, err := h.Call(h.ctx, d.Call)
	if err != nil {
		return nil, err
	}
	n := h.doing.n
	switch d.Kind {
	case store.Redirect:
		if c.Attempt == d.Attempt && (c.State == store.Ringing || c.State == store.Recording) && c.Fetched != c.Attempt && c.Missing == c.Attempt {
			return nil, &store.Later{After: time.Second}
		}
	case store.Ask:
		return nil, h.ask(c, n)
	case store.Lookup:
		return nil, h.Named(h.ctx, c.ID, []string{"Zoe", ""}[n%2])
	case store.Text:
		x := store.SMSText{Person: d.Whom, Attempt: d.Attempt, SID: h.id("SM"), Status: store.TextQueued}
		if n == 4 {
			x.SID, x.Status, x.Code, x.Never = "", store.TextFailed, 21610, true
		}
		if c.State == store.Waiting && c.Attempt == d.Attempt {
			return func(c *store.Call) bool { return c.Texted(x) }, nil
		}
	case store.Draw:
		if c.Message.TS == "" || c.Message.Rev < c.Rev {
			at := store.Message{Channel: "C000SALES", TS: cmp.Or(c.Message.TS, h.id("ts")), Rev: c.Rev}
			return func(c *store.Call) bool { c.Message = at; return false }, nil
		}
	case store.Post:
		return func(c *store.Call) bool {
			for i := range c.Voice {
				if c.Voice[i].SID == d.Whom {
					c.Voice[i].Message = store.Message{Channel: "C000SALES", TS: "ts"}
				}
			}
			return false
		}, nil
	case store.RingUp:
		turn := int(d.Rev)
		switch wait := c.Ring.At.Sub(h.now()); {
		case c.State != store.Waiting || c.Attempt != d.Attempt || c.Ring.Turn != turn || c.Ring.At.IsZero():
			return nil, nil
		case wait > 0:
			return nil, &store.Later{After: wait}
		case c.Ring.SID != "" || n == 4:
			_, err := h.RingOver(h.ctx, c.ID, c.Attempt, turn, c.Ring.SID, 0)
			return nil, err
		}
		leg, until := h.id("LEG"), h.now().Add(80*time.Second)
		return func(c *store.Call) bool { return c.Rung(d.Attempt, turn, leg, until) }, nil
	case store.CallOut:
		if c.State == store.Ringing && c.Attempt == d.Attempt {
			leg := h.id("LEG")
			return func(c *store.Call) bool { c.CalledOut(d.Attempt, leg); return false }, nil
		}
	case store.Retrieve:
		if n == 0 {
			_, err := h.Retrieved(h.ctx, c.ID, d.Attempt)
			return nil, err
		}
	}
	return nil, nil
}

// ask is what Twilio says of a call when it is asked. In the end callers have hung up.
func (h *history) ask(c store.Call, n int) error {
	var err error
	switch {
	case !c.Open():
	case c.Back != nil:
		if (h.quiet || n > 1) && c.State != store.Waiting {
			_, err = h.CallBackOver(h.ctx, c.ID, c.Attempt, store.DialResult{Bridged: n == 4, Why: store.NoAnswer})
		}
	case c.State == store.Waiting:
		switch {
		case n == 3:
			_, err = h.Found(h.ctx, c.ID, h.facts(&c, 0))
		case n == 4:
			_, err = h.OutOfQueue(h.ctx, c.ID, c.Attempt)
		}
	case h.quiet, n > 1:
		if c.State == store.Ringing && n == 4 {
			_, err = h.BackInQueue(h.ctx, c.ID)
			break
		}
		_, err = h.Found(h.ctx, c.ID, h.facts(&c, n))
	}
	return err
}

// rest lets time pass, in which nobody does anything any more and what is due is done: every call ends by itself, those
// who wait to be called back within a day.
func (h *history) rest() {
	h.quiet, h.spoilt = true, 0
	h.say("nobody does anything any more")
	began := h.now()
	for h.now().Sub(began) < 25*time.Hour {
		h.expire()
		h.check(h.op)
		for tries := 0; ; tries++ {
			due := h.dueNow()
			if len(due) == 0 {
				break
			}
			if tries > 500 {
				h.Fatalf("there is no end to what is due: %+v\n%s", due, strings.Join(h.trail, "\n"))
			}
			left := len(h.was.keys)
			for _, d := range due {
				h.deed(d)
				h.check(h.op)
			}
			if len(h.was.keys) == left && slices.EqualFunc(due, h.dueNow(), func(a, b store.Deed) bool { return a.Key() == b.Key() }) {
				break // they can only be done later
			}
		}
		h.finish()
		if len(h.was.at) == 0 && len(h.dueNow()) == 0 {
			break
		}
		h.clock.Advance(h.untilNext())
	}
	outcome := map[string]store.Outcome{}
	for r, err := range h.History(h.ctx, time.Time{}) {
		if err != nil || outcome[r.CallSID] != "" || outcomes[r.Outcome] == "" {
			h.Errorf("history: %+v, %v", r, err)
		}
		outcome[r.CallSID] = r.Outcome
	}
	for _, id := range h.was.order {
		if c := h.was.calls[id]; c.Open() || outcome[c.SID] != c.Outcome {
			h.Errorf("%s is still %s, at attempt %d, until %s", h.name(id), c.State, c.Attempt, c.Deadline)
		}
	}
	for key, d := range h.was.due {
		if !d.Due.After(h.now()) {
			h.Errorf("never done: %s", key)
		}
	}
	if h.Failed() {
		h.Fatalf("in this history:\n%s", strings.Join(h.trail, "\n"))
	}
}

// untilNext is how long it is until something is due.
func (h *history) untilNext() time.Duration {
	next := time.Hour
	for _, id := range h.was.order {
		if c := h.was.calls[id]; c.Open() {
			next = min(next, c.Deadline.Sub(h.now()))
		}
	}
	for _, d := range h.was.due {
		if d.Due.After(h.now()) {
			next = min(next, d.Due.Sub(h.now()))
		}
	}
	return max(next, time.Second)
}
