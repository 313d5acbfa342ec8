package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// reader reads one file and collects what is wrong with it.
type reader struct {
	file     string
	getenv   func(string) (string, bool)
	problems Errors
}

func (r *reader) fail(line int, path, format string, args ...any) {
	r.problems = append(r.problems, &Error{r.file, line, path, fmt.Sprintf(format, args...)})
}

// value is a place in the file. Its methods read what stands there and report
// what is wrong; one that also returns a bool returns false if nothing was
// set, or if what was set is wrong and has been reported.
type value struct {
	r       *reader
	node    *yaml.Node // nil: not set
	line    int        // of the key, or of the item of a list
	path    string     // lines[0].number
	comment string     // what follows the key on its line
	excused bool       // not set, but under a misspelled name that has been reported
}

// at is the value at a node. An alias counts as what it stands for, and an
// empty value, or null, as not set.
func (r *reader) at(node *yaml.Node, path string) value {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	v := value{r: r, node: node, line: node.Line, path: path}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		v.node = nil
	}
	return v
}

func (v value) fail(format string, args ...any) { v.r.fail(v.line, v.path, format, args...) }

func (v value) unset() bool { return v.node == nil }

// quoted is the value as it is written in the file. Errors show this and not
// what became of it, because a variable may hold a secret even where none belongs.
func (v value) quoted() string { return quote(v.node.Value) }

// literal tells that the value holds no variable.
func (v value) literal() bool { return !strings.Contains(v.node.Value, "${") }

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// entry is one key of a mapping and its value.
type entry struct {
	key string
	value
}

// entries reads a mapping, in the file's order.
func (v value) entries() ([]entry, bool) {
	if v.unset() {
		return nil, true
	}
	if v.node.Kind != yaml.MappingNode {
		v.fail(`must hold keys of its own; write them as "key: value", one a line, indented below it`)
		return nil, false
	}
	var all []entry
	seen := map[string]int{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k := v.node.Content[i]
		name := k
		if k.Kind == yaml.AliasNode {
			name = k.Alias
		}
		if name.Kind != yaml.ScalarNode {
			v.r.fail(k.Line, v.path, "a list or mapping is used as a key; write a word")
			continue
		}
		path := v.path + "[" + quote(name.Value) + "]"
		if plainKey.MatchString(name.Value) {
			path = strings.TrimPrefix(v.path+"."+name.Value, ".")
		}
		if first, ok := seen[name.Value]; ok {
			v.r.fail(k.Line, path, "this key is already given in line %d; keep one of the two", first)
			continue
		}
		seen[name.Value] = k.Line
		e := entry{name.Value, v.r.at(v.node.Content[i+1], path)}
		e.line, e.comment = k.Line, k.LineComment
		all = append(all, e)
	}
	return all, true
}

// fields reads a mapping that may have the known keys. The result has every
// one of them, set or not.
func (v value) fields(known ...string) (map[string]value, bool) {
	all, ok := v.entries()
	if !ok {
		return nil, false
	}
	fields := make(map[string]value)
	for _, k := range known {
		path := strings.TrimPrefix(v.path+"."+k, ".")
		fields[k] = value{r: v.r, line: v.line, path: path, excused: v.excused}
	}
	var unknown []entry
	for _, e := range all {
		if _, ok := fields[e.key]; ok {
			fields[e.key] = e.value
		} else {
			unknown = append(unknown, e)
		}
	}
	for _, e := range unknown {
		near := nearest(e.key, known)
		if f := fields[near]; near != "" && f.unset() {
			f.excused = true
			fields[near] = f
		}
		switch {
		case e.key == "<<":
			e.fail("unknown key, since mappings cannot be merged here; repeat the keys")
		case near != "":
			e.fail("unknown key; did you mean %s?", near)
		default:
			e.fail("unknown key; known here: %s", strings.Join(known, ", "))
		}
	}
	return fields, true
}

// items reads a list.
func (v value) items() ([]value, bool) {
	if v.unset() {
		return nil, false
	}
	if v.node.Kind != yaml.SequenceNode {
		v.fail("must be a list; write it in [ ], or one item a line, each after a dash")
		return nil, false
	}
	var all []value
	for i, n := range v.node.Content {
		all = append(all, v.r.at(n, v.path+"["+strconv.Itoa(i)+"]"))
	}
	return all, true
}

// someItems reads a list that, if it is there at all, must not be empty.
func (v value) someItems(leftOut string) ([]value, bool) {
	all, ok := v.items()
	if ok && len(all) == 0 {
		v.fail("is empty; leave the key out if you mean %s", leftOut)
		return nil, false
	}
	return all, ok
}

// scalar reads a single value of whatever type as its text, with its
// variables replaced.
func (v value) scalar() (string, bool) {
	if v.unset() {
		return "", false
	}
	if v.node.Kind != yaml.ScalarNode {
		v.fail("must be a single value, not a list or mapping; write it after the colon")
		return "", false
	}
	switch v.node.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
	default:
		v.fail("has a YAML tag that means nothing here; write the value without it")
		return "", false
	}
	s, ok := v.expand(v.node.Value)
	if !ok {
		return "", false
	}
	if !utf8.ValidString(s) {
		v.fail("is not UTF-8 text; write it in UTF-8")
		return "", false
	}
	return s, true
}

// text reads text of one line.
func (v value) text() (string, bool) {
	s, ok := v.scalar()
	switch {
	case !ok:
		return "", false
	case strings.ContainsFunc(s, unicode.IsControl):
		v.fail("holds a line break or another control character; write it on one line without")
		return "", false
	case v.node.ShortTag() == "!!bool":
		v.fail("%s is true or false where a text belongs; put it in quotes if you mean the word", v.quoted())
		return "", false
	}
	return s, true
}

// need reads text of one line that must be there. right says what to write.
func (v value) need(right string) (string, bool) {
	if v.unset() {
		switch {
		case v.excused:
		case len(v.comment) > 1 && v.comment[0] == '#' && v.comment[1] != ' ':
			v.fail("is empty, because # starts a comment; write %s in quotes", quote(v.comment))
		default:
			v.fail("is missing; %s", right)
		}
		return "", false
	}
	s, ok := v.text()
	if ok && strings.TrimSpace(s) == "" {
		v.failEmpty(right)
		return "", false
	}
	return s, ok
}

// failEmpty names the variables that left a value empty, which is safe: such
// a value is nothing but variables.
func (v value) failEmpty(right string) {
	if v.literal() {
		v.fail("is empty; %s", right)
	} else {
		v.fail("%s is set, but empty; %s", strings.TrimSpace(v.node.Value), right)
	}
}

// sentence reads what will be said to a caller. Line breaks become spaces.
func (v value) sentence(preset string) string {
	s, ok := v.scalar()
	if !ok {
		return preset
	}
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case v.node.ShortTag() == "!!bool":
		v.fail("%s is true or false where a sentence belongs; write the sentence", v.quoted())
	case s == "":
		v.failEmpty("write a sentence, or leave the key out")
	case strings.ContainsFunc(s, unicode.IsControl):
		v.fail("holds a control character; write it without")
	case utf8.RuneCountInString(s) > 4096: // twilio.com/docs/voice/twiml/say
		v.fail("is longer than the 4096 characters that Twilio says at once; shorten it")
	}
	return s
}

func (v value) boolean(preset bool) bool {
	s, ok := v.scalar()
	if !ok {
		return preset
	}
	switch s {
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	v.fail("%s is neither true nor false; write true or false", v.quoted())
	return preset
}

// choice reads one of a few words, or nothing.
func (v value) choice(words ...string) string {
	s, ok := v.scalar()
	if ok && v.node.ShortTag() == "!!bool" {
		s = strings.ToLower(s)
	}
	if !ok || slices.Contains(words, s) {
		return s
	}
	last := len(words) - 1
	v.fail("%s is not known; write %s or %s", v.quoted(), strings.Join(words[:last], ", "), words[last])
	return ""
}

// duration reads a length of time of any sign.
func (v value) duration() (time.Duration, bool) {
	s, ok := v.text()
	if !ok {
		return 0, false
	}
	d, err := ParseDuration(s)
	if err != nil {
		v.fail("%s %v", v.quoted(), err)
		return 0, false
	}
	return d, true
}

// positive reads a length of time above zero.
func (v value) positive(preset time.Duration) time.Duration {
	d, ok := v.duration()
	if !ok {
		return preset
	}
	if d <= 0 {
		v.fail(`%s is not more than zero; write a length of time like "90s", "2m" or "90d"`, v.quoted())
	}
	return d
}
