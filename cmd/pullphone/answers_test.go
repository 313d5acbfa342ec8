package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

var rounds = flag.Int("rounds", 5, "how many calls TestFiftyAnswersAtOnce answers")

// At once, fifty people answer one call, by SMS and in Slack, with yes and with no. One answer is the claim, and all
// others are told whose it was.
func TestFiftyAnswersAtOnce(t *testing.T) {
	// Side by side, since what they wait for is the disk.
	fiftyEach(t, *rounds, 25, 6, func(t *testing.T, c *crowd, o options, rounds int) map[string]int {
		c.harness = serveTown(t, o)
		return c.fiftyInTown(c.db, rounds, func() { c.clock.Advance(2 * time.Minute) }) // Slack has its limits, and nobody's texts are heard without end
	})
}

// fiftyEach plays rounds, so many a town, as a town remembers every message and looks through all of them; and towns side
// by side.
func fiftyEach(t *testing.T, rounds, perTown, towns int, play func(t *testing.T, c *crowd, o options, rounds int) (winners map[string]int)) {
	var (
		mu      sync.Mutex
		winners = map[string]int{}
		all     sync.WaitGroup
		left    = make(chan int, rounds/perTown+1)
	)
	for n := rounds; n > 0; n -= perTown {
		left <- min(n, perTown)
	}
	close(left)
	for range towns {
		all.Go(func() {
			for n := range left {
				t.Run("town", func(t *testing.T) {
					c, _ := newCrowd(0, 0)
					ways := play(t, c, options{people: crew(48), voice: voicetest.Options{Trace: c.hear}, slack: bottest.Options{Trace: c.see}, prepare: func(town *town) {
						for i := range 48 {
							town.work.AddUser(bottest.User{ID: crewSlack(i), Name: crewName(i)})
						}
					}}, n)
					mu.Lock()
					defer mu.Unlock()
					for way, n := range ways {
						winners[way] += n
					}
				})
			}
		})
	}
	all.Wait()
	t.Logf("won by: %v", winners)
	if rounds >= 50 && len(winners) < 2 {
		t.Errorf("every round was won in the same way (%v): the answers did not meet", winners)
	}
}

// fiftyInTown plays rounds in one town, whose store is given, and returns how the winners had answered.
func (c *crowd) fiftyInTown(kept store.Backend, rounds int, between func()) (winners map[string]int) {
	winners = map[string]int{}
	for i := range rounds {
		winners[c.fiftyAnswers(i)]++
		between()
	}
	// Nothing came after it seemed to be over.
	records := map[string]store.Record{}
	for _, r := range c.history() {
		records[r.CallSID] = r
		if n := c.net.Redirects(r.CallSID); n != 1 {
			c.t.Errorf("%s was redirected %d times", r.CallSID, n)
		}
	}
	equal(c.t, "answers", len(c.answers), 50*rounds)
	c.linear(readKept(c.t, kept, team(c.cfg)), records)
	equal(c.t, "messages in the channel", len(c.work.Messages(salesChannel)), rounds)
	for _, p := range c.cfg.People {
		equal(c.t, "announcements to "+p.Name, len(announcements(c.net, p.Phone)), rounds)
		told := map[string]int{}
		for _, m := range c.net.Phone(p.Phone).Inbox() {
			told[m.Body]++
		}
		for _, e := range c.work.Ephemerals(p.Slack) {
			told[e.AsText()]++
		}
		for text, n := range told { // each names the caller
			equal(c.t, p.Name+" is told "+text, n, 1)
		}
	}
	return winners
}

// fiftyAnswers plays one round and returns how the winner had answered.
func (c *crowd) fiftyAnswers(round int) (way string) {
	t := c.t
	phone, number := fmt.Sprintf("+1208555%04d", 2000+round), fmt.Sprintf("(208) 555-%04d", 2000+round)
	call := &call{line: salesNumber, number: number, begun: c.now(), Call: c.net.Phone(phone).Call(salesNumber, voicetest.CallerInfo{})}
	c.calls = append(c.calls, call)
	c.must(call.WaitPlace(c.ctx, voicetest.PlaceQueue))
	m, err := c.work.WaitMessage(c.ctx, salesChannel, func(m bottest.Message) bool {
		return len(m.Buttons()) == 2 && strings.Contains(m.Text, number)
	})
	c.must(err)
	code := c.call(call.Call).Code

	type answer struct {
		way, told string
		give      func() *spoken
	}
	answers := make([]*answer, len(c.cfg.People))
	for i, p := range c.cfg.People {
		a := &answer{}
		answers[i] = a
		// The announcement has come before an answer is given, or none would be sent any more.
		_, err := c.net.Phone(p.Phone).WaitSMS(c.ctx, func(s voicetest.SMS) bool { return strings.HasPrefix(s.Body, "Sales: "+number+announced) })
		c.must(err)
		// Which way each person answers differs from round to round, and so does who is started first.
		switch word := [...]string{"Y", "Take", "N", "Voicemail"}[(i+round)%4]; word {
		case "Y", "N":
			a.way = "SMS " + word
			a.give = func() *spoken { return c.texts(p, salesNumber, fmt.Sprintf("%s %d", word, code), number) }
		default:
			a.way = "Slack " + word
			b := m.Buttons()[slices.IndexFunc(m.Buttons(), func(b bottest.Button) bool { return b.Text == word })]
			a.give = func() *spoken { return c.presses(p, m, b) }
		}
	}

	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		a := answers[(i*7+round)%len(answers)]
		all.Go(func() {
			<-start
			said := a.give()
			if a.told = said.told; !said.acked {
				t.Errorf("%s, %s: not heard", said.person, a.way)
			}
		})
	}
	close(start)
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}

	claim := c.call(call.Call).Claim
	if claim == nil || claim.Attempt != 1 {
		t.Fatalf("round %d: claim %+v", round, claim)
	}
	winner := claim.Person
	won := 0
	for i, p := range c.cfg.People {
		a := answers[i]
		if strings.HasPrefix(a.way, "Slack") {
			e, err := c.work.WaitEphemeral(c.ctx, p.Slack, func(e bottest.Message) bool { return strings.Contains(e.Text, number) })
			c.must(err)
			a.told = e.AsText()
		}
		late := "Too late: " + winner + " took " + number + ", "
		if claim.Word == store.SendVoicemail {
			late = "Too late: " + winner + " has sent " + number + " to voicemail, "
		}
		yours := "Yours: " + number + "."
		if claim.Word == store.SendVoicemail {
			yours = number + " is sent to voicemail."
		}
		switch {
		case p.Name == winner:
			won++
			way = a.way
			if !strings.HasPrefix(a.told, yours) {
				t.Errorf("round %d: the winner %s (%s) is told %q", round, p.Name, a.way, a.told)
			}
		case !strings.HasPrefix(a.told, late):
			t.Errorf("round %d: %s (%s) is told %q, not %q", round, p.Name, a.way, a.told, late)
		}
	}
	equal(t, "winners among those told", won, 1)

	// The caller hears what the claim says, and gives up.
	place := voicetest.PlaceDialing
	if claim.Word == store.SendVoicemail {
		place = voicetest.PlaceRecording
	}
	c.must(call.WaitPlace(c.ctx, place))
	call.Hangup()
	r := c.harness.record(call.Call)
	c.must(c.net.WaitQuiet(c.ctx))
	want := store.Record{CallSID: call.SID(), Line: "Sales", From: phone, Arrived: r.Arrived, WaitedSeconds: r.WaitedSeconds, AnsweredBy: winner, Via: claim.Via, Outcome: store.Missed}
	equal(t, "history", r, want)
	c.redirected(call.Call, 1)
	c.shows(m.TS, "Missed")
	return way
}
