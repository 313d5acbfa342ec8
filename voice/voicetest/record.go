package voicetest

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

const statusProcessing, statusAbsent = "processing", "absent"

// recording is what a Record verb made. Guarded by Network.mu.
type recording struct {
	leg     *leg
	sid     string
	status  string
	started time.Time
	sound   time.Duration
	voice   []byte // of the sound, where it is known: samples as in the file
	done    string // why it ended: the key, "hangup", "" (silence, length or redirect)
	over    bool
	heard   int       // how often somebody spoke
	last    time.Time // and when the last time
	deleted bool

	limit    time.Duration
	endKeys  string
	action   *fetch
	callback callback
}

// record takes a message (twilio.com/docs/voice/twiml/record). It ends by a
// key, by silence, by its length or because the caller hangs up.
func (l *leg) record(d *document, v *verb) flow {
	action := actionOf(d, v, "record action")
	if action == nil && d.url == nil {
		l.n.problem("call %s: Record without action in inline TwiML (11100)", l.sid)
		return flow{kind: flowEnd}
	}
	if action == nil {
		action = &fetch{what: "record action", method: v.attrs["method"], url: d.url.String()}
	}
	longest := 3600
	if v.attrs["transcribe"] == "true" {
		longest = 120
	}
	length := v.int("maxLength", longest)
	if v.attrs["transcribe"] == "true" && length > 120 {
		l.n.problem("call %s: Record maxLength=%d with transcribe (13615)", l.sid, length)
	}
	limit := time.Duration(length) * time.Second
	l.n.mu.Lock()
	if l.stoppedLocked() {
		l.n.mu.Unlock()
		return flow{kind: flowStop}
	}
	r := &recording{leg: l, sid: l.n.idLocked("RE"), status: statusInProgress, started: l.n.clock.Now(),
		limit: limit, endKeys: v.str("finishOnKey", "1234567890*#"), action: action}
	if target, ok := d.action(v, "recordingStatusCallback"); ok {
		r.callback = callback{url: target, method: v.attrs["recordingStatusCallbackMethod"], events: eventSet(strings.Fields(v.attrs["recordingStatusCallbackEvent"]))}
	}
	l.n.recordings = append(l.n.recordings, r)
	l.recording = r
	if v.attrs["playBeep"] != "false" {
		l.hearLocked(Heard{Kind: HeardBeep})
	}
	l.moveLocked(PlaceRecording)
	r.tellLocked()
	l.n.mu.Unlock()

	if !r.listen(time.Duration(v.int("timeout", 5)) * time.Second) {
		return flow{kind: flowStop}
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.recording != r {
		return flow{kind: flowStop} // the call ended or was redirected
	}
	l.recording = nil
	l.moveLocked(PlaceListening)
	next := r.stopLocked(r.done)
	r.finishLocked()
	return flow{kind: flowGoto, next: next}
}

// listen waits for the end of the message: a key, enough sound, silence or the
// longest time. It is false if the call was taken away.
func (r *recording) listen(silence time.Duration) bool {
	l := r.leg
	last := r.started
	for {
		l.n.mu.Lock()
		heard := r.heard
		now := l.n.clock.Now()
		if heard > 0 {
			last = r.last
		}
		l.n.mu.Unlock()
		deadline := r.started.Add(r.limit)
		if quiet := last.Add(silence); silence > 0 && quiet.Before(deadline) {
			deadline = quiet
		}
		t := l.n.clock.NewTimer(deadline.Sub(now))
		why := l.wait(t.Chan(), func() bool { return r.over || r.heard > heard })
		t.Stop()
		switch why {
		case wokeStop:
			return false
		case wokeTimer:
			return true
		}
		l.n.mu.Lock()
		over := r.over
		l.n.mu.Unlock()
		if over {
			return true
		}
	}
}

func (r *recording) pressLocked(key string) {
	if !r.over && strings.Contains(r.endKeys, key) {
		r.over, r.done = true, key
	}
}

func (r *recording) speakLocked(d time.Duration) {
	if r.over {
		return
	}
	r.sound += d
	r.heard++
	r.last = r.leg.n.clock.Now()
	if r.sound >= r.limit {
		r.sound, r.over = r.limit, true
	}
	r.leg.changed.fire()
}

// stopLocked ends the recording and returns the request to the action, to be
// made before finishLocked.
func (r *recording) stopLocked(digits string) fetch {
	r.over = true
	r.status = statusProcessing
	next := *r.action
	next.params = url.Values{
		"RecordingUrl": {r.leg.n.recordingURL(r)}, "RecordingSid": {r.sid},
		"RecordingDuration": {r.durationLocked()}, "Digits": {digits},
	}
	return next
}

// finishLocked makes the file, after Options.RecordingDelay.
func (r *recording) finishLocked() {
	n := r.leg.n
	if n.opts.RecordingDelay <= 0 {
		r.readyLocked()
		return
	}
	timer := n.clock.NewTimer(n.opts.RecordingDelay)
	n.spawnLocked(func() {
		defer timer.Stop()
		select {
		case <-timer.Chan():
			n.mu.Lock()
			defer n.mu.Unlock()
			r.readyLocked()
		case <-n.ctx.Done():
		}
	})
}

// readyLocked makes the file available and tells so.
func (r *recording) readyLocked() {
	r.status = statusCompleted
	if r.sound == 0 {
		r.status = r.leg.n.opts.EmptyRecording
	}
	r.tellLocked()
}

// tellLocked sends the recordingStatusCallback, by default only for completed.
func (r *recording) tellLocked() {
	cb := r.callback
	if cb.url == "" || cb.events == nil && r.status != statusCompleted || cb.events != nil && !cb.events[r.status] {
		return
	}
	n := r.leg.n
	n.postLocked(r.leg.out, webhook{sid: r.leg.sid, what: "recording " + r.status, method: method(cb.method), url: cb.url, voice: true, jar: r.leg.jar,
		form: url.Values{
			"AccountSid": {n.opts.AccountSID}, "CallSid": {r.leg.sid}, "RecordingSid": {r.sid},
			"RecordingUrl": {n.recordingURL(r)}, "RecordingStatus": {r.status}, "RecordingDuration": {r.durationLocked()},
			"RecordingChannels": {"1"}, "RecordingSource": {"RecordVerb"}, "ErrorCode": {"0"},
			"RecordingStartTime": {r.started.UTC().Format(time.RFC1123Z)},
		}})
}

// durationLocked is the recorded sound in whole seconds, a begun one counting.
func (r *recording) durationLocked() string {
	return strconv.Itoa(int((r.sound + time.Second - 1) / time.Second))
}

func (n *Network) recordingURL(r *recording) string {
	return n.url + "/" + apiVersion + "/Accounts/" + n.opts.AccountSID + "/Recordings/" + r.sid
}
