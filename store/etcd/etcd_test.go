package etcd_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/store/etcd"
	"pullphone/store/etcd/etcdtest"
	"pullphone/store/storetest"
)

// cluster is one of three nodes for all tests that break none of it.
var cluster *etcdtest.Cluster

func TestMain(m *testing.M) {
	if cluster := os.Getenv(registerIn); cluster != "" {
		fmt.Fprintln(os.Stderr, register(cluster))
		os.Exit(1)
	}
	flag.Parse()
	_ = flag.Set("test.parallel", "6") // whatever the machine: they wait for answers, or for what is dead to be noticed
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "pullphone-etcd")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // for building the server
		defer cancel()
		if cluster, err = etcdtest.Start(ctx, etcdtest.Options{Dir: dir}); err != nil {
			fmt.Fprintln(os.Stderr, "no etcd cluster:", err)
			return 1
		}
		defer cluster.Close()
		return m.Run()
	}())
}

var prefixes atomic.Int64

// config is of the cluster, with a prefix that nobody else uses.
func config(c *etcdtest.Cluster) etcd.Config {
	var hosts []string
	for _, e := range c.Endpoints() {
		_, host, _ := strings.Cut(e, "://")
		hosts = append(hosts, host)
	}
	return etcd.Config{Endpoints: hosts, Prefix: fmt.Sprint("test/", prefixes.Add(1)), Log: slog.New(slog.DiscardHandler)}
}

func open(t *testing.T, c etcd.Config) *etcd.DB {
	t.Helper()
	db, err := etcd.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// opener is the suite's way to keys of its own.
func opener(t *testing.T) (store.Backend, func() store.Backend) {
	c := config(cluster)
	open := func() store.Backend { return open(t, c) }
	return open(), open
}

// TestBackend has the cluster to itself: its copies are large.
func TestBackend(t *testing.T) {
	storetest.Run(t, opener)
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.RunStore(t, opener)
	storetest.RunShared(t, func(t *testing.T) storetest.Shared { return &shared{t, config(cluster), map[store.Backend]*network{}} })
}

// shared is the suite's way to several processes.
type shared struct {
	*testing.T
	config etcd.Config
	of     map[store.Backend]*network // by which each reaches the cluster
}

func (s *shared) Open() store.Backend {
	n := newNetwork(s.T, cluster)
	c := s.config
	c.Endpoints = n.hosts
	db := open(s.T, c)
	s.of[db] = n
	s.Cleanup(n.restore)
	return db
}

// Kill cuts a process off, and does not wait for its lease to end.
func (s *shared) Kill(b store.Backend) {
	s.of[b].cut()
	if lease := b.(*etcd.DB).Lease(); lease != 0 { // it has registered something
		_, err := open(s.T, s.config).Client().Revoke(s.Context(), lease)
		check(s.T, err)
	}
}

// Lose takes a process's key alone: without a lease it could not write either.
func (s *shared) Lose(b store.Backend) { check(s.T, b.(*etcd.DB).Hide(s.Context())) }

func (s *shared) Back(b store.Backend) { check(s.T, b.(*etcd.DB).RegisterAgain(s.Context())) }
