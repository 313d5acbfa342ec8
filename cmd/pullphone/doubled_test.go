package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// Every webhook comes twice, at the same time, and callbacks come in any order: one call, one announcement, one
// outcome, one redirect.
func TestDoubledWebhooks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			h := serveTown(t, options{line: []string{"max_wait: 10m"}, voice: voicetest.Options{
				Repeat:  func(string) int { return 2 },
				Shuffle: random.IntN,
			}})
			replay := func() {
				t.Helper()
				a, err := h.work.Replay(h.ctx)
				h.must(err)
				equal(t, "replayed press", a.Status, 200)
			}
			type story struct {
				name string
				want store.Record
				tell func(call *voicetest.Call, m bottest.Message)
			}
			for i, s := range []story{
				{"taken by SMS", store.Record{AnsweredBy: "Ann", Via: store.BySMS, Outcome: store.Talked, TalkedSeconds: 20},
					func(call *voicetest.Call, m bottest.Message) {
						contains(t, "Ann is told", h.text(annPhone, fmt.Sprintf("Y %d", h.call(call).Code)), "Yours")
						leg := h.rings(annPhone, call)
						h.accepts(leg)
						h.shows(m.TS, "Talking with Ann")
						h.clock.Advance(20 * time.Second)
						leg.Hangup()
					}},
				{"taken in Slack, at the second try", store.Record{AnsweredBy: "Bob", Via: store.BySlack, Outcome: store.Talked, TalkedSeconds: 20},
					func(call *voicetest.Call, m bottest.Message) {
						h.press(annSlack, m, "Take")
						replay()
						leg := h.rings(annPhone, call)
						h.shows(m.TS, "Ringing Ann")
						ringsOut(h, leg)
						again := h.shows(m.TS, "Ann did not pick up, still waiting ")
						h.must(call.WaitPlace(h.ctx, voicetest.PlaceQueue))
						_, err := h.net.Phone(bobPhone).WaitSMS(h.ctx, func(s voicetest.SMS) bool { return strings.HasPrefix(s.Body, "Ann did not pick up.") })
						h.must(err) // once somebody has answered, it would not be sent any more
						h.press(bobSlack, again, "Take")
						replay()
						leg = h.rings(bobPhone, call)
						h.accepts(leg)
						h.shows(m.TS, "Talking with Bob")
						h.clock.Advance(20 * time.Second)
						call.Hangup()
					}},
				{"voicemail", store.Record{AnsweredBy: "Bob", Via: store.BySlack, Outcome: store.Voicemail, VoicemailSeconds: 4},
					func(call *voicetest.Call, m bottest.Message) {
						h.press(bobSlack, m, "Voicemail")
						replay()
						h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
						call.Speak(4 * time.Second)
						call.Hangup()
					}},
				{"missed", store.Record{Outcome: store.Missed}, func(call *voicetest.Call, _ bottest.Message) { call.Hangup() }},
			} {
				before := len(h.work.Messages(salesChannel))
				sms := len(announcements(h.net, bobPhone))
				phone := crewPhone(i)
				call, m := h.arrive(phone, voicetest.CallerInfo{})
				s.tell(call, m)
				r := h.record(call)
				h.must(h.net.WaitQuiet(h.ctx))
				s.want.CallSID, s.want.Line, s.want.From, s.want.Arrived = call.SID(), "Sales", phone, r.Arrived
				s.want.WaitedSeconds = r.WaitedSeconds // as long as a phone rang
				equal(t, s.name+": history", r, s.want)
				messages, texts, redirects := 1, 1, 1
				switch {
				case s.want.Outcome == store.Voicemail:
					h.posted(fmt.Sprintf("(208) 555-%04d", 1000+i))
					messages = 2
				case s.want.Outcome == store.Missed:
					redirects = 0
				case strings.Contains(s.name, "second try"):
					texts, redirects = 2, 2
				}
				h.shows(m.TS, map[store.Outcome]string{store.Talked: "Talked", store.Voicemail: "Left", store.Missed: "Missed"}[s.want.Outcome])
				equal(t, s.name+": messages", len(h.work.Messages(salesChannel))-before, messages)
				equal(t, s.name+": SMS to Bob", len(announcements(h.net, bobPhone))-sms, texts)
				h.redirected(call, redirects)
			}
			equal(t, "calls", len(h.history()), 4)
			open, err := h.store.OpenCalls(h.ctx, "")
			h.must(err)
			equal(t, "open calls", len(open), 0)
		})
	}
}
