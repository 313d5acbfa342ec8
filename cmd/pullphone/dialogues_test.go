package main

import "testing"

// The main job, as a dialogue.
func TestDialogues(t *testing.T) {
	t.Parallel()
	play(t, []dialogue{
		{name: "taken by SMS", says: `
			Jane calls
			Jane hears "Thanks for calling"
			Jane hears music
			Ann gets "Reply Y to take"
			Bob gets "Reply Y to take"
			Slack shows Jane "Waiting" [Take] [Voicemail]
			Ann texts "Y {Jane}"
			Ann gets "Yours: "
			Ann's phone rings
			Slack shows Jane "Ringing Ann's phone"
			Ann picks up
			Ann hears "Press 1"
			Ann presses 1
			Jane talks
			30s pass
			Jane hangs up
			Ann is gone
			Slack shows Jane "Talked with Ann"
			Jane's call was talked by Ann via sms
			Bob gets nothing`},
		{name: "left waiting", line: []string{"max_wait: 40s"}, says: `
			Jane calls
			Jane hears music
			Slack shows Jane "Waiting" [Take] [Voicemail]
			39s pass
			Jane waits
			2s pass
			Jane is asked for a message
			Jane leaves a message of 7s
			Slack says "Voicemail from"
			Jane's call was voicemail via rule`},
	})
}
