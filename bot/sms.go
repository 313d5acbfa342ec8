package bot

import (
	"net/http"
	"regexp"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

var messageSID = regexp.MustCompile(`^[A-Z]{2}[0-9A-Za-z]{1,62}$`)

// sms hears a text to one of the lines. The reply is the answer to the webhook, so it needs no request of ours.
func (b *Bot) sms(w http.ResponseWriter, r *http.Request) {
	f := r.PostForm
	if !messageSID.MatchString(f.Get("MessageSid")) {
		http.Error(w, "no MessageSid", http.StatusBadRequest)
		return
	}
	reply, err := b.heard(r, f.Get("MessageSid"), f.Get("From"), f.Get("To"), f.Get("Body"), f.Get("OptOutType"))
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

func (b *Bot) heard(r *http.Request, sid, from, to, body, optOut string) (reply string, err error) {
	ctx := r.Context()
	line, known := b.Store.Team.Line(to)
	if !known {
		return "", nil
	}
	s := hear(body)
	if (optOut == "STOP" || optOut == "HELP") && s.word == "" {
		return "", nil // Twilio has answered by itself (twilio.com/docs/messaging/tutorials/advanced-opt-out)
	}
	person, known := b.Store.Team.PersonByPhone(from)
	if _, own := b.Store.Team.Line(from); own {
		return "", nil // two lines would answer each other for ever
	}
	if !known {
		return toStranger(line), nil
	}
	a := store.Answer{ID: answerID("sms", sid), Person: person.Name, Via: store.BySMS}
	if text, known, err := b.again(ctx, a.ID); known || err != nil {
		return text, err
	}
	switch s.word {
	case wordYes, wordNo:
		if !line.Serves(person.Name) {
			return notYourLine(line), nil
		}
		c, text, err := b.which(ctx, line, person, s.code)
		if err != nil {
			return "", err
		}
		if text != "" {
			return b.reply(ctx, a.ID, text)
		}
		switch {
		case s.word == wordYes:
			a.Word = store.Take
		case line.No == store.NoPass:
			a.Word = store.Pass
		default:
			a.Word = store.SendVoicemail
		}
		return b.answer(ctx, c, a)
	case wordPull:
		return b.pull(ctx, person, a)
	case wordList:
		return b.list(ctx, person)
	}
	return smsHelp, nil // to a question mark, and to what is no word of ours
}
