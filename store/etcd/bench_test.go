package etcd

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/store/etcd/etcdtest"
)

// endedBefore is how many calls the history has that is read.
const endedBefore = 100_000

// BenchmarkHistory fills a node with calls that have ended, reports the bytes that each takes of its quota, and reads them
// all.
func BenchmarkHistory(b *testing.B) {
	dir, err := os.MkdirTemp("", "pullphone-etcd-bench")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	node, err := etcdtest.Start(ctx, etcdtest.Options{Nodes: 1, Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer node.Close()
	host := strings.TrimPrefix(node.Nodes[0].Endpoint, "http://")
	db, err := Open(ctx, Config{Endpoints: []string{host}, Prefix: "pullphone", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := fill(db, endedBefore); err != nil {
		b.Fatal(err)
	}
	if err := db.Compact(ctx); err != nil {
		b.Fatal(err)
	}
	status, err := db.Status(ctx)
	if err != nil {
		b.Fatal(err)
	}
	history, err := store.OpenHistory(ctx, db, store.Team{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		for _, err := range history.History(ctx, time.Time{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != endedBefore {
			b.Fatalf("%d calls of %d", n, endedBefore)
		}
	}
	b.ReportMetric(float64(status.Members[0].InUse)/endedBefore, "bytes/call")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/endedBefore, "µs/call")
}

// fill writes calls that have ended, one a second, and the keys by which their CallSids are found.
func fill(db *DB, n int) error {
	const each, writers = 50, 4
	began := time.Now().Add(-time.Duration(n) * time.Second)
	errs := make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for from := w * each; from < n && errs[w] == nil; from += writers * each {
				errs[w] = db.Update(context.Background(), func(tx store.Tx) error {
					for i := from; i < from+each; i++ {
						c := ended(began.Add(time.Duration(i) * time.Second))
						record, err := json.Marshal(c)
						if err != nil {
							return err
						}
						tx.Put("done/"+string(c.ID), record)
						tx.Put("sid/"+c.SID, []byte(c.ID))
					}
					return nil
				})
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}
