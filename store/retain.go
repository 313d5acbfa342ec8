package store

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	retainEvery = time.Hour
	pruneEvery  = 24 * time.Hour

	// lastly is how long after the retention a call leaves though something is due for it: it will never be done.
	lastly = 7 * 24 * time.Hour

	// soon is how long until it is looked again for what could not be dropped yet.
	soon = 5 * time.Second

	// answersKept is longer than any answer is delivered again.
	answersKept = 7 * 24 * time.Hour

	// settled is how long after its end a call is left alone at Twilio: it deletes nothing before all its systems are
	// done with it, at least a minute (twilio.com/docs/api/errors/20009), and nothing of the call is on its way by then.
	settled = 5 * time.Minute

	// atOnce is how many calls are dropped by what one picture shows.
	atOnce = 100

	// most is how many keys one transaction drops: those who wait for it hardly notice, and etcd bounds them.
	most = 60

	// mostErasing is how many calls' deletion at Twilio may be due before no more calls are dropped: all of them are
	// looked through when one is done.
	mostErasing = 500
)

// Retain drops, until ctx ends, what was kept for long enough: calls that ended and are older than the team's
// retention, and answers that nobody repeats any more; and the calls of forgotten callers, as soon as they have ended.
// Nothing is dropped while something else is due for it, unless that has not been done for far too long. The eldest process
// does that for all.
func (s *Store) Retain(ctx context.Context) error {
	changed, cancel := s.backend.Watch("gone/")
	defer cancel()
	older, cancelOlder := s.backend.Watch(processes)
	defer cancelOlder()
	var pruned, again time.Time
	var wait time.Duration // until again, after a wipe that failed: it is a large thing to try
	for {
		if eldest, err := s.Eldest(ctx); err == nil && !eldest {
			if !s.pause(ctx, retainEvery, older, nil) {
				return nil
			}
			continue
		}
		next, err := s.retain(ctx)
		if now := s.now(); err == nil && now.Sub(pruned) >= pruneEvery {
			if err = s.prune(ctx); err == nil {
				pruned = now
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			s.Log.Error("retention", "err", err)
			next = time.Minute
		}
		if now := s.now(); !now.Before(again) {
			if others, err := s.wipeLeft(ctx); ctx.Err() != nil {
				return nil
			} else if others { // who may die over it
				next = min(next, soon)
			} else if err != nil {
				wait = min(max(2*wait, time.Minute), time.Hour)
				again = now.Add(wait)
				s.Log.Error("what was deleted may still be read from the disk", "err", err, "again", again)
			} else {
				wait = 0
			}
		}
		if left := again.Sub(s.now()); left > 0 {
			next = min(next, left)
		}
		if !s.pause(ctx, next, changed, nil) {
			return nil
		}
	}
}

// retain drops calls and returns how long it is until more may be.
func (s *Store) retain(ctx context.Context) (time.Duration, error) {
	next := retainEvery
	waits, err := s.dropForgotten(ctx)
	if err = errors.Join(err, s.pruneQuotas(ctx)); err != nil {
		return 0, err
	}
	if waits {
		next = soon
	}
	if s.Team.Retention <= 0 {
		return next, nil
	}
	before := "done/" + string(firstAt(s.now().Add(-s.Team.Retention)))
	for from := "done/"; from != ""; {
		var full bool
		if from, full, err = s.dropOld(ctx, from, before); err != nil {
			return 0, err
		}
		if full {
			return min(next, time.Minute), nil
		}
	}
	return next, nil
}

// kept is a call as it stands in the store.
type kept struct {
	id    CallID
	value []byte
}

// dropOld drops some of the calls whose keys are between from and before, and returns where to go on. It reports full
// when Twilio has to catch up first.
func (s *Store) dropOld(ctx context.Context, from, before string) (next string, full bool, err error) {
	var old []kept
	hopeless := firstAt(s.now().Add(-s.Team.Retention - lastly))
	err = s.backend.View(ctx, func(r Reader) error {
		old, next, full = old[:0], "", false
		busy, erasing, err := owed(r)
		if err != nil {
			return err
		}
		if full = erasing >= mostErasing; full {
			return nil
		}
		n := 0
		return r.Scan("done/", from, func(key string, b []byte) bool {
			if key >= before {
				return false
			}
			if n++; n > slice || len(old) == atOnce {
				next = key
				return false
			}
			if id := CallID(key[len("done/"):]); !busy[id] || id < hopeless {
				old = append(old, kept{id, bytes.Clone(b)})
			}
			return true
		})
	})
	if err == nil {
		err = s.drop(ctx, old)
	}
	return next, full, err
}

// owed tells for which calls something is due here, deletions apart, and how many calls' deletion is due at Twilio.
func owed(r Reader) (busy map[CallID]bool, erasing int, err error) {
	busy = map[CallID]bool{}
	err = r.Scan("due/", "", func(key string, _ []byte) bool {
		kind, rest, _ := strings.Cut(key[len("due/"):], "/")
		id, _, _ := strings.Cut(rest, "/")
		switch Kind(kind) {
		case Erase:
			erasing++
		case Unpost:
		default:
			busy[CallID(id)] = true
		}
		return true
	})
	return busy, erasing, err
}

// drop deletes calls that ended, unless they have changed meanwhile: then something may be due for them again. What
// Twilio and Slack keep of them is due to be deleted.
func (s *Store) drop(ctx context.Context, calls []kept) error {
	for len(calls) > 0 {
		n := 0
		err := s.update(ctx, func(t *txn) (err error) {
			n, err = t.drop(calls)
			return err
		})
		if err != nil {
			return err
		}
		calls = calls[n:]
	}
	return nil
}

// drop does that with the first of them, and returns how many.
func (t *txn) drop(calls []kept) (n int, err error) {
	keys := 0
	for _, k := range calls {
		b, err := t.Get("done/" + string(k.id))
		if err != nil {
			return n, err
		}
		if !bytes.Equal(b, k.value) {
			n++
			continue
		}
		c, err := decode[Call](b)
		if err != nil {
			return n, err
		}
		if keys += 3 + len(c.Voice) + len(c.messages()); keys > most && n > 0 {
			break
		}
		n++
		t.Delete(c.key())
		t.Delete("gone/" + string(c.ID))
		if !c.Forgotten { // of a forgotten one it has been due since
			t.erase(c)
			continue
		}
		for _, m := range c.messages() {
			t.due(Deed{Kind: Unpost, Call: c.ID, Line: c.Line, Whom: m.Channel + "/" + m.TS})
		}
	}
	return n, nil
}

// erase makes it due to delete what Twilio keeps of a call: the recordings that are known at once, the rest when Twilio
// is done with the call.
func (t *txn) erase(c *Call) {
	for _, v := range c.Voice {
		t.due(Deed{Kind: Erase, Call: c.ID, Line: c.Line, Whom: v.SID})
	}
	d := Deed{Kind: Erase, Call: c.ID, Line: c.Line, Whom: c.SID}
	if at := c.Stopped.Add(settled); at.After(t.now) {
		d.Due = at
	}
	t.due(d)
}

// Erased records that Twilio keeps nothing of a call any more. Until then its CallSid stays known, so that nothing that
// Twilio still tells of it is taken for a new call.
func (s *Store) Erased(ctx context.Context, sid string) error {
	return s.update(ctx, func(t *txn) error {
		t.Delete("sid/" + sid)
		return nil
	})
}

// prune drops answers that are past being repeated, times off duty that are over, and short codes that rest no longer.
func (s *Store) prune(ctx context.Context) error {
	err := s.sweep(ctx, "seen/", func(b []byte) bool {
		g, err := decode[Given](b)
		return err == nil && s.now().Sub(g.At) >= answersKept
	}, func(t *txn, key string) error {
		t.Delete(key)
		return nil
	})
	err = errors.Join(err, s.update(ctx, func(t *txn) error {
		off, err := offOf(t.Get, t.now)
		if err == nil {
			t.setOff(off)
		}
		return err
	}))
	all := func([]byte) bool { return true }
	return errors.Join(err, s.sweep(ctx, "line/", all, func(t *txn, key string) error {
		cs, err := codesOf(t.Get, key[len("line/"):])
		if err == nil {
			maps.DeleteFunc(cs, func(_ int, g codeUse) bool { return !g.Freed.IsZero() && t.now.Sub(g.Freed) >= codeRest })
			t.Put(key, encode(cs))
		}
		return err
	}))
}

// sweep does something to those of a prefix's keys whose values are picked, a few in one transaction. Each has to read
// its key again.
func (s *Store) sweep(ctx context.Context, prefix string, pick func(value []byte) bool, do func(t *txn, key string) error) error {
	for from := prefix; from != ""; {
		var keys []string
		next := ""
		err := s.backend.View(ctx, func(r Reader) error {
			keys, next = keys[:0], ""
			n := 0
			return r.Scan(prefix, from, func(key string, b []byte) bool {
				if n++; n > slice {
					next = key
					return false
				}
				if pick(b) {
					keys = append(keys, key)
				}
				return true
			})
		})
		if err != nil {
			return err
		}
		for some := range slices.Chunk(keys, few/2) { // one of a call changes several
			err := s.update(ctx, func(t *txn) error {
				for _, key := range some {
					if err := do(t, key); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		from = next
	}
	return nil
}

// pruneQuotas drops those that count nothing any more.
func (s *Store) pruneQuotas(ctx context.Context) error {
	return s.sweep(ctx, "quota/", func(b []byte) bool {
		u, err := decode[used](b)
		return err == nil && !u.Until.After(s.now())
	}, func(t *txn, key string) error {
		b, err := t.Get(key)
		if err != nil || b == nil {
			return err
		}
		if u, err := decode[used](b); err != nil || u.Until.After(t.now) {
			return err
		}
		t.Delete(key)
		return nil
	})
}
