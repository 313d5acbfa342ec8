package bottest_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
)

func quote(s string) string { b, _ := json.Marshal(s); return string(b) }

func blocks(t *testing.T, s string) (b []bottest.Block) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMentions(t *testing.T) {
	section := func(text string, verbatim bool) string {
		v := ""
		if verbatim {
			v = `,"verbatim":true`
		}
		return `[{"type":"section","text":{"type":"mrkdwn"` + v + `,"text":` + quote(text) + `}}]`
	}
	for name, tt := range map[string]struct {
		m      bottest.Message
		blocks string
		want   []string
	}{
		"plain words":              {m: bottest.Message{Text: "Ann waits, 3 < 4 & a*b_c ~ `"}},
		"brackets":                 {m: bottest.Message{Parse: "none", Text: "<@U1> <#C1|x> <!here> <!subteam^S1> <https://x.test|y> <mailto:a@b.c> <other>"}, want: []string{"mention <@U1>", "channel <#C1|x>", "special mention <!here>", "group mention <!subteam^S1>", "link <https://x.test|y>", "link <mailto:a@b.c>", "link <other>"}},
		"escaped":                  {m: bottest.Message{Parse: "none", Text: "&lt;!channel&gt; &lt;https://x.test|y&gt;"}},
		"no brackets":              {m: bottest.Message{Parse: "none", Text: "< <> a > <b"}},
		"a date":                   {m: bottest.Message{Parse: "none", Text: "<!date^1^{time}|x>"}},
		"a date with a link":       {m: bottest.Message{Parse: "none", Text: "<!date^1^{time}^https://x.test|x>"}, want: []string{"link <!date^1^{time}^https://x.test|x>"}},
		"text, bare URL":           {m: bottest.Message{Text: "see https://x.test/a and evil.com/b, www.x.test, a@b.test"}, want: []string{"link https://x.test/a", "link evil.com/b", "link www.x.test", "link a@b.test"}},
		"text, bare URL, none":     {m: bottest.Message{Parse: "none", Text: "see https://x.test/a and evil.com/b"}},
		"text, bare names":         {m: bottest.Message{Text: "@here @channel #general @ann"}},
		"text, names linked":       {m: bottest.Message{Text: "@here #general @ann", LinkNames: true}, want: []string{"special mention @here", "channel #general", "mention @ann"}},
		"text, parsed in full":     {m: bottest.Message{Text: "@Everyone", Parse: "full"}, want: []string{"special mention @Everyone"}},
		"text after update":        {m: bottest.Message{Text: "https://x.test", Parse: "client"}, want: []string{"link https://x.test"}},
		"marks":                    {m: bottest.Message{Parse: "none", Text: "*a* _b c_ ~d~ `*e*` x*y*z x*y* *y*z"}, want: []string{"bold *a*", "italic _b c_", "strike ~d~", "code `*e*`"}},
		"marks across the message": {m: bottest.Message{Parse: "none", Text: "from *Free\nmoney* and ```a\nb```"}, want: []string{"code ```a\nb```"}},
		"quotes":                   {m: bottest.Message{Parse: "none", Text: "x &gt; y\n&gt; z\n>w"}, want: []string{"quote &gt; z", "quote >w"}},
		"not mrkdwn":               {m: bottest.Message{Parse: "none", NoMrkdwn: true, Text: "*a* <!here>"}, want: []string{"special mention <!here>"}},
		"mrkdwn object":            {blocks: section("@here #general https://x.test <!here>", false), want: []string{"special mention @here", "channel #general", "link https://x.test", "special mention <!here>"}},
		"verbatim":                 {blocks: section("@here #general https://x.test *a* <!here>", true), want: []string{"special mention <!here>", "bold *a*"}},
		"plain_text":               {blocks: `[{"type":"header","text":{"type":"plain_text","text":"<!here> @here https://x.test *a*"}}]`},
		"rich_text":                {blocks: richOf(`{"type":"text","text":"<!here> @here https://x.test *a*"}`)},
		"rich_text elements": {blocks: richOf(`{"type":"user","user_id":"U1"},{"type":"usergroup","usergroup_id":"S1"},{"type":"channel","channel_id":"C1"},{"type":"broadcast","range":"here"},{"type":"link","url":"https://x.test"},{"type":"date","timestamp":1,"format":"{time}"}`),
			want: []string{"mention user U1", "group mention usergroup S1", "channel channel C1", "special mention broadcast here", "link https://x.test"}},
		"everywhere": {blocks: `[{"type":"section","fields":[{"type":"mrkdwn","verbatim":true,"text":"<@U1>"}],"accessory":{"type":"button","text":{"type":"plain_text","text":"x"},"url":"https://b.test"}},{"type":"context","elements":[{"type":"mrkdwn","verbatim":true,"text":"<@U2>"},{"type":"image","image_url":"https://i.test","alt_text":"x"}]},{"type":"markdown","text":"@here"}]`,
			want: []string{"link https://b.test", "mention <@U1>", "mention <@U2>", "link https://i.test", "special mention @here"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := tt.m
			if tt.blocks != "" {
				m.Blocks = blocks(t, tt.blocks)
			}
			if got := bottest.Mentions(m); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// The ways of sending a name that nobody chose well: only one of them lets nothing live through.
func TestMentionsOfAHostileName(t *testing.T) {
	const hostile = "<!channel> @here #general <https://x.test|Play voicemail> https://y.test *Free*"
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(hostile)
	w := start(t, bottest.Options{})
	post := func(args url.Values) []string {
		args["channel"], args["unfurl_links"], args["unfurl_media"] = []string{sales}, []string{"0"}, []string{"0"}
		if _, o := form(t, w, "chat.postMessage", args); o["ok"] != true {
			t.Fatal(o)
		}
		all := w.Messages(sales)
		return bottest.Mentions(all[len(all)-1])
	}
	if got := post(url.Values{"text": {hostile}}); len(got) != 4 { // <!channel>, the two links and the bold word
		t.Errorf("unescaped: %q", got)
	}
	if got := post(url.Values{"text": {escaped}}); len(got) != 3 { // the two URLs, and the bold word
		t.Errorf("escaped: %q", got)
	}
	if got := post(url.Values{"text": {escaped}, "parse": {"none"}, "mrkdwn": {"false"}, "blocks": {richOf(`{"type":"text","text":` + quote(hostile) + `}`)}}); len(got) != 0 {
		t.Errorf("rich text: %q", got)
	}
	clean(t, w)
}

func TestRender(t *testing.T) {
	boise, err := time.LoadLocation("America/Boise")
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, bottest.Options{})
	const at = "1700000000" // 2023-11-14 22:13:20 UTC
	all := `[{"type":"header","text":{"type":"plain_text","text":"Sales"}},
{"type":"section","text":{"type":"mrkdwn","verbatim":true,"text":"*Ann &amp; Co* <@U000ANN> <@U9|nine> <#C000SALES> <#C9|nine> <!here> <!subteam^S1|@ops> <https://x.test|Play> <https://x.test> a*b"},
 "fields":[{"type":"plain_text","text":"left"},{"type":"mrkdwn","verbatim":true,"text":"right"}],"accessory":{"type":"button","text":{"type":"plain_text","text":"Call"}}},
{"type":"divider"},
{"type":"context","elements":[{"type":"mrkdwn","verbatim":true,"text":"at <!date^` + at + `^{date_short} {time}|then>, <!date^` + at + `^{ago}|a while ago>"},{"type":"image","image_url":"https://i.test","alt_text":"a face"}]},
{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"<b> "},{"type":"user","user_id":"U000BOB"},{"type":"text","text":" "},{"type":"link","url":"https://x.test","text":"here"},{"type":"text","text":" "},{"type":"date","timestamp":` + at + `,"format":"{date_num} {time_secs}","fallback":"x"},{"type":"emoji","name":"wave"}]},
 {"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"two"}]}]},
 {"type":"rich_text_quote","elements":[{"type":"channel","channel_id":"C000SALES"},{"type":"broadcast","range":"here"},{"type":"usergroup","usergroup_id":"S1"}]},
 {"type":"rich_text_preformatted","elements":[{"type":"text","text":"code"}]}]},
{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Take"}},{"type":"users_select","placeholder":{"type":"plain_text","text":"Who"}},{"type":"datepicker"}]},
{"type":"input","label":{"type":"plain_text","text":"Name"},"element":{"type":"plain_text_input"}}]`
	want := `Sales
Ann & Co @Ann @nine #sales #nine @here @ops Play (https://x.test) https://x.test a*b
left
right
[Call]
---
at Nov 14, 2023 3:13 PM, a while ago (a face)
<b> @Bob here (https://x.test) 2023-11-14 3:13:20 PM:wave:
1. one
2. two
> #sales@hereS1
code
[Take] [Who] [datepicker]
Name: [plain_text_input]`
	want = strings.Replace(want, "@hereS1", "@here@S1", 1)
	if _, o := form(t, w, "chat.postMessage", url.Values{"channel": {sales}, "text": {"x"}, "unfurl_links": {"0"}, "unfurl_media": {"0"}, "blocks": {all}}); o["ok"] != true {
		t.Fatal(o)
	}
	clean(t, w)
	if got := bottest.Render(w.Messages(sales)[0], boise); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for format, want := range map[string]string{
		"{date}": "November 14th, 2023", "{date_long}": "Tuesday, November 14th, 2023", "{date_pretty}": "November 14th, 2023", "{unheard}": "x", "since {time}": "since 10:13 PM",
	} {
		if got := bottest.Render(bottest.Message{Text: "<!date^" + at + "^" + format + "|x>"}, nil); got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
	if got := bottest.Render(bottest.Message{Text: "*a* &amp; b", NoMrkdwn: true}, nil); got != "*a* & b" {
		t.Errorf("got %q", got)
	}
	if got := bottest.Render(bottest.Message{Text: "<!date^soon^{time}|then>"}, nil); got != "then" {
		t.Errorf("got %q", got)
	}
}
