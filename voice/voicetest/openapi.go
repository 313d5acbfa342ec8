package voicetest

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// Twilio's own description of its API: the paths played here, of the documents in
// github.com/twilio/twilio-oai. Its licence stands beside it.
//
//go:embed testdata/twilio
var descriptions embed.FS

// described is one path of the description.
type described struct {
	match *regexp.Regexp // with a named group per parameter
	doc   *openapi3.T
	path  string
	item  *openapi3.PathItem
}

// describe loads the description once, because it takes a moment.
var describe = sync.OnceValue(func() []described {
	var all []described
	for _, name := range []string{"api_v2010.trimmed.json", "lookups_v2.trimmed.json", "serverless_v1.trimmed.json"} {
		data, err := descriptions.ReadFile("testdata/twilio/" + name)
		if err != nil {
			panic(err) // embedded
		}
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		for path, item := range doc.Paths.Map() {
			all = append(all, described{pathPattern(path), doc, path, item})
		}
	}
	slices.SortFunc(all, func(a, b described) int { return strings.Compare(a.path, b.path) })
	return all
})

// pathPattern matches a path of the description. The routers of kin-openapi that
// are at hand do not know parameters followed by an extension, like {Sid}.json.
func pathPattern(template string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(template)
	quoted = parameterInPath.ReplaceAllString(quoted, `(?P<$1>[^/]+?)`)
	return regexp.MustCompile("^" + quoted + "$")
}

var parameterInPath = regexp.MustCompile(`\\\{(\w+)\\\}`)

// route finds the operation for a request and the parameters in its path; known
// says whether the path exists at all.
func route(method, urlPath string) (r *routers.Route, params map[string]string, known bool) {
	for _, d := range describe() {
		values := d.match.FindStringSubmatch(urlPath)
		if values == nil {
			continue
		}
		known = true
		if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodDelete}, method) {
			continue
		}
		if op := d.item.GetOperation(method); op != nil {
			params = map[string]string{}
			for i, name := range d.match.SubexpNames()[1:] {
				params[name] = values[i+1]
			}
			return &routers.Route{Spec: d.doc, Path: d.path, PathItem: d.item, Method: method, Operation: op}, params, true
		}
	}
	return nil, nil, known
}

// formSchema is the schema of a request body; empty if there is none.
func formSchema(op *openapi3.Operation) *openapi3.Schema {
	if op.RequestBody != nil {
		if c := op.RequestBody.Value.Content.Get(formType); c != nil {
			return c.Schema.Value
		}
	}
	return &openapi3.Schema{}
}

const formType = "application/x-www-form-urlencoded"

// alternatives are groups of body parameters, of each of which one is required:
// the extension x-twilio.conditional.
func alternatives(op *openapi3.Operation) [][]string {
	var extension struct {
		Conditional [][]string `json:"conditional"`
	}
	data, err := json.Marshal(op.Extensions["x-twilio"])
	if err != nil || json.Unmarshal(data, &extension) != nil {
		return nil
	}
	for _, group := range extension.Conditional {
		for i, name := range group {
			group[i] = camel(name)
		}
	}
	return extension.Conditional
}

// camel makes MessagingServiceSid of messaging_service_sid.
func camel(snake string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(snake, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
