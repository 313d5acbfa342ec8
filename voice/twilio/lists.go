package twilio

import (
	"context"
	"net/url"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// pageSize is the most that Twilio gives at once.
const pageSize = 1000

// pages follows a list to its end; each page is a request of its own, with a request's time. fetch asks for one and
// returns the URI of the next as Twilio gave it.
func (c *Client) pages(ctx context.Context, fetch func(s *api.ApiService, token, page string) (next *string, err error)) error {
	for token, page := "", ""; ; {
		var next *string
		err := c.api(ctx, func(s *api.ApiService) (err error) {
			next, err = fetch(s, token, page)
			return err
		})
		if err != nil || value(next) == "" {
			return err
		}
		u, err := url.Parse(value(next))
		if err != nil {
			return err
		}
		q := u.Query()
		if q.Get("Page") == page && q.Get("PageToken") == token { // it would not end
			return nil
		}
		token, page = q.Get("PageToken"), q.Get("Page")
	}
}

// Members lists the CallSids of those who wait in a queue. A queue that Twilio does not know has none.
func (c *Client) Members(ctx context.Context, queueSID string) ([]string, error) {
	calls, err := c.members(ctx, queueSID)
	if NotFound(err) {
		return nil, nil
	}
	return calls, err
}

func (c *Client) members(ctx context.Context, queueSID string) (calls []string, err error) {
	p := &api.ListMemberParams{}
	p.SetPageSize(pageSize)
	err = c.pages(ctx, func(s *api.ApiService, token, page string) (*string, error) {
		r, err := s.PageMember(queueSID, p, token, page)
		if err != nil {
			return nil, err
		}
		for _, m := range r.QueueMembers {
			calls = append(calls, value(m.CallSid))
		}
		return r.NextPageUri, nil
	})
	return calls, err
}

// RecordingsSince lists the account's recordings that were begun at or after a time.
func (c *Client) RecordingsSince(ctx context.Context, since time.Time) (out []Recording, err error) {
	p := &api.ListRecordingParams{}
	p.SetPageSize(pageSize)
	p.SetDateCreatedAfter(since.UTC())
	err = c.pages(ctx, func(s *api.ApiService, token, page string) (*string, error) {
		r, err := s.PageRecording(p, token, page)
		if err != nil {
			return nil, err
		}
		for _, r := range r.Recordings {
			source := value(r.Source)
			out = append(out, Recording{
				SID: value(r.Sid), Call: value(r.CallSid), Status: value(r.Status), Seconds: number(r.Duration),
				Created: date(r.DateCreated), Message: source == "RecordVerb" || source == "",
			})
		}
		return r.NextPageUri, nil
	})
	return out, err
}

// Text is a text in the account's log, or one that has just come in.
type Text struct {
	SID, From, To, Body string
	Sent                time.Time // to the second; zero when it has just come in
}

func textOf(m api.ApiV2010Message) Text {
	t := Text{SID: value(m.Sid), From: value(m.From), To: value(m.To), Body: value(m.Body), Sent: date(m.DateSent)}
	if t.Sent.IsZero() {
		t.Sent = date(m.DateCreated)
	}
	return t
}

// Texts lists the texts that came to one of the account's numbers at or after a time, newest first. Twilio promises to
// compare days only, and does better at times (twilio.com/docs/messaging/api/message-resource): what is older is left
// out here.
func (c *Client) Texts(ctx context.Context, to string, since time.Time) (out []Text, err error) {
	p := &api.ListMessageParams{}
	p.SetTo(to)
	p.SetPageSize(pageSize)
	p.SetDateSentAfter(since.UTC())
	err = c.pages(ctx, func(s *api.ApiService, token, page string) (*string, error) {
		r, err := s.PageMessage(p, token, page)
		if err != nil {
			return nil, err
		}
		for _, m := range r.Messages {
			t := textOf(m)
			if value(m.Direction) == "inbound" && !t.Sent.Before(since.Truncate(time.Second)) {
				out = append(out, t)
			}
		}
		return r.NextPageUri, nil
	})
	return out, err
}

// date reads one of Twilio's times; one that is missing is zero.
func date(s *string) time.Time {
	t, _ := time.Parse(time.RFC1123Z, value(s))
	return t.UTC()
}
