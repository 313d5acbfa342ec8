package config

import (
	"regexp"
	"strings"
)

// The errors in this file never show the value, not even of the account SID:
// people swap it with the token.

// twilio-go refuses any other character in a user name or password
// (codes 21222 and 21224), and Twilio never issues one.
var alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)

func (v value) accountSID() string {
	const right = "copy the account's SID, which starts with AC, from Twilio's console"
	s, ok := v.need(right)
	switch {
	case !ok:
	case strings.HasPrefix(s, "SK"):
		v.fail("is an API key, which cannot check webhooks; %s", right)
	case !strings.HasPrefix(s, "AC"):
		v.fail("does not start with AC; %s", right)
	case !alphanumeric.MatchString(s):
		v.fail("holds something other than letters and digits; %s", right)
	}
	return s
}

func (v value) authToken() Secret {
	const right = "copy the account's auth token from Twilio's console"
	s, ok := v.needSecret(right)
	switch {
	case !ok:
	case strings.HasPrefix(s, "AC") && len(s) == 34:
		v.fail("is an account SID; %s", right)
	case !alphanumeric.MatchString(s):
		v.fail("holds something other than letters and digits; %s", right)
	}
	return NewSecret(s)
}

func (v value) botToken() Secret {
	const right = "copy the bot token, which starts with xoxb-, from the Slack app's page OAuth & Permissions"
	s, ok := v.needSecret(right)
	if ok && strings.HasPrefix(s, "xapp-") {
		v.fail("is an app-level token; %s", right)
	}
	return NewSecret(s)
}

func (v value) appToken() Secret {
	if v.unset() || v.blank() {
		return Secret{}
	}
	const right = "copy the app-level token, which starts with xapp-, from the Slack app's page Basic Information"
	s, ok := v.needSecret(right)
	if ok && !strings.HasPrefix(s, "xapp-") {
		v.fail("does not start with xapp-; %s", right)
	}
	return NewSecret(s)
}

func (v value) signingSecret(required bool) Secret {
	if !required && (v.unset() || v.blank()) {
		return Secret{}
	}
	s, _ := v.needSecret("copy it from the Slack app's page Basic Information, or give app_token")
	return NewSecret(s)
}

var pinDigits = regexp.MustCompile(`^[0-9]{4,8}$`)

func (v value) pin() Secret {
	if v.unset() || v.blank() {
		return Secret{}
	}
	const right = `write 4 to 8 digits in quotes, like "271828"`
	s, ok := v.needSecret(right)
	if ok && !pinDigits.MatchString(s) {
		v.fail("is not a PIN; %s", right)
	}
	return NewSecret(s)
}

// blank tells that there is a value and it is the empty text, by itself or
// after its variables are replaced.
func (v value) blank() bool {
	if v.unset() || v.node.Value != "" && v.literal() {
		return false
	}
	quiet := v
	quiet.r = &reader{getenv: v.r.getenv}
	s, ok := quiet.scalar()
	return ok && s == ""
}

// needSecret reads a token that goes into an HTTP header or a hash as it is.
func (v value) needSecret(right string) (string, bool) {
	s, ok := v.need(right)
	if ok && strings.ContainsAny(s, " \u00a0") {
		v.fail("holds a space; %s", right)
		return "", false
	}
	return s, ok
}
