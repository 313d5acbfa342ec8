package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

// terminate sends the server the signal to stop.
func (p *process) terminate() {
	p.t.Helper()
	p.must(p.cmd.Process.Signal(syscall.SIGTERM))
}

// exits waits until the server has ended and says how.
func (p *process) exits() string {
	p.t.Helper()
	p.logs.Wait()
	err := p.cmd.Wait()
	p.cmd = nil
	p.pipe.Close()
	if err != nil {
		return err.Error()
	}
	return "exit status 0"
}

// halfText begins to deliver a text and returns what delivers the rest of it and gives the answer.
func (p *process) halfText(from, body string) (rest func() string) {
	p.t.Helper()
	form := url.Values{"MessageSid": {"SMffffffffffffffffffffffffffffffff"}, "From": {from}, "To": {salesNumber}, "Body": {body}}
	target := p.cfg.PublicURL + "/twilio/sms"
	conn, err := net.Dial("tcp", p.listen)
	p.must(err)
	p.t.Cleanup(func() { conn.Close() })
	text := form.Encode()
	_, err = fmt.Fprintf(conn, "POST /twilio/sms HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		p.listen, voicetest.Sign(p.net.AuthToken(), target, form), len(text))
	p.must(err)
	in := bufio.NewReader(conn)
	for line := "-"; line != "\r\n"; { // it has come, and its body is waited for
		line, err = in.ReadString('\n')
		p.must(err)
	}
	return func() string {
		_, err := io.WriteString(conn, text)
		p.must(err)
		res, err := http.ReadResponse(in, nil)
		p.must(err)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		p.must(err)
		return res.Status + " " + string(answer)
	}
}

// stopping waits until the server says that it stops.
func (p *process) stopping() {
	p.t.Helper()
	p.until("the server is not ready", func() bool {
		res, err := http.DefaultTransport.RoundTrip(p.request("/readyz"))
		if err != nil {
			return false
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		p.must(err)
		return res.StatusCode == http.StatusServiceUnavailable && string(body) == "stopping\n"
	})
}

func (p *process) request(path string) *http.Request {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, "http://"+p.admin+path, nil)
	p.must(err)
	return req
}

// held holds back requests to pull a caller out of the queue until it is let go.
type held struct {
	mu      sync.Mutex
	call    string // SID; empty: none is held
	arrived chan struct{}
	letGo   chan struct{}
}

func (h *held) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		call := h.call
		h.mu.Unlock()
		if call != "" && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Members/"+call+".json") {
			close(h.arrived)
			<-h.letGo
		}
		next.ServeHTTP(w, r)
	})
}

func (h *held) hold(call string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.call = call
}

// The server is told to stop while there are calls in every state, a request is under way and a text comes in: it is not
// ready any more, finishes what it has begun, takes nothing new and ends well. The next one goes on with every call.
func TestStop(t *testing.T) {
	t.Parallel()
	hold := &held{arrived: make(chan struct{}), letGo: make(chan struct{})}
	p := processTown(t, options{people: crew(4), line: []string{"max_wait: 10m"}, voice: voicetest.Options{Intercept: hold.wrap}})
	const waiting, ringing, talking, recording, pulled = 10, 11, 12, 13, 14
	calls := map[int]*voicetest.Call{}
	code := map[int]int{}
	for i, n := range []int{waiting, ringing, talking, recording, pulled} {
		calls[n], _ = p.queued(crewPhone(n), voicetest.CallerInfo{})
		code[n] = i + 1
	}
	says := func(person int, word string, call int) {
		t.Helper()
		contains(t, word, p.text(crewPhone(person), fmt.Sprintf("%s %d", word, code[call])), fmt.Sprintf("(208) 555-%d", 1000+call))
	}
	says(0, "Y", ringing)
	ringingLeg := p.rings(crewPhone(0), calls[ringing])
	says(1, "Y", talking)
	talkingLeg := p.rings(crewPhone(1), calls[talking])
	p.accepts(talkingLeg)
	says(2, "N", recording)
	p.must(calls[recording].WaitPlace(p.ctx, voicetest.PlaceRecording))
	calls[recording].Speak(4 * time.Second)
	p.settle()
	hold.hold(calls[pulled].SID())
	says(3, "Y", pulled)
	p.wait("the request", hold.arrived)
	rest := p.halfText(annPhone, fmt.Sprintf("N %d", code[waiting]))

	began := time.Now()
	p.terminate()
	p.stopping()
	close(hold.letGo)
	p.until("no connection is taken any more", func() bool {
		conn, err := net.Dial("tcp", p.listen)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	p.stopping()
	// What had begun to come in is heard; what follows from it is left for the next.
	contains(t, "the text that came in", rest(), "is sent to voicemail.")
	equal(t, "end", p.exits(), "exit status 0")
	p.redirected(calls[pulled], 1)
	p.redirected(calls[waiting], 0)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s to stop", took)
	}

	p.run()
	p.must(calls[waiting].WaitPlace(p.ctx, voicetest.PlaceRecording))
	for _, n := range []int{waiting, recording} {
		calls[n].Speak(2 * time.Second)
		calls[n].Hangup()
	}
	p.accepts(ringingLeg)
	pulledLeg := p.rings(crewPhone(3), calls[pulled])
	p.accepts(pulledLeg)
	for _, leg := range []*voicetest.Leg{ringingLeg, talkingLeg, pulledLeg} {
		leg.Hangup()
	}
	outcomes := map[string]store.Outcome{}
	p.until("all calls have ended", func() bool {
		for _, r := range p.told() {
			outcomes[r.CallSID] = r.Outcome
		}
		return len(outcomes) == len(calls)
	})
	for n, call := range calls {
		want, redirects := store.Talked, 1
		if n == waiting || n == recording {
			want = store.Voicemail
		}
		equal(t, fmt.Sprint("outcome of ", n), outcomes[call.SID()], want)
		p.redirected(call, redirects)
		equal(t, fmt.Sprint("SMS about ", n), count(announcements(p.net, annPhone), fmt.Sprintf("555-%d", 1000+n)), 1)
	}
	p.until("both voicemails are posted", func() bool { return len(voicemails(p.work)) == 2 })
}

func count(texts []string, part string) int {
	n := 0
	for _, text := range texts {
		if strings.Contains(text, part) {
			n++
		}
	}
	return n
}

// Twilio has pulled a caller out of the queue when the server stops, and asks for what they hear next a moment later: it is
// answered.
func TestStopAtTheRedirect(t *testing.T) {
	t.Parallel()
	arrived, letGo := make(chan struct{}), make(chan struct{})
	h := serveTown(t, options{steady: true, voice: voicetest.Options{Intercept: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "/Members/") {
				next.ServeHTTP(w, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			later := r.Clone(context.WithoutCancel(r.Context()))
			later.Body = io.NopCloser(bytes.NewReader(body))
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "{}") // done, it says, and does it
			go func() {
				<-letGo
				next.ServeHTTP(discard{http.Header{}}, later)
			}()
			close(arrived)
		})
	}}})
	call, _ := h.arrive(janePhone, jane)
	contains(t, "Ann is told", h.text(annPhone, "Y"), "Yours")
	h.wait("the redirect", arrived)
	h.until("it is recorded", func() bool { moving, err := h.store.Moving(h.ctx); h.must(err); return moving })
	stopped := make(chan struct{})
	go func() { h.stop(); close(stopped) }()
	h.until("the server stops", func() bool { return strings.Contains(h.log.String(), "msg=stopping") })
	close(letGo)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceDialing))
	h.wait("the end", stopped)
	h.start()
	h.accepts(h.rings(annPhone, call))
	call.Hangup()
	equal(t, "outcome", h.record(call).Outcome, store.Talked)
}

// A second signal ends the server at once, whatever it waits for.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := processTown(t, options{})
	p.halfText(annPhone, "Y")
	p.terminate()
	p.stopping()
	began := time.Now()
	p.terminate()
	equal(t, "end", p.exits(), "signal: terminated")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	p.run() // for the end of the test
}
