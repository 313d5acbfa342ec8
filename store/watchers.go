package store

import (
	"iter"
	"strings"
	"sync"
)

// Watchers are those who watch a backend, for its Watch. Its methods are safe for concurrent use, and the zero value has
// none.
type Watchers struct {
	mu   sync.Mutex
	each map[chan struct{}]string // the prefixes that they watch
}

// Watch is that of Backend.
func (w *Watchers) Watch(prefix string) (changed <-chan struct{}, cancel func()) {
	hint := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.each == nil {
		w.each = map[chan struct{}]string{}
	}
	w.each[hint] = prefix
	return hint, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.each, hint)
	}
}

// Hint tells those who watch one of these keys, and waits for none of them. keys is run to its end, and must not use w.
func (w *Watchers) Hint(keys iter.Seq[string]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range keys {
		for hint, prefix := range w.each {
			if strings.HasPrefix(key, prefix) {
				remind(hint)
			}
		}
	}
}

// HintAll tells everybody: something may have been missed.
func (w *Watchers) HintAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for hint := range w.each {
		remind(hint)
	}
}

func remind(hint chan struct{}) {
	select {
	case hint <- struct{}{}:
	default: // it has one to read already
	}
}
