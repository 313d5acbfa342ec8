package store_test

import (
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

// Who presses 1 gets the button to hand over if they are known to Slack, and talk with a caller whom they took: a call
// back is theirs.
func TestOffered(t *testing.T) {
	inSlack := ann
	inSlack.Slack = "U000ANN"
	for name, tt := range map[string]struct {
		taker string
		word  store.Word
		back  bool
		want  int
	}{
		"taken":             {taker: "Ann", word: store.Take, want: 1},
		"not in Slack":      {taker: "Bob", word: store.Take},
		"forwarded":         {taker: "Ann", word: store.Forward},
		"called back":       {taker: "Ann", word: store.Take, back: true},
		"rings, no 1":       {taker: "", word: store.Take},
		"sent to voicemail": {taker: "Ann", word: store.SendVoicemail},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRules(t, inSlack, bob)
			c := r.arrive()
			if tt.back {
				_, back, err := r.AskBack(r.ctx, c.ID, c.Attempt)
				c = r.ok(back, err)
			}
			person := tt.taker
			if person == "" {
				person = "Ann"
			}
			_, c, err := r.Answer(r.ctx, store.Answer{ID: "a", Call: c.ID, Attempt: c.Attempt, Person: person, Via: store.BySMS, Word: tt.word, To: "+12085550199"})
			c = r.ok(c, err)
			if tt.taker != "" {
				_, c, err = r.Accept(r.ctx, c.ID, c.Attempt)
				c = r.ok(c, err)
			}
			if got := r.due(store.Offer, c); len(got) != tt.want {
				t.Errorf("due are %q of a call that is %s", got, c.State)
			}
		})
	}
}

// What somebody wrote about a caller goes with the caller.
func TestNoteIsForgotten(t *testing.T) {
	r := newRules(t, ann, bob)
	c := r.take(r.arrive(), "Ann")
	_, c, err := r.Accept(r.ctx, c.ID, c.Attempt)
	r.ok(c, err)
	v, c, err := r.Answer(r.ctx, store.Answer{ID: "sms:over", Call: c.ID, Attempt: c.Attempt, Person: "Ann", Via: store.BySMS, Word: store.HandOver, Note: "Mrs Doe asks for a refund"})
	if r.ok(c, err); v.Result != store.HandedOver || c.Handed.Note == "" {
		t.Fatalf("%+v, %+v", v, c.Handed)
	}
	r.ok(r.HungUp(r.ctx, c.ID))
	if _, err := r.Forget(r.ctx, c.From); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"open/", "done/", "seen/"} {
		n := 0
		err := r.db.View(r.ctx, func(rd store.Reader) error {
			return rd.Scan(kind, "", func(key string, b []byte) bool {
				n++
				if strings.Contains(string(b), "Doe") {
					t.Errorf("%s: %s", key, b)
				}
				return true
			})
		})
		if err != nil || n == 0 && kind != "open/" {
			t.Errorf("%s: %d, %v", kind, n, err)
		}
	}
}

// Steps that are taken together make one mention due.
func TestMentionsDue(t *testing.T) {
	r := newRules(t, ann, bob)
	r.Team.Lines[0].Escalate = []store.Step{{After: time.Second, Here: true}, {After: 2 * time.Second, Here: true}, {After: time.Hour, Here: true}}
	c := r.take(r.arrive(), "Ann")
	r.clock.Advance(3 * time.Second)
	c = r.ok(r.Dialed(r.ctx, c.ID, c.Attempt, store.DialResult{Why: store.NoAnswer}))
	if got := r.due(store.Mention, c); c.Steps != 2 || len(got) != 1 {
		t.Errorf("after %d steps due are %q", c.Steps, got)
	}
}
