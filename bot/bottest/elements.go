package bottest

import "maps"

// confirm is the dialog before an action.
func confirm() rule {
	return object("title text confirm deny", fields{
		"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30), "style": oneOf("primary", "danger"),
	})
}

// elements are the interactive elements of actions blocks and section accessories.
func elements() map[string]rule {
	id := chars(1, idMax)
	option := object("text value", fields{"text": text(75), "value": chars(1, 75), "description": text(75), "url": chars(0, 3000)})
	group := object("label options", fields{"label": plain(75), "options": list(1, 100, option)})
	with := func(own fields) fields {
		all := fields{"action_id": id, "confirm": confirm(), "focus_on_load": boolean}
		maps.Copy(all, own)
		return all
	}
	pick := func(own fields) fields {
		all := with(own)
		all["placeholder"] = plain(150)
		return all
	}
	filter := object("", fields{
		"include": list(1, 4, oneOf("im", "mpim", "private", "public")), "exclude_external_shared_channels": boolean, "exclude_bot_users": boolean,
	})
	ids := list(0, 100, id)
	options := list(1, 100, option)
	few := list(1, 10, option)
	out := map[string]rule{
		"button": object("text", fields{
			"text": plain(75), "action_id": id, "value": chars(1, 2000), "url": chars(1, 3000), "style": oneOf("primary", "danger"),
			"confirm": confirm(), "accessibility_label": chars(1, 75),
		}),
		"static_select": also(object("", pick(fields{"options": options, "option_groups": list(1, 100, group), "initial_option": option})),
			eitherOf("options", "option_groups")),
		"users_select":    object("", pick(fields{"initial_user": id})),
		"channels_select": object("", pick(fields{"initial_channel": id, "response_url_enabled": boolean})),
		"conversations_select": object("", pick(fields{
			"initial_conversation": id, "default_to_current_conversation": boolean, "response_url_enabled": boolean, "filter": filter})),
		"multi_static_select": also(object("", pick(fields{
			"options": options, "option_groups": list(1, 100, group), "initial_options": options, "max_selected_items": whole(1, 100)})),
			eitherOf("options", "option_groups")),
		"multi_users_select":    object("", pick(fields{"initial_users": ids, "max_selected_items": whole(1, 100)})),
		"multi_channels_select": object("", pick(fields{"initial_channels": ids, "max_selected_items": whole(1, 100)})),
		"multi_conversations_select": object("", pick(fields{
			"initial_conversations": ids, "default_to_current_conversation": boolean, "filter": filter, "max_selected_items": whole(1, 100)})),
		"overflow":       object("options", fields{"action_id": id, "options": list(1, 5, option), "confirm": confirm()}),
		"datepicker":     object("", pick(fields{"initial_date": chars(10, 10)})),
		"timepicker":     object("", pick(fields{"initial_time": chars(5, 5), "timezone": chars(1, 100)})),
		"datetimepicker": object("", with(fields{"initial_date_time": whole(0, 1e11)})),
		"checkboxes":     object("options", with(fields{"options": few, "initial_options": few})),
		"radio_buttons":  object("options", with(fields{"options": few, "initial_option": option})),
	}
	return out
}

// inputs are the elements of input blocks: most of the interactive ones, and those to type in.
func inputs() map[string]rule {
	typing := func(own fields) rule {
		all := fields{
			"action_id": chars(1, idMax), "placeholder": plain(150), "initial_value": chars(0, 3000), "focus_on_load": boolean,
			"dispatch_action_config": object("", fields{"trigger_actions_on": list(1, 2, oneOf("on_enter_pressed", "on_character_entered"))}),
		}
		maps.Copy(all, own)
		return object("", all)
	}
	all := elements()
	delete(all, "button")
	delete(all, "overflow")
	all["plain_text_input"] = typing(fields{"multiline": boolean, "min_length": whole(0, 3000), "max_length": whole(1, 3000)})
	all["email_text_input"] = typing(nil)
	all["url_text_input"] = typing(nil)
	all["number_input"] = typing(fields{"is_decimal_allowed": boolean, "min_value": chars(1, 100), "max_value": chars(1, 100)})
	return all
}

// richText are the elements of a rich_text block.
func richText() rule {
	marks := fields{}
	for _, name := range []string{"bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"} {
		marks[name] = boolean
	}
	style := object("", marks)
	id := chars(1, idMax)
	inline := typed("element", map[string]rule{
		"text":      object("text", fields{"text": chars(1, textMax), "style": style}),
		"link":      object("url", fields{"url": chars(1, 3000), "text": chars(0, textMax), "style": style, "unsafe": boolean}),
		"user":      object("user_id", fields{"user_id": id, "style": style}),
		"usergroup": object("usergroup_id", fields{"usergroup_id": id, "style": style}),
		"channel":   object("channel_id", fields{"channel_id": id, "style": style}),
		"team":      object("team_id", fields{"team_id": id, "style": style}),
		"broadcast": object("range", fields{"range": oneOf("here", "channel", "everyone"), "style": style}),
		"emoji":     object("name", fields{"name": id, "unicode": chars(0, 100), "skin_tone": whole(0, 6), "style": style}),
		"color":     object("value", fields{"value": chars(4, 9), "style": style}),
		"date": object("timestamp format", fields{
			"timestamp": whole(0, 1e11), "format": chars(1, 300), "fallback": chars(1, 300), "url": chars(1, 3000), "style": style,
		}),
	})
	many := list(0, 1000, inline)
	section := object("elements", fields{"elements": many})
	return typed("element", map[string]rule{
		"rich_text_section":      section,
		"rich_text_quote":        object("elements", fields{"elements": many, "border": whole(0, 1)}),
		"rich_text_preformatted": object("elements", fields{"elements": many, "border": whole(0, 1), "language": id}),
		"rich_text_list": object("elements style", fields{
			"elements": list(0, 1000, typed("element", map[string]rule{"rich_text_section": section})),
			"style":    oneOf("bullet", "ordered"), "indent": whole(0, 8), "border": whole(0, 1), "offset": whole(0, 1e6),
		}),
	})
}
