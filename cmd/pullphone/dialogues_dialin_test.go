package main

import (
	"strings"
	"testing"
)

// withPIN gives Ann a PIN.
func withPIN(yaml string) string {
	return strings.Replace(yaml, "name: Ann,", `name: Ann, pin: "271828",`, 1)
}

// People who call the line from their own mobile.
func TestDialInDialogues(t *testing.T) {
	t.Parallel()
	const vouched = "TN-Validation-Passed-A"
	play(t, []dialogue{
		{name: "takes the longest-waiting call", says: `
			Jane calls
			Jane hears music
			Ann gets "JANE DOE"
			Bob gets "Reply Y"
			30s pass
			Kim calls
			Kim hears music
			Ann gets "(208) 555-0167"
			40s pass
			Ann calls with ` + vouched + `
			Ann hears "2 callers wait. JANE DOE from Boise, 1 minute 10. Press 1 to take this call, 2 for the next one, 3 to stand in line."
			Ann presses 1
			Jane hears "Putting you through to Ann."
			Ann hears "Go ahead."
			Ann talks
			Jane talks
			Kim waits
			Slack shows Jane "Talking with Ann"
			20s pass
			Jane hangs up
			Ann is gone
			Slack shows Jane "Talked with Ann"
			Jane's call was talked by Ann via phone`},
		{name: "takes the next one", says: `
			Jane calls
			Jane hears music
			20s pass
			Lee calls
			Lee hears music
			Bob gets "JANE DOE"
			Bob calls with ` + vouched + `
			Bob hears "2 callers wait. JANE DOE from Boise, 20 seconds."
			Bob presses 2
			Bob hears "A withheld number, just now."
			Bob presses 1
			Lee talks
			Jane waits
			Bob hangs up
			Lee is gone
			Lee's call was talked by Bob via phone
			Jane hangs up
			Jane's call was missed`},
		{name: "only a caller ID: nobody is named", says: `
			Jane calls
			Jane hears music
			Ann calls
			Ann hears "One caller waits. A caller, just now."
			Ann presses 1
			Jane talks
			Ann hangs up
			Jane's call was talked by Ann via phone`},
		{name: "nobody waits, stands in line", says: `
			Ann calls
			Ann hears "Nobody waits. Press 3 to stand in line for the next call."
			Ann presses 3
			Ann hears "You are in line for the next thirty minutes. We will ring you. Goodbye."
			Ann is gone
			20m pass
			Jane calls
			2s pass
			Ann's phone rings
			Ann picks up
			Ann hears "Call for Sales"
			Ann presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Ann via line`},
		{name: "says nothing", says: `
			Ann calls
			Ann hears "Nobody waits."
			6s pass
			Ann hears "Nobody waits."
			6s pass
			Ann hears "Goodbye."
			Ann is gone`},
		{name: "somebody was quicker by SMS", says: `
			Jane calls
			Jane hears music
			Ann calls
			Ann hears "One caller waits."
			Bob gets "Reply Y"
			Bob texts "Y"
			Bob gets "Yours"
			Ann presses 1
			Ann hears "Bob has answered it."
			Ann hears "Nobody waits."
			Ann hangs up
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane talks
			Jane hangs up
			Jane's call was talked by Bob via sms`},
		{name: "two dial in for the same call", says: `
			Jane calls
			Jane hears music
			Ann calls
			Ann hears "One caller waits."
			Bob calls
			Bob hears "One caller waits."
			Ann presses 1
			Jane talks
			Bob presses 1
			Bob hears "Ann has answered it."
			Bob hears "Nobody waits."
			Jane hangs up
			Jane's call was talked by Ann via phone`},
		{name: "the caller has gone", says: `
			Jane calls
			Jane hears music
			Ann calls
			Ann hears "One caller waits."
			Jane hangs up
			Jane's call was missed
			Ann presses 1
			Ann hears "The caller has hung up."
			Ann hears "Nobody waits."`},
		{name: "a stranger, and a person of no line", line: []string{"people: [Ann]"}, says: `
			Mark calls with ` + vouched + `
			Mark hears "Thanks for calling"
			Mark hears music
			Cy calls with ` + vouched + `
			Cy hears "Thanks for calling"
			Cy hears music
			Slack shows Cy "Waiting" [Take] [Voicemail]`},
		{name: "off", line: []string{"dial_in: false"}, says: `
			Ann calls with ` + vouched + `
			Ann hears "Thanks for calling"
			Ann hears music
			Slack shows Ann "Waiting" [Take] [Voicemail]`},
		{name: "PIN", line: []string{"dial_in: pin"}, yaml: withPIN, says: `
			Jane calls
			Jane hears music
			Ann gets "JANE DOE"
			Ann calls
			Ann hears "Please key in your PIN, and then the pound key."
			Ann presses 271829#
			Ann hears "That is not your PIN."
			Ann hears "Please key in your PIN"
			Ann presses 271828#
			Ann hears "One caller waits. JANE DOE from Boise, just now."
			Ann presses 1
			Jane talks
			Ann hangs up
			Jane's call was talked by Ann via phone`},
		{name: "PIN, three times wrong", line: []string{"dial_in: pin"}, yaml: withPIN, says: `
			Ann calls
			Ann presses 1#
			Ann hears "That is not your PIN."
			Ann hears "Please key in your PIN"
			Ann presses 2#
			Ann hears "That is not your PIN."
			Ann hears "Please key in your PIN"
			Ann presses 27182800
			Ann hears "That is not your PIN. Goodbye."
			Ann is gone`},
		{name: "PIN, vouched for", line: []string{"dial_in: pin"}, yaml: withPIN, says: `
			Ann calls with ` + vouched + `
			Ann hears "Nobody waits."
			Bob calls with TN-Validation-Passed-A-Diverted
			Bob hears "No PIN is set for you on this line. We put you through as a caller."
			Bob hears "Thanks for calling"
			Bob hears music
			Slack shows Bob "Waiting" [Take] [Voicemail]`},
		{name: "takes somebody to be called back", says: `
			Jane calls
			Jane hears "2 to be called back"
			Ann gets "JANE DOE"
			Jane presses 2
			Jane is gone
			5m pass
			Ann calls with ` + vouched + `
			Ann hears "One caller waits. JANE DOE from Boise, who asked to be called back, 5 minutes."
			Ann presses 1
			Ann hears "Calling JANE DOE now."
			Jane's phone rings
			Jane picks up
			Jane talks
			Ann talks
			Jane hangs up
			Jane's call was called_back by Ann via phone`},
	})
}
