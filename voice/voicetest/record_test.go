package voicetest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
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

// pcm is a WAV file of 16 bits with a chunk that nobody needs before its sound.
func pcm(rate, channels int, samples ...int16) []byte {
	var b bytes.Buffer
	le := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("RIFF\xff\xff\xff\xffWAVELIST\x03\x00\x00\x00odd\x00fmt ")
	le(uint32(16))
	le([]uint16{1, uint16(channels)})
	le([]uint32{uint32(rate), uint32(2 * channels * rate)})
	le([]uint16{uint16(2 * channels), 16})
	b.WriteString("data")
	le(uint32(2 * len(samples)))
	le(samples)
	return b.Bytes()
}

// What was said is what is played.
func TestRecordingOfASound(t *testing.T) {
	n := start(t, voicetest.Options{})
	c := recording(n, "")
	n.no(c.SpeakWAV(pcm(8000, 1, 1, -2, 3)))
	n.no(c.SpeakWAV(pcm(16000, 1, 10, 20, -30, -50)))
	n.no(c.SpeakWAV(pcm(4000, 1, 7)))
	for name, bad := range map[string][]byte{
		"empty": nil, "no WAV": []byte("ID3\x03 and so on and so on"), "stereo": pcm(8000, 2, 1, 2), "too slow": pcm(10, 1, 1),
		"cut": pcm(8000, 1)[:40], "only its name": []byte("RIFF....WAVE"),
	} {
		if err := c.SpeakWAV(bad); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
	c.Hangup()
	form := n.app.wait(n.ctx, "/ready", 1).form
	expect(t, "RecordingDuration", form.Get("RecordingDuration"), "1")
	address := form.Get("RecordingUrl")
	resp, data := n.media(address+".wav", "", true)
	expect(t, "Content-Type", resp.Header.Get("Content-Type"), "audio/x-wav")
	got := make([]int16, 7)
	expect(t, "length", len(data), 44+2*len(got))
	binary.Decode(data[44:], binary.LittleEndian, got)
	expect(t, "samples", fmt.Sprint(got), "[1 -2 3 15 -40 7 7]")
	// The network can make no MP3 of it, and says so as Twilio does for encrypted recordings.
	resp, data = n.media(address+".mp3", "", true)
	expect(t, "mp3", resp.StatusCode, 400)
	expect(t, "code", strings.Contains(string(data), `"code":16109`), true)
}

// A sound that is longer than the message may be is cut; what was only counted is silence.
func TestRecordingCut(t *testing.T) {
	n := start(t, voicetest.Options{})
	c := recording(n, `maxLength="1"`)
	c.Speak(500 * time.Millisecond)
	n.no(c.SpeakWAV(pcm(8000, 1, slices.Repeat([]int16{5}, 8000)...)))
	form := n.app.wait(n.ctx, "/ready", 1).form
	_, data := n.media(form.Get("RecordingUrl")+".wav", "", true)
	expect(t, "length", len(data), 44+2*8000)
	expect(t, "before", data[44+2*3999], byte(0))
	expect(t, "after", data[44+2*4000], byte(5))
}
