package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// posted waits for the post of a voicemail and returns it with its link.
func (h *harness) posted(caller string) (bottest.Message, string) {
	h.t.Helper()
	m, err := h.work.WaitMessage(h.ctx, salesChannel, func(m bottest.Message) bool { return strings.HasPrefix(m.AsText(), "Voicemail from "+caller) })
	h.must(err)
	link := linkInSlack.FindStringSubmatch(m.Text)
	if link == nil {
		h.t.Fatalf("no link in %q", m.Text)
	}
	return m, link[1]
}

// voicemails are the posts of voicemails in the channel.
func voicemails(w *bottest.Workspace) []bottest.Message {
	var out []bottest.Message
	for _, m := range w.Messages(salesChannel) {
		if strings.HasPrefix(m.AsText(), "Voicemail from") {
			out = append(out, m)
		}
	}
	return out
}

// A No sends the caller to voicemail, and the message can be listened to by its link alone, for a week.
func TestVoicemail(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{`voicemail_greeting: "Speak now."`}, errors: []string{"voicemail audio"}})
	call, m := h.arrive(janePhone, jane)
	h.clock.Advance(10 * time.Second)
	equal(t, "Ann is told", h.text(annPhone, "No"), "JANE DOE, (208) 555-0123 is sent to voicemail.")
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	h.shows(m.TS, "Sent to voicemail by Ann.")
	heard := call.Heard()
	equal(t, "caller hears", heard[len(heard)-2].String()+", "+heard[len(heard)-1].String(), "say Speak now., beep ")
	equal(t, "Bob is told", h.press(bobSlack, m, "Take"), "Too late: Ann has sent JANE DOE, (208) 555-0123 to voicemail, just now.")
	h.clock.Advance(2 * time.Second)
	call.Speak(12 * time.Second)
	call.Hangup()
	r := h.record(call)
	equal(t, "history", r, store.Record{CallSID: call.SID(), Line: "Sales", From: janePhone, Name: "JANE DOE", Place: "Boise, ID", Arrived: r.Arrived,
		WaitedSeconds: 10, AnsweredBy: "Ann", Via: store.BySMS, Outcome: store.Voicemail, VoicemailSeconds: 12})
	post, link := h.posted("JANE DOE, (208) 555-0123, Boise, ID (0:12)")
	equal(t, "post", post.AsText(), "Voicemail from JANE DOE, (208) 555-0123, Boise, ID (0:12)\nListen ("+link+")\nSales "+calledAt(r))
	h.shows(m.TS, "Left a voicemail of 0:12.")
	h.must(h.net.WaitQuiet(h.ctx))
	equal(t, "voicemails", len(voicemails(h.work)), 1)
	h.redirected(call, 1)

	private := func(what string, res *http.Response) {
		t.Helper()
		for k, v := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex",
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"} {
			contains(t, what+": "+k, res.Header.Get(k), v)
		}
	}
	res, page := h.get("GET", link, nil)
	equal(t, "page", res.Status+" "+res.Header.Get("Content-Type"), "200 OK text/html; charset=utf-8")
	private("page", res)
	for _, part := range []string{`src="` + path.Base(link) + `/audio"`, "JANE DOE, (208) 555-0123", "Sales", "Boise, ID", "0:12", r.Arrived.UTC().Format(time.RFC3339)} {
		contains(t, "page", string(page), part)
	}
	if bytes.Contains(page, []byte(call.SID())) || bytes.Contains(page, []byte(h.net.URL())) {
		t.Errorf("the page tells of Twilio: %s", page)
	}

	sound := link + "/audio"
	res, whole := h.get("GET", sound, nil)
	equal(t, "sound", res.Status+" "+res.Header.Get("Content-Type"), "200 OK audio/mpeg")
	private("sound", res)
	equal(t, "ranges", res.Header.Get("Accept-Ranges"), "bytes")
	equal(t, "length", res.ContentLength, int64(len(whole)))
	if len(whole) < 1000 {
		t.Errorf("%d bytes of sound", len(whole))
	}
	for spec, want := range map[string][]byte{"bytes=0-99": whole[:100], "bytes=100-199": whole[100:200], "bytes=-50": whole[len(whole)-50:]} {
		res, part := h.get("GET", sound, http.Header{"Range": {spec}})
		if res.StatusCode != http.StatusPartialContent || !bytes.Equal(part, want) {
			t.Errorf("%s: %s, %d bytes, %s", spec, res.Status, len(part), res.Header.Get("Content-Range"))
		}
	}
	res, _ = h.get("GET", sound, http.Header{"Range": {"bytes=99999999-"}})
	equal(t, "beyond the end", res.StatusCode, http.StatusRequestedRangeNotSatisfiable)
	for _, url := range []string{link, sound} {
		res, body := h.get("HEAD", url, nil)
		if res.StatusCode != http.StatusOK || len(body) != 0 {
			t.Errorf("HEAD %s: %s, %d bytes", url, res.Status, len(body))
		}
		private("HEAD", res)
		res, _ = h.get("POST", url, nil)
		equal(t, "POST", res.StatusCode, http.StatusMethodNotAllowed)
	}

	// Each part of the link is signed.
	parts := strings.Split(strings.TrimPrefix(link, h.cfg.PublicURL+"/voicemail/"), "/")
	if len(parts) != 4 {
		t.Fatalf("link %s", link)
	}
	for i := range parts {
		for at := range parts[i] {
			other := []byte(parts[i])
			if other[at]++; other[at] == 'Z'+1 || other[at] == 'z'+1 || other[at] == '9'+1 {
				other[at] -= 9
			}
			forged := append([]string(nil), parts...)
			forged[i] = string(other)
			for _, end := range []string{"", "/audio"} {
				url := h.cfg.PublicURL + "/voicemail/" + strings.Join(forged, "/") + end
				if res, body := h.get("GET", url, nil); res.StatusCode != http.StatusForbidden || bytes.Contains(body, []byte("JANE")) {
					t.Fatalf("forged link %s: %s", url, res.Status)
				}
			}
		}
	}
	for _, bad := range []string{strings.TrimSuffix(link, parts[3]) + "A", strings.TrimSuffix(link, parts[3]) + parts[3] + "A", strings.TrimSuffix(link, parts[3]) + "%00"} {
		if res, _ := h.get("GET", bad, nil); res.StatusCode != http.StatusForbidden {
			t.Errorf("forged link %s: %s", bad, res.Status)
		}
	}

	// Nothing in Slack shows where Twilio keeps it, or under which name.
	for _, m := range append(h.work.Messages(salesChannel), append(h.work.Ephemerals(annSlack), h.work.Ephemerals(bobSlack)...)...) {
		all, err := json.Marshal(m)
		h.must(err)
		for _, secret := range []string{"twilio", h.net.URL(), call.SID(), h.net.AccountSID(), "Recordings"} {
			if bytes.Contains(all, []byte(secret)) {
				t.Errorf("%s stands in Slack: %s", secret, all)
			}
		}
	}

	// The link works until its last second, and then says that it is over.
	h.clock.Advance(7*24*time.Hour - time.Minute)
	res, _ = h.get("GET", link, nil)
	equal(t, "within the week", res.StatusCode, http.StatusOK)
	h.clock.Advance(2 * time.Minute)
	for _, url := range []string{link, sound} {
		res, body := h.get("GET", url, nil)
		equal(t, "after the week", res.StatusCode, http.StatusGone)
		private("after the week", res)
		contains(t, "after the week", string(body), "expired")
	}
}

// A caller who says nothing leaves nothing, whichever way Twilio puts it.
func TestEmptyRecording(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"completed", "absent"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			h := serveTown(t, options{voice: voicetest.Options{EmptyRecording: status}})
			for i, end := range []func(*voicetest.Call){(*voicetest.Call).Hangup, func(c *voicetest.Call) {
				stop := h.pump(100 * time.Millisecond)
				defer stop()
				h.must(c.WaitEnd(h.ctx)) // ten seconds of silence
			}} {
				call, m := h.arrive(crewPhone(i), voicetest.CallerInfo{})
				contains(t, "Ann is told", h.press(annSlack, m, "Voicemail"), "is sent to voicemail.")
				h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
				end(call)
				r := h.record(call)
				equal(t, "outcome", r.Outcome, store.Missed)
				equal(t, "answered by", r.AnsweredBy, "Ann")
				equal(t, "seconds", r.VoicemailSeconds, 0)
				h.must(h.net.WaitQuiet(h.ctx))
				h.shows(m.TS, "Missed: hung up without leaving a message")
				h.redirected(call, 1)
			}
			equal(t, "voicemails", len(voicemails(h.work)), 0)
		})
	}
}

// A message that Twilio takes its time with is posted when it can be listened to, not before.
func TestRecordingTakesTime(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{voice: voicetest.Options{RecordingDelay: 30 * time.Second}})
	call, m := h.arrive(janePhone, jane)
	h.text(bobPhone, "No")
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	call.Speak(5 * time.Second)
	call.Hangup()
	h.must(call.WaitEnd(h.ctx))
	h.must(h.net.WaitQuiet(h.ctx))
	equal(t, "state", h.call(call).State, store.Recording)
	equal(t, "voicemails", len(voicemails(h.work)), 0)
	h.clock.Advance(30 * time.Second)
	equal(t, "outcome", h.record(call).Outcome, store.Voicemail)
	h.posted("JANE DOE")
	h.shows(m.TS, "Left a voicemail of 0:05.")
}

// Twilio's word of a recording is lost, and the recording is found by asking: even one that was still being processed
// when it was asked about.
func TestRecordingCallbackLost(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{voice: voicetest.Options{RecordingDelay: 80 * time.Second}, front: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/twilio/recording" || r.URL.Path == "/twilio/recorded" || r.URL.Path == "/twilio/status" {
				http.Error(w, "lost", http.StatusServiceUnavailable) // Twilio does not repeat these
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	call, m := h.arrive(janePhone, jane)
	h.text(bobPhone, "No")
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
	h.shows(m.TS, "Sent to voicemail by Bob.")
	call.Speak(5 * time.Second)
	call.Hangup()
	h.must(call.WaitEnd(h.ctx))
	stop := h.pump(500 * time.Millisecond)
	defer stop()
	r := h.record(call)
	equal(t, "outcome", r.Outcome, store.Voicemail)
	equal(t, "seconds", r.VoicemailSeconds, 5)
	h.posted("JANE DOE")
	h.shows(m.TS, "Left a voicemail of 0:05.")
	equal(t, "voicemails", len(voicemails(h.work)), 1)
}
