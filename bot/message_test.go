package bot

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
)

var update = flag.Bool("update", false, "write testdata/messages.txt anew")

const callID = "01KJQR3JW84R5235HB0RXPARG5"

// picture is a call in a state that its message must show.
type picture struct {
	name string
	call store.Call
}

// pictures are all that a message can show, of a caller of that name and city.
func pictures(from, name, city string) []picture {
	at := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
	base := store.Call{ID: callID, Line: sales, From: from, Name: name, City: city, Attempt: 1, Code: 1, Rev: 1, Arrived: at}
	took := &store.Claim{Word: store.Take, Person: "Ann", Via: store.BySMS, Attempt: 1, At: at.Add(20 * time.Second)}
	sent := &store.Claim{Word: store.SendVoicemail, Person: "Bob", Via: store.BySlack, Attempt: 1, At: at.Add(30 * time.Second)}
	rule := &store.Claim{Word: store.SendVoicemail, Via: store.ByRule, Attempt: 1, At: at.Add(2 * time.Minute)}
	with := func(name string, s store.State, o store.Outcome, change func(*store.Call)) picture {
		c := base
		c.State, c.Outcome = s, o
		if s == store.Ended {
			c.Stopped = at.Add(3 * time.Minute)
		}
		if change != nil {
			change(&c)
		}
		return picture{name, c}
	}
	all := []picture{
		with("waiting", store.Waiting, "", nil),
		with("waiting, an SMS refused", store.Waiting, "", func(c *store.Call) {
			c.Undone = []store.Undone{{Kind: store.Text, Person: "Bob", Why: "has opted out; text START to the line"}}
		}),
		with("ringing", store.Ringing, "", func(c *store.Call) { c.Claim = took }),
		with("talking", store.Talking, "", func(c *store.Call) { c.Claim, c.Accepted = took, at.Add(31*time.Second) }),
		with("recording, sent", store.Recording, "", func(c *store.Call) { c.Claim = sent }),
		with("recording, nobody answered", store.Recording, "", func(c *store.Call) { c.Claim = rule }),
		with("talked", store.Ended, store.Talked, func(c *store.Call) { c.Claim, c.Accepted, c.Seconds = took, at.Add(31*time.Second), 95 }),
		with("voicemail", store.Ended, store.Voicemail, func(c *store.Call) { c.Claim, c.Voice = sent, []store.Voice{{SID: "RE1", Seconds: 17}} }),
		with("missed", store.Ended, store.Missed, nil),
		with("missed while ringing", store.Ended, store.Missed, func(c *store.Call) { c.Claim = took }),
		with("missed, no message", store.Ended, store.Missed, func(c *store.Call) { c.Claim = rule }),
		with("waiting, nobody told", store.Waiting, "", func(c *store.Call) {
			c.Ring = store.Ring{Turn: 2, Person: "Ann", SID: "CA9"}
			c.Undone = []store.Undone{
				{Kind: store.Text, Person: "Bob", Code: 30006, Why: "number is a landline, or its carrier takes no SMS", Times: 3},
				{Kind: store.RingUp, Person: "Bob", Code: 13227},
			}
		}),
		with("taken on the phone", store.Ringing, "", func(c *store.Call) {
			leg := *took
			leg.Via, leg.Leg = store.ByPhone, "CA9"
			c.Claim = &leg
		}),
	}
	for _, why := range []store.Why{store.NoAnswer, store.Busy, store.Declined, store.NotAccepted, store.HungUp, store.Failed} {
		all = append(all, with("waiting again, "+string(why), store.Waiting, "", func(c *store.Call) {
			c.Attempt, c.Tries = 2, []store.Try{{Person: "Ann", Why: why, At: at.Add(40 * time.Second)}}
		}))
	}
	return all
}

// send posts a message through the real client, and returns what Slack made of it.
func (r *room) send(p post) bottest.Message {
	r.Helper()
	ch, ts, err := r.Slack.PostMessageContext(r.ctx, channel, p.options()...)
	r.no(err)
	for _, m := range r.work.Messages(ch) {
		if m.TS == ts {
			return m
		}
	}
	r.Fatal("the message is not there")
	return bottest.Message{}
}

// Each picture as people read it; behind "|" what a notification and a screen reader say.
func TestMessages(t *testing.T) {
	r := open(t, someTeam())
	line := r.Store.Team.Lines[0]
	var out strings.Builder
	show := func(name string, m bottest.Message) {
		fmt.Fprintf(&out, "== %s\n%s\n| %s\n\n", name, strings.TrimRight(bottest.Render(m, nil), "\n"), m.Text)
	}
	for _, p := range pictures(caller, "JANE DOE", "Boise, ID") {
		show(p.name, r.send(message(line, p.call)))
	}
	show("withheld", r.send(message(line, pictures("", "", "")[0].call)))
	show("only a number", r.send(message(line, pictures("+442079460018", "", "")[0].call)))
	left := pictures(caller, "JANE DOE", "Boise, ID")[7].call
	show("voicemail's own post", r.send(voicemail(line, left, 0, "https://phone.example.com/voicemail/x")))

	const file = "testdata/messages.txt"
	if *update {
		r.no(os.MkdirAll("testdata", 0o755))
		r.no(os.WriteFile(file, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	r.no(err)
	if out.String() != string(want) {
		t.Errorf("run with -update and look at what has changed in %s; got\n%s", file, out.String())
	}
}

func TestButtons(t *testing.T) {
	r := open(t, someTeam())
	for _, p := range pictures(caller, "JANE DOE", "Boise, ID") {
		m := r.send(message(r.Store.Team.Lines[0], p.call))
		var names []string
		for _, b := range m.Buttons() {
			names = append(names, b.Text)
			id, attempt, ok := parseValue(b.Value)
			if !ok || id != callID || attempt != p.call.Attempt {
				t.Errorf("%s: button with value %q", p.name, b.Value)
			}
		}
		want := ""
		if p.call.State == store.Waiting {
			want = "Take Voicemail"
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: buttons %q, want %q", p.name, got, want)
		}
	}
}

// Slack refuses a whole message for one text that is too long. The double refuses alike, and complains.
func TestMessageLimits(t *testing.T) {
	for name, long := range map[string]string{
		"emoji": strings.Repeat("😀", 200), "letters": strings.Repeat("x", 300), "ampersands": strings.Repeat("&", 200),
		"brackets": strings.Repeat("<>", 100), "words": strings.Repeat("Bartholomew ", 30), "stars": strings.Repeat("*_", 100), "dots": strings.Repeat("a.", 100),
	} {
		t.Run(name, func(t *testing.T) {
			team := someTeam()
			team.Lines[0].Name = strings.TrimSpace((long + long)[:len(long)])
			r := open(t, team)
			line := r.Store.Team.Lines[0]
			for _, p := range pictures(caller, long, long) {
				c := p.call
				for i := range 30 {
					c.Undone = append(c.Undone, store.Undone{Kind: store.Text, Person: fmt.Sprint(long, i), Why: "has opted out; text START to the line"})
				}
				if c.Claim != nil && c.Claim.Person != "" {
					by := *c.Claim
					by.Person = long
					c.Claim = &by
				}
				for i := range c.Tries {
					c.Tries[i].Person = long
				}
				r.send(message(line, c))
			}
			r.send(voicemail(line, pictures(caller, long, long)[7].call, 0, "https://phone.example.com/"+strings.Repeat("x", 200)))
			r.no(r.ephemeral(r.ctx, aside{channel, ann, "Yours: " + long + "."}))
		})
	}
}
