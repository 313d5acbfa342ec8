package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"pullphone/store"
)

// status says how a call stands, in words that are still true when the message is read later.
func status(line store.Line, c store.Call) string {
	if c.State == store.Waiting {
		return waits(line, c)
	}
	said := []string{how(line, c)}
	if c.Handed != nil {
		said = append(said, handedOver(*c.Handed, "handed over"))
	}
	return strings.Join(said, " ")
}

// waits says what a call waits for, and who has been told and has passed.
func waits(line store.Line, c store.Call) string {
	var said []string
	try := lastTry(c)
	if c.Handed != nil && c.Back == nil {
		said = append(said, handedOver(*c.Handed, "hands over"))
	}
	switch {
	case c.Ring.SID != "":
		said = append(said, "Waiting. Nobody could be told, so phones are rung: "+c.Ring.Person+"'s now.")
	case c.Back != nil && try != nil:
		said = append(said, tried(*try, try.Person)+", still to be called back.")
	case c.Back != nil:
		said = append(said, "Asked to be called back, has hung up.")
	case try != nil:
		said = append(said, tried(*try, try.Person)+", still waiting "+length(try.At.Sub(c.WaitBegan()))+".")
	default:
		said = append(said, "Waiting.")
	}
	var passed []string
	for _, p := range c.Passed {
		if !slices.Contains(passed, p.Person) {
			passed = append(passed, p.Person)
		}
	}
	if len(passed) > 0 {
		said = append(said, names(passed)+" passed.")
	}
	if too := toldToo(line, c); len(too) == 1 {
		said = append(said, too[0]+" was told too.")
	} else if len(too) > 1 {
		said = append(said, names(too)+" were told too.")
	}
	return strings.Join(said, " ")
}

// how says who has a call, or how it ended, the first fact first.
func how(line store.Line, c store.Call) string {
	var claim store.Claim
	if c.Claim != nil {
		claim = *c.Claim
	}
	by := cmp.Or(claim.Person, somebody)
	to := number(claim.To, line.Country)
	waited := c.Waited(c.Stopped)
	after := ", after waiting " + length(waited) + "."
	talked := length(seconds(c.Seconds))
	switch c.State {
	case store.Ringing:
		return rings(c, claim, by, to)
	case store.Talking:
		switch {
		case claim.Word == store.Forward:
			return "Talking with " + to + ", forwarded by " + by + after
		case c.Back != nil:
			return by + " calls them back."
		}
		return "Talking with " + by + after
	case store.Recording:
		switch {
		case c.Short:
			return "Asked to leave a short message: this number has several calls open."
		case claim.Rule == store.CallersKey, claim.Person != "":
			return sent(claim)
		}
		return strings.TrimSpace(sent(claim) + " Asked to leave a message.")
	}
	switch c.Outcome {
	case store.Talked:
		if c.GaveUp() {
			return gaveUp(c, claim, waited)
		}
		return "Talked with " + by + " for " + talked + after
	case store.Forwarded:
		return "Forwarded by " + by + " to " + to + ", talked for " + talked + after
	case store.CalledBack:
		return "Called back by " + by + ", talked for " + talked + after
	case store.Tried:
		return notReached(c)
	case store.Voicemail:
		return strings.TrimSpace(sent(claim) + " Left a voicemail of " + length(seconds(c.VoiceSeconds())) + ".")
	}
	switch {
	case c.Back != nil:
		return "Missed: asked to be called back, and nobody did."
	case claim.Word == store.SendVoicemail && waited < time.Second:
		return strings.TrimSpace("Missed: hung up without leaving a message. " + sent(claim))
	case claim.Word == store.SendVoicemail:
		return strings.TrimSpace("Missed: hung up without leaving a message" + after + " " + sent(claim))
	}
	return "Missed: hung up" + strings.TrimPrefix(after, ",")
}

// gaveUp says how it ended with a caller who was handed over, and whom nobody took.
func gaveUp(c store.Call, claim store.Claim, waited time.Duration) string {
	said := "Talked with " + c.Handed.By + " for " + length(seconds(c.Handed.Seconds)) + ", then hung up "
	if claim.Word == store.SendVoicemail {
		return strings.TrimSpace(said + "without leaving a message. " + sent(claim))
	}
	return said + "after waiting " + length(waited) + "."
}

func rings(c store.Call, claim store.Claim, by, to string) string {
	ringing := " Ringing " + by + "'s phone."
	switch {
	case claim.Word == store.Forward:
		return "Forwarded by " + by + " to " + to + ", ringing."
	case claim.Rule == store.HandedBack:
		return "Nobody took it: ringing " + by + " again."
	case c.Back != nil && claim.Via == store.ByPhone:
		return by + " calls back."
	case c.Back != nil:
		return by + " calls back." + ringing
	case claim.Via == store.ByLine:
		return by + " was next in line." + ringing
	case claim.Leg != "":
		return by + " took it on the phone."
	}
	return by + " took it." + ringing
}

// sent says why a caller was asked for a message; empty when there is no more to say than that.
func sent(by store.Claim) string {
	if by.Word != store.SendVoicemail {
		return ""
	}
	switch by.Rule {
	case store.AfterHours:
		return "Called outside the opening hours."
	case store.NobodyOnDuty:
		return "Nobody was on duty."
	case store.AllPassed:
		return "Everybody passed."
	case store.WaitedOut:
		return "Nobody took it in time."
	case store.CallersKey:
		return "Chose to leave a message."
	}
	if by.Person == "" {
		return ""
	}
	return "Sent to voicemail by " + by.Person + "."
}

// notReached says of a caller who could not be called back how often that was tried, and by whom last.
func notReached(c store.Call) string {
	by := ""
	if c.Claim != nil {
		by = c.Claim.Person
	} else if n := len(c.Tries); n > 0 {
		by = c.Tries[n-1].Person
	}
	times := "once,"
	if c.Back != nil && c.Back.Tries > 1 {
		times = "twice, last"
	}
	return "Called back " + times + " by " + cmp.Or(by, somebody) + ", and not reached."
}

// lastTry is the take that had a call wait again, nil when something else did.
func lastTry(c store.Call) *store.Try {
	n := len(c.Tries)
	if n == 0 || c.Handed != nil && c.Handed.At.After(c.Tries[n-1].At) || c.Back != nil && c.Back.At.After(c.Tries[n-1].At) {
		return nil
	}
	return &c.Tries[n-1]
}

// toldToo are those who were told of a call later than the others, as far as a text to them is not known to be lost.
func toldToo(line store.Line, c store.Call) []string {
	var too []string
	for _, s := range line.Escalate[:min(c.Steps, len(line.Escalate))] {
		for _, name := range s.People {
			x, ok := c.TextTo(name)
			if slices.Contains(c.Told, name) && !slices.Contains(line.People, name) && !slices.Contains(too, name) && !(ok && x.Status.Lost()) {
				too = append(too, name)
			}
		}
	}
	return too
}

// names lists people, the first few by name.
func names(all []string) string {
	const most = 5
	if more := len(all) - most; more > 0 {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	last := len(all) - 1
	if last == 0 {
		return all[0]
	}
	return strings.Join(all[:last], ", ") + " and " + all[last]
}
