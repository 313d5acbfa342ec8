package bottest

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
)

//go:embed testdata/slack/web_api_openapi_v2.trimmed.json testdata/slack/rate_limit_tiers.json
var slackData embed.FS

// argument is one of a method's, as described.
type argument struct {
	kind     string // string, boolean, integer
	required bool
}

// sinceThen are the methods' arguments that Slack's description of 2021 lacks, and those whose kind or necessity it has
// wrong: github.com/slack-ruby/slack-api-ref, docs.slack.dev/methods, state of 2026-08. The unfurl switches on
// chat.update do nothing; clients that share options between posting and updating send them all the same.
var sinceThen = map[string]map[string]argument{
	"chat.postMessage":   {"metadata": {}, "markdown_text": {}},
	"chat.update":        {"metadata": {}, "markdown_text": {}, "file_ids": {}, "link_names": {kind: "boolean"}, "reply_broadcast": {kind: "boolean"}, "unfurl_links": {kind: "boolean"}, "unfurl_media": {kind: "boolean"}},
	"chat.postEphemeral": {"metadata": {}, "markdown_text": {}},
	"chat.delete":        {"channel": {required: true}, "ts": {required: true}},
	"conversations.info": {"channel": {required: true}},
	"conversations.join": {"channel": {required: true}},
	"conversations.list": {"team_id": {}},
	"conversations.history": {"channel": {required: true}, "cursor": {}, "include_all_metadata": {kind: "boolean"},
		"inclusive": {kind: "boolean"}, "latest": {}, "oldest": {}, "limit": {kind: "integer"}},
	"conversations.members": {"channel": {required: true}},
	"conversations.open":    {"prevent_creation": {kind: "boolean"}},
	"users.info":            {"user": {required: true}},
	"users.list":            {"team_id": {}},
	"views.open":            {"interactivity_pointer": {}},
	"views.update":          {"view": {required: true}},
	"views.publish":         {"interactivity_pointer": {}},
	"apps.connections.open": {},
}

// descriptions are every method's arguments: the description of 2021 with sinceThen laid over it.
var descriptions = sync.OnceValue(func() map[string]map[string]argument {
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, Type string
				Required   bool
			}
		}
	}
	readData("web_api_openapi_v2.trimmed.json", &doc)
	out := map[string]map[string]argument{}
	for path, verbs := range doc.Paths {
		args := map[string]argument{}
		for _, op := range verbs {
			for _, p := range op.Parameters {
				if p.Name != "token" {
					args[p.Name] = argument{p.Type, p.Required}
				}
			}
		}
		out[path[1:]] = args
	}
	for method, args := range sinceThen {
		if out[method] == nil {
			out[method] = map[string]argument{}
		}
		maps.Copy(out[method], args)
	}
	return out
})

// tiers are the rate-limit tiers by method: Tier1 to Tier4, or a special one.
var tiers = sync.OnceValue(func() map[string]string {
	var t map[string]string
	readData("rate_limit_tiers.json", &t)
	return t
})

func readData(name string, v any) {
	b, err := slackData.ReadFile("testdata/slack/" + name)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		panic("bottest: embedded " + name + ": " + err.Error()) // a broken build, not a state of the world
	}
}

// checkArguments holds a call's arguments against the description: the names of missing ones, and what else is wrong.
func checkArguments(method string, args map[string]string) (missing []string, wrong []string) {
	known := descriptions()[method]
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name].required && args[name] == "" {
			missing = append(missing, name)
		}
	}
	if method == "api.test" { // takes anything
		return missing, nil
	}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		value := args[name]
		a, ok := known[name]
		switch {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("has no argument %q", name))
		case a.kind == "boolean" && !slices.Contains([]string{"true", "false", "1", "0", ""}, value):
			wrong = append(wrong, fmt.Sprintf("wants true or false for %q, not %q", name, value))
		case a.kind == "integer":
			if _, err := strconv.Atoi(value); err != nil {
				wrong = append(wrong, fmt.Sprintf("wants a number for %q, not %q", name, value))
			}
		case name == "parse" && !slices.Contains([]string{"none", "full", "client", ""}, value):
			wrong = append(wrong, fmt.Sprintf("knows no parse mode %q", value))
		}
	}
	return missing, wrong
}
