package store_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pullphone/store"
	"pullphone/store/storetest"
)

// memory is a process's way to keys in memory, which others may share. It fails when it is told to.
type memory struct {
	*disk
	closed bool              // under disk.read
	about  map[string][]byte // that are registered, under disk.mu

	few bool // keys in a change: see storetest.Few

	// fault, if not nil, is asked before each change what is to become of it.
	fault func() fault
}

// disk is what outlives a memory that is closed.
type disk struct {
	mu       sync.Mutex // one change at a time
	read     sync.Mutex // never held while a change runs
	pairs    pairs      // sorted by key; never changed, only replaced
	watchers store.Watchers
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
	dies            // this process dies, nothing was written
	diesLater       // this process dies, everything was written
)

var (
	errFault = errors.New("the disk said so")
	errDied  = errors.New("this process is dead")
)

func newMemory(d *disk) *memory { return &memory{disk: d, about: map[string][]byte{}} }

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
		return errDied
	}
	return fn(m.picture())
}

func (m *memory) Update(ctx context.Context, fn func(store.Tx) error) error {
	if m.few {
		fn = storetest.Few(fn)
	}
	f := fine
	if m.fault != nil {
		f = m.fault()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f == dies {
		m.die()
	}
	if m.isClosed() {
		return errDied
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
	switch f {
	case doubtful:
		return errFault
	case diesLater:
		m.die()
		return errDied
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
	}
	m.pairs = now
	m.watchers.Hint(maps.Keys(set))
}

func (m *memory) Watch(prefix string) (<-chan struct{}, func()) { return m.watchers.Watch(prefix) }

func (m *memory) Compact(context.Context) error { return nil }

func (m *memory) Register(ctx context.Context, name string, about []byte) error {
	return m.Update(ctx, func(tx store.Tx) error {
		m.about[name] = about
		tx.Put("process/"+name, about)
		return nil
	})
}

// lose has this process's keys lost, as of one that has died or is out of reach.
func (m *memory) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unregister()
}

// die ends this process without a word.
func (m *memory) die() {
	m.read.Lock()
	m.closed = true
	m.read.Unlock()
}

// back has the keys put again.
func (m *memory) back() {
	m.mu.Lock()
	defer m.mu.Unlock()
	set := map[string][]byte{}
	for name, about := range m.about {
		set["process/"+name] = about
	}
	m.commit(set)
}

func (m *memory) BeatSize() int { return 0 }

func (m *memory) Close() error {
	m.mu.Lock() // waits for the change that was begun
	defer m.mu.Unlock()
	if !m.isClosed() {
		m.unregister()
	}
	m.read.Lock()
	defer m.read.Unlock()
	m.closed = true
	return nil
}

// unregister removes the keys of this process.
func (m *memory) unregister() {
	set := map[string][]byte{}
	for name := range m.about {
		set["process/"+name] = nil
	}
	m.commit(set)
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

func TestShared(t *testing.T) {
	storetest.RunShared(t, func(*testing.T) storetest.Shared { return shared{&disk{}} })
}

// shared is what several processes have open.
type shared struct{ *disk }

func (s shared) Open() store.Backend  { return newMemory(s.disk) }
func (shared) Lose(b store.Backend)   { b.(*memory).lose() }
func (shared) Back(b store.Backend)   { b.(*memory).back() }
func (s shared) Kill(b store.Backend) { b.(*memory).die(); s.Lose(b) }
