package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// chat is a conversation of the team with the bot: a text, or a command where it starts with /pull, and what is replied.
type chat struct{ user, text, reply string }

var phoneOf = map[string]string{ann: annPhone, bob: bobPhone, cy: cyPhone}

// chats has people text and type, a second apart, and asserts what they are told. Each text is delivered twice, which
// makes no difference.
func (r *room) chats(all ...chat) {
	r.Helper()
	for _, c := range all {
		r.clock.Advance(time.Second)
		got := ""
		if command, ok := strings.CutPrefix(c.text, "/pull"); ok {
			got = r.types(c.user, strings.TrimSpace(command))
		} else {
			sid := fmt.Sprintf("SM%d", r.clock.Now().Unix())
			got = r.texts(sid, phoneOf[c.user], sales, c.text)
			if again := r.texts(sid, phoneOf[c.user], sales, c.text); again != got {
				r.Errorf("%s: %q, and again %q", c.text, got, again)
			}
		}
		if got != c.reply {
			r.Errorf("%s %s: got  %q\nwant %q", c.user, c.text, got, c.reply)
		}
	}
}

// named has a call come in of somebody with a name, from another number each.
func (r *room) named(name string) store.Call {
	r.Helper()
	n := 10 + len(r.openCalls())
	return r.arriveAs(store.Arrival{SID: "CA" + name, From: fmt.Sprintf("+120855501%d", n), Name: name})
}

func (r *room) openCalls() []store.Call {
	r.Helper()
	all, err := r.Store.OpenCalls(r.ctx, "")
	r.no(err)
	return all
}

// accepts has the taker of a call press 1.
func (r *room) accepts(c store.Call) {
	r.Helper()
	ok, _, err := r.Store.Accept(r.ctx, c.ID, r.call(c.ID).Attempt)
	if err != nil || !ok {
		r.Fatal(ok, err)
	}
}

// dialled has the phone that rings for a call be given up.
func (r *room) dialled(c store.Call, why store.Why) store.Call {
	r.Helper()
	c, err := r.Store.Dialed(r.ctx, c.ID, r.call(c.ID).Attempt, store.DialResult{Why: why})
	r.no(err)
	return c
}

// announced counts an announcement as sent.
func (r *room) announced(c store.Call, whom string) {
	r.Helper()
	x := store.Work{Kind: store.Text, Do: func(context.Context, store.Deed) (func(*store.Call) bool, error) { return nil, nil }}
	r.no(r.once(x, func(d store.Deed) bool { return d.Call == c.ID && d.Whom == whom && d.Attempt == c.Attempt }))
}

func TestSecondCall(t *testing.T) {
	r := open(t, someTeam())
	jane := r.named("Jane")
	r.chats(chat{ann, "y", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0101 rings now."})
	kim := r.named("Kim")
	r.chats(
		chat{ann, "y", "Which one? 2: Kim, (208) 555-0111, waiting 0:01. Reply for example Y 2."}, // of whom she was not told
		chat{ann, "y 2", "Your phone rings for Jane, (208) 555-0110. Y 2 FORCE takes this one too."},
		chat{ann, "pull", "Your phone rings for Jane, (208) 555-0110. Y 2 FORCE takes Kim, (208) 555-0111 too."})
	r.accepts(jane)
	r.chats(
		chat{ann, "take 2", "You are on the phone with Jane, (208) 555-0110. Y 2 FORCE takes this one too."},
		chat{ann, "/pull", "You are on the phone with Jane, (208) 555-0110. /pull 2 force takes Kim, (208) 555-0111 too."},
		chat{ann, "/pull 2", "You are on the phone with Jane, (208) 555-0110. /pull 2 force takes this one too."})
	if a := r.press(payload(ann, "take", value(kim))); a.Status != 200 {
		t.Error(a.Status)
	}
	r.tellOne()
	if got := r.told(ann); !strings.HasSuffix(got, "You are on the phone with Jane, (208) 555-0110. /pull 2 force takes this one too.") {
		t.Errorf("she is told %q", got)
	}
	r.chats(chat{ann, "/pull 2 force", "Yours: Kim, (208) 555-0111. Your phone (208) 555-0101 rings now."})
	max := r.named("Max")
	r.chats(
		chat{ann, "Y FORCE", "Which one? 3: Max, (208) 555-0112, waiting 0:01. Reply for example Y 3 FORCE."}, // of whom she was not told
		chat{ann, "/pull 3 force", "Yours: Max, (208) 555-0112. Your phone (208) 555-0101 rings now."},
		chat{ann, "next", "You are on the phone with Jane, (208) 555-0110. Nobody else is waiting. PULL FORCE puts you in line."},
		chat{ann, "/pull", "You are on the phone with Jane, (208) 555-0110. Nobody else is waiting. /pull force puts you in line."},
		chat{ann, "no", "Which one? 1: Jane, (208) 555-0110, waiting 0:04. 2: Kim, (208) 555-0111, waiting 0:12. 3: Max, (208) 555-0112, waiting 0:05. Reply for example N 1."},
		chat{ann, "n 3", "All right, Max, (208) 555-0112 waits for somebody else."},
		chat{ann, "pull force", "Yours: Max, (208) 555-0112. Your phone (208) 555-0101 rings now."},
		chat{ann, "/pull next force", "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone."})
	for _, c := range []store.Call{jane, kim, max} {
		if now := r.call(c.ID); now.Claim == nil || now.Claim.Person != "Ann" {
			t.Errorf("%+v", now)
		}
	}
	// Of several it is the one whom she talks with that is handed over.
	r.chats(chat{ann, "/pull pass on", "Handed over: Jane, (208) 555-0110 is back on hold. If nobody takes the call, your phone rings again."})
}

// With nobody waiting a bare word is about the caller who came last, whether they talk or have gone.
func TestBareWordLate(t *testing.T) {
	r := open(t, someTeam())
	jane := r.named("Jane")
	r.clock.Advance(time.Second)
	r.answers(jane, "Ann", store.Take)
	r.accepts(jane)
	r.chats(chat{bob, "y", "Too late: Ann took Jane, (208) 555-0110, just now."})
	kim := r.named("Kim")
	r.clock.Advance(time.Second)
	_, err := r.Store.HungUp(r.ctx, kim.ID)
	r.no(err)
	r.chats(chat{bob, "y", "Kim, (208) 555-0111 has hung up."}, chat{bob, "/pull yes", "Kim, (208) 555-0111 has hung up."})
	max := r.named("Max")
	r.clock.Advance(time.Second)
	r.answers(max, "Ann", store.SendVoicemail)
	r.chats(chat{bob, "y", "Too late: Ann has sent Max, (208) 555-0111 to voicemail, just now."})
}

// Force is about the call that they have, and says nothing of which one is meant.
func TestBareForce(t *testing.T) {
	r := open(t, someTeam())
	jane := r.named("Jane")
	r.announced(jane, "Ann")
	r.clock.Advance(time.Second)
	_, err := r.Store.HungUp(r.ctx, jane.ID)
	r.no(err)
	kim := r.named("Kim")
	r.chats(chat{ann, "y force", "Which one? 2: Kim, (208) 555-0110, waiting 0:01. Reply for example Y 2 FORCE."},
		chat{ann, "/pull yes force", "Which one? 2: Kim, (208) 555-0110, waiting 0:02. Reply for example /pull 2 force."})
	if now := r.call(kim.ID); now.State != store.Waiting {
		t.Errorf("%+v", now)
	}
	r.announced(kim, "Ann")
	r.chats(chat{ann, "y force", "Yours: Kim, (208) 555-0110. Your phone (208) 555-0101 rings now."})
}

// Whoever the phone rings for gives the call back with a bare no, whatever else waits.
func TestGiveBack(t *testing.T) {
	for text, yes := range map[string]string{"n": "y 1", "pass": "/pull 1", "/pull no": "y 1", "/pull pass": "/pull 1", "later": "y 1", "lunch": "y 1", "no 1": "y 1", "/pull no 1": "y 1", "pass on": "y 1", "/pull pass on": "/pull 1"} {
		t.Run(text, func(t *testing.T) {
			team := someTeam()
			team.Lines[0].Keywords = []store.Keyword{{Word: "later", Voicemail: true}, {Word: "lunch", Pass: true}}
			r := open(t, team)
			jane, kim := r.named("Jane"), r.named("Kim")
			r.announced(kim, "Ann")
			r.chats(chat{ann, yes, "Yours: Jane, (208) 555-0110. Your phone (208) 555-0101 rings now."},
				chat{ann, text, "All right, Jane, (208) 555-0110 waits for somebody else."})
			if now := r.call(jane.ID); now.State != store.Waiting || now.Tries[0].Why != store.GaveBack || now.Attempt != 2 || r.call(kim.ID).State != store.Waiting {
				t.Errorf("%+v", now)
			}
		})
	}
}

// A second no by somebody who gave a call back does not send its caller away: they were not told of it again.
func TestGiveBackTwice(t *testing.T) {
	r := open(t, someTeam())
	jane := r.named("Jane")
	r.chats(chat{ann, "y", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0101 rings now."},
		chat{ann, "n", "All right, Jane, (208) 555-0110 waits for somebody else."},
		chat{ann, "n", "Which one? 2: Jane, (208) 555-0110, waiting 0:03. Reply for example N 2."})
	if now := r.call(jane.ID); now.State != store.Waiting {
		t.Errorf("%+v", now)
	}
}

// A bare word counts for a call that waits again only from those who were told of that.
func TestBareWordAgain(t *testing.T) {
	r := open(t, someTeam())
	c := r.named("Jane")
	r.announced(c, "Bob")
	c = r.back(c)
	const which = "Which one? 2: Jane, (208) 555-0110, waiting 0:01. Reply for example Y 2."
	r.chats(chat{bob, "y", which})
	r.announced(c, "Bob")
	r.chats(chat{bob, "y 1", "Jane, (208) 555-0110 is waiting again. Please answer the latest announcement (Y 2)."},
		chat{bob, "y", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0102 rings now."})
}

func TestHandOver(t *testing.T) {
	r := open(t, someTeam())
	jane := r.named("Jane")
	r.chats(chat{bob, "pass on", nobodyHeld}, chat{ann, "y", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0101 rings now."})
	r.accepts(jane)
	r.chats(chat{ann, "no", "You are on the phone with Jane, (208) 555-0110. PASS ON hands the call over."},
		chat{ann, "/pull no", "You are on the phone with Jane, (208) 555-0110. /pull pass on hands the call over."},
		chat{bob, "pass on", nobodyHeld})
	kim := r.named("Kim")
	r.clock.Advance(time.Second)
	const over = "Handed over: Jane, (208) 555-0110 is back on hold. If nobody takes the call, your phone rings again."
	r.chats(chat{ann, "Pass on: she asks for “Bob”", over},
		chat{ann, "pass on", nobodyHeld})
	now := r.call(jane.ID)
	if now.State != store.Waiting || now.Handed == nil || now.Handed.By != "Ann" || now.Handed.Note != "she asks for “Bob”" {
		t.Fatalf("%+v", now)
	}
	r.chats(chat{bob, "list", "3: Jane, (208) 555-0110 (Sales), waiting 0:02\n2: Kim, (208) 555-0111 (Sales), waiting 0:04"},
		chat{bob, "pull", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0102 rings now."})
	r.accepts(jane)
	// By the button.
	press := func(user, want string) {
		t.Helper()
		r.press(payload(user, "handover", value(r.call(jane.ID))))
		select {
		case a := <-r.asides:
			r.no(r.ephemeral(r.ctx, a))
		default:
			r.tellOne()
		}
		if all := r.work.Ephemerals(user); len(all) == 0 || all[len(all)-1].AsText() != want {
			t.Errorf("%s is told %v, want %q", user, all, want)
		}
	}
	press(ann, "You are not talking with Jane, (208) 555-0110.")
	press(eve, unknownInSlack)
	press(bob, over)
	if now := r.call(jane.ID); now.State != store.Waiting || now.Handed.By != "Bob" || now.Handed.Note != "" {
		t.Errorf("%+v", now)
	}
	r.answers(r.call(jane.ID), "Ann", store.Take)
	r.accepts(jane)
	// Ann still sees the button of when she talked first.
	jane.Attempt = 1
	old := payload(ann, "handover", value(jane))
	r.press(old)
	r.tellOne()
	if got := r.told(ann); !strings.HasSuffix(got, "\nThat was about an earlier conversation with Jane, (208) 555-0110. /pull pass on hands the call over.") || r.call(jane.ID).State != store.Talking {
		t.Errorf("she is told %q", got)
	}
	_, err := r.Store.HungUp(r.ctx, jane.ID)
	r.no(err)
	press(ann, "The call with Jane, (208) 555-0110 is over.")
	if r.call(kim.ID).State != store.Waiting {
		t.Error("Kim waits no more")
	}
}

// What Slack has made of a note is undone: it is read as it was typed.
func TestHandOverNote(t *testing.T) {
	r := open(t, someTeam())
	jane := r.named("Jane")
	r.answers(jane, "Ann", store.Take)
	r.accepts(jane)
	r.types(ann, "pass on A&B: << ask @bob or <!here> :+1:")
	if now := r.call(jane.ID); now.Handed == nil || now.Handed.Note != "A&B: << ask @bob or <!here> :+1:" {
		t.Errorf("%+v", now.Handed)
	}
	for in, want := range map[string]string{
		"<@U000ANN|ann> in <#C000SALES|sales>, <#C1|> <!here> <@U1>": "@ann in #sales, #C1 !here @U1", "<https://a.example/?x&amp;y|a.example> <mailto:a@b.c|a@b.c>": "a.example a@b.c",
		"&amp;lt; &lt;@U1|x&gt;": "&lt; <@U1|x>", "a < b > c": "a  b  c", "": "",
	} {
		if got := readable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestStandInLine(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	const next = "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone."
	r.chats(chat{ann, "pull", next}, chat{ann, "next", next},
		chat{bob, "/pull", "Nobody is waiting. You are in line for 30 minutes, behind 1 other; your phone rings when it is your turn."},
		chat{cy, "pull", next}, // of another line
		chat{bob, "list", "Nobody is waiting.\nIn line: Ann, Bob."}, chat{bob, "/pull list", "Nobody is waiting.\nIn line: Ann, Bob."},
		chat{cy, "list", "Nobody is waiting.\nIn line: Cy."},
		chat{ann, "leave", leftLine}, chat{ann, "leave", notInLine}, chat{bob, "/pull cancel", leftLine}, chat{bob, "/pull leave", notInLine},
		chat{ann, "pull", next}, chat{ann, "off", "You are off duty. Text ON when you are back."}, chat{ann, "leave", notInLine},
		chat{ann, "pull", next}, chat{ann, "list", "Nobody is waiting.\nIn line: Ann.\nOff duty: Ann."}, // a wish for one call
		chat{bob, "/pull", "Nobody is waiting. You are in line for 30 minutes, behind 1 other; your phone rings when it is your turn."})

	jane := r.named("Jane")
	if now := r.call(jane.ID); now.State != store.Ringing || now.Claim.Person != "Ann" || now.Claim.Via != store.ByLine {
		t.Fatalf("%+v, %+v", now, now.Claim)
	}
	r.tellOne()
	m, err := net.Phone(annPhone).WaitSMS(r.ctx, func(voicetest.SMS) bool { return true })
	if err != nil || m.Body != "Yours: Jane, (208) 555-0110. Your phone (208) 555-0101 rings now." {
		t.Errorf("%+v, %v", m, err)
	}
	// Bob has typed it in Slack, and is told there; where we may not speak, by SMS.
	kim := r.named("Kim")
	r.tellOne()
	if got := r.told(bob); !strings.HasSuffix(got, "Yours: Kim, (208) 555-0111. Your phone (208) 555-0102 rings now.") {
		t.Errorf("Bob is told %q", got)
	}
	r.dialled(kim, store.NoAnswer)
	r.refusing("chat.postEphemeral", "channel_not_found")
	r.tellOne()
	m, err = net.Phone(bobPhone).WaitSMS(r.ctx, func(voicetest.SMS) bool { return true })
	if err != nil || m.Body != "You did not pick up. Kim, (208) 555-0111 is waiting again." {
		t.Errorf("%+v, %v", m, err)
	}
	// Ann's place ended with the call; she is told what became of her take.
	r.dialled(jane, store.NotAccepted)
	r.tellOne()
	m, err = net.Phone(annPhone).WaitSMS(r.ctx, func(m voicetest.SMS) bool {
		return strings.HasPrefix(m.Body, "You") && !strings.HasPrefix(m.Body, "Yours")
	})
	if err != nil || m.Body != "You did not press 1. Jane, (208) 555-0110 is waiting again (Y 4)." {
		t.Errorf("%+v, %v", m, err)
	}
	r.chats(chat{ann, "leave", notInLine}, chat{bob, "leave", notInLine})
	r.clock.Advance(31 * time.Minute)
	r.chats(chat{cy, "leave", notInLine})
}

func TestDuty(t *testing.T) {
	team := someTeam()
	boise, err := time.LoadLocation("America/Boise")
	if err != nil {
		t.Fatal(err)
	}
	team.Lines[0].Hours = &store.Hours{Location: boise}
	r := open(t, team) // Monday 10:04:05 there
	duty := func(off bool) {
		t.Helper()
		if d, err := r.Store.Duty(r.ctx, "Ann"); err != nil || d.Off != off {
			t.Errorf("%+v, %v", d, err)
		}
	}
	r.chats(chat{ann, "off 2h", "You are off duty until 12:04. Text ON when you are back."},
		chat{bob, "list", "Nobody is waiting.\nOff duty: Ann until 12:04."}, chat{cy, "list", "Nobody is waiting."},
		chat{ann, "/pull off 14h", "You are off duty until Tue 00:04. /pull on when you are back."},
		chat{ann, "off 30d", "You are off duty until 1 Apr 11:04. Text ON when you are back."}, // an hour was skipped
		chat{cy, "off 1d 1h", "You are off duty for 1 day 1 hour. Text ON when you are back."},
		chat{ann, "off", "You are off duty. Text ON when you are back."},
		chat{bob, "pull", "Nobody is waiting. You are next in line until 10:34; the next call rings your phone."},
		chat{bob, "/pull list", "Nobody is waiting.\nIn line: Bob.\nOff duty: Ann."}, chat{bob, "leave", leftLine})
	duty(true)
	jane := r.named("Jane")
	if told := r.call(jane.ID).Told; len(told) != 1 || told[0] != "Bob" {
		t.Errorf("told %v", told)
	}
	// Who is off duty may answer all the same, and stays off.
	r.chats(chat{ann, "pull", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0101 rings now."})
	duty(true)
	r.chats(chat{ann, "on", "You are on duty."}, chat{ann, "/pull on", "You are on duty."})
	duty(false)
	// A text that comes again after others has no second effect.
	for _, body := range []string{"off 1h", "on", "off 1h"} {
		want := map[string]string{"off 1h": "You are off duty until 11:04. Text ON when you are back.", "on": "You are on duty."}[body]
		if got := r.texts("SM"+strings.Fields(body)[0], annPhone, sales, body); got != want {
			t.Errorf("got %q", got)
		}
	}
	duty(false)
}

// So does a command, should Slack deliver it twice.
func TestDutyReplayed(t *testing.T) {
	r := open(t, someTeam())
	for text, back := range map[string]string{"off 1h": "on", "on": "off"} {
		want := r.types(ann, text)
		r.chats(chat{ann, back, map[string]string{"on": onDuty, "off": "You are off duty. Text ON when you are back."}[back]})
		a, err := r.work.Replay(r.ctx)
		if d, derr := r.Store.Duty(r.ctx, "Ann"); err != nil || derr != nil || d.Off != (back == "off") || !strings.Contains(string(a.Body), want) {
			t.Errorf("%s: %+v, %s, %v, %v", text, d, a.Body, err, derr)
		}
	}
}

// A caller for whom nobody is left goes to voicemail, and the last to pass is told.
func TestAllPass(t *testing.T) {
	r := open(t, someTeam())
	jane := r.named("Jane")
	r.chats(chat{ann, "pass", "All right, not you."},
		chat{bob, "/pull pass 1", "All right, not you. Nobody is left, so Jane, (208) 555-0110 is asked to leave a message."},
		chat{ann, "y", "Jane, (208) 555-0110 is at voicemail already."})
	if now := r.call(jane.ID); now.State != store.Recording || now.Claim.Rule != store.AllPassed {
		t.Errorf("%+v", now)
	}
}

func TestForward(t *testing.T) {
	team := someTeam()
	team.Lines[0].Keywords = []store.Keyword{{Word: "support", Forward: "+442079460018", Say: "Connecting you to support."}}
	r := open(t, team)
	jane := r.named("Jane")
	r.chats(chat{ann, "support", "Jane, (208) 555-0110 is forwarded to +44 20 7946 0018."},
		chat{bob, "y", "Too late: Ann has forwarded Jane, (208) 555-0110 to +44 20 7946 0018, just now."},
		chat{ann, "y", "You have forwarded Jane, (208) 555-0110 to +44 20 7946 0018 already, 0:02 ago."},
		chat{ann, "support", "Jane, (208) 555-0110 is forwarded to +44 20 7946 0018."})
	if c := r.call(jane.ID).Claim; c.Word != store.Forward || c.To != "+442079460018" || c.Say != "Connecting you to support." {
		t.Errorf("%+v", c)
	}
	r.dialled(jane, store.Busy)
	if got := r.texts("SM1", bobPhone, sales, "support"); !strings.HasPrefix(got, "Which one? 2: Jane") || !strings.HasSuffix(got, " Reply for example SUPPORT 2.") {
		t.Errorf("got %q", got)
	}
	r.chats(chat{bob, "support 2", "Jane, (208) 555-0110 is forwarded to +44 20 7946 0018."})
}

// A caller who waits to be called back can be taken, and nothing else.
func TestAnswerCallback(t *testing.T) {
	team := someTeam()
	team.Lines[0].Keywords = []store.Keyword{{Word: "support", Forward: "+12085550199"}}
	r := open(t, team)
	jane := r.named("Jane")
	if ok, _, err := r.Store.AskBack(r.ctx, jane.ID, 1); err != nil || !ok {
		t.Fatal(ok, err)
	}
	const only = "Jane, (208) 555-0110 has hung up and waits to be called back. "
	r.chats(chat{ann, "n", only + "Y 1 calls them."}, chat{ann, "/pull no 1", only + "/pull 1 calls them."}, chat{ann, "support", only + "Y 1 calls them."},
		chat{bob, "list", "1: Jane, (208) 555-0110 (Sales), waiting 0:04 to be called back"},
		chat{ann, "pull", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0101 rings now, then theirs."},
		chat{bob, "pass", "Too late: Ann took Jane, (208) 555-0110, just now."})
	r.accepts(jane)
	r.chats(chat{ann, "pass on", "You have called Jane, (208) 555-0110 back, and cannot hand them over."})
}

// Each line counts its calls by itself; where a person serves several, the channel tells which one is meant.
func TestCodesOfSeveralLines(t *testing.T) {
	team := someTeam()
	team.Lines[1].People = []string{"Cy", "Ann"}
	team.Lines[1].Channel = "#service"
	r := open(t, team)
	r.work.AddChannel(bottest.Channel{ID: "C000RANDOM", Name: "random"})
	kim := r.arriveAs(store.Arrival{SID: "CA1", Line: service, From: "+12085550145"})
	in := func(channel, text string) string {
		t.Helper()
		a, err := r.work.Command(r.ctx, ann, channel, "/pull", text)
		r.no(err)
		return a.Text
	}
	const noSuch = "No call 2 is waiting. /pull list shows those that are."
	if got := in(channel, "2"); got != noSuch {
		t.Errorf("got %q", got)
	}
	if got := in(channel, "pass 1"); got != "All right, not you." || len(r.call(kim.ID).Passed) != 1 {
		t.Errorf("the only 1 there is: %q", got)
	}
	jane := r.arrive("CA2")
	if got := in("C000RANDOM", "1"); got != "Several of your lines have a call 1. Type that in the line's own channel, or press a button of the call's message." {
		t.Errorf("got %q", got)
	}
	if got := in("C000RANDOM", "yes"); got != "Which one? 1: (208) 555-0145, waiting 0:00. 1: (208) 555-0123, waiting 0:00. Reply for example /pull 1." {
		t.Errorf("got %q", got)
	}
	if got := in(channel, "no 1"); got != "(208) 555-0123 is sent to voicemail." || r.call(jane.ID).State != store.Recording || r.call(kim.ID).State != store.Waiting {
		t.Errorf("got %q", got)
	}
	if got := in("C000SERVICE", "1"); !strings.HasPrefix(got, "Yours: (208) 555-0145.") || r.call(kim.ID).State != store.Ringing {
		t.Errorf("got %q", got)
	}
}

func TestNoLine(t *testing.T) {
	team := someTeam()
	team.Lines = team.Lines[:1]
	r := open(t, team)
	r.chats(chat{cy, "pull", "You do not answer the line Sales."}, chat{cy, "/pull", noLine}, chat{cy, "/pull list", noLine}, chat{cy, "/pull help", commandHelp})
}

// Somebody of an escalation step answers the line like its own people.
func TestStepAnswers(t *testing.T) {
	team := someTeam()
	team.Lines[0].Escalate = []store.Step{{After: time.Minute, People: []string{"Cy"}}}
	r := open(t, team)
	r.named("Jane")
	r.chats(chat{cy, "y", "Yours: Jane, (208) 555-0110. Your phone (208) 555-0103 rings now."})
}

// Of texts that are found late only words on a call are heard, and none that is older than what it would undo.
func TestMissedWords(t *testing.T) {
	for name, tt := range map[string]struct {
		text  string
		when  func(r *room, c store.Call, text func()) // sends it, before or after what else happens
		reply string
		state store.State
	}{
		"pass":               {"pass", func(_ *room, _ store.Call, text func()) { text() }, "All right, not you.", store.Waiting},
		"keyword":            {"support", func(_ *room, _ store.Call, text func()) { text() }, "(208) 555-0123 is forwarded to (208) 555-0199.", store.Ringing},
		"pull":               {"pull", func(_ *room, _ store.Call, text func()) { text() }, "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"pull, nobody there": {"next", func(r *room, c store.Call, text func()) { _, _ = r.Store.HungUp(r.ctx, c.ID); text() }, "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone.", store.Ended},
		"no, while it rings": {"n", func(r *room, c store.Call, text func()) { r.answers(c, "Ann", store.Take); text() }, "All right, (208) 555-0123 waits for somebody else.", store.Waiting},
		"no, before it rang": {"n", func(r *room, c store.Call, text func()) {
			text()
			r.clock.Advance(2 * time.Second)
			r.answers(c, "Ann", store.Take)
		}, "", store.Ringing},
		"no 1, before it rang": {"n 1", func(r *room, c store.Call, text func()) {
			text()
			r.clock.Advance(2 * time.Second)
			r.answers(c, "Ann", store.Take)
		}, "", store.Ringing},
		"pass on": {"pass on", func(r *room, c store.Call, text func()) { r.answers(c, "Ann", store.Take); r.accepts(c); text() }, "", store.Talking},
		"off":     {"off", func(_ *room, _ store.Call, text func()) { text() }, "", store.Waiting},
		"leave":   {"leave", func(_ *room, _ store.Call, text func()) { text() }, "", store.Waiting},
		"list":    {"list", func(_ *room, _ store.Call, text func()) { text() }, "", store.Waiting},
		"pull, long ago": {"pull", func(r *room, c store.Call, text func()) {
			_, _ = r.Store.HungUp(r.ctx, c.ID)
			text()
			r.clock.Advance(6 * time.Minute)
		}, "", store.Ended},
		"yes, though on the phone":  {"y", func(r *room, c store.Call, text func()) { r.answers(r.arrive("CA2"), "Ann", store.Take); text() }, "Your phone rings for (208) 555-0123. Y 1 FORCE takes this one too.", store.Waiting},
		"pull, though on the phone": {"pull", func(r *room, c store.Call, text func()) { r.answers(c, "Ann", store.Take); text() }, "Your phone rings for (208) 555-0123. Nobody else is waiting. PULL FORCE puts you in line.", store.Ringing},
	} {
		t.Run(name, func(t *testing.T) {
			team := someTeam()
			team.Lines[0].Keywords = []store.Keyword{{Word: "support", Forward: "+12085550199"}}
			r := open(t, team)
			net, err := voicetest.Start(voicetest.Options{Clock: r.clock})
			r.no(err)
			r.Cleanup(func() { r.no(net.Close()) })
			net.AddNumber(sales)
			net.AddNumber(service)
			r.Twilio, err = twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
			r.no(err)
			since := r.clock.Now()
			c := r.arrive("CA1")
			r.announced(c, "Ann")
			r.clock.Advance(time.Second)
			sid := ""
			tt.when(r, c, func() {
				text := net.Phone(annPhone).Text(sales, tt.text)
				r.no(text.WaitDone(r.ctx))
				sid = text.SID()
			})
			r.clock.Advance(time.Minute)
			for range 2 { // once is all
				r.no(r.MissedTexts(r.ctx, since, r.clock.Now(), func(string) {}))
			}
			if g, err := r.Store.Given(r.ctx, answerID("sms", sid)); err == nil && g.Answer.Call != "" {
				r.tellOne()
			}
			r.no(net.WaitQuiet(r.ctx))
			var got []string
			for _, m := range net.Phone(annPhone).Inbox() {
				got = append(got, m.Body)
			}
			if strings.Join(got, "|") != tt.reply {
				t.Errorf("told %q", got)
			}
			if now := r.call(c.ID); now.State != tt.state {
				t.Errorf("it is %s", now.State)
			}
			if d, err := r.Store.Duty(r.ctx, "Ann"); err != nil || d.Off {
				t.Error("she is off duty", err)
			}
		})
	}
}
