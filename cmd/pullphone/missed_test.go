package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

// hosted makes the line's fallback one that needs no server of ours: it takes a message.
func (h *harness) hosted() {
	h.t.Helper()
	bin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		if r.URL.Path == "/done" {
			fmt.Fprint(w, "<Response><Hangup/></Response>")
			return
		}
		fmt.Fprint(w, `<Response><Say>Please leave a message.</Say><Record action="/done" maxLength="300" timeout="300"/></Response>`)
	}))
	h.t.Cleanup(bin.Close)
	number := h.net.Number(salesNumber)
	number.VoiceFallbackURL, number.VoiceFallbackMethod = bin.URL, http.MethodPost
	h.net.Configure(salesNumber, number)
}

// mendedOf is how often the running server has mended something.
func (h *harness) mendedOf(what string) int {
	h.t.Helper()
	_, metrics := h.get("GET", "http://"+h.admin+"/metrics", nil)
	for line := range strings.Lines(string(metrics)) {
		n := 0
		if _, err := fmt.Sscanf(line, "pullphone_reconcile_mended_total{what=\""+what+"\"} %d", &n); err == nil {
			return n
		}
	}
	return 0
}

// replies are the SMS that a phone got, but for announcements.
func replies(n *voicetest.Network, phone string) []string {
	var out []string
	for _, m := range n.Phone(phone).Inbox() {
		if !strings.Contains(m.Body, announced) {
			out = append(out, m.Body)
		}
	}
	return out
}

// lostAnswer has the server take a webhook and its answer get lost.
func lostAnswer(path string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				next.ServeHTTP(discard{http.Header{}}, r)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// slowly has Twilio take its time over what is asked of a path, as it may.
func slowly(path string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, path) {
				<-time.After(200 * time.Millisecond)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// leaves has a caller who is asked for a message leave one.
func (h *harness) leaves(call *voicetest.Call) {
	h.t.Helper()
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	call.Speak(4 * time.Second)
	call.Hangup()
	h.must(call.WaitEnd(h.ctx))
	h.must(h.net.WaitQuiet(h.ctx))
}

// What happens while the server is away is taken up at its next start.
func TestMissedWhileAway(t *testing.T) {
	t.Parallel()
	const who = "JANE DOE, (208) 555-0123"
	waits := func(h *harness) *voicetest.Call { call, _ := h.arrive(janePhone, jane); return call }
	takenByAnn := func(h *harness, call *voicetest.Call) {
		h.rings(annPhone, call)
		_, err := h.net.Phone(annPhone).WaitSMS(h.ctx, func(m voicetest.SMS) bool {
			return m.Body == "Yours: "+who+". Your phone (208) 555-0101 rings now."
		})
		h.must(err)
		h.redirected(call, 1)
	}
	untaken := func(h *harness, call *voicetest.Call) {
		equal(h.t, "state", h.call(call).State, store.Waiting)
		equal(h.t, "Ann is told", strings.Join(replies(h.net, annPhone), "|"), "")
	}
	for _, tt := range []struct {
		name   string
		opt    options
		before func(h *harness) *voicetest.Call
		away   func(h *harness, call *voicetest.Call) *voicetest.Call
		after  func(h *harness, call *voicetest.Call)
		mended string // what, when the comparison mends it and not what is done about each open call; with a "?": either may be first
	}{
		{
			name: "a caller whom nobody knows leaves a message at the fallback", mended: "voicemail",
			away: func(h *harness, _ *voicetest.Call) *voicetest.Call {
				h.clock.Advance(time.Hour)
				call := h.net.Phone(janePhone).Call(salesNumber, jane)
				h.leaves(call)
				h.clock.Advance(time.Hour)
				return call
			},
			after: func(h *harness, call *voicetest.Call) {
				_, link := h.posted("(208) 555-0123 (0:04)")
				res, _ := h.get("GET", link, nil)
				equal(h.t, "page", res.StatusCode, http.StatusOK)
				r := h.record(call)
				equal(h.t, "history", r, store.Record{CallSID: call.SID(), Line: "Sales", From: janePhone, Arrived: r.Arrived, Via: store.ByRule,
					Outcome: store.Voicemail, VoicemailSeconds: 4})
				if ago := h.clock.Since(r.Arrived).Round(time.Minute); ago != time.Hour {
					h.t.Errorf("arrived %s ago", ago)
				}
				equal(h.t, "SMS", len(announcements(h.net, annPhone)), 0)
			},
		},
		{
			name: "a caller whose incoming webhook was answered in vain leaves a message at the fallback",
			opt:  options{front: lostAnswer("/twilio/voice"), line: []string{"max_wait: 1h"}}, mended: "voicemail?",
			before: func(h *harness) *voicetest.Call {
				call := h.net.Phone(janePhone).Call(salesNumber, jane)
				h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
				equal(h.t, "state", h.call(call).State, store.Waiting)
				return call
			},
			away: func(h *harness, call *voicetest.Call) *voicetest.Call { h.leaves(call); return call },
			after: func(h *harness, call *voicetest.Call) {
				h.posted(who + ", Boise, ID (0:04)")
				equal(h.t, "outcome", h.record(call).Outcome, store.Voicemail)
			},
		},
		{
			name: "a caller is still leaving a message at the fallback",
			opt:  options{front: lostAnswer("/twilio/voice"), line: []string{"max_wait: 1m"}},
			before: func(h *harness) *voicetest.Call {
				call := h.net.Phone(janePhone).Call(salesNumber, jane)
				h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
				call.Speak(3 * time.Second)
				return call
			},
			after: func(h *harness, call *voicetest.Call) {
				defer h.pump(50 * time.Millisecond)() // Twilio gets some seconds to tell of the message
				h.until("they are known to leave a message", func() bool { return h.call(call).State == store.Recording })
				equal(h.t, "place", call.Place(), voicetest.PlaceRecording)
				call.Hangup()
				equal(h.t, "outcome", h.record(call).Outcome, store.Voicemail)
				h.posted(who + ", Boise, ID (0:03)")
				h.redirected(call, 0)
				for _, r := range h.net.Requests() {
					if r.Method == http.MethodPost && strings.Contains(r.Path, "/Calls/") {
						h.t.Errorf("the message was torn down: %s", r.Path)
					}
				}
			},
		},
		{
			name: "a message is ready only then",
			opt:  options{voice: voicetest.Options{RecordingDelay: 30 * time.Second}}, mended: "voicemail?",
			before: func(h *harness) *voicetest.Call {
				call, _ := h.arrive(janePhone, jane)
				h.text(annPhone, "No")
				h.leaves(call)
				return call
			},
			away: func(h *harness, call *voicetest.Call) *voicetest.Call {
				h.clock.Advance(30 * time.Second)
				h.must(h.net.WaitQuiet(h.ctx))
				return call
			},
			after: func(h *harness, call *voicetest.Call) {
				h.posted(who + ", Boise, ID (0:04)")
				equal(h.t, "outcome", h.record(call).Outcome, store.Voicemail)
			},
		},
		{
			name: "Y, and the caller still waits", opt: options{line: []string{"max_wait: 1h"}}, before: waits, mended: "text",
			away: func(h *harness, call *voicetest.Call) *voicetest.Call {
				h.clock.Advance(time.Minute)
				h.must(h.net.Phone(annPhone).Text(salesNumber, "Y").WaitDone(h.ctx))
				h.clock.Advance(2 * time.Minute)
				return call
			},
			after: takenByAnn,
		},
		{
			name: "PULL, and the caller still waits", opt: options{line: []string{"max_wait: 1h"}}, before: waits, mended: "text",
			away: func(h *harness, call *voicetest.Call) *voicetest.Call {
				h.clock.Advance(time.Minute)
				h.must(h.net.Phone(annPhone).Text(salesNumber, "Pull").WaitDone(h.ctx))
				h.clock.Advance(2 * time.Minute)
				return call
			},
			after: takenByAnn,
		},
		{
			name: "Y, too long ago", opt: options{line: []string{"max_wait: 1h"}}, before: waits,
			away: func(h *harness, call *voicetest.Call) *voicetest.Call {
				h.must(h.net.Phone(annPhone).Text(salesNumber, "Y").WaitDone(h.ctx))
				h.clock.Advance(6 * time.Minute)
				return call
			},
			after: untaken,
		},
		{
			name: "Y, and the caller has gone", before: waits, mended: "text",
			opt: options{voice: voicetest.Options{Intercept: slowly("/Calls/")}}, // what became of them is known after the text
			away: func(h *harness, call *voicetest.Call) *voicetest.Call {
				h.clock.Advance(time.Minute)
				h.must(h.net.Phone(annPhone).Text(salesNumber, "Y").WaitDone(h.ctx))
				call.Hangup()
				h.must(call.WaitEnd(h.ctx))
				h.must(h.net.WaitQuiet(h.ctx))
				h.clock.Advance(30 * time.Minute)
				return call
			},
			after: func(h *harness, call *voicetest.Call) {
				gone := func(m voicetest.SMS) bool { return m.Body == who+" has hung up." }
				_, err := h.net.Phone(annPhone).WaitSMS(h.ctx, gone)
				h.must(err)
				equal(h.t, "outcome", h.record(call).Outcome, store.Missed)
				h.stop()
				h.start()
				h.listed()
				h.atRest()
				equal(h.t, "Ann is told", strings.Join(replies(h.net, annPhone), "|"), who+" has hung up.")
			},
		},
		{
			name: "Y and nothing else", mended: "text",
			away: func(h *harness, _ *voicetest.Call) *voicetest.Call {
				h.clock.Advance(time.Minute)
				for phone, text := range map[string]string{annPhone: "Y", bobPhone: "LIST", janePhone: "Y"} { // the last is no person of ours
					h.must(h.net.Phone(phone).Text(salesNumber, text).WaitDone(h.ctx))
				}
				h.clock.Advance(time.Minute)
				return nil
			},
			after: func(h *harness, _ *voicetest.Call) {
				h.atRest()
				equal(h.t, "Ann is told", strings.Join(replies(h.net, annPhone), "|"), "Nobody is waiting.")
				equal(h.t, "others are told", len(replies(h.net, bobPhone))+len(replies(h.net, janePhone)), 0)
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opt.steady = true
			tt.opt.errors = []string{"deadlines"}
			h := open(t, tt.opt)
			h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
			h.hosted()
			h.start()
			var call *voicetest.Call
			if tt.before != nil {
				call = tt.before(h)
				h.atRest()
			}
			h.stop()
			if tt.away != nil {
				call = tt.away(h, call)
			}
			h.start()
			for _, what := range []string{"call", "left", "voicemail", "text"} {
				want := 0
				n := h.mendedOf(what)
				if what == tt.mended || n == 1 && what+"?" == tt.mended {
					want = 1
				}
				if n != want {
					t.Errorf("%s: mended %d times", what, n)
				}
			}
			tt.after(h, call)
			h.atRest()
			voicemails := map[string]bool{}
			for _, m := range h.work.Messages(salesChannel) {
				if text := m.AsText(); strings.HasPrefix(text, "Voicemail") {
					if voicemails[m.Text] {
						t.Errorf("posted twice: %s", text)
					}
					voicemails[m.Text] = true
				}
			}
		})
	}
}

// Y was lost while the server was there, and then somebody calls: it is no answer to them.
func TestLostWordIsNotForALaterCall(t *testing.T) {
	t.Parallel()
	var down outage
	h := serveTown(t, options{front: func(next http.Handler) http.Handler {
		down.match = func(r *http.Request) bool { return r.URL.Path == "/twilio/sms" }
		return down.wrap(next)
	}, line: []string{"max_wait: 1h"}})
	down.on.Store(true)
	h.clock.Advance(8 * time.Minute)
	h.must(h.net.Phone(annPhone).Text(salesNumber, "Y").WaitDone(h.ctx))
	h.clock.Advance(30 * time.Second)
	call, _ := h.arrive(janePhone, jane)
	h.clock.Advance(2 * time.Minute) // they are compared
	h.until("the list is read", func() bool { return lists(h.net, "/Messages.json") >= 2 })
	h.atRest()
	equal(t, "state", h.call(call).State, store.Waiting)
	// And it is not given to that call when that has gone.
	call.Hangup()
	h.record(call)
	h.listed()
	h.atRest()
	equal(t, "Ann is told", strings.Join(replies(h.net, annPhone), "|"), "")
}

// listed lets the clock run until Twilio has been asked twice more for what was missed.
func (h *harness) listed() {
	h.t.Helper()
	before := lists(h.net, "/Recordings.json") // the last of the lists
	stop := h.pump(time.Second)
	defer stop()
	h.until("the lists are read", func() bool { return lists(h.net, "/Recordings.json") >= before+2 })
}

// lists counts how often one of Twilio's lists was asked for.
func lists(n *voicetest.Network, path string) int {
	count := 0
	for _, r := range n.Requests() {
		if r.Method == http.MethodGet && strings.HasSuffix(r.Path, path) {
			count++
		}
	}
	return count
}

// The webhooks of a text are lost while the server runs: it is found within ten minutes.
func TestLostWhileThere(t *testing.T) {
	t.Parallel()
	var down outage
	h := serveTown(t, options{front: func(next http.Handler) http.Handler {
		down.match = func(r *http.Request) bool { return r.URL.Path == "/twilio/sms" }
		return down.wrap(next)
	}, line: []string{"max_wait: 1h"}})
	call, _ := h.arrive(janePhone, jane)
	h.clock.Advance(7 * time.Minute)
	down.on.Store(true)
	h.must(h.net.Phone(annPhone).Text(salesNumber, "Y").WaitDone(h.ctx))
	h.clock.Advance(3 * time.Minute)
	h.rings(annPhone, call)
	equal(t, "mended", h.mendedOf("text"), 1)
}

// Another process on the same store ends, and with it a text that was on its way to it: it is found at once. While an older
// one lives, that one looks.
func TestLostWithAnotherProcess(t *testing.T) {
	t.Parallel()
	var down outage
	h := serveTown(t, options{front: func(next http.Handler) http.Handler {
		down.match = func(r *http.Request) bool { return r.URL.Path == "/twilio/sms" }
		return down.wrap(next)
	}, line: []string{"max_wait: 1h"}})
	begin := func(name string, living int) {
		h.must(h.db.Register(h.ctx, name, []byte("{}")))
		h.until("it is known", func() bool { return h.store.Living() == living })
	}
	end := func(name string) {
		h.must(h.db.Update(h.ctx, func(tx store.Tx) error { tx.Delete("process/" + name); return nil }))
	}
	call, _ := h.arrive(janePhone, jane)
	begin("00older", 2) // ULIDs of our days begin with 01
	down.on.Store(true)
	h.must(h.net.Phone(annPhone).Text(salesNumber, "Y").WaitDone(h.ctx))
	h.clock.Advance(2 * time.Minute)
	before := lists(h.net, "/Recordings.json")
	for range 2 { // when the second is heard of, what followed from the first is over
		begin("7younger", 3)
		end("7younger")
		h.until("it is heard of", func() bool { return h.store.Living() == 2 && len(h.store.Lost()) == 0 })
	}
	equal(t, "lists read though an older one lives", lists(h.net, "/Recordings.json"), before)
	equal(t, "state", h.call(call).State, store.Waiting)
	end("00older")
	h.rings(annPhone, call)
	equal(t, "mended", h.mendedOf("text"), 1)
}

// The eldest process lives, and asks for nothing: after a while another does.
func TestEldestReachesNobody(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.must(h.db.Register(h.ctx, "00older", []byte("{}")))
	h.until("it is known", func() bool { return h.store.Living() == 2 })
	before := lists(h.net, "/Recordings.json")
	h.atRest()
	h.clock.Advance(11 * time.Minute)
	h.atRest()
	equal(t, "lists read", lists(h.net, "/Recordings.json"), before)
	began, stop := h.clock.Now(), h.pump(time.Second)
	defer stop()
	h.until("the list is read", func() bool { return lists(h.net, "/Recordings.json") > before })
	if d := h.clock.Since(began); d > 30*time.Minute {
		t.Errorf("it is read after %s", d)
	}
}

// A caller leaves a message while the store takes no change, and hangs up before it does again, and so does one who was on
// hold: both are found out about as soon as it does.
func TestLostWhileTheStoreTookNothing(t *testing.T) {
	t.Parallel()
	s := &sick{}
	h := serveTown(t, options{errors: []string{"the store takes no change", "webhook failed", "fallback", "fallback without a store", "a call is not in the store; its message is only at Twilio"},
		backend: func(b store.Backend) store.Backend { s.Backend = b; return s }})
	waiting, _ := h.arrive(markPhone, voicetest.CallerInfo{})
	h.atRest()
	s.on.Store(true)
	h.clock.Advance(store.Beat)
	h.readyAs("503 the store takes no change: no space left on device")
	waiting.Hangup()
	h.leaves(h.net.Phone(janePhone).Call(salesNumber, jane))
	h.must(h.net.WaitQuiet(h.ctx))
	s.on.Store(false)
	h.clock.Advance(store.Beat)
	h.posted("(208) 555-0123 (0:04)")
	equal(t, "mended", h.mendedOf("voicemail"), 1)
	equal(t, "outcome of who was on hold", h.record(waiting).Outcome, store.Missed)
}

// A text that one of several processes could not take is asked for by that one: the eldest does not know of it.
func TestLostBesideTheEldest(t *testing.T) {
	t.Parallel()
	s := &sick{}
	h := serveTown(t, options{line: []string{"max_wait: 1h"}, errors: []string{"SMS not heard"}, backend: func(b store.Backend) store.Backend { s.Backend = b; return s }})
	h.must(h.db.Register(h.ctx, "00older", []byte("{}"))) // ULIDs of our days begin with 01
	h.until("it is known", func() bool { return h.store.Living() == 2 })
	call, _ := h.arrive(janePhone, jane)
	h.atRest()
	s.on.Store(true)
	h.must(h.net.Phone(annPhone).Text(salesNumber, "Y").WaitDone(h.ctx))
	s.on.Store(false)
	h.clock.Advance(store.Beat)
	h.rings(annPhone, call)
	equal(t, "mended", h.mendedOf("text"), 1)
}

// The store takes one webhook's change not, and every other: what it told of is asked for soon, and no more than once a
// minute should the next one fail as well.
func TestLostBetweenTwoBeats(t *testing.T) {
	t.Parallel()
	s := &sick{}
	h := serveTown(t, options{line: []string{"max_wait: 1h"}, errors: []string{"webhook failed"}, backend: func(b store.Backend) store.Backend { s.Backend = b; return s }})
	h.atRest()
	asked := func() int { return lists(h.net, "/Recordings.json") }
	for i := range 2 {
		call, _ := h.arrive(crewPhone(i), voicetest.CallerInfo{})
		h.atRest()
		before := asked()
		s.on.Store(true)
		call.Hangup()
		h.must(call.WaitEnd(h.ctx))
		h.must(h.net.WaitQuiet(h.ctx))
		s.on.Store(false)
		h.clock.Advance(store.Beat)
		if i > 0 {
			h.until("a beat", func() bool { age, err := h.store.SinceBeat(); return err == nil && age < store.Beat })
			h.atRest()
			equal(t, "lists read so soon after the last time", asked(), before)
			equal(t, "state", h.call(call).State, store.Waiting)
			h.clock.Advance(time.Minute)
		}
		equal(t, "outcome", h.record(call).Outcome, store.Missed)
		h.until("what was missed is asked for", func() bool { return asked() > before })
	}
}

// Lists that Twilio refuses hold nothing up, and are asked for again after a minute.
func TestTwilioCannotTell(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusNotFound, http.StatusUnauthorized} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var failing atomic.Bool
			h := open(t, options{steady: true, voice: voicetest.Options{Intercept: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if failing.Load() && r.Method == http.MethodGet && !strings.Contains(r.URL.Path, "Number") {
						http.Error(w, `{"code": 20001, "message": "no", "status": 400}`, status)
						return
					}
					next.ServeHTTP(w, r)
				})
			}}})
			h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
			h.hosted()
			h.start()
			h.stop()
			away := h.net.Phone(janePhone).Call(salesNumber, jane)
			h.leaves(away)
			failing.Store(true)
			h.start()
			res, body := h.get("GET", "http://"+h.admin+"/readyz", nil)
			equal(t, "readyz", res.Status+" "+string(body), "200 OK ok\n")
			call, m := h.arrive(markPhone, voicetest.CallerInfo{}) // all goes on
			contains(t, "Ann is told", h.press(annSlack, m, "Take"), "Yours")
			h.accepts(h.rings(annPhone, call))
			equal(t, "voicemails", len(voicemails(h.work)), 0)
			failing.Store(false)
			h.clock.Advance(61 * time.Second)
			h.posted("(208) 555-0123 (0:04)")
			h.must(h.net.WaitQuiet(h.ctx))
			h.until("both calls and the voicemail are shown", func() bool { return len(h.work.Messages(salesChannel)) == 3 })
		})
	}
}
