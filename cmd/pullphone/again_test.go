package main

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

// A taker who does not take: the caller goes back on hold, everybody is told why, and somebody else can take them.
func TestTakerDoesNotTake(t *testing.T) {
	t.Parallel()
	const noKey, noPickUp = "did not press 1", "did not pick up"
	for _, tt := range []struct {
		name string
		said string // of Ann
		why  store.Why
		opt  voicetest.Options
		line []string
		do   func(h *harness, leg *voicetest.Leg)
	}{
		{name: "does not pick up", said: noPickUp, why: store.NoAnswer,
			do: ringsOut},
		{name: "busy", said: "is busy", why: store.Busy,
			do: func(h *harness, leg *voicetest.Leg) { leg.Decline() }},
		{name: "presses 2", said: "declined", why: store.Declined,
			do: func(h *harness, leg *voicetest.Leg) {
				leg.Answer()
				h.must(leg.WaitKeys(h.ctx))
				leg.Press("2")
			}},
		{name: "hangs up on the second question", said: noKey, why: store.NotAccepted,
			do: func(h *harness, leg *voicetest.Leg) {
				leg.Answer()
				h.must(leg.WaitKeys(h.ctx))
				stop := h.pump(10 * time.Millisecond)
				h.until("the question again", func() bool { return questions(leg) == 2 })
				stop()
				h.must(leg.WaitKeys(h.ctx))
				leg.Hangup()
			}},
		{name: "never presses 1", said: noKey, why: store.NotAccepted,
			do: func(h *harness, leg *voicetest.Leg) {
				leg.Answer()
				h.must(leg.WaitKeys(h.ctx))
				stop := h.pump(50 * time.Millisecond)
				defer stop()
				h.must(leg.WaitEnd(h.ctx))
				equal(h.t, "times that Ann was asked", questions(leg), 2)
			}},
		{name: "never presses 1, and Twilio calls that no-answer", said: noPickUp, why: store.NoAnswer, opt: voicetest.Options{ScreenedStatus: "no-answer"},
			do: func(h *harness, leg *voicetest.Leg) {
				leg.Answer()
				h.must(leg.WaitKeys(h.ctx))
				leg.Hangup()
			}},
		{name: "does not pick up, on a line without the question", said: noPickUp, why: store.NoAnswer, line: []string{"accept: false"},
			do: ringsOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := serveTown(t, options{voice: tt.opt, line: append(tt.line, "max_wait: 10m")})
			call, m := h.arrive(janePhone, jane)
			equal(t, "code", h.call(call).Code, 1)
			contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
			leg := h.rings(annPhone, call)
			h.shows(m.TS, "Ringing Ann's phone")
			tt.do(h, leg)

			back := h.shows(m.TS, "Ann "+tt.said+", still waiting ")
			if len(back.Buttons()) != 2 {
				t.Errorf("back on hold without buttons: %s", back.AsText())
			}
			h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
			_, err := call.WaitHeard(h.ctx, func(v voicetest.Heard) bool { return strings.Contains(v.Text, "still finding the right person") })
			h.must(err)
			h.must(leg.WaitEnd(h.ctx))
			if leg.Bridged() {
				t.Error("the two were connected")
			}
			sms, err := h.net.Phone(bobPhone).WaitSMS(h.ctx, func(s voicetest.SMS) bool { return strings.Contains(s.Body, "(2)") })
			h.must(err)
			equal(t, "SMS to Bob", sms.Body, "Ann "+tt.said+". Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)")
			equal(t, "SMS to Ann", len(announcements(h.net, annPhone)), 1)
			if c := h.call(call); len(c.Tries) != 1 || c.Tries[0].Person != "Ann" || c.Tries[0].Why != tt.why || !c.Deadline.Equal(c.Arrived.Add(10*time.Minute)) {
				t.Errorf("back in the store as %+v", c)
			}

			// Who answers what is no longer so takes nothing.
			stale := "JANE DOE, (208) 555-0123 is waiting again. Please answer the latest announcement"
			equal(t, "old button", h.press(bobSlack, m, "Take"), stale+".")
			equal(t, "old button", h.press(bobSlack, m, "Voicemail"), stale+".")
			equal(t, "old code", h.text(bobPhone, "Y 1"), stale+" (Y 2).")
			equal(t, "old code", h.text(bobPhone, "N 1"), stale+" (Y 2).")
			equal(t, "state", h.call(call).State, store.Waiting)
			h.redirected(call, 1)

			// The second take works, whoever's it is.
			contains(t, "Bob is told", h.text(bobPhone, "Y 2"), "Yours: JANE DOE")
			second := h.rings(bobPhone, call)
			if slices.Contains(tt.line, "accept: false") {
				second.Answer()
				h.must(second.WaitBridged(h.ctx))
			} else {
				h.accepts(second)
			}
			h.shows(m.TS, "Talking with Bob")
			h.clock.Advance(time.Minute)
			second.Hangup()
			r := h.record(call)
			equal(t, "answered by", r.AnsweredBy, "Bob")
			equal(t, "outcome", r.Outcome, store.Talked)
			equal(t, "talked", r.TalkedSeconds, 60)
			h.shows(m.TS, "Talked with Bob")
			h.redirected(call, 2) // once a claim
			if n := len(h.work.Messages(salesChannel)); n != 1 {
				t.Errorf("%d messages in the channel", n)
			}
		})
	}
}

// questions is how often a taker was asked to press 1.
func questions(leg *voicetest.Leg) int {
	n := 0
	for _, v := range leg.Heard() {
		if strings.Contains(v.Text, "Press 1") {
			n++
		}
	}
	return n
}

// ringsOut lets a phone ring until it stops.
func ringsOut(h *harness, leg *voicetest.Leg) {
	stop := h.pump(100 * time.Millisecond)
	defer stop()
	h.must(leg.WaitEnd(h.ctx))
}

// A caller whom nobody took, and whose time is over when the taker's phone has rung out, is asked for a message
// without another redirect: they hear our next document anyway.
func TestTimeIsOverAfterTheTake(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 20s"}})
	call, m := h.arrive(janePhone, jane)
	h.clock.Advance(15 * time.Second)
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	ringsOut(h, h.rings(annPhone, call))
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	h.shows(m.TS, "Asked to leave a message.")
	call.Speak(3 * time.Second)
	call.Hangup()
	r := h.record(call)
	equal(t, "outcome", r.Outcome, store.Voicemail)
	equal(t, "via", r.Via, store.ByRule)
	h.redirected(call, 1)
}

// onRedirect does something at the very moment that Twilio is asked to take a caller out of the queue.
func onRedirect(do func(next func())) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/Members/") {
				do(func() { next.ServeHTTP(w, r) })
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// The caller hangs up at the moment they are taken. Which of two statuses Twilio refuses the redirect with is not
// settled.
func TestHangUpAtTheClaim(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusBadRequest} {
		for _, answer := range []string{"Yes", "No"} {
			t.Run(http.StatusText(status)+" "+answer, func(t *testing.T) {
				t.Parallel()
				var hangUp atomic.Pointer[func()]
				h := serveTown(t, options{voice: voicetest.Options{MemberRefusal: status, Intercept: onRedirect(func(next func()) {
					(*hangUp.Load())()
					next()
				})}})
				call, m := h.arrive(janePhone, jane)
				do := call.Hangup
				hangUp.Store(&do)
				h.text(annPhone, answer)
				r := h.record(call)
				equal(t, "outcome", r.Outcome, store.Missed)
				h.shows(m.TS, "Missed: hung up")
				h.must(h.net.WaitQuiet(h.ctx))
				equal(t, "redirects that worked", h.net.Redirects(call.SID()), 0)
				equal(t, "redirects that were asked for", len(memberRedirects(h.net, call.SID())), 1)
				for _, r := range h.net.Requests() {
					if r.Method == http.MethodPost && strings.Contains(r.Path, "/Calls/") {
						t.Errorf("the call itself was redirected: %s", r.Path)
					}
				}
			})
		}
	}
}

// Twilio does what it was asked, and its answer is lost: the next try is refused, and nothing is torn down.
func TestRedirectAnswerLost(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusBadRequest} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			h := serveTown(t, options{voice: voicetest.Options{MemberRefusal: status, Intercept: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/Members/") && asked.Add(1) == 1 {
						next.ServeHTTP(discard{http.Header{}}, r)
						panic(http.ErrAbortHandler)
					}
					next.ServeHTTP(w, r)
				})
			}}})
			call, m := h.arrive(janePhone, jane)
			contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
			leg := h.rings(annPhone, call)
			h.accepts(leg)
			h.shows(m.TS, "Talking with Ann")
			stop := h.pump(100 * time.Millisecond)
			h.atRest() // the second try has been
			stop()
			h.clock.Advance(30 * time.Second)
			if !leg.Bridged() {
				t.Error("the conversation was torn apart")
			}
			leg.Hangup()
			equal(t, "outcome", h.record(call).Outcome, store.Talked)
			equal(t, "redirects that worked", h.net.Redirects(call.SID()), 1)
		})
	}
}
