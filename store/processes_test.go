package store_test

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"pullphone/store"
)

// process is one of those that serve the store.
type process struct {
	*store.Store
	keys    *memory
	workers map[store.Kind]store.Worker
	lost    bool      // its key is lost, though it lives
	until   time.Time // its key stands though it is dead
}

// start opens the store as a new process does.
func (h *history) start() {
	p := &process{keys: newMemory(h.disk), workers: map[store.Kind]store.Worker{}}
	p.keys.few = true
	var err error
	if p.Store, err = store.Open(h.ctx, p.keys, h.team, h.clock, slog.New(slog.DiscardHandler)); err != nil {
		h.Fatalf("open: %v", err)
	}
	p.keys.fault = func() fault { return h.spoil(p) }
	h.living = append(h.living, p)
	h.process = p
}

// anybody lets some process act. There is always one.
func (h *history) anybody() {
	if len(h.living) == 0 {
		h.say("another process begins")
		h.start()
	}
	h.process = h.living[h.pick(len(h.living), "process")]
}

// bury notes that a process is dead. Its key stands for up to ten seconds more.
func (h *history) bury(p *process) {
	h.say("a process dies")
	p.until = h.now().Add(time.Duration(h.pick(11, "seconds")) * time.Second)
	h.living = slices.DeleteFunc(h.living, func(o *process) bool { return o == p })
	h.dead = append(h.dead, p)
}

func (h *history) die() {
	h.process.keys.die()
	h.bury(h.process)
	h.anybody()
}

// lose has a process out of reach of the others, until it is back.
func (h *history) lose() {
	p := h.process
	if p.lost {
		h.back(p)
		return
	}
	h.say("a process is out of reach")
	h.seen("process", "out of reach")
	p.lost = true
	p.keys.lose()
	h.takeUp()
}

func (h *history) back(p *process) {
	h.say("a process is back")
	h.seen("process", "back")
	p.lost = false
	p.keys.back()
	h.takeUp()
}

// takeUp has those who live see who does not, one after the other.
func (h *history) takeUp() {
	op, was := h.op, h.process
	h.op = "takeup"
	for _, p := range slices.Clone(h.living) {
		if !slices.Contains(h.living, p) { // it died over it
			continue
		}
		h.process = p
		h.insist(func() error { return h.TakeUp(h.ctx) })
		h.check(h.op)
	}
	h.op, h.process = op, was
	if !slices.ContainsFunc(h.living, func(p *process) bool { return !p.lost }) {
		return
	}
	stands := map[string]bool{}
	for _, p := range h.was.keys {
		if name, ok := strings.CutPrefix(p.key, "process/"); ok {
			stands[name] = true
		}
	}
	for key, d := range h.was.due {
		if name, _, _ := strings.Cut(d.Owner, "/"); d.Owner != "" && !stands[name] {
			h.Errorf("%s is reserved by %s, who is gone", key, d.Owner)
		}
		if d.Left != "" {
			h.seen("process", "taken over")
		}
	}
}

// advance lets time pass; the keys of those who are dead go in the middle of it.
func (h *history) advance(d time.Duration) {
	end := h.now().Add(d)
	for {
		i := slices.IndexFunc(h.dead, func(p *process) bool { return !p.until.After(end) })
		if i < 0 {
			break
		}
		p := h.dead[i]
		h.dead = slices.Delete(h.dead, i, i+1)
		if p.until.After(h.now()) {
			h.clock.Advance(p.until.Sub(h.now()))
		}
		p.keys.lose()
		if len(h.living) == 0 {
			h.start()
		}
		h.takeUp()
	}
	h.clock.Advance(end.Sub(h.now()))
}

// mend brings back who is out of reach, and has who is dead known to be so.
func (h *history) mend() {
	h.anybody()
	for _, p := range slices.Clone(h.living) {
		if p.lost {
			h.back(p)
		}
	}
	h.advance(10 * time.Second)
	if len(h.dead) > 0 {
		h.Errorf("%d processes are still taken to live", len(h.dead))
	}
}

// once checks that a deed which was done is done again only in doubt.
func (h *history) once(d store.Deed) {
	switch d.Kind {
	case store.Redirect, store.Text, store.Post, store.CallOut, store.Lookup:
	default:
		return
	}
	if h.done[d.Key()] && !d.Doubt {
		h.Errorf("%s is done again, and in no doubt", d.Key())
	}
	h.done[d.Key()] = true
}
