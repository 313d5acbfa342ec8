package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"pullphone/store/bolt"
)

// file is a storage: the path of a bbolt file, which one process uses.
type file string

func (f file) String() string { return "bolt:" + string(f) }

func (f file) open(_ context.Context, log *slog.Logger) (database, error) {
	db, err := bolt.Open(string(f))
	if err != nil {
		return nil, err
	}
	exposed, err := bolt.Exposed(string(f))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	for _, name := range exposed {
		log.Warn("others on this machine can read or change what callers left here; take their rights away with chmod go-rwx", "path", name)
	}
	return openFile{db}, nil
}

func (f file) read(context.Context) (database, error) {
	db, err := bolt.OpenReadOnly(string(f))
	if err != nil {
		return nil, err
	}
	return openFile{db}, nil
}

func (f file) check(_ context.Context, c *checker, _ int, running bool) {
	if running {
		return
	}
	const what = "store"
	switch ok, err := bolt.Usable(string(f)); {
	case err != nil:
		c.fail(what, "%v", err)
	case ok:
		c.good(what, "%s can be opened; no server runs", f)
	default:
		c.good(what, "%s will be made when the server starts", f)
	}
}

// openFile is a database.
type openFile struct{ *bolt.DB }

func (f openFile) backup(_ context.Context, w io.Writer) (int64, error) { return f.WriteTo(w) }

// A file is locked by who has it open.
func (openFile) alone(context.Context) error { return nil }

func (openFile) fits(context.Context, int) error { return nil }

func (openFile) troubles(context.Context) []string { return nil }

func (openFile) upkeep(context.Context) error { return nil }
