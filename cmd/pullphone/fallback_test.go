package main

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// deployed asserts that the line's number goes to a fallback at Twilio, and returns its URL.
func (h *harness) deployed() string {
	h.t.Helper()
	n := h.net.Number(salesNumber)
	equal(h.t, "method of the fallback", n.VoiceFallbackMethod, "GET")
	if !strings.HasPrefix(n.VoiceFallbackURL, "https://pullphone-1000.twil.io/12085550100/message-") {
		h.t.Fatalf("the fallback is %s", n.VoiceFallbackURL)
	}
	return n.VoiceFallbackURL
}

// away has somebody call while nothing of ours can answer: they are heard, and the recording is at Twilio.
func (h *harness) away(phone string) *voicetest.Call {
	h.t.Helper()
	call := h.net.Phone(phone).Call(salesNumber, jane)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	call.Speak(4 * time.Second)
	call.Press("#")
	h.must(call.WaitEnd(h.ctx))
	var heard []string
	for _, v := range call.Heard() {
		heard = append(heard, string(v.Kind)+" "+v.Text)
	}
	equal(h.t, "heard", strings.Join(heard, "|"), "say Sorry, we cannot put you through right now.|say Please leave a message after the tone.|beep |say Thank you. Goodbye.")
	return call
}

// The server is dead: who waits goes on waiting to music, who calls can leave a message, and no caller hears an error.
func TestServerAway(t *testing.T) {
	t.Parallel()
	p := processTown(t, options{})
	p.deployed()
	waiting, _ := p.arrive(markPhone, voicetest.CallerInfo{})
	p.settle()
	p.kill()
	call := p.away(janePhone)
	p.must(p.net.WaitQuiet(p.ctx)) // its reports found nobody
	recordings, err := p.twilio().Recordings(p.ctx, call.SID())
	p.must(err)
	if len(recordings) != 1 || recordings[0].Status != "completed" || recordings[0].Seconds != 4 {
		t.Errorf("recordings: %+v", recordings)
	}
	equal(t, "who was waiting", waiting.Place(), voicetest.PlaceQueue)
	p.run()
	p.posted("(208) 555-0123")
	waiting.Hangup()
}

func (h *harness) twilio() *twilio.Client {
	h.t.Helper()
	tw, err := twilio.New(h.net.AccountSID(), h.net.AuthToken(), h.net.URL())
	h.must(err)
	return tw
}

// The server runs but fails at a caller's documents: they are heard all the same, the team sees that nobody can take
// the call any more, and the message is posted at once, because Twilio reports it here.
func TestServerFails(t *testing.T) {
	t.Parallel()
	down := outage{match: func(r *http.Request) bool { return r.URL.Path == "/twilio/connect" }}
	h := serveTown(t, options{front: down.wrap})
	down.on.Store(true)
	call, m := h.arrive(janePhone, jane)
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	h.shows(m.TS, "Asked to leave a message.")
	call.Speak(4 * time.Second)
	call.Hangup()
	r := h.record(call)
	equal(t, "outcome", r.Outcome, store.Voicemail)
	h.posted("JANE DOE")
}

// setup deploys the fallback once, anew when its words change, and leaves alone what others have deployed.
func TestSetupDeploys(t *testing.T) {
	t.Parallel()
	h := open(t, options{})
	setup := func(file string, args ...string) string {
		t.Helper()
		code, out, errs := runs(h.ctx, append([]string{"setup", "--config", file}, args...)...)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		return out
	}
	out := setup(h.file, "--dry-run")
	contains(t, "dry run", out, "would deploy  to Twilio what takes messages when this server cannot be reached")
	contains(t, "dry run", out, "voice fallback URL: none, to be GET https://pullphone-….twil.io/12085550100/message-")
	equal(t, "what the dry run changed", len(h.changes()), 0)

	contains(t, "setup", setup(h.file), "deploying to Twilio")
	first := h.deployed()
	changes := len(h.changes())
	out = setup(h.file)
	contains(t, "again", out, "ok       "+salesNumber+" points here already")
	equal(t, "what was changed again", len(h.changes()), changes)

	other := h.another("    channel:", "    voicemail_greeting: Speak <now> & \"here\".\n    channel:")
	out = setup(other, "--dry-run")
	contains(t, "dry run", out, "would deploy")
	contains(t, "dry run", out, "to be GET https://pullphone-1000.twil.io/12085550100/message-")
	setup(other)
	second := h.deployed()
	if second == first {
		t.Errorf("with other words it is still %s", first)
	}
	serves := func(what, url, want string) {
		t.Helper()
		doc, err := h.twilio().Document(h.ctx, "GET "+url)
		if got := string(doc); want == "" && err == nil || want != "" && (err != nil || !strings.Contains(got, want)) {
			t.Errorf("%s: %s, %v", what, got, err)
		}
	}
	serves("the second", second, "Speak &lt;now&gt; &amp; &#34;here&#34;.")
	serves("the first, for whoever hears it just now", first, "after the tone")
	changes = len(h.changes())
	setup(other)
	equal(t, "what was changed again", len(h.changes()), changes)

	// Another installation with another line in the same account.
	const theirs = "+12085550190"
	h.net.AddNumber(theirs)
	y, err := os.ReadFile(h.file)
	h.must(err)
	file := h.file + ".theirs.yml"
	h.must(os.WriteFile(file, []byte(strings.Replace(string(y), salesNumber, theirs, 1)), 0o600))
	setup(file)
	serves("after another installation", second, "Speak")
	setup(h.file)
	serves("after that", second, "Speak")
	setup(other)
	setup(h.another("    channel:", "    voicemail_greeting: Third.\n    channel:"))
	serves("the second, for whoever hears it just now", second, "Speak")
	serves("the first, which is outdated", first, "")
	serves("of the other installation", h.net.Number(theirs).VoiceFallbackURL, "after the tone")
}

// Whatever keeps setup from deploying, the rest is done, and a person is told how to make a fallback by hand.
func TestSetupCannotDeploy(t *testing.T) {
	t.Parallel()
	for name, match := range map[string]func(*http.Request) bool{
		"no such API":   func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/") },
		"no permission": func(r *http.Request) bool { return r.Method == "POST" && r.URL.Path == "/v1/Services" },
		"upload":        func(r *http.Request) bool { return r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/Versions") },
		"build":         func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/Status") },
		"deployment":    func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/Deployments") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			down := outage{match: match}
			down.on.Store(true)
			h := open(t, options{voice: voicetest.Options{Intercept: down.wrap}})
			own := h.cfg.PublicURL + "/twilio/fallback"
			code, out, errs := runs(h.ctx, "setup", "--config", h.file)
			if code != 0 || errs != "" {
				t.Errorf("exit code %d: %s", code, errs)
			}
			for _, want := range []string{"a fallback could not be deployed to Twilio (", "HTTP 503", "TwiML Bins", "<Hangup/>",
				`<Record action="https://handler.twilio.com/twiml/EH…" method="GET"`, "fallback_url of the line"} {
				contains(t, "output", out, want)
			}
			n := h.net.Number(salesNumber)
			equal(t, "voice URL", n.VoiceURL, h.cfg.PublicURL+"/twilio/voice")
			equal(t, "fallback", n.VoiceFallbackMethod+" "+n.VoiceFallbackURL, "POST "+own)
			if changes := h.changes(); name == "no such API" {
				equal(t, "changes", strings.Join(changes[1:], ", "), "conversations.join")
				_, out, _ = runs(h.ctx, "setup", "--config", h.file)
				contains(t, "again", out, "points here already")
				equal(t, "changes", len(h.changes()), len(changes))
			}
			h.release() // nothing serves, and nothing is to wait for it
			_, out, _ = runs(h.ctx, "check", "--config", h.file)
			contains(t, "check", out, "note fallback of "+salesNumber+": when this server cannot be reached, callers hear an error; run pullphone setup")

			down.on.Store(false)
			h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
			was := h.deployed()
			down.on.Store(true)
			h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{})) // what is there is better than nothing
			equal(t, "fallback afterwards", h.deployed(), was)
		})
	}
}

// A fallback_url is what the number gets, and nothing is deployed.
func TestFallbackURL(t *testing.T) {
	t.Parallel()
	const url = "https://elsewhere.example/message.xml"
	h := open(t, options{line: []string{"fallback_url: " + url}})
	for _, method := range []string{"GET", "POST"} { // the second is somebody's own choice
		h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
		n := h.net.Number(salesNumber)
		equal(t, "fallback", n.VoiceFallbackMethod+" "+n.VoiceFallbackURL, method+" "+url)
		n.VoiceFallbackMethod = "POST"
		h.net.Configure(salesNumber, n)
	}
	if slices.ContainsFunc(h.net.Requests(), func(r voicetest.Request) bool { return strings.HasPrefix(r.Path, "/v1/") }) {
		t.Error("Twilio was asked for what it serves")
	}
}
