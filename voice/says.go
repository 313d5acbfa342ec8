package voice

import (
	"cmp"
	"strings"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// Everything that is said on the phone stands here, but for the greetings, which stand in the config file. Sentences
// are short: a caller is listening for a person, a taker for who it is.
const (
	notInService = "This number is not in service. Goodbye."
	stillLooking = "Sorry, that took longer than we thought. We are still finding the right person for you."
	somebodyElse = "Please hold on, we are finding somebody else for you."
	forwarding   = "Please hold on, we are connecting you."
	closedNow    = "We are closed right now."
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
	call := callFor(line, c)
	if c.Claim != nil && c.Claim.Rule == store.HandedBack {
		call = "Nobody else took it: " + cmp.Or(who(c), "the caller you had") + "."
	}
	return call + " Press 1 to take it, 2 to decline."
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
	from := who(c)
	if from != "" {
		from = " from " + from
	}
	return "Call for " + cmp.Or(brief(line.Name), "you") + from + "."
}

// who is what is said of a caller; empty when there is only a number.
func who(c store.Call) string {
	switch known := cmp.Or(c.Name, c.City); {
	case known != "":
		return brief(known)
	case c.From == "":
		return "a withheld number"
	}
	return ""
}

// backOnHold is what a caller hears who had been taken, and waits again.
func backOnHold(c store.Call) string {
	if c.Handed != nil && !c.Handed.At.Before(c.Began()) {
		return somebodyElse
	}
	return stillLooking
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
