package twilio

import (
	"context"
	"errors"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// Unfinished reports whether Twilio deletes nothing yet because it is not done with a call or text itself (error 20009,
// twilio.com/docs/api/errors/20009).
func Unfinished(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == 20009
}

// DeleteCall deletes a call that is over from the account's log. One that is not there is deleted.
func (c *Client) DeleteCall(ctx context.Context, sid string) error {
	return c.delete(ctx, func(s *api.ApiService) error { return s.DeleteCall(sid, &api.DeleteCallParams{}) })
}

// DeleteRecording deletes a recording. One that is not there is deleted. Twilio can still tell for 40 days that there
// was one, but not what was said.
func (c *Client) DeleteRecording(ctx context.Context, sid string) error {
	return c.delete(ctx, func(s *api.ApiService) error { return s.DeleteRecording(sid, &api.DeleteRecordingParams{}) })
}

// DeleteText deletes a text from the account's log. One that is not there is deleted.
func (c *Client) DeleteText(ctx context.Context, sid string) error {
	return c.delete(ctx, func(s *api.ApiService) error { return s.DeleteMessage(sid, &api.DeleteMessageParams{}) })
}

func (c *Client) delete(ctx context.Context, fn func(*api.ApiService) error) error {
	err := c.api(ctx, fn)
	if NotFound(err) {
		return nil
	}
	return err
}

// RecordingsOf lists what was recorded of a call, even of one that is deleted itself.
func (c *Client) RecordingsOf(ctx context.Context, callSID string) (out []Recording, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.ListRecordingParams{}
		p.SetCallSid(callSID)
		rs, err := s.ListRecording(p)
		for _, r := range rs {
			out = append(out, Recording{SID: value(r.Sid), Status: value(r.Status), Seconds: number(r.Duration)})
		}
		return err
	})
	return out, err
}

// TextsFrom lists what was sent from a number at or after a time and until another.
func (c *Client) TextsFrom(ctx context.Context, from string, since, until time.Time) (out []Text, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.ListMessageParams{}
		p.SetFrom(from)
		p.SetDateSentAfter(since)
		p.SetDateSentBefore(until)
		p.SetPageSize(1000)
		ms, err := s.ListMessage(p)
		for _, m := range ms {
			out = append(out, textOf(m))
		}
		return err
	})
	return out, err
}
