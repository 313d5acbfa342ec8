package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// tape is a front that keeps every request as it came.
type tape struct {
	mu   sync.Mutex
	kept []*http.Request
	body []string
}

func (p *tape) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender has gone
		}
		p.mu.Lock()
		p.kept, p.body = append(p.kept, r), append(p.body, string(body))
		p.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// keys are all that the store has, by key; but for some kinds.
func (h *harness) keys(but ...string) map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, kind := range []string{"meta", "sid", "open", "done", "at", "seen", "line", "last", "from", "waits", "quota", "phone", "gone", "due", "busy", "duty", "standing"} {
		if slices.Contains(but, kind) {
			continue
		}
		h.must(h.db.View(h.ctx, func(r store.Reader) error {
			return r.Scan(kind+"/", "", func(key string, v []byte) bool { all[key] = string(v); return true })
		}))
	}
	return all
}

// aDay plays calls that end in every way, and texts and commands about them.
func aDay(h *harness) {
	call, m := h.arrive(janePhone, jane) // taken by SMS
	h.text(annPhone, "Yes")
	leg := h.rings(annPhone, call)
	h.text(bobPhone, "y 1")
	h.accepts(leg)
	h.shows(m.TS, "Talking with Ann")
	leg.Hangup()
	h.record(call)
	h.clock.Advance(10 * time.Second)                     // Slack has its limits
	call, m = h.arrive(markPhone, voicetest.CallerInfo{}) // sent to voicemail in Slack
	h.press(bobSlack, m, "Voicemail")
	h.press(annSlack, m, "Take")
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	call.Speak(3 * time.Second)
	call.Hangup()
	h.record(call)
	h.clock.Advance(10 * time.Second) // Slack has its limits
	h.posted("(208) 555-0145")
	call, _ = h.arrive(crewPhone(1), voicetest.CallerInfo{}) // gone before anybody answered
	h.text(annPhone, "list")
	h.text(annPhone, "what?")
	h.text(annPhone, "y 7")
	h.text(crewPhone(2), "hello")
	h.command(bobSlack, "list")
	call.Hangup()
	h.record(call)
	h.clock.Advance(10 * time.Second) // Slack has its limits
	h.text(annPhone, "PULL")          // in line, and no more
	h.command(annSlack, "cancel")
	h.text(bobPhone, "off 5m")
	h.command(bobSlack, "on")
	call, m = h.arrive(janePhone, jane) // taken by one who is busy, then by a command
	h.press(annSlack, m, "Take")
	h.rings(annPhone, call).Decline()
	h.shows(m.TS, ", still waiting ")
	h.clock.Advance(10 * time.Second)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	h.command(bobSlack, "")
	leg = h.rings(bobPhone, call)
	h.accepts(leg)
	h.shows(m.TS, "Talking with Bob")
	h.text(bobPhone, "pass on she wants a price") // handed over, and taken again
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	h.command(annSlack, "")
	leg = h.rings(annPhone, call)
	h.accepts(leg)
	h.clock.Advance(10 * time.Second) // Slack has its limits
	h.shows(m.TS, "Talking with Ann")
	leg.Hangup()
	h.record(call)
	h.atRest()
}

// Everything that was received on a day is received again, byte for byte and with its signatures, as by somebody who
// listened in: nothing in the store changes, and nobody is called, texted or told anything.
func TestDayReplayed(t *testing.T) {
	t.Parallel()
	var day tape
	h := serveTown(t, options{front: day.wrap, line: []string{"max_wait: 1h"}})
	aDay(h)
	kept, bodies := slices.Clone(day.kept), slices.Clone(day.body)
	if len(kept) < 40 {
		t.Fatalf("only %d requests", len(kept))
	}
	replay := func(order func(yield func(int, *http.Request) bool)) {
		for i, r := range order {
			req, err := http.NewRequestWithContext(h.ctx, r.Method, "http://"+h.listen+r.RequestURI, strings.NewReader(bodies[i]))
			h.must(err)
			req.Header = r.Header.Clone()
			res, err := http.DefaultTransport.RoundTrip(req)
			h.must(err)
			res.Body.Close()
			if res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s %s: %s: the test proves nothing", r.Method, r.RequestURI, res.Status)
			}
		}
		h.atRest()
	}
	outside := func() string {
		done := slices.DeleteFunc(h.net.Requests(), func(r voicetest.Request) bool { return r.Method == http.MethodGet })
		return fmt.Sprintf("%d requests to Twilio, %d messages, %d and %d private words", len(done), len(h.work.Messages(salesChannel)),
			len(h.work.Ephemerals(annSlack)), len(h.work.Ephemerals(bobSlack)))
	}
	same := func(when string, before, after map[string]string) {
		t.Helper()
		for key, v := range before {
			if after[key] != v {
				t.Errorf("%s: %s was %s, is %s", when, key, v, after[key])
			}
		}
		for key := range after {
			if _, there := before[key]; !there {
				t.Errorf("%s: %s is new", when, key)
			}
		}
	}
	before, was := h.keys(), outside()
	replay(slices.All(kept))
	same("at once", before, h.keys())
	replay(slices.Backward(kept))
	same("backwards", before, h.keys())
	h.clock.Advance(24 * time.Hour) // what is counted by the day counts anew
	replay(slices.All(kept))
	byTheDay := []string{"quota", "due", "meta", "line"} // what is counted, asked for and tidied up by the clock
	maps.DeleteFunc(before, func(key, _ string) bool {
		kind, _, _ := strings.Cut(key, "/")
		return slices.Contains(byTheDay, kind)
	})
	same("a day later", before, h.keys(byTheDay...))
	if is := outside(); is != was {
		t.Errorf("outside: %s, was %s", is, was)
	}
}

// The addresses that a request names in its headers count for nothing: not for signatures, not for links, not for where
// anything is fetched from.
func TestHeadersBent(t *testing.T) {
	t.Parallel()
	bend := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = "evil.example"
			for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "X-Host", "Forwarded", "X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Prefix"} {
				r.Header.Set(name, "evil.example")
			}
			r.Header.Set("Forwarded", "for=127.0.0.1;host=evil.example;proto=https")
			r.Header.Set("X-Forwarded-Proto", "https")
			r.Header.Set("X-Forwarded-For", "127.0.0.1")
			r.Header.Set("X-Real-Ip", "127.0.0.1")
			r.Header.Set("X-Http-Method-Override", "DELETE")
			next.ServeHTTP(w, r)
		})
	}
	var mu sync.Mutex
	var wire strings.Builder // all that the program says to Twilio's webhooks
	h := serveTown(t, options{front: bend, voice: voicetest.Options{Trace: func(e voicetest.Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&wire, e)
	}}})
	call, m := h.arrive(janePhone, jane)
	h.press(annSlack, m, "Voicemail")
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	call.Speak(time.Second)
	call.Hangup()
	h.record(call)
	_, link := h.posted("JANE DOE")
	if !strings.HasPrefix(link, h.cfg.PublicURL+"/voicemail/") {
		t.Errorf("link %s", link)
	}
	res, page := h.get("GET", link, nil)
	equal(t, "page", res.StatusCode, http.StatusOK)
	res, _ = h.get("GET", link+"/audio", nil)
	equal(t, "audio", res.StatusCode, http.StatusOK)
	// Unsigned it stays refused, whatever address it claims to come from.
	status, _ := h.send(h.cfg.PublicURL+"/twilio/status", form, http.Header{"X-Forwarded-For": {"127.0.0.1"}}, "CallSid="+call.SID())
	equal(t, "unsigned", status, http.StatusForbidden)
	mu.Lock()
	defer mu.Unlock()
	if strings.Contains(wire.String()+string(page)+m.AsText(), "evil.example") {
		t.Error("an address of the request's headers came out")
	}
}

// Nothing is fetched from an address that a request names, signed or not: whatever is fetched is named by its SID, at
// Twilio's own address.
func TestNothingIsFetchedFromRequests(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		t.Errorf("fetched: %s", r.URL)
	}))
	defer trap.Close()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}, errors: []string{"webhook failed", "fallback", "caller fell out of the queue", "voicemail audio"}})
	call, m := h.arrive(janePhone, jane)
	c := h.call(call)
	host := strings.TrimPrefix(trap.URL, "http://")
	for i, bad := range []string{trap.URL + "/x", "//" + host + "/x", "http://" + h.admin + "/backup", "http://169.254.169.254/latest/meta-data/", "http://[::1]:" + host[strings.LastIndex(host, ":")+1:] + "/", "file:///etc/passwd", "gopher://" + host, "http://user@" + host + "/"} {
		values := url.Values{"MessageSid": {fmt.Sprintf("SM%032d", i)}, "CallSid": {call.SID()}, "From": {annPhone}, "To": {salesNumber}, "Body": {bad}, "NumMedia": {"1"},
			"MediaUrl0": {bad}, "MediaContentType0": {"audio/mpeg"}, "RecordingUrl": {bad}, "RecordingStatus": {"completed"}, "RecordingDuration": {"5"},
			"RecordingSid": {fmt.Sprintf("RE%032d", i)}, "ErrorUrl": {bad}, "StatusCallback": {bad}, "TranscriptionUrl": {bad}, "AddOns": {fmt.Sprintf(`{"results":{"x":{"result":%q}}}`, bad)}}
		for _, path := range []string{"/twilio/sms", "/twilio/hold", "/twilio/left", "/twilio/recording", "/twilio/fallback/recording"} {
			status, answer := h.sendSigned(fmt.Sprintf("%s%s?c=%s&n=1", h.cfg.PublicURL, path, c.ID), values)
			if status == http.StatusForbidden || strings.Contains(answer, host) {
				t.Errorf("%s with %s: %d %s", path, bad, status, answer)
			}
		}
		// A SID that is none cannot lead elsewhere either.
		for _, sid := range []string{bad, "RE/../../" + host, "RE%2e%2e%2f" + host, "RE@" + host, "RE?x=" + host, ""} {
			values.Set("RecordingSid", sid)
			if status, _ := h.sendSigned(fmt.Sprintf("%s/twilio/recording?c=%s&n=1", h.cfg.PublicURL, c.ID), values); status != http.StatusBadRequest {
				t.Errorf("RecordingSid %q: %d", sid, status)
			}
		}
		press := fmt.Sprintf(`{"type":"block_actions","user":{"id":%q},"channel":{"id":%q},"response_url":%q,"message":{"ts":%q},"actions":[{"action_id":"take","value":"x","action_ts":"1.%d","url":%q}]}`,
			annSlack, salesChannel, bad, m.TS, i, bad)
		_, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/actions", []byte(url.Values{"payload": {press}}.Encode()), bottest.SignOptions{})
		h.must(err)
		_, err = h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/commands", []byte(url.Values{"command": {"/pull"}, "text": {bad}, "user_id": {annSlack}, "trigger_id": {fmt.Sprint(i)}, "response_url": {bad}}.Encode()), bottest.SignOptions{})
		h.must(err)
	}
	stop := h.pump(time.Second)
	defer stop()
	h.until("the voicemails", func() bool { return len(voicemails(h.work)) == 8 })
	for _, v := range voicemails(h.work) {
		link := linkInSlack.FindStringSubmatch(v.Text)
		res, body := h.get("GET", link[1]+"/audio", nil) // Twilio has no such recording
		if res.StatusCode == http.StatusOK || strings.Contains(string(body), host) {
			t.Errorf("%s: %s %s", link[1], res.Status, body)
		}
	}
	equal(t, "fetched", hits.Load(), 0)
}

// Strangers who text get one reply a day each, and few in all; those in whose name it would cost, or who would answer
// back, get none.
func TestFloodOfTexts(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	text := func(from, body string) bool {
		t.Helper()
		sid++
		status, answer := h.sendSigned(h.cfg.PublicURL+"/twilio/sms", url.Values{"MessageSid": {fmt.Sprintf("SM%032d", sid)}, "From": {from}, "To": {salesNumber}, "Body": {body}})
		equal(t, "status", status, http.StatusOK)
		return strings.Contains(answer, "<Message")
	}
	for _, from := range []string{"", "12345", "46333", "+46333", "PAYPAL", "+18765550123", "+442079460018", "+19005550123", "+18005550123", "+15005550006",
		"+881612345678", "+979123456789", "anonymous", "+266696687", "whatsapp:+12085550177", "rcs:brand", salesNumber, "+1208555012345678"} {
		if text(from, "hello") {
			t.Errorf("%q is answered", from)
		}
	}
	answered := 0
	for i := range 100 {
		for range 3 {
			if text(crewPhone(i), "hello") {
				answered++
			}
		}
	}
	equal(t, "answers in an hour", answered, 30)
	h.clock.Advance(time.Hour)
	h.stop() // it is counted in the store
	h.start()
	answered = 0
	for i := range 100 {
		if text(crewPhone(i), "hello") {
			answered++
			if i < 30 {
				t.Errorf("%s is answered twice in a day", crewPhone(i))
			}
		}
	}
	equal(t, "answers in the next hour", answered, 30)

	// Somebody texts in Ann's name, or her phone answers by itself.
	answered = 0
	for range 20 {
		if text(annPhone, "I am driving and cannot answer now.") {
			answered++
		}
		h.clock.Advance(time.Minute)
	}
	equal(t, "answers to what is no word", answered, 3)
	call, _ := h.arrive(janePhone, jane)
	h.clock.Advance(time.Minute)
	answered = 0
	for range 10 {
		if text(annPhone, "list") {
			answered++
		}
	}
	equal(t, "answers in a minute", answered, 10)
	contains(t, "the next", h.text(annPhone, "Yes"), "too fast")
	for range 5 {
		if text(annPhone, "Yes") {
			t.Error("one too many is answered")
		}
	}
	equal(t, "state", h.call(call).State, store.Waiting)
	contains(t, "Bob is told", h.text(bobPhone, "list"), "JANE DOE")
	h.clock.Advance(time.Minute)
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	for key, v := range h.keys("open", "done", "due", "seen") {
		if strings.Contains(key+v, "2085551") {
			t.Errorf("a stranger's number is kept: %s %s", key, v)
		}
	}
}

var sid int // of messages that this file sends

// A handler that panics leaves nobody without an answer: the caller hears the tone of the fallback, a text and a press are
// answered with an error that makes Twilio and Slack say so, and the next of each is heard.
func TestPanicLeavesNobodyAlone(t *testing.T) {
	t.Parallel()
	var path atomic.Value
	path.Store("")
	h := serveTown(t, options{line: []string{"max_wait: 1h"}, errors: []string{"panic", "fallback", "caller fell out of the queue"}, front: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path.CompareAndSwap(r.URL.Path, "") {
				var nobody *store.Call
				_ = nobody.Open()
			}
			next.ServeHTTP(w, r)
		})
	}})
	path.Store("/twilio/voice")
	call := h.net.Phone(janePhone).Call(salesNumber, jane)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	call.Speak(2 * time.Second)
	call.Hangup()
	h.posted("(208) 555-0123")
	equal(t, "outcome", h.record(call).Outcome, store.Voicemail)

	waiting, m := h.arrive(markPhone, voicetest.CallerInfo{})
	for what, send := range map[string]func() int{
		"/twilio/sms": func() int {
			status, _ := h.sendSigned(h.cfg.PublicURL+"/twilio/sms", url.Values{"MessageSid": {"SM1"}, "From": {annPhone}, "To": {salesNumber}, "Body": {"Yes"}})
			return status
		},
		"/slack/actions": func() int {
			a, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/actions", nil, bottest.SignOptions{})
			h.must(err)
			return a.Status
		},
		"/slack/commands": func() int {
			a, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/commands", nil, bottest.SignOptions{})
			h.must(err)
			return a.Status
		},
	} {
		path.Store(what)
		equal(t, what, send(), http.StatusInternalServerError)
	}
	equal(t, "state", h.call(waiting).State, store.Waiting)
	path.Store("/twilio/hold") // what a waiting caller hears
	third := h.net.Phone(crewPhone(1)).Call(salesNumber, voicetest.CallerInfo{})
	h.must(third.WaitPlace(h.ctx, voicetest.PlaceRecording))
	third.Hangup()
	contains(t, "Ann is told", h.press(annSlack, m, "Take"), "Yours")
	h.accepts(h.rings(annPhone, waiting))
	h.shows(m.TS, "Talking with Ann")
	contains(t, "log", h.log.String(), "nil pointer")
}

// secrets are what must not come out, in each form in which it could.
func secrets(h *harness) []string {
	var all []string
	for _, s := range []string{h.net.AuthToken(), h.work.BotToken(), h.work.SigningSecret()} {
		all = append(all, s, url.QueryEscape(s), hex.EncodeToString([]byte(s)))
	}
	return append(all, "Bearer ", "Basic ", "v0=")
}

// Nothing that the program says, on a day on which much goes wrong, holds a secret: not its log, its commands, its errors,
// its pages, its metrics or profiles, nor its store.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	var tw, sl outage
	p := processTown(t, options{voice: voicetest.Options{Intercept: tw.wrap, AuthToken: "5ec2e75ec2e75ec2e75ec2e75ec2e75e"}, slack: bottest.Options{Intercept: sl.wrap, SigningSecret: "519e519e519e519e519e519e519e519e"}, line: []string{"max_wait: 1h"}})
	var said strings.Builder
	hear := func(what, text string) { fmt.Fprintf(&said, "== %s\n%s\n", what, text) }
	tw.on.Store(true)
	sl.on.Store(true)
	first := p.net.Phone(janePhone).Call(salesNumber, jane)
	p.must(first.WaitPlace(p.ctx, voicetest.PlaceQueue))
	p.until("faults", func() bool { return tw.hit.Load() > 2 && sl.hit.Load() > 2 })
	for _, command := range []string{"check", "setup"} {
		code, out, errs := runs(p.ctx, command, "--config", p.file)
		hear(fmt.Sprint(command, code), out+errs)
	}
	tw.on.Store(false)
	sl.on.Store(false)
	m, err := p.work.WaitMessage(p.ctx, salesChannel, func(m bottest.Message) bool { return len(m.Buttons()) == 2 })
	p.must(err)
	p.press(annSlack, m, "Voicemail")
	p.must(first.WaitPlace(p.ctx, voicetest.PlaceRecording))
	first.Speak(time.Second)
	first.Hangup()
	_, link := p.posted("")
	for _, u := range []string{link, link + "/audio", link + "x", link + "x/audio", p.cfg.PublicURL + "/", p.cfg.PublicURL + "/healthz",
		"http://" + p.admin + "/metrics", "http://" + p.admin + "/readyz", "http://" + p.admin + "/calls?since=x", "http://" + p.admin + "/debug/pprof/goroutine?debug=2", "http://" + p.admin + "/debug/pprof/cmdline"} {
		res, body := p.get("GET", u, nil)
		hear(u, fmt.Sprint(res.Status, res.Header)+string(body))
	}
	for _, path := range append(slices.Clone(twilioPaths), "/slack/actions", "/slack/commands") {
		status, body := p.send(p.cfg.PublicURL+path, form, http.Header{"X-Twilio-Signature": {"x"}, "X-Slack-Signature": {"v0=1"}}, "a=b")
		hear(path, fmt.Sprint(status)+body)
	}
	for _, args := range [][]string{{"check"}, {"setup"}, {"manifest"}, {"calls"}, {"calls", "--json"}, {"calls", "--since", "x"}} {
		code, out, errs := runs(p.ctx, append([]string{args[0], "--config", p.file}, args[1:]...)...)
		hear(fmt.Sprint(args, code), out+errs)
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid))
	p.must(err)
	hear("command line", string(command))
	p.settle()
	p.kill()
	kept, err := os.ReadFile(p.harness.town.store)
	p.must(err)
	// With secrets that are wrong, and a config file that is.
	y, err := os.ReadFile(p.file)
	p.must(err)
	for i, swap := range [][2]string{{p.net.AuthToken(), p.net.AuthToken() + "0"}, {"bot_token: ", "bot_token: x"}, {"signing_secret: ", "signing_secret: ["}, {"auth_token: ", "auth_token: ${NOWHERE}"}, {"slack:", "slack:\n  colour: " + p.work.BotToken()}} {
		bad := p.file + ".bad"
		p.must(os.WriteFile(bad, []byte(strings.Replace(string(y), swap[0], swap[1], 1)), 0o600))
		for _, command := range []string{"check", "setup", "calls"} {
			code, out, errs := runs(p.ctx, command, "--config", bad)
			hear(fmt.Sprint(command, " with change ", i, code), out+errs)
		}
	}
	hear("log", p.log.String())
	for _, secret := range secrets(p.harness) {
		if i := strings.Index(said.String(), secret); i >= 0 {
			t.Errorf("%q came out: %s", secret, said.String()[max(0, i-200):min(said.Len(), i+len(secret)+50)])
		}
		if bytes.Contains(kept, []byte(secret)) {
			t.Errorf("%q is in the store", secret)
		}
	}
	for _, there := range []string{"will be tried again", "webhook refused", "== command line", "pullphone_calls_waiting"} {
		if !strings.Contains(said.String(), there) {
			t.Errorf("%q was not heard: the test proves nothing", there)
		}
	}
}

// What a stranger can set starts no line of its own in the log and steers no terminal, there or in the history.
func TestNamesSteerNoTerminal(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{errors: []string{"fallback", "webhook failed"}})
	const evil = "\x1b[2J\x1b]0;x\x07\r\nlevel=ERROR msg=forged\u009b31m\u202e\x7f\b"
	h.net.SetName(janePhone, "Jane"+evil)
	call, _ := h.arrive(janePhone, voicetest.CallerInfo{City: "B" + evil, State: "I" + evil})
	call.Hangup()
	h.record(call)
	for _, path := range twilioPaths {
		h.sendSigned(h.cfg.PublicURL+path+"?c="+url.QueryEscape(evil), url.Values{"CallSid": {evil}, "MessageSid": {evil}, "To": {evil}, "From": {evil}, "ErrorUrl": {evil}, "ErrorCode": {evil}})
		h.send(h.cfg.PublicURL+path+"/"+url.PathEscape(evil), form, nil, "")
	}
	h.sendSigned(h.cfg.PublicURL+"/twilio/fallback", url.Values{"CallSid": {"CA1"}, "To": {evil}, "ErrorUrl": {evil}, "ErrorCode": {evil}})
	press := fmt.Sprintf(`{"type":"block_actions","user":{"id":%[1]q},"channel":{"id":%[1]q},"actions":[{"action_id":%[1]q,"value":%[1]q}]}`, "x")
	press = strings.ReplaceAll(press, `"x"`, string(must(json.Marshal(evil))))
	_, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/actions", []byte(url.Values{"payload": {press}}.Encode()), bottest.SignOptions{})
	h.must(err)
	contains(t, "log", h.log.String(), "forged")
	for line := range strings.Lines(h.log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("the log has the line %q", line)
		}
	}
	// A store may be from a program that was less careful.
	h.stop()
	h.start()
	c := h.call(call)
	c.Name, c.City = "Jane"+evil, "B"+evil
	h.must(h.db.Update(h.ctx, func(tx store.Tx) error { tx.Put("done/"+string(c.ID), must(json.Marshal(c))); return nil }))
	for _, more := range [][]string{nil, {"--json"}} {
		code, out, errs := runs(h.ctx, append([]string{"calls", "--config", h.file}, more...)...)
		if code != 0 || !strings.Contains(out, "Jane") || strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("calls %s: %d, %s\n%q", more, code, errs, out)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
