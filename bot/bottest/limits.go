package bottest

import (
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// Slack's figures, from docs.slack.dev/apis/web-api/rate-limits: calls a minute by tier, counted by method and
// workspace, and about one message a second and channel with short bursts. Slack names neither the size of a burst nor
// the exact special limits; those here are modest guesses. It promises at least a tier's figure; here no minute, from
// whatever moment it is counted, has more.
var (
	perMinute = map[string]int{
		"Tier1": 1, "Tier2": 20, "Tier3": 50, "Tier4": 100,
		"SpecialTier_auth_test": 600, "SpecialTier_chat_getPermalink": 600, "SpecialTier_chat_postMessage": 300,
	}
	messageRate  = rate.Every(time.Second)
	messageBurst = 5
)

// limits counts calls: the last minute's of each method, a bucket for each channel.
type limits struct {
	taken   map[string][]time.Time
	buckets map[string]*rate.Limiter
}

// limit says how long the caller has to wait before this call, 0 for not at all, with w.mu held.
func (w *Workspace) limit(c *call, now time.Time) time.Duration {
	if !w.opt.Limits {
		return 0
	}
	n, ok := perMinute[tiers()[c.method]]
	if !ok {
		return 0
	}
	if w.limits.taken == nil {
		w.limits.taken = map[string][]time.Time{}
	}
	last := slices.DeleteFunc(w.limits.taken[c.method], func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	w.limits.taken[c.method] = last
	if len(last) >= n {
		return last[0].Add(time.Minute).Sub(now)
	}
	if c.method == "chat.postMessage" {
		if wait := w.limitChannel(w.channelKey(c.args["channel"]), now); wait > 0 {
			return wait
		}
	}
	w.limits.taken[c.method] = append(last, now)
	return 0
}

// channelKey is the channel's ID, without opening a direct message as a side effect.
func (w *Workspace) channelKey(channel string) string {
	if ch := w.findChannel(channel); ch != nil {
		return ch.ID
	}
	return channel
}

// limitChannel takes a message out of the channel's bucket, whichever way it comes.
func (w *Workspace) limitChannel(channel string, now time.Time) time.Duration {
	if !w.opt.Limits {
		return 0
	}
	if w.limits.buckets == nil {
		w.limits.buckets = map[string]*rate.Limiter{}
	}
	b := w.limits.buckets[channel]
	if b == nil {
		b = rate.NewLimiter(messageRate, messageBurst)
		w.limits.buckets[channel] = b
	}
	r := b.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d
	}
	return 0
}
