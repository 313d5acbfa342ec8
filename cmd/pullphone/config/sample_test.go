package config

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestSampleLoads(t *testing.T) {
	c := parse(t, string(Sample))
	if len(c.People) != 3 || len(c.Lines) != 1 || len(c.Lines[0].Keywords) != 3 {
		t.Errorf("got %+v", c)
	}
}

// told is a key of the sample and the comment above it.
type told struct {
	path    string // without the numbers of list items and the words of keywords
	line    int
	comment string
}

var anyKeyword = regexp.MustCompile(`(keywords\.)[a-z]+`)

// tell walks the sample's keys.
func tell(node *yaml.Node, path string, lines []string, see func(told)) {
	for i := 0; node.Kind == yaml.MappingNode && i < len(node.Content); i += 2 {
		k := node.Content[i]
		first := k.Line - 1
		for first > 0 && strings.HasPrefix(strings.TrimSpace(lines[first-1]), "#") {
			first--
		}
		p := strings.TrimPrefix(path+"."+k.Value, ".")
		comment := strings.Join(lines[first:k.Line-1], "\n")
		see(told{anyKeyword.ReplaceAllString(p, "${1}*"), k.Line, comment})
		tell(node.Content[i+1], p, lines, see)
	}
	for i := range node.Content {
		if node.Kind == yaml.SequenceNode {
			tell(node.Content[i], path+"[]", lines, see)
		}
	}
}

// change returns the sample with the key at a line given another value, or
// without the key if value is nil.
func change(t *testing.T, line int, value *yaml.Node) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(Sample, &doc); err != nil {
		t.Fatal(err)
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			if n.Content[i].Line != line {
				continue
			}
			if value == nil {
				n.Content = slices.Delete(n.Content, i, i+2)
			} else {
				n.Content[i+1] = value
			}
			return
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	visit(&doc)
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// outcome is the config in a file, or what is wrong with it, apart from where.
func outcome(file string) (*Config, []string) {
	c, err := Parse("f", []byte(file), getenv)
	var all Errors
	errors.As(err, &all)
	var problems []string
	for _, e := range all {
		problems = append(problems, e.Key+" "+e.Problem)
	}
	slices.Sort(problems)
	return c, problems
}

// leftOut checks what the sample says in words of the keys without a default
// that could be written. The rest of those is in TestOtherValues.
var leftOut = map[string]func(c *Config) bool{
	"people[].phone":            func(c *Config) bool { return c.People[0].Phone == "" },
	"people[].pin":              func(c *Config) bool { return c.People[0].PIN.Reveal() == "" },
	"people[].slack":            func(c *Config) bool { return c.People[0].Slack == "" },
	"lines[].name":              func(c *Config) bool { return c.Lines[0].Name == c.Lines[0].Number },
	"lines[].people":            func(c *Config) bool { return reflect.DeepEqual(c.Lines[0].People, []string{"Ann", "Bob", "Cy"}) },
	"lines[].hours":             func(c *Config) bool { return c.Lines[0].Hours == nil },
	"lines[].hours.timezone":    func(c *Config) bool { return c.Lines[0].Hours.Location == time.Local },
	"lines[].hours.open":        func(c *Config) bool { return len(c.Lines[0].Hours.Open) == 0 },
	"lines[].escalate[].people": func(c *Config) bool { return len(c.Lines[0].Escalate[0].People) == 0 },
}

var defaultLine = regexp.MustCompile(`(?m)^ *# Default: (.*)$`)

// Every key is in the sample, and what its comment says holds: without a
// required key the file is refused, and without any other it means the same as
// with the default that is stated.
func TestSampleTellsTheTruth(t *testing.T) {
	missing := map[string]bool{}
	for _, k := range strings.Fields(`public_url listen admin_listen store retention phone_countries
		etcd etcd.user etcd.password etcd.tls etcd.ca_file etcd.cert_file etcd.key_file
		twilio twilio.account_sid twilio.auth_token twilio.api_url twilio.lookup
		slack slack.bot_token slack.signing_secret slack.app_token slack.api_url
		people people[].name people[].phone people[].slack people[].pin
		lines lines[].name lines[].number lines[].channel lines[].people lines[].greeting lines[].hold_music
		lines[].voicemail_greeting lines[].max_wait lines[].ring_timeout lines[].accept lines[].no lines[].dial_in
		lines[].fallback_url lines[].keywords lines[].keywords.* lines[].keywords.*.forward lines[].keywords.*.say
		lines[].keywords.*.voicemail lines[].keywords.*.pass lines[].hours lines[].hours.timezone lines[].hours.open
		lines[].hours.closed lines[].escalate lines[].escalate[].after lines[].escalate[].people lines[].escalate[].mention`) {
		missing[k] = true
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(Sample, &doc); err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	tell(doc.Content[0], "", strings.Split(string(Sample), "\n"), func(k told) {
		delete(missing, k.path)
		if explained[k.path] || k.path == "lines[].keywords.*" {
			return
		}
		explained[k.path] = true
		without, problems := outcome(change(t, k.line, nil))
		preset := defaultLine.FindStringSubmatch(k.comment)
		switch {
		case preset != nil:
			var v yaml.Node
			if err := yaml.Unmarshal([]byte(preset[1]), &v); err != nil {
				t.Fatalf("%s: %v", k.path, err)
			}
			with, problemsWith := outcome(change(t, k.line, v.Content[0]))
			if !reflect.DeepEqual(without, with) || !reflect.DeepEqual(problems, problemsWith) {
				t.Errorf("%s: the default is not %s: without it\n%+v %q\nwith it\n%+v %q", k.path, preset[1], without, problems, with, problemsWith)
			}
		case strings.Contains(k.comment, "Required"):
			if !strings.Contains(strings.Join(problems, "\n"), "is missing") {
				t.Errorf("%s is not required: got %q", k.path, problems)
			}
		case strings.Contains(k.comment, "Left out: "):
			if holds := leftOut[k.path]; holds != nil && (without == nil || !holds(without)) {
				t.Errorf("%s: left out, it gives %+v %q", k.path, without, problems)
			}
			delete(leftOut, k.path)
		default:
			t.Errorf("%s: the comment tells no default: %q", k.path, k.comment)
		}
	})
	if len(missing) > 0 || len(leftOut) > 0 {
		t.Errorf("not in the sample: %v %v", missing, leftOut)
	}
}
