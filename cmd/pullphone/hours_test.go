package main

import (
	"testing"
	"time"

	"pullphone/cmd/pullphone/config"
)

// What the config file says of hours is what the store goes by.
func TestHoursOfTheConfig(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse("hours.yml", []byte(`
public_url: https://phone.example.com
twilio: {account_sid: AC0123456789abcdef0123456789abcdef, auth_token: t0ken}
slack: {bot_token: xoxb-t0ken, signing_secret: t0ken}
lines:
  - number: "+12085550100"
    channel: C000SALES
    hours: {timezone: America/Boise, open: ["Mon-Fri 08:00-17:30", "Fri 22:00-02:00"], closed: ["2026-12-25"]}
  - {number: "+12085550105", channel: C000SALES}
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	lines := team(cfg).Lines
	for moment, want := range map[string]bool{
		"2026-12-17T08:00:00-07:00": true,
		"2026-12-17T17:30:00-07:00": false,
		"2026-12-19T01:59:00-07:00": true,
		"2026-12-19T02:00:00-07:00": false,
		"2026-12-25T08:00:00-07:00": false,
		"2026-12-26T01:00:00-07:00": false,
	} {
		at, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines[0].Hours.Open(at); got != want {
			t.Errorf("open at %s: %t", moment, got)
		}
		if !lines[1].Hours.Open(at) {
			t.Errorf("the line without hours is closed at %s", moment)
		}
	}
}
