package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// said is what somebody did about a call.
type said struct {
	who     string
	word    store.Word
	attempt int
	maybe   bool // whether it arrived is not known
}

// told is what they learnt by it.
type told struct {
	result result
	first  string // who was first, of a loser
	word   store.Word
}

type result string

const (
	nothingTold result = ""           // nobody told them
	mine        result = "mine"       // the call is theirs, or has been
	won         result = "won"        // the call became theirs by this
	lost        result = "lost"       // somebody else was first, or another word of theirs
	stale       result = "stale"      // another attempt
	tooLate     result = "toolate"    // nobody can answer it any more
	passed      result = "passed"     // not them
	onACall     result = "onacall"    // they have another call
	gaveBack    result = "gaveback"   // before they pressed 1
	handedOver  result = "handedover" // while they talked
	notTalking  result = "nottalking" // there was nothing to hand over
	onlyTake    result = "onlytake"   // the caller waits to be called back
	rang        result = "rang"       // their telephone rang for the call
	final       result = "final"      // history says that theirs was the last claim, of nobody if who is empty
)

// claimed is how the claim on a call stands.
type claimed struct {
	attempt int
	by      string // empty: nobody
	word    store.Word
	handed  string // by whom it was handed over last

	returned bool // their phone has rung again
	back     bool // the caller has hung up, to be called back
	over     bool // nobody can answer any more
}

// follows returns the states that a call can come into without an answer.
func (s claimed) follows() []claimed {
	out := []claimed{s}
	for i := 0; i < len(out); i++ {
		for _, next := range out[i].next() {
			if !slices.Contains(out, next) {
				out = append(out, next)
			}
		}
	}
	return out
}

// next returns the states that a call can come into by one step that is no answer.
func (s claimed) next() (out []claimed) {
	switch {
	case s.over:
		return nil
	case s.by == "" && s.back: // waits for whoever has the time
		return nil
	case s.by == "":
		asked := s
		asked.handed, asked.returned, asked.back = "", false, true
		out = append(out, asked, claimed{attempt: s.attempt, handed: s.handed, over: true})
		if s.handed != "" && !s.returned { // nobody else took it: their phone rings again, once
			out = append(out, claimed{attempt: s.attempt, handed: s.handed, returned: true, by: s.handed, word: store.Take})
		}
		return out
	}
	out = append(out, claimed{attempt: s.attempt, handed: s.handed, by: s.by, word: s.word, over: true})
	if s.word == store.Take || s.word == store.Forward {
		out = append(out, s.again()) // their telephone is not picked up, say
		if !s.back {                 // or Twilio falls back, and the rule claims the call for a message
			out = append(out, claimed{attempt: s.attempt, handed: s.handed, over: true})
		}
	}
	return out
}

// again is the call as it waits for somebody else.
func (s claimed) again() claimed {
	return claimed{attempt: s.attempt + 1, handed: s.handed, returned: s.returned, back: s.back}
}

// says is the rule: the first answer to a waiting attempt is the claim.
func (s claimed) says(a said) (claimed, told) {
	switch {
	case s.by == "" && s.over:
		return s, told{result: tooLate}
	case s.by == "" && a.attempt != s.attempt:
		return s, told{result: stale}
	case s.by == "" && a.word == store.Pass:
		return s, told{result: passed}
	case s.by == "" && s.back && a.word != store.Take:
		return s, told{result: onlyTake}
	case s.by == "":
		return claimed{attempt: s.attempt, by: a.who, word: a.word, handed: s.handed, returned: s.returned, back: s.back}, told{result: mine}
	case s.by == a.who && s.word == a.word:
		return s, told{result: mine}
	}
	return s, told{result: lost, first: s.by, word: s.word}
}

// is is the rule where it rests on more than the claim: whether the taker has pressed 1, and what else they have. ok is
// false when the state does not allow the result.
func (s claimed) is(a said, r result) (next claimed, ok bool) {
	waits := s.by == "" && !s.over && s.attempt == a.attempt
	has := s.by == a.who && s.word == store.Take && !s.over
	switch r {
	case won:
		next, _ = s.says(a)
		return next, waits
	case onACall:
		return s, waits && a.word == store.Take
	case gaveBack:
		return s.again(), has && s.attempt == a.attempt && a.word != store.Take
	case handedOver:
		next = s.again()
		next.handed, next.returned = a.who, false
		return next, has && s.attempt == a.attempt && !s.back && a.word == store.HandOver
	case stale:
		return s, has && s.attempt != a.attempt && a.word == store.HandOver
	case notTalking:
		return s, a.word == store.HandOver
	}
	return s, false
}

// claims is the sequential specification of the answers to one call. Between two answers the call may move on by itself.
var claims = porcupine.NondeterministicModel{
	Init: func() []any { return []any{claimed{attempt: 1}} },
	Step: func(state, input, output any) (next []any) {
		a, o := input.(said), output.(told)
		for _, s := range state.(claimed).follows() {
			switch o.result {
			case rang:
				if s.by == a.who && s.word == store.Take {
					next = append(next, s)
				}
				continue
			case final: // who was handed over and gives up has talked to whoever did that
				if s.by == a.who || s.handed != "" && s.handed == a.who {
					next = append(next, s)
				}
				continue
			}
			if after, ok := s.is(a, o.result); ok {
				next = append(next, after)
			}
			if a.word != store.HandOver {
				after, learnt := s.says(a)
				if o.result == nothingTold || learnt == o {
					next = append(next, after)
				}
			}
			if a.maybe {
				next = append(next, s)
			}
		}
		return next
	},
}

var verdicts = map[store.Result]result{
	store.Won: mine, store.Yours: mine, store.Lost: lost, store.Stale: stale, store.TooLate: tooLate, store.PassOn: passed, store.OnACall: onACall,
	store.GivenBack: gaveBack, store.HandedOver: handedOver, store.NotTalking: notTalking, store.OnlyTake: onlyTake,
}

// byRule are the results that say more than who was first; what is said of them later may be how the call stands then.
var byRule = []result{stale, passed, onACall, gaveBack, handedOver, notTalking, onlyTake}

// linearizable reports whether there is an order of the operations on one call that the rule allows.
func linearizable(ops []porcupine.Operation) bool {
	return porcupine.CheckOperations(claims.ToModel(), ops)
}

// linear asserts that all that people were told about each call is what they would have been told, had they answered
// one after the other.
func (c *crowd) linear(k kept, records map[string]store.Record) {
	t := c.t
	ops := map[store.CallID][]porcupine.Operation{}
	var end int64 = 1 << 62
	calls := map[store.CallID]*call{}
	for _, call := range c.calls {
		id := k.ids[call.SID()]
		if r, known := records[call.SID()]; known {
			calls[id] = call
			ops[id] = append(ops[id], porcupine.Operation{Call: end + 1, Return: end + 2, Input: said{who: r.AnsweredBy}, Output: told{result: final}})
		}
	}
	for _, r := range c.rings {
		id := k.ids[r.call]
		if calls[id] != nil {
			ops[id] = append(ops[id], porcupine.Operation{Call: int64(calls[id].begun), Return: int64(r.at), Input: said{who: r.person}, Output: told{result: rang}})
		}
	}
	// What somebody hears on a phone that was rung is said by what is kept of their key; who stood in line says nothing more;
	// and nobody knows of an answer whose sender was cut off, while it was kept.
	recorded := map[string]bool{}
	for _, a := range c.answers {
		recorded[a.key] = true
	}
	first := map[string]string{} // who has won a call, by attempt
	for key, g := range k.given {
		a := g.Answer
		if a.Call == "" {
			continue
		}
		if attempt := fmt.Sprint(a.Call, " ", a.Attempt); g.Verdict.Result == store.Won {
			if first[attempt] != "" {
				t.Errorf("claimed twice: %s by %s and %s", attempt, first[attempt], key)
			}
			first[attempt] = key
		}
		if v := g.Verdict; v.Result == store.OnACall && !k.took(a.Person, v.Other) {
			t.Errorf("%s by %s was refused because of %s, which they never had", key, a.Person, v.Other)
		}
		if recorded[key] || calls[a.Call] == nil {
			continue
		}
		heard, ok := verdicts[g.Verdict.Result]
		if !ok {
			t.Errorf("%s came to %+v", key, g.Verdict)
		}
		o := told{result: heard}
		switch {
		case g.Verdict.Result == store.Won:
			o.result = won
		case heard == lost:
			o.first, o.word = g.Verdict.First.Person, g.Verdict.First.Word
		}
		ops[a.Call] = append(ops[a.Call], porcupine.Operation{Call: int64(calls[a.Call].begun), Return: end, Input: said{who: a.Person, word: a.Word, attempt: a.Attempt}, Output: o})
	}
	for _, a := range c.answers {
		g, known := k.given[a.key]
		learnt := learns(a.person, a.told)
		if a.user != "" {
			learnt = c.toldInPrivate(a, k)
		}
		if kept := verdicts[g.Verdict.Result]; slices.Contains(byRule, kept) && (learnt.result == nothingTold || learnt.result == tooLate) {
			learnt = told{result: kept}
		}
		op := porcupine.Operation{Call: int64(a.begun), Return: int64(a.ended), Input: said{who: a.person, word: g.Answer.Word, attempt: g.Answer.Attempt}, Output: learnt}
		if !a.acked {
			op.Return = end
		}
		id := g.Answer.Call
		switch {
		case known && id == "": // about no call
			continue
		case !known && (learnt.result != nothingTold || a.user != "" && a.acked):
			t.Errorf("lost: %s was told %q of %s, and nothing is kept of it", a.person, a.told, a.key)
			continue
		case !known && a.user != "": // it may not have come in
			var n int
			id, n, _ = buttonValue(a.value)
			op.Input = said{who: a.person, word: store.Word(a.word), attempt: n, maybe: true}
		case !known:
			continue // no answer, or one that has not come in: there is no telling to which call
		case g.Answer.Person != a.person:
			t.Errorf("%s by %s is kept as %+v", a.key, a.person, g)
		}
		if calls[id] == nil {
			t.Errorf("%s by %s is about %s, which is no call", a.key, a.person, id)
			continue
		}
		if number := calls[id].number; a.number != "" && a.number != number || learnt.result != nothingTold && learnt.result != passed && learnt.result != onACall && a.user == "" && a.told != "" && !strings.Contains(a.told, number) {
			t.Errorf("%s by %s meant %s, is kept for %s, and told %q", a.key, a.person, a.number, number, a.told)
		}
		ops[id] = append(ops[id], op)
	}
	for id, history := range ops {
		if !linearizable(history) {
			t.Errorf("no order of these answers to %s (%s) explains what was told:%s", calls[id].SID(), calls[id].number, listed(history))
		}
	}
}

// grumbles is a test that only remembers what is wrong.
type grumbles struct {
	testing.TB
	all []string
}

func (g *grumbles) Errorf(format string, args ...any) {
	g.all = append(g.all, fmt.Sprintf(format, args...))
}

// An answer that the program has kept counts, though nobody knows that they gave it: their own request was cut off.
func TestLinearizableKept(t *testing.T) {
	net, err := voicetest.Start(voicetest.Options{Problem: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = net.Close() })
	net.AddNumber(salesNumber)
	jane := net.Phone(janePhone).Call(salesNumber, voicetest.CallerInfo{})
	const id, number = "01KJQR3KVGYH78N56AS7VRQ8N6", "(208) 555-0123"
	answer := func(key, person string, via store.Via, v store.Verdict) store.Given {
		return store.Given{Answer: store.Answer{ID: key, Call: id, Attempt: 1, Person: person, Via: via, Word: store.Take}, Verdict: v}
	}
	first := &store.Claim{Person: "Ann", Word: store.Take}
	for _, via := range []store.Via{store.BySMS, store.BySlack, store.ByPhone, ""} {
		g := &grumbles{TB: t}
		c := &crowd{harness: &harness{t: g}, calls: []*call{{Call: jane, number: number}},
			answers: []*spoken{{person: "Bob", key: "b", told: "Too late: Ann took " + number + ", just now.", acked: true, begun: 1, ended: 2}}}
		k := kept{ids: map[string]store.CallID{jane.SID(): id}, given: map[string]store.Given{"b": answer("b", "Bob", store.BySMS, store.Verdict{Result: store.Lost, First: first})}}
		if via != "" {
			k.given["a"] = answer("a", "Ann", via, store.Verdict{Result: store.Won, First: first})
		}
		c.linear(k, map[string]store.Record{jane.SID(): {AnsweredBy: "Ann"}})
		if explained := len(g.all) == 0; explained != (via != "") {
			t.Errorf("by %q: %s", via, g.all)
		}
	}
}

func buttonValue(v string) (id store.CallID, attempt int, err error) {
	s, n, _ := strings.Cut(v, ".")
	_, err = fmt.Sscan(n, &attempt)
	return store.CallID(s), attempt, err
}

func listed(history []porcupine.Operation) string {
	var b strings.Builder
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	for _, op := range history {
		fmt.Fprintf(&b, "\n%v to %v: %+v: %+v", time.Duration(op.Call), time.Duration(op.Return), op.Input, op.Output)
	}
	return b.String()
}

// took reports whether a person had a call, or their phone was rung for it once more after they had handed it over.
func (k kept) took(person string, id store.CallID) bool {
	for _, g := range k.given {
		if a := g.Answer; a.Call == id && a.Person == person && a.Word == store.Take && g.Verdict.Result == store.Won {
			return true
		}
	}
	return false
}

// toldInPrivate is what somebody learnt of their press. Slack may have been told twice, but not two things. Of a call that
// they have pulled, or stood in line for, they are told in private as well, which looks the same.
func (c *crowd) toldInPrivate(a *spoken, k kept) told {
	id := k.given[a.key].Answer.Call
	for key, g := range k.given {
		if key != a.key && g.Answer.Call == id && g.Answer.Person == a.person && g.Answer.User != "" {
			return told{}
		}
	}
	var out told
	for _, e := range c.work.Ephemerals(a.user) {
		if e.Via != bottest.ViaEphemeral || !strings.Contains(e.Text, a.number) {
			continue
		}
		l := learns(a.person, e.Text)
		if l.result == onACall || len(e.Buttons()) > 0 { // of another call, because of this one; or how to hand it over
			continue
		}
		if out.result != nothingTold && l != out {
			c.t.Errorf("%s is told two things of one press: %+v and %+v, at last %q", a.person, out, l, e.Text)
		}
		out = l
	}
	return out
}

var (
	tookIt    = regexp.MustCompile(`^Too late: (.+) took `)
	sentIt    = regexp.MustCompile(`^Too late: (.+) has (sent|forwarded) `)
	hadTaken  = regexp.MustCompile(`^You (took|have sent|have forwarded) .* already, `)
	hasACall  = regexp.MustCompile(` takes .* too\.$`)
	firstWord = map[string]store.Word{"took": store.Take, "sent": store.SendVoicemail, "have sent": store.SendVoicemail, "forwarded": store.Forward, "have forwarded": store.Forward}
)

// learns reads what somebody is told.
func learns(who, text string) told {
	has := func(part string) bool { return strings.Contains(text, part) }
	if m := tookIt.FindStringSubmatch(text); m != nil {
		return told{lost, m[1], store.Take}
	}
	if m := sentIt.FindStringSubmatch(text); m != nil {
		return told{lost, m[1], firstWord[m[2]]}
	}
	if m := hadTaken.FindStringSubmatch(text); m != nil {
		return told{lost, who, firstWord[m[1]]}
	}
	switch {
	case has("That was about an earlier conversation"):
		return told{result: stale}
	case has(" hands the call over."):
		return told{lost, who, store.Take}
	case hasACall.MatchString(text):
		return told{result: onACall}
	case has("Please answer the latest announcement"):
		return told{result: stale}
	case has("All right, not you."):
		return told{result: passed}
	case has(" waits for somebody else."):
		return told{result: gaveBack}
	case has("Handed over: "):
		return told{result: handedOver}
	case has("You are not talking with "), has(" is over."), has(" cannot hand them over."):
		return told{result: notTalking}
	case has(" waits to be called back."):
		return told{result: onlyTake}
	case has("Yours: "), has(" is sent to voicemail."), has(" before you could be put through"), has(" could not be put through"),
		has(" is waiting again"), has(" since."), has("You talked with "), has(" back already."), has(" is not called back any more."),
		has(" is forwarded to "), has(" did not answer. "), has(" before they could be put through"):
		return told{result: mine}
	case has(" is at voicemail already"), has(" has hung up."), has(" is not waiting any more"):
		return told{result: tooLate}
	}
	return told{}
}

// What the checker is for must be seen by it.
func TestLinearizable(t *testing.T) {
	op := func(from, to int64, who string, word store.Word, attempt int, o told) porcupine.Operation {
		return porcupine.Operation{Call: from, Return: to, Input: said{who: who, word: word, attempt: attempt}, Output: o}
	}
	mineNow, yes, no := told{result: mine}, store.Take, store.SendVoicemail
	lostTo := func(who string, word store.Word) told { return told{lost, who, word} }
	pass, forward, handOver := store.Pass, store.Forward, store.HandOver
	history := func(who string) porcupine.Operation {
		return porcupine.Operation{Call: 90, Return: 91, Input: said{who: who}, Output: told{result: final}}
	}
	for _, tt := range []struct {
		name string
		ops  []porcupine.Operation
		want bool
	}{
		{"one winner", []porcupine.Operation{op(1, 5, "Ann", yes, 1, mineNow), op(2, 6, "Bob", yes, 1, lostTo("Ann", yes)), history("Ann")}, true},
		{"said twice", []porcupine.Operation{op(1, 5, "Ann", yes, 1, mineNow), op(2, 6, "Ann", yes, 1, mineNow), history("Ann")}, true},
		{"missed", []porcupine.Operation{op(5, 6, "Ann", yes, 1, told{result: tooLate}), history("")}, true},
		{"second attempt", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Bob", yes, 1, told{result: stale}), op(5, 6, "Bob", yes, 2, mineNow), history("Bob")}, true},
		{"nobody told Ann", []porcupine.Operation{op(1, 80, "Ann", no, 1, told{}), op(3, 4, "Bob", yes, 1, lostTo("Ann", no)), history("Ann")}, true},
		{"busy with another", []porcupine.Operation{op(1, 2, "Bob", yes, 1, told{result: onACall}), op(3, 4, "Ann", yes, 1, mineNow), history("Ann")}, true},
		{"next in line", []porcupine.Operation{op(1, 80, "Ann", yes, 1, told{result: won}), op(3, 4, "Bob", yes, 1, lostTo("Ann", yes)), history("Ann")}, true},
		{"passed", []porcupine.Operation{op(1, 2, "Ann", pass, 1, told{result: passed}), op(3, 4, "Bob", yes, 1, mineNow), history("Bob")}, true},
		{"given back", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Ann", pass, 1, told{result: gaveBack}), op(5, 6, "Bob", yes, 2, mineNow), history("Bob")}, true},
		{"handed over", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Ann", handOver, 1, told{result: handedOver}), op(5, 6, "Bob", yes, 2, mineNow), history("Bob")}, true},
		{"handed over and rung again", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Ann", handOver, 1, told{result: handedOver}), op(5, 6, "Bob", yes, 2, mineNow), op(7, 8, "Cy", yes, 3, lostTo("Ann", yes)), history("Ann")}, true},
		{"handed over, and gone", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Ann", handOver, 1, told{result: handedOver}), op(5, 6, "Bob", yes, 2, mineNow), history("Ann")}, true},
		{"forwarded in vain", []porcupine.Operation{op(1, 2, "Ann", forward, 1, mineNow), op(3, 4, "Bob", yes, 2, mineNow), history("Bob")}, true},
		{"called back", []porcupine.Operation{op(1, 2, "Ann", no, 1, told{result: onlyTake}), op(3, 4, "Ann", yes, 1, mineNow), op(5, 6, "Bob", yes, 2, mineNow), history("Bob")}, true},
		{"two winners", []porcupine.Operation{op(1, 5, "Ann", yes, 1, mineNow), op(2, 6, "Bob", yes, 1, mineNow), history("Ann")}, false},
		{"two words", []porcupine.Operation{op(1, 5, "Ann", yes, 1, mineNow), op(2, 6, "Ann", no, 1, mineNow), history("Ann")}, false},
		{"wrong winner", []porcupine.Operation{op(1, 5, "Ann", yes, 1, mineNow), op(2, 6, "Bob", yes, 1, lostTo("Cy", yes)), history("Ann")}, false},
		{"wrong word", []porcupine.Operation{op(1, 5, "Ann", yes, 1, mineNow), op(2, 6, "Bob", yes, 1, lostTo("Ann", no)), history("Ann")}, false},
		{"too late for the first", []porcupine.Operation{op(1, 2, "Ann", yes, 1, told{result: tooLate}), op(3, 4, "Bob", yes, 1, mineNow), history("Bob")}, false},
		{"lost before it was won", []porcupine.Operation{op(1, 2, "Bob", yes, 1, lostTo("Ann", yes)), op(3, 4, "Ann", yes, 1, mineNow), history("Ann")}, false},
		{"history names another", []porcupine.Operation{op(1, 2, "Ann", no, 1, mineNow), history("Bob")}, false},
		{"history forgets", []porcupine.Operation{op(1, 2, "Ann", no, 1, mineNow), op(3, 4, "Bob", yes, 1, lostTo("Ann", no)), history("Bob")}, false},
		{"rings for nobody's claim", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(1, 9, "Bob", "", 0, told{result: rang}), history("Ann")}, false},
		{"busy, and it is theirs", []porcupine.Operation{op(1, 2, "Ann", yes, 1, told{result: onACall}), history("Ann")}, false},
		{"busy with a call that is taken", []porcupine.Operation{op(1, 2, "Ann", no, 1, mineNow), op(3, 4, "Bob", yes, 1, told{result: onACall}), history("Ann")}, false},
		{"next in line for what is taken", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 80, "Bob", yes, 1, told{result: won}), history("Ann")}, false},
		{"who has passed has it", []porcupine.Operation{op(1, 2, "Ann", pass, 1, told{result: passed}), history("Ann")}, false},
		{"given back by another", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Bob", pass, 1, told{result: gaveBack}), history("")}, false},
		{"given back and kept", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Ann", pass, 1, told{result: gaveBack}), history("Ann")}, false},
		{"handed over by another, and gone", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Ann", handOver, 1, told{result: handedOver}), op(5, 6, "Bob", yes, 2, mineNow), history("Cy")}, false},
		{"handed over by another", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Bob", handOver, 1, told{result: handedOver}), op(5, 6, "Cy", yes, 2, mineNow), history("Cy")}, false},
		{"handed over, and the old attempt wins", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Ann", handOver, 1, told{result: handedOver}), op(5, 6, "Bob", yes, 1, mineNow), history("Bob")}, false},
		{"rung again for nobody's hand-over", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Bob", yes, 2, mineNow), op(5, 6, "Cy", yes, 3, lostTo("Ann", yes)), history("Ann")}, false},
		{"to be called back, and sent to voicemail", []porcupine.Operation{op(1, 2, "Ann", no, 1, told{result: onlyTake}), op(3, 4, "Bob", no, 1, mineNow), history("Bob")}, false},
		{"an old answer wins", []porcupine.Operation{op(1, 2, "Ann", yes, 1, mineNow), op(3, 4, "Bob", yes, 2, mineNow), op(5, 6, "Cy", yes, 1, mineNow), history("Cy")}, false},
	} {
		if got := linearizable(tt.ops); got != tt.want {
			t.Errorf("%s: linearizable %t, not %t", tt.name, got, tt.want)
		}
	}
}
