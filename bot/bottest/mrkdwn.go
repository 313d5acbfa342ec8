package bottest

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// piece is a part of a mrkdwn text as Slack's renderer sees it.
type piece struct {
	kind  pieceKind
	raw   string // as written
	what  string // the ID, the URL, the range, or the date's parts; for plain text the text itself, still escaped
	label string
}

type pieceKind string

const (
	pieceText      pieceKind = "text"
	pieceUser      pieceKind = "mention"
	pieceUserGroup pieceKind = "group mention"
	pieceChannel   pieceKind = "channel"
	pieceSpecial   pieceKind = "special mention"
	pieceLink      pieceKind = "link"
	pieceDate      pieceKind = "date"
)

// bare says what Slack makes live out of text that is not between angle brackets
// (docs.slack.dev/messaging/formatting-message-text).
type bare struct{ urls, names bool }

var (
	emojiName = regexp.MustCompile(`^[a-z0-9_+'-]+$`)
	bareLink  = regexp.MustCompile(`(?i)(?:\bhttps?://|\bwww\.)[^\s<>|]+|\b[\w.+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}\b|` +
		`\b(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|io|co|me|md|rs|py|sh|dev|app|ly|link|click|xyz|top|site|online|ru|cn|uk|de|fr|us|ca|tv|gg|to)\b(?:/[^\s<>|]*)?`)
	bareName = regexp.MustCompile(`(?i)@(?:here|channel|everyone|group)\b|\B[@#][\p{L}\p{N}][\p{L}\p{N}._-]*`)
)

// pieces takes a mrkdwn text apart.
func pieces(s string, b bare) []piece {
	var out []piece
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return append(out, bares(s, b)...)
		}
		out = append(out, bares(s[:i], b)...)
		s = s[i:]
		end := strings.IndexByte(s, '>')
		if end < 0 || strings.ContainsAny(s[1:end], "<\n") || end == 1 {
			out = append(out, piece{kind: pieceText, raw: "<", what: "<"})
			s = s[1:]
			continue
		}
		out = append(out, bracket(s[:end+1]))
		s = s[end+1:]
	}
	return out
}

// bracket reads <...>: Slack's rule is that the first character tells, and what begins with none of @, # and ! is a link.
func bracket(raw string) piece {
	in := raw[1 : len(raw)-1]
	what, label, _ := strings.Cut(in, "|")
	p := piece{raw: raw, label: label}
	switch {
	case strings.HasPrefix(what, "@"):
		p.kind, p.what = pieceUser, what[1:]
	case strings.HasPrefix(what, "#"):
		p.kind, p.what = pieceChannel, what[1:]
	case strings.HasPrefix(what, "!date^"):
		p.kind, p.what = pieceDate, what[len("!date^"):]
	case strings.HasPrefix(what, "!subteam^"):
		p.kind, p.what = pieceUserGroup, what[len("!subteam^"):]
	case strings.HasPrefix(what, "!"):
		p.kind, p.what = pieceSpecial, what[1:]
	default:
		p.kind, p.what = pieceLink, what
	}
	return p
}

// bares finds what comes alive without brackets.
func bares(s string, b bare) []piece {
	var out []piece
	for s != "" {
		kind, at := pieceText, []int{len(s), len(s)}
		if m := bareLink.FindStringIndex(s); b.urls && m != nil {
			end := m[0] + len(strings.TrimRight(s[m[0]:m[1]], `.,;:!?)'"`)) // the sentence's, not the URL's
			kind, at = pieceLink, []int{m[0], end}
		}
		if m := bareName.FindStringIndex(s); b.names && m != nil && m[0] < at[0] {
			kind, at = pieceUser, m
			switch name := strings.ToLower(s[m[0]+1 : m[1]]); {
			case s[m[0]] == '#':
				kind = pieceChannel
			case name == "here", name == "channel", name == "everyone", name == "group":
				kind = pieceSpecial
			}
		}
		if at[0] > 0 {
			out = append(out, piece{kind: pieceText, raw: s[:at[0]], what: s[:at[0]]})
		}
		if at[0] < at[1] {
			raw := s[at[0]:at[1]]
			what := raw
			if kind != pieceLink {
				what = raw[1:]
			}
			out = append(out, piece{kind: kind, raw: raw, what: what})
		}
		s = s[at[1]:]
	}
	return out
}

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// unescape undoes the three escapes of mrkdwn.
func unescape(s string) string { return unescaper.Replace(s) }

// span is formatted text: s[start:end] with its marks, s[inStart:inEnd] without.
type span struct {
	kind                       string // bold, italic, strike, code, quote
	start, inStart, inEnd, end int
}

var marks = map[byte]string{'*': "bold", '_': "italic", '~': "strike", '`': "code"}

// spans finds what mrkdwn formats: marks that stand at the edges of words, on one line, around something. Code is
// left as it is. It reads the text as written, with <...> in it.
func spans(s string) []span {
	var out []span
	lineStart := true
	for i := 0; i < len(s); {
		if lineStart {
			lineStart = false
			for _, q := range []string{">", "&gt;"} {
				if strings.HasPrefix(s[i:], q) {
					end := i + len(q) + lineLength(s[i+len(q):])
					out = append(out, span{"quote", i, i + len(q), end, end})
				}
			}
		}
		switch c := s[i]; {
		case c == '\n':
			lineStart = true
		case strings.HasPrefix(s[i:], "```"):
			if n := strings.Index(s[i+3:], "```"); n > 0 {
				out = append(out, span{"code", i, i + 3, i + 3 + n, i + 6 + n})
				i += 6 + n
				continue
			}
		case c == '<': // marks inside <...> are part of the link
			if n := strings.IndexByte(s[i:], '>'); n > 0 {
				i += n + 1
				continue
			}
		case marks[c] != "" && opens(s, i):
			if end := closing(s, i); end > 0 {
				out = append(out, span{marks[c], i, i + 1, end, end + 1})
				if c == '`' {
					i = end + 1
					continue
				}
			}
		}
		i++
	}
	return out
}

func lineLength(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n
	}
	return len(s)
}

func opens(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, n := utf8.DecodeRuneInString(s[i+1:])
	return (i == 0 || !inWord(before) && before != rune(s[i])) && n > 0 && !unicode.IsSpace(after) && after != rune(s[i])
}

// closing is where the mark at i ends, 0 when nowhere.
func closing(s string, i int) int {
	for j := i + 2; j < len(s) && s[j] != '\n'; j++ {
		if s[j] != s[i] {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:j])
		after, n := utf8.DecodeRuneInString(s[j+1:])
		if !unicode.IsSpace(before) && (n == 0 || !inWord(after) && after != rune(s[i])) {
			return j
		}
	}
	return 0
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
