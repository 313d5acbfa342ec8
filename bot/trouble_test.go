package bot

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

// What only a person can mend is said once when it begins and once when it is over, and shown in between; meanwhile it is
// tried once a minute.
func TestTrouble(t *testing.T) {
	for _, tt := range []struct {
		code  string
		begin func(r *room)
		end   func(r *room)
		whole bool // it is not the channel's alone
		mend  string
	}{
		{"is_archived", func(r *room) { r.work.SetArchived(channel, true) }, func(r *room) { r.work.SetArchived(channel, false) }, false, "unarchive it"},
		{"not_in_channel", func(r *room) { r.work.SetBotMember(channel, false) }, func(r *room) { r.work.SetBotMember(channel, true) }, false, "/invite @pullphone"},
		{"invalid_auth", func(r *room) { r.work.RevokeToken("") }, (*room).restore, true, "slack.bot_token"},
		{"token_revoked", func(r *room) { r.work.RevokeToken("token_revoked") }, (*room).restore, true, "install the Slack app anew"},
		{"account_inactive", func(r *room) { r.work.RevokeToken("account_inactive") }, (*room).restore, true, "install the Slack app anew"},
		{"restricted_action", func(r *room) { r.refusing("chat.postMessage", "restricted_action") }, func(r *room) { r.failing(nil) }, false, "let pullphone post there"},
	} {
		t.Run(tt.code, func(t *testing.T) {
			r := open(t, someTeam())
			before := r.arrive("CA0")
			r.drawn(before)
			r.clock.Advance(time.Minute)
			tt.begin(r)
			calls := []store.Call{r.arrive("CA1"), r.arrive("CA2")}
			for range 3 {
				for _, c := range calls {
					err := r.tryDraw(c)
					if later, ok := errors.AsType[*store.Later](err); !ok || later.After != time.Minute || later.Err != nil {
						t.Errorf("%v: %+v", err, later)
					}
				}
				r.clock.Advance(time.Minute)
			}
			if n := strings.Count(r.log.String(), "level=ERROR"); n != 1 || !strings.Contains(r.log.String(), tt.code) {
				t.Errorf("%d errors are logged: %s", n, r.log)
			}
			what := "Slack channel " + channel + ": "
			if tt.whole {
				what = "Slack: "
			}
			if all := r.Trouble(); len(all) != 1 || !strings.HasPrefix(all[0], what+tt.code+" since 2026-03-02 17:05 UTC; ") || !strings.Contains(all[0], tt.mend) {
				t.Errorf("trouble: %q", all)
			}
			tt.end(r)
			for _, c := range calls {
				r.drawn(c)
				r.clock.Advance(time.Minute)
			}
			if all := r.Trouble(); len(all) != 0 {
				t.Errorf("afterwards: %q", all)
			}
			if n := strings.Count(r.log.String(), "Slack takes messages again"); n != 1 {
				t.Errorf("its end is logged %d times", n)
			}
			if n := len(r.work.Messages(channel)); n != 3 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

func (r *room) restore() { r.work.RestoreToken() }
