package etcd

import (
	"context"
	"errors"

	clientv3 "go.etcd.io/etcd/client/v3"

	"pullphone/store"
)

// Together is Update of a change that was overtaken.
func (d *DB) Together(ctx context.Context, fn func(store.Tx) error) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.uses.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	return d.together(ctx, fn)
}

// Client is what a DB speaks to the cluster with.
func (d *DB) Client() *clientv3.Client { return d.client }

// Shrink does once what KeepSmall does every five minutes.
func (d *DB) Shrink(ctx context.Context, before int64) (int64, error) { return d.shrink(ctx, before) }

// Queued is how many changes wait to be written together.
func (d *DB) Queued() int {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	return len(d.queue.parts)
}

// Left is for how many of them nobody waits any more.
func (d *DB) Left() (n int) {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	for _, p := range d.queue.parts {
		p.mu.Lock()
		if p.gone {
			n++
		}
		p.mu.Unlock()
	}
	return n
}

// Lease is what hangs on this process's life; 0: nothing yet.
func (d *DB) Lease() clientv3.LeaseID { return clientv3.LeaseID(d.lease.id.Load()) }

// Hide deletes what this process has registered; RegisterAgain puts it again.
func (d *DB) Hide(ctx context.Context) (err error) {
	for name := range d.lease.registered {
		_, e := d.client.Delete(ctx, d.root+processKind+name)
		err = errors.Join(err, e)
	}
	return err
}

func (d *DB) RegisterAgain(ctx context.Context) (err error) {
	for name, about := range d.lease.registered {
		err = errors.Join(err, d.register(ctx, d.Lease(), name, about))
	}
	return err
}
