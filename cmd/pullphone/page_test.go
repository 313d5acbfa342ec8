package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"pullphone/bot/bottest"
	"pullphone/cmd/pullphone/page"
)

// visitor is somebody at the page. All they see and do goes over its HTTP.
type visitor struct {
	t   *testing.T
	ctx context.Context
	url string

	mu      sync.Mutex
	world   page.World
	wire    []page.Entry
	changed chan struct{}
}

// visit opens a page and waits until the server is up.
func visit(t *testing.T, url string) *visitor {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	v := &visitor{t: t, ctx: ctx, url: url, changed: make(chan struct{})}
	v.watch(0)
	v.until("the server is up", func(w page.World) bool { return w.Server.State == page.Up })
	return v
}

// openPage serves a page in this process, with a server that is another, and visits it. Speaking takes no time.
func openPage(t *testing.T) (*pagedTown, *visitor) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p, err := newPagedTown(ctx, t.TempDir(), nil, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, l, asked(p.Handler(), nil)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
		if err := p.problems(); err != nil {
			t.Error(err)
		}
	})
	return p, visit(t, "http://"+l.Addr().String())
}

// watch reads the events, those of the wire after one that is known.
func (v *visitor) watch(after int) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/events?after=%d", v.url, after), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	equal(v.t, "Content-Type", res.Header.Get("Content-Type"), "text/event-stream")
	gone := make(chan struct{})
	v.t.Cleanup(func() { cancel(); <-gone })
	go func() {
		defer close(gone)
		defer res.Body.Close()
		lines := bufio.NewReader(res.Body)
		event := ""
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return // the visitor has left, in the middle of a line perhaps
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch name {
			case "event":
				event = value
			case "data":
				v.take(event, value)
			}
		}
	}()
}

func (v *visitor) take(event, data string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var err error
	if event == "world" {
		v.world = page.World{}
		err = json.Unmarshal([]byte(data), &v.world)
	} else {
		var e page.Entry
		err = json.Unmarshal([]byte(data), &e)
		v.wire = append(v.wire, e)
	}
	if err != nil {
		v.t.Errorf("%s: %v in %s", event, err, data)
	}
	close(v.changed)
	v.changed = make(chan struct{})
}

// sees is the world as the visitor last got it.
func (v *visitor) sees() page.World {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.world
}

// crossed is what the visitor got of the wire.
func (v *visitor) crossed() []page.Entry {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.wire)
}

// until waits until the visitor sees something.
func (v *visitor) until(what string, is func(page.World) bool) page.World {
	v.t.Helper()
	for {
		v.mu.Lock()
		w, changed := v.world, v.changed
		v.mu.Unlock()
		if is(w) {
			return w
		}
		select {
		case <-changed:
		case <-v.ctx.Done():
			b, _ := json.MarshalIndent(w, "", " ")
			v.t.Fatalf("never seen: %s\n%s", what, b)
		}
	}
}

// tries does something, and returns the status and what the page says of it.
func (v *visitor) tries(verb, body string) (int, string) {
	v.t.Helper()
	return v.posts("/act/"+verb, "application/json", []byte(body))
}

func (v *visitor) posts(path, kind string, body []byte) (int, string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.ctx, http.MethodPost, v.url+path, bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	var said struct{ Error string }
	if res.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
			v.t.Errorf("%s: %s, and no JSON: %v", path, res.Status, err)
		}
	}
	return res.StatusCode, said.Error
}

// does is tries for what must work; the body is a format.
func (v *visitor) does(verb, body string, args ...any) {
	v.t.Helper()
	if status, said := v.tries(verb, fmt.Sprintf(body, args...)); status != http.StatusNoContent {
		v.t.Fatalf("%s %s: %d %s", verb, fmt.Sprintf(body, args...), status, said)
	}
}

func (v *visitor) gets(path string) (*http.Response, []byte) {
	v.t.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = v.url + path
	}
	req, err := http.NewRequestWithContext(v.ctx, http.MethodGet, url, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res, body
}

// calls has a caller call, and waits until they are on hold.
func (v *visitor) calls(phone string) page.Leg {
	v.t.Helper()
	v.does("call", `{"phone":%q}`, phone)
	return v.on(phone, "queue")
}

// on waits until a caller's call is at a place.
func (v *visitor) on(phone, place string) page.Leg {
	v.t.Helper()
	w := v.until(phone+" at "+place, func(w page.World) bool { c := callOf(w, phone); return c != nil && c.Place == place })
	return *callOf(w, phone)
}

func callOf(w page.World, phone string) *page.Leg {
	for _, c := range w.Callers {
		if c.Phone == phone {
			return c.Call
		}
	}
	return nil
}

func mate(w page.World, name string) page.TeammateView {
	i := slices.IndexFunc(w.Team, func(m page.TeammateView) bool { return m.Name == name })
	if i < 0 {
		return page.TeammateView{}
	}
	return w.Team[i]
}

// texted waits until a teammate has a text that begins like this, that they wrote or got.
func (v *visitor) texted(name, text string) page.Text {
	v.t.Helper()
	var found page.Text
	v.until(name+" has: "+text, func(w page.World) bool {
		for _, t := range mate(w, name).Texts {
			if strings.HasPrefix(t.Body, text) {
				found = t
				return true
			}
		}
		return false
	})
	return found
}

// leg waits until the last call to a teammate's mobile is so.
func (v *visitor) leg(name, what string, is func(page.Leg) bool) page.Leg {
	v.t.Helper()
	var l page.Leg
	v.until(name+"'s mobile "+what, func(w page.World) bool {
		legs := mate(w, name).Legs
		if len(legs) > 0 {
			l = legs[len(legs)-1]
		}
		return len(legs) > 0 && is(l)
	})
	return l
}

// talks has a teammate pick up and press 1, until they talk.
func (v *visitor) talks(name string) page.Leg {
	v.t.Helper()
	l := v.leg(name, "rings", func(l page.Leg) bool { return l.Status == "ringing" })
	v.does("answer", `{"sid":%q}`, l.SID)
	v.leg(name, "takes keys", func(l page.Leg) bool { return l.Keys && len(l.Heard) > 0 })
	v.does("press", `{"sid":%q,"keys":"1"}`, l.SID)
	return v.leg(name, "talks", func(l page.Leg) bool { return l.Place == "bridged" })
}

// posted waits for a message in the channel with a text in it.
func (v *visitor) posted(text string) page.Message {
	v.t.Helper()
	var found page.Message
	v.until("a message: "+text, func(w page.World) bool {
		for _, m := range w.Slack.Messages {
			if b, _ := json.Marshal(m); strings.Contains(string(b), text) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// The minute that newcomers are led through, and what it leaves on the wire.
func TestPageMinute(t *testing.T) {
	t.Parallel()
	p, v := openPage(t)
	w := v.sees()
	equal(t, "callers", len(w.Callers), 5)
	equal(t, "the line", w.Line.Shown, "(208) 555-0100")

	call := v.calls(janePhone)
	v.posted(`"action_id":"take"`)
	music := v.until("music", func(w page.World) bool {
		h := callOf(w, janePhone).Heard
		return len(h) > 0 && h[len(h)-1].Kind == "play"
	})
	heard := callOf(music, janePhone).Heard
	res, sound := v.gets(fmt.Sprintf("/sound?sid=%s&n=%d", call.SID, heard[len(heard)-1].N))
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "audio/wav" || !bytes.HasPrefix(sound, []byte("RIFF")) {
		t.Errorf("the music: %s, %s, %d bytes", res.Status, res.Header.Get("Content-Type"), len(sound))
	}
	v.texted("Ann", "Sales: ")
	v.does("text", `{"name":"Ann","body":"Yes"}`)
	equal(t, "whose text", v.texted("Ann", "Yes").Mine, true)
	equal(t, "whose reply", v.texted("Ann", "Yours: ").Mine, false)
	leg := v.talks("Ann")
	equal(t, "the leg", leg.Incoming, true)
	equal(t, "shown", leg.Shown, "(208) 555-0100")
	v.on(janePhone, "bridged")
	v.posted("Talking with Ann")
	v.does("hangup", `{"sid":%q}`, leg.SID)
	v.on(janePhone, "ended")
	v.posted("Talked with Ann")

	second := v.calls(markPhone)
	m := v.posted("(208) 555-0145, Nampa, ID. Waiting.")
	v.does("button", `{"user":%q,"ts":%q,"action_id":"voicemail"}`, bobSlack, m.TS)
	v.on(markPhone, "recording")
	v.until("Bob is told in private", func(w page.World) bool {
		private := w.Slack.Private[bobSlack]
		return len(private) > 0 && strings.Contains(private[len(private)-1].Text, "sent to voicemail")
	})
	if status, said := v.tries("button", fmt.Sprintf(`{"user":%q,"ts":%q,"action_id":"voicemail"}`, annSlack, m.TS)); status != http.StatusConflict || said != "That button is not there any more." {
		t.Errorf("a button that is gone: %d %s", status, said)
	}
	res, sample := v.gets("/sample.wav")
	equal(t, "sample", res.Header.Get("Content-Type"), "audio/wav")
	v.does("speak", `{"sid":%q,"seconds":0}`, second.SID)
	if status, said := v.posts("/act/record?sid="+second.SID, "audio/wav", sample); status != http.StatusNoContent {
		t.Fatalf("record: %d %s", status, said)
	}
	v.does("speak", `{"sid":%q,"seconds":1}`, second.SID)
	v.does("press", `{"sid":%q,"keys":"#"}`, second.SID)
	v.on(markPhone, "ended")
	link := linkInSlack.FindStringSubmatch(v.posted("Voicemail from (208) 555-0145").Text)
	if link == nil {
		t.Fatal("no link")
	}
	res, _ = v.gets(link[1])
	equal(t, "the page of the message", res.StatusCode, 200)
	res, sound = v.gets(link[1] + "/audio")
	equal(t, "its type", res.Header.Get("Content-Type"), "audio/x-wav")
	passed, err := url.Parse(link[1])
	if err != nil {
		t.Fatal(err)
	}
	res, ours := v.gets(passed.Path)
	if policy := res.Header.Values("Content-Security-Policy"); res.StatusCode != 200 || len(policy) != 1 || !strings.Contains(policy[0], "default-src 'none'") {
		t.Errorf("passed on by the page: %s, %q", res.Status, policy)
	}
	contains(t, "passed on", string(ours), "Voicemail from (208) 555-0145")
	if _, same := v.gets(passed.Path + "/audio"); !bytes.Equal(same, sound) {
		t.Errorf("the sound that the page passes on: %d bytes, not %d", len(same), len(sound))
	}
	if said := sample[44:]; len(sound) != 44+2*len(said) || !bytes.Equal(sound[44:], append(said[:len(said):len(said)], said...)) {
		t.Errorf("what is played is not what was said twice: %d bytes, not %d", len(sound), 44+2*len(said))
	}

	v.wireOf(call.SID, second.SID)
	for _, e := range v.crossed() {
		for _, secret := range []string{p.net.AuthToken(), p.work.BotToken(), p.work.AppToken(), p.work.SigningSecret(), "bottestBottest", "parentCallInfoToken", "Authorization"} {
			if b, _ := json.Marshal(e); bytes.Contains(b, []byte(secret)) {
				t.Errorf("a secret is on the wire: %s", b)
			}
		}
	}
}

// wireOf checks that the wire tells what there was of two calls: all ways, and which call each is about.
func (v *visitor) wireOf(taken, sentToVoicemail string) {
	v.t.Helper()
	type crossing struct{ way, summary, call string }
	for _, want := range []crossing{
		{"twilio→us", "voice: POST /twilio/voice", taken},
		{"us→twilio", "voice: Enqueue", taken},
		{"us→twilio", "POST /2010-04-01/Accounts/", taken}, // an SMS, or the redirect
		{"us→slack", "chat.postMessage", taken},
		{"us→slack", "chat.update", taken},
		{"twilio→us", "sms: POST", ""},
		{"us→twilio", "sms: Message", ""},
		{"twilio→us", "whisper: POST", taken}, // to Ann's leg
		{"slack→us", "Bob presses [Voicemail]", sentToVoicemail},
		{"us→slack", "200 after ", ""},
		{"twilio→us", "recording completed", sentToVoicemail},
	} {
		if !slices.ContainsFunc(v.crossed(), func(e page.Entry) bool {
			return e.Way == want.way && strings.HasPrefix(e.Summary, want.summary) && e.Call == want.call && e.At != ""
		}) {
			v.t.Errorf("not on the wire: %+v", want)
		}
	}
	for i, e := range v.crossed() {
		if e.N != i+1 && i > 0 && e.N != v.crossed()[i-1].N+1 {
			v.t.Errorf("entry %d follows %d", e.N, v.crossed()[i-1].N)
		}
	}
}

// The server is killed while somebody waits: they wait on, an answer that was given meanwhile counts, and so does a message.
func TestPageKill(t *testing.T) {
	t.Parallel()
	_, v := openPage(t)
	call := v.calls(janePhone)
	m := v.posted(`"action_id":"take"`)
	v.texted("Ann", "Sales: ")
	w := v.until("music", func(w page.World) bool {
		h := callOf(w, janePhone).Heard
		return len(h) > 0 && h[len(h)-1].Kind == "play"
	})
	heard := callOf(w, janePhone).Heard
	sound := fmt.Sprintf("/sound?sid=%s&n=%d", call.SID, heard[len(heard)-1].N)
	v.gets(sound) // the page has it now
	v.does("server", `{"do":"kill"}`)
	v.until("the server is down", func(w page.World) bool { return w.Server.State == page.Down })
	v.does("server", `{"do":"kill"}`) // again: no fault
	if res, _ := v.gets(sound); res.StatusCode != 200 {
		t.Errorf("music while the server is away: %s", res.Status)
	}
	status, said := v.tries("button", fmt.Sprintf(`{"user":%q,"ts":%q,"action_id":"take"}`, annSlack, m.TS))
	if status != http.StatusBadGateway || !strings.HasPrefix(said, "pullphone did not answer Slack.") {
		t.Errorf("a button while the server is away: %d %s", status, said)
	}
	if res, said := v.gets("/voicemail/a/0/1/b"); res.StatusCode != http.StatusBadGateway || !strings.HasPrefix(string(said), "The server is down.") {
		t.Errorf("a message while the server is away: %s, %s", res.Status, said)
	}
	v.does("text", `{"name":"Ann","body":"Y"}`)
	v.until("the text is not heard", func(w page.World) bool {
		texts := mate(w, "Ann").Texts
		return texts[len(texts)-1].Failed != ""
	})
	v.does("call", `{"phone":%q}`, markPhone)
	away := v.on(markPhone, "recording")
	v.does("speak", `{"sid":%q,"seconds":1}`, away.SID)
	v.does("hangup", `{"sid":%q}`, away.SID)
	equal(t, "the caller waits on", v.on(janePhone, "queue").SID, call.SID)

	v.does("server", `{"do":"start"}`)
	if status, said := v.tries("server", `{"do":"start"}`); status != http.StatusConflict || said != "The server runs already." {
		t.Errorf("started twice: %d %s", status, said)
	}
	v.until("the server is up again", func(w page.World) bool { return w.Server.State == page.Up })
	v.texted("Ann", "Yours: ")
	leg := v.talks("Ann")
	v.on(janePhone, "bridged")
	v.does("hangup", `{"sid":%q}`, leg.SID)
	v.posted("Talked with Ann")
	v.posted("Voicemail from (208) 555-0145")
}

// While one of Slack and SMS is down the other goes on, and what is down is caught up with afterwards.
func TestPageFaults(t *testing.T) {
	t.Parallel()
	_, v := openPage(t)
	v.does("fault", `{"what":"slack","down":true}`)
	v.calls(janePhone)
	v.texted("Ann", "Sales: ")
	status, said := v.tries("command", fmt.Sprintf(`{"user":%q,"text":"list"}`, annSlack))
	if status != http.StatusConflict || !strings.HasPrefix(said, "Slack is down") {
		t.Errorf("Slack, though it is down: %d %s", status, said)
	}
	v.does("text", `{"name":"Ann","body":"Y"}`)
	v.talks("Ann")
	equal(t, "messages in Slack", len(v.sees().Slack.Messages), 0)
	v.until("what fails is on the wire", func(page.World) bool {
		return slices.ContainsFunc(v.crossed(), func(e page.Entry) bool { return e.Way == "slack→us" && e.Status == "503" })
	})
	v.does("fault", `{"what":"slack","down":false}`)
	v.posted("Talking with Ann")
	v.does("command", `{"user":%q,"text":"list"}`, annSlack)
	v.until("/pull list is answered", func(w page.World) bool { return len(w.Slack.Private[annSlack]) > 0 })

	v.does("fault", `{"what":"sms","down":true}`)
	equal(t, "faults", v.until("SMS is down", func(w page.World) bool { return w.Faults.SMS }).Faults.Slack, false)
	v.calls(markPhone)
	m := v.posted("(208) 555-0145, Nampa, ID. Waiting.")
	if status, said := v.tries("text", `{"name":"Bob","body":"Y"}`); status != http.StatusConflict || !strings.HasPrefix(said, "SMS is down") {
		t.Errorf("a text, though SMS is down: %d %s", status, said)
	}
	v.until("what fails is on the wire", func(page.World) bool {
		return slices.ContainsFunc(v.crossed(), func(e page.Entry) bool { return e.Way == "twilio→us" && e.Status == "503" })
	})
	v.does("fault", `{"what":"sms","down":false}`)
	v.texted("Cy", "Sales: (208) 555-0145")
	v.does("button", `{"user":%q,"ts":%q,"action_id":"take"}`, bobSlack, m.TS)
	v.talks("Bob")
}

// Several call at once, somebody takes one and does not pick up, and all is hung up.
func TestPageMany(t *testing.T) {
	t.Parallel()
	_, v := openPage(t)
	if status, said := v.tries("away", `{"name":"Bob"}`); status != http.StatusConflict || said != "Nobody waits. Let somebody call first." {
		t.Errorf("nobody waits: %d %s", status, said)
	}
	v.does("many", `{}`)
	v.until("three wait", func(w page.World) bool {
		waiting := 0
		for _, c := range w.Callers {
			if c.Call != nil && c.Call.Place == "queue" {
				waiting++
			}
		}
		return waiting == 3
	})
	v.does("many", `{}`) // the other two
	if status, said := v.tries("many", `{}`); status != http.StatusConflict || said != "Everybody has a call already." {
		t.Errorf("all call: %d %s", status, said)
	}
	lee := v.on(leePhone, "queue")
	equal(t, "as the page shows Lee", v.sees().Callers[2].Shown, "No caller ID")
	v.posted("withheld number")
	v.does("away", `{"name":"Bob"}`)
	l := v.leg("Bob", "rings", func(l page.Leg) bool { return l.Status == "ringing" })
	v.does("decline", `{"sid":%q}`, l.SID)
	if status, said := v.tries("answer", fmt.Sprintf(`{"sid":%q}`, l.SID)); status != http.StatusConflict || said != "It does not ring any more." {
		t.Errorf("picked up too late: %d %s", status, said)
	}
	v.posted("Bob is busy")
	v.does("call", `{"phone":%q}`, cyPhone) // the team may call too
	own := v.leg("Cy", "is in a call", func(l page.Leg) bool { return !l.Incoming && l.Keys })
	if status, said := v.tries("call", fmt.Sprintf(`{"phone":%q}`, cyPhone)); status != http.StatusConflict || said != "That phone has a call already." {
		t.Errorf("two calls on one phone: %d %s", status, said)
	}
	v.does("reset", `{}`)
	v.until("all is over", func(w page.World) bool {
		for _, c := range w.Callers {
			if c.Call.Place != "ended" {
				return false
			}
		}
		legs := mate(w, "Cy").Legs
		return legs[len(legs)-1].SID == own.SID && legs[len(legs)-1].Place == "ended"
	})
	if status, said := v.tries("press", fmt.Sprintf(`{"sid":%q,"keys":"1"}`, lee.SID)); status != http.StatusConflict || said != "That call is over." {
		t.Errorf("a key after the end: %d %s", status, said)
	}
}

// What cannot be done is said in a sentence, and what strangers try is refused.
func TestPageRefuses(t *testing.T) {
	t.Parallel()
	p, v := openPage(t)
	call := v.calls(janePhone)
	for _, c := range []struct {
		verb, body string
		status     int
	}{
		{"dance", `{}`, 404}, {"submit", `{}`, 404},
		{"call", `{"phone":"+12125551234"}`, 400}, {"call", `not JSON`, 400}, {"call", `{"phone":7}`, 400},
		{"call", `{"phone":"` + janePhone + `"}`, 409},
		{"call", `{"phone":"` + strings.Repeat("1", 70<<10) + `"}`, 400},
		{"press", `{"sid":"` + call.SID + `","keys":"x"}`, 400}, {"press", `{"sid":"` + call.SID + `"}`, 400}, {"press", `{"sid":"CA1","keys":"1"}`, 409},
		{"hangup", `{}`, 409}, {"answer", `{"sid":"` + call.SID + `"}`, 409}, {"decline", `{}`, 409},
		{"text", `{"name":"Ann","body":" "}`, 400}, {"text", `{"name":"Zoe","body":"Y"}`, 400},
		{"button", `{"user":"U0BOTTEST1","ts":"1","action_id":"take"}`, 400}, {"button", `{"user":"U000ANN","ts":"1","action_id":"take"}`, 409},
		{"home", `{"user":"U000ANN"}`, 409}, {"homebutton", `{"user":"U000ANN","action_id":"x"}`, 409},
		{"speak", `{"sid":"` + call.SID + `","seconds":1}`, 409},
		{"fault", `{"what":"moon","down":true}`, 400}, {"server", `{"do":"sing"}`, 400}, {"away", `{"name":"Zoe"}`, 400},
	} {
		status, said := v.tries(c.verb, c.body)
		if status != c.status || !strings.HasSuffix(said, ".") || len(said) > 120 {
			t.Errorf("%s %.60s: %d %q, not %d", c.verb, c.body, status, said, c.status)
		}
	}
	equal(t, "the call goes on", v.on(janePhone, "queue").SID, call.SID)

	for name, spoil := range map[string]func(*http.Request){
		"a page of another site":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"an old browser's":           func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"a name that leads here":     func(r *http.Request) { r.Host = "evil.example" },
		"another port of this place": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
	} {
		for _, at := range []string{v.url + "/act/reset", p.work.URL(), p.net.URL()} {
			req, err := http.NewRequestWithContext(v.ctx, http.MethodPost, at, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			spoil(req)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			equal(t, name+" at "+at, res.StatusCode, http.StatusForbidden)
		}
	}
	for _, known := range []string{bottest.DefaultBotToken, bottest.DefaultAppToken} {
		if _, err := slack.New(known, slack.OptionAPIURL(p.work.URL())).AuthTestContext(v.ctx); err == nil || err.Error() != "invalid_auth" {
			t.Errorf("what anybody can read in bottest, as Slack's token: %v", err)
		}
	}
	v.on(janePhone, "queue")
	for _, path := range []string{"/sound?sid=CA1&n=0", "/sound?sid=" + call.SID + "&n=99", "/sound?sid=" + call.SID + "&n=-1", "/sound?sid=" + call.SID + "&n=0", "/nothing"} {
		if res, _ := v.gets(path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if status, said := v.posts("/act/record?sid="+call.SID, "audio/wav", []byte("RIFF")); status != 409 || said != "No message is being recorded." {
		t.Errorf("a recording of nobody: %d %s", status, said)
	}
	v.until("the caller hears of keys", func(w page.World) bool { return callOf(w, janePhone).Keys })
	v.does("press", `{"sid":%q,"keys":"1"}`, call.SID) // the caller's own wish
	v.on(janePhone, "recording")
	if status, _ := v.posts("/act/record?sid="+call.SID, "audio/wav", []byte("RIFF")); status != 400 {
		t.Errorf("no sound: %d", status)
	}
	if status, said := v.posts("/act/record?sid="+call.SID, "audio/wav", make([]byte, 9<<20)); status != 413 || said != "That message is too long." {
		t.Errorf("too long: %d %s", status, said)
	}
	res, _ := v.gets("/")
	contains(t, "policy", res.Header.Get("Content-Security-Policy"), "default-src 'self'")
}

// Many browsers see the same, one that comes back gets what it has missed, and one that reads nothing holds up nobody.
func TestPageEvents(t *testing.T) {
	t.Parallel()
	_, v := openPage(t)
	host := strings.TrimPrefix(v.url, "http://")
	asleep, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer asleep.Close()
	fmt.Fprintf(asleep, "GET /events HTTP/1.1\r\nHost: %s\r\n\r\n", host)

	var others []*visitor
	for range 10 {
		others = append(others, visit(t, v.url))
	}
	v.calls(janePhone)
	v.posted(`"action_id":"take"`)
	for _, o := range others {
		o.on(janePhone, "queue")
		o.posted(`"action_id":"take"`)
	}
	seen := v.crossed()
	last := seen[len(seen)-1].N
	v.does("many", `{}`)
	v.on(markPhone, "queue")
	back := &visitor{t: t, ctx: v.ctx, url: v.url, changed: make(chan struct{})}
	back.watch(last)
	back.on(markPhone, "queue")
	if first := back.crossed(); len(first) == 0 || first[0].N != last+1 {
		t.Errorf("who comes back gets %d entries, not those after %d", len(first), last)
	}
}

// The text of a message may be anything, and stays what it is.
func TestPageThread(t *testing.T) {
	t.Parallel()
	p, v := openPage(t)
	said := p.work.Say(annSlack, salesChannel, "<script>alert(1)</script>")
	m := v.posted(`alert(1)`)
	equal(t, "text", m.Text, said.Text)
	equal(t, "user", m.User, annSlack)
	equal(t, "name", v.sees().Slack.Names[annSlack], "Ann")
	equal(t, "the bot's", v.sees().Slack.Names[bottest.BotUserID], bottest.BotName)
	p.work.DeleteMessage(salesChannel, said.TS)
	v.until("it is gone", func(w page.World) bool { return len(w.Slack.Messages) == 0 })
}

var pageAddress = `The demo is at `

// demoProcess is a demo in a process of its own.
type demoProcess struct {
	*exec.Cmd
	stdin io.Closer
	url   string
}

// startDemo runs a binary's demo and reads its address.
func startDemo(t *testing.T, cmd *exec.Cmd) *demoProcess {
	t.Helper()
	d := &demoProcess{Cmd: cmd}
	var err error
	if d.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no address: %v", err)
	}
	rest, ok := strings.CutPrefix(line, pageAddress)
	if !ok {
		t.Fatalf("the demo says %q", line)
	}
	d.url, _, _ = strings.Cut(rest, "/ ")
	return d
}

// serverAddress is where the phone server of a page listens, as its webhooks have it.
func (v *visitor) serverAddress() string {
	v.t.Helper()
	v.calls(janePhone)
	address := ""
	v.until("a webhook", func(page.World) bool {
		for _, e := range v.crossed() {
			if e.Summary == "voice: POST /twilio/voice" {
				address, _, _ = strings.Cut(strings.TrimPrefix(e.Text, "http://"), "/")
			}
		}
		return address != ""
	})
	return address
}

// gone waits until nobody listens at an address.
func gone(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		c.Close()
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("somebody still listens at %s", address)
		}
	}
}

// The plain binary needs nothing beside it. However its demo ends, the server ends with it.
func TestPagePlainBinary(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Fatal("signals are Unix's")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "pullphone")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	start := func(listen string) (*demoProcess, string, string) {
		t.Helper()
		empty, tmp := t.TempDir(), t.TempDir()
		cmd := exec.Command(binary, "demo", "--listen", listen)
		cmd.Dir, cmd.Env = empty, []string{"TMPDIR=" + tmp}
		return startDemo(t, cmd), empty, tmp
	}
	left := func(dir string) int {
		t.Helper()
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}

	d, empty, tmp := start("127.0.0.1:0")
	v := visit(t, d.url)
	address := v.serverAddress()
	res, body := v.gets("/")
	if res.StatusCode != 200 || !bytes.Contains(body, []byte("pullphone")) {
		t.Errorf("the page: %s", res.Status)
	}
	equal(t, "beside the store", left(tmp), 1)
	if err := d.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(); err != nil {
		t.Errorf("SIGINT: %v", err)
	}
	gone(v.ctx, t, address)
	equal(t, "left behind", left(tmp), 0)
	equal(t, "left beside the binary's folder", left(empty), 0)

	d, _, _ = start("0.0.0.0:0")
	contains(t, "address", d.url, "http://127.0.0.1:")
	v = visit(t, d.url)
	address = v.serverAddress()
	if err := d.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.Wait() // it was killed
	gone(v.ctx, t, address)
}

// A port that is taken is an error that says what to do, before anything is begun.
func TestPageListen(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for addr, want := range map[string]string{
		taken.Addr().String(): "address already in use; choose another address with --listen, 127.0.0.1:0 for any free port",
		"nonsense":            "missing port in address; choose another address with --listen",
	} {
		code, out, errs := runs(t.Context(), "demo", "--listen", addr)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
			t.Errorf("--listen %s: exit %d, %q, %q", addr, code, out, errs)
		}
	}
}

// There is an end to how many pages are served, and closing one makes room.
func TestPageTooMany(t *testing.T) {
	t.Parallel()
	_, v := openPage(t)
	ctx, cancel := context.WithCancel(v.ctx)
	open := func() int {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK {
			res.Body.Close()
		}
		return res.StatusCode
	}
	opened := 1 // the visitor's
	for open() == http.StatusOK {
		opened++
	}
	equal(t, "pages", opened, 64)
	cancel()
	ctx = v.ctx
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for open() != http.StatusOK { // the server notices in its own time that they have gone
		select {
		case <-tick.C:
		case <-v.ctx.Done():
			t.Fatal("there is never room again")
		}
	}
}
