package etcd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"pullphone/store"
)

// Update implements store.Backend. fn runs first on what this process believes the keys to be, which costs no request: a
// Txn that compares them proves it right, and writes, or gives what they are. Then fn runs on that, and on what else one
// revision holds. Changes go their way at once; those that are overtaken are written together, so that a crowd at one key
// does not go on to overtake each other.
func (d *DB) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.uses.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if !d.queue.busy() {
		if err := d.change(ctx, fn, false); !errors.Is(err, errOvertaken) {
			return err
		}
	}
	return d.together(ctx, fn)
}

// change runs fn and writes what comes of it. When it is overtaken it begins anew, or returns errOvertaken. Anew at once, on
// what it was told when it was refused: after a pause, that would be out of date again.
func (d *DB) change(ctx context.Context, fn func(store.Tx) error, again bool) error {
	c := &change{picture: picture{d: d, ctx: ctx}, believes: true, read: map[string]version{}, rests: map[string]bool{}, written: map[string][]byte{}}
	for first := true; ; first = false {
		if c.broken || !first && c.revision == 0 {
			if err := c.readAgain(); err != nil {
				return err
			}
		}
		proven, err := c.run(fn)
		if !proven {
			if c.believes { // all that it rests on has to be looked at
				c.believes, c.revision = false, 0
			}
			continue
		}
		if err != nil || len(c.written) == 0 {
			return err
		}
		begun := time.Now()
		if err = d.commit(ctx, c); err == nil {
			d.metrics.commit.Observe(time.Since(begun).Seconds())
		}
		if !errors.Is(err, errOvertaken) {
			return err
		}
		d.metrics.conflicts.Inc()
		switch {
		case !again:
			return errOvertaken
		case ctx.Err() != nil:
			return d.failure(ctx, errOvertaken)
		}
	}
}

// change is a store.Tx: what runs of a function have read, and the last one has written.
type change struct {
	picture
	believes bool // of what was not read yet, what this process believes is taken, not what the revision holds
	read     map[string]version
	rests    map[string]bool   // keys that the last run has read
	written  map[string][]byte // nil: deleted
	broken   bool              // a read failed because its revision is kept no more
}

// run runs a function. What it comes to counts if it rests on what was read, or can still be proven by a Txn.
func (c *change) run(fn func(store.Tx) error) (counts bool, err error) {
	clear(c.written)
	clear(c.rests)
	if !c.believes {
		err := fn(c)
		return !c.broken, err
	}
	defer func() {
		if recover() != nil { // what it believed may have made no sense
			counts = false
		}
	}()
	err = fn(c)
	return err == nil && len(c.written) > 0, err
}

func (c *change) Get(key string) ([]byte, error) {
	if v, ok := c.written[key]; ok {
		return v, nil
	}
	c.rests[key] = true
	v, ok := c.read[key]
	if !ok && c.believes {
		v, ok = c.d.beliefs.get(key), true
		c.read[key] = v
	}
	if !ok {
		var err error
		if v, err = c.get(key); err != nil {
			c.broken = c.broken || errors.Is(err, errCompacted)
			return nil, err
		}
		c.learn(key, v)
	}
	return v.value, nil
}

func (c *change) learn(key string, v version) {
	c.read[key] = v
	c.d.beliefs.set(key, v)
}

func (c *change) Put(key string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	c.written[key] = value
}

func (c *change) Delete(key string) { c.written[key] = nil }

// keys are those that the last run rests on.
func (c *change) keys() []string { return slices.Collect(maps.Keys(c.rests)) }

// gets asks for keys.
func (d *DB) gets(keys []string) (ops []clientv3.Op) {
	for _, key := range keys {
		ops = append(ops, clientv3.OpGet(d.root+key))
	}
	return ops
}

// readAgain reads all at once, as of now, what the last run rests on.
func (c *change) readAgain() error {
	keys := c.keys()
	c.revision, c.broken = 0, false
	if len(keys) == 0 {
		clear(c.read)
		return nil
	}
	got, err := ask(c.ctx, c.d, func(ctx context.Context) (*clientv3.TxnResponse, error) {
		return c.d.client.Txn(ctx).Then(c.d.gets(keys)...).Commit()
	})
	if err != nil {
		return err
	}
	return c.take(keys, got)
}

// take takes the answers to gets. What was read of other keys may be out of date.
func (c *change) take(keys []string, got *clientv3.TxnResponse) error {
	c.revision = got.Header.Revision
	clear(c.read)
	for i, key := range keys {
		v, err := found(key, (*clientv3.GetResponse)(got.Responses[i].GetResponseRange()))
		if err != nil {
			return err
		}
		c.learn(key, v)
	}
	return nil
}

// errOvertaken means that somebody has changed what a change had read.
var errOvertaken = errors.New("overtaken")

// commit writes a change if nobody has changed what it read. An answer that does not come leaves open whether it was
// written, so the same Txn is sent again until one comes; see slot.
func (d *DB) commit(ctx context.Context, c *change) error {
	s, err := d.slot(ctx)
	if err != nil {
		return err
	}
	s.changes++
	nonce := fmt.Sprint(s.changes)
	keys := c.keys()
	cmps := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(s.key), "=", s.revision)}
	for _, key := range keys {
		cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(d.root+key), "=", c.read[key].revision))
	}
	ops := []clientv3.Op{clientv3.OpPut(s.key, nonce, clientv3.WithLease(s.lease))}
	for key, value := range c.written {
		if value == nil {
			ops = append(ops, clientv3.OpDelete(d.root+key))
		} else {
			ops = append(ops, clientv3.OpPut(d.root+key, kept(key, value)))
		}
	}
	otherwise := append(d.gets(keys), clientv3.OpGet(s.key))
	pause := pauses()
	for sent := 0; ; sent++ {
		if sent == 1 {
			// A Txn that is still on its way must not be taken any more once this one says that it was not. One that was
			// taken must be found, even if the answer to this one is lost as well.
			otherwise = append(otherwise, clientv3.OpTxn(cmps[:1], []clientv3.Op{clientv3.OpPut(s.key, "", clientv3.WithLease(s.lease))}, nil))
		}
		got, err := try(ctx, func(ctx context.Context) (*clientv3.TxnResponse, error) {
			return d.client.Txn(ctx).If(cmps...).Then(ops...).Else(otherwise...).Commit()
		})
		if err == nil {
			now := time.Now()
			d.answered.Store(&now)
		}
		switch {
		case err == nil && got.Succeeded:
			d.slots.giveBack(s, got.Header.Revision)
			d.wrote(got.Header.Revision, c.written)
			return nil
		case err == nil:
			landed, err := d.refused(s, nonce, got, len(keys), sent > 0)
			if err != nil {
				return err
			}
			if landed != 0 {
				d.wrote(landed, c.written)
				return nil
			}
			if err := c.take(keys, got); err != nil {
				return err
			}
			return errOvertaken
		case errors.Is(err, rpctypes.ErrLeaseNotFound):
			d.lost(s.lease)
			if sent == 0 {
				return errOvertaken
			}
			return errLeaseEnded
		case errors.Is(err, rpctypes.ErrNoSpace):
			return d.refusedForSpace(ctx, s, nonce, c)
		case final(err) || !rest(ctx, pause):
			d.slots.giveBack(s, s.revision) // whoever uses it next finds out, or is written instead
			return d.failure(ctx, err)
		}
	}
}

// errLeaseEnded means that what would tell is gone with the lease.
var errLeaseEnded = errors.New("etcd: the lease of this process ended while a change was written; whether it was is not known")

// refused finds out from the answer of a Txn whose comparison failed whether that was because it had been written before,
// when it was sent before, and at which revision; 0: it never was and never will be. The slot's value stands after as many
// others.
func (d *DB) refused(s *slot, nonce string, got *clientv3.TxnResponse, after int, before bool) (int64, error) {
	is, revision := content((*clientv3.GetResponse)(got.Responses[after].GetResponseRange()))
	barred := len(got.Responses) > after+1 && got.Responses[after+1].GetResponseTxn().Succeeded
	switch {
	case barred: // it was written now
		d.slots.giveBack(s, got.Header.Revision)
	case revision == 0 && s.revision != 0: // it has ended with its lease
		d.lost(s.lease)
		if before {
			return 0, errLeaseEnded
		}
	default:
		d.slots.giveBack(s, revision)
	}
	if is != nonce {
		return 0, nil
	}
	return revision, nil
}

// refusedForSpace looks whether a change was written nonetheless: the one that uses up the quota is, and gets the same
// answer as those after it.
func (d *DB) refusedForSpace(ctx context.Context, s *slot, nonce string, c *change) error {
	got, err := ask(ctx, d, func(ctx context.Context) (*clientv3.GetResponse, error) { return d.client.Get(ctx, s.key) })
	if err != nil {
		return err
	}
	is, revision := content(got)
	d.slots.giveBack(s, revision)
	if is != nonce {
		return d.failure(ctx, rpctypes.ErrNoSpace)
	}
	d.wrote(revision, c.written)
	return nil
}

// content is what a slot holds.
func content(got *clientv3.GetResponse) (nonce string, revision int64) {
	if len(got.Kvs) == 0 {
		return "", 0
	}
	return string(got.Kvs[0].Value), got.Kvs[0].ModRevision
}
