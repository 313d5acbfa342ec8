package voicetest

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Twilio lets a telephone ring this much longer than the timeout says
// (twilio.com/docs/voice/twiml/dial).
const ringBuffer = 5 * time.Second

// dialing is a Dial under way. Guarded by Network.mu.
type dialing struct {
	leg     *leg // that dials
	action  *fetch
	legs    []*leg // that are called
	whisper map[*leg]fetch
	winner  *leg // that answered
	bridged bool

	queue *queue   // of a Dial of a queue that exists
	met   *meeting // with the member at its front
}

// dial calls one or several telephones and connects the first that answers
// (twilio.com/docs/voice/twiml/dial and /number).
func (l *leg) dial(d *document, v *verb) flow {
	if len(v.nouns) == 1 && v.nouns[0].name == "Queue" {
		return l.dialQueue(d, v, v.nouns[0])
	}
	dl, ok := l.startDial(d, v)
	if !ok {
		return flow{kind: flowStop}
	}
	timer := l.n.clock.NewTimer(time.Duration(v.int("timeout", 30))*time.Second + ringBuffer)
	defer timer.Stop()
	why := l.wait(timer.Chan(), func() bool { return dl.winner != nil || dl.allOverLocked() })
	timer.Stop()
	switch why {
	case wokeStop:
		return flow{kind: flowStop}
	case wokeTimer:
		l.n.mu.Lock()
		if dl.winner == nil { // else it was picked up in the very moment
			for _, c := range dl.legs {
				c.endLocked(statusNoAnswer)
			}
		}
		l.n.mu.Unlock()
	}
	l.n.mu.Lock()
	winner := dl.winner
	l.n.mu.Unlock()
	if winner != nil {
		l.connect(dl, winner, time.Duration(v.int("timeLimit", 14400))*time.Second)
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.dialing != dl { // hung up or redirected; the action is on its way
		return flow{kind: flowStop}
	}
	l.dialing = nil
	l.moveLocked(PlaceListening)
	if dl.action == nil {
		return flow{}
	}
	return flow{kind: flowGoto, next: dl.actionLocked(dl.resultLocked())}
}

// startDial makes the telephones ring.
func (l *leg) startDial(d *document, v *verb) (*dialing, bool) {
	shown, valid := l.callerID(v)
	if !valid {
		l.n.problem("call %s: Dial callerId %q: want a number of the account or the call's From or To, if it is a number (13214)", l.sid, shown)
	}
	nouns := v.nouns
	if v.text != "" {
		nouns = []*verb{{name: "Number", text: v.text}}
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.stoppedLocked() {
		return nil, false
	}
	dl := &dialing{leg: l, action: actionOf(d, v, "dial action"), whisper: map[*leg]fetch{}}
	for _, noun := range nouns {
		c := l.n.newLegLocked(shown, noun.text, dirDial, l.n.phoneLocked(noun.text), l)
		c.dialer = dl
		if target, ok := d.action(noun, "statusCallback"); ok {
			c.callback = callback{url: target, method: noun.attrs["statusCallbackMethod"], events: eventSet(strings.Fields(noun.attrs["statusCallbackEvent"]))}
		}
		if target, ok := d.action(noun, "url"); ok {
			dl.whisper[c] = fetch{what: "whisper", method: noun.attrs["method"], url: target}
		}
		dl.legs = append(dl.legs, c)
	}
	l.dialing = dl
	for _, c := range dl.legs {
		c.status = statusInitiated
		c.tellLocked("initiated")
		l.hearLocked(Heard{Kind: HeardRing, Text: c.to})
		if !valid || !e164.MatchString(c.to) {
			c.endLocked(statusFailed)
			continue
		}
		c.status = statusRinging
		c.tellLocked("ringing")
		c.phone.ringLocked(c)
	}
	l.moveLocked(PlaceDialing)
	return dl, true
}

// callerID returns the number a Dial shows and whether Twilio allows it.
func (l *leg) callerID(v *verb) (shown string, valid bool) {
	shown = v.str("callerId", l.from)
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	valid = e164.MatchString(shown) && !withheld[shown] &&
		(shown == l.from || shown == l.to || l.n.numbers[shown] != nil)
	return shown, valid
}

// withheld are the keypad spellings of words for callers without a number.
var withheld = map[string]bool{
	"+266696687": true, "+7378742833": true, "+86282452253": true, "+2562533": true, "+8656696": true,
}

func eventSet(events []string) map[string]bool {
	if len(events) == 0 {
		return nil
	}
	set := map[string]bool{}
	for _, e := range events {
		set[e] = true
	}
	return set
}

// connect lets the callee hear the whisper and then connects the two, until one
// hangs up or the time is over.
func (l *leg) connect(dl *dialing, callee *leg, limit time.Duration) {
	if whisper, ok := dl.whisper[callee]; ok && !callee.whisper(whisper) {
		return
	}
	l.n.mu.Lock()
	if l.stoppedLocked() || callee.over {
		l.n.mu.Unlock()
		return
	}
	dl.bridged = true
	l.answerLocked()
	l.hearLocked(Heard{Kind: HeardBridge, Text: callee.to})
	callee.hearLocked(Heard{Kind: HeardBridge, Text: l.from})
	l.moveLocked(PlaceBridged)
	callee.moveLocked(PlaceBridged)
	l.n.mu.Unlock()
	timer := l.n.clock.NewTimer(limit)
	defer timer.Stop()
	if l.wait(timer.Chan(), func() bool { return callee.over }) == wokeTimer {
		l.n.mu.Lock()
		callee.endLocked(statusCompleted)
		l.n.mu.Unlock()
	}
}

// whisper executes a document for the callee alone and reports whether the two
// are to be connected: they are unless it hangs up. A document that cannot be
// had is heard as an error, and the callee's leg ends.
func (l *leg) whisper(f fetch) (connect bool) {
	for {
		d, code, err := l.get(f)
		if err != nil && !l.stopped() {
			l.n.mu.Lock()
			l.hearLocked(Heard{Kind: HeardError, Text: fmt.Sprintf("%d: %v", code, err)})
			l.endLocked(statusCompleted)
			l.n.mu.Unlock()
		}
		if d == nil {
			return false
		}
		switch result := l.execute(d, inWhisper); result.kind {
		case flowNext:
			return true
		case flowGoto:
			f = result.next
		case flowStop:
			return false
		default:
			l.n.mu.Lock()
			l.endLocked(statusCompleted)
			l.n.mu.Unlock()
			return false
		}
	}
}

// answeredLocked is told that a telephone was picked up: the others stop ringing.
func (d *dialing) answeredLocked(l *leg) {
	if d.winner != nil {
		return
	}
	d.winner = l
	for _, c := range d.legs {
		if c != l {
			c.endLocked(statusCanceled)
		}
	}
	d.leg.changed.fire()
}

func (d *dialing) allOverLocked() bool {
	for _, c := range d.legs {
		if !c.over {
			return false
		}
	}
	return true
}

func (d *dialing) endLegsLocked() {
	if d.met != nil {
		d.met.endLocked()
	}
	for _, c := range d.legs {
		c.hangUpLocked()
	}
}

// resultLocked is the DialCallStatus of a Dial that came to its end.
func (d *dialing) resultLocked() string {
	switch {
	case d.bridged:
		return statusCompleted
	case d.winner != nil:
		return d.leg.n.opts.ScreenedStatus
	}
	result := statusFailed
	for _, c := range d.legs {
		switch {
		case c.status == statusBusy:
			return statusBusy
		case c.status != statusFailed:
			result = c.status
		}
	}
	return result
}

// interruptedLocked is the DialCallStatus of a Dial that was cut off; completed
// for an answered one was seen live.
func (d *dialing) interruptedLocked() string {
	if d.winner != nil || d.met != nil && d.met.bridged {
		return statusCompleted
	}
	return statusCanceled
}

// actionLocked is the request to the action (twilio.com/docs/voice/twiml/dial).
func (d *dialing) actionLocked(status string) fetch {
	if len(d.legs) == 0 {
		return d.queueActionLocked(status)
	}
	callee := d.winner
	if callee == nil {
		callee = d.legs[len(d.legs)-1]
	}
	next := *d.action
	next.what += " " + status
	next.params = url.Values{"DialCallStatus": {status}, "DialCallSid": {callee.sid}, "DialBridged": {"false"}}
	if d.bridged {
		next.params.Set("DialBridged", "true")
	}
	if !callee.answered.IsZero() {
		next.params.Set("DialCallDuration", callee.durationLocked())
	}
	return next
}
