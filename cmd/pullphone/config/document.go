package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document parses the YAML of the whole file. It reports a syntax error
// itself and then returns false.
func (r *reader) document(data []byte) (value, bool) {
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(&doc)
	if err == io.EOF {
		return value{r: r, line: 1}, true // nothing but comments: every required key is missing
	}
	if err == nil {
		err = dec.Decode(&second)
		if err == nil {
			r.fail(second.Line, "", "a second document starts here; keep one, without a line of three dashes in between")
			return value{}, false
		}
	}
	if err != io.EOF {
		line := syntaxErrorLine(data, err)
		what, hint := syntaxProblem(err), syntaxHint(data, line)
		r.fail(line, "", "not YAML: %s; %s", what, hint)
		return value{}, false
	}
	root := r.at(doc.Content[0], "")
	if root.unset() {
		root.line = 1
	}
	return root, true
}

var yamlPosition = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxProblem is the parser's complaint without its line number and without
// words from the file, which might be a secret's.
func syntaxProblem(err error) string {
	s := yamlPosition.ReplaceAllString(err.Error(), "")
	if strings.HasPrefix(s, "unknown anchor") {
		return "a value that starts with * stands for an anchor, and there is no such anchor"
	}
	return s
}

// syntaxErrorLine finds the line where the parser stumbles. The number in its
// message is often that of the enclosing block, or one too low, or missing.
// The line is the last one without which the error changes.
func syntaxErrorLine(data []byte, err error) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	n := len(lines)
	for n > 1 {
		shorter := firstError(bytes.Join(lines[:n-1], nil))
		if shorter == nil || syntaxProblem(shorter) != syntaxProblem(err) {
			break
		}
		n--
	}
	return n
}

// firstError parses every document in data, and returns nil if that works.
func firstError(data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var (
	tabIndent    = regexp.MustCompile(`^ *\t`)
	flowVariable = regexp.MustCompile(`[\[{,:]\s*\$\{`)
	oddStart     = regexp.MustCompile("[:-]\\s+[@`%*&!]")
)

// syntaxHint guesses from the line what its writer should change.
func syntaxHint(data []byte, line int) string {
	text := bytes.Split(data, []byte("\n"))[line-1]
	switch {
	case tabIndent.Match(text):
		return "indent with spaces, not with tabs"
	case flowVariable.Match(text):
		return `inside [ ] and { }, write "${NAME}" with its quotes`
	case oddStart.Match(text):
		return "put the value in quotes"
	}
	return "check the indentation, quotes and brackets of this line and the one before"
}
