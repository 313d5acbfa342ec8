package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"pullphone/store"
)

// maxText keeps the text of a message below the 4,000 characters that Slack asks for, were each of them an entity.
const maxText = 600

// message draws a call as its Slack message: who calls, how it stands, and two buttons while it waits. What strangers
// can set (name, place) stands only in plain text objects, where Slack formats nothing.
func message(line store.Line, c store.Call) post {
	who := who(line, c)
	status := status(c)
	blocks := []slack.Block{
		slack.NewHeaderBlock(plain(who, 150)),
		slack.NewSectionBlock(plain(status, 3000), nil, nil),
		slack.NewContextBlock("", plain(line.Name+placed(c), 300), clock("called", c.Arrived)),
	}
	if undone := undone(c); undone != "" {
		blocks = append(blocks, slack.NewContextBlock("", plain(undone, 300)))
	}
	text := shown(shorten(fmt.Sprintf("Call for %s from %s%s. %s", line.Name, who, placed(c), status), maxText))
	if c.State == store.Waiting {
		take := slack.NewButtonBlockElement(takeAction, value(c), plain("Take", 75)).WithStyle(slack.StylePrimary)
		blocks = append(blocks, slack.NewActionBlock("answer-"+value(c), take,
			slack.NewButtonBlockElement(voicemailAction, value(c), plain("Voicemail", 75))))
		text += " Take it or send it to voicemail."
	}
	return post{text: text, blocks: blocks, mark: callMark(c), urgent: c.State == store.Waiting}
}

// status says how a call stands, in words that are still true when the message is read later.
func status(c store.Call) string {
	by := ""
	if c.Claim != nil {
		by = c.Claim.Person
		if by == "" && c.Claim.Word == store.Take {
			by = somebody
		}
	}
	waited := length(c.Waited(c.Stopped))
	switch c.State {
	case store.Waiting:
		if c.Ring.SID != "" {
			return "Waiting. Nobody could be told, so phones are rung: " + c.Ring.Person + "'s now."
		}
		if n := len(c.Tries); n > 0 {
			return c.Tries[n-1].Person + " " + didNot(c.Tries[n-1].Why) + ". Still waiting."
		}
		return "Waiting."
	case store.Ringing:
		if c.Claim != nil && c.Claim.Leg != "" {
			return by + " took it on the phone."
		}
		return by + " took it. Ringing " + by + "'s phone."
	case store.Talking:
		return "Talking with " + by + ", after waiting " + waited + "."
	case store.Recording:
		if c.Short {
			return "Asked to leave a short message: this number has several calls open."
		}
		if by == "" {
			return "Asked to leave a message."
		}
		return "Sent to voicemail by " + by + "."
	}
	switch c.Outcome {
	case store.Talked:
		return "Talked with " + by + " for " + length(seconds(c.Seconds)) + ", after waiting " + waited + "."
	case store.Voicemail:
		return "Left a voicemail of " + length(seconds(c.VoiceSeconds())) + "."
	}
	if c.Claim != nil && c.Claim.Word == store.SendVoicemail {
		return "Missed: hung up without leaving a message, after waiting " + waited + "."
	}
	return "Missed: hung up after waiting " + waited + "."
}

func undone(c store.Call) string {
	var out []string
	for _, u := range c.Undone {
		out = append(out, notDone(u))
	}
	return strings.Join(out, " ")
}

// voicemail announces the nth message that was left.
func voicemail(line store.Line, c store.Call, n int, link string) post {
	who, v := who(line, c), c.Voice[n]
	head := fmt.Sprintf("Voicemail from %s%s (%s)", who, placed(c), length(seconds(v.Seconds)))
	listen := "<" + link + "|Listen>"
	return post{
		mark: voicemailMark(c, n),
		text: shown(shorten(head+" for "+line.Name+".", maxText)) + " " + listen,
		blocks: []slack.Block{
			slack.NewSectionBlock(plain(head, 3000), nil, nil),
			slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, listen, false, true), nil, nil),
			slack.NewContextBlock("", plain(line.Name, 300), clock("called", c.Arrived)),
		},
	}
}

// plain is a text object of at most max characters, in which nothing is formatted, linked or turned into an emoji.
func plain(s string, max int) *slack.TextBlockObject {
	no := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: fit(s, max), Emoji: &no}
}

// clock shows a time in the reader's own zone; where that cannot be, in UTC, and says so.
func clock(what string, t time.Time) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType,
		fmt.Sprintf("%s <!date^%d^{time}|%s>", what, t.Unix(), t.UTC().Format("15:04 UTC")), false, true)
}
