package bottest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pullphone/bot/bottest"
)

// x is so many x's.
func x(n int) string { return strings.Repeat("x", n) }

// many is a JSON array of n copies of element, in which %d is the number of the copy.
func many(n int, element string) string {
	var all []string
	for i := range n {
		all = append(all, strings.ReplaceAll(element, "%d", fmt.Sprint(i)))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func plain(n int) string { return `{"type":"plain_text","text":"` + x(n) + `"}` }
func mrk(n int) string   { return `{"type":"mrkdwn","verbatim":true,"text":"` + x(n) + `"}` }
func button(more string) string {
	return `{"type":"button","text":` + plain(4) + `,"action_id":"a%d"` + more + `}`
}
func inActions(elements string) string { return `[{"type":"actions","elements":` + elements + `}]` }
func richOf(element string) string {
	return `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` + element + `]}]}]`
}

// Every rule at its limit and one over it: what is at the limit is taken, what is over it is refused at the pointer.
func TestBlockRules(t *testing.T) {
	confirm := func(title, text, yes, no int) string {
		return `,"confirm":{"title":` + plain(title) + `,"text":` + plain(text) + `,"confirm":` + plain(yes) + `,"deny":` + plain(no) + `}`
	}
	option := `{"text":` + plain(4) + `,"value":"v"}`
	for _, tt := range []struct {
		name, good, bad string
		at, says        string // of the refusal of bad
	}{
		{"blocks", many(50, `{"type":"divider"}`), many(51, `{"type":"divider"}`), "/blocks]", "no more than 50 items"},
		{"block type", `[{"type":"divider"}]`, `[{"type":"dividor"}]`, "/blocks/0/type", "dividor"},
		{"modal-only block", `[{"type":"divider"}]`, `[{"type":"alert","text":` + plain(3) + `}]`, "/blocks/0/type", "alert"},
		{"block_id length", `[{"type":"divider","block_id":"` + x(255) + `"}]`, `[{"type":"divider","block_id":"` + x(256) + `"}]`, "/blocks/0/block_id", "less than 256"},
		{"block_id unique", `[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}]`, `[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, "/blocks/1/block_id", "already exists"},
		{"misspelt field", `[{"type":"section","text":` + mrk(1) + `}]`, `[{"type":"section","text":` + mrk(1) + `,"txt":1}]`, "/blocks/0]", "additional property: txt"},
		{"section text", `[{"type":"section","text":` + mrk(3000) + `}]`, `[{"type":"section","text":` + mrk(3001) + `}]`, "/blocks/0/text/text", "less than 3001"},
		{"section empty text", `[{"type":"section","text":` + mrk(1) + `}]`, `[{"type":"section","text":` + mrk(0) + `}]`, "/blocks/0/text/text", "more than 0"},
		{"section of nothing", `[{"type":"section","text":` + mrk(1) + `}]`, `[{"type":"section"}]`, "/blocks/0]", "one of text, fields"},
		{"section fields", `[{"type":"section","fields":` + many(10, mrk(2000)) + `}]`, `[{"type":"section","fields":` + many(11, mrk(1)) + `}]`, "/blocks/0/fields", "no more than 10"},
		{"field length", `[{"type":"section","fields":[` + mrk(2000) + `]}]`, `[{"type":"section","fields":[` + mrk(2001) + `]}]`, "/blocks/0/fields/0/text", "less than 2001"},
		{"text is a string", `[{"type":"section","text":` + mrk(1) + `}]`, `[{"type":"section","text":"x"}]`, "/blocks/0/text", "must be an object"},
		{"text type", `[{"type":"section","text":` + plain(1) + `}]`, `[{"type":"section","text":{"type":"markdown","text":"x"}}]`, "/blocks/0/text/type", "plain_text, mrkdwn"},
		{"text of mrkdwn has no emoji", `[{"type":"section","text":{"type":"plain_text","text":"x","emoji":false}}]`, `[{"type":"section","text":{"type":"mrkdwn","verbatim":true,"text":"x","emoji":false}}]`, "/blocks/0/text]", "emoji"},
		{"text of plain_text has no verbatim", `[{"type":"section","text":{"type":"plain_text","text":"x"}}]`, `[{"type":"section","text":{"type":"plain_text","text":"x","verbatim":true}}]`, "/blocks/0/text]", "verbatim"},
		{"header", `[{"type":"header","text":` + plain(150) + `}]`, `[{"type":"header","text":` + plain(151) + `}]`, "/blocks/0/text/text", "less than 151"},
		{"header is plain", `[{"type":"header","text":` + plain(1) + `,"level":1}]`, `[{"type":"header","text":` + mrk(1) + `}]`, "/blocks/0/text/type", "plain_text"},
		{"header level", `[{"type":"header","text":` + plain(1) + `,"level":4}]`, `[{"type":"header","text":` + plain(1) + `,"level":5}]`, "/blocks/0/level", "between 1 and 4"},
		{"context", `[{"type":"context","elements":` + many(10, mrk(1)) + `}]`, `[{"type":"context","elements":` + many(11, mrk(1)) + `}]`, "/blocks/0/elements", "no more than 10"},
		{"context holds no buttons", `[{"type":"context","elements":[` + mrk(1) + `]}]`, `[{"type":"context","elements":[` + button("") + `]}]`, "/blocks/0/elements/0/type", "button"},
		{"actions", inActions(many(25, button(""))), inActions(many(26, button(""))), "/blocks/0/elements", "no more than 25"},
		{"actions of nothing", inActions(many(1, button(""))), inActions("[]"), "/blocks/0/elements", "no less than 1"},
		{"element type", inActions(many(1, button(""))), inActions(`[{"type":"buton"}]`), "/blocks/0/elements/0/type", "buton"},
		{"action_id unique", inActions(many(2, button(""))), inActions(`[` + button("") + `,` + button("") + `]`), "/blocks/0/elements/1/action_id", "already exists"},
		{"action_id length", inActions(`[{"type":"button","text":` + plain(1) + `,"action_id":"` + x(255) + `"}]`), inActions(`[{"type":"button","text":` + plain(1) + `,"action_id":"` + x(256) + `"}]`), "/action_id", "less than 256"},
		{"button text", inActions(`[{"type":"button","text":` + plain(75) + `}]`), inActions(`[{"type":"button","text":` + plain(76) + `}]`), "/text/text", "less than 76"},
		{"button is plain", inActions(`[{"type":"button","text":` + plain(1) + `}]`), inActions(`[{"type":"button","text":` + mrk(1) + `}]`), "/text/type", "plain_text"},
		{"button value", inActions(many(1, button(`,"value":"`+x(2000)+`"`))), inActions(many(1, button(`,"value":"`+x(2001)+`"`))), "/value", "less than 2001"},
		{"button url", inActions(many(1, button(`,"url":"`+x(3000)+`"`))), inActions(many(1, button(`,"url":"`+x(3001)+`"`))), "/url", "less than 3001"},
		{"button style", inActions(many(1, button(`,"style":"danger"`))), inActions(many(1, button(`,"style":"default"`))), "/style", "primary, danger"},
		{"button label", inActions(many(1, button(`,"accessibility_label":"`+x(75)+`"`))), inActions(many(1, button(`,"accessibility_label":"`+x(76)+`"`))), "/accessibility_label", "less than 76"},
		{"confirm title", inActions(many(1, button(confirm(100, 300, 30, 30)))), inActions(many(1, button(confirm(101, 1, 1, 1)))), "/confirm/title", "less than 101"},
		{"confirm text", inActions(many(1, button(confirm(1, 300, 1, 1)))), inActions(many(1, button(confirm(1, 301, 1, 1)))), "/confirm/text", "less than 301"},
		{"confirm yes", inActions(many(1, button(confirm(1, 1, 30, 1)))), inActions(many(1, button(confirm(1, 1, 31, 1)))), "/confirm/confirm", "less than 31"},
		{"confirm no", inActions(many(1, button(confirm(1, 1, 1, 30)))), inActions(many(1, button(confirm(1, 1, 1, 31)))), "/confirm/deny", "less than 31"},
		{"overflow", inActions(`[{"type":"overflow","options":` + many(5, option) + `}]`), inActions(`[{"type":"overflow","options":` + many(6, option) + `}]`), "/options", "no more than 5"},
		{"select", inActions(`[{"type":"static_select","options":` + many(100, option) + `}]`), inActions(`[{"type":"static_select","options":` + many(101, option) + `}]`), "/options", "no more than 100"},
		{"select of nothing", inActions(`[{"type":"static_select","options":` + many(1, option) + `}]`), inActions(`[{"type":"static_select"}]`), "/elements/0]", "one of options"},
		{"checkboxes", inActions(`[{"type":"checkboxes","options":` + many(10, option) + `}]`), inActions(`[{"type":"checkboxes","options":` + many(11, option) + `}]`), "/options", "no more than 10"},
		{"option text", inActions(`[{"type":"overflow","options":[{"text":` + plain(75) + `,"value":"v"}]}]`), inActions(`[{"type":"overflow","options":[{"text":` + plain(76) + `,"value":"v"}]}]`), "/options/0/text", "less than 76"},
		{"option value", inActions(`[{"type":"overflow","options":[{"text":` + plain(1) + `,"value":"` + x(75) + `"}]}]`), inActions(`[{"type":"overflow","options":[{"text":` + plain(1) + `,"value":"` + x(76) + `"}]}]`), "/options/0/value", "less than 76"},
		{"placeholder", inActions(`[{"type":"users_select","placeholder":` + plain(150) + `}]`), inActions(`[{"type":"users_select","placeholder":` + plain(151) + `}]`), "/placeholder", "less than 151"},
		{"image alt", `[{"type":"image","image_url":"https://x.test/x.png","alt_text":"` + x(2000) + `"}]`, `[{"type":"image","image_url":"https://x.test/x.png"}]`, "/blocks/0]", "alt_text"},
		{"image url", `[{"type":"image","image_url":"https://x.test/x.png","alt_text":"x","title":` + plain(9) + `}]`, `[{"type":"image","alt_text":"x"}]`, "/blocks/0]", "image_url"},
		{"image accessory", `[{"type":"section","text":` + mrk(1) + `,"accessory":{"type":"image","image_url":"https://x.test","alt_text":"x"}}]`, `[{"type":"section","text":` + mrk(1) + `,"accessory":{"type":"image","image_url":"https://x.test","alt_text":"x","title":` + plain(1) + `}}]`, "/accessory]", "title"},
		{"input label", `[{"type":"input","label":` + plain(2000) + `,"element":{"type":"plain_text_input"}}]`, `[{"type":"input","label":` + plain(2001) + `,"element":{"type":"plain_text_input"}}]`, "/label", "less than 2001"},
		{"input is no button", `[{"type":"input","label":` + plain(1) + `,"element":{"type":"number_input","is_decimal_allowed":true}}]`, `[{"type":"input","label":` + plain(1) + `,"element":` + button("") + `}]`, "/element/type", "button"},
		{"markdown", `[{"type":"markdown","text":"` + x(12000) + `"}]`, `[{"type":"markdown","text":"` + x(6001) + `"},{"type":"markdown","text":"` + x(6000) + `"}]`, "/blocks]", "12001"},
		{"rich text", richOf(`{"type":"text","text":"x","style":{"bold":true}}`), richOf(`{"type":"text","text":"x","style":{"bald":true}}`), "/style]", "bald"},
		{"rich text element", richOf(`{"type":"user","user_id":"U1"},{"type":"date","timestamp":1,"format":"{time}","fallback":"x"}`), richOf(`{"type":"person","user_id":"U1"}`), "/type", "person"},
		{"rich text is not empty", richOf(`{"type":"text","text":" "}`), richOf(`{"type":"text","text":""}`), "/text", "more than 0"},
		{"rich text date", richOf(`{"type":"date","timestamp":1700000000,"format":"{time}"}`), richOf(`{"type":"date","timestamp":"1","format":"{time}"}`), "/timestamp", "integer"},
		{"rich text broadcast", richOf(`{"type":"broadcast","range":"here"}`), richOf(`{"type":"broadcast","range":"all"}`), "/range", "here, channel, everyone"},
		{"rich text list", `[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","indent":0,"border":0,"offset":0,"elements":[{"type":"rich_text_section","elements":[]}]}]}]`,
			`[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"dotted","elements":[]}]}]`, "/style", "bullet, ordered"},
		{"a boolean", `[{"type":"section","text":` + mrk(1) + `,"expand":true}]`, `[{"type":"section","text":` + mrk(1) + `,"expand":"true"}]`, "/expand", "boolean"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, bottest.Options{})
			post := func(blocks string) map[string]any {
				_, o := form(t, w, "chat.postMessage", url.Values{
					"channel": {sales}, "text": {"x"}, "unfurl_links": {"false"}, "unfurl_media": {"false"}, "blocks": {blocks},
				})
				return o
			}
			if o := post(tt.good); o["ok"] != true {
				t.Errorf("refused at the limit: %v", o)
			}
			clean(t, w)
			o := post(tt.bad)
			messages, _ := json.Marshal(o["response_metadata"])
			if o["error"] != "invalid_blocks" || !strings.Contains(string(messages), tt.at) || !strings.Contains(string(messages), tt.says) {
				t.Errorf("got %v, want invalid_blocks with %q at %q", o, tt.says, tt.at)
			}
			problem(t, w, "chat.postMessage", tt.says, tt.at)
			if n := len(w.Messages(sales)); n != 1 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

// Slack takes it, and turns what is in it live.
func TestMrkdwnWithoutVerbatim(t *testing.T) {
	w := start(t, bottest.Options{})
	_, o := form(t, w, "chat.postEphemeral", url.Values{"channel": {sales}, "user": {ann}, "text": {"x"},
		"blocks": {`[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]`}})
	if o["ok"] != true {
		t.Errorf("got %v", o)
	}
	problem(t, w, "verbatim", "/blocks/0/text")
}

// A Home tab may hold twice as many blocks as a message, and has no title.
func TestViewRules(t *testing.T) {
	w := start(t, bottest.Options{})
	publish := func(view string) map[string]any {
		_, o := form(t, w, "views.publish", url.Values{"user_id": {ann}, "view": {view}})
		return o
	}
	if o := publish(`{"type":"home","blocks":` + many(100, `{"type":"divider"}`) + `}`); o["ok"] != true {
		t.Errorf("got %v", o)
	}
	clean(t, w)
	for view, says := range map[string]string{
		`{"type":"home","blocks":` + many(101, `{"type":"divider"}`) + `}`: "no more than 100",
		`{"type":"home","title":` + plain(1) + `,"blocks":[]}`:             "additional property: title",
		`{"type":"modal","blocks":[]}`:                                     "value must be home",
		`{"type":"home"}`:                                                  "missing required field: blocks",
		`{"type":"home","blocks":[1]}`:                                     "must be an object",
		`{"type":"home","blocks":[],"private_metadata":"` + x(3001) + `"}`: "less than 3001",
		`{"type":"home","blocks":[],"callback_id":"` + x(256) + `"}`:       "less than 256",
		`{`: "unexpected end",
	} {
		if o := publish(view); o["error"] != "invalid_arguments" {
			t.Errorf("%s: %v", view, o)
		}
		problem(t, w, "views.publish", says)
	}
}

func TestWhatBottestDoesNotShow(t *testing.T) {
	w := start(t, bottest.Options{})
	for _, name := range []string{"attachments", "markdown_text"} {
		form(t, w, "chat.postMessage", url.Values{"channel": {sales}, "text": {"x"}, name: {`[{"text":"x"}]`}})
		problem(t, w, name)
	}
}
