package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"pullphone/store"
	"pullphone/store/storetest"
)

// memory is a backend that keeps its keys in memory and fails when it is told to.
type memory struct {
	*disk
	closed  bool                     // under disk.read
	watches map[chan struct{}]string // likewise

	// fault, if not nil, is asked before each change what is to become of it.
	fault func() fault
}

// disk is what outlives a memory that is closed.
type disk struct {
	mu    sync.Mutex // one change at a time
	read  sync.Mutex // never held while anything else runs
	pairs pairs      // sorted by key; never changed, only replaced
}

type pair struct {
	key   string
	value []byte
}

// fault is what becomes of a change.
type fault int

const (
	fine      fault = iota
	unwritten       // an error, nothing was written
	doubtful        // an error, everything was written
	twice           // fn runs twice
)

var errFault = errors.New("the disk said so")

func newMemory(d *disk) *memory {
	return &memory{disk: d, watches: map[chan struct{}]string{}}
}

func (m *memory) isClosed() bool {
	m.read.Lock()
	defer m.read.Unlock()
	return m.closed
}

func (m *memory) picture() pairs {
	m.read.Lock()
	defer m.read.Unlock()
	return m.pairs
}

func (m *memory) View(_ context.Context, fn func(store.Reader) error) error {
	if m.isClosed() {
		return errors.New("closed")
	}
	return fn(m.picture())
}

func (m *memory) Update(ctx context.Context, fn func(store.Tx) error) error {
	f := fine
	if m.fault != nil {
		f = m.fault()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isClosed() {
		return errors.New("closed")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := &memoryTx{was: m.picture(), set: map[string][]byte{}}
	err := fn(tx)
	if err == nil && f == twice {
		tx = &memoryTx{was: m.picture(), set: map[string][]byte{}}
		err = fn(tx)
	}
	switch {
	case err != nil:
		return err
	case f == unwritten:
		return errFault
	}
	m.commit(tx.set)
	if f == doubtful {
		return errFault
	}
	return nil
}

func (m *memory) commit(set map[string][]byte) {
	m.read.Lock()
	defer m.read.Unlock()
	now := slices.Clone(m.pairs)
	for key, value := range set {
		i, there := now.find(key)
		switch {
		case value == nil && there:
			now = slices.Delete(now, i, i+1)
		case value == nil:
		case there:
			now[i].value = value
		default:
			now = slices.Insert(now, i, pair{key, value})
		}
		for hint, prefix := range m.watches {
			if strings.HasPrefix(key, prefix) {
				select {
				case hint <- struct{}{}:
				default:
				}
			}
		}
	}
	m.pairs = now
}

func (m *memory) Watch(prefix string) (<-chan struct{}, func()) {
	hint := make(chan struct{}, 1)
	m.read.Lock()
	m.watches[hint] = prefix
	m.read.Unlock()
	return hint, func() {
		m.read.Lock()
		delete(m.watches, hint)
		m.read.Unlock()
	}
}

func (m *memory) Compact(context.Context) error { return nil }

func (m *memory) Close() error {
	m.mu.Lock() // waits for the change that was begun
	defer m.mu.Unlock()
	m.read.Lock()
	defer m.read.Unlock()
	m.closed = true
	return nil
}

// pairs is an unchanging picture of the keys.
type pairs []pair

func (p pairs) find(key string) (int, bool) {
	return slices.BinarySearchFunc(p, key, func(a pair, key string) int { return strings.Compare(a.key, key) })
}

func (p pairs) Get(key string) ([]byte, error) {
	if i, there := p.find(key); there {
		return p[i].value, nil
	}
	return nil, nil
}

func (p pairs) Scan(prefix, from string, fn func(string, []byte) bool) error {
	i, _ := p.find(max(prefix, from))
	for ; i < len(p) && strings.HasPrefix(p[i].key, prefix) && fn(p[i].key, p[i].value); i++ {
	}
	return nil
}

// memoryTx is a change in the making; what is set to nil is deleted.
type memoryTx struct {
	was pairs
	set map[string][]byte
}

func (t *memoryTx) Get(key string) ([]byte, error) {
	if v, there := t.set[key]; there {
		return v, nil
	}
	return t.was.Get(key)
}

func (t *memoryTx) Put(key string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	t.set[key] = value
}

func (t *memoryTx) Delete(key string) { t.set[key] = nil }

// The histories prove nothing on a backend that is none.
func TestMemory(t *testing.T) {
	open := func(t *testing.T) (store.Backend, func() store.Backend) {
		d := &disk{}
		return newMemory(d), func() store.Backend { return newMemory(d) }
	}
	storetest.Run(t, open)
}
