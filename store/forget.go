package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/oklog/ulid/v2"
)

// Forgotten counts what Forget found of a caller.
type Forgotten struct {
	Calls      int `json:"calls"`      // that had ended
	Open       int `json:"open"`       // that have not: they are forgotten when they end
	Recordings int `json:"recordings"` // of those that had ended, as far as we know of them
	Messages   int `json:"messages"`   // in Slack, likewise
}

// Forget erases a caller by their number (E.164): from the calls that ended at once, so that neither number nor name can
// be read from the disk when it returns; from open ones as soon as they have ended. One that waits to be called back is ended
// here. What Twilio and Slack keep of these calls is due to be deleted. Doing it again does no harm.
func (s *Store) Forget(ctx context.Context, number string) (Forgotten, error) {
	found := map[CallID]Call{}
	theirs := func(b []byte) bool {
		c, err := decode[Call](b)
		return err == nil && c.From == number
	}
	forget := func(t *txn, key string) error {
		_, id, _ := strings.Cut(key, "/")
		c, err := load(t.Get, CallID(id))
		if err != nil || c == nil {
			return err
		}
		found[c.ID] = *c
		t.forget(c)
		return nil
	}
	told := func(b []byte) bool {
		g, err := decode[Given](b)
		return err == nil && Mentions(g.Reply, number)
	}
	hush := func(t *txn, key string) error {
		b, err := t.Get(key)
		if err != nil || b == nil {
			return err
		}
		g, err := decode[Given](b)
		if err != nil {
			return err
		}
		g.Reply = "" // that it was answered stays known
		t.Put(key, encode(g))
		t.wipe()
		return nil
	}
	var f Forgotten
	end, err := s.beWiper(ctx, true) // else Retain begins as soon as there is something to wipe
	if err != nil {
		return f, err
	}
	defer end()
	open, err := s.OpenCalls(ctx, "")
	for _, c := range open {
		if c.From != number || c.Back == nil {
			continue
		}
		_, end := s.change(ctx, c.ID, func(t *txn, c *Call) (change, error) {
			if c.State != Waiting || c.Back == nil {
				return nothing, nil
			}
			t.notCalledBack(c)
			return visible, nil
		})
		err = errors.Join(err, end)
	}
	if err != nil {
		return f, err
	}
	// Open ones first: one that ends meanwhile is not missed.
	if err := s.sweep(ctx, "open/", theirs, forget); err != nil {
		return f, err
	}
	if err := s.sweep(ctx, "done/", theirs, forget); err != nil {
		return f, err
	}
	if err := s.sweep(ctx, "seen/", told, hush); err != nil {
		return f, err
	}
	if err := s.wipe(ctx); err != nil {
		return f, err
	}
	for _, c := range found {
		if c.Open() {
			f.Open++
			continue
		}
		f.Calls++
		f.Recordings += len(c.Voice)
		f.Messages += len(c.messages())
	}
	return f, nil
}

// forget takes the caller's data out of a call that has ended. What is still due for it is done without them; then
// Retain drops it. An open call is marked for Retain.
func (t *txn) forget(c *Call) {
	t.Put("gone/"+string(c.ID), nil)
	if c.Open() || c.Forgotten {
		return
	}
	c.From, c.Name, c.City, c.Forgotten = "", "", "", true
	if c.Handed != nil { // its note may say who calls
		handed := *c.Handed
		handed.Note = ""
		c.Handed = &handed
	}
	t.Put(c.key(), encode(c))
	t.erase(c)
	t.wipe()
}

// dropForgotten drops forgotten calls that have ended and for which nothing is due, and reports whether others remain.
func (s *Store) dropForgotten(ctx context.Context) (waits bool, err error) {
	var ended []string
	err = s.backend.View(ctx, func(r Reader) error {
		ended, waits = ended[:0], false
		var bad error
		err := r.Scan("gone/", "", func(key string, _ []byte) bool {
			id := key[len("gone/"):]
			var b []byte
			if b, bad = r.Get("open/" + id); bad == nil && b == nil {
				ended = append(ended, id)
			}
			waits = true
			return bad == nil
		})
		return errors.Join(err, bad)
	})
	if err != nil || len(ended) == 0 {
		return waits, err
	}
	for some := range slices.Chunk(ended, few/2) {
		err := s.update(ctx, func(t *txn) error {
			for _, id := range some {
				c, err := load(t.Get, CallID(id))
				switch {
				case err != nil:
					return err
				case c == nil:
					t.Delete("gone/" + id)
				case !c.Open() && !c.Forgotten:
					t.forget(c)
				}
			}
			return nil
		})
		if err != nil {
			return true, err
		}
		var done []kept
		err = s.backend.View(ctx, func(r Reader) error {
			done = done[:0]
			busy, _, err := owed(r)
			if err != nil {
				return err
			}
			for _, id := range some {
				b, err := r.Get("done/" + id)
				if err != nil {
					return err
				}
				if b != nil && !busy[CallID(id)] {
					done = append(done, kept{CallID(id), bytes.Clone(b)})
				}
			}
			return nil
		})
		if err == nil {
			err = s.drop(ctx, done)
		}
		if err != nil {
			return true, err
		}
	}
	return waits, nil
}

// wipeKey stands while something was deleted that must not be read from the disk any more. Its value is another each
// time.
const wipeKey = "meta/wipe"

func (t *txn) wipe() { t.Put(wipeKey, []byte(ulid.Make().String())) }

// wipe sees to it that what was deleted for good is gone from the disk. It is for the wiper.
func (s *Store) wipe(ctx context.Context) error {
	asked, err := s.toWipe(ctx)
	if err != nil || asked == nil {
		return err
	}
	if err := s.backend.Compact(ctx); err != nil {
		return err
	}
	return s.update(ctx, func(t *txn) error {
		b, err := t.Get(wipeKey)
		if err == nil && bytes.Equal(b, asked) {
			t.Delete(wipeKey)
		}
		return err
	})
}

// toWipe reads wipeKey.
func (s *Store) toWipe(ctx context.Context) (asked []byte, err error) {
	err = s.backend.View(ctx, func(r Reader) error {
		b, err := r.Get(wipeKey)
		asked = bytes.Clone(b)
		return err
	})
	return asked, err
}

// wipeLeft wipes what nobody else is about to, and reports whether somebody is.
func (s *Store) wipeLeft(ctx context.Context) (others bool, err error) {
	asked, err := s.toWipe(ctx)
	if err != nil || asked == nil {
		return false, err
	}
	end, err := s.beWiper(ctx, false)
	if err != nil || end == nil {
		return err == nil, err
	}
	defer end()
	return false, s.wipe(ctx)
}

// wiperKey tells who wipes, or is about to: etcd's nodes answer nothing while they are compacted, and two at it could
// have most of them so at once.
const wiperKey = "meta/wiper"

// wiper counts for as long as its process lives, but for wiperLasts at most: it may have failed to say that it is done.
type wiper struct {
	Process string    `json:"process"`
	Since   time.Time `json:"since"`
}

// wiperLasts is longer than anybody deletes and compacts.
const wiperLasts = time.Hour

// beWiper makes the caller the only wiper of all processes, until it calls end. While somebody else is, it waits or returns
// no end.
func (s *Store) beWiper(ctx context.Context, wait bool) (end func(), err error) {
	if !wait && !s.wiping.TryAcquire(1) {
		return nil, nil
	}
	if wait {
		if err := s.wiping.Acquire(ctx, 1); err != nil {
			return nil, err
		}
	}
	changed, cancel := s.backend.Watch(wiperKey)
	defer cancel()
	gone, cancelGone := s.backend.Watch(processes)
	defer cancelGone()
	for {
		mine, err := s.claimWiping(ctx)
		if mine && err == nil {
			return func() {
				s.endWiping(context.WithoutCancel(ctx))
				s.wiping.Release(1)
			}, nil
		}
		if err != nil || !wait || !s.pause(ctx, soon, changed, gone) {
			s.wiping.Release(1)
			return nil, cmp.Or(err, ctx.Err())
		}
	}
}

// claimWiping makes this process the wiper unless another one is.
func (s *Store) claimWiping(ctx context.Context) (mine bool, err error) {
	err = s.update(ctx, func(t *txn) error {
		mine = false
		w, err := t.wiper()
		if err != nil {
			return err
		}
		if w != nil && w.Process != s.name && t.now.Sub(w.Since) < wiperLasts {
			if p, err := t.Get(processes + w.Process); err != nil || p != nil {
				return err
			}
		}
		t.Put(wiperKey, encode(wiper{s.name, t.now}))
		mine = true
		return nil
	})
	return mine, err
}

// endWiping lets others wipe.
func (s *Store) endWiping(ctx context.Context) {
	_ = s.update(ctx, func(t *txn) error { // else it counts for as long as it can
		w, err := t.wiper()
		if err == nil && w != nil && w.Process == s.name {
			t.Delete(wiperKey)
		}
		return err
	})
}

func (t *txn) wiper() (*wiper, error) {
	b, err := t.Get(wiperKey)
	if err != nil || b == nil {
		return nil, err
	}
	return decode[wiper](b)
}

// Mentions reports whether a text holds a telephone number, however that is written: whether the number's last digits
// stand in the text, whatever stands between them.
func Mentions(text, number string) bool {
	digits := func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}
	const telling = 8
	n := strings.Map(digits, number)
	return len(n) > 0 && strings.Contains(strings.Map(digits, text), n[max(0, len(n)-telling):])
}

// messages are the call's messages in Slack that are known.
func (c *Call) messages() []Message {
	all := append([]Message{c.Message}, c.Mentions...)
	for _, v := range c.Voice {
		all = append(all, v.Message)
	}
	return slices.DeleteFunc(all, func(m Message) bool { return m.TS == "" })
}
