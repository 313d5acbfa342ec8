package voicetest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// document is a TwiML document with everything taken out that Twilio ignores.
type document struct {
	url   *url.URL // where it came from; nil for TwiML given inline
	verbs []*verb
}

// verb is an element of a document: a verb, or a noun inside one.
type verb struct {
	name  string
	attrs map[string]string
	text  string
	nouns []*verb
}

// fault is something wrong with a document. A fatal one ends its execution.
type fault struct {
	code  int // twilio.com/docs/api/errors
	fatal bool
	text  string
}

func (f fault) Error() string { return fmt.Sprintf("%s (%d)", f.text, f.code) }

// resolve makes a URL of the document absolute. Inline TwiML has no base, a
// relative URL stays as it is there and fails when it is requested (15004).
func (d *document) resolve(ref string) string {
	u, err := url.Parse(ref)
	if err != nil || d.url == nil {
		return ref
	}
	return d.url.ResolveReference(u).String()
}

// action returns the URL of an attribute and whether the verb has it.
func (d *document) action(v *verb, name string) (string, bool) {
	ref, ok := v.attrs[name]
	if !ok || ref == "" {
		return "", false
	}
	return d.resolve(ref), true
}

func (v *verb) has(attr string) bool { _, ok := v.attrs[attr]; return ok }

// int returns an attribute that was checked to be an integer.
func (v *verb) int(attr string, otherwise int) int {
	if i, err := strconv.Atoi(v.attrs[attr]); err == nil {
		return i
	}
	return otherwise
}

func (v *verb) str(attr, otherwise string) string {
	if s, ok := v.attrs[attr]; ok {
		return s
	}
	return otherwise
}

// parseTwiML reads and checks a document. It is nil if a fault is fatal.
func parseTwiML(body []byte, base *url.URL, rules map[string]rule) (*document, []fault) {
	if len(body) > maxTwiML {
		return nil, []fault{{11750, true, "TwiML of more than 64 kB"}}
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) < len(body) && bytes.HasPrefix(trimmed, []byte("<?xml")) {
		return nil, []fault{{12100, true, "white space before the XML declaration"}}
	}
	root, err := readXML(body)
	if err != nil {
		return nil, []fault{{12100, true, "not well-formed: " + err.Error()}}
	}
	if root.name != "Response" {
		return nil, []fault{{12102, true, fmt.Sprintf("the root element is %s, want Response", root.name)}}
	}
	c := checker{base: base, rules: rules}
	c.check(root, rules["Response"])
	return &document{url: base, verbs: root.nouns}, c.faults
}

// readXML reads one well-formed XML document into a tree.
func readXML(body []byte) (*verb, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var root *verb
	var open []*verb
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			v := &verb{name: t.Name.Local, attrs: map[string]string{}}
			if t.Name.Space != "" {
				v.name = t.Name.Space + ":" + v.name
			}
			for _, a := range t.Attr {
				if _, twice := v.attrs[a.Name.Local]; twice {
					return nil, fmt.Errorf("attribute %s of %s given twice", a.Name.Local, v.name)
				}
				v.attrs[a.Name.Local] = a.Value
			}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.nouns = append(parent.nouns, v)
			case root != nil:
				return nil, errors.New("more than one root element")
			default:
				root = v
			}
			open = append(open, v)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			} else if strings.TrimSpace(string(t)) != "" {
				return nil, errors.New("text outside of the root element")
			}
		}
	}
	if root == nil {
		return nil, errors.New("empty document")
	}
	return root, nil
}

// checker holds a tree against the rules and prunes what breaks them.
type checker struct {
	base   *url.URL
	rules  map[string]rule
	faults []fault
}

func (c *checker) fault(code int, format string, args ...any) {
	c.faults = append(c.faults, fault{code: code, text: fmt.Sprintf(format, args...)})
}

func (c *checker) check(v *verb, r rule) {
	for _, name := range sortedKeys(v.attrs) {
		check, known := r.attrs[name]
		if !known {
			c.fault(12200, "%s has no attribute %s", v.name, name)
			delete(v.attrs, name)
			continue
		}
		if code, err := check(v.attrs[name]); err != nil {
			c.fault(code, "%s %s=%q: %v", v.name, name, v.attrs[name], err)
			delete(v.attrs, name)
		} else if c.base == nil && isURLAttr[name] && !strings.Contains(v.attrs[name], "://") {
			c.fault(15004, "%s %s=%q is relative in inline TwiML", v.name, name, v.attrs[name])
		}
	}
	kept := v.nouns[:0]
	for _, noun := range v.nouns {
		nr, known := c.rules[noun.name]
		switch {
		case !known:
			c.fault(12200, "%s is no TwiML element", noun.name)
		case !r.nests(noun.name):
			c.fault(12200, "%s may not stand inside %s", noun.name, v.name)
		default:
			c.check(noun, nr)
			kept = append(kept, noun)
		}
	}
	v.nouns = kept
	if r.spoken {
		v.text = spoken(v)
	}
	v.text = strings.TrimSpace(v.text)
	if r.text == nil {
		if v.text != "" {
			c.fault(12200, "%s has text: %q", v.name, v.text)
		}
		return
	}
	if code, err := r.text(v); err != nil {
		c.fault(code, "%s: %v", v.name, err)
	}
}

// spoken is the text of an element together with that of its SSML.
func spoken(v *verb) string {
	text := v.text
	for _, noun := range v.nouns {
		text += " " + spoken(noun)
	}
	return text
}
