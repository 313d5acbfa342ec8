package bot

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jonboulle/clockwork"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/twilio"
)

// memory is a backend without a disk, for many requests one after the other.
type memory map[string][]byte

func (m memory) Get(key string) ([]byte, error) { return m[key], nil }
func (m memory) Put(key string, value []byte)   { m[key] = value }
func (m memory) Delete(key string)              { delete(m, key) }
func (m memory) Close() error                   { return nil }

func (memory) Compact(context.Context) error                  { return nil }
func (memory) Register(context.Context, string, []byte) error { return nil }
func (memory) BeatSize() int                                  { return 0 }
func (m memory) Watch(string) (<-chan struct{}, func())       { return nil, func() {} }

func (m memory) Update(_ context.Context, fn func(store.Tx) error) error   { return fn(m) } // nothing is taken back
func (m memory) View(_ context.Context, fn func(store.Reader) error) error { return fn(m) }

func (m memory) Scan(prefix, from string, fn func(string, []byte) bool) error {
	var keys []string
	for k := range m {
		if strings.HasPrefix(k, prefix) && k >= from {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !fn(k, m[k]) {
			break
		}
	}
	return nil
}

// stand is a Bot with one call on hold, and nobody outside.
type stand struct {
	*testing.T
	*Bot
	call store.Call
	log  strings.Builder
}

func newStand(t *testing.T, name, city string) *stand {
	s := &stand{T: t}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	clock := clockwork.NewFakeClockAt(time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC))
	st, err := store.Open(t.Context(), memory{}, someTeam(), clock, log)
	s.no(err)
	tw, err := twilio.New("AC00000000000000000000000000000001", "token", "http://127.0.0.1:1")
	s.no(err)
	links, err := NewLinks("https://phone.example.com", "secret")
	s.no(err)
	s.Bot = New(Bot{Store: st, Twilio: tw, Slack: NewSlack("xoxb-1", "http://127.0.0.1:1/api/"), Links: links, Log: log})
	s.call, err = st.Arrive(t.Context(), store.Arrival{SID: "CA1", Line: sales, From: caller, Name: name, City: city})
	s.no(err)
	return s
}

func (s *stand) no(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// now is the call, and asserts that no fault was found with anything.
func (s *stand) now() store.Call {
	s.Helper()
	if strings.Contains(s.log.String(), "level=ERROR") {
		s.Fatalf("an error: %s", s.log.String())
	}
	c, err := s.Store.Call(s.Context(), s.call.ID)
	s.no(err)
	return c
}

// harmless asserts that a text of ours mentions nobody and links nowhere, as Slack shows it.
func (s *stand) harmless(m bottest.Message, but ...string) {
	s.Helper()
	for _, live := range bottest.Mentions(m) {
		if !slices.Contains(but, live) {
			s.Fatalf("%q is alive in %q", live, m.Text)
		}
	}
}

// said are the private words that are to be told.
func (s *stand) said() {
	s.Helper()
	for {
		select {
		case a := <-s.asides:
			if a.text != strangers && a.text != unknownInSlack && a.text != forgotten {
				s.Fatalf("told %q", a.text)
			}
		default:
			return
		}
	}
}

// pressedBy asserts that a call is as it was, or answered by somebody of the team whom the payload names, about this call.
func (s *stand) pressedBy(payload string) {
	s.Helper()
	s.said()
	c := s.now()
	if c.State == store.Waiting {
		if c.Rev != s.call.Rev || c.Claim != nil {
			s.Fatalf("changed by %q: %+v", payload, c)
		}
		return
	}
	person, _ := s.Store.Team.Person(c.Claim.Person)
	var p press
	s.no(json.Unmarshal([]byte(payload), &p))
	for _, a := range p.Actions {
		if p.Type == "block_actions" && person.Slack != "" && p.User.ID == person.Slack && a.Value == value(s.call) && (a.ActionID == "take" || a.ActionID == "voicemail") {
			return
		}
	}
	s.Fatalf("%q made it %+v", payload, c)
}

const thisCall = "CALL" // in a fuzzed payload: the value of the button

// handedBy asserts that a call in which Ann talks is as it was, or was handed over by herself.
func (s *stand) handedBy(payload string) {
	s.Helper()
	s.said()
	c := s.now()
	if c.State == store.Talking && c.Rev == s.call.Rev {
		return
	}
	var p press
	s.no(json.Unmarshal([]byte(payload), &p))
	for _, a := range p.Actions {
		if id, _, _ := parseValue(a.Value); c.State == store.Waiting && c.Handed != nil && c.Handed.By == "Ann" && p.User.ID == ann && id == c.ID && a.ActionID == "handover" {
			return
		}
	}
	s.Fatalf("%q made it %+v", payload, c)
}

// talks has Ann take the call and press 1.
func (s *stand) talks() {
	s.Helper()
	_, _, err := s.Store.Answer(s.Context(), store.Answer{ID: "a", Call: s.call.ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take})
	s.no(err)
	_, s.call, err = s.Store.Accept(s.Context(), s.call.ID, 1)
	s.no(err)
}

var presses = []string{
	`{"type":"block_actions","user":{"id":"U000ANN"},"channel":{"id":"C000SALES"},"actions":[{"action_id":"handover","value":"CALL","action_ts":"1.1"}]}`,
	`{"type":"block_actions","user":{"id":"U000BOB"},"actions":[{"action_id":"handover","value":"CALL"},{"action_id":"take","value":"CALL"}]}`,
	`{"type":"block_actions","user":{"id":"U000ANN","team_id":"T1"},"team":{"id":"T1"},"channel":{"id":"C000SALES"},"actions":[{"action_id":"take","value":"CALL","action_ts":"1.1"}]}`,
	`{"type":"block_actions","user":{"id":"U000DEE"},"container":{"channel_id":"C000SALES"},"actions":[{"action_id":"voicemail","value":"CALL"},{"action_id":"take","value":"CALL"}]}`,
	`{"type":"block_actions","user":{"id":"U000ANN","team_id":"T2"},"team":{"id":"T1"},"actions":[{"action_id":"take","value":"CALL"}]}`,
	`{"type":"block_actions","user":{"id":"U000EVE"},"actions":[{"action_id":"take","value":"` + callID + `.1"}]}`,
	`{"type":"block_actions","user":null,"team":null,"channel":null,"actions":[null]}`, `{"type":"view_submission"}`, `[]`, `null`, `"x"`, ``, `{"actions":{}}`,
	`{"type":"block_actions","user":{"id":"U000ANN"},"actions":[{"action_id":"take","value":"../../../meta/schema000000.1"}]}`,
	`{"type":"block_actions","USER":{"id":"U000ANN"},"user":{"id":"U000EVE"},"actions":[{"action_id":"take","value":"CALL","Value":"x"}]}`,
}

// Whatever a press says, it is no error of ours, and only a person of the team answers a call.
func FuzzPress(f *testing.F) {
	for _, p := range presses {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, fuzzed string) {
		s := newStand(t, "Jane", "")
		payload := strings.ReplaceAll(fuzzed, thisCall, value(s.call))
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, ActionsPath, nil)
		r.PostForm = url.Values{"payload": {payload}}
		s.action(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest || w.Code == http.StatusBadRequest && json.Unmarshal([]byte(payload), &press{}) == nil {
			t.Fatalf("%q: %d", payload, w.Code)
		}
		s.pressedBy(payload)
		s = newStand(t, "Jane", "")
		s.talks()
		payload = strings.ReplaceAll(fuzzed, thisCall, value(s.call))
		r.PostForm = url.Values{"payload": {payload}}
		s.action(httptest.NewRecorder(), r)
		s.handedBy(payload)
	})
}

// The same, and commands, by the envelopes of Socket Mode.
func FuzzEnvelope(f *testing.F) {
	for _, p := range presses {
		f.Add("interactive", p)
	}
	f.Add("slash_commands", `{"command":"/pull","user_id":"U000ANN","text":"","trigger_id":"1.2"}`)
	f.Add("slash_commands", `{"command":"/pull","user_id":"U000ANN","text":"list"}`)
	f.Add("slash_commands", `{"user_id":7}`)
	f.Add("hello", ``)
	f.Fuzz(func(t *testing.T, kind, payload string) {
		s := newStand(t, "<!here> Jane", "")
		payload = strings.ReplaceAll(payload, thisCall, value(s.call))
		e := socketmode.Event{Type: socketmode.EventType(kind), Request: &socketmode.Request{Type: kind, EnvelopeID: "1", Payload: json.RawMessage(payload)}}
		command := false
		switch kind { // as the library reads them, which hands on nothing that it cannot read
		case "interactive":
			var data slack.InteractionCallback
			if json.Unmarshal([]byte(payload), &data) != nil || json.Unmarshal([]byte(payload), &press{}) != nil {
				return
			}
			e.Data = data
		case "slash_commands":
			var data slack.SlashCommand
			if json.Unmarshal([]byte(payload), &data) != nil {
				return
			}
			e.Data, command = data, true
		}
		s.fromSocket(t.Context(), socketmode.New(s.Slack), e)
		if !command {
			s.pressedBy(payload)
		} else if c := s.now(); c.Claim != nil && !strings.Contains(payload, ann) && !strings.Contains(payload, bob) && !strings.Contains(payload, `\u`) {
			t.Fatalf("%q took it: %+v", payload, c.Claim)
		}
	})
}

// Whatever somebody types after /pull, they are told something that mentions nobody and links nowhere, even where it
// names a caller whose name is chosen to.
func FuzzCommand(f *testing.F) {
	for i, text := range []string{"", "list", "help", "?", "me", "LIST ", "<!here>", "\x00", "２", "force", "1", "no 1", "pass", "pass on <!here> &lt;", "cancel", "on", "off 2h", "phone +12085550101"} {
		f.Add(ann, text, fmt.Sprint(i), "<!channel> *x* evil.com", "@here")
		f.Add(eve, text, "", hostile[i], hostile[i+20])
	}
	for _, name := range hostile {
		f.Add(bob, "list", "1.2", name, name)
	}
	f.Fuzz(func(t *testing.T, user, text, trigger, name, city string) {
		s := newStand(t, name, city)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, CommandPath, nil)
		r.PostForm = url.Values{"user_id": {user}, "text": {text}, "trigger_id": {trigger}}
		s.command(w, r)
		var reply struct {
			Type string `json:"response_type"`
			Text string `json:"text"`
		}
		dec := json.NewDecoder(w.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&reply); err != nil || w.Code != http.StatusOK || reply.Type != "ephemeral" || reply.Text == "" {
			t.Fatalf("%d %+v, %v", w.Code, reply, err)
		}
		s.harmless(bottest.Message{Text: reply.Text})
		c := s.now()
		person, known := s.Store.Team.PersonBySlack(user)
		word := command(readable(text)).word
		if c.Claim != nil && (!known || c.Claim.Person != person.Name || word != wordPull && word != wordYes && word != wordNo) {
			t.Fatalf("%q by %q took it", text, user)
		}
		if d, err := s.Store.Duty(t.Context(), person.Name); err != nil || d.Off != (known && word == wordOff) {
			t.Fatalf("%q by %q: %+v, %v", text, user, d, err)
		}
		// The same of whoever talks: they hand the call over, or nothing happens to it.
		s = newStand(t, name, city)
		s.talks()
		w = httptest.NewRecorder()
		s.command(w, r)
		s.no(json.NewDecoder(w.Body).Decode(&reply))
		s.harmless(bottest.Message{Text: reply.Text})
		if c := s.now(); c.Handed != nil != (user == ann && word == wordPassOn) || c.Handed == nil && c.Rev != s.call.Rev {
			t.Fatalf("%q by %q made it %+v", text, user, c)
		}
	})
}

// Whatever a caller is called and whatever somebody texts, the reply is one text that Twilio takes, and only a word of
// the team decides about a call. What is posted about it mentions nobody and links nowhere.
func FuzzText(f *testing.F) {
	for i, body := range []string{"Yes", "n", "Y 1", "y 2", "PULL", "list", "?", "hello", "", "</Message><Redirect>", "\x00\xff", strings.Repeat("é", 1600), "pass", "pass on \xff", "support", "Support 1", "off 2h", "ON", "leave", "y force"} {
		f.Add(annPhone, sales, body, hostile[i], "")
		f.Add(caller, sales, body, "x", "STOP")
	}
	for _, from := range []string{"", "12345", "PAYPAL", "whatsapp:" + annPhone, service, cyPhone, "+1", "client:ann"} {
		f.Add(from, sales, "Yes", "Jane", "")
	}
	f.Fuzz(func(t *testing.T, from, to, body, name, optOut string) {
		s := newStand(t, name, name)
		s.Store.Team.Lines[0].Keywords = []store.Keyword{{Word: "support", Forward: "+12085550199", Say: "Connecting you."}}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, SMSPath, nil)
		r.PostForm = url.Values{"MessageSid": {"SM1"}, "From": {from}, "To": {to}, "Body": {body}, "OptOutType": {optOut}}
		s.sms(w, r)
		var doc struct {
			XMLName xml.Name   `xml:"Response"`
			Attr    []xml.Attr `xml:",any,attr"`
			Text    string     `xml:",chardata"`
			Message []struct {
				Attr  []xml.Attr `xml:",any,attr"`
				Body  string     `xml:",chardata"`
				Other []struct{} `xml:",any"`
			}
			Other []struct{} `xml:",any"`
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %v: %s", w.Code, err, w.Body)
		}
		if len(doc.Attr)+len(doc.Other) > 0 || strings.TrimSpace(doc.Text) != "" || len(doc.Message) > 1 {
			t.Fatalf("not one text: %s", w.Body)
		}
		person, known := s.Store.Team.PersonByPhone(from)
		for _, m := range doc.Message {
			if len(m.Attr)+len(m.Other) > 0 || utf8.RuneCountInString(m.Body) > 1600 || m.Body == "" || !known && m.Body != toStranger(s.Store.Team.Lines[0]) && m.Body != toStranger(s.Store.Team.Lines[1]) {
				t.Fatalf("%q is answered by %q", body, m)
			}
		}
		c := s.now()
		word := hear(s.Store.Team.Lines[0], body).word
		if c.Claim != nil && (!known || c.Claim.Person != person.Name || word != wordYes && word != wordNo && word != wordPull && word != wordKeyword) {
			t.Fatalf("%q of %q made it %+v", body, from, c.Claim)
		}
		line := s.Store.Team.Lines[0]
		if sms := announcement(line, s.call); utf8.ValidString(name) && utf8.RuneCountInString(sms) > 160 {
			t.Fatalf("%d characters: %q", utf8.RuneCountInString(sms), sms)
		}
		for _, p := range []post{message(line, s.call), message(line, c)} {
			s.harmless(shownAs(t, p))
		}
		s.harmless(shownAs(t, talkingWith(line, s.call)))
		s.harmless(shownAs(t, stillWaits(line, s.call, 1, s.call.Arrived)), here)
		const link = "https://phone.example.com/v"
		spoken := s.call
		spoken.Voice = []store.Voice{{Seconds: 5}}
		s.harmless(shownAs(t, voicemail(line, spoken, 0, link)), "link <"+link+"|Listen>")
	})
}

// shownAs is a post as Slack gets it.
func shownAs(t *testing.T, p post) bottest.Message {
	t.Helper()
	b, err := json.Marshal(map[string]any{"text": p.text, "blocks": p.blocks})
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Text   string           `json:"text"`
		Blocks []map[string]any `json:"blocks"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return bottest.Message{Text: m.Text, Blocks: m.Blocks, Parse: "none"}
}

// No link but the one that was made opens anything.
func FuzzLink(f *testing.F) {
	now := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
	l, err := NewLinks("https://phone.example.com", "secret")
	if err != nil {
		f.Fatal(err)
	}
	right := strings.Split(strings.TrimPrefix(l.Make(callID, 1, now), "https://phone.example.com/voicemail/"), "/")
	f.Add(right[0], right[1], right[2], right[3])
	f.Add(right[0], "0", right[2], right[3])
	f.Add(right[0]+"/"+right[1], "", right[2], right[3])
	f.Add(right[0], "+1", right[2], right[3])
	f.Add(right[0], "01", strings.ToUpper(right[2]), right[3])
	f.Add("", "-1", "zzzzzzzzzzzzzzzz", "")
	f.Add(right[0], right[1], right[2], right[3]+"=")
	f.Fuzz(func(t *testing.T, call, n, expires, mac string) {
		id, i, err := l.check(call, n, expires, mac, now)
		same := slices.Equal([]string{call, n, expires, mac}, right)
		if same != (err == nil) || same && (id != callID || i != 1) || !same && (id != "" || i != 0) {
			t.Fatalf("%q: %s, %d, %v", []string{call, n, expires, mac}, id, i, err)
		}
		if _, _, err := l.check(call, n, expires, mac, now.Add(linkFor+time.Second)); err == nil {
			t.Fatal("it works for ever")
		}
		// As a path it is never found, or refused without a word of it.
		s := newStand(t, "Jane", "")
		mux := http.NewServeMux()
		pass := func(h http.Handler) http.Handler { return h }
		s.Handle(mux, pass, pass)
		for _, tail := range []string{"", "/audio"} {
			r := httptest.NewRequest(http.MethodGet, "/voicemail/x", nil)
			r.URL = &url.URL{Path: "/voicemail/" + call + "/" + n + "/" + expires + "/" + mac + tail}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code < 300 || w.Code >= 500 {
				t.Fatalf("%s: %d", r.URL, w.Code)
			}
			if len(mac) > 5 && w.Code != http.StatusMovedPermanently && w.Code != http.StatusTemporaryRedirect && strings.Contains(w.Body.String(), mac) {
				t.Fatalf("the page repeats %q", mac)
			}
		}
		s.now()
	})
}
