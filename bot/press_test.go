package bot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
)

// told does the deeds of telling, and what was to be said aside, and returns what a person has been told.
func (r *room) told(user string) string {
	r.Helper()
	for {
		select {
		case a := <-r.asides:
			r.no(r.ephemeral(r.ctx, a))
			continue
		default:
		}
		break
	}
	var all []string
	for _, m := range r.work.Ephemerals(user) {
		all = append(all, m.AsText())
	}
	return strings.Join(all, "\n")
}

// tellAll tells one person what their press came to.
func (r *room) tellOne() {
	r.Helper()
	r.no(r.once(store.Work{Kind: store.Tell, Do: r.tell}, func(store.Deed) bool { return true }))
}

// press sends a payload as Slack does, signed.
func (r *room) press(payload any) bottest.Answer {
	r.Helper()
	text, ok := payload.(string)
	if !ok {
		b, err := json.Marshal(payload)
		r.no(err)
		text = string(b)
	}
	a, err := r.work.Send(r.ctx, r.url+ActionsPath, []byte(url.Values{"payload": {text}}.Encode()), bottest.SignOptions{})
	r.no(err)
	return a
}

type object map[string]any

// payload is a press as we need it, complete.
func payload(user, action, value string) object {
	return object{
		"type": "block_actions", "user": object{"id": user, "team_id": bottest.TeamID}, "team": object{"id": bottest.TeamID},
		"channel": object{"id": channel}, "container": object{"type": "message", "channel_id": channel},
		"actions": []any{object{"type": "button", "action_id": action, "value": value, "action_ts": "1772471045.000100"}},
	}
}

func TestPress(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	m := r.drawn(c)
	press := func(user, button string) {
		t.Helper()
		if _, err := r.work.PressStale(r.ctx, user, channel, m, button); err != nil {
			t.Fatal(err)
		}
		r.tellOne()
	}
	press(ann, "Take")
	now := r.call(c.ID)
	if now.State != store.Ringing || now.Claim.Person != "Ann" || now.Claim.Via != store.BySlack {
		t.Fatalf("%+v, %+v", now, now.Claim)
	}
	press(ann, "Take")
	press(bob, "Take")
	press(bob, "Voicemail")
	const yours = "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now."
	if got := r.told(ann); got != yours+"\n"+yours {
		t.Errorf("Ann was told %q", got)
	}
	const late = "Too late: Ann took (208) 555-0123, just now."
	if got := r.told(bob); got != late+"\n"+late {
		t.Errorf("Bob was told %q", got)
	}
	if again := r.call(c.ID); again.Rev != now.Rev {
		t.Error("a late press changed the call")
	}
}

func TestPressVoicemail(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	m := r.drawn(c)
	_, err := r.work.Press(r.ctx, bob, channel, m.TS, "Voicemail")
	r.no(err)
	r.tellOne()
	if now := r.call(c.ID); now.State != store.Recording || now.Claim.Person != "Bob" {
		t.Errorf("%+v", now)
	}
	if got := r.told(bob); got != "(208) 555-0123 is sent to voicemail." {
		t.Errorf("told %q", got)
	}
}

// The same press delivered again, byte for byte, is one answer.
func TestPressReplayed(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	m := r.drawn(c)
	_, err := r.work.Press(r.ctx, ann, channel, m.TS, "Take")
	r.no(err)
	c, err = r.Store.Dialed(r.ctx, c.ID, 1, store.DialResult{Why: store.Busy}) // meanwhile it waits again
	r.no(err)
	a, err := r.work.Replay(r.ctx)
	if err != nil || a.Status != 200 {
		t.Fatalf("%+v, %v", a, err)
	}
	if now := r.call(c.ID); now.State != store.Waiting {
		t.Errorf("a press delivered again took the call once more: %s", now.State)
	}
}

// The button of an attempt that is over takes nothing.
func TestPressStale(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	old := r.drawn(c)
	c = r.back(c)
	_, err := r.work.PressStale(r.ctx, bob, channel, old, "Take")
	r.no(err)
	// Ann is to be told that she did not pick up, too.
	r.no(r.once(store.Work{Kind: store.Tell, Do: r.tell}, func(d store.Deed) bool { return strings.HasPrefix(d.Whom, "press:") }))
	if now := r.call(c.ID); now.State != store.Waiting || now.Claim != nil {
		t.Errorf("%+v", now)
	}
	if got := r.told(bob); got != "(208) 555-0123 is waiting again. Please answer the latest announcement." {
		t.Errorf("told %q", got)
	}
}

// Who may press: people of the team, from this workspace; and a take needs a phone to be put through to.
func TestPressWho(t *testing.T) {
	const noPhone = "I have no phone number for you. Ask whoever runs pullphone to add you to its people."
	for name, c := range map[string]struct {
		user, team, ours string
		button           string
		state            store.State
		told             string
	}{
		"of the line":                  {ann, bottest.TeamID, bottest.TeamID, "take", store.Ringing, ""},
		"of another line":              {cy, bottest.TeamID, bottest.TeamID, "take", store.Ringing, ""}, // who sees the channel may help out
		"not of the team":              {eve, bottest.TeamID, bottest.TeamID, "take", store.Waiting, noPhone},
		"not of the team, voicemail":   {eve, bottest.TeamID, bottest.TeamID, "voicemail", store.Waiting, noPhone},
		"without a phone":              {dee, bottest.TeamID, bottest.TeamID, "take", store.Waiting, noPhone},
		"without a phone, voicemail":   {dee, bottest.TeamID, bottest.TeamID, "voicemail", store.Recording, ""},
		"of another workspace":         {ann, "T0EVIL", bottest.TeamID, "take", store.Waiting, "Only people of this workspace can answer calls."},
		"stranger, another workspace":  {eve, "T0EVIL", bottest.TeamID, "voicemail", store.Waiting, "Only people of this workspace can answer calls."},
		"installed for an enterprise":  {ann, "T0OTHER", "", "take", store.Ringing, ""},
		"workspace of the user absent": {ann, "", bottest.TeamID, "take", store.Ringing, ""},
		"nobody":                       {"", bottest.TeamID, bottest.TeamID, "take", store.Waiting, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			call := r.arrive("CA1")
			p := payload(c.user, c.button, value(call))
			p["user"] = object{"id": c.user, "team_id": c.team}
			p["team"] = object{"id": c.ours}
			if c.ours == "" {
				p["team"] = nil
			}
			if c.user == "" {
				p["user"] = nil
			}
			if a := r.press(p); a.Status != 200 || len(a.Body) != 0 {
				t.Errorf("status %d, %s", a.Status, a.Body)
			}
			if now := r.call(call.ID); now.State != c.state {
				t.Errorf("it is %s, want %s", now.State, c.state)
			}
			if c.user == "" {
				return
			}
			if got := r.told(c.user); got != c.told {
				t.Errorf("told %q, want %q", got, c.told)
			}
		})
	}
}

// Whatever of a payload is missing or is no press of ours, Slack gets 200 and nothing changes, or the press counts.
func TestPressPayloads(t *testing.T) {
	with := func(change func(object)) func(store.Call) any {
		return func(c store.Call) any {
			p := payload(ann, "take", value(c))
			change(p)
			return p
		}
	}
	action := func(p object) object { return p["actions"].([]any)[0].(object) }
	other := func(v any) func(store.Call) any { return func(store.Call) any { return v } }
	for name, c := range map[string]struct {
		payload func(store.Call) any
		status  int
		taken   bool
	}{
		"complete":              {with(func(object) {}), 200, true},
		"no channel":            {with(func(p object) { delete(p, "channel"); delete(p, "container") }), 200, true}, // of a Home tab
		"channel null":          {with(func(p object) { p["channel"] = nil }), 200, true},
		"no team":               {with(func(p object) { delete(p, "team") }), 200, true},
		"no action_ts":          {with(func(p object) { delete(action(p), "action_ts") }), 200, true},
		"more than we know":     {with(func(p object) { p["message"], p["view"], p["new"] = nil, object{"x": 1}, []int{1} }), 200, true},
		"no user":               {with(func(p object) { delete(p, "user") }), 200, false},
		"no actions":            {with(func(p object) { delete(p, "actions") }), 200, false},
		"actions empty":         {with(func(p object) { p["actions"] = []any{} }), 200, false},
		"no action_id":          {with(func(p object) { delete(action(p), "action_id") }), 200, false},
		"action of old":         {with(func(p object) { action(p)["action_id"] = "take_call_v0" }), 200, false},
		"action in other case":  {with(func(p object) { action(p)["action_id"] = "Take" }), 200, false},
		"link button":           {with(func(p object) { action(p)["action_id"] = "listen" }), 200, false},
		"no value":              {with(func(p object) { delete(action(p), "value") }), 200, false},
		"value without attempt": {with(func(p object) { action(p)["value"] = strings.TrimSuffix(action(p)["value"].(string), ".1") }), 200, false},
		"another attempt":       {with(func(p object) { action(p)["value"] = action(p)["value"].(string) + "1" }), 200, false},
		"attempt below zero":    {with(func(p object) { action(p)["value"] = strings.Replace(action(p)["value"].(string), ".1", ".-1", 1) }), 200, false},
		"value of another call": {with(func(p object) { action(p)["value"] = callID + ".1" }), 200, false},
		"value of nothing":      {with(func(p object) { action(p)["value"] = "../../../open/x.1" }), 200, false},
		"26 odd characters":     {with(func(p object) { action(p)["value"] = strings.Repeat("/", 26) + ".1" }), 200, false},
		"type missing":          {with(func(p object) { delete(p, "type") }), 200, false},
		"view submission":       {with(func(p object) { p["type"] = "view_submission"; p["view"] = object{"callback_id": "x"} }), 200, false},
		"view closed":           {with(func(p object) { p["type"] = "view_closed" }), 200, false},
		"shortcut":              {with(func(p object) { p["type"] = "shortcut" }), 200, false},
		"message action":        {with(func(p object) { p["type"] = "message_action" }), 200, false},
		"empty object":          {other("{}"), 200, false},
		"null":                  {other("null"), 200, false},
		"nothing":               {other(""), 400, false},
		"no JSON":               {other("take"), 400, false},
		"a list":                {other("[]"), 400, false},
		"cut":                   {other(`{"type": "block_actions"`), 400, false},
		"user no object":        {with(func(p object) { p["user"] = "U000ANN" }), 400, false},
		"value no string":       {with(func(p object) { action(p)["value"] = 7 }), 400, false},
		"deep":                  {other(strings.Repeat("[", 100_000)), 400, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			call := r.arrive("CA1")
			if a := r.press(c.payload(call)); a.Status != c.status {
				t.Errorf("status %d, want %d", a.Status, c.status)
			}
			now := r.call(call.ID)
			if taken := now.State == store.Ringing; taken != c.taken || !taken && now.Rev != call.Rev {
				t.Errorf("taken %v: %+v", taken, now)
			}
		})
	}
}

// Several actions in one payload are each an answer; the first of them that wins is the claim.
func TestPressSeveral(t *testing.T) {
	r := open(t, someTeam())
	first, second := r.arrive("CA1"), r.arrive("CA2")
	p := payload(ann, "take", value(first))
	p["actions"] = []any{
		object{"action_id": "old", "value": "x"},
		object{"action_id": "take", "value": value(first), "action_ts": "1.1"},
		object{"action_id": "voicemail", "value": value(first), "action_ts": "1.1"},
		object{"action_id": "voicemail", "value": value(second), "action_ts": "1.1"},
	}
	if a := r.press(p); a.Status != 200 {
		t.Errorf("status %d", a.Status)
	}
	if a, b := r.call(first.ID), r.call(second.ID); a.State != store.Ringing || b.State != store.Recording || a.Claim.Word != store.Take {
		t.Errorf("%s, %s", a.State, b.State)
	}
}

// A press without any time of its own is not taken for another one.
func TestPressWithoutTime(t *testing.T) {
	r := open(t, someTeam())
	for i := range 2 {
		c := r.arrive(fmt.Sprint("CA", i))
		p := payload(ann, "take", value(c))
		delete(p["actions"].([]any)[0].(object), "action_ts")
		r.press(p)
		if now := r.call(c.ID); now.State != store.Ringing {
			t.Errorf("call %d is %s", i, now.State)
		}
		_, err := r.Store.HungUp(r.ctx, c.ID)
		r.no(err)
	}
}

// A call that is not in the store any more.
func TestPressForgotten(t *testing.T) {
	r := open(t, someTeam())
	r.press(payload(ann, "take", callID+".1"))
	if got := r.told(ann); got != "I do not know this call any more." {
		t.Errorf("told %q", got)
	}
}

// Telling is for the moment: what became of a press an hour ago is worth nothing, and who cannot be told is let be.
func TestTell(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	r.press(payload(ann, "take", value(c)))
	all := func(store.Deed) bool { return true }
	r.refusing("chat.postEphemeral", "user_not_in_channel")
	r.no(r.once(store.Work{Kind: store.Tell, Do: r.tell}, all)) // given up
	r.failing(nil)
	if got := r.told(ann); got != "" {
		t.Errorf("told %q", got)
	}
	r.press(payload(bob, "take", value(c)))
	r.failing(func(w http.ResponseWriter, _ *http.Request, method string) bool {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	if err := r.once(store.Work{Kind: store.Tell, Do: r.tell}, all); err == nil {
		t.Error("no error, though Slack is to be asked again")
	}
	r.failing(nil)
	r.clock.Advance(2 * time.Minute)
	r.no(r.once(store.Work{Kind: store.Tell, Do: r.tell}, all))
	if got := r.told(bob); got != "" {
		t.Errorf("told %q after two minutes", got)
	}
}

// A key is made of what outsiders send: it holds what tells two events apart, and is bounded.
func TestAnswerID(t *testing.T) {
	long := strings.Repeat("x", 90)
	seen := map[string]bool{}
	for _, parts := range [][]string{{"press", ann, "take"}, {"press", ann + ":take"}, {"press:" + ann, "take"}, {"press", ann, "take", ""}, {"a/b"}, {"a", "b"}, {"a%2Fb"}, {long + "1"}, {long + "2"}, {"é"}, {"\xff"}} {
		id := answerID(slices.Clone(parts)...)
		if seen[id] || strings.Contains(id, "/") {
			t.Errorf("%q: %q", parts, id)
		}
		seen[id] = true
	}
	if n := len(answerID(strings.Repeat("é", 1<<20), strings.Repeat("/", 1<<20))); n > 1000 {
		t.Errorf("%d characters", n)
	}
}
