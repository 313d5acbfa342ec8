package bottest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A response URL is good for five posts within thirty minutes (docs.slack.dev/interactivity/handling-user-interaction).
const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// responder is what stands behind a response URL.
type responder struct {
	user, channel string
	ts, thread    string // of the message whose button was pressed; "" for a command
	uses          int
	expires       time.Time
}

// newResponder makes a response URL of the form Slack's have, with w.mu held.
func (w *Workspace) newResponder(kind string, r *responder) string {
	n := w.ids.count("response")
	path := fmt.Sprintf("/%s/%s/%012d/%024x", kind, TeamID, n, n)
	r.expires = w.clock.Now().Add(responseLife)
	w.responders[path] = r
	return "http://" + w.host + path
}

// response is a message posted to a response URL, or answered to a command.
type response struct {
	Text            *string         `json:"text"`
	Blocks          json.RawMessage `json:"blocks"`
	Attachments     json.RawMessage `json:"attachments"`
	ResponseType    string          `json:"response_type"`
	ReplaceOriginal bool            `json:"replace_original"`
	DeleteOriginal  bool            `json:"delete_original"`
	ThreadTS        string          `json:"thread_ts"`
	Parse           string          `json:"parse"`
	LinkNames       any             `json:"link_names"`
	Mrkdwn          *bool           `json:"mrkdwn"`
	Metadata        json.RawMessage `json:"metadata"`
}

// arguments are the response's as a Web API call would send them, for the checks that both share.
func (r *response) arguments() map[string]string {
	args := map[string]string{"parse": r.Parse}
	if r.Text != nil {
		args["text"] = *r.Text
	}
	for name, raw := range map[string]json.RawMessage{"blocks": r.Blocks, "attachments": r.Attachments, "metadata": r.Metadata} {
		if len(raw) > 0 && string(raw) != "null" {
			args[name] = string(raw)
		}
	}
	if s := fmt.Sprint(r.LinkNames); s == "true" || s == "1" {
		args["link_names"] = "true"
	}
	return args
}

// respond posts a response as a new message, to the person or, in_channel, to all, with w.mu held.
func (w *Workspace) respond(c *call, r *response, m *Message, user string) (*Message, reply) {
	c.args = r.arguments()
	switch r.ResponseType {
	case "", "ephemeral":
		m.To = user
	case "in_channel":
	default:
		c.problem("there is no response_type %q", r.ResponseType)
		return nil, fail("invalid_arguments")
	}
	m.ThreadTS, m.NoMrkdwn = r.ThreadTS, r.Mrkdwn != nil && !*r.Mrkdwn
	if bad := w.content(c, m, textMaxPost); bad != nil {
		return nil, bad
	}
	w.post(m)
	return m, nil
}

func (w *Workspace) serveResponseURL(rw http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, maxBody))
	if err != nil {
		return // the caller went away, or sends what no Slack would read
	}
	w.trace(KindResponse, "post to a response_url", string(body))
	c := &call{method: "response_url", args: map[string]string{}}
	if req.Header.Get("Authorization") != "" {
		c.problem("a token is sent to a response_url, which needs none")
	}
	w.mu.Lock()
	status, retry, out := w.useResponder(c, req.URL.Path, body)
	w.mu.Unlock()
	w.problem(c.problems...)
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	if retry > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int((retry+time.Second-1)/time.Second)))
	}
	b, err := json.Marshal(out)
	if err != nil {
		w.problem(fmt.Errorf("bottest: %w", err))
	}
	w.trace(KindReply, "response_url: "+strings.TrimSpace("ok "+str(out["error"])), string(b))
	rw.WriteHeader(status)
	_, _ = rw.Write(b) // the caller may be gone; the deed is done
}

// useResponder does what was posted to the response URL at path, with w.mu held.
func (w *Workspace) useResponder(c *call, path string, body []byte) (status int, retry time.Duration, _ reply) {
	d := w.responders[path]
	switch {
	case d == nil:
		c.problem("there is no such URL")
		return http.StatusNotFound, 0, fail("no_service")
	case w.clock.Now().After(d.expires):
		c.problem("used more than %s after the interaction", responseLife)
		return http.StatusNotFound, 0, fail("expired_url")
	case d.uses >= responseUses:
		c.problem("used more than %d times", responseUses)
		return http.StatusNotFound, 0, fail("used_url")
	}
	var r response
	if err := json.Unmarshal(body, &r); err != nil {
		c.problem("the body is no message: %v", err)
		return http.StatusBadRequest, 0, fail("invalid_payload")
	}
	if r.ResponseType == "in_channel" && !r.ReplaceOriginal && !r.DeleteOriginal {
		if retry := w.limitChannel(d.channel, w.clock.Now()); retry > 0 {
			return http.StatusTooManyRequests, retry, fail("ratelimited")
		}
	}
	d.uses++
	var bad reply
	if r.ReplaceOriginal || r.DeleteOriginal {
		bad = w.changeOriginal(c, d, &r)
	} else {
		_, bad = w.respond(c, &r, &Message{Channel: d.channel, User: BotUserID, Via: ViaResponseURL}, d.user)
	}
	if bad != nil {
		return http.StatusBadRequest, 0, bad
	}
	return http.StatusOK, 0, reply{"ok": true}
}

// changeOriginal rewrites or deletes the message whose button was pressed, ephemeral or not.
func (w *Workspace) changeOriginal(c *call, d *responder, r *response) reply {
	if d.ts == "" {
		c.problem("a command has no original message to change")
		return fail("invalid_payload")
	}
	m := find(w.ephemerals[d.user], d.ts)
	if m == nil {
		m = w.findMessage(d.channel, d.ts)
	}
	if m == nil {
		return fail("message_not_found")
	}
	if r.DeleteOriginal {
		m.Deleted = true
		w.change()
		return nil
	}
	c.args = r.arguments()
	next := *m
	if bad := w.content(c, &next, textMaxUpdate); bad != nil {
		return bad
	}
	w.revise(m, next.Text, next.Blocks)
	m.Metadata, m.Parse, m.LinkNames, m.NoMrkdwn = next.Metadata, next.Parse, next.LinkNames, r.Mrkdwn != nil && !*r.Mrkdwn
	return nil
}
