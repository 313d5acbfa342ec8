package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"pullphone/store"
)

func opened(t *testing.T) *DB {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "calls.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// commits counts the commits so far: bbolt numbers them.
func (d *DB) commits(t *testing.T) int {
	t.Helper()
	n := 0
	if err := d.file.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCommitsAreShared(t *testing.T) {
	d := opened(t)
	const writers, each = 64, 20
	before := d.commits(t)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				err := d.Update(t.Context(), func(tx store.Tx) error {
					tx.Put(fmt.Sprintf("a/%d-%d", w, i), nil)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	commits := d.commits(t) - before
	t.Logf("%d changes in %d commits", writers*each, commits)
	if commits > writers*each/4 {
		t.Errorf("%d changes of %d writers took %d commits", writers*each, writers, commits)
	}
}

// TestLoneCommit: who writes alone gets a commit of their own, at once.
func TestLoneCommit(t *testing.T) {
	d := opened(t)
	before := d.commits(t)
	for range 10 {
		if err := d.Update(t.Context(), func(tx store.Tx) error { tx.Put("a/1", nil); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.commits(t) - before; n != 10 {
		t.Errorf("10 changes in turn took %d commits", n)
	}
}

// TestImpossibleWrite: a key or value that bbolt does not take is the fault of the change that wrote it, not of those
// that share its commit.
func TestImpossibleWrite(t *testing.T) {
	d := opened(t)
	impossible := map[string]string{
		"no key":       "a/",
		"no kind":      "/a",
		"nothing":      "",
		"too long key": "a/" + strings.Repeat("x", bbolt.MaxKeySize+1),
	}
	for name, key := range impossible {
		inside, release := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { // keeps the writer busy, so that the others share the commit that follows
			_ = d.Update(t.Context(), func(store.Tx) error {
				close(inside)
				<-release
				return nil
			})
		})
		<-inside
		const n = 20
		errs := make([]error, n)
		for i := range n {
			all.Go(func() {
				errs[i] = d.Update(t.Context(), func(tx store.Tx) error {
					tx.Put(fmt.Sprintf("good/%d", i), nil)
					if i == 0 {
						tx.Put(key, []byte("x"))
					}
					return nil
				})
			})
		}
		close(release)
		all.Wait()
		if errs[0] == nil {
			t.Errorf("%s: an impossible key was taken", name)
		}
		if err := errors.Join(errs[1:]...); err != nil {
			t.Errorf("%s: others failed with it: %v", name, err)
		}
		err := d.View(t.Context(), func(r store.Reader) error {
			v, err := r.Get("good/0")
			if v != nil {
				t.Errorf("%s: the change with it was written in part", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestFreeListIsKept: without it on disk an open reads the whole file.
func TestFreeListIsKept(t *testing.T) {
	if d := opened(t); d.file.NoFreelistSync {
		t.Error("the free list is not kept on disk")
	}
}
