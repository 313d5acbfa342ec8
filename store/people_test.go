package store_test

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"pullphone/store"
)

// deliver brings the news of something once, twice, again after an error, or not at all.
func (h *history) deliver(news func() error) {
	err := news()
	if errors.Is(err, errDied) {
		h.anybody()
		err = errFault
	}
	switch {
	case err != nil && !errors.Is(err, errFault):
		h.Errorf("%s: %v", h.op, err)
	case err != nil && h.pick(2, "again") == 0, err == nil && h.chance(8, "twice"):
		if err == nil {
			h.seen("fault", "delivered twice")
		}
		h.check(h.op)
		if err := news(); errors.Is(err, errDied) {
			h.anybody()
		} else if err != nil && !errors.Is(err, errFault) {
			h.Errorf("%s: %v", h.op, err)
		}
	}
}

// insist repeats until it is written.
func (h *history) insist(do func() error) {
	err := do()
	if errors.Is(err, errDied) {
		h.anybody()
		err = errFault
	}
	if errors.Is(err, errFault) {
		err = do()
	}
	if err != nil {
		h.Errorf("%s: %v", h.op, err)
	}
}

func (h *history) arrive() {
	h.op = "arrive"
	var a store.Arrival
	if h.chance(6, "the same") && len(h.sids) > 0 {
		a = h.sids[h.pick(len(h.sids), "which")]
	} else {
		a = store.Arrival{SID: h.id("CA"), Line: h.team.Lines[h.pick(len(h.team.Lines), "line")].Number, City: "Boise, ID",
			From: []string{"+12085550901", "+12085550902", ""}[h.pick(3, "from")], Queued: h.chance(10, "queued")}
		h.sids = append(h.sids, a)
	}
	h.say("%s arrives from %q, queued %t", a.SID, a.From, a.Queued)
	h.arrives(a)
}

func (h *history) arrives(a store.Arrival) {
	var full bool
	var c store.Call
	h.insist(func() (err error) {
		c, err = h.Arrive(h.ctx, a)
		full = h.was != nil && h.was.calls[c.ID] == nil && len(h.was.from[a.From]) >= 3 // as it was before
		if err == nil && full {
			h.uncounted[c.ID] = true
		}
		return err
	})
	if full && !c.Short && !a.Queued {
		h.Errorf("%s is the fourth call of its number and waits", h.name(c.ID))
	}
}

func (h *history) crowded() {
	if h.crowds++; h.crowds > 1 || h.chance(2, "a crowd") { // it takes long to play
		h.arrive()
		return
	}
	for range 12 {
		h.arrives(store.Arrival{SID: h.id("CA"), Line: h.team.Lines[0].Number})
		h.op = "arrive"
		h.check(h.op)
	}
	h.say("twelve arrive")
}

func (h *history) fallback() {
	a := store.Arrival{SID: h.id("CA"), Line: h.team.Lines[0].Number, From: "+12085550901"}
	if h.pick(2, "known") == 0 && len(h.sids) > 0 {
		a = h.sids[h.pick(len(h.sids), "which")]
	}
	h.say("%s comes to the fallback", a.SID)
	h.deliver(func() error {
		c, err := h.ArriveAtFallback(h.ctx, a)
		if errors.Is(err, errDied) {
			h.anybody()
		}
		if id, _ := h.CallBySID(h.ctx, a.SID); h.was == nil || h.was.calls[id] == nil {
			h.uncounted[id] = true
		}
		if err == nil && c.State != store.Recording && c.Open() && c.Back == nil {
			h.Errorf("%s came to the fallback and is %s", h.name(c.ID), c.State)
		}
		return err
	})
}

// call picks one, mostly of those that are open.
func (h *history) call() *store.Call {
	if h.was == nil || len(h.was.order) == 0 {
		return nil
	}
	var live, open []store.CallID
	for _, id := range h.was.order {
		switch h.was.calls[id].State {
		case store.Ended:
		case store.Recording:
			open = append(open, id)
		default:
			live, open = append(live, id), append(open, id)
		}
	}
	all := h.was.order
	switch any := h.pick(8, "any call"); {
	case any < 2 && h.lately != "": // much happens to the same
		all = []store.CallID{h.lately}
	case any < 6 && len(live) > 0:
		all = live
	case any < 7 && len(open) > 0:
		all = open
	}
	h.lately = all[h.pick(len(all), "call")]
	return h.was.calls[h.lately]
}

// attempt picks one of a call, mostly the current.
func (h *history) attempt(c *store.Call) int {
	if h.chance(6, "stale") || c.Attempt > 1 && h.chance(4, "an earlier one") {
		return 1 + h.pick(c.Attempt, "attempt")
	}
	return c.Attempt
}

func (h *history) person() string {
	return h.team.People[h.pick(len(h.team.People), "person")].Name
}

func (h *history) answer() {
	c := h.call()
	if c != nil && (!c.Open() || c.State == store.Recording) && h.pick(4, "enough of it") > 0 {
		h.arrive()
		return
	}
	if c == nil {
		return
	}
	var a store.Answer
	again := h.chance(8, "given before") && len(h.given) > 0
	if again {
		a = h.given[h.pick(len(h.given), "which")]
	} else {
		a = store.Answer{ID: h.id("answer"), Call: c.ID, Attempt: h.attempt(c), Person: h.person(), Force: h.chance(6, "force"),
			Via:  []store.Via{store.BySMS, store.BySlack, store.ByPhone}[h.pick(3, "via")],
			Word: []store.Word{store.Take, store.Pass, store.SendVoicemail, store.Forward, store.HandOver}[h.pick(5, "word")], Late: h.chance(8, "late")}
		if who := taker(c); who != "" && h.pick(3, "taker") > 0 {
			a.Person = who
			if c.State == store.Talking && h.pick(3, "hand over") > 0 {
				a.Word = store.HandOver
			}
		}
		switch {
		case a.Via == store.BySlack:
			a.User = "U-" + a.Person
		case a.Via == store.ByPhone && a.Word == store.Take:
			a.Leg = h.id("LEG")
		}
		if a.Word == store.Forward {
			a.To = "+12085550199"
		}
	}
	var v store.Verdict
	h.say("%s says %s to %s at %d by %s, force %t (%s)", a.Person, a.Word, h.name(a.Call), a.Attempt, a.Via, a.Force, a.ID)
	if !again {
		h.answers[a.ID] = a
		h.given = append(h.given, a)
	}
	h.insist(func() (err error) { v, _, err = h.Answer(h.ctx, a); return err })
	h.say("  %s", v.Result)
	if want, known := h.verdicts[a.ID]; known { // else this one came first, while another was under way
		if want.Result != v.Result {
			h.Errorf("%s: the same answer came to %q and then to %q", a.ID, want.Result, v.Result)
		}
		return
	}
	h.verdicts[a.ID] = v
	h.seen("verdict", string(v.Result))
	before := h.was
	if want := h.verdict(before, before.calls[a.Call], a); v.Result != want {
		h.Errorf("%s came to %q, not %q", a.ID, v.Result, want)
	}
	h.check(h.op)
	is := h.was.calls[a.Call]
	switch v.Result {
	case store.Won:
		h.won(a, is)
	case store.Lost, store.Yours:
		if v.First == nil || v.First.Person == "" {
			h.Errorf("%s: %s, and nobody was first", a.ID, v.Result)
		}
	case store.PassOn:
		first := !hasPassed(before.calls[a.Call], a.Person) // who says it again says nothing new
		if first && is.State == store.Waiting && is.Back == nil && len(h.left(is)) == 0 {
			h.Errorf("%s: all have passed, and %s still waits", a.ID, h.name(is.ID))
		}
	case store.HandedOver, store.GivenBack:
		if is.Attempt != a.Attempt+1 && v.Result == store.GivenBack || is.State == before.calls[a.Call].State && is.Attempt == before.calls[a.Call].Attempt {
			h.Errorf("%s: %s did not go on from attempt %d", a.ID, h.name(is.ID), a.Attempt)
		}
		if v.Result == store.HandedOver && (is.Handed == nil || is.Handed.By != a.Person || is.State == store.Waiting && !is.Deadline.Equal(h.now().Add(30*time.Second))) {
			h.Errorf("%s: %s was handed over as %+v, to wait until %s", a.ID, h.name(is.ID), is.Handed, is.Deadline)
		}
		if line, _ := h.team.Line(is.Line); v.Result == store.HandedOver {
			if is.Steps != before.calls[a.Call].Steps {
				h.Errorf("%s: %s was handed over, and %d steps are taken at once", a.ID, h.name(is.ID), is.Steps)
			}
			for i, step := range line.Escalate[is.Steps:] {
				d := h.was.due[store.Deed{Kind: store.Escalate, Call: is.ID, Whom: strconv.Itoa(is.Steps + i + 1)}.Key()]
				if d == nil || !d.Due.Equal(h.now().Add(step.After)) || d.Owner != "" {
					h.Errorf("%s: a step of %s comes at %+v", a.ID, h.name(is.ID), d)
				}
			}
		}
		if v.Result == store.HandedOver && len(is.Passed) != 0 {
			h.Errorf("%s: %+v passed before the conversation, and are left out of %s", a.ID, is.Passed, h.name(is.ID))
		}
		if is.Back == nil && is.Missing != is.Attempt {
			h.Errorf("%s: nobody knows that %s is not on hold", a.ID, h.name(is.ID))
		}
	}
}

// won counts an answer that was told that it won.
func (h *history) won(a store.Answer, c *store.Call) {
	at := claimed{c.ID, a.Attempt}
	h.wins[at]++
	if h.wins[at] > 1 {
		h.Errorf("%s was won twice at attempt %d", h.name(c.ID), a.Attempt)
	}
	if h.claims[at].Answer != a.ID {
		h.Errorf("%s won %s at attempt %d, which has the claim %+v", a.ID, h.name(c.ID), a.Attempt, h.claims[at])
	}
}

func (h *history) pull() {
	a := store.Answer{ID: h.id("pull"), Person: h.person(), Via: []store.Via{store.BySMS, store.BySlack}[h.pick(2, "via")], Force: h.chance(6, "force")}
	again := h.chance(8, "given before") && len(h.pulls) > 0
	if again {
		a = h.pulls[h.pick(len(h.pulls), "which")]
	}
	h.say("%s pulls, force %t (%s)", a.Person, a.Force, a.ID)
	kept := a
	kept.Pull, kept.Word = true, store.Take
	h.answers[a.ID] = kept
	want, which := store.InLine, store.CallID("")
	if p := h.was; p != nil {
		which = h.longest(p, a.Person)
		switch {
		case len(p.callsOf(a.Person, "")) > 0 && !a.Force:
			want = store.OnACall
		case which != "":
			want = store.Won
		}
	}
	var v store.Verdict
	var c store.Call
	h.insist(func() (err error) { v, c, err = h.Pull(h.ctx, a); return err })
	h.say("  %s %s", v.Result, c.ID)
	if again {
		if want := h.verdicts[a.ID]; want.Result != v.Result {
			h.Errorf("%s: the same pull came to %q and then to %q", a.ID, want.Result, v.Result)
		}
		return
	}
	if v.Result == store.InLine {
		h.stand(a.Person, time.Time{})
	}
	h.verdicts[a.ID] = v
	h.pulls = append(h.pulls, a)
	h.seen("pull", string(v.Result))
	h.seen("verdict", string(v.Result))
	h.check(h.op)
	if !h.between && (v.Result != want || want == store.Won && c.ID != which) {
		h.Errorf("%s came to %q of %s, not %q of %s", a.ID, v.Result, h.name(c.ID), want, h.name(which))
	}
	if v.Result == store.Won {
		a.Attempt = v.First.Attempt
		h.won(a, h.was.calls[c.ID])
	}
}

// stands is a place in line, whether or not others wait.
func (h *history) stands() {
	a := store.Answer{ID: h.id("stand"), Person: h.person(), Via: store.ByPhone}
	h.say("%s wants to stand in line", a.Person)
	want := store.InLine
	var v store.Verdict
	h.insist(func() (err error) { v, err = h.Stand(h.ctx, a); return err })
	if len(h.was.callsOf(a.Person, "")) > 0 {
		want = store.OnACall
	}
	if v.Result != want {
		h.Errorf("%s came to %q, not %q", a.ID, v.Result, want)
	}
	if v.Result == store.InLine {
		h.stand(a.Person, h.now())
	}
}

func (h *history) stand(person string, after time.Time) {
	i := slices.IndexFunc(h.inLine, func(s standing) bool { return s.Person == person })
	if h.inLine = slices.Clone(h.inLine); i < 0 {
		i, h.inLine = len(h.inLine), append(h.inLine, standing{Person: person, After: after})
	}
	h.inLine[i].Until = h.now().Add(30 * time.Minute)
	h.check(h.op)
	if h.was.due[store.Deed{Kind: store.Freed, Whom: person}.Key()] == nil {
		h.Errorf("%s stands in line, and nobody looks what has come meanwhile", person)
	}
}

// longest is the call that a pull is to give to a person.
func (h *history) longest(p *picture, person string) (best store.CallID) {
	for _, id := range p.order {
		c := p.calls[id]
		line, _ := h.team.Line(c.Line)
		if c.State != store.Waiting || !line.Serves(person) || hasPassed(c, person) {
			continue
		}
		b := p.calls[best]
		if b == nil || c.Handed != nil && b.Handed == nil || (c.Handed == nil) == (b.Handed == nil) && c.Arrived.Before(b.Arrived) {
			best = id
		}
	}
	return best
}

func (h *history) leave() {
	who := h.person()
	h.say("%s leaves the line", who)
	h.insist(func() error { _, err := h.LeaveLine(h.ctx, who); return err })
	h.leaveLine(who)
}

func (h *history) onOff() {
	if h.chance(6, "all off") {
		for _, p := range h.team.People {
			h.setDuty(p.Name, store.Duty{Off: true, Until: h.now().Add(time.Minute)})
		}
		return
	}
	who, d := h.person(), store.Duty{Off: h.pick(2, "off") == 1}
	if d.Off && h.pick(2, "until") == 1 {
		d.Until = h.now().Add(time.Minute)
	}
	h.setDuty(who, d)
}

func (h *history) setDuty(who string, d store.Duty) {
	h.say("%s: off duty %t until %s", who, d.Off, d.Until.Format(time.TimeOnly))
	h.insist(func() error { return h.SetDuty(h.ctx, who, d) })
	h.duty[who] = d
	if d.Off {
		h.leaveLine(who)
	} else {
		delete(h.duty, who)
		h.check(h.op)
		if h.was.due[store.Deed{Kind: store.Freed, Whom: who}.Key()] == nil {
			h.Errorf("%s is on duty again, and nobody tells them what waits", who)
		}
	}
}
