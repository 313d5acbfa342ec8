package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// keepFor is how long KeepSmall keeps what was overwritten or deleted: longer than anybody reads at one revision.
	keepFor = 5 * time.Minute

	// readers is how long Compact lets those go on who read what it is about to make unreadable.
	readers = time.Second

	// longest is how long Compact may take: a node rewrites some 50 MB a second.
	longest = 30 * time.Minute
)

// Compact implements store.Backend: etcd forgets all revisions but the last, and each node rewrites its file, the leader
// last; until it has, a node answers nothing. All nodes must be there. What was deleted stays in the nodes' write-ahead logs
// until these are cut, after some --snapshot-count changes. A user needs the role root for it. Close does not wait for it.
func (d *DB) Compact(ctx context.Context) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.uses.Done()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	defer context.AfterFunc(d.closing, cancel)()
	err := error(rpctypes.ErrCompacted)
	for errors.Is(err, rpctypes.ErrCompacted) { // by somebody else, and etcd does not say when it has done that
		var now int64
		if now, err = d.revision(ctx); err != nil {
			return err
		}
		select {
		case <-time.After(readers):
		case <-ctx.Done():
			return ctx.Err()
		}
		_, err = d.client.Compact(ctx, now, clientv3.WithCompactPhysical())
	}
	if err != nil {
		return fmt.Errorf("compact: %w", d.mayCompact(d.failure(ctx, err)))
	}
	nodes, err := d.leaderLast(ctx)
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	for _, endpoint := range nodes {
		_, err := d.client.Defragment(ctx, endpoint)
		if errors.Is(err, rpctypes.ErrPermissionDenied) {
			return fmt.Errorf("%w: user %q needs the role root to defragment", ErrDenied, d.Username)
		}
		if err != nil {
			return fmt.Errorf("compact: defragment %s: %w", endpoint, err)
		}
	}
	return nil
}

// leaderLast lists where the nodes are reached, which all must be.
func (d *DB) leaderLast(ctx context.Context) (endpoints []string, err error) {
	members, err := ask(ctx, d, func(ctx context.Context) (*clientv3.MemberListResponse, error) { return d.client.MemberList(ctx) })
	if err != nil {
		return nil, err
	}
	var leader []string
	for _, m := range members.Members {
		if len(m.ClientURLs) == 0 {
			return nil, fmt.Errorf("node %x of etcd has not started yet", m.ID)
		}
		endpoint := m.ClientURLs[0]
		s, err := ask(ctx, d, func(ctx context.Context) (*clientv3.StatusResponse, error) { return d.client.Status(ctx, endpoint) })
		switch {
		case err != nil:
			return nil, fmt.Errorf("node %s of etcd: %w", m.Name, err)
		case s.Leader == m.ID:
			leader = append(leader, endpoint)
		default:
			endpoints = append(endpoints, endpoint)
		}
	}
	return append(endpoints, leader...), nil
}

// revision asks for the present revision.
func (d *DB) revision(ctx context.Context) (int64, error) {
	got, err := ask(ctx, d, func(ctx context.Context) (*clientv3.GetResponse, error) {
		return d.client.Get(ctx, d.root, clientv3.WithCountOnly())
	})
	if err != nil {
		return 0, err
	}
	return got.Header.Revision, nil
}

// MayCompact returns an error unless this user may have etcd forget what was overwritten.
func (d *DB) MayCompact(ctx context.Context) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.uses.Done()
	return d.compactTo(ctx, 1) // all before the first change
}

// mayCompact says what a user lacks who may not compact: the server has asked for root since 3.7
// (server/etcdserver/api/v3rpc/key.go, kvServer.Compact).
func (d *DB) mayCompact(err error) error {
	if errors.Is(err, errRights) {
		return fmt.Errorf("%w: user %q needs the role root to compact; else start every node with --auto-compaction-mode=periodic --auto-compaction-retention=10m", ErrDenied, d.Username)
	}
	return err
}

// compactTo has etcd forget, when it finds the time, what was overwritten or deleted up to a revision.
func (d *DB) compactTo(ctx context.Context, revision int64) error {
	_, err := ask(ctx, d, func(ctx context.Context) (*clientv3.CompactResponse, error) {
		got, err := d.client.Compact(ctx, revision)
		if errors.Is(err, rpctypes.ErrCompacted) { // it has been, by somebody else or by this very request
			err = nil
		}
		return got, err
	})
	return d.mayCompact(err)
}

// KeepSmall has etcd forget every five minutes what was overwritten or deleted more than five minutes ago, until ctx ends.
// Every process may run it: the one that was registered first does the work.
func (d *DB) KeepSmall(ctx context.Context) error {
	every := time.NewTicker(keepFor)
	defer every.Stop()
	var before int64
	for said := false; ; {
		now, err := d.shrink(ctx, before)
		denied := errors.Is(err, ErrDenied) // and will be
		if err != nil && ctx.Err() == nil && !(denied && said) {
			d.Log.Warn("etcd could not be compacted", "err", err)
		}
		said = said || denied
		before = now
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// shrink compacts up to a revision if that is for this process to do, and returns the present one.
func (d *DB) shrink(ctx context.Context, before int64) (now int64, err error) {
	if err := d.begin(); err != nil {
		return 0, err
	}
	defer d.uses.Done()
	first, err := ask(ctx, d, func(ctx context.Context) (*clientv3.GetResponse, error) {
		return d.client.Get(ctx, d.root+processKind, append(clientv3.WithFirstCreate(), clientv3.WithLimit(1))...)
	})
	if err != nil {
		return 0, err
	}
	mine := len(first.Kvs) == 0 || first.Kvs[0].Lease == d.lease.id.Load()
	if mine && before != 0 {
		err = d.compactTo(ctx, before)
	}
	return first.Header.Revision, err
}
