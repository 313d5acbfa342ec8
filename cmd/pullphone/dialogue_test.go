package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// dialogue is one scenario: who says, presses and hears what, a line each. The lines are those of verbs below; text
// stands in double quotes and is looked for in what comes after that which was found before. {Jane} is the short code
// that Jane's call has at that moment. Ann, Bob and Cy are people, the others callers; Cy belongs to no line unless the
// config says so.
type dialogue struct {
	name string
	line []string            // more of the line's config; people: [Ann, Bob] by default
	yaml func(string) string // changes the config file
	says string
}

// play plays dialogues against the program as serve runs it, on a clock that only the dialogue moves.
func play(t *testing.T, all []dialogue) {
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, d)
			for _, l := range strings.Split(d.says, "\n") {
				if l = strings.TrimSpace(l); l != "" {
					s.line(l)
				}
			}
			s.curtain()
		})
	}
}

// The callers, but for Lee, who withholds the number.
var callers = map[string]string{"Jane": janePhone, "Mark": markPhone, "Kim": kimPhone, "Lee": leePhone}

// scene is a dialogue that is being played.
type scene struct {
	*harness
	actors map[string]*actor
	shown  map[string]bool // messages in the channel that were spoken of, by ts
	log    []string
}

// actor is a caller or one of the people.
type actor struct {
	name, phone, slack string

	party *voicetest.Party // the telephone call that they are in, or were last
	call  *voicetest.Call  // the last that they began
	leg   *voicetest.Leg   // the last that rang
	heard int              // how much of party's sounds was spoken of
	texts int              // likewise of the SMS
	told  int              // of what Slack told them in private
}

func newScene(t *testing.T, d dialogue) *scene {
	line := d.line
	if !slices.ContainsFunc(line, func(l string) bool { return strings.HasPrefix(l, "people:") }) {
		line = append([]string{"people: [Ann, Bob]"}, line...)
	}
	h := serveTown(t, options{line: line, yaml: d.yaml,
		people: fmt.Sprintf("  - {name: Cy, phone: %q, slack: %s}\n", cyPhone, cySlack),
		prepare: func(t *town) {
			t.work.AddUser(bottest.User{ID: cySlack, Name: "Cy", TZ: "America/Boise"})
		}})
	s := &scene{harness: h, actors: map[string]*actor{}, shown: map[string]bool{}}
	for name, phone := range callers {
		s.actors[name] = &actor{name: name, phone: phone}
	}
	for _, p := range h.cfg.People {
		s.actors[p.Name] = &actor{name: p.Name, phone: p.Phone, slack: p.Slack}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.story())
		}
	})
	return s
}

// ended is how Slack shows each outcome.
var ended = map[store.Outcome]string{
	store.Talked: "Talked with ", store.Voicemail: "Left a voicemail of ", store.Missed: "Missed: ", store.Forwarded: "Forwarded by ",
	store.CalledBack: "Called back by ", store.Tried: "and not reached.",
}

// curtain is what every dialogue must come to, whatever its lines look at: those who called a line still in it are shown
// as they are; of those who do not, history tells once how it ended, and Slack shows the same, without a button. Nobody has
// heard an error.
func (s *scene) curtain() {
	for _, a := range s.actors {
		for _, p := range []*voicetest.Party{a.party, partyOf(a.call)} {
			if p != nil && slices.ContainsFunc(p.Heard(), func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardError }) {
				s.t.Errorf("%s hears an error: %v", a.name, p.Heard())
			}
		}
		if a.call == nil {
			continue
		}
		id, err := s.store.CallBySID(s.ctx, a.call.SID())
		if errors.Is(err, store.ErrNoCall) { // somebody who dialled in
			continue
		}
		s.must(err)
		s.log = append(s.log, "the last message about "+a.name)
		s.settle()
		c, err := s.store.Call(s.ctx, id)
		s.must(err)
		if c.Open() {
			s.await(func() bool {
				return slices.ContainsFunc(s.about(a), func(m bottest.Message) bool { return len(m.Buttons()) > 0 == (c.State == store.Waiting) })
			})
			continue
		}
		r := s.record(a.call)
		s.await(func() bool {
			return slices.ContainsFunc(s.about(a), func(m bottest.Message) bool {
				return strings.Contains(m.AsText(), ended[r.Outcome]) && len(m.Buttons()) == 0
			})
		})
	}
}

func partyOf(c *voicetest.Call) *voicetest.Party {
	if c == nil {
		return nil
	}
	return c.Party
}

// verbs are what a line can say. Each gets what its pattern finds.
var verbs = []struct {
	pattern *regexp.Regexp
	do      func(*scene, []string)
}{
	{regexp.MustCompile(`^(\w+) calls(?: (\+\d+))?(?: with (\S+))?$`), (*scene).calls},
	{regexp.MustCompile(`^(\w+) hears (music|a beep|ringing)$`), (*scene).hearsSound},
	{regexp.MustCompile(`^(\w+) hears "(.*)"$`), (*scene).hearsWords},
	{regexp.MustCompile(`^(\w+) presses ([0-9*#]+)$`), (*scene).pressesKey},
	{regexp.MustCompile(`^(\w+) hangs up$`), (*scene).hangsUp},
	{regexp.MustCompile(`^(\w+) (waits|talks|is asked for a message|is gone)$`), (*scene).isAt},
	{regexp.MustCompile(`^(\w+) leaves a message of (\d+)s$`), (*scene).leavesMessage},
	{regexp.MustCompile(`^(\w+)'s phone rings$`), (*scene).phoneRings},
	{regexp.MustCompile(`^(\w+)'s phone (stops|is silent)$`), (*scene).phoneSilent},
	{regexp.MustCompile(`^(\w+) (picks up|declines)$`), (*scene).answersPhone},
	{regexp.MustCompile(`^(\w+) texts "(.*)"$`), (*scene).textsLine},
	{regexp.MustCompile(`^(\w+) gets "(.*)"$`), (*scene).getsText},
	{regexp.MustCompile(`^(\w+) gets nothing$`), (*scene).getsNothing},
	{regexp.MustCompile(`^(\w+) presses \[(.+)\](?: on (\w+))?$`), (*scene).pressesButton},
	{regexp.MustCompile(`^(\w+) types "/pull ?(.*)"$`), (*scene).types},
	{regexp.MustCompile(`^(\w+) is told "(.*)"$`), (*scene).isTold},
	{regexp.MustCompile(`^Slack shows (\w+) "(.*?)"((?: \[\w+\])*)$`), (*scene).slackShows},
	{regexp.MustCompile(`^Slack says "(.*)"$`), (*scene).slackSays},
	{regexp.MustCompile(`^(\S+) pass(?:es)?$`), (*scene).timePasses},
	{regexp.MustCompile(`^the server restarts$`), (*scene).restarts},
	{regexp.MustCompile(`^(\w+)'s call was (\w+)(?: by (\w+))?(?: via (\w+))?$`), (*scene).callWas},
}

func (s *scene) line(l string) {
	s.t.Helper()
	s.log = append(s.log, l)
	l = code.ReplaceAllStringFunc(l, func(m string) string { return strconv.Itoa(s.harness.call(s.actor(m[1 : len(m)-1]).call).Code) })
	for _, v := range verbs {
		if m := v.pattern.FindStringSubmatch(l); m != nil {
			v.do(s, m)
			return
		}
	}
	s.t.Fatalf("no such line: %s", l)
}

var code = regexp.MustCompile(`\{\w+\}`)

func (s *scene) actor(name string) *actor {
	a := s.actors[name]
	if a == nil {
		s.t.Fatalf("%s: who is %s?", s.log[len(s.log)-1], name)
	}
	return a
}

// await waits for what a line says, while the clock stands.
func (s *scene) await(is func() bool) {
	s.t.Helper()
	s.until(s.log[len(s.log)-1], is)
}

func (s *scene) calls(m []string) {
	a := s.actor(m[1])
	info := voicetest.CallerInfo{StirVerstat: m[3]}
	switch a.name {
	case "Jane":
		info.City, info.State, info.Country = jane.City, jane.State, jane.Country
	case "Lee":
		info.From = "anonymous"
	}
	a.call = s.net.Phone(a.phone).Call(cmp.Or(m[2], salesNumber), info)
	a.party, a.heard = a.call.Party, 0
}

// next waits for a sound that comes after those that were spoken of.
func (s *scene) next(a *actor, is func(voicetest.Heard) bool) {
	s.t.Helper()
	if a.party == nil {
		s.t.Fatalf("%s: %s is on no phone", s.log[len(s.log)-1], a.name)
	}
	s.await(func() bool {
		all := a.party.Heard()
		i := slices.IndexFunc(all[a.heard:], is)
		if i >= 0 {
			a.heard += i + 1
		}
		return i >= 0
	})
}

func (s *scene) hearsSound(m []string) {
	kind := map[string]voicetest.HeardKind{"music": voicetest.HeardPlay, "a beep": voicetest.HeardBeep, "ringing": voicetest.HeardRing}[m[2]]
	s.next(s.actor(m[1]), func(h voicetest.Heard) bool { return h.Kind == kind })
}

func (s *scene) hearsWords(m []string) {
	s.next(s.actor(m[1]), func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardSay && strings.Contains(h.Text, m[2]) })
}

func (s *scene) pressesKey(m []string) {
	a := s.actor(m[1])
	if a.party.Place() != voicetest.PlaceRecording {
		s.must(a.party.WaitKeys(s.ctx))
	}
	a.party.Press(m[2])
}

func (s *scene) hangsUp(m []string) { s.actor(m[1]).party.Hangup() }

func (s *scene) isAt(m []string) {
	place := map[string]voicetest.Place{"waits": voicetest.PlaceQueue, "talks": voicetest.PlaceBridged,
		"is asked for a message": voicetest.PlaceRecording, "is gone": voicetest.PlaceEnded}[m[2]]
	s.must(s.actor(m[1]).party.WaitPlace(s.ctx, place))
}

func (s *scene) leavesMessage(m []string) {
	a := s.actor(m[1])
	s.must(a.party.WaitPlace(s.ctx, voicetest.PlaceRecording))
	n, _ := strconv.Atoi(m[2])
	a.party.Speak(time.Duration(n) * time.Second)
	a.party.Hangup()
	s.must(a.party.WaitEnd(s.ctx))
}

func (s *scene) phoneRings(m []string) {
	a := s.actor(m[1])
	leg, err := s.net.Phone(a.phone).WaitRing(s.ctx)
	s.must(err)
	a.leg = leg
}

func (s *scene) phoneSilent(m []string) {
	a := s.actor(m[1])
	if m[2] == "stops" {
		s.must(a.leg.WaitEnd(s.ctx))
		return
	}
	s.settle()
	if s.net.Phone(a.phone).Ringing() {
		s.t.Errorf("%s: it rings", s.log[len(s.log)-1])
	}
}

func (s *scene) answersPhone(m []string) {
	a := s.actor(m[1])
	if m[2] == "declines" {
		a.leg.Decline()
		return
	}
	a.leg.Answer()
	a.party, a.heard = a.leg.Party, 0
}

func (s *scene) textsLine(m []string) {
	s.must(s.net.Phone(s.actor(m[1]).phone).Text(salesNumber, m[2]).WaitDone(s.ctx))
}

func (s *scene) getsText(m []string) {
	a := s.actor(m[1])
	s.await(func() bool {
		all := s.net.Phone(a.phone).Inbox()
		i := slices.IndexFunc(all[a.texts:], func(t voicetest.SMS) bool { return strings.Contains(t.Body, m[2]) })
		if i >= 0 {
			a.texts += i + 1
		}
		return i >= 0
	})
}

func (s *scene) getsNothing(m []string) {
	s.settle()
	a := s.actor(m[1])
	for _, t := range s.net.Phone(a.phone).Inbox()[a.texts:] {
		s.t.Errorf("%s: but gets %q", s.log[len(s.log)-1], t.Body)
	}
}

// pressesButton presses a button of a caller's message, or of the last thing that Slack told the person in private.
func (s *scene) pressesButton(m []string) {
	a := s.actor(m[1])
	has := func(b bottest.Message) bool {
		return slices.ContainsFunc(b.Buttons(), func(b bottest.Button) bool { return b.Text == m[2] })
	}
	var on bottest.Message
	s.await(func() bool {
		from := s.work.Ephemerals(a.slack)
		if m[3] != "" {
			from = s.about(s.actor(m[3]))
		}
		i := slices.IndexFunc(from, has)
		if i >= 0 {
			on = from[i]
		}
		return i >= 0
	})
	_, err := s.work.PressStale(s.ctx, a.slack, salesChannel, on, m[2])
	s.must(err)
}

// about is the message of a caller's call.
func (s *scene) about(a *actor) []bottest.Message {
	ts := s.harness.call(a.call).Message.TS
	return slices.DeleteFunc(s.work.Messages(salesChannel), func(m bottest.Message) bool { return m.TS != ts || ts == "" })
}

func (s *scene) types(m []string) {
	a := s.actor(m[1])
	a.told = len(s.work.Ephemerals(a.slack))
	s.command(a.slack, m[2])
}

func (s *scene) isTold(m []string) {
	a := s.actor(m[1])
	s.await(func() bool {
		all := s.work.Ephemerals(a.slack)
		i := slices.IndexFunc(all[a.told:], func(e bottest.Message) bool { return strings.Contains(e.AsText(), m[2]) })
		if i >= 0 {
			a.told += i + 1
		}
		return i >= 0
	})
}

func (s *scene) slackShows(m []string) {
	a := s.actor(m[1])
	var buttons []string
	for _, b := range strings.Fields(m[3]) {
		buttons = append(buttons, strings.Trim(b, "[]"))
	}
	s.await(func() bool {
		for _, on := range s.about(a) {
			var have []string
			for _, b := range on.Buttons() {
				have = append(have, b.Text)
			}
			s.shown[on.TS] = true
			if strings.Contains(on.AsText(), m[2]) && slices.Equal(have, buttons) {
				return true
			}
		}
		return false
	})
}

func (s *scene) slackSays(m []string) {
	s.await(func() bool {
		for _, on := range s.work.Messages(salesChannel) {
			if !s.shown[on.TS] && strings.Contains(on.AsText(), m[1]) {
				s.shown[on.TS] = true
				return true
			}
		}
		return false
	})
}

// timePasses moves the clock in small steps, and lets what is due be done at each.
func (s *scene) timePasses(m []string) {
	d, err := time.ParseDuration(m[1])
	s.must(err)
	for d > 0 {
		s.settle()
		step := min(d, max(500*time.Millisecond, d/100))
		s.clock.Advance(step)
		d -= step
	}
	s.settle()
}

// settle waits until all that is due is done and nothing is under way; for a moment only where something waits for the
// clock.
func (s *scene) settle() {
	const moment = 100 * time.Millisecond
	quiet := 0
	for until := time.Now().Add(moment); quiet < 2 && time.Now().Before(until); time.Sleep(time.Millisecond) {
		due, err := isDue(s.ctx, s.db, s.clock.Now())
		s.must(err)
		if quiet++; due || s.net.Busy() {
			quiet = 0
		}
	}
}

func (s *scene) restarts([]string) {
	s.stop()
	s.start()
}

func (s *scene) callWas(m []string) {
	r := s.record(s.actor(m[1]).call)
	equal(s.t, s.log[len(s.log)-1], fmt.Sprint(r.Outcome, " by ", r.AnsweredBy, " via ", r.Via), fmt.Sprint(m[2], " by ", m[3], " via ", m[4]))
}

// story is what has happened so far.
func (s *scene) story() string {
	var b strings.Builder
	for _, l := range s.log {
		fmt.Fprintln(&b, l)
	}
	fmt.Fprintf(&b, "-- at %s\n", s.clock.Now().Format(time.TimeOnly))
	for _, a := range s.actors {
		if a.party != nil {
			fmt.Fprintf(&b, "%s, at %q, heard %v\n", a.name, a.party.Place(), a.party.Heard())
		}
		for _, m := range s.net.Phone(a.phone).Inbox() {
			fmt.Fprintf(&b, "%s got at %s: %s\n", a.name, m.At.Format(time.TimeOnly), m.Body)
		}
		for _, m := range s.work.Ephemerals(a.slack) {
			fmt.Fprintf(&b, "%s was told: %s\n", a.name, m.AsText())
		}
	}
	for _, m := range s.work.Messages(salesChannel) {
		fmt.Fprintf(&b, "Slack: %s\n", m.AsText())
	}
	return b.String()
}
