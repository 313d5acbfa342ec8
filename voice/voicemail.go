package voice

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// record asks the caller for a message. Its action must be set: without one, or when the caller was redirected, Twilio
// asks for this document again or fails (twilio.com/docs/voice/twiml/record, error 11100).
func (p *Phone) record(c store.Call) []twiml.Element {
	line, _ := p.Store.Team.Line(c.Line)
	longest := store.MaxMessage
	if c.Short {
		longest = store.MaxShort
	}
	var first []twiml.Element
	switch {
	case c.Claim.Say != "":
		first = append(first, words(c.Claim.Say))
	case c.Claim.Rule == store.AfterHours:
		first = append(first, words(closedNow))
	}
	return append(first,
		words(line.VoicemailGreeting),
		&twiml.VoiceRecord{
			Action:                  p.at(recordedPath, c),
			MaxLength:               seconds(longest),
			Timeout:                 "10",
			FinishOnKey:             "#",
			PlayBeep:                "true",
			RecordingStatusCallback: p.at(recordingPath, c),
			// absent: nothing was recorded, so that the call need not wait to be asked about.
			RecordingStatusCallbackEvent: "completed absent",
		},
	)
}

// recorded hears that the caller has finished, by key, silence, length or hanging up. The file may not be ready yet.
func (p *Phone) recorded(w http.ResponseWriter, r *http.Request, id store.CallID, _ int) {
	seconds, err := strconv.Atoi(r.PostForm.Get("RecordingDuration"))
	if err != nil {
		seconds = -1 // unknown: the recording's own report decides
	}
	c, err := p.Store.Recorded(r.Context(), id, seconds)
	if err != nil {
		p.fail(w, err)
		return
	}
	text := thanks
	if c.GaveUp() {
		text = nothingHeard
	}
	p.say(w, words(text), &twiml.VoiceHangup{})
}

// recording hears what became of a recording (RecordingStatus: completed, absent, failed, in-progress; the pages of
// Twilio list them differently). Only now can it be listened to.
func (p *Phone) recording(w http.ResponseWriter, r *http.Request, id store.CallID, _ int) {
	f := r.PostForm
	var err error
	switch f.Get("RecordingStatus") {
	case "completed", "":
		seconds, bad := strconv.Atoi(f.Get("RecordingDuration"))
		switch {
		case !sid.MatchString(f.Get("RecordingSid")):
			http.Error(w, "no RecordingSid", http.StatusBadRequest)
			return
		case bad == nil && seconds == 0:
			_, err = p.Store.NothingRecorded(r.Context(), id)
		default:
			_, err = p.Store.RecordingReady(r.Context(), id, f.Get("RecordingSid"), seconds)
		}
	case "absent", "failed":
		_, err = p.Store.NothingRecorded(r.Context(), id)
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fallback is where Twilio turns when another of our answers failed: the caller is asked for a message, even when the
// store cannot be written.
func (p *Phone) fallback(w http.ResponseWriter, r *http.Request) {
	a := arrival(r.PostForm)
	p.Log.Error("fallback", "sid", a.SID, "error", r.PostForm.Get("ErrorCode"), "url", r.PostForm.Get("ErrorUrl"))
	if !sid.MatchString(a.SID) {
		http.Error(w, "no CallSid", http.StatusBadRequest)
		return
	}
	if _, ok := p.Store.Team.Line(a.Line); !ok { // the leg of a taker, say
		p.say(w, words(sorry), &twiml.VoiceHangup{})
		return
	}
	if in, ok := p.insider(r); ok && !in.isCaller() {
		p.say(w, words(callAgain), &twiml.VoiceHangup{})
		return
	}
	c, err := p.Store.ArriveAtFallback(r.Context(), a)
	switch {
	case err != nil:
		p.Log.Error("fallback without a store", "sid", a.SID, "err", err)
		// These documents can name no call; what is reported to them names it by its CallSid.
		p.say(w, words(sorry), &twiml.VoiceRecord{
			Action: p.PublicURL + fallbackDonePath, MaxLength: seconds(store.MaxMessage), Timeout: "10", FinishOnKey: "#", PlayBeep: "true",
			RecordingStatusCallback: p.PublicURL + fallbackRecordingPath, RecordingStatusCallbackEvent: "completed absent",
		})
	case !c.Open(), c.Back != nil:
		p.say(w, p.document(c)...)
	default:
		p.say(w, append([]twiml.Element{words(sorry)}, p.record(c)...)...)
	}
}

// fallbackDone ends a message that was left without a store. By now the store may take the call.
func (p *Phone) fallbackDone(w http.ResponseWriter, r *http.Request) {
	a := arrival(r.PostForm)
	if _, ok := p.Store.Team.Line(a.Line); ok && sid.MatchString(a.SID) {
		if _, err := p.Store.ArriveAtFallback(r.Context(), a); err != nil {
			p.Log.Error("a call is not in the store; its message is only at Twilio", "sid", a.SID, "recording", r.PostForm.Get("RecordingSid"), "err", err)
		}
	}
	p.say(w, words(thanks), &twiml.VoiceHangup{})
}

// fallbackRecording hears of a message that was left without a store, or without this server (away.go). Its call may be
// one that the store does not know: then Twilio is asked about it.
func (p *Phone) fallbackRecording(w http.ResponseWriter, r *http.Request) {
	f := r.PostForm
	call, recording := f.Get("CallSid"), f.Get("RecordingSid")
	id, err := p.Store.CallBySID(r.Context(), call)
	if err == nil && f.Get("RecordingStatus") == "in-progress" {
		_, err = p.Store.ArriveAtFallback(r.Context(), store.Arrival{SID: call}) // nobody can take the caller now
	}
	if err == nil {
		p.recording(w, r, id, 0)
		return
	}
	if errors.Is(err, store.ErrNoCall) {
		err = nil
		seconds, bad := strconv.Atoi(f.Get("RecordingDuration"))
		if f.Get("RecordingStatus") == "completed" && (bad != nil || seconds > 0) && sid.MatchString(call) && sid.MatchString(recording) {
			err = p.Store.Learn(r.Context(), call, recording, seconds)
		}
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
