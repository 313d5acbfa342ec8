// Package config reads pullphone's config file: YAML with ${NAME} for
// environment variables. [Load] either returns a [Config] in which everything
// has been checked and every default filled in, or says file, line and key of
// what is wrong. [Sample] is a complete file with each key explained.
package config

import (
	"fmt"
	"os"
	"time"
)

// Config is a checked config file with its defaults filled in.
type Config struct {
	PublicURL      string        // absolute http or https URL without a slash at its end
	Listen         string        // host:port of the public listener
	AdminListen    string        // host:port of health, metrics and backup
	Store          Store         // where calls are kept
	Etcd           Etcd          // how to sign in there, when that is etcd
	Retention      time.Duration // calls, names and recordings older than this are deleted; above zero
	PhoneCountries []string      // where people's phones may be, ISO 3166-1 alpha-2; as written, else the countries of the lines
	LogNumbers     bool          // the log shows phone numbers whole
	Twilio         Twilio
	Slack          Slack
	People         []Person // in the order of the file
	Lines          []Line   // in the order of the file, at least one
}

// Twilio is the account that owns the lines' numbers.
type Twilio struct {
	AccountSID string // AC…, letters and digits
	AuthToken  Secret // letters and digits
	APIURL     string // scheme://host that replaces those of every REST call, or empty
	Lookup     bool   // look the caller's name up
}

// Slack is the app that speaks in the lines' channels.
type Slack struct {
	BotToken      Secret
	SigningSecret Secret // may be empty if there is an AppToken
	AppToken      Secret // xapp-…: Socket Mode instead of request URLs; may be empty
	APIURL        string // replaces https://slack.com/api/ and ends in /api/ too, or is empty
}

// Person is a teammate. At least one of Phone and Slack is set.
type Person struct {
	Name  string // unique; if left out, the Slack ID or else the phone
	Phone string // E.164, unique, no line's number; empty if only Slack knows the person so far
	Slack string // member ID (U… or W…), unique, or empty
	PIN   Secret // 4 to 8 digits, or empty
}

// Line is one Twilio number that callers dial.
type Line struct {
	Name              string   // the number if left out
	Number            string   // E.164, unique
	Channel           string   // Slack channel: its ID (C… or G…), or its name with # in front
	People            []string // names in Config.People; everybody if left out
	Greeting          string
	HoldMusic         []string // https URLs; none means the music that ships with pullphone
	VoicemailGreeting string
	MaxWait           time.Duration // above zero
	RingTimeout       time.Duration // 5 to 600 s, whole seconds (twilio.com/docs/voice/twiml/dial)
	Accept            bool          // the taker presses 1 before the caller is put through
	No                No
	DialIn            DialIn
	FallbackURL       string // https URL, or empty for a page of the server itself
	Keywords          []Keyword
	Hours             *Hours // nil: always open
	Escalate          []EscalateStep
}

// Country is the country of the line's number (ISO 3166-1 alpha-2), or "" for
// a number that belongs to no country, such as one under +800.
func (l Line) Country() string { return country(l.Number) }

// No is what the answer No means on a line.
type No string

// What No can mean.
const (
	NoVoicemail No = "voicemail" // the caller is sent to voicemail
	NoPass      No = "pass"      // only "not me"
)

// DialIn says whether people may call the line from their own phone to pull.
type DialIn string

// The values of dial_in.
const (
	DialInOpen DialIn = "true"  // their caller ID is enough
	DialInOff  DialIn = "false" // the line treats them as any caller
	DialInPIN  DialIn = "pin"   // they key in a PIN first, unless a carrier vouches for their caller ID
)

// EscalateStep tells more people when nobody has answered.
type EscalateStep struct {
	After   time.Duration // since the call arrived, or was handed over; above zero
	People  []string      // names in Config.People; may be empty if Mention is set
	Mention string        // "here": @here in the line's channel; or empty
}

// Load reads the config file at path, replaces ${NAME} by what getenv says
// ([os.LookupEnv] for the real environment), and checks everything. If the
// file can be read but is wrong, the error is an [Errors].
func Load(path string, getenv func(string) (string, bool)) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config file cannot be read: %w", err)
	}
	return Parse(path, data, getenv)
}

// Parse does what [Load] does with the content of a file; name is what errors
// call that file.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	r := &reader{file: name, getenv: getenv}
	c := &Config{}
	if root, ok := r.document(data); ok {
		r.config(root, c)
	}
	if err := r.problems.sorted(); err != nil {
		return nil, err
	}
	return c, nil
}

// config fills c from the whole file.
func (r *reader) config(root value, c *Config) {
	f, ok := root.fields("public_url", "listen", "admin_listen", "store", "etcd", "retention", "phone_countries",
		"log_numbers", "twilio", "slack", "people", "lines")
	if !ok {
		return
	}
	c.PublicURL = f["public_url"].publicURL()
	c.Listen = f["listen"].address("127.0.0.1:8080")
	c.AdminListen = f["admin_listen"].address("127.0.0.1:9090")
	if c.AdminListen == c.Listen && c.Listen != "" && !anyPort(c.Listen) {
		f["admin_listen"].fail("is the same address as listen; write another port")
	}
	c.Store = f["store"].store(Store{Path: "pullphone.db"})
	c.Etcd = f["etcd"].etcd(c.Store)
	c.Retention = f["retention"].positive(90 * 24 * time.Hour)
	c.LogNumbers = f["log_numbers"].boolean(false)
	c.Twilio = f["twilio"].twilio()
	c.Slack = f["slack"].slack()

	// Lines name people, so people are read first; people's phones depend on
	// the lines' countries, so they are checked last.
	team := f["people"].people()
	c.People = team.people
	var numbers map[string]string
	c.Lines, numbers = f["lines"].lines(team)
	c.PhoneCountries = f["phone_countries"].countries(c.Lines)
	team.checkPhones(c.PhoneCountries, numbers)
}

func (v value) twilio() Twilio {
	t := Twilio{Lookup: true}
	f, ok := v.fields("account_sid", "auth_token", "api_url", "lookup")
	if !ok {
		return t
	}
	t.AccountSID = f["account_sid"].accountSID()
	t.AuthToken = f["auth_token"].authToken()
	t.APIURL = f["api_url"].twilioAPI()
	t.Lookup = f["lookup"].boolean(true)
	return t
}

func (v value) slack() Slack {
	var s Slack
	f, ok := v.fields("bot_token", "signing_secret", "app_token", "api_url")
	if !ok {
		return s
	}
	s.BotToken = f["bot_token"].botToken()
	s.AppToken = f["app_token"].appToken()
	s.SigningSecret = f["signing_secret"].signingSecret(f["app_token"].unset() || f["app_token"].blank())
	s.APIURL = f["api_url"].slackAPI()
	return s
}
