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
	"ask": `<Gather action="@u/twilio/accept?c=@c&amp;n=@n" numDigits="1" finishOnKey="" timeout="5">
		<Say voice="woman">Call for Sales from Jane Doe. Press 1 to take it, 2 to decline.</Say></Gather>
		<Gather action="@u/twilio/accept?c=@c&amp;n=@n" numDigits="1" finishOnKey="" timeout="5">
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
