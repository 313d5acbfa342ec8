package twilio

import (
	"context"
	"strings"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// Number is one of the account's phone numbers and where its webhooks go.
type Number struct {
	SID         string
	Application bool // a TwiML application, a trunk or the like overrides the URLs below
	Webhooks
}

// Webhooks are the URLs of a number. They are requested by POST, unless "GET " stands in front.
type Webhooks struct {
	Voice, VoiceFallback, Status, SMS, SMSFallback string
}

// Number finds a number of the account, nil when it has none such.
func (c *Client) Number(ctx context.Context, e164 string) (n *Number, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.ListIncomingPhoneNumberParams{}
		p.SetPhoneNumber(e164)
		p.SetLimit(20) // Twilio matches parts of numbers too
		ns, err := s.ListIncomingPhoneNumber(p)
		for _, r := range ns {
			if value(r.PhoneNumber) != e164 {
				continue
			}
			n = &Number{
				SID:         value(r.Sid),
				Application: value(r.VoiceApplicationSid)+value(r.SmsApplicationSid)+value(r.TrunkSid) != "",
				Webhooks: Webhooks{
					Voice:         post(r.VoiceUrl, r.VoiceMethod),
					VoiceFallback: post(r.VoiceFallbackUrl, r.VoiceFallbackMethod),
					Status:        post(r.StatusCallback, r.StatusCallbackMethod),
					SMS:           post(r.SmsUrl, r.SmsMethod),
					SMSFallback:   post(r.SmsFallbackUrl, r.SmsFallbackMethod),
				},
			}
		}
		return err
	})
	return n, err
}

// post gives a webhook's URL, marked when it is not requested by POST.
func post(url, method *string) string {
	if m := value(method); value(url) != "" && m != "" && m != "POST" {
		return m + " " + value(url)
	}
	return value(url)
}

// Point sets a number's webhooks. Only the voice fallback may be one that is requested by GET.
func (c *Client) Point(ctx context.Context, sid string, w Webhooks) error {
	return c.api(ctx, func(s *api.ApiService) error {
		p := &api.UpdateIncomingPhoneNumberParams{}
		p.SetVoiceUrl(w.Voice)
		p.SetVoiceMethod("POST")
		method, fallback := "POST", w.VoiceFallback
		if u, ok := strings.CutPrefix(fallback, "GET "); ok {
			method, fallback = "GET", u
		}
		p.SetVoiceFallbackUrl(fallback)
		p.SetVoiceFallbackMethod(method)
		p.SetStatusCallback(w.Status)
		p.SetStatusCallbackMethod("POST")
		p.SetSmsUrl(w.SMS)
		p.SetSmsMethod("POST")
		if w.SMSFallback != "" {
			p.SetSmsFallbackUrl(w.SMSFallback)
			p.SetSmsFallbackMethod("POST")
		}
		_, err := s.UpdateIncomingPhoneNumber(sid, p)
		return err
	})
}
