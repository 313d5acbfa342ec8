package twilio

import (
	"context"
	"slices"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// RedirectMember takes a caller out of a queue and has them hear the document at url. Twilio does it once: when the
// caller is not in the queue (any more), it refuses (twilio.com/docs/voice/api/member-resource).
func (c *Client) RedirectMember(ctx context.Context, queueSID, callSID, url string) error {
	return c.api(ctx, func(s *api.ApiService) error {
		p := &api.UpdateMemberParams{}
		p.SetUrl(url)
		p.SetMethod("POST")
		_, err := s.UpdateMember(queueSID, callSID, p)
		return err
	})
}

// InQueue reports whether a caller is in a queue; sure is false when Twilio knows no such queue either.
func (c *Client) InQueue(ctx context.Context, queueSID, callSID string) (in, sure bool, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		_, err := s.FetchMember(queueSID, callSID, &api.FetchMemberParams{})
		return err
	})
	if !Refused(err) {
		return err == nil, err == nil, err
	}
	calls, err := c.members(ctx, queueSID)
	if Refused(err) {
		return false, false, nil
	}
	return slices.Contains(calls, callSID), err == nil, err
}

// RedirectCall has a live call hear the document at url, tearing down whatever it does now, a conversation included.
func (c *Client) RedirectCall(ctx context.Context, callSID, url string) error {
	return c.api(ctx, func(s *api.ApiService) error {
		p := &api.UpdateCallParams{}
		p.SetUrl(url)
		p.SetMethod("POST")
		_, err := s.UpdateCall(callSID, p)
		return err
	})
}

// Call is what Twilio says of a call.
type Call struct {
	Status   string    // queued, ringing, in-progress, or how it ended: see Over
	From, To string    // as in the webhooks of the call
	Name     string    // of the caller, where Twilio was asked for it
	Began    time.Time // came in
	Ended    time.Time // zero while it has not
}

// Call asks for a call. One that Twilio does not know is over.
func (c *Client) Call(ctx context.Context, callSID string) (Call, error) {
	var out Call
	err := c.api(ctx, func(s *api.ApiService) error {
		call, err := s.FetchCall(callSID, &api.FetchCallParams{})
		if err == nil {
			out = Call{Status: value(call.Status), From: value(call.From), To: value(call.To), Name: value(call.CallerName),
				Began: date(call.DateCreated), Ended: date(call.EndTime)}
		}
		return err
	})
	if NotFound(err) {
		return Call{Status: "completed"}, nil
	}
	return out, err
}

// Connected reports whether a call has a phone dialled for it that rings or talks now.
func (c *Client) Connected(ctx context.Context, callSID string) (bool, error) {
	legs, err := c.Dialed(ctx, callSID)
	return slices.ContainsFunc(legs, func(d Dialed) bool { return !Over(d.Status) }), err
}

// Dialed is what became of a phone that was dialled from a call.
type Dialed struct {
	Status  string    // as a Call's
	To      string    // E.164
	Seconds int       // from the pick-up on
	Began   time.Time // was dialled
	Ended   time.Time // zero while it has not
}

// Dialed lists the phones that were dialled from a call, the newest first.
func (c *Client) Dialed(ctx context.Context, callSID string) (out []Dialed, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.ListCallParams{}
		p.SetParentCallSid(callSID)
		legs, err := s.ListCall(p)
		for _, l := range legs {
			out = append(out, Dialed{Status: value(l.Status), To: value(l.To), Seconds: number(l.Duration), Began: date(l.DateCreated), Ended: date(l.EndTime)})
		}
		return err
	})
	return out, err
}

// Over reports whether a call status means that the call has ended (twilio.com/docs/voice/api/call-resource).
func Over(status string) bool {
	switch status {
	case "completed", "busy", "failed", "no-answer", "canceled":
		return true
	}
	return false
}

// Queue finds a queue's SID by its name. It is empty when there is no such queue: Twilio makes one on its first use.
func (c *Client) Queue(ctx context.Context, name string) (sid string, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.ListQueueParams{}
		p.SetPageSize(1000)
		qs, err := s.ListQueue(p)
		for _, q := range qs {
			if value(q.FriendlyName) == name {
				sid = value(q.Sid)
			}
		}
		return err
	})
	return sid, err
}

// Recording is what Twilio recorded of a call.
type Recording struct {
	SID     string
	Status  string // in-progress, processing, completed, absent, …
	Seconds int
	Call    string    // CallSid; with the following, only from RecordingsSince
	Created time.Time // when it began
	Message bool      // made by a Record verb: a caller was asked for it (twilio.com/docs/voice/api/recording, source)
}

// Recordings lists what was recorded of a call.
func (c *Client) Recordings(ctx context.Context, callSID string) (out []Recording, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		rs, err := s.ListCallRecording(callSID, &api.ListCallRecordingParams{})
		for _, r := range rs {
			out = append(out, Recording{SID: value(r.Sid), Status: value(r.Status), Seconds: number(r.Duration)})
		}
		return err
	})
	if NotFound(err) {
		return nil, nil
	}
	return out, err
}

// SMS is a text to send.
type SMS struct {
	From, To string // E.164
	Body     string
	Status   string // URL that is told what became of it, if any
	// Validity is how long the text is of use: Twilio drops it afterwards, where it would otherwise keep it for up to ten
	// hours. 0 leaves that to Twilio.
	Validity time.Duration
}

// Send sends a text and returns its MessageSid. Twilio has no key that makes a repeat harmless.
func (c *Client) Send(ctx context.Context, m SMS) (sid string, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.CreateMessageParams{}
		p.SetFrom(m.From)
		p.SetTo(m.To)
		p.SetBody(m.Body)
		p.SetSmartEncoded(true)
		if m.Status != "" {
			p.SetStatusCallback(m.Status)
		}
		if m.Validity > 0 {
			// Twilio takes 1 to 36,000 s and advises against less than 5.
			p.SetValidityPeriod(min(max(5, int(m.Validity.Seconds())), 36000))
		}
		r, err := s.CreateMessage(p)
		if err == nil {
			sid = value(r.Sid)
		}
		return err
	})
	return sid, err
}

// Sent finds a text of this body from one number to another that Twilio took at or after a time, and returns its
// MessageSid: to be asked before a text is repeated whose fate is not known. It is empty when there is none among the
// newest hundred. A text that is still queued has no DateSent, which is the only date Twilio selects by
// (twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources).
func (c *Client) Sent(ctx context.Context, m SMS, since time.Time) (sid string, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		p := &api.ListMessageParams{}
		p.SetFrom(m.From)
		p.SetTo(m.To)
		p.SetPageSize(100)
		p.SetLimit(100)
		ms, err := s.ListMessage(p)
		for _, r := range ms {
			created := date(r.DateCreated) // in whole seconds
			if value(r.Body) == m.Body && !created.Before(since.Truncate(time.Second)) {
				sid = value(r.Sid)
			}
		}
		return err
	})
	return sid, err
}
