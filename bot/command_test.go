package bot

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
)

// types types a slash command and returns what the person reads.
func (r *room) types(user, text string) string {
	r.Helper()
	a, err := r.work.Command(r.ctx, user, channel, "/pull", text)
	r.no(err)
	if a.Status != 200 || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		r.Fatalf("%+v", a)
	}
	var answer map[string]string
	r.no(json.Unmarshal(a.Body, &answer))
	if answer["response_type"] != "ephemeral" {
		r.Errorf("others see it: %s", a.Body)
	}
	return a.Text
}

func TestCommand(t *testing.T) {
	const noPhone = "I have no phone number for you. Ask whoever runs pullphone to add you to its people."
	for name, c := range map[string]struct {
		user, text, reply string
		state             store.State
	}{
		"pull":                  {ann, "", "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"pull with blanks":      {ann, "  ", "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"list":                  {ann, "list", "1: (208) 555-0123 (Sales), waiting 0:00", store.Waiting},
		"List":                  {ann, " LIST ", "1: (208) 555-0123 (Sales), waiting 0:00", store.Waiting},
		"help":                  {ann, "help", commandHelp, store.Waiting},
		"question mark":         {ann, "?", commandHelp, store.Waiting},
		"chatter":               {ann, "what is this", commandHelp, store.Waiting},
		"emoji":                 {ann, "👍", commandHelp, store.Waiting},
		"dot":                   {ann, ".", commandHelp, store.Waiting},
		"list and more":         {ann, "list all", commandHelp, store.Waiting},
		"mention":               {ann, "@Bob <!here>", commandHelp, store.Waiting},
		"of another line":       {cy, "", "Nobody is waiting.", store.Waiting},
		"of another line, list": {cy, "list", "Nobody is waiting.", store.Waiting},
		"not of the team":       {eve, "", noPhone, store.Waiting},
		"not of the team, list": {eve, "list", noPhone, store.Waiting},
		"without a phone":       {dee, "", noPhone, store.Waiting},
		"without a phone, list": {dee, "list", "1: (208) 555-0123 (Sales), waiting 0:00", store.Waiting},
		"without a phone, help": {dee, "help", commandHelp, store.Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			call := r.arrive("CA1")
			if got := r.types(c.user, c.text); got != c.reply {
				t.Errorf("got %q", got)
			}
			if now := r.call(call.ID); now.State != c.state || now.Claim != nil && (now.Claim.Person != "Ann" || now.Claim.Via != store.BySlack) {
				t.Errorf("%s, %+v", now.State, now.Claim)
			}
		})
	}
}

// The one who has waited longest comes first, and the next /pull takes the next.
func TestCommandTakesLongest(t *testing.T) {
	r := open(t, someTeam())
	var calls []store.Call
	for i := range 3 {
		calls = append(calls, r.arriveAs(store.Arrival{SID: fmt.Sprint("CA", i), From: fmt.Sprint("+1208555012", i)}))
		r.clock.Advance(time.Second)
	}
	other := r.arriveAs(store.Arrival{SID: "CA9", Line: service})
	for i, c := range calls {
		if got := r.types(bob, ""); !strings.HasPrefix(got, fmt.Sprintf("Yours: (208) 555-012%d.", i)) {
			t.Errorf("got %q", got)
		}
		if now := r.call(c.ID); now.State != store.Ringing {
			t.Errorf("%d is %s", i, now.State)
		}
	}
	if got := r.types(bob, ""); got != "Nobody is waiting." || r.call(other.ID).State != store.Waiting {
		t.Errorf("got %q", got)
	}
}

// The same command delivered again has no second effect, neither on the same call nor on the next.
func TestCommandReplayed(t *testing.T) {
	r := open(t, someTeam())
	first := r.arriveAs(store.Arrival{SID: "CA1"})
	said := r.types(ann, "")
	second := r.arriveAs(store.Arrival{SID: "CA2", From: "+12085550145"})
	for range 2 {
		a, err := r.work.Replay(r.ctx)
		var answer map[string]string
		if err != nil || json.Unmarshal(a.Body, &answer) != nil || !strings.Contains(answer["text"], "(208) 555-0123") {
			t.Errorf("%s, %v; it was %q", a.Body, err, said)
		}
	}
	if r.call(first.ID).State != store.Ringing || r.call(second.ID).State != store.Waiting {
		t.Error("it took another call as well")
	}
}

// When nobody was waiting, the same command delivered again takes nobody who came since.
func TestCommandReplayedForNothing(t *testing.T) {
	r := open(t, someTeam())
	if got := r.types(ann, ""); got != "Nobody is waiting." {
		t.Errorf("got %q", got)
	}
	c := r.arrive("CA1")
	a, err := r.work.Replay(r.ctx)
	if err != nil || !strings.Contains(string(a.Body), "Nobody is waiting.") || r.call(c.ID).State != store.Waiting {
		t.Errorf("%s, %v", a.Body, err)
	}
}

// Two commands without any trigger are two.
func TestCommandWithoutTrigger(t *testing.T) {
	r := open(t, someTeam())
	for i := range 2 {
		c := r.arrive(fmt.Sprint("CA", i))
		r.clock.Advance(time.Second)
		a, err := r.work.Send(r.ctx, r.url+CommandPath, []byte(url.Values{"user_id": {ann}, "command": {"/pull"}}.Encode()), bottest.SignOptions{})
		if err != nil || a.Status != 200 || r.call(c.ID).State != store.Ringing {
			t.Errorf("command %d: %s, %v", i, a.Body, err)
		}
	}
}

// Slack probes a URL with ssl_check; it wants a 200.
func TestCommandProbe(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	a, err := r.work.Send(r.ctx, r.url+CommandPath, []byte("ssl_check=1&token=x"), bottest.SignOptions{})
	if err != nil || a.Status != 200 || r.call(c.ID).State != store.Waiting {
		t.Errorf("%+v, %v", a, err)
	}
}

// An error of ours is told in our words, with 200: Slack would show one of its own otherwise.
func TestCommandWithoutStore(t *testing.T) {
	r := open(t, someTeam())
	r.no(r.Store.Close())
	for _, text := range []string{"", "list"} {
		if got := r.types(ann, text); got != "That did not work. Please try again." {
			t.Errorf("%q: %q", text, got)
		}
	}
	if a := r.press(payload(ann, "take", callID+".1")); a.Status != 503 {
		t.Errorf("a press: status %d; only then Slack shows that it did not count", a.Status)
	}
	if strings.Contains(r.log.String(), "xoxb") {
		t.Error("the log tells a token")
	}
}
