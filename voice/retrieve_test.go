package voice

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// says gives a person's word on the call as it is, which must come to that.
func (x *exchange) says(c store.Call, person string, word store.Word, want store.Result) store.Call {
	x.Helper()
	c = x.call(c.ID)
	v, c, err := x.Store.Answer(x.ctx, store.Answer{ID: string(c.ID) + person + string(word) + x.clock.Now().String(), Call: c.ID, Attempt: c.Attempt,
		Person: person, Via: store.BySMS, Word: word})
	if err != nil || v.Result != want {
		x.Fatalf("%s's %s came to %q: %v", person, word, v.Result, err)
	}
	return c
}

func retrieval(c store.Call) store.Deed {
	return store.Deed{Kind: store.Retrieve, Call: c.ID, Attempt: c.Attempt}
}

// did does a retrieval.
func (x *exchange) did(d store.Deed) {
	x.Helper()
	after, err := x.retrieve(x.ctx, d)
	x.no(err)
	if after != nil {
		c := x.call(d.Call)
		if after(&c) {
			x.Error("people are shown a change that is none")
		}
	}
}

// byHand is an exchange with a conversation that was handed over, in which what is due is not done by itself: the caller
// is with Ann, whom nobody has told Twilio to part them from.
func byHand(t *testing.T, o voicetest.Options) (*exchange, *voicetest.Call, store.Call, *voicetest.Leg) {
	t.Helper()
	x := connected(t, o)
	in, c := x.onHold()
	c = x.answer(c, "Ann", store.Take)
	_, err := x.redirect(x.ctx, deed(c))
	x.no(err)
	leg, err := x.net.Phone("+12085550101").WaitRing(x.ctx)
	x.no(err)
	leg.Answer()
	x.no(leg.WaitKeys(x.ctx))
	leg.Press("1")
	x.no(leg.WaitBridged(x.ctx))
	c = x.says(c, "Ann", store.HandOver, store.HandedOver)
	if c.Missing != 2 || c.State != store.Waiting || leg.Place() != voicetest.PlaceBridged {
		t.Fatalf("%+v", c)
	}
	return x, in, c, leg
}

// Handed over while they talk: the taker's leg ends, the caller is on hold, and the next who takes them gets them.
func TestHandOver(t *testing.T) {
	x, _ := working(t, voicetest.Options{})
	in, c := x.onHold()
	c, leg := x.talking(in, c, "Ann")
	x.says(c, "Ann", store.HandOver, store.HandedOver)
	x.no(leg.WaitEnd(x.ctx))
	x.hears(in.Party, "Hello & welcome.", "play", "Putting you through to Ann.", "ring", "bridge", somebodyElse, "play")
	now := x.stored(in, func(c store.Call) bool { return c.Missing == 0 })
	if now.State != store.Waiting || now.Attempt != 2 || in.Place() != voicetest.PlaceQueue {
		t.Errorf("%+v at %q", now, in.Place())
	}
	_, leg = x.talking(in, now, "Bob")
	leg.Hangup()
	if now := x.stored(in, func(c store.Call) bool { return !c.Open() }); now.Outcome != store.Talked || now.Claim.Person != "Bob" {
		t.Errorf("%+v", now)
	}
	if n := x.net.Redirects(in.SID()); n != 3 {
		t.Errorf("%d redirects", n)
	}
}

// A taker who was rung waits in a queue of their own: from there, too, the caller is brought back.
func TestHandOverMet(t *testing.T) {
	x, _ := working(t, voicetest.Options{})
	in, c := x.onHold()
	own, err := x.Twilio.CallOut(x.ctx, twilio.Outgoing{From: sales, To: "+12085550101", URL: x.turn(ringPath, c), Status: x.turn(rungPath, c), Timeout: time.Minute})
	x.no(err)
	leg, err := x.net.Phone("+12085550101").WaitRing(x.ctx)
	x.no(err)
	leg.Answer()
	x.no(leg.WaitKeys(x.ctx))
	leg.Press("3") // any key but 2
	x.stored(in, func(c store.Call) bool { return c.State == store.Ringing && c.Claim.Leg == own })
	x.no(leg.WaitBridged(x.ctx))
	x.stored(in, func(c store.Call) bool { return c.State == store.Talking })
	x.says(c, "Ann", store.HandOver, store.HandedOver)
	x.no(leg.WaitEnd(x.ctx))
	x.hears(in.Party, "Hello & welcome.", "play", "Putting you through to Ann.", "bridge", somebodyElse, "play")
	now := x.stored(in, func(c store.Call) bool { return c.Missing == 0 })
	x.talking(in, now, "Bob")
}

// Nobody takes them: the phone of who handed them over rings again, and says so.
func TestHandOverReturns(t *testing.T) {
	x, _ := working(t, voicetest.Options{})
	in, c := x.onHold()
	c, leg := x.talking(in, c, "Ann")
	c = x.says(c, "Ann", store.HandOver, store.HandedOver)
	x.no(leg.WaitEnd(x.ctx))
	x.stored(in, func(c store.Call) bool { return c.Missing == 0 })
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	x.clock.Advance(30 * time.Second)
	leg, err := x.net.Phone("+12085550101").WaitRing(x.ctx)
	x.no(err)
	if c = x.call(c.ID); c.Claim.Rule != store.HandedBack || c.Claim.Person != "Ann" {
		t.Errorf("%+v", c.Claim)
	}
	leg.Answer()
	x.no(leg.WaitKeys(x.ctx))
	x.hears(leg.Party, "Nobody else took it: the caller you had. Press 1 to take it, 2 to decline.")
	leg.Press("1")
	x.no(leg.WaitBridged(x.ctx))
}

// Given back before a key was pressed.
func TestGiveBack(t *testing.T) {
	t.Run("the phone rings", func(t *testing.T) {
		x, _ := working(t, voicetest.Options{})
		in, c := x.onHold()
		c, leg := x.taken(c, "Ann")
		x.says(c, "Ann", store.SendVoicemail, store.GivenBack)
		x.no(leg.WaitEnd(x.ctx))
		if leg.Status() != "canceled" {
			t.Errorf("the taker's leg: %s", leg.Status())
		}
		x.hears(in.Party, "Hello & welcome.", "play", "Putting you through to Ann.", "ring", stillLooking, "play")
		now := x.stored(in, func(c store.Call) bool { return c.Missing == 0 })
		if now.State != store.Waiting || now.Attempt != 2 || now.Tries[0].Why != store.GaveBack || !now.Deadline.Equal(c.Arrived.Add(2*time.Minute)) {
			t.Errorf("%+v", now)
		}
		x.talking(in, now, "Bob")
	})
	t.Run("the question is heard", func(t *testing.T) {
		x, _ := working(t, voicetest.Options{})
		in, c := x.onHold()
		c, leg := x.taken(c, "Ann")
		leg.Answer()
		x.no(leg.WaitKeys(x.ctx))
		x.says(c, "Ann", store.SendVoicemail, store.GivenBack)
		x.no(leg.WaitEnd(x.ctx))
		x.hears(in.Party, "Hello & welcome.", "play", "Putting you through to Ann.", "ring", stillLooking, "play")
	})
	t.Run("no time is left", func(t *testing.T) {
		x, _ := working(t, voicetest.Options{})
		in, c := x.onHold()
		x.clock.Advance(110 * time.Second)
		c, _ = x.taken(c, "Ann")
		x.clock.Advance(11 * time.Second)
		x.says(c, "Ann", store.SendVoicemail, store.GivenBack)
		x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
		if now := x.call(c.ID); now.State != store.Recording || now.Claim.Rule != store.WaitedOut || now.Fetched != 2 {
			t.Errorf("%+v", now)
		}
	})
	// They have not been pulled out of the queue: there they stay, without a word.
	t.Run("still on hold", func(t *testing.T) {
		x := connected(t, voicetest.Options{})
		in, c := x.onHold()
		x.answer(c, "Ann", store.Take)
		c = x.says(c, "Ann", store.SendVoicemail, store.GivenBack)
		after, err := x.retrieve(x.ctx, retrieval(c))
		x.no(err)
		if after(&c) || c.Missing != 0 || x.net.Redirects(in.SID()) != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// Somebody takes them before they are back: that waits, and then they are put through without hearing music.
func TestRetrieveClaimed(t *testing.T) {
	for word, place := range map[store.Word]voicetest.Place{store.Take: voicetest.PlaceDialing, store.SendVoicemail: voicetest.PlaceRecording} {
		x, in, c, leg := byHand(t, voicetest.Options{})
		c = x.answer(c, "Bob", word)
		for range 3 {
			_, err := x.redirect(x.ctx, deed(c))
			putOff(t, err, quick)
			x.clock.Advance(time.Minute) // however long it takes
		}
		x.did(retrieval(c))
		x.no(leg.WaitEnd(x.ctx))
		x.no(in.WaitPlace(x.ctx, place))
		if now := x.call(c.ID); now.Missing != 0 || now.Fetched != 2 {
			t.Errorf("%s: %+v", word, now)
		}
		_, err := x.redirect(x.ctx, deed(c))
		x.no(err)
		if n := x.net.Redirects(in.SID()); n != 2 || slices.Contains(heard(in.Party), somebodyElse) {
			t.Errorf("%s: %d redirects, heard %q", word, n, heard(in.Party))
		}
	}
}

// The claim and its redirect come while the caller is on their way back.
func TestRetrieveClaimedOnTheWay(t *testing.T) {
	x, in, c, _ := byHand(t, voicetest.Options{})
	x.hold(backPath)
	x.did(retrieval(c))
	x.stored(in, func(c store.Call) bool { return c.Missing == 0 }) // their document is on its way
	c = x.answer(c, "Bob", store.Take)
	_, err := x.redirect(x.ctx, deed(c))
	putOff(t, err, quick)
	x.release(backPath)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	_, err = x.redirect(x.ctx, deed(c))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))

	// The same, but it is recorded as done before the document is asked for: that leads into the queue.
	x, in, c, _ = byHand(t, voicetest.Options{})
	x.bend(backPath, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := x.Store.Queued(x.ctx, c.ID, 2, x.call(c.ID).Queue)
			if err != nil || c.Missing != 0 {
				t.Errorf("%+v, %v", c, err)
			}
			x.answer(c, "Bob", store.Take)
			next.ServeHTTP(w, r)
		})
	})
	x.did(retrieval(c))
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	c = x.call(c.ID)
	_, err = x.redirect(x.ctx, deed(c))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
}

// A process died between the request and its record: the next does it again, and nobody is parted who talks since.
func TestRetrieveAgain(t *testing.T) {
	x, in, c, _ := byHand(t, voicetest.Options{})
	again := retrieval(c)
	again.Doubt = true
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	x.bend(backPath, func(next http.Handler) http.Handler { // asked for, and not yet seen here
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-gate
			next.ServeHTTP(w, r)
		})
	})
	x.did(retrieval(c))
	x.did(again)
	open()
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	x.did(again)
	if n := x.net.Redirects(in.SID()); n != 3 {
		t.Errorf("%d redirects", n)
	}
	x.stored(in, func(c store.Call) bool { return c.Missing == 0 })
	c = x.answer(c, "Bob", store.Take)
	_, err := x.redirect(x.ctx, deed(c))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
	n := x.net.Redirects(in.SID())
	x.did(again)
	if in.Place() != voicetest.PlaceDialing || x.net.Redirects(in.SID()) != n {
		t.Error("parted")
	}
	// Nor when they have come in another way.
	for _, state := range []store.State{store.Waiting, store.Ringing, store.Talking} {
		y, in, c, _ := byHand(t, voicetest.Options{})
		if state != store.Waiting {
			c = y.answer(c, "Bob", store.Take)
		}
		y.fetched(c)
		if state == store.Talking {
			y.accepted(c)
		}
		n := y.net.Redirects(in.SID())
		y.did(retrieval(c))
		y.stored(in, func(c store.Call) bool { return c.Missing == 0 })
		if y.net.Redirects(in.SID()) != n {
			t.Errorf("%s: redirected", state)
		}
	}
}

// The conversation ends by itself before Twilio has parted it.
func TestRetrieveTooLate(t *testing.T) {
	t.Run("the taker hangs up", func(t *testing.T) {
		x, in, c, leg := byHand(t, voicetest.Options{})
		leg.Hangup()
		x.hears(in.Party, "Hello & welcome.", "play", "Putting you through to Ann.", "ring", "bridge", somebodyElse, "play")
		x.stored(in, func(c store.Call) bool { return c.Missing == 0 })
		x.did(retrieval(c))
		if n := x.net.Redirects(in.SID()); n != 1 || in.Place() != voicetest.PlaceQueue {
			t.Errorf("%d redirects", n)
		}
	})
	t.Run("the caller hangs up", func(t *testing.T) {
		x, in, c, _ := byHand(t, voicetest.Options{})
		for _, path := range []string{StatusPath, dialedPath} {
			x.bend(path, func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			})
		}
		in.Hangup()
		x.no(in.WaitEnd(x.ctx))
		x.did(retrieval(c))
		if now := x.call(c.ID); now.Open() {
			t.Errorf("%+v", now)
		}
		x.did(retrieval(c))
	})
}

// The caller hangs up before they are brought to where they are to leave a message, and Twilio has yet to say whether there
// is a recording of them: nobody waits for them to come.
func TestRetrieveTooLateForAMessage(t *testing.T) {
	x, in, c, _ := byHand(t, voicetest.Options{})
	c = x.answer(c, "Bob", store.SendVoicemail)
	for _, path := range []string{StatusPath, dialedPath} {
		x.bend(path, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		})
	}
	in.Hangup()
	x.no(in.WaitEnd(x.ctx))
	x.failing(func(w http.ResponseWriter, r *http.Request) bool {
		listed := strings.HasSuffix(r.URL.Path, "/Recordings.json")
		if listed {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"recordings": [{"sid": "RE1", "status": "processing", "duration": null}]}`)
		}
		return listed
	})
	x.did(retrieval(c))
	after, err := x.retrieve(x.ctx, retrieval(c))
	if x.no(err); after != nil {
		t.Error("there is more to do")
	}
	if _, err := x.redirect(x.ctx, deed(c)); err != nil {
		t.Errorf("their redirect: %v", err)
	}
	if now := x.call(c.ID); now.State != store.Recording || x.net.Redirects(in.SID()) != 1 { // see ask
		t.Errorf("%+v, %d redirects", now, x.net.Redirects(in.SID()))
	}
}

// What Twilio cannot do now is done later; until then the caller is nobody's to look for.
func TestRetrieveTwilioFails(t *testing.T) {
	x, in, c, leg := byHand(t, voicetest.Options{})
	for _, part := range []string{"/Members/", "/Calls/"} {
		x.failing(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, part) {
				w.Header().Set("Retry-After", "4")
				http.Error(w, "{}", http.StatusTooManyRequests)
			}
			return strings.Contains(r.URL.Path, part)
		})
		_, err := x.retrieve(x.ctx, retrieval(c))
		if later, ok := errors.AsType[*store.Later](err); !ok || later.After != 4*time.Second {
			t.Errorf("%s: %v", part, err)
		}
	}
	x.failing(nil)
	x.clock.Advance(10 * time.Minute)
	mended := counted{}
	x.no(x.MissedCalls(x.ctx, mended.mend))
	_, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID})
	x.no(err)
	if now := x.call(c.ID); len(mended) != 0 || now.State != store.Waiting || now.Missing != 2 {
		t.Errorf("mended %v, %+v", mended, now)
	}
	x.did(retrieval(c))
	x.no(leg.WaitEnd(x.ctx))
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
}

// Twilio was asked, and our document cannot be had: the caller hears a fallback, which nobody tears down. Whoever claims
// them meanwhile waits for them as long as that may take, and no longer.
func TestRetrieveToFallback(t *testing.T) {
	x, in, c, _ := byHand(t, voicetest.Options{})
	x.bend(backPath, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "away", http.StatusBadGateway) })
	})
	x.bend(FallbackPath, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprint(w, `<Response><Record action="/done"/></Response>`)
		})
	})
	c = x.answer(c, "Bob", store.Take)
	d := retrieval(c)
	x.did(d)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
	var again *store.Deed
	x.no(x.disk.View(x.ctx, func(r store.Reader) error {
		b, err := r.Get(d.Key())
		if err == nil {
			err = json.Unmarshal(b, &again)
		}
		return err
	}))
	if again.Rev == 0 || !again.Due.Equal(x.clock.Now().Add(insist)) {
		t.Errorf("%+v", again)
	}
	_, err := x.redirect(x.ctx, deed(c))
	putOff(t, err, quick)
	after, err := x.retrieve(x.ctx, *again)
	x.no(err)
	if after(&c); c.Missing != 0 || x.net.Redirects(in.SID()) != 2 || in.Place() != voicetest.PlaceRecording {
		t.Errorf("%+v, %d redirects", c, x.net.Redirects(in.SID()))
	}
}

// Of a call, or an attempt, that is over there is nothing to bring back, and Twilio is not asked.
func TestRetrieveOvertaken(t *testing.T) {
	x := connected(t, voicetest.Options{})
	for _, at := range []string{"waiting", "ringing", "talking", "again", "missed", "talked"} {
		c := stage(x.house, x.arrive("CA"+strings.ReplaceAll(at, " ", "")), at)
		for n := range 3 {
			if after, err := x.retrieve(x.ctx, store.Deed{Kind: store.Retrieve, Call: c.ID, Attempt: n + 1}); err != nil || after != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
		_, err := x.Store.HungUp(x.ctx, c.ID)
		x.no(err)
	}
	if n := len(x.net.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestBack(t *testing.T) {
	over := func(h *house, c store.Call) store.Call {
		_, c, err := h.Store.Answer(h.Context(), store.Answer{ID: "over", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.HandOver})
		return h.got(c, err)
	}
	stages["handed over"] = func(h *house, c store.Call) store.Call { return over(h, stage(h, c, "talking")) }
	stages["handed, taken"] = func(h *house, c store.Call) store.Call {
		return h.answer(stage(h, c, "handed over"), "Bob", store.Take)
	}
	stages["handed, sent"] = func(h *house, c store.Call) store.Call {
		return h.answer(stage(h, c, "handed over"), "Bob", store.SendVoicemail)
	}
	run(t, backPath, with(), []step{
		{"handed over", 2, "enqueue", 0, store.Waiting},
		{"handed over", 1, "enqueue", 2, store.Waiting},
		{"handed, taken", 2, "dial Bob", 0, store.Ringing},
		{"handed, taken", 1, "enqueue", 2, store.Ringing}, // another is on the way
		{"handed, sent", 2, "record", 0, store.Recording},
		{"again ringing", 2, "enqueue", 0, store.Ringing}, // its redirect is
		{"fetched", 1, "dial Ann", 0, store.Ringing},
		{"missed", 1, "hangup", 0, store.Ended},
		{"talked", 1, "hangup", 0, store.Ended},
	})
	// What a conversation's end leads to while the caller has yet to be brought back.
	run(t, dialedPath, with("DialCallStatus", "completed", "DialBridged", "true"), []step{
		{"handed over", 1, "enqueue", 2, store.Waiting},
		{"handed, taken", 1, "enqueue", 2, store.Ringing},
	})
	// Without a store the caller hears the fallback.
	h := open(t, someTeam())
	c := stage(h, h.arrive("CA1"), "handed over")
	h.disk.breakDown(true)
	if w := h.post(of(backPath, c, 2), form(common(c)...)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}
