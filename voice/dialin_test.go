package voice

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/voice/voicetest"
)

const (
	annPhone = "+12085550101"
	bobPhone = "+12085550102"
	cyPhone  = "+12085550103"
	support  = "+12085550199"
)

// dialTeam is a team whose people may dial in: Ann and Bob to both lines, Cy to none.
func dialTeam(in store.DialIn) store.Team {
	team := someTeam()
	team.People[0].PIN = "271828"
	team.People = append(team.People, store.Person{Name: "Cy", Phone: cyPhone, PIN: "1234"})
	team.Lines[0].DialIn = in
	other := team.Lines[0]
	other.Name, other.Number = "Support", support
	team.Lines = append(team.Lines, other)
	return team
}

// insideCall is a person's own call to a line.
type insideCall struct {
	*house
	from, to, leg, stir string
}

func (h *house) dials(from, leg, stir string) *insideCall {
	return &insideCall{h, from, sales, leg, stir}
}

// send delivers a webhook of the call twice. Both times it must be answered alike, and the second must change nothing.
func (i *insideCall) send(uri string, more ...string) verb {
	i.TB.Helper()
	f := form(append([]string{"CallSid", i.leg, "From", i.from, "To", i.to, "CallStatus", "in-progress"}, more...)...)
	if i.stir != "" {
		f.Set("StirVerstat", i.stir)
	}
	doc := spoken(i.TB, i.post(uri, f))
	open, err := i.Store.OpenCalls(i.Context(), "")
	again := spoken(i.TB, i.post(uri, f))
	now, err2 := i.Store.OpenCalls(i.Context(), "")
	a, _ := json.Marshal(open)
	b, _ := json.Marshal(now)
	if err != nil || err2 != nil || !reflect.DeepEqual(doc, again) || string(a) != string(b) {
		i.Errorf("%s delivered again: %v, then %v; %s, then %s", uri, doc, again, a, b)
	}
	return doc
}

// said is what a document says before it asks or ends, and the question that it asks twice.
func said(t testing.TB, doc verb) (text string, question string, action *url.URL) {
	t.Helper()
	in := doc.Inner
	var before []string
	for len(in) > 0 && in[0].Name == "Say" {
		before = append(before, in[0].Text)
		in = in[1:]
	}
	text = strings.Join(before, " ")
	if len(in) == 1 && in[0].Name != "Gather" {
		return text, in[0].Name, nil
	}
	if len(in) != 4 || in[0].Name != "Gather" || !reflect.DeepEqual(in[0], in[1]) || in[2].Text != "Goodbye." || in[3].Name != "Hangup" || len(in[0].Inner) != 1 {
		t.Fatalf("no question asked twice, and then goodbye: %s", doc)
	}
	action, err := url.Parse(in[0].Attr["action"])
	if err != nil {
		t.Fatal(err)
	}
	return text, in[0].Inner[0].Text, action
}

// hears checks what a person hears, before a question and as a question, and returns where their key goes.
func (i *insideCall) hears(doc verb, text, question string) string {
	i.TB.Helper()
	gotText, gotQuestion, action := said(i.TB, doc)
	if gotText != text || gotQuestion != question {
		i.Fatalf("hears %q, %q\nwant  %q, %q", gotText, gotQuestion, text, question)
	}
	if action == nil {
		return ""
	}
	if action.Host != "phone.example.com" || action.Query().Get("leg") != i.leg {
		i.Errorf("action %s", action)
	}
	return action.RequestURI()
}

func (h *house) comes(sid, from, name, city string) store.Call {
	h.Helper()
	c, err := h.Store.Arrive(h.Context(), store.Arrival{SID: sid, Line: sales, From: from, Name: name, City: city})
	return h.got(c, err)
}

const (
	oneKeys    = " Press 1 to take this call, 3 to stand in line."
	keys       = " Press 1 to take this call, 2 for the next one, 3 to stand in line."
	nobodyKeys = "Nobody waits. Press 3 to stand in line for the next call."
	failed     = "Sorry, that did not work. Please call again. Goodbye."
)

// Who is led to the menu, and who is a caller like any other.
func TestWhoDialsIn(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		in             store.DialIn
		stir           string
		want           string // what they hear first; empty: they are put on hold
	}{
		{"a person", annPhone, sales, store.DialInOpen, "", nobodyKeys},
		{"who is told later", "+12085550104", sales, store.DialInOpen, "", nobodyKeys},
		{"who does not serve it", cyPhone, sales, store.DialInOpen, vouched, ""},
		{"a stranger", caller, sales, store.DialInOpen, vouched, ""},
		{"withheld", "anonymous", sales, store.DialInOpen, "", ""},
		{"withheld on a keypad", "+266696687", sales, store.DialInOpen, "", ""},
		{"a person, off", annPhone, sales, store.DialInOff, vouched, ""},
		{"a person, PIN", annPhone, sales, store.DialInPIN, "", keyInPIN},
		{"a person, PIN, vouched", annPhone, sales, store.DialInPIN, "TN-Validation-Passed-A", nobodyKeys},
		{"no PIN, vouched", bobPhone, sales, store.DialInPIN, "TN-Validation-Passed-A", nobodyKeys},
		{"PIN, a stranger", caller, sales, store.DialInPIN, "", ""},
		{"PIN, withheld", "anonymous", sales, store.DialInPIN, "", ""},
	} {
		team := dialTeam(c.in)
		team.People = append(team.People, store.Person{Name: "Dee", Phone: "+12085550104"})
		team.Lines[0].Escalate = []store.Step{{After: time.Minute, People: []string{"Dee"}}}
		h := open(t, team)
		doc := h.dials(c.from, "CA9", c.stir).send(IncomingPath)
		_, err := h.Store.CallBySID(t.Context(), "CA9")
		text, question, _ := said(t, doc)
		if c.want == "" && (question != "Enqueue" || err != nil) || c.want != "" && (question != c.want || text != "" || err == nil) {
			t.Errorf("%s: hears %q, %q; in the store: %v", c.name, text, question, err)
		}
	}
}

// Only one word of Twilio's stands in for a PIN.
func TestVouched(t *testing.T) {
	h := open(t, dialTeam(store.DialInPIN))
	for _, stir := range []string{
		"", "NULL", "No-TN-Validation", "TN-Validation-Passed", "TN-Validation-Passed-B", "TN-Validation-Passed-C", "TN-Validation-Failed", "TN-Validation-Failed-A",
		"TN-Validation-Passed-A-Diverted", "TN-Validation-Passed-A-Passthrough", "TN-Validation-Passed-A ", "tn-validation-passed-a",
	} {
		i := h.dials(annPhone, "CA9", stir)
		i.hears(i.send(IncomingPath), "", keyInPIN)
		i.hears(i.send(IncomingPath+"?StirVerstat="+vouched+"&known=1"), "", keyInPIN)
	}
}

func TestDialInMenu(t *testing.T) {
	h := open(t, dialTeam(store.DialInOpen))
	i := h.dials(annPhone, "CA9", vouched)
	jane := h.comes("CA1", caller, "Jane Doe", "Boise, ID")
	h.clock.Advance(70 * time.Second)
	if _, err := h.Store.Arrive(t.Context(), store.Arrival{SID: "CA7", Line: support, From: caller}); err != nil { // of another line
		t.Fatal(err)
	}
	first := i.hears(i.send(IncomingPath), "", "One caller waits. Jane Doe from Boise, 1 minute 10."+oneKeys)
	i.hears(i.send(first, "Digits", "2"), "That was the last one.", "One caller waits. Jane Doe from Boise, 1 minute 10."+oneKeys)
	rae := h.comes("CA2", "+12085550188", "", "Nampa, ID")
	h.clock.Advance(30 * time.Second)
	h.comes("CA3", "", "", "")

	first = i.hears(i.send(IncomingPath), "", "3 callers wait. Jane Doe from Boise, 1 minute 40."+keys)
	second := i.hears(i.send(first, "Digits", "2"), "", "A caller from Nampa, 30 seconds."+keys)
	third := i.hears(i.send(second, "Digits", "2"), "", "A withheld number, just now."+keys)
	i.hears(i.send(third, "Digits", "2"), "That was the last one.", "3 callers wait. Jane Doe from Boise, 1 minute 40."+keys)
	for _, other := range []string{"", "0", "9", "#", "11", "x"} { // asked again
		i.hears(i.send(second, "Digits", other), "", "A caller from Nampa, 30 seconds."+keys)
	}
	// One who has gone is where they were.
	if _, err := h.Store.HungUp(t.Context(), rae.ID); err != nil {
		t.Fatal(err)
	}
	i.hears(i.send(second, "Digits", "2"), "", "A withheld number, just now."+keys)
	if _, err := h.Store.HungUp(t.Context(), jane.ID); err != nil {
		t.Fatal(err)
	}
	i.hears(i.send(first, "Digits", "2"), "", "One caller waits. A withheld number, just now."+oneKeys)
	// Handed over: in front.
	h.answer(h.comes("CA4", caller, "Max", ""), "Bob", store.Take)
	max, err := h.Store.CallBySID(t.Context(), "CA4")
	if err != nil {
		t.Fatal(err)
	}
	h.accepted(h.fetched(h.call(max)))
	if v, _, err := h.Store.Answer(t.Context(), store.Answer{ID: "over", Call: max, Attempt: 1, Person: "Bob", Via: store.BySMS, Word: store.HandOver}); err != nil || v.Result != store.HandedOver {
		t.Fatal(v, err)
	}
	i.hears(i.send(IncomingPath), "", "2 callers wait. Max, handed over by Bob, just now."+keys)

	// Names and places only for who is more than a caller ID.
	i = h.dials(annPhone, "CA8", "")
	i.hears(i.send(IncomingPath), "", "2 callers wait. A caller, just now."+keys)
}

// Keys of another's leg, of another's phone, or for a call that is none.
func TestDialInForged(t *testing.T) {
	h := open(t, dialTeam(store.DialInOpen))
	ann := h.dials(annPhone, "CA9", vouched)
	c := h.comes("CA1", caller, "Jane Doe", "Boise, ID")
	key := ann.hears(ann.send(IncomingPath), "", "One caller waits. Jane Doe from Boise, just now."+oneKeys)
	for _, i := range []*insideCall{h.dials(annPhone, "CA8", vouched), h.dials(cyPhone, "CA9", vouched), h.dials(caller, "CA9", ""), h.dials("", "CA9", ""), {h, annPhone, "+12085550111", "CA9", vouched}} {
		for _, k := range []string{"1", "2", "3"} {
			i.hears(i.send(key, "Digits", k), failed, "Hangup")
		}
	}
	if now := h.call(c.ID); now.State != store.Waiting {
		t.Errorf("taken: %+v", now.Claim)
	}
	if all, err := h.Store.InLine(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("in line: %+v, %v", all, err)
	}
	for _, bad := range []string{"c=x&n=1", "c=" + string(c.ID), "c=" + string(c.ID) + "&n=0", "c=&n=1"} {
		if w := h.post(choicePath+"?leg=CA9&"+bad, form("CallSid", "CA9", "From", annPhone, "To", sales, "Digits", "1")); w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, w.Code)
		}
	}
	// One that is not known, or not any more.
	ann.hears(ann.send(choicePath+"?leg=CA9&known=1&n=1&c="+string(store.NewCallID(h.clock.Now())), "Digits", "1"), "", "One caller waits. Jane Doe from Boise, just now."+oneKeys)

	// A PIN is not skipped, neither by a URL nor with another's.
	h = open(t, dialTeam(store.DialInPIN))
	for _, uri := range []string{choicePath + "?leg=CA9", choicePath + "?leg=CA8&known=1", choicePath + "?known=1", choicePath + "?leg=CA9&known=2"} {
		i := h.dials(annPhone, "CA9", "")
		i.hears(i.send(uri, "Digits", "3"), failed, "Hangup")
	}
	for _, uri := range []string{pinPath, pinPath + "?leg=CA8&t=1", pinPath + "?leg=CA9", pinPath + "?leg=CA9&t=0", pinPath + "?leg=CA9&t=4", pinPath + "?leg=CA9&t=x"} {
		i := h.dials(annPhone, "CA9", "")
		i.hears(i.send(uri, "Digits", "271828"), failed, "Hangup")
	}
	i := h.dials(bobPhone, "CA9", "") // who has none
	i.hears(i.send(pinPath+"?leg=CA9&t=1", "Digits", ""), failed, "Hangup")
}

// meets checks that a person has a call, and waits for its caller.
func (i *insideCall) meets(c store.Call, attempt int, doc verb) {
	i.TB.Helper()
	now := i.call(c.ID)
	place := verb{Name: "Enqueue", Text: meetingPlace(now), Attr: map[string]string{
		"action": here + of(partedPath, c, attempt), "waitUrl": here + of(meetPath, c, attempt)}}
	if want := (verb{Name: "Response", Inner: []verb{place}}); !reflect.DeepEqual(doc, want) {
		i.Errorf("hears %s, want %s", doc, want)
	}
	if now.State != store.Ringing || now.Claim.Person != "Ann" || now.Claim.Via != store.ByPhone || now.Claim.Leg != i.leg || now.Attempt != attempt {
		i.Errorf("%s, attempt %d, %+v", now.State, now.Attempt, now.Claim)
	}
}

func TestDialInTake(t *testing.T) {
	ask := func(h *house) (*insideCall, store.Call, string) {
		i := h.dials(annPhone, "CA9", vouched)
		c := h.comes("CA1", caller, "Jane Doe", "Boise, ID")
		return i, c, i.hears(i.send(IncomingPath), "", "One caller waits. Jane Doe from Boise, just now."+oneKeys)
	}
	t.Run("wins", func(t *testing.T) {
		i, c, key := ask(open(t, dialTeam(store.DialInOpen)))
		i.meets(c, 1, i.send(key, "Digits", "1"))
	})
	t.Run("somebody was quicker", func(t *testing.T) {
		i, c, key := ask(open(t, dialTeam(store.DialInOpen)))
		i.answer(c, "Bob", store.Take)
		next := i.comes("CA2", "+12085550188", "Rae Roe", "")
		key = i.hears(i.send(key, "Digits", "1"), "Bob has answered it.", "One caller waits. Rae Roe, just now."+oneKeys)
		i.meets(next, 1, i.send(key, "Digits", "1"))
	})
	t.Run("nobody else", func(t *testing.T) {
		i, c, key := ask(open(t, dialTeam(store.DialInOpen)))
		i.answer(c, "Bob", store.Take)
		i.hears(i.send(key, "Digits", "1"), "Bob has answered it.", nobodyKeys)
	})
	t.Run("to voicemail", func(t *testing.T) {
		i, c, key := ask(open(t, dialTeam(store.DialInOpen)))
		stages["nobody"](i.house, c)
		i.hears(i.send(key, "Digits", "1"), "The caller is leaving a message.", nobodyKeys)
	})
	t.Run("caller gone", func(t *testing.T) {
		i, c, key := ask(open(t, dialTeam(store.DialInOpen)))
		stages["missed"](i.house, c)
		i.hears(i.send(key, "Digits", "1"), "The caller has hung up.", nobodyKeys)
	})
	t.Run("taken by SMS meanwhile", func(t *testing.T) {
		i, c, key := ask(open(t, dialTeam(store.DialInOpen)))
		i.answer(c, "Ann", store.Take)
		i.hears(i.send(key, "Digits", "1"), yoursAlready, "Hangup")
		if now := i.call(c.ID); now.Claim.Leg != "" || now.Claim.Via != store.BySMS {
			t.Errorf("%+v", now.Claim)
		}
	})
	t.Run("a new attempt", func(t *testing.T) { // they were told of another
		i, c, key := ask(open(t, dialTeam(store.DialInOpen)))
		c = i.dialed(i.fetched(i.answer(c, "Bob", store.Take)), store.DialResult{Why: store.NoAnswer})
		key = i.hears(i.send(key, "Digits", "1"), "", "One caller waits. Jane Doe from Boise, just now."+oneKeys)
		if now := i.call(c.ID); now.State != store.Waiting || now.Attempt != 2 {
			t.Errorf("%+v", now)
		}
		i.meets(c, 2, i.send(key, "Digits", "1"))
	})
	t.Run("on a call", func(t *testing.T) {
		h := open(t, dialTeam(store.DialInOpen))
		had := h.answer(h.comes("CA5", "+12085550188", "", ""), "Ann", store.Take)
		i, c, key := ask(h)
		again := i.hears(i.send(key, "Digits", "1"), "", allTheSame)
		i.hears(i.send(again, "Digits", "3"), standLater, "Hangup")
		i.meets(c, 1, i.send(again, "Digits", "1"))
		if now := i.call(had.ID); now.State != store.Ringing || now.Claim.Person != "Ann" {
			t.Errorf("%+v", now)
		}
	})
	t.Run("lost while offered again", func(t *testing.T) {
		h := open(t, dialTeam(store.DialInOpen))
		h.answer(h.comes("CA5", "+12085550188", "", ""), "Ann", store.Take)
		i, c, key := ask(h)
		again := i.hears(i.send(key, "Digits", "1"), "", allTheSame)
		i.answer(c, "Bob", store.Take)
		i.hears(i.send(again, "Digits", "1"), "Bob has answered it.", nobodyKeys)
	})
}

// Who asked to be called back stands in the same menu, and is called from the taker's leg.
func TestDialInCallback(t *testing.T) {
	h := open(t, dialTeam(store.DialInOpen))
	c := h.comes("CA1", caller, "Jane Doe", "")
	if asked, _, err := h.Store.AskBack(t.Context(), c.ID, 1); err != nil || !asked {
		t.Fatal(asked, err)
	}
	h.clock.Advance(3 * time.Hour)
	i := h.dials(annPhone, "CA9", vouched)
	key := i.hears(i.send(IncomingPath), "", "One caller waits. Jane Doe, who asked to be called back, 3 hours."+oneKeys)
	doc := i.send(key, "Digits", "1")
	if len(doc.Inner) != 2 || doc.Inner[0].Text != "Calling Jane Doe now." || doc.Inner[1].Attr["callerId"] != sales || doc.Inner[1].Inner[0].Text != caller {
		t.Errorf("hears %s", doc)
	}
	if now := h.call(c.ID); now.State != store.Talking || now.Claim.Leg != "CA9" || now.Claim.Via != store.ByPhone {
		t.Errorf("%s, %+v", now.State, now.Claim)
	}
	// Somebody else is told who has it.
	bob := h.dials(bobPhone, "CA8", vouched)
	bob.hears(bob.send(strings.Replace(key, "CA9", "CA8", 1), "Digits", "1"), "Ann has answered it.", nobodyKeys)
	// Ann hangs up before it is known whether the caller was reached: Twilio is asked.
	if w := h.post(StatusPath, form("CallSid", "CA9", "From", annPhone, "To", sales, "CallStatus", "completed")); w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
	asks := false
	err := h.disk.View(t.Context(), func(r store.Reader) error {
		return r.Scan("due/ask/", "", func(string, []byte) bool {
			asks = true
			return true
		})
	})
	if now := h.call(c.ID); err != nil || now.State != store.Talking || !asks {
		t.Errorf("%s, to be asked %v, %v", now.State, asks, err)
	}
}

func TestDialInStand(t *testing.T) {
	h := open(t, dialTeam(store.DialInOpen))
	i := h.dials(annPhone, "CA9", "")
	key := i.hears(i.send(IncomingPath), "", nobodyKeys)
	i.hears(i.send(key, "Digits", "1"), "", nobodyKeys) // there is nothing to take
	i.hears(i.send(key, "Digits", "3"), inLine, "Hangup")
	all, err := h.Store.InLine(t.Context())
	if err != nil || len(all) != 1 || all[0].Person != "Ann" || !all[0].Until.Equal(h.clock.Now().Add(30*time.Minute)) {
		t.Fatalf("%+v, %v", all, err)
	}
	if c := h.comes("CA1", caller, "", ""); c.State != store.Ringing || c.Claim.Person != "Ann" || c.Claim.Via != store.ByLine || c.Claim.Leg != "" {
		t.Errorf("the next call: %s, %+v", c.State, c.Claim)
	}

	// Bob was told that nobody waits, and somebody does by now.
	i = h.dials(bobPhone, "CA8", "")
	key = i.hears(i.send(IncomingPath), "", nobodyKeys)
	h.comes("CA2", caller, "", "")
	key = i.hears(i.send(key, "Digits", "3"), "", "One caller waits. A caller, just now."+oneKeys)
	i.hears(i.send(key, "Digits", "3"), inLine, "Hangup") // they mean it
	if all, err := h.Store.InLine(t.Context()); err != nil || len(all) != 1 || all[0].Person != "Bob" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestPIN(t *testing.T) {
	h := open(t, dialTeam(store.DialInPIN))
	jane := h.comes("CA1", caller, "Jane Doe", "Boise, ID")
	const menu = "One caller waits. Jane Doe from Boise, just now." + oneKeys
	leg := 0
	call := func() (*insideCall, string) {
		leg++
		i := h.dials(annPhone, fmt.Sprintf("CA9%d", leg), "")
		return i, i.hears(i.send(IncomingPath), "", keyInPIN)
	}
	i, pin := call()
	key := i.hears(i.send(pin, "Digits", "271828", "FinishedOnKey", "#"), "", menu)
	key = i.hears(i.send(key, "Digits", "2"), thatWasAll, menu) // it is not asked for again
	i.meets(jane, 1, i.send(key, "Digits", "1"))
	if _, err := h.Store.RingOver(t.Context(), jane.ID, 1, 0, i.leg, 0); err != nil {
		t.Fatal(err)
	}

	// Three tries a call. The same key delivered twice is one.
	i, pin = call()
	pin = i.hears(i.send(pin, "Digits", "27182"), wrongPIN, keyInPIN)
	pin = i.hears(i.send(pin, "Digits", "2718281"), wrongPIN, keyInPIN)
	i.hears(i.send(pin, "Digits", "271828"), "", menu)
	i, pin = call()
	for range 2 {
		pin = i.hears(i.send(pin, "Digits", "1234"), wrongPIN, keyInPIN) // Cy's
	}
	i.hears(i.send(pin, "Digits", ""), "That is not your PIN. Goodbye.", "Hangup")

	// Ten wrong ones in an hour: five so far. The right ones do not count.
	for range 12 {
		i, pin = call()
		i.hears(i.send(pin, "Digits", "271828"), "", menu)
	}
	for range 5 {
		i, pin = call()
		i.hears(i.send(pin, "Digits", "000000"), wrongPIN, keyInPIN)
	}
	for _, digits := range []string{"000000", "271828"} {
		i, pin = call()
		i.hears(i.send(pin, "Digits", digits), tooManyPINs, "Hangup")
	}
	if !strings.Contains(h.log.String(), "too many wrong PINs") || strings.Contains(h.log.String(), "271828") {
		t.Errorf("logged: %s", h.log)
	}
	h.clock.Advance(time.Hour)
	i, pin = call()
	i.hears(i.send(pin, "Digits", "271828"), "", "One caller waits. Jane Doe from Boise, 1 hour."+oneKeys) // no deadline is kept here
}

// PINs keyed in at the same time, in as many calls: no more than ten are looked at.
func TestPINsAtOnce(t *testing.T) {
	h := open(t, dialTeam(store.DialInPIN))
	var all sync.WaitGroup
	var mu sync.Mutex
	heard := map[string]int{}
	for n := range 40 {
		all.Go(func() {
			leg := fmt.Sprintf("CA%d", n)
			w := h.post(pinPath+"?leg="+leg+"&t=1", form("CallSid", leg, "From", annPhone, "To", sales, "Digits", fmt.Sprintf("%06d", n)))
			mu.Lock()
			defer mu.Unlock()
			switch doc := w.Body.String(); {
			case strings.Contains(doc, wrongPIN):
				heard["wrong"]++
			case strings.Contains(doc, tooManyPINs):
				heard["too many"]++
			}
		})
	}
	all.Wait()
	if want := map[string]int{"wrong": wrongPINs, "too many": 30}; !reflect.DeepEqual(heard, want) {
		t.Errorf("%v, want %v", heard, want)
	}
}

// Who has no PIN where one is asked for is told so, and put through as a caller.
func TestNoPIN(t *testing.T) {
	h := open(t, dialTeam(store.DialInPIN))
	i := h.dials(bobPhone, "CA9", "")
	doc := i.send(IncomingPath)
	text, then, _ := said(t, doc)
	if text != noPIN || then != "Redirect" {
		t.Fatalf("hears %s", doc)
	}
	if _, err := h.Store.CallBySID(t.Context(), "CA9"); err == nil {
		t.Error("a call already")
	}
	to, err := url.Parse(doc.Inner[1].Text)
	if err != nil {
		t.Fatal(err)
	}
	i.hears(i.send(to.RequestURI()), "", "Enqueue")
	id, err := h.Store.CallBySID(t.Context(), "CA9")
	if c := h.call(id); err != nil || c.State != store.Waiting || c.From != bobPhone {
		t.Errorf("%+v, %v", c, err)
	}
	if text, _, _ := said(t, i.send(FallbackPath)); text != "Sorry, we cannot put you through right now. Please leave a message." {
		t.Errorf("at the fallback: %s", text)
	}
}

// Without a store nobody hears an error, and no call comes of it.
func TestDialInWithoutAStore(t *testing.T) {
	h := open(t, dialTeam(store.DialInPIN))
	c := h.comes("CA1", caller, "", "")
	for name, broken := range map[string]func(bool){"all": h.disk.breakDown, "writes": func(b bool) { h.disk.noWrites.Store(b) }} {
		broken(true)
		for uri, digits := range map[string]string{
			pinPath + "?leg=CA9&t=1":                              "271828",
			choicePath + "?leg=CA9&known=1&n=1&c=" + string(c.ID): "1",
			choicePath + "?leg=CA9&known=1":                       "3",
			choicePath + "?leg=CA9&known=1&x=2":                   "2",
			IncomingPath:                                          "vouched",
			FallbackPath:                                          "",
		} {
			f := form("CallSid", "CA9", "From", annPhone, "To", sales, "Digits", digits)
			if digits == "vouched" {
				f.Set("StirVerstat", vouched)
			}
			doc := spoken(t, h.post(uri, f))
			reads := name == "writes" && (uri == IncomingPath || digits == "2" || digits == "3") // somebody waits: it is asked again
			if text, then, _ := said(t, doc); !reads && (text != failed || then != "Hangup") || reads && !strings.HasPrefix(then, "One caller waits.") {
				t.Errorf("%s, %s: hears %q, %q", name, uri, text, then)
			}
		}
		broken(false)
	}
	if _, err := h.Store.CallBySID(t.Context(), "CA9"); err == nil {
		t.Error("a person became a caller")
	}
	if now := h.call(c.ID); now.State != store.Waiting {
		t.Errorf("%+v", now)
	}
}

func TestHowLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", 4 * time.Second: "just now", 7 * time.Second: "10 seconds", 54 * time.Second: "50 seconds", 55 * time.Second: "1 minute",
		70 * time.Second: "1 minute 10", 2 * time.Minute: "2 minutes", 11*time.Minute + 44*time.Second: "11 minutes 40",
		59*time.Minute + 50*time.Second: "59 minutes 50", time.Hour: "1 hour", 150 * time.Minute: "2 hours",
	} {
		if got := howLong(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// On the telephone.

// inside dials the line from a person's phone and waits for a question that begins so.
func (x *exchange) inside(phone, question string) *voicetest.Call {
	x.Helper()
	c := x.net.Phone(phone).Call(sales, voicetest.CallerInfo{StirVerstat: vouched})
	x.asks(c, question)
	return c
}

func (x *exchange) asks(c *voicetest.Call, question string) {
	x.Helper()
	_, err := c.WaitHeard(x.ctx, func(h voicetest.Heard) bool {
		return h.Kind == voicetest.HeardSay && strings.HasPrefix(h.Text, question)
	})
	x.no(err)
	x.no(c.WaitKeys(x.ctx))
}

// tells waits for a sentence.
func (x *exchange) tells(c *voicetest.Call, text string) {
	x.Helper()
	_, err := c.WaitHeard(x.ctx, func(h voicetest.Heard) bool { return h.Text == text })
	x.no(err)
}

func dialling(t *testing.T) *exchange {
	x := connected(t, voicetest.Options{Repeat: func(string) int { return 2 }})
	x.Store.Team = dialTeam(store.DialInOpen)
	return x
}

// The two legs are bridged, and the taker is no caller of whom nothing is known.
func TestDialInBridged(t *testing.T) {
	x := dialling(t)
	in, call := x.waiting()
	ann := x.inside(annPhone, "One caller waits.")
	ann.Press("1")
	x.no(ann.WaitPlace(x.ctx, voicetest.PlaceQueue))
	x.tells(ann, oneMoment)
	mended := counted{}
	x.clock.Advance(2 * young)
	x.no(x.MissedCalls(x.ctx, mended.mend))
	if len(mended) > 0 {
		t.Errorf("mended %v", mended)
	}
	_, err := x.redirect(x.ctx, deed(x.call(call.ID)))
	x.no(err)
	x.no(in.WaitPlace(x.ctx, voicetest.PlaceBridged))
	x.no(ann.WaitPlace(x.ctx, voicetest.PlaceBridged))
	x.tells(in, "Putting you through to Ann.")
	x.tells(ann, "Go ahead.")
	in.Hangup()
	x.no(ann.WaitEnd(x.ctx))
	c := x.stored(in, func(c store.Call) bool { return !c.Open() })
	if c.Outcome != store.Talked || c.Claim.Person != "Ann" || c.Claim.Via != store.ByPhone {
		t.Errorf("%s, %+v", c.Outcome, c.Claim)
	}
	if _, err := x.Store.CallBySID(x.ctx, ann.SID()); err == nil {
		t.Error("the taker's leg is a call of the store")
	}
	for _, h := range slices.Concat(ann.Heard(), in.Heard()) {
		if h.Kind == voicetest.HeardError {
			t.Error(h)
		}
	}
}

// Two people press 1 for the same call at the same time.
func TestDialInTwoAtOnce(t *testing.T) {
	x := dialling(t)
	_, call := x.waiting()
	legs := map[string]*voicetest.Call{"Ann": x.inside(annPhone, "One caller waits."), "Bob": x.inside(bobPhone, "One caller waits.")}
	x.hold(choicePath)
	for _, leg := range legs {
		leg.Press("1")
	}
	x.release(choicePath)
	for _, leg := range legs {
		_, err := leg.WaitHeard(x.ctx, func(h voicetest.Heard) bool {
			return h.Text == oneMoment || strings.HasSuffix(h.Text, " has answered it.")
		})
		x.no(err)
	}
	taker := x.call(call.ID).Claim.Person
	for name, leg := range legs {
		if name == taker {
			x.no(leg.WaitPlace(x.ctx, voicetest.PlaceQueue))
			continue
		}
		x.tells(leg, taker+" has answered it.")
		x.asks(leg, "Nobody waits.")
		leg.Press("3")
		x.tells(leg, inLine)
		x.no(leg.WaitEnd(x.ctx))
	}
}

// The call is taken by SMS while the menu is spoken.
func TestDialInTakenMeanwhile(t *testing.T) {
	x := dialling(t)
	_, call := x.waiting()
	ann := x.inside(annPhone, "One caller waits.")
	x.answer(call, "Bob", store.Take)
	ann.Press("1")
	x.tells(ann, "Bob has answered it.")
	x.asks(ann, "Nobody waits.")
}

// A taker who hangs up before the caller came has not taken the call, whether they were in the meeting place yet or not.
func TestDialInHangsUp(t *testing.T) {
	for _, queued := range []bool{true, false} {
		for _, status := range []string{StatusPath, ""} { // a number without a status callback
			if !queued && status == "" {
				continue // only the caller's Dial can tell
			}
			x := dialling(t)
			x.net.Configure(sales, voicetest.NumberConfig{VoiceURL: x.PublicURL + IncomingPath, VoiceFallbackURL: x.PublicURL + FallbackPath, StatusCallback: map[bool]string{true: x.PublicURL + status}[status != ""]})
			in, _ := x.waiting()
			ann := x.inside(annPhone, "One caller waits.")
			if !queued {
				x.hold(choicePath)
			}
			ann.Press("1")
			x.stored(in, func(c store.Call) bool { return c.State == store.Ringing })
			if queued {
				x.no(ann.WaitPlace(x.ctx, voicetest.PlaceQueue))
			}
			ann.Hangup()
			c := x.stored(in, func(c store.Call) bool { return c.State == store.Waiting })
			if c.Attempt != 2 || len(c.Tries) != 1 || c.Tries[0].Person != "Ann" || c.Tries[0].Why != store.HungUp {
				t.Errorf("queued %v, status %q: attempt %d, %+v", queued, status, c.Attempt, c.Tries)
			}
			if !queued {
				x.release(choicePath)
			}
			if in.Place() != voicetest.PlaceQueue {
				t.Errorf("the caller is at %q", in.Place())
			}
		}
	}
}
