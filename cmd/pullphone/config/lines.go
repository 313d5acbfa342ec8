package config

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	greeting          = "Thanks for calling. We are finding the right person for you."
	voicemailGreeting = "Please leave a message after the tone."
)

// lines also returns the path of every line's number.
func (v value) lines(t *team) ([]Line, map[string]string) {
	numbers := map[string]string{}
	const right = "write at least one line, with its number and channel"
	if v.unset() {
		v.need(right)
		return nil, numbers
	}
	all, ok := v.items()
	if ok && len(all) == 0 {
		v.fail("is empty; %s", right)
	}
	var lines []Line
	for _, item := range all {
		if item.unset() {
			item.fail("is empty; write a line, with its number and channel")
			continue
		}
		lines = append(lines, item.oneLine(t, numbers))
	}
	return lines, numbers
}

// oneLine adds the line's number to numbers.
func (v value) oneLine(t *team, numbers map[string]string) Line {
	f, ok := v.fields("name", "number", "channel", "people", "greeting", "hold_music", "voicemail_greeting",
		"max_wait", "ring_timeout", "accept", "no", "dial_in", "fallback_url", "keywords", "hours", "escalate")
	if !ok {
		return Line{}
	}
	l := Line{}
	number := f["number"]
	if l.Number, ok = number.phone(`write the Twilio number that callers dial, like "+12085550100"`); ok {
		if other, twice := numbers[l.Number]; twice {
			number.fail("%s is also %s; give each line its own number", number.quoted(), other)
		} else {
			numbers[l.Number] = number.path
		}
	}
	l.Name = l.Number
	if name := f["name"]; !name.unset() && !name.blank() {
		l.Name, _ = name.name()
	}
	l.Channel = f["channel"].channel()
	l.People = t.names()
	if people := f["people"]; !people.unset() {
		l.People = people.members(t, "everybody")
	}
	l.Greeting = f["greeting"].sentence(greeting)
	l.HoldMusic = f["hold_music"].holdMusic()
	l.VoicemailGreeting = f["voicemail_greeting"].sentence(voicemailGreeting)
	l.MaxWait = f["max_wait"].positive(2 * time.Minute)
	l.RingTimeout = f["ring_timeout"].ringTimeout()
	l.Accept = f["accept"].boolean(true)
	l.No = NoVoicemail
	if no := f["no"]; !no.unset() {
		l.No = No(no.choice(string(NoVoicemail), string(NoPass)))
	}
	l.DialIn = DialInOpen
	if in := f["dial_in"]; !in.unset() {
		l.DialIn = DialIn(in.choice(string(DialInOpen), string(DialInOff), string(DialInPIN)))
	}
	l.FallbackURL = f["fallback_url"].fallbackURL()
	l.Keywords = f["keywords"].keywords(l.Number)
	l.Hours = f["hours"].hours()
	l.Escalate = f["escalate"].escalate(t)
	if l.DialIn == DialInPIN && t.complete && !slices.ContainsFunc(t.withPIN, l.serves) {
		f["dial_in"].fail("asks for a PIN, and nobody of the line has one; give its people a pin under people, or write true or false here")
	}
	return l
}

// serves reports whether a person is told of the line's calls, at once or later.
func (l Line) serves(person string) bool {
	return slices.Contains(l.People, person) ||
		slices.ContainsFunc(l.Escalate, func(s EscalateStep) bool { return slices.Contains(s.People, person) })
}

// docs.slack.dev: IDs of channels start with C, of older private ones with G.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,}$`)

func (v value) channel() string {
	s, ok := v.need(`write the Slack channel's ID, or its name with # in front and in quotes, like "#sales"`)
	if !ok || channelID.MatchString(s) {
		return s
	}
	if name, ok := strings.CutPrefix(s, "#"); ok && channelName(name) {
		return s
	}
	if lower := strings.ToLower(strings.TrimPrefix(s, "#")); channelName(lower) && v.literal() {
		v.fail("%s is neither a Slack channel's ID nor #name; write %s", v.quoted(), quote("#"+lower))
	} else {
		v.fail(`%s is neither a Slack channel's ID nor #name; write it like "C000SALES" or "#sales"`, v.quoted())
	}
	return ""
}

// channelName tells whether Slack allows a name: small letters of any script,
// digits, hyphens and underscores, 80 at most.
func channelName(s string) bool {
	odd := func(r rune) bool {
		return unicode.IsUpper(r) || !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune("-_.", r)
	}
	return s != "" && utf8.RuneCountInString(s) <= 80 && !strings.ContainsFunc(s, odd)
}

// ringTimeout is within what Twilio allows a Dial (twilio.com/docs/voice/twiml/dial).
func (v value) ringTimeout() time.Duration {
	d, ok := v.duration()
	switch {
	case !ok:
		return 20 * time.Second
	case d < 5*time.Second || d > 600*time.Second:
		v.fail("%s is not within Twilio's limits; write 5s to 600s", v.quoted())
	case d%time.Second != 0:
		v.fail(`%s is not a whole number of seconds; write one like "20s"`, v.quoted())
	}
	return d
}

func (v value) escalate(t *team) []EscalateStep {
	all, _ := v.items()
	var steps []EscalateStep
	for _, item := range all {
		if item.unset() {
			item.fail("is empty; write after, and people or mention or both")
			continue
		}
		f, ok := item.fields("after", "people", "mention")
		if !ok {
			continue
		}
		after, people, mention := f["after"], f["people"], f["mention"]
		var s EscalateStep
		if _, ok := after.need(`write how long after the call arrived, like "30s"`); ok {
			s.After = after.positive(0)
		}
		if !mention.unset() && !mention.blank() {
			if s.Mention, ok = mention.text(); ok && s.Mention != "here" {
				mention.fail("%s is not known; write here, or leave the key out", mention.quoted())
			}
		}
		s.People = people.members(t, "nobody")
		if people.unset() && !people.excused && s.Mention == "" && (mention.unset() || mention.blank()) && !mention.excused {
			item.fail("tells nobody; write people or mention or both")
		}
		steps = append(steps, s)
	}
	return steps
}
