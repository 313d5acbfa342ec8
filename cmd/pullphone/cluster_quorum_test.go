package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/store/etcd/etcdtest"
	"pullphone/voice/voicetest"
)

// shown is a number as people read it.
var shown = regexp.MustCompile(`\(\d{3}\) \d{3}-\d{4}`)

// Two of three nodes of etcd are gone, or do not answer: nothing can be received. Whoever calls leaves a message by the
// fallback, whoever waits goes on waiting, both processes say why, and all goes on by itself when the nodes are back.
func TestClusterWithoutQuorum(t *testing.T) {
	for name, fault := range map[string]struct{ begin, end func(*etcdtest.Node) error }{
		"killed": {(*etcdtest.Node).Kill, (*etcdtest.Node).Start},
		"halted": {(*etcdtest.Node).Pause, (*etcdtest.Node).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := twinTown(t, ownNodes(t), options{line: []string{"max_wait: 1h"}, voice: voicetest.Options{HoldLoop: time.Second}, errors: []string{
				"webhook failed", "fallback", "fallback without a store", "SMS not heard", "queue not recorded", "command failed", "press not recorded", "a call is not in the store; its message is only at Twilio", "status of an SMS not recorded",
				"the store takes no change", "*etcd does not answer",
			}})
			first, m := w.arrive(janePhone, jane)
			second, _ := w.arrive(markPhone, voicetest.CallerInfo{})

			stopped := w.nodes.Nodes[:2]
			for _, n := range stopped {
				w.must(fault.begin(n))
			}
			begun := time.Now()
			w.front.reset()
			third := w.net.Phone(crewPhone(1)).Call(salesNumber, voicetest.CallerInfo{})
			answered := make(chan int, 1)
			go func() {
				status, _ := w.sendSigned(w.cfg.PublicURL+"/twilio/sms", url.Values{"MessageSid": {"SM" + strings.Repeat("0", 32)}, "From": {annPhone}, "To": {salesNumber}, "Body": {"Yes 1"}})
				answered <- status
			}()
			equal(t, "/pull", w.command(annSlack, "1"), "That did not work. Please try again.")
			equal(t, "an SMS", <-answered, http.StatusServiceUnavailable)
			w.must(third.WaitPlace(w.ctx, voicetest.PlaceRecording))
			t.Logf("a new caller hears the tone after %s", time.Since(begun))
			third.Speak(3 * time.Second)
			third.Hangup()
			second.Hangup() // and nobody hears of it
			w.must(second.WaitEnd(w.ctx))
			for _, p := range w.each {
				p.answersReady(http.StatusServiceUnavailable)
				_, says := p.get(http.MethodGet, "http://"+p.admin+"/readyz", nil)
				contains(t, "readyz", string(says), "the store takes no change: etcd does not answer")
				for _, n := range stopped {
					contains(t, "readyz", string(says), strings.TrimPrefix(n.Endpoint, "http://"))
				}
			}
			t.Logf("both say so after %s", time.Since(begun))
			w.must(w.net.WaitQuiet(w.ctx))
			equal(t, "place of the first caller", first.Place(), voicetest.PlaceQueue)
			w.redirected(first, 0)
			path, took := w.front.longest()
			t.Logf("the longest request, %s, took %s", path, took)
			if took > 12*time.Second {
				t.Errorf("%s took %s to answer: Twilio waits 15 s", path, took)
			}

			for _, n := range stopped {
				w.must(fault.end(n))
			}
			begun = time.Now()
			for _, p := range w.each {
				p.answersReady(http.StatusOK)
			}
			t.Logf("both are ready %s after the nodes were back", time.Since(begun))
			w.posted("(208) 555-1001") // what was said meanwhile
			equal(t, "outcome of who hung up meanwhile", string(w.record(second).Outcome), "missed")
			contains(t, "Ann is told", w.text(annPhone, "Yes 1"), "Yours")
			w.accepts(w.rings(annPhone, first))
			w.shows(m.TS, "Talking with Ann")
			first.Hangup()
			w.must(first.WaitEnd(w.ctx))
			w.shows(m.TS, "Talked with Ann")
			w.redirected(first, 1)
			w.until("everything is recorded", func() bool {
				due, err := isDue(w.ctx, w.keys, time.Now())
				w.must(err)
				return !due
			})
			for _, call := range []*voicetest.Call{first, second, third} {
				for _, v := range call.Heard() {
					if v.Kind == voicetest.HeardError {
						t.Errorf("%s heard %s", call.SID(), v)
					}
				}
			}
			var said []string
			for _, m := range w.work.Messages(salesChannel) {
				kind, _, _ := strings.Cut(m.Text, " ")
				said = append(said, kind+" "+shown.FindString(m.Text))
			}
			slices.Sort(said)
			equal(t, "messages", strings.Join(said, "|"), "Call (208) 555-0123|Call (208) 555-0145|Call (208) 555-1001|Voicemail (208) 555-1001")
		})
	}
}
