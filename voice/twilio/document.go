package twilio

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Document gets a TwiML document as Twilio would, by POST or, with "GET " in front of its URL, by GET; and signed, since a
// TwiML Bin refuses others (help.twilio.com, "Not Authorized error when trying to view TwiML Bin URL"). What Twilio would
// not take as TwiML is an error.
func (c *Client) Document(ctx context.Context, webhook string) ([]byte, error) {
	address, get := strings.CutPrefix(webhook, "GET ")
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	form := url.Values{"AccountSid": {c.sid}}
	method, body, signed := http.MethodPost, form.Encode(), u.String()+"AccountSid"+c.sid
	if get {
		q := u.Query()
		q.Set("AccountSid", c.sid)
		u.RawQuery = q.Encode()
		method, body, signed = http.MethodGet, "", u.String()
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if !get {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	mac := hmac.New(sha1.New, []byte(c.token))
	mac.Write([]byte(signed))
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if c.base != nil && strings.HasSuffix(u.Hostname(), ".twil.io") { // a host of Twilio's, like those of its API
		r.Host, r.URL.Scheme, r.URL.Host = u.Host, c.base.Scheme, c.base.Host
	}
	res, err := (&http.Client{Transport: c.Transport}).Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s is answered by HTTP %d", method, res.StatusCode)
	case kind != "text/xml" && kind != "application/xml":
		return nil, fmt.Errorf("the Content-Type is %q, to be text/xml", kind)
	}
	return io.ReadAll(io.LimitReader(res.Body, 64<<10)) // the most that Twilio reads (twilio.com/docs/api/errors/11750)
}
