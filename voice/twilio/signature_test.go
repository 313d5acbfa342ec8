package twilio_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

const token = "0123456789abcdef0123456789abcdef"

// post sends a form to Verify and returns the answer, the form that got through (nil when none did) and the log.
func post(t *testing.T, publicURL, authToken, requestURI, sig string, body io.Reader) (*httptest.ResponseRecorder, url.Values, string) {
	t.Helper()
	var log bytes.Buffer
	var got url.Values
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.PostForm
		if again, err := io.ReadAll(r.Body); err != nil || len(got) > 0 && len(again) == 0 {
			t.Errorf("the body cannot be read again: %q, %v", again, err)
		}
	})
	r := httptest.NewRequest(http.MethodPost, requestURI, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if sig != "" {
		r.Header.Set("X-Twilio-Signature", sig)
	}
	w := httptest.NewRecorder()
	twilio.Verify(publicURL, authToken, slog.New(slog.NewTextHandler(&log, nil)), next).ServeHTTP(w, r)
	return w, got, log.String()
}

// The published vectors, twilio.com/docs/usage/webhooks/webhooks-security and the tests of github.com/twilio/twilio-go.
// Those over JSON are of a kind of webhook that nobody sends here: they are no forms, and refused.
func TestVerifyVectors(t *testing.T) {
	numbers := "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
	other := strings.ReplaceAll(numbers, "5309", "5310")
	const json = `{"property": "value", "boolean": true}`
	const hash = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
	for i, v := range []struct {
		base, uri, body, sig string
		status               int
	}{
		{"https://mycompany.com", "/myapp.php?foo=1&bar=2", numbers, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", 200},
		{"https://example.com", "/myapp.php?foo=1&bar=2", other, "L/OH5YylLD5NRKLltdqwSvS0BnU=", 200},
		{"https://mycompany.com", "/myapp.php?foo=1&bar=2", numbers + "&Reason=Participant&ReasonConferenceEnded=test", "vOEb5UThFn24KEfnOFLQY2AE5FY=", 200},
		{"https://mycompany.com", "/myapp.php?foo=1&bar=2&" + hash, json, "a9nBmqA0ju/hNViExpshrM61xv4=", 403},
		{"https://mycompany.com", "/myapp.php?" + hash, json, "y77kIzt2vzLz71DgmJGsen2scGs=", 403},
		{"https://mycompany.com", "/myapp.php?foo=1&bar=2", "property=value&boolean=true", "NBdBDr/T/lgjI+tlgpXjKZQZs/k=", 200},
	} {
		w, got, _ := post(t, v.base, "12345", v.uri, v.sig, strings.NewReader(v.body))
		if w.Code != v.status || (got != nil) != (v.status == 200) {
			t.Errorf("vector %d: status %d, want %d", i+1, w.Code, v.status)
		}
		// The same with any other signature is refused.
		if w, _, _ := post(t, v.base, "12345", v.uri, "A"+v.sig[1:], strings.NewReader(v.body)); w.Code != 403 {
			t.Errorf("vector %d with another signature: status %d", i+1, w.Code)
		}
	}
}

const (
	public = "https://phone.example.com"
	uri    = "/twilio/dialed?c=01K0000000000000000000000A&n=2"
)

var form = url.Values{"CallSid": {"CA0123"}, "From": {"+12085550123"}, "CallerName": {"Zoë & <Söhne> 1+1"}, "Digits": {""}}

func TestVerifyHandsTheFormOn(t *testing.T) {
	w, got, log := post(t, public, token, uri, voicetest.Sign(token, public+uri, form), strings.NewReader(form.Encode()))
	if w.Code != 200 || got.Encode() != form.Encode() || log != "" {
		t.Fatalf("status %d, form %v, log %q", w.Code, got, log)
	}
	if got.Get("c") != "" {
		t.Error("the query is among the form")
	}
}

// With nothing in the body the signature is over the URL alone.
func TestVerifyEmptyForm(t *testing.T) {
	w, got, _ := post(t, public, token, uri, voicetest.Sign(token, public+uri, nil), strings.NewReader(""))
	if w.Code != 200 || got == nil || len(got) != 0 {
		t.Errorf("status %d, form %v", w.Code, got)
	}
	if w, _, _ := post(t, public, token, uri, voicetest.Sign(token, public+"/twilio/dialed", nil), strings.NewReader("")); w.Code != 403 {
		t.Errorf("signature over another URL: status %d", w.Code)
	}
}

// Whatever is refused is answered alike, and the right signature stands neither in the answer nor in the log.
func TestVerifyRefuses(t *testing.T) {
	right := voicetest.Sign(token, public+uri, form)
	body := form.Encode()
	cases := map[string]struct{ base, token, uri, sig, body string }{
		"no signature":                {sig: "-"},
		"signature of an empty key":   {sig: voicetest.Sign("", public+uri, form)},
		"signature of another token":  {sig: voicetest.Sign("fedcba9876543210fedcba9876543210", public+uri, form)},
		"signature cut":               {sig: right[:len(right)-1]},
		"signature lengthened":        {sig: right + "="},
		"signature with a blank":      {sig: right + " x"},
		"signature in small letters":  {sig: strings.ToLower(right)},
		"two signatures":              {sig: right + "," + right},
		"parameter left out":          {body: url.Values{"CallSid": form["CallSid"]}.Encode()},
		"parameter added":             {body: body + "&DialBridged=true"},
		"empty parameter added":       {body: body + "&DialBridged="},
		"parameter repeated":          {body: body + "&From=%2B12085550199"},
		"parameter repeated, first":   {body: "From=%2B12085550199&" + body},
		"parameter repeated, alike":   {body: body + "&From=%2B12085550123"},
		"query copied into the body":  {body: body + "&c=01K0000000000000000000000A&n=2"},
		"body no form":                {body: body + "&%zz"},
		"semicolon in the body":       {body: body + ";x"},
		"name in other letters":       {body: strings.Replace(body, "From", "from", 1)},
		"other host":                  {base: "https://phone.example.org"},
		"host in capitals":            {base: "https://PHONE.example.com"},
		"http for https":              {base: "http://phone.example.com"},
		"path prefix":                 {base: public + "/prefix"},
		"query in other order":        {uri: "/twilio/dialed?n=2&c=01K0000000000000000000000A"},
		"query encoded otherwise":     {uri: "/twilio/dialed?c=01K0000000000000000000000%41&n=2"},
		"parameter in the query":      {uri: uri + "&n=3"},
		"no query":                    {uri: "/twilio/dialed"},
		"question mark at the end":    {uri: uri + "?"},
		"slash at the end of path":    {uri: strings.Replace(uri, "?", "/?", 1)},
		"token empty":                 {token: "-"},
		"token empty, signed with it": {token: "-", sig: voicetest.Sign("", public+"/", nil)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			or := func(s, other string) string {
				switch s {
				case "":
					return other
				case "-":
					return ""
				}
				return s
			}
			base, key := or(c.base, public), or(c.token, token)
			w, got, log := post(t, base, key, or(c.uri, uri), or(c.sig, right), strings.NewReader(or(c.body, body)))
			if w.Code != http.StatusForbidden || got != nil {
				t.Errorf("status %d, form %v", w.Code, got)
			}
			if answer := w.Body.String(); answer != "Forbidden\n" {
				t.Errorf("answer %q says more than one word", answer)
			}
			if all := log + w.Body.String() + fmt.Sprint(w.Header()); strings.Contains(all, right) || strings.Contains(all, token) {
				t.Errorf("the right signature or the token is told: %s", all)
			}
			if !strings.Contains(log, "webhook refused") {
				t.Errorf("the refusal is not logged: %q", log)
			}
		})
	}
}

// Each byte of what is signed counts: the path, the query, every name and every value.
func TestVerifyEachByte(t *testing.T) {
	sig := voicetest.Sign(token, public+uri, form)
	refused := func(where, uri, body, sig string) {
		t.Helper()
		if w, got, _ := post(t, public, token, uri, sig, strings.NewReader(body)); w.Code != 403 || got != nil {
			t.Errorf("%s: status %d for %s with %s", where, w.Code, uri, body)
		}
	}
	swap := func(s string, i int) string {
		b := byte('x')
		if s[i] == b {
			b = 'y'
		}
		return s[:i] + string(b) + s[i+1:]
	}
	for i := 1; i < len(uri); i++ { // the first slash belongs to HTTP
		refused("URL", swap(uri, i), form.Encode(), sig)
	}
	for i := range sig {
		refused("signature", uri, form.Encode(), swap(sig, i))
	}
	for name, values := range form {
		for i := range name {
			f := url.Values{}
			for k, v := range form {
				f[k] = v
			}
			delete(f, name)
			f[swap(name, i)] = values
			refused("name", uri, f.Encode(), sig)
		}
		for i := range values[0] {
			f := url.Values{}
			for k, v := range form {
				f[k] = v
			}
			f[name] = []string{swap(values[0], i)}
			refused("value", uri, f.Encode(), sig)
		}
	}
}

// Twilio signs with and without the port of its scheme; both are the same address.
func TestVerifyPorts(t *testing.T) {
	const u = "/twilio/voice"
	for _, c := range []struct {
		base, signed string
		ok           bool
	}{
		{"https://h.example", "https://h.example", true},
		{"https://h.example", "https://h.example:443", true},
		{"https://h.example:443", "https://h.example", true},
		{"https://h.example:443", "https://h.example:443", true},
		{"https://h.example:8443", "https://h.example:8443", true},
		{"https://h.example:8443", "https://h.example", true}, // voice over HTTPS: Twilio leaves any port out
		{"https://h.example:8443", "https://h.example:443", false},
		{"https://h.example", "https://h.example:8443", false},
		{"http://h.example", "http://h.example:80", true},
		{"http://h.example:8080", "http://h.example:8080", true},
		{"http://h.example", "https://h.example", false},
		{"https://h.example/", "https://h.example", true}, // public_url as some write it
		{"https://h.example/phone", "https://h.example/phone", true},
		{"https://h.example/phone/", "https://h.example/phone", true},
		{"https://h.example/phone", "https://h.example", false},
	} {
		f := url.Values{"CallSid": {"CA1"}}
		w, _, _ := post(t, c.base, token, u, voicetest.Sign(token, c.signed+u, f), strings.NewReader(f.Encode()))
		if ok := w.Code == 200; ok != c.ok {
			t.Errorf("public_url %s, signed over %s: status %d", c.base, c.signed, w.Code)
		}
	}
}

// What a client or a proxy writes into Host and its like changes nothing.
func TestVerifyIgnoresHostHeaders(t *testing.T) {
	called := false
	h := twilio.Verify(public, token, slog.New(slog.DiscardHandler), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	for _, evil := range []string{"evil.example", "127.0.0.1:8080"} {
		for _, signed := range []string{public, "https://" + evil, "http://" + evil} {
			called = false
			r := httptest.NewRequest(http.MethodPost, uri, strings.NewReader(form.Encode()))
			r.Host = evil
			r.Header.Set("X-Forwarded-Host", evil)
			r.Header.Set("X-Forwarded-Proto", "http")
			r.Header.Set("Forwarded", "host="+evil)
			r.Header.Set("X-Twilio-Signature", voicetest.Sign(token, signed+uri, form))
			h.ServeHTTP(httptest.NewRecorder(), r)
			if called != (signed == public) {
				t.Errorf("host %s, signed over %s: let through is %v", evil, signed, called)
			}
		}
	}
}

func TestVerifyBodies(t *testing.T) {
	sized := func(n int) url.Values { return url.Values{"Body": {strings.Repeat("a", n-len("Body="))}} }
	most := sized(1 << 20)
	if w, _, _ := post(t, public, token, uri, voicetest.Sign(token, public+uri, most), strings.NewReader(most.Encode())); w.Code != 200 {
		t.Errorf("1 MB: status %d", w.Code)
	}
	over := sized(1<<20 + 1)
	w, got, log := post(t, public, token, uri, voicetest.Sign(token, public+uri, over), strings.NewReader(over.Encode()))
	if w.Code != http.StatusRequestEntityTooLarge || got != nil || !strings.Contains(log, "1 MB") {
		t.Errorf("over 1 MB: status %d, log %q", w.Code, log)
	}
	broken := io.MultiReader(strings.NewReader(form.Encode()), failing{})
	w, got, log = post(t, public, token, uri, voicetest.Sign(token, public+uri, form), broken)
	if w.Code != http.StatusBadRequest || got != nil || !strings.Contains(log, "broke off") {
		t.Errorf("body that breaks off: status %d, log %q", w.Code, log)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// The log cannot be bent by a path.
func TestVerifyLogsOneLine(t *testing.T) {
	_, _, log := post(t, public, token, "/twilio/voice%0alevel=ERROR%20msg=%22all%20is%20lost%22", "x", strings.NewReader(""))
	if n := strings.Count(log, "\n"); n != 1 || strings.Count(log, "level=") != 2 || !strings.Contains(log, `\n`) {
		t.Errorf("log: %q", log)
	}
}
