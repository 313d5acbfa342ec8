package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// signed is the signature of a request as Twilio describes it (twilio.com/docs/usage/webhooks/webhooks-security).
func signed(token, target string, form url.Values) string {
	m := hmac.New(sha1.New, []byte(token))
	m.Write([]byte(target))
	for _, k := range slices.Sorted(maps.Keys(form)) {
		m.Write([]byte(k + form.Get(k)))
	}
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// Nothing gets through that the token has not signed as it came, and what it has signed gets through whole.
func FuzzVerify(f *testing.F) {
	const base, token = "https://phone.example.com", "0123456789abcdef0123456789abcdef"
	for _, s := range [][3]string{
		{"/twilio/sms", "Body=Yes&From=%2B12085550101", ""}, {"/twilio/voice?c=1&n=2", "a=1&a=2", "x"}, {"/x", "", ""}, {"/x?%zz", "%zz", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{"//evil.example/x", "a=b;c=d", ""}, {"/x#y", "a&b&=", ""}, {"/%2e%2e/x", "\x00=\xff", ""}, {"/x", "bodySHA256=x", ""},
	} {
		f.Add(s[0], s[1], s[2])
		f.Add(s[0], s[1], signed(token, base+s[0], url.Values{"Body": {"Yes"}, "From": {"+12085550101"}}))
	}
	f.Fuzz(func(t *testing.T, uri, body, signature string) {
		target, err := url.ParseRequestURI(uri)
		if err != nil {
			return // no server hands such a request on
		}
		form, bad := url.ParseQuery(body)
		repeated := false
		for _, vs := range form {
			repeated = repeated || len(vs) > 1
		}
		send := func(signature string) (status int, got url.Values) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.URL, r.RequestURI = target, uri
			r.Header.Set("X-Twilio-Signature", signature)
			w := httptest.NewRecorder()
			Verify(base, token, slog.New(slog.DiscardHandler), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.PostForm })).ServeHTTP(w, r)
			return w.Code, got
		}
		right := signed(token, base+target.RequestURI(), form)
		status, got := send(signature)
		if got != nil && signature != right || got == nil && status != http.StatusForbidden {
			t.Fatalf("%q %q with %q: %d", uri, body, signature, status)
		}
		status, got = send(right)
		switch {
		case bad != nil || repeated:
			if got != nil || status != http.StatusForbidden {
				t.Fatalf("%q %q: %d, though it can be read in two ways", uri, body, status)
			}
		case !maps.EqualFunc(got, form, slices.Equal):
			t.Fatalf("%q %q, signed: %d %v", uri, body, status, got)
		}
	})
}
