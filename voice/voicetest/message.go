package voicetest

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SMS is a message a phone got.
type SMS struct {
	SID      string
	From, To string
	Body     string
	At       time.Time // by the Clock
	ReplyTo  string    // SID of the Text whose webhook's answer it is, or ""
	Unheard  bool      // a Text whose webhook had no usable answer
}

// message is a message in the account's log.
type message struct {
	sid               string
	from, to, body    string
	direction, status string
	errorCode         int
	created, sent     time.Time // sent is zero until then
	callback          string
	replyTo           string
	out               *outbox
	unheard           bool
	deleted           bool
}

// Text is a message sent to one of the account's numbers.
type Text struct {
	n       *Network
	sid     string
	changed signal
	done    bool
}

// SID returns the message SID.
func (t *Text) SID() string { return t.sid }

// WaitDone waits until the webhook of the message is answered, or given up.
// Replies in the answer are then on their way to the phone.
func (t *Text) WaitDone(ctx context.Context) error {
	return t.n.await(ctx, &t.changed, func() (bool, error) { return t.done, nil })
}

// Opt-out and opt-in words, which must be the whole message
// (twilio.com/docs/messaging/tutorials/advanced-opt-out).
var (
	optOut = map[string]bool{"STOP": true, "UNSUBSCRIBE": true, "END": true, "QUIT": true, "STOPALL": true, "REVOKE": true, "OPTOUT": true, "CANCEL": true}
	optIn  = map[string]bool{"START": true, "UNSTOP": true, "YES": true}
)

// Text sends a message to one of the account's numbers, whose SmsUrl is asked
// for an answer. An opt-out word also blocks that number's messages to this
// phone (21610) until an opt-in word; Twilio's own confirmations are not played.
func (p *Phone) Text(to, body string) *Text {
	n := p.n
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.clock.Now()
	m := &message{sid: n.idLocked("SM"), from: p.number, to: to, body: body, direction: "inbound", status: "received", created: now, sent: now}
	t := &Text{n: n, sid: m.sid}
	num := n.numbers[to]
	if num == nil {
		t.done = true
		return t
	}
	n.messages = append(n.messages, m)
	p.changed.fire()
	switch word := strings.ToUpper(strings.TrimSpace(body)); {
	case optOut[word]:
		p.blocked[to] = true
	case optIn[word]:
		delete(p.blocked, to)
	}
	c := num.config
	if c.SMSApplicationSID != "" {
		c = NumberConfig{}
	}
	form := url.Values{
		"MessageSid": {m.sid}, "SmsSid": {m.sid}, "SmsMessageSid": {m.sid}, "AccountSid": {n.opts.AccountSID},
		"From": {m.from}, "To": {to}, "Body": {body}, "NumMedia": {"0"}, "NumSegments": {strconv.Itoa(segments(body))},
		"SmsStatus": {"received"}, "ApiVersion": {apiVersion},
	}
	for _, side := range []string{"From", "To"} {
		for _, part := range []string{"City", "State", "Zip", "Country"} {
			form.Set(side+part, "")
		}
	}
	n.dueLocked(1)
	n.spawnLocked(func() {
		n.askForReply(m, c, form)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.dueLocked(-1)
		t.done = true
		t.changed.fire()
	})
	return t
}

// askForReply asks the SmsUrl, and the fallback if that fails, and delivers the
// messages of the answer. Without a usable answer the sender hears nothing.
func (n *Network) askForReply(m *message, c NumberConfig, form url.Values) {
	if c.SMSURL == "" {
		return
	}
	next := webhook{sid: m.sid, what: "sms", method: method(c.SMSMethod), url: c.SMSURL, form: form}
	for range 10 {
		d, code, err := n.getReply(next)
		if err != nil {
			if c.SMSFallbackURL == "" {
				n.mu.Lock()
				defer n.mu.Unlock()
				m.unheard = true
				n.phoneLocked(m.from).changed.fire()
				return
			}
			more := url.Values{"ErrorCode": {strconv.Itoa(code)}, "ErrorUrl": {next.url}}
			for k, v := range form {
				more[k] = v
			}
			next = webhook{sid: m.sid, what: "sms fallback", method: method(c.SMSFallbackMethod), url: c.SMSFallbackURL, form: more}
			c.SMSFallbackURL = ""
			continue
		}
		redirect := ""
		for _, v := range d.verbs {
			if v.name == "Redirect" {
				next.what, next.method, next.url = "sms redirect", method(v.attrs["method"]), d.resolve(v.text)
				redirect = next.url
				break
			}
			n.mu.Lock()
			reply := n.newMessageLocked(v.str("from", m.to), v.str("to", m.from), v.text, "outbound-reply")
			reply.replyTo = m.sid
			if target, ok := d.action(v, "statusCallback"); ok {
				reply.callback = target
			} else if target, ok := d.action(v, "action"); ok {
				reply.callback = target
			}
			if n.phoneLocked(reply.to).blocked[reply.from] {
				reply.status, reply.errorCode = statusFailed, 21610
				n.dueLocked(-1)
			} else {
				n.spawnLocked(func() { n.deliverMessage(reply) })
			}
			n.mu.Unlock()
		}
		if redirect == "" {
			return
		}
	}
}

func (n *Network) getReply(w webhook) (*document, int, error) {
	a := n.deliver(w)
	if a.err != nil {
		return nil, a.code, a.err
	}
	if len(a.body) == 0 {
		return &document{}, 0, nil
	}
	if !isXML(a.kind) {
		n.problem("%s %s: Content-Type %q, want text/xml (12300)", w.what, w.url, a.kind)
		if a.kind == "text/plain" { // sent as it is
			return &document{verbs: []*verb{{name: "Message", text: string(a.body)}}}, 0, nil
		}
	}
	d, faults := parseTwiML(a.body, a.url, messageRules)
	for _, f := range faults {
		n.problem("%s %s: %w", w.what, w.url, f)
		if f.fatal {
			return nil, f.code, f
		}
	}
	return d, 0, nil
}

func (n *Network) newMessageLocked(from, to, body, direction string) *message {
	m := &message{sid: n.idLocked("SM"), from: from, to: to, body: body, direction: direction, status: "queued", created: n.clock.Now(), out: &outbox{}}
	n.messages = append(n.messages, m)
	n.dueLocked(1) // until deliverMessage is through
	return m
}

// deliverMessage brings a message to its phone and calls back: sent, then
// delivered, or undelivered if the phone refuses with an asynchronous code
// (twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks).
func (n *Network) deliverMessage(m *message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		n.dueLocked(-1)
		return
	}
	p := n.phoneLocked(m.to)
	n.restLocked(p.queue)
	m.sent = n.clock.Now()
	m.status = "sent"
	n.tellMessageLocked(m)
	n.dueLocked(-1)
	n.restLocked(p.delay)
	if p.refusal >= 30000 {
		m.status, m.errorCode = "undelivered", p.refusal
	} else {
		m.status = "delivered"
		p.inbox = append(p.inbox, SMS{SID: m.sid, From: m.from, To: m.to, Body: m.body, At: m.sent, ReplyTo: m.replyTo})
		p.changed.fire()
	}
	n.tellMessageLocked(m)
}

// restLocked lets a time pass, in which others may hold the lock.
func (n *Network) restLocked(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := n.clock.NewTimer(d)
	defer timer.Stop()
	n.mu.Unlock()
	defer n.mu.Lock()
	select {
	case <-timer.Chan():
	case <-n.ctx.Done():
	}
}

func (n *Network) tellMessageLocked(m *message) {
	form := url.Values{
		"MessageSid": {m.sid}, "SmsSid": {m.sid}, "MessageStatus": {m.status}, "SmsStatus": {m.status},
		"AccountSid": {n.opts.AccountSID}, "From": {m.from}, "To": {m.to}, "ApiVersion": {apiVersion},
	}
	if m.errorCode != 0 {
		form.Set("ErrorCode", strconv.Itoa(m.errorCode))
	}
	n.postLocked(m.out, webhook{sid: m.sid, what: "message " + m.status, method: "POST", url: m.callback, form: form})
}

// segments is the number of parts a message is sent in
// (twilio.com/docs/glossary/what-sms-character-limit).
func segments(body string) int {
	const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	const double = "^{}\\[~]|€"
	units, single, part := 0, 160, 153
	for _, r := range body {
		switch {
		case strings.ContainsRune(basic, r):
			units++
		case strings.ContainsRune(double, r):
			units += 2
		default:
			units, single, part = 0, 70, 67
			for _, r := range body {
				units++
				if r > 0xFFFF {
					units++
				}
			}
			return parts(units, single, part)
		}
	}
	return parts(units, single, part)
}

func parts(units, single, part int) int {
	if units <= single {
		return 1
	}
	return (units + part - 1) / part
}
