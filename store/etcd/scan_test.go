package etcd_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pullphone/store"
	"pullphone/store/etcd/etcdtest"
)

// TestManyToScan: keys that are too many for etcd to count each time are all there, in order, from wherever one begins.
func TestManyToScan(t *testing.T) {
	t.Parallel()
	db := open(t, config(started(t, etcdtest.Options{Nodes: 1}))) // where nobody else compacts what it reads
	var keys []string
	for i := range 4500 { // many that begin alike, then a gap
		keys = append(keys, fmt.Sprintf("done/01%08d%06d", i*300+i/1500*86_400_000, rand.IntN(1e6)))
	}
	keys = append(keys, "done/0", "done/00", "done/z", "done/z/1", "done/\xff", "done/\xff\xff", "a/1", "e/1")
	slices.Sort(keys)
	keys = slices.Compact(keys)
	write := func(some []string, fn func(tx store.Tx, key string)) {
		t.Helper()
		for part := range slices.Chunk(some, 100) {
			check(t, db.Update(t.Context(), func(tx store.Tx) error {
				for _, key := range part {
					fn(tx, key)
				}
				return nil
			}))
		}
	}
	scan := func(prefix, from string, most int) (got []string) {
		check(t, db.View(t.Context(), func(r store.Reader) error {
			got = nil
			return r.Scan(prefix, from, func(key string, value []byte) bool {
				if string(value) != key {
					t.Fatalf("%s has the value %q", key, value)
				}
				got = append(got, key)
				return len(got) != most
			})
		}))
		return got
	}
	same := func(prefix, from string) {
		t.Helper()
		var want []string
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) && key >= from {
				want = append(want, key)
			}
		}
		if got := scan(prefix, from, 0); !slices.Equal(got, want) {
			t.Errorf("%q from %q: %d keys, want %d", prefix, from, len(got), len(want))
		}
		if got, n := scan(prefix, from, 700), min(len(want), 700); !slices.Equal(got, want[:n]) {
			t.Errorf("%q from %q: the first %d keys are not the first %d", prefix, from, len(got), n)
		}
	}
	write(keys, func(tx store.Tx, key string) { tx.Put(key, []byte(key)) })
	all := func() {
		t.Helper()
		for _, prefix := range []string{"done/", "", "done/0", "done/01", "a/", "none/"} {
			same(prefix, "")
			same(prefix, "done/z")
			for range 2 {
				from := keys[rand.IntN(len(keys))]
				same(prefix, from)
				same(prefix, from+"\x00")
			}
		}
	}
	all()
	write(keys[:2000], func(tx store.Tx, key string) { tx.Delete(key) })
	keys = keys[2000:]
	all()
	early := []string{"done/01", "done/011"}
	keys = append(early, keys...)
	write(early, func(tx store.Tx, key string) { tx.Put(key, []byte(key)) })
	all()
}
