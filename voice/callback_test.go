package voice

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

func init() {
	const ask = `<Gather action="@u/twilio/callback/key?c=@c&amp;n=@n" numDigits="1" finishOnKey="" timeout="5">
		<Say voice="woman">Call back for Sales: Jane Doe. Press 1 to take it, 2 to decline.</Say></Gather>`
	documents["ask back"] = ask + ask + `<Hangup/>`
	documents["not yours"] = `<Say voice="woman">This call back is not yours any more. Goodbye.</Say><Hangup/>`
	documents["dial back"] = `<Say voice="woman">Calling Jane Doe now.</Say>
		<Dial timeout="30" callerId="+12085550100" action="@u/twilio/callback/reached?c=@c&amp;n=@n"><Number>+12085550123</Number></Dial>`
	documents["not reached"] = `<Say voice="woman">They did not pick up. They still wait to be called back. Goodbye.</Say><Hangup/>`
	documents["last try"] = `<Say voice="woman">They did not pick up. This was the last try. Goodbye.</Say><Hangup/>`

	stages["phone rings"] = func(h *house, c store.Call) store.Call { return h.calledOut(stages["called back"](h, c)) }
	stages["calling"] = func(h *house, c store.Call) store.Call { return h.accepted(stages["phone rings"](h, c)) }
	stages["reached"] = func(h *house, c store.Call) store.Call {
		return h.backOverWith(stages["calling"](h, c), store.DialResult{Bridged: true, Seconds: 9})
	}
	stages["not reached"] = func(h *house, c store.Call) store.Call {
		return h.backOverWith(stages["calling"](h, c), store.DialResult{Why: store.Unreached})
	}
	stages["calling again"] = func(h *house, c store.Call) store.Call {
		return h.accepted(h.calledOut(h.answer(stages["not reached"](h, c), "Ann", store.Take)))
	}
	stages["tried"] = func(h *house, c store.Call) store.Call {
		return h.backOverWith(stages["calling again"](h, c), store.DialResult{Why: store.Unreached})
	}
	stages["taken on the phone"] = func(h *house, c store.Call) store.Call {
		return h.byPhone(stages["to be called back"](h, c), "Ann", "CA9", store.Take)
	}
}

func (h *house) calledOut(c store.Call) store.Call {
	h.Helper()
	theirs, got, err := h.Store.CalledOut(h.Context(), c.ID, c.Attempt, "CA9")
	if !theirs {
		h.Fatal("not theirs")
	}
	return h.got(got, err)
}

func (h *house) backOverWith(c store.Call, r store.DialResult) store.Call {
	got, err := h.Store.CallBackOver(h.Context(), c.ID, c.Attempt, r)
	return h.got(got, err)
}

// What the phone of whoever calls back hears at each stage, delivered twice.
func TestCallBackHears(t *testing.T) {
	run(t, callbackPath, ofLeg("CA9"), []step{
		{"called back", 1, "ask back", 0, store.Ringing}, // before our own request has told us of it
		{"phone rings", 1, "ask back", 0, store.Ringing},
		{"calling", 1, "dial back", 0, store.Talking},
		{"taken on the phone", 1, "ask back", 0, store.Ringing},
		{"to be called back", 1, "not yours", 0, store.Waiting}, // given back
		{"not reached", 1, "not yours", 0, store.Waiting},
		{"calling again", 1, "not yours", 0, store.Talking},
		{"reached", 1, "not yours", 0, store.Ended},
		{"ringing", 1, "Ann has", 0, store.Ringing}, // nothing of ours
	})
	run(t, callbackPath, ofLeg("CA8"), []step{{"phone rings", 1, "not yours", 0, store.Ringing}}) // a second phone, rung in doubt
	for _, key := range []string{"1", "3", "#", "12"} {
		run(t, callbackKeyPath, ofLeg("CA9", "Digits", key), []step{
			{"phone rings", 1, "dial back", 0, store.Talking},
			{"calling", 1, "dial back", 0, store.Talking},
		})
	}
	run(t, callbackKeyPath, ofLeg("CA8", "Digits", "1"), []step{{"phone rings", 1, "not yours", 0, store.Ringing}})
	run(t, callbackKeyPath, ofLeg("CA9", "Digits", "1"), []step{
		{"not reached", 1, "not yours", 0, store.Waiting},
		{"calling again", 1, "not yours", 0, store.Talking},
		{"reached", 1, "not yours", 0, store.Ended},
	})
	run(t, callbackKeyPath, ofLeg("CA9", "Digits", "2"), []step{
		{"calling again", 1, "not yours", 0, store.Talking},
		{"reached", 1, "not you", 0, store.Ended},
	})
	over := func(status string) func(store.Call) []string {
		return func(store.Call) []string { return []string{"CallSid", "CA9", "CallStatus", status} }
	}
	for _, status := range []string{"completed", "busy", "no-answer", "failed", "canceled"} {
		run(t, callbackOverPath, over(status), []step{
			{"phone rings", 1, "204", 0, store.Waiting},
			{"called back", 1, "204", 0, store.Waiting},
			{"calling", 1, "204", 0, store.Talking}, // what became of the caller's phone is another report
			{"reached", 1, "204", 0, store.Ended},
			{"calling again", 1, "204", 0, store.Talking},
		})
	}
	run(t, callbackOverPath, over("in-progress"), []step{{"phone rings", 1, "204", 0, store.Ringing}})
	dial := func(status string, more ...string) func(store.Call) []string {
		return ofLeg("CA9", append([]string{"DialCallStatus", status}, more...)...)
	}
	for _, status := range []string{"busy", "no-answer", "failed"} {
		run(t, reachedPath, dial(status, "DialBridged", "false"), []step{
			{"calling", 1, "not reached", 0, store.Waiting},
			{"calling again", 2, "last try", 0, store.Ended},
			{"calling again", 1, "not reached", 0, store.Talking},
			{"to be called back", 1, "not reached", 0, store.Waiting},
		})
	}
	for _, status := range []string{"busy", "no-answer", "failed", "canceled"} { // who calls back has hung up
		run(t, reachedPath, dial(status, "DialBridged", "false", "CallStatus", "completed"), []step{{"calling again", 2, "not reached", 0, store.Waiting}})
	}
	run(t, reachedPath, dial("completed", "DialCallDuration", "9", "CallStatus", "completed"), []step{{"calling again", 2, "hangup", 0, store.Ended}})
	run(t, reachedPath, dial("completed", "DialCallDuration", "9"), []step{
		{"calling", 1, "hangup", 0, store.Ended},
		{"calling again", 2, "hangup", 0, store.Ended},
	})
	run(t, reachedPath, dial("canceled", "DialBridged", "false"), []step{{"calling", 1, "not reached", 0, store.Waiting}, {"calling again", 2, "not reached", 0, store.Waiting}})

	// Somebody whose phone was rung for the call takes it on that phone.
	run(t, keyPath+"?t=1", ofLeg("CA9", "Digits", "1"), []step{{"to be called back", 1, "dial back", 0, store.Talking}})
}

// A person declines, or their phone does: they are not the one who is asked for it next.
func TestDeclineToCallBack(t *testing.T) {
	h := open(t, someTeam())
	c := stage(h, h.arrive("CA1"), "phone rings")
	spoken(t, h.post(of(callbackKeyPath, c, 1), form("CallSid", "CA9", "Digits", "2")))
	c = h.call(c.ID)
	if c.State != store.Waiting || c.Attempt != 2 || len(c.Tries) != 1 || c.Tries[0].Why != store.Declined || c.Back.Tries != 0 {
		t.Errorf("%+v", c)
	}
}

// A line that asks for no 1 dials the caller at once.
func TestCallBackWithoutAQuestion(t *testing.T) {
	team := someTeam()
	team.Lines[0].Accept = false
	h := open(t, team)
	c := stage(h, h.arrive("CA1"), "phone rings")
	if got := spoken(t, h.post(of(callbackPath, c, 1), form("CallSid", "CA9"))); got.Inner[1].Name != "Dial" || h.call(c.ID).State != store.Talking {
		t.Errorf("%s", got)
	}
}

// Without a store, and with a leg that cannot be one.
func TestBackWithoutAStore(t *testing.T) {
	h := open(t, someTeam())
	c := stage(h, h.arrive("CA1"), "phone rings")
	for _, path := range []string{callbackPath, callbackKeyPath} {
		if w := h.post(of(path, c, 1), form("CallSid", "../9", "Digits", "1")); path == callbackPath && w.Code != http.StatusBadRequest || h.call(c.ID).State != store.Ringing {
			t.Errorf("%s: status %d, %s", path, w.Code, h.call(c.ID).State)
		}
	}
	h.disk.breakDown(true)
	for path, key := range map[string]string{callbackPath: "", callbackKeyPath: "1"} {
		if got := spoken(t, h.post(of(path, c, 1), form("CallSid", "CA9", "Digits", key))); len(got.Inner) != 1 || got.Inner[0].Name != "Hangup" {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, path := range []string{reachedPath, callbackOverPath} {
		if w := h.post(of(path, c, 1), form("CallSid", "CA9", "CallStatus", "completed", "DialCallStatus", "completed")); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

// asksBack is a call whose caller has pressed 2, and which Ann has taken.
func (x *exchange) asksBack() (*voicetest.Call, store.Call) {
	x.Helper()
	in, c := x.waiting()
	x.no(in.WaitKeys(x.ctx))
	in.Press("2")
	x.no(in.WaitEnd(x.ctx))
	return in, x.answer(x.call(c.ID), "Ann", store.Take)
}

func callOutDeed(c store.Call) store.Deed {
	return store.Deed{Kind: store.CallOut, Call: c.ID, Attempt: c.Attempt}
}

// rings does what is due and returns the phone that rings.
func (x *exchange) annRings(c store.Call) *voicetest.Leg {
	x.Helper()
	_, err := x.callOut(x.ctx, callOutDeed(c))
	x.no(err)
	leg, err := x.net.Phone(annPhone).WaitRing(x.ctx)
	x.no(err)
	if leg.From() != sales || x.call(c.ID).Claim.Leg != leg.SID() {
		x.Errorf("it rings from %s, and is %q", leg.From(), x.call(c.ID).Claim.Leg)
	}
	return leg
}

// callerRings is the caller's phone once Ann has pressed 1.
func (x *exchange) callerRings(ann *voicetest.Leg) *voicetest.Leg {
	x.Helper()
	ann.Answer()
	x.no(ann.WaitKeys(x.ctx))
	ann.Press("1")
	leg, err := x.net.Phone(caller).WaitRing(x.ctx)
	x.no(err)
	if leg.From() != sales {
		x.Errorf("the caller sees %s", leg.From())
	}
	return leg
}

func TestCallBack(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, c := x.asksBack()
	ann := x.annRings(c)
	jane := x.callerRings(ann)
	jane.Answer()
	x.no(ann.WaitBridged(x.ctx))
	jane.Hangup()
	x.no(ann.WaitEnd(x.ctx))
	c = x.stored(in, func(c store.Call) bool { return !c.Open() })
	if c.Outcome != store.CalledBack || c.Claim.Person != "Ann" {
		t.Errorf("%+v", c)
	}
	if n := x.net.Redirects(in.SID()); n != 0 {
		t.Errorf("%d redirects of a caller who has hung up", n)
	}
	for range 2 { // the deed once more
		_, err := x.callOut(x.ctx, callOutDeed(c))
		x.no(err)
	}
	if n := x.asked(http.MethodPost, "/Calls.json"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// Nobody picks up at the caller's: tried twice, then closed.
func TestCallBackUnreached(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, c := x.asksBack()
	for i, want := range []string{"They did not pick up. They still wait to be called back. Goodbye.", "They did not pick up. This was the last try. Goodbye."} {
		ann := x.annRings(c)
		x.callerRings(ann).Decline()
		_, err := ann.WaitHeard(x.ctx, func(h voicetest.Heard) bool { return h.Text == want })
		x.no(err)
		x.no(ann.WaitEnd(x.ctx))
		if i == 0 {
			c = x.stored(in, func(c store.Call) bool { return c.Attempt == 2 })
			if c.State != store.Waiting || c.Tries[0].Why != store.Unreached || c.Back.Tries != 1 {
				t.Fatalf("%+v", c)
			}
			c = x.answer(c, "Ann", store.Take)
		}
	}
	if c = x.call(c.ID); c.Outcome != store.Tried {
		t.Errorf("%+v", c)
	}
}

// The taker does not come: others may.
func TestTakerDoesNotCallBack(t *testing.T) {
	for why, does := range map[store.Why]func(*exchange, *voicetest.Leg){
		store.Busy:     func(_ *exchange, ann *voicetest.Leg) { ann.Decline() },
		store.Declined: func(x *exchange, ann *voicetest.Leg) { ann.Answer(); x.no(ann.WaitKeys(x.ctx)); ann.Press("2") },
		store.NotAccepted: func(x *exchange, ann *voicetest.Leg) {
			ann.Answer()
			x.no(ann.WaitKeys(x.ctx))
			ann.Hangup()
		},
	} {
		x := connected(t, voicetest.Options{})
		in, c := x.asksBack()
		does(x, x.annRings(c))
		c = x.stored(in, func(c store.Call) bool { return c.Attempt == 2 })
		if c.State != store.Waiting || c.Tries[0].Why != why || c.Back.Tries != 0 {
			t.Errorf("%s: %+v", why, c)
		}
	}
}

// A process died between the request and its record: the phone that rings is found.
func TestCallOutInDoubt(t *testing.T) {
	x := connected(t, voicetest.Options{})
	_, c := x.asksBack()
	sid, err := x.Twilio.CallOut(x.ctx, twilio.Outgoing{From: sales, To: annPhone, URL: x.at(callbackPath, c), Status: x.at(callbackOverPath, c), Timeout: 20 * time.Second})
	x.no(err)
	d := callOutDeed(c)
	d.Doubt = true
	x.clock.Advance(time.Since(x.clock.Now())) // the network lives by the real one
	c.Claim.At = x.clock.Now()
	for range 2 {
		_, err = x.callOut(x.ctx, d)
		x.no(err)
	}
	if c = x.call(c.ID); c.Claim.Leg != sid || x.asked(http.MethodPost, "/Calls.json") != 1 {
		t.Errorf("leg %q, want %q; %d calls", c.Claim.Leg, sid, x.asked(http.MethodPost, "/Calls.json"))
	}
	// And when it had not been done.
	y := connected(t, voicetest.Options{})
	y.clock.Advance(time.Since(y.clock.Now()))
	_, c = y.asksBack()
	d = callOutDeed(c)
	d.Doubt = true
	_, err = y.callOut(y.ctx, d)
	y.no(err)
	if c = y.call(c.ID); c.Claim.Leg == "" {
		t.Error("no phone rings")
	}
}

// hangUpsDue does those that are due, and counts them.
func (x *exchange) hangUpsDue(legs ...string) (n int) {
	x.Helper()
	for _, leg := range legs {
		err := x.disk.View(x.ctx, func(r store.Reader) error {
			return r.Scan("due/hangup/", "", func(key string, _ []byte) bool {
				if key[len(key)-len(leg):] == leg {
					n++
				}
				return true
			})
		})
		x.no(err)
		_, err = x.hangups().Do(x.ctx, store.Deed{Kind: store.HangUp, Whom: leg, Due: x.clock.Now()})
		x.no(err)
	}
	return n
}

// Ann gives it back while her phone rings, or before it does: it stops, and pressing 1 comes too late.
func TestCallBackGivenBack(t *testing.T) {
	giveBack := func(x *exchange, c store.Call) {
		t.Helper()
		v, _, err := x.Store.Answer(x.ctx, store.Answer{ID: "n", Call: c.ID, Attempt: c.Attempt, Person: "Ann", Via: store.BySMS, Word: store.SendVoicemail})
		if err != nil || v.Result != store.GivenBack {
			t.Fatal(v, err)
		}
	}
	x := connected(t, voicetest.Options{})
	_, c := x.asksBack()
	ann := x.annRings(c)
	giveBack(x, c)
	if n := x.hangUpsDue(ann.SID()); n != 1 {
		t.Errorf("%d hang-ups due", n)
	}
	x.no(ann.WaitEnd(x.ctx))

	// While the request was under way.
	x = connected(t, voicetest.Options{})
	_, c = x.asksBack()
	x.failing(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			giveBack(x, c)
		}
		return false
	})
	_, err := x.callOut(x.ctx, callOutDeed(c))
	x.no(err)
	ann, err = x.net.Phone(annPhone).WaitRing(x.ctx)
	x.no(err)
	x.failing(nil)
	if n := x.hangUpsDue(ann.SID()); n != 1 {
		t.Errorf("%d hang-ups due", n)
	}
	x.no(ann.WaitEnd(x.ctx))

	// And once she has picked up.
	x = connected(t, voicetest.Options{})
	_, c = x.asksBack()
	ann = x.annRings(c)
	ann.Answer()
	x.no(ann.WaitKeys(x.ctx))
	giveBack(x, c)
	ann.Press("1")
	_, err = ann.WaitHeard(x.ctx, func(h voicetest.Heard) bool { return h.Text == notYours })
	x.no(err)
}

// Whoever calls back hangs up while the caller's phone rings. Whether Twilio reports the Dial then is not known.
func TestCallBackGivenUp(t *testing.T) {
	for _, silent := range []bool{false, true} {
		x := connected(t, voicetest.Options{NoDialActionOnHangup: silent})
		in, c := x.asksBack()
		ann := x.annRings(c)
		jane := x.callerRings(ann)
		ann.Hangup()
		x.no(jane.WaitEnd(x.ctx))
		x.no(x.net.WaitQuiet(x.ctx))
		if silent {
			x.no(x.disk.View(x.ctx, func(r store.Reader) error {
				if due, err := r.Get(store.Deed{Kind: store.Ask, Call: c.ID}.Key()); err != nil || due == nil {
					t.Errorf("Twilio is not asked: %v", err)
				}
				return nil
			}))
			_, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID, Due: x.clock.Now()})
			x.no(err)
		}
		c = x.stored(in, func(c store.Call) bool { return c.State == store.Waiting })
		if c.Back.Tries != 0 || c.Tries[0].Why != store.HungUp {
			t.Errorf("silent %v: %+v", silent, c)
		}
	}
}

// The word of the end is lost: Twilio is asked, about the taker's phone and what was dialled from it.
func TestCallBackAsked(t *testing.T) {
	x := connected(t, voicetest.Options{})
	for _, path := range []string{reachedPath, callbackOverPath} {
		x.bend(path, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				fmt.Fprint(w, "<Response/>")
			})
		})
	}
	ask := func(c store.Call) store.Call {
		t.Helper()
		_, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID, Due: x.clock.Now()})
		x.no(err)
		return x.call(c.ID)
	}
	_, c := x.asksBack()
	if c = ask(c); c.State != store.Ringing { // it is yet to be rung
		t.Fatalf("%+v", c)
	}
	ann := x.annRings(c)
	if c = ask(c); c.State != store.Ringing { // it rings
		t.Fatalf("%+v", c)
	}
	ann.Decline()
	if c = ask(c); c.State != store.Waiting || c.Tries[0].Why != store.Busy {
		t.Fatalf("%+v", c)
	}
	if c = ask(c); c.State != store.Waiting { // there is nothing to ask
		t.Fatalf("%+v", c)
	}
	c = x.answer(c, "Ann", store.Take)
	ann = x.annRings(c)
	jane := x.callerRings(ann)
	if c = ask(c); c.State != store.Talking {
		t.Fatalf("%+v", c)
	}
	jane.Decline()
	x.no(ann.WaitEnd(x.ctx))
	if c = ask(c); c.State != store.Waiting || c.Back.Tries != 1 {
		t.Fatalf("%+v", c)
	}
	c = x.answer(c, "Ann", store.Take)
	ann = x.annRings(c)
	jane = x.callerRings(ann)
	jane.Answer()
	x.no(ann.WaitBridged(x.ctx))
	if c = ask(c); c.State != store.Talking {
		t.Fatalf("%+v", c)
	}
	jane.Hangup()
	x.no(ann.WaitEnd(x.ctx))
	if c = ask(c); c.Outcome != store.CalledBack {
		t.Errorf("%+v", c)
	}
}

// The caller's phone that stopped because whoever called back had hung up may be listed as if it had rung out: which of the
// two ended first tells.
func TestCallBackAskedWhoHungUp(t *testing.T) {
	for seconds, tries := range map[int]int{-3: 1, 0: 0, 1: 0} {
		x := connected(t, voicetest.Options{NoDialActionOnHangup: true})
		_, c := x.asksBack()
		ann := x.annRings(c)
		jane := x.callerRings(ann)
		ann.Hangup()
		x.no(jane.WaitEnd(x.ctx))
		x.no(x.net.WaitQuiet(x.ctx))
		call, err := x.Twilio.Call(x.ctx, ann.SID())
		x.no(err)
		x.failing(func(w http.ResponseWriter, r *http.Request) bool {
			listed := r.URL.Query().Has("ParentCallSid")
			if listed {
				w.Header().Set("Content-Type", "application/json")
				ended := call.Ended.Add(time.Duration(seconds) * time.Second).Format(time.RFC1123Z)
				fmt.Fprintf(w, `{"calls": [{"sid": %q, "status": "no-answer", "duration": "0", "end_time": %q}]}`, jane.SID(), ended)
			}
			return listed
		})
		_, err = x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID, Due: x.clock.Now()})
		x.no(err)
		if c = x.call(c.ID); c.State != store.Waiting || c.Back.Tries != tries {
			t.Errorf("%d s: %+v, %+v", seconds, c, c.Back)
		}
	}
}

// A phone that cannot be rung: the call waits again, at once or when its time is over, and never without an end.
func TestCallOutRefused(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, c := x.asksBack()
	x.failing(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"code":21215,"message":"Geo Permission","status":400}`)
		}
		return r.Method == http.MethodPost
	})
	_, err := x.callOut(x.ctx, callOutDeed(c))
	x.no(err)
	c = x.stored(in, func(c store.Call) bool { return c.Attempt == 2 })
	if c.State != store.Waiting || c.Tries[0].Why != store.Failed {
		t.Errorf("%+v", c)
	}
	x.failing(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	c = x.answer(c, "Bob", store.Take)
	if _, err := x.callOut(x.ctx, callOutDeed(c)); err == nil {
		t.Error("given up though Twilio was away")
	}
	ask := func() {
		_, err := x.ask(x.ctx, store.Deed{Kind: store.Ask, Call: c.ID, Due: x.clock.Now()})
		x.no(err)
		c = x.call(c.ID)
	}
	if ask(); c.State != store.Ringing {
		t.Errorf("%+v", c)
	}
	x.clock.Advance(20*time.Second + ringGrace)
	if ask(); c.State != store.Waiting || c.Tries[1].Why != store.Failed {
		t.Errorf("%+v", c)
	}
	// Somebody without a phone any more.
	c = x.answer(c, "Ann", store.Take)
	x.Store.Team.People = nil
	_, err = x.callOut(x.ctx, callOutDeed(c))
	x.no(err)
	if c = x.call(c.ID); c.State != store.Waiting || c.Attempt != 4 {
		t.Errorf("%+v", c)
	}
}

// Phones are not rung to call back without end.
func TestCallOutIsBounded(t *testing.T) {
	x := connected(t, voicetest.Options{})
	_, c := x.asksBack()
	for i := range 30 {
		if may, err := x.Store.Allow(x.ctx, fmt.Sprint(i), store.Quota{Of: "rings to Ann", Most: 30, Within: time.Hour}); err != nil || !may {
			t.Fatal(may, err)
		}
	}
	_, err := x.callOut(x.ctx, callOutDeed(c))
	x.no(err)
	if c = x.call(c.ID); c.State != store.Waiting || x.asked(http.MethodPost, "/Calls.json") != 0 {
		t.Errorf("%+v", c)
	}
}

// A caller who waits to be called back is in no queue, and nobody asks why.
func TestCallBackIsNotMissed(t *testing.T) {
	x := connected(t, voicetest.Options{})
	in, c := x.waiting()
	x.no(in.WaitKeys(x.ctx))
	in.Press("2")
	x.no(in.WaitEnd(x.ctx))
	x.clock.Advance(time.Hour)
	mended := counted{}
	x.no(x.MissedCalls(x.ctx, mended.mend))
	if len(mended) != 0 {
		t.Errorf("%v", mended)
	}
	if c = x.call(c.ID); c.State != store.Waiting {
		t.Errorf("%+v", c)
	}
}
