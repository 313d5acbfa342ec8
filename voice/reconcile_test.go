package voice

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

// counted counts what was mended.
type counted map[string]int

func (c counted) mend(what string) { c[what]++ }

// A caller waits in the queue of whom nothing is known here: they are announced, once, and can be taken.
func TestMissedCaller(t *testing.T) {
	x := connected(t, voicetest.Options{LongestPage: 1})
	for _, known := range []bool{false, true} {
		x.bend(IncomingPath, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if known {
					next.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprintf(w, `<Response><Enqueue waitUrl="">%s</Enqueue></Response>`, queueName(sales))
			})
		})
		in := x.net.Phone(caller).Call(sales, voicetest.CallerInfo{Name: "JANE DOE"})
		x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
		mended := counted{}
		for range 2 {
			x.no(x.MissedCalls(x.ctx, mended.mend))
		}
		if want := map[bool]int{false: 1}[known]; mended["call"] != want || len(mended) != want {
			t.Errorf("known %v: mended %v", known, mended)
		}
		c := x.stored(in, func(c store.Call) bool { return c.Queue != "" })
		if c.State != store.Waiting || c.From != caller || c.Line != sales {
			t.Errorf("known %v: %+v", known, c)
		}
		c = x.answer(c, map[bool]string{false: "Ann", true: "Bob"}[known], store.Take)
		_, err := x.redirect(x.ctx, deed(c))
		x.no(err)
		x.no(in.WaitPlace(x.ctx, voicetest.PlaceDialing))
	}
}

// A call that waits here and is in no queue is asked about, unless it has just come.
func TestMissedEnd(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, _ := x.waiting() // makes the queue
	gone := x.arrive("CA00000000000000000000000000000000")
	mended := counted{}
	x.no(x.MissedCalls(x.ctx, mended.mend))
	if len(mended) != 0 {
		t.Errorf("mended %v at once", mended)
	}
	x.clock.Advance(time.Minute)
	for range 2 {
		x.no(x.MissedCalls(x.ctx, mended.mend))
	}
	if mended["left"] != 1 || len(mended) != 1 {
		t.Errorf("mended %v", mended)
	}
	if _, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: gone.ID}); err != nil {
		t.Error(err)
	}
	if now := x.call(gone.ID); now.Outcome != store.Missed {
		t.Errorf("%+v", now)
	}
	in.Hangup()
}

// A call that waits here hears something that is not ours: after a while it counts as asked for a message. Whatever it
// hears is never torn down, and if it is in the queue after all, it is pulled out.
func TestOutOfQueue(t *testing.T) {
	elsewhere := func(x *exchange, doc string) {
		x.bend(IncomingPath, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(httptest.NewRecorder(), r)
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprint(w, doc)
			})
		})
	}
	x := connected(t, voicetest.Options{})
	elsewhere(x, `<Response><Record action="/done"/></Response>`)
	in, c := x.dialIn()
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
	d := store.Deed{Kind: store.Ask, Call: c.ID, Due: x.clock.Now()}
	if _, err := x.ask(x.ctx, d); err == nil || x.call(c.ID).State != store.Waiting {
		t.Errorf("at once: %v", err)
	}
	x.clock.Advance(insist)
	_, err := x.ask(x.ctx, d)
	x.no(err)
	c = x.call(c.ID)
	if c.State != store.Recording || c.Claim.Via != store.ByRule {
		t.Fatalf("%+v", c)
	}
	x.clock.Advance(time.Minute)
	for _, doubt := range []bool{true, false} {
		again := deed(c)
		again.Doubt = doubt
		if _, err := x.redirect(x.ctx, again); err == nil || x.net.Redirects(in.SID()) != 0 || in.Place() != voicetest.PlaceRecording {
			t.Errorf("doubt %v: %v, %d redirects", doubt, err, x.net.Redirects(in.SID()))
		}
	}

	// Another, who comes into the queue late.
	x.bend(IncomingPath, func(next http.Handler) http.Handler { return next })
	in, c = x.waiting()
	_, err = x.Store.OutOfQueue(x.ctx, c.ID, c.Attempt)
	x.no(err)
	again := deed(c)
	again.Doubt = true
	_, err = x.redirect(x.ctx, again)
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
}

// A message is found in Twilio's list, whatever its call is here; what is no message of ours, is being erased, or is
// older than what is kept, is not.
func TestMissedMessages(t *testing.T) {
	day := 24 * time.Hour
	for _, tt := range []struct {
		name  string
		call  string // missed, unknown, or to another number
		prior func(x *exchange, callSID string)
		age   time.Duration // of the call, when it is looked for
		opt   voicetest.Options
		found int
	}{
		{name: "of a call that ended", call: "missed", found: 1},
		{name: "of an unknown call", call: "unknown", found: 1},
		{name: "of an unknown call, yesterday", call: "unknown", age: 20 * time.Hour, found: 1},
		{name: "by days", call: "unknown", age: 20 * time.Hour, opt: voicetest.Options{FilterByDay: true}, found: 1},
		{name: "too old", call: "unknown", age: 25 * time.Hour},
		{name: "too old, by days", call: "unknown", age: 25 * time.Hour, opt: voicetest.Options{FilterByDay: true}},
		{name: "of a call that ended, too old, by days", call: "missed", age: 25 * time.Hour, opt: voicetest.Options{FilterByDay: true}},
		{name: "older than what is kept", call: "unknown", age: 11 * time.Hour,
			prior: func(x *exchange, _ string) { x.Retention = 10 * time.Hour }},
		{name: "to a number that is no line", call: "foreign"},
		{name: "being erased", call: "unknown", prior: func(x *exchange, callSID string) {
			id := store.NewCallID(x.clock.Now())
			x.no(x.disk.Update(x.ctx, func(tx store.Tx) error {
				tx.Put("sid/"+callSID, []byte(id))
				tx.Put(store.Deed{Kind: store.Erase, Call: id, Whom: callSID}.Key(), []byte("{}"))
				return nil
			}))
		}},
		{name: "erased since the list was made", call: "unknown", prior: func(x *exchange, callSID string) {
			x.failing(func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/Calls/") && strings.HasSuffix(r.URL.Path, "/Recordings.json") {
					fmt.Fprint(w, `{"recordings": []}`)
					return true
				}
				return false
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.opt.LongestPage = 1
			x := connected(t, tt.opt)
			const other = "+12085550199"
			line := sales
			if tt.call == "foreign" {
				line = other
			}
			hosted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.call == "missed" {
					_, err := x.Store.Arrive(x.ctx, store.Arrival{SID: r.FormValue("CallSid"), Line: sales, From: caller})
					if err != nil {
						t.Error(err)
					}
				}
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprint(w, `<Response><Record action="/done"/></Response>`)
			}))
			defer hosted.Close()
			x.net.Configure(line, voicetest.NumberConfig{VoiceURL: hosted.URL})
			var calls []*voicetest.Call
			for range 2 { // a page each
				in := x.net.Phone(caller).Call(line, voicetest.CallerInfo{})
				x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
				in.Speak(4 * time.Second)
				in.Hangup()
				x.no(in.WaitEnd(x.ctx))
				x.no(x.net.WaitQuiet(x.ctx))
				if id, err := x.Store.CallBySID(x.ctx, in.SID()); err == nil {
					_, err = x.Store.HungUp(x.ctx, id)
					x.no(err)
				}
				calls = append(calls, in)
			}
			began := time.Now() // the network's clock is the real one
			x.clock.Advance(began.Sub(x.clock.Now()) + tt.age)
			if tt.prior != nil {
				for _, in := range calls {
					tt.prior(x, in.SID())
				}
			}
			mended := counted{}
			for range 2 {
				x.no(x.MissedMessages(x.ctx, x.clock.Now().Add(-day), x.clock.Now(), mended.mend))
			}
			if mended["voicemail"] != 2*tt.found || len(mended) != tt.found {
				t.Errorf("mended %v", mended)
			}
			for _, in := range calls {
				id, err := x.Store.CallBySID(x.ctx, in.SID())
				if tt.found == 0 {
					if err == nil {
						var c store.Call
						if c, err = x.Store.Call(x.ctx, id); tt.call == "missed" && len(c.Voice) == 0 {
							continue
						}
					}
					if !errors.Is(err, store.ErrNoCall) {
						t.Error("found all the same")
					}
					continue
				}
				x.no(err)
				c := x.call(id)
				if c.Outcome != store.Voicemail || len(c.Voice) != 1 || c.Voice[0].Seconds != 4 {
					t.Errorf("%+v", c)
				}
				if tt.call == "unknown" && (began.Sub(c.Arrived).Abs() > 5*time.Second || id[:10] != store.NewCallID(c.Arrived)[:10]) {
					t.Errorf("call %s arrived %s", id, c.Arrived)
				}
				due := 0
				x.no(x.disk.View(x.ctx, func(r store.Reader) error {
					due = 0
					return r.Scan("due/post/"+string(id), "", func(string, []byte) bool { due++; return true })
				}))
				if due != 1 {
					t.Errorf("%d posts are due", due)
				}
			}
		})
	}
}
