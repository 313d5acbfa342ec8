package config

import (
	"regexp"
	"slices"
	"strings"
)

// team is the people, and what the checks that come later need to know.
type team struct {
	people   []Person
	spelled  []string // names that hold no variable, so that errors may show them
	complete bool     // every name could be read
	phones   []placed
	withPIN  []string // names of those who have a PIN, or mean to
}

// placed is a number and where it stands.
type placed struct {
	value
	number string
}

// docs.slack.dev: IDs of members start with U, or with W in an Enterprise organization.
var memberID = regexp.MustCompile(`^[UW][A-Z0-9]{2,}$`)

func (v value) people() *team {
	t := &team{complete: true}
	all, ok := v.items()
	if !ok {
		t.complete = v.unset() && !v.excused
		return t
	}
	names, phones, members := map[string]int{}, map[string]int{}, map[string]int{}
	unique := func(v value, seen map[string]int, s string) {
		if line, ok := seen[s]; ok {
			v.fail("%s already belongs to the person in line %d; give each person their own", v.quoted(), line)
			return
		}
		seen[s] = v.line
	}
	for _, item := range all {
		if item.unset() {
			item.fail("is empty; write name, phone and slack of a person")
			continue
		}
		f, ok := item.fields("name", "phone", "slack", "pin")
		if !ok {
			t.complete = false
			continue
		}
		var p Person
		name, phone, slack := f["name"], f["phone"], f["slack"]
		hasPhone, hasSlack := !phone.unset() && !phone.blank(), !slack.unset() && !slack.blank()
		if !hasPhone && !hasSlack && !phone.excused && !slack.excused {
			item.fail("has neither a phone nor slack; write at least one of them")
		}
		if hasSlack {
			p.Slack, ok = slack.text()
			if ok && !memberID.MatchString(p.Slack) {
				slack.fail(`%s is not a member ID; copy the ID from the person's Slack profile, like "U000ANN"`, slack.quoted())
			} else if ok {
				unique(slack, members, p.Slack)
			}
		}
		if hasPhone {
			if p.Phone, ok = phone.plainPhone(""); ok {
				unique(phone, phones, p.Phone)
				t.phones = append(t.phones, placed{phone, p.Phone})
			}
		}
		p.PIN = f["pin"].pin()
		if name.unset() || name.blank() {
			p.Name = p.Slack
			if p.Name == "" {
				p.Name = p.Phone
			}
			t.complete = t.complete && !name.excused
		} else if p.Name, ok = name.name(); ok {
			unique(name, names, p.Name)
			if name.literal() {
				t.spelled = append(t.spelled, p.Name)
			}
		} else {
			t.complete = false
		}
		if pin := f["pin"]; !pin.unset() && !pin.blank() || pin.excused {
			t.withPIN = append(t.withPIN, p.Name)
		}
		t.people = append(t.people, p)
	}
	return t
}

// name reads what a person or a line is called.
func (v value) name() (string, bool) {
	s, ok := v.need("write a name")
	if ok && strings.TrimSpace(s) != s {
		v.fail("%s has a space before or after it; write it without", v.quoted())
		return "", false
	}
	return s, ok
}

// names lists everybody.
func (t *team) names() []string {
	var all []string
	for _, p := range t.people {
		all = append(all, p.Name)
	}
	return all
}

// members reads a list of people by their names; leftOut is whom it means
// if the key is not there.
func (v value) members(t *team, leftOut string) []string {
	all, _ := v.someItems(leftOut)
	var members []string
	for _, item := range all {
		s, ok := item.need("write the name of a person")
		if !ok {
			continue
		}
		switch near := nearest(s, t.spelled); {
		case slices.Contains(members, s):
			item.fail("%s stands in this list twice; keep one", item.quoted())
		case slices.Contains(t.names(), s) || !t.complete:
			members = append(members, s)
		case near != "":
			item.fail("nobody under people has the name %s; did you mean %s?", item.quoted(), quote(near))
		default:
			item.fail("nobody under people has the name %s; add them there, or take the name out here", item.quoted())
		}
	}
	return members
}

// checkPhones compares people's phones with the lines' numbers, given with the
// path of each, and with the countries, unless these are not known.
func (t *team) checkPhones(countries []string, numbers map[string]string) {
	for _, p := range t.phones {
		if line, ok := numbers[p.number]; ok {
			p.fail("%s is also %s; write the person's own phone", p.quoted(), line)
			continue
		}
		c := country(p.number)
		switch {
		case countries == nil || slices.Contains(countries, c):
		case c == "":
			p.fail("%s belongs to no country; write a phone in %s", p.quoted(), strings.Join(countries, ", "))
		default:
			p.fail("%s is in %s, and phones may be in %s only; add %s to phone_countries if that is meant",
				p.quoted(), c, strings.Join(countries, ", "), c)
		}
	}
}
