package bot

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"pullphone/store"
)

// said is what somebody typed. The zero value is what decides nothing: no word of ours, or more than one.
type said struct {
	word    word
	code    int           // short code of a call, with wordYes, wordNo, wordPass and wordKeyword; 0 when none was given
	force   bool          // with wordYes and wordPull: although they are in a call already
	span    time.Duration // with wordOff: for how long, at most mostOff; 0: until ON
	note    string        // with wordPassOn: as typed, at most mostNoted characters; may be empty
	keyword store.Keyword // with wordKeyword
}

// word is what a text asks for, whichever way it was put.
type word string

const (
	wordYes     word = "yes"
	wordNo      word = "no"        // what the line means by it
	wordPass    word = "pass"      // not me
	wordPassOn  word = "pass on"   // hand the caller over
	wordPull    word = "pull"      // the longest waiting call, or stand in line for the next
	wordLeave   word = "leave"     // stand in line no more; CANCEL would never reach us
	wordList    word = "list"      // who is waiting
	wordOn      word = "on"        // on duty
	wordOff     word = "off"       // off duty
	wordHelp    word = "help"      // typed as ? in a text
	wordKeyword word = "a keyword" // one of the line's own
)

const (
	mostOff   = 30 * 24 * time.Hour
	mostNoted = 200
)

// builtIn are the words of every line, as Plain writes them. Only what nobody could mean otherwise stands here: an "ok"
// may be about the text, not the call.
var builtIn = map[string]word{
	"yes": wordYes, "y": wordYes, "yep": wordYes, "yeah": wordYes, "yup": wordYes, "si": wordYes, "take": wordYes,
	"no": wordNo, "n": wordNo, "nope": wordNo, "no thanks": wordNo, "no thank you": wordNo, "voicemail": wordNo,
	"pass": wordPass, "not me": wordPass,
	"pass on": wordPassOn,
	"pull":    wordPull, "next": wordPull,
	"leave": wordLeave,
	"list":  wordList,
	"on":    wordOn,
}

// emoji decide alone, or beside a word that means the same. All others are left aside.
var emoji = map[string]word{"👍": wordYes, "✅": wordYes, "👎": wordNo}

var (
	off = regexp.MustCompile(`^(?:please )?off(?: ([0-9]+) (?:d|days?))?(?: ([0-9]+) (?:h|hrs?|hours?))?(?: ([0-9]+) (?:m|mins?|minutes?))?(?: please)?$`)

	// Not in Plain, so that the note stays as it was typed.
	passOn = regexp.MustCompile(`(?is)^[\s\pZ]*pass[\s\pZ-]+on(?:$|[:,.;!?]+|[\s\pZ])(.*)$`)
)

// hear reads a text to a line. Case, punctuation, accents and how an emoji looks do not matter, but the whole of the text
// must be a word that we know, with or without a code, on either side or grown together ("y2"): a longer text that
// happens to hold a "no", or a phone that quotes our own words in a reaction, decides nothing about a caller.
func hear(line store.Line, body string) said {
	if strings.Trim(body, " \t\r\n?") == "" && strings.Contains(body, "?") {
		return said{word: wordHelp}
	}
	if m := passOn.FindStringSubmatch(body); m != nil {
		return said{word: wordPassOn, note: noted(m[1])}
	}
	words := tokens(body)
	if m := off.FindStringSubmatch(strings.Join(words, " ")); m != nil {
		return offFor(m[1:])
	}
	if s := hearBuiltIn(words); s.word != "" {
		return s
	}
	return hearKeyword(line, words)
}

// command reads what follows a slash command. It hears the same words, and those that a carrier would keep from a text;
// a bare number takes the call with that code. Nothing at all pulls.
func command(text string) said {
	if strings.TrimSpace(text) == "" {
		return said{word: wordPull}
	}
	if m := passOn.FindStringSubmatch(text); m != nil {
		return said{word: wordPassOn, note: noted(m[1])}
	}
	// Slack writes emoji as names (github.com/slackapi/bolt-js/issues/1469); the 1 of :+1: is no code.
	text = shortcode.ReplaceAllStringFunc(text, func(name string) string { return shortcodes[name] + " " })
	switch Plain(text) {
	case "force":
		return said{word: wordPull, force: true}
	case "cancel":
		return said{word: wordLeave}
	case "help":
		return said{word: wordHelp}
	}
	if m := bareCode.FindStringSubmatch(strings.Join(strings.Fields(text), " ")); m != nil {
		text = "yes " + m[0]
	}
	return hear(store.Line{}, text)
}

var (
	bareCode   = regexp.MustCompile(`(?i)^(?:force )?#?[0-9]+(?: force)?$`)
	shortcode  = regexp.MustCompile(`:[a-z0-9_+'-]+:`)
	shortcodes = map[string]string{":+1:": "👍", ":thumbsup:": "👍", ":-1:": "👎", ":thumbsdown:": "👎", ":white_check_mark:": "✅"}
)

// Plain is a text as hear compares it: two texts that have the same are the same word. It is empty when there is nothing
// to hear in a text.
func Plain(text string) string { return strings.Join(tokens(text), " ") }

// Reserved reports whether a text, or a slash command, means something already, so that no line can give it a meaning of
// its own.
func Reserved(text string) bool {
	return hear(store.Line{}, text).word != "" || command(text).word != ""
}

// hearBuiltIn hears words of every line.
func hearBuiltIn(words []string) said {
	b, ok := sorted(words)
	w := builtIn[strings.Join(b.rest, " ")]
	if len(b.rest) == 0 {
		w = b.emoji
	}
	if w == wordPull && b.code > 0 { // one that is named is not the longest waiting
		w = wordYes
	}
	switch {
	case !ok, b.emoji != "" && b.emoji != w,
		b.code > 0 && w != wordYes && w != wordNo && w != wordPass,
		b.force && w != wordYes && w != wordPull:
		return said{}
	}
	return said{word: w, code: b.code, force: b.force}
}

// hearKeyword hears the line's own words, of which the longest counts. They may hold numbers themselves.
func hearKeyword(line store.Line, words []string) (s said) {
	longest := 0
	for _, k := range line.Keywords {
		key := tokens(k.Word)
		for i := 0; len(key) > longest && i+len(key) <= len(words); i++ {
			if !slices.Equal(words[i:i+len(key)], key) {
				continue
			}
			if b, ok := sorted(slices.Concat(words[:i], words[i+len(key):])); ok && len(b.rest) == 0 && !b.force && b.emoji == "" {
				s, longest = said{word: wordKeyword, code: b.code, keyword: k}, len(key)
			}
			break // where it stands twice it is no single word
		}
	}
	return s
}

// beside is what may stand beside a word, and the rest.
type beside struct {
	code  int
	force bool
	emoji word
	rest  []string
}

// sorted tells the word of a text from what stands beside it. It is not ok when the text names two calls or has emoji of two minds.
func sorted(words []string) (b beside, ok bool) {
	for _, w := range words {
		e := emoji[w]
		switch {
		case '0' <= w[0] && w[0] <= '9':
			n, err := strconv.Atoi(w)
			if err != nil || n == 0 || b.code > 0 && b.code != n {
				return b, false
			}
			b.code = n
		case e != "":
			if b.emoji != "" && b.emoji != e {
				return b, false
			}
			b.emoji = e
		case w == "force":
			b.force = true
		case w != "please":
			b.rest = append(b.rest, w)
		}
	}
	return b, true
}

// offFor reads days, hours and minutes, of which each may be left out.
func offFor(lengths []string) said {
	s := said{word: wordOff}
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if lengths[i] == "" {
			continue
		}
		n, err := strconv.Atoi(lengths[i])
		if err != nil || n > int(mostOff/unit) {
			return said{}
		}
		s.span += time.Duration(n) * unit
	}
	if none := strings.Join(lengths, "") == ""; s.span > mostOff || s.span == 0 && !none {
		return said{}
	}
	return s
}

// noted is the note to a caller who is handed over.
func noted(s string) string {
	r := []rune(strings.TrimSpace(strings.ToValidUTF8(s, "")))
	return strings.TrimSpace(string(r[:min(len(r), mostNoted)]))
}

// tokens cuts a text into runs of letters, runs of digits, and the emoji that decide; lower case, without accents and
// apostrophes. All else parts them.
func tokens(s string) []string {
	var out []string
	var kind rune
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		k := ' '
		switch {
		case unicode.Is(unicode.Mn, r), strings.ContainsRune("'’‘`", r): // the marks that choose how an emoji looks are Mn too
			continue
		case emoji[string(r)] != "":
			k = r
			kind = ' ' // each stands for itself
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
