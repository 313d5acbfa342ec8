package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pullphone/store"
)

// moves is the picture of the states: from which to which a call may go, at the same attempt (=) or with the next (+),
// and what may take it there. What begins with "do" is a deed.
var moves = map[string]string{
	">waiting=":   "arrive",
	">ringing=":   "arrive", // for somebody who stood in line
	">recording=": "arrive fallback",

	"waiting>ringing=":   "answer pull expire do-freed texted do-sms",
	"waiting>recording=": "answer leftqueue fallback expire message outofqueue do-ask texted do-sms", // whose text is lost cannot answer
	"waiting>talking=":   "overtaken",
	"waiting>ended=":     "hungup found expire do-ask",

	"ringing>talking=":   "accept overtaken",
	"ringing>waiting+":   "dialed backover answer backinqueue ringover do-ask expire",
	"ringing>ringing+":   "dialed backover answer backinqueue ringover do-ask expire",
	"ringing>recording+": "dialed backover answer backinqueue ringover do-ask",
	"ringing>recording=": "fallback",
	"ringing>ended=":     "hungup found dialed backover do-ask",

	"talking>waiting+":   "answer dialed backover do-ask",
	"talking>ringing+":   "answer dialed backover do-ask",
	"talking>recording+": "answer dialed backover do-ask",
	"talking>ended=":     "dialed hungup found fallback backover do-ask",

	"recording>talking=": "overtaken",
	"recording>ended=":   "recorded ready nothing found do-ask",
}

// outcomes are those of the contract, and the states from which each is reached.
var outcomes = map[store.Outcome]string{
	store.Talked: "talking ringing waiting recording", store.Voicemail: "recording waiting ringing talking", store.Missed: "waiting ringing recording talking",
	store.Forwarded: "talking ringing", store.CalledBack: "talking ringing", store.Tried: "talking waiting",
}

// picture is all that the store holds, read from its keys.
type picture struct {
	keys  pairs
	calls map[store.CallID]*store.Call
	order []store.CallID // of arrival
	at    []string
	busy  map[string][]store.CallID
	waits map[string]int
	from  map[string][]store.CallID
	codes map[string]map[int]codeUse
	due   map[string]*store.Deed
}

type codeUse struct {
	Call    store.CallID
	Attempt int
	Freed   time.Time
}

type record struct {
	raw   []byte
	value any
}

func read[T any](h *history, p pair) *T {
	if r, ok := h.records[p.key]; ok && len(r.raw) > 0 && len(p.value) > 0 && &r.raw[0] == &p.value[0] {
		return r.value.(*T)
	}
	v := new(T)
	if err := json.Unmarshal(p.value, v); err != nil {
		h.Errorf("%s: %v", p.key, err)
	}
	h.records[p.key] = record{p.value, v}
	return v
}

// look reads the whole store.
func (h *history) look() *picture {
	p := &picture{keys: h.keys.picture(), calls: map[store.CallID]*store.Call{}, busy: map[string][]store.CallID{}, waits: map[string]int{},
		from: map[string][]store.CallID{}, codes: map[string]map[int]codeUse{}, due: map[string]*store.Deed{}}
	for _, kv := range p.keys {
		kind, rest, _ := strings.Cut(kv.key, "/")
		switch kind {
		case "open", "done":
			c := read[store.Call](h, kv)
			if p.calls[c.ID] != nil || kv.key != kind+"/"+string(c.ID) || (kind == "open") != c.Open() {
				h.Errorf("%s holds a call that is %s, or that is there twice", kv.key, c.State)
			}
			p.calls[c.ID] = c
			p.order = append(p.order, c.ID)
		case "at":
			p.at = append(p.at, kv.key)
		case "busy":
			p.busy[rest] = *read[[]store.CallID](h, kv)
		case "waits":
			p.waits[rest] = read[struct{ Waiting int }](h, kv).Waiting
		case "from":
			p.from[rest] = *read[[]store.CallID](h, kv)
		case "line":
			p.codes[rest] = *read[map[int]codeUse](h, kv)
		case "due":
			p.due[kv.key] = read[store.Deed](h, kv)
		}
	}
	slices.Sort(p.order)
	return p
}

// taker is whose phone rings for a call, or who talks.
func taker(c *store.Call) string {
	if c == nil || c.Claim == nil || c.Claim.Word != store.Take || c.State != store.Ringing && c.State != store.Talking {
		return ""
	}
	return c.Claim.Person
}

// calls lists those that a person rings for or talks in, but for one.
func (p *picture) callsOf(person string, but store.CallID) (has []store.CallID) {
	for _, id := range p.order {
		if id != but && taker(p.calls[id]) == person {
			has = append(has, id)
		}
	}
	return has
}

func hasPassed(c *store.Call, person string) bool {
	return slices.ContainsFunc(c.Passed, func(p store.Claim) bool { return p.Person == person })
}

// free reports whether a person could be put through to a call.
func (h *history) free(p *picture, person string, c *store.Call) bool {
	who, _ := h.team.Person(person)
	return who.Phone != "" && len(p.callsOf(person, c.ID)) == 0 && !hasPassed(c, person)
}

func (h *history) off(person string) bool {
	d, ok := h.duty[person]
	return ok && (d.Until.IsZero() || d.Until.After(h.now()))
}

// concerned are the people of a call's line, and of the steps that were taken.
func (h *history) concerned(c *store.Call) []string {
	line, _ := h.team.Line(c.Line)
	all := slices.Clone(line.People)
	for _, s := range line.Escalate[:c.Steps] {
		for _, name := range s.People {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// left are those who may yet take a call of which some want nothing: of who was told of it; where nobody was, of all who
// can be told at some time.
func (h *history) left(c *store.Call) (names []string) {
	people := c.Told
	if len(people) == 0 {
		people = slices.DeleteFunc(h.concerned(c), func(name string) bool {
			p, _ := h.team.Person(name)
			return p.Phone == ""
		})
	}
	rung := c.Ring.Person != "" && (c.Ring.SID != "" || c.Ring.Turn > 1)
	for _, name := range people {
		if x, ok := c.TextTo(name); !hasPassed(c, name) && (rung || !(ok && x.Status.Lost())) {
			names = append(names, name)
		}
	}
	return names
}

// callees are those who are to be told of a call that begins to wait.
func (h *history) callees(p *picture, c *store.Call) []string {
	all := h.concerned(c)
	last, at := "", time.Time{}
	if n := len(c.Tries); n > 0 {
		if at = c.Tries[n-1].At; c.Tries[n-1].Word != store.Forward {
			last = c.Tries[n-1].Person
		}
	}
	if c.Handed != nil && c.Handed.At.After(at) {
		last = c.Handed.By
	}
	var out []string
	lastToo := false
	for _, name := range all {
		switch {
		case !h.free(p, name, c), h.off(name):
		case name == last:
			lastToo = true
		default:
			out = append(out, name)
		}
	}
	if len(out) == 0 && lastToo {
		out = []string{last}
	}
	return out
}

// nextInLine is who is to be given a call that begins to wait: it is their wish, though they be off duty.
func (h *history) nextInLine(p *picture, c *store.Call) string {
	line, _ := h.team.Line(c.Line)
	for _, s := range h.inLine {
		if s.Until.After(h.now()) && line.Serves(s.Person) && h.free(p, s.Person, c) && (c.Handed == nil || c.Handed.By != s.Person) {
			return s.Person
		}
	}
	return ""
}

// verdict is what an answer to a call that is so must come to.
func (h *history) verdict(p *picture, c *store.Call, a store.Answer) store.Result {
	rings := c.State == store.Ringing && a.Attempt == c.Attempt && taker(c) == a.Person && c.Claim.Via != store.ByPhone
	givesBack := rings && (a.Word == store.HandOver || a.Word == store.Pass && a.Via != store.ByPhone || a.Word == store.SendVoicemail && a.Via == store.BySMS)
	switch {
	case a.Word == store.HandOver && c.State == store.Talking && taker(c) == a.Person && c.Back == nil:
		if a.Attempt != c.Attempt {
			return store.Stale
		}
		return store.HandedOver
	case givesBack:
		return store.GivenBack
	case a.Word == store.HandOver:
		return store.NotTalking
	case c.State == store.Waiting && a.Attempt != c.Attempt:
		return store.Stale
	case c.State == store.Waiting && a.Word == store.Pass:
		return store.PassOn
	case c.State == store.Waiting && c.Back != nil && a.Word != store.Take:
		return store.OnlyTake
	case c.State == store.Waiting && a.Word == store.Take && !a.Force && len(p.callsOf(a.Person, "")) > 0:
		return store.OnACall
	case c.State == store.Waiting:
		return store.Won
	case c.Claim == nil || c.Claim.Person == "":
		return store.TooLate
	case c.Claim.Person == a.Person && c.Claim.Word == a.Word:
		return store.Yours
	}
	return store.Lost
}

// claimed is who has a call at an attempt.
type claimed struct {
	call    store.CallID
	attempt int
}

// check compares what the store holds with what it held before a step, and with what always holds.
func (h *history) check(op string) {
	was := h.was
	if keys := h.keys.picture(); was != nil && len(was.keys) == len(keys) && &was.keys[0] == &keys[0] {
		return
	}
	is := h.look()
	h.was, h.inLineBefore = is, h.inLine
	var at []string
	codes := map[string]store.CallID{}
	busy := map[string][]store.CallID{}
	waits := map[string]int{}
	from := map[string][]store.CallID{}
	for _, id := range is.order {
		c := is.calls[id]
		old := &store.Call{}
		if was != nil && was.calls[id] != nil {
			old = was.calls[id]
		}
		if old != c {
			h.moved(op, is, old, c)
		}
		if c.Message.Rev < c.Rev {
			if d := is.due[store.Deed{Kind: store.Draw, Call: id}.Key()]; d == nil || d.Rev != c.Rev {
				h.Errorf("%s: %s is at revision %d, its message at %d, and what is to be drawn is %+v", op, h.name(id), c.Rev, c.Message.Rev, d)
			}
		}
		for _, v := range c.Voice {
			if v.Message.TS == "" && is.due[store.Deed{Kind: store.Post, Call: id, Whom: v.SID}.Key()] == nil {
				h.Errorf("%s: nobody posts %s of %s", op, v.SID, h.name(id))
			}
		}
		if !c.Open() {
			if c.Outcome == "" || outcomes[c.Outcome] == "" || c.Stopped.IsZero() || !c.Deadline.IsZero() || c.Code != 0 {
				h.Errorf("%s: %s has ended with outcome %q, stopped %s, deadline %s, code %d", op, h.name(id), c.Outcome, c.Stopped, c.Deadline, c.Code)
			}
			continue
		}
		if c.Deadline.IsZero() || c.Outcome != "" {
			h.Errorf("%s: %s is %s without a deadline, or with the outcome %q", op, h.name(id), c.State, c.Outcome)
		}
		if c.Back != nil && c.Back.Tries > 1 {
			h.Errorf("%s: %s was not reached %d times, and is tried again", op, h.name(id), c.Back.Tries)
		}
		if latest := h.latest(c); c.Deadline.After(latest) {
			h.Errorf("%s: %s is %s until %s, %s too long", op, h.name(id), c.State, c.Deadline, c.Deadline.Sub(latest))
		}
		at = append(at, "at/"+c.Deadline.UTC().Format("20060102T150405.000")+"/"+string(id))
		if (c.State == store.Waiting) != (c.Claim == nil) {
			h.Errorf("%s: %s is %s with the claim %+v", op, h.name(id), c.State, c.Claim)
		}
		if c.Code != 0 {
			key := c.Line + "/" + strconv.Itoa(c.Code)
			if codes[key] != "" {
				h.Errorf("%s: %s and %s have the code %s", op, h.name(id), h.name(codes[key]), key)
			}
			codes[key] = id
			if use := is.codes[c.Line][c.Code]; use.Call != id || !use.Freed.IsZero() {
				h.Errorf("%s: the code %s of %s is known as that of %+v", op, key, h.name(id), use)
			}
		}
		if who := taker(c); who != "" {
			busy[who] = append(busy[who], id)
		}
		if c.State == store.Waiting {
			if ring := is.due[store.Deed{Kind: store.RingUp, Call: id, Attempt: c.Attempt}.Key()]; ring != nil && c.Back != nil && !c.Ring.Up {
				h.Errorf("%s: phones ring for %s, who waits to be called back", op, h.name(id))
			}
			if c.Back == nil {
				waits[c.Line]++
			}
			if c.Code == 0 {
				h.Errorf("%s: %s waits without a code", op, h.name(id))
			}
		}
		if c.From != "" && !h.uncounted[id] {
			from[c.From] = append(from[c.From], id)
		}
	}
	slices.Sort(at)
	if !slices.Equal(at, is.at) {
		h.Errorf("%s: the deadlines are\n%q\nand stand as\n%q", op, at, is.at)
	}
	same(h, op, "who has which call", busy, is.busy)
	same(h, op, "which calls a number has", from, is.from)
	for line, n := range is.waits {
		if waits[line] != n {
			h.Errorf("%s: %d wait on %s, counted are %d", op, waits[line], line, n)
		}
		delete(waits, line)
	}
	for line, n := range waits {
		h.Errorf("%s: %d wait on %s, none are counted", op, n, line)
	}
	if was == nil {
		return
	}
	for id := range was.calls {
		if is.calls[id] == nil {
			h.Errorf("%s: %s is gone", op, h.name(id))
		}
	}
	for person := range was.busy {
		if len(is.busy[person]) == 0 && is.due[store.Deed{Kind: store.Freed, Whom: person}.Key()] == nil {
			h.Errorf("%s: %s is free again, and nobody tells them what waits", op, person)
		}
	}
	for line, codes := range was.codes {
		for code, use := range codes {
			if now, ok := is.codes[line][code]; use.Freed.IsZero() || ok && now == use || len(codes) > 50 {
				continue
			}
			if h.now().Sub(use.Freed) < 10*time.Minute {
				h.Errorf("%s: the code %d of %s does not rest", op, code, line)
			}
		}
	}
}

func same(h *history, op, what string, want, got map[string][]store.CallID) {
	for key, ids := range got {
		a, b := slices.Clone(want[key]), slices.Clone(ids)
		slices.Sort(a)
		slices.Sort(b)
		if len(b) == 0 || !slices.Equal(a, b) {
			h.Errorf("%s: %s: %s has %q, known are %q", op, what, key, a, b)
		}
	}
	for key := range want {
		if got[key] == nil {
			h.Errorf("%s: %s: %s has %q, known is none", op, what, key, want[key])
		}
	}
}

// latest is how long a call may stay at most where it is.
func (h *history) latest(c *store.Call) time.Time {
	line, _ := h.team.Line(c.Line)
	now := h.now()
	switch {
	case c.State == store.Talking:
		return now.Add(10 * time.Minute)
	case c.State == store.Recording:
		return now.Add(6 * time.Minute)
	case c.State == store.Ringing:
		return now.Add(line.RingTimeout + 75*time.Second)
	case c.Back != nil:
		return c.Back.At.Add(24 * time.Hour)
	case c.Handed != nil:
		return c.Handed.At.Add(max(30*time.Second, line.MaxWait))
	}
	return c.Arrived.Add(line.MaxWait)
}

// moved checks one call that a step has changed.
func (h *history) moved(op string, p *picture, was, is *store.Call) {
	who := h.name(is.ID)
	next := is.Attempt != was.Attempt && was.State != ""
	if was.State != is.State || next {
		step := "="
		if next {
			step = "+"
		}
		move := string(was.State) + ">" + string(is.State) + step
		mended := op == "dialed" && was.Claim != nil && was.Claim.Person == "" // the attempt is only known now
		if !slices.Contains(strings.Fields(moves[move]), op) && !(mended && strings.Contains(moves[move[:len(move)-1]+"="], op)) {
			h.Errorf("%s: %s went %s", op, who, move)
		}
		if is.Attempt != was.Attempt+1 && next && !mended || is.Attempt < was.Attempt {
			h.Errorf("%s: the attempt of %s went from %d to %d", op, who, was.Attempt, is.Attempt)
		}
		h.seen("move", move)
	}
	if !is.Open() && was.Open() {
		h.seen("outcome", string(is.Outcome))
		if was.State != "" && !strings.Contains(outcomes[is.Outcome], string(was.State)) {
			h.Errorf("%s: %s was %s and ended %s", op, who, was.State, is.Outcome)
		}
		spoke := is.Outcome == store.Talked || is.Outcome == store.Forwarded || is.Outcome == store.CalledBack
		handed := is.Handed != nil && is.Back == nil
		if is.Outcome == store.Talked && was.State != "" && !strings.Contains("talking ringing", string(was.State)) && !handed || is.Outcome == store.Missed && handed {
			h.Errorf("%s: %s was %s, handed over as %+v, and ended %s", op, who, was.State, is.Handed, is.Outcome)
		}
		if spoke && !is.GaveUp() && (is.Accepted.Before(is.Arrived.Add(-time.Minute)) || time.Duration(is.Seconds)*time.Second > time.Minute+is.Stopped.Sub(is.Arrived)) {
			h.Errorf("%s: %s talked from %s, for %d s", op, who, is.Accepted, is.Seconds)
		}
		want := store.Talked
		switch {
		case is.GaveUp(): // since they were handed over
		case is.Back != nil:
			want = store.CalledBack
		case is.Claim != nil && is.Claim.Word == store.Forward:
			want = store.Forwarded
		}
		if spoke && is.Outcome != want {
			h.Errorf("%s: %s ended %s, not %s", op, who, is.Outcome, want)
		}
		if back := is.Outcome == store.CalledBack || is.Outcome == store.Tried; back && is.Back == nil {
			h.Errorf("%s: %s ended %s without having asked for it", op, who, is.Outcome)
		}
		if (is.Outcome == store.Voicemail) != (len(is.Voice) > 0) && is.Outcome != store.Talked && is.Outcome != store.Forwarded && is.Outcome != store.CalledBack && is.Outcome != store.Tried {
			h.Errorf("%s: %s ended %s with %d messages", op, who, is.Outcome, len(is.Voice))
		}
	}
	if was.State == store.Ended {
		late := was.GaveUp() && is.Outcome == store.Voicemail && len(is.Voice) > len(was.Voice)
		overtaken := was.GaveUp() && op == "dialed" && !is.GaveUp() && (is.Outcome == store.Talked || is.Outcome == store.Forwarded)
		if is.Outcome != was.Outcome && !late && !overtaken {
			h.Errorf("%s: %s had ended %s and now %s", op, who, was.Outcome, is.Outcome)
		}
		if late || overtaken {
			h.seen("outcome", "late "+string(is.Outcome))
		}
	}
	if is.Claim != nil && (was.Claim == nil || *was.Claim != *is.Claim) {
		h.claimed(op, p, was, is)
	}
	if is.Open() && (next || was.State == "") {
		h.began(op, p, was, is)
	}
	if op == "do-escalate" && is.Steps != was.Steps {
		h.seen("rule", "escalated")
	}
}

// claimed checks a claim that is new.
func (h *history) claimed(op string, p *picture, was, is *store.Call) {
	c, who := is.Claim, h.name(is.ID)
	at := claimed{is.ID, c.Attempt}
	got := *c
	got.Leg, got.At = "", time.Time{}
	before, had := h.claims[at]
	h.claims[at] = got
	if had && before != got {
		ruled := got.Person == "" && (op == "fallback" || op == "overtaken" || op == "dialed")
		if !ruled {
			h.Errorf("%s: %s has two claims at attempt %d: %+v and %+v", op, who, c.Attempt, before, got)
		}
	}
	if had && before == got {
		return
	}
	if is.Open() && c.Attempt != is.Attempt && c.Person != "" {
		h.Errorf("%s: %s is at attempt %d with a claim of attempt %d", op, who, is.Attempt, c.Attempt)
	}
	h.seen("via", string(c.Via))
	if c.Rule != "" {
		h.seen("rule", string(c.Rule))
	}
	if c.Rule == store.AllPassed {
		hopeless := func(name string) bool {
			return slices.ContainsFunc(is.Texts, func(x store.SMSText) bool { return x.Person == name && x.Never && x.Status.Lost() })
		}
		if left := slices.DeleteFunc(h.left(is), hopeless); len(left) > 0 {
			h.Errorf("%s: all have passed, is said of %s, but %q have not", op, who, left)
		}
	}
	a, answered := h.answers[c.Answer]
	switch {
	case c.Person == "":
	case c.Via == store.ByLine:
		if p.due[store.Deed{Kind: store.Tell, Call: is.ID, Whom: c.Answer}.Key()] == nil {
			h.Errorf("%s: %s was given to %s, who is not told", op, who, c.Person)
		}
	case c.Via == store.ByRule:
		if c.Rule != store.HandedBack || is.Handed == nil || is.Handed.By != c.Person {
			h.Errorf("%s: %s was given to %s by the rule %q", op, who, c.Person, c.Rule)
		}
	case !answered || a.Person != c.Person || a.Word != c.Word || !a.Pull && (a.Call != is.ID || a.Attempt != c.Attempt):
		h.Errorf("%s: %s was claimed by %+v, which is no such answer: %+v", op, who, c, a)
	}
	if person := taker(is); person != "" && is.State == store.Ringing {
		if others := p.callsOf(person, is.ID); len(others) > 0 && !(answered && a.Force) {
			h.Errorf("%s: %s has two calls: %s and %s", op, person, who, h.name(others[0]))
		}
		h.leaveLine(person)
	}
	redirect, callOut := p.due[store.Deed{Kind: store.Redirect, Call: is.ID, Attempt: is.Attempt}.Key()], p.due[store.Deed{Kind: store.CallOut, Call: is.ID, Attempt: is.Attempt}.Key()]
	switch {
	case is.State == store.Ringing && is.Back != nil && c.Leg == "" && callOut == nil:
		h.Errorf("%s: nobody rings %s to call %s back", op, c.Person, who)
	case is.State == store.Ringing && is.Back == nil && redirect == nil:
		// Who arrives, or comes from a taker who was not there, hears our next document anyway.
		if is.Fetched != is.Attempt || c.Via != store.ByLine || op != "arrive" && op != "dialed" {
			h.Errorf("%s: nobody leads %s to %s", op, who, c.Person)
		}
	case is.State == store.Recording && is.Fetched != is.Attempt && redirect == nil:
		h.Errorf("%s: nobody leads %s to the tone", op, who)
	}
}

// began checks a call that begins to wait, or is given to somebody instead.
func (h *history) began(op string, p *picture, was, is *store.Call) {
	who := h.name(is.ID)
	if line, _ := h.team.Line(is.Line); was.State == "" && is.State == store.Waiting && !line.Hours.Open(is.Arrived) {
		h.Errorf("%s: %s waits after hours", op, who)
	} else if was.State == "" && is.State == store.Waiting && !slices.ContainsFunc(h.team.People, func(p store.Person) bool { return line.Serves(p.Name) && !h.off(p.Name) }) {
		h.Errorf("%s: %s waits, and nobody is on duty", op, who)
	}
	if is.State == store.Ringing && is.Claim.Via == store.ByLine {
		if first := h.lineBefore(p, is); first != is.Claim.Person {
			h.Errorf("%s: %s was given to %s, but %s was first in line", op, who, is.Claim.Person, first)
		}
	}
	if is.State != store.Waiting {
		return
	}
	if first := h.nextInLine(p, is); first != "" {
		h.Errorf("%s: %s waits, though %s stands in line", op, who, first)
	}
	if is.Missing == is.Attempt && p.due[store.Deed{Kind: store.Retrieve, Call: is.ID, Attempt: is.Attempt}.Key()] == nil {
		h.Errorf("%s: nobody brings %s back", op, who)
	}
	if want := h.callees(p, is); !slices.Equal(want, is.Told) && len(want)+len(is.Told) > 0 {
		h.Errorf("%s: %q are told of %s at attempt %d, not %q", op, is.Told, who, is.Attempt, want)
	}
	if len(is.Passed) > 0 && is.Back == nil && len(h.left(is)) == 0 {
		h.Errorf("%s: all have passed, and %s waits again", op, who)
	}
	for _, name := range is.Told {
		hopeless := slices.ContainsFunc(is.Texts, func(x store.SMSText) bool { return x.Person == name && x.Never && x.Status.Lost() })
		if p.due[store.Deed{Kind: store.Text, Call: is.ID, Attempt: is.Attempt, Whom: name}.Key()] == nil && !hopeless {
			if p.due[store.Deed{Kind: store.List, Line: is.Line, Whom: name}.Key()] == nil { // where too many wait
				h.Errorf("%s: nobody texts %s of %s", op, name, who)
			}
			h.seen("rule", "listed")
		}
	}
}

// lineBefore is nextInLine as it was before somebody left the line for this call.
func (h *history) lineBefore(p *picture, c *store.Call) string {
	now := h.inLine
	defer func() { h.inLine = now }()
	h.inLine = h.inLineBefore
	without := *p
	without.calls = map[store.CallID]*store.Call{}
	for id, other := range p.calls {
		if id != c.ID {
			without.calls[id] = other
		}
	}
	return h.nextInLine(&without, c)
}

func (h *history) leaveLine(person string) {
	h.inLine = slices.DeleteFunc(slices.Clone(h.inLine), func(s standing) bool { return s.Person == person })
}

// standing is a place in line.
type standing struct {
	Person string
	After  time.Time // what waited before is not theirs
	Until  time.Time
}

func (h *history) name(id store.CallID) string {
	if n, ok := h.names[id]; ok {
		return n
	}
	n := fmt.Sprintf("call %d", len(h.names)+1)
	h.names[id] = n
	return n
}
