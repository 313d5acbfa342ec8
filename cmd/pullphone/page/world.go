package page

import (
	"fmt"
	"slices"
	"time"

	"github.com/nyaruka/phonenumbers"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

// World is everything that the page shows, but for the wire. Times are RFC 3339, empty for what has not happened.
type World struct {
	Run     string         `json:"run"` // another one when the demo was started anew: the page has to be loaded again
	Server  ServerNow      `json:"server"`
	Faults  FaultsNow      `json:"faults"`
	Line    LineView       `json:"line"`
	Callers []CallerView   `json:"callers"`
	Team    []TeammateView `json:"team"`
	Slack   SlackView      `json:"slack"`
}

// LineView is a line as it is shown.
type LineView struct {
	Name   string `json:"name"`
	Number string `json:"number"`
	Shown  string `json:"shown"`
}

// CallerView is a caller's phone.
type CallerView struct {
	Phone string `json:"phone"`
	Shown string `json:"shown"`
	Name  string `json:"name"`
	City  string `json:"city"`
	Call  *Leg   `json:"call"` // the last one
}

// TeammateView is a teammate's mobile.
type TeammateView struct {
	Name  string `json:"name"`
	Slack string `json:"slack"`
	Phone string `json:"phone"`
	Shown string `json:"shown"`
	Texts []Text `json:"texts"` // with the line, the first one first
	Legs  []Leg  `json:"legs"`  // the first one first
}

// Text is an SMS in a thread.
type Text struct {
	ID     string `json:"id"`
	Mine   bool   `json:"mine"` // the teammate wrote it
	Body   string `json:"body"`
	At     string `json:"at"`
	Failed string `json:"failed"` // why it was not heard
}

// Leg is a call as one telephone has it.
type Leg struct {
	SID      string  `json:"sid"`
	Incoming bool    `json:"incoming"` // the telephone was called
	From     string  `json:"from"`     // the number at the other end, as the telephone shows it
	Shown    string  `json:"shown"`
	Place    string  `json:"place"`  // one of voicetest's
	Status   string  `json:"status"` // Twilio's CallStatus
	Began    string  `json:"began"`
	Answered string  `json:"answered"`
	Ended    string  `json:"ended"`
	Keys     bool    `json:"keys"` // a Gather collects keys now
	Heard    []Heard `json:"heard"`
}

// Heard is a sound, N its place in the call's Heard.
type Heard struct {
	N    int    `json:"n"`
	Kind string `json:"kind"`
	Text string `json:"text"`
	At   string `json:"at"`
}

// SlackView is the workspace.
type SlackView struct {
	Channel  ChannelView          `json:"channel"`
	Names    map[string]string    `json:"names"` // of people, the app and the channel
	Messages []Message            `json:"messages"`
	Private  map[string][]Message `json:"private"` // what only this user sees
	Homes    map[string]View      `json:"homes"`   // by user, where there is one
}

// ChannelView is a channel as it is shown.
type ChannelView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Message is a message in Slack, with its raw Block Kit.
type Message struct {
	TS     string          `json:"ts"`
	User   string          `json:"user"`
	At     string          `json:"at"`
	Edited bool            `json:"edited"`
	Thread string          `json:"thread"` // ts of the message that it answers
	Text   string          `json:"text"`
	Blocks []bottest.Block `json:"blocks"`
}

// View is a Home tab.
type View struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Title  string          `json:"title"`
	Blocks []bottest.Block `json:"blocks"`
}

// How much of what has been is shown, the newest of it.
const (
	shownTexts    = 200
	shownLegs     = 20
	shownMessages = 100
)

// world looks around.
func (p *Page) world() World {
	w := World{
		Run:    p.Wire.Run(),
		Server: p.Server.Now(),
		Faults: p.Faults.Now(),
		Line:   LineView{p.Line.Name, p.Line.Number, shown(p.Line.Number)},
		Slack: SlackView{
			Channel: ChannelView{p.Channel.ID, p.Channel.Name},
			Names:   map[string]string{p.Channel.ID: p.Channel.Name, bottest.BotUserID: bottest.BotName},
			Private: map[string][]Message{}, Homes: map[string]View{},
			Messages: messages(p.Work.Messages(p.Channel.ID)),
		},
	}
	for _, c := range p.Callers {
		v := CallerView{Phone: c.Phone, Shown: shown(c.Phone), Name: c.Name, City: c.City}
		if c.Info.From != "" {
			v.Shown = shown(c.Info.From)
		}
		if all := p.Net.Phone(c.Phone).Connections(); len(all) > 0 {
			l := leg(all[len(all)-1])
			v.Call = &l
		}
		w.Callers = append(w.Callers, v)
	}
	for _, m := range p.Team {
		phone := p.Net.Phone(m.Phone)
		v := TeammateView{Name: m.Name, Slack: m.Slack, Phone: m.Phone, Shown: shown(m.Phone), Texts: []Text{}, Legs: []Leg{}}
		for _, t := range newest(phone.Thread(p.Line.Number), shownTexts) {
			text := Text{ID: t.SID, Mine: t.From == m.Phone, Body: t.Body, At: stamp(t.At)}
			if t.Unheard {
				text.Failed = "The server did not hear this. It looks for what it missed when it is back."
			}
			v.Texts = append(v.Texts, text)
		}
		for _, c := range newest(phone.Connections(), shownLegs) {
			v.Legs = append(v.Legs, leg(c))
		}
		w.Team = append(w.Team, v)
		w.Slack.Names[m.Slack] = m.Name
		if private := p.Work.Ephemerals(m.Slack); len(private) > 0 {
			w.Slack.Private[m.Slack] = messages(private)
		}
		if h, ok := p.Work.Home(m.Slack); ok {
			w.Slack.Homes[m.Slack] = View{ID: h.ID, Type: h.Type, Title: h.Title, Blocks: h.Blocks}
		}
	}
	return w
}

func leg(c voicetest.Connection) Leg {
	l := Leg{SID: c.SID, Incoming: c.Incoming, From: c.Far, Shown: shown(c.Far), Place: string(c.Place), Status: c.Status, Keys: c.Keys,
		Began: stamp(c.Began), Answered: stamp(c.Answered), Ended: stamp(c.Ended), Heard: []Heard{}}
	for i, h := range c.Heard {
		l.Heard = append(l.Heard, Heard{N: i, Kind: string(h.Kind), Text: h.Text, At: stamp(h.At)})
	}
	return l
}

func messages(all []bottest.Message) []Message {
	out := []Message{}
	for _, m := range newest(slices.DeleteFunc(all, func(m bottest.Message) bool { return m.Deleted }), shownMessages) {
		v := Message{TS: m.TS, User: m.User, At: stamp(tsTime(m.TS)), Edited: m.Edited, Text: m.Text, Blocks: m.Blocks}
		if m.ThreadTS != m.TS {
			v.Thread = m.ThreadTS
		}
		if v.Blocks == nil {
			v.Blocks = []bottest.Block{}
		}
		out = append(out, v)
	}
	return out
}

// tsTime is the moment that a message's timestamp names, in seconds since 1970 with six digits after the point.
func tsTime(ts string) time.Time {
	var seconds, micros int64
	if _, err := fmt.Sscanf(ts, "%d.%d", &seconds, &micros); err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, micros*1000)
}

func newest[T any](all []T, most int) []T { return all[max(0, len(all)-most):] }

// shown writes a number as people read it; a caller without one has a word in its place.
func shown(number string) string {
	n, err := phonenumbers.Parse(number, "US")
	if err != nil {
		return "No caller ID"
	}
	return phonenumbers.Format(n, phonenumbers.NATIONAL)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
