package voicetest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// Sign computes the X-Twilio-Signature of a request with a form body (nil for a
// GET, whose parameters are part of the URL): the HMAC-SHA1, under the auth
// token, of the URL followed by every name and value in the order of the names
// (twilio.com/docs/usage/security).
func Sign(authToken, rawURL string, form url.Values) string {
	var data strings.Builder
	data.WriteString(rawURL)
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			data.WriteString(name)
			data.WriteString(value)
		}
	}
	mac := hmac.New(sha1.New, []byte(authToken))
	mac.Write([]byte(data.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signedURL is the form of a URL that Twilio signs: without credentials and
// fragment; voice over HTTPS drops the port, everything else keeps it (ibid.).
func signedURL(u *url.URL, voice bool) string {
	s := *u
	s.User = nil
	s.Fragment, s.RawFragment = "", ""
	if voice && s.Scheme == "https" {
		if host, _, ok := strings.Cut(s.Host, ":"); ok && !strings.HasPrefix(s.Host, "[") {
			s.Host = host
		}
	}
	return s.String()
}
