// Package bolt keeps a store in one bbolt file, for one process.
package bolt

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/errgroup"

	"pullphone/store"
)

// ErrInUse means that another process has the file open.
var ErrInUse = errors.New("in use by another process; is pullphone already running?")

// ErrClosed means that the file was closed meanwhile.
var ErrClosed = errors.New("the store is closed")

// DB is a store.Backend in a bbolt file. One goroutine writes: it commits together whatever waits, so that a lone
// change waits for nobody and many share one flush to the disk.
type DB struct {
	path    string
	writes  chan *write
	done    chan struct{} // closed when the writer has ended
	metrics metrics

	writing sync.Mutex     // held by whoever writes: the writer, or Compact
	swap    sync.RWMutex   // guards file, which whoever writes may read without it
	file    *file          // nil once closed
	retired errgroup.Group // closes the files that others have replaced

	failOnce sync.Once
	failed   chan struct{}
	failure  error

	registered atomic.Bool

	watchers store.Watchers

	mu     sync.Mutex
	closed bool
}

var _ store.Backend = (*DB)(nil)

// file is an open file and those that read it.
type file struct {
	*bbolt.DB
	readers sync.WaitGroup
}

// Close closes a file whose readers have ended. bbolt waits for them too, but lets none end while it does.
func (f *file) Close() error {
	f.readers.Wait()
	return f.DB.Close()
}

// Open opens or makes the file, readable by its owner alone. It waits two seconds at most for another process to let
// it go; see ErrInUse.
func Open(path string) (*DB, error) { return open(path, false) }

// OpenReadOnly opens a file that no process writes.
func OpenReadOnly(path string) (*DB, error) { return open(path, true) }

func open(path string, readOnly bool) (*DB, error) {
	if !readOnly {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	sound, err := openSound(path, readOnly)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s is damaged or no store of pullphone (%w); it was left as it is: put a backup in its place", path, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d := &DB{path: path, file: &file{DB: sound}, writes: make(chan *write), done: make(chan struct{}), failed: make(chan struct{}),
		metrics: newMetrics()}
	if !readOnly {
		if err := d.tidy(); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.shut())
		}
	}
	go d.writer()
	return d, nil
}

// tidy removes what a process that died left in the file, which is this process's alone by now, and beside it, and gives
// back the room of what was deleted.
func (d *DB) tidy() error {
	if err := os.Remove(leftover(d.path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := unregister(d.file.DB); err != nil {
		return err
	}
	if free, err := mostlyFree(d.file.DB); err != nil || !free {
		return err
	}
	if err := d.Compact(context.Background()); d.broken() {
		return err
	}
	return nil // for want of room, say: it is tried at the next start
}

// openSound opens a file that is as long as it says and whose first pages make sense. bbolt itself panics over a page
// that makes none, and one beyond the end of the file is a memory fault.
func openSound(path string, readOnly bool) (file *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", berrors.ErrInvalid, p)
			if file != nil {
				err = errors.Join(err, file.Close())
			}
		}
	}()
	const heads = 2 * 4096
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() < heads {
		return nil, fmt.Errorf("%w: %d bytes", berrors.ErrInvalid, info.Size())
	}
	file, err = bbolt.Open(path, 0o600, options(readOnly))
	if err != nil {
		return nil, err
	}
	err = file.View(func(tx *bbolt.Tx) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: %d bytes of %d", berrors.ErrInvalid, info.Size(), tx.Size())
		}
		return tx.ForEach(func([]byte, *bbolt.Bucket) error { return nil })
	})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func options(readOnly bool) *bbolt.Options {
	return &bbolt.Options{
		Timeout: 2 * time.Second,
		// The free list is kept on disk: without that an open reads the whole file.
		FreelistType: bbolt.FreelistMapType,
		// Growing beyond the mapped size waits for all readers; address space costs nothing.
		InitialMmapSize: 1 << 30,
		ReadOnly:        readOnly,
	}
}

// Close lets changes that were begun finish and closes the file.
func (d *DB) Close() error {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if closed {
		return nil
	}
	d.writes <- nil
	<-d.done
	d.writing.Lock()
	defer d.writing.Unlock()
	var err error
	if d.registered.Load() && !d.broken() {
		err = unregister(d.file.DB)
	}
	return errors.Join(err, d.shut())
}

// shut lets no read begin any more and closes all that is open.
func (d *DB) shut() error {
	d.swap.Lock()
	last := d.file
	d.file = nil
	d.swap.Unlock()
	return errors.Join(d.retired.Wait(), last.Close())
}

// WriteTo writes a consistent copy of the file while it is in use.
func (d *DB) WriteTo(w io.Writer) (n int64, err error) {
	err = d.view(func(tx *bbolt.Tx) error {
		n, err = tx.WriteTo(w)
		return err
	})
	return n, err
}

// view reads the file that is the store's now. Compact may put another in its place meanwhile. Once a commit has failed
// it fails too: what it shows may not be on the disk.
func (d *DB) view(fn func(*bbolt.Tx) error) error {
	f := d.reading()
	if f == nil {
		return ErrClosed
	}
	defer f.readers.Done()
	tx, err := f.Begin(false)
	if err != nil {
		return err
	}
	defer tx.Rollback() // of a transaction that only reads: it ends
	if err = fn(tx); d.broken() {
		return d.failure
	}
	return err
}

// reading is the file that is the store's now, with one more reader; nil when it is closed.
func (d *DB) reading() *file {
	d.swap.RLock()
	defer d.swap.RUnlock()
	if d.file != nil {
		d.file.readers.Add(1)
	}
	return d.file
}

// View implements store.Backend.
func (d *DB) View(_ context.Context, fn func(store.Reader) error) error {
	return d.view(func(tx *bbolt.Tx) error { return fn(reader{tx}) })
}

// Watch implements store.Backend.
func (d *DB) Watch(prefix string) (<-chan struct{}, func()) { return d.watchers.Watch(prefix) }

func (d *DB) notify(batch []*write) {
	for _, w := range batch {
		d.watchers.Hint(maps.Keys(w.changes))
	}
}

type reader struct{ tx *bbolt.Tx }

// split gives the bucket and the key in it.
func split(key string) (bucket, rest []byte) {
	b, r, _ := strings.Cut(key, "/")
	return []byte(b), []byte(r)
}

func (r reader) Get(key string) ([]byte, error) {
	bucket, rest := split(key)
	b := r.tx.Bucket(bucket)
	if b == nil {
		return nil, nil
	}
	return b.Get(rest), nil
}

func (r reader) Scan(prefix, from string, fn func(string, []byte) bool) error {
	if prefix == "" {
		return r.scanAll(from, fn)
	}
	bucket, start := split(prefix)
	b := r.tx.Bucket(bucket)
	if b == nil {
		return nil
	}
	p := start
	if from > prefix {
		var other []byte
		if other, start = split(from); !bytes.Equal(other, bucket) {
			return nil // behind all of this kind
		}
	}
	c := b.Cursor()
	for k, v := c.Seek(start); k != nil && bytes.HasPrefix(k, p); k, v = c.Next() {
		if !fn(string(bucket)+"/"+string(k), v) {
			return nil
		}
	}
	return nil
}

// scanAll goes through the buckets in the order of the keys, which is not quite that of their names.
func (r reader) scanAll(from string, fn func(string, []byte) bool) error {
	var kinds []string
	err := r.tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		kinds = append(kinds, string(name)+"/")
		return nil
	})
	slices.Sort(kinds)
	more := true
	for _, kind := range kinds {
		if err == nil && more && (kind > from || strings.HasPrefix(from, kind)) {
			err = r.Scan(kind, from, func(key string, value []byte) bool {
				more = fn(key, value)
				return more
			})
		}
	}
	return err
}

// Check reads all of a file that no process writes, and reports whether it is sound.
func Check(path string) error {
	d, err := OpenReadOnly(path)
	if err != nil {
		return err
	}
	err = d.view(func(tx *bbolt.Tx) (first error) {
		for err := range tx.Check() { // to its end, which frees its goroutine
			first = cmp.Or(first, err)
		}
		return first
	})
	if err != nil {
		err = fmt.Errorf("%s is damaged: %w", path, err)
	}
	return errors.Join(err, d.Close())
}

// Exposed names what of a file and its folder others than the owner may read or change.
func Exposed(path string) (names []string, err error) {
	for _, name := range []string{path, filepath.Dir(path)} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Mode().Perm()&0o066 != 0 {
			names = append(names, name)
		}
	}
	return names, nil
}

// Usable reports whether there is a file and, if so, that it can be opened, without writing to it.
func Usable(path string) (exists bool, err error) {
	d, err := OpenReadOnly(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	return true, d.Close()
}
