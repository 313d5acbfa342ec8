package bot

import (
	"net/http"
	"testing"
	"time"

	"pullphone/store"
)

// Every pace keeps to Slack's figure for any minute, its burst included.
func TestPaces(t *testing.T) {
	tier := map[string]int{posting: 300, updating: 50, deleting: 50, whisper: 100, reading: 50, searching: 20}
	for method, p := range paces {
		if n := int(time.Minute/p.every) + p.burst; n > tier[method] {
			t.Errorf("%s: %d a minute, Slack promises to take %d", method, n, tier[method])
		}
	}
}

func newPacer(among int) *pacer {
	return &pacer{factor: new(float64), among: func() int { return among }, buckets: map[string]*bucket{}, ids: map[string]string{}}
}

// However many processes share a workspace, and though some of them begin or end meanwhile, together they keep to Slack's
// figure for any minute; and what is not urgent has its turn with each of them.
func TestPacesAreShared(t *testing.T) {
	tier := map[string]int{posting: 300, updating: 50, deleting: 50, whisper: 100, reading: 50, searching: 20}
	for method, most := range tier {
		for _, urgent := range []bool{true, false} {
			among := 1
			var all []*pacer
			for range 5 {
				p := newPacer(0)
				p.among = func() int { return among }
				all = append(all, p)
			}
			now := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
			var turns []time.Time
			for second := range 600 {
				among = 1 + second/60%5
				for i, p := range all[:among] {
					channel := string(rune('a' + second%20 + i))
					for p.turn(now, method, channel, urgent) == 0 {
						turns = append(turns, now)
					}
				}
				now = now.Add(time.Second)
			}
			within := 0
			for i, j := 0, 0; i < len(turns); i++ {
				for turns[i].Sub(turns[j]) >= time.Minute {
					j++
				}
				within = max(within, i-j+1)
			}
			if within > most || len(turns) < 10*int(time.Minute/paces[method].every)*2/3 {
				t.Errorf("%s, urgent %t: %d turns, %d of them within a minute of %d", method, urgent, len(turns), within, most)
			}
		}
	}
}

// A turn in one channel is none in another; a channel's #name and ID are one; and what is urgent finds a turn left.
func TestTurns(t *testing.T) {
	now := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
	p := newPacer(1)
	turn := func(channel string, urgent bool, want time.Duration) {
		t.Helper()
		if wait := p.turn(now, posting, channel, urgent); wait.Round(time.Millisecond) != want {
			t.Errorf("%s, urgent %t: %s, not %s", channel, urgent, wait, want)
		}
	}
	turn("#sales", false, 0)
	turn("#sales", false, 0)
	turn("#sales", false, time.Second)
	turn("#sales", true, 0)
	p.learn("#sales", "C1")
	turn("C1", true, time.Second)
	turn("#sales", false, 2*time.Second)
	turn("C2", true, 0)
	now = now.Add(300 * time.Millisecond)
	turn("C1", true, 700*time.Millisecond)
	now = now.Add(700 * time.Millisecond)
	turn("C1", false, time.Second)
	turn("C1", true, 0)

	// Slack says how long nothing more is to come, of this kind and there.
	p.pause(now, posting, "#sales", now.Add(17*time.Second))
	turn("C1", true, 17*time.Second)
	turn("C2", true, 0)
	p.pause(now, updating, "C1", now.Add(30*time.Second))
	if wait := p.turn(now, updating, "C2", true); wait != 30*time.Second {
		t.Errorf("updates: %s", wait)
	}
	if wait := p.turn(now, whisper, "C1", true); wait != 0 {
		t.Errorf("private words: %s", wait)
	}
}

// After a 429 neither the same message nor another one is sent to that channel for the time; another channel goes on.
func TestPauseAfter429(t *testing.T) {
	for header, pause := range map[string]time.Duration{"17": 17 * time.Second, "": 30 * time.Second} {
		r := open(t, someTeam())
		calls := []store.Call{r.arrive("CA1"), r.arrive("CA2"), r.arriveAs(store.Arrival{SID: "CA3", Line: service})}
		r.failing(func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			if header != "" {
				w.Header().Set("Retry-After", header)
			}
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		})
		draw := func(c store.Call) (time.Duration, bool) {
			_, err := r.draw(r.ctx, store.Deed{Call: c.ID})
			later, _ := err.(*store.Later)
			if later == nil {
				return 0, false
			}
			return later.After.Round(time.Second), later.Err != nil
		}
		if after, failed := draw(calls[0]); after != pause || !failed {
			t.Errorf("%q: %s, failed %t", header, after, failed)
		}
		r.failing(nil)
		if after, failed := draw(calls[1]); after != pause || failed {
			t.Errorf("%q: another call waits %s, failed %t", header, after, failed)
		}
		if after, _ := draw(calls[2]); after != 0 {
			t.Errorf("%q: another channel waits %s", header, after)
		}
		r.clock.Advance(pause)
		if after, _ := draw(calls[1]); after != 0 {
			t.Errorf("%q: afterwards it waits %s", header, after)
		}
	}
}
