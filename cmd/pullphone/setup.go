package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/slack-go/slack"

	"pullphone/bot"
	"pullphone/cmd/pullphone/config"
	"pullphone/voice/twilio"
)

// setup points the numbers of the lines here and joins their channels. What is as it should be is left alone.
func setup(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	dry := fs.Bool("dry-run", false, "")
	cfg, _, err := configured(fs, args, 0)
	if err != nil {
		return err
	}
	return setUp(ctx, cfg, *dry, out)
}

func setUp(ctx context.Context, cfg *config.Config, dry bool, out io.Writer) error {
	tw, err := twilio.New(cfg.Twilio.AccountSID, cfg.Twilio.AuthToken.Reveal(), cfg.Twilio.APIURL)
	if err != nil {
		return err
	}
	api := newSlack(cfg)
	s := &setter{out: out, dry: dry}
	numbers := map[string]*twilio.Number{}
	for _, line := range cfg.Lines {
		if n := s.number(ctx, tw, line); n != nil {
			numbers[line.Number] = n
		}
	}
	deployed, why := s.deploy(ctx, tw, cfg, numbers)
	for _, line := range cfg.Lines {
		if n := numbers[line.Number]; n != nil {
			s.point(ctx, tw, n, line, webhooks(cfg, fallback(cfg, line, deployed[line.Number], n.VoiceFallback)))
		}
		s.channel(ctx, api, line)
	}
	s.rest(cfg, why)
	if s.failed > 0 {
		return fmt.Errorf("setup: %d of the steps above failed; mend them and run it again", s.failed)
	}
	return nil
}

type setter struct {
	out    io.Writer
	dry    bool
	failed int
}

func (s *setter) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *setter) fail(format string, args ...any) {
	s.failed++
	s.say("FAILED   "+format, args...)
}

// number finds a line's number, nil if it cannot be pointed anywhere.
func (s *setter) number(ctx context.Context, tw *twilio.Client, line config.Line) *twilio.Number {
	n, err := tw.Number(ctx, line.Number)
	switch {
	case err != nil:
		s.fail("%s: %v", line.Number, err)
	case n == nil:
		s.fail("%s: the Twilio account has no such number; buy it in the console, or correct the line %s", line.Number, line.Name)
	case n.Application:
		s.fail("%s: a TwiML app or SIP trunk is set for this number, so Twilio ignores its URLs; take it off in the console", line.Number)
	default:
		return n
	}
	return nil
}

func (s *setter) point(ctx context.Context, tw *twilio.Client, n *twilio.Number, line config.Line, want twilio.Webhooks) {
	changes := differences(n.Webhooks, want)
	if len(changes) == 0 {
		s.say("ok       %s points here already", line.Number)
		return
	}
	for _, c := range changes {
		s.say("%s  %s %s", map[bool]string{true: "would set", false: "set      "}[s.dry], line.Number, c)
	}
	if s.dry {
		return
	}
	if err := tw.Point(ctx, n.SID, want); err != nil {
		s.fail("%s: %v", line.Number, err)
	}
}

func (s *setter) channel(ctx context.Context, api *slack.Client, line config.Line) {
	c, err := bot.Channel(ctx, api, line.Channel)
	switch {
	case err != nil:
		s.fail("Slack channel %s of %s: %v; invite pullphone there with /invite @pullphone, or correct the channel", line.Channel, line.Name, err)
	case c.IsArchived:
		s.fail("Slack channel %s of %s is archived; choose another", line.Channel, line.Name)
	case c.IsMember:
		s.say("ok       pullphone is in the Slack channel %s", line.Channel)
	case c.IsPrivate:
		s.fail("Slack channel %s of %s is private; type /invite @pullphone there", line.Channel, line.Name)
	case s.dry:
		s.say("would join  the Slack channel %s", line.Channel)
	default:
		if _, _, _, err := api.JoinConversationContext(ctx, c.ID); err != nil {
			s.fail("join the Slack channel %s of %s: %v; type /invite @pullphone there", line.Channel, line.Name, err)
			return
		}
		s.say("joined   the Slack channel %s", line.Channel)
	}
}

// rest says what only a person can do.
func (s *setter) rest(cfg *config.Config, undeployed error) {
	s.say("")
	s.say("What remains for you:")
	if cfg.Slack.AppToken.Reveal() == "" {
		s.say("- In the Slack app (api.slack.com/apps), Interactivity must go to %s%s and /pull to %s%s; pullphone manifest prints a manifest that says so.",
			cfg.PublicURL, bot.ActionsPath, cfg.PublicURL, bot.CommandPath)
	}
	for _, line := range cfg.Lines {
		if strings.HasPrefix(line.Number, "+1") {
			s.say("- %s: SMS in the US and Canada needs a registered number (A2P 10DLC, or toll-free verification) in the Twilio console.", line.Number)
		}
		if line.FallbackURL == "" && undeployed != nil {
			s.byHand(cfg, line, undeployed)
		}
	}
}
