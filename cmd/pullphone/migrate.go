package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
)

// migrate copies a store that nobody uses to where none is, and leaves it as it was.
func migrate(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	given := [2]*string{fs.String("from", "", ""), fs.String("to", "", "")}
	if _, err := parse(fs, args, 0); err != nil {
		return err
	}
	var stores [2]config.Store
	for i, name := range []string{"--from", "--to"} {
		var err error
		if *given[i] == "" {
			return usagef("migrate needs %s STORE, written as in the config file, like bolt:pullphone.db", name)
		}
		if stores[i], err = config.ParseStore(*given[i]); err != nil {
			return usagef("migrate: %s %v", name, err)
		}
	}
	from, to := stores[0], stores[1]
	if overlap(from, to) {
		return usagef("migrate: --from %s and --to %s are one, or one lies within the other; name another", from, to)
	}
	etcd, err := config.EtcdFromEnv(os.LookupEnv)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	content, err := move(ctx, newStorage(from, etcd), newStorage(to, etcd), progress(os.Stderr))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s has all %d keys of %s now, %d bytes, and the two were compared.\n", to, content.Keys, from, content.Bytes)
	fmt.Fprintf(out, "Write store: %s in the config file and start the server. %s is left as it was; keep it until you are content.\n", to, from)
	return nil
}

// overlap tells whether two stores share keys, as far as their names show.
func overlap(a, b config.Store) bool {
	if a.Path != "" && b.Path != "" {
		atA, errA := os.Stat(a.Path)
		atB, errB := os.Stat(b.Path)
		return filepath.Clean(a.Path) == filepath.Clean(b.Path) || errA == nil && errB == nil && os.SameFile(atA, atB)
	}
	within := strings.HasPrefix(a.Prefix+"/", b.Prefix+"/") || strings.HasPrefix(b.Prefix+"/", a.Prefix+"/")
	return within && slices.ContainsFunc(a.Endpoints, func(e string) bool { return slices.Contains(b.Endpoints, e) })
}

func move(ctx context.Context, from, to storage, wrote func(int)) (content store.Content, err error) {
	src, err := from.read(ctx)
	if err == nil {
		defer src.Close()
		err = errors.Join(src.alone(ctx), store.Whole(ctx, src))
	}
	if err != nil {
		return content, fmt.Errorf("migrate: --from %s: %w", from, err)
	}
	dst, err := to.open(ctx, slog.New(slog.DiscardHandler))
	if err == nil {
		defer func() { err = errors.Join(err, dst.Close()) }()
		err = dst.alone(ctx)
	}
	if err != nil {
		return content, fmt.Errorf("migrate: --to %s: %w", to, err)
	}
	content, err = store.Move(ctx, src, dst, wrote)
	switch {
	case errors.Is(err, store.ErrNotEmpty):
		err = fmt.Errorf("migrate: --to %s: %w; name a place where nothing is", to, err)
	case err != nil:
		err = fmt.Errorf("migrate: %s to %s: %w; what is there by now is no store: when that is mended, migrate again, which begins anew", from, to, err)
	}
	return content, err
}

// progress tells a person who waits for long how far it is.
func progress(w io.Writer) func(keys int) {
	const every = 2 * time.Second
	last := time.Now()
	return func(keys int) {
		if now := time.Now(); now.Sub(last) >= every {
			last = now
			fmt.Fprintf(w, "pullphone: %d keys are written\n", keys)
		}
	}
}
