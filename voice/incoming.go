package voice

import (
	"net/http"
	"regexp"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// A Twilio SID is two letters that say what it is, and 32 hexadecimal digits; that it has the form of a key of the store
// is what counts here.
var sid = regexp.MustCompile(`^[A-Z]{2}[0-9A-Za-z]{1,62}$`)

// incoming answers a call: it is in the store and due to be announced before the caller is put on hold.
func (p *Phone) incoming(w http.ResponseWriter, r *http.Request) {
	a := arrival(r.PostForm)
	if !sid.MatchString(a.SID) {
		http.Error(w, "no CallSid", http.StatusBadRequest)
		return
	}
	if _, ok := p.Store.Team.Line(a.Line); !ok {
		p.Log.Warn("call to a number that is no line", "sid", a.SID, "to", a.Line)
		p.say(w, words(notInService), &twiml.VoiceHangup{})
		return
	}
	if in, ok := p.insider(r); ok && r.URL.RawQuery != asCaller {
		p.dialIn(w, r, in)
		return
	}
	c, err := p.Store.Arrive(r.Context(), a)
	if err != nil {
		p.fail(w, err)
		return
	}
	if !c.Open() {
		p.say(w, &twiml.VoiceHangup{})
		return
	}
	if c.Attempt == 1 && c.Fetched == 1 && (c.Short || c.Claim.Via == store.ByLine || c.Claim.Rule == store.AfterHours || c.Claim.Rule == store.NobodyOnDuty) {
		p.say(w, p.document(c)...) // they never wait
		return
	}
	// A repeated delivery is answered like the first, even when the call has been claimed meanwhile: the redirect is on
	// its way and finds the caller in the queue.
	p.say(w, p.enqueue(c)...)
}
