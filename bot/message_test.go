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
	all = append(all, ruled(with, at, name)...)
	for _, why := range []store.Why{store.NoAnswer, store.Busy, store.Declined, store.NotAccepted, store.HungUp, store.GaveBack, store.Failed} {
		all = append(all, with("waiting again, "+string(why), store.Waiting, "", func(c *store.Call) {
			c.Attempt, c.Tries = 2, []store.Try{{Person: "Ann", Why: why, At: at.Add(40 * time.Second)}}
		}))
	}
	return all
}

// ruled are the pictures of what the line's rules, forwards, hand-overs and callbacks bring about.
func ruled(with func(string, store.State, store.Outcome, func(*store.Call)) picture, at time.Time, name string) []picture {
	claim := func(c store.Claim) func(*store.Call) {
		c.Attempt, c.At = 1, at.Add(30*time.Second)
		return func(call *store.Call) { call.Claim = &c }
	}
	take := store.Claim{Word: store.Take, Person: "Ann", Via: store.BySlack}
	forward := store.Claim{Word: store.Forward, Person: "Ann", Via: store.BySMS, To: "+12085550199"}
	rule := func(r store.Rule) store.Claim {
		return store.Claim{Word: store.SendVoicemail, Via: store.ByRule, Rule: r}
	}
	talks := func(c *store.Call) { c.Accepted, c.Seconds = at.Add(40*time.Second), 95 }
	hands := func(c *store.Call) {
		c.Attempt, c.Handed = 2, &store.Handed{By: "Ann", Note: "asks\nfor " + name, At: at.Add(2 * time.Minute), Seconds: 80}
	}
	back := func(c *store.Call) { c.Back = &store.Callback{At: at.Add(time.Minute)} }
	try := func(t store.Try, after time.Duration) func(*store.Call) {
		return func(c *store.Call) {
			t.At = at.Add(after)
			c.Attempt, c.Tries = c.Attempt+1, append(c.Tries, t)
		}
	}
	unreached := func(c *store.Call) {
		try(store.Try{Person: "Ann", Why: store.Unreached}, 2*time.Minute)(c)
		c.Back.Tries++
	}
	also := func(changes ...func(*store.Call)) func(*store.Call) {
		return func(c *store.Call) {
			for _, change := range changes {
				change(c)
			}
		}
	}
	told := func(steps int, names ...string) func(*store.Call) {
		return func(c *store.Call) { c.Steps, c.Told = steps, append([]string{"Ann"}, names...) }
	}
	passed := func(names ...string) func(*store.Call) {
		return func(c *store.Call) {
			for _, n := range names {
				c.Passed = append(c.Passed, store.Claim{Word: store.Pass, Person: n})
			}
		}
	}
	return []picture{
		with("waiting, Cy told", store.Waiting, "", told(1, "Cy")),
		with("waiting, two told", store.Waiting, "", told(2, "Cy", "Dan")),
		with("waiting, Cy told in vain", store.Waiting, "", also(told(1, "Cy"), func(c *store.Call) {
			c.Texts = []store.SMSText{{Person: "Cy", Attempt: 1, Status: store.TextFailed}}
		})),
		with("waiting, many passed", store.Waiting, "", also(passed("Ann", "Bob", "Ann"), told(1, "Cy"))),
		with("waiting, a forward not answered", store.Waiting, "", try(store.Try{Person: "Ann", Why: store.NoAnswer, Word: store.Forward}, 70*time.Second)),
		with("waiting, a forward busy", store.Waiting, "", try(store.Try{Person: "Ann", Why: store.Busy, Word: store.Forward}, 70*time.Second)),
		with("waiting, a forward failed", store.Waiting, "", try(store.Try{Person: "Ann", Why: store.Failed, Word: store.Forward}, 70*time.Second)),
		with("waiting, handed over", store.Waiting, "", hands),
		with("waiting, handed over without a note", store.Waiting, "", also(hands, func(c *store.Call) { c.Handed.Note = "" })),
		with("waiting, handed over, a try before", store.Waiting, "", also(try(store.Try{Person: "Bob", Why: store.Busy}, time.Minute), hands)),
		with("waiting, handed over, a try since", store.Waiting, "", also(hands, try(store.Try{Person: "Bob", Why: store.NoAnswer}, 140*time.Second))),
		with("callback", store.Waiting, "", back),
		with("callback, a try before", store.Waiting, "", also(try(store.Try{Person: "Bob", Why: store.Busy}, 30*time.Second), back)),
		with("callback, handed over before", store.Waiting, "", also(hands, back)),
		with("callback, Ann did not pick up", store.Waiting, "", also(back, try(store.Try{Person: "Ann", Why: store.NoAnswer}, 2*time.Minute))),
		with("callback, unreached once", store.Waiting, "", also(back, unreached)),
		with("ringing, in line", store.Ringing, "", claim(store.Claim{Word: store.Take, Person: "Ann", Via: store.ByLine})),
		with("ringing, forward", store.Ringing, "", claim(forward)),
		with("ringing, handed over", store.Ringing, "", also(hands, claim(store.Claim{Word: store.Take, Person: "Bob", Via: store.BySMS}))),
		with("ringing, handed back", store.Ringing, "", also(hands, claim(store.Claim{Word: store.Take, Person: "Ann", Via: store.ByRule, Rule: store.HandedBack}))),
		with("ringing, callback", store.Ringing, "", also(back, claim(store.Claim{Word: store.Take, Person: "Ann", Via: store.BySMS, Leg: "CA9"}))),
		with("callback on the phone", store.Ringing, "", also(back, claim(store.Claim{Word: store.Take, Person: "Ann", Via: store.ByPhone, Leg: "CA9"}))),
		with("talking, forward", store.Talking, "", also(claim(forward), talks)),
		with("talking, handed over", store.Talking, "", also(hands, claim(store.Claim{Word: store.Take, Person: "Bob", Via: store.BySMS}), func(c *store.Call) { c.Accepted = at.Add(135 * time.Second) })),
		with("talking, callback", store.Talking, "", also(back, claim(take), talks)),
		with("talking, nobody known", store.Talking, "", also(claim(store.Claim{Word: store.Take}), talks)),
		with("recording, after hours", store.Recording, "", claim(rule(store.AfterHours))),
		with("recording, nobody on duty", store.Recording, "", claim(rule(store.NobodyOnDuty))),
		with("recording, all passed", store.Recording, "", claim(rule(store.AllPassed))),
		with("recording, waited out", store.Recording, "", claim(rule(store.WaitedOut))),
		with("recording, by the caller", store.Recording, "", claim(rule(store.CallersKey))),
		with("recording, short", store.Recording, "", also(claim(rule("")), func(c *store.Call) { c.Short = true })),
		with("recording, handed over", store.Recording, "", also(hands, claim(rule(store.WaitedOut)))),
		with("talked, handed over", store.Ended, store.Talked, also(hands, claim(store.Claim{Word: store.Take, Person: "Bob", Via: store.BySMS}), talks, func(c *store.Call) { c.Accepted = at.Add(135 * time.Second) })),
		with("forwarded", store.Ended, store.Forwarded, also(claim(forward), talks)),
		with("called back", store.Ended, store.CalledBack, also(back, claim(take), talks)),
		with("tried", store.Ended, store.Tried, also(back, unreached, claim(take), func(c *store.Call) { c.Back.Tries++ })),
		with("tried once", store.Ended, store.Tried, also(back, unreached)),
		with("callback, never", store.Ended, store.Missed, back),
		with("missed after hours", store.Ended, store.Missed, also(claim(rule(store.AfterHours)), func(c *store.Call) { c.Claim.At = at })),
		with("missed, waited out", store.Ended, store.Missed, claim(rule(store.WaitedOut))),
		with("given up, handed over", store.Ended, store.Talked, hands),
		with("given up, handed over, while ringing", store.Ended, store.Talked, also(hands, claim(take))),
		with("given up, handed over, no message", store.Ended, store.Talked, also(hands, claim(rule(store.WaitedOut)))),
		with("voicemail after hours", store.Ended, store.Voicemail, also(claim(rule(store.AfterHours)), func(c *store.Call) { c.Voice = []store.Voice{{SID: "RE1", Seconds: 17}} })),
		with("voicemail by itself", store.Ended, store.Voicemail, func(c *store.Call) { c.Voice = []store.Voice{{SID: "RE1", Seconds: 17}} }),
	}
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

// whisper posts a message that only Ann sees, likewise.
func (r *room) whisper(p post) bottest.Message {
	r.Helper()
	r.no(r.showTo(r.ctx, channel, ann, p))
	all := r.work.Ephemerals(ann)
	return all[len(all)-1]
}

// escalating is a line that tells Cy, then Dan.
func escalating(l store.Line) store.Line {
	l.Escalate = []store.Step{{After: 30 * time.Second, People: []string{"Cy", "Bob"}, Here: true}, {After: time.Minute, People: []string{"Dan"}}}
	return l
}

// Each picture as people read it; behind "|" what a notification and a screen reader say.
func TestMessages(t *testing.T) {
	r := open(t, someTeam())
	line := escalating(r.Store.Team.Lines[0])
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
	show("mention", r.send(stillWaits(line, pictures(caller, "JANE DOE", "")[0].call, 1, pictures("", "", "")[0].call.Arrived.Add(30*time.Second))))
	show("to whoever talks", r.whisper(talkingWith(line, left)))
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
		switch {
		case p.call.State == store.Waiting && p.call.Back != nil:
			want = "Take"
		case p.call.State == store.Waiting:
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
			line := escalating(r.Store.Team.Lines[0])
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
				for i := range c.Passed {
					c.Passed[i].Person = long + fmt.Sprint(i)
				}
				if c.Handed != nil {
					c.Handed.By, c.Handed.Note = long, long
				}
				r.send(message(line, c))
				r.send(stillWaits(line, c, 1, c.Arrived.Add(time.Hour)))
				r.whisper(talkingWith(line, c))
			}
			r.send(voicemail(line, pictures(caller, long, long)[7].call, 0, "https://phone.example.com/"+strings.Repeat("x", 200)))
			r.no(r.ephemeral(r.ctx, aside{channel, ann, "Yours: " + long + "."}))
		})
	}
}
