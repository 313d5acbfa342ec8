package etcd_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"pullphone/store"
	"pullphone/store/etcd"
	"pullphone/store/etcd/etcdtest"
)

// oneLine checks an error's text: one line that has the words.
func oneLine(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", words)
		return
	}
	for _, w := range append(words, "etcd") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v: does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
}

// TestFull: the space quota is used up. What came to an error was not written, the rest was, and once there is room and
// the alarm is disarmed all is well again.
func TestFull(t *testing.T) {
	t.Parallel()
	c := started(t, etcdtest.Options{Nodes: 1, Flags: []string{"--quota-backend-bytes=4194304"}})
	db := open(t, config(c))
	noise := strings.Repeat("0123456789abcdef", 8<<10) // 128 KB
	written := 0
	var full error
	for ; full == nil && written < 100; written++ {
		full = db.Update(t.Context(), func(tx store.Tx) error { tx.Put(fmt.Sprintf("a/%02d", written), []byte(noise)); return nil })
	}
	written-- // the last one was not
	if !errors.Is(full, etcd.ErrFull) {
		t.Fatalf("after %d × 128 KB in 4 MB: %v", written, full)
	}
	oneLine(t, full, "--quota-backend-bytes", "etcdctl alarm disarm")
	kept := 0
	check(t, db.View(t.Context(), func(r store.Reader) error {
		return r.Scan("a/", "", func(string, []byte) bool { kept++; return true })
	}))
	if kept != written {
		t.Errorf("%d changes came to no error, %d were written", written, kept)
	}
	if err := increment(db, "n/1"); !errors.Is(err, etcd.ErrFull) {
		t.Errorf("a small change: %v", err)
	}
	if err := open(t, config(c)).Register(t.Context(), "one", nil); !errors.Is(err, etcd.ErrFull) {
		t.Errorf("a new process: %v", err)
	}
	if s, err := db.Status(t.Context()); err != nil || len(s.Alarms) != 1 || s.Alarms[0] != "NOSPACE" || s.Members[0].Quota != 4<<20 || s.Members[0].Size < 3<<20 {
		t.Errorf("the status is %+v, %v", s, err)
	}
	_, err := db.Client().Delete(t.Context(), "test/", clientv3.WithPrefix()) // etcd lets go of things all the same
	check(t, err)
	check(t, db.Compact(t.Context()))
	_, err = db.Client().AlarmDisarm(t.Context(), &clientv3.AlarmMember{})
	check(t, err)
	check(t, increment(db, "n/1"))
	if s, err := db.Status(t.Context()); err != nil || len(s.Alarms) != 0 || s.Members[0].Size > 1<<20 {
		t.Errorf("afterwards the status is %+v, %v", s, err)
	}
}

// TestManyKeys: a change of more keys than etcd takes says so, and changes nothing.
func TestManyKeys(t *testing.T) {
	db := open(t, config(cluster))
	write := func(n int) error {
		return db.Update(t.Context(), func(tx store.Tx) error {
			for i := range n {
				if _, err := tx.Get(fmt.Sprint("b/", i)); err != nil {
					return err
				}
				tx.Put(fmt.Sprint("a/", i), nil)
			}
			return nil
		})
	}
	oneLine(t, write(128), "--max-txn-ops")
	if got, err := get(db, "a/1"); err != nil || got != "" {
		t.Errorf("it wrote %q, %v", got, err)
	}
	check(t, write(127)) // and the slot
	check(t, db.Fits(t.Context(), 128))
	oneLine(t, db.Fits(t.Context(), 129), "--max-txn-ops")
	oneLine(t, db.Update(t.Context(), func(tx store.Tx) error { tx.Put("a/large", make([]byte, 2<<20)); return nil }), "--max-request-bytes")
}

// TestForgotten: what was deleted or overwritten is in no node's file once Compact has returned.
func TestForgotten(t *testing.T) {
	t.Parallel()
	c := started(t, etcdtest.Options{})
	db := open(t, config(c))
	const secret = "Jane-Doe-of-Boise"
	put(t, db, "a/overwritten", secret)
	put(t, db, "a/overwritten", "x")
	put(t, db, "a/deleted", secret)
	check(t, db.Update(t.Context(), func(tx store.Tx) error { tx.Delete("a/deleted"); return nil }))
	holds := func() (n int) {
		for _, node := range c.Nodes {
			b, err := os.ReadFile(filepath.Join(node.Dir, "member", "snap", "db"))
			check(t, err)
			n += bytes.Count(b, []byte(secret))
		}
		return n
	}
	for begun := time.Now(); holds() < 2*len(c.Nodes); runtime.Gosched() { // a node writes its file ten times a second
		if time.Since(begun) > 20*time.Second {
			t.Fatal("the nodes keep their data elsewhere: this test proves nothing")
		}
	}
	check(t, db.Compact(t.Context()))
	if n := holds(); n != 0 {
		t.Errorf("it is to be read in %d places", n)
	}
	if got, err := get(db, "a/overwritten"); err != nil || got != "x" {
		t.Errorf("what is kept is %q, %v", got, err)
	}
}

// TestShrink: what was overwritten is let go of by the process that was there first, and whoever reads it meanwhile is told.
func TestShrink(t *testing.T) {
	ctx := t.Context()
	c := config(cluster)
	first, second := open(t, c), open(t, c)
	check(t, first.Register(ctx, "first", nil))
	check(t, second.Register(ctx, "second", nil))
	put(t, first, "a/1", "old")
	err := first.View(ctx, func(r store.Reader) error {
		if _, err := r.Get("a/1"); err != nil {
			return err
		}
		put(t, second, "a/1", "new")
		put(t, second, "a/1", "newer")
		at, err := second.Shrink(ctx, 0)
		check(t, err)
		_, err = second.Shrink(ctx, at)
		check(t, err)
		if _, err := r.Get("a/1"); err != nil {
			t.Errorf("it was not for the second to compact: %v", err)
		}
		_, err = first.Shrink(ctx, at)
		check(t, err)
		_, err = first.Shrink(ctx, at) // again
		check(t, err)
		_, err = r.Get("a/2")
		oneLine(t, err, "read again")
		return nil
	})
	check(t, err)
	check(t, first.Close())
	at, err := second.Shrink(ctx, 0)
	check(t, err)
	put(t, second, "a/1", "newest")
	_, err = second.Shrink(ctx, at)
	check(t, err)
	if _, err := second.Client().Get(ctx, "a", clientv3.WithRev(at-1)); err == nil {
		t.Error("the second has not taken over")
	}
}
