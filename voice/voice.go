// Package voice is the telephone: Twilio's voice webhooks in, TwiML out, and the requests to Twilio that are due.
//
// Follow a call: incoming.go puts it on hold (hold.go); when it is claimed, redirect.go pulls it out of the queue;
// connect.go dials the taker, screen.go asks them to press 1, and connect.go hears how that ended; voicemail.go takes
// the message, and away.go while this server is away; retrieve.go brings a caller back on hold who was handed over;
// callback.go calls back those who would not wait; ended.go hears that the caller has gone; reconcile.go finds what was
// missed; erase.go deletes what Twilio keeps. When nobody could be told of a call, phones.go rings people, and meet.go
// brings the caller to whoever presses 1 there, or in the menu that people hear who call a line themselves, dialin.go.
// Everything said on the phone stands in says.go.
package voice

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/twilio/twilio-go/twiml"
	"golang.org/x/sync/errgroup"

	"pullphone/store"
	"pullphone/voice/music"
	"pullphone/voice/twilio"
)

// The paths that Twilio is told of by its numbers' settings. The others stand in TwiML.
const (
	IncomingPath = "/twilio/voice"
	FallbackPath = "/twilio/fallback"
	StatusPath   = "/twilio/status"
)

const (
	holdPath      = "/twilio/hold"
	holdKeyPath   = holdPath + "/key"
	leftPath      = "/twilio/left"
	backPath      = "/twilio/back"
	connectPath   = "/twilio/connect"
	screenPath    = "/twilio/screen"
	acceptPath    = "/twilio/accept"
	answeredPath  = "/twilio/answered"
	dialedPath    = "/twilio/dialed"
	recordedPath  = "/twilio/recorded"
	recordingPath = "/twilio/recording"
	musicPath     = "/music/"
	ringPath      = "/twilio/ring"
	keyPath       = ringPath + "/key"
	rungPath      = ringPath + "/over"
	meetPath      = "/twilio/meet"
	metPath       = meetPath + "/met"
	partedPath    = meetPath + "/parted"
	choicePath    = "/twilio/menu"
	pinPath       = choicePath + "/pin"

	callbackPath     = "/twilio/callback"
	callbackKeyPath  = callbackPath + "/key"
	callbackOverPath = callbackPath + "/over"
	reachedPath      = callbackPath + "/reached"

	fallbackDonePath      = FallbackPath + "/done"
	fallbackRecordingPath = FallbackPath + "/recording"
)

// Phone answers Twilio's voice webhooks and does what is due at Twilio.
type Phone struct {
	Store     *store.Store
	Twilio    *twilio.Client
	PublicURL string        // what Twilio can reach, without a trailing slash
	Retention time.Duration // of calls and recordings; 0: for ever
	Log       *slog.Logger
}

// Handle registers the webhooks, each behind verify, and the hold music, which needs no signature.
func (p *Phone) Handle(mux *http.ServeMux, verify func(http.Handler) http.Handler) {
	for path, h := range map[string]http.HandlerFunc{
		IncomingPath: p.incoming, StatusPath: p.ended,
		FallbackPath: p.fallback, fallbackDonePath: p.fallbackDone, fallbackRecordingPath: p.fallbackRecording,
		holdPath: ofCall(p.hold), holdKeyPath: ofCall(p.holdKey), leftPath: ofCall(p.left),
		connectPath: ofCall(p.connect), dialedPath: ofCall(p.dialed), backPath: ofCall(p.back),
		screenPath: ofCall(p.screen), acceptPath: ofCall(p.accept), answeredPath: ofCall(p.answered),
		recordedPath: ofCall(p.recorded), recordingPath: ofCall(p.recording),
		ringPath: ofCall(p.ring), keyPath: ofCall(p.key), rungPath: ofCall(p.rung),
		meetPath: ofCall(p.waiting), metPath: ofCall(p.met), partedPath: ofCall(p.parted),
		choicePath: p.choice, pinPath: p.pin,
		callbackPath: ofCall(p.callback), callbackKeyPath: ofCall(p.callbackKey), callbackOverPath: ofCall(p.callbackOver), reachedPath: ofCall(p.reached),
	} {
		mux.Handle("POST "+path, verify(h))
	}
	mux.Handle("GET "+musicPath+music.Name, musicFile())
}

// Run does what is due at Twilio until ctx ends, and finishes what it had begun.
func (p *Phone) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, w := range []store.Work{p.redirects(), p.questions(), p.lookups(), p.erasures(), p.lessons(), p.rings(), p.hangups(), p.callOuts(), p.retrieves()} {
		g.Go(func() error { return p.Store.Run(ctx, w) })
	}
	return g.Wait()
}

// at is the URL of one of our documents for a call and attempt. Both stand in it because the CallSid stays the same
// when a caller waits again.
func (p *Phone) at(path string, c store.Call) string {
	return fmt.Sprintf("%s%s?c=%s&n=%d", p.PublicURL, path, c.ID, c.Attempt)
}

// ofCall serves a URL made by at, and refuses one that names no call.
func ofCall(h func(http.ResponseWriter, *http.Request, store.CallID, int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		id := q.Get("c")
		attempt, err := strconv.Atoi(q.Get("n"))
		if _, bad := ulid.ParseStrict(id); err != nil || attempt < 1 || bad != nil {
			http.Error(w, "no such call", http.StatusBadRequest)
			return
		}
		h(w, r, store.CallID(id), attempt)
	}
}

// say answers with a TwiML document. No verbs are a document too: it ends the call, or lets it go on where the
// request was no more than a report.
func (p *Phone) say(w http.ResponseWriter, verbs ...twiml.Element) {
	tree, root := twiml.CreateDocument()
	twiml.AddAllVerbs(root, verbs)
	for _, g := range tree.FindElements("//Gather[@finishOnKey='" + noKey + "']") {
		g.CreateAttr("finishOnKey", "")
	}
	doc, err := twiml.ToXML(tree)
	if err != nil {
		p.fail(w, fmt.Errorf("TwiML: %w", err))
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write([]byte(doc)) // a peer that has gone is not told
}

// fail gives a webhook up, so that Twilio turns to its fallback: what could not be committed was not accepted.
func (p *Phone) fail(w http.ResponseWriter, err error) {
	p.Log.Error("webhook failed", "err", err)
	http.Error(w, "unavailable", http.StatusServiceUnavailable)
}

// document is what the caller of a call hears now. It is derived from the state alone, so a webhook that is delivered
// twice is answered twice the same.
func (p *Phone) document(c store.Call) []twiml.Element {
	if c.Back != nil && c.Open() {
		return []twiml.Element{words(willCallBack), &twiml.VoiceHangup{}}
	}
	switch c.State {
	case store.Waiting:
		return p.enqueue(c)
	case store.Ringing, store.Talking:
		return p.dial(c)
	case store.Recording:
		return p.record(c)
	}
	return []twiml.Element{&twiml.VoiceHangup{}}
}
