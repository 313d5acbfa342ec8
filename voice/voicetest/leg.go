package voicetest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"time"
)

// The statuses of a call (twilio.com/docs/voice/twiml#callstatus-values).
const (
	statusQueued     = "queued"
	statusInitiated  = "initiated"
	statusRinging    = "ringing"
	statusInProgress = "in-progress"
	statusCompleted  = "completed"
	statusBusy       = "busy"
	statusFailed     = "failed"
	statusNoAnswer   = "no-answer"
	statusCanceled   = "canceled"
)

// The directions of a call.
const (
	dirInbound  = "inbound"
	dirOutbound = "outbound-api"
	dirDial     = "outbound-dial"
)

// leg is one connection between the network and a telephone. Everything that
// changes is guarded by Network.mu. One goroutine, talk, executes its TwiML;
// hanging up and redirecting happen at once, from whatever goroutine, and talk
// finds out at its next step.
type leg struct {
	n         *Network
	sid       string
	from, to  string
	direction string
	phone     *Phone // at the other end
	info      CallerInfo
	parent    *leg     // of a dialled leg
	dialer    *dialing // of a dialled leg
	jar       http.CookieJar
	out       *outbox // shared with the parent

	changed  signal
	status   string
	created  time.Time
	answered time.Time // zero: not answered
	ended    time.Time
	over     bool
	deleted  bool // from the account's log
	place    Place
	heard    []Heard

	redirect  *fetch // to be executed instead of what is going on
	redirects int

	listening bool   // keys are being collected
	keys      string // and these were pressed
	member    *member
	meeting   *meeting // of a member that somebody who dialled the queue got
	dialing   *dialing
	recording *recording

	fallback, fallbackMethod string
	callback                 callback
	sequence                 int
}

// callback is where the progress of a leg is told.
type callback struct {
	url, method string
	events      map[string]bool
}

// fetch is a TwiML document to get.
type fetch struct {
	what   string
	method string
	url    string
	twiml  string // given inline, instead of the URL
	params url.Values
}

func (n *Network) newLegLocked(from, to, direction string, phone *Phone, parent *leg) *leg {
	l := &leg{n: n, sid: n.idLocked("CA"), from: from, to: to, direction: direction, phone: phone, parent: parent,
		status: statusQueued, created: n.clock.Now(), out: &outbox{}, changed: signal{up: &n.changed}}
	l.jar, _ = cookiejar.New(nil) // never fails
	if parent != nil {
		l.out, l.jar = parent.out, parent.jar
	}
	n.legs[l.sid] = l
	n.legOrder = append(n.legOrder, l)
	return l
}

// paramsLocked are the parameters of every voice request, with more to add
// (twilio.com/docs/voice/twiml#request-parameters).
func (l *leg) paramsLocked(more url.Values) url.Values {
	p := url.Values{
		"CallSid": {l.sid}, "AccountSid": {l.n.opts.AccountSID}, "ApiVersion": {apiVersion},
		"From": {l.from}, "To": {l.to}, "Caller": {l.from}, "Called": {l.to},
		"CallStatus": {l.status}, "Direction": {l.direction},
	}
	if l.parent != nil {
		p.Set("ParentCallSid", l.parent.sid)
	}
	if l.direction == dirInbound {
		l.info.params(p)
		if num := l.n.numbers[l.to]; num != nil && num.config.VoiceCallerIDLookup && l.info.Name != "" {
			p.Set("CallerName", l.info.Name)
		}
	}
	for k, v := range more {
		p[k] = v
	}
	return p
}

func (l *leg) webhookLocked(f fetch) webhook {
	return webhook{sid: l.sid, what: f.what, method: method(f.method), url: f.url, form: l.paramsLocked(f.params), voice: true, jar: l.jar}
}

// tellLocked sends a status callback for an event: initiated, ringing,
// answered or completed.
func (l *leg) tellLocked(event string) {
	cb := l.callback
	if l.direction == dirInbound && cb.url == "" {
		if num := l.n.numbers[l.to]; num != nil {
			cb = callback{url: num.config.StatusCallback, method: num.config.StatusCallbackMethod}
		}
	}
	if cb.url == "" || event != statusCompleted && !cb.events[event] || cb.events != nil && !cb.events[event] {
		return
	}
	more := url.Values{
		"Timestamp":      {l.n.clock.Now().UTC().Format(time.RFC1123Z)},
		"CallbackSource": {"call-progress-events"},
		"SequenceNumber": {strconv.Itoa(l.sequence)},
	}
	if event == statusCompleted {
		more.Set("CallDuration", l.durationLocked())
		more.Set("Duration", strconv.Itoa(int((l.talkedLocked()+59*time.Second)/time.Minute)))
	}
	l.sequence++
	l.n.postLocked(l.out, l.webhookLocked(fetch{what: "status " + l.status, method: cb.method, url: cb.url, params: more}))
}

func (l *leg) talkedLocked() time.Duration {
	if l.answered.IsZero() {
		return 0
	}
	end := l.ended
	if !l.over {
		end = l.n.clock.Now()
	}
	return end.Sub(l.answered)
}

// durationLocked is the length of the call in whole seconds, as text.
func (l *leg) durationLocked() string { return seconds(l.talkedLocked()) }

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// answerLocked picks up, if that has not happened.
func (l *leg) answerLocked() {
	if l.over || !l.answered.IsZero() {
		return
	}
	l.answered = l.n.clock.Now()
	l.status = statusInProgress
	l.tellLocked("answered")
	l.changed.fire()
}

func (l *leg) moveLocked(p Place) {
	l.place = p
	l.changed.fire()
}

func (l *leg) hearLocked(h Heard) {
	h.At = l.n.clock.Now()
	l.heard = append(l.heard, h)
	l.changed.fire()
}

func (l *leg) hear(kind HeardKind, text string) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if !l.over {
		l.hearLocked(Heard{Kind: kind, Text: text})
	}
}

// endLocked ends the leg and everything that hangs on it, and makes all
// callbacks due in the order Twilio makes them: first what the call was doing,
// then the call.
func (l *leg) endLocked(status string) {
	if l.over || l.n.closed {
		return
	}
	l.over = true
	l.ended = l.n.clock.Now()
	l.status = status
	l.listening = false
	if m := l.member; m != nil {
		l.n.postLocked(l.out, l.webhookLocked(l.leaveLocked("hangup")))
	}
	if mt := l.meeting; mt != nil {
		l.meeting = nil
		mt.endLocked()
		l.n.postLocked(l.out, l.webhookLocked(mt.action))
	}
	if d := l.dialing; d != nil {
		l.dialing = nil
		bridged := d.bridged || d.met != nil && d.met.bridged
		d.endLegsLocked()
		if d.action != nil && (bridged || !l.n.opts.NoDialActionOnHangup) {
			l.n.postLocked(l.out, l.webhookLocked(d.actionLocked(d.interruptedLocked())))
		}
	}
	if r := l.recording; r != nil {
		l.recording = nil
		l.n.postLocked(l.out, l.webhookLocked(r.stopLocked("hangup")))
		r.finishLocked()
	}
	l.place = PlaceEnded
	l.tellLocked(statusCompleted)
	l.changed.fire()
	if l.parent != nil {
		l.parent.changed.fire()
	}
}

// hangUpLocked ends the leg with the status that fits: completed once it was answered.
func (l *leg) hangUpLocked() {
	switch {
	case !l.answered.IsZero():
		l.endLocked(statusCompleted)
	case l.direction == dirInbound:
		l.endLocked(statusNoAnswer)
	default:
		l.endLocked(statusCanceled)
	}
}

// redirectLocked takes the call away from whatever it does. The action of an
// interrupted Enqueue or Dial is requested at once, beside the new document.
func (l *leg) redirectLocked(f fetch) {
	if m := l.member; m != nil {
		l.n.asideLocked(l.webhookLocked(l.leaveLocked("redirected")))
	}
	if mt := l.meeting; mt != nil {
		l.meeting = nil
		mt.endLocked()
		mt.action.params.Set("QueueResult", "redirected-from-bridged")
		l.n.asideLocked(l.webhookLocked(mt.action))
	}
	if d := l.dialing; d != nil {
		l.dialing = nil
		d.endLegsLocked()
		if d.action != nil {
			l.n.asideLocked(l.webhookLocked(d.actionLocked(d.interruptedLocked())))
		}
	}
	if r := l.recording; r != nil {
		l.recording = nil
		r.stopLocked("") // its action is not requested
		r.finishLocked()
	}
	l.listening = false
	l.redirect = &f
	l.redirects++
	l.moveLocked(PlaceListening)
}

// stoppedLocked reports whether whoever executes the leg's TwiML must let go.
func (l *leg) stoppedLocked() bool {
	return l.over || l.redirect != nil || l.n.closed || l.meeting != nil && !l.meeting.taken
}

func (l *leg) stopped() bool {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	return l.stoppedLocked()
}

// woke says why a wait ended.
type woke int

const (
	wokeReady woke = iota
	wokeTimer
	wokeStop
)

// wait blocks until ready (called under the lock; may be nil) is true, the
// timer, which may be nil, fires, or the leg must stop.
func (l *leg) wait(timer <-chan time.Time, ready func() bool) woke {
	for {
		l.n.mu.Lock()
		if l.stoppedLocked() {
			l.n.mu.Unlock()
			return wokeStop
		}
		if ready != nil && ready() {
			l.n.mu.Unlock()
			return wokeReady
		}
		ch := l.changed.wait()
		l.n.mu.Unlock()
		select {
		case <-ch:
		case <-timer:
			return wokeTimer
		case <-l.n.ctx.Done():
			return wokeStop
		}
	}
}

// say lets a text be heard, for as long as Options.Speech has it.
func (l *leg) say(text string) woke {
	l.hear(HeardSay, text)
	if l.n.opts.Speech == nil {
		return wokeReady
	}
	return l.pause(l.n.opts.Speech(text))
}

// pause lets time pass by the Clock.
func (l *leg) pause(d time.Duration) woke {
	t := l.n.clock.NewTimer(d)
	defer t.Stop()
	return l.wait(t.Chan(), nil)
}
