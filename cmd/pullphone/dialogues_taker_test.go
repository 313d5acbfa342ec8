package main

import (
	"fmt"
	"testing"
	"time"
)

// A taker who does not come: everybody learns of it, and the caller keeps their place.
func TestTakerDialogues(t *testing.T) {
	t.Parallel()
	const taken = `
		Jane calls
		Jane hears "Thanks for calling"
		Jane hears music
		Ann gets "Reply Y to take"
		Bob gets "Reply Y to take"
		Slack shows Jane "Waiting" [Take] [Voicemail]
		10s pass
		Ann texts "Y"
		Ann gets "Yours: "
		Jane hears "Putting you through to Ann."
		Ann's phone rings
		Slack shows Jane "Ringing Ann's phone"
		`
	const again = `
		Jane hears "Sorry, that took longer than we thought."
		Jane hears music
		Jane waits
		`
	const bob = `
		Bob texts "Y {Jane}"
		Bob gets "Yours: "
		Bob's phone rings
		Bob picks up
		Bob hears "Call for Sales from JANE DOE. Press 1 to take it, 2 to decline."
		Bob presses 1
		Jane talks
		5s pass
		Bob hangs up
		Slack shows Jane "Talked with Bob"
		Jane's call was talked by Bob via sms`
	now := time.Now().UTC()
	closedToday := fmt.Sprintf("hours: {timezone: UTC, closed: [%q, %q]}", now.Format(time.DateOnly), now.Add(time.Hour).Format(time.DateOnly))
	play(t, []dialogue{
		{name: "no answer", says: taken + `
			24s pass
			Jane hears ringing
			1s pass
			Ann's phone stops` + again + `
			Slack shows Jane "Ann did not pick up, still waiting" [Take] [Voicemail]
			Bob gets "Ann did not pick up."
			Ann gets "You did not pick up."` + bob},
		{name: "busy", says: taken + `
			Ann declines` + again + `
			Slack shows Jane "Ann is busy" [Take] [Voicemail]
			Bob gets "Ann is busy."
			Ann gets "Your phone was busy."` + bob},
		{name: "declined", says: taken + `
			Ann picks up
			Ann hears "Press 1 to take it, 2 to decline."
			Ann presses 2
			Ann is gone` + again + `
			Slack shows Jane "Ann declined" [Take] [Voicemail]
			Bob gets "Ann declined."
			Ann gets "You declined."` + bob},
		{name: "a machine", says: taken + `
			Ann picks up
			Ann hears "Call for Sales from JANE DOE. Press 1 to take it, 2 to decline."
			5s pass
			Ann hears "Call for Sales from JANE DOE. Press 1 to take it, 2 to decline."
			5s pass
			Ann is gone` + again + `
			Slack shows Jane "Ann did not press 1" [Take] [Voicemail]
			Bob gets "Ann did not press 1."
			Ann gets "You did not press 1."` + bob},
		{name: "max_wait counts from the first moment", line: []string{"max_wait: 40s"}, says: taken + `
			25s pass
			Ann's phone stops` + again + `
			4s pass
			Jane waits
			1s pass
			Jane is asked for a message
			Jane leaves a message of 5s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "max_wait ends while the phone rings", line: []string{"max_wait: 20s"}, says: taken + `
			25s pass
			Ann's phone stops
			Jane is asked for a message
			Jane hears a beep
			Ann gets "You did not pick up."
			Jane leaves a message of 5s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "the caller hangs up while the phone rings", says: taken + `
			Jane hangs up
			Ann's phone stops
			Ann gets "has hung up"
			Slack shows Jane "Missed"
			Jane's call was missed by Ann via sms
			Bob gets nothing`},
		{name: "the caller hangs up on the question", says: taken + `
			Ann picks up
			Ann hears "Press 1"
			Jane hangs up
			Ann is gone
			Ann gets "has hung up"
			Slack shows Jane "Missed"
			Bob gets nothing
			Jane's call was missed by Ann via sms`},
		{name: "any key but 2", says: taken + `
			Ann picks up
			Ann hears "Press 1"
			Ann presses #
			Jane talks
			5s pass
			Jane hangs up
			Ann is gone
			Jane's call was talked by Ann via sms`},
		{name: "no question", line: []string{"accept: false"}, says: taken + `
			Ann picks up
			Jane talks
			Ann talks
			5s pass
			Jane hangs up
			Jane's call was talked by Ann via sms`},
		{name: "forwarded", line: []string{`keywords: {support: {forward: "+12085550189", say: "Connecting you to support."}}`}, says: `
			Jane calls
			Jane hears music
			Ann gets "Reply Y to take"
			Bob gets "Reply Y to take"
			Ann texts "support"
			Jane hears "Connecting you to support."
			Lee's phone rings
			Lee picks up
			Jane talks
			5s pass
			Lee hangs up
			Slack shows Jane "Forwarded by Ann to (208) 555-0189, talked for 0:05"
			Bob gets nothing
			Jane's call was forwarded by Ann via sms`},
		{name: "forwarded to nobody", line: []string{`keywords: {support: {forward: "+12085550189"}}`}, says: `
			Jane calls
			Jane hears music
			Ann texts "support"
			Jane hears "Please hold on, we are connecting you."
			Lee's phone rings
			Lee declines` + again + `
			Slack shows Jane "The forward by Ann found the number busy, still waiting" [Take] [Voicemail]
			Bob gets "The forward by Ann found the number busy."` + bob},
		{name: "a word for voicemail", line: []string{`keywords: {later: {voicemail: true, say: "We will be there later."}}`}, says: `
			Jane calls
			Jane hears music
			Ann texts "later"
			Jane hears "We will be there later."
			Jane hears "Please leave a message"
			Jane leaves a message of 5s
			Slack says "Voicemail from"
			Jane's call was voicemail by Ann via sms`},
		{name: "after hours", line: []string{closedToday}, says: `
			Jane calls
			Jane hears "We are closed right now."
			Jane hears "Please leave a message"
			Jane hears a beep
			Slack shows Jane "Called outside the opening hours."
			Jane leaves a message of 5s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule
			Ann gets nothing`},
		{name: "nobody on duty", says: `
			Ann texts "off"
			Ann gets "You are off duty"
			Bob types "/pull off"
			Jane calls
			Jane hears "Please leave a message"
			Jane hears a beep
			Slack shows Jane "Nobody was on duty."
			Jane leaves a message of 5s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule
			Ann gets nothing
			Bob gets nothing`},
	})
}

// A caller who is given away while they talk, or before.
func TestHandOverDialogues(t *testing.T) {
	t.Parallel()
	const talking = `
		Jane calls
		Jane hears music
		Ann gets "Reply Y to take"
		Bob gets "Reply Y to take"
		Ann texts "Y"
		Ann gets "Yours: "
		Ann's phone rings
		Ann picks up
		Ann presses 1
		Jane talks
		20s pass
		`
	play(t, []dialogue{
		{name: "handed over", says: talking + `
			Ann texts "PASS ON needs an invoice"
			Ann gets "Handed over: "
			Ann is gone
			Jane hears "Please hold on, we are finding somebody else for you."
			Jane hears music
			Bob gets "Ann hands over: needs an invoice."
			Slack shows Jane "Ann hands over: needs an invoice. Waiting." [Take] [Voicemail]
			Bob texts "Y {Jane}"
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			5s pass
			Jane hangs up
			Slack shows Jane "Talked with Bob"
			Ann gets nothing
			Jane's call was talked by Bob via sms`},
		{name: "handed over, in front of the others", says: talking + `
			Mark calls
			Mark waits
			Bob gets "Reply Y to take"
			Ann texts "PASS ON"
			Ann is gone
			Jane waits
			Bob gets "Ann hands over."
			Bob texts "PULL"
			Jane hears "Putting you through to Bob."
			Bob's phone rings
			Mark waits`},
		{name: "nobody takes it", says: talking + `
			Ann texts "PASS ON"
			Ann is gone
			Jane hears "Please hold on"
			29s pass
			Jane waits
			1s pass
			Jane hears "Putting you through to Ann."
			Ann's phone rings
			Slack shows Jane "Nobody took it: ringing Ann again."
			Ann picks up
			Ann hears "Nobody else took it: JANE DOE. Press 1 to take it, 2 to decline."
			Ann presses 1
			Jane talks
			5s pass
			Jane hangs up
			Jane's call was talked by Ann via rule`},
		{name: "nobody takes it, nor the one who had it", line: []string{"max_wait: 60s"}, says: talking + `
			Ann texts "PASS ON"
			Ann is gone
			30s pass
			Ann's phone rings
			Ann declines
			Jane hears "Sorry, that took longer than we thought."
			Jane hears music
			Bob gets "Ann is busy."
			29s pass
			Jane waits
			1s pass
			Jane is asked for a message
			Jane leaves a message of 5s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "handed over by Slack, and the server restarts", says: talking + `
			Ann presses [Hand over]
			Ann is gone
			Jane hears "Please hold on"
			the server restarts
			Jane waits
			Bob presses [Take] on Jane
			Bob's phone rings
			Bob picks up
			Bob presses 3
			Jane talks
			5s pass
			Bob hangs up
			Slack shows Jane "Talked with Bob"
			Jane's call was talked by Bob via slack`},
		{name: "taken before they are back", says: talking + `
			Kim calls
			Kim waits
			Bob gets "Reply Y to take"
			Ann texts "PASS ON"
			Bob texts "PULL"
			Ann is gone
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Kim waits`},
		{name: "the caller hangs up as they are handed over", says: talking + `
			Ann texts "PASS ON"
			Jane hangs up
			Ann is gone
			Slack shows Jane "Talked with Ann for 0:20, then hung up after waiting"
			Jane's call was talked by Ann via sms`},
		{name: "given back before the 1", says: `
			Jane calls
			Jane hears music
			Ann texts "Y"
			Ann's phone rings
			Ann texts "N"
			Ann's phone stops
			Ann gets "waits for somebody else"
			Jane hears "Sorry, that took longer than we thought."
			Jane hears music
			Slack shows Jane "Ann gave it back" [Take] [Voicemail]
			Bob gets "Ann gave it back."
			Bob texts "Y {Jane}"
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Bob hangs up
			Jane's call was talked by Bob via sms`},
		{name: "somebody in line", says: `
			Ann types "/pull"
			Jane calls
			Jane hears "Putting you through to Ann."
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			5s pass
			Jane hangs up
			Jane's call was talked by Ann via line`},
	})
}
