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
		mended string // what, when the comparison mends it and not what is done about each open call
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
			opt:  options{front: lostAnswer("/twilio/voice"), line: []string{"max_wait: 1h"}}, mended: "either", // that, or asking about the call
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
				stop := h.pump(50 * time.Millisecond)
				h.until("they are known to leave a message", func() bool { return h.call(call).State == store.Recording })
				stop()
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
			opt:  options{voice: voicetest.Options{RecordingDelay: 30 * time.Second}},
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
				if what == tt.mended {
					want = 1
				}
				if n := h.mendedOf(what); n != want && tt.mended != "either" {
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

// Lists that Twilio refuses hold nothing up, and are asked for again after a minute.
func TestTwilioCannotTell(t *testing.T) {
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
