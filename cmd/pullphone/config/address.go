package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// webURL reads an absolute URL with one of the schemes. right says what to write.
func (v value) webURL(right string, schemes ...string) (*url.URL, bool) {
	s, ok := v.text()
	if !ok {
		return nil, false
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		rest = s
	}
	authority, _, _ := strings.Cut(rest, "/")
	if strings.Contains(authority, "@") {
		v.fail("holds a user name or password, which would be seen by others; %s", right) // so it is not shown either
		return nil, false
	}
	u, err := url.Parse(s)
	switch {
	case err == nil && found && !slices.Contains(schemes, strings.ToLower(scheme)):
		v.fail("%s does not start with %s://; %s", v.quoted(), strings.Join(schemes, ":// or "), right)
	case err != nil || !found || u.Hostname() == "" || strings.ContainsAny(s, " \\"):
		v.fail("%s is not an absolute URL; %s", v.quoted(), right)
	case u.Port() != "" && !validPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		v.fail("%s has no port from 1 to 65535 after the colon; %s", v.quoted(), right)
	default:
		return u, true
	}
	return nil, false
}

// bare tells that a URL ends with its path.
func (v value) bare(u *url.URL, right string) bool {
	if u.RawQuery != "" || u.ForceQuery || strings.Contains(v.node.Value, "#") || u.Fragment != "" {
		v.fail("%s has a query or fragment (? or #); %s", v.quoted(), right)
		return false
	}
	return true
}

func (v value) publicURL() string {
	const right = `write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`
	if _, ok := v.need(right); !ok {
		return ""
	}
	u, ok := v.webURL(right, "https", "http")
	if !ok || !v.bare(u, right) {
		return ""
	}
	return strings.TrimRight(u.String(), "/")
}

func (v value) twilioAPI() string {
	const right = `write only scheme and host, like "https://twilio.example.com"`
	if v.unset() || v.blank() {
		return ""
	}
	u, ok := v.webURL(right, "https", "http")
	if !ok || !v.bare(u, right) {
		return ""
	}
	if strings.Trim(u.Path, "/") != "" {
		v.fail("%s has a path; %s", v.quoted(), right)
	}
	return u.Scheme + "://" + u.Host
}

func (v value) slackAPI() string {
	const right = `write a URL that ends in /api/, like "https://slack.example.com/api/"`
	if v.unset() || v.blank() {
		return ""
	}
	u, ok := v.webURL(right, "https", "http")
	if !ok || !v.bare(u, right) {
		return ""
	}
	if !strings.HasSuffix(u.Path, "/api/") {
		v.fail("%s does not end in /api/; %s", v.quoted(), right)
	}
	return u.String()
}

func (v value) fallbackURL() string {
	if v.unset() || v.blank() {
		return ""
	}
	u, ok := v.webURL(`write where the TwiML is, like "https://example.com/fallback.xml"`, "https")
	if !ok {
		return ""
	}
	return u.String()
}

func (v value) holdMusic() []string {
	const right = `write where the music is, like "https://example.com/music.mp3"`
	all, _ := v.items()
	var urls []string
	for _, item := range all {
		if _, ok := item.need(right); !ok {
			continue
		}
		if u, ok := item.webURL(right, "https"); ok {
			urls = append(urls, u.String())
		}
	}
	return urls
}

// address reads where a server listens.
func (v value) address(preset string) string {
	s, ok := v.text()
	if !ok {
		if v.unset() {
			return preset
		}
		return ""
	}
	if !validAddress(s, true) {
		v.fail("%s is not an address to listen on; write host:port, like %s", v.quoted(), quote(preset))
		return ""
	}
	return s
}

var hostname = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

// validAddress tells whether s is host:port. To listen, the host may be empty
// (every interface) and the port 0 (any free one).
func validAddress(s string, listen bool) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || !validPort(port) && !(listen && port == "0") {
		return false
	}
	if host == "" {
		return listen
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	// Digits and dots alone are a mistyped IP address.
	return hostname.MatchString(host) && strings.Trim(host, "0123456789.") != ""
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func anyPort(address string) bool { return strings.HasSuffix(address, ":0") }
