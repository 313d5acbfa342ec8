package main

import "testing"

// Several calls wait: a code names one, and nothing is guessed.
func TestDialoguesWhichCall(t *testing.T) {
	t.Parallel()
	play(t, []dialogue{
		{name: "a code names a call, however it is written", says: `
			Jane calls
			Jane waits
			Ann gets "({Jane})"
			Mark calls
			Mark waits
			Ann gets "({Mark})"
			Kim calls
			Kim waits
			Ann gets "({Kim})"
			Kim waits
			Ann texts "{Mark} yes, please!"
			Ann gets "Yours: "
			Ann's phone rings
			Bob texts "n{Kim}"
			Bob gets "is sent to voicemail."
			Kim is asked for a message
			Bob texts "y {Mark}"
			Bob gets "Too late: Ann took "
			Slack shows Mark "Ringing Ann's phone"
			Slack shows Kim "Sent to voicemail by Bob"
			Slack shows Jane "Waiting" [Take] [Voicemail]
			Ann picks up
			Ann presses 1
			Mark talks
			Jane waits
			Mark hangs up
			Kim leaves a message of 4s
			Bob types "/pull {Jane}"
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Jane hangs up
			Mark's call was talked by Ann via sms
			Kim's call was voicemail by Bob via sms
			Jane's call was talked by Bob via slack`},
		{name: "a bare word is asked back", says: `
			Jane calls
			Jane waits
			Ann gets "({Jane})"
			Mark calls
			Mark waits
			Ann gets "({Mark})"
			Mark waits
			Ann texts "Y"
			Ann gets "Which one? {Jane}: JANE DOE, (208) 555-0123, waiting 0:00. {Mark}: "
			Bob texts "no"
			Bob gets "Reply for example N {Jane}."
			Bob types "/pull yes"
			Bob is told "Reply for example /pull {Jane}."
			Ann's phone is silent
			Jane waits
			Mark waits
			Slack shows Jane "Waiting" [Take] [Voicemail]
			Slack shows Mark "Waiting" [Take] [Voicemail]
			Ann texts "Y 7"
			Ann gets "No call 7 is waiting. LIST shows those that are."
			Jane hangs up
			Mark hangs up
			Jane's call was missed
			Mark's call was missed`},
		{name: "nobody waits: what became of the last", says: `
			Ann texts "Y"
			Ann gets "Nobody is waiting."
			Jane calls
			Jane waits
			Ann gets "Reply Y to take"
			Jane hangs up
			Jane's call was missed
			Slack shows Jane "Missed: hung up"
			Ann texts "Y"
			Ann gets "JANE DOE, (208) 555-0123 has hung up."
			20m pass
			Ann texts "Y"
			Ann gets "Nobody is waiting."`},
		{name: "an old answer takes no newer attempt", line: []string{"ring_timeout: 10s"}, says: `
			Jane calls
			Jane waits
			Bob gets "({Jane})"
			Ann texts "Y"
			Ann gets "Yours: "
			Ann's phone rings
			Ann declines
			Bob gets "Ann is busy."
			Jane waits
			Bob texts "Y 1"
			Bob gets "is waiting again. Please answer the latest announcement (Y {Jane})."
			Bob's phone is silent
			Ann gets "Your phone was busy. JANE DOE, (208) 555-0123 is waiting again (Y {Jane})."
			Slack shows Jane "Ann is busy" [Take] [Voicemail]
			Bob texts "Y {Jane}"
			Bob gets "Yours: "
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Bob via sms`},
	})
}

// Words, and those of a line's own.
func TestDialoguesWords(t *testing.T) {
	t.Parallel()
	play(t, []dialogue{
		{name: "Sí", says: `
			Jane calls
			Jane waits
			Ann gets "Reply Y to take"
			Ann texts "¡Sí!"
			Ann gets "Yours: "
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Ann via sms`},
		{name: "a thumb down", says: `
			Jane calls
			Jane waits
			Bob gets "N for voicemail"
			Bob texts "👎🏽"
			Bob gets "JANE DOE, (208) 555-0123 is sent to voicemail."
			Jane is asked for a message
			Jane leaves a message of 9s
			Slack says "Voicemail from"
			Jane's call was voicemail by Bob via sms`},
		{name: "all pass", line: []string{"no: pass"}, says: `
			Jane calls
			Jane waits
			Ann gets "N for not me"
			Ann texts "N"
			Ann gets "All right, not you."
			Jane waits
			Slack shows Jane "Waiting" [Take] [Voicemail]
			Bob texts "pass"
			Bob gets "All right, not you. Nobody is left, so JANE DOE, (208) 555-0123 is asked to leave a message."
			Jane is asked for a message
			Ann texts "Y"
			Ann gets "JANE DOE, (208) 555-0123 is at voicemail already."
			Jane leaves a message of 3s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "a keyword for voicemail", line: []string{`keywords: {later: {voicemail: true, say: "We call you back tomorrow."}}`}, says: `
			Jane calls
			Jane waits
			Ann gets "Reply Y to take"
			Ann texts "LATER {Jane}"
			Ann gets "is sent to voicemail."
			Jane hears "We call you back tomorrow."
			Jane is asked for a message
			Slack shows Jane "Sent to voicemail by Ann"
			Jane leaves a message of 3s
			Jane's call was voicemail by Ann via sms`},
		{name: "a keyword to pass", line: []string{`keywords: {lunch: {pass: true}}`}, says: `
			Jane calls
			Jane waits
			Ann gets "Reply Y to take"
			Ann texts "Lunch..."
			Ann gets "All right, not you."
			Jane waits
			Bob texts "y"
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Bob via sms`},
		{name: "a keyword to forward", line: []string{`keywords: {support: {forward: "+12085550189", say: "Connecting you to support."}}`}, says: `
			Jane calls
			Jane waits
			Ann gets "Reply Y to take"
			Bob gets "Reply Y to take"
			Ann texts "support"
			Ann gets "JANE DOE, (208) 555-0123 is forwarded to (208) 555-0189."
			Jane hears "Connecting you to support."
			Lee's phone rings
			Bob texts "Y"
			Bob gets "Too late: Ann has forwarded JANE DOE, (208) 555-0123 to (208) 555-0189"
			Lee picks up
			Jane talks
			30s pass
			Jane hangs up
			Jane's call was forwarded by Ann via sms`},
		{name: "unknown words get little help", says: `
			Ann texts "what is this about?"
			Ann gets "Y takes the call"
			Ann texts "hello?"
			Ann gets "Y takes the call"
			Ann texts "anybody there"
			Ann gets "Y takes the call"
			Ann texts "hm"
			Ann gets nothing
			Ann texts "?"
			Ann gets "PULL: the next call"
			61m pass
			Ann texts "hm"
			Ann gets "Y takes the call"`},
	})
}

// Calls are pulled, and people stand in line for them.
func TestDialoguesPull(t *testing.T) {
	t.Parallel()
	play(t, []dialogue{
		{name: "the longest waiting", says: `
			Jane calls
			Jane waits
			5s pass
			Mark calls
			Mark waits
			Ann types "/pull list"
			Ann texts "PULL"
			Ann gets "Yours: JANE DOE, (208) 555-0123."
			Ann's phone rings
			Bob types "/pull"
			Bob's phone rings
			Slack shows Mark "Ringing Bob's phone"
			Bob picks up
			Bob presses 1
			Mark talks
			Ann picks up
			Ann presses 1
			Jane talks
			Jane hangs up
			Mark hangs up
			Jane's call was talked by Ann via sms
			Mark's call was talked by Bob via slack`},
		{name: "standing in line", says: `
			Ann texts "NEXT"
			Ann gets "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone."
			Bob types "/pull"
			Bob is told "You are in line for 30 minutes, behind 1 other"
			the server restarts
			Jane calls
			Jane hears "Putting you through to Ann."
			Ann's phone rings
			Ann gets "(208) 555-0123. Your phone (208) 555-0101 rings now."
			Slack shows Jane "Ann"
			Ann picks up
			Ann presses 1
			Jane talks
			Mark calls
			Bob's phone rings
			Bob is told "Yours: "
			Bob picks up
			Bob presses 1
			Mark talks
			Jane hangs up
			Mark hangs up
			Jane's call was talked by Ann via line
			Mark's call was talked by Bob via line
			Kim calls
			Kim waits
			Ann gets "Reply Y to take"
			Bob gets "Reply Y to take"
			Kim hangs up
			Kim's call was missed`},
		{name: "a place in line ends after 30 minutes, when one leaves, and with off", says: `
			Ann texts "pull"
			Ann gets "next in line"
			31m pass
			Bob texts "pull"
			Bob gets "next in line"
			Bob texts "leave"
			Bob gets "You are not in line any more."
			Bob types "/pull cancel"
			Bob texts "pull"
			Bob gets "next in line"
			Bob texts "off 2h"
			Bob gets "You are off duty for 2 hours. Text ON when you are back."
			Ann texts "list"
			Ann gets "Off duty: Bob for 2 hours."
			Jane calls
			Jane waits
			Ann gets "Reply Y to take"
			Ann's phone is silent
			Bob's phone is silent
			Bob gets nothing
			Slack shows Jane "Waiting" [Take] [Voicemail]
			Bob types "/pull on"
			Bob is told "You are on duty."
			Bob gets "Reply Y to take"
			Jane hangs up
			Jane's call was missed`},
		{name: "a place in line ends with a take that fails", says: `
			Ann texts "pull"
			Ann gets "next in line"
			Jane calls
			Ann's phone rings
			Ann gets "Yours: "
			Slack shows Jane "JANE DOE"
			Ann declines
			Bob gets "Ann is busy."
			Jane waits
			Ann gets "Your phone was busy. JANE DOE, (208) 555-0123 is waiting again (Y {Jane})."
			Ann texts "leave"
			Ann gets "You were not in line."
			Jane hangs up
			Jane's call was missed`},
		{name: "one call at a time, but by force", says: `
			Jane calls
			Jane waits
			Ann gets "({Jane})"
			Ann texts "y"
			Ann gets "Yours: "
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			Mark calls
			Mark waits
			Bob gets "({Mark})"
			Ann gets nothing
			Ann texts "y {Mark}"
			Ann gets "You are on the phone with JANE DOE, (208) 555-0123. Y {Mark} FORCE takes this one too."
			Ann presses [Take] on Mark
			Ann is told "/pull {Mark} force takes this one too."
			Mark waits
			Ann texts "y {Mark} force"
			Ann gets "Yours: "
			Ann's phone rings
			Mark hangs up
			Jane hangs up
			Jane's call was talked by Ann via sms
			Mark's call was missed by Ann via sms`},
	})
}

// The taker gives a call back, or hands it over.
func TestDialoguesPassOn(t *testing.T) {
	t.Parallel()
	play(t, []dialogue{
		{name: "given back by a no", says: `
			Jane calls
			Jane waits
			Ann gets "({Jane})"
			Bob gets "({Jane})"
			Ann texts "y"
			Ann gets "Yours: "
			Ann's phone rings
			Ann texts "N"
			Ann gets "All right, JANE DOE, (208) 555-0123 waits for somebody else."
			Ann's phone stops
			Jane hears music
			Jane waits
			Bob gets "Ann gave it back."
			Slack shows Jane "Ann gave it back" [Take] [Voicemail]
			Ann texts "N"
			Ann gets "Which one? {Jane}: JANE DOE"
			Ann gets nothing
			Jane waits
			Bob texts "Y"
			Bob gets "Yours: "
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Bob via sms`},
		{name: "handed over with a note", says: `
			Jane calls
			Jane waits
			Ann gets "({Jane})"
			Bob gets "({Jane})"
			Ann texts "pass on"
			Ann gets "You are not on the phone with a caller."
			Ann texts "y"
			Ann gets "Yours: "
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			Ann texts "no"
			Ann gets "You are on the phone with JANE DOE, (208) 555-0123. PASS ON hands the call over."
			Jane talks
			Ann texts "PASS ON she has a question about May"
			Ann gets "Handed over: JANE DOE, (208) 555-0123 is back on hold."
			Jane hears music
			Jane waits
			Bob gets "she has a question about May"
			Bob texts "y {Jane}"
			Bob gets "Yours: "
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Bob via sms`},
		{name: "handed over in Slack, and back", line: []string{"ring_timeout: 20s"}, says: `
			Jane calls
			Jane waits
			Ann gets "({Jane})"
			Ann presses [Take] on Jane
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			Ann presses [Hand over]
			Ann is told "Handed over: JANE DOE, (208) 555-0123 is back on hold. If nobody takes the call, your phone rings again."
			Jane hears music
			Jane waits
			Slack shows Jane "Ann hands over. Waiting." [Take] [Voicemail]
			Ann types "/pull pass on"
			Ann is told "You are not on the phone with a caller."
			31s pass
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Ann via rule`},
	})
}
