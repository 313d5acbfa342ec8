package voicetest

import (
	"context"
	"net/url"
	"slices"
	"time"
)

// Phone is a telephone that does not belong to the account: a caller's or a
// teammate's.
type Phone struct {
	n      *Network
	number string

	// Guarded by Network.mu.
	changed signal
	inbox   []SMS
	ringing []*Leg // not yet handed out by WaitRing
	refusal int
	queue   time.Duration   // from created to sent
	delay   time.Duration   // from sent to delivered or undelivered
	blocked map[string]bool // own numbers this phone has sent STOP to
}

// CallerInfo is what the network knows about a caller.
type CallerInfo struct {
	From                      string // replaces the phone's number, e.g. "anonymous" or "+266696687"
	City, State, Zip, Country string
	StirVerstat               string // e.g. TN-Validation-Passed-A
	Name                      string // sent as CallerName if the number asks for it
}

func (c CallerInfo) params(p url.Values) {
	for _, side := range []string{"From", "Caller"} {
		p.Set(side+"City", c.City)
		p.Set(side+"State", c.State)
		p.Set(side+"Zip", c.Zip)
		p.Set(side+"Country", c.Country)
	}
	for _, side := range []string{"To", "Called"} {
		for _, part := range []string{"City", "State", "Zip"} {
			p.Set(side+part, "")
		}
		p.Set(side+"Country", "US")
	}
	if c.StirVerstat != "" {
		p.Set("StirVerstat", c.StirVerstat)
	}
}

// Phone returns the telephone with a number.
func (n *Network) Phone(e164 string) *Phone {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.phoneLocked(e164)
}

func (n *Network) phoneLocked(e164 string) *Phone {
	p := n.phones[e164]
	if p == nil {
		p = &Phone{n: n, number: e164, blocked: map[string]bool{}, changed: signal{up: &n.changed}}
		n.phones[e164] = p
	}
	return p
}

// Number returns the phone's own number.
func (p *Phone) Number() string { return p.number }

// Call dials one of the account's numbers. A call to any other number ends at
// once as failed.
func (p *Phone) Call(to string, info CallerInfo) *Call {
	n := p.n
	from := p.number
	if info.From != "" {
		from = info.From
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.newLegLocked(from, to, dirInbound, p, nil)
	l.info = info
	l.status = statusRinging
	p.changed.fire()
	num := n.numbers[to]
	if num == nil {
		l.endLocked(statusFailed)
		return &Call{&Party{l}}
	}
	c := num.config
	first := fetch{what: "voice", method: c.VoiceMethod, url: c.VoiceURL}
	l.fallback, l.fallbackMethod = c.VoiceFallbackURL, c.VoiceFallbackMethod
	if c.VoiceApplicationSID != "" || c.TrunkSID != "" {
		first.url, l.fallback = "", ""
	}
	if e164.MatchString(from) {
		first.params = url.Values{"CallToken": {"%7B%22parentCallInfoToken%22%3A%22" + l.sid + "%22%7D"}}
		if method(c.VoiceMethod) != "POST" {
			first.params = nil // twilio.com/docs/voice/trusted-calling-with-shakenstir
		}
	}
	n.spawnLocked(func() { l.talk(first) })
	return &Call{&Party{l}}
}

// ringLocked makes the phone ring for a leg.
func (p *Phone) ringLocked(l *leg) {
	p.ringing = append(p.ringing, &Leg{&Party{l}})
	p.changed.fire()
}

// WaitRing waits for the next call to this phone, which may be over by then.
func (p *Phone) WaitRing(ctx context.Context) (*Leg, error) {
	var leg *Leg
	err := p.n.await(ctx, &p.changed, func() (bool, error) {
		if len(p.ringing) == 0 {
			return false, nil
		}
		leg = p.ringing[0]
		p.ringing = p.ringing[1:]
		return true, nil
	})
	return leg, err
}

// Ringing reports whether a call rings that WaitRing has not returned.
func (p *Phone) Ringing() bool {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return slices.ContainsFunc(p.ringing, func(g *Leg) bool { return !g.l.over })
}

// Inbox returns the messages this phone got.
func (p *Phone) Inbox() []SMS {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return slices.Clone(p.inbox)
}

// WaitSMS waits for a message that match accepts, beginning with those of the past.
func (p *Phone) WaitSMS(ctx context.Context, match func(SMS) bool) (SMS, error) {
	var found SMS
	err := p.n.await(ctx, &p.changed, func() (bool, error) {
		i := slices.IndexFunc(p.inbox, match)
		if i >= 0 {
			found = p.inbox[i]
		}
		return i >= 0, nil
	})
	return found, err
}

// SetSMSRefusal makes Twilio refuse messages to this phone with an error code:
// at once for 21610 and its like, by the status callback for 30003 and its like.
// 0 accepts them again.
func (p *Phone) SetSMSRefusal(code int) {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.refusal = code
}

// SetSMSDelay is how long it is, by the Clock, from the moment a message is sent
// until the phone gets it, or Twilio knows that it does not.
func (p *Phone) SetSMSDelay(d time.Duration) {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.delay = d
}

// SetSMSQueue is how long, by the Clock, messages to this phone are queued before they are sent: Twilio sends one a
// second from an ordinary number (twilio.com/docs/messaging/guides/scaling-queueing-latency).
func (p *Phone) SetSMSQueue(d time.Duration) {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.queue = d
}
