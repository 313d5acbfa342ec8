package bottest

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Render is a message in plain words for a terminal: what a reader sees, with buttons as [Take], links as "label (url)",
// names for IDs, and times in the given zone (nil for UTC). A message with blocks shows those and not its top-level text,
// as Slack does.
func Render(m Message, zone *time.Location) string {
	r := renderer{names: m.names, zone: zone}
	switch {
	case m.Deleted:
		return "(deleted)"
	case len(m.Blocks) > 0:
		return r.blocks(m.Blocks)
	case m.NoMrkdwn:
		return unescape(m.Text)
	}
	return r.mrkdwn(m.Text)
}

type renderer struct {
	names map[string]string
	zone  *time.Location
}

func (r renderer) blocks(blocks []Block) string {
	var lines []string
	for _, b := range blocks {
		if s := strings.TrimRight(r.block(b), "\n "); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

func (r renderer) block(b Block) string {
	switch str(b["type"]) {
	case "section":
		var lines []string
		if b["text"] != nil {
			lines = append(lines, r.object(b["text"]))
		}
		for _, f := range arr(b["fields"]) {
			lines = append(lines, r.object(f))
		}
		if b["accessory"] != nil {
			lines = append(lines, r.object(b["accessory"]))
		}
		return strings.Join(lines, "\n")
	case "context", "actions":
		var words []string
		for _, e := range arr(b["elements"]) {
			words = append(words, r.object(e))
		}
		return strings.Join(words, " ")
	case "rich_text":
		return r.rich(arr(b["elements"]))
	case "divider":
		return "---"
	case "input":
		return r.object(b["label"]) + ": " + r.object(b["element"])
	case "markdown":
		return r.mrkdwn(str(b["text"]))
	case "image":
		return r.object(b)
	}
	return r.object(b["text"]) // a header
}

// object is a text object or an element.
func (r renderer) object(v any) string {
	o := obj(v)
	switch str(o["type"]) {
	case "plain_text": // Slack decodes its three entities here too, and sends them so in payloads
		return unescape(str(o["text"]))
	case "mrkdwn":
		return r.mrkdwn(str(o["text"]))
	case "image":
		return "(" + str(o["alt_text"]) + ")"
	case "button":
		return "[" + r.object(o["text"]) + "]"
	case "":
		return ""
	}
	return "[" + cmp.Or(r.object(o["placeholder"]), str(o["type"])) + "]"
}

func (r renderer) mrkdwn(s string) string {
	var out strings.Builder
	for _, p := range pieces(unmark(s), bare{}) {
		switch p.kind {
		case pieceText:
			out.WriteString(unescape(p.what))
		case pieceUser:
			out.WriteString("@" + cmp.Or(r.names[p.what], p.label, p.what))
		case pieceUserGroup, pieceSpecial:
			out.WriteString("@" + strings.TrimPrefix(cmp.Or(p.label, p.what), "@"))
		case pieceChannel:
			out.WriteString("#" + cmp.Or(r.names[p.what], p.label, p.what))
		case pieceDate:
			parts := strings.Split(p.what, "^")
			ts, err := strconv.ParseInt(parts[0], 10, 64)
			if err != nil || len(parts) < 2 {
				out.WriteString(unescape(p.label))
				break
			}
			out.WriteString(r.date(ts, parts[1], unescape(p.label)))
		case pieceLink:
			out.WriteString(link(unescape(p.what), unescape(p.label)))
		}
	}
	return out.String()
}

// unmark drops the marks of formatted text.
func unmark(s string) string {
	drop := make([]bool, len(s))
	for _, sp := range spans(s) {
		if sp.kind == "quote" {
			continue
		}
		for i := sp.start; i < sp.inStart; i++ {
			drop[i] = true
		}
		for i := sp.inEnd; i < sp.end; i++ {
			drop[i] = true
		}
	}
	var out strings.Builder
	for i := range len(s) {
		if !drop[i] {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

func link(url, label string) string {
	if label == "" || label == url {
		return url
	}
	return label + " (" + url + ")"
}

// rich renders the elements of a rich_text block, or of one of its parts.
func (r renderer) rich(elements []any) string {
	var out strings.Builder
	for _, e := range elements {
		o := obj(e)
		switch inner := arr(o["elements"]); str(o["type"]) {
		case "rich_text_section":
			out.WriteString(r.rich(inner) + "\n")
		case "rich_text_quote":
			out.WriteString("> " + r.rich(inner) + "\n")
		case "rich_text_preformatted":
			out.WriteString(r.rich(inner) + "\n")
		case "rich_text_list":
			for i, item := range inner {
				mark := "• "
				if o["style"] == "ordered" {
					mark = strconv.Itoa(i+1) + ". "
				}
				out.WriteString(mark + r.rich([]any{item}))
			}
		case "text":
			out.WriteString(str(o["text"]))
		case "link":
			out.WriteString(link(str(o["url"]), str(o["text"])))
		case "user":
			out.WriteString("@" + cmp.Or(r.names[str(o["user_id"])], str(o["user_id"])))
		case "usergroup":
			out.WriteString("@" + str(o["usergroup_id"]))
		case "channel":
			out.WriteString("#" + cmp.Or(r.names[str(o["channel_id"])], str(o["channel_id"])))
		case "broadcast":
			out.WriteString("@" + str(o["range"]))
		case "emoji":
			out.WriteString(":" + str(o["name"]) + ":")
		case "date":
			n, _ := o["timestamp"].(float64)
			out.WriteString(r.date(int64(n), str(o["format"]), str(o["fallback"])))
		}
	}
	return out.String()
}

var dateToken = regexp.MustCompile(`\{\w+\}`)

// date fills a date's token string for the reader's zone (docs.slack.dev/messaging/formatting-message-text). {ago}, which
// needs the reader's clock, and unknown tokens give the fallback; the pretty forms do not know about today.
func (r renderer) date(ts int64, format, fallback string) string {
	t := time.Unix(ts, 0).UTC()
	if r.zone != nil {
		t = t.In(r.zone)
	}
	unknown := false
	s := dateToken.ReplaceAllStringFunc(format, func(token string) string {
		switch token {
		case "{date_num}":
			return t.Format("2006-01-02")
		case "{date}", "{date_pretty}":
			return fmt.Sprintf("%s %s, %d", t.Month(), ordinal(t.Day()), t.Year())
		case "{date_short}", "{date_short_pretty}":
			return t.Format("Jan 2, 2006")
		case "{date_long}", "{date_long_pretty}":
			return fmt.Sprintf("%s, %s %s, %d", t.Weekday(), t.Month(), ordinal(t.Day()), t.Year())
		case "{time}":
			return t.Format("3:04 PM")
		case "{time_secs}":
			return t.Format("3:04:05 PM")
		}
		unknown = true
		return ""
	})
	if unknown {
		return fallback
	}
	return s
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return strconv.Itoa(n) + suffix
}
