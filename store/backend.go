package store

import "context"

// Backend keeps ordered keys and changes several of them in one transaction. A key is "<kind>/<rest>"; a backend may
// keep each kind apart. Every backend passes the suite in package storetest.
type Backend interface {
	// Update runs fn and commits what it wrote, or nothing when fn returns an error, which Update then returns.
	// fn may run more than once, so it must have no effect but on its Tx and on variables it assigns each time.
	// Update never returns while fn still runs. An error that did not come from fn leaves open whether the change
	// was written: read again before repeating.
	Update(ctx context.Context, fn func(Tx) error) error

	// View runs fn over one unchanging picture of the keys. fn must not call Update or View.
	View(ctx context.Context, fn func(Reader) error) error

	// Watch returns a channel that receives after a commit that touched a key with the prefix. It is a hint:
	// several commits may give one receive. cancel frees it.
	Watch(prefix string) (changed <-chan struct{}, cancel func())

	// Compact rewrites what is kept, so that nothing of what was deleted or overwritten before can be read from the
	// disk any more. Changes may wait for it, reads do not.
	Compact(ctx context.Context) error

	// Register puts the key "process/"+name with a value, which stands while this process has the backend open: Close
	// removes it at once, and should the process die it is gone within ten seconds. Should it be lost though the process
	// lives, it is put again. The same name again changes the value.
	Register(ctx context.Context, name string, about []byte) error

	// BeatSize is how many bytes a change must have to show that a call's can be taken: what is left of a full disk may do
	// for a small one.
	BeatSize() int

	// Close finishes what was begun and closes the backend.
	Close() error
}

// Reader reads keys. Values belong to the reader until fn of View or Update returns.
type Reader interface {
	// Get returns the value of a key, nil when there is none.
	Get(key string) ([]byte, error)

	// Scan calls fn for each key with the prefix, from the given key on, in byte order, until fn returns false. A prefix
	// that is not empty names a kind at least.
	Scan(prefix, from string, fn func(key string, value []byte) bool) error
}

// Tx reads and writes keys in an Update. It has no Scan: what a transaction depends on it must Get, so that a backend
// can tell when somebody else has changed it meanwhile.
type Tx interface {
	// Get returns the value of a key as this transaction sees it, nil when there is none.
	Get(key string) ([]byte, error)
	// Put sets a key. The value must not be changed afterwards.
	Put(key string, value []byte)
	// Delete removes a key; removing one that is not there is no error.
	Delete(key string)
}
