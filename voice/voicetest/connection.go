package voicetest

import (
	"cmp"
	"slices"
	"time"
)

// Connection is one of a phone's calls, as it stood when it was asked for.
type Connection struct {
	SID      string
	Incoming bool   // somebody called this phone
	Far      string // the caller ID shown, or the number that was dialled
	Status   string // in Twilio's words
	Place    Place
	Keys     bool // a Gather collects keys
	Heard    []Heard

	Began, Answered, Ended time.Time // by the Clock; the last two are zero until then
}

// Connections returns all calls that this phone has made or got, the first one
// first. Unlike WaitRing it takes none away.
func (p *Phone) Connections() []Connection {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	var all []Connection
	for _, l := range p.n.legOrder {
		if l.phone != p {
			continue
		}
		c := Connection{SID: l.sid, Far: l.to, Status: l.status, Place: l.place, Keys: l.listening, Heard: slices.Clone(l.heard),
			Began: l.created, Answered: l.answered, Ended: l.ended}
		if l.direction != dirInbound {
			c.Incoming, c.Far = true, l.from
		}
		all = append(all, c)
	}
	return all
}

// Thread returns the messages that this phone got from a number of the account or
// sent there, the first one first.
func (p *Phone) Thread(number string) []SMS {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	var all []SMS
	for _, m := range p.n.messages {
		if m.direction == "inbound" && m.from == p.number && m.to == number {
			all = append(all, SMS{SID: m.sid, From: m.from, To: m.to, Body: m.body, At: m.sent, Unheard: m.unheard})
		}
	}
	for _, m := range p.inbox {
		if m.From == number {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b SMS) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	return all
}
