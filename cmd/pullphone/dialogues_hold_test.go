package main

import "testing"

// Ways out for a caller on hold.
func TestDialoguesHold(t *testing.T) {
	t.Parallel()
	play(t, []dialogue{
		{name: "1 leaves a message", says: `
			Jane calls
			Jane hears "Thanks for calling"
			Jane hears "Press 1 to leave a message, 2 to be called back."
			Jane hears music
			Ann gets "Reply Y to take"
			20s pass
			Jane presses 1
			Jane hears "Please leave a message"
			Jane is asked for a message
			Ann texts "Y {Jane}"
			Ann gets "voicemail"
			Jane leaves a message of 7s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
		{name: "2 and called back", says: `
			Jane calls
			Jane hears "2 to be called back."
			Ann gets "Reply Y to take"
			Bob gets "Reply Y to take"
			Jane presses 2
			Jane hears "We will call you back on this number."
			Jane is gone
			Slack shows Jane "Asked to be called back, has hung up." [Take]
			5m pass
			Ann texts "Y {Jane}"
			Ann gets "Yours"
			Ann's phone rings
			Ann picks up
			Ann hears "Call back for Sales: "
			Ann presses 1
			Ann hears "Calling"
			Jane's phone rings
			Jane picks up
			Jane talks
			30s pass
			Jane hangs up
			Ann is gone
			Jane's call was called_back by Ann via sms`},
		{name: "called back after a restart", says: `
			Jane calls
			Jane presses 2
			Jane is gone
			the server restarts
			1m pass
			Ann texts "Y {Jane}"
			Ann's phone rings
			the server restarts
			Ann picks up
			Ann presses 1
			Jane's phone rings
			Jane picks up
			Ann talks
			Ann hangs up
			Jane is gone
			Jane's call was called_back by Ann via sms`},
		{name: "a withheld number is not called back", says: `
			Lee calls
			Lee hears "Press 1 to leave a message."
			Lee presses 2
			Lee hears music
			Lee waits
			Ann texts "Y {Lee}"
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Lee talks
			Lee hangs up
			Lee's call was talked by Ann via sms`},
		{name: "not reached twice", says: `
			Jane calls
			Jane presses 2
			Jane is gone
			Ann texts "Y {Jane}"
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane's phone rings
			Jane declines
			Ann hears "They did not pick up. They still wait to be called back."
			Ann is gone
			Slack shows Jane "" [Take]
			Bob gets "asks to be called back. Reply Y to call."
			1h pass
			Bob texts "Y {Jane}"
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane's phone rings
			36s pass
			Bob hears "They did not pick up. This was the last try."
			Bob is gone
			Jane's call was tried by Bob via sms`},
		{name: "who was to call back does not", says: `
			Jane calls
			Jane presses 2
			Jane is gone
			Ann texts "Y {Jane}"
			Ann's phone rings
			26s pass
			Ann's phone stops
			Slack shows Jane "Ann did not pick up" [Take]
			Ann gets "did not pick up"
			Bob texts "Y {Jane}"
			Bob's phone rings
			Bob picks up
			Bob presses 2
			Bob is gone
			Slack shows Jane "Bob declined" [Take]
			Ann texts "Y {Jane}"
			Ann's phone rings
			Ann texts "N {Jane}"
			Ann's phone stops
			Slack shows Jane "Ann gave it back" [Take]
			Bob texts "Y {Jane}"
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Jane's phone rings
			Jane picks up
			Jane talks
			Jane hangs up
			Jane's call was called_back by Bob via sms`},
		{name: "nobody calls back for a day", says: `
			Jane calls
			Jane presses 2
			Jane is gone
			23h pass
			Slack shows Jane "Asked to be called back" [Take]
			61m pass
			Slack shows Jane ""
			Jane's call was missed`},
		{name: "other keys", says: `
			Jane calls
			Jane hears music
			Jane presses 9
			Jane hears music
			Jane presses #
			10s pass
			Jane hears music
			Jane presses 1
			Jane is asked for a message
			Jane leaves a message of 3s
			Jane's call was voicemail via rule`},
		{name: "three callers and their places", line: []string{"max_wait: 10m"}, says: `
			Jane calls
			Jane hears music
			Mark calls
			Mark hears "1 caller is before you."
			Mark hears "Press 1"
			Kim calls
			Kim hears "2 callers are before you."
			Kim hears "3 to hear your place"
			30s pass
			Jane presses 2
			Jane is gone
			Kim presses 3
			Kim hears "2 callers are before you."
			Ann texts "Y {Jane}"
			Ann's phone rings
			Ann picks up
			Ann presses 1
			Jane's phone rings
			Jane picks up
			Ann talks
			Kim presses 3
			Kim hears "1 caller is before you."
			Bob texts "Y {Mark}"
			Bob's phone rings
			26s pass
			Mark hears "Sorry, that took longer"
			Mark hears "Press 1"
			Kim presses 3
			Kim hears "1 caller is before you."
			Bob texts "Y {Mark}"
			Bob's phone rings
			Bob picks up
			Bob presses 1
			Mark talks
			Kim presses 3
			Kim hears "You are next."
			Kim hears music
			Kim presses 2
			Kim is gone`},
	})
}
