package bot

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"pullphone/store"
)

// Everything that is said to people, in SMS and in Slack, stands here; how a call stands, in status.go. An SMS fits one
// segment of 160 plain characters where a name allows it. Texts that go to Slack are made harmless by whoever sends them.
const (
	withheld       = "withheld number"
	somebody       = "Somebody" // of whom a store that was put back to a copy does not know
	nothingWaits   = "Nobody is waiting."
	unknownInSlack = "I have no phone number for you. Ask whoever runs pullphone to add you to its people."
	strangers      = "Only people of this workspace can answer calls."
	forgotten      = "I do not know this call any more."
	failed         = "That did not work. Please try again."
	tooFast        = "That was too fast for me. Please wait a minute, then text again."
	nobodyHeld     = "You are not on the phone with a caller."
	noLine         = "You belong to no line. Ask whoever runs pullphone to add you to one."
	onDuty         = "You are on duty."
	leftLine       = "You are not in line any more."
	notInLine      = "You were not in line."
	phonesInConfig = "Phones stand in the config file. Ask whoever runs pullphone to add or change yours."
	commandHelp    = "/pull takes the call that has waited longest, or puts you in line for the next one; /pull cancel leaves the line.\n" +
		"/pull 2, /pull no 2 and /pull pass 2 answer the call with that number. /pull 2 force takes it though you are on the phone.\n" +
		"/pull pass on hands your caller over; a note may follow.\n" +
		"/pull list shows who is waiting, who is in line and who is off duty. /pull off 2h and /pull on say whether you are on duty. /pull help shows this."
)

func toStranger(line store.Line) string {
	return "Thank you. This number takes calls only; please call " + number(line.Number, line.Country) + "."
}

// smsHelp fits one SMS.
func smsHelp(line store.Line) string {
	no := "N: voicemail, PASS: not me"
	if line.No == store.NoPass {
		no = "N: not me"
	}
	return "Y takes the call, " + no + ". Several: Y 2. PULL: the next call, LEAVE, LIST. " +
		"On the phone: PASS ON, Y 2 FORCE. OFF 2H, ON: duty."
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
	caller := who(line, c)
	fits := func(note int, place string) (string, bool) {
		s := text(news(c, all, note), line.Name, caller+place)
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

// verdict tells a person what their answer came to. other is the call that they have, where that kept them from this one.
func verdict(team store.Team, a store.Answer, v store.Verdict, c, other store.Call, now time.Time) string {
	line, _ := team.Line(c.Line)
	who := who(line, c)
	switch v.Result {
	case store.Won, store.Yours:
		switch a.Word {
		case store.SendVoicemail:
			return who + " is sent to voicemail."
		case store.Forward:
			return forwarded(line, who, a, c)
		}
		return taken(team, line, who, a, c)
	case store.PassOn:
		if c.Claim != nil && c.Claim.Rule == store.AllPassed {
			return "All right, not you. Nobody is left, so " + who + " is asked to leave a message."
		}
		return "All right, not you."
	case store.Stale:
		switch {
		case c.State == store.Waiting:
			return who + " is waiting again. Please answer the latest announcement" + codeHint(a, c) + "."
		case a.Word == store.HandOver && c.State == store.Talking && has(c, a.Person):
			return "That was about an earlier conversation with " + who + ". " + orCommand(a, "PASS ON", "/pull pass on") + " hands the call over."
		}
	case store.OnACall:
		if c.ID == "" || c.State == store.Waiting {
			return onACall(team, a, c, other)
		}
	case store.GivenBack:
		return "All right, " + who + " waits for somebody else."
	case store.HandedOver:
		return "Handed over: " + who + " is back on hold. If nobody takes the call, your phone rings again."
	case store.NotTalking:
		switch {
		case c.Back != nil && c.State == store.Talking && c.Claim != nil && c.Claim.Person == a.Person:
			return "You have called " + who + " back, and cannot hand them over."
		case c.Open():
			return "You are not talking with " + who + "."
		}
	case store.OnlyTake:
		return who + " has hung up and waits to be called back. " + takes(a, c, false) + " calls them."
	case store.Lost:
		return tooLate(line, who, a, v, c, now)
	}
	switch {
	case c.State == store.Recording, c.Outcome == store.Voicemail:
		return who + " is at voicemail already."
	case c.GaveUp() && c.Back == nil:
		return who + " has hung up."
	case c.Outcome == store.Talked && a.Word == store.HandOver:
		return "The call with " + who + " is over."
	}
	return who + " is not waiting any more."
}

// tooLate tells a person who was first.
func tooLate(line store.Line, who string, a store.Answer, v store.Verdict, c store.Call, now time.Time) string {
	first := v.First
	if first.Person == a.Person && first.Word == store.Take && c.State == store.Talking && a.Word != store.Take {
		return "You are on the phone with " + who + ". " + orCommand(a, "PASS ON", "/pull pass on") + " hands the call over."
	}
	you := first.Person == a.Person // their own first word stands
	head, have, already := "Too late: "+first.Person, " has ", ""
	if you {
		head, have, already = "You", " have ", " already"
	}
	switch when := ago(first.At, now); first.Word {
	case store.SendVoicemail:
		return head + have + "sent " + who + " to voicemail" + already + ", " + when + "."
	case store.Forward:
		return head + have + "forwarded " + who + " to " + number(first.To, line.Country) + already + ", " + when + "."
	default:
		return head + " took " + who + already + ", " + when + "."
	}
}

// onACall tells a person that they have another call, and how to take this one all the same; c is empty when none waits.
func onACall(team store.Team, a store.Answer, c, other store.Call) string {
	line, _ := team.Line(other.Line)
	var head string
	switch {
	case other.ID == "":
		head = "You are on the phone."
	case other.State == store.Ringing:
		head = "Your phone rings for " + who(line, other) + "."
	default:
		head = "You are on the phone with " + who(line, other) + "."
	}
	if c.ID == "" {
		return head + " Nobody else is waiting. " + orCommand(a, "PULL FORCE", "/pull force") + " puts you in line."
	}
	this := "this one"
	if line, _ := team.Line(c.Line); a.Pull {
		this = who(line, c)
	}
	return head + " " + takes(a, c, true) + " takes " + this + " too."
}

// taken tells a taker how the call stands that they took: it may have moved on since.
func taken(team store.Team, line store.Line, who string, a store.Answer, c store.Call) string {
	person, _ := team.Person(a.Person)
	rings := "Your phone " + number(person.Phone, line.Country) + " rings now"
	talked := c.Handed != nil && c.Handed.By == a.Person && a.Attempt < c.Attempt
	switch {
	case c.GaveUp() && talked:
		return "You talked with " + who + " already."
	case c.GaveUp() && c.Back == nil:
		return who + " has hung up before you could be put through."
	case c.Outcome == store.Tried:
		return who + " could not be reached, and is not called back any more."
	case c.Claim != nil && c.Claim.Via == store.ByRule && c.Claim.Person == "":
		return failedTake(a, c) + who + " could not be put through and is asked to leave a message."
	case c.State == store.Waiting:
		return failedTake(a, c) + who + " is waiting again" + codeHint(a, c) + "."
	case c.Claim != nil && c.Claim.Person != a.Person:
		return failedTake(a, c) + cmp.Or(c.Claim.Person, somebody) + " has answered " + who + " since."
	case c.Outcome == store.Talked:
		return "You talked with " + who + " already."
	case c.Outcome == store.CalledBack:
		return "You have called " + who + " back already."
	case c.State == store.Ringing && c.Back != nil:
		return "Yours: " + who + ". " + rings + ", then theirs."
	case c.State == store.Ringing && (c.Claim == nil || c.Claim.Leg == ""):
		return "Yours: " + who + ". " + rings + "."
	}
	return "Yours: " + who + "."
}

// failedTake tells a taker why their take came to nothing, if it was the last.
func failedTake(a store.Answer, c store.Call) string {
	if n := len(c.Tries); n > 0 && c.Tries[n-1].Person == a.Person && c.Tries[n-1].Word != store.Forward {
		switch why := c.Tries[n-1].Why; why {
		case store.Busy:
			return "Your phone was busy. "
		case store.Failed:
			return "Your phone could not be reached. "
		default:
			return "You " + didNot(why) + ". "
		}
	}
	return ""
}

// forwarded tells who forwarded a caller how that stands.
func forwarded(line store.Line, who string, a store.Answer, c store.Call) string {
	to := number(a.To, line.Country)
	switch {
	case c.State == store.Waiting:
		return to + " did not answer. " + who + " is waiting again" + codeHint(a, c) + "."
	case c.GaveUp():
		return who + " has hung up before they could be put through."
	case c.Open() && (c.Claim == nil || c.Claim.Word != store.Forward):
		return to + " did not answer. " + who + " is not waiting any more."
	}
	return who + " is forwarded to " + to + "."
}

// inLine tells a person their place in line, behind so many others.
func inLine(person store.Person, team store.Team, place store.Standing, before int, now time.Time) string {
	left := until(place.Until, now, zone(team, person.Name))
	switch before {
	case 0:
		return "Nobody is waiting. You are next in line " + left + "; the next call rings your phone."
	case 1:
		return "Nobody is waiting. You are in line " + left + ", behind 1 other; your phone rings when it is your turn."
	}
	return fmt.Sprintf("Nobody is waiting. You are in line %s, behind %d others; your phone rings when it is your turn.", left, before)
}

// offDuty tells a person how long they are off duty.
func offDuty(team store.Team, a store.Answer, d store.Duty, now time.Time) string {
	span := ""
	if !d.Until.IsZero() {
		span = " " + until(d.Until, now, zone(team, a.Person))
	}
	return "You are off duty" + span + ". " + orCommand(a, "Text ON", "/pull on") + " when you are back."
}

// zone is where a person is, as far as the opening hours of their lines tell; nil when they do not.
func zone(team store.Team, person string) *time.Location {
	for _, l := range team.Lines {
		if l.Hours != nil && l.Serves(person) {
			return l.Hours.Location
		}
	}
	return nil
}

// until writes the end of a span of time, such as "until 15:40" or "until Tue 08:00"; how long it is where the zone is
// not known.
func until(t, now time.Time, zone *time.Location) string {
	if zone == nil {
		return "for " + span(t.Sub(now))
	}
	t, now = t.In(zone), now.In(zone)
	switch {
	case t.YearDay() == now.YearDay() && t.Sub(now) < 24*time.Hour:
		return "until " + t.Format("15:04")
	case t.Sub(now) < 6*24*time.Hour:
		return "until " + t.Format("Mon 15:04")
	}
	return "until " + t.Format("2 Jan 15:04")
}

// span writes a duration as "2 hours 5 minutes", to the minute.
func span(d time.Duration) string {
	m := int((d + 30*time.Second) / time.Minute)
	var out []string
	for _, u := range []struct {
		n    int
		name string
	}{{m / 1440, "day"}, {m / 60 % 24, "hour"}, {m % 60, "minute"}} {
		switch {
		case u.n == 1:
			out = append(out, "1 "+u.name)
		case u.n > 1:
			out = append(out, fmt.Sprintf("%d %ss", u.n, u.name))
		}
	}
	if len(out) == 0 {
		return "a moment"
	}
	return strings.Join(out, " ")
}

func ago(t, now time.Time) string {
	if d := now.Sub(t); d >= 2*time.Second {
		return length(d) + " ago"
	}
	return "just now"
}

// orCommand is what to do: to text, or to type in Slack, whichever a person has used.
func orCommand(a store.Answer, text, command string) string {
	if a.Via == store.BySlack {
		return command
	}
	return text
}

// takes is what takes a call.
func takes(a store.Answer, c store.Call, force bool) string {
	if force {
		return fmt.Sprintf(orCommand(a, "Y %d FORCE", "/pull %d force"), c.Code)
	}
	return fmt.Sprintf(orCommand(a, "Y %d", "/pull %d"), c.Code)
}

// codeHint names the code of a call to who is told by SMS.
func codeHint(a store.Answer, c store.Call) string {
	if a.Via == store.BySlack || a.User != "" {
		return ""
	}
	return " (" + takes(a, c, false) + ")"
}

func noSuchCode(a store.Answer, code int) string {
	return fmt.Sprintf("No call %d is waiting. %s shows those that are.", code, orCommand(a, "LIST", "/pull list"))
}

// severalCodes asks back when a code could be that of calls on several lines.
func severalCodes(code int) string {
	return fmt.Sprintf("Several of your lines have a call %d. Type that in the line's own channel, or press a button of the call's message.", code)
}

// mostListed is how many calls are listed: Twilio sends no text of more than 1,600 characters (error 21617).
const mostListed = 10

// whichOne asks back when a bare answer could mean another call. example is one that could not.
func whichOne(team store.Team, calls []store.Call, example string, now time.Time) string {
	var b strings.Builder
	b.WriteString("Which one?")
	for _, c := range calls[:min(len(calls), mostListed)] {
		line, _ := team.Line(c.Line)
		fmt.Fprintf(&b, " %d: %s, waiting %s.", c.Code, who(line, c), length(c.Waited(now)))
	}
	if more := len(calls) - mostListed; more > 0 {
		fmt.Fprintf(&b, " And %d more.", more)
	}
	// Twilio takes 1,600 characters at most.
	return shorten(b.String(), 1500) + " Reply for example " + example + "."
}

// waitingList says who waits, in the order in which they are to be taken.
func waitingList(team store.Team, waiting []store.Call, now time.Time) string {
	if len(waiting) == 0 {
		return nothingWaits
	}
	var lines []string
	for _, c := range waiting[:min(len(waiting), mostListed)] {
		line, _ := team.Line(c.Line)
		item := fmt.Sprintf("%d: %s (%s), waiting %s", c.Code, who(line, c), shorten(line.Name, 30), length(c.Waited(now)))
		if c.Back != nil {
			item += " to be called back"
		}
		lines = append(lines, item)
	}
	if more := len(waiting) - mostListed; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return shorten(strings.Join(lines, "\n"), 1200)
}

// people says something of some of the team, or nothing of nobody.
func people(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return shorten("\n"+what+": "+strings.Join(names, ", "), 180) + "."
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
