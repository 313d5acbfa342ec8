package main

import (
	"flag"
	"maps"
	"slices"
	"testing"
)

var clusterRestarts = flag.Int("cluster-restarts", 1, "how often each of two processes is stopped and started again")

// Two processes are stopped and started again, one after the other, as for an upgrade, on a busy day. Nobody notices: no
// caller hears a fallback, nothing is done twice, and there is nothing to mend.
func TestClusterRestarted(t *testing.T) {
	t.Parallel()
	c, o := newCrowd(newSeed(t), clusterPace)
	w := twinTown(t, sharedNodes(t), o)
	c.harness = w.harness
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.live(clusterCallers, func() bool {
			select {
			case <-over:
				return false
			default:
				return true
			}
		})
	}()
	mended := 0.
	for range *clusterRestarts {
		for _, p := range w.each {
			before := c.dialled.Load()
			c.until("more callers", func() bool { return c.dialled.Load() > before+clusterCallers })
			mended += p.metric("pullphone_reconcile_mended_total")
			p.terminate()
			equal(t, "exit", p.exits(), "exit status 0")
			p.run()
		}
	}
	close(over)
	<-done
	c.must(c.net.WaitQuiet(c.ctx))
	c.settled(w.keeps)
	c.goHome()
	c.settled(w.keeps)
	for _, p := range w.each {
		mended += p.metric("pullphone_reconcile_mended_total")
		p.terminate()
		equal(t, "exit", p.exits(), "exit status 0")
	}
	equal(t, "mended", mended, 0)
	equal(t, "processes that are still registered", keysOf(t, etcdPlace(t, w.at), "process/"), 0)
	equal(t, "requests that were cut off", len(w.front.failures()), 0)
	k := readFile(t, w.atRest(), team(c.cfg))
	sum := c.judge(k)
	t.Logf("%d restarts; %s", *clusterRestarts*len(w.each), sum)
	for _, m := range sum.missing {
		t.Errorf("nobody was told of %+v", m)
	}
	for _, d := range sum.twice {
		t.Errorf("twice: %+v", d)
	}
	for _, f := range c.faults {
		t.Errorf("the network objects: %s", f)
	}
	if len(c.fellBack) > 0 {
		t.Errorf("heard a fallback: %v", slices.Collect(maps.Keys(c.fellBack)))
	}
}
