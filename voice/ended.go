package voice

import (
	"errors"
	"net/http"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// ended hears that a caller's own leg has ended: the StatusCallback of the number, which Twilio sends once, at the
// end, and which may overtake the other reports of the same call.
func (p *Phone) ended(w http.ResponseWriter, r *http.Request) {
	f := r.PostForm
	if !twilio.Over(f.Get("CallStatus")) || !sid.MatchString(f.Get("CallSid")) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	id, err := p.Store.CallBySID(r.Context(), f.Get("CallSid"))
	switch {
	case err == nil:
		_, err = p.Store.HungUp(r.Context(), id)
	case errors.Is(err, store.ErrNoCall):
		err = p.takerGone(r.Context(), f.Get("From"), f.Get("CallSid"))
	}
	if err != nil && !errors.Is(err, store.ErrNoCall) { // a call to no line, or one from before this store
		p.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
