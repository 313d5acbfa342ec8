package config

import (
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand replaces every ${NAME} in s by the environment variable NAME. What
// comes out of a variable is data and is not looked at again.
func (v value) expand(s string) (string, bool) {
	var out strings.Builder
	for {
		before, _, found := strings.Cut(s, "${")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		s = s[len(before):]
		m := variable.FindStringSubmatch(s)
		if m == nil {
			// What follows is not shown: it may be part of a secret.
			v.fail("has ${ without a variable's name and } after it; write ${NAME}")
			return "", false
		}
		replacement, ok := v.r.getenv(m[1])
		if !ok {
			v.fail("the environment variable %s is not set; set it before pullphone starts", m[1])
			return "", false
		}
		out.WriteString(replacement)
		s = s[len(m[0]):]
	}
}
