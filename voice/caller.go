package voice

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"pullphone/store"
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// withheld are numbers that carriers send for words: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE on a
// keypad. Anything that is no E.164 number at all says the same in letters.
var withheld = map[string]bool{
	"+266696687": true, "+7378742833": true, "+2562533": true, "+8656696": true, "+86282452253": true,
}

// arrival reads an incoming call's form. What a stranger can set is cut down here, once: a name and a place are one
// short line of printable characters.
func arrival(f url.Values) store.Arrival {
	a := store.Arrival{SID: f.Get("CallSid"), Line: f.Get("To"), From: f.Get("From")}
	if !e164.MatchString(a.From) || withheld[a.From] {
		a.From = ""
		return a
	}
	a.Name = plain(f.Get("CallerName"), 60)
	city, state := plain(f.Get("FromCity"), 40), plain(f.Get("FromState"), 20)
	if city == strings.ToUpper(city) { // as carriers send it
		city = cases.Title(language.Und).String(city)
	}
	switch {
	case city != "" && state != "":
		a.City = city + ", " + state
	default:
		a.City = city + state
	}
	return a
}

// plain gives a stranger's text as one line of at most max printable characters, without the invisible ones that
// reorder or hide others.
func plain(s string, max int) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == '\uFFFD', r == '\uFFFE', r == '\uFFFF':
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > max {
		s = strings.TrimSpace(string(runes[:max]))
	}
	return s
}
