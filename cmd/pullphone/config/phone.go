package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ITU-T E.164: a plus, a country code, 15 digits at most.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// phone reads a telephone number that must be there.
func (v value) phone(right string) (string, bool) {
	s, ok := v.need(right)
	if !ok {
		return "", false
	}
	if !e164.MatchString(s) {
		right := `write it with + and the country code, like "+12085550100"`
		if better := international(s); better != "" && v.literal() {
			right = "write " + quote(better)
		}
		v.fail("%s is not in international form; %s", v.quoted(), right)
		return "", false
	}
	n, err := phonenumbers.Parse(s, "")
	switch {
	case err != nil || !phonenumbers.IsPossibleNumber(n): // by length alone: new ranges are in use before any list has them
		v.fail("%s has too few or too many digits for its country; check them", v.quoted())
		return "", false
	case phonenumbers.Format(n, phonenumbers.E164) != s:
		right := "leave out the 0 after the country code"
		if v.literal() {
			right = "write " + quote(phonenumbers.Format(n, phonenumbers.E164))
		}
		v.fail("%s has a digit too many for international form; %s", v.quoted(), right)
		return "", false
	}
	return s, true
}

// plainPhone reads a number that pullphone will call and that must not cost
// more than usual: everyone who can make it call could run up the bill.
func (v value) plainPhone(right string) (string, bool) {
	s, ok := v.phone(right)
	if !ok {
		return "", false
	}
	n, err := phonenumbers.Parse(s, "")
	if err != nil {
		return "", false
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER:
		v.fail("%s costs more than a usual call (premium rate, shared cost, personal number or pager); write another number", v.quoted())
		return "", false
	}
	return s, true
}

// international is the one number that s probably means, in E.164, or "".
func international(s string) string {
	digits := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
	guesses := []string{s, "+" + digits} // the first is read as a number of the USA unless it has a plus
	if strings.HasPrefix(digits, "00") {
		guesses = []string{"+" + digits[2:]}
	}
	for _, guess := range guesses {
		n, err := phonenumbers.Parse(guess, "US")
		if err == nil && phonenumbers.IsValidNumber(n) {
			return phonenumbers.Format(n, phonenumbers.E164)
		}
	}
	return ""
}

// ParsePhone reads a telephone number with its country code, with or without punctuation, and returns it in E.164.
func ParsePhone(s string) (string, error) {
	if n, err := phonenumbers.Parse(s, ""); err == nil && strings.HasPrefix(strings.TrimSpace(s), "+") {
		if number := phonenumbers.Format(n, phonenumbers.E164); e164.MatchString(number) {
			return number, nil
		}
	}
	if !strings.ContainsAny(s, "0123456789") {
		return "", fmt.Errorf("%q is no number; callers who withhold theirs cannot be told apart, and their calls go after the retention", s)
	}
	right := `write it with + and the country code, like "+12085550100"`
	if better := international(s); better != "" {
		right = "write " + quote(better)
	}
	return "", fmt.Errorf("%q is not in international form; %s", s, right)
}

// country is where an E.164 number belongs, or "" if nowhere.
func country(number string) string {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ""
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == "" || region == phonenumbers.UNKNOWN_REGION { // a range not listed yet: the country code tells
		region = phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	}
	if len(region) != 2 || region == phonenumbers.UNKNOWN_REGION {
		return "" // 001 stands for the whole world
	}
	return region
}

// countries reads where people's phones may be. nil means that it is not
// known, because something else is wrong.
func (v value) countries(lines []Line) []string {
	const right = `write two capital letters of ISO 3166, like "US"`
	all, ok := v.items()
	if !ok && (!v.unset() || v.excused) {
		return nil
	}
	var codes []string
	for _, item := range all {
		s, ok := item.need(right)
		upper := strings.ToUpper(s)
		switch {
		case !ok:
			return nil
		case phonenumbers.GetSupportedRegions()[s]:
			if !slices.Contains(codes, s) {
				codes = append(codes, s)
			}
			continue
		case upper == "UK":
			item.fail(`%s is not the code of a country; write "GB"`, item.quoted())
		case phonenumbers.GetSupportedRegions()[upper] && item.literal():
			item.fail("%s is not in capital letters; write %s", item.quoted(), quote(upper))
		default:
			item.fail("%s is not the code of a country; %s", item.quoted(), right)
		}
		return nil
	}
	if len(all) > 0 {
		return codes
	}
	for _, l := range lines {
		if l.Number == "" {
			return nil
		}
		if c := l.Country(); c != "" && !slices.Contains(codes, c) {
			codes = append(codes, c)
		}
	}
	if len(lines) > 0 && codes == nil {
		v.fail(`is missing, though no line's number belongs to a country; write where people's phones may be, like ["US"]`)
	}
	return codes
}
