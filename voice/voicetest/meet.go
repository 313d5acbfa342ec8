package voicetest

import (
	"fmt"
	"net/url"
	"time"
)

// inMeeting is the document that a member of a queue hears before being
// connected (twilio.com/docs/voice/twiml/queue).
var inMeeting = room{name: "a Queue url document", verbs: "Play Say Pause Redirect", code: 14210}

// meeting connects somebody who dials a queue with the member at its front.
// Guarded by Network.mu.
type meeting struct {
	dialer, member *leg
	queue          *queue
	waited         time.Duration
	url            fetch // heard by the member first; its URL is empty if there is none
	action         fetch // of the member's Enqueue
	taken          bool  // the member has left the waitUrl document
	bridged, over  bool
}

// dialQueue connects the leg with whoever waits longest in a queue, now or
// until the timeout. A queue that does not exist is an error.
func (l *leg) dialQueue(d *document, v, noun *verb) flow {
	n := l.n
	n.mu.Lock()
	if l.stoppedLocked() {
		n.mu.Unlock()
		return flow{kind: flowStop}
	}
	dl := &dialing{leg: l, action: actionOf(d, v, "dial action")}
	l.dialing = dl
	l.moveLocked(PlaceDialing)
	for _, q := range n.queues {
		if q.name == noun.text {
			dl.queue = q
		}
	}
	n.mu.Unlock()
	if dl.queue != nil {
		l.awaitMember(d, dl, v, noun)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.dialing != dl { // hung up or redirected; the action is on its way
		return flow{kind: flowStop}
	}
	l.dialing = nil
	l.moveLocked(PlaceListening)
	if dl.action == nil {
		return flow{}
	}
	status := statusNoAnswer
	switch {
	case dl.queue == nil:
		status = statusFailed
	case dl.met != nil && dl.met.bridged:
		status = statusCompleted
	}
	return flow{kind: flowGoto, next: dl.actionLocked(status)}
}

// awaitMember waits for a member, and then for the end of their meeting.
func (l *leg) awaitMember(d *document, dl *dialing, v, noun *verb) {
	n := l.n
	q := dl.queue
	timer := n.clock.NewTimer(time.Duration(v.int("timeout", 30)) * time.Second)
	defer timer.Stop()
	n.mu.Lock()
	q.dialers = append(q.dialers, l)
	n.mu.Unlock()
	why := l.wait(timer.Chan(), func() bool { return len(q.members) > 0 })
	if why != wokeReady {
		return
	}
	n.mu.Lock()
	if l.stoppedLocked() || len(q.members) == 0 {
		n.mu.Unlock()
		return
	}
	m := q.members[0]
	mt := &meeting{dialer: l, member: m.leg, queue: q, waited: n.clock.Since(m.since), action: m.leg.leaveLocked("bridged")}
	mt.url = fetch{what: "queue url", method: noun.attrs["method"], params: url.Values{
		"QueueSid": {q.sid}, "QueueTime": {seconds(mt.waited)}, "DequeingCallSid": {l.sid}}}
	mt.url.url, _ = d.action(noun, "url")
	m.leg.meeting, dl.met = mt, mt
	m.leg.changed.fire()
	n.mu.Unlock()
	timer.Stop()
	if l.wait(nil, func() bool { return mt.bridged || mt.over }) != wokeReady {
		return
	}
	limit := n.clock.NewTimer(time.Duration(v.int("timeLimit", 14400)) * time.Second)
	defer limit.Stop()
	l.wait(limit.Chan(), func() bool { return mt.over })
	n.mu.Lock()
	mt.endLocked()
	n.mu.Unlock()
}

// bridge lets the member hear the url's document and connects the two.
func (mt *meeting) bridge() {
	l, f := mt.member, mt.url
	for f.url != "" {
		d, code, err := l.get(f)
		if err != nil {
			l.hear(HeardError, fmt.Sprintf("%d: %v", code, err))
			break
		}
		if d == nil {
			return
		}
		played := l.execute(d, inMeeting)
		if played.kind != flowGoto {
			break
		}
		f.url = played.next.url
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if mt.over || l.stoppedLocked() {
		return
	}
	mt.bridged = true
	mt.dialer.hearLocked(Heard{Kind: HeardBridge, Text: l.farLocked()})
	l.hearLocked(Heard{Kind: HeardBridge, Text: mt.dialer.farLocked()})
	mt.dialer.moveLocked(PlaceBridged)
	l.moveLocked(PlaceBridged)
}

// farLocked is the number of the telephone at the other end.
func (l *leg) farLocked() string {
	if l.direction == dirInbound {
		return l.from
	}
	return l.to
}

// endLocked parts the two; each goes on with its own action.
func (mt *meeting) endLocked() {
	if mt.over {
		return
	}
	mt.over = true
	mt.dialer.changed.fire()
	mt.member.changed.fire()
}

// meets is the member's side: it goes on once the two have parted.
func (l *leg) meets(mt *meeting) flow {
	l.n.mu.Lock()
	mt.taken = true
	l.n.mu.Unlock()
	mt.bridge()
	if l.wait(nil, func() bool { return mt.over }) != wokeReady {
		return flow{kind: flowStop}
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.meeting = nil
	l.moveLocked(PlaceListening)
	if mt.action.url == "" {
		return flow{}
	}
	return flow{kind: flowGoto, next: mt.action}
}

// queueActionLocked is the request to the action of a Dial of a queue. What it
// says of DialBridged is written down for a Number only.
func (d *dialing) queueActionLocked(status string) fetch {
	next := *d.action
	next.what += " " + status
	next.params = url.Values{"DialCallStatus": {status}}
	if d.queue != nil {
		next.params.Set("QueueSid", d.queue.sid)
	}
	if d.met == nil {
		return next
	}
	next.params.Set("QueueTime", seconds(d.met.waited))
	next.params.Set("DequeingCallSid", d.leg.sid)
	if b := d.leg.n.opts.QueueBridged; b != "" {
		next.params.Set("DialBridged", b)
	}
	return next
}
