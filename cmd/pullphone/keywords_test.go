package main

import (
	"os"
	"slices"
	"testing"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
)

// A line's own words reach the store as they stand in the config.
func TestKeywordsOfTeam(t *testing.T) {
	cfg, err := config.Parse("f", []byte(`
public_url: https://phone.example.com
twilio: {account_sid: AC1, auth_token: a}
slack: {bot_token: xoxb-1, signing_secret: b}
lines:
  - number: "+12085550100"
    channel: C000SALES
    keywords:
      Support: {forward: "+12085550199", say: Connecting you.}
      call later: {voicemail: true}
      busy: {pass: true}
  - {number: "+12085550110", channel: C000SALES}
`), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	lines := team(cfg).Lines
	if want := []store.Keyword{
		{Word: "support", Forward: "+12085550199", Say: "Connecting you."}, {Word: "call later", Voicemail: true}, {Word: "busy", Pass: true},
	}; !slices.Equal(lines[0].Keywords, want) || len(lines[1].Keywords) > 0 {
		t.Errorf("got %+v and %+v", lines[0].Keywords, lines[1].Keywords)
	}
}
