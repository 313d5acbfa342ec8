package voicetest

import "strconv"

func (n *Network) showMessage(m *message) object {
	o := object{"sid": m.sid, "account_sid": n.opts.AccountSID, "from": m.from, "to": m.to, "body": m.body,
		"direction": m.direction, "status": m.status, "num_segments": strconv.Itoa(segments(m.body)), "num_media": "0",
		"error_code": nil, "error_message": nil, "messaging_service_sid": nil, "price": nil, "price_unit": "USD",
		"api_version": apiVersion, "date_created": rfc2822(m.created), "date_updated": rfc2822(n.clock.Now()),
		"date_sent": rfc2822(m.sent), "uri": n.uri("Messages", m.sid),
		"subresource_uris": object{"media": n.uri("Messages", m.sid, "Media")}}
	if m.errorCode != 0 {
		o["error_code"], o["error_message"] = m.errorCode, "refused"
	}
	return o
}

func (n *Network) listMessages(a *apiRequest) (int, any, *apiError) {
	var list []*message
	for i := len(n.messages) - 1; i >= 0; i-- { // newest first
		if m := n.messages[i]; !m.deleted && is(a, "To", m.to) && is(a, "From", m.from) && within(a, "DateSent", m.sent) {
			list = append(list, m)
		}
	}
	return 200, page(a, "messages", list, n.showMessage), nil
}

func (n *Network) fetchMessage(a *apiRequest) (int, any, *apiError) {
	m := n.messageLocked(a.path["Sid"])
	if m == nil {
		return 0, nil, notFound(a.url)
	}
	return 200, n.showMessage(m), nil
}

// messageLocked finds a message that is in the account's log.
func (n *Network) messageLocked(sid string) *message {
	for _, m := range n.messages {
		if m.sid == sid && !m.deleted {
			return m
		}
	}
	return nil
}

func (n *Network) deleteMessage(a *apiRequest) (int, any, *apiError) {
	m := n.messageLocked(a.path["Sid"])
	switch {
	case m == nil:
		return 0, nil, notFound(a.url)
	case m.status == "queued" || m.status == "sent" || n.clock.Since(m.sent) < busyFor:
		return 0, nil, errUnfinished
	}
	m.deleted = true
	return 204, nil, nil
}

// createMessage sends a message, or refuses it with the code of
// twilio.com/docs/api/errors that fits.
func (n *Network) createMessage(a *apiRequest) (int, any, *apiError) {
	from, to, body := a.form.Get("From"), a.form.Get("To"), a.form.Get("Body")
	p := n.phoneLocked(to)
	switch {
	case from == "":
		return 0, nil, &apiError{404, 21701, "The messaging service does not exist"}
	case n.numbers[from] == nil:
		return 0, nil, &apiError{400, 21606, "From " + from + " is not a number of the account that can send messages"}
	case from == to:
		return 0, nil, &apiError{400, 21266, "To and From are the same"}
	case len([]rune(body)) > 1600:
		a.problems = append(a.problems, "Body of more than 1600 characters")
		return 0, nil, &apiError{400, 21617, "The body exceeds the 1600 character limit"}
	case p.blocked[from]:
		return 0, nil, &apiError{400, 21610, "Attempt to send to unsubscribed recipient"}
	case p.refusal != 0 && p.refusal < 30000:
		return 0, nil, &apiError{400, p.refusal, "Message to " + to + " refused"}
	}
	m := n.newMessageLocked(from, to, body, "outbound-api")
	m.callback = a.form.Get("StatusCallback")
	shown := n.showMessage(m)
	n.spawnLocked(func() { n.deliverMessage(m) })
	return 201, shown, nil
}
