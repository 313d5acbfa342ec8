package voicetest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The largest TwiML document Twilio reads (twilio.com/docs/api/errors/11750).
const maxTwiML = 64 << 10

// webhook is one request to the program.
type webhook struct {
	sid    string // of the call or message, for the trace
	what   string // for the trace: "voice", "wait", "dial action" …
	method string
	url    string
	form   url.Values
	voice  bool
	jar    http.CookieJar // cookies are kept per call (twilio.com/docs/voice/twiml)
}

// answer is what came back, or why nothing did.
type answer struct {
	url  *url.URL // of the document, after HTTP redirects
	kind string   // Content-Type without parameters
	body []byte
	code int   // Twilio's error code if err is set
	err  error // no usable answer: no connection, too late, not 2xx
}

func (n *Network) newClient() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext,
			DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if host, _, err := net.SplitHostPort(addr); err == nil && strings.HasSuffix(host, twilIO) {
					return dialer.DialContext(ctx, network, strings.TrimPrefix(n.url, "http://")) // served here, without TLS
				}
				return (&tls.Dialer{NetDialer: dialer}).DialContext(ctx, network, addr)
			},
			MaxIdleConnsPerHost: 64,
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if via[0].Method == http.MethodPost && r.Method == http.MethodGet {
				n.problem("webhook %s: answered by an HTTP redirect, which turns Twilio's POST into a GET without parameters", via[0].URL)
			}
			if len(via) >= 10 {
				return errors.New("more than 10 redirects (11215)")
			}
			return nil
		},
	}
}

// deliver sends a webhook, as often as Options.Repeat wants, and returns the
// first answer.
func (n *Network) deliver(w webhook) answer {
	n.mu.Lock()
	n.dueLocked(1)
	token := n.idLocked("ID")
	n.mu.Unlock()
	defer n.due(-1)
	u, err := url.Parse(w.url)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		n.problem("%s webhook: %q is not an absolute http(s) URL", w.what, w.url)
		return answer{code: 11100, err: fmt.Errorf("invalid URL %q", w.url)}
	}
	if w.method == http.MethodGet {
		q := u.RawQuery
		if q != "" && len(w.form) > 0 {
			q += "&"
		}
		u.RawQuery = q + w.form.Encode()
	}
	copies := 1
	if n.opts.Repeat != nil {
		n.hooks.Lock()
		copies = max(1, n.opts.Repeat(u.Path))
		n.hooks.Unlock()
	}
	answers := make(chan answer, copies)
	for range copies - 1 {
		n.spawn(func() {
			n.due(1)
			defer n.due(-1)
			answers <- n.send(w, u, token)
		})
	}
	answers <- n.send(w, u, token)
	return <-answers
}

func (n *Network) due(change int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dueLocked(change)
}

// send makes one delivery. A connection that cannot be opened is tried once
// more, nothing else is (twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
func (n *Network) send(w webhook, u *url.URL, token string) answer {
	n.trace(EventWebhook, w.sid, fmt.Sprintf("%s: %s %s", w.what, w.method, u.Path), u.String()+"\n"+formText(w.form))
	a := n.try(w, u, token)
	if a.code == 11205 && n.ctx.Err() == nil {
		a = n.try(w, u, token)
	}
	if n.opts.Trace == nil {
		return a
	}
	if a.err != nil {
		n.trace(EventAnswer, w.sid, fmt.Sprintf("%s: %v", w.what, a.err), string(a.body))
	} else {
		n.trace(EventAnswer, w.sid, w.what+": "+w.summary(a), string(a.body))
	}
	return a
}

func (n *Network) try(w webhook, u *url.URL, token string) (a answer) {
	ctx, cancel := context.WithTimeout(n.ctx, n.opts.WebhookTimeout)
	defer cancel()
	var body io.Reader
	form := w.form
	if w.method == http.MethodGet {
		form = nil
	} else {
		body = strings.NewReader(form.Encode())
	}
	plain := *u // the fragment holds connection overrides and is never sent
	plain.Fragment, plain.RawFragment = "", ""
	r, err := http.NewRequestWithContext(ctx, w.method, plain.String(), body)
	if err != nil {
		return answer{code: 11100, err: err}
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	}
	r.Header.Set("User-Agent", "TwilioProxy/1.1")
	r.Header.Set("I-Twilio-Idempotency-Token", token)
	r.Header.Set("X-Twilio-Signature", Sign(n.opts.AuthToken, signedURL(u, w.voice), form))
	client := *n.client
	client.Jar = w.jar
	resp, err := client.Do(r)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return answer{code: 11205, err: err}
		}
		return answer{code: 11200, err: err}
	}
	defer resp.Body.Close()
	a = answer{url: resp.Request.URL}
	a.kind, _, _ = strings.Cut(resp.Header.Get("Content-Type"), ";")
	a.kind = strings.ToLower(strings.TrimSpace(a.kind))
	limit := int64(maxTwiML + 1)
	if strings.HasPrefix(a.kind, "audio/") {
		limit = 64 << 20
	}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	switch {
	case err != nil:
		a.code, a.err = 11200, err
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		a.code, a.err = 11200, fmt.Errorf("HTTP status %s", resp.Status)
	}
	return a
}

// outbox holds the callbacks of a call (or message) that wait for delivery, one
// after the other. Guarded by Network.mu.
type outbox struct {
	pending []webhook
	busy    bool
}

// postLocked puts a callback into an outbox. Its answer is of no consequence.
func (n *Network) postLocked(o *outbox, w webhook) {
	if n.closed || w.url == "" {
		return
	}
	n.dueLocked(1)
	o.pending = append(o.pending, w)
	if o.busy {
		return
	}
	o.busy = true
	n.spawnLocked(func() {
		for {
			n.mu.Lock()
			if len(o.pending) == 0 || n.closed {
				o.busy = false
				n.mu.Unlock()
				return
			}
			ready := len(o.pending)
			n.mu.Unlock()
			i := n.pick(ready)
			n.mu.Lock()
			w := o.pending[i] // only this goroutine takes any out
			o.pending = append(o.pending[:i:i], o.pending[i+1:]...)
			n.mu.Unlock()
			n.deliverIgnored(w)
			n.due(-1)
		}
	})
}

// pick chooses one of ready callbacks.
func (n *Network) pick(ready int) int {
	if n.opts.Shuffle == nil || ready < 2 {
		return 0
	}
	n.hooks.Lock()
	defer n.hooks.Unlock()
	return min(max(0, n.opts.Shuffle(ready)), ready-1)
}

// asideLocked sends a callback at once, in parallel with everything else.
func (n *Network) asideLocked(w webhook) {
	if n.closed || w.url == "" {
		return
	}
	n.dueLocked(1)
	n.spawnLocked(func() {
		n.deliverIgnored(w)
		n.due(-1)
	})
}

// deliverIgnored sends a webhook whose answer steers nothing. If the answer is
// TwiML it must still be good TwiML.
func (n *Network) deliverIgnored(w webhook) {
	a := n.deliver(w)
	if a.err != nil || len(a.body) == 0 || !isXML(a.kind) {
		return
	}
	_, faults := parseTwiML(a.body, a.url, voiceRules)
	for _, f := range faults {
		n.problem("answer to %s %s: %v", w.what, w.url, f)
	}
}

func isXML(kind string) bool { return kind == "text/xml" || kind == "application/xml" }

// method returns the HTTP method of a webhook whose configuration is m.
func method(m string) string {
	if m == http.MethodGet {
		return m
	}
	return http.MethodPost
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// formText writes a form in lines, for people.
func formText(f url.Values) string {
	var b strings.Builder
	for _, k := range sortedKeys(f) {
		fmt.Fprintf(&b, "%s=%s\n", k, strings.Join(f[k], ","))
	}
	return b.String()
}

// summary says in one line what an answer is.
func (w webhook) summary(a answer) string {
	if !isXML(a.kind) {
		return strings.TrimPrefix(fmt.Sprintf("%s, %d bytes", a.kind, len(a.body)), ", ")
	}
	rules := voiceRules
	if !w.voice {
		rules = messageRules
	}
	d, _ := parseTwiML(a.body, a.url, rules)
	if d == nil || len(d.verbs) == 0 {
		return "empty TwiML"
	}
	names := make([]string, len(d.verbs))
	for i, v := range d.verbs {
		names[i] = v.name
	}
	return strings.Join(names, ", ")
}
