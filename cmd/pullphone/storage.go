package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
)

// storage is where a store is kept: in a file (file.go) or in etcd (etcd.go). No command knows which.
type storage interface {
	// open opens the store, or makes an empty one. What a person should mend there is logged.
	open(ctx context.Context, log *slog.Logger) (database, error)

	// read opens a store for reading alone; one that is not there is an error.
	read(ctx context.Context) (database, error)

	// check says what works of it, which is less when a server of this machine runs and has said so itself. keys is as for
	// fits.
	check(ctx context.Context, c *checker, keys int, running bool)

	// String is the storage as the config file has it.
	String() string
}

// database is a store's backend with what commands need of it besides.
type database interface {
	store.Backend
	Metrics() []prometheus.Collector

	// backup writes a bbolt file of one picture of the store, and returns how long that is.
	backup(ctx context.Context, w io.Writer) (int64, error)

	// alone returns an error when another process uses the store.
	alone(ctx context.Context) error

	// fits returns an error when a change cannot read and write so many keys.
	fits(ctx context.Context, keys int) error

	// troubles are what a person has to mend, though it keeps no call from being answered.
	troubles(ctx context.Context) []string

	// upkeep does what the storage needs while it is used, until ctx ends.
	upkeep(ctx context.Context) error

	// Failed is closed when what the store holds is not known any more, and this process has to end; Failure then says
	// why.
	Failed() <-chan struct{}
	Failure() error
}

// storageOf is where a config file has its store.
func storageOf(cfg *config.Config) storage { return newStorage(cfg.Store, cfg.Etcd) }

func newStorage(s config.Store, e config.Etcd) storage {
	if s.Path != "" {
		return file(s.Path)
	}
	return newEtcd(s, e)
}
