package voice

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

// The documents, by short names: @c stands for the call, @n for the attempt.
var documents = map[string]string{
	"enqueue": `<Enqueue action="@u/twilio/left?c=@c&amp;n=@n" waitUrl="@u/twilio/hold?c=@c&amp;n=@n">pullphone-12085550100</Enqueue>`,
	"dial Ann": `<Say voice="woman">Putting you through to Ann.</Say>
		<Dial timeout="20" callerId="+12085550100" answerOnBridge="true" action="@u/twilio/dialed?c=@c&amp;n=@n">
		<Number url="@u/twilio/screen?c=@c&amp;n=@n">+12085550101</Number></Dial>`,
	"dial Bob": `<Say voice="woman">Putting you through to Bob.</Say>
		<Dial timeout="20" callerId="+12085550100" answerOnBridge="true" action="@u/twilio/dialed?c=@c&amp;n=@n">
		<Number url="@u/twilio/screen?c=@c&amp;n=@n">+12085550102</Number></Dial>`,
	"record": `<Say voice="woman">Please leave a message.</Say>
		<Record action="@u/twilio/recorded?c=@c&amp;n=@n" maxLength="300" timeout="10" finishOnKey="#" playBeep="true"
		recordingStatusCallback="@u/twilio/recording?c=@c&amp;n=@n" recordingStatusCallbackEvent="completed absent"/>`,
	"ask": `<Gather action="@u/twilio/accept?c=@c&amp;n=@n" numDigits="1" timeout="5">
		<Say voice="woman">Call for Sales from Jane Doe. Press 1 to take it, 2 to decline.</Say></Gather>
		<Gather action="@u/twilio/accept?c=@c&amp;n=@n" numDigits="1" timeout="5">
		<Say voice="woman">Call for Sales from Jane Doe. Press 1 to take it, 2 to decline.</Say></Gather><Hangup/>`,
	"sorry":   `<Say voice="woman">Sorry, we cannot put you through right now.</Say>`,
	"gone":    `<Say voice="woman">The caller has hung up. Goodbye.</Say><Hangup/>`,
	"thanks":  `<Say voice="woman">Thank you. Goodbye.</Say><Hangup/>`,
	"nothing": `<Say voice="woman">We did not hear a message. Goodbye.</Say><Hangup/>`,
	"hangup":  `<Hangup/>`,
	"":        ``,
}

// document is a document of a call and attempt: short names, one after the other, with the attempt in front.
func document(t *testing.T, c store.Call, n int, names ...string) verb {
	t.Helper()
	var all string
	for _, name := range names {
		d, ok := documents[name]
		if !ok {
			t.Fatalf("no document %q", name)
		}
		all += d
	}
	all = strings.NewReplacer("@u", here, "@c", string(c.ID), "@n", fmt.Sprint(n), "\n", "", "\t", "").Replace(all)
	v, err := parse("<Response>" + strings.ReplaceAll(all, `"true"action`, `"true" action`) + "</Response>")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// stages bring a call that has just arrived to where it can be.
var stages = map[string]func(*house, store.Call) store.Call{
	"waiting":       func(_ *house, c store.Call) store.Call { return c },
	"ringing":       func(h *house, c store.Call) store.Call { return h.answer(c, "Ann", store.Take) },
	"fetched":       func(h *house, c store.Call) store.Call { return h.fetched(h.answer(c, "Ann", store.Take)) },
	"talking":       func(h *house, c store.Call) store.Call { return h.accepted(h.fetched(h.answer(c, "Ann", store.Take))) },
	"recording":     func(h *house, c store.Call) store.Call { return h.fetched(h.answer(c, "Ann", store.SendVoicemail)) },
	"again":         func(h *house, c store.Call) store.Call { return h.back(c) },
	"again ringing": func(h *house, c store.Call) store.Call { return h.answer(h.back(c), "Bob", store.Take) },
	"again sent":    func(h *house, c store.Call) store.Call { return h.answer(h.back(c), "Bob", store.SendVoicemail) },
	"too long": func(h *house, c store.Call) store.Call { // waits no more after a take that came to nothing
		c = h.fetched(h.answer(c, "Ann", store.Take))
		h.clock.Advance(3 * time.Minute)
		return h.dialed(c, store.DialResult{Why: store.NoAnswer})
	},
	"talked": func(h *house, c store.Call) store.Call {
		return h.dialed(h.accepted(h.fetched(h.answer(c, "Ann", store.Take))), store.DialResult{Bridged: true, Seconds: 61})
	},
	"voicemail": func(h *house, c store.Call) store.Call {
		c = h.fetched(h.answer(c, "Ann", store.SendVoicemail))
		c, err := h.Store.RecordingReady(h.Context(), c.ID, "RE0", 9)
		return h.got(c, err)
	},
	"missed": func(h *house, c store.Call) store.Call {
		c, err := h.Store.HungUp(h.Context(), c.ID)
		return h.got(c, err)
	},
}

func stage(h *house, c store.Call, name string) store.Call { return stages[name](h, c) }

func (h *house) got(c store.Call, err error) store.Call {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
	return c
}

func (h *house) fetched(c store.Call) store.Call {
	got, err := h.Store.Fetched(h.Context(), c.ID, c.Attempt)
	return h.got(got, err)
}

func (h *house) accepted(c store.Call) store.Call {
	ok, got, err := h.Store.Accept(h.Context(), c.ID, c.Attempt)
	if !ok {
		h.Fatal("not accepted")
	}
	return h.got(got, err)
}

func (h *house) dialed(c store.Call, r store.DialResult) store.Call {
	got, err := h.Store.Dialed(h.Context(), c.ID, c.Attempt, r)
	return h.got(got, err)
}

// back is a call that waits again, for the second attempt.
func (h *house) back(c store.Call) store.Call {
	c = h.dialed(h.fetched(h.answer(c, "Ann", store.Take)), store.DialResult{Why: store.NoAnswer})
	if c.State != store.Waiting || c.Attempt != 2 {
		h.Fatalf("it does not wait again: %+v", c)
	}
	return c
}

// step is a webhook to a call at a stage and what must come of it.
type step struct {
	stage string
	n     int    // attempt in the URL
	doc   string // names of documents, by "+"; "204" is an answer without a document
	docN  int    // attempt in the document, 0: n
	state store.State
}

// run delivers a webhook at each of its stages, twice: the copy must be answered alike and change nothing. A webhook
// that hands the call over to the next state may be answered differently after it, where again says how.
func run(t *testing.T, path string, f func(store.Call) []string, steps []step) {
	t.Helper()
	for _, s := range steps {
		t.Run(fmt.Sprintf("%s %d", s.stage, s.n), func(t *testing.T) {
			h := open(t, someTeam())
			c := stage(h, h.arrive("CA1"), s.stage)
			var calls [2]string // the call as it is stored
			for i := range calls {
				w := h.post(of(path, c, s.n), form(f(c)...))
				switch {
				case s.doc == "204":
					if w.Code != http.StatusNoContent || w.Body.Len() > 0 {
						t.Fatalf("delivery %d: status %d, %s", i+1, w.Code, w.Body)
					}
				default:
					n := s.docN
					if n == 0 {
						n = s.n
					}
					got, want := spoken(t, w), document(t, c, n, strings.Split(s.doc, "+")...)
					if !reflect.DeepEqual(got, want) {
						t.Errorf("delivery %d: got\n%s\nwant\n%s", i+1, got, want)
					}
				}
				now := h.call(c.ID)
				if now.State != s.state {
					t.Errorf("delivery %d: %s afterwards, want %s", i+1, now.State, s.state)
				}
				all, err := json.Marshal(now)
				if err != nil {
					t.Fatal(err)
				}
				calls[i] = string(all)
				h.clock.Advance(time.Second)
			}
			if calls[0] != calls[1] {
				t.Errorf("the second delivery changed the call:\n%s\n%s", calls[0], calls[1])
			}
		})
	}
}

func common(c store.Call, more ...string) []string {
	return append([]string{"CallSid", c.SID, "From", caller, "To", sales, "CallStatus", "in-progress"}, more...)
}

func with(more ...string) func(store.Call) []string {
	return func(c store.Call) []string { return common(c, more...) }
}

func TestIncoming(t *testing.T) {
	h := open(t, someTeam())
	w := h.post(IncomingPath, form("CallSid", "CA1", "To", sales, "From", caller, "FromCity", "BOISE", "FromState", "ID", "CallerName", "Jane"))
	id, err := h.Store.CallBySID(t.Context(), "CA1")
	if err != nil {
		t.Fatal(err)
	}
	c := h.call(id)
	if got, want := spoken(t, w), document(t, c, 1, "enqueue"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if c.State != store.Waiting || c.From != caller || c.Name != "Jane" || c.City != "Boise, ID" || c.Line != sales || c.Code != 1 {
		t.Errorf("stored as %+v", c)
	}
}

// The same call again is answered like the first delivery: Twilio uses one of the answers, and a claim that came
// between has a redirect of its own.
func TestIncomingAgain(t *testing.T) {
	run(t, IncomingPath, with(), []step{
		{"waiting", 1, "enqueue", 0, store.Waiting},
		{"ringing", 1, "enqueue", 0, store.Ringing},
		{"fetched", 1, "enqueue", 0, store.Ringing},
		{"talking", 1, "enqueue", 0, store.Talking},
		{"recording", 1, "enqueue", 0, store.Recording},
		{"again", 1, "enqueue", 2, store.Waiting},
		{"talked", 1, "hangup", 0, store.Ended},
		{"voicemail", 1, "hangup", 0, store.Ended},
		{"missed", 1, "hangup", 0, store.Ended},
	})
}

func TestIncomingElsewhere(t *testing.T) {
	h := open(t, someTeam())
	got := spoken(t, h.post(IncomingPath, form("CallSid", "CA1", "To", "+12085550999", "From", caller)))
	if want, err := parse(`<Response><Say voice="woman">This number is not in service. Goodbye.</Say><Hangup/></Response>`); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", got)
	}
	if _, err := h.Store.CallBySID(t.Context(), "CA1"); err == nil {
		t.Error("a call to no line is stored")
	}
}

func TestConnect(t *testing.T) {
	run(t, connectPath, with(), []step{
		{"ringing", 1, "dial Ann", 0, store.Ringing},
		{"fetched", 1, "dial Ann", 0, store.Ringing},
		{"talking", 1, "dial Ann", 0, store.Talking},
		{"recording", 1, "record", 0, store.Recording},
		{"again", 1, "enqueue", 2, store.Waiting}, // late
		{"again ringing", 2, "dial Bob", 0, store.Ringing},
		{"again sent", 2, "record", 0, store.Recording},
		{"too long", 2, "record", 0, store.Recording},
		{"talked", 1, "hangup", 0, store.Ended},
		{"voicemail", 1, "hangup", 0, store.Ended},
		{"missed", 1, "hangup", 0, store.Ended},
	})
}

func TestConnectRecordsThatItCame(t *testing.T) {
	h := open(t, someTeam())
	c := h.answer(h.back(h.arrive("CA1")), "Bob", store.Take)
	h.post(of(connectPath, c, 1), form(common(c)...))
	if now := h.call(c.ID); now.Fetched != 1 {
		t.Errorf("a late request for the first attempt counts for the second: %+v", now)
	}
	h.post(of(connectPath, c, 2), form(common(c)...))
	if now := h.call(c.ID); now.Fetched != 2 {
		t.Errorf("fetched %d", now.Fetched)
	}
}

// A taker who left the config file since, or whose phone did, cannot be rung: the caller waits again.
func TestConnectTakerGone(t *testing.T) {
	for name, people := range map[string][]store.Person{
		"person": {{Name: "Bob", Phone: "+12085550102"}},
		"phone":  {{Name: "Ann", Slack: "U000ANN"}, {Name: "Bob", Phone: "+12085550102"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, someTeam())
			c := h.answer(h.arrive("CA1"), "Ann", store.Take)
			h.Store.Team.People = people
			for range 2 {
				if got, want := spoken(t, h.post(of(connectPath, c, 1), form(common(c)...))), document(t, c, 2, "enqueue"); !reflect.DeepEqual(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			}
			now := h.call(c.ID)
			if now.State != store.Waiting || now.Attempt != 2 || len(now.Tries) != 1 || now.Tries[0].Why != store.Failed {
				t.Errorf("%+v", now)
			}
		})
	}
}

func TestConnectWithoutAsking(t *testing.T) {
	team := someTeam()
	team.Lines[0].Accept = false
	h := open(t, team)
	c := h.answer(h.arrive("CA1"), "Ann", store.Take)
	got := spoken(t, h.post(of(connectPath, c, 1), form(common(c)...)))
	want := verb{Name: "Number", Text: "+12085550101", Attr: map[string]string{
		"statusCallback": here + of(answeredPath, c, 1), "statusCallbackEvent": "answered"}}
	if len(got.Inner) != 2 || !reflect.DeepEqual(got.Inner[1].Inner, []verb{want}) {
		t.Errorf("got %s", got)
	}
	for _, s := range []string{"ringing", "completed", ""} { // of no meaning here
		if w := h.post(of(answeredPath, c, 1), form("CallSid", "CA9", "CallStatus", s)); w.Code != http.StatusNoContent {
			t.Errorf("status %d", w.Code)
		}
		if now := h.call(c.ID); now.State != store.Ringing {
			t.Fatalf("%q made it %s", s, now.State)
		}
	}
	for range 2 {
		if w := h.post(of(answeredPath, c, 1), form("CallSid", "CA9", "CallStatus", "in-progress")); w.Code != http.StatusNoContent {
			t.Errorf("status %d", w.Code)
		}
		if now := h.call(c.ID); now.State != store.Talking {
			t.Errorf("picked up, and it is %s", now.State)
		}
	}
}

func TestAnsweredLate(t *testing.T) {
	run(t, answeredPath, with(), []step{
		{"waiting", 1, "204", 0, store.Waiting},
		{"again", 1, "204", 0, store.Waiting},
		{"again ringing", 1, "204", 0, store.Ringing},
		{"recording", 1, "204", 0, store.Recording},
		{"talking", 1, "204", 0, store.Talking},
		{"missed", 1, "204", 0, store.Ended},
	})
}

// After a redirect Twilio reports the end of the wait here too: nothing may change, nothing may be torn down.
func TestLeftByRedirect(t *testing.T) {
	for _, result := range []string{"redirected", "redirected-from-bridged", "bridged", "bridging-in-process", "", "something new"} {
		run(t, leftPath, with("QueueResult", result), []step{
			{"waiting", 1, "", 0, store.Waiting},
			{"ringing", 1, "", 0, store.Ringing},
			{"fetched", 1, "", 0, store.Ringing},
			{"talking", 1, "", 0, store.Talking},
			{"recording", 1, "", 0, store.Recording},
			{"again", 1, "", 0, store.Waiting},
			{"again ringing", 1, "", 0, store.Ringing},
			{"missed", 1, "", 0, store.Ended},
		})
	}
}

func TestLeftByHangup(t *testing.T) {
	for _, f := range [][]string{
		{"QueueResult", "hangup"}, {"QueueResult", "hangup", "CallStatus", "completed"}, {"QueueResult", "system-error", "CallStatus", "completed"},
		{"QueueResult", "error", "CallStatus", "canceled"},
	} {
		run(t, leftPath, with(f...), []step{
			{"waiting", 1, "", 0, store.Ended},
			{"ringing", 1, "", 0, store.Ended},
			{"talking", 1, "", 0, store.Ended},
			{"recording", 1, "", 0, store.Recording}, // a message may be left: its own report decides
			{"again", 2, "", 0, store.Ended},
			{"missed", 1, "", 0, store.Ended},
		})
	}
}

// A caller who fell out of the queue hears what the call's state says, never silence.
func TestLeftByFault(t *testing.T) {
	for _, result := range []string{"queue-full", "error", "system-error", "leave"} {
		run(t, leftPath, with("QueueResult", result), []step{
			{"waiting", 1, "record", 0, store.Recording},
			{"ringing", 1, "dial Ann", 0, store.Ringing},
			{"recording", 1, "record", 0, store.Recording},
			{"again", 2, "record", 0, store.Recording},
			{"again", 1, "enqueue", 2, store.Waiting}, // late
			{"again ringing", 2, "dial Bob", 0, store.Ringing},
			{"talked", 1, "hangup", 0, store.Ended},
			{"missed", 1, "hangup", 0, store.Ended},
		})
	}
}

func TestScreen(t *testing.T) {
	run(t, screenPath, func(store.Call) []string { return []string{"CallSid", "CA9", "Direction", "outbound-dial"} }, []step{
		{"ringing", 1, "ask", 0, store.Ringing},
		{"fetched", 1, "ask", 0, store.Ringing},
		{"talking", 1, "ask", 0, store.Talking},
		{"waiting", 1, "gone", 0, store.Waiting},
		{"recording", 1, "gone", 0, store.Recording},
		{"again", 1, "gone", 0, store.Waiting},
		{"again ringing", 1, "gone", 0, store.Ringing},
		{"again ringing", 2, "ask", 0, store.Ringing},
		{"missed", 1, "gone", 0, store.Ended},
		{"talked", 1, "gone", 0, store.Ended},
	})
}

func TestAccept(t *testing.T) {
	keys := func(digits string) func(store.Call) []string {
		return func(store.Call) []string { return []string{"CallSid", "CA9", "Digits", digits} }
	}
	t.Run("1", func(t *testing.T) {
		run(t, acceptPath, keys("1"), []step{
			{"ringing", 1, "", 0, store.Talking},
			{"fetched", 1, "", 0, store.Talking},
			{"talking", 1, "", 0, store.Talking},
			{"waiting", 1, "gone", 0, store.Waiting},
			{"recording", 1, "gone", 0, store.Recording},
			{"again", 1, "gone", 0, store.Waiting},
			{"again ringing", 1, "gone", 0, store.Ringing},
			{"missed", 1, "gone", 0, store.Ended},
			{"talked", 1, "gone", 0, store.Ended},
		})
	})
	t.Run("2", func(t *testing.T) {
		run(t, acceptPath, keys("2"), []step{
			{"fetched", 1, "hangup", 0, store.Ringing},
			{"again ringing", 1, "hangup", 0, store.Ringing},
			{"missed", 1, "hangup", 0, store.Ended},
		})
	})
	for _, other := range []string{"9", "0", "*", "#", "", "11", "1#", " 1", "one"} {
		t.Run("other "+other, func(t *testing.T) {
			run(t, acceptPath, keys(other), []step{
				{"fetched", 1, "ask", 0, store.Ringing},
				{"again", 1, "gone", 0, store.Waiting},
				{"missed", 1, "gone", 0, store.Ended},
			})
		})
	}
}

// The 2 is why the call waits again, of its own attempt only.
func TestDeclined(t *testing.T) {
	h := open(t, someTeam())
	c := h.fetched(h.answer(h.arrive("CA1"), "Ann", store.Take))
	h.post(of(acceptPath, c, 1), form("Digits", "2"))
	h.post(of(dialedPath, c, 1), form(common(c, "DialCallStatus", "completed", "DialBridged", "false")...))
	c = h.call(c.ID)
	if c.State != store.Waiting || c.Tries[0].Why != store.Declined {
		t.Fatalf("%+v", c)
	}
	c = h.fetched(h.answer(c, "Bob", store.Take))
	h.post(of(acceptPath, c, 1), form("Digits", "2")) // late
	h.post(of(dialedPath, c, 2), form(common(c, "DialCallStatus", "busy")...))
	if c = h.call(c.ID); len(c.Tries) != 2 || c.Tries[1].Why != store.Busy {
		t.Errorf("%+v", c.Tries)
	}
}

func TestRecorded(t *testing.T) {
	for _, seconds := range []string{"7", "300", "", "x"} {
		run(t, recordedPath, with("RecordingDuration", seconds, "RecordingUrl", "https://evil.example/x", "Digits", "#"), []step{
			{"recording", 1, "thanks", 0, store.Recording},
			{"voicemail", 1, "thanks", 0, store.Ended},
			{"talked", 1, "thanks", 0, store.Ended},
		})
	}
	run(t, recordedPath, with("RecordingDuration", "0", "Digits", "hangup", "CallStatus", "completed"), []step{
		{"recording", 1, "nothing", 0, store.Ended},
		{"missed", 1, "nothing", 0, store.Ended},
		{"voicemail", 1, "thanks", 0, store.Ended}, // the recording's report was quicker
	})
}

func TestRecording(t *testing.T) {
	for _, f := range [][]string{
		{"RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "7"},
		{"RecordingSid", "RE1", "RecordingDuration", "7"}, // as some pages of Twilio have it
	} {
		run(t, recordingPath, with(f...), []step{
			{"recording", 1, "204", 0, store.Ended},
			{"missed", 1, "204", 0, store.Ended},
			{"voicemail", 1, "204", 0, store.Ended},
			{"waiting", 1, "204", 0, store.Waiting}, // of no meaning, but never lost
		})
	}
	for _, f := range [][]string{
		{"RecordingStatus", "absent"}, {"RecordingStatus", "failed", "RecordingSid", "RE1"},
		{"RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "0"},
	} {
		run(t, recordingPath, with(f...), []step{
			{"recording", 1, "204", 0, store.Ended},
			{"voicemail", 1, "204", 0, store.Ended},
			{"waiting", 1, "204", 0, store.Waiting},
		})
	}
	run(t, recordingPath, with("RecordingStatus", "in-progress", "RecordingSid", "RE1"), []step{
		{"recording", 1, "204", 0, store.Recording},
		{"missed", 1, "204", 0, store.Ended},
	})
}

// A message counts whenever its report comes, once.
func TestRecordingIsKept(t *testing.T) {
	for _, at := range []string{"recording", "missed", "talked", "waiting", "voicemail"} {
		h := open(t, someTeam())
		c := stage(h, h.arrive("CA1"), at)
		before := len(c.Voice)
		for range 2 {
			h.post(of(recordingPath, c, 1), form("RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "7",
				"RecordingUrl", "https://evil.example/x"))
		}
		now := h.call(c.ID)
		if len(now.Voice) != before+1 || now.Voice[before].SID != "RE1" || now.Voice[before].Seconds != 7 {
			t.Errorf("%s: %+v", at, now.Voice)
		}
		if at == "missed" && now.Outcome != store.Voicemail {
			t.Errorf("missed stays %s", now.Outcome)
		}
	}
	h := open(t, someTeam())
	silent := stage(h, h.arrive("CA0"), "recording")
	h.post(of(recordingPath, silent, 1), form("RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "0"))
	if now := h.call(silent.ID); now.Outcome != store.Missed || len(now.Voice) != 0 {
		t.Errorf("silence is kept as %s, %+v", now.Outcome, now.Voice)
	}
	c := stage(h, h.arrive("CA1"), "recording")
	for _, sid := range []string{"", "../../Accounts", "RE1/../x", "re1", "RE1 x", "RE" + strings.Repeat("1", 80)} {
		if w := h.post(of(recordingPath, c, 1), form("RecordingStatus", "completed", "RecordingSid", sid, "RecordingDuration", "7")); w.Code != 400 {
			t.Errorf("RecordingSid %q: status %d", sid, w.Code)
		}
	}
	if now := h.call(c.ID); len(now.Voice) != 0 {
		t.Errorf("%+v", now.Voice)
	}
}

func TestEnded(t *testing.T) {
	for _, s := range []string{"completed", "busy", "failed", "no-answer", "canceled"} {
		run(t, StatusPath, with("CallStatus", s), []step{
			{"waiting", 1, "204", 0, store.Ended},
			{"ringing", 1, "204", 0, store.Ended},
			{"talking", 1, "204", 0, store.Ended},
			{"recording", 1, "204", 0, store.Recording},
			{"talked", 1, "204", 0, store.Ended},
		})
	}
	for _, s := range []string{"in-progress", "ringing", "queued", ""} {
		run(t, StatusPath, with("CallStatus", s), []step{{"waiting", 1, "204", 0, store.Waiting}})
	}
	h := open(t, someTeam())
	for _, sid := range []string{"CA404", "", "open/x", "../x", "CA1\n"} {
		if w := h.post(StatusPath, form("CallStatus", "completed", "CallSid", sid)); w.Code != http.StatusNoContent {
			t.Errorf("CallSid %q: status %d", sid, w.Code)
		}
	}
}

func TestFallback(t *testing.T) {
	run(t, FallbackPath, with("ErrorCode", "11200", "ErrorUrl", here+IncomingPath), []step{
		{"waiting", 1, "sorry+record", 0, store.Recording},
		{"ringing", 1, "sorry+record", 0, store.Recording},
		{"talking", 1, "hangup", 0, store.Ended}, // what failed was the way on from their conversation
		{"recording", 1, "sorry+record", 0, store.Recording},
		{"again", 2, "sorry+record", 0, store.Recording},
		{"talked", 1, "hangup", 0, store.Ended},
		{"missed", 1, "hangup", 0, store.Ended},
	})
	h := open(t, someTeam())
	w := h.post(FallbackPath, form("CallSid", "CA7", "To", sales, "From", caller, "ErrorCode", "11200"))
	id, err := h.Store.CallBySID(t.Context(), "CA7")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := spoken(t, w), document(t, h.call(id), 1, "sorry", "record"); !reflect.DeepEqual(got, want) {
		t.Errorf("a call that never arrived: got\n%s\nwant\n%s", got, want)
	}
	if got, want := spoken(t, h.post(FallbackPath+"/done", form("RecordingDuration", "9"))), document(t, store.Call{}, 1, "thanks"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", got)
	}
}

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
	for _, path := range []string{holdPath, leftPath, connectPath, screenPath, acceptPath, answeredPath, dialedPath, recordedPath, recordingPath} {
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
