package voicetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Place is where a call is.
type Place string

// The places of a call.
const (
	PlaceListening Place = ""          // TwiML talks to it, or it is just arriving
	PlaceQueue     Place = "queue"     // waiting in a queue
	PlaceDialing   Place = "dialing"   // the telephone of a Dial rings or is being screened
	PlaceBridged   Place = "bridged"   // two people talk
	PlaceRecording Place = "recording" // a Record listens
	PlaceEnded     Place = "ended"
)

// HeardKind is a kind of sound.
type HeardKind string

// The kinds of sound. Text is the sentence (say), the URL (play), the number
// (ring, bridge), the error's code and text (error) or the reason (reject).
const (
	HeardSay    HeardKind = "say"
	HeardPlay   HeardKind = "play"
	HeardBeep   HeardKind = "beep"   // a recording starts
	HeardRing   HeardKind = "ring"   // somebody is being called
	HeardBridge HeardKind = "bridge" // connected with a person
	HeardError  HeardKind = "error"  // Twilio's announcement of an application error
	HeardReject HeardKind = "reject"
)

// Heard is something a telephone has heard.
type Heard struct {
	Kind HeardKind
	Text string
	At   time.Time // by the Clock
}

func (h Heard) String() string { return string(h.Kind) + " " + h.Text }

// Party is one end of a telephone connection: what a Call and a Leg share.
type Party struct{ l *leg }

// SID returns the call SID.
func (p *Party) SID() string { return p.l.sid }

// Press presses keys, one after the other. Keys that no Gather or Record waits
// for are lost, see WaitKeys.
func (p *Party) Press(keys string) {
	l := p.l
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	for _, key := range keys {
		switch {
		case l.over:
		case l.listening:
			l.keys += string(key)
		case l.recording != nil:
			l.recording.pressLocked(string(key))
		}
	}
	l.changed.fire()
}

// Hangup ends the call from this telephone.
func (p *Party) Hangup() {
	p.l.n.mu.Lock()
	defer p.l.n.mu.Unlock()
	p.l.hangUpLocked()
}

// Speak makes a sound of length d. It counts only while being recorded.
func (p *Party) Speak(d time.Duration) {
	p.l.n.mu.Lock()
	defer p.l.n.mu.Unlock()
	if r := p.l.recording; r != nil {
		r.speakLocked(d)
	}
}

// SpeakWAV makes the sound of a WAV file (PCM, 16 bits, mono). The file of the
// recording then has it; Speak leaves a quiet tone there.
func (p *Party) SpeakWAV(file []byte) error {
	sound, err := samples(file)
	if err != nil {
		return err
	}
	p.l.n.mu.Lock()
	defer p.l.n.mu.Unlock()
	if r := p.l.recording; r != nil {
		r.voice = append(lengthened(r.voice, r.sound), sound...)
		r.speakLocked(lengthOf(sound))
	}
	return nil
}

// Heard returns everything heard so far.
func (p *Party) Heard() []Heard {
	p.l.n.mu.Lock()
	defer p.l.n.mu.Unlock()
	return slices.Clone(p.l.heard)
}

// Status returns the status of the call in Twilio's words.
func (p *Party) Status() string {
	p.l.n.mu.Lock()
	defer p.l.n.mu.Unlock()
	return p.l.status
}

// Place returns where the call is.
func (p *Party) Place() Place {
	p.l.n.mu.Lock()
	defer p.l.n.mu.Unlock()
	return p.l.place
}

// WaitHeard waits for a sound that match accepts, beginning with those of the
// past, and fails once the call ended without it.
func (p *Party) WaitHeard(ctx context.Context, match func(Heard) bool) (Heard, error) {
	var found Heard
	err := p.wait(ctx, "a certain sound", func() bool {
		i := slices.IndexFunc(p.l.heard, match)
		if i >= 0 {
			found = p.l.heard[i]
		}
		return i >= 0
	})
	return found, err
}

// WaitPlace waits until the call is at a place, and fails once it ended elsewhere.
func (p *Party) WaitPlace(ctx context.Context, place Place) error {
	return p.wait(ctx, "place "+string(place), func() bool { return p.l.place == place })
}

// WaitKeys waits until keys are being collected by a Gather, and fails once the
// call ended.
func (p *Party) WaitKeys(ctx context.Context) error {
	return p.wait(ctx, "a Gather", func() bool { return p.l.listening })
}

// WaitEnd waits until the call is over.
func (p *Party) WaitEnd(ctx context.Context) error { return p.WaitPlace(ctx, PlaceEnded) }

// wait waits for something about the leg, and says what happened instead.
func (p *Party) wait(ctx context.Context, what string, done func() bool) error {
	err := p.l.n.await(ctx, &p.l.changed, func() (bool, error) {
		if done() {
			return true, nil
		}
		if p.l.over {
			return false, fmt.Errorf("call is over (%s)", p.l.status)
		}
		return false, nil
	})
	if err == nil {
		return nil
	}
	p.l.n.mu.Lock()
	defer p.l.n.mu.Unlock()
	var story strings.Builder
	for _, h := range p.l.heard {
		fmt.Fprintf(&story, "; %s", h)
	}
	return fmt.Errorf("%s from %s waits for %s: %w (at %q%s)", p.l.sid, p.l.from, what, err, p.l.place, story.String())
}

// Call is a caller's end of a call to one of the account's numbers.
type Call struct{ *Party }

// Leg is the end of somebody who is called, by a Dial or by the Calls API.
type Leg struct{ *Party }

// From returns the caller ID shown.
func (g *Leg) From() string { return g.l.from }

// Parent returns the SID of the call that dials; empty for the Calls API.
func (g *Leg) Parent() string {
	if g.l.parent == nil {
		return ""
	}
	return g.l.parent.sid
}

// Answer picks the telephone up. The first of several that ring for one Dial
// wins, the others stop ringing (twilio.com/docs/voice/twiml/number).
func (g *Leg) Answer() {
	l := g.l
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.over || !l.answered.IsZero() {
		return
	}
	l.answerLocked()
	if d := l.dialer; d != nil {
		d.answeredLocked(l)
	}
}

// Decline refuses the call: busy.
func (g *Leg) Decline() {
	g.l.n.mu.Lock()
	defer g.l.n.mu.Unlock()
	if g.l.answered.IsZero() {
		g.l.endLocked(statusBusy)
	}
}

// Bridged reports whether the two people are connected now.
func (g *Leg) Bridged() bool { return g.Place() == PlaceBridged }

// WaitBridged waits until the two people are connected, and fails once the leg
// ended otherwise.
func (g *Leg) WaitBridged(ctx context.Context) error { return g.WaitPlace(ctx, PlaceBridged) }

// Call returns the other end of a call: the one whose SID it is, if an inbound
// call has it.
func (n *Network) Call(sid string) (*Call, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.legs[sid]; l != nil && l.direction == dirInbound {
		return &Call{&Party{l}}, true
	}
	return nil, false
}

// Leg returns the end of somebody who is called: the one whose SID it is, if an
// outgoing call has it.
func (n *Network) Leg(sid string) (*Leg, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.legs[sid]; l != nil && l.direction != dirInbound {
		return &Leg{&Party{l}}, true
	}
	return nil, false
}

// Redirects returns how many redirects of a call succeeded, through its queue
// member or through the call itself.
func (n *Network) Redirects(callSID string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.legs[callSID]; l != nil {
		return l.redirects
	}
	return 0
}
