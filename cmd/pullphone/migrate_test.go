package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
)

// place is where a test's store goes.
type place struct {
	name string          // as migrate takes it
	open func() database // for the test
}

func filePlace(t *testing.T, path string) place {
	return place{"bolt:" + path, func() database {
		t.Helper()
		db, err := bolt.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return openFile{db}
	}}
}

// content is what a store holds.
func (p place) content(t *testing.T) store.Content {
	t.Helper()
	db := p.open()
	c, err := store.Sum(t.Context(), db)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return c
}

// A store is moved, served from its new place, and the old one is as it was.
func TestMigrate(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	want := played(h)
	h.stop()
	before, err := os.ReadFile(h.town.store)
	h.must(err)
	to := filePlace(t, filepath.Join(t.TempDir(), "moved.db"))
	code, out, errs := runs(h.ctx, "migrate", "--from", h.cfg.Store.String(), "--to", to.name)
	if code != 0 || errs != "" || !strings.HasPrefix(out, to.name+" has all ") {
		t.Fatalf("exit %d, %q, %q", code, out, errs)
	}
	after, err := os.ReadFile(h.town.store)
	h.must(err)
	equal(t, "the old one is as it was", bytes.Equal(before, after), true)
	equal(t, "content", to.content(t), filePlace(t, h.town.store).content(t))
	h.cfg.Store = storeOf(t, to.name)
	h.start()
	if got := h.history(); !slices.Equal(got, want) {
		t.Errorf("the history is %+v, not %+v", got, want)
	}
	h.arrive(janePhone, jane)
}

// What must not be moved is not, and nothing changes.
func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, pairs ...string) {
		t.Helper()
		db := filePlace(t, at(name)).open()
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for pair := range slices.Chunk(pairs, 2) {
				tx.Put(pair[0], []byte(pair[1]))
			}
			return nil
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	write("calls", "meta/schema", "1", "done/1", "a call")
	write("full", "meta/schema", "1", "done/2", "a call")
	write("half", "meta/schema", "1", "meta/copying", "x", "done/3", "a call")
	write("newer", "meta/schema", "2")
	write("empty")
	write("used", "meta/schema", "1")
	filePlace(t, at("used")).open()
	if err := os.Link(at("calls"), at("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("text"), []byte(strings.Repeat("no store at all ", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	files := func() string { // when they were written last

		var all []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintln(e.Name(), info.Size(), info.ModTime()))
		}
		return strings.Join(all, "\n")
	}
	before := files()
	for _, tt := range []struct {
		from, to string // files, unless they have a colon or are empty
		code     int
		err      string
	}{
		{"", "new", 2, "migrate needs --from STORE"},
		{"calls", "", 2, "migrate needs --to STORE"},
		{"mysql://calls", "new", 2, "--from is neither a bbolt file nor etcd; write bolt:PATH or etcd://host:port/prefix"},
		{"calls", "etcd://me:secret@a:1/b", 2, "--to holds a user name or password"},
		{"calls", "calls", 2, "are one, or one lies within the other"},
		{"calls", "./calls", 2, "are one, or one lies within the other"},
		{"calls", "link", 2, "are one, or one lies within the other"},
		{"etcd://a:1,b:2/x", "etcd://c:3,b:2/x/y", 2, "are one, or one lies within the other"},
		{"none", "new", 1, "no such file"},
		{"used", "new", 1, "in use by another process"},
		{"text", "new", 1, "is damaged or no store of pullphone"},
		{"empty", "new", 1, "it holds no store of pullphone"},
		{"newer", "new", 1, "written by a newer pullphone"},
		{"half", "new", 1, "it holds part of another store"},
		{"calls", "used", 1, "in use by another process"},
		{"calls", "full", 1, "it holds something already (done/2); name a place where nothing is"},
		{"calls", "text", 1, "is damaged or no store of pullphone"},
	} {
		args := []string{"migrate"}
		for flag, s := range map[string]string{"--from": tt.from, "--to": tt.to} {
			if s != "" && !strings.Contains(s, ":") {
				s = "bolt:" + dir + "/" + s
			}
			if s != "" {
				args = append(args, flag, s)
			}
		}
		code, out, errs := runs(t.Context(), args...)
		if code != tt.code || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, tt.err) || strings.Contains(errs, "secret") {
			t.Errorf("%s to %s: exit %d, %q, %q", tt.from, tt.to, code, out, errs)
		}
		equal(t, tt.from+" to "+tt.to+": nothing changed", files() == before, true)
	}
	equal(t, "other prefixes", overlap(storeOf(t, "etcd://a:1/x"), storeOf(t, "etcd://a:1/xy")), false)
	equal(t, "other clusters", overlap(storeOf(t, "etcd://a:1/x"), storeOf(t, "etcd://b:1/x")), false)
}

// What was moved in part is no store, and is moved anew.
func TestMigrateAgain(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	want := played(h)
	h.stop()
	to := filePlace(t, filepath.Join(t.TempDir(), "moved.db"))
	src, err := file(h.town.store).read(h.ctx)
	h.must(err)
	dst := to.open()
	ctx, cancel := context.WithCancel(h.ctx)
	if _, err := store.Move(ctx, src, dst, func(int) { cancel() }); err == nil {
		t.Fatal("it was not cut short")
	}
	h.must(errors.Join(src.Close(), dst.Close()))

	moved := h.another("store: "+h.cfg.Store.String(), "store: "+to.name)
	for _, command := range [][]string{{"serve"}, {"calls"}, {"forget", janePhone}} {
		code, out, errs := runs(h.ctx, append(command, "--config", moved)...)
		if code != 1 || !strings.Contains(errs, "it holds part of another store that was being copied there; run pullphone migrate again") {
			t.Errorf("%s: exit %d, %q, %q", command, code, out, errs)
		}
	}
	if code, _, errs := runs(h.ctx, "migrate", "--from", h.cfg.Store.String(), "--to", to.name); code != 0 {
		t.Fatal(errs)
	}
	h.cfg.Store = storeOf(t, to.name)
	h.start()
	if got := h.history(); !slices.Equal(got, want) {
		t.Errorf("the history is %+v, not %+v", got, want)
	}
}

func storeOf(t *testing.T, s string) config.Store {
	t.Helper()
	st, err := config.ParseStore(s)
	if err != nil {
		t.Fatal(err)
	}
	return st
}
