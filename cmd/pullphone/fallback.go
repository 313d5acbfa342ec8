package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jonboulle/clockwork"

	"pullphone/cmd/pullphone/config"
	"pullphone/voice"
	"pullphone/voice/twilio"
)

// The fallback of a line is where Twilio turns when this server fails or cannot be reached: the line's fallback_url, or
// the document that setup has deployed to Twilio, or, where there is neither, a page of this server, which helps while
// it runs. The first two are requested by GET, which every host of static files answers.

// fallback is what a number's fallback is to be, in the form of twilio.Webhooks. deployed is what Twilio serves for the
// line, empty when there is nothing or it is not known; what an earlier setup deployed is then better than a page of
// this server.
func fallback(cfg *config.Config, line config.Line, deployed, have string) string {
	switch {
	case line.FallbackURL != "" && have == line.FallbackURL:
		return have // by POST: somebody wants it so
	case line.FallbackURL != "":
		return "GET " + line.FallbackURL
	case deployed != "":
		return deployed
	case wasDeployed(have, line):
		return have
	}
	return cfg.PublicURL + voice.FallbackPath
}

// wasDeployed reports whether a fallback is one that setup deploys for the line, now or in former days.
func wasDeployed(fallback string, line config.Line) bool {
	return regexp.MustCompile(`^GET https://pullphone-[a-z0-9-]+\.twil\.io` + voice.AwayDir(line.Number) + `message-[0-9a-f]+\.xml$`).MatchString(fallback)
}

// deploy has Twilio serve the fallbacks of the lines that have no fallback_url, and returns them by the lines' numbers.
// What is served already stays, also what other installations have deployed for their lines.
func (s *setter) deploy(ctx context.Context, tw *twilio.Client, cfg *config.Config, numbers map[string]*twilio.Number) (map[string]string, error) {
	lines := slices.DeleteFunc(slices.Clone(cfg.Lines), func(l config.Line) bool { return l.FallbackURL != "" || numbers[l.Number] == nil })
	if len(lines) == 0 {
		return nil, nil
	}
	site, err := tw.Site(ctx)
	if err != nil {
		return nil, err
	}
	paths := map[string]string{} // of the messages, by line's number
	inUse := map[string]bool{}
	var files []twilio.File
	for _, l := range lines {
		message, thanks := voice.AwayFiles(cfg.PublicURL, l.Number, l.VoicemailGreeting)
		files = append(files, message, thanks)
		paths[l.Number] = message.Path
		inUse[numbers[l.Number].VoiceFallback] = true
	}
	served := !slices.ContainsFunc(files, func(f twilio.File) bool { return !site.Serves(f.Path) })
	switch {
	case served:
	case s.dry:
		s.say("would deploy  to Twilio what takes messages when this server cannot be reached")
		if site.Domain == "" {
			site.Domain = "pullphone-….twil.io" // Twilio will choose the rest
		}
	default:
		s.say("deploying to Twilio what takes messages when this server cannot be reached; this takes a minute or so")
		// What callers may be hearing just now stays for once.
		outdated := func(path string) bool {
			return !inUse["GET "+site.URL(path)] && slices.ContainsFunc(lines, func(l config.Line) bool {
				return strings.HasPrefix(path, voice.AwayDir(l.Number)+"message-")
			})
		}
		if err := tw.Deploy(ctx, clockwork.NewRealClock(), site, files, outdated); err != nil {
			return nil, err
		}
	}
	urls := map[string]string{}
	for number, path := range paths {
		urls[number] = "GET " + site.URL(path)
		if s.dry && !served {
			continue
		}
		if err := takesMessage(ctx, tw, urls[number]); err != nil { // no number is pointed at what Twilio would not take
			return nil, err
		}
	}
	return urls, nil
}

// takesMessage gets a fallback as Twilio would, and says what is wrong with it.
func takesMessage(ctx context.Context, tw *twilio.Client, fallback string) error {
	doc, err := tw.Document(ctx, fallback)
	if err == nil {
		err = voice.TakesMessage(doc)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", strings.TrimPrefix(fallback, "GET "), err)
	}
	return nil
}

// byHand says how a person makes what could not be deployed.
func (s *setter) byHand(cfg *config.Config, line config.Line, why error) {
	s.say("- %s: when this server cannot be reached at all, callers hear an error, because a fallback could not be deployed to Twilio (%v).", line.Number, why)
	s.say("  Run setup again, or make one by hand, as two TwiML Bins (in the Twilio console, search for TwiML Bins, and there Create new):")
	s.say("  1. Name it %s, paste this, and save it:\n\n%s", "pullphone-thanks", voice.AwayThanks())
	s.say("  2. Name it %s, paste this, put the URL of the first in place of %s, and save it:\n\n%s",
		"pullphone-"+strings.TrimPrefix(line.Number, "+"), binURL, voice.AwayMessage(cfg.PublicURL, line.VoicemailGreeting, binURL))
	s.say("  3. Write the URL of the second into the config file, as fallback_url of the line, and run setup again.")
}

const binURL = "https://handler.twilio.com/twiml/EH…"

// fallback says whether a line's callers are heard when this server cannot be reached. It is not needed while the
// server runs, so what is wrong is a note.
func (c *checker) fallback(ctx context.Context, tw *twilio.Client, cfg *config.Config, line config.Line, have string, site *twilio.Site) {
	what := "fallback of " + line.Number
	mend := "correct fallback_url"
	if line.FallbackURL == "" {
		mend = "run pullphone setup; if that does not help, give the line a fallback_url"
		if have == cfg.PublicURL+voice.FallbackPath {
			c.warn(what, "when this server cannot be reached, callers hear an error; run pullphone setup, which deploys a fallback to Twilio or says what to do")
			return
		}
		message, _ := voice.AwayFiles(cfg.PublicURL, line.Number, line.VoicemailGreeting)
		if site != nil && have != "GET "+site.URL(message.Path) {
			c.warn(what, "is not that of this config file; run pullphone setup")
			return
		}
	}
	if err := takesMessage(ctx, tw, have); err != nil {
		c.warn(what, "%v: when this server cannot be reached, callers hear an error; %s", err, mend)
		return
	}
	c.good(what, "takes messages when this server cannot be reached")
}
