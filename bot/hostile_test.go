package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
)

// hostile are names that strangers can set: CNAM is what a caller's carrier says.
var hostile = []string{
	"<!channel>", "<!here>", "<!everyone>", "<!subteam^S012345|x>", "<@U1>", "<@U000ANN>", "<#C000SALES>", "<#C000SALES|sales>", "<!date^1^{date}^https://evil.example|x>",
	"@here", "@channel", "@everyone", "@ann", "#general", "#sales", "x @here y", "(@here)", "/pull",
	"http://evil.example", "https://evil.example/x?y=1", "HTTP://EVIL.EXAMPLE", "www.evil.example", "www.evil.com", "evil.example", "evil.com", "evil.com/x", "a.evil.co.uk", "1.2.3.4", "bit.ly/x",
	"mailto:jane@evil.com", "jane@evil.com", "jane.doe+x@mail.evil.com", "tel:+12085550123", "slack://open", "javascript:alert(1)", "ftp://evil.com",
	"<https://evil.example|Listen>", "<https://evil.example>", "<mailto:a@b.com|x>", "<a|b>", "<>", "<|>", "|", ">", ">>> quoted", "> quoted", "<", "><", "<<!here>>",
	"*b*", "_i_", "~s~", "`c`", "```c```", "*_~`x`~_*", "**b**", "a*b*c", "* b *", "*b", "b*", "_ _", ":smile:", ":tada::tada:",
	"&lt;!here&gt;", "&amp;lt;!here&amp;gt;", "&lt;https://evil.example|x&gt;", "&#60;!here&#62;", "&", "&&", "&lt", "&gt;", "&gt; quoted",
	"\u200b<!here>", "<\u200b!here>", "@\u200bhere", "\u2060@here\u2060", "evil\u200b.com", "\u202e<ereh!>", "\u202e>ereh!<", "\u2066@here\u2069", "\u200f*b*\u200f",
	"＜!here＞", "＠here", "＃general", "https：//evil.com", "evil。com", "evil．com", "[x](https://evil.com)", "<script>alert(1)</script>", "%3C!here%3E", "\\<!here\\>", "{date}", "^x^",
	"😀😀😀", "مرحبا", "名前.com", "*名*", "ünï@cødé.com",
}

// In every state, in every way that people are told, a name is mere text. What is ours is left as it is.
func TestHostileNames(t *testing.T) {
	for _, name := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hostileName(t, name)
		})
	}
}

func hostileName(t *testing.T, name string) {
	r := open(t, someTeam())
	line := escalating(r.Store.Team.Lines[0])
	now := r.clock.Now()
	check := func(how string, m bottest.Message, allowed ...string) {
		t.Helper()
		if found := bottest.Mentions(m); !slices.Equal(found, allowed) {
			t.Errorf("%s: %q is alive in %q %v", how, found, m.Text, m.Blocks)
		}
	}
	for _, p := range pictures(caller, name, name) {
		m := r.send(message(line, p.call))
		check(p.name, m)
		if p.name != "waiting" {
			continue
		}
		check("as text", r.send(post{text: message(line, p.call).text}))
		// It is there to be read all the same, letter by letter: Slack keeps these three characters as entities and shows
		// them decoded, in plain text as well (github.com/slackapi/bolt-python/issues/513).
		if got := m.AsText(); !strings.Contains(got, name+", (208) 555-0123") {
			t.Errorf("it is shown as %q", got)
		}
	}
	c := pictures(caller, name, name)[7].call
	waiting := pictures(caller, name, name)[0].call
	check("mention", r.send(stillWaits(line, waiting, 1, now)), here)
	check("to whoever talks", r.whisper(talkingWith(line, waiting)))
	const link = "link <https://phone.example.com/v|Listen>"
	check("voicemail", r.send(voicemail(line, c, 0, "https://phone.example.com/v")), link, link)

	for _, v := range []store.Verdict{
		{Result: store.Won}, {Result: store.Yours}, {Result: store.Stale}, {Result: store.TooLate},
		{Result: store.Lost, First: &store.Claim{Person: "Bob", Word: store.Take, At: now.Add(-time.Minute)}},
		{Result: store.Lost, First: &store.Claim{Person: "Bob", Word: store.SendVoicemail, At: now}},
		{Result: store.Lost, First: &store.Claim{Person: "Bob", Word: store.Forward, To: "+12085550199", At: now}},
		{Result: store.OnACall, Other: c.ID}, {Result: store.GivenBack}, {Result: store.HandedOver}, {Result: store.NotTalking}, {Result: store.OnlyTake},
	} {
		text := verdict(r.Store.Team, store.Answer{Person: "Ann", Word: store.Take, Via: store.BySlack}, v, c, c, now)
		if !strings.Contains(text, name) {
			t.Errorf("%s: %q does not name the caller", v.Result, text)
		}
		r.no(r.ephemeral(r.ctx, aside{channel, ann, text}))
		all := r.work.Ephemerals(ann)
		check(string(v.Result), all[len(all)-1])
	}
}

// The same through the commands, whose answer has no way to switch Slack's own reading off.
func TestHostileNamesInCommands(t *testing.T) {
	r := open(t, someTeam())
	for i, name := range hostile {
		c := r.arriveAs(store.Arrival{SID: fmt.Sprint("CA", i), Name: name, City: name})
		for _, text := range []string{"list", ""} { // the second takes it
			a, err := r.work.Command(r.ctx, ann, channel, "/pull", text)
			if err != nil || !strings.Contains(a.Text, "(208) 555-0123") {
				t.Fatalf("%q: %q, %v", name, a.Text, err)
			}
			all := r.work.Ephemerals(ann)
			if found := bottest.Mentions(all[len(all)-1]); len(found) > 0 {
				t.Errorf("/pull %s: %q is alive in %q", text, found, all[len(all)-1].Text)
			}
		}
		_, err := r.Store.HungUp(r.ctx, c.ID)
		r.no(err)
		r.clock.Advance(11 * time.Minute) // codes rest for ten
	}
}

// What is made harmless for Slack reads as it was.
func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"Jane Doe, (208) 555-0123": "Jane Doe, (208) 555-0123",
		"AT&T <x>":                 "AT&amp;T &lt;x›",
		"Took 1:05. Waiting.":      "Took 1:05. Waiting.",
		"Reply Y 2. (3)":           "Reply Y 2. (3)",
	} {
		if got := shown(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
