package storetest

import (
	"reflect"
	"sync"

	"pullphone/store"
)

var claims = []part[*world]{
	{"a claim by each way", claimedByEach},
	{"of fifty answers one wins", func(w *world) {
		w.fifty(func(int) (store.Via, store.Word) { return store.BySMS, store.Take })
		w.fifty(func(int) (store.Via, store.Word) { return store.BySlack, store.Take })
		w.fifty(func(int) (store.Via, store.Word) { return store.BySlack, store.SendVoicemail })
		for range 17 {
			w.fifty(func(i int) (store.Via, store.Word) {
				return []store.Via{store.BySMS, store.BySlack}[i%2], []store.Word{store.Take, store.SendVoicemail, store.Take}[i%3]
			})
		}
	}},
	{"the same answer twice", sameAnswer},
	{"the same answer many times at once", sameAnswerAtOnce},
	{"an answer to an earlier announcement", staleAnswer},
	{"answers after the first, in every state", laterAnswers},
	{"not me", passing},
	{"who can have been told", announced},
}

func claimedByEach(w *world) {
	for _, via := range []store.Via{store.BySMS, store.BySlack} {
		for _, word := range []store.Word{store.Take, store.SendVoicemail} {
			c := w.arrive(sales)
			w.clock.Advance(second)
			v, c := w.says(c, "Ann", via, word)
			want := store.Claim{Word: word, Person: "Ann", Via: via, Answer: c.Claim.Answer, Attempt: 1, At: w.clock.Now()}
			if v.Result != store.Won || v.First == nil || *v.First != want || *c.Claim != want {
				w.Errorf("%s by %s: %+v, claim %+v", word, via, v, c.Claim)
			}
			state, deadline := store.Ringing, 20*second+75*second
			if word == store.SendVoicemail {
				state, deadline = store.Recording, store.MaxMessage+minute
			}
			if got := w.is(c.ID, state, ""); got.Rev != c.Rev || c.Rev != 2 || !c.Deadline.Equal(w.clock.Now().Add(deadline)) {
				w.Errorf("%s by %s: %+v", word, via, c)
			}
			// The redirect is reserved for this process at once, so that it can go out without another commit.
			if d := w.one(store.Redirect, c.ID); d.Attempt != 1 || d.Owner == "" || d.Doubt {
				w.Errorf("%s by %s: redirect %+v", word, via, d)
			}
			if d := w.one(store.Draw, c.ID); d.Rev != c.Rev {
				w.Errorf("the picture is due at revision %d of %d", d.Rev, c.Rev)
			}
			tells := w.deeds(store.Tell, c.ID)
			if (len(tells) == 1) != (via == store.BySlack) {
				w.Errorf("%s by %s: %d to tell", word, via, len(tells))
			}
			for _, d := range tells {
				g, err := w.s.Given(w.ctx, d.Whom)
				if w.check(err); g.Answer.ID != d.Whom || g.Answer.User != "U-Ann" || !reflect.DeepEqual(g.Verdict, v) {
					w.Errorf("given %+v", g)
				}
			}
			w.ok(w.s.HungUp(w.ctx, c.ID)) // Ann can take the next
		}
	}
	if g, err := w.s.Given(w.ctx, "never"); err != nil || g.Answer.ID != "" {
		w.Errorf("an answer that was never given: %+v, %v", g, err)
	}
}

// fifty gives fifty people's answers at once: one wins, everybody else is told who, and there is one redirect.
func (w *world) fifty(of func(i int) (store.Via, store.Word)) {
	w.Helper()
	const n = 50
	c := w.arrive(sales)
	answers, verdicts := make([]store.Answer, n), make([]store.Verdict, n)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		via, word := of(i)
		answers[i] = store.Answer{ID: w.id("answer"), Call: c.ID, Attempt: c.Attempt, Person: w.id("P"), Via: via, Word: word}
		all.Go(func() {
			<-start
			v, _, err := w.s.Answer(w.ctx, answers[i])
			if err != nil {
				w.Error(err)
			}
			verdicts[i] = v
		})
	}
	close(start)
	all.Wait()
	w.sound()

	now, err := w.s.Call(w.ctx, c.ID)
	if w.check(err); now.Claim == nil {
		w.Fatal("nobody won")
	}
	won := 0
	for i, v := range verdicts {
		want := store.Lost
		if answers[i].ID == now.Claim.Answer {
			want = store.Won
			won++
			if now.Claim.Person != answers[i].Person || now.Claim.Via != answers[i].Via || now.Claim.Word != answers[i].Word {
				w.Errorf("the claim %+v is not the answer %+v", now.Claim, answers[i])
			}
		}
		if v.Result != want || v.First == nil || *v.First != *now.Claim {
			w.Errorf("%+v was told %q, first %+v; the claim is %+v", answers[i], v.Result, v.First, now.Claim)
		}
	}
	if won != 1 {
		w.Errorf("the claim %+v is of none of the answers", now.Claim)
	}
	if d := w.one(store.Redirect, c.ID); d.Attempt != 1 || now.Rev != c.Rev+1 {
		w.Errorf("redirect %+v, revision %d", d, now.Rev)
	}
}

func sameAnswer(w *world) {
	a := store.Answer{ID: "SM1", Call: w.arrive(sales).ID, Attempt: 1, Person: "Ann", Via: store.BySMS, Word: store.Take}
	v, c, err := w.s.Answer(w.ctx, a)
	w.check(err)
	again := func(a store.Answer) {
		w.Helper()
		due := len(w.all("due/"))
		before, err := w.s.Call(w.ctx, c.ID)
		w.check(err)
		v2, c2, err := w.s.Answer(w.ctx, a)
		w.check(err)
		if !reflect.DeepEqual(v2, v) {
			w.Errorf("again it came to %+v, first %+v", v2, v)
		}
		if !reflect.DeepEqual(c2, before) {
			w.Errorf("again it gave the call\n%+v, which is\n%+v", c2, before)
		}
		if n := len(w.all("due/")); n != due {
			w.Errorf("%d deeds are due, were %d", n, due)
		}
		w.sound()
	}
	again(a)

	// Another call waits by now: the same SMS, read again, must not take that one.
	other := w.arrive(sales)
	wrong := a
	wrong.Call = other.ID
	again(wrong)
	w.is(other.ID, store.Waiting, "")

	// The call itself waits again.
	w.clock.Advance(second)
	w.ok(w.s.Dialed(w.ctx, c.ID, 1, store.DialResult{Why: store.Busy}))
	again(a)
	later := a
	later.Attempt = 2
	again(later)
	w.is(c.ID, store.Waiting, "")

	// One that lost is told the same again, too, after the winner has failed.
	w.wins(w.is(c.ID, store.Waiting, ""), "Bob", store.Take)
	a.ID, a.Attempt, a.Person = "SM2", 2, "Cy"
	v, _, err = w.s.Answer(w.ctx, a)
	if w.check(err); v.Result != store.Lost || v.First.Person != "Bob" {
		w.Errorf("the second came to %+v", v)
	}
	w.ok(w.s.Dialed(w.ctx, c.ID, 2, store.DialResult{Why: store.NoAnswer}))
	again(a)

	w.restart()
	again(a)
}

func sameAnswerAtOnce(w *world) {
	c := w.arrive(sales)
	a := store.Answer{ID: "SM1", Call: c.ID, Attempt: 1, Person: "Ann", Via: store.BySlack, Word: store.Take, User: "U000ANN"}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			v, _, err := w.s.Answer(w.ctx, a)
			if err != nil || v.Result != store.Won {
				w.Errorf("%+v, %v", v, err)
			}
		})
	}
	all.Wait()
	w.one(store.Redirect, c.ID)
	w.one(store.Tell, c.ID)
	if c := w.is(c.ID, store.Ringing, ""); c.Rev != 2 {
		w.Errorf("revision %d", c.Rev)
	}
}

func staleAnswer(w *world) {
	old := w.arrive(sales)
	w.wins(old, "Ann", store.Take)
	w.ok(w.s.Dialed(w.ctx, old.ID, 1, store.DialResult{Why: store.NoAnswer}))
	for _, word := range []store.Word{store.Take, store.SendVoicemail, store.Pass} {
		if v, c := w.says(old, "Bob", store.BySMS, word); v.Result != store.Stale || c.State != store.Waiting || c.Attempt != 2 || len(c.Passed) != 0 {
			w.Errorf("%s to the first announcement came to %q, the call is %s", word, v.Result, c.State)
		}
	}
	w.wins(w.is(old.ID, store.Waiting, ""), "Bob", store.Take)
}

// laterAnswers: what is told to those who are not first. In states that only a person's claim leads to they hear of it,
// otherwise that it is too late.
func laterAnswers(w *world) {
	told := func(c store.Call, person string, word store.Word, want store.Result, first string) {
		w.Helper()
		before, err := w.s.Call(w.ctx, c.ID)
		w.check(err)
		v, after := w.says(c, person, store.BySMS, word)
		who := ""
		if v.First != nil {
			who = v.First.Person
		}
		if v.Result != want || who != first || !reflect.DeepEqual(after, before) {
			w.Errorf("%s's %s on a call that is %s %q came to %q, first %q; want %q, %q", person, word, before.State, before.Outcome,
				v.Result, who, want, first)
		}
	}
	for _, c := range []store.Call{w.ringing(), w.talking()} {
		told(c, "Ann", store.Take, store.Yours, "Ann")
		told(c, "Bob", store.Take, store.Lost, "Ann")
		told(c, "Bob", store.SendVoicemail, store.Lost, "Ann")
		told(c, "Bob", store.Pass, store.Lost, "Ann")
	}
	c := w.recording()
	told(c, "Ann", store.SendVoicemail, store.Yours, "Ann")
	told(c, "Bob", store.SendVoicemail, store.Lost, "Ann")
	told(c, "Bob", store.Take, store.Lost, "Ann")

	c = w.ok(w.s.HungUp(w.ctx, w.talking().ID))
	told(c, "Ann", store.Take, store.Yours, "Ann")
	told(c, "Bob", store.Take, store.Lost, "Ann")
	missed := w.in(store.Ended)
	told(missed, "Bob", store.Take, store.TooLate, "")
	byRule := w.ok(w.s.LeftQueue(w.ctx, w.arrive(sales).ID, 1))
	told(byRule, "Bob", store.Take, store.TooLate, "")
	byRule = w.ok(w.s.NothingRecorded(w.ctx, byRule.ID))
	told(byRule, "Bob", store.SendVoicemail, store.TooLate, "")
}

func passing(w *world) {
	c := w.arrive(sales)
	for _, person := range []string{"Ann", "Bob"} {
		w.clock.Advance(second)
		v, after := w.says(c, person, store.BySMS, store.Pass)
		if v.Result != store.PassOn || after.State != store.Waiting || !after.Deadline.Equal(c.Deadline) || after.Attempt != 1 {
			w.Errorf("a pass came to %q, %+v", v.Result, after)
		}
	}
	if ds := w.deeds(store.Redirect, c.ID); len(ds) != 0 {
		w.Errorf("a pass made a redirect due: %+v", ds)
	}
	now := w.is(c.ID, store.Waiting, "")
	if len(now.Passed) != 2 || now.Passed[0].Person != "Ann" || now.Passed[1].Person != "Bob" || !now.Passed[1].At.Equal(began.Add(2*second)) {
		w.Errorf("passed: %+v", now.Passed)
	}
	w.wins(now, "Ann", store.Take) // who passed may think again
}

func announced(w *world) {
	c := w.arrive(sales)
	told := func(c store.Call, person string, want bool) {
		w.Helper()
		got, err := w.s.Announced(w.ctx, c, person)
		if w.check(err); got != want {
			w.Errorf("%s was told: %t", person, got)
		}
	}
	told(c, "Ann", false)
	w.work(store.Text, func(jobs <-chan job) {
		for range 3 {
			j := await(w, w.ctx, "an SMS", jobs)
			told(c, j.Whom, true)
			j.done <- outcome{}
		}
		w.awaitDone(store.Text, c.ID)
	})
	told(c, "Ann", true)
}
