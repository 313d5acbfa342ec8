package bot

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// runs runs the bot until the test ends, or until the returned function is called.
func (r *room) runs() (stop func()) {
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		r.Helper()
		cancel()
		if stopped {
			return
		}
		stopped = true
		select {
		case err := <-done:
			r.no(err)
		case <-time.After(20 * time.Second):
			r.Error("it does not stop")
		}
	}
	r.Cleanup(stop)
	return stop
}

func saying(text string) func(bottest.Message) bool {
	return func(m bottest.Message) bool { return strings.Contains(m.AsText(), text) }
}

// Everything that is due is done: the call is announced everywhere, answers are told, the voicemail is posted.
func TestRun(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	stop := r.runs()
	c := r.arrive("CA1")
	m, err := r.work.WaitMessage(r.ctx, channel, saying("Waiting."))
	r.no(err)
	for _, phone := range []string{annPhone, bobPhone} {
		_, err := net.Phone(phone).WaitSMS(r.ctx, func(m voicetest.SMS) bool { return strings.HasPrefix(m.Body, "Sales: ") })
		r.no(err)
	}
	_, err = r.work.Press(r.ctx, eve, channel, m.TS, "Take")
	r.no(err)
	_, err = r.work.WaitEphemeral(r.ctx, eve, saying("I have no phone number for you."))
	r.no(err)
	_, err = r.work.Press(r.ctx, ann, channel, m.TS, "Voicemail")
	r.no(err)
	_, err = r.work.WaitEphemeral(r.ctx, ann, saying("is sent to voicemail."))
	r.no(err)
	_, err = r.work.WaitMessage(r.ctx, channel, saying("Sent to voicemail by Ann."))
	r.no(err)
	_, err = r.Store.RecordingReady(r.ctx, c.ID, "RE1", 17)
	r.no(err)
	_, err = r.work.WaitMessage(r.ctx, channel, saying("Voicemail from"))
	r.no(err)
	_, err = r.work.WaitMessage(r.ctx, channel, saying("Left a voicemail of 0:17."))
	r.no(err)
	stop()
	r.no(net.WaitQuiet(r.ctx))
	if n := len(net.Phone(annPhone).Inbox()) + len(net.Phone(bobPhone).Inbox()) + len(net.Phone(cyPhone).Inbox()); n != 2 {
		t.Errorf("%d texts", n)
	}
}

// Slack down holds up no SMS, and is caught up with: each message shows the latest state, once.
func TestRunSlackDown(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	r.refusing("chat.postMessage", "internal_error")
	r.runs()
	c := r.arrive("CA1")
	_, err := net.Phone(annPhone).WaitSMS(r.ctx, func(voicetest.SMS) bool { return true })
	r.no(err)
	r.answers(c, "Ann", store.Take)
	_, err = r.Store.HungUp(r.ctx, c.ID)
	r.no(err)
	r.failing(nil)
	for shown := false; !shown; { // the back-off goes by the clock
		r.no(r.ctx.Err())
		r.clock.Advance(time.Minute)
		waited, cancel := context.WithTimeout(r.ctx, 100*time.Millisecond)
		_, err := r.work.WaitMessage(waited, channel, saying("Missed"))
		shown = err == nil
		cancel()
	}
	// One that was being drawn as the call ended may show the state before for a moment.
	if all := r.work.Messages(channel); len(all) != 1 || all[0].Updates > 1 {
		t.Errorf("%+v", all)
	}
}

// A taker whose caller has gone before they could be put through is told, by the way they answered.
func TestTakerIsTold(t *testing.T) {
	r := open(t, someTeam())
	net := r.phones(nil)
	r.runs()
	c := r.arrive("CA1")
	r.answers(c, "Ann", store.Take)
	_, err := r.Store.HungUp(r.ctx, c.ID)
	r.no(err)
	const gone = "(208) 555-0123 has hung up before you could be put through."
	_, err = net.Phone(annPhone).WaitSMS(r.ctx, func(m voicetest.SMS) bool { return m.Body == gone && m.From == sales })
	r.no(err)

	c = r.arrive("CA2")
	m, err := r.work.WaitMessage(r.ctx, channel, func(m bottest.Message) bool { // not that of the first call, before it is redrawn
		return len(m.Buttons()) == 2 && m.Buttons()[0].Value == value(c)
	})
	r.no(err)
	// The word on the press itself is still on its way when the caller hangs up.
	telling, told := make(chan struct{}, 9), make(chan struct{})
	leave := sync.OnceFunc(func() { close(told) })
	t.Cleanup(leave)
	r.failing(func(_ http.ResponseWriter, _ *http.Request, method string) bool {
		if method == "chat.postEphemeral" {
			telling <- struct{}{}
			<-told
		}
		return false
	})
	_, err = r.work.Press(r.ctx, bob, channel, m.TS, "Take")
	r.no(err)
	select {
	case <-telling:
	case <-r.ctx.Done():
		t.Fatal("nobody is told")
	}
	_, err = r.Store.HungUp(r.ctx, c.ID)
	r.no(err)
	leave()
	_, err = r.work.WaitEphemeral(r.ctx, bob, saying(gone))
	r.no(err)
}

// With Socket Mode presses and commands come by a connection, are answered in the acknowledgement, and the connection is
// made anew when it breaks.
func TestSocketMode(t *testing.T) {
	r := open(t, someTeam())
	r.phones(nil)
	r.work.Configure(bottest.App{SocketMode: true})
	r.SocketMode = true
	r.SigningSecret = ""
	r.Slack = NewSlack(r.work.BotToken(), r.work.URL(), slack.OptionAppLevelToken(r.work.AppToken()))
	r.runs()
	r.no(r.work.WaitSocket(r.ctx))
	c := r.arrive("CA1")
	m, err := r.work.WaitMessage(r.ctx, channel, saying("Waiting."))
	r.no(err)
	a, err := r.work.Command(r.ctx, ann, channel, "/pull", "list")
	if err != nil || a.Text != "1: (208) 555-0123 (Sales), waiting 0:00" {
		t.Errorf("%q, %v", a.Text, err)
	}
	r.work.CutSockets()
	r.no(r.work.WaitSocket(r.ctx))
	_, err = r.work.Press(r.ctx, ann, channel, m.TS, "Take")
	r.no(err)
	if now := r.call(c.ID); now.State != store.Ringing || now.Claim.Person != "Ann" {
		t.Errorf("acknowledged, but it is %s", now.State)
	}
	_, err = r.work.WaitEphemeral(r.ctx, ann, saying("Yours: "))
	r.no(err)
}

// A server that can record nothing has no connection while another lives: Slack would spread what people press over both.
func TestSocketModeAway(t *testing.T) {
	r := open(t, someTeam())
	r.work.Configure(bottest.App{SocketMode: true})
	r.SocketMode = true
	r.Slack = NewSlack(r.work.BotToken(), r.work.URL(), slack.OptionAppLevelToken(r.work.AppToken()))
	r.no(r.keys.Register(r.ctx, "another", []byte("{}")))
	ctx, cancel := context.WithCancel(r.ctx)
	t.Cleanup(cancel)
	go func() { _ = r.Store.Alive(ctx) }()
	go func() { _ = r.Store.TakeOver(ctx) }()
	// has waits, while the clock runs, until there are so many connections.
	has := func(n int) {
		t.Helper()
		for r.work.Sockets() != n {
			if r.ctx.Err() != nil {
				t.Fatalf("%d connections, not %d", r.work.Sockets(), n)
			}
			r.clock.Advance(100 * time.Millisecond)
			time.Sleep(time.Millisecond)
		}
	}
	r.runs()
	has(1)
	r.keys.on.Store(true)
	has(0)
	r.clock.Advance(time.Minute)
	if n := r.work.Sockets(); n != 0 {
		t.Errorf("%d connections", n)
	}
	r.no(r.keys.Backend.Update(r.ctx, func(tx store.Tx) error { tx.Delete("process/another"); return nil }))
	has(1) // better here than nowhere
	r.keys.on.Store(false)
	if _, err := r.work.Command(r.ctx, ann, channel, "/pull", "list"); err != nil {
		t.Error(err)
	}
}

// A refused token is no reason to give up, nor to ask Slack without a pause.
func TestSocketModeRefused(t *testing.T) {
	r := open(t, someTeam())
	r.SocketMode = true
	r.Slack = NewSlack(r.work.BotToken(), r.work.URL(), slack.OptionAppLevelToken("xapp-wrong"))
	stop := r.runs()
	r.log.wait(r, "check slack.app_token")
	if n := r.count("apps.connections.open"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	stop()
}
