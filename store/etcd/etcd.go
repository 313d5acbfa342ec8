// Package etcd keeps a store in an etcd cluster, for several processes.
//
// A change reads keys at one revision and is written by one Txn that compares what it has read; who finds that somebody
// else was faster reads again (write.go), together with others who found that (together.go). A change whose answer is
// lost, because the node that took it died, is sent again and written once (slot.go). What a process writes about itself
// hangs on a lease (lease.go). All processes see each other's changes by one watch each (watch.go).
//
// The keys are those of package store behind a prefix, and:
//
//	<prefix>/process/<name>         a process that has the store open; see Register
//	<prefix>/tx/<lease>/<number>    the change that a process wrote last through this slot
package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"pullphone/store"
)

// Config says where the store is.
type Config struct {
	Endpoints          []string // host:port of some nodes, better all
	Prefix             string   // of all keys; without a slash at its end
	Username, Password string   // empty where etcd asks for none
	TLS                *tls.Config
	Log                *slog.Logger
}

// ErrClosed means that the store was closed meanwhile.
var ErrClosed = errors.New("the store is closed")

// DB is a store.Backend in an etcd cluster.
type DB struct {
	Config
	client   *clientv3.Client
	root     string // what all keys begin with
	metrics  metrics
	lease    lease
	slots    slots
	beliefs  beliefs
	shapes   shapes
	queue    queue
	answered atomic.Pointer[time.Time] // when etcd answered a change last
	probes   singleflight.Group

	closing context.Context // ends when Close begins
	close   context.CancelFunc
	ctx     context.Context // ends with Close, once what was begun has finished
	cancel  context.CancelFunc
	loops   sync.WaitGroup // what runs until then
	uses    sync.WaitGroup // calls under way

	watchers store.Watchers

	mu     sync.Mutex
	closed bool
	told   int64              // revision up to which the watch has told
	own    map[int64]struct{} // later revisions that this process wrote, and told of at once
}

var _ store.Backend = (*DB)(nil)

// Open connects to a cluster. It fails when etcd takes no requests (ErrNoQuorum) or not from this user (ErrDenied), and
// writes nothing.
func Open(ctx context.Context, c Config) (*DB, error) {
	d := &DB{Config: c, root: c.Prefix + "/", metrics: newMetrics(), own: map[int64]struct{}{}}
	d.lease.turn, d.lease.registered = semaphore.NewWeighted(1), map[string][]byte{}
	scheme := "http://"
	if c.TLS != nil {
		scheme = "https://"
	}
	var urls []string
	for _, e := range c.Endpoints {
		urls = append(urls, scheme+e)
	}
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	d.closing, d.close = context.WithCancel(d.ctx)
	client := clientv3.Config{
		Endpoints: urls, TLS: c.TLS, Username: c.Username, Password: c.Password, Logger: zap.NewNop(),
		DialTimeout:       patience - lookAround,                                   // bounds no dialling, but the first use of the password
		DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 2 * time.Second, // no pings where nothing is asked: a node cuts off who sends such
		DialOptions: (&conns{open: map[string]net.Conn{}}).options(),
	}
	var err error
	if d.client, err = clientv3.New(client); err != nil {
		defer d.cancel()
		client.Username, client.Password = "", "" // of no use, but to find out why
		var bad error
		if d.client, bad = clientv3.New(client); bad != nil {
			return nil, bad
		}
		defer d.client.Close()
		return nil, d.failure(ctx, err)
	}
	if d.told, err = d.revision(ctx); err != nil {
		d.cancel()
		return nil, errors.Join(err, d.client.Close())
	}
	d.loops.Go(d.follow)
	return d, nil
}

// BeatSize implements store.Backend: etcd refuses a small change like a large one.
func (d *DB) BeatSize() int { return 0 }

// begin notes a call that Close waits for; end it with d.uses.Done.
func (d *DB) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	d.uses.Add(1)
	return nil
}

// Close lets what was begun finish and gives back what this process has registered.
func (d *DB) Close() error {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if closed {
		return nil
	}
	d.close()
	d.uses.Wait()
	d.cancel()
	d.loops.Wait()
	d.release()
	return d.client.Close()
}
