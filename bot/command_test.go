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
	const next = "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone."
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
		"emoji":                 {ann, "🎉", commandHelp, store.Waiting},
		"a thumb":               {ann, ":+1:", "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"by code":               {ann, "1", "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"yes":                   {ann, "yes", "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"yes, by code":          {ann, "yes 1", "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"forced":                {ann, "force", "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now.", store.Ringing},
		"no":                    {ann, "no", "(208) 555-0123 is sent to voicemail.", store.Recording},
		"no, by code":           {ann, "no 1", "(208) 555-0123 is sent to voicemail.", store.Recording},
		"pass":                  {ann, "pass", "All right, not you.", store.Waiting},
		"another code":          {ann, "7", "No call 7 is waiting. /pull list shows those that are.", store.Waiting},
		"pass on":               {ann, "pass on she wants Bob", "You are not on the phone with a caller.", store.Waiting},
		"cancel":                {ann, "cancel", "You were not in line.", store.Waiting},
		"on":                    {ann, "on", "You are on duty.", store.Waiting},
		"off":                   {ann, "off", "You are off duty. /pull on when you are back.", store.Waiting},
		"off for a while":       {ann, "off 90m", "You are off duty for 1 hour 30 minutes. /pull on when you are back.", store.Waiting},
		"phone":                 {ann, "phone +12085550101", "Phones stand in the config file. Ask whoever runs pullphone to add or change yours.", store.Waiting},
		"dot":                   {ann, ".", commandHelp, store.Waiting},
		"list and more":         {ann, "list all", commandHelp, store.Waiting},
		"mention":               {ann, "@Bob <!here>", commandHelp, store.Waiting},
		"of another line":       {cy, "", next, store.Waiting},
		"of another line, code": {cy, "1", "No call 1 is waiting. /pull list shows those that are.", store.Waiting},
		"of another line, yes":  {cy, "yes", "Nobody is waiting.", store.Waiting},
		"without a phone, yes":  {dee, "yes", noPhone, store.Waiting},
		"without a phone, no":   {dee, "no", "(208) 555-0123 is sent to voicemail.", store.Recording},
		"of another line, list": {cy, "list", "Nobody is waiting.", store.Waiting},
		"not of the team":       {eve, "", noPhone, store.Waiting},
		"not of the team, list": {eve, "list", noPhone, store.Waiting},
		"without a phone":       {dee, "", noPhone, store.Waiting},
		"no phone, by force":    {dee, "pull force", noPhone, store.Waiting},
		"without a phone, list": {dee, "list", "1: (208) 555-0123 (Sales), waiting 0:00", store.Waiting},
		"without a phone, help": {dee, "help", commandHelp, store.Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			call := r.arrive("CA1")
			if got := r.types(c.user, c.text); got != c.reply {
				t.Errorf("got %q", got)
			}
			if now := r.call(call.ID); now.State != c.state || now.Claim != nil && (now.Claim.Person != map[string]string{ann: "Ann", dee: "Dee"}[c.user] || now.Claim.Via != store.BySlack) {
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
		if got := r.types(bob, "force"); !strings.HasPrefix(got, fmt.Sprintf("Yours: (208) 555-012%d.", i)) {
			t.Errorf("got %q", got)
		}
		if now := r.call(c.ID); now.State != store.Ringing {
			t.Errorf("%d is %s", i, now.State)
		}
	}
	if got := r.types(bob, ""); got != "Your phone rings for (208) 555-0120. Nobody else is waiting. /pull force puts you in line." {
		t.Errorf("got %q", got)
	}
	if got := r.types(bob, "force"); !strings.HasPrefix(got, "Nobody is waiting. You are next in line") || r.call(other.ID).State != store.Waiting {
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

// When nobody was waiting, the same command delivered again gives no second place in line.
func TestCommandReplayedForNothing(t *testing.T) {
	r := open(t, someTeam())
	const next = "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone."
	if got := r.types(ann, ""); got != next {
		t.Errorf("got %q", got)
	}
	replay := func(want string) {
		t.Helper()
		a, err := r.work.Replay(r.ctx)
		if err != nil || !strings.Contains(string(a.Body), want) {
			t.Errorf("%s, %v", a.Body, err)
		}
	}
	replay(next)
	first, second := r.arrive("CA1"), r.arrive("CA2")
	replay("You are not in line any more.")
	if r.call(first.ID).State != store.Ringing || r.call(second.ID).State != store.Waiting {
		t.Error("it took both, or none")
	}
	_, err := r.Store.HungUp(r.ctx, first.ID)
	r.no(err)
	_, err = r.Store.HungUp(r.ctx, second.ID)
	r.no(err)
	replay("You are not in line any more.")
	if c := r.arrive("CA3"); c.State != store.Waiting {
		t.Errorf("it is %s: the old command stood in line once more", c.State)
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
		_, err = r.Store.HungUp(r.ctx, c.ID)
		r.no(err)
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
