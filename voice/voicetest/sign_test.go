package voicetest_test

import (
	"net/url"
	"testing"

	"pullphone/voice/voicetest"
)

// Vectors that Twilio's own validator accepts, token 12345.
func TestSign(t *testing.T) {
	form := func(number string, more ...string) url.Values {
		f := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {number}, "Digits": {"1234"}, "From": {number}, "To": {"+18005551212"}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return f
	}
	const hash = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
	for _, c := range []struct {
		name, url string
		form      url.Values
		want      string
	}{
		{"form", "https://mycompany.com/myapp.php?foo=1&bar=2", form("+14158675309"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		{"documentation", "https://example.com/myapp.php?foo=1&bar=2", form("+14158675310"), "L/OH5YylLD5NRKLltdqwSvS0BnU="},
		{"order of names", "https://mycompany.com/myapp.php?foo=1&bar=2", form("+14158675309", "Reason", "Participant", "ReasonConferenceEnded", "test"), "vOEb5UThFn24KEfnOFLQY2AE5FY="},
		{"URL alone", "https://mycompany.com/myapp.php?foo=1&bar=2&" + hash, nil, "a9nBmqA0ju/hNViExpshrM61xv4="},
		{"short URL alone", "https://mycompany.com/myapp.php?" + hash, nil, "y77kIzt2vzLz71DgmJGsen2scGs="},
		{"other form", "https://mycompany.com/myapp.php?foo=1&bar=2", url.Values{"property": {"value"}, "boolean": {"true"}}, "NBdBDr/T/lgjI+tlgpXjKZQZs/k="},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, "signature", voicetest.Sign("12345", c.url, c.form), c.want)
		})
	}
}
