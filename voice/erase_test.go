package voice

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// What Twilio keeps of a call is deleted in an order in which a repetition finds what is left, and when Twilio lets it.
func TestErase(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)) // like the house's
	x := connected(t, voicetest.Options{Clock: clock, RecordingDelay: 30 * time.Second})
	in, c := x.waiting()
	for to, body := range map[string]string{
		"+12085550101": "Sales: (208) 555-0123. Reply Y to take",
		"+12085550102": "Too late: Bob took +1 208-555-0123",
		"+12085550103": "Sales: (208) 555-0145. Reply Y to take",
	} {
		_, err := x.Twilio.Send(x.ctx, twilio.SMS{From: sales, To: to, Body: body})
		x.no(err)
		_, err = x.net.Phone(to).WaitSMS(x.ctx, func(voicetest.SMS) bool { return true })
		x.no(err)
	}
	d := store.Deed{Kind: store.Erase, Call: c.ID, Line: sales, Whom: c.SID}
	put := func(why string) {
		t.Helper()
		_, err := x.erase(x.ctx, d)
		if later, ok := errors.AsType[*store.Later](err); !ok || later.After != unfinished || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want another try because of %q", err, why)
		}
		if n := x.asked(http.MethodDelete, "/Calls/"); n != 0 && why != "20009" {
			t.Errorf("%d tries to delete the call", n)
		}
	}
	put("the call is not over")
	x.answer(c, "Ann", store.SendVoicemail)
	_, err := x.redirect(x.ctx, deed(x.call(c.ID)))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceRecording))
	in.Speak(7 * time.Second)
	in.Hangup()
	x.no(in.WaitEnd(x.ctx))
	put("a recording is not complete")
	clock.Advance(40 * time.Second)
	x.stored(in, func(c store.Call) bool { return len(c.Voice) > 0 })
	put("20009") // a minute has not passed yet
	clock.Advance(time.Minute)

	// It breaks off after the recording and before the call, and goes on from there.
	broken := true
	x.failing(func(w http.ResponseWriter, r *http.Request) bool {
		if broken && r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/Calls/") {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	if _, err := x.erase(x.ctx, d); err == nil {
		t.Error("done, though Twilio was down")
	}
	if id, err := x.Store.CallBySID(x.ctx, c.SID); err != nil || id != c.ID {
		t.Errorf("the CallSid is forgotten before Twilio is done: %v", err)
	}
	broken = false
	for range 2 { // the second finds nothing any more
		if _, err := x.erase(x.ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.Store.CallBySID(x.ctx, c.SID); !errors.Is(err, store.ErrNoCall) {
		t.Errorf("the CallSid is still known: %v", err)
	}
	rs, err := x.Twilio.RecordingsOf(x.ctx, c.SID)
	x.no(err)
	call, err := x.Twilio.Call(x.ctx, c.SID)
	x.no(err)
	if len(rs) != 0 || call.From != "" {
		t.Errorf("Twilio has %+v and %+v", rs, call)
	}
	texts, err := x.Twilio.TextsFrom(x.ctx, sales, clock.Now().Add(-time.Hour), clock.Now())
	x.no(err)
	if len(texts) != 1 || !strings.Contains(texts[0].Body, "0145") {
		t.Errorf("texts that are left: %+v", texts)
	}
}

// A caller whose number is withheld stands in no text.
func TestEraseWithheld(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC))
	x := connected(t, voicetest.Options{Clock: clock})
	in := x.net.Phone(caller).Call(sales, voicetest.CallerInfo{From: "anonymous"})
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceQueue))
	in.Hangup()
	c := x.stored(in, func(c store.Call) bool { return !c.Open() })
	clock.Advance(time.Hour)
	if _, err := x.erase(x.ctx, store.Deed{Kind: store.Erase, Call: c.ID, Line: sales, Whom: c.SID}); err != nil {
		t.Fatal(err)
	}
	if n := x.asked(http.MethodGet, "/Messages"); n != 0 {
		t.Errorf("texts were listed %d times", n)
	}
	if n := x.asked(http.MethodDelete, "/Calls/"+c.SID); n != 1 {
		t.Errorf("the call was deleted %d times", n)
	}
}
