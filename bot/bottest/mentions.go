package bottest

import "strings"

// Mentions lists everything on a message that Slack makes live or formats: mentions of people and groups, @here and its
// like, channel links, links of any scheme, links behind buttons and images, and bold, italic, struck, quoted and code
// spans of mrkdwn. A test asserts with it that a hostile name came out as mere text. Each entry is the kind, a blank, and
// the source: "special mention <!here>", "link <https://x|y>", "bold *x*", "mention user U1" for rich text.
//
// The rules are docs.slack.dev/messaging/formatting-message-text. A mrkdwn object honours <...> always and bare names
// and URLs unless it is verbatim; plain_text and rich_text's text elements honour nothing; the top-level text is
// mrkdwn, with bare URLs unless parse is none and bare names when parse is full or link_names is set. Switching mrkdwn
// off keeps the top-level text from being formatted, but is not relied on to defuse <...>. Bare domains count as URLs.
// Dates are left out, unless they carry a link. What the app itself styles in rich_text is left out too.
func Mentions(m Message) []string {
	f := &finder{}
	names := m.LinkNames || m.Parse == "full"
	f.mrkdwn(m.Text, bare{urls: m.Parse != "none", names: names}, !m.NoMrkdwn)
	for _, b := range m.Blocks {
		f.walk(b)
	}
	return f.found
}

type finder struct{ found []string }

func (f *finder) add(kind, source string) { f.found = append(f.found, kind+" "+source) }

func (f *finder) mrkdwn(s string, b bare, formatted bool) {
	for _, p := range pieces(s, b) {
		switch p.kind {
		case pieceText:
		case pieceDate:
			if parts := strings.Split(p.what, "^"); len(parts) > 2 && parts[2] != "" {
				f.add(string(pieceLink), p.raw)
			}
		default:
			f.add(string(p.kind), p.raw)
		}
	}
	if !formatted {
		return
	}
	for _, sp := range spans(s) {
		f.add(sp.kind, s[sp.start:sp.end])
	}
}

// walk looks at any part of a block in reading order; what a part is follows from its type.
func (f *finder) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			f.walk(e)
		}
	case Block:
		switch str(v["type"]) {
		case "mrkdwn":
			live := v["verbatim"] != true
			f.mrkdwn(str(v["text"]), bare{urls: live, names: live}, true)
			return
		case "markdown":
			f.mrkdwn(str(v["text"]), bare{urls: true, names: true}, true)
			return
		case "plain_text", "text":
			return
		case "user":
			f.add(string(pieceUser), "user "+str(v["user_id"]))
		case "usergroup":
			f.add(string(pieceUserGroup), "usergroup "+str(v["usergroup_id"]))
		case "channel":
			f.add(string(pieceChannel), "channel "+str(v["channel_id"]))
		case "broadcast":
			f.add(string(pieceSpecial), "broadcast "+str(v["range"]))
		}
		for _, name := range []string{"url", "image_url"} {
			if u := str(v[name]); u != "" {
				f.add(string(pieceLink), u)
			}
		}
		for _, name := range sortedKeys(v) {
			f.walk(v[name])
		}
	}
}
