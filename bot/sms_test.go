package bot

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

const (
	annPhone = "+12085550101"
	bobPhone = "+12085550102"
	cyPhone  = "+12085550103"
)

// texts delivers an SMS and returns the reply, "" when there is none.
func (r *room) texts(sid, from, to, body string, more ...string) string {
	r.Helper()
	f := url.Values{"MessageSid": {sid}, "From": {from}, "To": {to}, "Body": {body}}
	for i := 0; i < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	res, err := http.PostForm(r.url+SMSPath, f)
	r.no(err)
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
		r.Fatalf("status %d, %v", res.StatusCode, res.Header)
	}
	var doc struct {
		XMLName xml.Name   `xml:"Response"`
		Message []struct { // with attributes it would go elsewhere than back
			Attr []xml.Attr `xml:",any,attr"`
			Text string     `xml:",chardata"`
			Body []string   `xml:"Body"`
		}
		Other []struct{} `xml:",any"`
	}
	r.no(xml.NewDecoder(res.Body).Decode(&doc))
	switch {
	case len(doc.Message) == 0 && len(doc.Other) == 0:
		return ""
	case len(doc.Message) != 1 || len(doc.Other) > 0 || len(doc.Message[0].Attr) > 0:
		r.Fatalf("%+v", doc)
	}
	return strings.TrimSpace(doc.Message[0].Text + strings.Join(doc.Message[0].Body, ""))
}

func TestSMS(t *testing.T) {
	const jane = "JANE & <Doe>, (208) 555-0123"
	for name, c := range map[string]struct {
		from, to, body string
		reply          string
		state          store.State
	}{
		"yes":                {annPhone, sales, "Yes!", "Yours: " + jane + ". Your phone (208) 555-0101 rings now.", store.Ringing},
		"by code":            {annPhone, sales, "Y1", "Yours: " + jane + ". Your phone (208) 555-0101 rings now.", store.Ringing},
		"no":                 {bobPhone, sales, "n", jane + " is sent to voicemail.", store.Recording},
		"pull":               {annPhone, sales, "PULL", "Yours: " + jane + ". Your phone (208) 555-0101 rings now.", store.Ringing},
		"list":               {annPhone, sales, "list", "1: " + jane + " (Sales), waiting 0:00", store.Waiting},
		"another code":       {annPhone, sales, "y 7", "No call 7 is waiting. LIST shows those that are.", store.Waiting},
		"help":               {annPhone, sales, "?", smsHelp(someTeam().Lines[0]), store.Waiting},
		"chatter":            {annPhone, sales, "no idea, what is this about?", smsHelp(someTeam().Lines[0]), store.Waiting},
		"empty":              {annPhone, sales, "", smsHelp(someTeam().Lines[0]), store.Waiting},
		"a thumb":            {annPhone, sales, "👍🏽", "Yours: " + jane + ". Your phone (208) 555-0101 rings now.", store.Ringing},
		"another emoji":      {annPhone, sales, "🎉", smsHelp(someTeam().Lines[0]), store.Waiting},
		"not of the line":    {cyPhone, sales, "yes", "You do not answer the line Sales.", store.Waiting},
		"pull, other line":   {cyPhone, sales, "pull", "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone.", store.Waiting},
		"pass":               {annPhone, sales, "pass", "All right, not you.", store.Waiting},
		"pass, other line":   {cyPhone, sales, "pass", "You do not answer the line Sales.", store.Waiting},
		"keyword":            {annPhone, sales, "Support!", jane + " is forwarded to (208) 555-0199.", store.Ringing},
		"keyword by code":    {annPhone, sales, "support 1", jane + " is forwarded to (208) 555-0199.", store.Ringing},
		"keyword, voicemail": {annPhone, sales, "later", jane + " is sent to voicemail.", store.Recording},
		"keyword, pass":      {annPhone, sales, "lunch", "All right, not you.", store.Waiting},
		"keyword, other":     {cyPhone, sales, "support", "You do not answer the line Sales.", store.Waiting},
		"pass on":            {annPhone, sales, "pass on she waits", "You are not on the phone with a caller.", store.Waiting},
		"leave":              {annPhone, sales, "leave", "You were not in line.", store.Waiting},
		"on":                 {annPhone, sales, "on", "You are on duty.", store.Waiting},
		"off":                {annPhone, sales, "off", "You are off duty. Text ON when you are back.", store.Waiting},
		"off for a while":    {annPhone, sales, "off 2h", "You are off duty for 2 hours. Text ON when you are back.", store.Waiting},
		"off, other line":    {cyPhone, sales, "off 1d", "You are off duty for 1 day. Text ON when you are back.", store.Waiting},
		"list, other line":   {cyPhone, sales, "list", "Nobody is waiting.", store.Waiting},
		"to the other line":  {annPhone, service, "yes", "You do not answer the line Service.", store.Waiting},
		"stranger":           {"+12085559999", sales, "yes", "Thank you. This number takes calls only; please call (208) 555-0100.", store.Waiting},
		"the caller":         {caller, sales, "y", "Thank you. This number takes calls only; please call (208) 555-0100.", store.Waiting},
		"no sender":          {"", sales, "yes", "", store.Waiting}, // Dee has no phone either
		"one of our lines":   {service, sales, "yes", "", store.Waiting},
		"to no line":         {annPhone, "+12085550999", "yes", "", store.Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			team := someTeam()
			team.Lines[0].Keywords = []store.Keyword{{Word: "support", Forward: "+12085550199", Say: "Connecting you."}, {Word: "later", Voicemail: true}, {Word: "lunch", Pass: true}}
			r := open(t, team)
			call := r.arriveAs(store.Arrival{SID: "CA1", Name: "JANE & <Doe>"})
			for i := range 2 { // delivered again it is the same, and answered alike
				if got := r.texts("SM1", c.from, c.to, c.body); got != c.reply {
					t.Errorf("delivery %d: got %q", i+1, got)
				}
				if now := r.call(call.ID); now.State != c.state {
					t.Errorf("delivery %d: it is %s, want %s", i+1, now.State, c.state)
				}
			}
		})
	}
}

// Twilio answers STOP and HELP by itself; a text of ours beside that would be one too many. YES and START are its words as
// well as ours.
func TestSMSOptOut(t *testing.T) {
	r := open(t, someTeam())
	for _, c := range []struct{ body, kind, reply string }{
		{"STOP", "STOP", ""}, {"help", "HELP", ""}, {"START", "START", smsHelp(someTeam().Lines[0])}, {"STOP", "", smsHelp(someTeam().Lines[0])},
	} {
		if got := r.texts("SM"+c.body+c.kind, annPhone, sales, c.body, "OptOutType", c.kind); got != c.reply {
			t.Errorf("%s: %q", c.body, got)
		}
	}
	call := r.arrive("CA1")
	r.texts("SM9", annPhone, sales, "YES", "OptOutType", "START")
	if now := r.call(call.ID); now.State != store.Ringing {
		t.Errorf("YES is taken for an opt-in alone: %s", now.State)
	}
}

func TestSMSNo(t *testing.T) {
	team := someTeam()
	team.Lines[0].No = store.NoPass
	r := open(t, team)
	c := r.arrive("CA1")
	if got := r.texts("SM1", annPhone, sales, "no"); got != "All right, not you." {
		t.Errorf("got %q", got)
	}
	if now := r.call(c.ID); now.State != store.Waiting || len(now.Passed) != 1 {
		t.Errorf("%+v", now)
	}
}

// What is not certain is asked back.
func TestSMSWhich(t *testing.T) {
	r := open(t, someTeam())
	r.arriveAs(store.Arrival{SID: "CA1", Name: "Jane"})
	r.clock.Advance(65 * time.Second)
	second := r.arriveAs(store.Arrival{SID: "CA2", From: "+442079460018"})
	const which = "Which one? 1: Jane, (208) 555-0123, waiting 1:05. 2: +44 20 7946 0018, waiting 0:00. Reply for example "
	for body, example := range map[string]string{"yes": "Y 1.", "n": "N 1.", "Y!": "Y 1.", "not me": "PASS 1."} {
		if got := r.texts("SM"+body[:1]+fmt.Sprint(len(body)), annPhone, sales, body); got != which+example {
			t.Errorf("%s: got %q", body, got)
		}
	}
	if got := r.types(ann, "no"); got != which+"/pull no 1." {
		t.Errorf("got %q", got)
	}
	if got := r.texts("SM7", annPhone, sales, "y 2"); !strings.HasPrefix(got, "Yours: +44 20 7946 0018.") {
		t.Errorf("got %q", got)
	}
	if got := r.texts("SM8", bobPhone, sales, "y 2"); got != "Too late: Ann took +44 20 7946 0018, just now." {
		t.Errorf("got %q", got)
	}
	if now := r.call(second.ID); now.Claim == nil || now.Claim.Person != "Ann" || now.Claim.Via != store.BySMS {
		t.Errorf("%+v", now.Claim)
	}
}

// A text that took a call comes again when others wait: it is still about the one that it took.
func TestSMSAgain(t *testing.T) {
	r := open(t, someTeam())
	r.arrive("CA1")
	const yours = "Yours: (208) 555-0123. Your phone (208) 555-0101 rings now."
	if got := r.texts("SM1", annPhone, sales, "y"); got != yours {
		t.Errorf("got %q", got)
	}
	r.arrive("CA2")
	r.arrive("CA3")
	for range 2 {
		if got := r.texts("SM1", annPhone, sales, "y"); got != yours {
			t.Errorf("again: got %q", got)
		}
	}
}

func TestSMSNothingWaits(t *testing.T) {
	r := open(t, someTeam())
	if got := r.texts("SM1", annPhone, sales, "y"); got != "Nobody is waiting." {
		t.Errorf("got %q", got)
	}
	c := r.arrive("CA1")
	// The same text delivered again, now that a call waits, was not about that one.
	if got := r.texts("SM1", annPhone, sales, "y"); got != "Nobody is waiting." || r.call(c.ID).State != store.Waiting {
		t.Errorf("got %q", got)
	}
	_, err := r.Store.HungUp(r.ctx, c.ID)
	r.no(err)
	if got := r.texts("SM2", annPhone, sales, "y"); got != "(208) 555-0123 has hung up." {
		t.Errorf("got %q", got)
	}
	r.clock.Advance(recent + time.Minute)
	if got := r.texts("SM3", annPhone, sales, "y"); got != "Nobody is waiting." {
		t.Errorf("got %q", got)
	}
}

// Two servers missed a text, and each finds it: one replies.
func TestSMSMissedByTwo(t *testing.T) {
	r := open(t, someTeam())
	net, err := voicetest.Start(voicetest.Options{Clock: r.clock})
	r.no(err)
	r.Cleanup(func() { r.no(net.Close()) })
	net.AddNumber(sales)
	r.Twilio, err = twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
	r.no(err)
	since := r.clock.Now()
	r.arrive("CA1")
	r.arrive("CA2")
	r.no(net.Phone(annPhone).Text(sales, "y").WaitDone(r.ctx))
	texts, err := r.Twilio.Texts(r.ctx, sales, since)
	r.no(err)
	person, missed, err := r.missed(r.ctx, r.Store.Team.Lines[0], texts[0])
	if r.no(err); !missed {
		t.Error("it was not missed")
	}
	mended := 0
	for range 2 { // both have seen by now that it was
		r.no(r.hearLate(r.ctx, r.Store.Team.Lines[0], person, texts[0], func(string) { mended++ }))
	}
	r.no(net.WaitQuiet(r.ctx))
	if inbox := net.Phone(annPhone).Inbox(); len(inbox) != 1 || !strings.HasPrefix(inbox[0].Body, "Which one?") || mended != 1 {
		t.Errorf("mended %d times, told %v", mended, inbox)
	}
}

// Texts that came too fast, or to somebody else's line, were not missed: whatever was said to them, they are not heard
// later.
func TestSMSNotMissed(t *testing.T) {
	r := open(t, someTeam())
	net, err := voicetest.Start(voicetest.Options{Clock: r.clock})
	r.no(err)
	r.Cleanup(func() { r.no(net.Close()) })
	net.AddNumber(sales)
	net.AddNumber(service)
	net.Configure(sales, voicetest.NumberConfig{SMSURL: r.url + SMSPath})
	r.Twilio, err = twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
	r.no(err)
	since := r.clock.Now()
	c := r.arrive("CA1")
	r.no(net.Phone(cyPhone).Text(sales, "y 7").WaitDone(r.ctx))
	for i := range 15 {
		r.no(net.Phone(annPhone).Text(sales, map[bool]string{true: "y", false: "y 7"}[i == 14]).WaitDone(r.ctx))
		r.clock.Advance(time.Second)
	}
	r.clock.Advance(time.Minute)
	r.Store.Team.Lines[0].People = append(r.Store.Team.Lines[0].People, "Cy")
	r.no(r.MissedTexts(r.ctx, since, r.clock.Now(), func(string) { t.Error("a text is taken for missed") }))
	r.no(net.WaitQuiet(r.ctx))
	if now := r.call(c.ID); now.State != store.Waiting {
		t.Errorf("it is %s", now.State)
	}
	for phone, want := range map[string]int{annPhone: 11, cyPhone: 1} {
		if n := len(net.Phone(phone).Inbox()); n != want {
			t.Errorf("%s has %d replies", phone, n)
		}
	}
}

// An answer to a call that is forgotten meanwhile was heard all the same.
func TestSMSForgotten(t *testing.T) {
	r := open(t, someTeam())
	a := store.Answer{ID: "sms:SM1", Person: "Ann", Via: store.BySMS, Word: store.Take}
	if text, err := r.answer(r.ctx, store.Call{ID: "01KJQ3Z9M8000000000000000"}, a); err != nil || text != forgotten {
		t.Errorf("%q, %v", text, err)
	}
	if text, known, err := r.again(r.ctx, a.ID); err != nil || !known || text != forgotten {
		t.Errorf("again: %q, %t, %v", text, known, err)
	}
}

// What cannot be stored was not heard: Twilio comes again by the fallback.
func TestSMSWithoutStore(t *testing.T) {
	r := open(t, someTeam())
	r.arrive("CA1")
	r.no(r.Store.Close())
	res, err := http.PostForm(r.url+SMSPath, url.Values{"MessageSid": {"SM1"}, "From": {annPhone}, "To": {sales}, "Body": {"yes"}})
	r.no(err)
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
	for _, sid := range []string{"", "x", "SM1/..", "SM1\n", "sm1", "SM" + strings.Repeat("0", 99)} {
		res, err := http.PostForm(r.url+SMSPath, url.Values{"MessageSid": {sid}, "From": {annPhone}, "To": {sales}, "Body": {"yes"}})
		r.no(err)
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("MessageSid %q: status %d", sid, res.StatusCode)
		}
	}
}

// phones puts a telephone network behind the room.
func (r *room) phones(intercept func(http.Handler) http.Handler) *voicetest.Network {
	r.Helper()
	net, err := voicetest.Start(voicetest.Options{Intercept: intercept})
	r.no(err)
	r.Cleanup(func() { r.no(net.Close()) })
	net.AddNumber(sales)
	r.Twilio, err = twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
	r.no(err)
	return net
}

func textTo(c store.Call, whom string) store.Deed {
	return store.Deed{Kind: store.Text, Call: c.ID, Attempt: c.Attempt, Whom: whom}
}

func TestText(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	c := r.arrive("CA1")
	for _, who := range []string{"Ann", "Bob"} {
		after, err := r.text(r.ctx, textTo(c, who))
		if err != nil || after == nil || after(&c) {
			t.Errorf("%s: %v", who, err)
		}
		if x, ok := c.TextTo(who); !ok || !strings.HasPrefix(x.SID, "SM") || x.Status != store.TextQueued {
			t.Errorf("%s: %+v", who, x)
		}
	}
	any := func(voicetest.SMS) bool { return true }
	for _, phone := range []string{annPhone, bobPhone} {
		m, err := net.Phone(phone).WaitSMS(r.ctx, any)
		if err != nil || m.From != sales || m.Body != "Sales: (208) 555-0123. Reply Y to take, N for voicemail. (1)" {
			t.Errorf("%+v, %v", m, err)
		}
	}
	last := net.Requests()[1].Form
	if last.Get("ValidityPeriod") != "120" {
		t.Errorf("%v: of use until the caller goes to voicemail", last)
	}
	// In doubt, what has been sent is not sent again.
	r.no(net.WaitQuiet(r.ctx))
	c.Arrived = time.Now()
	for who, want := range map[string]int{"Ann": 1, "Bob": 1} {
		d := textTo(c, who)
		d.Doubt = true
		_, err := r.text(r.ctx, d)
		r.no(err)
		p, _ := r.Store.Team.Person(who)
		if n := len(net.Phone(p.Phone).Inbox()); n != want {
			t.Errorf("%s has %d texts", who, n)
		}
	}
}

// Twilio's clock is a little behind ours: a text in doubt is found all the same.
func TestTextInDoubtByAnotherClock(t *testing.T) {
	r := open(t, someTeam())
	net, err := voicetest.Start(voicetest.Options{Clock: clockwork.NewFakeClockAt(r.clock.Now().Add(-3 * time.Second))})
	r.no(err)
	r.Cleanup(func() { r.no(net.Close()) })
	net.AddNumber(sales)
	r.Twilio, err = twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
	r.no(err)
	d := textTo(r.arrive("CA1"), "Ann")
	for _, d.Doubt = range []bool{false, true} {
		_, err := r.text(r.ctx, d)
		r.no(err)
	}
	r.no(net.WaitQuiet(r.ctx))
	if n := len(net.Phone(annPhone).Inbox()); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// A text that nobody needs is not sent, and none goes to somebody without a phone.
func TestTextDropped(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	c := r.arrive("CA1")
	for name, d := range map[string]store.Deed{"somebody unknown": textTo(c, "Zoe"), "no phone": textTo(c, "Dee"), "another attempt": {Kind: store.Text, Call: c.ID, Attempt: 2, Whom: "Ann"}} {
		if after, err := r.text(r.ctx, d); err != nil || after != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.answers(c, "Bob", store.Take)
	if after, err := r.text(r.ctx, textTo(c, "Ann")); err != nil || after != nil {
		t.Errorf("taken: %v", err)
	}
	if n := len(net.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// Who has taken another call or gone off duty since a call came is not texted of it, and is told when they can take it.
func TestTextNotNow(t *testing.T) {
	for name, f := range map[string]struct {
		away, free func(r *room, other store.Call)
	}{
		"on the phone": {func(r *room, other store.Call) { r.answers(other, "Ann", store.Take) }, func(r *room, other store.Call) {
			_, err := r.Store.HungUp(r.ctx, other.ID)
			r.no(err)
		}},
		"off duty": {func(r *room, _ store.Call) { r.no(r.Store.SetDuty(r.ctx, "Ann", store.Duty{Off: true})) }, func(r *room, _ store.Call) {
			r.no(r.Store.SetDuty(r.ctx, "Ann", store.Duty{}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			net := r.phones(nil)
			other, c := r.arrive("CA1"), r.arrive("CA2")
			f.away(r, other)
			text := func() error {
				return r.once(store.Work{Kind: store.Text, Do: r.text}, func(d store.Deed) bool { return d.Call == c.ID && d.Whom == "Ann" })
			}
			r.no(text())
			if now := r.call(c.ID); len(net.Requests()) != 0 || !slices.Equal(now.Told, []string{"Bob"}) || now.Rev == c.Rev {
				t.Fatalf("%d requests, %+v", len(net.Requests()), now)
			}
			f.free(r, other)
			ctx, cancel := context.WithCancel(r.ctx)
			var rules sync.WaitGroup
			rules.Go(func() { _ = r.Store.RunRules(ctx) })
			r.no(r.Store.Settled(r.ctx, store.Freed))
			cancel()
			rules.Wait()
			r.no(text())
			if now := r.call(c.ID); len(net.Requests()) != 1 || !slices.Equal(now.Told, []string{"Bob", "Ann"}) {
				t.Errorf("%d requests, %+v", len(net.Requests()), now)
			}
		})
	}
}

// The last moment is no reason to let a text stay on its way for ten hours, which is what no validity means.
func TestTextAtTheLastMoment(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	c := r.arrive("CA1")
	r.clock.Advance(2*time.Minute + time.Second)
	_, err := r.text(r.ctx, textTo(c, "Ann"))
	r.no(err)
	if f := net.Requests()[0].Form; f.Get("ValidityPeriod") != "5" {
		t.Errorf("%v", f)
	}
}

// Who can never be told is shown in Slack.
func TestTextRefused(t *testing.T) {
	for code, why := range map[int]string{
		21610: "has opted out; text START to the line", 21211: "number is not valid", 21614: "number takes no SMS", 21408: "country is not enabled at Twilio",
		21608: "number is not verified on the trial account", 21999: "Twilio error 21999",
	} {
		r := open(t, someTeam())
		net := r.phones(nil)
		net.Phone(annPhone).SetSMSRefusal(code)
		c := r.arrive("CA1")
		after, err := r.text(r.ctx, textTo(c, "Ann"))
		r.no(err)
		if after == nil || !after(&c) || len(c.Undone) != 1 || c.Undone[0].Person != "Ann" || c.Undone[0].Why != why {
			t.Errorf("%d: %+v", code, c.Undone)
		}
	}
	for code, want := range map[int]string{0: "Twilio gives no reason", 30034: "the line is not registered for SMS in the US", 30003: "phone is off or out of reach"} {
		if got, never := smsRefusal(code); got != want || never != (code == 30034) {
			t.Errorf("%d: %q, %v", code, got, never)
		}
	}
}

func TestTextLater(t *testing.T) {
	r := open(t, someTeam())
	var answer atomic.Value
	r.phones(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer.Load().(func(http.ResponseWriter))(w) })
	})
	c := r.arrive("CA1")
	for name, f := range map[string]struct {
		answer func(http.ResponseWriter)
		after  time.Duration
	}{
		"429": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "4")
			w.WriteHeader(429)
			fmt.Fprint(w, `{"code": 20429}`)
		}, 4 * time.Second},
		"500":    {func(w http.ResponseWriter) { w.WriteHeader(500) }, 0},
		"401":    {func(w http.ResponseWriter) { w.WriteHeader(401); fmt.Fprint(w, `{"code": 20003}`) }, 0},
		"broken": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 0},
	} {
		answer.Store(f.answer)
		after, err := r.text(r.ctx, textTo(c, "Ann"))
		later, ok := errors.AsType[*store.Later](err)
		if err == nil || after != nil || ok != (f.after > 0) || ok && later.After != f.after {
			t.Errorf("%s: %v", name, err)
		}
		// In doubt, and not even that can be learnt: it is tried all the same.
		d := textTo(c, "Ann")
		d.Doubt = true
		if _, err := r.text(r.ctx, d); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A text in doubt whose fate Twilio has told is not asked for, and not sent again.
func TestTextInDoubtTold(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	c := r.arrive("CA1")
	r.no(r.Store.Texted(r.ctx, c.ID, store.SMSText{Person: "Ann", Attempt: 1, SID: "SM9", Status: store.TextSent}))
	for who, want := range map[string]int{"Ann": 0, "Bob": 2} { // asked, and sent
		before := len(net.Requests())
		d := textTo(c, who)
		d.Doubt = true
		_, err := r.text(r.ctx, d)
		r.no(err)
		if n := len(net.Requests()) - before; n != want {
			t.Errorf("%s: %d requests", who, n)
		}
	}
}
