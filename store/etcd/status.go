package etcd

import (
	"context"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Status is how the cluster is.
type Status struct {
	Members []Member // in the order of Config.Endpoints
	Alarms  []string // NOSPACE, CORRUPT
}

// Member is how a node is.
type Member struct {
	Endpoint    string
	Err         error // it does not answer; then nothing else is known
	Version     string
	Leader      bool  // it leads
	Leaderless  bool  // it knows of no leader
	Size, InUse int64 // bytes of its file, and of what is in it
	Quota       int64 // bytes that Size may have; 0: an etcd before 3.6 does not say; less: no bound
}

// Status asks every node, for a second at most. The error says why nothing is known of alarms.
func (d *DB) Status(ctx context.Context) (Status, error) {
	if err := d.begin(); err != nil {
		return Status{}, err
	}
	defer d.uses.Done()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s := Status{Members: make([]Member, len(d.Endpoints))}
	var all sync.WaitGroup
	for i, endpoint := range d.client.Endpoints() {
		all.Go(func() {
			m := Member{Endpoint: d.Endpoints[i]}
			if got, err := d.client.Status(ctx, endpoint); err != nil {
				m.Err = err
			} else {
				m.Version, m.Leader, m.Leaderless = got.Version, got.Leader == got.Header.MemberId, got.Leader == 0
				m.Size, m.InUse, m.Quota = got.DbSize, got.DbSizeInUse, got.DbSizeQuota
			}
			s.Members[i] = m
		})
	}
	var alarms *clientv3.AlarmResponse
	var err error
	for range d.Endpoints { // the client asks them in turn; one that knows of no leader says so at once
		if alarms, err = d.client.AlarmList(clientv3.WithRequireLeader(ctx)); err == nil {
			break
		}
	}
	all.Wait()
	if err != nil {
		_, err = d.explain(ctx, err) // asking how it is fails no call
		return s, err
	}
	for _, a := range alarms.Alarms {
		s.Alarms = append(s.Alarms, a.Alarm.String())
	}
	return s, nil
}

// Fits reports whether the nodes take transactions of so many reads or changes, by one that changes nothing.
func (d *DB) Fits(ctx context.Context, ops int) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.uses.Done()
	gets := make([]clientv3.Op, ops)
	for i := range gets {
		gets[i] = clientv3.OpGet(d.root, clientv3.WithKeysOnly())
	}
	_, err := ask(ctx, d, func(ctx context.Context) (*clientv3.TxnResponse, error) {
		return d.client.Txn(ctx).Then(gets...).Commit()
	})
	return err
}
