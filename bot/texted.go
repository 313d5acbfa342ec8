package bot

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"pullphone/store"
)

// statusURL is where Twilio tells what became of the announcement of a call. Whose it was stands in the request, not in
// the URL, which others may keep.
func (b *Bot) statusURL(c store.Call) string {
	return fmt.Sprintf("%s%s?c=%s", b.PublicURL, statusPath, value(c))
}

// texted hears what became of a text (twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks).
func (b *Bot) texted(w http.ResponseWriter, r *http.Request) {
	f := r.PostForm
	id, attempt, ok := parseValue(r.URL.Query().Get("c"))
	if !ok || !messageSID.MatchString(f.Get("MessageSid")) {
		http.Error(w, "no such text", http.StatusBadRequest)
		return
	}
	person, known := b.Store.Team.PersonByPhone(f.Get("To"))
	x := store.SMSText{Person: person.Name, Attempt: attempt, SID: f.Get("MessageSid"), Status: store.TextStatus(f.Get("MessageStatus"))}
	switch x.Status {
	case store.TextSent, store.TextDelivered:
	case "read":
		x.Status = store.TextDelivered
	case "canceled":
		x.Status = store.TextFailed
		fallthrough
	case store.TextUndelivered, store.TextFailed:
		x.Code, _ = strconv.Atoi(f.Get("ErrorCode")) // none: 0
		x.Why, x.Never = smsRefusal(x.Code)
	default:
		known = false // nothing new
	}
	if known {
		err := b.Store.Texted(r.Context(), id, x)
		if err != nil && !errors.Is(err, store.ErrNoCall) {
			b.Log.Error("status of an SMS not recorded", "call", id, "err", err)
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
