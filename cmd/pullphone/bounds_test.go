package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

// Beyond a bound signed requests are turned away at once, and those at work go on.
func TestTooManyAtWork(t *testing.T) {
	t.Parallel()
	busy, end := make(chan struct{}), make(chan struct{})
	h := atWork()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		busy <- struct{}{}
		<-end
	}))
	done := make(chan int)
	for range maxAtWork {
		go func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
			done <- w.Code
		}()
		<-busy
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", w.Code)
	}
	close(end)
	for range maxAtWork {
		if code := <-done; code != http.StatusOK {
			t.Errorf("one at work: %d", code)
		}
	}
}

// Strangers open 2,000 connections and send slowly, or much, on each, and open another whenever one is cut off; whatever
// Twilio signs meanwhile is answered at once, and a call goes its way.
func TestFloodOfStrangers(t *testing.T) { // alone, because it is about time
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	const strangers = 2000
	head := func(path string, length int) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n", path, form, length)
	}
	slow := []string{
		"",                          // says nothing
		head("/twilio/voice", 1000), // a header that never ends
		head("/twilio/voice", 1000) + "\r\nCallSid=",                                        // a body that never ends
		head("/twilio/sms", 23) + "X-Twilio-Signature: AAAA\r\n\r\nMessageSid=SM1&Body=Yes", // a forged one, and then nothing
	}
	much := []string{
		head("/slack/actions", maxBody) + "\r\n" + strings.Repeat("a", maxBody/2),   // a large body that never ends
		head("/slack/actions", maxBody+1) + "\r\n" + strings.Repeat("a", maxBody+1), // one that is too large
	}
	var cut, all atomic.Int32
	end := make(chan struct{})
	var ended sync.WaitGroup
	for i := range strangers {
		says := slow[i%len(slow)]
		if i%25 == 0 {
			says = much[i/25%len(much)]
		}
		ended.Go(func() {
			for {
				c, err := (&net.Dialer{}).DialContext(h.ctx, "tcp", h.listen)
				if err != nil {
					t.Error(err)
					return
				}
				all.Add(1)
				gone := make(chan struct{})
				go func() {
					_, _ = io.WriteString(c, says) // it may be cut off in the middle
					_, _ = io.Copy(io.Discard, c)
					close(gone)
				}()
				select {
				case <-gone:
					cut.Add(1)
				case <-end:
				}
				c.Close()
				<-gone
				select {
				case <-end:
					return
				case <-time.After(5 * time.Second):
				}
			}
		})
	}
	h.until("the strangers", func() bool { return all.Load() >= strangers })
	var longest time.Duration
	for i := range 100 {
		began := time.Now()
		incoming := url.Values{"CallSid": {fmt.Sprintf("CA%032d", 1000+i)}, "From": {crewPhone(i)}, "To": {salesNumber}, "CallStatus": {"ringing"}}
		status, answer := h.sendSigned(h.cfg.PublicURL+"/twilio/voice", incoming)
		if status != http.StatusOK || !strings.Contains(answer, "<Enqueue") {
			t.Errorf("%d %s", status, answer)
		}
		if i%2 == 0 {
			http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the next comes by a connection of its own
		}
		longest = max(longest, time.Since(began))
	}
	call := h.net.Phone(janePhone).Call(salesNumber, jane)
	h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
	call.Hangup()
	equal(t, "outcome", h.record(call).Outcome, store.Missed)
	close(end)
	ended.Wait()
	t.Logf("%d connections, %d of them cut off; the slowest webhook took %s", all.Load(), cut.Load(), longest)
	if longest > 5*time.Second { // Twilio waits 15
		t.Errorf("a webhook took %s", longest)
	}
	if cut.Load() < strangers-maxConnections {
		t.Errorf("only %d of %d connections were cut off", cut.Load(), all.Load())
	}
}
