package storetest

import (
	"fmt"

	"pullphone/store"
)

// FewKeys is how many keys a change of a store may read, and how many it may write. etcd takes 128 at most.
const FewKeys = 100

// Few has a change fail that reads or writes more than FewKeys.
func Few(fn func(store.Tx) error) func(store.Tx) error { return few(fn, func(int, int) {}) }

// few tells how many keys are read and written, too.
func few(fn func(store.Tx) error, keys func(read, written int)) func(store.Tx) error {
	return func(tx store.Tx) error {
		c := fewTx{tx, map[string]bool{}, map[string]bool{}}
		if err := fn(c); err != nil {
			return err
		}
		keys(len(c.read), len(c.written))
		if len(c.read) > FewKeys || len(c.written) > FewKeys {
			return fmt.Errorf("a change reads %d keys and writes %d", len(c.read), len(c.written))
		}
		return nil
	}
}

// fewTx counts the keys of a store.Tx.
type fewTx struct {
	store.Tx
	read, written map[string]bool
}

func (c fewTx) Get(key string) ([]byte, error) {
	if !c.written[key] {
		c.read[key] = true
	}
	return c.Tx.Get(key)
}

func (c fewTx) Put(key string, value []byte) {
	c.written[key] = true
	c.Tx.Put(key, value)
}

func (c fewTx) Delete(key string) {
	c.written[key] = true
	c.Tx.Delete(key)
}
