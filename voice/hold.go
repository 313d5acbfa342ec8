package voice

import (
	"bytes"
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

// hold says what a waiting caller hears: a greeting, then music. The music is one document that plays on and on, and a
// file that Twilio may cache, so that a caller who waits does not notice when this server is away.
func (p *Phone) hold(w http.ResponseWriter, r *http.Request, id store.CallID, attempt int) {
	queue := r.PostForm.Get("QueueSid")
	if !sid.MatchString(queue) {
		queue = ""
	}
	c, err := p.Store.Queued(r.Context(), id, attempt, queue)
	if err != nil {
		p.Log.Error("queue not recorded", "call", id, "err", err) // it can be found by its name; the caller gets music
		c.Line = r.PostForm.Get("To")
	}
	line, _ := p.Store.Team.Line(c.Line)
	var verbs []twiml.Element
	waited, _ := strconv.Atoi(r.PostForm.Get("QueueTime")) // seconds; absent: they have just come
	switch {
	case waited > 10: // the document has come to its end and begins anew
	case attempt > 1:
		verbs = append(verbs, words(backOnHold(c)))
	case line.Greeting != "":
		verbs = append(verbs, words(line.Greeting))
	}
	p.say(w, append(verbs, p.music(line)...)...)
}

// music plays for as long as anybody waits. A single piece loops in itself; of several, the list is repeated in the
// document, which Twilio asks for again at its end.
func (p *Phone) music(line store.Line) []twiml.Element {
	switch len(line.HoldMusic) {
	case 0:
		return []twiml.Element{&twiml.VoicePlay{Url: p.PublicURL + musicPath + music.Name, Loop: "0"}}
	case 1:
		return []twiml.Element{&twiml.VoicePlay{Url: line.HoldMusic[0], Loop: "0"}}
	}
	const most = 32 << 10 // half of what Twilio takes as a document
	var verbs []twiml.Element
	for size := 0; ; {
		for _, u := range line.HoldMusic {
			if size += len(html.EscapeString(u)) + 64; size > most && len(verbs) > 0 {
				return verbs
			}
			verbs = append(verbs, &twiml.VoicePlay{Url: u})
		}
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
		p.Log.Error("caller fell out of the queue", "call", id, "result", result)
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
