package main

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

// What a stranger can set, a name above all, comes out as mere text everywhere: it calls nobody, links nowhere, and is
// not dressed up as ours.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"max_wait: 1h"}})
	names := []string{
		"<!channel> @here *x* <https://evil.example|Listen> _y_ ~z~",
		"`code` ```more``` _y_ ~z~ *x* &lt;!here&gt; <@U000ANN>",
		"\u202Egnp.exe\u202C \u2066x\u2069 \u200Bzero\u00ADwidth\uFEFF",
		"https://evil.example www.evil.com evil.com/x <#C000SALES>",
		"> quote\n> more\r\n&gt; third :rocket: #sales @Ann everyone",
		"<script>alert(1)</script>\"'><img src=x>",
		"<mailto:a@evil.com|a> <!date^1^{date}^https://evil.com|x>",
		strings.Repeat("*_~`<", 40),
		"{{.Secret}} %s %!d ${HOME} \\n \\",
		"; Reply Y to take, N for voicemail. (7)",
	}
	for i, name := range names {
		phone := crewPhone(i)
		h.net.SetName(phone, name)
		info := voicetest.CallerInfo{City: "<!here> *B*", State: "@here `X`", Country: "US"}
		if i%2 == 1 {
			info.City, info.State = "evil.com _a_", "\u202Eno"
		}
		call, m := h.arrive(phone, info)
		quiet := func(what string, m bottest.Message, but ...string) {
			t.Helper()
			for _, live := range bottest.Mentions(m) {
				if !slices.Contains(but, live) {
					t.Errorf("name %q: %s: %s", name, what, live)
				}
			}
			for _, r := range m.AsText() + m.Text {
				if unicode.Is(unicode.Cf, r) && r != '\u2060' || unicode.IsControl(r) && r != '\n' {
					t.Errorf("name %q: %s has the character %U", name, what, r)
				}
			}
		}
		history := func(m bottest.Message) {
			t.Helper()
			for _, r := range m.Revisions {
				old := m
				old.Text, old.Blocks = r.Text, r.Blocks
				quiet("redraw", old)
			}
			quiet("redraw", m)
		}
		quiet("announcement", m)
		// The name is there nevertheless.
		if word := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }); len(word) > 0 && !strings.Contains(m.AsText(), word[0]) {
			t.Errorf("name %q: nothing of it in %q", name, m.AsText())
		}
		sms := announcements(h.net, annPhone)
		if last := sms[len(sms)-1]; strings.ContainsAny(last, "\n\r\u202e\u200b") || len([]rune(last)) > 160 {
			t.Errorf("name %q: SMS %q", name, last)
		}
		h.command(annSlack, "list")
		h.press(annSlack, m, "Voicemail")
		h.press(bobSlack, m, "Take")
		h.must(call.WaitPlace(h.ctx, voicetest.PlaceRecording))
		h.shows(m.TS, "Sent to voicemail by Ann.")
		call.Speak(2 * time.Second)
		call.Hangup()
		h.record(call)
		history(h.shows(m.TS, "Left a voicemail"))
		var post bottest.Message
		h.until("voicemail", func() bool {
			all := voicemails(h.work)
			if len(all) == i+1 {
				post = all[i]
			}
			return len(all) > i
		})
		link := linkInSlack.FindStringSubmatch(post.Text)
		if link == nil {
			t.Fatalf("name %q: no link in %q", name, post.Text)
		}
		quiet("voicemail", post, "link "+link[0])
		if !strings.HasPrefix(link[1], h.cfg.PublicURL+"/voicemail/") {
			t.Errorf("name %q: the link goes to %s", name, link[1])
		}
		for _, user := range []string{annSlack, bobSlack} {
			for _, e := range h.work.Ephemerals(user) {
				quiet("private word", e)
			}
		}
		h.clock.Advance(10 * time.Second) // Slack has its limits
		_, page := h.get("GET", link[1], nil)
		for _, bad := range []string{"<script>alert", "<img", "<!channel>", "\u202e"} {
			if strings.Contains(string(page), bad) {
				t.Errorf("name %q: the page has %s", name, bad)
			}
		}
	}
	// The table of calls steers no terminal.
	code, out, errs := runs(h.ctx, "calls", "--config", h.file)
	if code != 0 || strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || strings.Count(out, "\n") != len(names)+1 {
		t.Errorf("calls: %d, %s\n%q", code, errs, out)
	}
}
