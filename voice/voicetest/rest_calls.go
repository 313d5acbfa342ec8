package voicetest

import (
	"strconv"
	"time"
)

func (n *Network) showCall(l *leg) object {
	status := l.status
	if status == statusInitiated {
		status = statusQueued // the resource has no such status
	}
	o := object{"sid": l.sid, "account_sid": n.opts.AccountSID, "parent_call_sid": nil, "from": l.from, "to": l.to,
		"from_formatted": l.from, "to_formatted": l.to, "phone_number_sid": nil, "status": status, "direction": l.direction,
		"date_created": rfc2822(l.created), "date_updated": rfc2822(n.clock.Now()), "start_time": rfc2822(l.answered),
		"end_time": rfc2822(l.ended), "duration": nil, "price": nil, "price_unit": "USD", "answered_by": nil,
		"api_version": apiVersion, "forwarded_from": nil, "group_sid": nil, "caller_name": orNull(l.info.Name),
		"queue_time": "0", "trunk_sid": nil, "uri": n.uri("Calls", l.sid),
		"subresource_uris": object{"recordings": n.uri("Calls", l.sid, "Recordings")}}
	if l.parent != nil {
		o["parent_call_sid"] = l.parent.sid
	}
	if num := n.numbers[l.to]; num != nil && l.direction == dirInbound {
		o["phone_number_sid"] = num.sid
	}
	if l.over {
		o["duration"] = l.durationLocked()
	}
	return o
}

func (n *Network) listCalls(a *apiRequest) (int, any, *apiError) {
	var list []*leg
	for i := len(n.legOrder) - 1; i >= 0; i-- { // newest first
		l := n.legOrder[i]
		parent := ""
		if l.parent != nil {
			parent = l.parent.sid
		}
		if !l.deleted && is(a, "To", l.to) && is(a, "From", l.from) && is(a, "Status", l.status) && is(a, "ParentCallSid", parent) &&
			within(a, "StartTime", l.answered) && within(a, "EndTime", l.ended) {
			list = append(list, l)
		}
	}
	return 200, page(a, "calls", list, n.showCall), nil
}

// is reports whether a filter, if given, has a value.
func is(a *apiRequest, name, value string) bool {
	return !a.query.Has(name) || a.query.Get(name) == value
}

// within reports whether a time passes the filters Name, Name< and Name>, which
// compare days if they are days; "Name<" is up to and including.
func within(a *apiRequest, name string, t time.Time) bool {
	for _, kind := range []string{"", "<", ">"} {
		if !a.query.Has(name + kind) {
			continue
		}
		if t.IsZero() {
			return false
		}
		limit, day, err := parseTime(a.query.Get(name + kind))
		if err != nil {
			return false
		}
		at := t.UTC()
		if day || a.days || kind == "" {
			at, limit = at.Truncate(24*time.Hour), limit.UTC().Truncate(24*time.Hour)
		}
		if kind == "" && !at.Equal(limit) || kind == "<" && at.After(limit) || kind == ">" && at.Before(limit) {
			return false
		}
	}
	return true
}

func (n *Network) fetchCall(a *apiRequest) (int, any, *apiError) {
	l := n.callLocked(a.path["Sid"])
	if l == nil {
		return 0, nil, notFound(a.url)
	}
	return 200, n.showCall(l), nil
}

// callLocked finds a call that is in the account's log.
func (n *Network) callLocked(sid string) *leg {
	if l := n.legs[sid]; l != nil && !l.deleted {
		return l
	}
	return nil
}

func (n *Network) deleteCall(a *apiRequest) (int, any, *apiError) {
	l := n.callLocked(a.path["Sid"])
	switch {
	case l == nil:
		return 0, nil, notFound(a.url)
	case !l.over || n.clock.Since(l.ended) < busyFor:
		return 0, nil, errUnfinished
	}
	l.deleted = true
	return 204, nil, nil
}

// updateCall ends or redirects a live call. Of two redirects the last wins
// (twilio.com/docs/voice/api/call-resource).
func (n *Network) updateCall(a *apiRequest) (int, any, *apiError) {
	l := n.callLocked(a.path["Sid"])
	if l == nil {
		return 0, nil, notFound(a.url)
	}
	var (
		target, inline = a.form.Get("Url"), a.form.Get("Twiml")
		ended          = &apiError{400, 21220, "Call is not in-progress. Cannot redirect."}
		status         = a.form.Get("Status")
	)
	switch {
	case target != "" && inline != "":
		a.problems = append(a.problems, "Url and Twiml exclude each other")
		return 0, nil, &apiError{400, 20001, "Url and Twiml exclude each other"}
	case l.over:
		return 0, nil, ended
	}
	if a.form.Has("FallbackUrl") {
		l.fallback, l.fallbackMethod = a.form.Get("FallbackUrl"), a.form.Get("FallbackMethod")
	}
	if a.form.Has("StatusCallback") {
		l.callback = callback{url: a.form.Get("StatusCallback"), method: a.form.Get("StatusCallbackMethod"), events: l.callback.events}
	}
	switch {
	case status == statusCompleted:
		l.hangUpLocked()
	case status == statusCanceled:
		if l.answered.IsZero() {
			l.endLocked(statusCanceled)
		}
	case target == "" && inline == "":
	case l.answered.IsZero():
		return 0, nil, ended
	case l.direction == dirDial:
		a.problems = append(a.problems, "voicetest does not play the redirecting of a dialled leg")
		return 0, nil, ended
	default:
		l.redirectLocked(fetch{what: "call redirect", method: a.form.Get("Method"), url: target, twiml: inline})
	}
	return 200, n.showCall(l), nil
}

// createCall calls a telephone and executes a document once it is answered.
func (n *Network) createCall(a *apiRequest) (int, any, *apiError) {
	from, to := a.form.Get("From"), a.form.Get("To")
	if n.numbers[from] == nil {
		return 0, nil, &apiError{400, 21210, "From " + from + " is not a number of the account"}
	}
	timeout := 60
	if a.form.Has("Timeout") {
		timeout, _ = strconv.Atoi(a.form.Get("Timeout"))
	}
	first := fetch{what: "voice", method: a.form.Get("Method"), url: a.form.Get("Url")}
	if first.url == "" {
		first.twiml = a.form.Get("Twiml")
	}
	l := n.newLegLocked(from, to, dirOutbound, n.phoneLocked(to), nil)
	l.fallback, l.fallbackMethod = a.form.Get("FallbackUrl"), a.form.Get("FallbackMethod")
	l.callback = callback{url: a.form.Get("StatusCallback"), method: a.form.Get("StatusCallbackMethod"), events: eventSet(a.form["StatusCallbackEvent"])}
	shown := n.showCall(l)
	n.spawnLocked(func() { l.ringOut(first, time.Duration(timeout)*time.Second) })
	return 201, shown, nil
}

// ringOut lets a telephone ring and executes the document once it is answered.
func (l *leg) ringOut(first fetch, timeout time.Duration) {
	timer := l.n.clock.NewTimer(timeout)
	defer timer.Stop()
	l.n.mu.Lock()
	if !l.over { // canceled while queued: no callbacks
		l.status = statusInitiated
		l.tellLocked("initiated")
		l.status = statusRinging
		l.tellLocked("ringing")
		l.phone.ringLocked(l)
	}
	l.n.mu.Unlock()
	switch l.wait(timer.Chan(), func() bool { return !l.answered.IsZero() }) {
	case wokeReady:
		timer.Stop()
		l.talk(first)
	case wokeTimer:
		l.n.mu.Lock()
		if l.answered.IsZero() {
			l.endLocked(statusNoAnswer)
			l.n.mu.Unlock()
			return
		}
		l.n.mu.Unlock()
		l.talk(first)
	case wokeStop:
		l.n.mu.Lock()
		redirected := l.redirect != nil && !l.over
		l.n.mu.Unlock()
		if redirected { // in the moment it was answered
			l.talk(first)
		}
	}
}
