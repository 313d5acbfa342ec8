package etcd

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"pullphone/store"
)

// Fifty people answer one call: fifty changes of one key, of which one at a time can be written. Those of a process that were
// overtaken therefore wait in a queue, and as many as have room are run one after the other and written by one Txn.

const (
	// mostKeys is how many keys such a Txn reads or writes at most: etcd takes 128 unless it is told otherwise.
	mostKeys = 100
	// mostBytes is how much it writes.
	mostBytes = 512 << 10
)

// queue holds changes of this process that were overtaken.
type queue struct {
	mu      sync.Mutex
	parts   []*part
	working bool // somebody writes them
}

// part is one of several changes that are written together.
type part struct {
	fn       func(store.Tx) error
	mu       sync.Mutex // held while fn runs
	gone     bool       // nobody waits for it any more
	err      error      // of fn, or why it was not written
	panicked any        // of fn
	done     chan struct{}
}

// busy reports whether changes overtake each other at the moment.
func (q *queue) busy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.working
}

func (q *queue) take() (parts []*part) {
	q.mu.Lock()
	defer q.mu.Unlock()
	parts, q.parts = q.parts, nil
	q.working = len(parts) > 0
	return parts
}

// together has a change written with others.
func (d *DB) together(ctx context.Context, fn func(store.Tx) error) error {
	p := &part{fn: fn, done: make(chan struct{})}
	begun := time.Now()
	d.queue.mu.Lock()
	d.queue.parts = append(d.queue.parts, p)
	if !d.queue.working {
		d.queue.working = true
		d.loops.Go(d.writeQueue)
	}
	d.queue.mu.Unlock()
	select {
	case <-p.done:
		if p.panicked != nil {
			panic(p.panicked)
		}
		return p.err
	case <-ctx.Done():
		p.mu.Lock() // fn runs no more once this returns
		defer p.mu.Unlock()
		p.gone = true
		if at := d.answered.Load(); at != nil && at.After(begun) && time.Since(*at) < tryFor {
			return d.failure(ctx, errOvertaken)
		}
		return d.failure(ctx, errUnanswered)
	}
}

// errUnanswered means that etcd has answered nothing lately, while a change waited for others.
var errUnanswered = status.Error(codes.Unavailable, "no answer")

// writeQueue writes what is in the queue until it is empty. A cluster that does not answer will not answer the rest sooner.
func (d *DB) writeQueue() {
	for parts := d.queue.take(); len(parts) > 0; parts = d.queue.take() {
		for len(parts) > 0 {
			n, err := d.writeTogether(parts)
			if errors.Is(err, ErrNoQuorum) {
				parts = append(parts, d.queue.take()...)
				n = len(parts)
			}
			for _, p := range parts[:n] {
				p.mu.Lock() // nobody is told who has gone
				if err != nil && p.panicked == nil {
					p.err = err
				}
				p.mu.Unlock()
				close(p.done)
			}
			parts = parts[n:]
		}
	}
}

// writeTogether writes the first of some changes, and returns how many those are.
func (d *DB) writeTogether(parts []*part) (n int, err error) {
	ctx, cancel := bounded(d.ctx)
	defer cancel()
	err = d.change(ctx, func(tx store.Tx) error {
		c := tx.(*change)
		n = 0
		for _, p := range parts {
			ok, err := c.add(p, n == 0)
			if !ok {
				break
			}
			n++
			if err != nil {
				return err
			}
		}
		return nil
	}, true)
	return n, err
}

// add runs one of several changes on top of those before it. It is false, and has not been, when there is no room for it
// beside them. An error means that what this process believes has to be looked at.
func (c *change) add(p *part, first bool) (ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return true, nil
	}
	before := maps.Clone(c.rests)
	top := &overlay{change: c, above: map[string][]byte{}}
	p.err, p.panicked = nil, nil
	func() {
		defer func() { p.panicked = recover() }()
		p.err = p.fn(top)
	}()
	fails := p.err != nil || p.panicked != nil
	if fails && c.believes {
		return true, errDoubtful
	}
	written, size := maps.Clone(c.written), 0
	if !fails {
		maps.Copy(written, top.above)
	}
	for _, value := range written {
		size += len(value)
	}
	if !first && (len(c.rests) > mostKeys || len(written) > mostKeys || size > mostBytes) {
		c.rests = before
		return false, nil
	}
	c.written = written
	return true, nil
}

// errDoubtful means that a change fails on what this process believes.
var errDoubtful = errors.New("doubtful")

// overlay is a store.Tx whose writes are apart from those of the changes before it.
type overlay struct {
	*change
	above map[string][]byte
}

func (o *overlay) Get(key string) ([]byte, error) {
	if v, ok := o.above[key]; ok {
		return v, nil
	}
	return o.change.Get(key)
}

func (o *overlay) Put(key string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	o.above[key] = value
}

func (o *overlay) Delete(key string) { o.above[key] = nil }
