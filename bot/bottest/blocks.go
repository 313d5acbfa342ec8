package bottest

import (
	"fmt"
	"sync"
	"unicode/utf8"
)

// Limits of Block Kit that are not beside their use below: docs.slack.dev/surfaces/modals and app-home, and the doc
// comments of github.com/slackapi/node-slack-sdk, packages/types/src/block-kit.
const (
	blocksInMessage = 50
	blocksInView    = 100
	idMax           = 255
	textMax         = 3000
	markdownMax     = 12000
)

// checkBlocks holds a message's or view's blocks against Block Kit's rules.
func checkBlocks(blocks []Block, surface string) []finding {
	c := &checker{}
	limit := blocksInMessage
	if surface != "message" {
		limit = blocksInView
	}
	if len(blocks) > limit {
		c.refuse("/blocks", "no more than %d items allowed", limit)
	}
	seen := map[string]bool{}
	for i, b := range blocks {
		at := fmt.Sprintf("/blocks/%d", i)
		anyBlock()(c, at, b)
		if id := str(b["block_id"]); id != "" {
			if seen[id] {
				c.refuse(at+"/block_id", "block_id %q already exists", id)
			}
			seen[id] = true
		}
		checkActionIDs(c, at, b)
	}
	if c.markdown > markdownMax {
		c.refuse("/blocks", "markdown blocks have %d characters in all, %d are allowed", c.markdown, markdownMax)
	}
	return c.found
}

// checkActionIDs wants each action_id once in a block; Slack refuses the whole message otherwise.
func checkActionIDs(c *checker, at string, b Block) {
	seen := map[string]bool{}
	note := func(at string, v any) {
		id := str(obj(v)["action_id"])
		if id != "" && seen[id] {
			c.refuse(at+"/action_id", "action_id %q already exists in this block", id)
		}
		seen[id] = true
	}
	note(at+"/accessory", b["accessory"])
	for i, e := range arr(b["elements"]) {
		note(fmt.Sprintf("%s/elements/%d", at, i), e)
	}
}

// checkView holds a view against the rules of its kind.
func checkView(v Block, kind string) []finding {
	c := &checker{}
	own := fields{
		"blocks": func(*checker, string, any) {}, "private_metadata": chars(0, 3000), "callback_id": chars(0, idMax), "external_id": chars(0, idMax),
	}
	required := "type blocks"
	if kind == "modal" {
		required += " title"
		for _, name := range []string{"title", "submit", "close"} {
			own[name] = plain(24)
		}
		for _, name := range []string{"clear_on_close", "notify_on_close", "submit_disabled"} {
			own[name] = boolean
		}
	}
	for _, name := range []string{"title", "submit", "close"} {
		if v[name] == nil { // clients send null for what is not set
			delete(v, name)
		}
	}
	if str(v["type"]) != kind {
		c.refuse("/type", "value must be %s", kind)
	}
	object(required, own)(c, "", v)
	var blocks []Block
	input := false
	list, ok := v["blocks"].([]any)
	if !ok {
		c.refuse("/blocks", "must be an array")
	}
	for i, e := range list {
		b, ok := e.(Block)
		if !ok {
			c.refuse(fmt.Sprintf("/blocks/%d", i), "must be an object")
			continue
		}
		blocks = append(blocks, b)
		input = input || b["type"] == "input"
	}
	if input && kind == "modal" && v["submit"] == nil {
		c.refuse("", "submit is required when there is an input block")
	}
	return append(c.found, checkBlocks(blocks, kind)...)
}

// anyBlock knows the blocks that show alike on every client; Slack's newer ones are for modals, agents or one surface.
var anyBlock = sync.OnceValue(func() rule {
	id := chars(1, idMax)
	url := chars(1, 3000)
	link := fields{"image_url": url, "slack_file": object("", fields{"id": id, "url": url}), "alt_text": chars(1, 2000)}
	image := also(object("alt_text", link), eitherOf("image_url", "slack_file"))
	imageBlock := also(object("alt_text", fields{
		"image_url": url, "slack_file": link["slack_file"], "alt_text": link["alt_text"], "title": plain(2000), "block_id": id,
	}), eitherOf("image_url", "slack_file"))

	element := typed("element", elements())
	contextRules := map[string]rule{"image": image, "plain_text": text(textMax), "mrkdwn": text(textMax)}
	accessory := elements()
	accessory["image"] = image

	return typed("block", map[string]rule{
		"section": also(object("", fields{
			"text": text(textMax), "fields": list(1, 10, text(2000)), "accessory": typed("element", accessory), "block_id": id, "expand": boolean,
		}), eitherOf("text", "fields")),
		"header":    object("text", fields{"text": plain(150), "level": whole(1, 4), "block_id": id}),
		"context":   object("elements", fields{"elements": list(1, 10, typed("element", contextRules)), "block_id": id}),
		"actions":   object("elements", fields{"elements": list(1, 25, element), "block_id": id}),
		"divider":   object("", fields{"block_id": id}),
		"image":     imageBlock,
		"rich_text": object("elements", fields{"elements": list(1, 1000, richText()), "block_id": id}),
		"markdown": object("text", fields{"block_id": id, "text": func(c *checker, at string, v any) {
			chars(1, markdownMax)(c, at, v)
			c.markdown += utf8.RuneCountInString(str(v))
		}}),
		"input": object("label element", fields{
			"label": plain(2000), "hint": plain(2000), "element": typed("element", inputs()), "optional": boolean, "dispatch_action": boolean, "block_id": id,
		}),
	})
})

// text wants a text object of either kind, so many characters long.
func text(most int) rule { return textObject(most, "plain_text", "mrkdwn") }

// plain wants a plain_text object.
func plain(most int) rule { return textObject(most, "plain_text") }

func textObject(most int, kinds ...string) rule {
	return func(c *checker, at string, v any) {
		o := obj(v)
		extra := "emoji" // belongs to plain_text alone
		if o["type"] == "mrkdwn" {
			extra = "verbatim" // belongs to mrkdwn alone
		}
		object("type text", fields{"text": chars(1, most), extra: boolean})(c, at, v)
		if o == nil {
			return
		}
		oneOf(kinds...)(c, at+"/type", o["type"])
		if o["type"] == "mrkdwn" && o["verbatim"] != true {
			c.warn(at, "mrkdwn without verbatim: Slack turns bare @here, #channel and URLs in it into live ones")
		}
	}
}
