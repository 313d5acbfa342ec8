package voice

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pullphone/store"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestArrival(t *testing.T) {
	for name, c := range map[string]struct {
		form url.Values
		want store.Arrival
	}{
		"everything": {
			form("From", caller, "CallerName", "JANE DOE", "FromCity", "BOISE", "FromState", "ID", "FromCountry", "US"),
			store.Arrival{From: caller, Name: "JANE DOE", City: "Boise, ID"},
		},
		"only a number":       {form("From", caller), store.Arrival{From: caller}},
		"only a city":         {form("From", caller, "FromCity", "BOISE"), store.Arrival{From: caller, City: "Boise"}},
		"only a state":        {form("From", caller, "FromState", "ID"), store.Arrival{From: caller, City: "ID"}},
		"city of two words":   {form("From", caller, "FromCity", "SALT LAKE CITY", "FromState", "UT"), store.Arrival{From: caller, City: "Salt Lake City, UT"}},
		"city with a mark":    {form("From", caller, "FromCity", "ST. JOHN'S"), store.Arrival{From: caller, City: "St. John's"}},
		"city as it is":       {form("From", caller, "FromCity", "McCall", "FromState", "ID"), store.Arrival{From: caller, City: "McCall, ID"}},
		"city abroad":         {form("From", "+4930123456", "FromCity", "KÖLN"), store.Arrival{From: "+4930123456", City: "Köln"}},
		"city in kanji":       {form("From", "+81312345678", "FromCity", "東京"), store.Arrival{From: "+81312345678", City: "東京"}},
		"blanks":              {form("From", caller, "CallerName", "  JANE \t DOE\n", "FromCity", "  "), store.Arrival{From: caller, Name: "JANE DOE"}},
		"shortest number":     {form("From", "+4712345"), store.Arrival{From: "+4712345"}},
		"longest number":      {form("From", "+123456789012345"), store.Arrival{From: "+123456789012345"}},
		"withheld keeps none": {form("From", "anonymous", "CallerName", "JANE", "FromCity", "BOISE", "FromState", "ID"), store.Arrival{}},
	} {
		c.form.Set("CallSid", "CA1")
		c.form.Set("To", sales)
		c.want.SID, c.want.Line = "CA1", sales
		if got := arrival(c.form); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// Callers without a number of their own are told apart from others here, once: no name is looked up, no call back offered.
func TestArrivalWithheld(t *testing.T) {
	for _, from := range []string{
		"", "anonymous", "Anonymous", "unknown", "Restricted", "unavailable", "blocked", "PRIVATE", "asserted-id",
		"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", // words on a keypad
		"sip:jane@example.com", "sip:+12085550123@example.com;user=phone", "client:jane", "whatsapp:+12085550123",
		"12085550123", "00442071234567", "911", "+911", "+0123456789", "+1234567890123456", "+1 208 555 0123", "+1208555O123",
		"+12085550123\n", " +12085550123", "+12085550123,+12085550199", "+１２０８５５５０１２３", "<script>", "%2B12085550123",
	} {
		if a := arrival(form("CallSid", "CA1", "To", sales, "From", from, "CallerName", "X", "FromCity", "X")); a.From != "" || a.Name != "" || a.City != "" {
			t.Errorf("%q is taken for a number: %+v", from, a)
		}
	}
}

// What strangers set comes out as one short line that shows all it holds.
func TestArrivalHostileText(t *testing.T) {
	for in, want := range map[string]string{
		"a\x00b\x07c\x1b[31md\x7fe":            "abc[31mde",
		"a\r\nb\u2028c\u2029d\u0085e\vf":       "a b c d e f",
		"\xff\xfeJane\xc3":                     "Jane",
		"Jane\xed\xa0\x80":                     "Jane", // a surrogate
		"a\ufffeb\uffffc\ufffdd":               "abcd",
		"\u202eenaJ\u202c":                     "enaJ", // right to left override
		"\u2066a\u2069\u200eb\u200f\u061cc":    "abc",
		"J\u200ba\u200cn\u200de\u2060\ufeff":   "Jane", // invisible
		"so\u00adft":                           "soft",
		"tag\U000e0041\U000e007f":              "tag",
		"private\ue000\U000f0000\U0010fffd":    "private",
		"<Response><Hangup/></Response>":       "<Response><Hangup/></Response>", // the encoder's business
		"]]> &amp; &#0; \"'":                   "]]> &amp; &#0; \"'",
		"Ünïcødé 名前":                           "Ünïcødé 名前",
		"\u2003\u00a0wide\u3000blanks\u1680 ":  "wide blanks",
		strings.Repeat("é", 200):               strings.Repeat("é", 60),
		strings.Repeat("a ", 100):              strings.TrimSpace(strings.Repeat("a ", 30)),
		strings.Repeat("😀", 10<<10):            strings.Repeat("😀", 60),
		strings.Repeat("\u200b", 10<<10) + "x": "x",
	} {
		if got := arrival(form("CallSid", "CA1", "To", sales, "From", caller, "CallerName", in)).Name; got != want {
			t.Errorf("%.60q: got %q, want %q", in, got, want)
		}
		a := arrival(form("CallSid", "CA1", "To", sales, "From", caller, "FromCity", in, "FromState", in))
		if n := utf8.RuneCountInString(a.City); n > 62 || !utf8.ValidString(a.City) || strings.ContainsFunc(a.City, unicode.IsControl) {
			t.Errorf("%.60q: city of %d characters: %q", in, n, a.City)
		}
	}
}
