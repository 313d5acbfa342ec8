package store

import (
	"slices"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// Person is a teammate with a mobile phone.
type Person struct {
	Name  string // unique in the team
	Phone string // E.164, or empty: then they are not texted and cannot take a call
	Slack string // Slack user ID, or empty
	PIN   string // digits, or empty: then no line that asks for one lets them pull by phone
}

// No is what the word No means on a line.
type No string

// The meanings of No.
const (
	NoVoicemail No = "voicemail" // the caller is asked to leave a message
	NoPass      No = "pass"      // only the person who says it is out
)

// DialIn says whether people may call a line from their own phone to pull.
type DialIn string

// The ways of dialling in.
const (
	DialInOpen DialIn = "true"  // their caller ID is enough
	DialInOff  DialIn = "false" // they are callers like any other
	DialInPIN  DialIn = "pin"   // they key in a PIN first, unless a carrier vouches for their caller ID
)

// Step says who is told next of a call that nobody has answered.
type Step struct {
	After  time.Duration // since the call arrived, or was handed over
	People []string      // names
	Here   bool          // those who are active in the line's Slack channel are mentioned
}

// Line is one Twilio number that callers dial, with its Slack channel, its people and its rules.
type Line struct {
	Name    string
	Number  string   // E.164, unique: a line is known by it
	Country string   // ISO 3166-1 alpha-2 of Number
	Channel string   // Slack channel ID or #name
	People  []string // names

	Greeting          string   // said when a caller begins to wait
	HoldMusic         []string // https URLs; empty: the music that ships with pullphone
	VoicemailGreeting string

	MaxWait     time.Duration // nobody answered by then: voicemail
	RingTimeout time.Duration // how long the taker's mobile rings
	Accept      bool          // the taker presses 1 before the caller is put through
	No          No
	DialIn      DialIn
	Escalate    []Step // in order of After

	Hours    *Hours    // outside of them callers go straight to voicemail; nil: always open
	Keywords []Keyword // answers besides those of every line
}

// Keyword is an answer of a line's own. Exactly one of Forward, Voicemail and Pass is set.
type Keyword struct {
	Word      string // small letters, as written in the config; accents and punctuation do not count when it is heard
	Forward   string // E.164: the caller is connected there
	Voicemail bool   // the caller is asked to leave a message
	Pass      bool   // only the person who says it is out
	Say       string // what the caller hears before that, or empty
}

// Team is who there is: the lines and the people, as configured.
type Team struct {
	Lines  []Line
	People []Person
	Lookup bool // look callers' names up

	Retention time.Duration // calls that ended are dropped at this age; 0: never
}

// Keys is how many keys one change of this team's store reads, and how many it writes, at the most: one that tells all the
// people of a line of a call, or one that drops what is too old.
func (t Team) Keys() int {
	n := most
	for _, l := range t.Lines {
		n = max(n, len(l.everybody())+few)
	}
	return n
}

// Line finds a line by its number.
func (t Team) Line(number string) (Line, bool) {
	return find(t.Lines, func(l Line) bool { return l.Number == number })
}

// Person finds a person by name.
func (t Team) Person(name string) (Person, bool) {
	return find(t.People, func(p Person) bool { return p.Name == name })
}

// PersonByPhone finds a person by E.164 number.
func (t Team) PersonByPhone(phone string) (Person, bool) {
	return find(t.People, func(p Person) bool { return phone != "" && p.Phone == phone })
}

// PersonBySlack finds a person by Slack user ID.
func (t Team) PersonBySlack(user string) (Person, bool) {
	return find(t.People, func(p Person) bool { return user != "" && p.Slack == user })
}

// Serves reports whether a person belongs to a line: is told of its calls, at once or later.
func (l Line) Serves(person string) bool {
	return slices.Contains(l.People, person) ||
		slices.ContainsFunc(l.Escalate, func(s Step) bool { return slices.Contains(s.People, person) })
}

// Usual reports whether an E.164 number is an ordinary phone's, mobile or fixed, in the line's own country: nothing that
// costs extra to reach, and nothing that only looks near.
func (l Line) Usual(number string) bool {
	n, err := phonenumbers.Parse(number, "")
	if err != nil || l.Country == "" || phonenumbers.GetRegionCodeForNumber(n) != l.Country {
		return false
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return true
	}
	return false
}

func find[T any](in []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(in, is); i >= 0 {
		return in[i], true
	}
	var none T
	return none, false
}
