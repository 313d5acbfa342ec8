package voicetest

import (
	"net/url"
	"slices"
	"time"
)

// The kinds of an Event, seen from the network.
const (
	EventWebhook = "webhook" // a request to the program
	EventAnswer  = "answer"  // the program's answer to it, TwiML as a rule
	EventREST    = "rest"    // a request of the program to the API
	EventReply   = "reply"   // the API's reply to it
)

// Event is something that went over the wire.
type Event struct {
	Time    time.Time // by the Clock
	Kind    string    // one of the Event constants
	CallSID string    // or the message SID of an SMS; empty if neither is known
	Summary string    // one line
	Text    string    // everything: the form, the TwiML or the JSON
}

// Request is a request the API got.
type Request struct {
	Time   time.Time // by the Clock
	Method string
	Path   string
	Query  url.Values
	Form   url.Values // of the body
	Status int        // answered
}

// Requests returns every request the API answered, in the order of the answers.
func (n *Network) Requests() []Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.requests)
}

func (n *Network) trace(kind, sid, summary, text string) {
	if n.opts.Trace == nil {
		return
	}
	n.hooks.Lock()
	defer n.hooks.Unlock()
	n.opts.Trace(Event{Time: n.clock.Now(), Kind: kind, CallSID: sid, Summary: summary, Text: text})
}
