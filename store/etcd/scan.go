package etcd

import (
	"strings"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	fewKeys  = 32   // are asked for first: most who scan want no more
	manyKeys = 512  // are asked for then
	tooMany  = 4096 // are not to be counted
)

// Scan implements store.Reader. With each answer etcd counts all keys that are left in the range it was asked for: that
// costs more than the answer where these are millions. So keys that are many are asked for in windows of those that begin
// alike.
func (p *picture) Scan(prefix, from string, fn func(string, []byte) bool) error {
	next, end := max(prefix, from), clientv3.GetPrefixRangeEnd(p.d.root+prefix)
	is := p.d.shapes.get(prefix)
	defer func() { p.d.shapes.set(prefix, is) }()
	for limit := fewKeys; ; limit = manyKeys {
		window := end
		if near := max(next, is.first); strings.HasPrefix(near, prefix) && is.alike < len(near) && is.alike > len(prefix) {
			window = clientv3.GetPrefixRangeEnd(p.d.root + near[:is.alike])
		}
		got, err := p.ask(next, clientv3.WithRange(window), clientv3.WithLimit(int64(limit)))
		if err != nil {
			return err
		}
		var keys []string
		for _, kv := range got.Kvs {
			keys = append(keys, strings.TrimPrefix(string(kv.Key), p.d.root))
		}
		is.learn(keys, next == prefix, got.Count, limit)
		for i, kv := range got.Kvs {
			next = keys[i] + "\x00"
			if strings.HasPrefix(keys[i], slotKind) {
				continue
			}
			value, err := read(keys[i], kv.Value)
			if err != nil || !fn(keys[i], value) {
				return err
			}
		}
		if !got.More {
			if window == end {
				return nil
			}
			next = strings.TrimPrefix(window, p.d.root)
		}
	}
}

// shape is what is known of the keys with a prefix, where they are many.
type shape struct {
	alike int    // of how many bytes of a key to make a window; 0: of none
	first string // the first of them, when somebody looked
}

// learn learns from an answer of so many keys at most, and how many there are in its window.
func (s *shape) learn(keys []string, fromStart bool, count int64, limit int) {
	if fromStart && len(keys) > 0 && s.alike > 0 {
		s.first = keys[0]
	}
	switch {
	case count > tooMany:
		first, last := keys[0], keys[len(keys)-1]
		for s.alike = 0; s.alike < len(first) && first[s.alike] == last[s.alike]; {
			s.alike++
		}
		if fromStart {
			s.first = first
		}
	case count < int64(limit)/8 && s.alike > 0:
		s.alike--
	}
}

// shapes are by prefix.
type shapes struct {
	mu sync.Mutex
	by map[string]shape
}

func (s *shapes) get(prefix string) shape {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by[prefix]
}

func (s *shapes) set(prefix string, is shape) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]shape{}
	}
	if is.alike > 0 {
		s.by[prefix] = is
	} else {
		delete(s.by, prefix)
	}
}
