package bottest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// finding is something wrong with a block, at a JSON pointer. Slack refuses some; the others it takes, and a reader
// suffers.
type finding struct {
	at, text string
	refused  bool
}

// checker walks decoded JSON and gathers findings.
type checker struct {
	found    []finding
	markdown int // characters in markdown blocks, which share one limit
}

func (c *checker) refuse(at, format string, args ...any) {
	c.found = append(c.found, finding{at, fmt.Sprintf(format, args...), true})
}

func (c *checker) warn(at, format string, args ...any) {
	c.found = append(c.found, finding{at, fmt.Sprintf(format, args...), false})
}

// rule checks one value.
type rule func(c *checker, at string, v any)

// fields are the rules of an object's members by name.
type fields map[string]rule

// object wants an object with the required members, named with blanks between, and no unknown ones.
func object(required string, f fields) rule {
	return func(c *checker, at string, v any) {
		o, ok := v.(Block)
		if !ok {
			c.refuse(at, "must be an object")
			return
		}
		for _, name := range strings.Fields(required) {
			if _, ok := o[name]; !ok {
				c.refuse(at, "missing required field: %s", name)
			}
		}
		for _, name := range sortedKeys(o) {
			if name == "type" {
				continue
			}
			if r, ok := f[name]; ok {
				r(c, at+"/"+name, o[name])
			} else {
				c.refuse(at, "invalid additional property: %s", name)
			}
		}
	}
}

// typed picks the rule by the object's type.
func typed(what string, rules map[string]rule) rule {
	return func(c *checker, at string, v any) {
		o, ok := v.(Block)
		if !ok {
			c.refuse(at, "must be an object")
			return
		}
		r, ok := rules[str(o["type"])]
		if !ok {
			c.refuse(at+"/type", "unsupported type of %s: %s", what, str(o["type"]))
			return
		}
		r(c, at, v)
	}
}

// chars wants a string of so many characters.
func chars(least, most int) rule {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		n := utf8.RuneCountInString(s)
		switch {
		case !ok:
			c.refuse(at, "must be a string")
		case n < least:
			c.refuse(at, "must be more than %d characters", least-1)
		case n > most:
			c.refuse(at, "must be less than %d characters", most+1)
		}
	}
}

// list wants an array of so many elements, each under the rule.
func list(least, most int, each rule) rule {
	return func(c *checker, at string, v any) {
		a, ok := v.([]any)
		switch {
		case !ok:
			c.refuse(at, "must be an array")
			return
		case len(a) < least:
			c.refuse(at, "no less than %d items required", least)
		case len(a) > most:
			c.refuse(at, "no more than %d items allowed", most)
		}
		for i, e := range a {
			each(c, fmt.Sprintf("%s/%d", at, i), e)
		}
	}
}

func oneOf(values ...string) rule {
	return func(c *checker, at string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			c.refuse(at, "value must be one of %s", strings.Join(values, ", "))
		}
	}
}

func boolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.refuse(at, "must be a boolean")
	}
}

func whole(least, most float64) rule {
	return func(c *checker, at string, v any) {
		n, ok := v.(float64)
		if !ok || n != float64(int64(n)) {
			c.refuse(at, "must be an integer")
		} else if n < least || n > most {
			c.refuse(at, "must be between %.0f and %.0f", least, most)
		}
	}
}

// also runs rules one after the other.
func also(rules ...rule) rule {
	return func(c *checker, at string, v any) {
		for _, r := range rules {
			r(c, at, v)
		}
	}
}

// eitherOf wants at least one of the members.
func eitherOf(names ...string) rule {
	return func(c *checker, at string, v any) {
		o := obj(v)
		if !slices.ContainsFunc(names, func(n string) bool { _, ok := o[n]; return ok }) {
			c.refuse(at, "missing required field: one of %s", strings.Join(names, ", "))
		}
	}
}

func sortedKeys(o Block) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
