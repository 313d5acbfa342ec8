package bolt_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/store"
	"pullphone/store/bolt"
)

// holdEnv makes the test binary open the file it names, say so, and hold it until its input ends.
const holdEnv = "PULLPHONE_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdEnv); path != "" {
		db, err := bolt.Open(path)
		fmt.Println("holding", err)
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err == nil {
			err = db.Close()
		}
		if err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), holdEnv+"="+path)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "holding <nil>\n" {
		t.Fatalf("the holder said %q, %v", said, err)
	}

	for name, open := range map[string]func(string) (*bolt.DB, error){"to write": bolt.Open, "to read": bolt.OpenReadOnly} {
		began := time.Now()
		db, err := open(path)
		if !errors.Is(err, bolt.ErrInUse) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", name, db, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it took %s to say that the file is in use", name, took)
		}
	}

	if err := errors.Join(in.Close(), holder.Wait()); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatalf("after the other process has gone: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestModes(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "of", "its", "own")
	path := filepath.Join(folder, "calls.db")
	if _, err := bolt.OpenReadOnly(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading a file that is not there: %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading made the folder: %v", err)
	}
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for path, want := range map[string]os.FileMode{path: 0o600, folder: 0o700 | os.ModeDir, filepath.Dir(folder): 0o700 | os.ModeDir} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", path, info.Mode(), want)
		}
	}
}

// filled makes a closed file with some thousand keys in it, and returns its path.
func filled(t *testing.T) string {
	t.Helper()
	first, _ := opener(t)
	db := first.(*bolt.DB)
	for round := range 3 {
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for i := range 1000 {
				key := fmt.Sprintf("done/%04d", i)
				if tx.Put(key, bytes.Repeat([]byte{'x'}, 100)); i%3 == round {
					tx.Delete(key)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.WriteTo(out)
	if err := errors.Join(err, out.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCopyIsComplete(t *testing.T) {
	db, err := bolt.OpenReadOnly(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	err = db.View(t.Context(), func(r store.Reader) error {
		return r.Scan("done/", "", func(string, []byte) bool { n++; return true })
	})
	if err != nil || n != 667 {
		t.Errorf("the copy has %d keys, %v", n, err)
	}
	if err := db.Update(t.Context(), func(tx store.Tx) error { tx.Put("a/1", nil); return nil }); err == nil {
		t.Error("a file opened to read took a change")
	}
}

func TestDamagedFile(t *testing.T) {
	good, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	blank := func(from, to int) []byte {
		b := bytes.Clone(good)
		clear(b[from:to])
		return b
	}
	for name, content := range map[string][]byte{
		"one byte":             {'x'},
		"text":                 []byte("line: Sales\nnumber: 1\n"),
		"one page of text":     bytes.Repeat([]byte("0123456789abcdef"), page/16),
		"many pages of text":   bytes.Repeat([]byte("0123456789abcdef"), page),
		"another database":     append([]byte("SQLite format 3\x00"), make([]byte, 16*page)...),
		"zeros":                make([]byte, 16*page),
		"no heads":             blank(0, 2*page),
		"nothing but heads":    blank(2*page, len(good)),
		"cut to one page":      good[:page],
		"cut to its heads":     good[:2*page],
		"cut to half":          good[:len(good)/2],
		"cut by a page":        good[:len(good)-page],
		"cut by a byte":        good[:len(good)-1],
		"heads of bits turned": flipped(good[:2*page], good[2*page:]),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "calls.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			// In this order: what bbolt panics over as it opens to write stays locked until the process ends.
			_, toRead := bolt.OpenReadOnly(path)
			_, toWrite := bolt.Open(path)
			for _, err := range []error{toRead, toWrite} {
				if err == nil {
					t.Error("it was opened")
				} else if text := err.Error(); !strings.Contains(text, path) || !strings.Contains(text, "damaged") || strings.Contains(text, "\n") {
					t.Errorf("not a clear error: %v", err)
				}
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, content) {
				t.Errorf("the file was changed: %d bytes, were %d, %v", len(after), len(content), err)
			}
		})
	}
}

// flipped turns every bit of the head and joins the rest to it.
func flipped(head, rest []byte) []byte {
	b := bytes.Clone(head)
	for i := range b {
		b[i] = ^b[i]
	}
	return append(b, rest...)
}

// TestOneHead: the newer of the two heads may be torn when power fails; the other one counts then.
func TestOneHead(t *testing.T) {
	good, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for head := range 2 {
		path := filepath.Join(t.TempDir(), "calls.db")
		torn := bytes.Clone(good)
		clear(torn[head*page+100 : (head+1)*page])
		clear(torn[head*page+16 : head*page+64])
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := bolt.Open(path)
		if err != nil {
			t.Fatalf("head %d torn: %v", head, err)
		}
		if err := db.Update(t.Context(), func(tx store.Tx) error { tx.Put("a/1", nil); return nil }); err != nil {
			t.Error(err)
		}
		_ = db.Close()
	}
}

func TestNewerSchema(t *testing.T) {
	db, reopen := opener(t)
	err := db.Update(t.Context(), func(tx store.Tx) error {
		tx.Put("meta/schema", []byte("2"))
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	db = reopen()
	_, err = store.Open(t.Context(), db, store.Team{}, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler))
	if !errors.Is(err, store.ErrNewer) {
		t.Errorf("a newer schema: %v", err)
	}
	if err := db.Update(context.Background(), func(store.Tx) error { return nil }); err != nil {
		t.Errorf("the backend was taken although Open failed: %v", err)
	}
}

// What a process says of itself is gone when it closes the file, and of one that died when the next opens it; whoever only
// reads sees it until then.
func TestProcessKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Register(t.Context(), "one", []byte("1")); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "left.db") // the file as a kill would leave it
	out, err := os.Create(left)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.WriteTo(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := processes(t, bolt.OpenReadOnly, path); n != 0 {
		t.Errorf("%d processes stand in a file that was closed", n)
	}
	if n := processes(t, bolt.OpenReadOnly, left); n != 1 {
		t.Errorf("whoever only reads sees %d processes", n)
	}
	if n := processes(t, bolt.Open, left); n != 0 {
		t.Errorf("the next process sees %d", n)
	}
}

func processes(t *testing.T, open func(string) (*bolt.DB, error), path string) (n int) {
	t.Helper()
	db, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(t.Context(), func(r store.Reader) error {
		return r.Scan("process/", "", func(string, []byte) bool { n++; return true })
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}
