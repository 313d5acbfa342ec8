package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"

	"pullphone/store"
)

func seesOwn(b *rig) {
	b.put("a/1", "old", "a/2", "old")
	b.update(func(tx store.Tx) error {
		tx.Put("a/1", []byte("new"))
		tx.Put("a/3", []byte("new"))
		tx.Delete("a/2")
		tx.Delete("a/absent")
		tx.Delete("kind-of-its-own/absent")
		err := errors.Join(want(tx, "a/1", "new"), want(tx, "a/2", "-"), want(tx, "a/3", "new"), want(tx, "a/absent", "-"),
			want(tx, "b/1", "-"))
		tx.Delete("a/3")
		tx.Put("a/2", []byte("again"))
		return errors.Join(err, want(tx, "a/3", "-"), want(tx, "a/2", "again"))
	})
	if got := b.scan("a/", "", 0); !slices.Equal(got, []string{"a/1=new", "a/2=again"}) {
		b.Errorf("committed: %q", got)
	}
	b.update(func(tx store.Tx) error {
		return errors.Join(want(tx, "a/1", "new"), want(tx, "a/2", "again"), want(tx, "a/3", "-"))
	})
}

func seesCommitted(b *rig) {
	b.put("a/1", "old")
	inside, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	done := make(chan error, 1)
	go func() {
		done <- b.Update(b.ctx, func(tx store.Tx) error {
			tx.Put("a/1", []byte("new"))
			tx.Put("a/2", []byte("new"))
			once.Do(func() { close(inside) })
			<-release
			return nil
		})
	}()
	await(b, b.ctx, "the change begins", inside)
	before := b.get("a/1") + b.get("a/2")
	close(release)
	b.check(await(b, b.ctx, "the change ends", done))
	if before != "old-" {
		b.Errorf("before the commit others saw %q", before)
	}
	if got := b.get("a/1") + b.get("a/2"); got != "newnew" {
		b.Errorf("after the commit others see %q", got)
	}
}

func notAliased(b *rig) {
	mine := []byte("first")
	b.update(func(tx store.Tx) error {
		tx.Put("a/1", mine)
		return nil
	})
	b.update(func(tx store.Tx) error {
		old, err := tx.Get("a/1")
		if err != nil {
			return err
		}
		tx.Put("a/copy", old)
		tx.Put("a/1", []byte("other"))
		if string(old) != "first" {
			err = fmt.Errorf("a value that was read became %q by a Put", old)
		}
		tx.Delete("a/1")
		if string(old) != "first" {
			err = fmt.Errorf("a value that was read became %q by a Delete", old)
		}
		return err
	})
	if string(mine) != "first" {
		b.Errorf("the slice that was put became %q", mine)
	}
	if got := b.get("a/1") + b.get("a/copy"); got != "-first" {
		b.Errorf("got %q", got)
	}
}

func emptyValues(b *rig) {
	b.update(func(tx store.Tx) error {
		tx.Put("a/nil", nil)
		tx.Put("a/none", []byte{})
		return errors.Join(want(tx, "a/nil", ""), want(tx, "a/none", ""))
	})
	b.update(func(tx store.Tx) error {
		return errors.Join(want(tx, "a/nil", ""), want(tx, "a/none", ""))
	})
	if got := b.scan("a/", "", 0); !slices.Equal(got, []string{"a/nil=", "a/none="}) {
		b.Errorf("scanned %q", got)
	}
	b.update(func(tx store.Tx) error {
		tx.Delete("a/nil")
		return nil
	})
	if got := b.get("a/nil") + b.get("a/none"); got != "-" {
		b.Errorf("after the delete: %q", got)
	}
}

// crowd runs n changes at once, so that a backend that shares commits shares some. It returns what each came to; a
// panic's value is returned as an error.
func (b *rig) crowd(n int, fn func(i int, tx store.Tx) error) []error {
	out := make([]error, n)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					out[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			<-start
			out[i] = b.Update(b.ctx, func(tx store.Tx) error { return fn(i, tx) })
		})
	}
	close(start)
	all.Wait()
	return out
}

func failing(b *rig) {
	b.spoiled(func(int) error { return errMine }, func(err error) bool { return errors.Is(err, errMine) })
}

func panicking(b *rig) {
	b.spoiled(func(i int) error { panic(i) }, func(err error) bool { return err != nil && err.Error() != "" })
	defer func() {
		if p := recover(); p != "mine" {
			b.Errorf("the panic's value came as %v", p)
		}
		b.put("a/after", "1")
	}()
	_ = b.Update(b.ctx, func(store.Tx) error { panic("mine") })
	b.Error("a panic did not reach its caller")
}

// spoiled runs changes of which every third comes to a bad end, after it has written.
func (b *rig) spoiled(end func(int) error, asExpected func(error) bool) {
	const n = 60
	for round := range 5 {
		b.put("a/victim", "here")
		errs := b.crowd(n, func(i int, tx store.Tx) error {
			key := "a/" + strconv.Itoa(round*n+i)
			tx.Put(key, []byte("x"))
			if i%3 != 0 {
				return want(tx, "a/victim", "here")
			}
			tx.Delete("a/victim")
			tx.Put("spoiled/"+key, nil)
			return end(i)
		})
		for i, err := range errs {
			got, bad := b.get("a/"+strconv.Itoa(round*n+i)), i%3 == 0
			switch {
			case bad && (!asExpected(err) || got != "-"):
				b.Fatalf("a change that failed came to %v and left %q", err, got)
			case !bad && (err != nil || got != "x"):
				b.Fatalf("a change beside failing ones came to %v and left %q", err, got)
			}
		}
	}
	if got := b.scan("spoiled/", "", 0); got != nil {
		b.Errorf("failed changes left %q", got)
	}
}

func incrementing(b *rig) {
	const writers, each = 100, 5
	for range each {
		for _, err := range b.crowd(writers, func(_ int, tx store.Tx) error {
			v, err := tx.Get("n/count")
			n, _ := strconv.Atoi(string(v))
			tx.Put("n/count", []byte(strconv.Itoa(n+1)))
			return err
		}) {
			b.check(err)
		}
	}
	if got := b.get("n/count"); got != strconv.Itoa(writers*each) {
		b.Errorf("%d increments gave %s", writers*each, got)
	}
}

// transferring moves amounts between accounts while somebody adds them up.
func transferring(b *rig) {
	const accounts, amount = 8, 100
	b.update(func(tx store.Tx) error {
		for i := range accounts {
			tx.Put("acc/"+strconv.Itoa(i), []byte(strconv.Itoa(amount)))
		}
		return nil
	})
	stop, sums := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			sum := 0
			err := b.View(b.ctx, func(r store.Reader) error {
				sum = 0
				return r.Scan("acc/", "", func(_ string, v []byte) bool {
					n, _ := strconv.Atoi(string(v))
					sum += n
					return true
				})
			})
			if err == nil && sum != accounts*amount {
				err = fmt.Errorf("the sum is %d", sum)
			}
			select {
			case <-stop:
				sums <- err
				return
			default:
			}
			if err != nil {
				sums <- err
				return
			}
		}
	}()
	for range 5 {
		for _, err := range b.crowd(40, func(_ int, tx store.Tx) error {
			from, to := "acc/"+strconv.Itoa(rand.IntN(accounts)), "acc/"+strconv.Itoa(rand.IntN(accounts))
			for key, by := range map[string]int{from: -1, to: +1} {
				if from == to {
					break
				}
				v, err := tx.Get(key)
				if err != nil {
					return err
				}
				n, _ := strconv.Atoi(string(v))
				tx.Put(key, []byte(strconv.Itoa(n+by)))
			}
			return nil
		}) {
			b.check(err)
		}
	}
	close(stop)
	b.check(await(b, b.ctx, "the last sum", sums))
}
