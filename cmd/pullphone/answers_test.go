package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

var rounds = flag.Int("rounds", 50, "how many calls TestFiftyAnswersAtOnce answers")

// At once, fifty people answer one call, by SMS and in Slack, with yes and with no. One answer is the claim, and all
// others are told whose it was.
func TestFiftyAnswersAtOnce(t *testing.T) {
	// A town remembers every message and looks through all of them, so there are several; and side by side, since what
	// they wait for is the disk.
	const perTown, towns = 25, 6
	var (
		mu      sync.Mutex
		winners = map[string]int{}
		all     sync.WaitGroup
		left    = make(chan int, *rounds/perTown+1)
	)
	for n := *rounds; n > 0; n -= perTown {
		left <- min(n, perTown)
	}
	close(left)
	for range towns {
		all.Go(func() {
			for n := range left {
				t.Run("town", func(t *testing.T) {
					h := serveTown(t, options{people: crew(48)})
					for i := range 48 {
						h.work.AddUser(bottest.User{ID: crewSlack(i), Name: crewName(i)})
					}
					for i := range n {
						way := fiftyAnswers(h, i)
						h.clock.Advance(time.Minute) // nobody's texts are heard without end
						mu.Lock()
						winners[way]++
						mu.Unlock()
					}
					// Nothing came after it seemed to be over.
					for _, r := range h.history() {
						if n := h.net.Redirects(r.CallSID); n != 1 {
							t.Errorf("%s was redirected %d times", r.CallSID, n)
						}
					}
				})
			}
		})
	}
	all.Wait()
	t.Logf("won by: %v", winners)
	if *rounds >= 50 && len(winners) < 2 {
		t.Errorf("every round was won in the same way (%v): the answers did not meet", winners)
	}
}

// fiftyAnswers plays one round and returns how the winner had answered.
func fiftyAnswers(h *harness, round int) (way string) {
	t := h.t
	phone := fmt.Sprintf("+1208555%04d", 2000+round)
	call := h.net.Phone(phone).Call(salesNumber, voicetest.CallerInfo{})
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	number := fmt.Sprintf("(208) 555-%04d", 2000+round)
	m, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool {
		return len(m.Buttons()) == 2 && strings.Contains(m.Text, number)
	})
	h.must(err)
	code := h.call(call).Code

	type answer struct {
		way, name, told string
		give            func() (told string, err error)
	}
	answers := make([]*answer, len(h.cfg.People))
	for i, p := range h.cfg.People {
		a := &answer{name: p.Name}
		answers[i] = a
		// Which way each person answers differs from round to round, and so does who is started first.
		switch word := [...]string{"Y", "Take", "N", "Voicemail"}[(i+round)%4]; word {
		case "Y", "N":
			a.way = "SMS " + word
			said := fmt.Sprintf("%s %d", word, code)
			// The announcement has come before the answer is given.
			_, err := h.net.Phone(p.Phone).WaitSMS(h.ctx, func(s voicetest.SMS) bool { return strings.HasPrefix(s.Body, "Sales: "+number+announced) })
			h.must(err)
			a.give = func() (string, error) { return h.reply(p.Phone, said) }
		default:
			a.way = "Slack " + word
			a.give = func() (string, error) {
				got, err := h.work.PressStale(h.ctx, p.Slack, salesChannel, m, word)
				if err == nil && got.Status != 200 {
					err = errors.New("status of a press")
				}
				return "", err
			}
		}
	}

	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		a := answers[(i*7+round)%len(answers)]
		all.Go(func() {
			<-start
			var err error
			if a.told, err = a.give(); err != nil {
				t.Errorf("%s, %s: %v", a.name, a.way, err)
			}
		})
	}
	close(start)
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}

	c := h.call(call)
	if c.Claim == nil || c.Claim.Attempt != 1 {
		t.Fatalf("round %d: claim %+v", round, c.Claim)
	}
	winner := c.Claim.Person
	won := 0
	for i, p := range h.cfg.People {
		a := answers[i]
		if strings.HasPrefix(a.way, "Slack") {
			e, err := h.work.WaitEphemeral(h.ctx, p.Slack, func(e bottest.Message) bool { return strings.Contains(e.Text, number) })
			h.must(err)
			a.told = e.AsText()
		}
		late := "Too late: " + winner + " took " + number + ", "
		if c.Claim.Word == store.SendVoicemail {
			late = "Too late: " + winner + " has sent " + number + " to voicemail, "
		}
		yours := "Yours: " + number + "."
		if c.Claim.Word == store.SendVoicemail {
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
	if c.Claim.Word == store.SendVoicemail {
		place = voicetest.PlaceRecording
	}
	h.must(call.WaitPlace(h.ctx, place))
	call.Hangup()
	r := h.record(call)
	h.must(h.net.WaitQuiet(h.ctx))
	want := store.Record{CallSID: call.SID(), Line: "Sales", From: phone, Arrived: r.Arrived, AnsweredBy: winner, Via: c.Claim.Via, Outcome: store.Missed}
	equal(t, "history", r, want)
	h.redirected(call, 1)
	h.shows(m.TS, "Missed")
	h.clock.Advance(time.Minute) // Slack has its limits
	return way
}
