package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/bot"
	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/voicetest"
)

// process is a pullphone that is a process of its own, which can be killed. Everything has the real clock.
type process struct {
	*harness             // its town
	file          string // its config file
	listen, admin string // its addresses

	cmd  *exec.Cmd
	pipe io.Closer // its standard input; it ends with it
	logs sync.WaitGroup
}

// processTown is a town with one such.
func processTown(t *testing.T, o options) *process {
	t.Helper()
	o.clock, o.steady = clockwork.NewRealClock(), true
	h := open(t, o)
	p := &process{harness: h, file: h.file, listen: h.listen, admin: h.admin}
	h.must(h.setUp(h.ctx, h.cfg, io.Discard))
	h.release()
	h.stop = p.stop
	p.run()
	return p
}

// stop ends the program if it runs.
func (p *process) stop() {
	if p.cmd != nil {
		p.kill()
	}
}

// run starts the program and waits until it is ready.
func (p *process) run() {
	p.t.Helper()
	p.begin()
	p.ready()
}

// begin starts the program, on the same file and ports each time.
func (p *process) begin() {
	p.t.Helper()
	self, err := os.Executable()
	p.must(err)
	p.cmd = exec.Command(self, "serve", "--config", p.file)
	p.cmd.Env = append(os.Environ(), childEnv+"=1", fmt.Sprintf("%s=%g", hasteEnv, p.opt.haste), fmt.Sprintf("%s=%d", leisureEnv, max(1, p.opt.slack.Patience/bot.AnswerWithin)))
	p.pipe, err = p.cmd.StdinPipe()
	p.must(err)
	log, err := p.cmd.StderrPipe()
	p.must(err)
	p.must(p.cmd.Start())
	p.logs.Go(func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			fmt.Fprintln(p.t.Output(), lines.Text())
			fmt.Fprintln(&p.log, lines.Text())
			if strings.Contains(lines.Text(), "level=ERROR") && !p.expects(lines.Text()) || strings.Contains(lines.Text(), "DATA RACE") || strings.HasPrefix(lines.Text(), "panic:") ||
				strings.Contains(lines.Text(), " ERROR: ") { // as gRPC writes it
				p.t.Errorf("the server says: %s", lines.Text())
			}
		}
	})
}

// expects reports whether the options name the message of a line of the log.
func (p *process) expects(line string) bool {
	return slices.ContainsFunc(p.opt.errors, func(m string) bool {
		if why, anywhere := strings.CutPrefix(m, "*"); anywhere {
			return strings.Contains(line, why)
		}
		return strings.HasPrefix(m, "msg=") && strings.Contains(line, m) || strings.Contains(line, "msg="+m+" ") || strings.Contains(line, fmt.Sprintf("msg=%q", m))
	})
}

// ready waits until the program is ready: what it has missed is found.
func (p *process) ready() { p.t.Helper(); p.answers("/readyz") }

func (p *process) answers(path string) {
	p.t.Helper()
	p.until("the server answers "+path, func() bool {
		req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, "http://"+p.admin+path, nil)
		p.must(err)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// kill is kill -9.
func (p *process) kill() {
	p.t.Helper()
	p.must(p.cmd.Process.Kill())
	p.logs.Wait()
	if err := p.cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		p.t.Errorf("the server ended by itself: %v", err)
	}
	p.cmd = nil
	p.pipe.Close()
}

// ends tells the server's exit code, once it has ended by itself.
func (p *process) ends() <-chan int {
	ended, cmd := make(chan int, 1), p.cmd
	go func() {
		p.logs.Wait()
		_ = cmd.Wait() // its exit code says it
		ended <- cmd.ProcessState.ExitCode()
	}()
	return ended
}

// ended waits until the running server tells of a call in its history, and returns it.
func (p *process) ended(call *voicetest.Call) store.Record {
	p.t.Helper()
	var found []store.Record
	p.until("end of "+call.SID(), func() bool {
		found = p.told()
		return len(found) > 0
	})
	if len(found) != 1 || found[0].CallSID != call.SID() {
		p.t.Errorf("history: %+v", found)
	}
	return found[0]
}

// told is the history as the running server tells it.
func (p *process) told() (found []store.Record) {
	p.t.Helper()
	code, out, errs := runs(p.ctx, "calls", "--config", p.file, "--json")
	if code != 0 {
		p.t.Fatalf("calls: %s", errs)
	}
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var r store.Record
		p.must(dec.Decode(&r))
		found = append(found, r)
	}
	return found
}

// settle waits until nothing is due any more: whatever was done is recorded as done.
func (p *process) settle() {
	p.t.Helper()
	file := p.harness.town.store + ".copy"
	p.until("everything is recorded", func() bool {
		if code, _, errs := runs(p.ctx, "backup", "--config", p.file, file); code != 0 {
			p.t.Fatal(errs)
		}
		db, err := bolt.OpenReadOnly(file)
		p.must(err)
		defer db.Close()
		due, err := isDue(p.ctx, db, time.Now())
		p.must(err)
		return !due
	})
}

func isRedirect(r *http.Request, _ string) bool {
	return r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/Members/")
}

func isSMS(to string) func(*http.Request, string) bool {
	return func(r *http.Request, body string) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Messages.json") && strings.Contains(body, "To=%2B"+to[1:])
	}
}

func isSlack(method, text string) func(*http.Request, string) bool {
	return func(r *http.Request, body string) bool {
		return strings.HasSuffix(r.URL.Path, "/"+method) && strings.Contains(body, text)
	}
}

// tale is a call as it goes on, a step at a time.
type tale struct {
	*process
	call *voicetest.Call
	m    bottest.Message // of the call
	leg  *voicetest.Leg  // of Ann
	told chan struct{}   // closed when Ann has been told what her answer came to
}

func newTale(t *testing.T, o options) *tale {
	return &tale{process: processTown(t, o), told: make(chan struct{})}
}

type step struct {
	name string
	do   func(s *tale)
}

func (s *tale) begin() { s.call, s.m = s.arrive(janePhone, jane) }

// onHold waits until the one caller hears music, though the step that brings them may not have come to its end.
func (s *tale) onHold() {
	s.t.Helper()
	var waiting []string
	s.until("the caller is in the queue", func() bool {
		waiting = s.net.Members("pullphone-" + salesNumber[1:])
		return len(waiting) == 1
	})
	call, _ := s.net.Call(waiting[0])
	_, err := call.WaitHeard(s.ctx, func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardPlay })
	s.must(err)
}

// The steps of a call that Ann takes, and of one that she sends to voicemail. After each the program may be killed.
var (
	taken = []step{
		{"announced", (*tale).begin},
		{"taken and ringing", func(s *tale) {
			contains(s.t, "Ann is told", s.text(annPhone, "Yes"), "Yours")
			close(s.told)
			s.leg = s.rings(annPhone, s.call)
		}},
		{"picked up", func(s *tale) {
			s.leg.Answer()
			s.must(s.leg.WaitKeys(s.ctx))
		}},
		{"talking", func(s *tale) {
			s.leg.Press("1")
			s.must(s.leg.WaitBridged(s.ctx))
		}},
		{"hung up", func(s *tale) {
			s.leg.Hangup()
			s.must(s.call.WaitEnd(s.ctx))
			s.must(s.net.WaitQuiet(s.ctx))
		}},
	}
	sentToVoicemail = []step{
		{"announced", (*tale).begin},
		{"sent to voicemail", func(s *tale) {
			contains(s.t, "Ann is told", s.press(annSlack, s.m, "Voicemail"), "is sent to voicemail.")
			close(s.told)
			s.must(s.call.WaitPlace(s.ctx, voicetest.PlaceRecording))
		}},
		{"spoken", func(s *tale) { s.call.Speak(4 * time.Second) }},
		{"hung up", func(s *tale) {
			s.call.Hangup()
			s.must(s.call.WaitEnd(s.ctx))
			s.must(s.net.WaitQuiet(s.ctx))
		}},
		{"posted", func(s *tale) { s.posted("JANE DOE") }},
	}
)

// finish asserts how a tale ends, once the program runs.
func (s *tale) finish(want store.Record, posts int) {
	s.t.Helper()
	s.ends(want, posts)
	for kind, want := range map[string]int{"Call": 1, "Voicemail": posts} {
		equal(s.t, "messages "+kind, s.messages()[kind], want)
	}
}

// messages counts what stands in Slack, by its first word.
func (s *tale) messages() map[string]int {
	count := map[string]int{}
	for _, m := range s.work.Messages(salesChannel) {
		count[strings.Fields(m.Text)[0]]++
	}
	return count
}

// ends asserts all that a finished tale must show but the number of messages in Slack.
func (s *tale) ends(want store.Record, posts int) {
	s.t.Helper()
	r := s.ended(s.call)
	equal(s.t, "outcome", r.Outcome, want.Outcome)
	equal(s.t, "answered by", r.AnsweredBy, want.AnsweredBy)
	equal(s.t, "via", r.Via, want.Via)
	equal(s.t, "voicemail", r.VoicemailSeconds, want.VoicemailSeconds)
	h := s.harness
	last := map[store.Outcome]string{store.Talked: "Talked with Ann", store.Voicemail: "Left a voicemail of 0:04.", store.Missed: "Missed: hung up"}[want.Outcome]
	if _, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return strings.Contains(m.AsText(), last) }); err != nil {
		s.t.Error(err)
	}
	redirects := 1
	if want.AnsweredBy == "" {
		redirects = 0
	}
	equal(s.t, "redirects that worked", s.net.Redirects(s.call.SID()), redirects)
	worked := slices.DeleteFunc(memberRedirects(s.net, s.call.SID()), func(r voicetest.Request) bool { return r.Status != http.StatusOK })
	equal(s.t, "requests to redirect that worked", len(worked), redirects)
	if posts > 0 {
		s.posted("JANE DOE")
	}
	for _, phone := range []string{annPhone, bobPhone} {
		equal(s.t, "SMS to "+phone, len(announcements(s.net, phone)), 1)
	}
	s.settle()
}

var (
	talkedWithAnn = store.Record{Outcome: store.Talked, AnsweredBy: "Ann", Via: store.BySMS}
	leftVoicemail = store.Record{Outcome: store.Voicemail, AnsweredBy: "Ann", Via: store.BySlack, VoicemailSeconds: 4}
)

// The program is killed after each step, and started again on the same file: the call ends as it should, with one
// claim and one redirect, and its voicemail is posted.
func TestKillBetweenSteps(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name  string
		steps []step
		want  store.Record
		posts int
	}{
		{"taken", taken, talkedWithAnn, 0},
		{"voicemail", sentToVoicemail, leftVoicemail, 1},
	} {
		for killed := range story.steps {
			for name, settled := range map[string]bool{"at once": false, "settled": true} {
				t.Run(story.name+"/"+story.steps[killed].name+"/"+name, func(t *testing.T) {
					t.Parallel()
					s := newTale(t, options{})
					for i, step := range story.steps {
						step.do(s)
						if i == killed {
							if settled {
								s.settle()
							}
							s.kill()
							s.run()
						}
					}
					s.finish(story.want, story.posts)
				})
			}
		}
	}
}

// The caller hangs up while the program is down.
func TestKillAndHangUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		steps []step // before the kill
		want  store.Record
		posts int
		delay time.Duration // until Twilio has the recording ready
	}{
		{name: "waiting", steps: taken[:1], want: store.Record{Outcome: store.Missed}},
		{name: "ringing", steps: taken[:2], want: store.Record{Outcome: store.Missed, AnsweredBy: "Ann", Via: store.BySMS}},
		{name: "picked up", steps: taken[:3], want: store.Record{Outcome: store.Missed, AnsweredBy: "Ann", Via: store.BySMS}},
		{name: "talking", steps: taken[:4], want: talkedWithAnn},
		{name: "asked for a message", steps: sentToVoicemail[:2], want: store.Record{Outcome: store.Missed, AnsweredBy: "Ann", Via: store.BySlack}},
		{name: "spoken", steps: sentToVoicemail[:3], want: leftVoicemail, posts: 1},
		{name: "spoken, ready later", steps: sentToVoicemail[:3], want: leftVoicemail, posts: 1, delay: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTale(t, options{voice: voicetest.Options{RecordingDelay: tt.delay}})
			for _, step := range tt.steps {
				step.do(s)
			}
			s.settle()
			s.kill()
			s.call.Hangup()
			s.must(s.call.WaitEnd(s.ctx))
			s.must(s.net.WaitQuiet(s.ctx)) // every webhook about it was lost
			s.run()
			s.finish(tt.want, tt.posts)
		})
	}
}

// The program is killed while it waits for an answer to a request: whether that was done is not known to it.
func TestKillInARequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		match func(*http.Request, string) bool
		slack bool // the request is one to Slack
		done  bool // and was carried out
		blind bool // the app may not read the channel
		at    int  // the step that makes it
		steps []step
		want  store.Record
		posts int
	}{
		{name: "redirect, not done", match: isRedirect, at: 1, steps: taken, want: talkedWithAnn},
		{name: "redirect, done", match: isRedirect, done: true, at: 1, steps: taken, want: talkedWithAnn},
		{name: "redirect to voicemail, not done", match: isRedirect, at: 1, steps: sentToVoicemail, want: leftVoicemail, posts: 1},
		{name: "redirect to voicemail, done", match: isRedirect, done: true, at: 1, steps: sentToVoicemail, want: leftVoicemail, posts: 1},
		{name: "SMS, not done", match: isSMS(annPhone), at: 0, steps: taken, want: talkedWithAnn},
		{name: "SMS, done", match: isSMS(annPhone), done: true, at: 0, steps: taken, want: talkedWithAnn}, // Twilio is asked before it is sent again
		{name: "announcement, not done", match: isSlack("chat.postMessage", "+for+Sales+from+"), slack: true, at: 0, steps: taken, want: talkedWithAnn},
		{name: "announcement, done", match: isSlack("chat.postMessage", "+for+Sales+from+"), slack: true, done: true, at: 0, steps: taken, want: talkedWithAnn},
		{name: "announcement, done, not to be seen", match: isSlack("chat.postMessage", "+for+Sales+from+"), slack: true, done: true, blind: true, at: 0, steps: taken, want: talkedWithAnn},
		{name: "redraw, not done", match: isSlack("chat.update", "Talked+with"), slack: true, at: 4, steps: taken, want: talkedWithAnn},
		{name: "redraw, done", match: isSlack("chat.update", "Talked+with"), slack: true, done: true, at: 4, steps: taken, want: talkedWithAnn},
		{name: "post, not done", match: isSlack("chat.postMessage", "Voicemail+from"), slack: true, at: 3, steps: sentToVoicemail, want: leftVoicemail, posts: 1},
		{name: "post, done", match: isSlack("chat.postMessage", "Voicemail+from"), slack: true, done: true, at: 3, steps: sentToVoicemail, want: leftVoicemail, posts: 1},
		{name: "post, done, not to be seen", match: isSlack("chat.postMessage", "Voicemail+from"), slack: true, done: true, blind: true, at: 3, steps: sentToVoicemail, want: leftVoicemail, posts: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := &gate{match: tt.match, done: tt.done}
			var o options
			if tt.slack {
				o.slack.Intercept = g.wrap
			} else {
				o.voice.Intercept = g.wrap
			}
			s := newTale(t, o)
			if tt.blind {
				app, err := bottest.ReadManifest([]byte(manifestFor(s.cfg)))
				s.must(err)
				app.Scopes = scopes
				s.work.Configure(app)
			}
			for i, step := range tt.steps {
				if i != tt.at {
					step.do(s)
					s.settle()
					continue
				}
				arrived := g.arm()
				did := make(chan struct{})
				go func() { defer close(did); step.do(s) }() // it may not come to its end before the program runs again
				s.wait("the request", arrived)
				switch {
				case tt.at == 0:
					s.onHold() // what a killed server cannot answer, a caller cannot hear
				case tt.at == 1 && tt.done:
					s.wait("the step", did) // what Twilio then asks for is answered: the program still runs
				case tt.at == 1:
					s.wait("the word to Ann", s.told)
				}
				s.kill()
				s.run()
				s.wait("the step", did)
			}
			if !tt.blind {
				s.finish(tt.want, tt.posts)
				return
			}
			s.ends(tt.want, tt.posts)
			n := s.messages()
			equal(t, "messages in all", n["Call"]+n["Voicemail"], 1+tt.posts+1) // twice is better than never
		})
	}
}

// The program is killed while it texts a taker that their caller has gone: they are told once.
func TestKillInATell(t *testing.T) {
	t.Parallel()
	g := &gate{match: func(r *http.Request, body string) bool {
		return isSMS(annPhone)(r, body) && strings.Contains(body, "before+you+could+be+put+through")
	}, done: true}
	s := newTale(t, options{voice: voicetest.Options{Intercept: g.wrap}})
	for _, step := range taken[:2] {
		step.do(s)
	}
	arrived := g.arm()
	s.call.Hangup()
	s.wait("the word to Ann", arrived)
	s.kill()
	s.run()
	s.ended(s.call)
	s.settle()
	told := 0
	for _, m := range s.net.Phone(annPhone).Inbox() {
		if strings.Contains(m.Body, "before you could be put through") {
			told++
		}
	}
	equal(t, "times that Ann is told", told, 1)
}
