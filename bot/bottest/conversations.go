package bottest

import (
	"cmp"
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kind is "channels", "groups" or "im", the first half of the scope that reading the conversation needs.
func (c *Channel) kind() string {
	switch {
	case c.user != "":
		return "im"
	case c.Private:
		return "groups"
	}
	return "channels"
}

// readable finds a channel by ID for a method that needs the scope of its kind.
func (w *Workspace) readable(id, verb string) (*Channel, reply) {
	c := w.visible(id)
	if c == nil {
		return nil, fail("channel_not_found")
	}
	if scope := c.kind() + ":" + verb; !slices.Contains(w.scopes, scope) {
		return nil, w.missingScope(scope)
	}
	return c, nil
}

// describe is a channel as conversations.info shows it.
func (w *Workspace) describe(c *Channel) map[string]any {
	o := map[string]any{
		"id": c.ID, "created": 1700000000, "creator": BotUserID, "context_team_id": TeamID, "updated": 1700000000000, "is_archived": c.Archived, "is_private": c.Private,
		"is_channel": !c.Private, "is_group": c.Private && c.user == "", "is_im": c.user != "", "is_mpim": false,
		"is_org_shared": false, "is_general": false,
	}
	if c.user != "" {
		o["user"] = c.user
		return o
	}
	teams := []string{TeamID}
	if c.ExtShared {
		teams = append(teams, "T0ELSEWHERE")
	}
	for k, v := range map[string]any{
		"name": c.Name, "name_normalized": c.Name, "is_member": c.BotIsMember, "is_shared": c.ExtShared, "is_ext_shared": c.ExtShared,
		"is_pending_ext_shared": false, "pending_shared": []string{}, "unlinked": 0, "previous_names": []string{}, "shared_team_ids": teams,
		"topic":   map[string]any{"value": "", "creator": "", "last_set": 0},
		"purpose": map[string]any{"value": "", "creator": "", "last_set": 0},
	} {
		o[k] = v
	}
	return o
}

func (w *Workspace) conversationsInfo(c *call) reply {
	ch, bad := w.readable(c.args["channel"], "read")
	if bad != nil {
		return bad
	}
	o := w.describe(ch)
	if c.yes("include_num_members") {
		o["num_members"] = len(w.members(ch))
	}
	return reply{"channel": o}
}

func (w *Workspace) conversationsList(c *call) reply {
	var kinds []string
	for t := range strings.SplitSeq(cmp.Or(c.args["types"], "public_channel"), ",") {
		kind, ok := map[string]string{"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}[strings.TrimSpace(t)]
		if !ok {
			return fail("invalid_types")
		}
		if scope := kind + ":read"; !slices.Contains(w.scopes, scope) {
			return w.missingScope(scope)
		}
		kinds = append(kinds, kind)
	}
	var all []any
	for _, id := range w.chanOrder {
		ch := w.visible(id)
		if ch != nil && slices.Contains(kinds, ch.kind()) && !(ch.Archived && c.yes("exclude_archived")) {
			o := w.describe(ch)
			o["num_members"] = len(w.members(ch))
			all = append(all, o)
		}
	}
	return page(c, "channels", all, 100)
}

func (w *Workspace) conversationsJoin(c *call) reply {
	ch := w.visible(c.args["channel"])
	switch {
	case ch == nil:
		return fail("channel_not_found")
	case ch.Private:
		return fail("method_not_supported_for_channel_type")
	case ch.Archived:
		return fail("is_archived")
	}
	r := reply{}
	if ch.BotIsMember {
		r["warning"] = "already_in_channel"
		r["response_metadata"] = map[string]any{"warnings": []string{"already_in_channel"}}
	}
	ch.BotIsMember = true
	r["channel"] = w.describe(ch)
	return r
}

func (w *Workspace) conversationsMembers(c *call) reply {
	ch, bad := w.readable(c.args["channel"], "read")
	if bad != nil {
		return bad
	}
	var all []any
	for _, id := range w.members(ch) {
		all = append(all, id)
	}
	return page(c, "members", all, 100)
}

func (w *Workspace) conversationsOpen(c *call) reply {
	if id := c.args["channel"]; id != "" {
		ch := w.visible(id)
		if ch == nil {
			return fail("channel_not_found")
		}
		return reply{"channel": map[string]any{"id": ch.ID}, "no_op": true, "already_open": true}
	}
	users := strings.Split(c.args["users"], ",")
	switch u := w.users[users[0]]; {
	case c.args["users"] == "":
		return fail("users_list_not_supplied")
	case len(users) > 1:
		c.problem("bottest opens no direct messages of several people")
		return fail("invalid_user_combination")
	case u == nil:
		return fail("user_not_found")
	case u.Deleted:
		return fail("user_disabled")
	}
	return reply{"channel": map[string]any{"id": w.direct(users[0]).ID}}
}

func (w *Workspace) conversationsHistory(c *call) reply {
	ch, bad := w.readable(c.args["channel"], "history")
	if bad != nil {
		return bad
	}
	if !ch.BotIsMember {
		return fail("not_in_channel")
	}
	oldest, latest := c.args["oldest"], c.args["latest"]
	for _, name := range []string{"oldest", "latest"} {
		if ts := c.args[name]; ts != "" && !timestamp.MatchString(ts) {
			return fail("invalid_ts_" + name)
		}
	}
	var all []any
	for _, m := range slices.Backward(w.messages[ch.ID]) { // newest first
		after, before := compareTS(m.TS, oldest), compareTS(m.TS, latest)
		switch {
		case m.Deleted, m.ThreadTS != "" && m.ThreadTS != m.TS:
		case oldest != "" && (after < 0 || after == 0 && !c.yes("inclusive")):
		case latest != "" && (before > 0 || before == 0 && !c.yes("inclusive")):
		default:
			o := w.wire(m)
			if md := m.Metadata; md.EventType != "" {
				o["metadata"] = md
				if !c.yes("include_all_metadata") { // github.com/slackapi/python-slack-sdk/issues/1501
					o["metadata"] = map[string]any{"event_type": md.EventType}
				}
			}
			all = append(all, o)
		}
	}
	r := page(c, "messages", all, 100)
	if md, ok := r["response_metadata"].(map[string]any); ok {
		r["has_more"] = md["next_cursor"] != ""
		if md["next_cursor"] == "" {
			delete(r, "response_metadata")
		}
	}
	return r
}

// timestamp is a message's, or Unix seconds.
var timestamp = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// compareTS compares two timestamps, whose fractions may have fewer digits than six.
func compareTS(a, b string) int {
	parse := func(ts string) (int64, string) {
		s, us, _ := strings.Cut(ts, ".")
		n, _ := strconv.ParseInt(s, 10, 64) // "now" and the like compare as 0
		return n, (us + "000000")[:6]
	}
	as, au := parse(a)
	bs, bu := parse(b)
	return cmp.Or(cmp.Compare(as, bs), cmp.Compare(au, bu))
}

// page answers a list in pages of limit, linked by cursors (docs.slack.dev/apis/web-api/pagination).
func page(c *call, name string, all []any, limit int) reply {
	if n, err := strconv.Atoi(c.args["limit"]); err == nil && n > 0 {
		limit = min(n, 999)
	}
	from := 0
	if cursor := c.args["cursor"]; cursor != "" {
		b, err := base64.StdEncoding.DecodeString(cursor)
		n, err2 := strconv.Atoi(strings.TrimPrefix(string(b), "next:"))
		if err != nil || err2 != nil || n < 0 || n > len(all) {
			return fail("invalid_cursor")
		}
		from = n
	}
	to, next := min(from+limit, len(all)), ""
	if to < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(to)))
	}
	return reply{
		name:                append([]any{}, all[from:to]...), // [] rather than null
		"response_metadata": map[string]any{"next_cursor": next},
	}
}
