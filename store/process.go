package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Several processes may have one store open. Each reserves deeds as an owner, whose record, owner/<process>/<term>, stands
// until it closes the store. When its process is gone, whoever sees that first writes the owner off: from then on it can
// neither reserve nor finish a deed, should it only have been out of reach. What it had reserved is freed, and Twilio is
// asked about the calls that are open. All of that may be done twice, or begun by one and ended by another. A process that
// was written off and is back becomes an owner anew, by the next term.

// Process is a pullphone that has the store open.
type Process struct {
	Name  string    `json:"-"` // ULIDs: they sort by age
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`

	Leaving bool `json:"leaving,omitempty"` // it is about to end, and lets nothing get lost; see Leave
}

const (
	processes = "process/"
	owners    = "owner/"
)

// owner is the record of an owner.
type owner struct {
	Gone bool `json:"gone,omitempty"` // written off: what it left is being taken up
}

// processOf is the name of an owner's process.
func processOf(owner string) string {
	name, _, _ := strings.Cut(owner, "/")
	return name
}

// register makes this process known to the others, and to be missed when it dies.
func (s *Store) register(ctx context.Context) error {
	host, _ := os.Hostname() // only people read it
	s.about = Process{Host: host, PID: os.Getpid(), Since: s.now()}
	return s.backend.Register(ctx, s.name, encode(s.about))
}

// Leave tells the other processes that this one is about to end in order: what is on its way to it is waited for, so nothing
// need be asked for then.
func (s *Store) Leave(ctx context.Context) error {
	about := s.about
	about.Leaving = true
	return s.backend.Register(ctx, s.name, encode(about))
}

// String tells people where a process runs.
func (p Process) String() string {
	return fmt.Sprintf("%s, process %d, since %s", p.Host, p.PID, p.Since.Format(time.RFC3339))
}

// Processes lists those that have the store open, the eldest first.
func (s *Store) Processes(ctx context.Context) ([]Process, error) { return Processes(ctx, s.backend) }

// Processes lists those that have a store open, the eldest first.
func Processes(ctx context.Context, b Backend) ([]Process, error) {
	var all []Process
	err := b.View(ctx, func(r Reader) (err error) {
		all, err = processesOf(r)
		return err
	})
	return all, err
}

func processesOf(r Reader) (all []Process, err error) {
	var bad error
	err = r.Scan(processes, "", func(key string, b []byte) bool {
		p, err := decode[Process](b)
		if bad = err; err == nil {
			p.Name = key[len(processes):]
			all = append(all, *p)
		}
		return bad == nil
	})
	return all, errors.Join(err, bad)
}

// Eldest reports whether no other process has had the store open for longer. It is for work that one does for all, which
// must stay right when for a moment two do it, or none.
func (s *Store) Eldest(ctx context.Context) (bool, error) {
	all, err := s.Processes(ctx)
	return len(all) > 0 && all[0].Name == s.name, err
}

// Living is how many processes have the store open, this one included, as TakeOver saw last.
func (s *Store) Living() int { return max(1, int(s.living.Load())) }

// Lost receives when something that came may be lost: another process has ended that had not taken its leave, with what was
// on its way to it; the store takes changes again that took none; or it took one not (see Refused). Several such may give one receive.
func (s *Store) Lost() <-chan struct{} { return s.lost }

// LostHere reports, once, whether what Lost told of came to this process alone, so that no other knows of it.
func (s *Store) LostHere() bool { return s.here.Swap(false) }

// lose has Lost receive. What came to this process alone is here.
func (s *Store) lose(here bool) {
	if here {
		s.here.Store(true)
	}
	select {
	case s.lost <- struct{}{}:
	default:
	}
}

// TakeOver takes up, until ctx ends, what other processes leave when they end.
func (s *Store) TakeOver(ctx context.Context) error {
	changed, cancel := s.backend.Watch(processes)
	defer cancel()
	var failures row
	for {
		next := time.Hour
		_, err := s.takeUp(ctx, false)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if failures.first(err) {
			s.Log.Error("what another process left is not taken up yet", "err", err)
		}
		if err != nil {
			next = time.Second
		}
		if !s.pause(ctx, next, changed, nil) {
			return nil
		}
	}
}

// takeUp writes owners off whose processes are gone, and takes up what they left. At the opening of a store that nobody
// serves, calls may have moved on while nobody listened. It reports whether another process serves it.
func (s *Store) takeUp(ctx context.Context, opening bool) (served bool, err error) {
	var living map[string]Process
	var lost []string // owners whose processes are gone
	mine := false
	err = s.backend.View(ctx, func(r Reader) error {
		living, lost, served, mine = map[string]Process{}, nil, false, false
		all, err := processesOf(r)
		if err != nil {
			return err
		}
		for _, p := range all {
			living[p.Name] = p
		}
		lives := func(name string) bool { _, ok := living[name]; return ok }
		var bad error
		err = r.Scan(owners, "", func(key string, b []byte) bool {
			name := key[len(owners):]
			o, err := decode[owner](b)
			switch bad = err; {
			case err != nil:
			case o.Gone, processOf(name) != s.name && !lives(processOf(name)):
				lost = append(lost, name)
			default:
				served = true
				mine = mine || name == s.owner()
			}
			return bad == nil
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return served, err
	}
	for _, name := range lost {
		if err := s.writeOff(ctx, name); err != nil {
			return served, err
		}
	}
	if err := s.free(ctx); err != nil {
		return served, err
	}
	if len(lost) > 0 || opening && !served {
		if err := s.askAll(ctx); err != nil {
			return served, err
		}
	}
	for _, name := range lost {
		if err := s.forgetOwner(ctx, name); err != nil {
			return served, err
		}
	}
	if s.tookLeave(lost) {
		s.lose(true) // nobody else may have seen it
	}
	if _, known := living[s.name]; known && !mine {
		if err := s.own(ctx); err != nil {
			return served, err
		}
	}
	s.seen(living)
	return served, nil
}

// tookLeave reports whether one of some owners that are lost had said that it would end in order, and did not.
func (s *Store) tookLeave(lost []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(lost, func(name string) bool { return s.lived[processOf(name)].Leaving })
}

// seen notes who lives, and whether somebody has gone since without taking leave.
func (s *Store) seen(living map[string]Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.living.Store(int32(len(living)))
	for name, p := range s.lived {
		if _, lives := living[name]; !lives && !p.Leaving && name != s.name {
			s.lose(false)
		}
	}
	s.lived = living
}

// writeOff bars an owner from its deeds, unless its process is back.
func (s *Store) writeOff(ctx context.Context, name string) error {
	return s.update(ctx, func(t *txn) error {
		if p, err := t.Get(processes + processOf(name)); err != nil || p != nil {
			return err
		}
		b, err := t.Get(owners + name)
		if err == nil && b != nil {
			t.Put(owners+name, encode(owner{Gone: true}))
		}
		return err
	})
}

// forgetOwner ends the taking up of what an owner left.
func (s *Store) forgetOwner(ctx context.Context, name string) error {
	return s.update(ctx, func(t *txn) error {
		holds, err := t.holds(name)
		if err == nil && !holds {
			t.Delete(owners + name)
		}
		return err
	})
}

// own makes this process the owner of what it reserves from now on.
func (s *Store) own(ctx context.Context) error {
	name := s.name + "/" + strconv.FormatInt(s.terms.Add(1), 10)
	err := s.update(ctx, func(t *txn) error {
		t.Put(owners+name, encode(owner{}))
		return nil
	})
	if err == nil {
		s.current.Store(&name)
	}
	return err
}

// owner names this process in reservations.
func (s *Store) owner() string {
	if name := s.current.Load(); name != nil {
		return *name
	}
	return ""
}

// holds reports whether an owner's reservations stand.
func (t *txn) holds(name string) (bool, error) { return holds(t.Get, name) }

func holds(get func(string) ([]byte, error), name string) (bool, error) {
	if name == "" {
		return false, nil
	}
	b, err := get(owners + name)
	if err != nil || b == nil {
		return false, err
	}
	o, err := decode[owner](b)
	return err == nil && !o.Gone, err
}

// few is how many deeds or calls one transaction changes: etcd bounds the keys of a transaction.
const few = 20

// free frees what was reserved by owners who are gone. It may be done.
func (s *Store) free(ctx context.Context) error {
	var left []string
	err := s.backend.View(ctx, func(r Reader) error {
		left = nil
		stands := map[string]bool{"": true}
		var bad error
		err := r.Scan("due/", "", func(key string, b []byte) bool {
			d, err := decode[Deed](b)
			if err != nil {
				s.Log.Error("a deed that cannot be read", "key", key, "err", err) // it holds up no other
				return true
			}
			if _, known := stands[d.Owner]; !known {
				if stands[d.Owner], bad = holds(r.Get, d.Owner); bad != nil {
					return false
				}
			}
			if !stands[d.Owner] {
				left = append(left, key)
			}
			return true
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return err
	}
	for keys := range slices.Chunk(left, few) {
		err := s.update(ctx, func(t *txn) error {
			for _, key := range keys {
				d, err := t.deed(key)
				if err != nil {
					return err
				}
				if d == nil || d.Owner == "" {
					continue
				}
				stands, err := t.holds(d.Owner)
				if err != nil {
					return err
				}
				if !stands {
					d.Owner, d.Left, d.Doubt = "", d.Owner, true
					t.put(*d)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// askAll makes it due to ask what became of each open call.
func (s *Store) askAll(ctx context.Context) error {
	var open []CallID
	err := s.backend.View(ctx, func(r Reader) error {
		open = nil
		return r.Scan("open/", "", func(key string, _ []byte) bool {
			open = append(open, CallID(key[len("open/"):]))
			return true
		})
	})
	if err != nil {
		return err
	}
	for ids := range slices.Chunk(open, few) {
		err := s.update(ctx, func(t *txn) error {
			for _, id := range ids {
				d, err := t.deed(Deed{Kind: Ask, Call: id}.Key())
				switch {
				case err != nil:
					return err
				case d == nil:
					t.due(Deed{Kind: Ask, Call: id})
				case d.Owner == "" && d.Due.After(t.now):
					d.Due = t.now
					t.put(*d)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("ask about open calls: %w", err)
		}
	}
	return nil
}
