package storetest

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"

	"pullphone/store"
)

func scanOrder(b *rig) {
	keys := []string{"a/\x01", "a/0", "a/00", "a/1", "a/1/x", "a/10", "a/2", "a/B", "a/a", "a/a b", "a/é", "a/\xff", "a/\xff\xff"}
	slices.Sort(keys)
	shuffled := slices.Clone(keys)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, key := range shuffled {
		b.put(key, "v")
	}
	var all []string
	for _, key := range keys {
		all = append(all, key+"=v")
	}
	for i, key := range keys {
		if got := b.scan("a/", key, 0); !slices.Equal(got, all[i:]) {
			b.Errorf("from %q: %q, want %q", key, got, all[i:])
		}
		if got := b.scan("a/", key+"\x00", 0); !slices.Equal(got, all[i+1:]) {
			b.Errorf("from just behind %q: %q, want %q", key, got, all[i+1:])
		}
		if got := b.scan("a/", "", i+1); !slices.Equal(got, all[:i+1]) {
			b.Errorf("stopped after %d: %q", i+1, got)
		}
	}
}

func scanPrefix(b *rig) {
	b.put("a/x", "1", "a/x/1", "2", "a/x/2", "3", "a/xx/1", "4", "a/y/1", "5", "aa/x/1", "6", "b/x/1", "7", "A/x/1", "8")
	for _, c := range []struct {
		prefix, from string
		want         []string
	}{
		{"a/x/", "", []string{"a/x/1=2", "a/x/2=3"}},
		{"a/x", "", []string{"a/x=1", "a/x/1=2", "a/x/2=3", "a/xx/1=4"}},
		{"a/x/", "a/x/2", []string{"a/x/2=3"}},
		{"a/x/", "a/a", []string{"a/x/1=2", "a/x/2=3"}},
		{"a/x/", "a/y", nil},
		{"a/y/", "a/x/1", []string{"a/y/1=5"}},
		{"a/z", "", nil},
		{"b/", "", []string{"b/x/1=7"}},
		{"b/", "a/y", []string{"b/x/1=7"}},
		{"b/", "c/", nil},
		{"c/", "", nil},
	} {
		if got := b.scan(c.prefix, c.from, 0); !slices.Equal(got, c.want) {
			b.Errorf("scan of %q from %q: %q, want %q", c.prefix, c.from, got, c.want)
		}
	}
}

func scanAll(b *rig) {
	all := []string{"a-b/1", "a/1", "a/1/x", "a/2", "aa/1", "b/1", "b/2"}
	slices.Sort(all)
	for _, key := range slices.Backward(all) {
		b.put(key, "v")
	}
	want := make([]string, len(all))
	for i, key := range all {
		want[i] = key + "=v"
	}
	for i, key := range all {
		if got := b.scan("", key, 0); !slices.Equal(got, want[i:]) {
			b.Errorf("from %q: %q, want %q", key, got, want[i:])
		}
		if got := b.scan("", key+"\x00", 0); !slices.Equal(got, want[i+1:]) {
			b.Errorf("from just behind %q: %q, want %q", key, got, want[i+1:])
		}
		if got := b.scan("", "", i+1); !slices.Equal(got, want[:i+1]) {
			b.Errorf("stopped after %d: %q", i+1, got)
		}
	}
}

func onePicture(b *rig) {
	b.put("a/1", "old", "a/2", "old")
	var before, after []string
	b.check(b.View(b.ctx, func(r store.Reader) error {
		picture := func() (out []string) {
			for _, key := range []string{"a/1", "a/2", "a/3", "b/1"} {
				v, err := read(r, key)
				b.check(err)
				out = append(out, v)
			}
			b.check(r.Scan("a/", "", func(key string, v []byte) bool {
				out = append(out, key+"="+string(v))
				return true
			}))
			return out
		}
		before = picture()
		changed := make(chan error, 1)
		go func() {
			changed <- b.Update(b.ctx, func(tx store.Tx) error {
				tx.Put("a/1", []byte("new"))
				tx.Delete("a/2")
				tx.Put("a/3", []byte("new"))
				tx.Put("b/1", []byte("new"))
				return nil
			})
		}()
		b.check(await(b, b.ctx, "a change during the view", changed))
		after = picture()
		return nil
	}))
	if !slices.Equal(before, after) {
		b.Errorf("the picture changed from %q to %q", before, after)
	}
	if got := b.get("a/1") + b.get("a/2") + b.get("a/3"); got != "new-new" {
		b.Errorf("the next view shows %q", got)
	}
	if err := b.View(b.ctx, func(store.Reader) error { return errMine }); err != errMine {
		b.Errorf("the view's error came as %v", err)
	}
}

func watching(b *rig) {
	a, cancelA := b.Watch("a/x/")
	defer cancelA()
	other, cancelOther := b.Watch("b/")
	defer cancelOther()

	b.put("a/x/1", "1")
	await(b, b.ctx, "hint of a new key", a)
	b.put("a/x/1", "2")
	await(b, b.ctx, "hint of a changed key", a)
	b.update(func(tx store.Tx) error {
		tx.Delete("a/x/1")
		return nil
	})
	await(b, b.ctx, "hint of a deleted key", a)

	// What is none of its business, and what was not committed, gives no hint.
	b.put("a/y/1", "1", "a/x", "1", "aa/x/1", "1")
	_ = b.Update(b.ctx, func(tx store.Tx) error {
		tx.Put("a/x/1", []byte("1"))
		return errMine
	})
	b.put("b/1", "1")
	await(b, b.ctx, "hint of another prefix", other)
	select {
	case <-a:
		b.Error("a hint without a change")
	default:
	}
}

// watchingSlowly reads what is there after each hint, like a worker, and must end up with everything.
func watchingSlowly(b *rig) {
	const n = 200
	changed, cancel := b.Watch("a/")
	defer cancel()
	for i := range n {
		b.put("a/"+strconv.Itoa(i), "v") // nobody reads the hints: a full watcher must not hold up a commit
	}
	hints := 0
	for seen := 0; seen < n; hints++ {
		await(b, b.ctx, "a hint", changed)
		seen = len(b.scan("a/", "", 0))
	}
	if hints > n {
		b.Errorf("%d hints of %d commits", hints, n)
	}

	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range n / 4 {
				key := "a/more" + strconv.Itoa(w*n+i)
				if err := b.Update(b.ctx, func(tx store.Tx) error { tx.Put(key, nil); return nil }); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for seen := 0; seen < 2*n; {
		await(b, b.ctx, "a hint while others write", changed)
		seen = len(b.scan("a/", "", 0))
	}
	writers.Wait()
}

func watchCancelled(b *rig) {
	gone, cancelGone := b.Watch("a/")
	stays, cancelStays := b.Watch("a/")
	defer cancelStays()
	cancelGone()
	cancelGone() // twice is no harm
	b.put("a/1", "1")
	await(b, b.ctx, "hint of the watch that stays", stays)
	select {
	case _, open := <-gone:
		if open {
			b.Error("a cancelled watch gave a hint")
		}
	default:
	}
}
