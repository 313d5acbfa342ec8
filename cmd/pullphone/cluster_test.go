package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/etcd/etcdtest"
)

// twins is a town whose pullphone is two processes that share a store in etcd, behind a load balancer.
type twins struct {
	*harness
	nodes *etcdtest.Cluster
	at    string // the store, as the config file names it
	front *balancer
	each  [2]*process
	keys  database   // the store, as the test reads it
	away  sync.Mutex // held while a node is away
}

// A change in etcd takes several processes their turn on the processor, so a random town of twins has fewer callers, who take
// their time.
const (
	clusterCallers = 10
	clusterPace    = 100 * time.Millisecond
)

// instanceHosts are the names by which the processes reach both services: so it is known who asks.
var instanceHosts = [2]string{"127.0.0.1", "localhost"}

// askedBy is the number of the process that sent a request.
func askedBy(r *http.Request) int {
	if strings.HasPrefix(r.Host, instanceHosts[1]) {
		return 1
	}
	return 0
}

// twinTown makes such a town, both processes running.
func twinTown(t *testing.T, nodes *etcdtest.Cluster, o options) *twins {
	t.Helper()
	o.clock, o.steady, o.haste = clockwork.NewRealClock(), true, 1000
	at, change := inCluster(t, nodes), o.yaml
	o.yaml = func(y string) string {
		if change != nil {
			y = change(y)
		}
		return onEtcd(at)(y)
	}
	w := &twins{harness: open(t, o), nodes: nodes, at: at, front: &balancer{}}
	w.must(w.setUp(w.ctx, w.cfg, io.Discard))
	w.listeners[1].Close()
	for i := range w.each {
		w.each[i] = w.instance(i)
		w.front.addresses = append(w.front.addresses, w.each[i].listen)
	}
	down := w.front.serve(w.listeners[0])
	w.stop = func() {
		for _, p := range w.each {
			p.stop()
		}
		down()
	}
	var err error
	w.keys, err = newStorage(storeOf(t, at), config.Etcd{}).open(w.ctx, slog.New(slog.DiscardHandler))
	w.must(err)
	t.Cleanup(func() { _ = w.keys.Close() })
	for _, p := range w.each {
		p.begin()
	}
	for _, p := range w.each {
		p.ready()
	}
	w.store, err = store.OpenHistory(w.ctx, w.keys, team(w.cfg))
	w.must(err)
	return w
}

// instance is one of the processes, with addresses of its own and otherwise the town's config file.
func (w *twins) instance(i int) *process {
	p := &process{harness: w.harness, file: fmt.Sprintf("%s.%d", w.harness.file, i)}
	for _, addr := range []*string{&p.listen, &p.admin} {
		l, err := steadyPort()
		w.must(err)
		*addr = l.Addr().String()
		w.must(l.Close())
	}
	y, err := os.ReadFile(w.harness.file)
	w.must(err)
	w.must(os.WriteFile(p.file, []byte(strings.NewReplacer(
		"\nlisten: "+w.listen, "\nlisten: "+p.listen, "\nadmin_listen: "+w.admin, "\nadmin_listen: "+p.admin,
		"api_url: http://"+instanceHosts[0], "api_url: http://"+instanceHosts[i],
	).Replace(string(y))), 0o600))
	return p
}

// ownNodes are three nodes of etcd that belong to one test.
func ownNodes(t *testing.T) *etcdtest.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // for building the server
	defer cancel()
	c, err := etcdtest.Start(ctx, etcdtest.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func sharedNodes(t *testing.T) *etcdtest.Cluster {
	t.Helper()
	c, err := sharedCluster()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// other is the process beside one.
func (w *twins) other(p *process) *process {
	if p == w.each[0] {
		return w.each[1]
	}
	return w.each[0]
}

// atRest copies the store, which nobody serves any more, into a file.
func (w *twins) atRest() (file string) {
	w.t.Helper()
	file = w.town.store
	if code, _, errs := runs(w.ctx, "backup", "--config", w.each[0].file, file); code != 0 {
		w.t.Fatal(errs)
	}
	return file
}

// keeps is what the store holds.
func (w *twins) keeps() kept { return readKept(w.t, w.keys, team(w.cfg)) }

// metric sums a metric of a running server over those of its series that have all the given labels.
func (p *process) metric(name string, labels ...string) (sum float64) {
	p.t.Helper()
	_, body := p.get(http.MethodGet, "http://"+p.admin+"/metrics", nil)
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(\{.*\})? (.*)$`).FindAllStringSubmatch(string(body), -1) {
		has := true
		for _, l := range labels {
			has = has && strings.Contains(m[1], l)
		}
		if has {
			v, err := strconv.ParseFloat(m[2], 64)
			p.must(err)
			sum += v
		}
	}
	return sum
}

// deeds are those in the store, by key.
func (w *twins) deeds() map[string]store.Deed {
	w.t.Helper()
	var all map[string]store.Deed
	var bad error
	err := w.keys.View(w.ctx, func(r store.Reader) error {
		all, bad = map[string]store.Deed{}, nil
		return r.Scan("due/", "", func(key string, b []byte) bool {
			var d store.Deed
			bad = errors.Join(bad, json.Unmarshal(b, &d))
			all[key] = d
			return true
		})
	})
	w.must(errors.Join(err, bad))
	return all
}
