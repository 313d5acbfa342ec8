package bot

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"pullphone/store"
)

// Everything that is said to people, in SMS and in Slack, stands here; how a call stands, in status.go. An SMS fits one segment of 160 plain characters
// where a name allows it. Texts that go to Slack are made harmless by whoever sends them.
const (
	withheld       = "withheld number"
	somebody       = "Somebody" // of whom a store that was put back to a copy does not know
	nothingWaits   = "Nobody is waiting."
	unknownInSlack = "I have no phone number for you. Ask whoever runs pullphone to add you to its people."
	strangers      = "Only people of this workspace can answer calls."
	forgotten      = "I do not know this call any more."
	failed         = "That did not work. Please try again."
	tooFast        = "That was too fast for me. Please wait a minute, then text again."
	smsHelp        = "Y takes the waiting call, N sends it to voicemail. Several waiting: Y 2. PULL takes the longest waiting, LIST shows them."
	commandHelp    = "/pull takes the call that has waited longest. /pull list shows who is waiting. /pull help shows this."
)

func toStranger(line store.Line) string {
	return "Thank you. This number takes calls only; please call " + number(line.Number, line.Country) + "."
}

func notYourLine(line store.Line) string { return "You do not answer the line " + line.Name + "." }

// announcement is the SMS that says who calls, or wants to be called back, and why they wait again. The place goes when
// it does not fit, then the note of who handed over is cut, then the names are.
func announcement(line store.Line, c store.Call) string {
	const segment = 160
	tail := fmt.Sprintf(". Reply Y to take, N for %s. (%d)", noMeans(line), c.Code)
	if c.Back != nil {
		tail = fmt.Sprintf(" asks to be called back. Reply Y to call. (%d)", c.Code)
	}
	text := func(news, line, who string) string { return news + line + ": " + who + tail }
	const all, least = 1000, 10 // characters of the note
	fits := func(note int, place string) (string, bool) {
		s := text(news(c, all, note), line.Name, who(line, c)+place)
		return s, len([]rune(s)) <= segment
	}
	if s, ok := fits(all, placed(c)); ok {
		return s
	}
	for note := segment; note >= least; note -= 10 {
		if s, ok := fits(note, ""); ok {
			return s
		}
	}
	again, name, who := news(c, 20, 0), shorten(line.Name, 30), number(c.From, line.Country)
	if room := segment - len([]rune(text(again, name, who))) - len(" "); c.Name != "" && room > 0 {
		who += " " + shorten(c.Name, room)
	}
	return text(again, name, who)
}

// news says why a call waits again, in a sentence with a blank behind it; nothing when it does so for the first time. Its
// name and its note are cut to so many characters.
func news(c store.Call, name, note int) string {
	switch try := lastTry(c); {
	case try != nil:
		return tried(*try, shorten(try.Person, name)) + ". "
	case c.Handed != nil && c.Back == nil:
		h := store.Handed{By: shorten(c.Handed.By, name)}
		if note > 0 {
			h.Note = shorten(oneLine(c.Handed.Note), note)
		}
		return handedOver(h, "hands over") + " "
	}
	return ""
}

// handedOver says who has handed a call over, and what they say about it.
func handedOver(h store.Handed, does string) string {
	says := h.By + " " + does
	if note := oneLine(h.Note); note != "" {
		says += ": " + note
	}
	if strings.TrimRight(says, ".!?…") == says {
		says += "."
	}
	return says
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func placed(c store.Call) string {
	if c.City == "" {
		return ""
	}
	return ", " + c.City
}

// crowded is the SMS that stands for those about each caller, where many wait.
func crowded(line store.Line, waiting int) string {
	if waiting == 1 {
		return "1 caller waits on " + shorten(line.Name, 30) + ". PULL takes them."
	}
	return fmt.Sprintf("%d callers wait on %s. LIST shows them, PULL takes the longest waiting.", waiting, shorten(line.Name, 30))
}

func noMeans(line store.Line) string {
	if line.No == store.NoPass {
		return "not me"
	}
	return "voicemail"
}

// tried says what a take, or a forward, came to.
func tried(t store.Try, by string) string {
	if t.Word != store.Forward {
		return by + " " + didNot(t.Why)
	}
	switch t.Why {
	case store.Busy:
		return "The forward by " + by + " found the number busy"
	case store.Failed:
		return "The forward by " + by + " failed"
	}
	return "The forward by " + by + " was not answered"
}

func didNot(why store.Why) string {
	switch why {
	case store.Busy:
		return "is busy"
	case store.Declined:
		return "declined"
	case store.NotAccepted:
		return "did not press 1"
	case store.NoAnswer:
		return "did not pick up"
	case store.HungUp:
		return "hung up"
	case store.GaveBack:
		return "gave it back"
	case store.Unreached:
		return "did not reach them"
	}
	return "could not be reached"
}

// verdict tells a person what their answer came to.
func verdict(team store.Team, a store.Answer, v store.Verdict, c store.Call, now time.Time) string {
	line, _ := team.Line(c.Line)
	who := who(line, c)
	switch v.Result {
	case store.Won, store.Yours:
		if a.Word == store.SendVoicemail {
			return who + " is sent to voicemail."
		}
		return taken(team, line, who, a, c)
	case store.PassOn:
		return "All right, not you."
	case store.Stale:
		return who + " is waiting again. Please answer the latest announcement" + codeHint(a, c) + "."
	case store.Lost:
		if v.First.Person == a.Person { // their own first word stands
			if v.First.Word == store.SendVoicemail {
				return "You have sent " + who + " to voicemail already, " + ago(v.First.At, now) + "."
			}
			return "You took " + who + " already, " + ago(v.First.At, now) + "."
		}
		if v.First.Word == store.SendVoicemail {
			return "Too late: " + v.First.Person + " has sent " + who + " to voicemail, " + ago(v.First.At, now) + "."
		}
		return "Too late: " + v.First.Person + " took " + who + ", " + ago(v.First.At, now) + "."
	}
	switch {
	case c.State == store.Recording, c.Outcome == store.Voicemail:
		return who + " is at voicemail already."
	case c.Outcome == store.Missed:
		return who + " has hung up."
	}
	return who + " is not waiting any more."
}

// taken tells a taker how the call stands that they took: it may have moved on since.
func taken(team store.Team, line store.Line, who string, a store.Answer, c store.Call) string {
	person, _ := team.Person(a.Person)
	switch {
	case c.Outcome == store.Missed:
		return who + " has hung up before you could be put through."
	case c.Claim != nil && c.Claim.Via == store.ByRule:
		return who + " could not be put through and is asked to leave a message."
	case c.State == store.Waiting:
		return who + " is waiting again" + codeHint(a, c) + "."
	case c.Claim != nil && c.Claim.Person != a.Person:
		return cmp.Or(c.Claim.Person, somebody) + " has answered " + who + " since."
	case c.Outcome == store.Talked:
		return "You talked with " + who + " already."
	case c.State == store.Ringing && (c.Claim == nil || c.Claim.Leg == ""):
		return "Yours: " + who + ". Your phone " + number(person.Phone, line.Country) + " rings now."
	}
	return "Yours: " + who + "."
}

func ago(t, now time.Time) string {
	if d := now.Sub(t); d >= 2*time.Second {
		return length(d) + " ago"
	}
	return "just now"
}

func codeHint(a store.Answer, c store.Call) string {
	if a.Via != store.BySMS {
		return ""
	}
	return fmt.Sprintf(" (Y %d)", c.Code)
}

func noSuchCode(code int) string {
	return fmt.Sprintf("No call %d is waiting. LIST shows those that are.", code)
}

// mostListed is how many calls are listed: Twilio sends no text of more than 1,600 characters (error 21617).
const mostListed = 10

// whichOne asks back when a bare yes or no could mean another call.
func whichOne(line store.Line, waiting []store.Call, now time.Time) string {
	var b strings.Builder
	b.WriteString("Which one?")
	for _, c := range waiting[:min(len(waiting), mostListed)] {
		fmt.Fprintf(&b, " %d: %s, waiting %s.", c.Code, who(line, c), length(now.Sub(c.Arrived)))
	}
	if more := len(waiting) - mostListed; more > 0 {
		fmt.Fprintf(&b, " And %d more.", more)
	}
	// Twilio takes 1,600 characters at most.
	return shorten(b.String(), 1500) + fmt.Sprintf(" Reply for example Y %d.", waiting[0].Code)
}

func waitingList(team store.Team, waiting []store.Call, now time.Time) string {
	if len(waiting) == 0 {
		return nothingWaits
	}
	var lines []string
	for _, c := range waiting[:min(len(waiting), mostListed)] {
		line, _ := team.Line(c.Line)
		lines = append(lines, fmt.Sprintf("%d: %s (%s), waiting %s", c.Code, who(line, c), shorten(line.Name, 30), length(now.Sub(c.Arrived))))
	}
	if more := len(waiting) - mostListed; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return shorten(strings.Join(lines, "\n"), 1500)
}

// smsRefusal says why a person could not be told by SMS, with the mend where there is one (twilio.com/docs/api/errors),
// and whether a text sent again would fare no better.
func smsRefusal(code int) (why string, never bool) {
	switch code {
	case 21610:
		return "has opted out; text START to the line", true
	case 21211, 21214, 21217:
		return "number is not valid", true
	case 21612, 21614:
		return "number takes no SMS", true
	case 30005:
		return "number is unknown; correct it in the config file", true
	case 30006:
		return "number is a landline, or its carrier takes no SMS", true
	case 21408:
		return "country is not enabled at Twilio", true
	case 21608:
		return "number is not verified on the trial account", true
	case 30034, 30035:
		return "the line is not registered for SMS in the US", true
	case 30032:
		return "the line's toll-free number is not verified at Twilio", true
	case 30024:
		return "the line is not registered with their carrier", true
	case 30002:
		return "the Twilio account is suspended", true
	case 30004:
		return "phone or carrier blocks the line", true
	case 30007:
		return "carrier took it for spam; see the line's registration at Twilio", true
	case 30003:
		return "phone is off or out of reach", false
	case 30008, 30017, 30410:
		return "carrier did not deliver it", false
	case 21611, 30001, 30022, 30023, 30036:
		return "the line has more to send than it may", false
	case 0:
		return "Twilio gives no reason", false
	}
	return fmt.Sprintf("Twilio error %d", code), false
}

// notDone says what could not be done for a call.
func notDone(u store.Undone) string {
	if u.Kind == store.RingUp {
		return fmt.Sprintf("%s's phone could not be rung: Twilio error %d.", u.Person, u.Code)
	}
	text := "No SMS to " + u.Person + ": " + u.Why
	if u.Times > 1 {
		text += fmt.Sprintf(" (%d in a row)", u.Times)
	}
	return text + "."
}
