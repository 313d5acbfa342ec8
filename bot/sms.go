package bot

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/nyaruka/phonenumbers"
	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
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
		return b.stranger(ctx, line, from, sid)
	}
	a := store.Answer{ID: answerID("sms", sid), Person: person.Name, Via: store.BySMS}
	g, err := b.Store.Given(ctx, a.ID)
	switch {
	case err != nil || g.Reply != "":
		return g.Reply, err
	case g.Answer.ID != "": // delivered again: it was about the call that it was about
		c, err := b.Store.Call(ctx, g.Answer.Call)
		if err != nil {
			return "", err
		}
		return verdict(b.Store.Team, g.Answer, g.Verdict, c, b.Store.Clock.Now()), nil
	}
	if heard, err := b.Store.Allow(ctx, sid, store.Quota{Of: "texts of " + person.Name, Most: 10, Within: time.Minute}); err != nil || !heard {
		told := false
		if err == nil {
			told, err = b.Store.Allow(ctx, sid, store.Quota{Of: "too fast " + person.Name, Most: 1, Within: time.Minute})
		}
		if !told {
			return "", err
		}
		return tooFast, b.Store.Replied(ctx, a.ID, tooFast)
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
			return text, b.Store.Replied(ctx, a.ID, text)
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
	if s.word != wordHelp { // no word of ours: perhaps a machine that would answer for ever
		may, err := b.Store.Allow(ctx, sid, store.Quota{Of: "help for " + from, Most: 3, Within: time.Hour})
		if err != nil || !may {
			return "", err
		}
	}
	return smsHelp, nil
}

// stranger answers a text of somebody who is not on the team, rarely: who makes us answer may be paid for it.
func (b *Bot) stranger(ctx context.Context, line store.Line, from, sid string) (reply string, err error) {
	if !usual(from, line.Country) {
		return "", nil
	}
	may, err := b.Store.Allow(ctx, sid, store.Quota{Of: "stranger " + from, Most: 1, Within: 24 * time.Hour},
		store.Quota{Of: "strangers on " + line.Number, Most: 30, Within: time.Hour})
	if err != nil || !may {
		return "", err
	}
	return toStranger(line), nil
}

// usual reports whether a sender is a number of a person in the line's own country: no short code, no name, nothing
// that costs extra.
func usual(from, country string) bool {
	n, err := phonenumbers.Parse(from, "")
	if err != nil || !e164.MatchString(from) || country == "" || phonenumbers.GetRegionCodeForNumber(n) != country {
		return false
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return true
	}
	return false
}
