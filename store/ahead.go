package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Ahead counts the calls of a call's line that are to be taken before it, or were and ring somewhere: those may come back.
// Callers who wait to be called back are among them, for they keep their place.
func (s *Store) Ahead(ctx context.Context, c Call) (n int, err error) {
	err = s.backend.View(ctx, func(r Reader) error {
		n = 0
		var bad error
		err := r.Scan("open/", "", func(_ string, b []byte) bool {
			var other *Call
			if other, bad = decode[Call](b); bad != nil {
				return false
			}
			if other.Line == c.Line && (other.State == Waiting || other.State == Ringing) && cmp.Or(inOrder(*other, c), cmp.Compare(other.ID, c.ID)) < 0 {
				n++
			}
			return true
		})
		if err == nil {
			err = bad
		}
		return err
	})
	return n, err
}

const (
	lately    = time.Hour
	fewWaits  = 3  // so many waits say something of the next
	mostWaits = 20 // are kept of a line
)

// wait is how long a call waited that somebody took.
type wait struct {
	At  time.Time     `json:"at"` // when it was taken
	For time.Duration `json:"for"`
}

// waitsOf reads how long the calls waited that were taken on a line lately.
func waitsOf(get func(string) ([]byte, error), line string, now time.Time) ([]wait, error) {
	b, err := get("waited/" + line)
	if err != nil || b == nil {
		return nil, err
	}
	all, err := decode[[]wait](b)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(*all, func(w wait) bool { return now.Sub(w.At) >= lately }), nil
}

// waited keeps how long a caller waited whom somebody talks to now. Who was called back, or handed over, waited otherwise.
func (t *txn) waited(c *Call) error {
	if c.Back != nil || c.Handed != nil || c.Claim.Word != Take {
		return nil
	}
	all, err := waitsOf(t.Get, c.Line, t.now)
	if err != nil {
		return err
	}
	all = append(all, wait{At: t.now, For: max(0, t.now.Sub(c.Arrived))})
	t.Put("waited/"+c.Line, encode(all[max(0, len(all)-mostWaits):]))
	return nil
}

// UsualWait is how long the calls waited, at the median, that people took on a line within the last hour: of the latest
// 20, known once there are three.
func (s *Store) UsualWait(ctx context.Context, line string) (d time.Duration, known bool, err error) {
	var all []wait
	err = s.backend.View(ctx, func(r Reader) (err error) {
		all, err = waitsOf(r.Get, line, s.now())
		return err
	})
	if err != nil || len(all) < fewWaits {
		return 0, false, err
	}
	slices.SortFunc(all, func(a, b wait) int { return int(a.For - b.For) })
	return all[len(all)/2].For, true, nil
}
