package etcd

import "sync"

// beliefs are what this process believes keys to be: what it has read and written, and has heard of others. They may be
// out of date, and of a key that is in none it believes that there is none. Nothing depends on their being right but how
// soon a change is done.
type beliefs struct {
	mu         sync.Mutex
	young, old map[string]version
}

// most is how many beliefs are formed until those are dropped that nobody has asked for meanwhile.
const most = 4096

func (b *beliefs) get(key string) version {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.young[key]
	if !ok {
		if v, ok = b.old[key]; ok {
			b.keep(key, v)
		}
	}
	return v
}

// set takes what was read of a key, or heard: that it has no value has the revision 0.
func (b *beliefs) set(key string, v version) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v.revision == 0 {
		delete(b.young, key)
		delete(b.old, key)
		return
	}
	b.keep(key, v)
}

func (b *beliefs) keep(key string, v version) {
	if b.young[key].revision > v.revision {
		return // heard late
	}
	if len(b.young) >= most || b.young == nil {
		b.young, b.old = map[string]version{}, b.young
	}
	b.young[key] = v
}
