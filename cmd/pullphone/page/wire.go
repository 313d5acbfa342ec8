package page

import (
	"cmp"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"sync"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

// Wire keeps what has gone over the wire between the server on one side and Twilio or Slack on the other.
type Wire struct {
	mu      sync.Mutex
	run     string
	entries []Entry // the newest ones
	n       int     // of the last one
	secrets []string
	calls   map[string]string // the caller's CallSid, by what else stands for a call, see callOf
	changed hint
}

// Entry is one request or answer.
type Entry struct {
	N       int    `json:"n"`
	At      string `json:"at"`
	Way     string `json:"way"`
	Kind    string `json:"kind"` // the doubles' own
	Summary string `json:"summary"`
	Text    string `json:"text"`   // all of it but for the secrets
	Call    string `json:"call"`   // the caller's CallSid, where it is about one
	Status  string `json:"status"` // HTTP status of an answer, where it is known
}

// The ways, as the page shows them.
const (
	fromTwilio = "twilio→us"
	toTwilio   = "us→twilio"
	fromSlack  = "slack→us"
	toSlack    = "us→slack"
)

const (
	keptEntries = 500
	longestText = 64 << 10
)

// Hide has secrets left out of everything that is kept from now on.
func (w *Wire) Hide(secrets ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets = append(w.secrets, secrets...)
}

// Clear forgets what was kept so far.
func (w *Wire) Clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = nil
}

// Run tells this run of the demo from others at the same address.
func (w *Wire) Run() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.run == "" {
		w.run = rand.Text()[:8]
	}
	return w.run
}

// Voice is the telephone network's Trace.
func (w *Wire) Voice(e voicetest.Event) {
	way := toTwilio
	if e.Kind == voicetest.EventWebhook || e.Kind == voicetest.EventReply {
		way = fromTwilio
	}
	w.add(Entry{At: stamp(e.Time), Way: way, Kind: e.Kind, Summary: e.Summary, Text: e.Text, Call: e.CallSID})
}

// Slack is the workspace's Trace.
func (w *Wire) Slack(e bottest.Event) {
	way := fromSlack
	if e.Kind == bottest.KindCall || e.Kind == bottest.KindResponse || e.Kind == bottest.KindAnswer {
		way = toSlack
	}
	w.add(Entry{At: stamp(e.At), Way: way, Kind: e.Kind, Summary: e.Summary, Text: e.Text})
}

var (
	callSID   = regexp.MustCompile(`^CA[0-9a-f]{32}$`)
	parentSID = regexp.MustCompile(`(?m)^ParentCallSid=(CA[0-9a-f]{32})$`)
	callID    = regexp.MustCompile(`\b(?:[0-9A-HJKMNP-TV-Z]{26}|[0-9]{10}\.[0-9]{6})\b`) // the server's own, a ULID, or a Slack message's ts
	messageTS = regexp.MustCompile(`"ts":"([0-9.]+)"`)
	request   = regexp.MustCompile(`[A-Z]+ /\S+|^[a-z]+\.[a-zA-Z]+`) // in the summary of a request and of its reply alike
	status    = regexp.MustCompile(`^[1-5][0-9][0-9]\b`)

	// token is what proves who sends something, wherever it travels: Slack's in a form or JSON, Twilio's CallToken.
	token = regexp.MustCompile(`(?i)(\b(?:call_?)?token"?\s*[=:]\s*"?)[^&\s",}]+`)
)

// add keeps an entry, and returns it as it is kept.
func (w *Wire) add(e Entry) Entry {
	w.mu.Lock()
	e.Text = e.Text[:min(len(e.Text), longestText)]
	for _, s := range w.secrets {
		e.Text = strings.ReplaceAll(e.Text, s, "(hidden)")
	}
	e.Text = token.ReplaceAllString(e.Text, "${1}(hidden)")
	e.Call = w.callOf(e)
	e.Status = status.FindString(e.Summary)
	w.n++
	e.N = w.n
	w.entries = append(w.entries, e)
	if len(w.entries) > 2*keptEntries {
		w.entries = slices.Clone(newest(w.entries, keptEntries))
	}
	w.mu.Unlock()
	w.changed.give()
	return e
}

// callOf finds which caller's call an entry is about, by what earlier ones told: a leg's webhooks name the call that dialled,
// the server's URLs and buttons have its own ID of the call, a message in Slack is about one call, and a reply is about
// what the last request of its kind was.
func (w *Wire) callOf(e Entry) string {
	if w.calls == nil {
		w.calls = map[string]string{}
	}
	call, ids := "", callID.FindAllString(e.Text, 20)
	if callSID.MatchString(e.Call) {
		if m := parentSID.FindStringSubmatch(e.Text); m != nil {
			w.calls[e.Call] = m[1]
		}
		call = cmp.Or(w.calls[e.Call], e.Call)
		for _, id := range ids {
			w.calls[id] = call
		}
	}
	for _, id := range ids {
		call = cmp.Or(call, w.calls[id])
	}
	what := request.FindString(e.Summary)
	switch {
	case e.Kind == voicetest.EventREST, e.Kind == bottest.KindCall:
		w.calls[what] = call
	case e.Kind == voicetest.EventReply && call == "": // bottest.KindReply is the same word
		call = w.calls[what]
	}
	if ts := messageTS.FindStringSubmatch(e.Text); ts != nil && what == "chat.postMessage" && call != "" {
		w.calls[ts[1]] = call
	}
	return call
}

// since returns the entries after the one that has a number, as far as they are kept.
func (w *Wire) since(n int) []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := newest(w.entries, keptEntries)
	i, _ := slices.BinarySearchFunc(kept, n+1, func(e Entry, n int) int { return e.N - n })
	return slices.Clone(kept[i:])
}
