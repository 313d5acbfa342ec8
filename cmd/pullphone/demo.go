package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"pullphone/bot/bottest"
	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// demo plays the service on one machine, with the real server and the real clients against a simulated telephone
// network and Slack: in the browser (page.go), or by itself in the terminal.
func demo(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	listen := fs.String("listen", "127.0.0.1:8090", "")
	script := fs.Bool("script", false, "")
	if _, err := parse(fs, args, 0); err != nil {
		return err
	}
	if !*script {
		return showPage(ctx, *listen, out)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // it takes fifteen seconds, ten of which a phone rings in vain
	defer cancel()
	dir, err := os.MkdirTemp("", "pullphone-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var log syncBuffer
	err = playScript(ctx, dir, out, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		fmt.Fprintf(out, "\nThe server's log:\n%s", log.String())
	}
	return err
}

// playScript serves a town and plays the story in it.
func playScript(ctx context.Context, dir string, out io.Writer, log *slog.Logger) error {
	t, err := newTown(dir, voicetest.Options{}, bottest.Options{})
	if err != nil {
		return err
	}
	cfg, err := config.Parse("demo.yml", []byte(t.yaml("ring_timeout: 5s")), os.LookupEnv)
	if err != nil {
		return errors.Join(err, t.close())
	}
	if err := t.setUp(ctx, cfg, io.Discard); err != nil {
		return errors.Join(err, t.close())
	}
	serving, stop := context.WithCancel(ctx)
	g, serving := errgroup.WithContext(serving)
	ready := make(chan *store.Store, 1)
	g.Go(func() error {
		return t.serve(serving, cfg, clockwork.NewRealClock(), log, func(s *store.Store) { ready <- s })
	})
	var st *store.Store
	select {
	case st = <-ready:
		p := &player{town: t, store: st, out: out, began: time.Now()}
		err = p.story(serving)
	case <-serving.Done():
	}
	stop()
	return errors.Join(err, g.Wait(), t.close(), t.problems())
}

// player plays the callers and the team, and says what happens. Whatever does not happen ends the story.
type player struct {
	*town
	store *store.Store
	out   io.Writer
	began time.Time
}

func (p *player) say(who, format string, args ...any) {
	d := time.Since(p.began)
	fmt.Fprintf(p.out, "%5.2fs  %-8s %s\n", d.Seconds(), who, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n                 "))
}

func (p *player) story(ctx context.Context) error {
	var want []store.Record
	for i, scene := range []struct {
		title     string
		play      func(context.Context) (*voicetest.Call, error)
		redirects int // one for each claim of somebody who waited
		want      store.Record
	}{
		{"A call taken by SMS", p.takenBySMS, 1, store.Record{From: janePhone, AnsweredBy: "Ann", Via: store.BySMS, Outcome: store.Talked}},
		{"A call taken in Slack", p.takenInSlack, 1, store.Record{AnsweredBy: "Bob", Via: store.BySlack, Outcome: store.Talked}},
		{"A call sent to voicemail", p.sentToVoicemail, 1, store.Record{From: markPhone, AnsweredBy: "Bob", Via: store.BySMS, Outcome: store.Voicemail, VoicemailSeconds: 12}},
		{"A call whose first taker does not pick up", p.takenTwice, 2, store.Record{From: janePhone, AnsweredBy: "Bob", Via: store.BySMS, Outcome: store.Talked}},
		{"A call for somebody who stands in line", p.takenInLine, 0, store.Record{From: markPhone, AnsweredBy: "Ann", Via: store.ByLine, Outcome: store.Talked}},
	} {
		fmt.Fprintf(p.out, "\n%s\n", scene.title)
		call, err := scene.play(ctx)
		if err != nil {
			return fmt.Errorf("call %d: %w", i+1, err)
		}
		scene.want.CallSID = call.SID()
		want = append(want, scene.want)
		if n := p.net.Redirects(call.SID()); n != scene.redirects {
			return fmt.Errorf("call %d was pulled out of its queue %d times, not %d", i+1, n, scene.redirects)
		}
	}
	return p.history(ctx, want)
}

func (p *player) history(ctx context.Context, want []store.Record) error {
	fmt.Fprintf(p.out, "\nThe history\n")
	show, done := printTable(p.out)
	var got []store.Record
	for r, err := range p.store.History(ctx, time.Time{}) {
		if err != nil {
			return err
		}
		if err := show(r); err != nil {
			return err
		}
		got = append(got, r)
	}
	if err := done(); err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("history has %d calls, not %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.CallSID != w.CallSID || g.From != w.From || g.AnsweredBy != w.AnsweredBy || g.Via != w.Via || g.Outcome != w.Outcome || g.VoicemailSeconds != w.VoicemailSeconds {
			return fmt.Errorf("history tells call %d as %+v, not %+v", i+1, g, w)
		}
	}
	return nil
}

// arrive has somebody call, and waits until they are on hold and announced in Slack.
func (p *player) arrive(ctx context.Context, phone, who string, info voicetest.CallerInfo) (*voicetest.Call, bottest.Message, error) {
	p.say("caller", "%s calls %s.", who, salesNumber)
	before := map[string]bool{}
	for _, m := range p.work.Messages(salesChannel) {
		before[m.TS] = true
	}
	call := p.net.Phone(phone).Call(salesNumber, info)
	heard, err := call.WaitHeard(ctx, func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardPlay })
	if err != nil {
		return nil, bottest.Message{}, fmt.Errorf("the caller hears no music: %w", err)
	}
	for _, h := range call.Heard() {
		if h.Kind == voicetest.HeardSay {
			p.say("caller", "hears: %s", h.Text)
		}
	}
	p.say("caller", "hears music: %s", heard.Text)
	m, err := p.work.WaitMessage(ctx, salesChannel, func(m bottest.Message) bool { return !before[m.TS] && len(m.Buttons()) == 2 })
	if err != nil {
		return nil, m, fmt.Errorf("no message in Slack: %w", err)
	}
	p.say("Slack", "#sales: %s", m.AsText())
	return call, m, nil
}

// announced waits for the SMS about a caller.
func (p *player) announced(ctx context.Context, who, phone, caller string) error {
	m, err := p.net.Phone(phone).WaitSMS(ctx, func(m voicetest.SMS) bool { return strings.Contains(m.Body, caller) })
	if err != nil {
		return fmt.Errorf("%s gets no SMS about %s: %w", who, caller, err)
	}
	p.say(who, "gets: %s", m.Body)
	return nil
}

// texts has somebody text the line, and checks the reply.
func (p *player) texts(ctx context.Context, who, phone, body, reply string) error {
	p.say(who, "texts: %s", body)
	inbox := p.net.Phone(phone)
	before := map[string]bool{}
	for _, m := range inbox.Inbox() {
		before[m.SID] = true
	}
	if err := inbox.Text(salesNumber, body).WaitDone(ctx); err != nil {
		return err
	}
	m, err := inbox.WaitSMS(ctx, func(m voicetest.SMS) bool { return !before[m.SID] })
	if err != nil {
		return fmt.Errorf("%s gets no reply: %w", who, err)
	}
	p.say(who, "gets: %s", m.Body)
	if !strings.HasPrefix(m.Body, reply) {
		return fmt.Errorf("%s is told %q, not %q", who, m.Body, reply)
	}
	return nil
}

// presses has somebody press a button of a message as they saw it, and checks what they are told in private.
func (p *player) presses(ctx context.Context, who, user string, m bottest.Message, button, told string) error {
	p.say(who, "presses [%s].", button)
	if _, err := p.work.PressStale(ctx, user, salesChannel, m, button); err != nil {
		return err
	}
	return p.told(ctx, who, user, told)
}

// told waits for a private word in Slack.
func (p *player) told(ctx context.Context, who, user, text string) error {
	e, err := p.work.WaitEphemeral(ctx, user, func(e bottest.Message) bool { return strings.HasPrefix(e.AsText(), text) })
	if err != nil {
		return fmt.Errorf("%s is not told %q: %w", who, text, err)
	}
	p.say(who, "is told: %s", e.AsText())
	return nil
}

// talk has the taker pick up, press 1, talk and hang up.
func (p *player) talk(ctx context.Context, who, phone string, call *voicetest.Call) error {
	leg, err := p.net.Phone(phone).WaitRing(ctx)
	if err != nil {
		return fmt.Errorf("%s's phone does not ring: %w", who, err)
	}
	p.say(who, "phone rings, showing %s; picks up.", leg.From())
	leg.Answer()
	q, err := leg.WaitHeard(ctx, func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardSay })
	if err != nil {
		return err
	}
	p.say(who, "hears: %s", q.Text)
	if err := leg.WaitKeys(ctx); err != nil {
		return err
	}
	p.say(who, "presses 1.")
	leg.Press("1")
	if err := leg.WaitBridged(ctx); err != nil {
		return err
	}
	p.say("both", "are connected, and talk.")
	if err := p.shows(ctx, "Talking with "+who); err != nil {
		return err
	}
	leg.Hangup()
	p.say(who, "hangs up.")
	if err := call.WaitEnd(ctx); err != nil {
		return err
	}
	return p.shows(ctx, "Talked with "+who)
}

// shows waits until the last message of the channel, or one after it, says something.
func (p *player) shows(ctx context.Context, text string) error {
	all := p.work.Messages(salesChannel)
	return p.showsFrom(ctx, all[len(all)-1].TS, text)
}

func (p *player) showsFrom(ctx context.Context, ts, text string) error {
	m, err := p.work.WaitMessage(ctx, salesChannel, func(m bottest.Message) bool { return m.TS >= ts && strings.Contains(m.AsText(), text) })
	if err != nil {
		return fmt.Errorf("the message in Slack does not say %q: %w", text, err)
	}
	buttons := 0
	if strings.Contains(text, "waiting") {
		buttons = 2
	}
	if n := len(m.Buttons()); n != buttons {
		return fmt.Errorf("the message in Slack says %q and has %d buttons, not %d", text, n, buttons)
	}
	p.say("Slack", "#sales: %s", m.AsText())
	return nil
}

func (p *player) takenBySMS(ctx context.Context) (*voicetest.Call, error) {
	call, _, err := p.arrive(ctx, janePhone, "Jane Doe", voicetest.CallerInfo{City: "BOISE", State: "ID", Country: "US"})
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return p.announced(ctx, "Ann", annPhone, "(208) 555-0123") },
		func() error { return p.announced(ctx, "Bob", bobPhone, "(208) 555-0123") },
		func() error { return p.texts(ctx, "Ann", annPhone, "Yes", "Yours: JANE DOE, (208) 555-0123") },
		func() error { return p.texts(ctx, "Bob", bobPhone, "Y", "Too late: Ann took") },
		func() error { return p.talk(ctx, "Ann", annPhone, call) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return call, nil
}

func (p *player) takenInSlack(ctx context.Context) (*voicetest.Call, error) {
	call, m, err := p.arrive(ctx, "+12085550177", "Somebody who withholds their number", voicetest.CallerInfo{From: "anonymous"})
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return p.presses(ctx, "Bob", bobSlack, m, "Take", "Yours: withheld number") },
		func() error { return p.presses(ctx, "Ann", annSlack, m, "Voicemail", "Too late: Bob took") },
		func() error { return p.talk(ctx, "Bob", bobPhone, call) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return call, nil
}

func (p *player) sentToVoicemail(ctx context.Context) (*voicetest.Call, error) {
	call, _, err := p.arrive(ctx, markPhone, "Somebody in Nampa", voicetest.CallerInfo{City: "NAMPA", State: "ID", Country: "US"})
	if err != nil {
		return nil, err
	}
	if err := p.announced(ctx, "Bob", bobPhone, "(208) 555-0145"); err != nil {
		return nil, err
	}
	if err := p.texts(ctx, "Bob", bobPhone, "No", "(208) 555-0145 is sent to voicemail."); err != nil {
		return nil, err
	}
	if err := call.WaitPlace(ctx, voicetest.PlaceRecording); err != nil {
		return nil, err
	}
	p.say("caller", "is asked for a message, and speaks for 12 seconds.")
	call.Speak(12 * time.Second)
	call.Hangup()
	m, err := p.work.WaitMessage(ctx, salesChannel, func(m bottest.Message) bool { return strings.HasPrefix(m.AsText(), "Voicemail from (208) 555-0145") })
	if err != nil {
		return nil, fmt.Errorf("no voicemail in Slack: %w", err)
	}
	p.say("Slack", "#sales: %s", m.AsText())
	return call, p.opensLink(ctx, m)
}

func (p *player) takenTwice(ctx context.Context) (*voicetest.Call, error) {
	call, m, err := p.arrive(ctx, janePhone, "Jane Doe", voicetest.CallerInfo{City: "BOISE", State: "ID", Country: "US"})
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return p.presses(ctx, "Ann", annSlack, m, "Take", "Yours: JANE DOE") },
		func() error { return p.doesNotPickUp(ctx, "Ann", annPhone, call) },
		func() error { return p.shows(ctx, "Ann did not pick up, still waiting ") },
		func() error { return p.told(ctx, "Ann", annSlack, "You did not pick up. JANE DOE") },
		func() error { return p.announced(ctx, "Bob", bobPhone, "Ann did not pick up. Sales: JANE DOE") },
		func() error { return p.texts(ctx, "Bob", bobPhone, "Y", "Yours: JANE DOE") },
		func() error { return p.talk(ctx, "Bob", bobPhone, call) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return call, nil
}

// doesNotPickUp has a taker's phone ring in vain. The caller hears music again.
func (p *player) doesNotPickUp(ctx context.Context, who, phone string, call *voicetest.Call) error {
	leg, err := p.net.Phone(phone).WaitRing(ctx)
	if err != nil {
		return fmt.Errorf("%s's phone does not ring: %w", who, err)
	}
	rang := time.Now()
	p.say(who, "phone rings, and rings.")
	if err := leg.WaitPlace(ctx, voicetest.PlaceEnded); err != nil {
		return fmt.Errorf("%s's phone rings on: %w", who, err)
	}
	p.say(who, "does not pick up.")
	sorry, err := call.WaitHeard(ctx, func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardSay && h.At.After(rang) })
	if err != nil {
		return fmt.Errorf("the caller hears nothing: %w", err)
	}
	p.say("caller", "hears: %s", sorry.Text)
	if _, err = call.WaitHeard(ctx, func(h voicetest.Heard) bool { return h.Kind == voicetest.HeardPlay && h.At.After(rang) }); err != nil {
		return fmt.Errorf("the caller hears no music: %w", err)
	}
	p.say("caller", "hears music again.")
	return nil
}

func (p *player) takenInLine(ctx context.Context) (*voicetest.Call, error) {
	p.say("Ann", "types: /pull")
	reply, err := p.work.Command(ctx, annSlack, salesChannel, "/pull", "")
	if err != nil {
		return nil, err
	}
	p.say("Ann", "is told: %s", reply.Text)
	if !strings.HasPrefix(reply.Text, "Nobody is waiting. You are next in line") {
		return nil, fmt.Errorf("/pull says %q, and not that Ann is next in line", reply.Text)
	}
	p.say("caller", "Somebody in Nampa calls %s.", salesNumber)
	call := p.net.Phone(markPhone).Call(salesNumber, voicetest.CallerInfo{City: "NAMPA", State: "ID", Country: "US"})
	if err := p.told(ctx, "Ann", annSlack, "Yours: (208) 555-0145"); err != nil {
		return nil, err
	}
	return call, p.talk(ctx, "Ann", annPhone, call)
}

var linkInSlack = regexp.MustCompile(`<(https?://[^|>]+)\|Listen>`)

// opensLink opens a voicemail's link as a browser does: the page, then the sound, then a part of it.
func (p *player) opensLink(ctx context.Context, m bottest.Message) error {
	link := linkInSlack.FindStringSubmatch(m.Text)
	if link == nil {
		return fmt.Errorf("no link in %q", m.Text)
	}
	for _, get := range []struct {
		url, byteRange, kind string
		status               int
	}{
		{link[1], "", "text/html", http.StatusOK},
		{link[1] + "/audio", "", "audio/", http.StatusOK},
		{link[1] + "/audio", "bytes=100-199", "audio/", http.StatusPartialContent},
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, get.url, nil)
		if err != nil {
			return err
		}
		if get.byteRange != "" {
			req.Header.Set("Range", get.byteRange)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		kind := res.Header.Get("Content-Type")
		if err != nil || res.StatusCode != get.status || !strings.HasPrefix(kind, get.kind) || len(body) == 0 {
			return fmt.Errorf("GET %s: %s, %s, %d bytes, %v", get.url, res.Status, kind, len(body), err)
		}
		p.say("Ann", "opens %s: %s, %d bytes of %s", strings.TrimPrefix(get.url, "http://"), res.Status, len(body), kind)
	}
	return nil
}

// syncBuffer keeps the server's log until it is known whether anybody wants to read it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
