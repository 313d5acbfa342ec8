package voice

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

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
	willCallBack = "We will call you back on this number. You can hang up. Goodbye."
	noCallBack   = "Sorry, we cannot call you back on this number."
	alreadyAsked = "You have asked for that already: we will call you back."
	notYours     = "This call back is not yours any more. Goodbye."
	goodbye      = "Goodbye."
)

// What people hear who call a line themselves.
const (
	nobodyWaits  = "Nobody waits."
	pressThree   = "Press 3 to stand in line for the next call."
	thatWasAll   = "That was the last one."
	allTheSame   = "You have a call already. Press 1 to take this one all the same."
	yoursAlready = "You have taken it already. Hang up, and it rings. Goodbye."
	inLine       = "You are in line for the next thirty minutes. We will ring you. Goodbye."
	standLater   = "You have a call already. Stand in line when it is over. Goodbye."
	callAgain    = "Sorry, that did not work. Please call again. Goodbye."
	keyInPIN     = "Please key in your PIN, and then the pound key."
	wrongPIN     = "That is not your PIN."
	tooManyPINs  = "There were too many wrong PINs. Please try again in an hour. Goodbye."
	noPIN        = "No PIN is set for you on this line. We put you through as a caller."
)

func howMany(waiting int) string {
	if waiting == 1 {
		return "One caller waits."
	}
	return strconv.Itoa(waiting) + " callers wait."
}

func pressKeys(waiting int) string {
	if waiting == 1 {
		return "Press 1 to take this call, 3 to stand in line."
	}
	return "Press 1 to take this call, 2 for the next one, 3 to stand in line."
}

// describe tells of a call that waits: for how long, and who calls if that may be said.
func describe(c store.Call, names bool, now time.Time) string {
	who := "A caller"
	if names && c.Name != "" {
		who = brief(c.Name)
	}
	if city, _, _ := strings.Cut(c.City, ","); names && city != "" {
		who += " from " + brief(city)
	}
	if names && c.From == "" {
		who = "A withheld number"
	}
	if names && c.Handed != nil {
		who += ", handed over by " + brief(c.Handed.By)
	}
	if c.Back != nil {
		return who + ", who asked to be called back, " + howLong(c.Waited(now)) + "."
	}
	return who + ", " + howLong(c.Waited(now)) + "."
}

// howLong is how long somebody has waited, as exactly as anybody wants to hear it.
func howLong(d time.Duration) string {
	d = d.Round(10 * time.Second)
	minutes, seconds := int(d.Minutes()), int(d.Seconds())%60
	one := func(n int, what string) string {
		if n != 1 {
			what += "s"
		}
		return strconv.Itoa(n) + " " + what
	}
	switch {
	case d < 10*time.Second:
		return "just now"
	case minutes == 0:
		return one(seconds, "second")
	case minutes >= 60:
		return one(minutes/60, "hour")
	case seconds == 0:
		return one(minutes, "minute")
	}
	return one(minutes, "minute") + " " + strconv.Itoa(seconds)
}

func puttingThrough(taker string) string { return "Putting you through to " + taker + "." }

// keysOnHold tells callers on hold what they can do instead.
func keysOnHold(canCallBack, others bool) string {
	keys := "Press 1 to leave a message"
	if canCallBack {
		keys += ", 2 to be called back"
	}
	if others {
		keys += ", 3 to hear your place"
	}
	return keys + "."
}

// placeInQueue says how many are before a caller.
func placeInQueue(ahead int) string {
	switch {
	case ahead == 0:
		return "You are next."
	case ahead == 1:
		return "1 caller is before you."
	case ahead >= maxPlace:
		return fmt.Sprintf("%d callers or more are before you.", maxPlace)
	}
	return fmt.Sprintf("%d callers are before you.", ahead)
}

// othersWaited says how long others waited until they were answered, to the minute.
func othersWaited(d time.Duration) string {
	how := "less than a minute"
	switch m := int(d.Round(time.Minute).Minutes()); {
	case d < time.Minute:
	case m == 1:
		how = "about a minute"
	default:
		how = fmt.Sprintf("about %d minutes", m)
	}
	return "Calls answered in the last hour waited " + how + "."
}

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
	if c.Back != nil {
		return notYours
	}
	return becameOf(c) + " " + goodbye
}

func becameOf(c store.Call) string {
	switch {
	case c.GaveUp(), c.Claim == nil:
		return "The caller has hung up."
	case c.Claim.Person == "" && c.Claim.Word == store.SendVoicemail:
		return "The caller is leaving a message."
	case c.Claim.Person == "":
		return "Somebody has answered it."
	}
	return c.Claim.Person + " has answered it."
}

func callFor(line store.Line, c store.Call) string {
	from := who(c)
	if c.Back != nil {
		if from != "" {
			from = ": " + from
		}
		return "Call back for " + cmp.Or(brief(line.Name), "you") + from + "."
	}
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

// callingBack is what whoever calls back hears before it rings at the caller's.
func callingBack(c store.Call) string {
	if c.Name == "" {
		return "Calling them now."
	}
	return "Calling " + brief(c.Name) + " now."
}

// notReached tells whoever called back how it ended. A caller who was not reached for the last time is not tried again.
func notReached(c store.Call) string {
	if c.Open() {
		return "They did not pick up. They still wait to be called back. Goodbye."
	}
	return "They did not pick up. This was the last try. Goodbye."
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
