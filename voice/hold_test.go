package voice

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/music"
)

func play(url string) verb {
	return verb{Name: "Play", Text: url, Attr: map[string]string{"loop": "0"}}
}

func say(text string) verb {
	return verb{Name: "Say", Text: text, Attr: map[string]string{"voice": "woman"}}
}

var ownMusic = play(here + musicPath + music.Name)

// held is the document of a caller on hold: what any key of theirs makes an end of. said is how many seconds after their
// arrival they were last told how many are before them, piece counts the music.
func held(c store.Call, n, said, before, piece int, verbs ...verb) []verb {
	on := fmt.Sprintf("?c=%s&n=%d&s=%d&b=%d&m=%d", c.ID, n, said, before, piece)
	return []verb{
		{Name: "Gather", Attr: map[string]string{"action": here + holdKeyPath + on, "input": "dtmf", "numDigits": "1", "timeout": "1"}, Inner: verbs},
		{Name: "Redirect", Text: here + holdPath + on},
	}
}

const (
	again     = "Sorry, that took longer than we thought. We are still finding the right person for you."
	bothKeys  = "Press 1 to leave a message, 2 to be called back."
	oneBefore = "1 caller is before you."
)

func TestHold(t *testing.T) {
	for name, c := range map[string]struct {
		greeting string
		n        int
		form     []string
		want     []verb
	}{
		"first":                {"Hello & welcome.", 1, []string{"QueueTime", "0"}, []verb{say("Hello & welcome."), say(bothKeys), ownMusic}},
		"first, no time told":  {"Hello & welcome.", 1, nil, []verb{say("Hello & welcome."), say(bothKeys), ownMusic}},
		"no greeting":          {"", 1, nil, []verb{say(bothKeys), ownMusic}},
		"Twilio took its time": {"Hello & welcome.", 1, []string{"QueueTime", "1"}, []verb{say("Hello & welcome."), say(bothKeys), ownMusic}},
		"the music has ended":  {"Hello & welcome.", 1, []string{"QueueTime", "600"}, []verb{ownMusic}},
	} {
		t.Run(name, func(t *testing.T) {
			team := someTeam()
			team.Lines[0].Greeting = c.greeting
			h := open(t, team)
			call := h.arrive("CA1")
			f := form(common(call, append(c.form, "QueueSid", "QU1")...)...)
			if got := spoken(t, h.post(of(holdPath, call, c.n), f)); !reflect.DeepEqual(got.Inner, held(call, c.n, 0, 0, 1, c.want...)) {
				t.Errorf("got %s", got)
			}
		})
	}
}

// Whoever comes second is told so between the greeting and the keys.
func TestHoldSecond(t *testing.T) {
	h := open(t, someTeam())
	h.arrive("CA1")
	c := h.arrive("CA2")
	f := form(common(c, "QueueSid", "QU1")...)
	want := held(c, 1, 0, 1, 1, say("Hello & welcome."), say(oneBefore), say(bothKeys), piece)
	if got := spoken(t, h.post(of(holdPath, c, 1), f)); !reflect.DeepEqual(got.Inner, want) {
		t.Errorf("got %s", got)
	}
}

// Who waits again hears an apology instead of the greeting, and not their place, of which they may have heard just before.
func TestHoldAgain(t *testing.T) {
	h := open(t, someTeam())
	c := h.back(h.arrive("CA1"))
	h.clock.Advance(30 * time.Second)
	f := form(common(c, "QueueSid", "QU1", "QueueTime", "0")...)
	if got := spoken(t, h.post(of(holdPath, c, 2), f)); !reflect.DeepEqual(got.Inner, held(c, 2, 30, 0, 1, say(again), say(bothKeys), ownMusic)) {
		t.Errorf("got %s", got)
	}
	// They were given back before they had left the queue: the document is of the attempt before, its keys are of this one.
	c = h.arrive("CA2")
	c = h.answer(c, "Ann", store.Take)
	v, c, err := h.Store.Answer(t.Context(), store.Answer{ID: "n", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.SendVoicemail})
	if err != nil || v.Result != store.GivenBack {
		t.Fatal(v, err)
	}
	if c, err = h.Store.Retrieved(t.Context(), c.ID, 2); err != nil || c.Missing != 0 {
		t.Fatal(c.Missing, err)
	}
	h.clock.Advance(90 * time.Second)
	got := spoken(t, h.post(of(holdPath, c, 1)+"&s=0&m=1", form(common(c, "QueueSid", "QU1")...)))
	if !reflect.DeepEqual(got.Inner, held(c, 1, 90, 1, 2, say(oneBefore), piece)) {
		t.Errorf("got %s", got)
	}
	spoken(t, h.post(of(holdKeyPath, c, 1), form(common(c, "Digits", "1")...)))
	if now := h.call(c.ID); now.State != store.Recording || now.Attempt != 2 {
		t.Errorf("%+v", now)
	}
}

// piece is the music once.
var piece = verb{Name: "Play", Text: here + musicPath + music.Name}

// The queue that Twilio put the caller in is kept, for the redirect; a name that is none is not.
func TestHoldKeepsQueue(t *testing.T) {
	h := open(t, someTeam())
	c := h.arrive("CA1")
	for _, queue := range []string{"", "../QU1", "QU1/Members", "qu1"} {
		h.post(of(holdPath, c, 1), form(common(c, "QueueSid", queue)...))
		if now := h.call(c.ID); now.Queue != "" {
			t.Fatalf("%q is kept", now.Queue)
		}
	}
	for range 2 {
		h.post(of(holdPath, c, 1), form(common(c, "QueueSid", "QU1")...))
		if now := h.call(c.ID); now.Queue != "QU1" || now.Rev != c.Rev || now.State != store.Waiting {
			t.Errorf("%+v", now)
		}
	}
	over := stage(h, h.arrive("CA2"), "missed")
	spoken(t, h.post(of(holdPath, over, 1), form(common(over, "QueueSid", "QU1")...)))
	if now := h.call(over.ID); now.Queue != "" {
		t.Error("an ended call is changed")
	}
}

// Whatever fails, a caller who waits hears music.
func TestHoldWithoutStore(t *testing.T) {
	h := open(t, someTeam())
	c := h.arrive("CA1")
	h.disk.breakDown(true)
	want := held(c, 1, 0, 0, 1, say("Hello & welcome."), ownMusic)
	if got := spoken(t, h.post(of(holdPath, c, 1), form(common(c, "QueueSid", "QU1", "QueueTime", "0")...))); !reflect.DeepEqual(got.Inner, want) {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(h.log.String(), "disk on fire") {
		t.Error("the failure is not logged")
	}
	// A call of a line that is not configured any more, too.
	h.disk.breakDown(false)
	h.Store.Team.Lines = nil
	if got := spoken(t, h.post(of(holdPath, c, 1), form(common(c)...))); got.Inner[0].Name != "Gather" || !slices.ContainsFunc(got.Inner[0].Inner, func(v verb) bool { return v.String() == ownMusic.String() }) {
		t.Errorf("got %s", got)
	}
}

func TestHoldMusic(t *testing.T) {
	long := func(n, length int, fill string) []string {
		var urls []string
		for i := range n {
			u := fmt.Sprintf("https://music.example/%d?", i)
			urls = append(urls, u+strings.Repeat(fill, (length-len(u))/len(fill)))
		}
		return urls
	}
	for name, c := range map[string]struct {
		urls []string
		loop string // of the only Play; of several each plays once
	}{
		"ours":               {nil, "0"},
		"one":                {[]string{"https://music.example/a.mp3?x=1&y=2"}, "0"},
		"two":                {long(2, 60, "a"), ""},
		"ten":                {long(10, 60, "a"), ""},
		"500":                {long(500, 60, "a"), ""},
		"signed URLs":        {long(12, 900, "a"), ""},
		"many signed URLs":   {long(100, 900, "a"), ""},
		"few very long URLs": {long(3, 8000, "a"), ""},
		"full of ampersands": {long(4, 1500, "&a=b"), ""},
		"only ampersands":    {long(20, 2000, "&"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			team := someTeam()
			team.Lines[0].Greeting = strings.Repeat("We are finding the right person. ", 120) // nearly what a Say may hold
			team.Lines[0].HoldMusic = c.urls
			h := open(t, team)
			call := h.arrive("CA1")
			got := spoken(t, h.post(of(holdPath, call, 1), form(common(call)...))) // which measures it
			if len(got.Inner) != 2 || got.Inner[0].Name != "Gather" || len(got.Inner[0].Inner) < 3 {
				t.Fatalf("%.300s", got)
			}
			pieces := got.Inner[0].Inner[2:] // after the greeting and the keys
			urls := c.urls
			if urls == nil {
				urls = []string{here + musicPath + music.Name}
			}
			for i, v := range pieces {
				if v.Name != "Play" || v.Text != urls[i%len(urls)] || v.Attr["loop"] != c.loop {
					t.Fatalf("verb %d: %.300s, want a Play of %.100s", i, v, urls[i%len(urls)])
				}
			}
			// Asking again must be rare, or a restart of ours would be heard.
			if n := len(pieces); len(urls) > 1 && len(urls[0]) < 100 && n < 200 {
				t.Errorf("only %d pieces in a document", n)
			}
		})
	}
}

func TestMusicFile(t *testing.T) {
	h := open(t, someTeam())
	uri := musicPath + music.Name
	whole := h.request(http.MethodGet, uri, nil)
	if whole.Code != 200 || !bytes.Equal(whole.Body.Bytes(), music.Hold) {
		t.Fatalf("status %d, %d bytes", whole.Code, whole.Body.Len())
	}
	etag := whole.Header().Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "audio/wav", "Cache-Control": "public, max-age=31536000, immutable", "Accept-Ranges": "bytes",
		"Content-Length": fmt.Sprint(len(music.Hold)), "ETag": `"` + music.Name + `"`,
	} {
		if got := whole.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if w := h.request(http.MethodHead, uri, nil); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != fmt.Sprint(len(music.Hold)) {
		t.Errorf("HEAD: status %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	part := h.request(http.MethodGet, uri, http.Header{"Range": {"bytes=100-199"}})
	if part.Code != http.StatusPartialContent || !bytes.Equal(part.Body.Bytes(), music.Hold[100:200]) {
		t.Errorf("part: status %d, %d bytes", part.Code, part.Body.Len())
	}
	if got, want := part.Header().Get("Content-Range"), fmt.Sprintf("bytes 100-199/%d", len(music.Hold)); got != want {
		t.Errorf("Content-Range %q, want %q", got, want)
	}
	if w := h.request(http.MethodGet, uri, http.Header{"Range": {"bytes=99999999-"}}); w.Code != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond its end: status %d", w.Code)
	}
	if w := h.request(http.MethodGet, uri, http.Header{"If-None-Match": {etag}}); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("known already: status %d", w.Code)
	}
	for _, other := range []string{musicPath, musicPath + "hold-000000000000.wav", musicPath + "../twilio/voice", uri + "/"} {
		if w := h.request(http.MethodGet, other, nil); w.Code == 200 {
			t.Errorf("%s: status %d", other, w.Code)
		}
	}
}
