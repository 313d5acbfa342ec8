package bottest

import (
	"time"
	"unicode/utf8"
)

// Kinds of wire events.
const (
	KindCall     = "call"         // the program calls the Web API
	KindReply    = "reply"        // what it is answered
	KindResponse = "response_url" // the program posts to a response URL
	KindPress    = "press"        // a person presses a button
	KindCommand  = "command"      // a person types a slash command
	KindEvent    = "event"        // an event of the Events API
	KindRaw      = "raw"          // Send or Replay
	KindAnswer   = "answer"       // what the program answers to one of the four above
)

// Event is something that crossed the wire.
type Event struct {
	At      time.Time // by Options.Clock
	Kind    string    // one of the Kind constants
	Summary string    // one line
	Text    string    // in full: the arguments, the payload, the answer; never a token
}

// Request is a Web API call as it came in.
type Request struct {
	At     time.Time
	Method string            // chat.postMessage
	Args   map[string]string // without the token; shared, not to be changed
	Status int               // HTTP status of the answer
	Error  string            // Slack's code, "" when all went well
}

// OK says whether the call did what it asked for.
func (r Request) OK() bool { return r.Status == 200 && r.Error == "" }

// Requests are all Web API calls received, in the order of their answers.
func (w *Workspace) Requests() []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Request(nil), w.requests...)
}

func (w *Workspace) trace(kind, summary, text string) {
	if w.opt.Trace == nil {
		return
	}
	w.traceMu.Lock()
	defer w.traceMu.Unlock()
	w.opt.Trace(Event{At: w.clock.Now(), Kind: kind, Summary: summary, Text: text})
}

// short cuts a text to n characters for a summary.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
