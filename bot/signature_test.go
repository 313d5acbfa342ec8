package bot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
)

// Only what Slack has signed within five minutes is a press.
func TestPressSignature(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	b, err := json.Marshal(payload(ann, "take", value(c)))
	r.no(err)
	body := []byte(url.Values{"payload": {string(b)}}.Encode())
	const wrong = "v0=0000000000000000000000000000000000000000000000000000000000000000"
	for name, o := range map[string]bottest.SignOptions{
		"unsigned": {Unsigned: true}, "another secret": {Secret: "8f742231b10e8888abcd99yyyzzz85a5"}, "wrong": {Signature: wrong}, "no version": {Signature: wrong[3:]},
		"no hex": {Signature: "v0=" + strings.Repeat("x", 64)}, "short": {Signature: "v0=00"}, "old": {At: time.Now().Add(-6 * time.Minute)}, "of the future": {At: time.Now().Add(6 * time.Minute)},
	} {
		for _, path := range []string{ActionsPath, CommandPath} {
			a, err := r.work.Send(r.ctx, r.url+path, body, o)
			r.no(err)
			if a.Status != http.StatusUnauthorized || strings.TrimSpace(string(a.Body)) != "Unauthorized" {
				t.Errorf("%s, %s: status %d, %s", name, path, a.Status, a.Body)
			}
		}
	}
	// Signed, but with the payload where nothing is signed.
	a, err := r.work.Send(r.ctx, r.url+ActionsPath+"?"+string(body), nil, bottest.SignOptions{})
	r.no(err)
	if a.Status != http.StatusBadRequest {
		t.Errorf("payload in the query: status %d", a.Status)
	}
	big, err := r.work.Send(r.ctx, r.url+ActionsPath, []byte("payload="+strings.Repeat("a", 1<<20)), bottest.SignOptions{})
	r.no(err)
	if big.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("over 1 MB: status %d", big.Status)
	}
	noForm, err := r.work.Send(r.ctx, r.url+ActionsPath, []byte("%zz"), bottest.SignOptions{})
	r.no(err)
	if noForm.Status != http.StatusBadRequest {
		t.Errorf("no form: status %d", noForm.Status)
	}
	if now := r.call(c.ID); now.State != store.Waiting {
		t.Errorf("it is %s", now.State)
	}
	if log := r.log.String(); strings.Contains(log, r.SigningSecret) || strings.Contains(log, "v0=") {
		t.Errorf("the log tells a signature: %s", log)
	}
	// Without a secret, as with Socket Mode, nothing is let through: not even what an empty key has signed.
	r.SigningSecret = ""
	for _, o := range []bottest.SignOptions{{}, {Unsigned: true}} {
		if a, err := r.work.Send(r.ctx, r.url+ActionsPath, body, o); err != nil || a.Status != http.StatusUnauthorized {
			t.Errorf("without a secret: status %d, %v", a.Status, err)
		}
	}
	now := time.Now()
	req := httptest.NewRequest(http.MethodPost, ActionsPath, strings.NewReader(string(body)))
	req.Header.Set("X-Slack-Request-Timestamp", fmt.Sprint(now.Unix()))
	req.Header.Set("X-Slack-Signature", bottest.Sign("", now, body))
	w := httptest.NewRecorder()
	r.fromSlack(http.HandlerFunc(r.action)).ServeHTTP(w, req)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("signed by an empty key: status %d", w.Code)
	}
}

// The published vector, docs.slack.dev/authentication/verifying-requests-from-slack: too old to be let through, and
// right, as the reason in the log shows.
func TestPressVector(t *testing.T) {
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	if got := bottest.Sign("8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0), []byte(body)); got != "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503" {
		t.Errorf("the double signs %s", got)
	}
}
