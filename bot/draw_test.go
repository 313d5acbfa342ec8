package bot

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

func TestDraw(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	m := r.drawn(c)
	if !strings.Contains(m.AsText(), "(208) 555-0123") || len(m.Buttons()) != 2 || m.Updates != 0 {
		t.Errorf("%s", m.AsText())
	}
	if now := r.call(c.ID); now.Message.Channel != channel || now.Message.Rev != c.Rev {
		t.Errorf("%+v", now.Message)
	}
	_, c = r.answers(c, "Ann", store.Take)
	if m = r.drawn(c); m.Updates != 1 || len(m.Buttons()) != 0 || !strings.Contains(m.AsText(), "Ann took it") || m.Edited {
		t.Errorf("%+v", m)
	}
	if n := len(r.work.Messages(channel)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// Only the latest state is drawn, whatever happened in between.
func TestDrawSkipsWhatIsPast(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	_, c = r.answers(c, "Ann", store.Take)
	c, err := r.Store.HungUp(r.ctx, c.ID)
	r.no(err)
	if m := r.drawn(c); m.Updates != 0 || !strings.Contains(m.AsText(), "Missed") {
		t.Errorf("%s", m.AsText())
	}
	if n := r.count("chat.postMessage") + r.count("chat.update"); n != 1 {
		t.Errorf("%d requests", n)
	}
	// Drawn already: nothing is asked of Slack.
	if _, err := r.draw(r.ctx, store.Deed{Kind: store.Draw, Call: c.ID}); err != nil || r.count("chat.postMessage")+r.count("chat.update") != 1 {
		t.Errorf("drawn once more: %v", err)
	}
}

// Somebody deleted the message, or it cannot be reached any more: what it would say is posted anew.
func TestDrawAnew(t *testing.T) {
	for _, code := range []string{"deleted", "message_not_found", "cant_update_message", "channel_not_found", "is_inactive", "not_in_channel"} {
		t.Run(code, func(t *testing.T) {
			r := open(t, someTeam())
			c := r.arrive("CA1")
			first := r.drawn(c)
			if code == "deleted" {
				r.work.DeleteMessage(channel, first.TS)
			} else {
				r.refusing("chat.update", code)
			}
			_, c = r.answers(c, "Ann", store.Take)
			m := r.drawn(c)
			if m.TS == first.TS || !strings.Contains(m.AsText(), "Ann took it") {
				t.Errorf("%s", m.AsText())
			}
			r.failing(nil)
			c, err := r.Store.HungUp(r.ctx, c.ID)
			r.no(err)
			if again := r.drawn(c); again.TS != m.TS || again.Updates != 1 {
				t.Errorf("the new message is not the one that is kept: %+v", again)
			}
		})
	}
}

// When a request to Slack is tried again is Slack's to say; what only a person can mend is tried seldom.
func TestDrawLater(t *testing.T) {
	limited := func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	refused := func(code string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { fmt.Fprintf(w, `{"ok": false, "error": %q}`, code) }
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		after  time.Duration // 0: as the back-off says
	}{
		"429":                {limited, 17 * time.Second},
		"ratelimited":        {refused("ratelimited"), 30 * time.Second},
		"rate_limited":       {refused("rate_limited"), 30 * time.Second},
		"channel_not_found":  {refused("channel_not_found"), time.Minute},
		"not_in_channel":     {refused("not_in_channel"), time.Minute},
		"is_archived":        {refused("is_archived"), time.Minute},
		"invalid_auth":       {refused("invalid_auth"), time.Minute},
		"token_revoked":      {refused("token_revoked"), time.Minute},
		"missing_scope":      {refused("missing_scope"), time.Minute},
		"restricted_action":  {refused("restricted_action"), time.Minute},
		"something new":      {refused("something_new"), time.Minute},
		"internal_error":     {refused("internal_error"), 0},
		"fatal_error":        {refused("fatal_error"), 0},
		"no reason":          {refused(""), 0},
		"500":                {func(w http.ResponseWriter) { w.WriteHeader(500) }, 0},
		"502 HTML":           {func(w http.ResponseWriter) { w.WriteHeader(502); fmt.Fprint(w, "<html>") }, 0},
		"200 HTML":           {func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") }, 0},
		"connection is lost": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			call := r.arrive("CA1")
			r.failing(func(w http.ResponseWriter, _ *http.Request, _ string) bool { c.answer(w); return true })
			err := r.tryDraw(call)
			later, ok := errors.AsType[*store.Later](err)
			if err == nil || ok != (c.after > 0) || ok && later.After != c.after {
				t.Errorf("%v, %+v, want another try after %s", err, later, c.after)
			}
			if now := r.call(call.ID); now.Message.TS != "" || now.State != store.Waiting {
				t.Errorf("%+v", now)
			}
			r.failing(nil)
			r.drawn(call)
			if n := len(r.work.Messages(channel)); n != 1 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

// A message whose blocks Slack refuses is shown as text: the call must be announced. No button of an earlier state stays.
func TestDrawWithoutBlocks(t *testing.T) {
	for _, code := range []string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"} {
		r := open(t, someTeam())
		blocks := func(w http.ResponseWriter, req *http.Request, _ string) bool {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				t.Error(err)
			}
			req.Body = io.NopCloser(strings.NewReader(string(body)))
			f, err := url.ParseQuery(string(body))
			if err != nil || f.Get("blocks") == "" || f.Get("blocks") == "[]" {
				return false
			}
			fmt.Fprintf(w, `{"ok": false, "error": %q}`, code)
			return true
		}
		first := r.arrive("CA1")
		drawn := r.drawn(first)
		r.failing(blocks)
		second := r.arrive("CA2")
		m := r.drawn(second)
		if !strings.Contains(m.AsText(), "Call 2 for Sales from (208) 555-0123") || len(m.Blocks) != 0 {
			t.Errorf("%s: %s", code, m.AsText())
		}
		_, first = r.answers(first, "Ann", store.Take)
		if m = r.drawn(first); m.TS != drawn.TS || len(m.Buttons()) != 0 || !strings.Contains(m.AsText(), "Ann took it") {
			t.Errorf("%s: updated to %s with %d buttons", code, m.AsText(), len(m.Buttons()))
		}
		if !strings.Contains(r.log.String(), "refuses a message's blocks") {
			t.Errorf("%s: nothing is logged", code)
		}
	}
}

// Where messages may be changed for a time only, the rest is let go.
func TestDrawWindowClosed(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	first := r.drawn(c)
	r.refusing("chat.update", "edit_window_closed")
	_, c = r.answers(c, "Ann", store.Take)
	r.no(r.tryDraw(c))
	if now := r.call(c.ID); now.Message.TS != first.TS || now.Message.Rev != c.Rev {
		t.Errorf("%+v", now.Message)
	}
	if n := len(r.work.Messages(channel)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// A line that is configured no more has no channel.
func TestDrawUnknownLine(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	r.Store.Team.Lines = nil
	r.no(r.tryDraw(c))
	if n := r.count("chat.postMessage"); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestPost(t *testing.T) {
	r := open(t, someTeam())
	c := r.arriveAs(store.Arrival{SID: "CA1", Name: "JANE DOE", City: "Boise, ID"})
	r.answers(c, "Ann", store.SendVoicemail)
	_, err := r.Store.RecordingReady(r.ctx, c.ID, "RE00000000000000000000000000000001", 17)
	r.no(err)
	_, err = r.Store.RecordingReady(r.ctx, c.ID, "RE00000000000000000000000000000002", 5)
	r.no(err)
	for i, sid := range []string{"RE00000000000000000000000000000001", "RE00000000000000000000000000000002"} {
		d := func(d store.Deed) bool { return d.Whom == sid }
		r.refusing("chat.postMessage", "internal_error")
		if err := r.once(store.Work{Kind: store.Post, Do: r.post}, d); err == nil {
			t.Error("no error, though Slack failed")
		}
		r.failing(nil)
		r.no(r.once(store.Work{Kind: store.Post, Do: r.post}, d))
		all := r.work.Messages(channel)
		if len(all) != i+1 {
			t.Fatalf("%d messages", len(all))
		}
		m := all[i]
		want := fmt.Sprintf("%s/voicemail/%s/%d/", r.url, c.ID, i)
		if !strings.Contains(m.AsText(), want) || !strings.Contains(m.AsText(), "JANE DOE, (208) 555-0123, Boise, ID") {
			t.Errorf("%s", m.AsText())
		}
		if strings.Contains(fmt.Sprint(m.Text, m.Blocks), sid) {
			t.Errorf("it tells the recording's SID: %v", m.Blocks)
		}
	}
}
