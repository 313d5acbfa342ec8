package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"pullphone/bot"
	"pullphone/cmd/pullphone/config"
)

// scopes are what the Slack app may do, and no more: post and update its own messages, take the slash command, see and
// join the lines' channels.
var scopes = []string{"chat:write", "commands", "channels:read", "channels:join", "groups:read"}

// optionalScopes are to find a message again whose answer from Slack was lost, and for nothing else. Whoever installs
// the app may leave them out (docs.slack.dev/authentication/installing-with-oauth).
var optionalScopes = []string{"channels:history", "groups:history"}

// placeholder is public_url in the manifest.yml of the repository.
const placeholder = "https://phone.example.com"

// manifest is the Slack app for a public_url. With Socket Mode Slack needs no URLs.
func manifest(publicURL string, socket bool) string {
	var b strings.Builder
	b.WriteString(`_metadata:
  major_version: 1
display_information:
  name: pullphone
  description: Callers wait until somebody of the team pulls them out of the queue.
  background_color: "#1f4e46"
features:
  bot_user:
    display_name: pullphone
    always_online: true
  slash_commands:
    - command: /pull
      description: Take the call that has waited longest, or the next one
      usage_hint: "[list | cancel | on | off 2h | help]"
      should_escape: true
`)
	if !socket {
		fmt.Fprintf(&b, "      url: %s%s\n", publicURL, bot.CommandPath)
	}
	b.WriteString("oauth_config:\n  scopes:\n    bot:\n")
	for _, s := range slices.Concat(scopes, optionalScopes) { // optional ones must stand in both
		fmt.Fprintf(&b, "      - %s\n", s)
	}
	b.WriteString("    bot_optional:\n")
	for _, s := range optionalScopes {
		fmt.Fprintf(&b, "      - %s\n", s)
	}
	b.WriteString("settings:\n  interactivity:\n    is_enabled: true\n")
	if !socket {
		fmt.Fprintf(&b, "    request_url: %s%s\n", publicURL, bot.ActionsPath)
	}
	fmt.Fprintf(&b, "  org_deploy_enabled: false\n  socket_mode_enabled: %t\n  token_rotation_enabled: false\n", socket)
	return b.String()
}

func manifestFor(cfg *config.Config) string {
	return manifest(cfg.PublicURL, cfg.Slack.AppToken.Reveal() != "")
}

func printManifest(_ context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	cfg, _, err := configured(fs, args, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, manifestFor(cfg))
	return err
}
