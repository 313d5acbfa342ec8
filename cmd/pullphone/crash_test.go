package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var kills = flag.Int("kills", 2, "how often TestKillAtRandom kills the program")

// What a server that starts does not learn yet of the time before; true has the test ask for it.
const (
	findsRecordings = true // messages left with a fallback
	findsMessages   = true // Slack messages of which the answer was cut off
)

const (
	// callersAtOnce is how many callers a random town has.
	callersAtOnce = 20
	// pace is how fast all is there where time is the real one.
	pace = 30 * time.Millisecond
)

// The program is killed again and again while callers and people do as they please. No call is lost or claimed twice,
// none is redirected twice for one claim, and every voicemail is posted.
func TestKillAtRandom(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	// A town looks through all that was ever said in it, so there are several.
	const most = 40
	fallbacks := []fallbackKind{byHand, deployed, ours}
	towns := max(1, min(len(fallbacks), *kills/2), (*kills+most-1)/most)
	for i := range towns {
		n := *kills/towns + min(1, max(0, *kills%towns-i))
		t.Run(fmt.Sprintf("town %d", i), func(t *testing.T) {
			t.Parallel()
			killAtRandom(t, seed+uint64(i), n, fallbacks[(seed+uint64(i))%uint64(len(fallbacks))])
		})
	}
}

func killAtRandom(t *testing.T, seed uint64, kills int, f fallbackKind) {
	c, o := newCrowd(seed, pace)
	o.haste = 1000
	var at tripwire
	o.voice.Intercept, o.slack.Intercept = at.wrap, at.wrap
	o.errors = []string{"fallback", "caller fell out of the queue"} // Twilio tells of a document that it did not get
	p := processTown(t, o)
	c.harness = p.harness
	c.fallBack(f)
	var killed atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.live(callersAtOnce, func() bool { return !killed.Load() })
	}()
	r := c.draw()
	for range kills {
		reached := at.arm(r)
		select {
		case <-reached:
		case <-time.After(time.Duration(100+r.IntN(1400)) * time.Millisecond):
		}
		at.off()
		p.kill()
		checkFile(t, p.town.store)
		for r.IntN(5) == 0 { // so soon that it may not even have begun
			p.begin()
			time.Sleep(time.Duration(r.IntN(80)) * time.Millisecond)
			p.kill()
		}
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(700)) * time.Millisecond) // callers hang up meanwhile
		}
		p.begin()
		p.answers("/healthz") // it may still look for what it has missed
	}
	p.ready()
	killed.Store(true)
	<-done
	c.must(c.net.WaitQuiet(c.ctx))
	c.settled(p.keeps)
	c.goHome()
	c.settled(p.keeps)
	p.kill()
	p.run() // what was recorded after the last start is looked for every ten minutes, or at the next
	c.settled(p.keeps)
	p.kill()
	checkFile(t, p.town.store)

	c.judgeKilled(readFile(t, p.town.store, team(c.cfg)), fmt.Sprintf("%d kills", kills), f)
}

// judgeKilled is judge of a program that was killed again and again.
func (c *crowd) judgeKilled(k kept, what string, f fallbackKind) {
	t := c.t
	sum := c.judge(k)
	t.Logf("%s, fallback %s; %s", what, f, sum)
	for _, m := range sum.missing {
		if findsRecordings || !m.fellBack {
			t.Errorf("nobody was told of %+v", m)
		}
	}
	for _, d := range sum.twice {
		if d.what == "sms" || findsMessages {
			t.Errorf("twice: %+v", d)
		}
	}
	for _, fault := range c.faults {
		if strings.Contains(fault, "/twilio/ring") || strings.Contains(fault, "/twilio/meet/") || strings.Contains(fault, "/twilio/callback") {
			continue // the phone of a teammate, which Twilio gives no fallback
		}
		if f != ours || !strings.Contains(fault, "hears an error") && !strings.Contains(fault, "hears error") {
			t.Errorf("the network objects: %s", fault)
		}
	}
}

// settled waits until every call has ended and nothing is due, by what the program keeps.
func (c *crowd) settled(keeps func() kept) {
	var k kept
	defer func() {
		if c.t.Failed() {
			c.t.Logf("not settled: %v", k.left)
		}
	}()
	c.until("everything has come to its end", func() bool {
		time.Sleep(250 * time.Millisecond) // it copies the whole store
		k = keeps()
		return len(k.left) == 0
	})
}

// keeps is what the running program has on its disk.
func (p *process) keeps() kept {
	file := p.town.store + ".copy"
	defer os.Remove(file)
	if code, _, errs := runs(p.ctx, "backup", "--config", p.file, file); code != 0 {
		p.t.Fatal(errs)
	}
	return readFile(p.t, file, team(p.cfg))
}

// tripwire holds one request of the program, drawn at random, and tells of it: the program is killed while it waits for
// the answer. Whether the request is carried out is drawn too.
type tripwire struct {
	only    func(*http.Request) bool // those that count; nil: all
	left    atomic.Int64             // requests until then; 0 and less: none is held
	done    atomic.Bool
	reached atomic.Pointer[chan struct{}]
}

func (w *tripwire) arm(r *rand.Rand) <-chan struct{} {
	reached := make(chan struct{})
	w.reached.Store(&reached)
	w.done.Store(r.IntN(2) == 0)
	w.left.Store(int64(1 + r.IntN(200)))
	return reached
}

func (w *tripwire) off() { w.left.Store(0) }

func (w *tripwire) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.only != nil && !w.only(r) || w.left.Add(-1) != 0 {
			next.ServeHTTP(rw, r)
			return
		}
		if w.done.Load() {
			next.ServeHTTP(discard{http.Header{}}, r)
		}
		close(*w.reached.Load())
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}
