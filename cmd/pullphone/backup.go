package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
)

// backup copies the store to a file, which gets its name only when it is whole, sound and on the disk.
func backup(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	cfg, rest, err := configured(fs, args, 1)
	if err != nil {
		return err
	}
	if live, err := os.Stat(cfg.Store.Path); err == nil {
		if there, err := os.Stat(rest[0]); err == nil && os.SameFile(live, there) {
			return usagef("backup: %s is the store itself; name another file", rest[0])
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(rest[0]), ".pullphone-backup-*") // readable by its owner alone
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	n, err := copyStore(ctx, cfg, tmp)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = bolt.Check(tmp.Name())
	}
	if err == nil {
		err = os.Rename(tmp.Name(), rest[0])
	}
	if err == nil {
		err = bolt.SyncFolder(rest[0])
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	fmt.Fprintf(out, "%s: %d bytes\n", rest[0], n)
	return nil
}

func copyStore(ctx context.Context, cfg *config.Config, w io.Writer) (int64, error) {
	res, err := askAdmin(ctx, cfg, "/backup")
	if err != nil {
		return 0, err
	}
	if res != nil {
		defer res.Body.Close()
		n, err := io.Copy(w, res.Body)
		if err != nil {
			err = fmt.Errorf("the running server broke off (%w); its log says why", err)
		}
		return n, err
	}
	db, err := storageOf(cfg).read(ctx)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	n, err := db.backup(ctx, w)
	if err == nil {
		_ = store.BackedUp(ctx, db, time.Now()) // a file is open for reading alone; its next server counts from its start
	}
	return n, err
}
