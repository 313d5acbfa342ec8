package voice

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

func TestRedirect(t *testing.T) {
	for _, c := range []struct {
		word  store.Word
		place voicetest.Place
	}{{store.Take, voicetest.PlaceDialing}, {store.SendVoicemail, voicetest.PlaceRecording}} {
		t.Run(string(c.word), func(t *testing.T) {
			x := connected(t, voicetest.Options{})
			in, call := x.waiting()
			call = x.answer(call, "Ann", c.word)
			after, err := x.redirect(x.ctx, deed(call))
			x.no(err)
			if after == nil || after(&store.Call{}) {
				t.Error("people are shown a change that is none")
			}
			x.no(in.WaitPlace(x.ctx, c.place))
			if now := x.call(call.ID); now.Fetched != 1 {
				t.Errorf("%+v", now)
			}
			if _, err := x.redirect(x.ctx, deed(call)); err != nil {
				t.Errorf("once more: %v", err)
			}
			if n := x.net.Redirects(in.SID()); n != 1 {
				t.Errorf("%d redirects", n)
			}
		})
	}
}

// A process died between the request and its record. The next asks first, and finds the caller gone from the queue.
func TestRedirectInDoubt(t *testing.T) {
	for _, refusal := range []int{404, 400} {
		for _, doubt := range []bool{true, false} { // without the doubt, Twilio's refusal says the same
			t.Run(fmt.Sprintf("%d %v", refusal, doubt), func(t *testing.T) {
				x := connected(t, voicetest.Options{MemberRefusal: refusal})
				in, call := x.waiting()
				call = x.answer(call, "Ann", store.Take)
				asked := make(chan struct{}) // the redirect is taken; its document is asked for once this is closed
				open := sync.OnceFunc(func() { close(asked) })
				t.Cleanup(open)
				x.bend(connectPath, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						<-asked
						next.ServeHTTP(w, r)
					})
				})
				_, err := x.redirect(x.ctx, deed(call))
				x.no(err)
				again := deed(call)
				again.Doubt = doubt
				_, err = x.redirect(x.ctx, again)
				putOff(t, err, quick)
				open()
				x.stored(in, func(c store.Call) bool { return c.Fetched == 1 })
				if _, err = x.redirect(x.ctx, again); err != nil {
					t.Error(err)
				}
				if n := x.net.Redirects(in.SID()); n != 1 {
					t.Errorf("%d redirects", n)
				}
				want := 2
				if doubt {
					want = 1
				}
				if n := x.asked(http.MethodPost, "/Members/"); n != want {
					t.Errorf("%d requests to redirect, want %d", n, want)
				}
				x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
			})
		}
	}
}

// In doubt, and it had not been done.
func TestRedirectInDoubtStillQueued(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, call := x.waiting()
	call = x.answer(call, "Ann", store.Take)
	again := deed(call)
	again.Doubt = true
	_, err := x.redirect(x.ctx, again)
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
}

// A claim can be quicker than Twilio's Enqueue: the announcement leaves before the webhook is answered.
func TestRedirectBeforeQueue(t *testing.T) {
	x := connected(t, voicetest.Options{})
	x.hold(IncomingPath)
	in, call := x.dialIn()
	call = x.answer(call, "Ann", store.Take)
	_, err := x.redirect(x.ctx, deed(call)) // not even the queue is there
	putOff(t, err, quick)
	x.release(IncomingPath)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	_, err = x.redirect(x.ctx, deed(call))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))

	// Now the queue is there, and a second caller on the way into it.
	x.hold(IncomingPath)
	second, call := x.dialIn()
	call = x.answer(call, "Bob", store.SendVoicemail)
	_, err = x.redirect(x.ctx, deed(call))
	putOff(t, err, quick)
	x.release(IncomingPath)
	x.no(second.WaitPlace(x.ctx, voicetest.PlaceQueue))
	_, err = x.redirect(x.ctx, deed(call))
	x.no(err)
	x.no(second.WaitPlace(x.ctx, voicetest.PlaceRecording))
	if x.net.Redirects(in.SID()) != 1 || x.net.Redirects(second.SID()) != 1 {
		t.Error("redirected more than once")
	}
}

func TestRedirectCallerGone(t *testing.T) {
	for _, word := range []store.Word{store.Take, store.SendVoicemail} {
		for _, doubt := range []bool{false, true} {
			x := connected(t, voicetest.Options{})
			nothing := func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			}
			x.bend(StatusPath, nothing) // both reports of the end are lost
			x.bend(leftPath, nothing)
			in, call := x.waiting()
			call = x.answer(call, "Ann", word)
			in.Hangup()
			x.no(in.WaitEnd(x.ctx))
			d := deed(call)
			d.Doubt = doubt
			if _, err := x.redirect(x.ctx, d); err != nil {
				t.Fatal(err)
			}
			if now := x.call(call.ID); now.State != store.Ended || now.Outcome != store.Missed {
				t.Errorf("%s: %s, %s", word, now.State, now.Outcome)
			}
			if n := x.net.Redirects(in.SID()); n != 0 {
				t.Errorf("%d redirects", n)
			}
		}
	}
}

// Twilio's trouble is no refusal: it is tried again, when Twilio says so.
func TestRedirectTwilioFails(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, call := x.waiting()
	call = x.answer(call, "Ann", store.Take)
	for _, c := range []struct {
		status int
		after  string
		path   string
		doubt  bool
		want   time.Duration
	}{
		{503, "", "/Members/", false, 0}, {500, "", "/Members/", true, 0}, {429, "7", "/Members/", false, 7 * time.Second},
		{401, "", "/Members/", false, 0}, {429, "3", "/Members/", true, 3 * time.Second}, {502, "3", "/Members/", false, 0},
	} {
		x.failing(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, c.path) {
				return false
			}
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			http.Error(w, "{}", c.status)
			return true
		})
		d := deed(call)
		d.Doubt = c.doubt
		_, err := x.redirect(x.ctx, d)
		later, put := errors.AsType[*store.Later](err)
		if err == nil || put != (c.want > 0) || put && later.After != c.want {
			t.Errorf("%d: %v", c.status, err)
		}
		if now := x.call(call.ID); now.State != store.Ringing {
			t.Fatalf("%d made it %s", c.status, now.State)
		}
	}
	x.failing(nil)
	_, err := x.redirect(x.ctx, deed(call))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
}

// The answer to the redirect is lost though Twilio has done it.
func TestRedirectAnswerLost(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, call := x.waiting()
	call = x.answer(call, "Ann", store.Take)
	api := x.net.URL()
	x.failing(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/Members/") || r.Header.Get("X-Passed") != "" {
			return false
		}
		again, err := http.NewRequestWithContext(r.Context(), r.Method, api+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
		}
		again.Header = r.Header.Clone()
		again.Header.Set("X-Passed", "1")
		res, err := http.DefaultClient.Do(again)
		if err != nil {
			t.Error(err)
		}
		res.Body.Close()
		panic(http.ErrAbortHandler)
	})
	if _, err := x.redirect(x.ctx, deed(call)); err == nil {
		t.Error("no error, though nobody knows")
	}
	x.failing(nil)
	x.stored(in, func(c store.Call) bool { return c.Fetched == 1 })
	if _, err := x.redirect(x.ctx, deed(call)); err != nil {
		t.Error(err)
	}
	if n := x.net.Redirects(in.SID()); n != 1 {
		t.Errorf("%d redirects", n)
	}
}

// The word about the queue was lost: it is found by the line's name, and kept.
func TestRedirectFindsQueue(t *testing.T) {
	x := connected(t, voicetest.Options{})
	x.bend(holdPath, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.PostForm.Del("QueueSid")
			next.ServeHTTP(w, r)
		})
	})
	in, call := x.dialIn()
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	call = x.answer(call, "Ann", store.Take)
	if call.Queue != "" {
		t.Fatal("the queue is known")
	}
	after, err := x.redirect(x.ctx, deed(call))
	x.no(err)
	after(&call)
	if !strings.HasPrefix(call.Queue, "QU") {
		t.Errorf("queue %q is not kept", call.Queue)
	}
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
}

// A caller who is on the line, in no queue and hears nothing of ours is fetched by force after a while: only then.
func TestRedirectInsists(t *testing.T) {
	x := connected(t, voicetest.Options{})
	x.bend(IncomingPath, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprint(w, `<Response><Say>You are lost.</Say><Pause length="600"/></Response>`)
		})
	})
	in, call := x.dialIn()
	if _, err := in.WaitHeard(x.ctx, func(h voicetest.Heard) bool { return h.Text == "You are lost." }); err != nil {
		t.Fatal(err)
	}
	call = x.answer(call, "Ann", store.Take)
	for i := range 8 {
		_, err := x.redirect(x.ctx, deed(call))
		after := quick
		if i >= 4 {
			after = time.Second
		}
		putOff(t, err, after)
		x.clock.Advance(after)
	}
	if n := x.net.Redirects(in.SID()); n != 0 {
		t.Fatalf("%d redirects so soon", n)
	}
	_, err := x.redirect(x.ctx, deed(call))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
	if _, err := x.redirect(x.ctx, deed(call)); err != nil || x.net.Redirects(in.SID()) != 1 {
		t.Errorf("once more: %v, %d redirects", err, x.net.Redirects(in.SID()))
	}
}

// What has been overtaken is dropped without a word to Twilio.
func TestRedirectOvertaken(t *testing.T) {
	x := connected(t, voicetest.Options{})
	for name, c := range map[string]struct {
		stage   string
		attempt int
	}{
		"waits": {"waiting", 1}, "fetched": {"fetched", 1}, "talks": {"talking", 1}, "waits again": {"again", 1},
		"another attempt": {"again ringing", 1}, "over": {"missed", 1}, "at voicemail": {"recording", 1},
	} {
		call := stage(x.house, x.arrive("CA"+strings.ReplaceAll(name, " ", "")), c.stage)
		if after, err := x.redirect(x.ctx, store.Deed{Kind: store.Redirect, Call: call.ID, Attempt: c.attempt}); err != nil || after != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err := x.Store.HungUp(x.ctx, call.ID) // a number has only so many calls
		x.no(err)
	}
	if n := len(x.net.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// In doubt, they may have been pulled out while this server was away, and be leaving a message at the fallback: that is
// never torn down.
func TestRedirectInDoubtDoesNotInsist(t *testing.T) {
	x := connected(t, voicetest.Options{})
	x.bend(IncomingPath, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprintf(w, `<Response><Record action="%s/done"/></Response>`, x.PublicURL+FallbackPath)
		})
	})
	in, call := x.dialIn()
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
	call = x.answer(call, "Ann", store.Take)
	x.clock.Advance(time.Hour)
	d := deed(call)
	d.Doubt = true
	_, err := x.redirect(x.ctx, d)
	if later, ok := errors.AsType[*store.Later](err); !ok || later.After != insist || x.net.Redirects(in.SID()) != 0 {
		t.Errorf("%v, %d redirects", err, x.net.Redirects(in.SID()))
	}
}

// The document is asked for while Twilio is asked about the call: what is on its way is not torn down.
func TestRedirectFetchedMeanwhile(t *testing.T) {
	x := connected(t, voicetest.Options{})
	x.hold(IncomingPath)
	in, call := x.dialIn()
	call = x.answer(call, "Ann", store.Take)
	x.clock.Advance(time.Minute)
	x.failing(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/Calls/") {
			x.fetched(call)
		}
		return false
	})
	if _, err := x.redirect(x.ctx, deed(call)); err != nil || x.net.Redirects(in.SID()) != 0 {
		t.Errorf("%v, %d redirects", err, x.net.Redirects(in.SID()))
	}
}
