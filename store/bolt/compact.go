package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Compact implements store.Backend. bbolt keeps what was deleted in pages that it means to use again, so what is kept is
// written to a new file, which then takes the old one's place. Changes wait until it has; reads go on in the old file.
func (d *DB) Compact(ctx context.Context) error {
	d.writing.Lock()
	old := d.file
	err := d.compact(ctx, old)
	d.writing.Unlock()
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return old.Close() // waits for those that still read it, a backup perhaps
}

// compact is called by whoever keeps everybody else from writing.
func (d *DB) compact(ctx context.Context, old *bbolt.DB) error {
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case d.broken():
		return d.failure
	case ctx.Err() != nil:
		return ctx.Err()
	}
	next, err := rewrite(old, d.path)
	if next != nil { // it has the old one's name, even if that is not on the disk yet
		d.swap.Lock()
		d.file = next
		d.swap.Unlock()
		if err != nil {
			d.fail(err)
		}
	}
	return err
}

// rewrite writes what a file holds to a new one and gives that its name. A crash leaves one or the other, whole. The new
// file is returned with an error when nobody knows which of the two a crash would leave.
func rewrite(old *bbolt.DB, path string) (*bbolt.DB, error) {
	name := leftover(path)
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	next, err := bbolt.Open(name, 0o600, options(false))
	if err != nil {
		return nil, err
	}
	const most = 16 << 20 // in one transaction, to bound memory
	if err = bbolt.Compact(next, old, most); err == nil {
		err = next.Sync()
	}
	if err == nil {
		err = os.Rename(name, path)
	}
	if err != nil {
		return nil, errors.Join(err, next.Close(), os.Remove(name))
	}
	return next, SyncFolder(path)
}

// leftover is the name of a file in the making.
func leftover(path string) string { return path + ".compact" }

// SyncFolder brings the name of a file to the disk.
func SyncFolder(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// worthIt is the size from which on a file of which more than half is free is compacted when it is opened.
const worthIt = 16 << 20

// mostlyFree reports whether a file is large, and free for more than half of it.
func mostlyFree(file *bbolt.DB) (bool, error) {
	tx, err := file.Begin(true)
	if err != nil {
		return false, err
	}
	size := tx.Size()
	if err := tx.Rollback(); err != nil { // counts the free pages
		return false, err
	}
	s := file.Stats()
	free := int64(s.FreePageN+s.PendingPageN) * int64(file.Info().PageSize)
	return size > worthIt && free > size/2, nil
}
