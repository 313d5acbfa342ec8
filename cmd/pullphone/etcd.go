package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/store/etcd"
)

// inEtcd is a storage: keys in an etcd cluster, which several processes may use.
type inEtcd struct {
	config.Store
	signIn config.Etcd
}

func newEtcd(s config.Store, signIn config.Etcd) storage { return inEtcd{s, signIn} }

func (e inEtcd) open(ctx context.Context, log *slog.Logger) (database, error) {
	db, err := e.connect(ctx, log)
	if err != nil {
		return nil, err
	}
	return openEtcd{db}, nil
}

func (e inEtcd) read(ctx context.Context) (database, error) {
	db, err := e.open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := store.Whole(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (e inEtcd) connect(ctx context.Context, log *slog.Logger) (*etcd.DB, error) {
	secure, err := e.signIn.TLSConfig()
	if err != nil {
		return nil, err
	}
	return etcd.Open(ctx, etcd.Config{
		Endpoints: e.Endpoints, Prefix: e.Prefix, Username: e.signIn.User, Password: e.signIn.Password.Reveal(), TLS: secure, Log: log,
	})
}

func (e inEtcd) check(ctx context.Context, c *checker, keys int, running bool) {
	const what = "store"
	db, err := e.connect(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		c.fail(what, "%s: %v", e, err)
		return
	}
	defer db.Close()
	now, unknown := db.Status(ctx)
	for _, m := range now.Members {
		name := "etcd " + m.Endpoint
		switch {
		case m.Err != nil:
			c.warn(name, "does not answer; start it, the others carry on as long as they are more than half")
		case m.Leaderless:
			c.warn(name, "version %s %s", m.Version, cutOff)
		default:
			c.good(name, "version %s%s, %s", m.Version, map[bool]string{true: ", leads"}[m.Leader], filling(m))
		}
		if m.Err == nil && almostFull(m) {
			c.warn(name, "%s; %s", filling(m), moreRoom)
		}
	}
	if slices.ContainsFunc(now.Members, func(m etcd.Member) bool { return m.Err == nil && m.Quota == 0 }) {
		c.warn(what, "etcd before 3.6 does not say its quota (--quota-backend-bytes, 2 GB unless given): see to it that pullphone_store_bytes stays below four fifths of it")
	}
	for _, a := range now.Alarms {
		c.fail(what, "etcd has raised the alarm %s; %s", a, alarmMends[a])
	}
	err = openEtcd{db}.fits(ctx, keys) // whatever some of the nodes say
	if unknown != nil && err == nil {
		c.warn(what, "whether etcd has raised an alarm is not known: %v; check again", unknown)
	}
	if denied := db.MayCompact(ctx); errors.Is(denied, etcd.ErrDenied) {
		c.warn(what, "%v, or etcd fills up; see the README", denied)
	}
	if err != nil {
		c.fail(what, "%s: %v", e, err)
	} else if !running {
		c.good(what, "%s answers; no server of this machine runs", e)
	}
}

// cutOff is how a node is that no other reaches, with the mend.
const cutOff = "knows of no leader; let the nodes reach each other"

// moreRoom mends a cluster that is almost full.
const moreRoom = "start every node with a larger --quota-backend-bytes, or keep calls for less long (retention)"

var alarmMends = map[string]string{
	"NOSPACE": "it takes no change: " + moreRoom + ", then etcdctl defrag each node and etcdctl alarm disarm",
	"CORRUPT": "a node's data differ from the others': take it out of the cluster and add it anew, empty",
}

// almostFull tells that a node's file has grown to four fifths of what it may be, as far as that is known.
func almostFull(m etcd.Member) bool { return m.Quota > 0 && m.Size > m.Quota/5*4 }

// filling says how large a node's file is.
func filling(m etcd.Member) string {
	of := ""
	if m.Quota > 0 {
		of = fmt.Sprintf(" of %d", m.Quota>>20)
	}
	return fmt.Sprintf("its file has %d%s MB, %d of them in use", m.Size>>20, of, m.InUse>>20)
}

// openEtcd is a database.
type openEtcd struct{ *etcd.DB }

// backup writes the copy to a file of its own first: bbolt does not write from the beginning to the end.
func (e openEtcd) backup(ctx context.Context, w io.Writer) (n int64, err error) {
	dir, err := os.MkdirTemp("", "pullphone-backup-*") // readable by its owner alone
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	file, err := bolt.Open(filepath.Join(dir, "copy.db"))
	if err != nil {
		return 0, err
	}
	_, err = store.Copy(ctx, e, file, func(int) {})
	if err == nil {
		n, err = file.WriteTo(w)
	}
	return n, errors.Join(err, file.Close())
}

func (e openEtcd) alone(ctx context.Context) error {
	all, err := store.Processes(ctx, e)
	if err == nil && len(all) > 0 {
		err = fmt.Errorf("it is in use by %d, the eldest on %s; stop all of them (one that was killed counts for ten seconds more)", len(all), all[0])
	}
	return err
}

func (e openEtcd) upkeep(ctx context.Context) error { return e.KeepSmall(ctx) }

// A change has a key of its own besides, and one that is sent again two more operations.
func (e openEtcd) fits(ctx context.Context, keys int) error { return e.Fits(ctx, keys+3) }

func (e openEtcd) troubles(ctx context.Context) (out []string) {
	now, _ := e.Status(ctx) // what nobody knows of alarms, a beat tells
	for _, m := range now.Members {
		switch {
		case m.Err != nil:
			out = append(out, fmt.Sprintf("etcd %s does not answer", m.Endpoint))
		case m.Leaderless:
			out = append(out, fmt.Sprintf("etcd %s %s", m.Endpoint, cutOff))
		case almostFull(m):
			out = append(out, fmt.Sprintf("etcd %s is almost full: %s; %s", m.Endpoint, filling(m), moreRoom))
		}
	}
	return out
}

// Failed implements database: what etcd holds is always known to itself.
func (openEtcd) Failed() <-chan struct{} { return nil }

// Failure implements database.
func (openEtcd) Failure() error { return nil }
