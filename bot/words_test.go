package bot

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHear(t *testing.T) {
	for text, want := range map[string]said{
		"yes": {wordYes, 0}, "YES!": {wordYes, 0}, " Yes. ": {wordYes, 0}, "y": {wordYes, 0}, "Y": {wordYes, 0}, "take": {wordYes, 0},
		"Sí": {wordYes, 0}, "si": {wordYes, 0}, "S\u0069\u0301": {wordYes, 0}, "yes please": {wordYes, 0}, "Please, yes": {wordYes, 0}, "\"Y\"": {wordYes, 0},
		"y 2": {wordYes, 2}, "Y2": {wordYes, 2}, "2y": {wordYes, 2}, "2 yes": {wordYes, 2}, "yes, 2 please!": {wordYes, 2}, "Y #12": {wordYes, 12},
		"y-2": {wordYes, 2}, "Y (2)": {wordYes, 2}, "y 02": {wordYes, 2}, "take 3": {wordYes, 3}, "y 2\u20e3": {wordYes, 2}, "y\n2": {wordYes, 2},
		"no": {wordNo, 0}, "N": {wordNo, 0}, "no.": {wordNo, 0}, "no 2": {wordNo, 2}, "2 no": {wordNo, 2}, "n2": {wordNo, 2}, "Voicemail": {wordNo, 0}, "voicemail 2": {wordNo, 2},
		"pull": {wordPull, 0}, "NEXT": {wordPull, 0}, "list": {wordList, 0}, "List?": {wordList, 0},
		"?": {wordHelp, 0}, " ?? \n": {wordHelp, 0},

		// Everything else decides nothing about a caller.
		"": {}, " ": {}, "\n": {}, ".": {}, "!": {}, "👍": {}, "👍🏽": {}, "❤️": {}, "please": {}, "ok": {}, "yeah": {}, "nope": {}, "not me": {}, "yesterday": {}, "now": {}, "know": {},
		"yes yes": {}, "yes no": {}, "y/n": {}, "y n": {}, "no thanks": {}, "no, I'll take it": {}, "don't": {}, "n.o": {}, "yes I am on my way": {},
		"2": {}, "12085550123": {}, "1 2": {}, "y 1 2": {}, "y 1.5": {}, "y 0": {}, "0": {}, "y 99999999999999999999": {}, "half past 2": {},
		"Liked “Sales: +1 208-555-0123. Reply Y to take, N for voicemail. (2)”": {}, "Loved \"Y\"": {}, "👍 to “Y 2”": {}, "Disliked “no”": {}, "Reacted 👎 to “N”": {},
		"Sales: Jane Doe, (208) 555-0123. Reply Y to take, N for voicemail. (1)": {}, "Reply Y": {}, "> y": {wordYes, 0},
		"<yes>": {wordYes, 0}, "yes</Message>": {}, "y\u20602": {wordYes, 2},

		// A code in digits that are not read is no bare word: the wrong call could be taken.
		"y ٢": {}, "y ２": {}, "y ②": {}, "y²": {}, "y ½": {}, "no ४": {}, "２": {}, "№": {}, "ⅳ": {},
		// Letters that look like ours are not ours.
		"уes": {}, "nо": {}, "ＹＥＳ": {},
		strings.Repeat("y", 1600): {}, strings.Repeat("y ", 800): {}, strings.Repeat("\u0301", 1600): {}, "\xff\xfe": {}, "y\xff": {wordYes, 0}, "y\x00": {wordYes, 0},
	} {
		if got := hear(text); got != want {
			t.Errorf("%.60q: got %+v, want %+v", text, got, want)
		}
	}
}

// A text decides nothing unless all of it is one word of ours, and a code at most.
func FuzzSaid(f *testing.F) {
	for _, s := range []string{"YES!", "yes please", "y2", "2 yes", "no 2", "Sí", "👍", "Liked “Y 2”", "?", "y ٢", "\xff", "LIST", "y 99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := hear(body)
		if s.code < 0 || s.word == "" && s.code != 0 {
			t.Fatalf("%q: %+v", body, s)
		}
		switch s.word {
		case "", wordYes, wordNo, wordPull, wordList, wordHelp:
		default:
			t.Fatalf("%q: %+v", body, s)
		}
		if again := hear(" " + strings.ToUpper(body) + " "); utf8.ValidString(body) && isASCII(body) && again != s {
			t.Fatalf("%q: %+v, in capitals %+v", body, s, again)
		}
		letters := 0
		for _, w := range tokens(body) {
			if w == "" || strings.ToLower(w) != w {
				t.Fatalf("%q: token %q", body, w)
			}
			if w != "please" && strings.Trim(w, "0123456789") != "" {
				letters++
			}
		}
		if s.word != "" && s.word != wordHelp && letters != 1 {
			t.Fatalf("%q: %+v, of %d words", body, s, letters)
		}
		if s.word != "" && hear(body+" maybe") != (said{}) {
			t.Fatalf("%q: with another word it decides as well", body)
		}
	})
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) }
