package twilio_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// Lists are read to their last page, and to the time that is asked for, whether Twilio compares times or days.
func TestLists(t *testing.T) {
	for _, byDay := range []bool{false, true} {
		clock := clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC))
		net, err := voicetest.Start(voicetest.Options{Clock: clock, LongestPage: 2, FilterByDay: byDay})
		no(t, err)
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			switch r.URL.Path {
			case "/voice":
				fmt.Fprint(w, `<Response><Enqueue waitUrl="">q</Enqueue></Response>`)
			case "/record":
				fmt.Fprint(w, `<Response><Record action="/done"/></Response>`)
			default:
				fmt.Fprint(w, `<Response/>`)
			}
		}))
		defer func() {
			no(t, net.Close())
			app.Close()
			for _, p := range net.Problems() {
				t.Errorf("problem: %v", p)
			}
		}()
		const other = "+12085550199"
		net.Configure(line, voicetest.NumberConfig{VoiceURL: app.URL + "/voice", SMSURL: app.URL + "/sms"})
		net.Configure(other, voicetest.NumberConfig{VoiceURL: app.URL + "/record", SMSURL: app.URL + "/sms"})
		c, err := twilio.New(net.AccountSID(), net.AuthToken(), net.URL())
		no(t, err)
		ctx := soon(t)

		if ms, err := c.Members(ctx, "QU"+strings.Repeat("0", 32)); len(ms) != 0 || err != nil {
			t.Errorf("members of no queue: %v, %v", ms, err)
		}
		var in []string
		for range 5 {
			call := net.Phone(caller).Call(line, voicetest.CallerInfo{})
			no(t, call.WaitPlace(ctx, voicetest.PlaceQueue))
			in = append(in, call.SID())
		}
		queue, err := c.Queue(ctx, "q")
		no(t, err)
		if ms, err := c.Members(ctx, queue); !slices.Equal(ms, in) || err != nil {
			t.Errorf("members %v, %v; want %v", ms, err, in)
		}

		var texts, recordings []string
		for i := range 7 {
			text := net.Phone(mobile).Text(line, fmt.Sprint(i))
			no(t, text.WaitDone(ctx))
			texts = append(texts, text.SID())
			no(t, net.Phone(mobile).Text(other, "to another").WaitDone(ctx))
			call := net.Phone(caller).Call(other, voicetest.CallerInfo{})
			no(t, call.WaitPlace(ctx, voicetest.PlaceRecording))
			call.Speak(time.Second)
			call.Hangup()
			no(t, call.WaitEnd(ctx))
			recordings = append(recordings, call.SID())
			clock.Advance(time.Minute)
		}
		since := clock.Now().Add(-5*time.Minute - 500*time.Millisecond)
		ts, err := c.Texts(ctx, line, since)
		var got []string
		for _, m := range ts {
			got = append(got, m.SID)
			if m.From != mobile || m.To != line || len(m.Body) != 1 || m.Sent.Before(since) {
				t.Errorf("%+v", m)
			}
		}
		slices.Reverse(got)
		if !slices.Equal(got, texts[2:]) || err != nil {
			t.Errorf("texts %v, %v; want %v", got, err, texts[2:])
		}
		rs, err := c.RecordingsSince(ctx, since)
		got = nil
		for _, r := range rs {
			if !r.Created.Before(since) {
				got = append(got, r.Call)
			}
			if !r.Message || r.Status != "completed" || r.Seconds != 1 || !strings.HasPrefix(r.SID, "RE") {
				t.Errorf("%+v", r)
			}
		}
		slices.Reverse(got)
		if !slices.Equal(got, recordings[2:]) || err != nil {
			t.Errorf("recordings %v, %v; want %v", got, err, recordings[2:])
		}
		if longest := map[bool]int{false: 5, true: 7}[byDay]; len(rs) != longest {
			t.Errorf("%d recordings, want %d", len(rs), longest)
		}
	}
}

// What a recording was made by says whether it is a message.
func TestRecordingSources(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"recordings": [{"sid": "RE1", "source": "RecordVerb"}, {"sid": "RE2", "source": "DialVerb"}, {"sid": "RE3", "source": "Trunking"}, {"sid": "RE4"}],
			"next_page_uri": "/2010-04-01/Accounts/AC1/Recordings.json"}`) // a page that follows itself
	}))
	defer srv.Close()
	c, err := twilio.New("AC1", "t", srv.URL)
	no(t, err)
	rs, err := c.RecordingsSince(soon(t), time.Now())
	no(t, err)
	var messages []string
	for _, r := range rs {
		if r.Message {
			messages = append(messages, r.SID)
		}
	}
	if strings.Join(messages, " ") != "RE1 RE4" {
		t.Errorf("messages: %v", messages)
	}
}

// A transport that is wrapped sees each answer, a refusal too.
func TestTransport(t *testing.T) {
	_, c, _ := network(t, nil)
	var dates []string
	next := c.Transport
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		res, err := next.RoundTrip(r)
		if err == nil {
			dates = append(dates, res.Header.Get("Date"))
		}
		return res, err
	})
	_, _ = c.Account(soon(t))
	_, _ = c.Recordings(soon(t), "CA"+strings.Repeat("0", 32))
	if len(dates) != 2 || dates[0] == "" || dates[1] == "" {
		t.Errorf("%q", dates)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
