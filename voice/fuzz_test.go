package voice

import (
	"context"
	"strings"
	"testing"

	"pullphone/store"
)

// skeleton is a document without its texts and values: the verbs, their nouns and the names of their attributes.
func skeleton(v verb) string {
	var b strings.Builder
	b.WriteString(v.Name)
	if len(v.Attr) > 0 {
		b.WriteString("[" + strings.Join(sortedKeys(v.Attr), " ") + "]")
	}
	if len(v.Inner) > 0 {
		b.WriteString("(")
		for i, in := range v.Inner {
			if i > 0 {
				b.WriteString(" ")
			}
			b.WriteString(skeleton(in))
		}
		b.WriteString(")")
	}
	return b.String()
}

// memory is a backend without a disk, for many calls one after the other.
type memory map[string][]byte

func (m memory) Get(key string) ([]byte, error)               { return m[key], nil }
func (m memory) Put(key string, value []byte)                 { m[key] = value }
func (m memory) Delete(key string)                            { delete(m, key) }
func (m memory) Compact(context.Context) error                { return nil }
func (memory) Register(context.Context, string, []byte) error { return nil }
func (memory) BeatSize() int                                  { return 0 }
func (m memory) Close() error                                 { return nil }
func (m memory) Watch(string) (<-chan struct{}, func())       { return nil, func() {} }

func (m memory) Update(_ context.Context, fn func(store.Tx) error) error   { return fn(m) } // nothing is taken back
func (m memory) View(_ context.Context, fn func(store.Reader) error) error { return fn(m) }

func (m memory) Scan(prefix, from string, fn func(string, []byte) bool) error {
	for _, k := range sortedKeys(m) {
		if strings.HasPrefix(k, prefix) && k >= from && !fn(k, m[k]) {
			break
		}
	}
	return nil
}

// Whatever a caller's network sends, each document on the call's way is well-formed and has the same verbs: nothing
// of it is taken for markup, and nothing makes a document that Twilio would refuse.
func FuzzIncoming(f *testing.F) {
	for _, s := range [][4]string{
		{caller, "JANE DOE", "BOISE", "ID"}, {"+12085550101", "ANN", "", ""}, {"anonymous", "", "", ""}, {"+266696687", "x", "y", "z"},
		{caller, "</Say><Hangup/>", "]]><Dial>+1900</Dial>", "&amp;&#0;&#xFFFE;"}, {caller, "\x00\x1b[2J\u202e", "\xff\xfe", "\ufffe\uffff"},
		{caller, "\"' onload=\"x", "<!DOCTYPE x [<!ENTITY a \"b\">]>", "%0d%0a"}, {"sip:a@b\r\nX: y", strings.Repeat("😀", 99), "\u2028", "\u0085"},
	} {
		f.Add(s[0], s[1], s[2], s[3], "1")
	}
	team := someTeam()
	team.Lines[0].DialIn = store.DialInOff // a person is a caller too
	shared := open(f, team)
	f.Fuzz(func(t *testing.T, from, name, city, state, digits string) {
		h := *shared
		h.TB = t
		h.disk.Backend = memory{} // a new one each time
		const sid = "CA00000000000000000000000000000001"
		in := form("CallSid", sid, "To", sales, "From", from, "CallerName", name, "FromCity", city, "FromState", state, "CallStatus", "ringing")
		check := func(path string, more []string, want string) {
			t.Helper()
			for i := 0; i < len(more); i += 2 {
				in.Set(more[i], more[i+1])
			}
			if got := skeleton(spoken(t, h.post(path, in))); got != want {
				t.Fatalf("%s with %q: %s, want %s", path, in, got, want)
			}
		}
		check(IncomingPath, nil, "Response(Enqueue[action waitUrl])")
		id, err := h.Store.CallBySID(t.Context(), sid)
		if err != nil {
			t.Fatal(err)
		}
		c := h.call(id)
		check(of(holdPath, c, 1), []string{"QueueSid", digits}, "Response(Gather[action input numDigits timeout](Say[voice] Say[voice] Play[loop]) Redirect)")
		if _, _, err := h.Store.Answer(t.Context(), store.Answer{ID: sid, Call: id, Attempt: 1, Person: "Ann", Word: store.Take, Via: store.BySMS}); err != nil {
			t.Fatal(err)
		}
		check(of(connectPath, c, 1), nil, "Response(Say[voice] Dial[action answerOnBridge callerId timeout](Number[url]))")
		ask := "Response(Gather[action finishOnKey numDigits timeout](Say[voice]) Gather[action finishOnKey numDigits timeout](Say[voice]) Hangup)"
		check(of(screenPath, c, 1), nil, ask)
		ask = "Response"
		if digits == "2" {
			ask = "Response(Hangup)"
		}
		check(of(acceptPath, c, 1), []string{"Digits", digits}, ask)
		sorry := "Response(Say[voice] Say[voice] Record[action finishOnKey maxLength playBeep recordingStatusCallback recordingStatusCallbackEvent timeout])"
		if digits != "2" { // they talked
			sorry = "Response(Hangup)"
		}
		check(FallbackPath, []string{"ErrorCode", digits}, sorry)
		check(of(recordedPath, c, 1), []string{"RecordingDuration", "0"}, "Response(Say[voice] Hangup)")
		if now := h.call(id); now.State != store.Ended {
			t.Fatalf("%+v", now)
		}
	})
}

// Whatever is keyed in, and whatever a network says of the caller ID: the menu's documents are well-formed, and without
// the PIN or the one word that stands in for it nobody hears who waits or takes a call.
func FuzzDialIn(f *testing.F) {
	for _, s := range [][3]string{
		{"", "271828", "1"}, {vouched, "", "3"}, {vouched, "", "2"}, {vouched + "-Diverted", "271827", "1"}, {"NULL", "</Say>", "*"}, {"\xff", "27182\x00", "&"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	shared := open(f, dialTeam(store.DialInPIN))
	f.Fuzz(func(t *testing.T, stir, pin, key string) {
		h := *shared
		h.TB = t
		h.disk.Backend = memory{}
		c := h.comes("CA1", caller, "Jane <Doe>", "Boise, ID")
		in := form("CallSid", "CA9", "To", sales, "From", annPhone, "StirVerstat", stir)
		ask, question, action := said(t, spoken(t, h.post(IncomingPath, in)))
		if action.Path == pinPath {
			in.Set("Digits", pin)
			ask, question, action = said(t, spoken(t, h.post(action.RequestURI(), in)))
		}
		known := stir == vouched || pin == "271828"
		if got := strings.Contains(ask+question, "Jane"); got != known || action.Path == pinPath == known {
			t.Fatalf("%q, %q: hears %q, %q", stir, pin, ask, question)
		}
		in.Set("Digits", key)
		spoken(t, h.post(action.RequestURI(), in))
		if took, all := h.call(c.ID).State != store.Waiting, known && key == "1"; took != all {
			t.Fatalf("%q, %q, %q: %+v", stir, pin, key, h.call(c.ID).Claim)
		}
	})
}
