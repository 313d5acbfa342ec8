package config

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// FuzzParse looks for panics, and for errors that are of no use or tell too much.
func FuzzParse(f *testing.F) {
	contract, err := os.ReadFile("testdata/contract.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(contract)
	f.Add(Sample)
	for _, tt := range badFiles {
		if len(tt.file) < 1000 {
			f.Add([]byte(tt.file))
		}
	}
	for _, s := range []string{"a: &a [*a]", "a: &a {a: *a}", "&a *a : *a", "lines: &a [*a, *a]", "lines: [&a {hours: *a, keywords: *a, escalate: [*a]}, *a]",
		"? [a]\n: b", "!!map a", "--- ---", "%YAML 1.1\n---\n", "\ufeffa: b", "lines: [{hours: {open: [Sun-Sun 00:00-24:00]}}]",
		line("hours: {timezone: Asia/Kolkata, open: [Fri-Sat 22:00-02:00, Sun 18:00-00:00], closed: [2026-12-25]}")} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data, getenv)
		if err == nil {
			if c.PublicURL == "" || len(c.Lines) == 0 || c.Lines[0].Number == "" || c.Twilio.AuthToken.Reveal() == "" || c.Retention <= 0 {
				t.Fatalf("accepted without what is required: %+v", c)
			}
			return
		}
		wide := bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.HasPrefix(data, []byte("\xff\xfe")) // UTF-16: any pair of bytes may end a line
		for _, e := range err.(Errors) {
			if e.Line < 1 || !wide && e.Line > bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte("\r"))+
				bytes.Count(data, []byte("\u0085"))+bytes.Count(data, []byte("\u2028"))+bytes.Count(data, []byte("\u2029"))+1 {
				t.Errorf("no such line: %v", e)
			}
			if strings.ContainsAny(e.Error(), "\n\r") || !strings.Contains(e.Problem, "; ") {
				t.Errorf("not one line that says what to do: %q", e)
			}
			for name, s := range environment {
				if strings.Contains(s, "t0ken") && strings.Contains(e.Error(), s) && !bytes.Contains(data, []byte(s)) {
					t.Errorf("%s is shown: %v", name, e)
				}
			}
		}
	})
}
