package voicetest

import (
	"slices"
	"strconv"
	"time"
)

func (n *Network) showQueue(q *queue) object {
	return object{"sid": q.sid, "account_sid": n.opts.AccountSID, "friendly_name": q.name, "max_size": q.max,
		"current_size": len(q.members), "average_wait_time": q.averageLocked(n.clock.Now()),
		"date_created": rfc2822(q.created), "date_updated": rfc2822(q.updated), "uri": n.uri("Queues", q.sid)}
}

func (n *Network) showMember(m *member) object {
	return object{"call_sid": m.leg.sid, "queue_sid": m.queue.sid, "position": slices.Index(m.queue.members, m) + 1,
		"wait_time": int(n.clock.Since(m.since) / time.Second), "date_enqueued": rfc2822(m.since),
		"uri": n.uri("Queues", m.queue.sid, "Members", m.leg.sid)}
}

func (n *Network) queueBySID(sid string) *queue {
	for _, q := range n.queues {
		if q.sid == sid {
			return q
		}
	}
	return nil
}

func (n *Network) listQueues(a *apiRequest) (int, any, *apiError) {
	return 200, page(a, "queues", n.queues, n.showQueue), nil
}

// queueForm reads name and size, which both requests check alike.
func queueForm(a *apiRequest, name string, size int) (string, int, *apiError) {
	if a.form.Has("FriendlyName") {
		name = a.form.Get("FriendlyName")
	}
	if a.form.Has("MaxSize") {
		size, _ = strconv.Atoi(a.form.Get("MaxSize"))
	}
	if len([]rune(name)) > 64 || size < 1 || size > 5000 {
		a.problems = append(a.problems, "want a FriendlyName of at most 64 characters and a MaxSize from 1 to 5000")
		return "", 0, &apiError{400, 20001, "Invalid queue"}
	}
	return name, size, nil
}

func (n *Network) createQueue(a *apiRequest) (int, any, *apiError) {
	name, size, err := queueForm(a, "", defaultQueueSize)
	if err != nil {
		return 0, nil, err
	}
	for _, q := range n.queues {
		if q.name == name {
			return 0, nil, &apiError{400, 22003, "A queue of this name exists"}
		}
	}
	return 201, n.showQueue(n.queueLocked(name, size)), nil
}

func (n *Network) fetchQueue(a *apiRequest) (int, any, *apiError) {
	q := n.queueBySID(a.path["Sid"])
	if q == nil {
		return 0, nil, notFound(a.url)
	}
	return 200, n.showQueue(q), nil
}

func (n *Network) updateQueue(a *apiRequest) (int, any, *apiError) {
	q := n.queueBySID(a.path["Sid"])
	if q == nil {
		return 0, nil, notFound(a.url)
	}
	name, size, err := queueForm(a, q.name, q.max)
	if err != nil {
		return 0, nil, err
	}
	q.name, q.max, q.updated = name, size, n.clock.Now()
	return 200, n.showQueue(q), nil
}

func (n *Network) deleteQueue(a *apiRequest) (int, any, *apiError) {
	q := n.queueBySID(a.path["Sid"])
	if q == nil {
		return 0, nil, notFound(a.url)
	}
	if len(q.members) > 0 {
		return 0, nil, &apiError{400, 22002, "The queue is not empty"}
	}
	n.queues = slices.DeleteFunc(n.queues, func(o *queue) bool { return o == q })
	return 204, nil, nil
}

func (n *Network) listMembers(a *apiRequest) (int, any, *apiError) {
	q := n.queueBySID(a.path["QueueSid"])
	if q == nil {
		return 0, nil, notFound(a.url)
	}
	return 200, page(a, "queue_members", q.members, n.showMember), nil
}

// memberOf finds the member that a path names by call SID, or as Front.
func (n *Network) memberOf(a *apiRequest) *member {
	q := n.queueBySID(a.path["QueueSid"])
	if q == nil {
		return nil
	}
	for _, m := range q.members {
		if sid := a.path["CallSid"]; sid == "Front" || sid == m.leg.sid {
			return m
		}
	}
	return nil
}

func (n *Network) fetchMember(a *apiRequest) (int, any, *apiError) {
	m := n.memberOf(a)
	if m == nil {
		return 0, nil, notFound(a.url)
	}
	return 200, n.showMember(m), nil
}

// updateMember takes a caller out of the queue: the first request succeeds,
// every later one is refused (twilio.com/docs/voice/api/member-resource).
func (n *Network) updateMember(a *apiRequest) (int, any, *apiError) {
	m := n.memberOf(a)
	if m == nil {
		if n.opts.MemberRefusal == 404 {
			return 0, nil, notFound(a.url)
		}
		return 0, nil, &apiError{n.opts.MemberRefusal, 20001, "The call is not in the queue"}
	}
	shown := n.showMember(m)
	m.leg.redirectLocked(fetch{what: "member redirect", method: a.form.Get("Method"), url: a.form.Get("Url")})
	return 200, shown, nil
}
