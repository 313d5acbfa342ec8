package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/voicetest"
)

const (
	benchToken  = "fedcba9876543210fedcba9876543210"
	benchPublic = "https://phone.example.com"
	benchLines  = 200
)

// benchConfig has many lines, so that none has more calls than a busy line has.
func benchConfig(b *testing.B, file string) *config.Config {
	b.Helper()
	var y strings.Builder
	fmt.Fprintf(&y, `public_url: %s
store: bolt:%s
twilio: {account_sid: AC0123456789abcdef0123456789abcdef, auth_token: %s, lookup: false}
slack: {bot_token: xoxb-1, signing_secret: 0123456789abcdef0123456789abcdef}
people:
  - {name: Ann, phone: "%s", slack: %s}
  - {name: Bob, phone: "%s", slack: %s}
lines:
`, benchPublic, file, benchToken, annPhone, annSlack, bobPhone, bobSlack)
	for i := range benchLines {
		fmt.Fprintf(&y, "  - {name: L%d, number: %q, channel: C%09d, max_wait: 1h}\n", i, benchLine(i), i)
	}
	cfg, err := config.Parse("bench.yml", []byte(y.String()), os.LookupEnv)
	if err != nil {
		b.Fatal(err)
	}
	return cfg
}

func benchLine(i int) string { return fmt.Sprintf("+1208556%04d", i%benchLines) }

// benchService is the program over a file with that many ended calls. What is due is left undone: a webhook does none of
// it.
func benchService(b *testing.B, ended int) *service {
	b.Helper()
	file := filepath.Join(b.TempDir(), "pullphone.db")
	db, err := bolt.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	at := time.Now().Add(-time.Duration(ended) * time.Second).UTC()
	for from := 0; from < ended; from += 10_000 {
		err := db.Update(b.Context(), func(tx store.Tx) error {
			for i := from; i < min(ended, from+10_000); i++ {
				arrived := at.Add(time.Duration(i) * time.Second)
				c := store.Call{ID: store.NewCallID(arrived), SID: fmt.Sprintf("CA%032x", i*7919), Line: benchLine(i), From: janePhone, City: "Boise, ID",
					State: store.Ended, Attempt: 1, Rev: 4, Arrived: arrived, Accepted: arrived, Stopped: arrived, Outcome: store.Talked, Seconds: 61}
				record, err := json.Marshal(c)
				if err != nil {
					return err
				}
				tx.Put("done/"+string(c.ID), record)
				tx.Put("sid/"+c.SID, []byte(c.ID))
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	s, err := newService(b.Context(), benchConfig(b, file), db, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.store.Close() })
	return s
}

// webhook is a signed request of Twilio's, ready to be served.
func webhook(path string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set("X-Twilio-Signature", voicetest.Sign(benchToken, benchPublic+path, form))
	return r
}

func incoming(i int) *http.Request {
	return webhook("/twilio/voice", url.Values{"CallSid": {fmt.Sprintf("CB%032x", i)}, "AccountSid": {"AC0123456789abcdef0123456789abcdef"}, "ApiVersion": {"2010-04-01"},
		"From": {janePhone}, "To": {benchLine(i)}, "Caller": {janePhone}, "Called": {benchLine(i)}, "CallStatus": {"ringing"}, "Direction": {"inbound"},
		"FromCity": {"BOISE"}, "FromState": {"ID"}, "FromZip": {"83702"}, "FromCountry": {"US"}, "ToCity": {""}, "ToState": {""}, "ToZip": {""}, "ToCountry": {"US"}})
}

func answer(i, code int) *http.Request {
	sid := fmt.Sprintf("SM%032x", i)
	return webhook("/twilio/sms", url.Values{"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {"AC0123456789abcdef0123456789abcdef"},
		"From": {annPhone}, "To": {benchLine(i)}, "Body": {fmt.Sprintf("Y %d", code)}, "NumMedia": {"0"}, "NumSegments": {"1"}, "SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"}})
}

func hungUp(i int) *http.Request {
	return webhook("/twilio/status", url.Values{"CallSid": {fmt.Sprintf("CB%032x", i)}, "CallStatus": {"completed"}, "From": {janePhone}, "To": {benchLine(i)}})
}

// once answers one request and returns how long that took.
func (s *service) once(b *testing.B, r *http.Request, want string) time.Duration {
	w := httptest.NewRecorder()
	began := time.Now()
	s.public.ServeHTTP(w, r)
	took := time.Since(began)
	if w.Code >= 300 || !strings.Contains(w.Body.String(), want) {
		b.Errorf("%s: %d %s, want …%s…", r.URL.Path, w.Code, w.Body, want)
	}
	return took
}

// percentiles reports how long the single ones took.
func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for name, part := range map[string]int{"p50-µs": 50, "p99-µs": 99} {
		b.ReportMetric(float64(took[(len(took)-1)*part/100].Microseconds()), name)
	}
}

// BenchmarkIncoming is the webhook of a call that arrives, as it comes in: signature, form, transaction on disk, TwiML.
func BenchmarkIncoming(b *testing.B) {
	for _, ended := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("ended=%d/alone", ended), func(b *testing.B) {
			s := benchService(b, ended)
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				took = append(took, s.once(b, incoming(i), "<Enqueue"))
				b.StopTimer()
				s.once(b, hungUp(i), "") // no line has more than a few calls
				b.StartTimer()
			}
			percentiles(b, took)
		})
		b.Run(fmt.Sprintf("ended=%d/parallel", ended), func(b *testing.B) {
			s := benchService(b, ended)
			var next atomic.Int64
			var mu sync.Mutex
			var took []time.Duration
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var mine []time.Duration
				for pb.Next() {
					mine = append(mine, s.once(b, incoming(int(next.Add(1))), "<Enqueue"))
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, mine...)
			})
			b.StopTimer()
			percentiles(b, took)
		})
	}
}

// BenchmarkAnswer is the webhook of an SMS that takes a waiting call, with the reply: the claim is on disk, and the redirect is
// due.
func BenchmarkAnswer(b *testing.B) {
	for _, ended := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("ended=%d", ended), func(b *testing.B) {
			s := benchService(b, ended)
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				s.once(b, incoming(i), "<Enqueue")
				id, err := s.store.CallBySID(b.Context(), fmt.Sprintf("CB%032x", i))
				if err != nil {
					b.Fatal(err)
				}
				c, err := s.store.Call(b.Context(), id)
				if err != nil {
					b.Fatal(err)
				}
				r := answer(i, c.Code) // a code rests for a while after its call
				b.StartTimer()
				took = append(took, s.once(b, r, "Yours: "))
				b.StopTimer()
				s.once(b, hungUp(i), "")
				b.StartTimer()
			}
			percentiles(b, took)
		})
	}
}
