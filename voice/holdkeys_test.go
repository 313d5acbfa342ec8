package voice

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

func init() {
	documents["leave"] = `<Leave/>`
	documents["call back"] = `<Say voice="woman">We will call you back on this number. You can hang up. Goodbye.</Say><Hangup/>`
	documents["music"] = `<Gather action="@u/twilio/hold/key?c=@c&amp;n=@n&amp;s=7&amp;b=0&amp;m=3" input="dtmf" numDigits="1" timeout="1">
		<Play loop="0">@u` + ownMusic.Text[len(here):] + `</Play></Gather><Redirect>@u/twilio/hold?c=@c&amp;n=@n&amp;s=7&amp;b=0&amp;m=3</Redirect>`
	stages["leaves a message"] = func(h *house, c store.Call) store.Call {
		_, c, err := h.Store.LeaveMessage(h.Context(), c.ID, 1)
		return h.got(c, err)
	}
	stages["to be called back"] = func(h *house, c store.Call) store.Call {
		_, c, err := h.Store.AskBack(h.Context(), c.ID, 1)
		return h.got(c, err)
	}
	stages["called back"] = func(h *house, c store.Call) store.Call {
		return h.answer(stages["to be called back"](h, c), "Ann", store.Take)
	}
}

// Each key of a caller on hold, at each stage that it can come at, delivered twice.
func TestHoldKeys(t *testing.T) {
	at := func(path string) func(c store.Call) []string { return with("QueueSid", "QU1", "Digits", path) }
	keys := func(key string, steps []step) {
		t.Helper()
		t.Run(key, func(t *testing.T) { run(t, holdKeyPath+"?s=7&m=2", at(key), steps) })
	}
	keys("1", []step{
		{"waiting", 1, "leave", 0, store.Recording},
		{"again", 2, "leave", 0, store.Recording},
		{"leaves a message", 1, "leave", 0, store.Recording},
		{"ringing", 1, "music", 0, store.Ringing}, // the claim was quicker: the redirect is on its way
		{"recording", 1, "music", 0, store.Recording},
		{"again", 1, "music", 0, store.Waiting}, // pressed before the redirect, heard after
		{"to be called back", 1, "call back", 0, store.Waiting},
		{"missed", 1, "music", 0, store.Ended},
	})
	keys("2", []step{
		{"waiting", 1, "call back", 0, store.Waiting},
		{"again", 2, "call back", 0, store.Waiting},
		{"to be called back", 1, "call back", 0, store.Waiting},
		{"called back", 1, "call back", 0, store.Ringing},
		{"ringing", 1, "music", 0, store.Ringing},
		{"leaves a message", 1, "music", 0, store.Recording},
		{"missed", 1, "music", 0, store.Ended},
	})
	for _, other := range []string{"3", "9", "0", "*", "", "12", "#"} {
		keys(other, []step{
			{"waiting", 1, "music", 0, store.Waiting},
			{"ringing", 1, "music", 0, store.Ringing},
		})
	}
	// What else of theirs is on the way finds them at the same place.
	for _, stage := range []string{"to be called back", "called back"} {
		state := map[string]store.State{"to be called back": store.Waiting, "called back": store.Ringing}[stage]
		run(t, holdPath, with("QueueSid", "QU1"), []step{{stage, 1, "call back", 0, state}})
		run(t, leftPath, with("QueueResult", "error"), []step{{stage, 1, "call back", 0, state}})
		run(t, leftPath, with("QueueResult", "hangup", "CallStatus", "completed"), []step{{stage, 1, "", 0, state}})
		run(t, connectPath, with(), []step{{stage, 1, "call back", 0, state}})
		run(t, dialedPath, with("DialCallStatus", "completed"), []step{{stage, 1, "call back", 0, state}})
		run(t, FallbackPath, with("CallStatus", "in-progress"), []step{{stage, 1, "call back", 0, state}})
	}
	run(t, leftPath, with("QueueResult", "leave"), []step{{"leaves a message", 1, "record", 0, store.Recording}})
}

// Leaving the queue by a key is no fault.
func TestLeavingIsNoFault(t *testing.T) {
	h := open(t, someTeam())
	c := stage(h, h.arrive("CA1"), "leaves a message")
	spoken(t, h.post(of(leftPath, c, 1), form(common(c, "QueueResult", "leave")...)))
	if strings.Contains(h.log.String(), "fell out") {
		t.Error(h.log)
	}
}

// offered is what a caller hears of the keys, and what 2 does.
func offered(h *house, c store.Call, from string) (keys string, asked bool) {
	f := form(common(c, "QueueSid", "QU1", "From", from)...)
	keys = spoken(h.TB, h.post(of(holdPath, c, 1), f)).Inner[0].Inner[1].Text
	f.Set("Digits", "2")
	spoken(h.TB, h.post(of(holdKeyPath, c, 1)+"&s=0&m=1", f))
	return keys, h.call(c.ID).Back != nil
}

// Only who can be called back is offered it.
func TestWhoIsCalledBack(t *testing.T) {
	for _, tt := range []struct {
		country, from string
		can           bool
	}{
		{"US", caller, true},
		{"US", "", false},
		{"US", "+19005550123", false}, // costs extra
		{"US", "+18005550123", false}, // free for who calls it
		{"US", "+12425550123", false}, // another country, by the same country code
		{"US", "+4930123456", false},
		{"US", "+8835100012", false}, // no country
		{"GB", caller, false},
		{"GB", "+442071234567", true},
		{"GB", "+447400123456", true},
		{"GB", "+445612345678", false}, // over the internet, and perhaps nowhere
		{"", caller, false},            // a line whose number is in no country
		{"", "+8835100012", false},
	} {
		team := someTeam()
		team.Lines[0].Country = tt.country
		h := open(t, team)
		c, err := h.Store.Arrive(t.Context(), store.Arrival{SID: "CA1", Line: sales, From: tt.from})
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: bothKeys, false: "Press 1 to leave a message."}[tt.can]
		if keys, asked := offered(h, c, tt.from); keys != want || asked != tt.can {
			t.Errorf("%s to a line in %q: %q, asked %v", tt.from, tt.country, keys, asked)
		}
	}
}

// One call back at a time for a number, and three a day.
func TestCallsBackAreCounted(t *testing.T) {
	h := open(t, someTeam())
	c := h.arrive("CA1")
	if _, asked := offered(h, c, caller); !asked {
		t.Fatal("not asked")
	}
	second := h.arrive("CA2")
	got := spoken(t, h.post(of(holdKeyPath, second, 1)+"&s=0&m=1", form(common(second, "Digits", "2")...)))
	if got.Inner[0].Inner[0].Text != "You have asked for that already: we will call you back." || h.call(second.ID).Back != nil {
		t.Errorf("%s", got)
	}
	for i := range 4 {
		c = h.answer(h.call(c.ID), "Ann", store.Take)
		if _, err := h.Store.CallBackOver(t.Context(), c.ID, c.Attempt, store.DialResult{Bridged: true, Seconds: 1}); err != nil {
			t.Fatal(err)
		}
		next := h.arrive(fmt.Sprint("CA1", i))
		if _, asked := offered(h, next, caller); asked != (i < 1) { // with the two above
			t.Fatalf("after %d: %v", i, asked)
		} else if !asked {
			got := spoken(t, h.post(of(holdKeyPath, next, 1)+"&s=0&m=1", form(common(next, "Digits", "2")...)))
			if got.Inner[0].Inner[0].Text != "Sorry, we cannot call you back on this number." {
				t.Errorf("%s", got)
			}
			return
		}
		c = next
	}
}

// With the store away the music goes on.
func TestHoldKeyWithoutAStore(t *testing.T) {
	h := open(t, someTeam())
	c := h.arrive("CA1")
	h.disk.breakDown(true)
	for _, key := range []string{"1", "2", "3"} {
		got := spoken(t, h.post(of(holdKeyPath, c, 1)+"&s=7&m=2", form(common(c, "Digits", key)...)))
		if want := document(t, c, 1, "music"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %s", key, got)
		}
	}
	if !strings.Contains(h.log.String(), "disk on fire") {
		t.Error("nothing is logged")
	}
}

// texts are the sentences of a hold document, and whether its music goes on for ever.
func (h *house) waits(uri string, c store.Call) (said []string, endless bool, next string) {
	h.Helper()
	got := spoken(h.TB, h.post(uri, form(common(c, "QueueSid", "QU1", "QueueTime", "600")...)))
	for _, v := range got.Inner[0].Inner {
		if v.Name == "Say" {
			said = append(said, v.Text)
		}
		endless = v.Attr["loop"] == "0"
	}
	u, err := url.Parse(got.Inner[1].Text)
	if err != nil {
		h.Fatal(err)
	}
	return said, endless, u.RequestURI()
}

// Three callers: each hears their place, once a minute at most, and whoever has nobody on hold before them hears music that
// does not end.
func TestPlaces(t *testing.T) {
	team := someTeam()
	team.Lines[0].Greeting, team.Lines[0].MaxWait = "", time.Hour
	h := open(t, team)
	var calls [3]store.Call
	var next [3]string
	for i := range calls {
		calls[i] = h.arrive(fmt.Sprint("CA", i))
		next[i] = of(holdPath, calls[i], 1)
		h.clock.Advance(time.Second)
	}
	hear := func(i int, endless bool, want ...string) {
		t.Helper()
		said, ends, then := h.waits(next[i], calls[i])
		if !strings.Contains(next[i], "&s=") { // the first document
			_, _, then = h.waits(next[i], calls[i])
		}
		if next[i] = then; !reflect.DeepEqual(said, want) || ends != endless {
			t.Errorf("caller %d: %q, endless %v", i+1, said, ends)
		}
	}
	first := func(i int, endless bool, want string) {
		t.Helper()
		got := spoken(t, h.post(next[i], form(common(calls[i], "QueueSid", "QU1")...))).Inner[0].Inner
		next[i] = fmt.Sprintf("%s&s=%d&b=%d&m=1", next[i], int(h.clock.Since(calls[i].Arrived).Seconds()), i)
		if n := len(got); n < 2 || want != "" && (n != 3 || got[0].Text != want) || got[n-2].Text != bothKeys || (got[n-1].Attr["loop"] == "0") != endless {
			t.Errorf("caller %d: %v", i+1, got)
		}
	}
	first(0, true, "")
	first(1, false, "1 caller is before you.")
	first(2, false, "2 callers are before you.")
	h.clock.Advance(30 * time.Second)
	hear(2, false) // music alone
	h.clock.Advance(31 * time.Second)
	hear(0, true) // who has been alone needs no word
	hear(1, false, "1 caller is before you.")
	hear(2, false, "2 callers are before you.")
	hear(2, false)
	// The first asks to be called back, and keeps their place: nobody on hold is before the second any more.
	stage(h, calls[0], "to be called back")
	h.clock.Advance(61 * time.Second)
	hear(1, true, "1 caller is before you.")
	// Of the others one is taken.
	calls[1] = h.answer(calls[1], "Ann", store.Take)
	hear(2, false, "2 callers are before you.") // a phone rings, they may come back
	calls[1] = h.accepted(calls[1])
	hear(2, false) // told so a moment ago
	h.clock.Advance(61 * time.Second)
	hear(2, true, "1 caller is before you.")
	h.accepted(h.answer(h.call(calls[0].ID), "Bob", store.Take))
	hear(2, false) // told so a moment ago
	h.clock.Advance(61 * time.Second)
	hear(2, true, "You are next.")
	h.clock.Advance(61 * time.Second)
	hear(2, true) // that was said
	// Who was taken and comes back is before the others again.
	h.dialed(calls[1], store.DialResult{Why: store.NoAnswer})
	h.clock.Advance(61 * time.Second)
	hear(2, false, "1 caller is before you.")
	// With the store away their music goes on, for as long as that takes.
	h.disk.breakDown(true)
	h.clock.Advance(61 * time.Second)
	hear(2, true)
}

// How long others waited is said to newcomers once three calls were answered within the hour.
func TestOthersWaited(t *testing.T) {
	h := open(t, someTeam())
	for i, waited := range []time.Duration{10 * time.Second, 4 * time.Minute, 100 * time.Second} {
		c := h.arrive(fmt.Sprint("CA", i))
		if got := spoken(t, h.post(of(holdPath, c, 1), form(common(c)...))).Inner[0].Inner; len(got) != 3 {
			t.Errorf("after %d: %v", i, got)
		}
		h.clock.Advance(waited)
		h.dialed(h.accepted(h.answer(c, "Ann", store.Take)), store.DialResult{Bridged: true, Seconds: 1})
	}
	c := h.arrive("CA9")
	got := spoken(t, h.post(of(holdPath, c, 1), form(common(c)...))).Inner[0].Inner
	if len(got) != 4 || got[1].Text != "Calls answered in the last hour waited about 2 minutes." {
		t.Errorf("%v", got)
	}
	h.clock.Advance(time.Hour - 101*time.Second) // the second is not within the hour any more, the third is
	c = h.arrive("CA10")
	if got := spoken(t, h.post(of(holdPath, c, 1), form(common(c)...))).Inner[0].Inner; len(got) != 4 || got[1].Text != oneBefore {
		t.Errorf("%v", got)
	}
}

// Several pieces of music: each document goes on with the next.
func TestMusicGoesOn(t *testing.T) {
	team := someTeam()
	team.Lines[0].HoldMusic = []string{"https://music.example/0", "https://music.example/1"}
	h := open(t, team)
	h.arrive("CA0")
	c := h.arrive("CA1")
	uri := of(holdPath, c, 1)
	for i := range 4 {
		got := spoken(t, h.post(uri, form(common(c, "QueueTime", "60")...)))
		inner := got.Inner[0].Inner
		if len(inner) != 1 || inner[0].Text != team.Lines[0].HoldMusic[i%2] {
			t.Errorf("document %d: %.200v", i, inner)
		}
		u, _ := url.Parse(got.Inner[1].Text)
		uri = u.RequestURI()
	}
	for _, bad := range []string{"&s=x&b=y&m=-1", "&s=99999999999999999999&b=99999999999999999999&m=99999999999999999999", "&s=-5&b=-5&m=3", "&s=&b=&m="} {
		spoken(t, h.post(of(holdPath, c, 1)+bad, form(common(c)...)))
	}
}

// The same on a telephone: 1 leads to the tone, 2 says goodbye, whatever is playing.
func TestHoldKeysOnThePhone(t *testing.T) {
	x := connected(t, voicetest.Options{})
	first, one := x.waiting()
	second, two := x.waiting()
	x.no(second.WaitKeys(x.ctx))
	if _, err := second.WaitHeard(x.ctx, func(h voicetest.Heard) bool { return h.Text == "1 caller is before you." }); err != nil {
		t.Fatal(err)
	}
	heard := func() int { // the music has begun so often
		return len(slices.DeleteFunc(second.Heard(), func(h voicetest.Heard) bool { return h.Kind != voicetest.HeardPlay }))
	}
	_, err := second.WaitHeard(x.ctx, func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardPlay })
	x.no(err)
	second.Press("9")
	for heard() < 2 && x.ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	x.no(second.WaitKeys(x.ctx))
	second.Press("2")
	x.no(second.WaitEnd(x.ctx))
	if now := x.call(two.ID); now.Back == nil || now.State != store.Waiting {
		t.Errorf("%+v", now)
	}
	x.no(first.WaitKeys(x.ctx))
	first.Press("1")
	x.no(first.WaitPlace(x.ctx, voicetest.PlaceRecording))
	first.Speak(5 * time.Second)
	first.Hangup()
	c := x.stored(first, func(c store.Call) bool { return !c.Open() })
	if c.Outcome != store.Voicemail || c.Claim.Rule != store.CallersKey || c.ID != one.ID {
		t.Errorf("%+v", c)
	}
	if n := x.net.Redirects(first.SID()); n != 0 {
		t.Errorf("%d redirects", n)
	}
}

// A key and a claim in the same moment: one of them counts, and the caller is led to what it says.
func TestHoldKeyAgainstClaim(t *testing.T) {
	for _, key := range []string{"1", "2"} {
		won := map[bool]int{}
		for i := range 40 {
			h := open(t, someTeam())
			c := h.arrive("CA1")
			began, done := make(chan struct{}), make(chan verb, 1)
			go func() {
				<-began
				done <- spoken(t, h.post(of(holdKeyPath, c, 1)+"&s=0&m=1", form(common(c, "Digits", key)...)))
			}()
			close(began)
			if i%2 == 0 {
				time.Sleep(time.Duration(i) * 20 * time.Microsecond)
			}
			v, _, err := h.Store.Answer(t.Context(), store.Answer{ID: "a", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take})
			if err != nil {
				t.Fatal(err)
			}
			doc, now := <-done, h.call(c.ID)
			state, _ := json.Marshal(now)
			heard := doc.Inner[0].Name
			counted := key == "1" && heard == "Leave" || key == "2" && heard == "Say"
			switch {
			case key == "1" && counted != (now.State == store.Recording), key == "1" && counted == (v.Result == store.Won):
				t.Errorf("key %s: heard %s, Ann %s, %s", key, heard, v.Result, state)
			case key == "2" && counted != (now.Back != nil), v.Result == store.Won && now.State != store.Ringing:
				t.Errorf("key %s: heard %s, Ann %s, %s", key, heard, v.Result, state)
			}
			won[counted]++
		}
		t.Logf("key %s counted %d times of 40", key, won[true])
	}
}
