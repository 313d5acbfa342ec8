package voice

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pullphone/store"
)

// The question is heard in under four seconds or so. Twilio's voice reads about 15 characters a second, and who calls
// stands in the first two thirds.
func TestQuestionIsShort(t *testing.T) {
	const most = 90
	if n := utf8.RuneCountInString(pressOne(store.Line{Name: "Sales"}, store.Call{From: caller, Name: "Jane Doe"})); n > 65 {
		t.Errorf("the usual question has %d characters", n)
	}
	long := strings.Repeat("Bartholomew ", 30)
	for _, line := range []string{"", "Sales", "Sales of garden furniture and of whatever else stands in a garden", long, strings.Repeat("x", 300)} {
		for _, c := range []store.Call{
			{}, {From: caller}, {From: caller, City: "Boise, ID"}, {From: caller, Name: "JANE DOE"}, {From: caller, Name: long[:60]},
			{From: caller, Name: strings.Repeat("é", 60)}, {From: caller, City: long[:40] + ", " + long[:20]}, {From: caller, Name: strings.Repeat("😀", 60)},
		} {
			if n := utf8.RuneCountInString(pressOneOrPass(store.Line{Name: line}, c)); n > most {
				t.Errorf("%d characters for somebody who was rung", n)
			}
			q := pressOne(store.Line{Name: line}, c)
			if n := utf8.RuneCountInString(q); n > most {
				t.Errorf("%d characters: %s", n, q)
			}
			if !strings.HasPrefix(q, "Call for ") || !strings.HasSuffix(q, ". Press 1 to take it, 2 to decline.") || !utf8.ValidString(q) || strings.Contains(q, "  ") {
				t.Errorf("%q", q)
			}
		}
	}
}

func TestQuestion(t *testing.T) {
	for _, c := range []struct {
		line string
		call store.Call
		want string
	}{
		{"Sales", store.Call{From: caller, Name: "JANE DOE", City: "Boise, ID"}, "Call for Sales from JANE DOE."},
		{"Sales", store.Call{From: caller, City: "Boise, ID"}, "Call for Sales from Boise, ID."},
		{"Sales", store.Call{From: caller}, "Call for Sales."},
		{"Sales", store.Call{}, "Call for Sales from a withheld number."},
		{"", store.Call{From: caller}, "Call for you."},
	} {
		if got := pressOne(store.Line{Name: c.line}, c.call); got != c.want+" Press 1 to take it, 2 to decline." {
			t.Errorf("got %q", got)
		}
	}
}

// Twilio refuses a Say without text (error 13520).
func TestNoEmptySay(t *testing.T) {
	for _, text := range []string{"", " ", "\n\t", "\u00a0", "Hello."} {
		if got := words(text).GetText(); strings.TrimSpace(got) == "" || text == "Hello." && got != text {
			t.Errorf("%q is said as %q", text, got)
		}
	}
	team := someTeam()
	team.Lines[0].VoicemailGreeting, team.Lines[0].Greeting = "", " "
	h := open(t, team)
	c := stage(h, h.arrive("CA1"), "recording")
	spoken(t, h.post(of(connectPath, c, 1), form(common(c)...))) // which looks at each Say
	spoken(t, h.post(of(holdPath, c, 1), form(common(c)...)))
	spoken(t, h.post(FallbackPath, form(common(c)...)))
}
