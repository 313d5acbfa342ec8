package voicetest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// flow is what happens after a verb or a document.
type flow struct {
	kind flowKind
	next fetch // flowGoto
}

type flowKind int

const (
	flowNext  flowKind = iota // the next verb; at the end of a document: it is done
	flowGoto                  // the document next
	flowEnd                   // hang up
	flowStop                  // the leg was taken away: hung up, redirected, or the network closed
	flowLeave                 // out of the queue
)

// room is the part of a call in which a document is executed; it limits the verbs.
type room struct {
	name  string
	verbs string // space-separated; empty: all but Leave
	code  int    // Twilio's error for the others
}

var (
	inCall    = room{name: "a call"}
	inQueue   = room{name: "a waitUrl document", verbs: "Play Say Pause Hangup Redirect Leave Gather", code: 14201} // twilio.com/docs/voice/twiml/enqueue
	inWhisper = room{name: "a Number url document", verbs: "Play Say Gather Hangup", code: 13201}                   // twilio.com/docs/voice/twiml/number
)

func (r room) allows(name string) bool {
	if r.verbs == "" {
		return name != "Leave"
	}
	for verb := range strings.FieldsSeq(r.verbs) {
		if verb == name {
			return true
		}
	}
	return false
}

// talk executes a call from its first document to its end.
func (l *leg) talk(first fetch) {
	next := first
	for {
		result := flow{kind: flowStop}
		if d := l.document(next); d != nil {
			result = l.execute(d, inCall)
		}
		l.n.mu.Lock()
		switch {
		case l.over || l.n.closed:
			l.n.mu.Unlock()
			return
		case l.redirect != nil:
			next = *l.redirect
			l.redirect = nil
		case result.kind == flowGoto:
			next = result.next
		default:
			if l.answered.IsZero() {
				l.answerLocked() // even an empty document answers
			}
			l.endLocked(statusCompleted)
			l.n.mu.Unlock()
			return
		}
		l.n.mu.Unlock()
	}
}

// document gets a document for the call, from the fallback URL if the first one
// is of no use. It is nil if the call was stopped, or has ended with an error.
func (l *leg) document(f fetch) *document {
	d, code, err := l.get(f)
	if err == nil || l.stopped() {
		return d
	}
	l.n.mu.Lock()
	back := fetch{what: "fallback", method: l.fallbackMethod, url: l.fallback,
		params: url.Values{"ErrorCode": {strconv.Itoa(code)}, "ErrorUrl": {f.url}}}
	l.n.mu.Unlock()
	if back.url != "" {
		var again error
		if d, code, again = l.get(back); again == nil || l.stopped() {
			return d
		}
		err = fmt.Errorf("%w; fallback: %w", err, again)
	}
	// Told first, so that whoever sees the call end sees the problem too.
	l.n.problem("call %s: the caller hears an error: %s of %s %s: %w", l.sid, f.what, method(f.method), f.url, err)
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.answerLocked()
	if !l.over {
		l.hearLocked(Heard{Kind: HeardError, Text: fmt.Sprintf("%d: %v", code, err)})
	}
	l.endLocked(statusCompleted)
	return nil
}

// get requests a document and parses it. Its faults are problems, the fatal one
// is the error too. Both results are nil if the leg was stopped meanwhile.
func (l *leg) get(f fetch) (d *document, code int, err error) {
	if f.twiml != "" {
		return l.read(f, answer{kind: "text/xml", body: []byte(f.twiml)})
	}
	if f.url == "" {
		return nil, 11100, fmt.Errorf("no URL for %s", f.what)
	}
	l.n.mu.Lock()
	if l.stoppedLocked() {
		l.n.mu.Unlock()
		return nil, 0, nil
	}
	w := l.webhookLocked(f)
	l.n.mu.Unlock()
	done := make(chan answer, 1)
	l.n.spawn(func() {
		done <- l.n.deliver(w)
		l.n.mu.Lock()
		l.changed.fire()
		l.n.mu.Unlock()
	})
	if l.wait(nil, func() bool { return len(done) > 0 }) == wokeStop {
		return nil, 0, nil
	}
	a := <-done
	if a.err != nil {
		return nil, a.code, a.err
	}
	return l.read(f, a)
}

// read makes a document of an answer (twilio.com/docs/voice/twiml#data-formats).
func (l *leg) read(f fetch, a answer) (*document, int, error) {
	switch {
	case strings.HasPrefix(a.kind, "audio/"):
		play := &verb{name: "Play", text: a.url.String(), attrs: map[string]string{}}
		l.n.mu.Lock()
		l.n.fetched[play.text] = true
		l.n.mu.Unlock()
		return &document{url: a.url, verbs: []*verb{play}}, 0, nil
	case isXML(a.kind):
	case a.kind == "":
		l.n.problem("%s %s: no Content-Type (12300)", f.what, f.url)
		return nil, 12300, fmt.Errorf("no Content-Type")
	case a.kind == "text/html" || a.kind == "text/plain":
		l.n.problem("%s %s: TwiML as %s, want text/xml (12300)", f.what, f.url, a.kind)
	default:
		l.n.problem("%s %s: Content-Type %s, want text/xml (12300)", f.what, f.url, a.kind)
		return nil, 12300, fmt.Errorf("Content-Type %s", a.kind)
	}
	d, faults := parseTwiML(a.body, a.url, voiceRules)
	for _, flaw := range faults {
		l.n.problem("%s %s: %w", f.what, f.url, flaw)
		if flaw.fatal {
			return nil, flaw.code, flaw
		}
	}
	return d, 0, nil
}

// execute runs the verbs of a document.
func (l *leg) execute(d *document, r room) flow {
	for i, v := range d.verbs {
		if l.stopped() {
			return flow{kind: flowStop}
		}
		if !r.allows(v.name) {
			l.n.problem("call %s: %s may not stand in %s (%d)", l.sid, v.name, r.name, r.code)
			continue
		}
		if result := l.do(d, v, r, i == 0); result.kind != flowNext {
			return result
		}
	}
	return flow{}
}

// do executes one verb.
func (l *leg) do(d *document, v *verb, r room, first bool) flow {
	// The first verb answers the call, except for those that say otherwise
	// (twilio.com/docs/voice/twiml/dial, /pause and /reject).
	if v.name != "Reject" && v.name != "Pause" && !(v.name == "Dial" && v.attrs["answerOnBridge"] == "true") {
		l.n.mu.Lock()
		l.answerLocked()
		l.n.mu.Unlock()
	}
	switch v.name {
	case "Say":
		if l.say(v.text) == wokeStop {
			return flow{kind: flowStop}
		}
	case "Play":
		return l.play(d, v)
	case "Pause":
		if l.pause(time.Duration(v.int("length", 1))*time.Second) == wokeStop {
			return flow{kind: flowStop}
		}
		l.n.mu.Lock()
		l.answerLocked()
		l.n.mu.Unlock()
	case "Gather":
		return l.gather(d, v)
	case "Enqueue":
		return l.enqueue(d, v)
	case "Leave":
		return flow{kind: flowLeave}
	case "Dial":
		return l.dial(d, v)
	case "Record":
		return l.record(d, v)
	case "Redirect":
		return flow{kind: flowGoto, next: fetch{what: "redirect", method: v.attrs["method"], url: d.resolve(v.text)}}
	case "Hangup":
		return flow{kind: flowEnd}
	case "Reject":
		return l.reject(v, first)
	}
	return flow{}
}

// reject declines an inbound call that was not answered; later it only hangs up.
func (l *leg) reject(v *verb, first bool) flow {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if !first || !l.answered.IsZero() || l.over {
		return flow{kind: flowEnd}
	}
	reason := v.str("reason", "rejected")
	l.hearLocked(Heard{Kind: HeardReject, Text: reason})
	if reason == "busy" {
		l.endLocked(statusBusy)
	} else {
		l.endLocked(statusNoAnswer)
	}
	return flow{kind: flowStop}
}

// play lets the caller hear a file; loop="0" goes on until the call is taken away.
func (l *leg) play(d *document, v *verb) flow {
	if v.text != "" {
		l.sound(d.resolve(v.text))
	}
	if v.attrs["loop"] == "0" {
		l.wait(nil, nil)
		return flow{kind: flowStop}
	}
	return flow{}
}

// sound lets a file be heard, once it was fetched. A file that was good before
// is not fetched again.
func (l *leg) sound(file string) {
	l.n.mu.Lock()
	known := l.n.fetched[file]
	l.n.mu.Unlock()
	if !known {
		done := make(chan struct{})
		l.n.spawn(func() {
			l.fetchSound(file)
			l.n.mu.Lock()
			defer l.n.mu.Unlock()
			close(done)
			l.changed.fire()
		})
		fetched := func() bool {
			select {
			case <-done:
				return true
			default:
				return false
			}
		}
		if l.wait(nil, fetched) == wokeStop {
			return
		}
	}
	l.hear(HeardPlay, file)
}

// fetchSound gets a file. Play requests carry neither parameters nor a
// signature (twilio.com/docs/voice/twiml/play). A server that is away or fails
// leaves silence; a file that is no sound is a problem.
func (l *leg) fetchSound(file string) {
	ctx, cancel := context.WithTimeout(l.n.ctx, l.n.opts.WebhookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, file, nil)
	if err != nil || r.URL.Host == "" {
		l.n.problem("call %s: Play %q: not an absolute URL", l.sid, file)
		return
	}
	l.n.trace(EventWebhook, l.sid, "play: GET "+r.URL.Path, file)
	resp, err := l.n.client.Do(r)
	if err != nil {
		l.n.trace(EventAnswer, l.sid, "play: "+err.Error(), "")
		return
	}
	resp.Body.Close()
	kind := resp.Header.Get("Content-Type")
	l.n.trace(EventAnswer, l.sid, "play: "+resp.Status+" "+kind, "")
	switch {
	case resp.StatusCode >= 500:
	case resp.StatusCode != http.StatusOK:
		l.n.problem("call %s: Play %s: %s", l.sid, file, resp.Status)
	case !strings.HasPrefix(kind, "audio/"):
		l.n.problem("call %s: Play %s: Content-Type %q is not audio (12300)", l.sid, file, kind)
	default:
		l.n.mu.Lock()
		defer l.n.mu.Unlock()
		l.n.fetched[file] = true
	}
}

// goTo is the flow to an action URL with parameters, or to the next verb if there is none.
func goTo(action *fetch, more url.Values) flow {
	if action == nil {
		return flow{}
	}
	next := *action
	next.params = more
	return flow{kind: flowGoto, next: next}
}

// actionOf is the action of a verb, nil if it has none.
func actionOf(d *document, v *verb, what string) *fetch {
	target, ok := d.action(v, "action")
	if !ok {
		return nil
	}
	return &fetch{what: what, method: v.attrs["method"], url: target}
}
