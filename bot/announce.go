package bot

import (
	"context"
	"errors"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// texts announces waiting calls by SMS. Each phone has a lane of its own, so that a dead one holds up nobody.
func (b *Bot) texts() store.Work {
	return store.Work{
		Kind: store.Text, Parallel: 32, Longest: 8 * time.Second,
		Lane: func(d store.Deed) string { return d.Whom },
		Do:   b.text,
	}
}

// text sends one announcement. One that nobody needs any more, or that finds its person busy or off duty, is dropped, not
// sent late.
func (b *Bot) text(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	c, err := b.Store.Call(ctx, d.Call)
	if err != nil {
		return nil, err
	}
	line, _ := b.Store.Team.Line(c.Line)
	person, _ := b.Store.Team.Person(d.Whom)
	if c.State != store.Waiting || c.Attempt != d.Attempt || person.Phone == "" {
		return nil, nil
	}
	sms := twilio.SMS{From: c.Line, To: person.Phone, Body: announcement(line, c), Status: b.statusURL(c), Validity: max(time.Second, b.Store.Clock.Until(c.Deadline))}
	x := store.SMSText{Person: person.Name, Attempt: c.Attempt, Status: store.TextQueued}
	became := func(c *store.Call) bool { return c.Texted(x) }
	if d.Doubt {
		// Sent perhaps: then Twilio has told what became of it, or can be asked.
		if _, told := c.TextTo(person.Name); told {
			return nil, nil
		}
		if x.SID, err = b.sent(ctx, d, sms, c.Arrived); err != nil || x.SID != "" {
			return became, err
		}
	}
	if may, err := b.Store.MayTell(ctx, c.ID, c.Attempt, person.Name); err != nil || !may {
		return nil, err
	}
	x.SID, err = b.Twilio.Send(ctx, sms)
	if err == nil {
		return became, nil
	}
	if after, ok := twilio.Limited(err); ok {
		return nil, &store.Later{After: after, Err: err}
	}
	if e, ok := errors.AsType[*twilio.Error](err); ok && twilio.Refused(err) {
		b.Log.Warn("SMS refused", "call", c.ID, "person", person.Name, "err", err)
		x.Status, x.Code = store.TextFailed, e.Code
		x.Why, x.Never = smsRefusal(e.Code)
		return became, nil
	}
	return nil, err
}

// lists tells people by SMS how many wait, where there are too many to announce each.
func (b *Bot) lists() store.Work {
	return store.Work{
		Kind: store.List, Parallel: 32, Longest: 8 * time.Second,
		Lane: func(d store.Deed) string { return d.Whom },
		Do:   b.listed,
	}
}

func (b *Bot) listed(ctx context.Context, d store.Deed) (func(*store.Call) bool, error) {
	line, _ := b.Store.Team.Line(d.Line)
	person, _ := b.Store.Team.Person(d.Whom)
	open, err := b.Store.OpenCalls(ctx, d.Line)
	if err != nil {
		return nil, err
	}
	waiting := len(only(open, store.Waiting))
	if waiting == 0 || person.Phone == "" || !line.Serves(person.Name) {
		return nil, nil
	}
	_, err = b.Twilio.Send(ctx, twilio.SMS{From: d.Line, To: person.Phone, Body: crowded(line, waiting), Validity: time.Minute})
	if after, ok := twilio.Limited(err); ok {
		return nil, &store.Later{After: after, Err: err}
	}
	if twilio.Refused(err) {
		b.Log.Warn("SMS refused", "person", person.Name, "err", err) // the announcements say so where people see it
		return nil, nil
	}
	return nil, err
}

// clockSkew is how much Twilio's clock may be behind that of the server which may have sent it.
const clockSkew = 5 * time.Second

// sent finds a text that may have been sent already. Where Twilio cannot tell, twice is better than never.
func (b *Bot) sent(ctx context.Context, d store.Deed, sms twilio.SMS, since time.Time) (sid string, err error) {
	sid, err = b.Twilio.Sent(ctx, sms, since.Add(-clockSkew))
	if twilio.Refused(err) {
		return "", nil
	}
	if after, ok := twilio.Limited(err); ok {
		return "", &store.Later{After: after, Err: err}
	}
	if err == nil {
		b.Store.Looked(d.Kind, sid != "")
	}
	return sid, err
}
