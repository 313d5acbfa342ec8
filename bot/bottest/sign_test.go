package bottest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"pullphone/bot/bottest"
)

// The example of docs.slack.dev/authentication/verifying-requests-from-slack.
func TestSignOfficialVector(t *testing.T) {
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
		"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F" +
		"commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	got := bottest.Sign("8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0), []byte(body))
	if want := "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSendSignsAsToldAndReplays(t *testing.T) {
	w := start(t, bottest.Options{})
	p := listen(t, w, nil)
	ctx := ctxOf(t)
	if _, err := w.Replay(ctx); !errors.Is(err, bottest.ErrNothingSent) {
		t.Errorf("replay of nothing: %v", err)
	}
	ts := announce(t, w)
	if _, err := w.Press(ctx, ann, sales, ts, "Take"); err != nil {
		t.Fatal(err)
	}
	first := next(t, p.presses)
	url, body := w.LastSent()
	for name, o := range map[string]bottest.SignOptions{
		"another secret": {Secret: "ffffffffffffffffffffffffffffffff"},
		"stale":          {At: time.Now().Add(-6 * time.Minute)},
		"from tomorrow":  {At: time.Now().Add(24 * time.Hour)},
		"made up":        {Signature: "v0=00"},
		"unsigned":       {Unsigned: true},
	} {
		a, err := w.Send(ctx, url, body, o)
		if err != nil || a.Status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, %v", name, a.Status, err)
		}
	}
	if a, err := w.Send(ctx, url, body, bottest.SignOptions{}); err != nil || a.Status != 200 {
		t.Errorf("well signed: status %d, %v", a.Status, err)
	}
	if a, err := w.Replay(ctx); err != nil || a.Status != 200 {
		t.Errorf("replay: status %d, %v", a.Status, err)
	}
	next(t, p.presses)
	if again := next(t, p.presses); again.TriggerID != first.TriggerID || again.ActionCallback.BlockActions[0].ActionTs != first.ActionCallback.BlockActions[0].ActionTs {
		t.Error("the replay differs from the first delivery")
	}
	clean(t, w)
}
