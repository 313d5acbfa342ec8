// Package storetest is what every backend must do, and what a store must do on every backend.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pullphone/store"
)

// Opener opens an empty backend of its own for a test and frees it when the test ends. reopen opens the same data
// again; the test has closed the first one by then.
type Opener func(t *testing.T) (first store.Backend, reopen func() store.Backend)

// Run runs what every backend passes.
func Run(t *testing.T, open Opener) {
	play(t, []part[*rig]{
		{"a transaction sees what it wrote", seesOwn},
		{"others see a change when it is committed", seesCommitted},
		{"what was read stays as it was", notAliased},
		{"an empty value is a value", emptyValues},
		{"an error leaves nothing behind", failing},
		{"a panic reaches its caller only", panicking},
		{"increments are not lost", incrementing},
		{"sums stay the same", transferring},
		{"a scan is ordered", scanOrder},
		{"a scan keeps to its prefix", scanPrefix},
		{"a scan of everything is ordered", scanAll},
		{"a view is one picture", onePicture},
		{"a watch tells of changes", watching},
		{"a watch may be slow", watchingSlowly},
		{"a watch that is cancelled ends", watchCancelled},
		{"a cancelled change is not written", cancelledBefore},
		{"a change that is cancelled as it runs is waited for", cancelledMeanwhile},
		{"a process stands until it closes", registering},
		{"close waits and nothing follows it", closing},
		{"what was written is there after a reopen", reopening},
		{"all of it can be copied", copying},
		{"a copy goes where nothing is", copyingRefused},
		{"a copy that broke off is no store, and begins anew", copyingBrokenOff},
		{"two copies to one place do not mix", copyingTwice},
	}, func(t *testing.T, run func(*rig)) {
		b := &rig{T: t}
		b.another = func() *rig {
			o := &rig{T: t, ctx: b.ctx}
			o.Backend, o.reopen = open(t)
			return o
		}
		b.Backend, b.reopen = open(t)
		b.ctx = limited(t)
		run(b)
	})
}

// part is one named test of a suite over a fixture F.
type part[F any] struct {
	name string
	run  func(F)
}

func play[F any](t *testing.T, parts []part[F], with func(t *testing.T, run func(F))) {
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { with(t, p.run) })
	}
}

// patience is how long anything awaited may take.
const patience = 2 * time.Minute

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// rig is a backend under test.
type rig struct {
	*testing.T
	store.Backend
	ctx     context.Context
	reopen  func() store.Backend
	another func() *rig // an empty one beside it
}

// check fails the test on an error.
func (b *rig) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *rig) update(fn func(store.Tx) error) {
	b.Helper()
	b.check(b.Update(b.ctx, fn))
}

// put writes keys and values, given in turn.
func (b *rig) put(pairs ...string) {
	b.Helper()
	b.update(func(tx store.Tx) error {
		for pair := range slices.Chunk(pairs, 2) {
			tx.Put(pair[0], []byte(pair[1]))
		}
		return nil
	})
}

// get reads a committed value; an absent one is "-".
func (b *rig) get(key string) string {
	b.Helper()
	out := ""
	b.check(b.View(b.ctx, func(r store.Reader) (err error) {
		out, err = read(r, key)
		return err
	}))
	return out
}

type getter interface{ Get(string) ([]byte, error) }

// read gives a value as a string, "-" when there is none.
func read(g getter, key string) (string, error) {
	v, err := g.Get(key)
	if v == nil {
		return "-", err
	}
	return string(v), err
}

// want compares a value that a transaction reads.
func want(g getter, key, value string) error {
	got, err := read(g, key)
	if err == nil && got != value {
		err = fmt.Errorf("%s is %q, want %q", key, got, value)
	}
	return err
}

// scan lists "key=value" of a prefix, from a key on, at most max (0: all).
func (b *rig) scan(prefix, from string, most int) []string {
	b.Helper()
	var out []string
	b.check(b.View(b.ctx, func(r store.Reader) error {
		out = nil
		return r.Scan(prefix, from, func(key string, value []byte) bool {
			out = append(out, key+"="+string(value))
			return len(out) != most
		})
	}))
	return out
}

// await receives, or fails the test when nothing comes.
func await[T any](t testing.TB, ctx context.Context, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-ctx.Done():
		t.Fatalf("%s: nothing came", what)
		panic("unreachable")
	}
}

var errMine = errors.New("my own error")
