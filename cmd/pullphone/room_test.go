package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pullphone/store"
	"pullphone/store/bolt"
)

// A store that has no room for another copy of itself is left as it is, and the room that there is to others.
func TestNoRoomToCompact(t *testing.T) {
	dir, inside := smallDisk(t)
	if !inside {
		return
	}
	db, err := bolt.Open(filepath.Join(dir, "calls.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	change := func(fn func(store.Tx)) {
		t.Helper()
		err := db.Update(t.Context(), func(tx store.Tx) error {
			fn(tx)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx store.Tx) { tx.Put("done/large", make([]byte, 2200<<10)) })
	err = db.Compact(t.Context())
	if err == nil || !strings.Contains(err.Error(), "make room") {
		t.Errorf("compacting without room: %v", err)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Bavail == 0 {
		t.Errorf("%d blocks are left, %v", s.Bavail, err)
	}
	change(func(tx store.Tx) { tx.Delete("done/large") })
	if err := db.Compact(t.Context()); err != nil {
		t.Errorf("what is free in the file needs no room: %v", err)
	}
}
