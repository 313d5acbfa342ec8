package etcd

import (
	"context"
	"fmt"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// slotKind is what the keys of slots begin with. They are nobody's business but this package's.
const slotKind = "tx/"

// slot is a key that this process writes with each change, one change at a time, and nobody else ever. Its revision is
// known, so a Txn that compares it is taken once however often it is sent; its value tells which change that was. It
// hangs on the lease of the process, so that it does not outlive it for long.
type slot struct {
	key      string
	lease    clientv3.LeaseID
	revision int64 // 0: not yet written
	changes  int
}

// slots are those that no change uses now.
type slots struct {
	mu   sync.Mutex
	free []*slot
	made int
}

// slot returns one for a change. It is given back with the revision that it has as far as is known; one that has another is
// found out when it is used next.
func (d *DB) slot(ctx context.Context) (*slot, error) {
	lease, err := d.leased(ctx)
	if err != nil {
		return nil, err
	}
	d.slots.mu.Lock()
	defer d.slots.mu.Unlock()
	for n := len(d.slots.free); n > 0; n-- {
		s := d.slots.free[n-1]
		d.slots.free = d.slots.free[:n-1]
		if s.lease == lease {
			return s, nil
		}
	}
	d.slots.made++
	return &slot{key: fmt.Sprintf("%s%s%x/%d", d.root, slotKind, lease, d.slots.made), lease: lease}, nil
}

func (s *slots) giveBack(one *slot, revision int64) {
	one.revision = revision
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, one)
}
