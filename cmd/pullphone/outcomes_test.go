package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice"
	"pullphone/voice/twilio"
	"pullphone/voice/voicetest"
)

// binWords is what callers hear of the fallback that is hosted away.
const binWords = "Nobody can be reached right now."

// fallbackKind is what the numbers of a random town have for when the program cannot be reached.
type fallbackKind string

const (
	deployed fallbackKind = "deployed" // what setup deploys
	byHand   fallbackKind = "by hand"  // a document that takes a message and tells the program nothing
	ours     fallbackKind = "ours"     // the program itself
)

// away reports whether an answer is a fallback's that is not the program's. What setup deploys is indented.
func away(document string) bool {
	return strings.Contains(document, binWords) || strings.Contains(document, "\n  <")
}

// fallBack gives the town's numbers another fallback than the one that setup deployed.
func (c *crowd) fallBack(f fallbackKind) {
	if f == deployed {
		return
	}
	bin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		if r.URL.Path == "/done" {
			_, _ = io.WriteString(w, "<Response><Hangup/></Response><!-- "+binWords+" -->")
			return
		}
		_, _ = io.WriteString(w, `<Response><Say>`+binWords+`</Say><Record action="/done" timeout="10"/></Response>`)
	}))
	c.t.Cleanup(bin.Close)
	for _, l := range c.cfg.Lines {
		number := c.net.Number(l.Number)
		number.VoiceFallbackURL, number.VoiceFallbackMethod = bin.URL, http.MethodPost
		if f == ours {
			number.VoiceFallbackURL = c.cfg.PublicURL + voice.FallbackPath
		}
		c.net.Configure(l.Number, number)
	}
}

// kept is what the program has on its disk.
type kept struct {
	records []store.Record
	given   map[string]store.Given  // by the answer's key
	ids     map[string]store.CallID // by CallSid
	left    []string                // keys of what is open or due
}

// readFile reads the file of a server that is not running, or a copy.
func readFile(t testing.TB, file string, team store.Team) kept {
	t.Helper()
	db, err := bolt.OpenReadOnly(file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return readKept(t, db, team)
}

func readKept(t testing.TB, db store.Backend, team store.Team) kept {
	t.Helper()
	k := kept{given: map[string]store.Given{}, ids: map[string]store.CallID{}}
	s, err := store.OpenHistory(t.Context(), db, team)
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range s.History(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		k.records = append(k.records, r)
	}
	var bad error
	err = db.View(t.Context(), func(r store.Reader) error {
		each := func(prefix string, fn func(key string, value []byte)) error {
			return r.Scan(prefix, "", func(key string, value []byte) bool { fn(key[len(prefix):], value); return true })
		}
		return errors.Join(
			each("seen/", func(key string, value []byte) {
				var g store.Given
				bad = errors.Join(bad, json.Unmarshal(value, &g))
				k.given[key] = g
			}),
			each("sid/", func(key string, value []byte) { k.ids[key] = store.CallID(value) }),
			each("open/", func(key string, _ []byte) { k.left = append(k.left, "open/"+key) }),
			each("due/", func(key string, value []byte) {
				var d store.Deed
				bad = errors.Join(bad, json.Unmarshal(value, &d))
				// How many wait is told once a minute, and not at all when nobody does.
				if len(k.left) > 0 || d.Kind != store.List || d.Owner != "" {
					k.left = append(k.left, "due/"+key)
				}
			}),
		)
	})
	if err = errors.Join(err, bad); err != nil {
		t.Fatal(err)
	}
	return k
}

// last is the answer that took a call last.
func (k kept) last(id store.CallID) (a store.Answer) {
	for _, g := range k.given {
		if g.Answer.Call == id && g.Verdict.Result == store.Won && g.Answer.Attempt > a.Attempt {
			a = g.Answer
		}
	}
	return a
}

// handed reports whether a call was handed over.
func (k kept) handed(id store.CallID) bool {
	for _, g := range k.given {
		if g.Answer.Call == id && g.Verdict.Result == store.HandedOver {
			return true
		}
	}
	return false
}

// checkFile is bbolt's own check of a file that nobody has open.
func checkFile(t testing.TB, file string) {
	t.Helper()
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		var bad error
		for err := range tx.Check() {
			bad = errors.Join(bad, err)
		}
		return bad
	})
	if err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

// twice is something that was done once too often.
type twice struct {
	what     string // sms, call, voicemail
	to, text string // phone and body, or channel and caller
	times    int    // too often
}

// missing is a recording with sound that nobody was told of.
type missing struct {
	recording, call string
	fellBack        bool         // the caller has heard a fallback
	as              store.CallID // as what the program keeps the call; empty: not at all
	inHistory       bool
}

// tally is what became of everything.
type tally struct {
	calls, answers int
	outcomes       map[store.Outcome]int
	results        map[store.Result]int // of answers
	line           int                  // claims of who stood in line
	undecidable    int
	twice          []twice
	missing        []missing
}

// judge holds what the program has kept and shown against what the callers have lived through.
func (c *crowd) judge(k kept) tally {
	t := c.t
	sum := tally{calls: len(c.calls), answers: len(c.answers), outcomes: map[store.Outcome]int{}, results: map[store.Result]int{}}
	client, err := twilio.New(c.net.AccountSID(), c.net.AuthToken(), c.net.URL())
	c.must(err)
	for _, what := range k.left {
		t.Errorf("left over: %s", what)
	}
	records := map[string]store.Record{}
	for _, r := range k.records {
		if _, twice := records[r.CallSID]; twice {
			t.Errorf("%s stands in the history twice", r.CallSID)
		}
		records[r.CallSID] = r
	}
	channels := map[string]string{}
	for _, l := range c.cfg.Lines {
		channels[l.Number] = l.Channel
	}
	for _, call := range c.calls {
		sid := call.SID()
		recordings, err := client.Recordings(c.ctx, sid)
		c.must(err)
		recordings = slices.DeleteFunc(recordings, func(r twilio.Recording) bool { return r.Seconds == 0 })
		handed := k.handed(k.ids[sid])
		bridged, promised := false, false
		for _, h := range call.Heard() {
			switch {
			case h.Kind == voicetest.HeardError:
				c.fault(fmt.Errorf("%s hears %s", sid, h))
			case h.Kind == voicetest.HeardBridge:
				bridged = true
			case handed && (h.Kind == voicetest.HeardPlay || h.Kind == voicetest.HeardSay): // on hold again, or on the way to somebody else
				bridged = false
			}
			promised = promised || strings.HasPrefix(h.Text, "We will call you back")
		}
		r, known := records[sid]
		if !known {
			if c.served[sid] {
				t.Errorf("lost: %s of %s was answered, and is in no history; it heard %v", sid, call.number, call.Heard())
			}
			for _, rec := range recordings {
				sum.missing = append(sum.missing, missing{rec.SID, sid, c.fellBack[sid], k.ids[sid], known})
			}
			continue
		}
		sum.outcomes[r.Outcome]++

		// What became of each message.
		channel := channels[call.line]
		posted, heard := 0, 0
		for _, rec := range recordings {
			n := c.posts(channel, call.number, rec.Seconds)
			if n == 0 {
				sum.missing = append(sum.missing, missing{rec.SID, sid, c.fellBack[sid], k.ids[sid], known})
				continue
			}
			if n > 1 {
				sum.twice = append(sum.twice, twice{"voicemail", channel, call.number, n - 1})
			}
			posted++
			heard += rec.Seconds
		}
		equal(t, sid+": seconds of voicemail", r.VoicemailSeconds, heard)

		want := store.Missed
		back := r.Outcome == store.CalledBack || r.Outcome == store.Tried
		switch {
		case back && c.reached[call.number]:
			want = store.CalledBack
		case back:
			want = store.Tried
		case bridged && r.Via != store.ByRule && k.last(k.ids[sid]).Word == store.Forward:
			want = store.Forwarded
		case bridged:
			want = store.Talked
		case posted > 0:
			want = store.Voicemail
		case handed:
			want = store.Talked
		}
		switch {
		case r.Outcome == want:
		case want == store.CalledBack && r.Outcome == store.Tried:
			sum.undecidable++ // they picked up as the other end was cut off
		case r.Outcome == store.Talked && c.agreed[sid]:
			// The taker pressed 1, and that was kept; the two were cut off before they were connected. What the program
			// can learn of that afterwards looks like a short talk.
			sum.undecidable++
		default:
			t.Errorf("%s of %s: outcome %s, not %s: %d posts, %+v; it heard %v", sid, call.number, r.Outcome, want, posted, r, call.Heard())
		}
		if promised && !back || back && !c.asked[call.number] {
			t.Errorf("%s of %s: outcome %s, though to be called back %t and %t; it heard %v", sid, call.number, r.Outcome, c.asked[call.number], promised, call.Heard())
		}
		sum.twice = append(sum.twice, c.pictured(channel, call.number, r)...)
	}
	for _, g := range k.given {
		if g.Answer.ID != "" {
			sum.results[g.Verdict.Result]++
			if g.Answer.Via == store.ByLine {
				sum.line++
			}
		}
	}
	c.redirectedOnce()
	sum.twice = append(sum.twice, c.textedTwice()...)
	c.linear(k, records)
	return sum
}

// posts counts the posts of a voicemail of one length.
func (c *crowd) posts(channel, number string, seconds int) int {
	n := 0
	for _, m := range c.work.Messages(channel) {
		if strings.HasPrefix(m.Text, fmt.Sprintf("Voicemail from %s (%d:%02d)", number, seconds/60, seconds%60)) {
			n++
		}
	}
	return n
}

// pictured asserts that a call's message shows how it ended, and returns those that stand there besides.
func (c *crowd) pictured(channel, number string, r store.Record) (more []twice) {
	last := map[store.Outcome]string{
		store.Talked: "Talked with " + r.AnsweredBy, store.Voicemail: fmt.Sprintf("Left a voicemail of %d:%02d.", r.VoicemailSeconds/60, r.VoicemailSeconds%60), store.Missed: "Missed: hung up",
		store.Forwarded: "Forwarded by " + r.AnsweredBy, store.CalledBack: "Called back by " + r.AnsweredBy, store.Tried: "and not reached.",
	}[r.Outcome]
	n, final := 0, 0
	var shown []string
	for _, m := range c.work.Messages(channel) {
		if !strings.HasPrefix(m.Text, "Call ") || !strings.Contains(m.Text, " from "+number) {
			continue
		}
		n++
		shown = append(shown, m.AsText())
		if len(m.Buttons()) == 0 && strings.Contains(m.AsText(), last) {
			final++
		}
	}
	if final == 0 {
		c.t.Errorf("%s: no message shows %q: %q", r.CallSID, last, shown)
	}
	if n > 1 {
		more = append(more, twice{"call", channel, number, n - 1})
	}
	return more
}

// redirectedOnce asserts that Twilio never did a second redirect for one claim.
func (c *crowd) redirectedOnce() {
	done := map[string]int{}
	for _, r := range c.net.Requests() {
		target, err := url.Parse(r.Form.Get("Url"))
		if r.Method != http.MethodPost || r.Status != http.StatusOK || err != nil || path.Base(target.Path) != "connect" {
			continue
		}
		done[target.RawQuery]++
	}
	for claim, n := range done {
		if n > 1 {
			c.t.Errorf("%s was redirected %d times", claim, n)
		}
	}
}

// textedTwice returns what was texted to the same person in the same words: an announcement names caller and attempt.
// A text that did not reach the server at first is answered by one of its own; several may come to the same.
func (c *crowd) textedTwice() (more []twice) {
	late := map[string]int{}
	for _, a := range c.answers {
		if sid, text := strings.CutPrefix(a.key, "sms:"); text && c.unheard[sid] {
			i := slices.IndexFunc(c.cfg.People, func(p config.Person) bool { return p.Name == a.person })
			late[c.cfg.People[i].Phone]++
		}
	}
	type text struct{ to, body string }
	sent := map[text]int{}
	for _, r := range c.net.Requests() {
		if r.Method == http.MethodPost && r.Status == http.StatusCreated && strings.HasSuffix(r.Path, "/Messages.json") {
			sent[text{r.Form.Get("To"), r.Form.Get("Body")}]++
		}
	}
	for s, n := range sent {
		if !strings.Contains(s.body, announced) {
			n -= late[s.to]
		}
		if n > 1 {
			more = append(more, twice{"sms", s.to, s.body, n - 1})
		}
	}
	return more
}

func (s tally) String() string {
	n := map[string]int{}
	for _, t := range s.twice {
		n[t.what] += t.times
	}
	return fmt.Sprintf("%d calls: %v, %d of them undecidable, %d claims by who stood in line; %d answers: %v; twice: %v; recordings untold: %d",
		s.calls, s.outcomes, s.undecidable, s.line, s.answers, s.results, n, len(s.missing))
}
