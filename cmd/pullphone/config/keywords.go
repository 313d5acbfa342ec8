package config

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Keyword is an answer of the line's own, added to the built-in ones. Exactly
// one of Forward, Voicemail and Pass is set.
type Keyword struct {
	Word      string // small letters and digits, single spaces between words
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

// ? is an answer too, and punctuation is left aside otherwise.
var builtIn = []string{"yes", "y", "no", "n", "pull", "next", "list", "on", "off"}

// An answer may end in the short code of a call, and off in a length of time.
var builtInWithCode = regexp.MustCompile(`^(` + strings.Join(builtIn, "|") + `) ?[0-9][0-9a-z]*$`)

// normalWord leaves case and punctuation aside.
func normalWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if unicode.In(r, unicode.L, unicode.M, unicode.N) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// keywords reads the keywords of the line with the given number.
func (v value) keywords(number string) []Keyword {
	all, _ := v.entries()
	var words []Keyword
	lines := map[string]int{}
	for _, e := range all {
		k := Keyword{Word: normalWord(e.key)}
		first, twice := lines[k.Word]
		switch {
		case strings.Contains(e.key, "${"):
			e.fail("a variable cannot stand in a key; write the word itself")
		case e.key == "?":
			e.fail("? already asks for help; choose another word")
		case k.Word == "":
			e.fail("has no letter or digit; choose a word")
		case slices.Contains(optOut, k.Word):
			e.fail("carriers take %s as the wish to get no more texts, and whoever sent it would get none; choose another word", strings.ToUpper(k.Word))
		case slices.Contains(optIn, k.Word):
			e.fail("carriers take %s as the wish to get texts again; choose another word", strings.ToUpper(k.Word))
		case slices.Contains(help, k.Word):
			e.fail("Twilio answers %s itself; choose another word", strings.ToUpper(k.Word))
		case slices.Contains(builtIn, k.Word):
			e.fail("%s is an answer that pullphone has already; choose another word", strings.ToUpper(k.Word))
		case builtInWithCode.MatchString(k.Word):
			e.fail("reads like the built-in answer with a number; choose another word")
		case twice:
			e.fail("is the same word as in line %d, case and punctuation aside; keep one of the two", first)
		}
		lines[k.Word] = e.line
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
