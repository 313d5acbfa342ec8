package main

import (
	"flag"
	"sync"
	"testing"
	"time"
)

var clusterRounds = flag.Int("cluster-rounds", 3, "how many calls TestClusterFiftyAnswers answers")

// The same where two processes share a store in etcd: each answer goes to the one whose turn it is.
func TestClusterFiftyAnswers(t *testing.T) {
	var mu sync.Mutex
	var won [2]int // by the process that was told
	// Nobody may text more than ten times a minute, and everybody texts every other round.
	fiftyEach(t, *clusterRounds, 20, 1, func(t *testing.T, c *crowd, o options, rounds int) map[string]int {
		o.limit = 10 * time.Minute
		w := twinTown(t, sharedNodes(t), o)
		c.harness = w.harness
		winners := c.fiftyInTown(w.keys, rounds, func() {})
		sum := 0
		mu.Lock()
		defer mu.Unlock()
		for i, p := range w.each {
			n := int(p.metric("pullphone_claims_total", `result="won"`))
			won[i] += n
			sum += n
		}
		equal(t, "claims", sum, rounds)
		return winners
	})
	t.Logf("won by process: %v", won)
	if *clusterRounds >= 20 && (won[0] == 0 || won[1] == 0) {
		t.Error("one process has given no claim: the answers did not meet")
	}
}
