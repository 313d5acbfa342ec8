package store

import (
	"context"
	"slices"
)

// countedKey stands once what older pullphones did not note has been noted. Nobody serves the store before that: what is
// open does not change meanwhile.
const countedKey = "meta/counted"

// upgrade notes what a store from before does not say yet: how many are on hold on each line, who has which calls, and in
// one record who is off duty.
func (s *Store) upgrade(ctx context.Context) error {
	err := s.sweep(ctx, "duty/", func([]byte) bool { return true }, func(t *txn, key string) error {
		b, err := t.Get(key)
		if err != nil || b == nil {
			return err
		}
		d, err := decode[Duty](b)
		if err != nil {
			return err
		}
		off, err := offOf(t.Get, t.now)
		if err != nil {
			return err
		}
		if !d.over(t.now) {
			off[key[len("duty/"):]] = *d
		}
		t.setOff(off)
		t.Delete(key)
		return nil
	})
	if err != nil {
		return err
	}
	counted := false
	err = s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get(countedKey)
		counted = b != nil
		return err
	})
	if err != nil || counted {
		return err
	}
	open, err := s.OpenCalls(ctx, "")
	if err != nil {
		return err
	}
	waiting, has := map[string]int{}, map[string][]Call{}
	for _, c := range open {
		if c.onHold() {
			waiting[c.Line]++
		}
		if taker := c.taker(); taker != "" {
			has[taker] = append(has[taker], c)
		}
	}
	for some := range slices.Chunk(s.Team.Lines, few) {
		if err := s.note(ctx, len(some), func(t *txn, i int) error {
			c, err := t.crowd(some[i].Number)
			if err == nil && c.Waiting != waiting[some[i].Number] {
				c.Waiting = waiting[some[i].Number]
				t.Put("waits/"+some[i].Number, encode(c))
			}
			return err
		}); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(s.Team.People, few) {
		if err := s.note(ctx, len(some), func(t *txn, i int) error {
			calls := has[some[i].Name]
			slices.SortStableFunc(calls, func(a, b Call) int { return a.Claim.At.Compare(b.Claim.At) })
			ids := make([]CallID, len(calls))
			for i, c := range calls {
				ids[i] = c.ID
			}
			noted, err := t.has(some[i].Name)
			if err == nil && !slices.Equal(ids, noted) {
				err = t.setBusy(some[i].Name, ids)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return s.update(ctx, func(t *txn) error {
		t.Put(countedKey, nil)
		return nil
	})
}

// note changes n things in one transaction, unless another process that opens the store was quicker with all of it.
func (s *Store) note(ctx context.Context, n int, one func(t *txn, i int) error) error {
	return s.update(ctx, func(t *txn) error {
		counted, err := t.Get(countedKey)
		for i := 0; i < n && err == nil && counted == nil; i++ {
			err = one(t, i)
		}
		return err
	})
}
