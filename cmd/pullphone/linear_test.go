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
	nothingTold result = ""        // nobody told them
	mine        result = "mine"    // the call is theirs, or has been
	lost        result = "lost"    // somebody else was first, or another word of theirs
	stale       result = "stale"   // another attempt
	tooLate     result = "toolate" // nobody can answer it any more
	rang        result = "rang"    // their telephone rang for the call
	final       result = "final"   // history says that theirs was the last claim, of nobody if who is empty
)

// claimed is how the claim on a call stands.
type claimed struct {
	attempt int
	by      string // empty: nobody
	word    store.Word
	over    bool // nobody can answer any more
}

// follows returns the states that a call can come into without an answer.
func (s claimed) follows() []claimed {
	out := []claimed{s}
	if s.over {
		return out
	}
	if s.by == "" {
		return append(out, claimed{attempt: s.attempt, over: true})
	}
	out = append(out, claimed{s.attempt, s.by, s.word, true})
	if s.word == store.Take {
		// Their telephone is not picked up, say; or Twilio falls back, and the rule claims the call for a message.
		out = append(out, claimed{attempt: s.attempt + 1}, claimed{attempt: s.attempt + 1, over: true}, claimed{attempt: s.attempt, over: true})
	}
	return out
}

// says is the rule: the first answer to a waiting attempt is the claim.
func (s claimed) says(a said) (claimed, told) {
	switch {
	case s.by == "" && s.over:
		return s, told{result: tooLate}
	case s.by == "" && a.attempt != s.attempt:
		return s, told{result: stale}
	case s.by == "":
		return claimed{attempt: s.attempt, by: a.who, word: a.word}, told{result: mine}
	case s.by == a.who && s.word == a.word:
		return s, told{result: mine}
	}
	return s, told{result: lost, first: s.by, word: s.word}
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
			case final:
				if s.by == a.who {
					next = append(next, s)
				}
				continue
			}
			after, learnt := s.says(a)
			if o.result == nothingTold || learnt == o {
				next = append(next, after)
			}
			if a.maybe {
				next = append(next, s)
			}
		}
		return next
	},
}

var verdicts = map[store.Result]result{store.Won: mine, store.Yours: mine, store.Lost: lost, store.Stale: stale, store.TooLate: tooLate}

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
	// What somebody hears on a phone that was rung is said by what is kept of their key.
	for key, g := range k.given {
		if a := g.Answer; a.Via == store.ByPhone && calls[a.Call] != nil {
			heard, known := verdicts[g.Verdict.Result]
			if !known {
				t.Errorf("%s came to %+v", key, g.Verdict)
			}
			o := told{result: heard}
			if heard == lost {
				o.first, o.word = g.Verdict.First.Person, g.Verdict.First.Word
			}
			ops[a.Call] = append(ops[a.Call], porcupine.Operation{Call: int64(calls[a.Call].begun), Return: end, Input: said{who: a.Person, word: a.Word, attempt: a.Attempt}, Output: o})
		}
	}
	for _, a := range c.answers {
		g, known := k.given[a.key]
		learnt := learns(a.person, a.told)
		if a.user != "" {
			learnt = c.toldInPrivate(a)
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
		if number := calls[id].number; a.number != "" && a.number != number || learnt.result != nothingTold && a.user == "" && !strings.Contains(a.told, number) {
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

// toldInPrivate is what somebody learnt of their press. Slack may have been told twice, but not two things.
func (c *crowd) toldInPrivate(a *spoken) told {
	var out told
	for _, e := range c.work.Ephemerals(a.user) {
		if e.Via != bottest.ViaEphemeral || !strings.Contains(e.Text, a.number) {
			continue
		}
		l := learns(a.person, e.Text)
		if out.result != nothingTold && l != out {
			c.t.Errorf("%s is told two things of one press: %+v and %+v, at last %q", a.person, out, l, e.Text)
		}
		out = l
	}
	return out
}

var (
	tookIt   = regexp.MustCompile(`^Too late: (.+) took `)
	sentIt   = regexp.MustCompile(`^Too late: (.+) has sent .* to voicemail, `)
	hadTaken = regexp.MustCompile(`^You (took|have sent) .* already, `)
)

// learns reads what somebody is told.
func learns(who, text string) told {
	has := func(part string) bool { return strings.Contains(text, part) }
	if m := tookIt.FindStringSubmatch(text); m != nil {
		return told{lost, m[1], store.Take}
	}
	if m := sentIt.FindStringSubmatch(text); m != nil {
		return told{lost, m[1], store.SendVoicemail}
	}
	if m := hadTaken.FindStringSubmatch(text); m != nil {
		return told{lost, who, map[string]store.Word{"took": store.Take, "have sent": store.SendVoicemail}[m[1]]}
	}
	switch {
	case has("Please answer the latest announcement"):
		return told{result: stale}
	case has("Yours: "), has(" is sent to voicemail."), has(" before you could be put through"), has(" could not be put through"),
		has(" is waiting again"), has(" since."), has("You talked with "):
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
	won, yes, no := told{result: mine}, store.Take, store.SendVoicemail
	lostTo := func(who string, word store.Word) told { return told{lost, who, word} }
	history := func(who string) porcupine.Operation {
		return porcupine.Operation{Call: 90, Return: 91, Input: said{who: who}, Output: told{result: final}}
	}
	for _, tt := range []struct {
		name string
		ops  []porcupine.Operation
		want bool
	}{
		{"one winner", []porcupine.Operation{op(1, 5, "Ann", yes, 1, won), op(2, 6, "Bob", yes, 1, lostTo("Ann", yes)), history("Ann")}, true},
		{"said twice", []porcupine.Operation{op(1, 5, "Ann", yes, 1, won), op(2, 6, "Ann", yes, 1, won), history("Ann")}, true},
		{"missed", []porcupine.Operation{op(5, 6, "Ann", yes, 1, told{result: tooLate}), history("")}, true},
		{"second attempt", []porcupine.Operation{op(1, 2, "Ann", yes, 1, won), op(3, 4, "Bob", yes, 1, told{result: stale}), op(5, 6, "Bob", yes, 2, won), history("Bob")}, true},
		{"nobody told Ann", []porcupine.Operation{op(1, 80, "Ann", no, 1, told{}), op(3, 4, "Bob", yes, 1, lostTo("Ann", no)), history("Ann")}, true},
		{"two winners", []porcupine.Operation{op(1, 5, "Ann", yes, 1, won), op(2, 6, "Bob", yes, 1, won), history("Ann")}, false},
		{"two words", []porcupine.Operation{op(1, 5, "Ann", yes, 1, won), op(2, 6, "Ann", no, 1, won), history("Ann")}, false},
		{"wrong winner", []porcupine.Operation{op(1, 5, "Ann", yes, 1, won), op(2, 6, "Bob", yes, 1, lostTo("Cy", yes)), history("Ann")}, false},
		{"wrong word", []porcupine.Operation{op(1, 5, "Ann", yes, 1, won), op(2, 6, "Bob", yes, 1, lostTo("Ann", no)), history("Ann")}, false},
		{"too late for the first", []porcupine.Operation{op(1, 2, "Ann", yes, 1, told{result: tooLate}), op(3, 4, "Bob", yes, 1, won), history("Bob")}, false},
		{"lost before it was won", []porcupine.Operation{op(1, 2, "Bob", yes, 1, lostTo("Ann", yes)), op(3, 4, "Ann", yes, 1, won), history("Ann")}, false},
		{"history names another", []porcupine.Operation{op(1, 2, "Ann", no, 1, won), history("Bob")}, false},
		{"history forgets", []porcupine.Operation{op(1, 2, "Ann", no, 1, won), op(3, 4, "Bob", yes, 1, lostTo("Ann", no)), history("Bob")}, false},
		{"rings for nobody's claim", []porcupine.Operation{op(1, 2, "Ann", yes, 1, won), op(1, 9, "Bob", "", 0, told{result: rang}), history("Ann")}, false},
		{"an old answer wins", []porcupine.Operation{op(1, 2, "Ann", yes, 1, won), op(3, 4, "Bob", yes, 2, won), op(5, 6, "Cy", yes, 1, won), history("Cy")}, false},
	} {
		if got := linearizable(tt.ops); got != tt.want {
			t.Errorf("%s: linearizable %t, not %t", tt.name, got, tt.want)
		}
	}
}
