package bottest_test

import (
	"fmt"
	"slices"
	"testing"

	"pullphone/bot/bottest"

	"github.com/slack-go/slack"
)

func TestConversationsInfoAndJoin(t *testing.T) {
	w := start(t, bottest.Options{})
	w.AddChannel(bottest.Channel{ID: "C0OUT", Name: "out", ExtShared: true})
	w.AddChannel(bottest.Channel{ID: "C0PRIV", Name: "priv", Private: true})
	w.AddChannel(bottest.Channel{ID: "C0IN", Name: "in", Private: true, BotIsMember: true})
	w.AddChannel(bottest.Channel{ID: "C0OLD", Name: "old", Archived: true})
	api, ctx := client(w), ctxOf(t)
	info := func(id string) (*slack.Channel, error) {
		return api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id, IncludeNumMembers: true})
	}
	c, err := info("C0OUT")
	if err != nil || c.Name != "out" || c.IsMember || !c.IsExtShared || c.IsPrivate || c.IsArchived || c.NumMembers != 2 {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, err = info("C0IN"); err != nil || !c.IsPrivate || !c.IsMember {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, err = info("C0OLD"); err != nil || !c.IsArchived {
		t.Errorf("got %+v, %v", c, err)
	}
	_, err = info("C0PRIV")
	code(t, err, "channel_not_found")
	_, err = info("#sales")
	code(t, err, "channel_not_found")

	join := func(id string) (string, error) {
		c, warning, _, err := api.JoinConversationContext(ctx, id)
		if err == nil && !c.IsMember {
			t.Errorf("joined %s, and is no member", id)
		}
		return warning, err
	}
	if warning, err := join("C0OUT"); err != nil || warning != "" {
		t.Errorf("warning %q, %v", warning, err)
	}
	if warning, err := join("C0OUT"); err != nil || warning != "already_in_channel" {
		t.Errorf("warning %q, %v", warning, err)
	}
	for id, want := range map[string]string{"C0NONE": "channel_not_found", "C0PRIV": "channel_not_found", "C0IN": "method_not_supported_for_channel_type", "C0OLD": "is_archived"} {
		_, err := join(id)
		code(t, err, want)
	}
	clean(t, w)
}

func TestConversationsListInPages(t *testing.T) {
	w := start(t, bottest.Options{})
	for i := range 7 {
		w.AddChannel(bottest.Channel{ID: fmt.Sprintf("C%d", i), Name: fmt.Sprintf("c%d", i), Private: i%2 == 1, BotIsMember: i < 4, Archived: i == 0})
	}
	api, ctx := client(w), ctxOf(t)
	list := func(p *slack.GetConversationsParameters) (ids []string) {
		for {
			page, next, err := api.GetConversationsContext(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				ids = append(ids, c.ID)
			}
			if p.Cursor = next; next == "" {
				return ids
			}
		}
	}
	both := []string{"public_channel", "private_channel"}
	if got, want := list(&slack.GetConversationsParameters{Limit: 2, Types: both}), []string{sales, "C0", "C1", "C2", "C3", "C4", "C6"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := list(&slack.GetConversationsParameters{ExcludeArchived: true}), []string{sales, "C2", "C4", "C6"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	_, _, err := api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Cursor: "x"})
	code(t, err, "invalid_cursor")
	_, _, err = api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: []string{"secret"}})
	code(t, err, "invalid_types")
	_, _, err = api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: []string{"im"}})
	code(t, err, "missing_scope")
	clean(t, w)
}

func TestMembers(t *testing.T) {
	w := start(t, bottest.Options{})
	w.AddUser(bottest.User{ID: "U0FAR", Name: "Far", TeamID: "T0FAR"})
	w.AddUser(bottest.User{ID: "U0GONE", Name: "Gone", Deleted: true})
	w.AddChannel(bottest.Channel{ID: "C0SHARED", Name: "shared", ExtShared: true})
	w.AddChannel(bottest.Channel{ID: "C0FEW", Name: "few", BotIsMember: true, Members: []string{ann}})
	api, ctx := client(w), ctxOf(t)
	for id, want := range map[string][]string{
		sales: {bottest.BotUserID, ann, bob}, "C0SHARED": {ann, bob, "U0FAR"}, "C0FEW": {ann, bottest.BotUserID},
	} {
		got, _, err := api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: id})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", id, got, err, want)
		}
	}
	clean(t, w)
}

func TestOpenDirectMessage(t *testing.T) {
	w := start(t, bottest.Options{Scopes: []string{"im:write", "im:read"}})
	w.AddUser(bottest.User{ID: "U0GONE", Name: "Gone", Deleted: true})
	api, ctx := client(w), ctxOf(t)
	open := func(users ...string) (*slack.Channel, error) {
		c, _, _, err := api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: users})
		return c, err
	}
	first, err := open(ann)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := open(ann); err != nil || again.ID != first.ID {
		t.Errorf("got %v, %v", again, err)
	}
	c, err := api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: first.ID})
	if err != nil || !c.IsIM || c.User != ann {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, _, _, err = api.OpenConversationContext(ctx, &slack.OpenConversationParameters{ChannelID: first.ID}); err != nil || c.ID != first.ID {
		t.Errorf("got %+v, %v", c, err)
	}
	_, _, _, err = api.OpenConversationContext(ctx, &slack.OpenConversationParameters{ChannelID: "D0NONE"})
	code(t, err, "channel_not_found")
	clean(t, w)
	_, err = open("U0NONE")
	code(t, err, "user_not_found")
	_, err = open("U0GONE")
	code(t, err, "user_disabled")
	_, err = open()
	code(t, err, "users_list_not_supplied")
	_, err = open(ann, bob)
	code(t, err, "invalid_user_combination")
}

func TestHistory(t *testing.T) {
	w := start(t, bottest.Options{Scopes: []string{"chat:write", "channels:history"}})
	w.AddChannel(bottest.Channel{ID: "C0OUT", Name: "out"})
	api, ctx := client(w), ctxOf(t)
	var ts []string
	for i := range 5 {
		_, each, err := api.PostMessageContext(ctx, sales, quiet, slack.MsgOptionText(fmt.Sprint(i), false),
			slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "n", EventPayload: map[string]any{"n": i}}))
		if err != nil {
			t.Fatal(err)
		}
		ts = append(ts, each)
	}
	w.DeleteMessage(sales, ts[3])
	history := func(p slack.GetConversationHistoryParameters) (texts []string, r *slack.GetConversationHistoryResponse) {
		p.ChannelID = sales
		r, err := api.GetConversationHistoryContext(ctx, &p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range r.Messages {
			texts = append(texts, m.Text)
		}
		return texts, r
	}
	for name, tt := range map[string]struct {
		p    slack.GetConversationHistoryParameters
		want []string
	}{
		"all":       {slack.GetConversationHistoryParameters{}, []string{"4", "2", "1", "0"}},
		"oldest":    {slack.GetConversationHistoryParameters{Oldest: ts[1]}, []string{"4", "2"}},
		"latest":    {slack.GetConversationHistoryParameters{Latest: ts[2]}, []string{"1", "0"}},
		"inclusive": {slack.GetConversationHistoryParameters{Oldest: ts[1], Latest: ts[2], Inclusive: true}, []string{"2", "1"}},
	} {
		if got, _ := history(tt.p); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	got, r := history(slack.GetConversationHistoryParameters{Limit: 3, IncludeAllMetadata: true})
	if !slices.Equal(got, []string{"4", "2", "1"}) || !r.HasMore || r.Messages[0].Metadata.EventPayload["n"] != 4.0 {
		t.Errorf("got %v, %+v", got, r)
	}
	if got, r = history(slack.GetConversationHistoryParameters{Limit: 3, Cursor: r.ResponseMetaData.NextCursor}); !slices.Equal(got, []string{"0"}) || r.HasMore || r.Messages[0].Metadata.EventType != "n" || r.Messages[0].Metadata.EventPayload != nil {
		t.Errorf("got %v, %+v", got, r)
	}
	_, err := api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: "C0OUT"})
	code(t, err, "not_in_channel")
	_, err = api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: "C0NONE"})
	code(t, err, "channel_not_found")
	_, err = api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: sales, Oldest: "yesterday"})
	code(t, err, "invalid_ts_oldest")
	clean(t, w)
}

func TestUsers(t *testing.T) {
	w := start(t, bottest.Options{Scopes: []string{"users:read"}})
	w.AddUser(bottest.User{ID: "U0GUEST", Name: "Gus Guest", Guest: true})
	w.AddUser(bottest.User{ID: "U0FAR", Name: "Far", TeamID: "T0FAR"})
	w.AddUser(bottest.User{ID: "U0GONE", Name: "Gone", Deleted: true})
	api, ctx := client(w), ctxOf(t)
	if u, err := api.GetUserInfoContext(ctx, ann); err != nil || u.RealName != "Ann" || u.Name != "ann" || u.TZ != "America/Boise" || u.TeamID != bottest.TeamID || u.IsRestricted {
		t.Errorf("got %+v, %v", u, err)
	}
	if u, err := api.GetUserInfoContext(ctx, "U0GUEST"); err != nil || !u.IsRestricted || !u.IsUltraRestricted || u.Name != "gus.guest" {
		t.Errorf("got %+v, %v", u, err)
	}
	if u, err := api.GetUserInfoContext(ctx, "U0FAR"); err != nil || u.TeamID != "T0FAR" {
		t.Errorf("got %+v, %v", u, err)
	}
	_, err := api.GetUserInfoContext(ctx, "U0NONE")
	code(t, err, "user_not_found")
	all, err := api.GetUsersContext(ctx, slack.GetUsersOptionLimit(2))
	if err != nil || len(all) != 6 || !all[0].IsBot || !all[5].Deleted {
		t.Errorf("got %d people, %v", len(all), err)
	}
	clean(t, w)
}
