package bottest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Channel is a conversation. IDs are the caller's choice; Slack's begin with C (G for old private ones) or, for a
// direct message, D.
type Channel struct {
	ID, Name    string // Name without "#"
	Private     bool
	Archived    bool
	BotIsMember bool
	ExtShared   bool     // shared with another organisation by Slack Connect
	Members     []string // user IDs; nil means everybody of this workspace

	user string // whose direct message with the bot this is
}

// User is a person, or a bot.
type User struct {
	ID, Name string // Name is the display name; the handle is made from it
	TZ       string // IANA zone, default UTC
	Guest    bool   // a single-channel guest
	TeamID   string // another workspace's for people who come in by Slack Connect; default this one's
	Deleted  bool
	Bot      bool
}

// handle is the person's @name: lower case, without blanks.
func (u *User) handle() string { return strings.ReplaceAll(strings.ToLower(u.Name), " ", ".") }

// zone is the person's own, UTC when unknown.
func (u *User) zone() *time.Location {
	if l, err := time.LoadLocation(u.TZ); err == nil {
		return l
	}
	return time.UTC
}

// AddChannel adds a channel, or replaces the one of that ID. Its messages stay.
func (w *Workspace) AddChannel(c Channel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Members = slices.Clone(c.Members)
	w.addChannel(&c)
}

func (w *Workspace) addChannel(c *Channel) {
	if _, ok := w.channels[c.ID]; !ok {
		w.chanOrder = append(w.chanOrder, c.ID)
	}
	w.channels[c.ID] = c
	w.name(c.ID, c.Name)
	w.change()
}

// AddUser adds a person, or replaces the one of that ID.
func (w *Workspace) AddUser(u User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u.TeamID == "" {
		u.TeamID = TeamID
	}
	if u.TZ == "" {
		u.TZ = "UTC"
	}
	if _, ok := w.users[u.ID]; !ok {
		w.userOrder = append(w.userOrder, u.ID)
	}
	w.users[u.ID] = &u
	w.name(u.ID, u.Name)
	w.change()
}

// name is copied at every change, so that messages handed out can keep reading the old one.
func (w *Workspace) name(id, name string) {
	n := maps.Clone(w.names)
	if n == nil {
		n = map[string]string{}
	}
	n[id] = name
	w.names = n
}

// SetArchived archives a channel, or brings it back.
func (w *Workspace) SetArchived(channel string, archived bool) {
	w.editChannel(channel, func(c *Channel) { c.Archived = archived })
}

// SetBotMember invites the bot to a channel, or removes it.
func (w *Workspace) SetBotMember(channel string, member bool) {
	w.editChannel(channel, func(c *Channel) { c.BotIsMember = member })
}

func (w *Workspace) editChannel(channel string, f func(*Channel)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.findChannel(channel); c != nil {
		f(c)
		w.change()
	}
}

// RemoveChannel deletes a channel: the Web API answers channel_not_found from then on. Its messages can still be read
// with Messages.
func (w *Workspace) RemoveChannel(channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.channelKey(channel)
	delete(w.channels, id)
	w.chanOrder = slices.DeleteFunc(w.chanOrder, func(x string) bool { return x == id })
	w.change()
}

// RevokeToken makes every use of the bot token fail with code, by default invalid_auth; Slack's others are
// token_revoked, account_inactive and token_expired.
func (w *Workspace) RevokeToken(code string) {
	if code == "" {
		code = "invalid_auth"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = code
}

// RestoreToken undoes RevokeToken.
func (w *Workspace) RestoreToken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = ""
}

// findChannel takes an ID, "#name" or "name".
func (w *Workspace) findChannel(channel string) *Channel {
	if c, ok := w.channels[channel]; ok {
		return c
	}
	name := strings.TrimPrefix(channel, "#")
	for _, id := range w.chanOrder {
		if c := w.channels[id]; c.Name == name && c.user == "" {
			return c
		}
	}
	return nil
}

// direct is the direct message between the bot and a person, opened on first use.
func (w *Workspace) direct(user string) *Channel {
	for _, id := range w.chanOrder {
		if c := w.channels[id]; c.user == user {
			return c
		}
	}
	c := &Channel{ID: w.ids.next("D"), Private: true, BotIsMember: true, Members: []string{user, BotUserID}, user: user}
	w.addChannel(c)
	return c
}

// members lists the user IDs in a channel.
func (w *Workspace) members(c *Channel) []string {
	if c.Members != nil {
		m := slices.Clone(c.Members)
		if c.BotIsMember && !slices.Contains(m, BotUserID) {
			m = append(m, BotUserID)
		}
		return m
	}
	var m []string
	for _, id := range w.userOrder {
		u := w.users[id]
		switch {
		case u.Deleted, u.TeamID != TeamID && !c.ExtShared:
		case id == BotUserID && !c.BotIsMember:
		default:
			m = append(m, id)
		}
	}
	return m
}
