package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
)

// hereTeam is some team whose line Sales mentions @here when nobody has answered for half a minute, and a minute.
func hereTeam() store.Team {
	team := someTeam()
	team.Lines[0].Escalate = []store.Step{{After: 30 * time.Second, Here: true}, {After: time.Minute, People: []string{"Cy"}, Here: true}}
	return team
}

// step lets the time of the next step come, and takes it.
func (r *room) step() {
	r.Helper()
	r.clock.Advance(30 * time.Second)
	rules := make(chan error, 1)
	go func() { rules <- r.Store.RunRules(r.ctx) }()
	r.no(r.Store.Settled(r.ctx, store.Escalate))
}

func (r *room) tryMention() error {
	r.Helper()
	return r.once(store.Work{Kind: store.Mention, Do: r.mention}, func(store.Deed) bool { return true })
}

const here = "special mention <!here>"

// A call that nobody takes is shown to whoever is active in the channel, once a step, below the message with its buttons.
func TestMention(t *testing.T) {
	r := open(t, hereTeam())
	c := r.arriveAs(store.Arrival{SID: "CA1", Name: "<!channel> *Jane*", City: "Boise, ID"})
	r.drawn(c)
	r.step()
	r.no(r.tryMention())
	r.step()
	r.no(r.tryMention())
	all := r.work.Messages(channel)
	if len(all) != 3 {
		t.Fatalf("%d messages", len(all))
	}
	for i, m := range all[1:] {
		if found := bottest.Mentions(m); !slices.Equal(found, []string{here}) {
			t.Errorf("%q: alive are %q", m.Text, found)
		}
		// Only the marks of a name give way to some that look like them.
		if want, got := fmt.Sprintf("@here <!channel› ∗Jane∗, (208) 555-0123 has been waiting on Sales for %s. Take call 1 above.", []string{"0:30", "1:00"}[i]), bottest.Render(m, nil); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if now := r.call(c.ID); len(now.Mentions) != 2 || now.Mentions[i].TS != m.TS || now.Mentions[i].Channel != channel {
			t.Errorf("kept as %+v", now.Mentions)
		}
	}
	if m := r.drawn(r.call(c.ID)); !strings.Contains(m.AsText(), "Cy was told too.") {
		t.Errorf("it does not say so: %s", m.AsText())
	}
}

// Nobody is mentioned about a call that waits no more, or whose caller has hung up to be called back; nor before there is
// a message with buttons to point at.
func TestMentionNoMore(t *testing.T) {
	for name, change := range map[string]func(*room, store.Call){
		"taken": func(r *room, c store.Call) { r.answers(c, "Ann", store.Take) },
		"gone": func(r *room, c store.Call) {
			_, err := r.Store.HungUp(r.ctx, c.ID)
			r.no(err)
		},
		"to be called back": func(r *room, c store.Call) {
			_, _, err := r.Store.AskBack(r.ctx, c.ID, c.Attempt)
			r.no(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, hereTeam())
			c := r.arrive("CA1")
			r.drawn(c)
			r.step()
			change(r, c)
			r.no(r.tryMention())
			if all := r.work.Messages(channel); len(all) != 1 || len(r.call(c.ID).Mentions) != 0 {
				t.Errorf("%d messages", len(all))
			}
		})
	}
	r := open(t, hereTeam())
	c := r.arrive("CA1")
	if _, err := r.mention(r.ctx, store.Deed{Call: c.ID, Rev: 1}); fmt.Sprint(err) != "not yet" {
		t.Errorf("before its message: %v", err)
	}
}

// A mention of which Slack's word was lost is looked for, even of a call that has ended since: it is found once, and goes
// with the caller when they are forgotten.
func TestMentionDoubt(t *testing.T) {
	for _, ended := range []bool{false, true} {
		for _, carriedOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("ended %t, carried out %t", ended, carriedOut), func(t *testing.T) {
				r := open(t, hereTeam())
				c := r.arrive("CA1")
				r.drawn(c)
				r.step()
				r.losing("chat.postMessage", carriedOut, lost["reset"])
				if err := r.tryMention(); !inDoubt(err) {
					t.Fatalf("%v", err)
				}
				r.failing(nil)
				if ended {
					_, err := r.Store.HungUp(r.ctx, c.ID)
					r.no(err)
				}
				after, err := r.mention(r.ctx, store.Deed{Call: c.ID, Attempt: 1, Rev: 1, Doubt: true})
				r.no(err)
				all, want := r.work.Messages(channel), 2
				if ended && !carriedOut {
					want = 1
				}
				if len(all) != want || (after != nil) != (want == 2) {
					t.Fatalf("%d messages", len(all))
				}
				if now := r.call(c.ID); after != nil && (after(&now) || len(now.Mentions) != 1 || now.Mentions[0].TS != all[1].TS) {
					t.Errorf("kept as %+v", now.Mentions)
				}
			})
		}
	}
}

// A mention names the caller: it is deleted with them.
func TestMentionForgotten(t *testing.T) {
	r := open(t, hereTeam())
	r.phones(nil)
	c := r.arrive("CA1")
	r.drawn(c)
	r.step()
	r.no(r.tryMention())
	_, err := r.Store.HungUp(r.ctx, c.ID)
	r.no(err)
	r.runs()
	for _, kind := range []store.Kind{store.Text, store.Draw} {
		r.no(r.Store.Settled(r.ctx, kind))
	}
	f, err := r.Store.Forget(r.ctx, caller)
	r.no(err)
	if f.Messages != 2 {
		t.Errorf("%d messages", f.Messages)
	}
	go func() { _ = r.Store.Retain(r.ctx) }()
	for deleted := false; !deleted; { // what else was due for the call comes first
		r.no(r.ctx.Err())
		r.clock.Advance(10 * time.Second)
		waited, cancel := context.WithTimeout(r.ctx, 100*time.Millisecond)
		_, err = r.work.WaitMessage(waited, channel, func(m bottest.Message) bool { return m.Deleted && strings.HasPrefix(m.Text, "<!here>") })
		deleted = err == nil
		cancel()
	}
}
