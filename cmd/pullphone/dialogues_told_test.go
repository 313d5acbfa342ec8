package main

import (
	"fmt"
	"testing"
	"time"
)

// Who is told of a call, and what its message says meanwhile.
func TestDialoguesTold(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	// Closed today and, should the day end meanwhile, tomorrow.
	closed := fmt.Sprintf(`hours: {timezone: UTC, closed: [%q, %q]}`, now.Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly))
	const cyToo = `escalate: [{after: 30s, people: [Cy], mention: here}]`
	play(t, []dialogue{
		{name: "after hours", line: []string{closed}, says: `
			Jane calls
			Jane is asked for a message
			Slack shows Jane "Called outside the opening hours. Asked to leave a message."
			Jane leaves a message of 7s
			Slack shows Jane "Called outside the opening hours. Left a voicemail of 0:07."
			Slack says "Voicemail from"
			Jane's call was voicemail via rule
			Ann gets nothing
			Bob gets nothing`},
		{name: "after hours, no message", line: []string{closed}, says: `
			Jane calls
			Jane is asked for a message
			Jane hangs up
			30s pass
			Slack shows Jane "Missed: hung up without leaving a message. Called outside the opening hours."
			Jane's call was missed via rule
			Ann gets nothing`},
		{name: "nobody on duty", says: `
			Ann texts "off"
			Ann gets "off duty"
			Bob types "/pull off"
			Bob is told "off duty"
			Jane calls
			Jane is asked for a message
			Slack shows Jane "Nobody was on duty. Asked to leave a message."
			Jane leaves a message of 3s
			Slack shows Jane "Nobody was on duty. Left a voicemail of 0:03."
			Slack says "Voicemail from"
			Jane's call was voicemail via rule
			Ann gets nothing
			Ann texts "on"
			Ann gets "on duty"
			Mark calls
			Mark hears music
			Ann gets "Reply Y to take"
			Slack shows Mark "Waiting." [Take] [Voicemail]
			Mark hangs up
			Slack shows Mark "Missed: hung up after waiting 0:00."
			Mark's call was missed
			Bob gets nothing`},
		{name: "the next are told", line: []string{cyToo}, says: `
			Jane calls
			Jane hears music
			Slack shows Jane "Waiting." [Take] [Voicemail]
			Ann gets "Reply Y to take"
			29s pass
			Cy gets nothing
			2s pass
			Cy gets "Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. ({Jane})"
			Slack shows Jane "Waiting. Cy was told too." [Take] [Voicemail]
			Slack says "@here JANE DOE, (208) 555-0123 has been waiting on Sales for 0:30. Take call {Jane} above."
			Cy presses [Take] on Jane
			Cy is told "Yours: "
			Cy's phone rings
			Slack shows Jane "Cy took it. Ringing Cy's phone."
			Cy picks up
			Cy presses 1
			Jane talks
			30s pass
			Jane hangs up
			Slack shows Jane "Talked with Cy for 0:30"
			Jane's call was talked by Cy via slack`},
		{name: "taken before the next are told", line: []string{cyToo}, says: `
			Jane calls
			Jane hears music
			Ann gets "Reply Y to take"
			20s pass
			Ann texts "Y"
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			60s pass
			Jane hangs up
			Slack shows Jane "Talked with Ann for 1:00, after waiting 0:20."
			Jane's call was talked by Ann via sms
			Cy gets nothing`},
		{name: "all have passed", line: []string{`"no": pass`, cyToo}, says: `
			Jane calls
			Jane hears music
			Ann gets "N for not me"
			Bob gets "N for not me"
			Ann texts "N {Jane}"
			Slack shows Jane "Waiting. Ann passed." [Take] [Voicemail]
			Bob texts "N {Jane}"
			Cy gets "N for not me"
			Slack shows Jane "Waiting. Ann and Bob passed. Cy was told too." [Take] [Voicemail]
			Slack says "@here JANE DOE"
			Cy texts "N {Jane}"
			Jane is asked for a message
			Slack shows Jane "Everybody passed. Asked to leave a message."
			Jane leaves a message of 5s
			Slack shows Jane "Everybody passed. Left a voicemail of 0:05."
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "the taker does not come", says: `
			Jane calls
			Jane hears music
			Slack shows Jane "Call {Jane} on Sales" [Take] [Voicemail]
			Bob gets "Reply Y to take"
			50s pass
			Ann presses [Take] on Jane
			Ann's phone rings
			Slack shows Jane "Ann took it. Ringing Ann's phone."
			26s pass
			Jane hears music
			Slack shows Jane "Ann did not pick up, still waiting 1:1" [Take] [Voicemail]
			Slack shows Jane "Call {Jane} on Sales" [Take] [Voicemail]
			Bob gets "Ann did not pick up. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. ({Jane})"
			Bob presses [Take] on Jane
			Bob's phone rings
			Bob declines
			Slack shows Jane "Bob is busy, still waiting 1:1" [Take] [Voicemail]
			45s pass
			Jane is asked for a message
			Slack shows Jane "Nobody took it in time. Asked to leave a message."
			Jane leaves a message of 4s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "handed over by the button", says: `
			Jane calls
			Jane hears music
			Bob gets "Reply Y to take"
			Ann presses [Take] on Jane
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			Slack shows Jane "Talking with Ann, after waiting 0:00."
			Ann is told "You are talking with JANE DOE, (208) 555-0123."
			20s pass
			Ann presses [Hand over]
			Jane hears music
			Bob gets "Ann hands over. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. ({Jane})"
			Slack shows Jane "Ann hands over. Waiting." [Take] [Voicemail]
			10s pass
			Bob texts "Y {Jane}"
			Bob's phone rings
			Slack shows Jane "Bob took it. Ringing Bob's phone. Ann handed over."
			Bob picks up
			Bob presses 1
			Jane talks
			Bob is told "You are talking with JANE DOE"
			15s pass
			Jane hangs up
			Slack shows Jane "Talked with Bob for 0:15, after waiting 0:10. Ann handed over."
			Jane's call was talked by Bob via sms`},
		{name: "handed over, and nobody takes it", says: `
			Jane calls
			Jane hears music
			Ann texts "Y"
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane talks
			Ann texts "pass on asks for a refund"
			Slack shows Jane "Ann hands over: asks for a refund. Waiting." [Take] [Voicemail]
			Bob gets "Ann hands over: asks for a refund. Sales: JANE DOE"
			Jane hears music
			31s pass
			Ann's phone rings
			Slack shows Jane "Nobody took it: ringing Ann again. Ann handed over: asks for a refund."
			Jane hangs up
			Slack shows Jane "Talked with Ann for 0:00, then hung up after waiting 0:31. Ann handed over: asks for a refund."
			Jane's call was talked by Ann via sms`},
		{name: "called back at the second try", says: `
			Jane calls
			Jane hears "2 to be called back"
			Bob gets "Reply Y to take"
			20s pass
			Jane presses 2
			Jane is gone
			Slack shows Jane "Asked to be called back, has hung up." [Take]
			Bob presses [Take] on Jane
			Bob's phone rings
			Slack shows Jane "Bob calls back. Ringing Bob's phone."
			Bob picks up
			Bob presses 1
			Jane's phone rings
			Slack shows Jane "Bob calls them back."
			Jane declines
			Slack shows Jane "Bob did not reach them, still to be called back." [Take]
			Ann gets "Bob did not reach them. Sales: JANE DOE, (208) 555-0123, Boise, ID asks to be called back. Reply Y to call. ({Jane})"
			Ann texts "Y {Jane}"
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane's phone rings
			Jane picks up
			Jane talks
			30s pass
			Jane hangs up
			Slack shows Jane "Called back by Ann, talked for 0:30, after waiting 0:20."
			Jane's call was called_back by Ann via sms`},
		{name: "left by the caller's own key", says: `
			Jane calls
			Jane hears "1 to leave a message"
			Jane presses 1
			Jane is asked for a message
			Slack shows Jane "Chose to leave a message."
			Jane leaves a message of 6s
			Slack shows Jane "Chose to leave a message. Left a voicemail of 0:06."
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "forwarded", line: []string{`keywords: {support: {forward: "+12085550199"}}`}, says: `
			Jane calls
			Jane hears music
			Ann texts "support"
			Slack shows Jane "Forwarded by Ann to (208) 555-0199, ringing."
			26s pass
			Slack shows Jane "The forward by Ann was not answered, still waiting 0:2" [Take] [Voicemail]
			Bob gets "The forward by Ann was not answered. Sales: JANE DOE"
			Jane hangs up
			Slack shows Jane "Missed: hung up after waiting 0:2"
			Jane's call was missed`},
		{name: "next in line", says: `
			Ann texts "next"
			Ann gets "line"
			Jane calls
			2s pass
			Ann's phone rings
			Slack shows Jane "Ann was next in line. Ringing Ann's phone."
			Jane hangs up
			Ann's phone stops
			Slack shows Jane "Missed: hung up after waiting 0:02."
			Jane's call was missed by Ann via line
			Bob gets nothing`},
	})
}
