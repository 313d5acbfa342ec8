package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"pullphone/store"
)

func cancelledBefore(b *rig) {
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	for range 50 { // a backend may choose between the caller's end and its own turn
		err := b.Update(ctx, func(tx store.Tx) error {
			tx.Put("a/1", []byte("x"))
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			b.Fatalf("a change that was cancelled before came to %v", err)
		}
	}
	if got := b.get("a/1"); got != "-" {
		b.Errorf("a cancelled change wrote %q", got)
	}
}

func cancelledMeanwhile(b *rig) {
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	var running atomic.Int32
	err := b.Update(ctx, func(tx store.Tx) error {
		running.Add(1)
		defer running.Add(-1)
		cancel()
		for range 100 {
			runtime.Gosched()
		}
		tx.Put("a/1", []byte("x"))
		return nil
	})
	if n := running.Load(); n != 0 {
		b.Errorf("Update returned while its function ran")
	}
	if got := b.get("a/1"); err == nil && got != "x" {
		b.Errorf("Update came to nil and wrote %q", got)
	}
}

func registering(b *rig) {
	changed, cancel := b.Watch("process/")
	defer cancel()
	b.check(b.Register(b.ctx, "one", []byte("1")))
	await(b, b.ctx, "hint of a process", changed)
	b.check(b.Register(b.ctx, "two", []byte("2")))
	b.check(b.Register(b.ctx, "one", []byte("3")))
	if got := b.scan("process/", "", 0); !slices.Equal(got, []string{"process/one=3", "process/two=2"}) {
		b.Errorf("registered are %q", got)
	}
	b.check(b.Close())
	b.Backend = b.reopen()
	if got := b.scan("process/", "", 0); got != nil {
		b.Errorf("after the end of the process: %q", got)
	}
	b.check(b.Register(b.ctx, "one", nil))
	if got := b.scan("process/", "", 0); !slices.Equal(got, []string{"process/one="}) {
		b.Errorf("registered anew: %q", got)
	}
}

func closing(b *rig) {
	inside, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	updated, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		updated <- b.Update(b.ctx, func(tx store.Tx) error {
			tx.Put("a/1", []byte("x"))
			once.Do(func() { close(inside) })
			<-release
			return nil
		})
	}()
	await(b, b.ctx, "the change begins", inside)
	go func() { closed <- b.Close() }()
	for range 1000 {
		runtime.Gosched()
	}
	select {
	case <-closed:
		b.Error("Close did not wait for a change that was begun")
	default:
	}
	close(release)
	b.check(await(b, b.ctx, "the change ends", updated))
	b.check(await(b, b.ctx, "Close", closed))

	ran := false
	if err := b.Update(b.ctx, func(store.Tx) error { ran = true; return nil }); err == nil || ran {
		b.Errorf("Update after Close: %v, its function ran: %t", err, ran)
	}
	if err := b.View(b.ctx, func(store.Reader) error { ran = true; return nil }); err == nil || ran {
		b.Errorf("View after Close: %v, its function ran: %t", err, ran)
	}
	_ = b.Close() // again is no harm, whatever it says

	b.Backend = b.reopen()
	if got := b.get("a/1"); got != "x" {
		b.Errorf("a change that Close waited for left %q", got)
	}
}

func reopening(b *rig) {
	long := strings.Repeat("long ", 20_000)
	var kept []string
	b.put("b/long", long, "b/empty", "")
	for part := 0; part < 1000; part += 50 {
		b.update(func(tx store.Tx) error {
			for i := part; i < part+50; i++ {
				tx.Put(fmt.Sprintf("a/%04d", i), []byte("v"))
			}
			return nil
		})
	}
	for part := 0; part < 1000; part += 100 {
		b.update(func(tx store.Tx) error {
			for i := part; i < part+100; i += 2 {
				tx.Delete(fmt.Sprintf("a/%04d", i))
			}
			return nil
		})
	}
	for i := 1; i < 1000; i += 2 {
		kept = append(kept, fmt.Sprintf("a/%04d=v", i))
	}
	b.check(b.Close())
	b.Backend = b.reopen()
	if got := b.scan("a/", "", 0); !slices.Equal(got, kept) {
		b.Errorf("%d keys after the reopen, want %d: %.200q", len(got), len(kept), got)
	}
	if b.get("b/long") != long || b.get("b/empty") != "" {
		b.Error("a long or an empty value did not survive")
	}
	b.put("a/new", "v")
}
