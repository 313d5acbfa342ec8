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
// written to a new file, which then takes the old one's place. Changes wait until it has; reads go on in the old file,
// which has no name any more and leaves the disk with the last of them.
func (d *DB) Compact(ctx context.Context) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	if err := d.compact(ctx); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return nil
}

// compact is called by whoever keeps everybody else from writing.
func (d *DB) compact(ctx context.Context) error {
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
	old := d.file
	if err := fits(old.DB, d.path); err != nil {
		return err
	}
	next, err := rewrite(old.DB, d.path)
	if next != nil { // it has the old one's name, even if that is not on the disk yet
		d.swap.Lock()
		d.file = &file{DB: next}
		d.swap.Unlock()
		d.retired.Go(old.Close) // a backup may take long
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
	size, free, err := usage(file)
	return size > worthIt && free > size/2, err
}

// usage is how many bytes a file has, and how many of them hold nothing.
func usage(file *bbolt.DB) (size, free int64, err error) {
	tx, err := file.Begin(true)
	if err != nil {
		return 0, 0, err
	}
	size = tx.Size()
	if err := tx.Rollback(); err != nil { // counts the free pages
		return 0, 0, err
	}
	s := file.Stats()
	return size, int64(s.FreePageN+s.PendingPageN) * int64(file.Info().PageSize), nil
}

// fits returns an error when the disk has no room for another copy of what a file holds: to find that out by writing
// would leave none to anybody else meanwhile.
func fits(file *bbolt.DB, path string) error {
	size, free, err := usage(file)
	if err != nil {
		return err
	}
	room, err := room(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("room on the disk: %w", err)
	}
	const spare = 256 << 10 // for what others write
	inUse := size - free
	if need := inUse + inUse/8 + spare; room < need {
		return fmt.Errorf("the store is rewritten beside itself, and of the %d KB that this needs the disk has %d; make room", need>>10, room>>10)
	}
	return nil
}
