package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/store"
)

// takeOverWithin is how soon what a process that died had begun must be done by the other.
const takeOverWithin = 10 * time.Second

// One of two processes is killed again and again, or both, or a node of etcd, while callers and people do as they please. It
// comes to the same as with one process; and what a process leaves that died is done by the other.
func TestClusterKilledAtRandom(t *testing.T) {
	seed := newSeed(t)
	const most = 40 // see TestKillAtRandom
	fallbacks := []fallbackKind{byHand, deployed, ours}
	towns := (*kills + most - 1) / most
	var took takeOvers
	t.Run("towns", func(t *testing.T) {
		for i := range towns {
			n := *kills/towns + min(1, max(0, *kills%towns-i))
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				killTwins(t, seed+uint64(i), n, fallbacks[(seed+uint64(i))%uint64(len(fallbacks))], &took)
			})
		}
	})
	t.Log(&took)
}

// takeOvers are how long it took from a kill until the first and the last of what the process had reserved was done.
type takeOvers struct {
	mu          sync.Mutex
	first, last []time.Duration
	disturbed   []time.Duration // first, while a node of etcd was away as well: its leader counts from its election
}

func (o *takeOvers) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := fmt.Sprintf("%d times something was taken over", len(o.first)+len(o.disturbed))
	for what, all := range map[string][]time.Duration{"the first deed": o.first, "all": o.last, "the first deed while a node was away": o.disturbed} {
		if slices.Sort(all); len(all) > 0 {
			s += fmt.Sprintf("; %s: median %s, longest %s", what, all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
		}
	}
	return s
}

func killTwins(t *testing.T, seed uint64, kills int, f fallbackKind, took *takeOvers) {
	c, o := newCrowd(seed, clusterPace)
	var at tripwire
	var victim atomic.Int32
	at.only = func(r *http.Request) bool { return askedBy(r) == int(victim.Load()) }
	o.voice.Intercept, o.slack.Intercept = at.wrap, at.wrap
	o.errors = []string{"fallback", "caller fell out of the queue", // Twilio tells of a document that it did not get
		"*etcd does not answer", "*etcd: others changed the same keys", "*etcd: the lease of this process ended"} // while a leader is elected
	o.faults = []string{"answered with status 502", "answered with status 503"} // by Slack's people, who are told to try again
	w := twinTown(t, ownNodes(t), o)
	c.harness = w.harness
	c.fallBack(f)
	var killed atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.live(clusterCallers, func() bool { return !killed.Load() })
	}()
	r := c.draw()
	nodes := 0
	for range kills {
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond)
			w.killNode(r)
			nodes++
			continue
		}
		i := r.IntN(len(w.each))
		p := w.each[i]
		victim.Store(int32(i))
		reached := at.arm(r)
		select {
		case <-reached:
		case <-time.After(time.Duration(100+r.IntN(1400)) * time.Millisecond):
		}
		at.off()
		switch r.IntN(8) {
		case 0: // nobody is there for a while
			w.other(p).kill()
			p.kill()
			time.Sleep(time.Duration(r.IntN(700)) * time.Millisecond)
			w.other(p).begin()
		case 1, 2: // so soon that it may not even have begun
			p.kill()
			p.begin()
			time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
			p.kill()
		case 3:
			p.kill()
		default:
			w.takenOver(p, took)
		}
		p.begin()
		for _, p := range w.each {
			p.answers("/healthz") // it may still look for what it has missed
		}
	}
	w.away.Lock() // all nodes are back
	defer w.away.Unlock()
	for _, p := range w.each {
		p.ready()
	}
	killed.Store(true)
	<-done
	c.must(c.net.WaitQuiet(c.ctx))
	c.settled(w.keeps)
	c.goHome()
	c.settled(w.keeps)
	for _, p := range w.each { // what was recorded after the last start is looked for every ten minutes, or at the next
		p.kill()
	}
	over := time.Now()
	for _, p := range w.each {
		p.run()
	}
	// Those that were killed count as elder until their leases end.
	c.until("what was missed is looked for", func() bool { return w.lookedFor("messages").After(over) })
	c.settled(w.keeps)
	for _, p := range w.each {
		p.kill()
	}
	c.judgeKilled(w.keeps(), fmt.Sprintf("%d kills of processes and %d of nodes", kills-nodes, nodes), f)
}

// lookedFor is until when a kind of thing that may have been missed has been looked for.
func (w *twins) lookedFor(what string) (until time.Time) {
	w.t.Helper()
	w.must(w.keys.View(w.ctx, func(r store.Reader) error {
		b, err := r.Get("meta/caughtup/" + what)
		if err == nil && b != nil {
			until, err = time.Parse(time.RFC3339Nano, string(b))
		}
		return err
	}))
	return until
}

// killNode kills a node of etcd, the leader more often than others, which is started again after a moment. Never are two away.
func (w *twins) killNode(r *rand.Rand) {
	w.t.Helper()
	w.away.Lock()
	node := w.nodes.Nodes[r.IntN(len(w.nodes.Nodes))]
	if r.IntN(2) == 0 {
		leader, err := w.nodes.Leader(w.ctx)
		w.must(err)
		node = leader
	}
	w.must(node.Kill())
	pause := time.Duration(r.IntN(2000)) * time.Millisecond
	go func() {
		defer w.away.Unlock()
		time.Sleep(pause)
		err := node.Start()
		if err == nil {
			_, err = w.nodes.Leader(w.ctx)
		}
		if err != nil {
			w.t.Errorf("a node that was killed: %v", err)
		}
	}()
}

// takenOver kills a process and waits until the other has done all that it had reserved.
func (w *twins) takenOver(p *process, took *takeOvers) {
	w.t.Helper()
	changed, cancel := w.keys.Watch("due/")
	defer cancel()
	name := w.nameOf(p)
	p.kill()
	killed := time.Now()
	calm := w.away.TryLock()
	if calm {
		defer w.away.Unlock()
	}
	left := map[string]store.Deed{}
	for key, d := range w.deeds() {
		if name != "" && strings.HasPrefix(d.Owner, name) {
			left[key] = d
		}
	}
	if len(left) == 0 {
		return
	}
	var first, all time.Duration
	for n := len(left); len(left) > 0; {
		select {
		case <-changed:
		case <-w.ctx.Done():
			w.t.Fatalf("not taken over: %v", left)
		}
		now := w.deeds()
		for key, d := range left {
			if is, due := now[key]; !due || is.Rev != d.Rev || !is.Due.Equal(d.Due) {
				delete(left, key)
			}
		}
		all = time.Since(killed)
		if len(left) < n && first == 0 {
			first = all
		}
	}
	took.mu.Lock()
	defer took.mu.Unlock()
	if !calm {
		took.disturbed = append(took.disturbed, first)
		return
	}
	took.first, took.last = append(took.first, first), append(took.last, all)
	if first > takeOverWithin {
		w.t.Errorf("what a process had begun that died is done after %s", first)
	}
}

// nameOf is by what name a process that runs is registered; empty when it is not yet.
func (w *twins) nameOf(p *process) (name string) {
	w.t.Helper()
	var bad error
	err := w.keys.View(w.ctx, func(r store.Reader) error {
		return r.Scan("process/", "", func(key string, b []byte) bool {
			var is store.Process
			bad = errors.Join(bad, json.Unmarshal(b, &is))
			if is.PID == p.cmd.Process.Pid {
				name = strings.TrimPrefix(key, "process/")
			}
			return true
		})
	})
	w.must(errors.Join(err, bad))
	return name
}
