package bottest_test

import (
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"

	"github.com/jonboulle/clockwork"
	"github.com/slack-go/slack"
)

func home(text string) slack.PublishViewContextRequest {
	return slack.PublishViewContextRequest{UserID: ann, View: slack.HomeTabViewRequest{
		Type: slack.VTHomeTab, CallbackID: "home", Blocks: slack.Blocks{BlockSet: []slack.Block{section(text), actions()}},
	}}
}

func modal() slack.ModalViewRequest {
	label := slack.NewTextBlockObject("plain_text", "Number", false, false)
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: "phone", PrivateMetadata: "x",
		Title:  slack.NewTextBlockObject("plain_text", "My phone", false, false),
		Submit: slack.NewTextBlockObject("plain_text", "Save", false, false),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock("number", label, nil, slack.NewPlainTextInputBlockElement(nil, "number"))}},
	}
}

func TestHome(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, nil)
	api, ctx := client(w), ctxOf(t)
	if _, ok := w.Home(ann); ok {
		t.Error("there should be no Home tab yet")
	}
	r, err := api.PublishViewContext(ctx, home("nobody waits"))
	if err != nil {
		t.Fatal(err)
	}
	stale := r.Hash
	if _, err = api.PublishViewContext(ctx, home("one waits")); err != nil {
		t.Fatal(err)
	}
	v, err := w.WaitHome(ctx, ann, func(v bottest.View) bool { return strings.Contains(v.AsText(), "one waits") })
	if err != nil || v.Updates != 1 || v.CallbackID != "home" || len(v.Buttons()) != 2 {
		t.Errorf("got %+v, %v", v, err)
	}
	old := home("late")
	old.Hash = &stale
	_, err = api.PublishViewContext(ctx, old)
	code(t, err, "hash_conflict")
	other := home("x")
	other.UserID = "U0NONE"
	_, err = api.PublishViewContext(ctx, other)
	code(t, err, "invalid_arguments")

	if _, err = w.OpenHome(ctx, ann); err != nil {
		t.Fatal(err)
	}
	e := next(t, p.events)
	if inner, _ := e["event"].(map[string]any); e["type"] != "event_callback" || inner["type"] != "app_home_opened" || inner["user"] != ann {
		t.Errorf("event %v", e)
	}
	if _, err = w.PressHome(ctx, ann, "Take"); err != nil {
		t.Fatal(err)
	}
	press := next(t, p.presses)
	if press.Channel.ID != "" || press.Message.Timestamp != "" || press.ResponseURL != "" || press.View.ID != v.ID || press.Container.Type != "view" ||
		press.ActionCallback.BlockActions[0].ActionID != "take" {
		t.Errorf("press %+v", press)
	}
	clean(t, w)
}

func TestModal(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	w := start(t, bottest.Options{Clock: clock})
	p := listen(t, w, nil)
	api, ctx := client(w), ctxOf(t)
	trigger := func() string {
		if _, err := w.Command(ctx, ann, sales, "/pull", "phone"); err != nil {
			t.Fatal(err)
		}
		return next(t, p.commands).TriggerID
	}
	id := trigger()
	r, err := api.OpenViewContext(ctx, id, modal())
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := w.Modal(ann); !ok || v.ID != r.ID || v.Title != "My phone" || !strings.Contains(v.AsText(), "Number") {
		t.Errorf("got %+v", v)
	}
	named := modal()
	named.ExternalID = "phone-of-ann"
	if _, err = api.UpdateViewContext(ctx, named, "", "", r.ID); err != nil {
		t.Fatal(err)
	}
	if r, err = api.UpdateViewContext(ctx, named, "phone-of-ann", "", ""); err != nil {
		t.Fatal(err)
	}
	stale := r.Hash
	if r, err = api.UpdateViewContext(ctx, modal(), "", stale, r.ID); err != nil || r.Hash == stale {
		t.Errorf("got %+v, %v", r, err)
	}
	_, err = api.UpdateViewContext(ctx, modal(), "", stale, r.ID)
	code(t, err, "hash_conflict")
	_, err = api.UpdateViewContext(ctx, modal(), "", "", "V0NONE")
	code(t, err, "not_found")
	clean(t, w)

	_, err = api.OpenViewContext(ctx, id, modal())
	code(t, err, "exchanged_trigger_id")
	_, err = api.OpenViewContext(ctx, "1.2.3", modal())
	code(t, err, "invalid_trigger_id")
	id = trigger()
	clock.Advance(3*time.Second + time.Millisecond)
	_, err = api.OpenViewContext(ctx, id, modal())
	code(t, err, "expired_trigger_id")
	long := modal()
	long.Title.Text = strings.Repeat("x", 25)
	_, err = api.OpenViewContext(ctx, trigger(), long)
	code(t, err, "invalid_arguments")
	problem(t, w, "/view/title/text", "less than 25")
	open := modal()
	open.Submit = nil
	_, err = api.OpenViewContext(ctx, trigger(), open)
	code(t, err, "invalid_arguments")
	problem(t, w, "submit is required")
	big := modal()
	big.PrivateMetadata = strings.Repeat("x", 250_000)
	_, err = api.OpenViewContext(ctx, trigger(), big)
	code(t, err, "view_too_large")
}
