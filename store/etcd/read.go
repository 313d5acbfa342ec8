package etcd

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"pullphone/store"
)

// View implements store.Backend. All is read as of one revision. One that takes longer than etcd keeps old revisions fails.
func (d *DB) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.uses.Done()
	return fn(&picture{d: d, ctx: ctx})
}

// picture reads as of the revision that its first read finds. That one asks a quorum, the others any node.
type picture struct {
	d        *DB
	ctx      context.Context
	revision int64
}

// ask asks for a key, or those from there on.
func (p *picture) ask(key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	if p.revision != 0 {
		opts = append(opts, clientv3.WithRev(p.revision))
	}
	got, err := ask(p.ctx, p.d, func(ctx context.Context) (*clientv3.GetResponse, error) {
		if p.revision != 0 {
			got, err := p.d.client.Get(ctx, p.d.root+key, append(opts, clientv3.WithSerializable())...)
			if !errors.Is(err, rpctypes.ErrFutureRev) {
				return got, err
			}
			// That node is behind: ask it to catch up first.
		}
		return p.d.client.Get(ctx, p.d.root+key, opts...)
	})
	if err == nil && p.revision == 0 {
		p.revision = got.Header.Revision
	}
	return got, err
}

// Get implements store.Reader.
func (p *picture) Get(key string) ([]byte, error) {
	v, err := p.get(key)
	return v.value, err
}

func (p *picture) get(key string) (version, error) {
	got, err := p.ask(key)
	if err != nil {
		return version{}, err
	}
	return found(key, got)
}

// found is what an answer about a key says.
func found(key string, got *clientv3.GetResponse) (version, error) {
	if len(got.Kvs) == 0 {
		return version{}, nil
	}
	return versionOf(key, got.Kvs[0])
}
