package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"pullphone/store"
)

func (h *history) pass() {
	d := []time.Duration{time.Second, 30 * time.Second, 10 * time.Second, 2 * time.Minute, 31 * time.Minute, 11 * time.Minute, 3 * time.Hour, 23 * time.Hour}[h.pick(8, "how long")]
	h.say("%s pass", d)
	h.advance(d)
	h.anybody()
	if h.pick(4, "deadlines") > 0 {
		h.expire()
	}
}

func (h *history) expire() {
	h.op = "expire"
	h.say("deadlines, at %s", h.now().Format(time.TimeOnly))
	h.deliver(func() error { return h.Expire(h.ctx) })
}

// restart ends a process and begins another, before or after.
func (h *history) restart() {
	h.say("restart")
	h.spoilt = 0
	old := h.process
	first := h.pick(2, "first") == 1 && len(h.living) < 4
	if first {
		h.start()
	}
	if err := old.Close(); err != nil {
		h.Errorf("close: %v", err)
	}
	h.living = slices.DeleteFunc(h.living, func(p *process) bool { return p == old })
	h.takeUp()
	if !first || len(h.living) < 2 {
		h.start()
	}
}

// event is something that Twilio reports, or that a caller does.
func (h *history) event() {
	c := h.call()
	if c != nil && !c.Open() && h.chance(3, "enough of it") {
		h.arrive()
		return
	}
	if c == nil {
		return
	}
	of := eventsOf[c.State]
	switch {
	case c.Back != nil && (c.State == store.Ringing || c.State == store.Talking):
		of = []string{"backover", "accept", "accept", "hungup", "found"}
	case c.GaveUp() && c.Claim != nil && c.Claim.Person != "":
		of = []string{"dialed", "ready"}
	}
	if h.chance(5, "any event") {
		of = anyEvents
	}
	name := of[h.pick(len(of), "event")]
	h.op = name
	attempt := h.attempt(c)
	r := store.DialResult{Why: []store.Why{store.NoAnswer, store.Busy, store.Failed}[h.pick(3, "why")]}
	switch h.pick(3, "result") {
	case 0:
		r = store.DialResult{Bridged: true, Seconds: 10 * h.pick(2, "seconds")}
	case 2:
		r.CallerGone = h.chance(3, "gone")
	}
	leg := "LEG0000"
	if c.Claim != nil && c.Claim.Leg != "" {
		leg = c.Claim.Leg
	} else if c.Ring.SID != "" {
		leg = c.Ring.SID
	}
	n := h.pick(5, "variety")
	h.say("%s of %s at %d (%d, %+v)", name, h.name(c.ID), attempt, n, r)
	h.deliver(func() error { return events[name](h, c, attempt, r, leg, n) })
	h.seen("event", name)
}

var anyEvents = slices.Sorted(maps.Keys(events))

var eventsOf = map[store.State][]string{
	store.Waiting:   {"queued", "hungup", "pickedup", "askback", "askback", "texted", "message", "ringover", "retrieved", "leftqueue", "found", "outofqueue", "askabout", "overtaken", "named"},
	store.Ringing:   {"accept", "fetched", "dialed", "accept", "screen", "met", "hungup", "retrieved", "ringover", "found", "backinqueue", "overtaken"},
	store.Talking:   {"dialed", "hungup", "dialed", "found", "queued"},
	store.Recording: {"fetched", "ready", "recorded", "nothing", "hungup", "found", "retrieved", "overtaken"},
	store.Ended:     {"dialed", "ready", "recorded", "hungup", "texted", "found"},
}

var events = map[string]func(h *history, c *store.Call, attempt int, r store.DialResult, leg string, n int) error{
	"queued": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.Queued(h.ctx, c.ID, at, "QU1")
		return err
	},
	"fetched": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.Fetched(h.ctx, c.ID, at)
		return err
	},
	"accept": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		joined, is, err := h.Accept(h.ctx, c.ID, at)
		if err == nil && joined != (is.State == store.Talking && is.Attempt == at) {
			h.Errorf("joined %t, and %s is %s", joined, h.name(c.ID), is.State)
		}
		return err
	},
	"screen": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, n int) error {
		return h.Screen(h.ctx, c.ID, at, []store.Why{store.Declined, store.NotAccepted}[n%2])
	},
	"dialed": func(h *history, c *store.Call, at int, r store.DialResult, _ string, _ int) error {
		is, err := h.Dialed(h.ctx, c.ID, at, r)
		if was := h.was.calls[c.ID]; err == nil && was.GaveUp() && was.Attempt == at && was.Claim != nil && r.Bridged {
			if want := map[store.Word]store.Outcome{store.Take: store.Talked, store.Forward: store.Forwarded}[was.Claim.Word]; want != "" && (is.Outcome != want || is.GaveUp()) {
				h.Errorf("%s was on the phone with somebody, and ended %s", h.name(c.ID), is.Outcome)
			}
		}
		return err
	},
	"hungup": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.HungUp(h.ctx, c.ID)
		return err
	},
	"leftqueue": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.LeftQueue(h.ctx, c.ID, at)
		return err
	},
	"recorded": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		_, err := h.Recorded(h.ctx, c.ID, n)
		return err
	},
	"ready": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		_, err := h.RecordingReady(h.ctx, c.ID, fmt.Sprintf("RE%s%d", c.SID, n%2), 1+n)
		return err
	},
	"nothing": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.NothingRecorded(h.ctx, c.ID)
		return err
	},
	"found": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		_, err := h.Found(h.ctx, c.ID, h.facts(c, n))
		return err
	},
	"named": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		return h.Named(h.ctx, c.ID, []string{"", "Zoe"}[n%2])
	},
	"texted": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, n int) error {
		x := store.SMSText{Person: h.team.People[0].Name, Attempt: c.Attempt, SID: "SM0000"}
		if len(c.Texts) > 0 {
			x = c.Texts[n%len(c.Texts)]
		}
		x.Status = []store.TextStatus{store.TextDelivered, store.TextUndelivered, store.TextSent, store.TextFailed, store.TextQueued}[n]
		return h.Texted(h.ctx, c.ID, x)
	},
	"pickedup": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.PickedUp(h.ctx, c.ID, at, c.Ring.Turn, cmp.Or(c.Ring.SID, "LEG"+c.SID))
		return err
	},
	"ringover": func(h *history, c *store.Call, at int, _ store.DialResult, leg string, n int) error {
		_, err := h.RingOver(h.ctx, c.ID, at, c.Ring.Turn, leg, n/4*21211)
		return err
	},
	"met": func(h *history, c *store.Call, at int, _ store.DialResult, leg string, _ int) error {
		_, err := h.Met(h.ctx, c.ID, at, leg)
		return err
	},
	"askback": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, _, err := h.AskBack(h.ctx, c.ID, at)
		return err
	},
	"message": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, _, err := h.LeaveMessage(h.ctx, c.ID, at)
		return err
	},
	"retrieved": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.Retrieved(h.ctx, c.ID, at)
		return err
	},
	"backover": func(h *history, c *store.Call, at int, r store.DialResult, _ string, _ int) error {
		_, err := h.CallBackOver(h.ctx, c.ID, at, r)
		return err
	},
	"backinqueue": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.BackInQueue(h.ctx, c.ID)
		return err
	},
	"outofqueue": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, _ int) error {
		_, err := h.OutOfQueue(h.ctx, c.ID, at)
		return err
	},
	"askabout": func(h *history, c *store.Call, _ int, _ store.DialResult, _ string, _ int) error {
		_, err := h.AskAbout(h.ctx, c.ID)
		return err
	},
	"overtaken": func(h *history, c *store.Call, at int, _ store.DialResult, _ string, n int) error {
		if n < 2 { // it takes a store that was put back
			return nil
		}
		return h.Overtaken(h.ctx, c.ID, at)
	},
}

// facts is what Twilio may say of a call that is over.
func (h *history) facts(c *store.Call, n int) store.Facts {
	f := store.Facts{Ended: h.now(), Unsettled: n == 2}
	if n == 3 {
		f.Voice = []store.Voice{{SID: "RE" + c.SID + "0", Seconds: 7}}
	}
	return f
}

// work does some of what is due, in any order.
func (h *history) work() {
	for range 1 + h.pick(4, "deeds") {
		due := h.dueNow()
		if len(due) == 0 {
			return
		}
		h.deed(due[h.pick(len(due), "deed")])
		h.check(h.op)
	}
}

func (h *history) dueNow() (due []store.Deed) {
	if h.was == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(h.was.due)) {
		if d := h.was.due[key]; !d.Due.After(h.now()) && (key != h.doing.key || h.process != h.doing.by) { // a process does none twice at a time
			due = append(due, *d)
		}
	}
	return due
}

var errOutside = errors.New("no answer")

// deed does one, as its worker does.
func (h *history) deed(d store.Deed) {
	fails, n := 0, 0
	if !h.quiet {
		fails, n = h.pick(8, "fails"), h.pick(5, "variety")
	}
	h.op = "do-" + string(d.Kind)
	w, known := h.workers[d.Kind]
	if !known {
		i := slices.IndexFunc(h.Rules(), func(w store.Work) bool { return w.Kind == d.Kind })
		work := store.Work{Kind: d.Kind, Longest: time.Second}
		if i >= 0 {
			work.Do = h.Rules()[i].Do
		} else {
			work.Do = func(_ context.Context, d store.Deed) (func(*store.Call) bool, error) { return h.todo(d) }
		}
		w = h.Worker(work)
		h.workers[d.Kind] = w
	}
	h.say("%s %s %s at %d (%d, %d)", h.op, h.name(d.Call), d.Whom, d.Attempt, fails, n)
	within := h.doing
	h.doing = doing{key: d.Key(), by: h.process, n: n, fails: fails}
	by, lost := h.process, h.lost
	w.Do(h.ctx, d)
	if by.lost && !lost {
		h.seen("process", "out of reach meanwhile")
	}
	h.doing = within
	h.seen("deed", string(d.Kind))
	if d.Kind == store.Freed {
		h.check(h.op)
		if h.was.due[d.Key()] == nil { // else it is not done, or due again
			h.toldFreed(d.Whom)
		}
	}
}

// toldFreed checks that who can take calls again knows of those that wait, or has one.
func (h *history) toldFreed(person string) {
	if h.between || h.updates >= h.spoilt && h.spoilt > 0 {
		return
	}
	for _, id := range h.was.order {
		c := h.was.calls[id]
		if c.State != store.Waiting {
			continue
		}
		if slices.Contains(h.callees(h.was, c), person) && !slices.Contains(c.Told, person) {
			h.Errorf("%s can take calls again, and was not told of %s", person, h.name(id))
		}
		line, _ := h.team.Line(c.Line)
		if first := h.nextInLine(h.was, c); first == person && line.Serves(person) {
			i := slices.IndexFunc(h.inLine, func(s standing) bool { return s.Person == person })
			if c.Began().After(h.inLine[i].After) {
				h.Errorf("%s stands in line and can take calls again, and %s waits", person, h.name(id))
			}
		}
	}
}

// doing is how the deed goes that is being done.
type doing struct {
	key      string
	by       *process
	n, fails int
}

// todo is the work on a deed: what packages voice and bot make of it.
func (h *history) todo(d store.Deed) (after func(*store.Call) bool, err error) {
	switch h.doing.fails {
	case 5:
		return nil, &store.Later{After: time.Second, Err: errOutside}
	case 6:
		return nil, errOutside
	}
	after, err = h.outside(d)
	if err == nil {
		h.once(d)
	}
	if err == nil && h.doing.fails == 7 {
		return nil, errOutside // it is done all the same
	}
	return after, err
}

func (h *history) outside(d store.Deed) (after func(*store.Call) bool, err error) {
	if d.Call == "" {
		return nil, nil
	}
	c, err := h.Call(h.ctx, d.Call)
	if err != nil {
		return nil, err
	}
	n := h.doing.n
	switch d.Kind {
	case store.Redirect:
		if c.Attempt == d.Attempt && (c.State == store.Ringing || c.State == store.Recording) && c.Fetched != c.Attempt && c.Missing == c.Attempt {
			return nil, &store.Later{After: time.Second}
		}
	case store.Ask:
		return nil, h.ask(c, n)
	case store.Lookup:
		return nil, h.Named(h.ctx, c.ID, []string{"Zoe", ""}[n%2])
	case store.Text:
		x := store.SMSText{Person: d.Whom, Attempt: d.Attempt, SID: h.id("SM"), Status: store.TextQueued}
		if n == 4 {
			x.SID, x.Status, x.Code, x.Never = "", store.TextFailed, 21610, true
		}
		if c.State == store.Waiting && c.Attempt == d.Attempt {
			return func(c *store.Call) bool { return c.Texted(x) }, nil
		}
	case store.Draw:
		if c.Message.TS == "" || c.Message.Rev < c.Rev {
			at := store.Message{Channel: "C000SALES", TS: cmp.Or(c.Message.TS, h.id("ts")), Rev: c.Rev}
			return func(c *store.Call) bool { c.Message = at; return false }, nil
		}
	case store.Post:
		return func(c *store.Call) bool {
			for i := range c.Voice {
				if c.Voice[i].SID == d.Whom {
					c.Voice[i].Message = store.Message{Channel: "C000SALES", TS: "ts"}
				}
			}
			return false
		}, nil
	case store.RingUp:
		turn := int(d.Rev)
		switch wait := c.Ring.At.Sub(h.now()); {
		case c.State != store.Waiting || c.Attempt != d.Attempt || c.Ring.Turn != turn || c.Ring.At.IsZero():
			return nil, nil
		case wait > 0:
			return nil, &store.Later{After: wait}
		case c.Ring.SID != "" || n == 4:
			_, err := h.RingOver(h.ctx, c.ID, c.Attempt, turn, c.Ring.SID, 0)
			return nil, err
		}
		leg, until := h.id("LEG"), h.now().Add(80*time.Second)
		return func(c *store.Call) bool { return c.Rung(d.Attempt, turn, leg, until) }, nil
	case store.CallOut:
		if c.State == store.Ringing && c.Attempt == d.Attempt {
			leg := h.id("LEG")
			_, _, err := h.CalledOut(h.ctx, c.ID, d.Attempt, leg)
			return nil, err
		}
	case store.Retrieve:
		if n == 0 {
			_, err := h.Retrieved(h.ctx, c.ID, d.Attempt)
			return nil, err
		}
	}
	return nil, nil
}

// ask is what Twilio says of a call when it is asked. In the end callers have hung up.
func (h *history) ask(c store.Call, n int) error {
	var err error
	switch {
	case !c.Open():
	case c.Back != nil:
		if (h.quiet || n > 1) && c.State != store.Waiting {
			_, err = h.CallBackOver(h.ctx, c.ID, c.Attempt, store.DialResult{Bridged: n == 4, Why: store.NoAnswer})
		}
	case c.State == store.Waiting:
		switch {
		case n == 3:
			_, err = h.Found(h.ctx, c.ID, h.facts(&c, 0))
		case n == 4:
			_, err = h.OutOfQueue(h.ctx, c.ID, c.Attempt)
		}
	case h.quiet, n > 1:
		if c.State == store.Ringing && n == 4 {
			_, err = h.BackInQueue(h.ctx, c.ID)
			break
		}
		_, err = h.Found(h.ctx, c.ID, h.facts(&c, n))
	}
	return err
}
