package bot

import (
	"strings"
	"testing"

	"pullphone/bot/bottest"
	"pullphone/store"
)

func (r *room) tryOffer() error {
	r.Helper()
	return r.once(store.Work{Kind: store.Offer, Do: r.offer}, func(store.Deed) bool { return true })
}

// talks has somebody take a call and press 1.
func (r *room) talks(c store.Call, person string) store.Call {
	r.Helper()
	r.answers(c, person, store.Take)
	ok, c, err := r.Store.Accept(r.ctx, c.ID, c.Attempt)
	r.no(err)
	if !ok {
		r.Fatalf("%s does not talk: %+v", person, c)
	}
	return c
}

// Whoever talks gets the button, in the channel and for them alone. The call's own message has none.
func TestOffer(t *testing.T) {
	for _, drawn := range []bool{true, false} {
		team := someTeam()
		team.Lines[0].Channel = "#sales"
		r := open(t, team)
		c := r.arriveAs(store.Arrival{SID: "CA1", Name: "<!here> Jane"})
		if drawn {
			r.drawn(c)
		}
		c = r.talks(c, "Ann")
		r.refusing("chat.postEphemeral", "ratelimited")
		if err := r.tryOffer(); err == nil {
			t.Error("given up, though it was only too fast")
		}
		r.failing(nil)
		r.no(r.tryOffer())
		all := r.work.Ephemerals(ann)
		if len(all) != 1 || all[0].Channel != channel {
			t.Fatalf("%+v", all)
		}
		m := all[0]
		if !strings.Contains(m.AsText(), "You are talking with <!here> Jane, (208) 555-0123.") || len(bottest.Mentions(m)) > 0 {
			t.Errorf("%s", m.AsText())
		}
		b := m.Buttons()
		if len(b) != 1 || b[0].Text != "Hand over" || b[0].ActionID != "handover" || b[0].Value != value(c) {
			t.Errorf("%+v", b)
		}
		if m := r.drawn(c); len(m.Buttons()) != 0 {
			t.Errorf("%s", m.AsText())
		}
	}
}

// No button for who talks no more, or is known to Slack no more; one refusal is the end of it.
func TestOfferNoMore(t *testing.T) {
	for name, change := range map[string]func(*room, store.Call){
		"gone": func(r *room, c store.Call) {
			_, err := r.Store.HungUp(r.ctx, c.ID)
			r.no(err)
		},
		"handed over": func(r *room, c store.Call) {
			_, _, err := r.Store.Answer(r.ctx, store.Answer{ID: "x", Call: c.ID, Attempt: c.Attempt, Person: "Ann", Via: store.BySMS, Word: store.HandOver})
			r.no(err)
		},
		"not in Slack":       func(r *room, _ store.Call) { r.Store.Team.People[0].Slack = "" },
		"not in the channel": func(r *room, _ store.Call) { r.refusing("chat.postEphemeral", "user_not_in_channel") },
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, someTeam())
			c := r.arrive("CA1")
			r.drawn(c)
			change(r, r.talks(c, "Ann"))
			r.no(r.tryOffer())
			if all := r.work.Ephemerals(ann); len(all) != 0 {
				t.Errorf("%+v", all)
			}
		})
	}
}
