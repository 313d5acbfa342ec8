package bottest_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"

	"github.com/slack-go/slack"
)

func TestPostUpdateDelete(t *testing.T) {
	w := start(t, bottest.Options{})
	api, ctx := client(w), ctxOf(t)
	channel, ts, err := api.PostMessageContext(ctx, "#sales", quiet, slack.MsgOptionText("A call waits", false),
		slack.MsgOptionBlocks(section("A call *waits* since <!date^1700000000^{time}|a while>"), actions()),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "call", EventPayload: map[string]any{"id": "CA1"}}))
	if err != nil || channel != sales {
		t.Fatalf("channel %q, %v", channel, err)
	}
	m := w.Messages(sales)[0]
	if m.TS != ts || m.Text != "A call waits" || m.Metadata.EventPayload["id"] != "CA1" || len(m.Buttons()) != 2 || m.Via != bottest.ViaPost {
		t.Errorf("got %+v", m)
	}
	if got, want := m.AsText(), "A call waits since 10:13 PM\n[Take] [Voicemail]"; got != want {
		t.Errorf("reads %q, want %q", got, want)
	}
	if b := m.Buttons()[0]; b.Text != "Take" || b.ActionID != "take" || b.Value != "CA1" || b.Style != "primary" || b.BlockID == "" {
		t.Errorf("button %+v", b)
	}

	_, _, text, err := api.UpdateMessageContext(ctx, sales, ts, quiet, slack.MsgOptionText("Ann took it", false), slack.MsgOptionBlocks(section("Ann took it")))
	if err != nil || text != "Ann took it" {
		t.Fatalf("text %q, %v", text, err)
	}
	m = w.Messages(sales)[0]
	if m.Updates != 1 || len(m.Buttons()) != 0 || m.Edited || m.Metadata.EventType != "call" ||
		len(m.Revisions) != 1 || m.Revisions[0].Text != "A call waits" || len(m.Revisions[0].Blocks) != 2 {
		t.Errorf("after blocks: %+v", m)
	}
	if _, o := form(t, w, "chat.update", url.Values{"channel": {sales}, "ts": {ts}, "metadata": {`{"event_type":"end","event_payload":{}}`}}); o["ok"] != true {
		t.Errorf("got %v", o)
	}
	if m = w.Messages(sales)[0]; m.Metadata.EventType != "end" || m.AsText() != "Ann took it" || len(m.Revisions) != 1 {
		t.Errorf("metadata alone should change nothing else: %+v", m)
	}
	if _, _, _, err = api.UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText("over", false)); err != nil {
		t.Fatal(err)
	}
	if m = w.Messages(sales)[0]; len(m.Blocks) != 0 || !m.Edited || m.AsText() != "over" {
		t.Errorf("text alone should remove the blocks: %+v", m)
	}
	if link, err := api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: sales, Ts: ts}); err != nil || !strings.HasSuffix(link, "/archives/C000SALES/p"+strings.ReplaceAll(ts, ".", "")) {
		t.Errorf("permalink %q, %v", link, err)
	}
	if _, _, err = api.DeleteMessageContext(ctx, sales, ts); err != nil {
		t.Fatal(err)
	}
	if m = w.Messages(sales)[0]; !m.Deleted || m.AsText() != "(deleted)" {
		t.Errorf("after deletion: %+v", m)
	}
	clean(t, w)
	for _, r := range w.Requests() {
		if !r.OK() || r.Args["token"] != "" {
			t.Errorf("request %+v", r)
		}
	}
}

func TestTimestampsAreUnique(t *testing.T) {
	w := start(t, bottest.Options{})
	var all []string
	for range 50 {
		all = append(all, w.Say(ann, sales, "hello").TS)
	}
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != 50 {
		t.Errorf("timestamps %v", all)
	}
}

func TestEphemeral(t *testing.T) {
	w := start(t, bottest.Options{})
	w.AddChannel(bottest.Channel{ID: "C1", Name: "few", BotIsMember: true, Members: []string{bob}})
	api, ctx := client(w), ctxOf(t)
	ts, err := api.PostEphemeralContext(ctx, sales, ann, slack.MsgOptionText("for you", false))
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.WaitEphemeral(ctx, ann, func(m bottest.Message) bool { return m.TS == ts })
	if err != nil || !m.Ephemeral() || m.AsText() != "for you" || len(w.Ephemerals(bob)) != 0 || len(w.Messages(sales)) != 0 {
		t.Errorf("got %+v, %v", m, err)
	}
	_, _, _, err = api.UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText("no", false))
	code(t, err, "message_not_found")
	_, err = api.PostEphemeralContext(ctx, "C1", ann, slack.MsgOptionText("for you", false))
	code(t, err, "user_not_in_channel")
	clean(t, w)
}

func TestRefusals(t *testing.T) {
	w := start(t, bottest.Options{})
	w.AddChannel(bottest.Channel{ID: "C0OUT", Name: "out"})
	w.AddChannel(bottest.Channel{ID: "C0PRIV", Name: "priv", Private: true})
	w.AddChannel(bottest.Channel{ID: "C0OLD", Name: "old", BotIsMember: true})
	api, ctx := client(w), ctxOf(t)
	text := slack.MsgOptionText("hello", false)
	_, old, err := api.PostMessageContext(ctx, "C0OLD", quiet, text)
	if err != nil {
		t.Fatal(err)
	}
	w.SetArchived("C0OLD", true)
	post := func(channel string) error { _, _, err := api.PostMessageContext(ctx, channel, quiet, text); return err }
	update := func(channel, ts string) error {
		_, _, _, err := api.UpdateMessageContext(ctx, channel, ts, text)
		return err
	}
	code(t, post("C0NONE"), "channel_not_found")
	code(t, post("#none"), "channel_not_found")
	code(t, post("C0PRIV"), "channel_not_found")
	code(t, post("C0OUT"), "not_in_channel")
	code(t, post("C0OLD"), "is_archived")
	code(t, update("C0OLD", old), "is_inactive")
	code(t, update("#sales", "1.000001"), "channel_not_found")
	code(t, update(sales, "1.000001"), "message_not_found")
	code(t, update(sales, w.Say(ann, sales, "mine").TS), "cant_update_message")
	_, _, err = api.DeleteMessageContext(ctx, sales, w.Say(ann, sales, "mine").TS)
	code(t, err, "cant_delete_message")
	ts := announce(t, w)
	w.DeleteMessage(sales, ts)
	code(t, update(sales, ts), "message_not_found")
	_, err = api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: sales, Ts: ts})
	code(t, err, "message_not_found")
	w.SetBotMember(sales, false)
	code(t, post(sales), "not_in_channel")
	w.SetBotMember(sales, true)
	w.RemoveChannel(sales)
	code(t, post(sales), "channel_not_found")
	clean(t, w) // to be refused for the state of the world breaks no rule
}

func TestTextRefusals(t *testing.T) {
	w := start(t, bottest.Options{})
	api, ctx := client(w), ctxOf(t)
	_, ts, err := api.PostMessageContext(ctx, sales, quiet, slack.MsgOptionText("x", false))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = api.PostMessageContext(ctx, sales, quiet)
	code(t, err, "no_text")
	_, _, err = api.PostMessageContext(ctx, sales, quiet, slack.MsgOptionText(strings.Repeat("x", 40001), false))
	code(t, err, "msg_too_long")
	_, _, _, err = api.UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText(strings.Repeat("x", 4001), false))
	code(t, err, "msg_too_long")
	problem(t, w, "chat.update", "4001")
	if _, _, err = api.PostMessageContext(ctx, sales, quiet, slack.MsgOptionText(strings.Repeat("x", 4001), false)); err != nil {
		t.Error(err)
	}
	problem(t, w, "chat.postMessage", "at most 4000")
	if _, _, err = api.PostMessageContext(ctx, sales, slack.MsgOptionText("x", false)); err != nil {
		t.Error(err)
	}
	problem(t, w, "unfurl_links")
	problem(t, w, "unfurl_media")
	if _, _, err = api.PostMessageContext(ctx, sales, quiet, slack.MsgOptionBlocks(section("x"))); err != nil {
		t.Error(err)
	}
	problem(t, w, "blocks without text")
	if _, _, err = api.PostMessageContext(ctx, sales, quiet, slack.MsgOptionText("x", false), slack.MsgOptionTS("1.000002")); err != nil {
		t.Error(err)
	}
	problem(t, w, "thread_ts 1.000002")
	for blocks, want := range map[string]string{"{": "invalid_blocks_format", `{"type":"section"}`: "invalid_blocks_format", "[1]": "invalid_blocks_format"} {
		if _, o := form(t, w, "chat.postMessage", url.Values{"channel": {sales}, "text": {"x"}, "blocks": {blocks}}); o["error"] != want {
			t.Errorf("blocks %s: %v", blocks, o)
		}
	}
	for md, want := range map[string]string{"[]": "invalid_metadata_format", `{"event_type":"x"}`: "invalid_metadata_schema"} {
		if _, o := form(t, w, "chat.postMessage", url.Values{"channel": {sales}, "text": {"x"}, "metadata": {md}}); o["error"] != want {
			t.Errorf("metadata %s: %v", md, o)
		}
	}
}

func TestRichTextStaysRich(t *testing.T) {
	w := start(t, bottest.Options{})
	api, ctx := client(w), ctxOf(t)
	rich := slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionTextElement("hello", nil)))
	_, ts, err := api.PostMessageContext(ctx, sales, quiet, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(rich))
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = api.UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(section("x")))
	code(t, err, "block_mismatch")
	if _, _, _, err = api.UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(rich, actions())); err != nil {
		t.Error(err)
	}
}

func TestReactions(t *testing.T) {
	w := start(t, bottest.Options{Scopes: []string{"reactions:write"}})
	api, ctx := client(w), ctxOf(t)
	ts := w.Say(ann, sales, "hello").TS
	if err := api.AddReactionContext(ctx, "thumbsup", slack.NewRefToMessage(sales, ts)); err != nil {
		t.Fatal(err)
	}
	code(t, api.AddReactionContext(ctx, "thumbsup", slack.NewRefToMessage(sales, ts)), "already_reacted")
	code(t, api.AddReactionContext(ctx, "Thumbs Up", slack.NewRefToMessage(sales, ts)), "invalid_name")
	code(t, api.AddReactionContext(ctx, "eyes", slack.NewRefToMessage(sales, "1.000001")), "message_not_found")
	code(t, api.AddReactionContext(ctx, "eyes", slack.NewRefToMessage("C0NONE", ts)), "channel_not_found")
	if got := w.Messages(sales)[0].Reactions; len(got) != 1 || got[0] != "thumbsup" {
		t.Errorf("reactions %v", got)
	}
}

func TestDirectMessage(t *testing.T) {
	w := start(t, bottest.Options{})
	ctx := ctxOf(t)
	channel, _, err := client(w).PostMessageContext(ctx, ann, quiet, slack.MsgOptionText("psst", false))
	if err != nil || !strings.HasPrefix(channel, "D") {
		t.Fatalf("channel %q, %v", channel, err)
	}
	if m := w.Messages(ann); len(m) != 1 || m[0].Channel != channel {
		t.Errorf("got %+v", m)
	}
	clean(t, w)
}

func TestWaitMessageSeesUpdates(t *testing.T) {
	w := start(t, bottest.Options{})
	ctx := ctxOf(t)
	ts := announce(t, w)
	type result struct {
		m   bottest.Message
		err error
	}
	got := make(chan result)
	looked := make(chan struct{}, 10)
	go func() {
		m, err := w.WaitMessage(ctx, "#sales", func(m bottest.Message) bool {
			select {
			case looked <- struct{}{}:
			default:
			}
			return m.Updates == 1
		})
		got <- result{m, err}
	}()
	<-looked // it waits, and has not found it yet
	if _, _, _, err := client(w).UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText("done", false)); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.err != nil || r.m.Text != "done" {
		t.Errorf("got %+v", r)
	}
	expired, stop := context.WithDeadline(t.Context(), time.Now())
	defer stop()
	if _, err := w.WaitMessage(expired, sales, func(bottest.Message) bool { return false }); err == nil || !strings.Contains(err.Error(), "done") {
		t.Errorf("the error should show what is there: %v", err)
	}
}
