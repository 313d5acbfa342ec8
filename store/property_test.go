package store_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
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

// TestPicture compares the picture of the states in the README with the moves that TestHistories allows.
func TestPicture(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn, allowed := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ +(\S+) --> (\S+): .+$`).FindAllStringSubmatch(string(readme), -1) {
		drawn[strings.Replace(m[1], "[*]", "", 1)+">"+m[2]] = true
	}
	for move := range moves {
		from, to, _ := strings.Cut(move[:len(move)-1], ">")
		if strings.HasSuffix(move, "+") { // it waits in between, were it for no time at all
			allowed[from+">waiting"] = true
			from = "waiting"
		}
		if from != to {
			allowed[from+">"+to] = true
		}
	}
	if !maps.Equal(drawn, allowed) {
		t.Errorf("the README draws %v, allowed are %v", slices.Sorted(maps.Keys(drawn)), slices.Sorted(maps.Keys(allowed)))
	}
}

// mustSee is what so many histories cannot do without.
var mustSee = map[int]map[string]string{
	300: {
		"verdict": "won, yours, lost, toolate, pass, onacall, givenback, handedover, nottalking, onlytake, inline",
		"outcome": "talked, voicemail, missed, forwarded, called_back, tried, late voicemail",
		"via":     "slack, sms, phone, line, rule",
		"rule":    "hours, passed, max_wait, caller, escalated, listed",
		"fault":   "unwritten, doubtful, twice, meanwhile, delivered twice, dies, dies later",
		"process": "taken over, out of reach, back, out of reach meanwhile",
		"deed":    "redirect, ask, lookup, sms, draw, post, tell, list, ring, hangup, callout, retrieve, escalate, mention, freed",
	},
	3000: {
		"verdict": "stale",
		"outcome": "late talked, late forwarded",
		"rule":    "duty, handover",
		"move":    strings.Join(slices.Collect(maps.Keys(moves)), ", "),
	},
}

// history is one of them.
type history struct {
	*rapid.T
	*process // that acts
	ctx      context.Context
	team     store.Team
	clock    *clockwork.FakeClock
	disk     *disk
	living   []*process
	dead     []*process // whose keys still stand
	quiet    bool       // nobody does anything any more, and nothing is lost

	// The model.
	was                  *picture // at the last check
	records              map[string]record
	done                 map[string]bool // deeds, by key
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

var faultNames = map[fault]string{unwritten: "unwritten", doubtful: "doubtful", twice: "twice", meanwhile: "meanwhile", dies: "dies", diesLater: "dies later"}

func playHistory(t *rapid.T, seen map[string]map[string]int) {
	h := &history{T: t, ctx: context.Background(), disk: &disk{}, records: map[string]record{}, done: map[string]bool{}, claims: map[claimed]store.Claim{}, wins: map[claimed]int{},
		answers: map[string]store.Answer{}, verdicts: map[string]store.Verdict{}, duty: map[string]store.Duty{},
		uncounted: map[store.CallID]bool{}, names: map[store.CallID]string{}, count: seen}
	h.staff()
	h.start()
	h.check("open")
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
func (h *history) spoil(by *process) fault {
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
	switch f {
	case dies, diesLater:
		h.bury(by)
		fallthrough
	case unwritten, doubtful, twice:
		return f
	}
	h.check(h.op)
	op := h.op
	p := h.process
	h.nested, h.between = true, true
	if strings.HasPrefix(op, "do-") && h.chance(3, "out of reach") && !p.lost {
		h.lose()
	} else {
		h.act(h.pick(len(deck), "meanwhile"))
	}
	h.nested, h.op, h.process = false, op, p
	return fine
}

// step is one thing that happens.
func (h *history) step() {
	h.updates, h.spoilt, h.between = 0, 0, false
	if h.chance(6, "fault") {
		h.spoilt, h.fault = 1+h.pick(2, "change"), []fault{unwritten, doubtful, twice, meanwhile, meanwhile, dies, diesLater}[h.pick(7, "what fault")]
	}
	h.act(h.pick(len(deck), "step"))
	h.finish()
}

// finish compares at the end of a step what only then can be compared.
func (h *history) finish() {
	h.spoilt = 0
	h.anybody()
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
	h.anybody()
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
			{"duty", 6}, {"restart", 6}, {"die", 6}, {"lose", 6}, {"leave", 12}, {"stand", 12}, {"fallback", 12}, {"crowd", 12}, {"event", 1},
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
		"work": (*history).work, "event": (*history).event, "die": (*history).die, "lose": (*history).lose,
	}
}

// rest lets time pass, in which nobody does anything any more and what is due is done: every call ends by itself, those
// who wait to be called back within a day.
func (h *history) rest() {
	h.quiet, h.spoilt = true, 0
	h.say("nobody does anything any more")
	h.mend()
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
		h.advance(h.untilNext())
	}
	records := map[string]store.Record{}
	for r, err := range h.History(h.ctx, time.Time{}) {
		if err != nil || records[r.CallSID].Outcome != "" || outcomes[r.Outcome] == "" {
			h.Errorf("history: %+v, %v", r, err)
		}
		records[r.CallSID] = r
	}
	for _, id := range h.was.order {
		c := h.was.calls[id]
		r := records[c.SID]
		if c.Open() || r.Outcome != c.Outcome {
			h.Errorf("%s is still %s, at attempt %d, until %s", h.name(id), c.State, c.Attempt, c.Deadline)
		}
		if time.Duration(r.WaitedSeconds)*time.Second > c.Stopped.Sub(c.WaitBegan()) || r.TalkedSeconds < c.Seconds || c.Handed != nil && r.TalkedSeconds != c.Seconds+c.Handed.Seconds {
			h.Errorf("%s waited from %s, handed over as %+v, and talked for %d s: %+v", h.name(id), c.WaitBegan(), c.Handed, c.Seconds, r)
		}
		if r.Outcome == store.Talked && c.GaveUp() && (r.AnsweredBy != c.Handed.By || r.Via == "") {
			h.Errorf("%s was handed over as %+v, and gave up: %+v", h.name(id), c.Handed, r)
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
