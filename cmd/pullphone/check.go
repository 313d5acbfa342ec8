package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pullphone/bot"
	"pullphone/cmd/pullphone/config"
	"pullphone/voice/twilio"
)

// check says line by line what works and what does not, with the mend beside it, and changes nothing.
func check(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	cfg, _, err := configured(fs, args, 0)
	if err != nil {
		return err
	}
	tw, err := twilio.New(cfg.Twilio.AccountSID, cfg.Twilio.AuthToken.Reveal(), cfg.Twilio.APIURL)
	if err != nil {
		return err
	}
	c := &checker{out: out}
	c.good("config", "is complete: %d lines, %d people", len(cfg.Lines), len(cfg.People))
	c.store(ctx, cfg)
	c.phones(ctx, cfg)
	c.twilio(ctx, tw, cfg)
	c.slack(ctx, cfg)
	c.reachable(ctx, cfg)
	if c.bad > 0 {
		return errFailed
	}
	return nil
}

type checker struct {
	out io.Writer
	bad int
}

func (c *checker) good(what, format string, args ...any) { c.print("ok  ", what, format, args...) }
func (c *checker) warn(what, format string, args ...any) { c.print("note", what, format, args...) }

// fail says what is wrong and, after the semicolon, the mend.
func (c *checker) fail(what, format string, args ...any) {
	c.bad++
	c.print("BAD ", what, format, args...)
}

func (c *checker) print(mark, what, format string, args ...any) {
	fmt.Fprintf(c.out, "%s %s: %s\n", mark, what, fmt.Sprintf(format, args...))
}

func (c *checker) store(ctx context.Context, cfg *config.Config) {
	const what = "store"
	res, err := askReady(ctx, cfg)
	switch {
	case err != nil:
		c.fail(what, "the running server says: %v", err)
		return
	case res != nil:
		defer res.Body.Close()
		if err := c.running(cfg, res); err != nil {
			c.fail(what, "the running server: %v", err)
		}
	}
	storageOf(cfg).check(ctx, c, team(cfg).Keys(), res != nil)
}

// running tells each line of the running server's /readyz under what it is about.
func (c *checker) running(cfg *config.Config, res *http.Response) error {
	const server = "running server"
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return err
	}
	ready, writes, servers := res.StatusCode == http.StatusOK, true, 0
	for line := range strings.SplitSeq(strings.TrimSpace(string(body)), "\n") {
		trouble, ok := strings.CutPrefix(line, troublePrefix)
		switch {
		case ok:
			c.warn(server, "%s", trouble)
		case strings.HasPrefix(line, serverPrefix):
			servers++
		case ready:
		case strings.HasPrefix(line, whyStore):
			writes = false
			c.fail("store", "the running server says: %s; see its log", line)
		case strings.HasPrefix(line, whyClock):
			c.fail("clock", "%s", line)
		case line == whyStopping, line == whyAsking:
			c.warn(server, "%s", line)
		default: // another program's words
			writes = false
			c.fail(server, "answers %s: %s; is admin_listen pullphone's?", res.Status, printable(line))
		}
	}
	if writes {
		c.good("store", "the running server writes to %s", cfg.Store)
	}
	if servers > 0 {
		c.good("store", "%d servers share it", servers)
	}
	return nil
}

// askReady asks the running server whether it is ready: a 503 is an answer too. It returns nil when none runs.
func askReady(ctx context.Context, cfg *config.Config) (*http.Response, error) {
	res, err := reachAdmin(ctx, cfg, http.MethodGet, "/readyz", nil)
	if res != nil && res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
		res.Body.Close()
		return nil, fmt.Errorf("the server at admin_listen %s answers %s", cfg.AdminListen, res.Status)
	}
	return res, err
}

func (c *checker) twilio(ctx context.Context, tw *twilio.Client, cfg *config.Config) {
	status, err := tw.Account(ctx)
	switch {
	case err != nil:
		c.fail("twilio", "%v; check twilio.account_sid and twilio.auth_token against the console", err)
		return
	case status != "active":
		c.fail("twilio", "the account is %s; see the Twilio console", status)
	default:
		c.good("twilio", "account %s answers", cfg.Twilio.AccountSID)
	}
	site, err := tw.Site(ctx)
	if err != nil {
		site = nil // it is not needed to judge of the numbers
	}
	for _, line := range cfg.Lines {
		what := "number " + line.Number
		n, err := tw.Number(ctx, line.Number)
		switch {
		case err != nil:
			c.fail(what, "%v; try again", err)
			continue
		case n == nil:
			c.fail(what, "is not in the account; buy it in the console, or correct the line %s", line.Name)
			continue
		case n.Application:
			c.fail(what, "has a TwiML app or SIP trunk, so Twilio ignores its URLs; take it off in the console")
			continue
		}
		want := webhooks(cfg, fallback(cfg, line, "", n.VoiceFallback))
		if d := differences(n.Webhooks, want); len(d) > 0 {
			c.fail(what, "%s; run pullphone setup", strings.Join(d, ", "))
		} else {
			c.good(what, "points here")
		}
		if n.VoiceFallback == want.VoiceFallback {
			c.fallback(ctx, tw, cfg, line, n.VoiceFallback, site)
		}
	}
}

func (c *checker) slack(ctx context.Context, cfg *config.Config) {
	var granted http.Header
	api := newSlack(cfg, slack.OptionOnResponseHeaders(func(method string, h http.Header) {
		if method == "auth.test" {
			granted = h
		}
	}))
	who, err := api.AuthTestContext(ctx)
	if err != nil {
		c.fail("slack", "%v; check slack.bot_token against OAuth & Permissions of the app", err)
		return
	}
	c.good("slack", "signed in as %s in %s", who.User, who.Team)
	if list := granted.Get("X-Oauth-Scopes"); list != "" {
		have := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
		missing := func(of []string) string {
			return strings.Join(slices.DeleteFunc(slices.Clone(of), func(s string) bool { return slices.Contains(have, s) }), ", ")
		}
		const what = "slack scopes"
		switch needed, optional := missing(scopes), missing(optionalScopes); {
		case needed != "":
			c.fail(what, "%s not granted; bring the app up to pullphone manifest and reinstall it", needed)
		case optional != "":
			c.warn(what, "%s not granted, so a message is posted twice when Slack's answer to the first was lost; all else works", optional)
		default:
			c.good(what, "all granted")
		}
	}
	for _, line := range cfg.Lines {
		what := "channel " + line.Channel
		ch, err := bot.Channel(ctx, api, line.Channel)
		switch {
		case err != nil:
			c.fail(what, "%v; invite pullphone there with /invite @pullphone, or correct the channel of %s", err, line.Name)
		case ch.IsArchived:
			c.fail(what, "is archived; choose another for %s", line.Name)
		case !ch.IsMember:
			c.fail(what, "pullphone is not in it; run pullphone setup, or type /invite @pullphone there")
		case ch.IsExtShared:
			c.warn(what, "is shared with another organisation, which sees callers' numbers and voicemail links")
		default:
			c.good(what, "pullphone is in it")
		}
	}
}

// reachable asks for public_url from here. A network may not let a machine reach itself from outside, so a failure is
// a note unless a server runs that could answer.
func (c *checker) reachable(ctx context.Context, cfg *config.Config) {
	const what = "public_url"
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.PublicURL+"/healthz", nil)
	if err != nil {
		c.fail(what, "%v", err)
		return
	}
	running, _ := askAdmin(ctx, cfg, "/healthz") // an error is told by the store's check
	if running != nil {
		running.Body.Close()
	}
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			c.good(what, "%s answers", cfg.PublicURL)
			return
		}
		err = fmt.Errorf("answers %s", res.Status)
	}
	if running == nil {
		c.warn(what, "%s does not answer, and no server runs; start it and check again", cfg.PublicURL)
		return
	}
	c.fail(what, "%s: %v; let DNS and the reverse proxy lead it to %s", cfg.PublicURL, err, cfg.Listen)
}
