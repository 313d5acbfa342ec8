package bot

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
	"pullphone/voice/twilio"
)

var (
	messageSID = regexp.MustCompile(`^[A-Z]{2}[0-9A-Za-z]{1,62}$`)
	e164       = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // not the whatsapp:+1… of other ways to write
)

// sms hears a text to one of the lines. The reply is the answer to the webhook, so it needs no request of ours.
func (b *Bot) sms(w http.ResponseWriter, r *http.Request) {
	f := r.PostForm
	if !messageSID.MatchString(f.Get("MessageSid")) {
		http.Error(w, "no MessageSid", http.StatusBadRequest)
		return
	}
	m := twilio.Text{SID: f.Get("MessageSid"), From: f.Get("From"), To: f.Get("To"), Body: f.Get("Body")}
	reply, err := b.heard(r.Context(), m, f.Get("OptOutType"))
	if err != nil {
		b.Log.Error("SMS not heard", "sid", f.Get("MessageSid"), "err", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	var verbs []twiml.Element
	if reply != "" {
		verbs = append(verbs, &twiml.MessagingMessage{Body: reply})
	}
	doc, err := twiml.Messages(verbs)
	if err != nil {
		b.Log.Error("TwiML", "err", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write([]byte(doc)) // a peer that has gone is not told
}

// heard hears a text, one that has just come in or one that was missed, and returns the reply: none to a text that is
// outdated.
func (b *Bot) heard(ctx context.Context, m twilio.Text, optOut string) (reply string, err error) {
	line, known := b.Store.Team.Line(m.To)
	if !known {
		return "", nil
	}
	s := hear(line, m.Body)
	if (optOut == "STOP" || optOut == "HELP") && s.word == "" {
		return "", nil // Twilio has answered by itself (twilio.com/docs/messaging/tutorials/advanced-opt-out)
	}
	person, known := b.Store.Team.PersonByPhone(m.From)
	if _, own := b.Store.Team.Line(m.From); own {
		return "", nil // two lines would answer each other for ever
	}
	if !known {
		return b.stranger(ctx, line, m.From, m.SID)
	}
	a := store.Answer{ID: answerID("sms", m.SID), Person: person.Name, Via: store.BySMS, Late: !m.Sent.IsZero()}
	if text, known, err := b.again(ctx, a.ID); known || err != nil {
		return text, err
	}
	if heard, err := b.Store.Allow(ctx, m.SID, store.Quota{Of: "texts of " + person.Name, Most: 10, Within: time.Minute}); err != nil || !heard {
		told := false
		if err == nil {
			told, err = b.Store.Allow(ctx, m.SID, store.Quota{Of: "too fast " + person.Name, Most: 1, Within: time.Minute})
		}
		if err != nil {
			return "", err
		}
		if !told { // heard all the same, and not missed
			return "", b.Store.Replied(ctx, a.ID, "")
		}
		return b.reply(ctx, a.ID, tooFast)
	}
	switch s.word {
	case wordYes, wordNo, wordPass, wordKeyword:
		if !line.Serves(person.Name) {
			return b.reply(ctx, a.ID, notYourLine(line))
		}
	case wordPull:
		if len(b.linesOf(person.Name)) == 0 {
			return b.reply(ctx, a.ID, notYourLine(line))
		}
	case wordPassOn, wordLeave, wordList, wordOn, wordOff:
	default:
		if s.word != wordHelp { // no word of ours: perhaps a machine that would answer for ever
			may, err := b.Store.Allow(ctx, m.SID, store.Quota{Of: "help for " + m.From, Most: 3, Within: time.Hour})
			if err != nil || !may {
				return "", err
			}
		}
		return smsHelp(line), nil
	}
	return b.do(ctx, typed{said: s, person: person, lines: []store.Line{line}, sent: m.Sent, answer: a})
}

// stranger answers a text of somebody who is not on the team, rarely: who makes us answer may be paid for it.
func (b *Bot) stranger(ctx context.Context, line store.Line, from, sid string) (reply string, err error) {
	if !e164.MatchString(from) || !line.Usual(from) { // a short code, a name, what costs extra
		return "", nil
	}
	may, err := b.Store.Allow(ctx, sid, store.Quota{Of: "stranger " + from, Most: 1, Within: 24 * time.Hour},
		store.Quota{Of: "strangers on " + line.Number, Most: 30, Within: time.Hour})
	if err != nil || !may {
		return "", err
	}
	return toStranger(line), nil
}
