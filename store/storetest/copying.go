package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pullphone/store"
)

// furnish writes what a copy has to bring over: a few keys of several kinds, more than one transaction takes, some empty,
// some large.
func (b *rig) furnish() {
	b.Helper()
	b.put("meta/schema", strconv.Itoa(store.Schema), "sid/CA1", "", "at/1/2", "", "meta/alive", strings.Repeat("x", 65000))
	for i := range 10 {
		b.update(func(tx store.Tx) error {
			for j := range 50 {
				tx.Put(fmt.Sprintf("done/%02d%02d", i, j), bytes.Repeat([]byte{byte(j)}, j*200))
			}
			return nil
		})
	}
	b.check(b.Register(b.ctx, "me", []byte("about me")))
}

// all lists everything but what belongs to processes.
func (b *rig) all() []string {
	b.Helper()
	return slices.DeleteFunc(b.scan("", "", 0), func(pair string) bool { return strings.HasPrefix(pair, "process/") })
}

func quietly(int) {}

func copying(b *rig) {
	b.furnish()
	to := b.another()
	var told []int
	content, err := store.Copy(b.ctx, b, to, func(n int) { told = append(told, n) })
	b.check(err)
	if want := b.all(); !slices.Equal(to.all(), want) || content.Keys != len(want) {
		b.Errorf("%d keys of %d came over, %+v", len(to.all()), len(want), content)
	}
	if got := to.scan("process/", "", 0); got != nil {
		b.Errorf("what belongs to a process came over: %q", got)
	}
	if !slices.IsSorted(told) || len(told) < 2 || told[len(told)-1] != content.Keys {
		b.Errorf("told of %d, of %d", told, content.Keys)
	}
	for name, r := range map[string]*rig{"from": b, "to": to} {
		if sum, err := store.Sum(b.ctx, r); err != nil || sum != content {
			b.Errorf("%s: %+v, %v, not %+v", name, sum, err, content)
		}
	}
	if _, err := store.OpenHistory(b.ctx, to, store.Team{}); err != nil {
		b.Errorf("the copy is no store: %v", err)
	}
	to.put("done/0000", "changed")
	if sum, err := store.Sum(b.ctx, to); err != nil || sum == content || sum.Keys != content.Keys {
		b.Errorf("a change is not seen: %+v, %v", sum, err)
	}
}

func copyingRefused(b *rig) {
	full := b.another()
	full.furnish()
	before := full.all()
	for name, tt := range map[string]struct {
		from *rig
		want error
	}{"nothing": {b, store.ErrEmpty}, "itself": {full, store.ErrNotEmpty}} {
		if _, err := store.Copy(b.ctx, tt.from, full, quietly); !errors.Is(err, tt.want) {
			b.Errorf("a copy of %s: %v", name, err)
		}
	}
	b.put("meta/schema", strconv.Itoa(store.Schema+1))
	if _, err := store.Copy(b.ctx, b, b.another(), quietly); !errors.Is(err, store.ErrNewer) {
		b.Errorf("a copy of a newer store: %v", err)
	}
	b.put("meta/schema", strconv.Itoa(store.Schema))
	if _, err := store.Copy(b.ctx, b, full, quietly); !errors.Is(err, store.ErrNotEmpty) {
		b.Errorf("a copy over another store: %v", err)
	}
	if got := full.all(); !slices.Equal(got, before) {
		b.Errorf("it was changed: %q", got)
	}
}

// breakOff copies until some of it is written.
func (b *rig) breakOff(to *rig) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	if _, err := store.Copy(ctx, b, to, func(int) { cancel() }); err == nil {
		b.Fatal("a copy that is cancelled has no error")
	}
}

func copyingBrokenOff(b *rig) {
	b.furnish()
	to := b.another()
	b.breakOff(to)
	if _, err := store.OpenHistory(b.ctx, to, store.Team{}); !errors.Is(err, store.ErrUnfinished) {
		b.Errorf("half a copy is opened: %v", err)
	}
	if _, err := store.Copy(b.ctx, to, b.another(), quietly); !errors.Is(err, store.ErrUnfinished) {
		b.Errorf("half a copy is copied: %v", err)
	}
	to.put("done/left", "of the copy that broke off", "done/zzz", "")
	_, err := store.Copy(b.ctx, b, to, quietly)
	b.check(err)
	if !slices.Equal(to.all(), b.all()) {
		b.Error("the second copy is another")
	}
}

func copyingTwice(b *rig) {
	b.furnish()
	to := b.another()
	begun := false
	_, err := store.Copy(b.ctx, b, to, func(int) {
		if !begun {
			begun = true
			if _, err := store.Copy(b.ctx, b, to, quietly); err != nil {
				b.Errorf("the second: %v", err)
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "somebody else has begun") {
		b.Errorf("the first: %v", err)
	}
	disturbed := b.another()
	_, err = store.Copy(b.ctx, b, disturbed, func(n int) {
		if n >= 100 {
			disturbed.put("done/other", "of a server, say")
		}
	})
	if err == nil || !strings.Contains(err.Error(), "something else writes to it") {
		b.Errorf("with somebody else's key in it: %v", err)
	}
	if !slices.Equal(to.all(), b.all()) {
		b.Error("the second copy is spoilt")
	}
	moved := b.another()
	_, err = store.Move(b.ctx, b, moved, func(int) { b.put("done/late", "") })
	if err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		b.Errorf("moved while it was changed: %v", err)
	}
	if err := store.Whole(b.ctx, moved); !errors.Is(err, store.ErrUnfinished) {
		b.Errorf("what was moved is a store: %v", err)
	}
	_, err = store.Move(b.ctx, b, moved, quietly)
	b.check(err)
	b.check(store.Whole(b.ctx, moved))
}
