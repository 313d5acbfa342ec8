package bolt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pullphone/store"
	"pullphone/store/bolt"
)

// A commit that cannot be flushed says so, and that the file is not to be used any more; one that was refused before,
// or found no transaction to commit, does not.
func TestFailedFlush(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pullphone.db")
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string) error {
		return db.Update(context.Background(), func(tx store.Tx) error {
			tx.Put(key, []byte("x"))
			return nil
		})
	}
	failed := func() bool {
		select {
		case <-db.Failed():
			return true
		default:
			return false
		}
	}
	if err := put("a/1"); err != nil || failed() {
		t.Fatal(err, failed())
	}
	if err := put("a/"); err == nil || failed() {
		t.Errorf("a key that cannot be kept: %v, failed %t", err, failed())
	}
	mend := breakFile(t, path)
	if err := put("a/2"); err == nil {
		t.Error("a change that is not on the disk was accepted")
	}
	if !failed() || db.Failure() == nil {
		t.Error("nobody is told that the file failed")
	}
	if err := db.View(context.Background(), func(store.Reader) error { return nil }); err == nil {
		t.Error("what may not be on the disk was shown")
	}
	mend()
	if err := put("a/3"); err == nil {
		t.Error("a change was accepted after a flush that failed")
	}
}

// breakFile takes the disk away from under a file that this process has open, so that each write to it fails, until mend.
func breakFile(t *testing.T, path string) (mend func()) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err != nil || to != path {
			continue
		}
		var n int
		if _, err := fmt.Sscan(fd.Name(), &n); err != nil {
			t.Fatal(err)
		}
		readOnly, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer readOnly.Close()
		whole, err := syscall.Dup(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Dup3(int(readOnly.Fd()), n, 0); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := syscall.Dup3(whole, n, 0); err != nil {
				t.Fatal(err)
			}
			syscall.Close(whole)
		}
	}
	t.Fatal("the file is not open")
	return nil
}
