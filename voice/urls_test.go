package voice

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"pullphone/store"
)

// A URL that names no call is refused, whatever stands in it, and nothing is read or changed.
func TestURLsThatNameNoCall(t *testing.T) {
	h := open(t, someTeam())
	c := h.arrive("CA1")
	id := string(c.ID)
	queries := []string{
		"", "?", "?c=" + id, "?n=1", "?c=&n=1", "?c=" + id + "&n=", "?c=" + id + "&n=0", "?c=" + id + "&n=-1", "?c=" + id + "&n=1.5",
		"?c=" + id + "&n=x", "?c=" + id + "&n=99999999999999999999", "?c=" + id[:25] + "&n=1", "?c=" + id + "0&n=1", "?c=" + id[:25] + "%2F&n=1",
		"?c=..%2F..%2F..%2F..%2F..%2F..%2Fetc%2F&n=1", "?c=" + id[:25] + "%00&n=1", "?c=" + id[:25] + "é&n=1", "?C=" + id + "&N=1", "?c=" + id + ";n=1",
		"?c=" + strings.Repeat("Z", 26) + "&n=1", // beyond what an ID can hold
		"?c=" + strings.Repeat("U", 26) + "&n=1", // a letter that IDs do not have
	}
	for _, path := range []string{holdPath, leftPath, connectPath, screenPath, acceptPath, answeredPath, dialedPath, recordedPath, recordingPath,
		ringPath, keyPath, rungPath, meetPath, metPath, partedPath} {
		for _, q := range queries {
			if w := h.post(path+q, form(common(c, "QueueResult", "hangup", "Digits", "1", "RecordingSid", "RE1")...)); w.Code != http.StatusBadRequest {
				t.Errorf("%s%s: status %d", path, q, w.Code)
			}
		}
	}
	// The call named in the form, where nothing signed says so, is not taken.
	if w := h.post(leftPath, form("c", id, "n", "1", "QueueResult", "hangup")); w.Code != http.StatusBadRequest {
		t.Errorf("named in the form: status %d", w.Code)
	}
	for _, path := range []string{IncomingPath, FallbackPath} {
		for _, sid := range []string{"", "x", "CA", "ca1", "CA1/x", "CA1 ", "CA" + strings.Repeat("0", 63), "CA\x00", "CA1\n"} {
			if w := h.post(path, form("CallSid", sid, "To", sales, "From", caller)); w.Code != http.StatusBadRequest {
				t.Errorf("%s, CallSid %q: status %d", path, sid, w.Code)
			}
		}
	}
	if now := h.call(c.ID); now.State != store.Waiting || now.Rev != c.Rev {
		t.Errorf("it was changed: %+v", now)
	}
	if calls, err := h.Store.OpenCalls(t.Context(), ""); err != nil || len(calls) != 1 {
		t.Errorf("%d calls, %v", len(calls), err)
	}
}

// A call that the store does not know: the caller's documents fail, so that Twilio turns to the fallback; a taker hears
// no error but is hung up on; music plays.
func TestUnknownCalls(t *testing.T) {
	h := open(t, someTeam())
	c := store.Call{ID: store.NewCallID(h.clock.Now()), SID: "CA404"}
	for path, want := range map[string]int{
		connectPath: 503, dialedPath: 503, recordedPath: 503, recordingPath: 503, answeredPath: 503, leftPath: 503,
		holdPath: 200, screenPath: 200, acceptPath: 200,
	} {
		w := h.post(of(path, c, 1), form(common(c, "QueueResult", "error", "CallStatus", "in-progress", "Digits", "1", "RecordingSid", "RE1", "RecordingDuration", "3")...))
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", path, w.Code, want)
		}
		if path == screenPath || path == acceptPath {
			if got := spoken(t, w); !reflect.DeepEqual(got, document(t, c, 1, "hangup")) {
				t.Errorf("%s: %s", path, got)
			}
		}
	}
	if w := h.post(of(acceptPath, c, 1), form("Digits", "2")); w.Code != 200 {
		t.Errorf("2: status %d", w.Code)
	}
}

// Only POST is a webhook: a page that somebody opens changes nothing.
func TestOnlyPost(t *testing.T) {
	h := open(t, someTeam())
	for _, path := range []string{IncomingPath, FallbackPath, StatusPath, holdPath, leftPath, connectPath, acceptPath, dialedPath, recordedPath, recordingPath} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions} {
			if w := h.request(method, path+"?CallSid=CA1&To="+sales, nil); w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: status %d", method, path, w.Code)
			}
		}
	}
}
