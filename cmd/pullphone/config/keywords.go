package config

import (
	"slices"
	"strings"
	"unicode"

	"pullphone/bot"
)

// Keyword is an answer of the line's own, added to the built-in ones. Exactly
// one of Forward, Voicemail and Pass is set.
type Keyword struct {
	Word      string // small letters, single spaces between words
	Forward   string // E.164: the caller is connected there
	Voicemail bool   // the caller is sent to voicemail
	Pass      bool   // only "not me"
	Say       string // what the caller hears before that; may be empty
}

// Single words that the carriers or Twilio act on themselves
// (twilio.com/docs/messaging/tutorials/advanced-opt-out).
var (
	optOut = []string{"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
	optIn  = []string{"start", "unstop"}
	help   = []string{"help", "info"}
)

// keywords reads the keywords of the line with the given number.
func (v value) keywords(number string) []Keyword {
	all, _ := v.entries()
	var words []Keyword
	lines := map[string]int{}
	for _, e := range all {
		k := Keyword{Word: strings.ToLower(strings.Join(strings.Fields(e.key), " "))}
		heard := bot.Plain(e.key)
		compact := strings.ReplaceAll(heard, " ", "") // st.op and STOP ALL are too near to the carriers' words
		upTo, digit := heard, strings.IndexAny(heard, "0123456789")
		if digit > 0 {
			upTo = heard[:digit]
		}
		first, twice := lines[heard]
		switch {
		case strings.Contains(e.key, "${"):
			e.fail("a variable cannot stand in a key; write the word itself")
		case e.key == "?":
			e.fail("? already asks for help; choose another word")
		case heard == "":
			e.fail("has no letter or digit; choose a word")
		case strings.ContainsFunc(k.Word, func(r rune) bool { return !unicode.IsPrint(r) }):
			e.fail("holds a control character; write it without")
		case slices.Contains(optOut, compact):
			e.fail("carriers take %s as the wish to get no more texts, and whoever sent it would get none; choose another word", strings.ToUpper(compact))
		case slices.Contains(optIn, compact):
			e.fail("carriers take %s as the wish to get texts again; choose another word", strings.ToUpper(compact))
		case slices.Contains(help, compact):
			e.fail("Twilio answers %s itself; choose another word", strings.ToUpper(compact))
		case strings.Trim(heard, "0123456789 ") == "":
			e.fail("is a number, and numbers name calls; choose a word")
		case digit > 0 && bot.Reserved(upTo):
			e.fail("reads like the built-in answer with a number; choose another word")
		case bot.Reserved(e.key):
			e.fail("%s is an answer that pullphone has already; choose another word", strings.ToUpper(heard))
		case twice:
			e.fail("is the same word as in line %d, case, accents and punctuation aside; keep one of the two", first)
		}
		lines[heard] = e.line
		e.action(&k, number)
		words = append(words, k)
	}
	return words
}

// action reads what a keyword does.
func (v value) action(k *Keyword, number string) {
	const right = `write one of forward: "+12085550199", voicemail: true, pass: true`
	if v.unset() {
		v.fail("does nothing; %s", right)
		return
	}
	f, ok := v.fields("forward", "voicemail", "pass", "say")
	if !ok {
		return
	}
	forward, voicemail, pass := f["forward"], f["voicemail"], f["pass"]
	set, excused := 0, false
	for _, a := range []value{forward, voicemail, pass} {
		excused = excused || a.excused
		if !a.unset() {
			set++
		}
	}
	if set != 1 && !excused {
		what := "does nothing"
		if set > 1 {
			what = "does several things at once"
		}
		v.fail("%s; %s", what, right)
	}
	if !forward.unset() {
		k.Forward, ok = forward.plainPhone(right)
		if ok && k.Forward == number {
			forward.fail("is the number of this line itself; write another number")
		}
	}
	k.Voicemail, k.Pass = voicemail.onlyTrue(), pass.onlyTrue()
	if say := f["say"]; !say.blank() {
		k.Say = say.sentence("")
	}
}

// onlyTrue reads a key that is either true or left out.
func (v value) onlyTrue() bool {
	if !v.boolean(true) {
		v.fail("is false, which means nothing here; write true, or another of the actions")
	}
	return !v.unset()
}
