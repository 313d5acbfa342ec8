package voice

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

// working is an exchange where what is due is done, and what takes time on the telephone takes it by the second clock.
func working(t *testing.T, o voicetest.Options) (*exchange, *clockwork.FakeClock) {
	t.Helper()
	tel := clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC))
	o.Clock = tel
	x := connected(t, o)
	x.work(t)
	return x, tel
}

// work does what is due to a caller, until the test ends. Nobody's phone is rung because no SMS was sent.
func (x *exchange) work(t *testing.T) {
	ctx, stop := context.WithCancel(x.ctx)
	var g sync.WaitGroup
	g.Go(func() { _ = x.Store.Run(ctx, x.redirects()) })
	g.Go(func() { _ = x.Store.Run(ctx, x.retrieves()) })
	g.Go(func() { _ = x.Store.Deadlines(ctx) })
	t.Cleanup(func() { stop(); g.Wait() })
}

// onHold is a call whose caller hears music.
func (x *exchange) onHold() (*voicetest.Call, store.Call) {
	x.Helper()
	in, c := x.waiting()
	x.hears(in.Party, "Hello & welcome.", "play")
	return in, c
}

// taken has a call ring somebody's phone.
func (x *exchange) taken(c store.Call, person string) (store.Call, *voicetest.Leg) {
	x.Helper()
	c = x.answer(c, person, store.Take)
	p, _ := x.Store.Team.Person(person)
	leg, err := x.net.Phone(p.Phone).WaitRing(x.ctx)
	x.no(err)
	return c, leg
}

// talking connects them.
func (x *exchange) talking(in *voicetest.Call, c store.Call, person string) (store.Call, *voicetest.Leg) {
	x.Helper()
	_, leg := x.taken(c, person)
	leg.Answer()
	x.no(leg.WaitKeys(x.ctx))
	leg.Press("1")
	x.no(leg.WaitBridged(x.ctx))
	return x.stored(in, func(c store.Call) bool { return c.State == store.Talking }), leg
}

// hears waits until somebody has heard that much, which must be this and nothing else.
func (x *exchange) hears(p *voicetest.Party, want ...string) {
	x.Helper()
	for len(heard(p)) < len(want) && x.ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if got := heard(p); !slices.Equal(got, want) {
		x.Fatalf("heard %q, want %q", got, want)
	}
}

// heard lists what somebody heard, but for the names of files and numbers, and for what callers on hold are told of their
// keys and their place.
func heard(p *voicetest.Party) (all []string) {
	for _, h := range p.Heard() {
		switch {
		case slices.Contains([]string{keysOnHold(true, false), keysOnHold(false, false), placeInQueue(0)}, h.Text):
		case h.Kind == voicetest.HeardSay:
			all = append(all, h.Text)
		default:
			all = append(all, string(h.Kind))
		}
	}
	return all
}

const question = "Call for Sales. Press 1 to take it, 2 to decline."

// However the taker does not come: their leg ends, the caller hears an apology and music again, keeps their place, and
// has waited since they came.
func TestTakerDoesNotCome(t *testing.T) {
	pick := func(x *exchange, _ *clockwork.FakeClock, leg *voicetest.Leg) {
		leg.Answer()
		x.hears(leg.Party, question)
		x.no(leg.WaitKeys(x.ctx))
	}
	for _, tt := range []struct {
		name   string
		opt    voicetest.Options
		does   func(*exchange, *clockwork.FakeClock, *voicetest.Leg)
		why    store.Why
		status string // of the taker's leg
		hears  []string
	}{
		{name: "no answer", why: store.NoAnswer, status: "no-answer", does: func(x *exchange, tel *clockwork.FakeClock, leg *voicetest.Leg) {
			x.no(tel.BlockUntilContext(x.ctx, 1))
			tel.Advance(24 * time.Second) // ring_timeout, and Twilio's own 5 s
			if leg.Status() != "ringing" {
				t.Errorf("after 24 s: %s", leg.Status())
			}
			tel.Advance(time.Second)
		}},
		{name: "busy", why: store.Busy, status: "busy", does: func(_ *exchange, _ *clockwork.FakeClock, leg *voicetest.Leg) { leg.Decline() }},
		{name: "failed", why: store.Failed, status: "busy", does: func(x *exchange, _ *clockwork.FakeClock, leg *voicetest.Leg) {
			x.bend(dialedPath, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.PostForm.Set("DialCallStatus", "failed")
					next.ServeHTTP(w, r)
				})
			})
			leg.Decline()
		}},
		{name: "declined", why: store.Declined, status: "completed", hears: []string{question},
			does: func(x *exchange, tel *clockwork.FakeClock, leg *voicetest.Leg) {
				pick(x, tel, leg)
				leg.Press("2")
			}},
		{name: "declined, as Twilio may say it", why: store.Declined, status: "completed", opt: voicetest.Options{ScreenedStatus: "no-answer"}, hears: []string{question},
			does: func(x *exchange, tel *clockwork.FakeClock, leg *voicetest.Leg) {
				pick(x, tel, leg)
				leg.Press("2")
			}},
		{name: "a machine, or nobody who presses a key", why: store.NotAccepted, status: "completed", hears: []string{question, question},
			does: func(x *exchange, tel *clockwork.FakeClock, leg *voicetest.Leg) {
				pick(x, tel, leg)
				for range 2 {
					x.no(tel.BlockUntilContext(x.ctx, 1))
					tel.Advance(5 * time.Second)
				}
			}},
		{name: "hangs up on the question", why: store.NotAccepted, status: "completed", hears: []string{question},
			does: func(x *exchange, tel *clockwork.FakeClock, leg *voicetest.Leg) {
				pick(x, tel, leg)
				leg.Hangup()
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, tel := working(t, tt.opt)
			in, c := x.onHold()
			_, leg := x.taken(c, "Ann")
			tt.does(x, tel, leg)
			x.no(leg.WaitEnd(x.ctx))
			if leg.Status() != tt.status || !slices.Equal(heard(leg.Party), tt.hears) {
				t.Errorf("the taker's leg: %s, heard %q", leg.Status(), heard(leg.Party))
			}
			x.hears(in.Party, "Hello & welcome.", "play", "Putting you through to Ann.", "ring", stillLooking, "play")
			now := x.call(c.ID)
			if now.State != store.Waiting || now.Attempt != 2 || len(now.Tries) != 1 || now.Tries[0].Why != tt.why || now.Tries[0].Person != "Ann" {
				t.Errorf("%+v", now)
			}
			if !now.Arrived.Equal(c.Arrived) || !now.Deadline.Equal(c.Arrived.Add(2*time.Minute)) {
				t.Errorf("arrived %s, deadline %s", now.Arrived, now.Deadline)
			}
			x.talking(in, now, "Bob")
		})
	}
}

// The time that a taker's phone rings counts as waiting: when it is over, a caller whom nobody took is asked for a message.
func TestTakerDoesNotComeInTime(t *testing.T) {
	x, tel := working(t, voicetest.Options{})
	in, c := x.onHold()
	x.clock.Advance(110 * time.Second)
	_, leg := x.taken(c, "Ann")
	x.no(tel.BlockUntilContext(x.ctx, 1))
	x.clock.Advance(25 * time.Second)
	tel.Advance(25 * time.Second)
	x.no(leg.WaitEnd(x.ctx))
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
	x.hears(in.Party, "Hello & welcome.", "play", "Putting you through to Ann.", "ring", "Please leave a message.", "beep")
	if now := x.call(c.ID); now.State != store.Recording || now.Claim.Rule != store.WaitedOut || now.Tries[0].Why != store.NoAnswer {
		t.Errorf("%+v, %+v", now, now.Claim)
	}
	if n := x.net.Redirects(in.SID()); n != 1 {
		t.Errorf("%d redirects", n)
	}
}

// The caller hangs up while the taker's phone rings, or is being asked: that leg ends at once, whatever Twilio says of
// the Dial.
func TestCallerHangsUpOnTaker(t *testing.T) {
	for _, opt := range []voicetest.Options{{}, {NoDialActionOnHangup: true}} {
		for _, answered := range []bool{false, true} {
			x, _ := working(t, opt)
			in, c := x.onHold()
			_, leg := x.taken(c, "Ann")
			if answered {
				leg.Answer()
				x.no(leg.WaitKeys(x.ctx))
			}
			in.Hangup()
			x.no(leg.WaitEnd(x.ctx))
			now := x.stored(in, func(c store.Call) bool { return !c.Open() })
			if now.Outcome != store.Missed || now.Claim.Person != "Ann" {
				t.Errorf("%+v", now)
			}
		}
	}
}

// The taker picks up, or presses the key, when the caller is gone already, as far as is known here: they are told so, and
// nobody else is connected with them.
func TestCallerGoneBeforeTaker(t *testing.T) {
	for _, path := range []string{screenPath, acceptPath} {
		x, _ := working(t, voicetest.Options{})
		in, c := x.onHold()
		x.bend(path, func(next http.Handler) http.Handler { // the word of the hang-up is the quicker
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := x.Store.HungUp(x.ctx, c.ID)
				if err != nil {
					t.Error(err)
				}
				next.ServeHTTP(w, r)
			})
		})
		_, leg := x.taken(c, "Ann")
		leg.Answer()
		want := []string{callerGone}
		if path == acceptPath {
			x.hears(leg.Party, question)
			x.no(leg.WaitKeys(x.ctx))
			leg.Press("1")
			want = []string{question, callerGone}
		}
		x.no(leg.WaitEnd(x.ctx))
		x.hears(leg.Party, want...)
		x.no(in.WaitEnd(x.ctx))
		if now := x.call(c.ID); now.Outcome != store.Missed {
			t.Errorf("%+v", now)
		}
	}
}

// Any key but 2 connects the two: a # and a * too, which are keys that end other questions.
func TestAnyKey(t *testing.T) {
	for _, key := range []string{"1", "3", "0", "*", "#"} {
		x, _ := working(t, voicetest.Options{})
		_, c := x.onHold()
		_, leg := x.taken(c, "Ann")
		leg.Answer()
		x.hears(leg.Party, question)
		x.no(leg.WaitKeys(x.ctx))
		leg.Press(key)
		x.no(leg.WaitBridged(x.ctx))
		x.hears(leg.Party, question, "bridge")
	}
}

// A line that does not ask connects the two as soon as the phone is picked up.
func TestNoQuestion(t *testing.T) {
	x, _ := working(t, voicetest.Options{})
	x.Store.Team.Lines[0].Accept = false
	in, c := x.onHold()
	_, leg := x.taken(c, "Ann")
	leg.Answer()
	x.no(leg.WaitBridged(x.ctx))
	x.hears(leg.Party, "bridge")
	x.stored(in, func(c store.Call) bool { return c.State == store.Talking })
}

// forwarded sends a call to a number outside.
func (h *house) forwarded(c store.Call, say string) store.Call {
	h.Helper()
	v, c, err := h.Store.Answer(h.Context(), store.Answer{ID: fmt.Sprint(c.ID, c.Attempt), Call: c.ID, Attempt: c.Attempt, Person: "Ann",
		Via: store.BySMS, Word: store.Forward, To: outside, Say: say})
	if err != nil || v.Result != store.Won {
		h.Fatalf("%+v, %v", v, err)
	}
	return c
}

const outside = "+12085550199"

func init() {
	const dial = `<Dial timeout="20" callerId="+12085550100" answerOnBridge="true" action="@u/twilio/dialed?c=@c&amp;n=@n">
		<Number statusCallback="@u/twilio/answered?c=@c&amp;n=@n" statusCallbackEvent="answered">+12085550199</Number></Dial>`
	documents["forward"] = `<Say voice="woman">Please hold on, we are connecting you.</Say>` + dial
	documents["to support"] = `<Say voice="woman">Connecting you to support.</Say>` + dial
	documents["later"] = `<Say voice="woman">We will be there later.</Say>`
	documents["closed"] = `<Say voice="woman">We are closed right now.</Say>`
	stages["forward"] = func(h *house, c store.Call) store.Call { return h.forwarded(c, "") }
	stages["to support"] = func(h *house, c store.Call) store.Call { return h.forwarded(c, "Connecting you to support.") }
	stages["later"] = func(h *house, c store.Call) store.Call {
		_, c, err := h.Store.Answer(h.Context(), store.Answer{ID: "later", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS,
			Word: store.SendVoicemail, Say: "We will be there later."})
		return h.got(c, err)
	}
}

func TestForwardDocuments(t *testing.T) {
	run(t, connectPath, with(), []step{
		{"forward", 1, "forward", 0, store.Ringing},
		{"to support", 1, "to support", 0, store.Ringing},
		{"later", 1, "later+record", 0, store.Recording},
	})
	run(t, answeredPath, with(), []step{{"forward", 1, "204", 0, store.Talking}})
	run(t, FallbackPath, with(), []step{{"to support", 1, "sorry+record", 0, store.Recording}})
}

// Who is forwarded to presses no key: whatever Twilio says, a leg that was answered is a conversation.
func TestForward(t *testing.T) {
	t.Run("answered", func(t *testing.T) {
		x, _ := working(t, voicetest.Options{})
		in, c := x.onHold()
		x.forwarded(c, "Connecting you to support.")
		leg, err := x.net.Phone(outside).WaitRing(x.ctx)
		x.no(err)
		if leg.From() != sales {
			t.Errorf("they see %s", leg.From())
		}
		leg.Answer()
		x.no(leg.WaitBridged(x.ctx))
		x.stored(in, func(c store.Call) bool { return c.State == store.Talking })
		x.hears(leg.Party, "bridge")
		leg.Hangup()
		now := x.stored(in, func(c store.Call) bool { return !c.Open() })
		x.hears(in.Party, "Hello & welcome.", "play", "Connecting you to support.", "ring", "bridge")
		if now.Outcome != store.Forwarded || now.Claim.Person != "Ann" {
			t.Errorf("%+v", now)
		}
	})
	// Twilio reached nobody here, neither when they picked up nor at the end: it is asked.
	t.Run("answered, and nobody heard of it", func(t *testing.T) {
		x, _ := working(t, voicetest.Options{})
		for _, path := range []string{answeredPath, dialedPath} {
			x.bend(path, func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
			})
		}
		x.bend(FallbackPath, func(http.Handler) http.Handler { // another server's, which knows nothing
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprint(w, `<Response><Record/></Response>`)
			})
		})
		in, c := x.onHold()
		x.forwarded(c, "")
		leg, err := x.net.Phone(outside).WaitRing(x.ctx)
		x.no(err)
		ask := func(want store.State) store.Call {
			t.Helper()
			_, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID, Due: x.clock.Now()})
			x.no(err)
			now := x.call(c.ID)
			if now.State != want {
				t.Errorf("it is %s, not %s", now.State, want)
			}
			return now
		}
		ask(store.Ringing)
		leg.Answer()
		x.no(leg.WaitBridged(x.ctx))
		x.clock.Advance(30 * time.Second)
		leg.Hangup()
		x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
		if now := ask(store.Ended); now.Outcome != store.Forwarded || now.Claim.Person != "Ann" {
			t.Errorf("%+v", now)
		}
	})
	t.Run("not reached", func(t *testing.T) {
		x, _ := working(t, voicetest.Options{})
		in, c := x.onHold()
		x.forwarded(c, "")
		leg, err := x.net.Phone(outside).WaitRing(x.ctx)
		x.no(err)
		leg.Decline()
		x.hears(in.Party, "Hello & welcome.", "play", forwarding, "ring", stillLooking, "play")
		if now := x.call(c.ID); now.State != store.Waiting || now.Tries[0].Word != store.Forward || now.Tries[0].Why != store.Busy {
			t.Errorf("%+v", now)
		}
	})
	// Whoever said so may be gone since.
	h := open(t, someTeam())
	c := h.forwarded(h.arrive("CA1"), "")
	h.Store.Team.People = h.Store.Team.People[1:]
	if got, want := spoken(t, h.post(of(connectPath, c, 1), form(common(c)...))), document(t, c, 1, "forward"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, tt := range []struct {
		bridged, status string
		outcome         store.Outcome // empty: it waits again
		why             store.Why
	}{
		{"true", "completed", store.Forwarded, ""},
		{"", "completed", store.Forwarded, ""}, // the word of the pick-up was lost
		{"false", "completed", "", store.Failed},
		{"", "no-answer", "", store.NoAnswer},
	} {
		h := open(t, someTeam())
		c := h.forwarded(h.arrive("CA1"), "")
		f := common(c, "DialCallStatus", tt.status, "DialCallDuration", "20")
		if tt.bridged != "" {
			f = append(f, "DialBridged", tt.bridged)
		}
		h.post(of(dialedPath, c, 1), form(f...))
		now := h.call(c.ID)
		if now.Outcome != tt.outcome || tt.outcome == "" && now.Tries[0].Why != tt.why {
			t.Errorf("%+v: %s, %+v", tt, now.Outcome, now.Tries)
		}
	}
}

// A caller who is not put on hold at all is asked for a message in the first document, and however often it is asked for.
func TestIncomingClosed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		close func(*house)
		doc   string
		rule  store.Rule
	}{
		{"after hours", func(h *house) {
			h.Store.Team.Lines[0].Hours = &store.Hours{Location: time.UTC, Closed: []string{"2026-03-02"}}
		}, "closed+record", store.AfterHours},
		{"nobody on duty", func(h *house) {
			for _, p := range []string{"Ann", "Bob"} {
				if err := h.Store.SetDuty(h.Context(), p, store.Duty{Off: true}); err != nil {
					h.Fatal(err)
				}
			}
		}, "record", store.NobodyOnDuty},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, someTeam())
			tt.close(h)
			for range 2 {
				got := spoken(t, h.post(IncomingPath, form("CallSid", "CA1", "To", sales, "From", caller)))
				id, err := h.Store.CallBySID(t.Context(), "CA1")
				if err != nil {
					t.Fatal(err)
				}
				c := h.call(id)
				if want := document(t, c, 1, strings.Split(tt.doc, "+")...); !reflect.DeepEqual(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				if c.State != store.Recording || c.Claim.Rule != tt.rule {
					t.Errorf("%+v", c)
				}
			}
		})
	}
	// On the telephone, nothing is redirected.
	x, _ := working(t, voicetest.Options{})
	x.Store.Team.Lines[0].Hours = &store.Hours{Location: time.UTC, Closed: []string{"2026-03-02"}}
	in, c := x.dialIn()
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
	x.hears(in.Party, closedNow, "Please leave a message.", "beep")
	in.Speak(4 * time.Second)
	in.Hangup()
	if now := x.stored(in, func(c store.Call) bool { return !c.Open() && len(c.Voice) > 0 }); now.Outcome != store.Voicemail || x.net.Redirects(c.SID) != 0 {
		t.Errorf("%+v", now)
	}
}
