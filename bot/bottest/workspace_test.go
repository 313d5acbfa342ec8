package bottest_test

import (
	"slices"
	"testing"

	"pullphone/bot/bottest"

	"github.com/slack-go/slack"
)

// Whoever shows the workspace is told of every change.
func TestChanged(t *testing.T) {
	ctx := ctxOf(t)
	w := start(t, bottest.Options{})
	w.AddChannel(bottest.Channel{ID: "C000OTHER", Name: "other", BotIsMember: true})
	api := client(w)
	var ts string
	for _, step := range []struct {
		what string
		do   func() error
		says func() bool
	}{
		{"a post", func() (err error) {
			_, ts, err = api.PostMessageContext(ctx, sales, slack.MsgOptionText("one", false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
			return err
		}, func() bool { return texts(w, sales, "one") }},
		{"an update", func() error {
			_, _, _, err := api.UpdateMessageContext(ctx, sales, ts, slack.MsgOptionText("two", false))
			return err
		}, func() bool { return texts(w, sales, "two") }},
		{"a person's word", func() error { w.Say(ann, "C000OTHER", "hello"); return nil }, func() bool { return texts(w, "C000OTHER", "hello") }},
	} {
		changed := w.Changed()
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s is not told", step.what)
		}
		if !step.says() {
			t.Errorf("%s is told too early", step.what)
		}
	}
	clean(t, w)
}

func texts(w *bottest.Workspace, channel, text string) bool {
	return slices.ContainsFunc(w.Messages(channel), func(m bottest.Message) bool { return m.Text == text })
}
