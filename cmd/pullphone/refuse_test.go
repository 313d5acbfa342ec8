package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// twilioPaths are the webhooks that Twilio is told of, by its numbers' settings and in TwiML.
var twilioPaths = []string{
	"/twilio/voice", "/twilio/fallback", "/twilio/fallback/done", "/twilio/fallback/recording", "/twilio/status", "/twilio/sms",
	"/twilio/hold", "/twilio/left", "/twilio/connect", "/twilio/screen", "/twilio/accept", "/twilio/answered", "/twilio/dialed",
	"/twilio/recorded", "/twilio/recording",
	"/twilio/ring", "/twilio/ring/key", "/twilio/ring/over", "/twilio/meet", "/twilio/meet/met", "/twilio/meet/parted", "/twilio/sms/status",
}

// snapshot is the store's file, byte for byte: a transaction, even an empty one, changes it.
func (h *harness) snapshot() []byte {
	h.t.Helper()
	var b bytes.Buffer
	_, err := h.db.WriteTo(&b)
	h.must(err)
	return b.Bytes()
}

// atRest waits until nothing is due.
func (h *harness) atRest() {
	h.t.Helper()
	h.must(h.net.WaitQuiet(h.ctx))
	h.until("nothing is due", func() bool {
		due, err := isDue(h.ctx, h.db, h.clock.Now())
		h.must(err)
		return !due
	})
}

// send posts a body as it stands.
func (h *harness) send(url, contentType string, header http.Header, body string) (status int, answer string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, url, strings.NewReader(body))
	h.must(err)
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultTransport.RoundTrip(req)
	h.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	h.must(err)
	return res.StatusCode, string(text)
}

const form = "application/x-www-form-urlencoded"

func (h *harness) sendSigned(target string, values url.Values) (int, string) {
	h.t.Helper()
	return h.send(target, form, http.Header{"X-Twilio-Signature": {voicetest.Sign(h.net.AuthToken(), target, values)}}, values.Encode())
}

// The list of paths is complete: whole calls use no other.
func TestTwilioPathsAreAll(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	used := map[string]bool{}
	note := func(path string) int {
		mu.Lock()
		defer mu.Unlock()
		used[path] = true
		return 1
	}
	for _, accept := range []string{"accept: true", "accept: false"} {
		h := serveTown(t, options{voice: voicetest.Options{Repeat: note}, line: []string{accept}})
		call, m := h.arrive(janePhone, jane)
		h.press(annSlack, m, "Take")
		leg := h.rings(annPhone, call)
		if accept == "accept: true" {
			h.accepts(leg)
		} else {
			leg.Answer()
			h.must(leg.WaitBridged(h.ctx))
		}
		h.shows(m.TS, "Talking")
		leg.Hangup()
		h.record(call)
		call, _ = h.arrive(janePhone, jane)
		h.text(annPhone, "No")
		h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
		call.Speak(time.Second)
		call.Hangup()
		h.record(call)
		h.must(h.net.WaitQuiet(h.ctx))
	}
	h, _ := unreached(t, options{voice: voicetest.Options{Repeat: note}})
	call := h.waits()
	leg := h.rungFor(annPhone)
	h.presses(leg, "1")
	h.must(leg.WaitBridged(h.ctx))
	leg.Hangup()
	h.record(call)
	h.must(h.net.WaitQuiet(h.ctx))
	mu.Lock()
	defer mu.Unlock()
	for path := range used {
		if !slices.Contains(twilioPaths, path) {
			t.Errorf("%s is missing in the list", path)
		}
	}
	if len(used) < len(twilioPaths)-3 { // the fallback's are for when another fails
		t.Errorf("used: %v", used)
	}
}

// A webhook that Twilio has not signed is refused on every path, changes nothing, and learns nothing.
func TestTwilioRefused(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	call, _ := h.arrive(janePhone, jane)
	h.atRest()
	c := h.call(call)
	before := h.snapshot()
	values := url.Values{"CallSid": {call.SID()}, "MessageSid": {"SM" + strings.Repeat("0", 32)}, "From": {annPhone}, "To": {salesNumber}, "Body": {"Yes"},
		"CallStatus": {"completed"}, "Digits": {"1"}, "DialCallStatus": {"completed"}, "DialBridged": {"true"}, "QueueResult": {"hangup"},
		"RecordingSid": {"RE" + strings.Repeat("0", 32)}, "RecordingStatus": {"completed"}, "RecordingDuration": {"5"}}
	var rights []string
	for _, path := range twilioPaths {
		target := fmt.Sprintf("%s%s?c=%s&n=1", h.cfg.PublicURL, path, c.ID)
		right := voicetest.Sign(h.net.AuthToken(), target, values)
		rights = append(rights, right)
		more := url.Values{}
		for k, v := range values {
			more[k] = v
		}
		more.Set("Extra", "1")
		for name, sent := range map[string]struct {
			signature []string
			url, body string
		}{
			"no signature":           {nil, target, values.Encode()},
			"empty signature":        {[]string{""}, target, values.Encode()},
			"wrong signature":        {[]string{"AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, target, values.Encode()},
			"another token's":        {[]string{voicetest.Sign("0123456789abcdef0123456789abcdef", target, values)}, target, values.Encode()},
			"an empty token's":       {[]string{voicetest.Sign("", target, values)}, target, values.Encode()},
			"another URL's":          {[]string{voicetest.Sign(h.net.AuthToken(), target+"0", values)}, target, values.Encode()},
			"for another query":      {[]string{right}, target + "0", values.Encode()},
			"for another form":       {[]string{right}, target, more.Encode()},
			"for a form cut short":   {[]string{right}, target, strings.Replace(values.Encode(), "Body=Yes&", "", 1)},
			"a parameter twice":      {[]string{right}, target, values.Encode() + "&Body=No"},
			"a parameter by the URL": {[]string{right}, target + "&Body=No", values.Encode()},
			"a form that is none":    {[]string{right}, target, values.Encode() + "&%zz"},
			"in lower case":          {[]string{strings.ToLower(right)}, target, values.Encode()},
		} {
			header := http.Header{}
			if sent.signature != nil {
				header["X-Twilio-Signature"] = sent.signature
			}
			status, answer := h.send(sent.url, form, header, sent.body)
			if status != http.StatusForbidden || answer != "Forbidden\n" {
				t.Errorf("%s, %s: %d %q", path, name, status, answer)
			}
		}
	}
	if !bytes.Equal(before, h.snapshot()) {
		t.Error("something changed in the store")
	}
	log := h.log.String()
	contains(t, "log", log, "webhook refused")
	for _, right := range rights {
		if strings.Contains(log, right) {
			t.Error("the log tells the right signature")
		}
	}
	// The same with the right signature is heard: the test could have failed.
	if status, answer := h.sendSigned(h.cfg.PublicURL+"/twilio/sms", values); status != 200 || !strings.Contains(answer, "Yours") {
		t.Errorf("signed: %d %s", status, answer)
	}
	h.rings(annPhone, call)
}

// Garbage that is signed breaks nothing.
func TestTwilioGarbage(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{errors: []string{"webhook failed", "fallback", "SMS not heard", "queue not recorded", "screen", "accept", "decline", "ring", "met"}})
	for _, path := range twilioPaths {
		for _, query := range []string{"", "?c=&n=", "?c=01ARZ3NDEKTSV4RRFFQ69G5FAV&n=0", "?c=01ARZ3NDEKTSV4RRFFQ69G5FAV&n=x", "?c=..%2F..%2Fmeta%2Fschema0000000&n=1", "?c=01ARZ3NDEKTSV4RRFFQ69G5FAV&n=1", "?n=99999999999999999999"} {
			for _, values := range []url.Values{{}, {"CallSid": {"../../meta"}}, {"CallSid": {strings.Repeat("CA", 1000)}, "MessageSid": {"\x00"}}, {"Body": {strings.Repeat("é\xff", 2000)}}} {
				status, answer := h.sendSigned(h.cfg.PublicURL+path+query, values)
				if status == http.StatusForbidden || status == http.StatusInternalServerError {
					t.Errorf("%s%s %v: %d %s", path, query, values, status, answer)
				}
			}
		}
	}
	for _, what := range []string{"open/", "done/", "sid/", "due/"} {
		h.must(h.db.View(h.ctx, func(r store.Reader) error {
			return r.Scan(what, "", func(key string, _ []byte) bool { t.Errorf("garbage made %s", key); return true })
		}))
	}
	// It still serves.
	call, _ := h.arrive(janePhone, jane)
	call.Hangup()
	equal(t, "outcome", h.record(call).Outcome, store.Missed)
}

func TestBodyTooLong(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	before := h.snapshot()
	body := strings.Repeat("a", 1<<20+1)
	for _, path := range append(slices.Clone(twilioPaths), "/slack/actions", "/slack/commands") {
		status, _ := h.send(h.cfg.PublicURL+path, form, nil, body)
		equal(t, path, status, http.StatusRequestEntityTooLarge)
	}
	a, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/actions", []byte(body), bottest.SignOptions{})
	h.must(err)
	equal(t, "signed", a.Status, http.StatusRequestEntityTooLarge)
	if !bytes.Equal(before, h.snapshot()) {
		t.Error("something changed in the store")
	}
}

// What Slack has not signed within five minutes is refused, changes nothing, and learns nothing.
func TestSlackRefused(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	call, m := h.arrive(janePhone, jane)
	h.press("U000ANN", m, "Take") // for a body as Slack makes it
	_, press := h.work.LastSent()
	h.command(annSlack, "list")
	_, command := h.work.LastSent()
	call.Hangup()
	h.record(call)
	call, _ = h.arrive(janePhone, jane)
	press = bytes.ReplaceAll(press, []byte("U000ANN"), []byte("U000BOB"))
	h.atRest()
	before := h.snapshot()
	for path, body := range map[string][]byte{"/slack/actions": press, "/slack/commands": command} {
		now := time.Now()
		right := bottest.Sign(h.work.SigningSecret(), now, body)
		for name, o := range map[string]bottest.SignOptions{
			"unsigned":         {Unsigned: true},
			"another secret":   {Secret: "fedcba9876543210fedcba9876543210"},
			"garbage":          {Signature: "v0=garbage"},
			"no version":       {Signature: strings.TrimPrefix(right, "v0="), At: now},
			"another version":  {Signature: "v1=" + strings.TrimPrefix(right, "v0="), At: now},
			"empty":            {Signature: " "},
			"five minutes old": {At: now.Add(-5*time.Minute - time.Second)},
			"from the future":  {At: now.Add(5*time.Minute + 2*time.Second)},
			"an hour old":      {At: now.Add(-time.Hour)},
			"another time's":   {Signature: right, At: now.Add(-10 * time.Second)},
		} {
			a, err := h.work.Send(h.ctx, h.cfg.PublicURL+path, body, o)
			h.must(err)
			if a.Status != http.StatusUnauthorized || string(a.Body) != "Unauthorized\n" {
				t.Errorf("%s, %s: %d %q", path, name, a.Status, a.Body)
			}
			if strings.Contains(h.log.String(), bottest.Sign(h.work.SigningSecret(), o.At, body)) || strings.Contains(h.log.String(), right) {
				t.Errorf("%s, %s: the log tells the right signature", path, name)
			}
		}
		// A body that is not the one signed.
		a, err := h.work.Send(h.ctx, h.cfg.PublicURL+path, append(slices.Clone(body), '0'), bottest.SignOptions{Signature: right, At: now})
		h.must(err)
		equal(t, "another body", a.Status, http.StatusUnauthorized)
		// The query is not signed, and counts for nothing.
		a, err = h.work.Send(h.ctx, h.cfg.PublicURL+path+"?"+string(body), nil, bottest.SignOptions{})
		h.must(err)
		if a.Status == http.StatusOK && path == "/slack/actions" {
			t.Errorf("the query was read: %d %s", a.Status, a.Body)
		}
	}
	if !bytes.Equal(before, h.snapshot()) {
		t.Error("something changed in the store")
	}
	contains(t, "log", h.log.String(), "webhook refused")
	// Almost five minutes old is heard: the test could have failed.
	a, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/commands", command, bottest.SignOptions{At: time.Now().Add(-4*time.Minute - 50*time.Second)})
	h.must(err)
	equal(t, "in time", a.Status, http.StatusOK)
	equal(t, "state", h.call(call).State, store.Waiting)
}

// Somebody who listened in sends a press again: it is the same press.
func TestPressReplayed(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	call, m := h.arrive(janePhone, jane)
	h.press(annSlack, m, "Take")
	leg := h.rings(annPhone, call)
	leg.Decline()
	h.shows(m.TS, "Ann is busy, still waiting ")
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	h.atRest()
	before, told := h.call(call), len(h.work.Ephemerals(annSlack))
	for range 3 {
		a, err := h.work.Replay(h.ctx)
		h.must(err)
		equal(t, "status", a.Status, http.StatusOK)
	}
	h.atRest()
	after := h.call(call)
	if after.State != before.State || after.Rev != before.Rev || after.Attempt != before.Attempt || after.Claim != nil {
		t.Errorf("replayed: %+v, was %+v", after, before)
	}
	equal(t, "words to Ann", len(h.work.Ephemerals(annSlack)), told)
	h.redirected(call, 1)
}

// What Slack signs but cannot mean breaks nothing.
func TestSlackGarbage(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	before := h.snapshot()
	payload := func(s string) string { return url.Values{"payload": {s}}.Encode() }
	action := func(id, value string) string {
		return payload(fmt.Sprintf(`{"type":"block_actions","user":{"id":%q},"channel":{"id":%q},"actions":[{"type":"button","action_id":%q,"block_id":"b","value":%q,"action_ts":"1.1"}]}`, annSlack, salesChannel, id, value))
	}
	for body, want := range map[string]int{
		"":                                    http.StatusBadRequest,
		"%zz":                                 http.StatusBadRequest,
		payload("no JSON"):                    http.StatusBadRequest,
		payload(`[1,2]`):                      http.StatusBadRequest,
		payload(`{"type":"block_actions"}`):   http.StatusOK,
		payload(`{"type":"view_submission"}`): http.StatusOK,
		payload(`{}`):                         http.StatusOK,
		action("other", "x"):                  http.StatusOK,
		action("take", "x"):                   http.StatusOK,
		action("take", "01ARZ3NDEKTSV4RRFFQ69G5FAV"):                               http.StatusOK,
		action("take", "01ARZ3NDEKTSV4RRFFQ69G5FAV.x"):                             http.StatusOK,
		action("take", "../../../meta/schema000000.1"):                             http.StatusOK,
		action("voicemail", "01ARZ3NDEKTSV4RRFFQ69G5FAV."+strings.Repeat("9", 40)): http.StatusOK,
	} {
		a, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/actions", []byte(body), bottest.SignOptions{})
		h.must(err)
		equal(t, "status of "+body, a.Status, want)
	}
	for _, body := range []string{"", "user_id=" + annSlack + "&text=%00", "ssl_check=1", "user_id=U0NOBODY"} {
		a, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/commands", []byte(body), bottest.SignOptions{})
		h.must(err)
		equal(t, "status of "+body, a.Status, http.StatusOK)
	}
	if !bytes.Equal(before, h.snapshot()) {
		t.Error("something changed in the store")
	}
	// A button of a call that is forgotten.
	a, err := h.work.Send(h.ctx, h.cfg.PublicURL+"/slack/actions", []byte(action("take", "01ARZ3NDEKTSV4RRFFQ69G5FAV.1")), bottest.SignOptions{})
	h.must(err)
	equal(t, "status", a.Status, http.StatusOK)
	if _, err := h.work.WaitEphemeral(h.ctx, annSlack, func(e bottest.Message) bool { return e.AsText() == "I do not know this call any more." }); err != nil {
		t.Error(err)
	}
}

// A client that dawdles is cut off, and one that floods meets a bound.
func TestServerLimits(t *testing.T) {
	t.Parallel()
	s := server(http.NotFoundHandler(), slog.New(slog.NewTextHandler(t.Output(), nil)))
	equal(t, "header", s.ReadHeaderTimeout, 5*time.Second)
	equal(t, "request", s.ReadTimeout, 10*time.Second)
	equal(t, "answer", s.WriteTimeout, 15*time.Second)
	equal(t, "idle", s.IdleTimeout, time.Minute)
	equal(t, "header bytes", s.MaxHeaderBytes, 16<<10)
	if s.ErrorLog == nil {
		t.Error("what strangers cause is logged past the log")
	}
	h := serveTown(t, options{})
	for _, path := range []string{"/", "/twilio", "/twilio/voice/", "/slack", "/slack/", "/voicemail/", "/music/", "/music/none.wav", "/..%2f", "/debug/pprof/"} {
		if res, _ := h.get("GET", h.cfg.PublicURL+path, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}
