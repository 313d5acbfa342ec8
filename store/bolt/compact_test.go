package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/store/bolt"
)

func put(t testing.TB, db store.Backend, key, value string) {
	t.Helper()
	err := db.Update(context.Background(), func(tx store.Tx) error {
		tx.Put(key, []byte(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, db *bolt.DB, key string) (value string) {
	t.Helper()
	err := db.View(context.Background(), func(r store.Reader) error {
		b, err := r.Get(key)
		value = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func opened(t testing.TB, path string) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// What was deleted and what was overwritten stands in the file until it is compacted, and not a byte of it afterwards.
func TestCompactLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	db := opened(t, path)
	for i := range 300 {
		put(t, db, fmt.Sprintf("open/%04d", i), "Jane Doe, +12085550123")
		put(t, db, fmt.Sprintf("open/%04d", i), "nobody")
		put(t, db, fmt.Sprintf("done/%04d", i), "Jane Doe, +12085550123")
	}
	err := db.Update(t.Context(), func(tx store.Tx) error {
		for i := range 300 {
			tx.Delete(fmt.Sprintf("done/%04d", i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	holds := func() bool {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(b, []byte("Jane")) || bytes.Contains(b, []byte("5550123"))
	}
	if !holds() {
		t.Fatal("there is nothing to be got rid of")
	}
	if err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if holds() {
		t.Error("what was deleted can still be read from the file")
	}
	put(t, db, "done/after", "it")
	if a, b := get(t, db, "open/0299"), get(t, db, "done/after"); a != "nobody" || b != "it" {
		t.Errorf("afterwards it has %q and %q", a, b)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + "?*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := bolt.Check(path); err != nil {
		t.Error(err)
	}
	if db := opened(t, path); get(t, db, "done/after") != "it" || get(t, db, "open/0000") != "nobody" {
		t.Error("it is lost after a restart")
	}
}

// Changes, reads and copies go on while the file is compacted again and again. Nothing that was accepted is lost.
func TestCompactMeanwhile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "calls.db")
	db := opened(t, path)
	const writers, each = 4, 300
	var all, others sync.WaitGroup
	var over atomic.Bool
	for w := range writers {
		all.Go(func() {
			for i := range each {
				key := fmt.Sprintf("open/%d-%04d", w, i)
				err := db.Update(t.Context(), func(tx store.Tx) error {
					tx.Put(key, []byte(key))
					tx.Put(fmt.Sprintf("sum/%d", w), []byte(fmt.Sprint(i)))
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				err = db.View(t.Context(), func(r store.Reader) error {
					b, err := r.Get(key)
					if string(b) != key {
						t.Errorf("%s was accepted and reads %q", key, b)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	rounds, copies := 0, 0
	others.Go(func() {
		for !over.Load() {
			if err := db.Compact(t.Context()); err != nil {
				t.Error(err)
				return
			}
			rounds++
		}
	})
	others.Go(func() {
		for !over.Load() {
			name := filepath.Join(dir, "copy.db")
			f, err := os.Create(name)
			if err == nil {
				_, err = db.WriteTo(f)
				err = errors.Join(err, f.Close(), bolt.Check(name))
			}
			if err != nil {
				t.Error(err)
				return
			}
			copies++
		}
	})
	all.Wait()
	over.Store(true)
	others.Wait()
	if rounds == 0 || copies == 0 {
		t.Errorf("compacted %d times, copied %d times", rounds, copies)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := bolt.Check(path); err != nil {
		t.Error(err)
	}
	db = opened(t, path)
	for w := range writers {
		for i := range each {
			if key := fmt.Sprintf("open/%d-%04d", w, i); get(t, db, key) != key {
				t.Fatalf("%s is lost", key)
			}
		}
	}
}

// A read that has begun keeps its picture, and holds up neither changes nor other reads when the file is compacted.
func TestCompactBesideReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	db := opened(t, path)
	put(t, db, "open/1", "before")
	began, release, read := make(chan bool), make(chan bool), make(chan error)
	go func() {
		read <- db.View(context.Background(), func(r store.Reader) error {
			began <- true
			<-release
			b, err := r.Get("open/1")
			if string(b) != "before" {
				t.Errorf("the picture changed to %q", b)
			}
			return err
		})
	}()
	<-began
	if err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, db, "open/1", "after")
	if v := get(t, db, "open/1"); v != "after" {
		t.Errorf("it reads %q", v)
	}
	close(release)
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if v := get(t, db, "open/1"); v != "after" {
		t.Errorf("it reads %q", v)
	}
}

// slow is a writer that says when it begins, and then waits.
type slow struct {
	io.Writer
	once           sync.Once
	began, release chan bool
}

func (s *slow) Write(b []byte) (int, error) {
	s.once.Do(func() {
		s.began <- true
		<-s.release
	})
	return s.Writer.Write(b)
}

// While somebody takes their time over a copy, the file is compacted again and again, and those that read beside them
// come to their end. The copy is whole, and when all is closed no file is left open.
func TestCompactBesideSlowCopy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "calls.db")
	db := opened(t, path)
	put(t, db, "open/1", "before")
	copied, err := os.Create(filepath.Join(t.TempDir(), "copy.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	backup := &slow{Writer: copied, began: make(chan bool), release: make(chan bool)}
	began, release, ended := make(chan bool), make(chan bool), make(chan error)
	go func() {
		_, err := db.WriteTo(backup)
		ended <- err
	}()
	<-backup.began
	go func() {
		ended <- db.View(context.Background(), func(store.Reader) error {
			began <- true
			<-release
			return nil
		})
	}()
	<-began
	compacted := make(chan error)
	go func() { compacted <- errors.Join(db.Compact(context.Background()), db.Compact(context.Background())) }()
	within := func(what string, done <-chan error) {
		t.Helper()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s waits for the copy", what)
		}
	}
	within("compacting", compacted)
	put(t, db, "open/1", "after")
	if v := get(t, db, "open/1"); v != "after" {
		t.Errorf("it reads %q", v)
	}
	close(release)
	within("a read that had begun", ended)
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	select {
	case err := <-closed:
		t.Errorf("closed under a copy: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(backup.release)
	within("the copy", ended)
	within("closing", closed)
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, dir) {
			t.Errorf("%s is still open", to)
		}
	}
	if err := bolt.Check(copied.Name()); err != nil {
		t.Fatal(err)
	}
	if v := get(t, opened(t, copied.Name()), "open/1"); v != "before" {
		t.Errorf("the copy has %q", v)
	}
	if err := db.View(t.Context(), func(store.Reader) error { return nil }); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("read after its end: %v", err)
	}
}

// A process that died while it compacted leaves a file beside the store, which the next one removes; one that finds the
// store in use does not.
func TestCompactBrokenOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	db := opened(t, path)
	put(t, db, "open/1", "kept")
	if err := os.WriteFile(path+".compact", []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path); !errors.Is(err, bolt.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := os.Stat(path + ".compact"); err != nil {
		t.Errorf("a process that does not have the store touched what another makes: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = opened(t, path)
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}

	// What cannot be compacted stays as it is, and in use.
	if err := os.MkdirAll(filepath.Join(path+".compact", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(t.Context()); err == nil {
		t.Error("compacted over a folder")
	}
	put(t, db, "open/2", "kept too")
	if a, b := get(t, db, "open/1"), get(t, db, "open/2"); a != "kept" || b != "kept too" {
		t.Errorf("it has %q and %q", a, b)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(t.Context()); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("compacted after its end: %v", err)
	}
}

// A file of which more than half is free is compacted when it is opened, if it is large.
func TestCompactAtOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	db := opened(t, path)
	fill := func(from, to int, value []byte) {
		t.Helper()
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for i := from; i < to; i++ {
				if key := fmt.Sprintf("done/%06d", i); value == nil {
					tx.Delete(key)
				} else {
					tx.Put(key, value)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		t.Helper()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = opened(t, path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	const n = 24 << 10
	fill(0, n, bytes.Repeat([]byte{'x'}, 1000))
	full := size()
	fill(0, n/3, nil)
	if now := size(); now < full {
		t.Errorf("of %d bytes %d are left, though more than half of them were in use", full, now)
	}
	fill(n/3, n-10, nil)
	if now := size(); now > full/2 {
		t.Errorf("of %d bytes %d are left, though nearly all were free", full, now)
	}
	if v := get(t, db, fmt.Sprintf("done/%06d", n-1)); len(v) != 1000 {
		t.Errorf("what was left has %d bytes", len(v))
	}
}

func TestExposed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "own")
	path := filepath.Join(folder, "calls.db")
	opened(t, path)
	for _, tt := range []struct {
		folder, file os.FileMode
		want         string
	}{
		{0o700, 0o600, ""}, {0o711, 0o600, ""}, {0o750, 0o600, folder}, {0o700, 0o640, path}, {0o700, 0o602, path}, {0o755, 0o644, path + " " + folder},
	} {
		if err := errors.Join(os.Chmod(folder, tt.folder), os.Chmod(path, tt.file)); err != nil {
			t.Fatal(err)
		}
		if names, err := bolt.Exposed(path); err != nil || strings.Join(names, " ") != tt.want {
			t.Errorf("%o, %o: %v, %v; want %s", tt.folder, tt.file, names, err, tt.want)
		}
	}
}

// A copy with a torn page in it opens, and is found out.
func TestCheck(t *testing.T) {
	path := filled(t)
	if err := bolt.Check(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page, found := os.Getpagesize(), 0
	for at := 2 * page; at < len(good); at += page {
		torn := bytes.Clone(good)
		clear(torn[at : at+page])
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := bolt.Check(path); err != nil {
			found++
		}
	}
	if pages := len(good)/page - 2; found < pages/2 { // of a page that is free nothing is missing
		t.Errorf("%d of %d torn pages were found", found, pages)
	}
	if err := bolt.Check(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
