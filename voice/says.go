package voice

import (
	"strings"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// Everything that is said on the phone stands here, but for the greetings, which stand in the config file. Sentences
// are short: a caller is listening for a person, a taker for who it is.
const (
	notInService = "This number is not in service. Goodbye."
	stillLooking = "Sorry, that took longer than we thought. We are still finding the right person for you."
	sorry        = "Sorry, we cannot put you through right now."
	thanks       = "Thank you. Goodbye."
	nothingHeard = "We did not hear a message. Goodbye."
	callerGone   = "The caller has hung up. Goodbye."
	oneMoment    = "One moment."
	goAhead      = "Go ahead."
	notYou       = "All right, not you. Goodbye."
)

func puttingThrough(taker string) string { return "Putting you through to " + taker + "." }

// pressOne takes under four seconds, or a taker takes the phone from the ear.
func pressOne(line store.Line, c store.Call) string {
	return callFor(line, c) + " Press 1 to take it, 2 to decline."
}

// pressOneOrPass is the same for somebody who has not said anything yet.
func pressOneOrPass(line store.Line, c store.Call) string {
	return callFor(line, c) + " Press 1 to take it, 2 to pass on."
}

// answeredElsewhere tells somebody whose phone was rung why there is nobody to be put through.
func answeredElsewhere(c store.Call) string {
	switch {
	case c.Outcome == store.Missed, c.Claim == nil:
		return callerGone
	case c.Claim.Person == "" && c.Claim.Word == store.SendVoicemail:
		return "The caller is leaving a message. Goodbye."
	case c.Claim.Person == "":
		return "Somebody has answered it. Goodbye."
	}
	return c.Claim.Person + " has answered it. Goodbye."
}

func callFor(line store.Line, c store.Call) string {
	who := c.Name
	if who == "" {
		who = c.City
	}
	switch {
	case who != "":
		who = " from " + brief(who)
	case c.From == "":
		who = " from a withheld number"
	}
	name := brief(line.Name)
	if name == "" {
		name = "you"
	}
	return "Call for " + name + who + "."
}

// brief is as much of a name as is heard in a second or so, cut at a blank where there is one.
func brief(name string) string {
	const most = 20
	r := []rune(name)
	if len(r) <= most {
		return name
	}
	cut := string(r[:most])
	if i := strings.LastIndexByte(cut, ' '); i > 0 && r[most] != ' ' {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,")
}

// words speaks a text. The voice is named because Twilio's default differs by account; this one costs nothing.
func words(text string) twiml.Element {
	if strings.TrimSpace(text) == "" {
		text = "." // Say refuses an empty text (error 13520)
	}
	return &twiml.VoiceSay{Message: text, Voice: "woman"}
}
