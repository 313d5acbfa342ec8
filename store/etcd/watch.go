package etcd

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// silence is how long a watch may be without a word: a node is asked for one every second, and may be halted with its
// connections open.
const silence = 2500 * time.Millisecond

// errSilent means that a node has given no answer, and has not broken off either.
var errSilent = errors.New("a node fell silent")

// Watch implements store.Backend. Changes of this process are told of when they are written, those of others by a watch
// on all keys. After a gap in that everybody gets a hint.
func (d *DB) Watch(prefix string) (<-chan struct{}, func()) { return d.watchers.Watch(prefix) }

// wrote tells of a change that this process has written.
func (d *DB) wrote(revision int64, written map[string][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, value := range written {
		if value == nil {
			d.beliefs.set(key, version{})
		} else {
			d.beliefs.set(key, version{value, revision})
		}
	}
	if revision > d.told { // else the watch was faster
		d.own[revision] = struct{}{}
		d.watchers.Hint(maps.Keys(written))
	}
}

// follow watches until Close.
func (d *DB) follow() {
	pause := pauses()
	for said := false; ; {
		heard, err := d.followThrough(d.ctx)
		if errors.Is(err, errSilent) {
			d.askAround()
		}
		if heard {
			said = false
			pause.Reset()
		}
		if !rest(d.ctx, pause) {
			return
		}
		if !said {
			d.Log.Warn("the watch on etcd broke off; it is taken up again, and nothing is missed", "err", err)
		}
		said = true
		d.watchers.HintAll()
	}
}

// followThrough tells of what happens after the last that was told of, until the watch breaks off. It reports whether it
// heard anything.
func (d *DB) followThrough(ctx context.Context) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(clientv3.WithRequireLeader(ctx))
	defer cancel(nil)
	silent := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer silent.Stop()
	client := clientv3.NewWatcher(d.client)
	defer client.Close()
	d.mu.Lock()
	next := d.told + 1
	d.mu.Unlock()
	answers := client.Watch(ctx, d.root, clientv3.WithPrefix(), clientv3.WithRev(next))
	ask := time.NewTicker(time.Second)
	defer ask.Stop()
	for {
		select {
		case a, ok := <-answers:
			switch {
			case !ok:
				return heard, cmp.Or(context.Cause(ctx), errors.New("it ended"))
			case a.CompactRevision != 0:
				d.tell(a.CompactRevision-1, nil)
				return heard, a.Err()
			case a.Err() != nil:
				return heard, a.Err()
			}
			heard = true
			d.tell(upTo(a), a.Events)
			silent.Reset(silence)
		case <-ask.C:
			_, _ = try(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, client.RequestProgress(ctx) })
		case <-ctx.Done():
			return heard, context.Cause(ctx)
		}
	}
}

// upTo is the revision up to which an answer tells of everything. More may follow of the one in its header, unless it
// tells of nothing.
func upTo(a clientv3.WatchResponse) int64 {
	switch {
	case a.IsProgressNotify():
		return a.Header.Revision
	case len(a.Events) > 0:
		return a.Events[len(a.Events)-1].Kv.ModRevision
	}
	return 0
}

// tell tells of all up to a revision, given what happened since the last time.
func (d *DB) tell(revision int64, events []*clientv3.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers.Hint(func(yield func(string) bool) {
		for _, e := range events {
			key := strings.TrimPrefix(string(e.Kv.Key), d.root)
			if _, own := d.own[e.Kv.ModRevision]; own || strings.HasPrefix(key, slotKind) {
				continue
			}
			now := version{}
			if e.Type == clientv3.EventTypePut {
				now, _ = versionOf(key, e.Kv) // a damaged one is found when it is read
			}
			d.beliefs.set(key, now)
			if !yield(key) {
				return
			}
		}
	})
	d.told = max(d.told, revision)
	maps.DeleteFunc(d.own, func(r int64, _ struct{}) bool { return r <= d.told })
}
