package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// troubles are what Slack refuses until a person mends it: by channel, or "" for the app as a whole. Each is logged when
// it begins and when it is mended, and not in between.
type troubles struct {
	mu sync.Mutex
	of map[string]trouble
}

type trouble struct {
	code  string
	since time.Time
}

// Trouble says what keeps messages out of Slack at this time, a line for each thing that a person has to mend.
func (b *Bot) Trouble() []string {
	b.troubles.mu.Lock()
	defer b.troubles.mu.Unlock()
	var out []string
	for _, channel := range slices.Sorted(maps.Keys(b.troubles.of)) {
		t, what := b.troubles.of[channel], "Slack"
		if channel != "" {
			what += " channel " + channel
		}
		out = append(out, fmt.Sprintf("%s: %s since %s; %s", what, t.code, t.since.UTC().Format("2006-01-02 15:04 UTC"), mend(t.code)))
	}
	return out
}

// noted takes note of what Slack said to a request: of a limit, and of what it says about the app or the channel.
func (b *Bot) noted(method, channel string, err error) {
	if after := limit(err); after > 0 {
		now := b.Store.Clock.Now()
		b.pacer.pause(now, method, channel, now.Add(after))
	}
	switch code := slackCode(err); {
	case tokenless(code):
		b.refused("", err)
	case err == nil:
		b.mended("")
		if channel != "" {
			b.mended(b.pacer.channel(channel))
			b.mended(channel)
		}
	case code != "" && !passing(code):
		b.mended("") // it knows us
	}
}

func (b *Bot) refused(channel string, err error) {
	code := slackCode(err)
	if tokenless(code) {
		channel = ""
	} else {
		channel = b.pacer.channel(channel)
	}
	b.troubles.mu.Lock()
	defer b.troubles.mu.Unlock()
	if b.troubles.of[channel].code != code {
		b.troubles.of[channel] = trouble{code, b.Store.Clock.Now()}
		b.Log.Error("Slack takes no messages; calls and SMS go on, and what is missing is shown when this is mended",
			"channel", channel, "err", err, "mend", mend(code))
	}
}

func (b *Bot) mended(channel string) {
	b.troubles.mu.Lock()
	defer b.troubles.mu.Unlock()
	if t, ok := b.troubles.of[channel]; ok {
		delete(b.troubles.of, channel)
		b.Log.Info("Slack takes messages again", "channel", channel, "was", t.code)
	}
}

// tokenless reports that Slack knows the app no more (docs.slack.dev/reference/methods/chat.postMessage).
func tokenless(code string) bool {
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type":
		return true
	}
	return false
}

// mend is what a person has to do about one of Slack's codes.
func mend(code string) string {
	switch {
	case tokenless(code):
		return "install the Slack app anew and put its bot token in slack.bot_token"
	case code == "missing_scope":
		return "bring the Slack app up to pullphone manifest and reinstall it"
	case code == "channel_not_found":
		return "type /invite @pullphone there, or correct the line's channel"
	case code == "not_in_channel":
		return "type /invite @pullphone there"
	case code == "is_archived", code == "is_inactive":
		return "unarchive it, or choose another channel for the line"
	case strings.HasPrefix(code, "restricted_action"):
		return "let pullphone post there: the workspace's rules forbid it"
	}
	return "Slack's page of chat.postMessage says what this means"
}
