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

// message draws a call as its Slack message: who calls, how it stands, and while it waits its short code and two buttons.
// What strangers can set (name, place), and what people write (names, notes), stands only in plain text objects, where
// Slack formats nothing.
func message(line store.Line, c store.Call) post {
	who := who(line, c)
	status := status(line, c)
	call, place := "Call", line.Name+placed(c)
	if c.State == store.Waiting && c.Code > 0 {
		call = fmt.Sprint("Call ", c.Code)
		place = call + " on " + place
	}
	blocks := []slack.Block{
		slack.NewHeaderBlock(plain(who, 150)),
		slack.NewSectionBlock(plain(status, 3000), nil, nil),
		slack.NewContextBlock("", plain(place, 300), clock("called", c.Arrived)),
	}
	if undone := undone(c); undone != "" {
		blocks = append(blocks, slack.NewContextBlock("", plain(undone, 300)))
	}
	text := shown(shorten(fmt.Sprintf("%s for %s from %s%s. %s", call, line.Name, who, placed(c), status), maxText))
	if c.State == store.Waiting {
		take := slack.NewButtonBlockElement(takeAction, value(c), plain("Take", 75)).WithStyle(slack.StylePrimary)
		buttons := slack.NewActionBlock("answer-"+value(c), take)
		if c.Back != nil { // who has hung up leaves no message
			text += " Take it to call back."
		} else {
			buttons.Elements.ElementSet = append(buttons.Elements.ElementSet,
				slack.NewButtonBlockElement(voicemailAction, value(c), plain("Voicemail", 75)))
			text += " Take it or send it to voicemail."
		}
		blocks = append(blocks, buttons)
	}
	return post{text: text, blocks: blocks, mark: callMark(c), urgent: c.State == store.Waiting}
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
