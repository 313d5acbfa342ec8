package bot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// left is a call that left a message of 17 seconds, and the link of it.
func (r *room) left(a store.Arrival) (store.Call, string) {
	r.Helper()
	c := r.arriveAs(a)
	r.answers(c, "Ann", store.SendVoicemail)
	c, err := r.Store.RecordingReady(r.ctx, c.ID, "RE00000000000000000000000000000001", 17)
	r.no(err)
	return c, r.Links.Make(c.ID, 0, r.clock.Now())
}

// get asks for a URL, without following where it leads.
func (r *room) get(method, uri string, header ...string) (*http.Response, []byte) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.ctx, method, uri, nil)
	r.no(err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	r.no(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	r.no(err)
	return res, b
}

// safe checks the headers that every answer about a voicemail has.
func safe(t *testing.T, res *http.Response) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "X-Content-Type-Options": "nosniff",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s %s: %s is %q", res.Request.Method, res.Request.URL.Path, name, got)
		}
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "media-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy+";", want+";") {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
		t.Errorf("policy %q", policy)
	}
}

func TestPage(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1", Name: "JANE DOE", City: "Boise, ID"})
	res, body := r.get(http.MethodGet, link)
	safe(t, res)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%s, %v", res.Status, res.Header)
	}
	page := string(body)
	for _, want := range []string{
		"<h1>JANE DOE, (208) 555-0123</h1>", "Sales · Boise, ID", `src="` + link + `/audio"`, "0:17",
		`<time datetime="2026-03-02T17:04:05Z">2 Mar 2026 17:04 UTC</time>`, `<html lang="en">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page:\n%s", want, page)
		}
	}
	if strings.Contains(page, "RE0000") || strings.Contains(page, "twilio") {
		t.Error("it tells where the recording is")
	}

	// The policy lets the inline style and script run, as they are served, and they are all there is.
	policy := res.Header.Get("Content-Security-Policy")
	for directive, tag := range map[string]string{"style-src": "style", "script-src": "script"} {
		found := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(page, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements %s", len(found), tag)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if m := regexp.MustCompile(`(?i) (on\w+|style|href|srcset|action)=|javascript:|<(link|iframe|object|embed|form|base)\b|//[a-z]`).FindAllString(strings.ReplaceAll(page, link, ""), -1); m != nil {
		t.Errorf("the page has %q", m)
	}

	head, none := r.get(http.MethodHead, link)
	safe(t, head)
	if head.StatusCode != 200 || len(none) != 0 {
		t.Errorf("HEAD: %s, %d bytes", head.Status, len(none))
	}
	if res, _ := r.get(http.MethodPost, link); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", res.Status)
	}
	// Looking at it changes nothing: Slack's and others' crawlers do.
	if again, _ := r.get(http.MethodGet, link); again.StatusCode != 200 {
		t.Errorf("a second time: %s", again.Status)
	}
}

// Under a path of the public URL the player finds the sound all the same.
func TestPageUnderPrefix(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1"})
	links, err := NewLinks("https://example.com/phone", "secret")
	r.no(err)
	r.Links = links // what a proxy takes off is not in the requests that come
	_, body := r.get(http.MethodGet, link)
	if want := `src="https://example.com/phone` + strings.TrimPrefix(link, r.url) + `/audio"`; !strings.Contains(string(body), want) {
		t.Errorf("no %s in\n%s", want, body)
	}
}

// Names are text, on the page as well.
func TestPageHostileNames(t *testing.T) {
	r := open(t, someTeam())
	for i, name := range append(hostile, `"><img src=x onerror=alert(1)>`, `</title><script>alert(1)</script>`, `' onload='x`, "{{.Script}}", "<!--", "]]>") {
		_, link := r.left(store.Arrival{SID: fmt.Sprint("CA", i), Name: name, City: name})
		res, body := r.get(http.MethodGet, link)
		safe(t, res)
		page := string(body)
		if n := strings.Count(page, "<"); n != strings.Count(plainPage(t, r), "<") {
			t.Errorf("%q makes elements:\n%s", name, page)
		}
		h1 := page[strings.Index(page, "<h1>")+4 : strings.Index(page, "</h1>")]
		if html.UnescapeString(h1) != name+", (208) 555-0123" {
			t.Errorf("%q is shown as %q", name, h1)
		}
	}
}

var plainOnce = struct {
	sync.Once
	page string
}{}

func plainPage(t *testing.T, r *room) string {
	t.Helper()
	plainOnce.Do(func() {
		_, link := r.left(store.Arrival{SID: "CAplain", Name: "x", City: "x"})
		_, body := r.get(http.MethodGet, link)
		plainOnce.page = string(body)
	})
	return plainOnce.page
}

func TestPageProblems(t *testing.T) {
	r := open(t, someTeam())
	c, link := r.left(store.Arrival{SID: "CA1", Name: "JANE DOE"})
	bad := link[:len(link)-1] + "x"
	if strings.HasSuffix(link, "x") {
		bad = link[:len(link)-1] + "y"
	}
	for name, l := range map[string]struct {
		uri    string
		status int
		text   string
	}{
		"tampered":            {bad, http.StatusForbidden, "This link is not valid."},
		"a message too many":  {r.Links.Make(c.ID, 1, r.clock.Now()), http.StatusGone, "This link has expired."},
		"of a call forgotten": {r.Links.Make(callID, 0, r.clock.Now()), http.StatusGone, "This link has expired."},
		"expired":             {r.Links.Make(c.ID, 0, r.clock.Now().Add(-linkFor-time.Second)), http.StatusGone, "This link has expired."},
	} {
		res, body := r.get(http.MethodGet, l.uri)
		safe(t, res)
		if res.StatusCode != l.status || !strings.Contains(string(body), l.text) || strings.Contains(string(body), "JANE") || strings.Contains(string(body), "<script") || strings.Contains(string(body), "<audio") {
			t.Errorf("%s: %s\n%s", name, res.Status, body)
		}
		res, body = r.get(http.MethodGet, l.uri+"/audio")
		safe(t, res)
		if res.StatusCode != l.status || !strings.Contains(string(body), l.text) {
			t.Errorf("%s, audio: %s\n%s", name, res.Status, body)
		}
	}
	for _, path := range []string{"/voicemail", "/voicemail/", "/voicemail/" + string(c.ID), "/voicemail/" + string(c.ID) + "/0", link[len(r.url):] + "/other", link[len(r.url):] + "/audio/x"} {
		if res, _ := r.get(http.MethodGet, r.url+path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	r.no(r.Store.Close())
	for _, end := range []string{"", "/audio"} {
		res, body := r.get(http.MethodGet, link+end)
		safe(t, res)
		if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "try again in a minute") {
			t.Errorf("without a store: %s\n%s", res.Status, body)
		}
	}
}

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
