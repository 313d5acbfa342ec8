package voicetest

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// The size limit of a queue that says nothing about it (API description).
const defaultQueueSize = 1000

type queue struct {
	sid              string
	name             string
	max              int
	created, updated time.Time
	members          []*member
	dialers          []*leg // that wait for a member, or did
}

// member is a call that waits in a queue.
type member struct {
	queue  *queue
	leg    *leg
	since  time.Time
	action *fetch // of the Enqueue; nil: none
}

// Members returns the SIDs of the calls that wait in a queue, longest first.
func (n *Network) Members(queueName string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var sids []string
	for _, q := range n.queues {
		if q.name == queueName {
			for _, m := range q.members {
				sids = append(sids, m.leg.sid)
			}
		}
	}
	return sids
}

// queueLocked returns the queue of a name, made on first use.
func (n *Network) queueLocked(name string, size int) *queue {
	for _, q := range n.queues {
		if q.name == name {
			return q
		}
	}
	now := n.clock.Now()
	q := &queue{sid: n.idLocked("QU"), name: name, max: size, created: now, updated: now}
	n.queues = append(n.queues, q)
	return q
}

func (q *queue) averageLocked(now time.Time) int {
	if len(q.members) == 0 {
		return 0
	}
	var sum time.Duration
	for _, m := range q.members {
		sum += now.Sub(m.since)
	}
	return int(sum / time.Duration(len(q.members)) / time.Second)
}

// enqueue puts the caller into a queue until somebody takes the call out, the
// waitUrl document does, or something fails (twilio.com/docs/voice/twiml/enqueue).
func (l *leg) enqueue(d *document, v *verb) flow {
	action := actionOf(d, v, "enqueue action")
	l.n.mu.Lock()
	if l.stoppedLocked() {
		l.n.mu.Unlock()
		return flow{kind: flowStop}
	}
	q := l.n.queueLocked(v.text, v.int("maxQueueSize", defaultQueueSize))
	if len(q.members) >= q.max {
		l.n.mu.Unlock()
		return goTo(action, url.Values{"QueueResult": {"queue-full"}})
	}
	m := &member{queue: q, leg: l, since: l.n.clock.Now(), action: action}
	q.members = append(q.members, m)
	l.member = m
	for _, dialer := range q.dialers {
		dialer.changed.fire()
	}
	q.dialers = nil
	l.moveLocked(PlaceQueue)
	l.n.mu.Unlock()

	result := l.hold(d, v, m)
	l.n.mu.Lock()
	if mt := l.meeting; mt != nil {
		l.n.mu.Unlock()
		return l.meets(mt)
	}
	defer l.n.mu.Unlock()
	if l.member != m { // taken out meanwhile; the action is on its way
		return flow{kind: flowStop}
	}
	if result == "hangup" {
		return flow{kind: flowEnd}
	}
	next := l.leaveLocked(result)
	l.moveLocked(PlaceListening)
	if next.url == "" {
		return flow{}
	}
	return flow{kind: flowGoto, next: next}
}

// leaveLocked takes the caller out of the queue and returns the request to the
// Enqueue's action, whose URL is empty if there is none.
func (l *leg) leaveLocked(result string) fetch {
	m := l.member
	l.member = nil
	now := l.n.clock.Now()
	m.queue.members = slices.DeleteFunc(m.queue.members, func(o *member) bool { return o == m })
	m.queue.updated = now
	if m.action == nil {
		return fetch{}
	}
	next := *m.action
	next.what += " " + result
	next.params = url.Values{"QueueResult": {result}, "QueueSid": {m.queue.sid}, "QueueTime": {seconds(now.Sub(m.since))}}
	return next
}

// hold plays the waitUrl document, over and over, and returns the QueueResult
// if the caller leaves by it; otherwise something else took the caller away.
func (l *leg) hold(d *document, v *verb, m *member) (result string) {
	ref, given := v.attrs["waitUrl"]
	if !given {
		l.hear(HeardPlay, "Twilio's classical music")
	}
	if ref == "" {
		l.wait(nil, nil)
		return ""
	}
	first := fetch{what: "wait", method: v.attrs["waitUrlMethod"], url: d.resolve(ref)}
	next := first
	for {
		next.params = l.queueParams(m, next.params)
		doc, _, err := l.get(next)
		if l.stopped() {
			return ""
		}
		if err != nil {
			return "error"
		}
		began := l.n.clock.Now()
		played := l.execute(doc, inQueue)
		next = first
		switch played.kind {
		case flowStop:
			return ""
		case flowEnd:
			return "hangup"
		case flowLeave:
			return "leave"
		case flowGoto:
			next = played.next
			if next.what != "redirect" {
				continue // a key was pressed
			}
		}
		if rest := l.n.opts.HoldLoop - l.n.clock.Since(began); rest > 0 && l.pause(rest) == wokeStop {
			return ""
		}
	}
}

// queueParams adds what a waitUrl request knows about the queue.
func (l *leg) queueParams(m *member, more url.Values) url.Values {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	now := l.n.clock.Now()
	q := m.queue
	p := url.Values{
		"QueueSid":         {q.sid},
		"QueuePosition":    {strconv.Itoa(slices.Index(q.members, m) + 1)},
		"QueueTime":        {seconds(now.Sub(m.since))},
		"AvgQueueTime":     {strconv.Itoa(q.averageLocked(now))},
		"CurrentQueueSize": {strconv.Itoa(len(q.members))},
		"MaxQueueSize":     {strconv.Itoa(q.max)},
	}
	for k, values := range more {
		p[k] = values
	}
	return p
}
