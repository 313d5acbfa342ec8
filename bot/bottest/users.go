package bottest

func (w *Workspace) usersInfo(c *call) reply {
	u := w.users[c.args["user"]]
	if u == nil {
		return fail("user_not_found")
	}
	return reply{"user": w.describeUser(u)}
}

func (w *Workspace) usersList(c *call) reply {
	var all []any
	for _, id := range w.userOrder {
		all = append(all, w.describeUser(w.users[id]))
	}
	r := page(c, "members", all, 1000)
	r["cache_ts"] = w.clock.Now().Unix()
	return r
}

// describeUser is a person as users.info shows them.
func (w *Workspace) describeUser(u *User) map[string]any {
	zone, offset := w.clock.Now().In(u.zone()).Zone()
	profile := map[string]any{
		"real_name": u.Name, "real_name_normalized": u.Name, "display_name": u.Name, "display_name_normalized": u.Name,
		"title": "", "phone": "", "status_text": "", "status_emoji": "", "team": u.TeamID,
	}
	if u.ID == BotUserID {
		profile["bot_id"], profile["api_app_id"] = BotID, AppID
	}
	return map[string]any{
		"id": u.ID, "team_id": u.TeamID, "name": u.handle(), "deleted": u.Deleted, "real_name": u.Name, "color": "9f69e7",
		"tz": u.TZ, "tz_label": zone, "tz_offset": offset, "profile": profile,
		"is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": u.Guest, "is_ultra_restricted": u.Guest,
		"is_bot": u.Bot, "is_app_user": false, "is_stranger": false, "updated": 1700000000,
	}
}
