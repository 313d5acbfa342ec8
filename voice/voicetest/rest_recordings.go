package voicetest

import (
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// Media of a recording: its URI with .wav, .mp3 or nothing in place of .json
// (twilio.com/docs/voice/api/recording).
var mediaPath = regexp.MustCompile(`^/` + apiVersion + `/Accounts/(AC[0-9a-fA-F]{32})/Recordings/(RE[0-9a-f]{32})(|\.wav|\.mp3)$`)

func (n *Network) showRecording(r *recording, ofCall bool) object {
	o := object{"sid": r.sid, "account_sid": n.opts.AccountSID, "call_sid": r.leg.sid, "conference_sid": nil,
		"status": r.status, "duration": r.durationLocked(), "channels": 1, "source": "RecordVerb", "error_code": nil,
		"start_time": rfc2822(r.started), "date_created": rfc2822(r.started), "date_updated": rfc2822(r.started),
		"price": nil, "price_unit": "USD", "api_version": apiVersion, "encryption_details": nil}
	if ofCall {
		o["uri"] = n.uri("Calls", r.leg.sid, "Recordings", r.sid)
		o["track"] = "both"
	} else {
		o["uri"] = n.uri("Recordings", r.sid)
		o["media_url"] = n.recordingURL(r)
	}
	return o
}

func (n *Network) listRecordings(a *apiRequest) (int, any, *apiError) {
	call, ofCall := a.path["CallSid"]
	if !ofCall {
		call = a.query.Get("CallSid")
	} else if n.callLocked(call) == nil {
		return 0, nil, notFound(a.url)
	}
	var list []*recording
	for i := len(n.recordings) - 1; i >= 0; i-- { // newest first
		r := n.recordings[i]
		if !r.deleted && (call == "" || r.leg.sid == call) && within(a, "DateCreated", r.started) {
			list = append(list, r)
		}
	}
	return 200, page(a, "recordings", list, func(r *recording) object { return n.showRecording(r, ofCall) }), nil
}

func (n *Network) recordingOf(a *apiRequest) *recording {
	for _, r := range n.recordings {
		if call, ofCall := a.path["CallSid"]; r.sid == a.path["Sid"] && !r.deleted && (!ofCall || call == r.leg.sid) {
			return r
		}
	}
	return nil
}

func (n *Network) fetchRecording(a *apiRequest) (int, any, *apiError) {
	r := n.recordingOf(a)
	if r == nil {
		return 0, nil, notFound(a.url)
	}
	_, ofCall := a.path["CallSid"]
	return 200, n.showRecording(r, ofCall), nil
}

func (n *Network) deleteRecording(a *apiRequest) (int, any, *apiError) {
	r := n.recordingOf(a)
	if r == nil {
		return 0, nil, notFound(a.url)
	}
	r.deleted = true
	return 204, nil, nil
}

type mediaFile struct {
	call   string
	length time.Duration
	voice  []byte
}

// media returns the file of a completed recording, nil if there is none.
func (n *Network) media(sid string) *mediaFile {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.recordings {
		if r.sid == sid && !r.deleted && r.status == statusCompleted {
			return &mediaFile{call: r.leg.sid, length: r.sound, voice: slices.Clone(r.voice)}
		}
	}
	return nil
}

func serveMedia(w http.ResponseWriter, r *http.Request, f *mediaFile, extension string) {
	voice := tone(f.length)
	if f.voice != nil {
		voice = lengthened(f.voice, f.length)
	}
	data, kind := wav(voice), "audio/x-wav"
	if extension == ".mp3" {
		data, kind = mp3(f.length), "audio/mpeg"
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
