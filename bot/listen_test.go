package bot

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
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
		"<h1>JANE DOE, (208) 555-0123</h1>", "Sales · Boise, ID", `src="` + path.Base(link) + `/audio"`, "0:17",
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

// Under whatever path a proxy has the page, the player finds the sound.
func TestPageUnderPrefix(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1"})
	_, body := r.get(http.MethodGet, link)
	_, src, _ := strings.Cut(string(body), `src="`)
	src, _, _ = strings.Cut(src, `"`)
	page, err := url.Parse("https://example.com/phone" + strings.TrimPrefix(link, r.url))
	r.no(err)
	sound, err := page.Parse(src)
	r.no(err)
	if want := page.String() + "/audio"; sound.String() != want {
		t.Errorf("%s leads to %s, not %s", src, sound, want)
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
