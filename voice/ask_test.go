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

func TestAsk(t *testing.T) {
	ask := func(x *exchange, c store.Call) {
		x.Helper()
		if _, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID}); err != nil {
			x.Fatal(err)
		}
	}
	lost := func(x *exchange, paths ...string) {
		for _, path := range paths {
			x.bend(path, func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/xml")
					fmt.Fprint(w, "<Response/>")
				})
			})
		}
	}
	t.Run("still there", func(t *testing.T) {
		x := connected(t, voicetest.Options{})
		_, c := x.waiting()
		ask(x, c)
		if now := x.call(c.ID); now.State != store.Waiting || now.Rev != c.Rev {
			t.Errorf("%+v", now)
		}
	})
	t.Run("gone", func(t *testing.T) {
		x := connected(t, voicetest.Options{})
		lost(x, StatusPath, leftPath)
		in, c := x.waiting()
		in.Hangup()
		x.no(in.WaitEnd(x.ctx))
		ask(x, c)
		if now := x.call(c.ID); now.Outcome != store.Missed {
			t.Errorf("%+v", now)
		}
		ask(x, c) // once more
	})
	t.Run("unknown to Twilio", func(t *testing.T) {
		x := connected(t, voicetest.Options{})
		c := x.arrive("CA00000000000000000000000000000000")
		ask(x, c)
		if now := x.call(c.ID); now.Outcome != store.Missed {
			t.Errorf("%+v", now)
		}
	})
	for _, settled := range []bool{true, false} {
		t.Run(fmt.Sprintf("left a message, settled %v", settled), func(t *testing.T) {
			x := connected(t, voicetest.Options{})
			lost(x, StatusPath, recordedPath, recordingPath)
			in, c := x.waiting()
			c = x.answer(c, "Ann", store.SendVoicemail)
			_, err := x.redirect(x.ctx, deed(c))
			x.no(err)
			x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
			in.Speak(4 * time.Second)
			in.Hangup()
			x.no(in.WaitEnd(x.ctx))
			x.no(x.net.WaitQuiet(x.ctx))
			if !settled {
				x.failing(func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasSuffix(r.URL.Path, "/Recordings.json") {
						return false
					}
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprint(w, `{"recordings": [{"sid": "RE1", "status": "processing", "duration": null}]}`)
					return true
				})
			}
			ask(x, c)
			now := x.call(c.ID)
			switch {
			case settled && (now.Outcome != store.Voicemail || len(now.Voice) != 1 || now.Voice[0].Seconds != 4):
				t.Errorf("%+v", now)
			case !settled && (now.State != store.Recording || len(now.Voice) != 0):
				t.Errorf("%+v", now)
			}
		})
	}
	t.Run("Twilio fails", func(t *testing.T) {
		x := connected(t, voicetest.Options{})
		_, c := x.waiting()
		x.failing(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "4")
			http.Error(w, "{}", http.StatusTooManyRequests)
			return true
		})
		_, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID})
		if later, ok := errors.AsType[*store.Later](err); !ok || later.After != 4*time.Second {
			t.Errorf("%v", err)
		}
		x.failing(nil)
	})
}

func TestLookups(t *testing.T) {
	x := connected(t, voicetest.Options{})
	x.Store.Team.Lookup = true
	do := x.lookups().Do
	x.net.SetName(caller, " JANE\u202e DOE\x00 ")
	in, c := x.dialIn()
	defer in.Hangup()
	if !c.Naming {
		t.Fatal("no name is looked up")
	}
	_, err := do(x.ctx, store.Deed{Kind: store.Lookup, Call: c.ID})
	x.no(err)
	if now := x.call(c.ID); now.Name != "JANE DOE" || now.Naming {
		t.Errorf("named %q", now.Name)
	}
	// A lookup that fails is given up: the call is announced without a name.
	x.net.SetLookup(caller, voicetest.Lookup{Status: 503})
	other, c := x.dialIn()
	defer other.Hangup()
	_, err = do(x.ctx, store.Deed{Kind: store.Lookup, Call: c.ID})
	x.no(err)
	if now := x.call(c.ID); now.Name != "" || now.Naming {
		t.Errorf("named %q, still naming %v", now.Name, now.Naming)
	}
	if !strings.Contains(x.log.String(), "not looked up") {
		t.Error("the failure is not logged")
	}
}

// A message that was left where this server could not be reached is found, whatever the call's state here.
func TestAskFindsMessage(t *testing.T) {
	for _, at := range []string{"waiting", "ringing", "recording"} {
		x := connected(t, voicetest.Options{})
		x.bend(IncomingPath, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(httptest.NewRecorder(), r)
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprint(w, `<Response><Record action="https://elsewhere.example/done"/></Response>`)
			})
		})
		lost := func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		}
		x.bend(StatusPath, lost)
		in, call := x.dialIn()
		x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
		call = stage(x.house, call, at)
		in.Speak(4 * time.Second)
		in.Hangup()
		x.no(in.WaitEnd(x.ctx))
		_, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: call.ID})
		x.no(err)
		if now := x.call(call.ID); now.Outcome != store.Voicemail || len(now.Voice) != 1 || now.Voice[0].Seconds != 4 {
			t.Errorf("%s: %s, %+v", at, now.Outcome, now.Voice)
		}
	}
}
