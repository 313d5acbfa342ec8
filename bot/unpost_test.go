package bot

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
)

// A forgotten caller's message is deleted, and what Slack says about it decides whether that is tried again.
func TestUnpost(t *testing.T) {
	for _, tt := range []struct {
		code  string        // Slack refuses with, or its HTTP status
		after time.Duration // tried again after; 0: not
		doubt bool          // tried again, later each time
		log   string
	}{
		{code: ""}, {code: "message_not_found"}, {code: "channel_not_found"},
		{code: "cant_delete_message", log: "somebody has to do it there"},
		{code: "compliance_exports_prevent_deletion", log: "somebody has to do it there"},
		{code: "missing_scope", log: "somebody has to do it there"}, {code: "is_archived", log: "somebody has to do it there"},
		{code: "404", log: "somebody has to do it there"}, {code: "503", doubt: true}, {code: "internal_error", doubt: true},
		{code: "token_revoked", after: time.Minute}, {code: "ratelimited", after: 30 * time.Second},
	} {
		t.Run(tt.code, func(t *testing.T) {
			r := open(t, someTeam())
			c := r.arrive("CA1")
			m := r.drawn(c)
			if status, err := strconv.Atoi(tt.code); err == nil {
				r.losing("chat.delete", false, func(w http.ResponseWriter) { w.WriteHeader(status) })
			} else if tt.code != "" {
				r.refusing("chat.delete", tt.code)
			}
			_, err := r.unpost(r.ctx, store.Deed{Kind: store.Unpost, Call: c.ID, Whom: m.Channel + "/" + m.TS})
			later, again := errors.AsType[*store.Later](err)
			if again != (tt.after > 0) || again && later.After != tt.after || !again && (err != nil) != tt.doubt {
				t.Errorf("%v, want another try after %s", err, tt.after)
			}
			if deleted := r.work.Messages(channel)[0].Deleted; deleted != (tt.code == "") {
				t.Errorf("deleted: %t", deleted)
			}
			if tt.log != "" {
				r.log.wait(r, tt.log)
			}
			if trouble := r.Trouble(); len(trouble) > 0 && tt.code != "token_revoked" {
				t.Errorf("it keeps no message out of Slack: %q", trouble)
			}
		})
	}
}

// A message that Slack does not delete now holds up no other of its line.
func TestUnpostPassesBy(t *testing.T) {
	r := open(t, someTeam())
	r.phones(nil)
	stuck, other := r.arrive("CA1"), r.arrive("CA2")
	ts := r.drawn(stuck).TS
	r.drawn(other)
	for _, c := range []store.Call{stuck, other} {
		_, err := r.Store.HungUp(r.ctx, c.ID)
		r.no(err)
	}
	r.failing(func(w http.ResponseWriter, req *http.Request, method string) bool {
		if method != "chat.delete" {
			return false
		}
		r.no(req.ParseForm())
		if req.PostForm.Get("ts") != ts {
			return replay(r, w, req)
		}
		w.WriteHeader(503)
		return true
	})
	r.runs()
	r.clock.Advance(time.Minute)
	for _, kind := range []store.Kind{store.Text, store.Draw} {
		r.no(r.Store.Settled(r.ctx, kind))
	}
	_, err := r.Store.Forget(r.ctx, caller)
	r.no(err)
	go func() { _ = r.Store.Retain(r.ctx) }()
	_, err = r.work.WaitMessage(r.ctx, channel, func(m bottest.Message) bool { return m.Deleted })
	r.no(err)
}

// A text is delivered again after its caller was forgotten: it decides nothing anew, and tells nothing.
func TestForgottenReply(t *testing.T) {
	r := open(t, someTeam())
	first := r.arrive("CA1")
	r.arriveAs(store.Arrival{SID: "CA2", From: "+12085550145"})
	if reply := r.texts("SM1", annPhone, sales, "Y"); reply == "" {
		t.Fatal("not asked back")
	}
	if _, err := r.Store.HungUp(r.ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.Forget(r.ctx, caller); err != nil {
		t.Fatal(err)
	}
	if reply := r.texts("SM1", annPhone, sales, "Y"); reply != "" {
		t.Errorf("told %q", reply)
	}
}

// The link of a forgotten caller's voicemail is over at once, whatever else is still due.
func TestForgottenVoicemail(t *testing.T) {
	r := open(t, someTeam())
	_, link := r.left(store.Arrival{SID: "CA1", Name: "JANE DOE"})
	if res, _ := r.get(http.MethodGet, link); res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	_, err := r.Store.Forget(r.ctx, caller)
	r.no(err)
	for _, part := range []string{"", "/audio"} {
		if res, body := r.get(http.MethodGet, link+part); res.StatusCode != http.StatusGone {
			t.Errorf("%q: %s %s", part, res.Status, body)
		}
	}
}
