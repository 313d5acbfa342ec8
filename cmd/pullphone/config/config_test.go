package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// environment is the variables of the tests' files.
var environment = map[string]string{
	"TWILIO_ACCOUNT_SID":   "AC0123456789abcdef0123456789abcdef",
	"TWILIO_AUTH_TOKEN":    "t0kenOfTwilio",
	"SLACK_BOT_TOKEN":      "xoxb-t0ken-of-bot",
	"SLACK_SIGNING_SECRET": "t0ken-that-signs",
	"EMPTY":                "",
	"NUMBER":               "+12085550100",
	"NESTED":               "${EMPTY}, $NUMBER",
	"STRUCTURE":            "a: [b, {c: d}] # e\n- f",
	"LINES":                "one\ntwo",
	"BINARY":               "\xff\xfe",
	"TRUE":                 "true",
}

func getenv(name string) (string, bool) {
	s, ok := environment[name]
	return s, ok
}

const minimal = `public_url: https://phone.example.com
twilio: {account_sid: "${TWILIO_ACCOUNT_SID}", auth_token: "${TWILIO_AUTH_TOKEN}"}
slack: {bot_token: "${SLACK_BOT_TOKEN}", signing_secret: "${SLACK_SIGNING_SECRET}"}
lines:
  - number: "+12085550100"
    channel: C000SALES
`

func parse(t *testing.T, file string) *Config {
	t.Helper()
	c, err := Parse("pullphone.yml", []byte(file), getenv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestDefaults(t *testing.T) {
	check(t, "config", parse(t, minimal), &Config{
		PublicURL:      "https://phone.example.com",
		Listen:         "127.0.0.1:8080",
		AdminListen:    "127.0.0.1:9090",
		Store:          Store{Path: "pullphone.db"},
		Retention:      90 * 24 * time.Hour,
		PhoneCountries: []string{"US"},
		Twilio: Twilio{
			AccountSID: "AC0123456789abcdef0123456789abcdef",
			AuthToken:  NewSecret("t0kenOfTwilio"),
			Lookup:     true,
		},
		Slack: Slack{
			BotToken:      NewSecret("xoxb-t0ken-of-bot"),
			SigningSecret: NewSecret("t0ken-that-signs"),
		},
		Lines: []Line{{
			Name:              "+12085550100",
			Number:            "+12085550100",
			Channel:           "C000SALES",
			Greeting:          "Thanks for calling. We are finding the right person for you.",
			VoicemailGreeting: "Please leave a message after the tone.",
			MaxWait:           2 * time.Minute,
			RingTimeout:       20 * time.Second,
			Accept:            true,
			No:                NoVoicemail,
			DialIn:            DialInOpen,
		}},
	})
}

// The contract's example names Bob and Cy without listing them. That is the
// only thing wrong with it; with them, it loads as it stands.
func TestContractExample(t *testing.T) {
	data, err := os.ReadFile("testdata/contract.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("contract.yml", data, getenv)
	var all Errors
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("want two errors, got %v", err)
	}
	for i, want := range []string{
		`contract.yml:29: lines[0].people[1]: nobody under people has the name "Bob"; add them there, or take the name out here`,
		`contract.yml:47: lines[0].escalate[0].people[0]: nobody under people has the name "Cy"; add them there, or take the name out here`,
	} {
		check(t, "error", all[i].Error(), want)
	}

	file := strings.Replace(string(data), "    slack: U000ANN\n",
		"    slack: U000ANN\n  - {name: Bob, phone: \"+12085550102\"}\n  - {name: Cy, slack: U000CY}\n", 1)
	c := parse(t, file)
	boise, err := time.LoadLocation("America/Boise")
	if err != nil {
		t.Fatal(err)
	}
	week := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	check(t, "people", c.People, []Person{
		{Name: "Ann", Phone: "+12085550101", Slack: "U000ANN"},
		{Name: "Bob", Phone: "+12085550102"},
		{Name: "Cy", Slack: "U000CY"},
	})
	check(t, "lines", c.Lines, []Line{{
		Name:              "Sales",
		Number:            "+12085550100",
		Channel:           "C000SALES",
		People:            []string{"Ann", "Bob"},
		Greeting:          "Thanks for calling. We are finding the right person for you.",
		VoicemailGreeting: "Please leave a message after the tone.",
		MaxWait:           2 * time.Minute,
		RingTimeout:       20 * time.Second,
		Accept:            true,
		No:                NoVoicemail,
		DialIn:            DialInOpen,
		Keywords: []Keyword{
			{Word: "support", Forward: "+12085550199", Say: "Connecting you to support."},
			{Word: "later", Voicemail: true},
		},
		Hours: &Hours{
			Location: boise,
			Open: []Span{
				{Days: week, From: 8 * 60, To: 17*60 + 30},
				{Days: []time.Weekday{time.Saturday}, From: 10 * 60, To: 14 * 60},
			},
			Closed: []string{"2026-12-25"},
		},
		Escalate: []EscalateStep{{After: 30 * time.Second, People: []string{"Cy"}, Mention: "here"}},
	}})
	c.People, c.Lines = nil, nil
	rest := parse(t, minimal)
	rest.Lines = nil
	check(t, "the rest, which is all defaults", c, rest)
}

// Each key set to something other than its default.
func TestOtherValues(t *testing.T) {
	c := parse(t, `
public_url: http://phone.example.com:8000/pull/
listen: ":80"
admin_listen: "[::1]:0"
store: etcd://a.example.com:2379,[::1]:2379/team/pullphone/
retention: 1d12h
phone_countries: [NO, US]
twilio:
  account_sid: AC1
  auth_token: 123456
  api_url: http://127.0.0.1:7000/
  lookup: false
slack:
  bot_token: xoxb-1
  app_token: xapp-1
  api_url: http://127.0.0.1:7001/slack/api/
people:
  - &ann {name: Ann, phone: +12085550101, pin: 0471}
  - {slack: W000BOB}
  - phone: "+4740612345"
lines:
  - number: +12085550100
    channel: "#verkäufe-2"
    greeting: >
      Hello,
      ${NUMBER} here.
    hold_music: ["https://example.com/a.mp3?b=c"]
    voicemail_greeting: Later.
    max_wait: 1h
    ring_timeout: 600s
    accept: False
    no: pass
    dial_in: pin
    fallback_url: https://example.com/f.xml
    keywords: {"Not  NOW!": {pass: true, say: ""}, Dept-7: {voicemail: true}, später: {pass: true}}
    hours: &hours {open: [Fri-Mon 00:00-24:00, "Sun-Mon 22:00-02:00", Tue 18:00-00:00]}
    escalate: [{after: 1s, mention: here}, {after: 1m, people: [W000BOB, "+4740612345"], mention: ""}]
  - {number: "+442079460958", channel: GABC, people: [Ann], dial_in: false, hours: *hours}
`)
	check(t, "public_url", c.PublicURL, "http://phone.example.com:8000/pull")
	check(t, "listen", c.Listen, ":80")
	check(t, "admin_listen", c.AdminListen, "[::1]:0")
	check(t, "store", c.Store, Store{Endpoints: []string{"a.example.com:2379", "[::1]:2379"}, Prefix: "team/pullphone"})
	check(t, "retention", c.Retention, 36*time.Hour)
	check(t, "phone_countries", c.PhoneCountries, []string{"NO", "US"})
	check(t, "twilio", c.Twilio, Twilio{AccountSID: "AC1", AuthToken: NewSecret("123456"), APIURL: "http://127.0.0.1:7000"})
	check(t, "slack", c.Slack, Slack{BotToken: NewSecret("xoxb-1"), AppToken: NewSecret("xapp-1"), APIURL: "http://127.0.0.1:7001/slack/api/"})
	check(t, "people", c.People, []Person{
		{Name: "Ann", Phone: "+12085550101", PIN: NewSecret("0471")},
		{Name: "W000BOB", Slack: "W000BOB"},
		{Name: "+4740612345", Phone: "+4740612345"},
	})
	hours := &Hours{Location: time.Local, Open: []Span{
		{Days: []time.Weekday{time.Friday, time.Saturday, time.Sunday, time.Monday}, To: 1440},
		{Days: []time.Weekday{time.Sunday, time.Monday}, From: 22 * 60, To: 2 * 60},
		{Days: []time.Weekday{time.Tuesday}, From: 18 * 60},
	}}
	check(t, "lines[0]", c.Lines[0], Line{
		Name:              "+12085550100",
		Number:            "+12085550100",
		Channel:           "#verkäufe-2",
		People:            []string{"Ann", "W000BOB", "+4740612345"},
		Greeting:          "Hello, +12085550100 here.",
		HoldMusic:         []string{"https://example.com/a.mp3?b=c"},
		VoicemailGreeting: "Later.",
		MaxWait:           time.Hour,
		RingTimeout:       10 * time.Minute,
		No:                NoPass,
		DialIn:            DialInPIN,
		FallbackURL:       "https://example.com/f.xml",
		Keywords:          []Keyword{{Word: "not now!", Pass: true}, {Word: "dept-7", Voicemail: true}, {Word: "später", Pass: true}},
		Hours:             hours,
		Escalate: []EscalateStep{
			{After: time.Second, Mention: "here"},
			{After: time.Minute, People: []string{"W000BOB", "+4740612345"}},
		},
	})
	check(t, "lines[1].people", c.Lines[1].People, []string{"Ann"})
	check(t, "lines[1].dial_in", c.Lines[1].DialIn, DialInOff)
	check(t, "lines[1].hours", c.Lines[1].Hours, hours)
	check(t, "lines[1].channel", c.Lines[1].Channel, "GABC")
	check(t, "country", c.Lines[1].Country(), "GB")
	check(t, "no country", Line{Number: "+80012345678"}.Country(), "")
}

// An empty value counts as left out, as after commenting out what was below it.
func TestEmptyValuesAreLeftOut(t *testing.T) {
	c := parse(t, minimal+`    people:
    hours: ~
    keywords:
    escalate:
      # - {after: 30s}
    fallback_url: "${EMPTY}"
    name: ""
people:
phone_countries:
listen:
`)
	check(t, "config", c, parse(t, minimal))
}

func TestCountriesDefaultToThoseOfTheLines(t *testing.T) {
	c := parse(t, minimal+`  - {number: "+442079460958", channel: C1AA}
  - {number: "+12085550105", channel: C1AA}
people: [{name: Ann, phone: "+447400123456"}]
`)
	check(t, "countries", c.PhoneCountries, []string{"US", "GB"})
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pullphone.yml")
	if _, err := Load(path, getenv); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte(minimal), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, getenv)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "config", c, parse(t, minimal))
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90d":     2160 * time.Hour,
		"1d12h":   36 * time.Hour,
		"1.5d":    36 * time.Hour,
		"1h1d":    25 * time.Hour,
		"90s":     90 * time.Second,
		"-1d":     -24 * time.Hour,
		"0":       0,
		"106751d": 106751 * 24 * time.Hour,
	} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "d", "1", "00", "1.5", "1D", "1dd", "1w", "2 m", "106752d", "1e3d", "inf", strings.Repeat("9", 400) + "d"} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("%q: got %v, want an error", s, got)
		}
	}
}

func TestStoreString(t *testing.T) {
	for _, s := range []string{"bolt:pullphone.db", "bolt:/var/lib/pullphone/p.db", "etcd://a:1,b:2/c/d"} {
		store, err := ParseStore(s)
		if err != nil || store.String() != s {
			t.Errorf("%q: got %q, %v", s, store, err)
		}
	}
}

// A range that is in use before any list has it is a number like any other, in the country of its code.
func TestUnlistedRange(t *testing.T) {
	for number, want := range map[string]string{"+15550001111": "US", "+12085550100": "US", "+80012345678": ""} {
		if got := (Line{Number: number}).Country(); got != want {
			t.Errorf("country of %s: got %q, want %q", number, got, want)
		}
	}
}
