package voice

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
	"pullphone/voice/music"
	"pullphone/voice/twilio"
)

// queueName is the Twilio queue of a line. Its letters are the line's number, because a line may be renamed.
func queueName(line string) string { return "pullphone-" + strings.TrimPrefix(line, "+") }

// enqueue puts the caller on hold.
func (p *Phone) enqueue(c store.Call) []twiml.Element {
	return []twiml.Element{&twiml.VoiceEnqueue{
		Name:    queueName(c.Line),
		Action:  p.at(leftPath, c),
		WaitUrl: p.at(holdPath, c),
	}}
}

const (
	// nextPlace is how long it is at least from one word about a caller's place to the next.
	nextPlace = time.Minute
	// maxPlace is up to how many callers before one are told exactly.
	maxPlace = 20
)

// hold says what a waiting caller hears: a greeting, their place where anybody is before them, the keys, and music. Who has
// nobody on hold before them hears one document that plays on and on, and a file that Twilio may cache, so that they do not
// notice when this server is away: nothing gets better for them by asking again. A document for those behind them ends
// after one piece, so that Twilio asks again and they learn how they move up.
func (p *Phone) hold(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	p.holdSaying(w, r, id, attempt)
}

// holdSaying answers with the hold document, and what it begins with.
func (p *Phone) holdSaying(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int, verbs ...twiml.Element) {
	queue := r.PostForm.Get("QueueSid")
	if !sid.MatchString(queue) {
		queue = ""
	}
	c, err := p.Store.Queued(r.Context(), id, attempt, queue)
	if err != nil {
		p.Log.Error("queue not recorded", "call", id, "err", err) // it can be found by its name; the caller gets music
		c = store.Call{ID: id, Line: r.PostForm.Get("To"), Attempt: attempt}
	}
	if c.Back != nil {
		p.say(w, p.document(c)...)
		return
	}
	line, _ := p.Store.Team.Line(c.Line)
	q := r.URL.Query()
	said, _ := strconv.Atoi(q.Get("s"))  // seconds from their arrival until they were last told their place
	told, _ := strconv.Atoi(q.Get("b"))  // how many were before them then
	piece, _ := strconv.Atoi(q.Get("m")) // of the music, the one to play now
	piece = max(0, piece)
	waited, _ := strconv.Atoi(r.PostForm.Get("QueueTime")) // seconds; absent: they have just come
	first := waited <= 10 && !q.Has("s")                   // else the document has come to its end and begins anew
	switch {
	case !first:
	case attempt > 1:
		verbs = append(verbs, words(backOnHold(c)))
	case line.Greeting != "":
		verbs = append(verbs, words(line.Greeting))
	}
	endless := true
	if attempt := onHold(c, attempt); c.State == store.Waiting && c.Attempt == attempt { // else somebody has them already
		ahead, held, err := p.Store.Ahead(r.Context(), c)
		if err != nil {
			p.Log.Error("place in the queue", "call", id, "err", err)
		}
		endless = held == 0
		switch now := int(p.Store.Clock.Since(c.Arrived).Seconds()); {
		case err != nil:
		case first && attempt > 1: // they may have heard it a moment before they were taken
			said, told = now, ahead
		case !first && ahead == 0 && told == 0: // nobody else waits, or they know
		case first, now-said >= int(nextPlace.Seconds()):
			said, told = now, ahead
			if ahead > 0 || !first {
				verbs = append(verbs, words(placeInQueue(ahead)))
			}
			if first {
				verbs = append(verbs, p.usualWait(r.Context(), c)...)
			}
		case ahead != told: // that is yet to be said
			endless = false
		}
		if first {
			verbs = append(verbs, words(keysOnHold(p.canCallBack(c))))
		}
	}
	verbs = append(verbs, p.music(line, piece, endless)...)
	c.Attempt = attempt
	more := fmt.Sprintf("&s=%d&b=%d&m=%d", said, told, piece+1)
	// A key that Twilio keeps for itself, a # alone, and the end of the music lead to the next document
	// (twilio.com/docs/voice/twiml/gather, finishOnKey).
	p.say(w, &twiml.VoiceGather{Action: p.at(holdKeyPath, c) + more, Input: "dtmf", NumDigits: "1", Timeout: "1", InnerElements: verbs},
		&twiml.VoiceRedirect{Url: p.at(holdPath, c) + more})
}

// onHold is the attempt of a caller who hears the hold document of one: a later one, when they were claimed and given
// back before they had left the queue.
func onHold(c store.Call, attempt int) int {
	if c.Attempt > attempt && c.Fetched < attempt && c.Missing == 0 {
		return c.Attempt
	}
	return attempt
}

// usualWait tells newcomers how long others waited, where that is known.
func (p *Phone) usualWait(ctx context.Context, c store.Call) []twiml.Element {
	usual, known, err := p.Store.UsualWait(ctx, c.Line)
	if err != nil {
		p.Log.Error("usual wait", "line", c.Line, "err", err)
	}
	if err != nil || !known {
		return nil
	}
	return []twiml.Element{words(othersWaited(usual))}
}

// holdKey hears the key of a caller on hold: 1 leaves a message, 2 asks to be called back. When somebody was quicker, the
// music goes on: the redirect is on its way.
func (p *Phone) holdKey(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	c, err := p.Store.Call(r.Context(), id)
	now, done := onHold(c, attempt), false
	switch key := r.PostForm.Get("Digits"); {
	case err != nil:
	case key == "1":
		if done, _, err = p.Store.LeaveMessage(r.Context(), id, now); done {
			p.say(w, &twiml.VoiceLeave{}) // left says what they hear then
			return
		}
	case key == "2" && p.canCallBack(c):
		if done, c, err = p.askBack(r.Context(), c, now); done {
			p.say(w, p.document(c)...)
			return
		}
		if err == nil && c.State == store.Waiting {
			p.holdSaying(w, r, id, attempt, words(p.notCalledBack(r.Context(), c)))
			return
		}
	}
	if err != nil {
		p.Log.Error("key on hold", "call", id, "err", err) // the music goes on; they can press it again
	}
	p.hold(w, r, id, attempt)
}

// askBack has a caller wait to be called back. That is counted by the number: whoever forges one could have us call it
// for ever.
func (p *Phone) askBack(ctx context.Context, c store.Call, attempt int) (bool, store.Call, error) {
	may, err := p.Store.Allow(ctx, "back "+string(c.ID), store.Quota{Of: "callbacks to " + c.From, Most: 3, Within: 24 * time.Hour})
	if err != nil || !may {
		return false, c, err
	}
	return p.Store.AskBack(ctx, c.ID, attempt)
}

// notCalledBack says why a caller cannot ask to be called back.
func (p *Phone) notCalledBack(ctx context.Context, c store.Call) string {
	if asked, err := p.Store.Asked(ctx, c); asked && err == nil {
		return alreadyAsked
	}
	return noCallBack
}

// music is what plays from a piece on: for as long as anybody waits, or only that piece. A single piece loops in itself;
// of several, the list is repeated in the document, which Twilio asks for again at its end.
func (p *Phone) music(line store.Line, piece int, endless bool) []twiml.Element {
	pieces := line.HoldMusic
	if len(pieces) == 0 {
		pieces = []string{p.PublicURL + musicPath + music.Name}
	}
	piece %= len(pieces)
	switch {
	case !endless:
		return []twiml.Element{&twiml.VoicePlay{Url: pieces[piece]}}
	case len(pieces) == 1:
		return []twiml.Element{&twiml.VoicePlay{Url: pieces[0], Loop: "0"}}
	}
	const most = 32 << 10 // half of what Twilio takes as a document
	var verbs []twiml.Element
	for size := 0; ; piece++ {
		u := pieces[piece%len(pieces)]
		if size += len(html.EscapeString(u)) + 64; size > most && len(verbs) > 0 {
			return verbs
		}
		verbs = append(verbs, &twiml.VoicePlay{Url: u})
	}
}

func musicFile() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/wav")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // its name changes with its content
		w.Header().Set("ETag", `"`+music.Name+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(music.Hold))
	})
}

// left hears that a caller is no longer in the queue (twilio.com/docs/voice/twiml/enqueue, QueueResult). After a
// redirect Twilio reports it here as well, and ignores the answer: nothing must change.
func (p *Phone) left(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	result := r.PostForm.Get("QueueResult")
	switch {
	case result == "hangup", twilio.Over(r.PostForm.Get("CallStatus")):
		if _, err := p.Store.HungUp(r.Context(), id); err != nil {
			p.fail(w, err)
			return
		}
		p.say(w)
	case result == "queue-full", result == "error", result == "system-error", result == "leave":
		if result != "leave" { // which is our own word, to a key of theirs
			p.Log.Error("caller fell out of the queue", "call", id, "result", result)
		}
		c, err := p.Store.LeftQueue(r.Context(), id, attempt)
		if err == nil && c.Attempt == attempt {
			c, err = p.Store.Fetched(r.Context(), id, attempt) // a taker who claimed meanwhile is dialled from here
		}
		if err != nil {
			p.fail(w, err)
			return
		}
		p.say(w, p.document(c)...)
	default:
		p.say(w)
	}
}
