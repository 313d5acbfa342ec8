package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// ofJane are the ways in which the caller of most stories is written down anywhere.
var ofJane = []string{"5550123", "555-0123", "JANE DOE"}

// janesDay is a day with two calls of hers: one that left a voicemail, one that was taken; and one of Mark's.
func janesDay(h *harness) (hers []*voicetest.Call, marks *voicetest.Call, link string) {
	h.t.Helper()
	left, _ := h.arrive(janePhone, jane)
	marks, _ = h.arrive(markPhone, voicetest.CallerInfo{})
	contains(h.t, "Ann is asked back", h.text(annPhone, "N"), "1: JANE DOE, (208) 555-0123")
	contains(h.t, "Ann's list", h.text(annPhone, "LIST"), "JANE DOE, (208) 555-0123")
	contains(h.t, "Ann is told", h.text(annPhone, "N 1"), "JANE DOE, (208) 555-0123 is sent to voicemail.")
	h.must(left.WaitPlace(h.ctx, voicetest.PlaceRecording))
	left.Speak(7 * time.Second)
	left.Hangup()
	h.record(left)
	h.clock.Advance(10 * time.Second) // Slack has its limits
	_, link = h.posted("JANE DOE")
	marks.Hangup()
	h.record(marks)
	h.clock.Advance(5 * time.Minute)
	taken, m := h.arrive(janePhone, jane)
	h.press(bobSlack, m, "Take")
	leg := h.rings(bobPhone, taken)
	h.accepts(leg)
	contains(h.t, "Ann is told", h.press(annSlack, m, "Take"), "Too late: Bob took JANE DOE, (208) 555-0123")
	leg.Hangup()
	h.record(taken)
	h.shows(m.TS, "Talked with Bob")
	h.must(h.net.WaitQuiet(h.ctx))
	h.until("everything is recorded", func() bool {
		due, err := isDue(h.ctx, h.db, h.clock.Now())
		h.must(err)
		return !due
	})
	return []*voicetest.Call{left, taken}, marks, link
}

// janesPast is calls of hers of which only the store still knows: so many that what is deleted of them is not
// overwritten by chance.
const janesPast = 200

func (h *harness) janesPast() {
	h.t.Helper()
	h.must(h.db.Update(h.ctx, func(tx store.Tx) error {
		for i := range janesPast {
			at := h.clock.Now().Add(-time.Hour)
			c := store.Call{ID: store.NewCallID(at), SID: fmt.Sprintf("CA%032x", 1000+i), Line: salesNumber, From: janePhone, Name: "JANE DOE",
				State: store.Ended, Attempt: 1, Arrived: at, Stopped: at, Outcome: store.Missed}
			b, err := json.Marshal(c)
			if err != nil {
				return err
			}
			tx.Put("done/"+string(c.ID), b)
		}
		return nil
	}))
}

// inFile lists what of Jane's can be read from the store's file, byte by byte.
func (h *harness) inFile() (found []string) {
	h.t.Helper()
	b, err := os.ReadFile(h.town.store)
	h.must(err)
	for _, s := range ofJane {
		if bytes.Contains(b, []byte(s)) {
			found = append(found, s)
		}
	}
	return found
}

// outside lists what Twilio and Slack have of Jane's.
func (h *harness) outside(calls ...*voicetest.Call) (found []string) {
	h.t.Helper()
	tw, err := twilio.New(h.net.AccountSID(), h.net.AuthToken(), h.net.URL())
	h.must(err)
	for _, c := range calls {
		call, err := tw.Call(h.ctx, c.SID())
		h.must(err)
		if call.From != "" {
			found = append(found, "call of "+call.From)
		}
		rs, err := tw.RecordingsOf(h.ctx, c.SID())
		h.must(err)
		for _, r := range rs {
			found = append(found, "recording "+r.SID)
		}
	}
	texts, err := tw.TextsFrom(h.ctx, salesNumber, h.clock.Now().Add(-1000*time.Hour), h.clock.Now())
	h.must(err)
	for _, t := range texts {
		if store.Mentions(t.Body, janePhone) {
			found = append(found, "text: "+t.Body)
		}
	}
	for _, m := range h.work.Messages(salesChannel) {
		for _, s := range ofJane {
			if !m.Deleted && strings.Contains(m.AsText(), s) {
				found = append(found, "message: "+m.AsText())
			}
		}
	}
	return found
}

// cleared waits until nothing of Jane's is outside, while the clock goes on.
func (h *harness) cleared(calls ...*voicetest.Call) {
	h.t.Helper()
	stop := h.pump(2 * time.Second)
	defer stop()
	for left := h.outside(calls...); len(left) > 0; left = h.outside(calls...) {
		if h.ctx.Err() != nil {
			h.t.Fatalf("still there: %q", left)
		}
	}
}

// marked asserts that nobody lost what was Mark's.
func (h *harness) marked(call *voicetest.Call) {
	h.t.Helper()
	equal(h.t, "Mark's call", h.record(call).From, markPhone)
	b, err := os.ReadFile(h.town.store)
	h.must(err)
	contains(h.t, "the file", string(b), markPhone)
	tw, err := twilio.New(h.net.AccountSID(), h.net.AuthToken(), h.net.URL())
	h.must(err)
	c, err := tw.Call(h.ctx, call.SID())
	h.must(err)
	equal(h.t, "Twilio's record of it", c.From, markPhone)
	n := 0
	texts, err := tw.TextsFrom(h.ctx, salesNumber, h.clock.Now().Add(-24*time.Hour), h.clock.Now())
	h.must(err)
	for _, t := range texts {
		if store.Mentions(t.Body, markPhone) {
			n++
		}
	}
	equal(h.t, "texts about it", n, 2) // those that named both callers are gone
	if !slices.ContainsFunc(h.work.Messages(salesChannel), func(m bottest.Message) bool {
		return !m.Deleted && strings.Contains(m.AsText(), "(208) 555-0145")
	}) {
		h.t.Error("the message of Mark's call is gone")
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.janesPast()
	hers, marks, link := janesDay(h)
	if len(h.outside(hers...)) < 8 || len(h.inFile()) == 0 {
		t.Fatalf("there is little to forget: %q, %q", h.outside(hers...), h.inFile())
	}
	code, out, errs := runs(h.ctx, "forget", "--config", h.file, "+1 (208) 555-0123")
	if code != 0 || errs != "" {
		t.Fatalf("forget: %d, %s%s", code, out, errs)
	}
	contains(t, "output", out, fmt.Sprintf("Erased from the store: %d calls", janesPast+2))
	contains(t, "output", out, "Their 1 recordings, call records and texts at Twilio, and 3 messages in Slack are being deleted")
	if found := h.inFile(); len(found) > 0 {
		t.Errorf("the file has %q", found)
	}
	res, _ := h.get("GET", link, nil)
	equal(t, "the voicemail's page", res.StatusCode, http.StatusGone)
	res, _ = h.get("GET", link+"/audio", nil)
	equal(t, "the voicemail's sound", res.StatusCode, http.StatusGone)
	h.cleared(hers...)
	h.marked(marks)
	equal(t, "calls in the history", len(h.history()), 1)
	if found := h.inFile(); len(found) > 0 {
		t.Errorf("in the end the file has %q", found)
	}
	for _, s := range ofJane[:2] {
		if strings.Contains(h.log.String(), s) {
			t.Errorf("the log has %q", s)
		}
	}
	h.until("Twilio's part is done", func() bool {
		_, err := h.store.CallBySID(h.ctx, hers[0].SID())
		return errors.Is(err, store.ErrNoCall)
	})

	// Again, it does no harm, and the caller may call anew.
	code, out, errs = runs(h.ctx, "forget", "--config", h.file, janePhone)
	equal(t, "again", out, "Erased from the store: 0 calls that had ended.\nOlder backups still have what they had.\n")
	equal(t, "again", code, 0)
	equal(t, "again", errs, "")
	again, _ := h.arrive(janePhone, jane)
	again.Hangup()
	equal(t, "a new call", h.record(again).From, janePhone)
}

// A caller who is on the line is forgotten when they hang up.
func TestForgetOpen(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	call, m := h.arrive(janePhone, jane)
	code, out, errs := runs(h.ctx, "forget", "--config", h.file, janePhone)
	if code != 0 {
		t.Fatal(errs)
	}
	contains(t, "output", out, "1 calls go on and are erased when they end.")
	h.press(bobSlack, m, "Take") // nothing changes for them
	leg := h.rings(bobPhone, call)
	h.accepts(leg)
	call.Hangup()
	h.must(call.WaitEnd(h.ctx))
	h.must(h.net.WaitQuiet(h.ctx))
	h.cleared(call)
	h.until("the file is wiped", func() bool { return len(h.inFile()) == 0 })
	equal(t, "calls in the history", len(h.history()), 0)
}

// Without a server the store is wiped at once; the rest is done when one runs again.
func TestForgetStored(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.janesPast()
	hers, marks, link := janesDay(h)
	h.stop()
	code, out, errs := runs(h.ctx, "forget", "--config", h.file, janePhone)
	if code != 0 || errs != "" {
		t.Fatalf("forget: %d, %s%s", code, out, errs)
	}
	contains(t, "output", out, fmt.Sprintf("Erased from the store: %d calls", janesPast+2))
	contains(t, "output", out, "are deleted when the server runs again: start it")
	if found := h.inFile(); len(found) > 0 {
		t.Errorf("the file has %q", found)
	}
	if len(h.outside(hers...)) < 8 {
		t.Error("who deleted it, with no server?")
	}
	h.start()
	h.cleared(hers...)
	res, _ := h.get("GET", link, nil)
	equal(t, "the voicemail's page", res.StatusCode, http.StatusGone)
	h.marked(marks)
}

// Slack being down keeps nothing at Twilio, and is made up for.
func TestForgetWhileSlackIsDown(t *testing.T) {
	t.Parallel()
	var down outage
	h := serveTown(t, options{slack: bottest.Options{Intercept: down.wrap}})
	hers, _, _ := janesDay(h)
	down.on.Store(true)
	if code, _, errs := runs(h.ctx, "forget", "--config", h.file, janePhone); code != 0 {
		t.Fatal(errs)
	}
	stop := h.pump(2 * time.Second)
	h.until("Twilio's part", func() bool {
		for _, s := range h.outside(hers...) {
			if !strings.HasPrefix(s, "message: ") {
				return false
			}
		}
		return true
	})
	stop()
	if len(h.outside(hers...)) == 0 {
		t.Error("Slack deleted messages while it was down")
	}
	down.on.Store(false)
	h.cleared(hers...)
}

func TestForgetRefuses(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	call, _ := h.arrive(janePhone, jane)
	call.Hangup()
	h.record(call)
	for _, tt := range []struct{ number, want string }{
		{"208-555-0123", `"208-555-0123" is not in international form; write "+12085550123"`},
		{"12345", `"12345" is not in international form; write it with + and the country code`},
		{"+1", "is not in international form"},
		{"withheld", `"withheld" is no number; callers who withhold theirs cannot be told apart`},
		{"", `"" is no number`},
	} {
		code, out, errs := runs(h.ctx, "forget", "--config", h.file, tt.number)
		if code != 2 || out != "" || !strings.Contains(errs, tt.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("forget %q: exit %d, %q, %q; want …%s…", tt.number, code, out, errs, tt.want)
		}
	}
	ask := func(method, body string, header http.Header) int {
		req, err := http.NewRequestWithContext(h.ctx, method, "http://"+h.admin+"/forget", strings.NewReader(body))
		h.must(err)
		for k, v := range header {
			req.Header[k] = v
		}
		res, err := http.DefaultClient.Do(req)
		h.must(err)
		res.Body.Close()
		return res.StatusCode
	}
	equal(t, "no number", ask("POST", "nobody", nil), http.StatusBadRequest)
	equal(t, "much", ask("POST", strings.Repeat("1", 1000), nil), http.StatusBadRequest)
	equal(t, "GET", ask("GET", "", nil), http.StatusMethodNotAllowed)
	equal(t, "a page in a browser", ask("POST", janePhone, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}), http.StatusForbidden)
	equal(t, "from", h.record(call).From, janePhone)
	res, _ := h.get("POST", "http://"+h.listen+"/forget", nil)
	equal(t, "on the public listener", res.StatusCode, http.StatusNotFound)

	h.stop()
	code, _, errs := runs(h.ctx, "forget", "--config", h.another("store: bolt:", "store: etcd://localhost:2379/x #"), janePhone)
	if code != 1 || !strings.Contains(errs, "no server answers at admin_listen") {
		t.Errorf("no server, no file: exit %d, %q", code, errs)
	}
}

// Calls leave when they are older than the retention, at Twilio too; Slack's messages are Slack's to keep.
func TestRetention(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{yaml: func(y string) string { return "retention: 10d\n" + y }})
	hers, marks, link := janesDay(h)
	h.clock.Advance(9 * 24 * time.Hour)
	young, _ := h.arrive(janePhone, jane)
	young.Hangup()
	h.record(young)
	equal(t, "calls in the history", len(h.history()), 4)
	h.clock.Advance(24*time.Hour + time.Minute)
	all := append(hers, marks)
	h.until("the old ones are gone at Twilio", func() bool {
		h.clock.Advance(time.Minute)
		for _, s := range h.outside(all...) {
			if !strings.HasPrefix(s, "message: ") && !strings.HasPrefix(s, "text: ") {
				return false
			}
		}
		return true
	})
	equal(t, "calls in the history", len(h.history()), 1)
	equal(t, "the one in it", h.record(young).From, janePhone)
	res, _ := h.get("GET", link, nil)
	equal(t, "the voicemail's page", res.StatusCode, http.StatusGone)
	var texts []string
	for _, s := range h.outside(young) {
		if text, ok := strings.CutPrefix(s, "text: "); ok {
			texts = append(texts, text)
		}
	}
	equal(t, "texts that are left", len(texts), 2)
}
