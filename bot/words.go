package bot

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// said is what somebody typed.
type said struct {
	word string // one of the built-in words below, or empty when it is none of them
	code int    // short code of a call, 0 when none was given
}

const (
	wordYes  = "yes"
	wordNo   = "no"
	wordPull = "pull"
	wordList = "list"
	wordHelp = "help"
)

var builtIn = map[string]string{
	"yes": wordYes, "y": wordYes, "si": wordYes, "take": wordYes,
	"no": wordNo, "n": wordNo, "voicemail": wordNo,
	"pull": wordPull, "next": wordPull,
	"list": wordList,
}

// hear reads a text. The whole of it must be a word that we know, with or without a code, on either side or grown
// together ("y2"): a longer text that happens to hold a "no", or a phone that quotes our own words in a reaction,
// decides nothing about a caller.
func hear(body string) said {
	if strings.Trim(body, " \t\r\n?") == "" && strings.Contains(body, "?") {
		return said{word: wordHelp}
	}
	var out said
	words := 0
	for _, f := range tokens(body) {
		if n, err := strconv.Atoi(f); err == nil && out.code == 0 && n > 0 {
			out.code = n
			continue
		}
		if f == "please" {
			continue
		}
		words++
		out.word = builtIn[f]
	}
	if words != 1 || out.word == "" {
		return said{}
	}
	return out
}

// tokens cuts a text into runs of letters and runs of digits, lower case, without accents; all else parts them.
func tokens(s string) []string {
	var out []string
	var kind rune
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		k := ' '
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case '0' <= r && r <= '9':
			k = '0'
		case unicode.IsLetter(r), unicode.IsNumber(r): // digits of other scripts: unread, but not as if they were not there
			k = 'a'
		}
		if k != ' ' {
			if k != kind {
				out = append(out, "")
			}
			out[len(out)-1] += string(r)
		}
		kind = k
	}
	return out
}
