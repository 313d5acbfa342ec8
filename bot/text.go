package bot

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
	"github.com/slack-go/slack/slackutilsx"

	"pullphone/store"
)

// number writes an E.164 number as people of a country do: in the national format at home, else with its country
// code.
func number(e164, country string) string {
	if e164 == "" {
		return withheld
	}
	n, err := phonenumbers.Parse(e164, country)
	if err != nil {
		return e164
	}
	if region := phonenumbers.GetRegionCodeForNumber(n); region != "" && region == country {
		return phonenumbers.Format(n, phonenumbers.NATIONAL)
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// who says who calls: name and number.
func who(line store.Line, c store.Call) string {
	n := number(c.From, line.Country)
	if c.Name == "" {
		return n
	}
	return c.Name + ", " + n
}

// length writes a duration as 1:05, or 1:02:03.
func length(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// shorten cuts a text to at most max characters.
func shorten(s string, max int) string {
	if r := []rune(s); len(r) > max {
		return strings.TrimSpace(string(r[:max-1])) + "…"
	}
	return s
}

// fit escapes a text and cuts it to what Slack takes: at most max characters, entities counted as they are written.
func fit(s string, max int) string {
	n := 0
	for i, r := range s {
		if w := len([]rune(escape(string(r)))); n+w > max-1 && n+len([]rune(escape(s[i:]))) > max {
			return escape(strings.TrimSpace(s[:i])) + "…"
		} else {
			n += w
		}
	}
	return escape(s)
}

// escape makes a text harmless to Slack's parser in every kind of text object: Slack decodes these three characters
// for display, in plain text as well (docs.slack.dev/messaging/formatting-message-text).
func escape(s string) string { return slackutilsx.EscapeMessage(s) }

// defuse keeps Slack from making bold, code, quotes, mentions or links of the characters that escaping leaves alone. A
// mark gives way to a character that looks like it: nothing that stands beside a mark reliably takes its meaning away.
// What has a meaning only with what follows is parted from that by an invisible word joiner.
var defuse = strings.NewReplacer("*", "∗", "_", "ˍ", "~", "∼", "`", "ˋ", "&gt;", "›",
	"@", "@\u2060", "#", "#\u2060", "://", ":\u2060//")

// inDomain is the dot of a bare domain, of which Slack makes a link too.
var inDomain = regexp.MustCompile(`\.([^\s.])`)

// shown prepares a text for where Slack formats it: the text of a message, and mrkdwn objects.
func shown(s string) string { return inDomain.ReplaceAllString(defuse.Replace(escape(s)), "\u2060.$1") }
