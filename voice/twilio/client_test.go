package twilio_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

const (
	line   = "+12085550100"
	caller = "+12085550123"
	mobile = "+12085550101"
)

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func no(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// network starts a telephone network whose one line answers with TwiML by path: /voice is the incoming call's.
func network(t *testing.T, verbs map[string]string) (*voicetest.Network, *twilio.Client, string) {
	t.Helper()
	net, err := voicetest.Start(voicetest.Options{})
	no(t, err)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, "<Response>%s</Response>", verbs[r.URL.Path])
	}))
	t.Cleanup(func() {
		no(t, net.Close())
		app.Close()
		for _, p := range net.Problems() {
			t.Errorf("problem: %v", p)
		}
	})
	net.Configure(line, voicetest.NumberConfig{VoiceURL: app.URL + "/voice"})
	c, err := twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
	no(t, err)
	return net, c, app.URL
}

func TestQueueAndRedirects(t *testing.T) {
	net, c, app := network(t, map[string]string{
		"/voice": `<Enqueue waitUrl="/hold">pullphone-12085550100</Enqueue>`, "/hold": `<Play loop="0">http://127.0.0.1/x.wav</Play>`,
		"/taken": "<Say>taken</Say><Pause length=\"9\"/>", "/again": "<Say>again</Say><Pause length=\"9\"/>",
	})
	ctx := soon(t)
	if sid, err := c.Queue(ctx, "pullphone-12085550100"); sid != "" || err != nil {
		t.Errorf("queue before its first use: %q, %v", sid, err)
	}
	call := net.Phone(caller).Call(line, voicetest.CallerInfo{})
	no(t, call.WaitPlace(ctx, voicetest.PlaceQueue))

	queue, err := c.Queue(ctx, "pullphone-12085550100")
	if err != nil || !strings.HasPrefix(queue, "QU") {
		t.Fatalf("queue %q, %v", queue, err)
	}
	if in, _, err := c.InQueue(ctx, queue, call.SID()); !in || err != nil {
		t.Errorf("in queue: %v, %v", in, err)
	}
	if live, err := c.Call(ctx, call.SID()); live.Status != "in-progress" || !live.Ended.IsZero() || err != nil {
		t.Errorf("%+v, %v", live, err)
	}

	no(t, c.RedirectMember(ctx, queue, call.SID(), app+"/taken?c=1&n=2"))
	if _, err := call.WaitHeard(ctx, func(h voicetest.Heard) bool { return h.Text == "taken" }); err != nil {
		t.Fatal(err)
	}
	if in, _, err := c.InQueue(ctx, queue, call.SID()); in || err != nil {
		t.Errorf("in queue after the redirect: %v, %v", in, err)
	}
	if err := c.RedirectMember(ctx, queue, call.SID(), app+"/taken"); !twilio.Refused(err) {
		t.Errorf("second redirect: %v", err)
	}
	no(t, c.RedirectCall(ctx, call.SID(), app+"/again"))
	if _, err := call.WaitHeard(ctx, func(h voicetest.Heard) bool { return h.Text == "again" }); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Truncate(time.Second)
	call.Hangup()
	no(t, call.WaitEnd(ctx))
	if over, err := c.Call(ctx, call.SID()); over.Status != "completed" || over.Ended.Before(began) || over.Ended.After(time.Now()) || err != nil {
		t.Errorf("%+v, %v", over, err)
	}
	if err := c.RedirectCall(ctx, call.SID(), app+"/again"); !twilio.Refused(err) {
		t.Errorf("redirect of a call that is over: %v", err)
	}
	if n := net.Redirects(call.SID()); n != 2 {
		t.Errorf("%d redirects, want 2", n)
	}
}

// A call that Twilio has forgotten is over.
func TestUnknownThings(t *testing.T) {
	_, c, _ := network(t, nil)
	ctx := soon(t)
	unknown := "CA" + strings.Repeat("0", 32)
	if over, err := c.Call(ctx, unknown); over != (twilio.Call{Status: "completed"}) || err != nil {
		t.Errorf("%+v, %v", over, err)
	}
	if rs, err := c.Recordings(ctx, unknown); len(rs) != 0 || err != nil {
		t.Errorf("recordings %v, %v", rs, err)
	}
	if in, _, err := c.InQueue(ctx, "QU"+strings.Repeat("0", 32), unknown); in || err != nil {
		t.Errorf("in queue %v, %v", in, err)
	}
	if n, err := c.Number(ctx, "+12085550199"); n != nil || err != nil {
		t.Errorf("number %v, %v", n, err)
	}
	if _, err := c.Recording(ctx, "RE"+strings.Repeat("0", 32), twilio.MP3, ""); !twilio.NotFound(err) {
		t.Errorf("recording: %v", err)
	}
}

func TestRecordings(t *testing.T) {
	net, c, _ := network(t, map[string]string{"/voice": `<Record action="/done" playBeep="true"/>`, "/done": "<Hangup/>"})
	ctx := soon(t)
	call := net.Phone(caller).Call(line, voicetest.CallerInfo{})
	no(t, call.WaitPlace(ctx, voicetest.PlaceRecording))
	call.Speak(3 * time.Second)
	call.Hangup()
	no(t, call.WaitEnd(ctx))
	no(t, net.WaitQuiet(ctx))

	rs, err := c.Recordings(ctx, call.SID())
	if err != nil || len(rs) != 1 || rs[0].Status != "completed" || rs[0].Seconds != 3 || !strings.HasPrefix(rs[0].SID, "RE") {
		t.Fatalf("recordings %+v, %v", rs, err)
	}
	get := func(f twilio.Format, byteRange string) (*http.Response, []byte) {
		t.Helper()
		res, err := c.Recording(ctx, rs[0].SID, f, byteRange)
		no(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		no(t, err)
		return res, b
	}
	mp3, whole := get(twilio.MP3, "")
	if mp3.StatusCode != 200 || mp3.Header.Get("Content-Type") != "audio/mpeg" || len(whole) < 1000 {
		t.Errorf("mp3: %s, %v, %d bytes", mp3.Status, mp3.Header, len(whole))
	}
	part, some := get(twilio.MP3, "bytes=100-199")
	if part.StatusCode != 206 || !slices.Equal(some, whole[100:200]) {
		t.Errorf("part of it: %s, %d bytes", part.Status, len(some))
	}
	if none, _ := get(twilio.MP3, "bytes=99999999-"); none.StatusCode != 416 {
		t.Errorf("beyond its end: %s", none.Status)
	}
	if wav, b := get(twilio.WAV, ""); wav.Header.Get("Content-Type") != "audio/x-wav" || string(b[:4]) != "RIFF" {
		t.Errorf("wav: %v", wav.Header)
	}
}

func TestSend(t *testing.T) {
	net, c, _ := network(t, nil)
	ctx := soon(t)
	before := time.Now().Add(-time.Second)
	m := twilio.SMS{From: line, To: mobile, Body: "Sales: Zoë, 9.5 & <x>. (1)", Validity: 90 * time.Second}
	if sent, err := c.Sent(ctx, m, before); sent != "" || err != nil {
		t.Errorf("sent before it was: %v, %v", sent, err)
	}
	sid, err := c.Send(ctx, m)
	if err != nil || !strings.HasPrefix(sid, "SM") {
		t.Fatalf("sid %q, %v", sid, err)
	}
	got, err := net.Phone(mobile).WaitSMS(ctx, func(voicetest.SMS) bool { return true })
	if err != nil || got.Body != m.Body || got.From != line {
		t.Fatalf("got %+v, %v", got, err)
	}
	no(t, net.WaitQuiet(ctx))
	for name, q := range map[string]struct {
		m     twilio.SMS
		since time.Time
		want  bool
	}{
		"it":            {m, before, true},
		"another text":  {twilio.SMS{From: line, To: mobile, Body: m.Body + "."}, before, false},
		"another phone": {twilio.SMS{From: line, To: caller, Body: m.Body}, before, false},
		"later":         {m, time.Now().Add(time.Hour), false},
	} {
		if sent, err := c.Sent(ctx, q.m, q.since); (sent == sid) != q.want || !q.want && sent != "" || err != nil {
			t.Errorf("%s: sent is %v, %v", name, sent, err)
		}
	}
	net.Phone(mobile).SetSMSQueue(time.Hour)
	m.Body = "Sales: still queued. (2)"
	if sid, err = c.Send(ctx, m); err != nil {
		t.Fatal(err)
	}
	if sent, err := c.Sent(ctx, m, before); sent != sid || err != nil {
		t.Errorf("a text that Twilio has not sent yet is not found: %q, %v", sent, err)
	}
	net.Phone(mobile).SetSMSRefusal(21610)
	_, err = c.Send(ctx, m)
	if e, ok := err.(*twilio.Error); !ok || e.Code != 21610 || e.Status != 400 || !twilio.Refused(err) || twilio.NotFound(err) {
		t.Errorf("refused: %#v", err)
	}
}

// Twilio takes a validity of 1 to 36,000 seconds.
func TestSendValidity(t *testing.T) {
	net, c, _ := network(t, nil)
	for validity, want := range map[time.Duration]string{
		0: "", -time.Second: "", time.Millisecond: "5", 2 * time.Minute: "120", 100 * time.Hour: "36000",
	} {
		_, err := c.Send(soon(t), twilio.SMS{From: line, To: mobile, Body: "x", Validity: validity})
		no(t, err)
		all := net.Requests()
		f := all[len(all)-1].Form
		if got := f.Get("ValidityPeriod"); got != want || f.Get("SmartEncoded") != "true" {
			t.Errorf("%s: form %v, want validity %q", validity, f, want)
		}
	}
}

func TestName(t *testing.T) {
	net, c, _ := network(t, nil)
	net.SetName(caller, "JANE DOE")
	if name, err := c.Name(soon(t), caller); name != "JANE DOE" || err != nil {
		t.Errorf("name %q, %v", name, err)
	}
	if name, err := c.Name(soon(t), mobile); name != "" || err != nil {
		t.Errorf("name that nobody knows: %q, %v", name, err)
	}
}

func TestAccount(t *testing.T) {
	net, c, _ := network(t, nil)
	if status, err := c.Account(soon(t)); status != "active" || err != nil {
		t.Errorf("status %q, %v", status, err)
	}
	for _, token := range []string{strings.Repeat("f", 32), "not-even-a-token"} {
		wrong, err := twilio.New(net.AccountSID(), token, net.URL())
		no(t, err)
		if _, err := wrong.Account(soon(t)); err == nil || twilio.Refused(err) || strings.Contains(err.Error(), token) {
			t.Errorf("wrong token: %v", err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, u := range []string{"localhost:8080", "://x", "api.twilio.com", "%zz"} {
		if _, err := twilio.New("AC1", "t", u); err == nil {
			t.Errorf("%q is taken for a URL", u)
		}
	}
}

func TestCallOut(t *testing.T) {
	net, c, _ := network(t, nil)
	ctx := soon(t)
	before := time.Now()
	o := twilio.Outgoing{From: line, To: mobile, URL: "https://h.example/x?c=1&n=2", Fallback: "https://h.example/f", Status: "https://h.example/s", Timeout: 20 * time.Second}
	if sid, err := c.CalledOut(ctx, o, before); sid != "" || err != nil {
		t.Errorf("called before it was: %q, %v", sid, err)
	}
	sid, err := c.CallOut(ctx, o)
	if err != nil || !strings.HasPrefix(sid, "CA") {
		t.Fatalf("%q, %v", sid, err)
	}
	leg, err := net.Phone(mobile).WaitRing(ctx)
	if err != nil || leg.SID() != sid || leg.From() != line {
		t.Fatalf("%+v, %v", leg, err)
	}
	for name, q := range map[string]struct {
		to    string
		since time.Time
		want  string
	}{"it": {mobile, before, sid}, "another phone": {caller, before, ""}, "later": {mobile, time.Now().Add(time.Hour), ""}} {
		o.To = q.to
		if got, err := c.CalledOut(ctx, o, q.since); got != q.want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	no(t, c.End(ctx, sid))
	no(t, leg.WaitEnd(ctx))
	if err := c.End(ctx, sid); !twilio.Refused(err) {
		t.Errorf("ended twice: %v", err)
	}
	var form url.Values
	for _, r := range net.Requests() {
		if r.Method == "POST" && strings.HasSuffix(r.Path, "/Calls.json") {
			form = r.Form
		}
	}
	for name, want := range map[string]string{"Url": o.URL, "Timeout": "20", "FallbackUrl": o.Fallback, "StatusCallback": o.Status} {
		if form.Get(name) != want {
			t.Errorf("%s: %q", name, form.Get(name))
		}
	}
}
