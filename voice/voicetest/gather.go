package voicetest

import (
	"net/url"
	"strings"
	"time"
)

// gather collects keys (twilio.com/docs/voice/twiml/gather). Without any key it
// goes on with the next verb, unless actionOnEmptyResult is set; without an
// action the document's own URL is asked.
func (l *leg) gather(d *document, v *verb) flow {
	l.n.mu.Lock()
	l.listening, l.keys = true, ""
	l.changed.fire()
	l.n.mu.Unlock()
	defer func() {
		l.n.mu.Lock()
		l.listening = false
		l.changed.fire()
		l.n.mu.Unlock()
	}()

	endless := false
	for _, noun := range v.nouns {
		if endless || l.pressed() || l.stopped() {
			break // the first key silences the rest
		}
		switch noun.name {
		case "Say":
			l.hear(HeardSay, noun.text)
			if l.n.opts.Speech != nil {
				l.listen(l.n.opts.Speech(noun.text))
			}
		case "Play":
			if noun.text != "" {
				l.sound(d.resolve(noun.text))
			}
			if noun.attrs["loop"] == "0" {
				endless = true
				break
			}
			l.listen(l.n.opts.HoldLoop)
		case "Pause":
			l.listen(time.Duration(noun.int("length", 1)) * time.Second)
		}
	}
	digits, finish, stopped := l.collect(v, endless)
	if stopped {
		return flow{kind: flowStop}
	}
	if digits == "" && v.attrs["actionOnEmptyResult"] != "true" {
		return flow{}
	}
	action := actionOf(d, v, "gather")
	if action == nil && d.url != nil {
		action = &fetch{what: "gather", method: v.attrs["method"], url: d.url.String()}
	}
	more := url.Values{"Digits": {digits}, "FinishedOnKey": {finish}}
	return goTo(action, more)
}

// listen lets time pass, until the first key.
func (l *leg) listen(d time.Duration) {
	t := l.n.clock.NewTimer(d)
	defer t.Stop()
	l.wait(t.Chan(), func() bool { return l.keys != "" })
}

func (l *leg) pressed() bool {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	return l.keys != ""
}

// collect waits for keys until there are enough, one of them finishes, or none
// comes for the timeout. An endless prompt keeps the timeout from running until
// the first key.
func (l *leg) collect(v *verb, endless bool) (digits, finish string, stopped bool) {
	var (
		most    = v.int("numDigits", 1<<30)
		ends    = v.str("finishOnKey", "#")
		timeout = time.Duration(v.int("timeout", 5)) * time.Second
		seen    int
	)
	for {
		var timer <-chan time.Time
		stop := func() bool { return true }
		if !endless || seen > 0 {
			t := l.n.clock.NewTimer(timeout)
			timer, stop = t.Chan(), t.Stop
		}
		why := l.wait(timer, func() bool { return len(l.keys) > seen })
		stop()
		switch why {
		case wokeStop:
			return "", "", true
		case wokeTimer:
			return digits, "", false
		}
		l.n.mu.Lock()
		fresh := l.keys[seen:]
		seen = len(l.keys)
		l.n.mu.Unlock()
		for _, key := range fresh {
			if strings.ContainsRune(ends, key) {
				return digits, string(key), false
			}
			digits += string(key)
			if len(digits) >= most {
				return digits, "", false
			}
		}
	}
}
