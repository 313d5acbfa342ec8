package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/store/etcd"
	"pullphone/store/etcd/etcdtest"
)

const line = "+12085550100"

var team = store.Team{Lines: []store.Line{{Name: "Sales", Number: line, Channel: "C000SALES", People: []string{"Ann", "Bob", "Cy"},
	MaxWait: 2 * time.Minute, RingTimeout: 20 * time.Second, Accept: true}},
	People: []store.Person{{Name: "Ann", Phone: "+12085550101"}, {Name: "Bob", Phone: "+12085550102"}, {Name: "Cy", Phone: "+12085550103"}}}

// endedBefore is how many ended calls a store holds before a benchmark begins.
var endedBefore = []int{0, 100_000}

// many is a team of many lines like the one.
func many() store.Team {
	t := team
	for i := range 200 {
		l := team.Lines[0]
		l.Number += fmt.Sprint(i)
		t.Lines = append(t.Lines, l)
	}
	return t
}

// atEnd is what is done after all tests.
var atEnd []func()

func TestMain(m *testing.M) {
	code := m.Run()
	for _, do := range atEnd {
		do()
	}
	os.Exit(code)
}

// folder is one that goes after all tests.
func folder() (string, error) {
	dir, err := os.MkdirTemp("", "pullphone-bench")
	atEnd = append(atEnd, func() { os.RemoveAll(dir) })
	return dir, err
}

// fullFile builds a file with that many ended calls, once per process.
var fullFile = sync.OnceValues(func() (string, error) {
	dir, err := folder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "calls.db")
	db, err := bolt.Open(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(fill(db, 100_000, 10_000), db.Close())
})

// inFile opens a file that holds that many ended calls.
func inFile(b *testing.B, calls int) store.Backend {
	b.Helper()
	path := filepath.Join(b.TempDir(), "calls.db")
	if calls > 0 {
		from, err := fullFile()
		if err != nil {
			b.Fatal(err)
		}
		content, err := os.ReadFile(from)
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	db, err := bolt.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// nodes are three of etcd that flush what they write, as they should where it matters.
var nodes = sync.OnceValues(func() (etcd.Config, error) {
	dir, err := folder()
	if err != nil {
		return etcd.Config{}, err
	}
	c, err := etcdtest.Start(context.Background(), etcdtest.Options{Dir: dir, Sync: true})
	if err != nil {
		return etcd.Config{}, err
	}
	atEnd = append(atEnd, func() { _ = c.Close() }) // they end with this process in any case
	config := etcd.Config{Log: slog.New(slog.DiscardHandler)}
	for _, e := range c.Endpoints() {
		config.Endpoints = append(config.Endpoints, strings.TrimPrefix(e, "http://"))
	}
	return config, nil
})

// fullEtcd writes that many ended calls there, once per process.
var fullEtcd = sync.OnceValues(func() (etcd.Config, error) {
	c, err := nodes()
	if err != nil {
		return c, err
	}
	c.Prefix = "full"
	db, err := etcd.Open(context.Background(), c)
	if err != nil {
		return c, err
	}
	return c, errors.Join(fill(db, 100_000, 50), db.Close())
})

// inEtcd opens a store in etcd that holds that many ended calls, and takes away what else is there by then.
func inEtcd(b *testing.B, calls int) store.Backend {
	b.Helper()
	open := nodes
	if calls > 0 {
		open = fullEtcd
	}
	c, err := open()
	if err != nil {
		b.Fatal(err)
	}
	if calls == 0 {
		c.Prefix = "empty"
	}
	db, err := etcd.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	var more []string
	err = db.View(b.Context(), func(r store.Reader) error {
		more = nil
		return r.Scan("", "", func(key string, _ []byte) bool {
			if !strings.HasPrefix(key, "done/") && !strings.HasPrefix(key, "sid/CA") {
				more = append(more, key)
			}
			return true
		})
	})
	var g errgroup.Group
	g.SetLimit(16)
	for keys := range slices.Chunk(more, 100) {
		g.Go(func() error {
			return db.Update(b.Context(), func(tx store.Tx) error {
				for _, key := range keys {
					tx.Delete(key)
				}
				return nil
			})
		})
	}
	if err := errors.Join(err, g.Wait()); err != nil {
		b.Fatal(err)
	}
	return db
}

// backends are measured side by side.
var backends = []struct {
	name string
	open func(b *testing.B, calls int) store.Backend
}{{"bolt", inFile}, {"etcd", inEtcd}}

// fill writes ended calls, each under its own keys and all with one record, so many in one change.
func fill(db store.Backend, n, each int) error {
	end := time.Now().UTC()
	record, err := json.Marshal(store.Call{ID: store.NewCallID(end), SID: fmt.Sprintf("CA%032x", 1), Line: line, From: "+12085559999",
		City: "Boise, ID", State: store.Ended, Attempt: 1, Rev: 4, Fetched: 1, Arrived: end, Accepted: end, Stopped: end,
		Outcome: store.Talked, Seconds: 61, Claim: &store.Claim{Word: store.Take, Person: "Ann", Via: store.BySMS, Attempt: 1, At: end}})
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(16)
	for from := 0; from < n; from += each {
		g.Go(func() error {
			return db.Update(context.Background(), func(tx store.Tx) error {
				for i := from; i < min(n, from+each); i++ {
					id := store.NewCallID(end.Add(time.Duration(i-n) * time.Second))
					tx.Put("done/"+string(id), record)
					tx.Put(fmt.Sprintf("sid/CA%032x", i*7919), []byte(id))
				}
				return nil
			})
		})
	}
	return g.Wait()
}

// opened opens a store over a backend.
func opened(b *testing.B, db store.Backend) *store.Store {
	b.Helper()
	s, err := store.Open(b.Context(), db, many(), clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// times collects how long single operations took.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(began time.Time) {
	took := time.Since(began)
	t.mu.Lock()
	t.all = append(t.all, took)
	t.mu.Unlock()
}

func (t *times) report(b *testing.B) {
	slices.Sort(t.all)
	for name, part := range map[string]int{"p50-µs": 50, "p99-µs": 99} {
		b.ReportMetric(float64(t.all[(len(t.all)-1)*part/100].Microseconds()), name)
	}
}

// measure runs an operation on an empty and on a full store, alone and 64 at once. before prepares n operations.
func measure(b *testing.B, before func(b *testing.B, s *store.Store, n int), op func(s *store.Store, i int) error) {
	for _, backend := range backends {
		for _, calls := range endedBefore {
			name := fmt.Sprintf("%s/ended=%d", backend.name, calls)
			b.Run(name+"/alone", func(b *testing.B) {
				s, ts := opened(b, backend.open(b, calls)), times{}
				before(b, s, b.N)
				b.ResetTimer()
				for i := range b.N {
					began := time.Now()
					if err := op(s, i); err != nil {
						b.Fatal(err)
					}
					ts.add(began)
				}
				b.StopTimer()
				ts.report(b)
			})
			b.Run(name+"/64", func(b *testing.B) {
				s, ts := opened(b, backend.open(b, calls)), times{}
				before(b, s, b.N)
				var next atomic.Int64
				work := make(chan struct{}, b.N)
				for range b.N {
					work <- struct{}{}
				}
				close(work)
				b.ResetTimer()
				var all sync.WaitGroup
				for range 64 {
					all.Go(func() {
						for range work {
							began := time.Now()
							if err := op(s, int(next.Add(1)-1)); err != nil {
								b.Error(err)
								return
							}
							ts.add(began)
						}
					})
				}
				all.Wait()
				b.StopTimer()
				ts.report(b)
			})
		}
	}
}

// caller is somebody who calls once: who calls again and again is treated otherwise, and so is who has a call already.
func caller(i int) string { return fmt.Sprintf("+1208%07d", i) }

// BenchmarkArrive is an incoming call: one transaction, committed. Twenty calls are open on a line.
func BenchmarkArrive(b *testing.B) {
	measure(b, func(*testing.B, *store.Store, int) {}, func(s *store.Store, i int) error {
		_, err := s.Arrive(context.Background(), store.Arrival{SID: fmt.Sprintf("CB%032x", i), Line: fmt.Sprint(line, i/20%200), From: caller(i)})
		return err
	})
}

// BenchmarkArriveBusyLine is the same on one line where nobody hangs up: its short codes are one record.
func BenchmarkArriveBusyLine(b *testing.B) {
	measure(b, func(*testing.B, *store.Store, int) {}, func(s *store.Store, i int) error {
		_, err := s.Arrive(context.Background(), store.Arrival{SID: fmt.Sprintf("CB%032x", i), Line: line, From: caller(i)})
		return err
	})
}

// BenchmarkAnswer is the winning answer to a waiting call: one transaction, committed.
func BenchmarkAnswer(b *testing.B) {
	var ids []store.CallID
	measure(b, func(b *testing.B, s *store.Store, n int) {
		ids = make([]store.CallID, n)
		each := make(chan int, n)
		for i := range n {
			each <- i
		}
		close(each)
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for i := range each {
					c, err := s.Arrive(context.Background(), store.Arrival{SID: fmt.Sprintf("CB%032x", i), Line: fmt.Sprint(line, i/20%200), From: caller(i)})
					if err != nil {
						b.Error(err)
					}
					ids[i] = c.ID
				}
			})
		}
		all.Wait()
	}, func(s *store.Store, i int) error {
		v, _, err := s.Answer(context.Background(), store.Answer{ID: fmt.Sprint("SM", i), Call: ids[i], Attempt: 1, Person: fmt.Sprint("P", i), Via: store.BySMS, Word: store.Take})
		if err == nil && v.Result != store.Won {
			err = fmt.Errorf("it came to %q", v.Result)
		}
		return err
	})
}

// BenchmarkOpenMillion opens a store that holds a million ended calls.
func BenchmarkOpenMillion(b *testing.B) {
	path := filepath.Join(b.TempDir(), "calls.db")
	db, err := bolt.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := fill(db, 1_000_000, 10_000); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := openAndClose(path); err != nil {
			b.Fatal(err)
		}
	}
}

func openAndClose(path string) error {
	db, err := bolt.Open(path)
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), db, team, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return s.Close()
}

// TestOpenManyEnded: opening must not read what has ended. BenchmarkOpenMillion has a million; this is less, to be quick.
func TestOpenManyEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fill(db, 30_000, 10_000), db.Close()); err != nil {
		t.Fatal(err)
	}
	best := time.Hour // of several, as others use the machine too
	for range 5 {
		began := time.Now()
		if err := openAndClose(path); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("opened in %s", best)
	if best > 100*time.Millisecond {
		t.Errorf("opening a file of 30,000 ended calls takes %s", best)
	}
}
