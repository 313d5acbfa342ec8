package etcd

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/semaphore"
)

// ttl is how long a process that gives no sign of life is taken to live, in seconds. etcd adds up to a second, and begins
// anew when it elects a leader.
const ttl = 5

// processKind is what the keys of registered processes begin with.
const processKind = "process/"

// lease is this process's. It is granted when it is first needed: who only reads needs none.
type lease struct {
	id atomic.Int64 // 0: none

	turn       *semaphore.Weighted // of who grants one, or registers
	registered map[string][]byte   // by name
}

// leased returns the lease of this process. A new one gets all that is registered.
func (d *DB) leased(ctx context.Context) (clientv3.LeaseID, error) {
	if id := d.lease.id.Load(); id != 0 {
		return clientv3.LeaseID(id), nil
	}
	if err := d.lease.turn.Acquire(ctx, 1); err != nil {
		return 0, d.failure(ctx, err)
	}
	defer d.lease.turn.Release(1)
	if id := d.lease.id.Load(); id != 0 {
		return clientv3.LeaseID(id), nil
	}
	granted, err := ask(ctx, d, func(ctx context.Context) (*clientv3.LeaseGrantResponse, error) { return d.client.Grant(ctx, ttl) })
	if err != nil {
		return 0, err
	}
	for name, about := range d.lease.registered {
		if err := d.register(ctx, granted.ID, name, about); err != nil {
			return 0, err
		}
	}
	d.lease.id.Store(int64(granted.ID))
	d.loops.Go(func() { d.keep(granted.ID) })
	return granted.ID, nil
}

func (d *DB) register(ctx context.Context, id clientv3.LeaseID, name string, about []byte) error {
	_, err := ask(ctx, d, func(ctx context.Context) (*clientv3.PutResponse, error) {
		return d.client.Put(ctx, d.root+processKind+name, string(about), clientv3.WithLease(id))
	})
	return err
}

// Register implements store.Backend.
func (d *DB) Register(ctx context.Context, name string, about []byte) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.uses.Done()
	for {
		id, err := d.leased(ctx)
		if err != nil {
			return err
		}
		err = d.lease.turn.Acquire(ctx, 1)
		if err != nil {
			return d.failure(ctx, err)
		}
		if err = d.register(ctx, id, name, about); err == nil {
			d.lease.registered[name] = about
		}
		d.lease.turn.Release(1)
		if !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return err
		}
		d.lost(id)
	}
}

// lost notes that a lease is none any more.
func (d *DB) lost(id clientv3.LeaseID) {
	if d.lease.id.CompareAndSwap(int64(id), 0) {
		d.Log.Warn("etcd took this process for dead; it says again that it lives", "lease", id)
	}
}

// keep keeps a lease alive. If it is lost, what was registered on it goes to another.
func (d *DB) keep(id clientv3.LeaseID) {
	pause := pauses()
	for d.lease.id.Load() == int64(id) {
		d.keepThrough(id)
		left, err := try(d.ctx, func(ctx context.Context) (*clientv3.LeaseTimeToLiveResponse, error) {
			return d.client.TimeToLive(ctx, id)
		})
		if err == nil && left.TTL < 0 { // in whole seconds: one with 0 lives
			d.lost(id)
		}
		if !rest(d.ctx, pause) {
			return
		}
	}
	for d.registers() {
		if _, err := d.leased(d.ctx); err == nil || !rest(d.ctx, pause) {
			return
		}
	}
}

// registers reports whether this process has anything registered.
func (d *DB) registers() bool {
	if d.lease.turn.Acquire(d.ctx, 1) != nil {
		return false
	}
	defer d.lease.turn.Release(1)
	return len(d.lease.registered) > 0
}

// keepThrough keeps a lease alive through one node, until that has not answered for a while or the lease is lost.
func (d *DB) keepThrough(id clientv3.LeaseID) {
	l := clientv3.NewLease(d.client)
	defer l.Close()
	answers, err := l.KeepAlive(d.ctx, id)
	if err != nil {
		return
	}
	for {
		select {
		case _, ok := <-answers:
			if !ok {
				return
			}
		case <-time.After(tryFor + ttl*time.Second/3): // one is asked for every third of the time
			d.askAround()
			return
		}
	}
}

// release gives back the lease, and with it all that hangs on it. Where etcd does not answer it ends by itself.
func (d *DB) release() {
	if id := d.lease.id.Swap(0); id != 0 {
		_, _ = ask(context.Background(), d, func(ctx context.Context) (*clientv3.LeaseRevokeResponse, error) {
			return d.client.Revoke(ctx, clientv3.LeaseID(id))
		})
	}
}
