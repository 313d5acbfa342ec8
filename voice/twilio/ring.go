package twilio

import (
	"context"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// Outgoing is a call of ours to somebody's phone.
type Outgoing struct {
	From, To string        // E.164
	URL      string        // the document that whoever picks up hears
	Fallback string        // the same, when that one cannot be had
	Status   string        // is told once, at the end, how the call ended
	Timeout  time.Duration // how long it rings; Twilio may add 5 s
}

// CallOut rings a phone and returns the CallSid. Twilio has no key that makes a repeat harmless.
func (c *Client) CallOut(ctx context.Context, o Outgoing) (sid string, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.CreateCallParams{}
		p.SetFrom(o.From)
		p.SetTo(o.To)
		p.SetUrl(o.URL)
		p.SetMethod("POST")
		p.SetFallbackUrl(o.Fallback)
		p.SetFallbackMethod("POST")
		p.SetStatusCallback(o.Status)
		p.SetStatusCallbackMethod("POST")
		p.SetTimeout(int(o.Timeout.Seconds()))
		r, err := s.CreateCall(p)
		if err == nil {
			sid = value(r.Sid)
		}
		return err
	})
	return sid, err
}

// CalledOut finds the newest call of ours from one number to another that was made at or after a time: to be asked
// before a call is repeated whose fate is not known. It is empty when there is none.
func (c *Client) CalledOut(ctx context.Context, o Outgoing, since time.Time) (sid string, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.ListCallParams{}
		p.SetFrom(o.From)
		p.SetTo(o.To)
		p.SetLimit(20) // newest first
		calls, err := s.ListCall(p)
		for _, r := range calls {
			if sid == "" && value(r.Direction) == "outbound-api" && !date(r.DateCreated).Before(since.Truncate(time.Second)) {
				sid = value(r.Sid)
			}
		}
		return err
	})
	return sid, err
}

// End ends a call, whether it still rings or not. One that is over already is refused.
func (c *Client) End(ctx context.Context, callSID string) error {
	return c.api(ctx, func(s *api.ApiService) error {
		p := &api.UpdateCallParams{}
		p.SetStatus("completed")
		_, err := s.UpdateCall(callSID, p)
		return err
	})
}
