package main

import (
	"fmt"

	"pullphone/bot"
	"pullphone/cmd/pullphone/config"
	"pullphone/voice"
	"pullphone/voice/twilio"
)

// webhooks are the URLs that a line's number must have. A text that failed comes once more to the same place; a call
// that failed goes where a message can be left.
func webhooks(cfg *config.Config, fallback string) twilio.Webhooks {
	return twilio.Webhooks{
		Voice:         cfg.PublicURL + voice.IncomingPath,
		VoiceFallback: fallback,
		Status:        cfg.PublicURL + voice.StatusPath,
		SMS:           cfg.PublicURL + bot.SMSPath,
		SMSFallback:   cfg.PublicURL + bot.SMSPath,
	}
}

// differences says, a sentence each, in what a number's webhooks differ from those it must have.
func differences(have, want twilio.Webhooks) []string {
	var out []string
	for _, f := range []struct{ name, have, want string }{
		{"voice URL", have.Voice, want.Voice},
		{"voice fallback URL", have.VoiceFallback, want.VoiceFallback},
		{"status callback", have.Status, want.Status},
		{"SMS URL", have.SMS, want.SMS},
		{"SMS fallback URL", have.SMSFallback, want.SMSFallback},
	} {
		if f.have != f.want {
			was := f.have
			if was == "" {
				was = "none"
			}
			out = append(out, fmt.Sprintf("%s: %s, to be %s", f.name, was, f.want))
		}
	}
	return out
}
