package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const value = "hunter2"
	secret := NewSecret(value)
	if got := secret.Reveal(); got != value {
		t.Fatalf("Reveal: got %q", got)
	}
	if got := (Secret{}).Reveal(); got != "" {
		t.Fatalf("Reveal of the zero Secret: got %q", got)
	}
	c := Config{Etcd: Etcd{Password: secret}, Twilio: Twilio{AuthToken: secret}, Slack: Slack{BotToken: secret, SigningSecret: secret, AppToken: secret}, People: []Person{{PIN: secret}}}
	hidden := struct { // methods cannot be called on unexported fields
		secret Secret
		config Config
		list   []Secret
		table  map[string]*Config
	}{secret, c, []Secret{secret}, map[string]*Config{"a": &c}}

	// Other forms in which the value could come out.
	leaks := []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("% x", value),
		fmt.Sprintf("%v", []byte(value)), fmt.Sprintf("%08b", []byte(value))}
	clean := func(what, out string) {
		t.Helper()
		for _, leak := range leaks {
			if strings.Contains(out, leak) {
				t.Errorf("%s shows the value: %s", what, out)
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%t", "%b", "%o", "%c", "%U", "%e", "%g", "%10s", "%-8q"} {
		if got := fmt.Sprintf(verb, secret); got != "****" {
			t.Errorf("%s: got %s", verb, got)
		}
		if got := fmt.Sprintf(verb, &secret); got != "****" {
			t.Errorf("%s of a pointer: got %s", verb, got)
		}
		clean(verb+" in Config", fmt.Sprintf(verb, c))
		clean(verb+" in *Config", fmt.Sprintf(verb, &c))
		clean(verb+" in an unexported field", fmt.Sprintf(verb, hidden))
	}
	clean("%p", fmt.Sprintf("%p", secret))
	if got := fmt.Sprint(secret) + fmt.Sprintln(secret) + secret.String(); got != "********\n****" {
		t.Errorf("Sprint, Sprintln, String: got %q", got)
	}

	for name, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "YAML": yaml.Marshal} {
		out, err := marshal(map[string]any{"secret": secret, "config": c})
		if err != nil || bytes.Count(out, []byte("****")) != 7 {
			t.Errorf("%s: got %s, %v", name, out, err)
		}
		clean(name, string(out))
	}
	out, err := xml.Marshal(secret)
	if err != nil || string(out) != "<Secret>****</Secret>" {
		t.Errorf("XML: got %s, %v", out, err)
	}

	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		log.Reset()
		slog.New(h).Info("start", "secret", secret, "config", c, "hidden", hidden)
		clean("slog", log.String())
		if !strings.Contains(log.String(), "****") {
			t.Errorf("slog: got %s", log.String())
		}
	}
}

// Every key gets a secret it has no use for, once by a variable and, where
// people swap values, once as it is.
func TestErrorsHoldNoSecret(t *testing.T) {
	const value = "t0kenOfTwilio"
	files := []string{
		with(sid, value),
		with(xoxb, "bot_token: xapp-"+value+", "),
		with(xoxb, "bot_token: '"+value+" ', "),
		with(xoxb, `bot_token: "`+value+`\n", `),
		with(signing, "app_token: "+value),
		with(token, `"`+value+`-"`),
		with(token, `"`+value+`${"`),
		with(token, `*`+value),
		with("https://", "https://me:"+value+"@"),
		top("store: etcd://me:" + value + "@a:1/b"),
		top("store: etcd://a:1/b\netcd: {password: " + token + "}"),
		top("store: etcd://a:1/b\netcd: {user: a, password: [" + token + "]}"),
		top("store: etcd://a:1/b\netcd: {ca_file: " + token + ", tls: " + token + "}"),
		top("store: etcd://a:1/b\netcd: {cert_file: " + token + ", key_file: " + token + "}"),
	}
	for _, tt := range badFiles {
		_, err := Parse("f", []byte(strings.ReplaceAll(tt.file, "${NUMBER}", token[1:len(token)-1])), getenv)
		if err != nil && strings.Contains(err.Error(), value) {
			t.Errorf("%v", err)
		}
	}
	for _, v := range []string{"public_url", "listen", "admin_listen", "store", "retention", "phone_countries", "twilio", "slack", "people"} {
		files = append(files, top(v+": "+token), top(v+": ["+token+"]"))
	}
	for _, v := range []string{"name", "people", "greeting", "hold_music", "max_wait", "ring_timeout", "accept", "no", "dial_in",
		"fallback_url", "keywords", "hours", "escalate"} {
		files = append(files, line(v+": "+token), line(v+": ["+token+"]"))
	}
	files = append(files,
		top("people: [{name: "+token+", phone: "+token+", slack: "+token+", pin: "+token+"}, {name: "+token+"}]"),
		top("people: [{slack: U000ANN, pin: "+value+"}, {slack: U000BOB, pin: '"+value+" '}]"),
		line("people: [t0kenOfTwili]\npeople: [{name: "+token+", slack: U000ANN}]"),
		line("hours: {timezone: "+token+", open: ["+token+"], closed: ["+token+"]}"),
		line("escalate: [{after: "+token+", people: ["+token+"], mention: "+token+"}]"),
		line("keywords: {a: {forward: "+token+", voicemail: "+token+"}}"),
	)
	for _, file := range files {
		_, err := Parse("f", []byte(file), getenv)
		var all Errors
		if err != nil {
			all = err.(Errors)
		}
		for _, e := range all {
			if strings.Contains(e.Error(), value) {
				t.Errorf("%v", e)
			}
		}
	}
}
