package voicetest

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rule says what an element may hold. Names are case-sensitive. The rules
// follow the pages twilio.com/docs/voice/twiml/… and
// twilio.com/docs/messaging/twiml/….
type rule struct {
	attrs  map[string]attrCheck
	inside []string                 // elements that may stand inside
	text   func(*verb) (int, error) // nil: no text allowed
	spoken bool                     // text is that of the inner elements too
}

func (r rule) nests(name string) bool { return slices.Contains(r.inside, name) }

// attrCheck returns Twilio's error code and what is wrong with a value.
type attrCheck func(string) (int, error)

var (
	e164       = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
)

func anything(string) (int, error) { return 0, nil }

func integer(code, low, high int) attrCheck {
	return func(s string) (int, error) {
		i, err := strconv.Atoi(s)
		if err != nil || i < low || i > high {
			return code, fmt.Errorf("want an integer from %d to %d", low, high)
		}
		return 0, nil
	}
}

func oneOf(values ...string) attrCheck {
	return func(s string) (int, error) {
		if !slices.Contains(values, s) {
			return 12200, fmt.Errorf("want one of %s", strings.Join(values, ", "))
		}
		return 0, nil
	}
}

// listOf accepts space-separated values.
func listOf(values ...string) attrCheck {
	return func(s string) (int, error) {
		words := strings.Fields(s)
		for _, word := range words {
			if !slices.Contains(values, word) {
				return 12200, fmt.Errorf("want some of %s", strings.Join(values, ", "))
			}
		}
		if len(words) == 0 {
			return 12200, errors.New("empty list")
		}
		return 0, nil
	}
}

var (
	boolean    = oneOf("true", "false")
	httpMethod = oneOf("GET", "POST")
)

// webURL accepts an http(s) URL or a relative one.
func webURL(s string) (int, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return 11100, err
	case s == "":
		return 11100, errors.New("empty URL")
	case u.IsAbs() && (u.Scheme != "http" && u.Scheme != "https" || u.Host == ""):
		return 11100, errors.New("not an http or https URL")
	case strings.ContainsAny(s, " \t\r\n"):
		return 11100, errors.New("white space in the URL")
	}
	return 0, nil
}

// waitURL may be empty: silence.
func waitURL(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	return webURL(s)
}

func phoneAttr(code int) attrCheck {
	return func(s string) (int, error) {
		if !e164.MatchString(s) {
			return code, errors.New("not a number in E.164 form")
		}
		return 0, nil
	}
}

func keys(s string) (int, error) {
	if strings.Trim(s, "0123456789*#") != "" {
		return 13310, errors.New("want some of the keys 0-9, * and #")
	}
	return 0, nil
}

// gatherTimeout is a number of seconds, or auto with speech input.
func gatherTimeout(s string) (int, error) {
	if s == "auto" {
		return 0, nil
	}
	return integer(13312, 0, 600)(s)
}

func attrs(pairs ...any) map[string]attrCheck {
	m := map[string]attrCheck{}
	for i := 0; i < len(pairs); i += 2 {
		for name := range strings.FieldsSeq(pairs[i].(string)) {
			switch check := pairs[i+1].(type) {
			case attrCheck:
				m[name] = check
			case func(string) (int, error):
				m[name] = check
			}
		}
	}
	return m
}

// isURLAttr names the attributes that must be absolute in inline TwiML (15004).
var isURLAttr = map[string]bool{
	"action": true, "url": true, "waitUrl": true, "statusCallback": true,
	"recordingStatusCallback": true, "transcribeCallback": true, "amdStatusCallback": true,
}

func sayText(v *verb) (int, error) {
	if v.text == "" {
		return 13520, errors.New("nothing to say")
	}
	if len([]rune(v.text)) > 4096 {
		return 13520, errors.New("more than 4096 characters")
	}
	return 0, nil
}

func urlText(v *verb) (int, error) {
	if v.name == "Play" && v.text == "" && v.has("digits") {
		return 0, nil
	}
	return webURL(v.text)
}

func numberText(v *verb) (int, error) { return phoneAttr(13223)(v.text) }

func dialText(v *verb) (int, error) {
	switch {
	case v.text != "" && len(v.nouns) > 0:
		return 12200, errors.New("text beside nouns")
	case v.text != "":
		return numberText(v)
	case len(v.nouns) == 0:
		return 13223, errors.New("nobody to dial")
	case len(v.nouns) > 1 && slices.ContainsFunc(v.nouns, func(n *verb) bool { return n.name == "Queue" }):
		return 12200, errors.New("a queue beside other nouns")
	case len(v.nouns) > 10:
		return 13223, errors.New("more than ten numbers")
	}
	return 0, nil
}

func queueText(v *verb) (int, error) {
	if v.text == "" || len([]rune(v.text)) > 64 {
		return 14206, errors.New("want a queue name of 1 to 64 characters")
	}
	return 0, nil
}

var ssml = []string{"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}

func ssmlText(*verb) (int, error) { return 0, nil }

var voiceRules = withSSML(map[string]rule{
	"Response": {inside: []string{"Say", "Play", "Pause", "Gather", "Enqueue", "Leave", "Dial", "Record", "Redirect", "Hangup", "Reject"}},
	"Say":      {attrs: attrs("voice language", anything, "loop", integer(13510, 0, 1000)), inside: ssml, text: sayText, spoken: true},
	"Play":     {attrs: attrs("loop", integer(13410, 0, 1000), "digits", anything), text: urlText},
	"Pause":    {attrs: attrs("length", integer(13910, 0, 14400))},
	"Gather": {attrs: attrs("action partialResultCallback", webURL, "method partialResultCallbackMethod", httpMethod,
		"input", listOf("dtmf", "speech"), "finishOnKey", keys, "numDigits", integer(13314, 1, 1000), "timeout", gatherTimeout,
		"actionOnEmptyResult profanityFilter bargeIn enhanced debug", boolean,
		"hints language speechModel speechTimeout", anything), inside: []string{"Say", "Play", "Pause"}},
	"Enqueue": {attrs: attrs("action", webURL, "waitUrl", waitURL, "method waitUrlMethod", httpMethod,
		"workflowSid", anything, "maxQueueSize", integer(14204, 1, 5000)), text: queueText},
	"Leave": {},
	"Dial": {attrs: attrs("action recordingStatusCallback referUrl", webURL, "method recordingStatusCallbackMethod referMethod", httpMethod,
		"timeout", integer(13212, 5, 600), "timeLimit", integer(13213, 1, 86400), "callerId", anything,
		"answerOnBridge hangupOnStar sequential", boolean, "ringTone trim recordingTrack", anything,
		"record", oneOf("do-not-record", "record-from-answer", "record-from-ringing", "record-from-answer-dual", "record-from-ringing-dual", "true", "false"),
		"recordingStatusCallbackEvent", listOf("in-progress", "completed", "absent")),
		inside: []string{"Number", "Queue"}, text: dialText},
	"Queue": {attrs: attrs("url", webURL, "method", httpMethod, "reservationSid postWorkActivitySid", anything), text: queueText},
	"Number": {attrs: attrs("url statusCallback amdStatusCallback", webURL, "method statusCallbackMethod amdStatusCallbackMethod", httpMethod,
		"statusCallbackEvent", listOf("initiated", "ringing", "answered", "completed"), "sendDigits byoc", anything,
		"machineDetection", oneOf("Enable", "DetectMessageEnd"), "machineDetectionTimeout", integer(12200, 3, 60),
		"machineDetectionSpeechThreshold", integer(12200, 1000, 6000), "machineDetectionSpeechEndThreshold", integer(12200, 500, 5000),
		"machineDetectionSilenceTimeout", integer(12200, 2000, 10000)), text: numberText},
	"Record": {attrs: attrs("action recordingStatusCallback transcribeCallback", webURL, "method recordingStatusCallbackMethod", httpMethod,
		"timeout", integer(13612, 0, 14400), "maxLength", integer(13617, 1, 14400), "finishOnKey", keys,
		"playBeep transcribe", boolean, "trim", oneOf("trim-silence", "do-not-trim"), "recordingTrack", anything,
		"recordingStatusCallbackEvent", listOf("in-progress", "completed", "absent"))},
	"Redirect": {attrs: attrs("method", httpMethod), text: urlText},
	"Hangup":   {},
	"Reject":   {attrs: attrs("reason", oneOf("rejected", "busy"))},
})

var messageRules = map[string]rule{
	"Response": {inside: []string{"Message", "Redirect"}},
	"Message": {attrs: attrs("to from", phoneAttr(12200), "action statusCallback", webURL, "method", httpMethod),
		inside: []string{"Body", "Media"}, text: messageText},
	"Body":     {text: ssmlText},
	"Media":    {text: urlText},
	"Redirect": {attrs: attrs("method", httpMethod), text: urlText},
}

// messageText takes the body from the text or from the Body noun.
func messageText(v *verb) (int, error) {
	for _, noun := range v.nouns {
		if noun.name == "Body" {
			v.text += noun.text
		}
	}
	if v.text == "" {
		return 14103, errors.New("empty message")
	}
	return 0, nil
}

// withSSML adds the elements that may stand inside Say.
func withSSML(rules map[string]rule) map[string]rule {
	for _, name := range ssml {
		rules[name] = rule{inside: ssml, text: ssmlText, attrs: attrs(
			"strength time level interpret-as format alias alphabet ph volume rate pitch role lang", anything)}
	}
	return rules
}
