package bot

import (
	"testing"
	"time"

	"pullphone/store"
)

// Numbers are written as people of the line's country write them; numbers from elsewhere with their country code.
func TestNumber(t *testing.T) {
	for _, c := range []struct{ e164, country, want string }{
		{"+12085550123", "US", "(208) 555-0123"},
		{"+12085550123", "GB", "+1 208-555-0123"},
		{"+14165550123", "US", "+1 416-555-0123"}, // Canada
		{"+14165550123", "CA", "(416) 555-0123"},
		{"+442079460018", "GB", "020 7946 0018"},
		{"+442079460018", "US", "+44 20 7946 0018"},
		{"+447400123456", "GB", "07400 123456"},
		{"+447700900123", "GB", "+44 7700 900123"}, // of a range that no list has: not taken for a number of the country
		{"+4930123456", "DE", "030 123456"},
		{"+4915123456789", "AT", "+49 1512 3456789"},
		{"+33123456789", "FR", "01 23 45 67 89"},
		{"+81312345678", "JP", "03-1234-5678"},
		{"+61291234567", "AU", "(02) 9123 4567"},
		{"+390612345678", "IT", "06 1234 5678"}, // the zero stays
		{"+390612345678", "CH", "+39 06 1234 5678"},
		{"+5511912345678", "BR", "(11) 91234-5678"},
		{"+18005550199", "US", "(800) 555-0199"},

		{"", "US", "withheld number"},
		{"", "", "withheld number"},
		// A country that no list knows leaves the country code where it is.
		{"+12085550123", "", "+1 208-555-0123"},
		{"+88312345678", "US", "+883 123 456 78"},
		{"+88312345678", "", "+883 123 456 78"},
		{"+99912345678", "US", "+99912345678"}, // no country at all
		{"+99912345678", "", "+99912345678"},
		{"+1208555", "US", "+1 208555"}, // of no known length
		{"+1208555", "", "+1 208555"},
		{"anonymous", "US", "anonymous"}, // cannot come this far
	} {
		if got := number(c.e164, c.country); got != c.want {
			t.Errorf("%s in %q: got %q, want %q", c.e164, c.country, got, c.want)
		}
	}
}

func TestWho(t *testing.T) {
	line := store.Line{Country: "US"}
	for _, c := range []struct {
		call store.Call
		want string
	}{
		{store.Call{From: "+12085550123"}, "(208) 555-0123"},
		{store.Call{From: "+12085550123", Name: "Jane Doe"}, "Jane Doe, (208) 555-0123"},
		{store.Call{}, "withheld number"},
	} {
		if got := who(line, c.call); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 400 * time.Millisecond: "0:00", 600 * time.Millisecond: "0:01", 59 * time.Second: "0:59", 65 * time.Second: "1:05",
		10 * time.Minute: "10:00", 59*time.Minute + 59*time.Second: "59:59", time.Hour: "1:00:00", 25*time.Hour + 2*time.Second: "25:00:02",
	} {
		if got := length(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		s    string
		max  int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"ab cd", 4, "ab…"}, {"äöüß", 3, "äö…"}, {"", 3, ""}, {"😀😀😀", 2, "😀…"}, {"abc", 1, "…"}} {
		if got := shorten(c.s, c.max); got != c.want {
			t.Errorf("%q to %d: got %q", c.s, c.max, got)
		}
	}
}
