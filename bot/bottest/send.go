package bottest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Errors of the people's verbs: what they wanted to do cannot be done in Slack, or nobody answered.
var (
	ErrNoButton     = errors.New("bottest: no such button on the message")
	ErrNoMessage    = errors.New("bottest: no such message")
	ErrNoUser       = errors.New("bottest: no such person")
	ErrNoChannel    = errors.New("bottest: no such channel")
	ErrNoCommand    = errors.New("bottest: the app has no such command")
	ErrNotAllowed   = errors.New("bottest: Slack does not let this person do that")
	ErrNoURL        = errors.New("bottest: the app has neither a request URL for this nor a connected socket")
	ErrLate         = errors.New("bottest: no answer in time")
	ErrNothingSent  = errors.New("bottest: nothing was sent yet")
	errTooManyBytes = errors.New("the answer is longer than a megabyte")
)

// Answer is what the program said to a press, a command, an event or a raw request.
type Answer struct {
	Status int // HTTP status; 200 for an acknowledged socket envelope; 0 when there was no answer
	Header http.Header
	Body   []byte        // the payload of the acknowledgement, over a socket
	Took   time.Duration // real time
	Text   string        // of a command's answer: what the person reads, decoded
}

// Sign is Slack's signature, v0, over a request body: the hex HMAC-SHA256 of "v0:", the timestamp in Unix seconds, ":"
// and the body (docs.slack.dev/authentication/verifying-requests-from-slack).
func Sign(secret string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(h, "v0:%d:", at.Unix())
	h.Write(body)
	return "v0=" + hex.EncodeToString(h.Sum(nil))
}

// SignOptions is how Send signs. The zero value signs as Slack does, now.
type SignOptions struct {
	Secret      string    // another secret
	At          time.Time // another time
	Signature   string    // sent instead of the computed one
	Unsigned    bool      // neither signature nor timestamp
	ContentType string    // default application/x-www-form-urlencoded
}

// sent is a delivery over HTTP, byte for byte.
type sent struct {
	url    string
	body   []byte
	header http.Header
}

// Send posts any body to any URL, signed as asked for. The answer is not held against Slack's rules.
func (w *Workspace) Send(ctx context.Context, url string, body []byte, o SignOptions) (Answer, error) {
	w.trace(KindRaw, "raw request to "+url, string(body))
	return w.deliver(ctx, w.sign(url, body, o))
}

// Replay sends the last press, command or event once more, byte for byte, with the same signature and time, as somebody
// could who listened in. The answer is not held against Slack's rules.
func (w *Workspace) Replay(ctx context.Context) (Answer, error) {
	w.mu.Lock()
	s := w.last
	w.mu.Unlock()
	if s == nil {
		return Answer{}, ErrNothingSent
	}
	w.trace(KindRaw, "replay to "+s.url, string(s.body))
	return w.deliver(ctx, s)
}

// LastSent is the URL and body of the last press, command or event that went out over HTTP.
func (w *Workspace) LastSent() (url string, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return "", nil
	}
	return w.last.url, bytes.Clone(w.last.body)
}

func (w *Workspace) sign(url string, body []byte, o SignOptions) *sent {
	if o.Secret == "" {
		o.Secret = w.opt.SigningSecret
	}
	if o.At.IsZero() {
		o.At = w.clock.Now()
	}
	if o.Signature == "" {
		o.Signature = Sign(o.Secret, o.At, body)
	}
	if o.ContentType == "" {
		o.ContentType = "application/x-www-form-urlencoded"
	}
	h := http.Header{"Content-Type": {o.ContentType}, "User-Agent": {"Slackbot 1.0 (+https://api.slack.com/robots)"}}
	if !o.Unsigned {
		h.Set("X-Slack-Signature", o.Signature)
		h.Set("X-Slack-Request-Timestamp", strconv.FormatInt(o.At.Unix(), 10))
	}
	return &sent{url, body, h}
}

// deliver posts and reads the answer within the workspace's patience.
func (w *Workspace) deliver(ctx context.Context, s *sent) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, w.opt.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(s.body))
	if err != nil {
		return Answer{}, fmt.Errorf("bottest: %w", err)
	}
	req.Header = s.header.Clone()
	start := time.Now()
	a, err := w.roundTrip(req)
	a.Took = time.Since(start)
	summary := fmt.Sprintf("%d after %s", a.Status, a.Took.Round(time.Millisecond))
	if err != nil {
		summary = err.Error()
	}
	w.trace(KindAnswer, summary, string(a.Body))
	return a, err
}

func (w *Workspace) roundTrip(req *http.Request) (Answer, error) {
	resp, err := w.out.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("bottest: %w", err)
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(a.Body) > maxBody {
		err = errTooManyBytes
	}
	if err != nil {
		return a, fmt.Errorf("bottest: %w", err)
	}
	return a, nil
}

// ask delivers what a person did, and holds the answer against Slack's rules: 200, in time. No answer at all is an error,
// and a Problem besides when patience ran out; a program that is down breaks no rule.
func (w *Workspace) ask(ctx context.Context, what, url string, body []byte, contentType string) (Answer, error) {
	s := w.sign(url, body, SignOptions{ContentType: contentType})
	w.mu.Lock()
	w.last = s
	w.mu.Unlock()
	a, err := w.deliver(ctx, s)
	switch {
	case err != nil:
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			w.problem(fmt.Errorf("%s: no answer within %s", what, w.opt.Patience))
			err = ErrLate
		}
		return a, fmt.Errorf("%s: %w", what, err)
	case a.Status != http.StatusOK:
		w.problem(fmt.Errorf("%s: answered with status %d instead of 200: %s", what, a.Status, short(string(a.Body), 200)))
	}
	return a, nil
}
