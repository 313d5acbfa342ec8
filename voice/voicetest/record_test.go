package voicetest_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

func recording(n *network, attrs string) *voicetest.Call {
	n.t.Helper()
	n.app.on("/voice", `<Record action="/recorded" recordingStatusCallback="/ready" `+attrs+`/>`)
	n.app.on("/recorded", `<Say>thanks</Say>`)
	n.app.on("/ready", ``)
	c := n.call()
	n.no(c.WaitPlace(n.ctx, voicetest.PlaceRecording))
	return c
}

func TestRecordEndings(t *testing.T) {
	for _, c := range []struct {
		name, attrs string
		do          func(*network, *clockwork.FakeClock, *voicetest.Call)
		digits      string
		duration    string
	}{
		{"key", ``, func(_ *network, _ *clockwork.FakeClock, c *voicetest.Call) {
			c.Speak(2500 * time.Millisecond)
			c.Press("5")
		}, "5", "3"},
		{"other key", `finishOnKey="#"`, func(_ *network, _ *clockwork.FakeClock, c *voicetest.Call) {
			c.Speak(4 * time.Second)
			c.Press("5#")
		}, "#", "4"},
		{"silence", `timeout="3"`, func(n *network, clock *clockwork.FakeClock, c *voicetest.Call) {
			n.no(clock.BlockUntilContext(n.ctx, 1))
			clock.Advance(2 * time.Second)
			c.Speak(7 * time.Second)
			n.no(clock.BlockUntilContext(n.ctx, 1))
			clock.Advance(3 * time.Second)
		}, "", "7"},
		{"length", `maxLength="9"`, func(_ *network, _ *clockwork.FakeClock, c *voicetest.Call) { c.Speak(time.Minute) }, "", "9"},
		{"hang-up", ``, func(_ *network, _ *clockwork.FakeClock, c *voicetest.Call) {
			c.Speak(time.Second)
			c.Hangup()
		}, "hangup", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := clockwork.NewFakeClock()
			n := start(t, voicetest.Options{Clock: clock})
			call := recording(n, c.attrs)
			c.do(n, clock, call)
			n.no(call.WaitEnd(n.ctx))
			n.quiet()
			form := n.app.wait(n.ctx, "/recorded", 1).form
			expect(t, "Digits", form.Get("Digits"), c.digits)
			expect(t, "RecordingDuration", form.Get("RecordingDuration"), c.duration)
			ready := n.app.got("/ready")
			expect(t, "callbacks", len(ready), 1)
			expect(t, "RecordingStatus", ready[0].form.Get("RecordingStatus"), "completed")
			expect(t, "RecordingSid", ready[0].form.Get("RecordingSid"), form.Get("RecordingSid"))
			expect(t, "beep", call.Heard()[0].Kind, voicetest.HeardBeep)
		})
	}
}

func TestEmptyRecording(t *testing.T) {
	n := start(t, voicetest.Options{EmptyRecording: "absent"})
	c := recording(n, `playBeep="false" recordingStatusCallbackEvent="in-progress completed absent"`)
	c.Hangup()
	n.quiet()
	var seen []string
	for _, h := range n.app.got("/ready") {
		seen = append(seen, h.form.Get("RecordingStatus"))
	}
	expect(t, "callbacks", strings.Join(seen, " "), "in-progress absent")
	expect(t, "duration", n.app.got("/recorded")[0].form.Get("RecordingDuration"), "0")
}

// media gets a file with or without credentials.
func (n *network) media(address, rng string, auth bool) (*http.Response, []byte) {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.ctx, http.MethodGet, address, nil)
	n.no(err)
	if auth {
		r.SetBasicAuth(n.AccountSID(), n.AuthToken())
	}
	if rng != "" {
		r.Header.Set("Range", rng)
	}
	resp, err := http.DefaultClient.Do(r)
	n.no(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	n.no(err)
	return resp, data
}

func TestRecordingResources(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock, RecordingDelay: time.Minute})
	c := recording(n, "")
	c.Speak(3 * time.Second)
	c.Hangup()
	address := n.app.wait(n.ctx, "/recorded", 1).form.Get("RecordingUrl")
	sid := n.app.got("/recorded")[0].form.Get("RecordingSid")
	resp, _ := n.media(address+".wav", "", true)
	expect(t, "too early", resp.StatusCode, 404)
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(time.Minute)
	n.app.wait(n.ctx, "/ready", 1)

	resp, _ = n.media(address+".wav", "", false)
	expect(t, "without credentials", resp.StatusCode, 401)
	resp, data := n.media(address+".wav", "", true)
	expect(t, "wav", resp.StatusCode, 200)
	expect(t, "length", len(data), 44+3*8000*2)
	expect(t, "header", string(data[:4])+string(data[8:16]), "RIFFWAVEfmt ")
	expect(t, "data size", int(binary.LittleEndian.Uint32(data[40:])), 3*8000*2)
	expect(t, "silence", bytes.Equal(data[44:], make([]byte, len(data)-44)), false)
	resp, part := n.media(address+".wav", "bytes=4-7", true)
	expect(t, "range", resp.StatusCode, 206)
	expect(t, "part", bytes.Equal(part, data[4:8]), true)
	resp, data = n.media(address+".mp3", "", true)
	expect(t, "mp3", resp.Header.Get("Content-Type"), "audio/mpeg")
	expect(t, "frames", len(data), 84*144)

	for _, list := range []string{"Recordings.json?CallSid=" + c.SID(), "Calls/" + c.SID() + "/Recordings.json"} {
		_, v := n.rest("GET", list, nil)
		expect(t, list, len(v["recordings"].([]any)), 1)
	}
	status, v := n.rest("GET", "Recordings/"+sid+".json", nil)
	expect(t, "get", status, 200)
	expect(t, "duration", v["duration"], "3")
	status, _ = n.rest("DELETE", "Recordings/"+sid+".json", nil)
	expect(t, "delete", status, 204)
	status, _ = n.rest("DELETE", "Recordings/"+sid+".json", nil)
	expect(t, "delete again", status, 404)
	resp, _ = n.media(address, "", true)
	expect(t, "after", resp.StatusCode, 404)
}

func TestRecordInInlineTwiML(t *testing.T) {
	n := start(t, voicetest.Options{})
	c := queued(n)
	n.rest("POST", "Calls/"+c.SID()+".json", url.Values{"Twiml": {`<Response><Record action="/recorded"/></Response>`}})
	n.no(c.WaitPlace(n.ctx, voicetest.PlaceRecording))
	c.Press("1")
	n.no(c.WaitEnd(n.ctx))
	if p := n.problems(); !strings.Contains(p, "15004") || !strings.Contains(p, "hears an error") {
		t.Errorf("problems: %s", p)
	}
}
