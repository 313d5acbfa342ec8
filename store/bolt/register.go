package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"pullphone/store"
)

// Register implements store.Backend. Nobody else has the file open: the key of a process that died is removed by the next
// that opens it.
func (d *DB) Register(ctx context.Context, name string, about []byte) error {
	d.registered.Store(true)
	return d.Update(ctx, func(tx store.Tx) error {
		tx.Put("process/"+name, about)
		return nil
	})
}

// unregister removes the keys of all processes from a file that nobody writes. It is not written to where there are none.
func unregister(file *bbolt.DB) error {
	kind := []byte("process")
	there := false
	err := file.View(func(tx *bbolt.Tx) error {
		there = tx.Bucket(kind) != nil
		return nil
	})
	if err != nil || !there {
		return err
	}
	err = file.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(kind) })
	if full(err) { // the next who opens the file removes them
		return nil
	}
	return err
}

// BeatSize implements store.Backend.
func (d *DB) BeatSize() int { return 64 << 10 }
