package voicetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// violation is a disagreement of a request with the description.
type violation struct {
	name    string // of the parameter
	text    string
	ignored bool // Twilio overlooks it: an unknown parameter
}

func (v violation) String() string { return v.name + ": " + v.text }

// checkRequest holds a request against its operation: everything openapi3filter
// checks, and besides that there is no unknown or repeated parameter and that of
// each group of alternatives one is there.
func checkRequest(ctx context.Context, rt *routers.Route, params map[string]string, query, form url.Values) []violation {
	var found []violation
	add := func(name string, ignored bool, format string, args ...any) {
		found = append(found, violation{name, fmt.Sprintf(format, args...), ignored})
	}
	op := rt.Operation
	known := func(where, name string) *openapi3.SchemaRef {
		if where == "body" {
			return formSchema(op).Properties[name]
		}
		if p := op.Parameters.GetByInAndName(where, name); p != nil {
			return p.Schema
		}
		return nil
	}
	for where, values := range map[string]url.Values{"query": query, "body": form} {
		for _, name := range sortedKeys(values) {
			s := known(where, name)
			if s == nil {
				add(name, true, "%s has no such parameter in the %s", op.OperationID, where)
			} else if len(values[name]) > 1 && !s.Value.Type.Is("array") {
				add(name, false, "given %d times", len(values[name]))
			}
		}
	}
	for _, group := range alternatives(op) {
		if !slices.ContainsFunc(group, func(name string) bool { return form.Get(name) != "" }) {
			add(group[0], false, "one of %s is required", strings.Join(group, ", "))
		}
	}

	r, err := http.NewRequestWithContext(ctx, rt.Method, "/?"+query.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		add("request", false, "%v", err)
		return found
	}
	r.Header.Set("Content-Type", formType)
	err = openapi3filter.ValidateRequest(ctx, &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, QueryParams: query, Route: rt, Options: checkOptions(requestFormats),
	})
	return append(found, flatten(err, "request")...)
}

func checkOptions(formats map[string]openapi3.StringFormatValidator) *openapi3filter.Options {
	return &openapi3filter.Options{
		MultiError:            true,
		IncludeResponseStatus: true,
		SkipSettingDefaults:   true,
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // checked before
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.EnableFormatValidation(), openapi3.WithStringFormatValidators(formats), openapi3.DisableSchemaErrorDetails(),
		},
	}
}

// flatten makes a list of the tree of errors that kin-openapi returns.
func flatten(err error, name string) []violation {
	var (
		schema *openapi3.SchemaError
		parse  *openapi3filter.ParseError
		list   []violation
	)
	switch e := err.(type) {
	case nil:
		return nil
	case openapi3.MultiError:
		for _, inner := range e {
			list = append(list, flatten(inner, name)...)
		}
		return list
	case *openapi3filter.RequestError:
		if e.Parameter != nil {
			name = e.Parameter.Name
		}
		if e.Err != nil {
			return flatten(e.Err, name)
		}
		return []violation{{name: name, text: e.Reason}}
	}
	if errors.As(err, &schema) {
		if at := schema.JSONPointer(); len(at) > 0 {
			name = at[0]
		}
		return []violation{{name: name, text: schema.Reason}}
	}
	if errors.As(err, &parse) {
		if at := parse.Path(); len(at) > 0 {
			name = fmt.Sprint(at[0])
		}
	}
	return []violation{{name: name, text: err.Error()}}
}

// format turns a check into a validator.
func format(check func(string) error) openapi3.StringFormatValidator {
	return openapi3.NewCallbackValidator(check)
}

// requestFormats are the formats of Twilio's documents that are none of OpenAPI's.
var requestFormats = map[string]openapi3.StringFormatValidator{
	"uri": format(absoluteURL),
	"phone-number": format(func(s string) error {
		if !e164.MatchString(s) && !shortCode.MatchString(s) {
			return errors.New("not a number in E.164 form")
		}
		return nil
	}),
	"endpoint": format(func(s string) error {
		if !e164.MatchString(s) && !strings.HasPrefix(s, "sip:") && !strings.HasPrefix(s, "client:") {
			return errors.New("not a number in E.164 form")
		}
		return nil
	}),
	"twiml": format(func(s string) error {
		if len([]rune(s)) > 4000 {
			return errors.New("TwiML of more than 4000 characters")
		}
		return nil
	}),
	"date-time": format(timeOrDay),
	"date":      format(timeOrDay),
}

// responseFormats are those of the answers. The URIs of pages have no host there.
var responseFormats = map[string]openapi3.StringFormatValidator{
	"uri": format(func(s string) error {
		if strings.HasPrefix(s, "/") {
			return nil
		}
		return absoluteURL(s)
	}),
	"date-time-rfc-2822": format(func(s string) error {
		_, err := time.Parse(time.RFC1123Z, s)
		return err
	}),
}

var shortCode = regexp.MustCompile(`^[0-9]{3,6}$`)

// absoluteURL accepts an absolute http(s) URL, and the empty one, which stands for none.
func absoluteURL(s string) error {
	u, err := url.Parse(s)
	if s != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("not an absolute http(s) URL")
	}
	return nil
}

func timeOrDay(s string) error {
	_, _, err := parseTime(s)
	return err
}

// parseTime reads a time or a day, both of which Twilio's filters accept.
func parseTime(s string) (t time.Time, day bool, err error) {
	if t, err = time.Parse(time.RFC3339, s); err == nil {
		return t, false, nil
	}
	if t, err = time.Parse(time.DateOnly, s); err == nil {
		return t, true, nil
	}
	return t, false, fmt.Errorf("%q is neither a time (RFC 3339) nor a day", s)
}

// checkResponse holds an answer against its operation. The network's own tests
// use it.
func checkResponse(ctx context.Context, rt *routers.Route, params map[string]string, status int, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, rt.Method, "/", nil)
	if err != nil {
		return err
	}
	if err := openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: rt},
		Status:                 status,
		Header:                 http.Header{"Content-Type": {"application/json"}},
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                checkOptions(responseFormats),
	}); err != nil {
		return err
	}
	described := rt.Operation.Responses.Status(status).Value.Content.Get("application/json")
	if described == nil {
		if len(body) > 0 {
			return fmt.Errorf("%s: status %d has a body", rt.Operation.OperationID, status)
		}
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	return noneUnknown(described.Schema.Value, value)
}

// noneUnknown finds properties that the description does not have.
func noneUnknown(s *openapi3.Schema, value any) error {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			p := s.Properties[name]
			if p == nil && len(s.Properties) > 0 {
				return fmt.Errorf("%s: no such property", name)
			}
			if p != nil {
				if err := noneUnknown(p.Value, inner); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	case []any:
		for _, inner := range value {
			if err := noneUnknown(s.Items.Value, inner); err != nil {
				return err
			}
		}
	}
	return nil
}
