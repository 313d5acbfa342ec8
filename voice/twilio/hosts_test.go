package twilio

import (
	"errors"
	"net/http"
	"testing"
)

type trip func(*http.Request) (*http.Response, error)

func (t trip) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// Without an api_url, content goes to the host that takes it, and files come from their own: the doubles cannot tell.
func TestFileHosts(t *testing.T) {
	c, err := New("AC1", "secret", "")
	if err != nil {
		t.Fatal(err)
	}
	asked := ""
	c.Transport = trip(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.Scheme + "://" + r.URL.Host
		return nil, errors.New("not here")
	})
	for want, ask := range map[string]func() error{
		"https://serverless-upload.twilio.com": func() error { _, err := c.upload(t.Context(), "ZS1", "ZH1", File{Path: "/x"}); return err },
		"https://pullphone-1.twil.io":          func() error { _, err := c.Document(t.Context(), "GET https://pullphone-1.twil.io/x"); return err },
	} {
		if err := ask(); err == nil || asked != want {
			t.Errorf("%s was asked instead of %s (%v)", asked, want, err)
		}
	}
}
