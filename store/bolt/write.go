package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"pullphone/store"
)

// write is one change that waits for the writer.
type write struct {
	ctx     context.Context
	fn      func(store.Tx) error
	changes map[string][]byte // what fn wrote; nil for a key that it deleted
	err     error
	panic   any
	done    chan struct{}
}

// most is how many changes share one commit.
const most = 256

// Update implements store.Backend. fn runs exactly once.
func (d *DB) Update(ctx context.Context, fn func(store.Tx) error) error {
	w := &write{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case d.writes <- w:
	case <-d.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	// From here on fn may run, so its end must be waited for.
	<-w.done
	if w.panic != nil {
		panic(w.panic)
	}
	return w.err
}

// writer commits what waits, until Close sends nil.
func (d *DB) writer() {
	defer close(d.done)
	for {
		w := <-d.writes
		if w == nil {
			return
		}
		batch, last := []*write{w}, false
	drain:
		for len(batch) < most {
			select {
			case w := <-d.writes:
				if w == nil {
					last = true
					break drain
				}
				batch = append(batch, w)
			default:
				break drain
			}
		}
		d.commit(batch)
		if last {
			return
		}
	}
}

// commit runs the functions of a batch one after the other, each seeing what those before it wrote, and commits. One
// that fails leaves nothing behind and does not trouble the others.
func (d *DB) commit(batch []*write) {
	d.writing.Lock()
	err := d.write(batch)
	d.writing.Unlock()
	if err == nil {
		d.notify(batch)
	}
	for _, w := range batch {
		if err != nil && w.err == nil {
			w.err = fmt.Errorf("commit: %w", err)
		}
		close(w.done)
	}
}

func (d *DB) write(batch []*write) error {
	if d.broken() {
		return d.failure
	}
	tx, err := d.file.Begin(true)
	if err != nil {
		return err
	}
	defer tx.Rollback() // refused, and nothing to undo, once it is committed
	for _, w := range batch {
		w.run(tx)
		if err := w.apply(tx); err != nil {
			return err
		}
	}
	begun := time.Now()
	err = tx.Commit()
	d.metrics.commit.Observe(time.Since(begun).Seconds())
	if err != nil {
		d.metrics.errors.WithLabelValues(class(err)).Inc()
	}
	// After a failure nobody knows what is on the disk: the system may have dropped what it could not write, and a
	// second flush would succeed without it.
	if err != nil && !full(err) {
		d.fail(err)
	}
	return err
}

func (d *DB) fail(err error) {
	d.failOnce.Do(func() {
		d.failure = err
		close(d.failed)
	})
}

// broken reports whether Failed is closed.
func (d *DB) broken() bool {
	select {
	case <-d.failed:
		return true
	default:
		return false
	}
}

// full reports a commit that found no room to be written: nothing of it is visible, and there may be room again. No
// room for a flush is another matter, because it was taken as written before; that error comes without a path.
func full(err error) bool {
	write, ok := errors.AsType[*fs.PathError](err)
	return ok && write.Op == "write" && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT))
}

// Failed is closed when a commit has failed in a way after which the file must not be used any more: end the process,
// and let the next one read what is on the disk. Failure then says why.
func (d *DB) Failed() <-chan struct{} { return d.failed }

// Failure is why Failed is closed. It must not be called before.
func (d *DB) Failure() error { return d.failure }

func (w *write) run(tx *bbolt.Tx) {
	w.changes = map[string][]byte{}
	defer func() {
		if w.panic = recover(); w.panic != nil || w.err != nil {
			w.changes = nil
		}
	}()
	if w.err = w.ctx.Err(); w.err == nil {
		w.err = w.fn(overlay{reader{tx}, w.changes})
	}
	if w.err == nil {
		w.err = w.possible()
	}
}

// possible finds what bbolt would refuse before it is applied, where it would spoil the commit for all.
func (w *write) possible() error {
	for key, value := range w.changes {
		kind, rest := split(key)
		if len(kind) == 0 || len(rest) == 0 || len(key) > bbolt.MaxKeySize || len(value) > bbolt.MaxValueSize {
			return fmt.Errorf("key %.80q with a value of %d bytes cannot be kept", key, len(value))
		}
	}
	return nil
}

func (w *write) apply(tx *bbolt.Tx) error {
	for key, value := range w.changes {
		bucket, rest := split(key)
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		// History only grows at its end: fill the pages.
		if b.FillPercent = bbolt.DefaultFillPercent; string(bucket) == "done" {
			b.FillPercent = 0.9
		}
		if value == nil {
			err = b.Delete(rest)
		} else {
			err = b.Put(rest, value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// overlay is a store.Tx: what one function has written so far, over what was there.
type overlay struct {
	reader
	changes map[string][]byte
}

func (o overlay) Get(key string) ([]byte, error) {
	if v, ok := o.changes[key]; ok {
		return v, nil
	}
	return o.reader.Get(key)
}

func (o overlay) Put(key string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	o.changes[key] = value
}

func (o overlay) Delete(key string) { o.changes[key] = nil }
