package bottest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// viewMax is the size of a view in bytes (docs.slack.dev/reference/methods/views.open).
const viewMax = 250_000

// View is a Home tab or a modal as it stood when it was asked for.
type View struct {
	ID, Type, CallbackID, Title string // Type is "home" or "modal"
	User                        string // who sees it
	Hash                        string // changes with every update
	PrivateMetadata             string
	Blocks                      []Block
	Updates                     int

	externalID string
	content    map[string]any
	names      map[string]string
	zone       *time.Location
}

// AsText is everything a reader sees on the view.
func (v View) AsText() string {
	s := renderer{names: v.names, zone: v.zone}.blocks(v.Blocks)
	if v.Title != "" {
		return v.Title + "\n" + s
	}
	return s
}

// Buttons are the buttons on the view, in reading order.
func (v View) Buttons() []Button { return buttons(v.Blocks) }

// Home is a person's Home tab; false when the app has not published one.
func (w *Workspace) Home(user string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.viewOf(w.homes, user)
}

// Modal is the modal last opened for a person; false when there was none.
func (w *Workspace) Modal(user string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.viewOf(w.modals, user)
}

// WaitHome waits until a person's Home tab is one that match accepts. match must not use the workspace.
func (w *Workspace) WaitHome(ctx context.Context, user string, match func(View) bool) (View, error) {
	var v View
	err := w.wait(ctx, func() bool {
		var ok bool
		v, ok = w.viewOf(w.homes, user)
		return ok && match(v)
	})
	if err != nil {
		return View{}, fmt.Errorf("bottest: no such Home tab of %s: %w; it is: %s", user, err, v.AsText())
	}
	return v, nil
}

func (w *Workspace) viewOf(which map[string]string, user string) (View, bool) {
	v := w.views[which[user]]
	if v == nil {
		return View{}, false
	}
	s := *v
	s.names, s.zone = w.names, time.UTC
	if u := w.users[user]; u != nil {
		s.zone = u.zone()
	}
	return s, true
}

// trigger is a trigger_id: good once and for three seconds (docs.slack.dev/interactivity/handling-user-interaction).
type trigger struct {
	user    string
	expires time.Time
	used    bool
}

const triggerLife = 3 * time.Second

func (w *Workspace) newTrigger(user string) string {
	id := w.ids.trigger()
	w.triggers[id] = &trigger{user: user, expires: w.clock.Now().Add(triggerLife)}
	return id
}

func (w *Workspace) viewsOpen(c *call) reply {
	t := w.triggers[c.args["trigger_id"]]
	switch {
	case c.args["trigger_id"] == "":
		c.problem("trigger_id is missing")
		return fail("invalid_arguments", "[ERROR] missing required field: trigger_id")
	case t == nil:
		c.problem("there is no trigger_id %q", c.args["trigger_id"])
		return fail("invalid_trigger_id")
	case t.used:
		c.problem("the trigger_id was used before")
		return fail("exchanged_trigger_id")
	case w.clock.Now().After(t.expires):
		c.problem("the trigger_id is older than %s", triggerLife)
		return fail("expired_trigger_id")
	}
	t.used = true
	v := &View{ID: w.ids.next("V"), User: t.user}
	if bad := w.setView(c, v, "modal"); bad != nil {
		return bad
	}
	w.modals[t.user] = v.ID
	return reply{"view": w.wireView(v)}
}

func (w *Workspace) viewsUpdate(c *call) reply {
	v := w.views[c.args["view_id"]]
	if ext := c.args["external_id"]; v == nil && ext != "" {
		for _, each := range w.views {
			if each.externalID == ext {
				v = each
			}
		}
	}
	if v == nil {
		return fail("not_found")
	}
	if h := c.args["hash"]; h != "" && h != v.Hash {
		return fail("hash_conflict")
	}
	v.Updates++
	if bad := w.setView(c, v, v.Type); bad != nil {
		v.Updates--
		return bad
	}
	return reply{"view": w.wireView(v)}
}

func (w *Workspace) viewsPublish(c *call) reply {
	user := c.args["user_id"]
	if w.users[user] == nil {
		return fail("invalid_arguments", "[ERROR] invalid `user_id`")
	}
	v := w.views[w.homes[user]]
	if v == nil {
		v = &View{ID: w.ids.next("V"), User: user, Updates: -1}
	} else if h := c.args["hash"]; h != "" && h != v.Hash {
		return fail("hash_conflict")
	}
	v.Updates++
	if bad := w.setView(c, v, "home"); bad != nil {
		v.Updates--
		return bad
	}
	w.homes[user] = v.ID
	return reply{"view": w.wireView(v)}
}

// setView reads the view argument into v, holds it against Slack's rules, and keeps it.
func (w *Workspace) setView(c *call, v *View, kind string) reply {
	raw := c.args["view"]
	if len(raw) > viewMax {
		c.problem("the view has %d bytes, %d are allowed", len(raw), viewMax)
		return fail("view_too_large")
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		c.problem("view: %v", err)
		return fail("invalid_arguments", "[ERROR] invalid `view`")
	}
	var refused []string
	for _, f := range checkView(o, kind) {
		c.problem("%s [json-pointer:/view%s]", f.text, f.at)
		if f.refused {
			refused = append(refused, "[ERROR] "+f.text+" [json-pointer:/view"+f.at+"]")
		}
	}
	if len(refused) > 0 {
		return fail("invalid_arguments", refused...)
	}
	var blocks []Block
	for _, b := range arr(o["blocks"]) {
		blocks = append(blocks, obj(b))
	}
	w.complete(blocks)
	v.Type, v.CallbackID, v.PrivateMetadata = kind, str(o["callback_id"]), str(o["private_metadata"])
	v.Title, v.externalID = str(obj(o["title"])["text"]), str(o["external_id"])
	v.Blocks, v.content = blocks, o
	now := w.clock.Now()
	v.Hash = fmt.Sprintf("%d.%08x", now.Unix(), w.ids.count("h"))
	w.views[v.ID] = v
	w.change()
	return nil
}

// wireView is a view as Slack sends it.
func (w *Workspace) wireView(v *View) map[string]any {
	o := map[string]any{
		"title": nil, "submit": nil, "close": nil, "callback_id": "", "private_metadata": "", "external_id": "",
		"clear_on_close": false, "notify_on_close": false, "previous_view_id": nil,
	}
	for k, x := range v.content {
		o[k] = x
	}
	o["id"], o["hash"], o["root_view_id"] = v.ID, v.Hash, v.ID
	o["team_id"], o["app_id"], o["bot_id"] = TeamID, AppID, BotID
	o["state"] = map[string]any{"values": map[string]any{}}
	return o
}
