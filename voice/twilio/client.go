// Package twilio speaks Twilio's REST API and checks the signatures of Twilio's webhooks, for the telephone and for SMS
// alike. It is the one place that knows what the Twilio library lacks: contexts, a base URL, and Retry-After.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
	lookups "github.com/twilio/twilio-go/rest/lookups/v2"
)

// Client calls Twilio's REST API for one account. It is safe for concurrent use.
type Client struct {
	// Transport carries the requests. It may be wrapped before the first.
	Transport http.RoundTripper

	sid, token string
	base       *url.URL
}

// New returns a client. apiURL, when not empty, replaces scheme and host of every request, whichever of Twilio's hosts
// it is meant for.
func New(accountSID, authToken, apiURL string) (*Client, error) {
	c := &Client{sid: accountSID, token: authToken}
	if apiURL != "" {
		u, err := url.Parse(apiURL)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("twilio api_url %q is no URL", apiURL)
		}
		c.base = u
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 32
	t.ResponseHeaderTimeout = requestTimeout
	c.Transport = t
	return c, nil
}

// requestTimeout bounds one request to Twilio.
const requestTimeout = 8 * time.Second

// Error is a refusal by Twilio, or an answer that was none.
type Error struct {
	Status  int // HTTP
	Code    int // Twilio's, see twilio.com/docs/api/errors; 0 when the answer was not Twilio's
	Message string
	After   time.Duration // Retry-After, 0 when there was none
}

func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("twilio: HTTP %d", e.Status)
	}
	return fmt.Sprintf("twilio: %s (error %d, HTTP %d)", e.Message, e.Code, e.Status)
}

// Refused reports whether Twilio understood the request and will never carry it out: a 4xx that is neither about
// credentials (401, 403), which a person mends, nor about the rate (429), nor a time-out (408).
func Refused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status < 400 || e.Status > 499 {
		return false
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusRequestTimeout:
		return false
	}
	return true
}

// Limited reports whether Twilio turned a request down unread for its rate (error 20429), and how long it is best left
// alone. Any other failure leaves open what became of the request.
func Limited(err error) (after time.Duration, ok bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status != http.StatusTooManyRequests {
		return 0, false
	}
	return e.After, true
}

// NotFound reports whether Twilio knows no such thing.
func NotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusNotFound
}

// call is one request's HTTP client: it carries the context, which the library's methods do not take, to the base
// that is configured, and keeps what the library drops of the answer.
type call struct {
	*Client
	ctx    context.Context
	status int
	after  time.Duration
}

func (c *call) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(c.ctx)
	if c.base != nil {
		r.URL.Scheme, r.URL.Host, r.Host = c.base.Scheme, c.base.Host, ""
	}
	res, err := c.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	c.status = res.StatusCode
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		c.after = time.Duration(s) * time.Second
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		res.Body.Close()
		return nil, &Error{Status: res.StatusCode}
	}
	return res, nil
}

// do runs one method of the library under a context, and gives its error in our form.
func (c *Client) do(ctx context.Context, fn func(client.BaseClient) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	one := &call{Client: c, ctx: ctx}
	b := &client.Client{Credentials: client.NewCredentials(c.sid, c.token), HTTPClient: &http.Client{Transport: one}}
	b.SetAccountSid(c.sid)
	err := fn(b)
	if err == nil {
		return nil
	}
	if ours, ok := errors.AsType[*Error](err); ok {
		return ours
	}
	if e, ok := errors.AsType[*client.TwilioRestError](err); ok {
		if one.status == 0 {
			return fmt.Errorf("twilio: %s", e.Message) // refused by the library itself
		}
		return &Error{Status: one.status, Code: e.Code, Message: e.Message, After: one.after}
	}
	if one.status >= 400 {
		return &Error{Status: one.status, After: one.after}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL, which may hold somebody's number
	}
	return fmt.Errorf("twilio: %w", err)
}

func (c *Client) api(ctx context.Context, fn func(*api.ApiService) error) error {
	return c.do(ctx, func(b client.BaseClient) error { return fn(api.NewApiServiceWithClient(b)) })
}

// Account asks for the account itself: it proves the credentials.
func (c *Client) Account(ctx context.Context) (status string, err error) {
	err = c.api(ctx, func(s *api.ApiService) error {
		a, err := s.FetchAccount(c.sid)
		if err == nil {
			status = value(a.Status)
		}
		return err
	})
	return status, err
}

// Name looks a caller's name up (Lookup v2, caller_name: US numbers only, billed per request). It is empty when there
// is none.
func (c *Client) Name(ctx context.Context, number string) (name string, err error) {
	err = c.do(ctx, func(b client.BaseClient) error {
		p := &lookups.FetchPhoneNumberParams{}
		p.SetFields("caller_name")
		r, err := lookups.NewApiServiceWithClient(b).FetchPhoneNumber(number, p)
		if err == nil {
			name = r.CallerName.CallerName
		}
		return err
	})
	return name, err
}

// Format is the form of a recording's sound, as the ending of its URL.
type Format string

// The formats of recordings (twilio.com/docs/voice/api/recording).
const (
	MP3 Format = ".mp3" // 32 kbit/s
	WAV Format = ".wav" // 128 kbit/s
)

// Recording asks for a recording's sound, or the part of it that an HTTP Range header names. The caller closes the
// body. The URL is made here from the RecordingSid; one that came in a request is never fetched.
func (c *Client) Recording(ctx context.Context, sid string, f Format, byteRange string) (*http.Response, error) {
	path := "/2010-04-01/Accounts/" + url.PathEscape(c.sid) + "/Recordings/" + url.PathEscape(sid) + string(f)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.twilio.com"+path, nil)
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(c.sid, c.token)
	if byteRange != "" {
		r.Header.Set("Range", byteRange)
	}
	one := &call{Client: c, ctx: ctx}
	res, err := one.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		return res, nil
	}
	defer res.Body.Close()
	return nil, one.refusal(res)
}

// refusal reads what Twilio says against a request that the library did not make.
func (c *call) refusal(res *http.Response) error {
	e := &Error{}
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(e) // an answer that is not Twilio's leaves it empty
	e.Status, e.After = res.StatusCode, c.after
	return e
}

// value reads a field of an answer; every one may be missing.
func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

func number(s *string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(value(s))) // not there yet: 0
	return n
}
