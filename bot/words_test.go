package bot

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pullphone/store"
)

// keyed is a line with words of its own.
var keyed = store.Line{Keywords: []store.Keyword{
	{Word: "support", Forward: "+12085550199"}, {Word: "später", Voicemail: true}, {Word: "call later", Pass: true}, {Word: "later", Voicemail: true},
	{Word: "dept", Voicemail: true}, {Word: "dept-7", Pass: true}, {Word: "7 up", Pass: true}, {Word: "i'm out", Pass: true}, {Word: "अभी", Pass: true}, {Word: "desk 3", Pass: true}, {Word: "desk", Pass: true},
}}

func TestHear(t *testing.T) {
	is := func(w word, code int) said { return said{word: w, code: code} }
	yes, no, forced := is(wordYes, 0), is(wordNo, 0), said{word: wordYes, force: true}
	offFor := func(d time.Duration) said { return said{word: wordOff, span: d} }
	passOn := func(note string) said { return said{word: wordPassOn, note: note} }
	key := func(i, code int) said { return said{word: wordKeyword, code: code, keyword: keyed.Keywords[i]} }
	for text, want := range map[string]said{
		"yes": yes, "YES!": yes, " Yes. ": yes, "y": yes, "Y": yes, "take": yes, "Yes?": yes, "yep": yes, "Yeah!": yes, "yup": yes,
		"Sí": yes, "si": yes, "S\u0069\u0301": yes, "¡SÍ!": yes, "yes please": yes, "Please, yes": yes, "\"Y\"": yes, "‘Y’": yes, "> y": yes, "<yes>": yes,
		"y 2": is(wordYes, 2), "Y2": is(wordYes, 2), "y2": is(wordYes, 2), "2y": is(wordYes, 2), "2 yes": is(wordYes, 2), "yes, 2 please!": is(wordYes, 2),
		"Y #12": is(wordYes, 12), "#2 yes": is(wordYes, 2), "YES! (2)": is(wordYes, 2), "y-2": is(wordYes, 2), "Y (2)": is(wordYes, 2), "y 02": is(wordYes, 2),
		"take 3": is(wordYes, 3), "y 2\u20e3": is(wordYes, 2), "y 2\ufe0f\u20e3": is(wordYes, 2), "y\n2": is(wordYes, 2), "2 y 2": is(wordYes, 2), "y\u20602": is(wordYes, 2),
		"y\xff": yes, "y\x00": yes, "yes 🙂": yes, "yes ❤️": yes,
		"👍": yes, "👍🏽": yes, "👍\ufe0f": yes, "👍🏿👍🏿": yes, "👍👍👍": yes, "✅": yes, "✅\ufe0f": yes, "👍 2": is(wordYes, 2), "2👍🏻": is(wordYes, 2), "yes 👍": yes, "👍 yes 2": is(wordYes, 2), "👍✅": yes,
		"no": no, "N": no, "no.": no, "Nope": no, "no thanks": no, "No, thanks!": no, "no thank you": no, "no please": no, "Voicemail": no, "👎": no, "👎🏾": no, "no 👎": no,
		"no 2": is(wordNo, 2), "2 no": is(wordNo, 2), "n2": is(wordNo, 2), "no thanks 2": is(wordNo, 2), "voicemail 2": is(wordNo, 2), "2 👎": is(wordNo, 2), "Nó": no,
		"pass": is(wordPass, 0), "PASS!": is(wordPass, 0), "pass 2": is(wordPass, 2), "2 pass": is(wordPass, 2), "not me": is(wordPass, 0), "Not me, 2": is(wordPass, 2),
		"pull": is(wordPull, 0), "NEXT": is(wordPull, 0), "Next please": is(wordPull, 0), "list": is(wordList, 0), "List?": is(wordList, 0), "leave": is(wordLeave, 0), "on": is(wordOn, 0), "ON!": is(wordOn, 0),
		"pull 2": is(wordYes, 2), // a call that is named is not just the longest waiting
		"?":      is(wordHelp, 0), " ?? \n": is(wordHelp, 0),

		"y force": forced, "force y": forced, "Take, FORCE!": forced, "👍 force": forced, "y 2 force": {word: wordYes, code: 2, force: true},
		"force y 2": {word: wordYes, code: 2, force: true}, "2 force yes": {word: wordYes, code: 2, force: true}, "pull force": {word: wordPull, force: true}, "force next": {word: wordPull, force: true},
		"pull 2 force": {word: wordYes, code: 2, force: true},

		"off": is(wordOff, 0), "OFF.": is(wordOff, 0), "off please": is(wordOff, 0), "off 2h": offFor(2 * time.Hour), "off2h": offFor(2 * time.Hour), "Off 2 H": offFor(2 * time.Hour),
		"off 90m": offFor(90 * time.Minute), "off 1h30m": offFor(90 * time.Minute), "off 1 h 30 min": offFor(90 * time.Minute), "off 2 hours": offFor(2 * time.Hour), "off 1 hour": offFor(time.Hour),
		"off 2 hrs please": offFor(2 * time.Hour), "off 3d": offFor(72 * time.Hour), "off 1 day, 12 hours, 5 minutes": offFor(36*time.Hour + 5*time.Minute), "off 30d": offFor(mostOff), "off 720h": offFor(mostOff),
		"off 31d": {}, "off 30d 1m": {}, "off 721h": {}, "off 0h": {}, "off 0d0h": {}, "off 2": {}, "off h": {}, "off 2x": {}, "off 30s": {}, "off 2w": {}, "off 1.5h": {}, "off 1,5 h": {}, "off ½h": {}, "off 1/2 h": {},
		"off 1:30": {}, "off 2-3 h": {}, "off 30m 1h": {}, "off 1h 1h": {}, "off 99999999999999999999h": {}, "off 9223372036854775807m": {}, "off today": {}, "off for 2 hours": {}, "2h off": {}, "off 2h force": {}, "off ٢h": {}, "day off": {},

		"pass on": passOn(""), "PASS ON!": passOn(""), "Pass-on": passOn(""), " pass  on ": passOn(""), "please pass on": passOn(""), "“Pass on”": passOn(""),
		"PASS ON she wants the invoice of May": passOn("she wants the invoice of May"), "pass on: She said “Y 2”! 👍🏽 ": passOn("She said “Y 2”! 👍🏽"), "Pass on, é\nand\tB": passOn("é\nand\tB"),
		"pass on +12085550123": passOn("+12085550123"), "pass on -5 °C": passOn("-5 °C"), "pass on :)": passOn(":)"), "pass on 2": passOn("2"), "pass on\nno": passOn("no"), "pass\u00a0on\u00a0x": passOn("x"), "pass on a\xffb": passOn("ab"),
		"pass on " + strings.Repeat("é", 200): passOn(strings.Repeat("é", 200)), "pass on " + strings.Repeat("é", 201): passOn(strings.Repeat("é", 200)), "pass on " + strings.Repeat("a", 199) + " b": passOn(strings.Repeat("a", 199)),
		"pass only": {}, "2 pass on": {}, "pass. On my way": {}, "pass it on": {}, "passon": {}, "I pass on this": {}, "compass on": {},

		"support": key(0, 0), "SUPPORT!": key(0, 0), "support 2": key(0, 2), "2 support": key(0, 2), "Support2": key(0, 2), "(2) support, please": key(0, 2),
		"später": key(1, 0), "SPATER": key(1, 0), "spa\u0308ter 2": key(1, 2), "call later": key(2, 0), "Call-later 2": key(2, 2), "2 call later": key(2, 2), "later": key(3, 0), "later 2": key(3, 2),
		"dept": key(4, 0), "dept 2": key(4, 2), "dept 7": key(5, 0), "dept7": key(5, 0), "dept 7 2": key(5, 2), "2 dept 7": key(5, 2), "dept 8": key(4, 8), "7 up": key(6, 0), "3 7up": key(6, 3),
		"desk 3": key(9, 0), "desk 3 4": key(9, 4), "desk 4": key(10, 4), "I’m out": key(7, 0), "im out": key(7, 0), "अभी": key(8, 0),
		"call": {}, "call 2 later": {}, "later call": {}, "please call me later": {}, "support later": {}, "support support": {}, "support 1 2": {}, "dept 7 1 2": {}, "supports": {}, "support 0": {}, "support force": {}, "yes support": {}, "support 👍": {},

		// Everything else decides nothing about a caller.
		"": {}, " ": {}, "\n": {}, ".": {}, "!": {}, "❤️": {}, "🎉": {}, "👌": {}, "🏽": {}, "please": {}, "thanks": {}, "thank you": {}, "force": {}, "ok": {}, "OK!": {}, "k": {}, "sure": {}, "yesterday": {}, "now": {}, "know": {}, "not": {}, "me": {}, "not you": {},
		"yes yes": {}, "yes no": {}, "y/n": {}, "y n": {}, "yes 👎": {}, "no 👍": {}, "👍👎": {}, "list 👍": {}, "pass 👎": {}, "no, I'll take it": {}, "don't": {}, "n.o": {}, "yes I am on my way": {}, "no idea, what is this about?": {}, "I am on it": {}, "take your time": {},
		"2": {}, "#2": {}, "(2)": {}, "+1": {}, "2?": {}, "2 please": {}, "2 force": {}, "12085550123": {}, "1 2": {}, "y 1 2": {}, "1 y 2": {}, "1 2 👍": {}, "y 1.5": {}, "y 0": {}, "0": {}, "y 99999999999999999999": {}, "half past 2": {}, "y2k": {},
		"list 2": {}, "on 2": {}, "leave 2": {}, "no force": {}, "pass force": {}, "on force": {}, "list force": {}, "yes 2 force now": {},
		"help": {}, "cancel": {}, "STOP": {}, "stop 2": {}, "start": {}, "info": {}, "end": {}, "quit": {},
		"Liked “Sales: +1 208-555-0123. Reply Y to take, N for voicemail. (2)”": {}, "Loved \"Y\"": {}, "👍 to “Y 2”": {}, "👍 to “Sales: Jane. Reply Y to take”": {}, "Disliked “no”": {}, "Reacted 👎 to “N”": {}, "Reacted 👍🏽 to “yes”": {},
		"Liked “support 2”": {}, "Liked “Pass on she waits”": {}, "👍 to “pass on she waits”": {}, "👍\u200a to “\u200a👍\u200a”": {}, "Liked “👍”": {}, "Removed 👍 from “Y”": {}, "Liked an image": {},
		"Sales: Jane Doe, (208) 555-0123. Reply Y to take, N for voicemail. (1)": {}, "Reply Y": {}, "yes</Message>": {},

		// A code in digits that are not read is no bare word: the wrong call could be taken.
		"y ٢": {}, "y ２": {}, "y ②": {}, "y²": {}, "y ½": {}, "no ४": {}, "２": {}, "№": {}, "ⅳ": {},
		// Letters that look like ours are not ours.
		"уes": {}, "nо": {}, "ＹＥＳ": {},
		strings.Repeat("y", 1600): {}, strings.Repeat("y ", 800): {}, strings.Repeat("2 ", 800): {}, strings.Repeat("\u0301", 1600): {}, "\xff\xfe": {},
	} {
		if got := hear(keyed, text); got != want {
			t.Errorf("%.60q: got %+v, want %+v", text, got, want)
		}
		if want.word != wordKeyword {
			if got := hear(store.Line{}, text); got != want {
				t.Errorf("%.60q, without keywords: got %+v, want %+v", text, got, want)
			}
		}
	}
}

// A line's own word takes none from those of every line, though a team was put together without the config's checks.
func TestHearBuiltInFirst(t *testing.T) {
	line := store.Line{Keywords: []store.Keyword{{Word: ""}, {Word: "!"}, {Word: "yes"}, {Word: "2"}, {Word: "off 2h"}, {Word: "pass on x"}}}
	for text, want := range map[string]said{
		"": {}, "yes": {word: wordYes}, "y 2": {word: wordYes, code: 2}, "off 2h": {word: wordOff, span: 2 * time.Hour}, "pass on x": {word: wordPassOn, note: "x"},
	} {
		if got := hear(line, text); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

func TestHearCommand(t *testing.T) {
	yes := said{word: wordYes}
	for text, want := range map[string]said{
		"": {word: wordPull}, "  ": {word: wordPull}, "pull": {word: wordPull}, "Next": {word: wordPull}, "force": {word: wordPull, force: true}, "pull force": {word: wordPull, force: true},
		"list": {word: wordList}, "LIST!": {word: wordList}, "help": {word: wordHelp}, "Help!": {word: wordHelp}, "?": {word: wordHelp},
		"cancel": {word: wordLeave}, "leave": {word: wordLeave}, "on": {word: wordOn}, "off": {word: wordOff}, "off 2h": {word: wordOff, span: 2 * time.Hour},
		"2": {word: wordYes, code: 2}, " #2 ": {word: wordYes, code: 2}, "2 force": {word: wordYes, code: 2, force: true}, "Force  2": {word: wordYes, code: 2, force: true},
		"yes": yes, "yes 2": {word: wordYes, code: 2}, "2 yes": {word: wordYes, code: 2}, "no": {word: wordNo}, "no 2": {word: wordNo, code: 2}, "pass": {word: wordPass}, "pass 2": {word: wordPass, code: 2},
		"pass on": {word: wordPassOn}, "pass on :fire: She wants it :+1:": {word: wordPassOn, note: ":fire: She wants it :+1:"},
		"👍": yes, ":+1:": yes, ":thumbsup::skin-tone-3:": yes, ":white_check_mark: 2": {word: wordYes, code: 2}, "yes :+1:": yes, "yes :100:": yes, ":-1:": {word: wordNo}, ":thumbsdown: 2": {word: wordNo, code: 2},

		"+1": {}, "-1": {}, "1.5": {}, "2?": {}, "0": {}, "1 2": {}, "99999999999999999999": {}, "٢": {}, ":100:": {}, ":two:": {}, ".": {}, "!": {}, "list all": {}, "list 2": {}, "help me": {}, "cancel 2": {}, "cancel force": {},
		"yes no": {}, "what is this": {}, "@Bob <!here>": {}, "off tomorrow": {}, "stop": {}, "phone +12085550101": {},
	} {
		if got := command(text); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

// What a line may not take for itself, and what it may.
func TestReserved(t *testing.T) {
	taken := []string{"?", "👍🏽", "✅", "YES 2", "off 2h", "pass on to Cy", "force", "cancel", "help", "7", "please off", "force 2"}
	for phrase := range builtIn {
		taken = append(taken, phrase, phrase+" please", strings.ToUpper(phrase)+"!")
	}
	for _, text := range taken {
		if !Reserved(text) {
			t.Errorf("%q is free", text)
		}
	}
	for _, text := range []string{"support", "call later", "not now", "passing", "on hold", "off site", "later", "no way", "yes sir", "dept 7", "busy", "please hold"} {
		if Reserved(text) {
			t.Errorf("%q is taken", text)
		}
	}
}

// A text decides nothing unless all of it is one word of ours, and what may stand beside it.
func FuzzSaid(f *testing.F) {
	for _, s := range []string{"YES!", "yes please", "y2", "2 yes", "no 2", "Sí", "👍", "Liked “Y 2”", "?", "y ٢", "\xff", "LIST", "y 99999999999999999999",
		"off 1h30m", "off 30d", "PASS ON she waits", "pass on \xff", "Call later 2", "dept 7 2", "y 2 force", "👍🏽 yes", ":+1:", "no thank you", "I’m out"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, s := range []said{hear(keyed, body), command(body)} {
			named := s.word == wordYes || s.word == wordNo || s.word == wordPass || s.word == wordKeyword
			if s.code < 0 || s.code > 0 && !named ||
				s.force && s.word != wordYes && s.word != wordPull ||
				s.span < 0 || s.span > mostOff || s.span > 0 && s.word != wordOff ||
				utf8.RuneCountInString(s.note) > mostNoted || !utf8.ValidString(s.note) || !strings.Contains(strings.ToValidUTF8(body, ""), s.note) || s.note != "" && s.word != wordPassOn ||
				(s.keyword != store.Keyword{}) != (s.word == wordKeyword) {
				t.Fatalf("%q: %+v", body, s)
			}
			switch s.word {
			case "", wordYes, wordNo, wordPass, wordPassOn, wordPull, wordLeave, wordList, wordOn, wordOff, wordHelp, wordKeyword:
			default:
				t.Fatalf("%q: %+v", body, s)
			}
		}
		s := hear(keyed, body)
		capitals := hear(keyed, " "+strings.ToUpper(body)+" ")
		if capitals.note = s.note; isASCII(body) && capitals != s {
			t.Fatalf("%q: %+v, in capitals %+v", body, s, capitals)
		}
		for _, w := range tokens(body) {
			if w == "" || strings.ToLower(w) != w {
				t.Fatalf("%q: token %q", body, w)
			}
		}
		if p := Plain(body); Plain(p) != p {
			t.Fatalf("%q: %q, and of that %q", body, p, Plain(p))
		}
		if s.word != "" && s.word != wordPassOn && hear(keyed, body+" maybe").word != "" && hear(keyed, body+" maybe").word != wordPassOn {
			t.Fatalf("%q: with another word it decides as well", body)
		}
		if s.word == "" || s.word == wordKeyword {
			return
		}
		if !Reserved(body) {
			t.Fatalf("%q: %+v, and a line could take it for itself", body, s)
		}
	})
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) }
