package bottest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// reply is the JSON a method answers.
type reply map[string]any

// call is one Web API call while it is worked on.
type call struct {
	method   string
	args     map[string]string
	problems []error
}

func (c *call) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %w", c.method, fmt.Errorf(format, args...)))
}

// has says whether the argument was sent at all, even empty.
func (c *call) has(name string) bool { _, ok := c.args[name]; return ok }

// yes reads a boolean argument.
func (c *call) yes(name string) bool { return c.args[name] == "true" || c.args[name] == "1" }

// fail is a refusal: HTTP 200 with ok false, as Slack does for everything but rate limits.
func fail(code string, messages ...string) reply {
	r := reply{"ok": false, "error": code}
	if len(messages) > 0 {
		r["response_metadata"] = map[string]any{"messages": messages}
	}
	return r
}

// method is how a Web API method is served.
type method struct {
	run      func(*Workspace, *call) reply // with w.mu held
	scope    string                        // needed for any call; those that depend on the channel are asked for in run
	json     bool                          // takes its arguments as JSON too
	appToken bool                          // takes the app-level token and no other
}

// methods are the methods served: scopes and JSON support from docs.slack.dev/reference/methods.
func methods() map[string]method {
	return map[string]method{
		"api.test":              {run: (*Workspace).apiTest, json: true},
		"auth.test":             {run: (*Workspace).authTest, json: true},
		"apps.connections.open": {run: (*Workspace).connectionsOpen, json: true, appToken: true},
		"chat.postMessage":      {run: (*Workspace).postMessage, scope: "chat:write", json: true},
		"chat.update":           {run: (*Workspace).updateMessage, scope: "chat:write", json: true},
		"chat.postEphemeral":    {run: (*Workspace).postEphemeral, scope: "chat:write", json: true},
		"chat.delete":           {run: (*Workspace).deleteMessage, scope: "chat:write", json: true},
		"chat.getPermalink":     {run: (*Workspace).getPermalink},
		"conversations.info":    {run: (*Workspace).conversationsInfo},
		"conversations.list":    {run: (*Workspace).conversationsList},
		"conversations.join":    {run: (*Workspace).conversationsJoin, scope: "channels:join", json: true},
		"conversations.members": {run: (*Workspace).conversationsMembers},
		"conversations.open":    {run: (*Workspace).conversationsOpen, scope: "im:write", json: true},
		"conversations.history": {run: (*Workspace).conversationsHistory, json: true},
		"users.info":            {run: (*Workspace).usersInfo, scope: "users:read"},
		"users.list":            {run: (*Workspace).usersList, scope: "users:read"},
		"views.open":            {run: (*Workspace).viewsOpen, json: true},
		"views.update":          {run: (*Workspace).viewsUpdate, json: true},
		"views.publish":         {run: (*Workspace).viewsPublish, json: true},
		"reactions.add":         {run: (*Workspace).reactionsAdd, scope: "reactions:write", json: true},
	}
}

func (w *Workspace) routes() http.Handler {
	mux := http.NewServeMux()
	known := methods()
	mux.HandleFunc("/api/{method}", func(rw http.ResponseWriter, r *http.Request) {
		w.serveCall(rw, r, known)
	})
	mux.HandleFunc("POST /actions/", w.serveResponseURL)
	mux.HandleFunc("POST /commands/", w.serveResponseURL)
	mux.HandleFunc("GET /link/", w.serveSocket)
	return mux
}

// serveCall answers one Web API call: who asks, whether they may, whether the arguments are right, and how often they
// have asked, in that order; then the method runs.
func (w *Workspace) serveCall(rw http.ResponseWriter, r *http.Request, known map[string]method) {
	c := &call{method: r.PathValue("method")}
	token, isJSON, err := c.read(r)
	if r.Context().Err() != nil { // the caller went away in the middle
		return
	}
	w.trace(KindCall, c.summary(), c.full())

	var body reply
	var retry time.Duration
	var scopes []string
	now := w.clock.Now()
	m, ok := known[c.method]
	w.mu.Lock()
	switch code := w.authorize(c, m, token); {
	case !ok:
		c.problem("there is no such method here")
		body = fail("unknown_method")
	case err != nil:
		c.problem("%v", err)
		body = fail(err.code)
	case code != "":
		body = fail(code)
	case m.scope != "" && !slices.Contains(w.scopes, m.scope):
		body = w.missingScope(m.scope)
	default:
		if retry = w.limit(c, now); retry > 0 {
			body = fail("ratelimited")
			break
		}
		if isJSON && !m.json {
			c.problem("takes no JSON; Slack does not see these arguments")
			c.args = map[string]string{}
		}
		missing, wrong := checkArguments(c.method, c.args)
		for _, s := range wrong {
			c.problem("Slack %s", s)
		}
		if len(missing) > 0 {
			var messages []string
			for _, name := range missing {
				c.problem("the argument %q is missing", name)
				messages = append(messages, "[ERROR] missing required field: "+name)
			}
			body = fail("invalid_arguments", messages...)
			break
		}
		body = m.run(w, c)
	}
	req := Request{At: now, Method: c.method, Args: c.args, Status: http.StatusOK, Error: str(body["error"])}
	if retry > 0 {
		req.Status = http.StatusTooManyRequests
	}
	if _, ok := body["ok"]; !ok {
		body["ok"] = true
	}
	w.requests = append(w.requests, req)
	scopes = w.scopes
	w.change()
	b, jsonErr := json.Marshal(body)
	w.mu.Unlock()
	if jsonErr != nil {
		c.problem("bottest cannot encode its answer: %v", jsonErr)
	}
	w.problem(c.problems...)

	// Every answer names what is granted (docs.slack.dev/authentication/installing-with-oauth).
	rw.Header().Set("X-OAuth-Scopes", strings.Join(scopes, ","))
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	if retry > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int((retry+time.Second-1)/time.Second)))
	}
	summary := c.method + ": ok"
	if req.Error != "" {
		summary = c.method + ": " + req.Error
	}
	w.trace(KindReply, summary, string(b))
	rw.WriteHeader(req.Status)
	_, _ = rw.Write(b) // the caller may be gone; the deed is done
}

// authorize gives Slack's code for a token that does not do, with w.mu held.
func (w *Workspace) authorize(c *call, m method, token string) string {
	switch {
	case c.method == "api.test" || m.run == nil:
		return ""
	case token == "":
		c.problem("no token was sent")
		return "not_authed"
	case m.appToken && token == w.opt.BotToken, !m.appToken && token == w.opt.AppToken:
		c.problem("called with the wrong kind of token")
		return "not_allowed_token_type"
	case m.appToken && token == w.opt.AppToken:
		return ""
	case m.appToken || token != w.opt.BotToken:
		return "invalid_auth"
	}
	return w.revoked
}

func (w *Workspace) missingScope(needed string) reply {
	r := fail("missing_scope")
	r["needed"], r["provided"] = needed, strings.Join(w.scopes, ",")
	return r
}

// refusal is a request that cannot be read, with Slack's code for it.
type refusal struct {
	code string
	err  error
}

func (r *refusal) Error() string { return r.err.Error() }

const maxBody = 1 << 20

// read takes the arguments and the token from wherever they travel: query, form, multipart form or JSON body; the token
// in a header or as a field (docs.slack.dev/apis/web-api).
func (c *call) read(r *http.Request) (token string, isJSON bool, _ *refusal) {
	c.args = map[string]string{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	query := r.URL.Query()
	if query.Has("token") {
		c.problem("the token travels in the query string, where Slack refuses it and logs keep it")
		query.Del("token")
	}
	c.take(query)
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
		switch kind {
		case "application/json":
			isJSON = true
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return token, true, &refusal{"request_timeout", err}
			}
			if len(strings.TrimSpace(string(b))) == 0 {
				break
			}
			var o map[string]json.RawMessage
			if err := json.Unmarshal(b, &o); err != nil {
				return token, true, &refusal{"invalid_json", err}
			}
			for name, raw := range o {
				var s string
				switch {
				case string(raw) == "null":
				case json.Unmarshal(raw, &s) == nil:
					c.args[name] = s
				default:
					c.args[name] = string(raw)
				}
			}
		case "application/x-www-form-urlencoded", "multipart/form-data":
			err := r.ParseForm()
			if err == nil && kind == "multipart/form-data" {
				err = r.ParseMultipartForm(maxBody)
			}
			if err != nil {
				return token, false, &refusal{"invalid_form_data", err}
			}
			c.take(r.PostForm)
		default:
			if r.ContentLength != 0 {
				return token, false, &refusal{"invalid_post_type", fmt.Errorf("content type %q", kind)}
			}
		}
	}
	if t := c.args["token"]; t != "" && token == "" {
		if isJSON {
			c.problem("the token travels in a JSON body, where Slack does not look for it")
		} else {
			token = t
		}
	}
	delete(c.args, "token")
	for name, value := range c.args {
		if !utf8.ValidString(value) {
			return token, isJSON, &refusal{"invalid_charset", fmt.Errorf("%s is not UTF-8", name)}
		}
	}
	return token, isJSON, nil
}

func (c *call) take(values url.Values) {
	for name, v := range values {
		if len(v) > 1 {
			c.problem("the argument %q is sent %d times", name, len(v))
		}
		c.args[name] = v[len(v)-1]
	}
}

// summary is the call in one line.
func (c *call) summary() string {
	s := c.method
	for _, name := range []string{"channel", "user", "user_id", "ts"} {
		if v := c.args[name]; v != "" {
			s += " " + v
		}
	}
	if t := c.args["text"]; t != "" {
		s += " " + strconv.Quote(short(t, 80))
	}
	return s
}

func (c *call) full() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.args)) {
		fmt.Fprintf(&b, "%s=%s\n", name, c.args[name])
	}
	return b.String()
}

// apiTest echoes its arguments, and fails when told to.
func (w *Workspace) apiTest(c *call) reply {
	r := reply{"ok": true, "args": c.args}
	if e := c.args["error"]; e != "" {
		r["ok"], r["error"] = false, e
	}
	return r
}

func (w *Workspace) authTest(*call) reply {
	return reply{
		"url": "https://" + TeamDomain + ".slack.com/", "team": "Bottest", "user": BotName,
		"team_id": TeamID, "user_id": BotUserID, "bot_id": BotID, "is_enterprise_install": false,
	}
}
