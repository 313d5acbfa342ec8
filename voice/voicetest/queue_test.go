package voicetest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

// queued answers the line with a queue and puts a caller into it.
func queued(n *network) *voicetest.Call {
	n.t.Helper()
	n.app.on("/voice", `<Enqueue waitUrl="/wait" action="/left">support</Enqueue><Say>after</Say>`)
	n.app.on("/wait", `<Say>please hold</Say>`)
	n.app.on("/left", ``)
	c := n.call()
	_, err := c.WaitHeard(n.ctx, heard("say", "please hold"))
	n.no(err)
	expect(n.t, "place", c.Place(), voicetest.PlaceQueue)
	return c
}

// memberPath is the API path of the first caller in the queue.
func (n *network) memberPath() string {
	n.t.Helper()
	_, v := n.rest("GET", "Queues.json", nil)
	for _, q := range v["queues"].([]any) {
		if sid := q.(map[string]any)["sid"].(string); q.(map[string]any)["friendly_name"] == "support" {
			return "Queues/" + sid + "/Members/" + n.Members("support")[0] + ".json"
		}
	}
	n.t.Fatal("no queue")
	return ""
}

func TestMemberRedirect(t *testing.T) {
	for _, refusal := range []int{404, 400} {
		clock := clockwork.NewFakeClock()
		n := start(t, voicetest.Options{Clock: clock, MemberRefusal: refusal})
		c := queued(n)
		clock.Advance(4 * time.Second)
		wait := n.app.got("/wait")[0].form
		for name, want := range map[string]string{"QueuePosition": "1", "CurrentQueueSize": "1", "MaxQueueSize": "1000", "QueueTime": "0", "CallStatus": "in-progress"} {
			expect(t, name, wait.Get(name), want)
		}
		path := n.memberPath()
		status, v := n.rest("GET", path, nil)
		expect(t, "get", status, 200)
		expect(t, "wait time", v["wait_time"], 4.0)
		n.rest("GET", strings.TrimSuffix(path, "/"+c.SID()+".json")+".json", nil)

		n.app.on("/taken", `<Say>taken</Say>`)
		// The answer of the action must not steer the call.
		n.app.on("/left", `<Say>wrong</Say><Hangup/>`)
		form := url.Values{"Url": {n.app.server.URL + "/taken"}, "Method": {"POST"}}
		status, _ = n.rest("POST", path, form)
		expect(t, "first redirect", status, 200)
		status, _ = n.rest("POST", path, form)
		expect(t, "second redirect", status, refusal)
		n.no(c.WaitEnd(n.ctx))
		n.quiet()
		left := n.app.got("/left")
		expect(t, "actions", len(left), 1)
		expect(t, "QueueResult", left[0].form.Get("QueueResult"), "redirected")
		expect(t, "QueueTime", left[0].form.Get("QueueTime"), "4")
		expect(t, "redirects", n.Redirects(c.SID()), 1)
		last := c.Heard()[len(c.Heard())-1]
		expect(t, "heard", last.Text, "taken")
		expect(t, "members", len(n.Members("support")), 0)
	}
}

func TestHangupInQueue(t *testing.T) {
	n := start(t, voicetest.Options{})
	c := queued(n)
	c.Hangup()
	n.quiet()
	expect(t, "webhooks", n.app.order(), "/voice /wait /left /ended")
	expect(t, "QueueResult", n.app.got("/left")[0].form.Get("QueueResult"), "hangup")
	expect(t, "CallStatus", n.app.got("/left")[0].form.Get("CallStatus"), "completed")
}

func TestShuffle(t *testing.T) {
	n := start(t, voicetest.Options{Shuffle: func(ready int) int { return ready - 1 }})
	c := queued(n)
	c.Hangup()
	n.quiet()
	expect(t, "webhooks", n.app.order(), "/voice /wait /ended /left")
}

func TestWaitDocumentLoopsAndLeaves(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	c := queued(n)
	n.no(clock.BlockUntilContext(n.ctx, 1))
	n.app.on("/wait", `<Leave/>`)
	n.app.on("/left", `<Say>left</Say>`)
	clock.Advance(10 * time.Second)
	n.no(c.WaitEnd(n.ctx))
	expect(t, "rounds", len(n.app.got("/wait")), 2)
	expect(t, "QueueTime", n.app.got("/wait")[1].form.Get("QueueTime"), "10")
	expect(t, "QueueResult", n.app.got("/left")[0].form.Get("QueueResult"), "leave")
}

func TestWaitDocumentFails(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.on("/voice", `<Enqueue waitUrl="/gone" action="/left">support</Enqueue>`)
	n.app.on("/left", `<Say>still here</Say>`)
	c := n.call()
	_, err := c.WaitHeard(n.ctx, heard("say", "still here"))
	n.no(err)
	expect(t, "QueueResult", n.app.got("/left")[0].form.Get("QueueResult"), "error")
}

func TestStaticHoldMusic(t *testing.T) {
	n := start(t, voicetest.Options{})
	n.app.handle("/hold.mp3", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		io.WriteString(w, "sound")
	})
	n.app.on("/voice", `<Enqueue waitUrl="/hold.mp3" waitUrlMethod="GET">support</Enqueue>`)
	c := n.call()
	_, err := c.WaitHeard(n.ctx, heard("play", "/hold.mp3"))
	n.no(err)
	expect(t, "place", c.Place(), voicetest.PlaceQueue)
	c.Hangup()
	n.quiet()
}

func TestQueueFull(t *testing.T) {
	n := start(t, voicetest.Options{})
	status, _ := n.rest("POST", "Queues.json", url.Values{"FriendlyName": {"support"}, "MaxSize": {"1"}})
	expect(t, "create", status, 201)
	c := queued(n)
	n.app.on("/left", `<Say>full</Say>`)
	other := n.Phone(second).Call(line, voicetest.CallerInfo{})
	_, err := other.WaitHeard(n.ctx, heard("say", "full"))
	n.no(err)
	expect(t, "members", strings.Join(n.Members("support"), ","), c.SID())
	c.Hangup()
	n.quiet()
}

func TestCallUpdates(t *testing.T) {
	n := start(t, voicetest.Options{})
	c := queued(n)
	n.app.on("/one", `<Play loop="0">/music</Play>`)
	n.app.handle("/music", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", "audio/wav") })
	status, _ := n.rest("POST", "Calls/"+c.SID()+".json", url.Values{"Url": {n.app.server.URL + "/one"}})
	expect(t, "first", status, 200)
	_, err := c.WaitHeard(n.ctx, heard("play", "/music"))
	n.no(err)
	status, _ = n.rest("POST", "Calls/"+c.SID()+".json", url.Values{"Twiml": {`<Response><Say>last wins</Say></Response>`}})
	expect(t, "second", status, 200)
	n.no(c.WaitEnd(n.ctx))
	_, err = c.WaitHeard(n.ctx, heard("say", "last wins"))
	n.no(err)
	status, v := n.rest("POST", "Calls/"+c.SID()+".json", url.Values{"Url": {n.app.server.URL + "/one"}})
	expect(t, "ended", status, 400)
	expect(t, "code", v["code"], 21220.0)
	expect(t, "redirects", n.Redirects(c.SID()), 2)

	c = queued(n)
	status, v = n.rest("POST", "Calls/"+c.SID()+".json", url.Values{"Status": {"completed"}})
	expect(t, "hang up", status, 200)
	expect(t, "status", v["status"], "completed")
	expect(t, "place", c.Place(), voicetest.PlaceEnded)
	n.quiet()
}
