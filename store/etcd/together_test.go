package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pullphone/store"
	"pullphone/store/etcd"
	"pullphone/store/storetest"
)

// queued is a DB all of whose changes were overtaken.
type queued struct{ *etcd.DB }

func (q queued) Update(ctx context.Context, fn func(store.Tx) error) error {
	return q.Together(ctx, fn)
}

// Changes that are written together are each what they would be alone.
func TestTogether(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Backend, func() store.Backend) {
		b, again := opener(t)
		return queued{b.(*etcd.DB)}, func() store.Backend { return queued{again().(*etcd.DB)} }
	})
}

// TestTogetherFails: what one of several changes comes to is nothing to the others.
func TestTogetherFails(t *testing.T) {
	t.Parallel()
	db := open(t, config(cluster))
	wrong := errors.New("wrong")
	begun, letGo := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		var once sync.Once
		check(t, db.Together(t.Context(), func(tx store.Tx) error {
			once.Do(func() { close(begun); <-letGo })
			tx.Put("n/all", []byte("0"))
			return nil
		}))
	})
	<-begun // the others wait for each other
	over, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var failed [4]int
	var mu sync.Mutex
	for i := range 40 {
		all.Go(func() {
			kind := i % 4
			ctx := t.Context()
			if kind == 3 {
				ctx = over
			}
			defer func() {
				if p := recover(); p != nil && (kind != 2 || p != "oops") {
					t.Errorf("change %d panics: %v", i, p)
				} else if p != nil {
					mu.Lock()
					failed[2]++
					mu.Unlock()
				}
			}()
			err := db.Together(ctx, func(tx store.Tx) error {
				n, err := tx.Get("n/all")
				if err != nil {
					return err
				}
				count, _ := strconv.Atoi(string(n))
				tx.Put("n/all", []byte(strconv.Itoa(count+1)))
				tx.Put(fmt.Sprint("n/", i), []byte("1"))
				switch kind {
				case 1:
					return wrong
				case 2:
					panic("oops")
				}
				return nil
			})
			if want := map[int]error{1: wrong, 3: context.Canceled}[kind]; !errors.Is(err, want) {
				t.Errorf("change %d: %v, not %v", i, err, want)
			}
			if err != nil {
				mu.Lock()
				failed[kind]++
				mu.Unlock()
			}
		})
	}
	for db.Queued() < 40 {
		time.Sleep(time.Millisecond)
	}
	end()
	for db.Left() < 10 {
		time.Sleep(time.Millisecond)
	}
	close(letGo)
	first.Wait()
	all.Wait()
	if want := [4]int{0, 10, 10, 10}; failed != want {
		t.Errorf("failed: %v, not %v", failed, want)
	}
	if n, err := get(db, "n/all"); err != nil || n != "10" {
		t.Errorf("%s changes were made, not 10; %v", n, err)
	}
	for i := range 40 {
		if n, err := get(db, fmt.Sprint("n/", i)); err != nil || (n == "1") != (i%4 == 0) {
			t.Errorf("change %d: %q, %v", i, n, err)
		}
	}
}

// hold has a change hold the queue until letGo is closed: those after it wait for each other.
func hold(t *testing.T, db *etcd.DB, all *sync.WaitGroup) (letGo chan<- struct{}) {
	begun, held := make(chan struct{}), make(chan struct{})
	all.Go(func() {
		var once sync.Once
		check(t, db.Together(t.Context(), func(tx store.Tx) error {
			once.Do(func() { close(begun); <-held })
			tx.Put("n/first", nil)
			return nil
		}))
	})
	<-begun
	return held
}

// TestSilentSince: etcd answers while a change waits for others, and then no more. That is what the change fails of.
func TestSilentSince(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, cluster)
	c := config(cluster)
	c.Endpoints = n.hosts
	db := open(t, c)
	var all sync.WaitGroup
	letGo := hold(t, db, &all)
	all.Go(func() {
		err := db.Together(t.Context(), func(tx store.Tx) error {
			n.cut()
			tx.Put("n/second", nil)
			return nil
		})
		if !errors.Is(err, etcd.ErrNoQuorum) {
			t.Errorf("it fails of: %v", err)
		}
		n.restore()
	})
	for db.Queued() < 1 {
		time.Sleep(time.Millisecond)
	}
	close(letGo)
	all.Wait()
}

// TestManyFail: of changes that are written together most fail, on more keys than one transaction may compare. The others
// are written.
func TestManyFail(t *testing.T) {
	t.Parallel()
	db := open(t, config(cluster))
	wrong := errors.New("wrong")
	var all sync.WaitGroup
	letGo := hold(t, db, &all)
	const changes, sound = 140, 10
	for i := range changes {
		for i == sound && db.Queued() < sound { // these come first
			time.Sleep(time.Millisecond)
		}
		all.Go(func() {
			var want error
			if i >= sound {
				want = wrong
			}
			err := db.Together(t.Context(), func(tx store.Tx) error {
				if _, err := tx.Get(fmt.Sprint("a/", i)); err != nil {
					return err
				}
				tx.Put(fmt.Sprint("b/", i), []byte("made"))
				return want
			})
			if !errors.Is(err, want) {
				t.Errorf("change %d: %v, not %v", i, err, want)
			}
		})
	}
	for db.Queued() < changes {
		time.Sleep(time.Millisecond)
	}
	close(letGo)
	all.Wait()
	for i := range changes {
		made, err := get(db, fmt.Sprint("b/", i))
		if check(t, err); (made == "made") != (i < sound) {
			t.Errorf("change %d: %q", i, made)
		}
	}
}

// TestCrowd: two processes change one key a hundred times at once each, with some keys of each change's own. It takes a few
// Txns, not one for each.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := config(cluster)
	dbs := []*etcd.DB{open(t, c), open(t, c)}
	const each = 100
	start := make(chan struct{})
	took := make([]time.Duration, 2*each)
	var all sync.WaitGroup
	for i := range 2 * each {
		all.Go(func() {
			<-start
			begun := time.Now()
			err := dbs[i%2].Update(t.Context(), func(tx store.Tx) error {
				n, err := tx.Get("n/all")
				count, _ := strconv.Atoi(string(n))
				for j := range 5 {
					tx.Put(fmt.Sprintf("n/%d/%d", i, j), n)
				}
				tx.Put("n/all", []byte(strconv.Itoa(count+1)))
				return err
			})
			if took[i] = time.Since(begun); err != nil {
				t.Errorf("after %s: %v", took[i], err)
			}
		})
	}
	close(start)
	all.Wait()
	if n, err := get(dbs[0], "n/all"); err != nil || n != fmt.Sprint(2*each) {
		t.Errorf("%s changes were made, not %d; %v", n, 2*each, err)
	}
	slices.Sort(took)
	t.Logf("median %s, longest %s", took[each], took[2*each-1])
}

// TestOtherKeys: a change that was overtaken reads other keys than before, which together are more than one transaction may
// compare.
func TestOtherKeys(t *testing.T) {
	t.Parallel()
	c := config(cluster)
	db, other := open(t, c), open(t, c)
	put(t, db, "a/which", "first")
	runs := 0
	check(t, db.Together(t.Context(), func(tx store.Tx) error {
		which, err := tx.Get("a/which")
		for i := range 100 {
			if err == nil {
				_, err = tx.Get(fmt.Sprintf("a/%s/%d", which, i))
			}
		}
		if runs++; runs == 1 {
			put(t, other, "a/which", "second")
		}
		tx.Put("a/chosen", which)
		return err
	}))
	if got, err := get(other, "a/chosen"); err != nil || got != "second" {
		t.Errorf("%q, %v", got, err)
	}
}
