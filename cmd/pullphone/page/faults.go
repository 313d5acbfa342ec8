package page

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

// Faults are the outages that the page can play. While Slack is down it answers 503 to everything, as in its worst hours;
// while SMS is down, Twilio's Messages API does (error 20503), and calls go on.
type Faults struct {
	Wire *Wire // shows what failed: the doubles do not get to see it

	slack, sms atomic.Bool
	changed    hint
}

// FaultsNow says what is down.
type FaultsNow struct {
	Slack bool `json:"slack"`
	SMS   bool `json:"sms"`
}

// Now says what is down.
func (f *Faults) Now() FaultsNow { return FaultsNow{f.slack.Load(), f.sms.Load()} }

// set begins or ends an outage. It is false if nothing of that name can be down.
func (f *Faults) set(what string, down bool) bool {
	switch what {
	case "slack":
		f.slack.Store(down)
	case "sms":
		f.sms.Store(down)
	default:
		return false
	}
	f.changed.give()
	return true
}

// Slack is the workspace's Intercept.
func (f *Faults) Slack(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.slack.Load() {
			next.ServeHTTP(w, r)
			return
		}
		f.fail(w, r, Entry{Way: toSlack, Kind: bottest.KindCall}, Entry{Way: fromSlack, Kind: bottest.KindReply},
			"text/html", "<html><body>503 Service Unavailable</body></html>\n")
	})
}

// Voice is the telephone network's Intercept.
func (f *Faults) Voice(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.sms.Load() || !strings.Contains(r.URL.Path, "/Messages") {
			next.ServeHTTP(w, r)
			return
		}
		f.fail(w, r, Entry{Way: toTwilio, Kind: voicetest.EventREST}, Entry{Way: fromTwilio, Kind: voicetest.EventReply},
			"application/json", `{"code": 20503, "message": "Service unavailable", "status": 503}`)
	})
}

func (f *Faults) fail(w http.ResponseWriter, r *http.Request, request, reply Entry, kind, text string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return
	}
	sent, err := url.QueryUnescape(strings.ReplaceAll(string(body), "&", "\n"))
	if err != nil {
		sent = string(body)
	}
	request.At, request.Summary, request.Text = stamp(time.Now()), r.Method+" "+r.URL.Path, r.URL.Path+"\n"+sent
	request = f.Wire.add(request)
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, text) // a peer that has gone is not told
	reply.At, reply.Summary, reply.Text, reply.Call = stamp(time.Now()), "503 Service Unavailable", text, request.Call
	f.Wire.add(reply)
}
