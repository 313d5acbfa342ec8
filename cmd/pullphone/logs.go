package main

import (
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"regexp"

	"github.com/nyaruka/phonenumbers"
)

// newLog is the program's log, one line an entry. Phone numbers in it are shortened, whoever put them there, unless
// they are asked for.
func newLog(out io.Writer, numbers bool) *slog.Logger {
	var o slog.HandlerOptions
	if !numbers {
		o.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr { // gets the message and each attribute, in groups too
			a.Value = shortened(a.Value)
			return a
		}
	}
	return slog.New(slog.NewTextHandler(out, &o))
}

// shortened is a value without the phone numbers in it.
func shortened(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(shortNumbers(v.String()))
	case slog.KindAny:
		var long string // as it would be printed; of an error, its text
		switch v := v.Any().(type) {
		case encoding.TextMarshaler:
			b, _ := v.MarshalText() // on an error there is nothing to shorten
			long = string(b)
		case []byte:
			long = string(v)
		default:
			long = fmt.Sprintf("%+v", v)
		}
		if short := shortNumbers(long); short != long {
			return slog.StringValue(short)
		}
	}
	return v
}

// inE164 finds phone numbers, and those in URLs, where the plus is written %2B.
var inE164 = regexp.MustCompile(`(\+|%2[Bb])[1-9][0-9]{6,14}`)

// shortNumbers leaves the country and the last four digits of each number.
func shortNumbers(s string) string {
	return inE164.ReplaceAllStringFunc(s, func(found string) string {
		digits := found[inE164.FindStringSubmatchIndex(found)[3]:]
		country := digits[:1]
		if n, err := phonenumbers.Parse("+"+digits, ""); err == nil {
			country = fmt.Sprint(n.GetCountryCode())
		}
		return "+" + country + "…" + digits[len(digits)-4:]
	})
}
