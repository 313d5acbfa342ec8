package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"
)

var (
	// ErrEmpty means that a store that is to be copied holds nothing.
	ErrEmpty = errors.New("it holds no store of pullphone")
	// ErrNotEmpty means that a store that is to take a copy holds something.
	ErrNotEmpty = errors.New("it holds something already")
	// ErrUnfinished means that a store was being copied there, and that has not come to its end.
	ErrUnfinished = errors.New("it holds part of another store that was being copied there; run pullphone migrate again, which begins anew")
)

const (
	// copyingKey stands while a copy is being written. Its value names that copy.
	copyingKey = "meta/copying"
	// backupKey has when the store was last copied to a file, which is nothing that it holds.
	backupKey = "meta/backup"

	// What one transaction of a copy writes at most: etcd takes 128 operations and 1.5 MB.
	copyKeys  = 100
	copyBytes = 512 << 10
	// copyParallel is how many of them are under way, since each waits for its flush.
	copyParallel = 8
)

// Content is what a store holds, but for what belongs to processes that have it open.
type Content struct {
	Keys  int
	Bytes int64 // of keys and values
	Sum   [sha256.Size]byte
}

// Copy writes one picture of a store, which may be in use, into another backend, which must be empty or hold a copy that
// was not finished, and compares the two. Until it returns without an error, Open refuses what was written. wrote is told
// again and again how many keys are written.
func Copy(ctx context.Context, from, to Backend, wrote func(keys int)) (Content, error) {
	return transfer(ctx, from, to, wrote, func(Content) error { return nil })
}

// Move is Copy of a store that nothing may use meanwhile.
func Move(ctx context.Context, from, to Backend, wrote func(keys int)) (Content, error) {
	return transfer(ctx, from, to, wrote, func(copied Content) error {
		still, err := Sum(ctx, from)
		if err == nil && still != copied {
			err = errors.New("it was changed meanwhile; stop what uses it")
		}
		return err
	})
}

func transfer(ctx context.Context, from, to Backend, wrote func(int), last func(Content) error) (Content, error) {
	if err := Whole(ctx, from); err != nil {
		return Content{}, err
	}
	c := &copying{to: to, name: []byte(ulid.Make().String())}
	if err := c.begin(ctx); err != nil {
		return Content{}, err
	}
	copied, err := c.fill(ctx, from, wrote)
	if err != nil {
		return Content{}, err
	}
	there, err := Sum(ctx, to)
	if err == nil && there != copied {
		err = fmt.Errorf("the copy has %d keys of %d bytes, not the %d of %d that were read; something else writes to it", there.Keys, there.Bytes, copied.Keys, copied.Bytes)
	}
	if err == nil {
		err = last(copied)
	}
	if err != nil {
		return Content{}, err
	}
	return copied, c.change(ctx, func(tx Tx) { tx.Delete(copyingKey) })
}

// Whole returns an error unless a backend holds a store that this program knows, and all of it.
func Whole(ctx context.Context, b Backend) error {
	found, err := schema(ctx, b)
	if err == nil && found == 0 {
		err = ErrEmpty
	}
	return err
}

// Sum counts what a store holds. Two that hold the same have the same sum.
func Sum(ctx context.Context, b Backend) (Content, error) {
	var t tally
	err := b.View(ctx, func(r Reader) error {
		t = newTally()
		return r.Scan("", "", func(key string, value []byte) bool {
			t.add(key, value)
			return ctx.Err() == nil
		})
	})
	return t.content(), errors.Join(err, ctx.Err())
}

// copying is a copy in the making.
type copying struct {
	to   Backend
	name []byte
}

// begin marks the backend as a copy in the making, and takes away what another one has left there.
func (c *copying) begin(ctx context.Context) error {
	var unfinished bool
	var left []string
	look := func() error {
		return c.to.View(ctx, func(r Reader) error {
			left = left[:0]
			mark, err := r.Get(copyingKey)
			if unfinished = mark != nil; err != nil {
				return err
			}
			return r.Scan("", "", func(key string, _ []byte) bool {
				if !passing(key) {
					left = append(left, key)
				}
				return len(left) < copyKeys
			})
		})
	}
	if err := look(); err != nil {
		return err
	}
	if len(left) > 0 && !unfinished {
		return fmt.Errorf("%w (%s)", ErrNotEmpty, left[0])
	}
	err := c.to.Update(ctx, func(tx Tx) error {
		schema, err := tx.Get(schemaKey)
		if err == nil && schema != nil && !unfinished { // since a moment ago
			err = ErrNotEmpty
		}
		tx.Put(copyingKey, c.name)
		return err
	})
	for ; err == nil && len(left) > 0; err = look() {
		err = c.change(ctx, func(tx Tx) {
			for _, key := range left {
				tx.Delete(key)
			}
		})
		if err != nil {
			break
		}
	}
	return err
}

// fill writes all of a store, and returns what that is.
func (c *copying) fill(ctx context.Context, from Backend, wrote func(int)) (Content, error) {
	var t tally
	err := from.View(ctx, func(r Reader) error {
		t = newTally()
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(copyParallel)
		var mu sync.Mutex
		all := 0
		part := map[string][]byte{}
		size := 0
		write := func() {
			these := part
			part, size = map[string][]byte{}, 0
			g.Go(func() error {
				err := c.change(ctx, func(tx Tx) {
					for key, value := range these {
						tx.Put(key, value)
					}
				})
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					all += len(these)
					wrote(all)
				}
				return err
			})
		}
		err := r.Scan("", "", func(key string, value []byte) bool {
			if passing(key) {
				return true
			}
			t.add(key, value)
			part[key] = bytes.Clone(value)
			if size += len(key) + len(value); len(part) == copyKeys || size >= copyBytes {
				write()
			}
			return ctx.Err() == nil
		})
		write()
		return errors.Join(g.Wait(), err)
	})
	return t.content(), err
}

// change changes the copy, unless another one has begun in its place.
func (c *copying) change(ctx context.Context, fn func(Tx)) error {
	return c.to.Update(ctx, func(tx Tx) error {
		mark, err := tx.Get(copyingKey)
		if err != nil {
			return err
		}
		if !bytes.Equal(mark, c.name) {
			return errors.New("somebody else has begun to copy to the same place; let one of the two end")
		}
		fn(tx)
		return nil
	})
}

// passing tells whether a key is not part of what a store holds.
func passing(key string) bool {
	return key == copyingKey || key == backupKey || strings.HasPrefix(key, processes)
}

// BackedUp records that all of a store has been copied to a file.
func BackedUp(ctx context.Context, b Backend, at time.Time) error {
	return b.Update(ctx, func(tx Tx) error {
		tx.Put(backupKey, []byte(at.UTC().Format(time.RFC3339Nano)))
		return nil
	})
}

// BackedUp records that all of the store has been copied to a file.
func (s *Store) BackedUp(ctx context.Context) error { return BackedUp(ctx, s.backend, s.now()) }

// sinceBackup is how long ago the store was last copied to a file, or how long this process has had it open, if that is less.
func (s *Store) sinceBackup(ctx context.Context) (time.Duration, error) {
	last := s.about.Since
	err := s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get(backupKey)
		if err != nil || b == nil {
			return err
		}
		at, err := time.Parse(time.RFC3339Nano, string(b))
		if at.After(last) {
			last = at
		}
		return err
	})
	return s.now().Sub(last), err
}

// tally counts keys and values.
type tally struct {
	Content
	sum hash.Hash
}

func newTally() tally { return tally{sum: sha256.New()} }

func (t *tally) add(key string, value []byte) {
	if passing(key) {
		return
	}
	t.Keys++
	t.Bytes += int64(len(key) + len(value))
	for _, b := range [][]byte{[]byte(key), value} {
		_, _ = t.sum.Write(binary.AppendUvarint(nil, uint64(len(b)))) // a hash takes everything
		_, _ = t.sum.Write(b)
	}
}

func (t *tally) content() Content {
	c := t.Content
	if t.sum != nil {
		t.sum.Sum(c.Sum[:0])
	}
	return c
}
