package bot

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

var sound = []byte(strings.Repeat("0123456789", 5000))

// upstream is Twilio's media, as h serves it.
func (r *room) upstream(h http.HandlerFunc) *[]string {
	r.Helper()
	var mu sync.Mutex
	asked := &[]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, pass, _ := req.BasicAuth(); user != "AC00000000000000000000000000000001" || pass != "token" {
			r.Errorf("asked without credentials: %s", req.URL)
		}
		mu.Lock()
		*asked = append(*asked, req.Method+" "+req.URL.Path+" "+req.Header.Get("Range"))
		mu.Unlock()
		h(w, req)
	}))
	r.Cleanup(srv.Close)
	var err error
	r.Twilio, err = twilio.New("AC00000000000000000000000000000001", "token", srv.URL)
	r.no(err)
	return asked
}

const mediaPath = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Recordings/RE00000000000000000000000000000001"

func seekable(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "audio/mpeg")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(sound))
}

// whole is a server that knows no ranges.
func whole(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "audio/mpeg")
	w.Header().Set("Content-Length", strconv.Itoa(len(sound)))
	_, _ = w.Write(sound)
}

// A player may seek, whether Twilio gives parts or not.
func TestAudio(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{"Range honoured": seekable, "Range ignored": whole} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			_, link := r.left(store.Arrival{SID: "CA1"})
			asked := r.upstream(h)
			for _, c := range []struct {
				method, part string
				status       int
				body         []byte
				header       map[string]string
			}{
				{"GET", "", 200, sound, map[string]string{"Content-Length": "50000"}},
				{"HEAD", "", 200, nil, map[string]string{"Content-Length": "50000"}},
				{"GET", "bytes=0-", 206, sound, map[string]string{"Content-Range": "bytes 0-49999/50000", "Content-Length": "50000"}},
				{"GET", "bytes=7-12", 206, sound[7:13], map[string]string{"Content-Range": "bytes 7-12/50000", "Content-Length": "6"}},
				{"GET", "bytes=-3", 206, sound[49997:], map[string]string{"Content-Range": "bytes 49997-49999/50000"}},
				{"HEAD", "bytes=7-12", 206, nil, map[string]string{"Content-Range": "bytes 7-12/50000", "Content-Length": "6"}},
				{"GET", "bytes=50000-", 416, nil, map[string]string{"Content-Range": "bytes */50000"}},
			} {
				var header []string
				if c.part != "" {
					header = []string{"Range", c.part}
				}
				res, body := r.get(c.method, link+"/audio", header...)
				if c.status != 416 {
					safe(t, res)
				}
				if res.StatusCode != c.status || c.status != 416 && !bytes.Equal(body, c.body) {
					t.Errorf("%s %s: %s, %d bytes", c.method, c.part, res.Status, len(body))
				}
				for k, v := range c.header {
					if got := res.Header.Get(k); got != v {
						t.Errorf("%s %s: %s is %q, want %q", c.method, c.part, k, got, v)
					}
				}
				if c.status != 416 && (res.Header.Get("Content-Type") != "audio/mpeg" || res.Header.Get("Accept-Ranges") != "bytes") {
					t.Errorf("%s %s: %v", c.method, c.part, res.Header)
				}
			}
			if got, want := (*asked)[3], "GET "+mediaPath+".mp3 bytes=7-12"; got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
		})
	}
}

// An account that encrypts its recordings has no MP3 (error 16109).
func TestAudioWithoutMP3(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1"})
	asked := r.upstream(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, ".mp3") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"code": 16109, "message": "no MP3 of an encrypted recording", "status": 400}`)
			return
		}
		w.Header().Set("Content-Type", "audio/x-wav")
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(sound))
	})
	res, body := r.get(http.MethodGet, link+"/audio", "Range", "bytes=1-2")
	if res.StatusCode != 206 || string(body) != "12" || res.Header.Get("Content-Type") != "audio/x-wav" {
		t.Errorf("%s, %q, %v", res.Status, body, res.Header)
	}
	if got := strings.Join(*asked, "; "); got != "GET "+mediaPath+".mp3 bytes=1-2; GET "+mediaPath+".wav bytes=1-2" {
		t.Errorf("asked %s", got)
	}
}

// Whatever Twilio says it is, it is served as sound: never as a page of ours.
func TestAudioIsNoPage(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1"})
	for _, kind := range []string{"text/html", "", "application/xml", "image/svg+xml"} {
		r.upstream(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Set-Cookie", "x=1")
			w.Header().Set("Location", "https://evil.example")
			fmt.Fprint(w, "<script>alert(1)</script>")
		})
		res, _ := r.get(http.MethodGet, link+"/audio")
		safe(t, res)
		if res.Header.Get("Content-Type") != "audio/mpeg" || res.Header.Get("Set-Cookie") != "" || res.Header.Get("Location") != "" {
			t.Errorf("%q: %v", kind, res.Header)
		}
	}
}

func TestAudioFails(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1"})
	for name, c := range map[string]struct {
		h      http.HandlerFunc
		status int
	}{
		"gone": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); fmt.Fprint(w, `{"code": 20404}`) }, http.StatusGone},
		"401":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, http.StatusBadGateway},
		"400":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, http.StatusBadGateway},
		"500":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, http.StatusBadGateway},
		"redirected": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://evil.example")
			w.WriteHeader(302)
		}, http.StatusBadGateway},
		"dropped": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, http.StatusBadGateway},
	} {
		r.upstream(c.h)
		res, body := r.get(http.MethodGet, link+"/audio")
		safe(t, res)
		if res.StatusCode != c.status || !strings.Contains(string(body), "cannot be had from Twilio") || strings.Contains(res.Header.Get("Location"), "evil") {
			t.Errorf("%s: %s, %s", name, res.Status, body)
		}
	}
}

// A sound that breaks off on its way from Twilio must not look complete to the player.
func TestAudioBreaksOff(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1"})
	for name, length := range map[string]string{"length told": "50000", "length not told": ""} {
		for _, part := range []string{"", "bytes=0-"} {
			r.upstream(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "audio/mpeg")
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				_, _ = w.Write(sound[:30000])
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
			req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, link+"/audio", nil)
			r.no(err)
			if part != "" {
				req.Header.Set("Range", part)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				continue // broken off at once: that is told as well
			}
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
			if err == nil && res.StatusCode < 400 {
				t.Errorf("%s, %q: %s, and it ends as if it were complete", name, part, res.Status)
			}
		}
	}
}

// A listener hears the beginning while Twilio still sends the rest, and one who leaves ends the request to Twilio.
func TestAudioStreams(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1"})
	ended := make(chan struct{})
	r.upstream(func(w http.ResponseWriter, req *http.Request) {
		defer close(ended)
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(sound[:40000])
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
	})
	conn, err := (&net.Dialer{}).DialContext(r.ctx, "tcp", strings.TrimPrefix(r.url, "http://"))
	r.no(err)
	fmt.Fprintf(conn, "GET %s/audio HTTP/1.1\r\nHost: x\r\n\r\n", strings.TrimPrefix(link, r.url))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	r.no(err)
	if _, err := io.ReadFull(res.Body, make([]byte, 30000)); err != nil {
		t.Fatal(err)
	}
	r.no(conn.Close())
	select {
	case <-ended:
	case <-r.ctx.Done():
		t.Error("Twilio is still asked for what nobody hears")
	}
}
