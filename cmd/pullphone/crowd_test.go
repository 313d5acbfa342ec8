package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/cmd/pullphone/config"
	"pullphone/voice/voicetest"
)

var seeds = flag.Uint64("seed", 0, "what the random tests draw from, as printed by one that failed; 0: something new")

// newSeed is what a random test draws from, said where its failure is read.
func newSeed(t *testing.T) uint64 {
	seed := *seeds
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: -seed %d", seed)
		}
	})
	return seed
}

// crowd is callers and five people who do as they please in a town of three lines, and what they were told.
type crowd struct {
	*harness
	seed uint64
	pace time.Duration // of what they do, by the town's clock
	from time.Time     // their times are counted from here
	over chan struct{} // closed: the people go home

	drawn   atomic.Uint64
	dialled atomic.Int64

	mu      sync.Mutex
	calls   []*call
	answers []*spoken
	served  map[string]bool   // calls of which the server has answered a webhook
	agreed  map[string]bool   // calls whose taker has pressed 1
	replies map[string]string // by MessageSid
	unheard map[string]bool   // texts, by MessageSid, that did not reach the server at first
	given   map[string]string // by Slack user: key of the answer that they gave last
	rings   []ring
	faults  []string // that the network found

	fellBack map[string]bool // calls that heard a fallback, ours or one that is hosted away

	asked   map[string]bool // numbers of callers who pressed 2 on hold
	reached map[string]bool // numbers of those who have picked up since

	hands     map[string]*sync.Mutex // by Slack user: one types or presses one thing at a time
	answering sync.WaitGroup         // the people
	late      atomic.Bool            // the callers have gone
}

// call is a call that somebody made. Each comes from a number of its own.
type call struct {
	*voicetest.Call
	line, number string // number as people read it
	begun        time.Duration
}

// spoken is something that a person said which may be an answer to a call.
type spoken struct {
	person, user string // user: a press, whose verdict comes by itself
	key          string // of the answer in the store
	number       string // of the caller that they meant, if they said so
	value, word  string // of a press
	told         string
	acked        bool          // the program has confirmed it
	begun, ended time.Duration // ended: when it was confirmed
}

// ring is a person's telephone ringing for a call.
type ring struct {
	person, call string
	at           time.Duration
}

// newCrowd makes a crowd whose town is yet to be made, with the options that are returned.
func newCrowd(seed uint64, pace time.Duration) (*crowd, options) {
	c := &crowd{seed: seed, pace: pace, from: time.Now(), over: make(chan struct{}), served: map[string]bool{}, fellBack: map[string]bool{},
		agreed: map[string]bool{}, replies: map[string]string{}, unheard: map[string]bool{}, given: map[string]string{},
		asked: map[string]bool{}, reached: map[string]bool{}, hands: map[string]*sync.Mutex{}}
	const often = 60 * time.Second // machines under load are slow, and that is no fault
	rules := []string{fmt.Sprintf("max_wait: %s", 40*pace), fmt.Sprintf("ring_timeout: %s", max(5*time.Second, (40*pace).Truncate(time.Second))),
		fmt.Sprintf("keywords: {support: {forward: %q}}", supportPhone)}
	return c, options{
		people: crew(3), line: rules, limit: 30 * time.Minute,
		voice: voicetest.Options{Trace: c.hear, WebhookTimeout: often, RecordingDelay: 5 * pace, Problem: c.fault},
		slack: bottest.Options{Trace: c.see, Patience: often},
		prepare: func(town *town) {
			for i := range 3 {
				town.work.AddUser(bottest.User{ID: crewSlack(i), Name: crewName(i)})
			}
			for i := range otherLines {
				town.net.AddNumber(otherNumber(i))
				town.work.AddChannel(bottest.Channel{ID: otherChannel(i), Name: fmt.Sprintf("other%d", i)})
			}
		},
		yaml: func(y string) string {
			for i := range otherLines {
				y += fmt.Sprintf("  - {name: Other%d, number: %q, channel: %s, %s}\n", i, otherNumber(i), otherChannel(i), strings.Join(rules, ", "))
			}
			return y
		},
	}
}

const (
	otherLines   = 2
	supportPhone = "+12085550199" // where callers are forwarded to
	mostBack     = 6              // how many callers of a town want to be called back: nobody's phone is rung too often
)

func otherNumber(i int) string  { return fmt.Sprintf("+120855501%02d", 60+i) }
func otherChannel(i int) string { return fmt.Sprintf("C000OTHER%d", i) }

// draw gives somebody dice of their own: they may be thrown at the same time as others.
func (c *crowd) draw() *rand.Rand { return rand.New(rand.NewPCG(c.seed, c.drawn.Add(1))) }

func (c *crowd) now() time.Duration { return time.Since(c.from) }

// pause waits up to so many times the pace.
func (c *crowd) pause(r *rand.Rand, most float64) {
	t := c.opt.clock.NewTimer(time.Duration(r.Float64() * most * float64(c.pace)))
	defer t.Stop()
	select {
	case <-t.Chan():
	case <-c.ctx.Done():
	}
}

// firstCaller is where the last four digits of callers begin.
const firstCaller = 2000

var callerShown = regexp.MustCompile(`\(208\) 555-[2-9]\d{3}`)

// caller makes a call and stays on the line until it ends, which any whim may bring about.
func (c *crowd) caller(r *rand.Rand) {
	n := firstCaller + c.dialled.Add(1)
	line := c.cfg.Lines[r.IntN(len(c.cfg.Lines))]
	call := &call{line: line.Number, number: fmt.Sprintf("(208) 555-%04d", n), begun: c.now()}
	phone := fmt.Sprintf("+1208555%04d", n)
	c.mu.Lock()
	call.Call = c.net.Phone(phone).Call(line.Number, voicetest.CallerInfo{})
	c.calls = append(c.calls, call)
	c.mu.Unlock()
	patience := c.opt.clock.Now().Add(time.Duration(r.Float64() * []float64{15, 60, 120}[r.IntN(3)] * float64(c.pace)))
	messages := 0
	for c.ctx.Err() == nil {
		switch call.Place() {
		case voicetest.PlaceEnded:
			if all := call.Heard(); len(all) > 0 && all[len(all)-1].Kind == voicetest.HeardError {
				c.pause(r, 40) // nobody calls again at once
			}
			return
		case voicetest.PlaceRecording:
			beeps := 0
			for _, h := range call.Heard() {
				if h.Kind == voicetest.HeardBeep {
					beeps++
				}
			}
			if beeps > messages {
				messages = beeps
				c.pause(r, 3)
				if r.IntN(4) > 0 {
					call.Speak(time.Duration(1+5*messages+r.IntN(5)) * time.Second) // each of another length
					c.pause(r, 3)
				}
				switch r.IntN(4) {
				case 0: // waits until the silence is taken for the end
				case 1:
					call.Press("#")
				default:
					call.Hangup()
				}
			}
		case voicetest.PlaceQueue:
			switch r.IntN(80) {
			case 0:
				call.Press("1")
			case 1:
				c.mu.Lock()
				asks := len(c.asked) < mostBack
				if asks && !c.asked[call.number] {
					c.asked[call.number] = true
					go c.anybody(phone, func() { c.reached[call.number] = true })
				}
				c.mu.Unlock()
				if asks {
					call.Press("2")
				}
			}
		case voicetest.PlaceBridged:
			c.pause(r, 10)
			if r.IntN(2) == 0 {
				call.Hangup()
			}
		}
		if c.opt.clock.Now().After(patience) && call.Place() != voicetest.PlaceRecording {
			call.Hangup()
		}
		c.pause(r, 1)
	}
}

// anybody is a phone that is nobody's of the team, and is picked up or not.
func (c *crowd) anybody(phone string, up func()) {
	r := c.draw()
	for {
		leg, err := c.net.Phone(phone).WaitRing(c.ctx)
		if err != nil {
			return
		}
		c.pause(r, 3)
		if r.IntN(3) == 0 {
			leg.Decline()
			continue
		}
		c.mu.Lock()
		up()
		c.mu.Unlock()
		leg.Answer()
		c.pause(r, 5)
		leg.Hangup()
	}
}

// person answers calls by all ways, until the people go home. When the callers have gone, there may be some to be called
// back.
func (c *crowd) person(p config.Person) {
	go c.telephone(p)
	r := c.draw()
	for {
		c.pause(r, 2)
		select {
		case <-c.over:
			return
		case <-c.ctx.Done():
			return
		default:
		}
		if c.late.Load() {
			c.pause(r, 10)
			c.commands(p, salesChannel, "", "")
			continue
		}
		switch r.IntN(12) {
		case 0, 1, 2, 3:
			c.press(r, p)
		case 4, 5, 6, 7:
			c.answersAText(r, p)
		case 8:
			c.texts(p, c.cfg.Lines[r.IntN(len(c.cfg.Lines))].Number, []string{"LIST", "Pull", "Next", "Y", "no", "pass"}[r.IntN(6)], "")
		case 9:
			c.commands(p, salesChannel, []string{"", "", "", "list", "cancel"}[r.IntN(5)], "")
		case 10: // what somebody said last comes once more
			_, _ = c.work.Replay(c.ctx)
		case 11:
			if r.IntN(3) == 0 {
				c.commands(p, salesChannel, "off 1m", "")
				c.pause(r, 10)
				c.commands(p, salesChannel, "on", "")
			}
		}
	}
}

// handsOf is what somebody types or presses with.
func (c *crowd) handsOf(p config.Person) *sync.Mutex {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hands[p.Slack] == nil {
		c.hands[p.Slack] = &sync.Mutex{}
	}
	return c.hands[p.Slack]
}

func (c *crowd) record(a *spoken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, a)
}

// press presses a button of one of the last messages. Nobody presses twice for the same caller, so that what they are
// told in private is told to that press.
func (c *crowd) press(r *rand.Rand, p config.Person) {
	var with []bottest.Message
	for _, m := range c.work.Messages(c.cfg.Lines[r.IntN(len(c.cfg.Lines))].Channel) {
		if len(m.Buttons()) == 2 {
			with = append(with, m)
		}
	}
	if len(with) == 0 {
		return
	}
	m := with[max(0, len(with)-1-r.IntN(4))]
	b := m.Buttons()[min(1, r.IntN(3))]
	number := callerShown.FindString(m.Text)
	c.mu.Lock()
	for _, a := range c.answers {
		if a.user == p.Slack && a.number == number {
			c.mu.Unlock()
			return
		}
	}
	c.mu.Unlock()
	c.presses(p, m, b)
}

// presses presses a button of a message as they saw it.
func (c *crowd) presses(p config.Person, m bottest.Message, b bottest.Button) *spoken {
	hands := c.handsOf(p)
	hands.Lock()
	defer hands.Unlock()
	a := &spoken{person: p.Name, user: p.Slack, number: callerShown.FindString(m.Text), value: b.Value, word: b.ActionID, begun: c.now()}
	got, err := c.work.PressStale(c.ctx, p.Slack, m.Channel, m, b.Text)
	a.ended, a.acked = c.now(), err == nil && got.Status == 200
	c.mu.Lock()
	a.key = c.given[p.Slack]
	c.mu.Unlock()
	c.record(a)
	return a
}

var codeInSMS = regexp.MustCompile(`\((\d+)\)$`)

// answersAText answers one of the last announcements on somebody's phone, with its code or without.
func (c *crowd) answersAText(r *rand.Rand, p config.Person) {
	var about []voicetest.SMS
	for _, s := range c.net.Phone(p.Phone).Inbox() {
		// Older ones may name a code that another call has by now: on a busy line codes rest for fifty calls only.
		var n int64
		_, _ = fmt.Sscanf(callerShown.FindString(s.Body), "(208) 555-%d", &n)
		if strings.Contains(s.Body, "Reply Y to ") && c.dialled.Load()-(n-firstCaller) < 40 {
			about = append(about, s)
		}
	}
	if len(about) == 0 {
		return
	}
	s := about[max(0, len(about)-1-r.IntN(6))]
	said, meant := []string{"Y", "y", "Yes", "👍", "N", "Pass", "Y force", "support"}[r.IntN(8)], ""
	if code := codeInSMS.FindStringSubmatch(s.Body); code != nil && r.IntN(5) > 0 {
		said, meant = said+" "+code[1], callerShown.FindString(s.Body)
	}
	if r.IntN(2) == 0 && said != "support" { // nobody may text as often as they may type
		i := slices.IndexFunc(c.cfg.Lines, func(l config.Line) bool { return l.Number == s.From })
		c.commands(p, c.cfg.Lines[i].Channel, said, meant)
		return
	}
	c.texts(p, s.From, said, meant)
}

func (c *crowd) texts(p config.Person, line, said, meant string) *spoken {
	a := &spoken{person: p.Name, number: meant, begun: c.now()}
	text := c.net.Phone(p.Phone).Text(line, said)
	if text.WaitDone(c.ctx) != nil {
		return a
	}
	a.key, a.ended = "sms:"+text.SID(), c.now()
	c.mu.Lock()
	a.told, a.acked = c.replies[text.SID()]
	c.mu.Unlock()
	if a.acked && (a.told == "" || strings.HasPrefix(a.told, "That was too fast")) {
		return a // it was one of too many, and not heard
	}
	c.record(a)
	return a
}

func (c *crowd) commands(p config.Person, channel, said, meant string) {
	hands := c.handsOf(p)
	hands.Lock()
	defer hands.Unlock()
	a := &spoken{person: p.Name, number: meant, begun: c.now()}
	got, err := c.work.Command(c.ctx, p.Slack, channel, "/pull", said)
	a.told, a.ended, a.acked = got.Text, c.now(), err == nil && got.Status == 200
	c.mu.Lock()
	a.key = c.given[p.Slack]
	c.mu.Unlock()
	c.record(a)
}

// telephone is somebody's mobile, and what they do when it rings.
func (c *crowd) telephone(p config.Person) {
	for {
		leg, err := c.net.Phone(p.Phone).WaitRing(c.ctx)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.rings = append(c.rings, ring{p.Name, leg.Parent(), c.now()})
		c.mu.Unlock()
		go c.pickUp(c.draw(), p, leg)
	}
}

func (c *crowd) pickUp(r *rand.Rand, p config.Person, leg *voicetest.Leg) {
	c.pause(r, 4)
	switch r.IntN(12) {
	case 0:
		return // it rings on
	case 1:
		leg.Decline()
		return
	case 2: // gives it back
		c.commands(p, salesChannel, "no", "")
		return
	}
	leg.Answer()
	if leg.WaitKeys(c.ctx) != nil {
		return
	}
	c.pause(r, 4)
	switch r.IntN(12) {
	case 0:
		leg.Press("2")
	case 1: // does not press anything
	case 2:
		leg.Hangup()
	default:
		c.mu.Lock()
		c.agreed[leg.Parent()] = true
		c.mu.Unlock()
		leg.Press("1")
		if leg.WaitBridged(c.ctx) != nil {
			return
		}
		c.pause(r, 10)
		switch r.IntN(8) {
		case 0, 1:
			c.commands(p, salesChannel, "pass on", "")
		case 2, 3, 4, 5:
			leg.Hangup()
		}
	}
}

var repliedText = regexp.MustCompile(`<Message>([^<]*)</Message>`)

// hear reads on the network's wires what the program answered.
func (c *crowd) hear(e voicetest.Event) {
	if e.Kind != voicetest.EventAnswer {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !strings.Contains(e.Text, "<Response") {
		c.unheard[e.CallSID] = strings.HasPrefix(e.Summary, "sms")
		return
	}
	if strings.HasPrefix(e.Summary, "fallback") {
		c.fellBack[e.CallSID] = true
	}
	switch {
	case strings.HasPrefix(e.CallSID, "CA"):
		c.served[e.CallSID] = c.served[e.CallSID] || !away(e.Text)
	case strings.HasPrefix(e.Summary, "sms"):
		if _, known := c.replies[e.CallSID]; !known { // of copies the first answer counts
			text := ""
			if m := repliedText.FindStringSubmatch(e.Text); m != nil {
				text = html.UnescapeString(m[1])
			}
			c.replies[e.CallSID] = text
		}
	}
}

// see reads on Slack's wires by what key the program knows an answer.
func (c *crowd) see(e bottest.Event) {
	user, key := "", ""
	switch e.Kind {
	case bottest.KindCommand:
		f, _ := url.ParseQuery(e.Text)
		user = f.Get("user_id")
		key = strings.Join([]string{"command", url.QueryEscape(user), url.QueryEscape(f.Get("trigger_id"))}, ":")
	case bottest.KindPress:
		var p struct {
			User    struct{ ID string }
			Actions []struct {
				ActionID string `json:"action_id"`
				Value    string
				TS       string `json:"action_ts"`
			}
		}
		if json.Unmarshal([]byte(e.Text), &p) != nil || len(p.Actions) != 1 {
			return
		}
		a := p.Actions[0]
		user = p.User.ID
		key = strings.Join([]string{"press", url.QueryEscape(user), url.QueryEscape(a.ActionID), url.QueryEscape(a.Value), url.QueryEscape(a.TS)}, ":")
	default:
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given[user] = key
}

func (c *crowd) fault(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, err.Error())
}

// live lets so many callers call at a time, one call after the other while more says so, and the people answer. It
// returns when the last caller has gone; the people stay until they go home.
func (c *crowd) live(callers int, more func() bool) {
	var calling sync.WaitGroup
	for _, p := range c.cfg.People {
		c.answering.Go(func() { c.person(p) })
	}
	go c.anybody(supportPhone, func() {})
	for range callers {
		calling.Go(func() {
			r := c.draw()
			for c.ctx.Err() == nil && more() {
				c.pause(r, 5)
				c.caller(r)
			}
		})
	}
	calling.Wait()
	c.late.Store(true)
}

func (c *crowd) goHome() {
	close(c.over)
	c.answering.Wait()
}
