package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"pullphone/store"
	"pullphone/store/etcd"
	"pullphone/store/etcd/etcdtest"
)

// started is a cluster of the test's own.
func started(t *testing.T, o etcdtest.Options) *etcdtest.Cluster {
	t.Helper()
	o.Dir = t.TempDir()
	c, err := etcdtest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, db store.Backend, key, value string) {
	t.Helper()
	check(t, db.Update(t.Context(), func(tx store.Tx) error { tx.Put(key, []byte(value)); return nil }))
}

func get(db store.Backend, key string) (value string, err error) {
	err = db.View(context.Background(), func(r store.Reader) error {
		b, err := r.Get(key)
		value = string(b)
		return err
	})
	return value, err
}

// increment adds one to a key, whatever else happens.
func increment(db store.Backend, key string) error {
	return db.Update(context.Background(), func(tx store.Tx) error {
		b, err := tx.Get(key)
		n, _ := strconv.Atoi(string(b))
		tx.Put(key, []byte(strconv.Itoa(n+1)))
		return err
	})
}

// burst has n writers increment one key each and one in common, until done. It returns how often each did, and the longest
// that one took.
func burst(t *testing.T, db store.Backend, n int, done <-chan struct{}) (each []int, longest time.Duration) {
	t.Helper()
	each = make([]int, n)
	took := make([]time.Duration, n)
	var all sync.WaitGroup
	for w := range n {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				begun := time.Now()
				if err := increment(db, "n/all"); err != nil {
					t.Errorf("after %s: %v", time.Since(begun), err)
					return
				}
				if err := increment(db, fmt.Sprint("n/", w)); err != nil {
					t.Errorf("after %s: %v", time.Since(begun), err)
					return
				}
				took[w] = max(took[w], time.Since(begun))
				each[w]++
			}
		})
	}
	all.Wait()
	return each, slices.Max(took)
}

// exact checks that each increment was made once.
func exact(t *testing.T, db store.Backend, each []int) {
	t.Helper()
	sum := 0
	for w, n := range each {
		sum += n
		if got, err := get(db, fmt.Sprint("n/", w)); err != nil || got != strconv.Itoa(n) {
			t.Errorf("writer %d made %d increments, %s were made; %v", w, n, got, err)
		}
	}
	if got, err := get(db, "n/all"); err != nil || got != strconv.Itoa(sum) {
		t.Errorf("together they made %d increments, %s were made; %v", sum, got, err)
	}
	t.Logf("%d increments", sum)
}

// TestLostAnswers: connections break before the answer comes. What was asked for is done, and once.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, cluster)
	c := config(cluster)
	c.Endpoints = n.hosts
	db := open(t, c)
	n.lossy.Store(true)
	done := make(chan struct{})
	time.AfterFunc(4*time.Second, func() { close(done) })
	blind := make(chan int64)
	go func() { // writes what it has not read
		for k := int64(0); ; k++ {
			select {
			case blind <- k:
				return
			default:
				if err := db.Update(t.Context(), func(tx store.Tx) error { tx.Put("n/blind", nil); return nil }); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	each, longest := burst(t, db, 8, done)
	written := <-blind
	n.lossy.Store(false)
	exact(t, db, each)
	if got, err := db.Client().Get(t.Context(), c.Prefix+"/n/blind"); err != nil || got.Kvs[0].Version != written {
		t.Errorf("a key was written %d times, should be %d; %v", got.Kvs[0].Version, written, err)
	}
	t.Logf("%d answers came, of which every 40th was lost; the longest took %s", n.heard.Load(), longest)
}

// TestAnswersLostInARow: the first answers to a change are lost, so that it is sent again and again. It is made once,
// whether somebody else changes what it read before it comes, or not.
func TestAnswersLostInARow(t *testing.T) {
	t.Parallel()
	for lost := range 5 {
		for _, first := range []int{0, 1} { // which of what is sent is the first that reaches etcd
			for _, others := range []int{0, 1} {
				c := config(cluster)
				db, other := open(t, c), open(t, c)
				for range 2 { // the second time, the process knows what it reads
					check(t, increment(db, "a/n"))
				}
				kv := &losing{KV: db.Client().KV, meanwhile: sync.OnceFunc(func() {
					for range others {
						check(t, increment(other, "a/n"))
					}
				})}
				db.Client().KV = kv
				kv.lost.Store(int64(lost))
				kv.kept.Store(int64(first))
				check(t, increment(db, "a/n"))
				if got, err := get(other, "a/n"); err != nil || got != strconv.Itoa(3+others) {
					t.Errorf("%d answers lost, the first %d requests too, %d changes by others: %s, %v", lost, first, others, got, err)
				}
			}
		}
	}
}

// TestLeaseEndsUnanswered: the answer to a change is lost, and then the lease ends on which it hangs whether the change was
// made. It is not made twice.
func TestLeaseEndsUnanswered(t *testing.T) {
	t.Parallel()
	c := config(cluster)
	db, other := open(t, c), open(t, c)
	for range 2 {
		check(t, increment(db, "a/n"))
	}
	kv := &losing{KV: db.Client().KV, meanwhile: func() {}, afterwards: func() {
		_, err := other.Client().Revoke(t.Context(), db.Lease())
		check(t, err)
	}}
	kv.lost.Store(1)
	db.Client().KV = kv
	if err := increment(db, "a/n"); err == nil || !strings.Contains(err.Error(), "whether it was is not known") {
		t.Errorf("it comes to: %v", err)
	}
	if got, err := get(other, "a/n"); err != nil || got != "3" {
		t.Errorf("%s, %v", got, err)
	}
	check(t, increment(db, "a/n"))
}

// losing is a way to etcd that loses the next answers, and of those requests some as well. It does something before the first
// that arrives, and after each whose answer is lost.
type losing struct {
	clientv3.KV
	lost, kept atomic.Int64
	meanwhile  func()
	afterwards func() // or nil
}

func (l *losing) Txn(ctx context.Context) clientv3.Txn { return &lostTxn{Txn: l.KV.Txn(ctx), by: l} }

type lostTxn struct {
	clientv3.Txn
	by *losing
}

func (t *lostTxn) If(c ...clientv3.Cmp) clientv3.Txn  { t.Txn = t.Txn.If(c...); return t }
func (t *lostTxn) Then(o ...clientv3.Op) clientv3.Txn { t.Txn = t.Txn.Then(o...); return t }
func (t *lostTxn) Else(o ...clientv3.Op) clientv3.Txn { t.Txn = t.Txn.Else(o...); return t }

func (t *lostTxn) Commit() (*clientv3.TxnResponse, error) {
	lost := t.by.lost.Add(-1) >= 0
	if lost && t.by.kept.Add(-1) >= 0 {
		return nil, status.Error(codes.Unavailable, "the request was lost")
	}
	t.by.meanwhile()
	got, err := t.Txn.Commit()
	if lost {
		if t.by.afterwards != nil {
			t.by.afterwards()
		}
		return nil, status.Error(codes.Unavailable, "the answer was lost")
	}
	return got, err
}

// TestNodes kills, halts and stops the nodes of a cluster that is in use.
func TestNodes(t *testing.T) {
	t.Parallel()
	c := started(t, etcdtest.Options{})
	where := config(c)
	db, other := open(t, where), open(t, where)
	follower := newFollower(t, db)
	leader := func() *etcdtest.Node {
		t.Helper()
		n, err := c.Leader(t.Context())
		check(t, err)
		return n
	}
	during := func(trouble func()) {
		t.Helper()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 20 { // so that the burst is under way
				_ = increment(other, "n/before")
			}
			trouble()
			for range 20 {
				_ = increment(other, "n/after")
			}
		}()
		each, longest := burst(t, db, 8, done)
		exact(t, db, each)
		t.Logf("the longest increments of two keys took %s", longest)
		if longest > 10*time.Second {
			t.Errorf("increments of two keys took %s", longest)
		}
		check(t, db.Update(t.Context(), func(tx store.Tx) error {
			for w := range each {
				tx.Delete(fmt.Sprint("n/", w))
			}
			tx.Delete("n/all")
			return nil
		}))
	}
	for i := range 3 {
		n := leader()
		during(func() { check(t, n.Kill()) })
		follower.mustSee(other, fmt.Sprint("killed", i))
		check(t, n.Start())
	}
	n := leader()
	during(func() { check(t, n.Pause()) })
	follower.mustSee(other, "halted")
	check(t, n.Resume())

	n = leader()
	during(func() { check(t, n.Stop()) })
	follower.mustSee(other, "stopped")
	check(t, n.Start())

	// Two of three.
	first := leader()
	check(t, first.Kill())
	second := leader()
	check(t, second.Kill())
	for what, op := range map[string]func() error{
		"a change": func() error { return increment(db, "n/none") },
		"a read":   func() error { _, err := get(db, "n/none"); return err },
	} {
		begun := time.Now()
		err := op()
		took := time.Since(begun)
		t.Logf("%s after %s: %v", what, took.Round(time.Millisecond), err)
		if !errors.Is(err, etcd.ErrNoQuorum) || took > 5500*time.Millisecond {
			t.Errorf("%s with one node of three came after %s to %v", what, took, err)
		} else if text := err.Error(); !strings.Contains(text, host(first)+" cannot be reached (connect: connection refused)") || !strings.Contains(text, "has no leader") || strings.Contains(text, "\n") {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := db.View(ctx, func(r store.Reader) error { _, err := r.Get("n/none"); return err }); !errors.Is(err, etcd.ErrNoQuorum) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read with little time: %v", err)
	}
	status, err := db.Status(t.Context())
	down := 0
	for _, m := range status.Members {
		if m.Err != nil {
			down++
		} else if !m.Leaderless {
			t.Errorf("a lone node knows a leader: %+v", m)
		}
	}
	if err == nil || down != 2 {
		t.Errorf("the status is %+v, %v", status, err)
	}
	check(t, first.Start())
	begun := time.Now()
	for err = increment(db, "n/back"); err != nil; err = increment(db, "n/back") {
		if time.Since(begun) > 20*time.Second {
			t.Fatal(err)
		}
	}
	t.Logf("back %s after a second node was started", time.Since(begun).Round(time.Millisecond))
	follower.mustSee(other, "back")
}

func host(n *etcdtest.Node) string { return strings.TrimPrefix(n.Endpoint, "http://") }

// follower reads what is there whenever it gets a hint, and never else.
type follower struct {
	*testing.T
	mu   sync.Mutex
	cond *sync.Cond
	seen map[string]bool
}

func newFollower(t *testing.T, db store.Backend) *follower {
	f := &follower{T: t, seen: map[string]bool{}}
	f.cond = sync.NewCond(&f.mu)
	changed, cancel := db.Watch("seen/")
	ctx := t.Context()
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
			for { // who reads tries again after an error
				err := db.View(ctx, func(r store.Reader) error {
					return r.Scan("seen/", "", func(key string, _ []byte) bool {
						f.mu.Lock()
						defer f.mu.Unlock()
						f.seen[key] = true
						return true
					})
				})
				if err == nil || ctx.Err() != nil {
					break
				}
			}
			f.cond.Broadcast()
		}
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	return f
}

// mustSee writes by another process, and waits until the follower has seen it.
func (f *follower) mustSee(other store.Backend, what string) time.Duration {
	f.Helper()
	put(f.T, other, "seen/"+what, "")
	return f.sees(what)
}

// sees waits until the follower has seen what was written.
func (f *follower) sees(what string) time.Duration {
	f.Helper()
	begun := time.Now()
	defer time.AfterFunc(15*time.Second, f.cond.Broadcast).Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.seen["seen/"+what] {
		if f.cond.Wait(); time.Since(begun) > 15*time.Second && !f.seen["seen/"+what] {
			f.Fatalf("%s: no hint came", what)
		}
	}
	f.Logf("%s: seen after %s", what, time.Since(begun).Round(time.Millisecond))
	return time.Since(begun)
}

// TestSilentNode: the watch of a process that does nothing else hangs on a node that falls silent, whichever that is.
func TestSilentNode(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, cluster)
	c := config(cluster)
	other := open(t, c)
	c.Endpoints = n.hosts
	follower := newFollower(t, open(t, c))
	t.Cleanup(n.restore)
	for i := range n.gates {
		for j, gate := range n.gates {
			gate.shut(j != i)
		}
		if took := follower.mustSee(other, fmt.Sprint("by node ", i, " alone")); took > 7*time.Second {
			t.Errorf("the silence of other nodes was noticed after %s", took)
		}
	}
}

// TestPartition: a process that reaches no node is taken for dead. When it reaches them again it misses nothing, though
// what happened meanwhile was compacted, and stands as before.
func TestPartition(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, cluster)
	c := config(cluster)
	other := open(t, c)
	c.Endpoints = n.hosts
	db := open(t, c)
	check(t, db.Register(t.Context(), "one", []byte("1")))
	follower := newFollower(t, db)
	follower.mustSee(other, "before")

	processes, cancel := other.Watch("process/")
	defer cancel()
	stands := func(want bool) {
		t.Helper()
		begun := time.Now()
		for {
			got, err := get(other, "process/one")
			check(t, err)
			if (got == "1") == want {
				t.Logf("after %s: %t", time.Since(begun).Round(time.Millisecond), want)
				return
			}
			select {
			case <-processes:
			case <-time.After(15 * time.Second):
				t.Fatalf("its key stands: %t", !want)
			}
		}
	}
	n.cut()
	stands(false)
	put(t, other, "seen/meanwhile", "")
	put(t, other, "a/1", "after that")
	at, err := other.Shrink(t.Context(), 0)
	check(t, err)
	_, err = other.Shrink(t.Context(), at)
	check(t, err)
	n.restore()
	follower.sees("meanwhile")
	stands(true)
	follower.mustSee(other, "after")
}

// TestKilledProcess: what a process has registered is gone within ten seconds of its death.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	c := config(cluster)
	db := open(t, c)
	changed, cancel := db.Watch("process/")
	defer cancel()
	victim := exec.CommandContext(t.Context(), os.Args[0])
	victim.Env = append(os.Environ(), registerIn+"="+strings.Join(append(c.Endpoints, c.Prefix), " "))
	victim.Stderr = t.Output()
	check(t, victim.Start())
	stands := func() bool {
		v, err := get(db, "process/victim")
		check(t, err)
		return v == "1"
	}
	wait := func(want bool) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for stands() != want {
			select {
			case <-changed:
			case <-limit:
				t.Fatalf("its key stands: %t", !want)
			}
		}
	}
	wait(true)
	check(t, victim.Process.Kill())
	begun := time.Now()
	_ = victim.Wait()
	wait(false)
	took := time.Since(begun)
	t.Logf("gone after %s", took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("a killed process stood for %s", took)
	}
}

// registerIn has the test binary be a process that registers in the cluster given by it, and does nothing more.
const registerIn = "PULLPHONE_REGISTER_IN"

func register(cluster string) error {
	ctx := context.Background()
	where := strings.Fields(cluster)
	db, err := etcd.Open(ctx, etcd.Config{Endpoints: where[:len(where)-1], Prefix: where[len(where)-1], Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := db.Register(ctx, "victim", []byte("1")); err != nil {
		return err
	}
	time.Sleep(time.Minute) // it is killed long before
	return nil
}
