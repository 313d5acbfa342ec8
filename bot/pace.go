package bot

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"pullphone/store"
)

// The methods of Slack's API that are paced.
const (
	posting   = "chat.postMessage"
	updating  = "chat.update"
	deleting  = "chat.delete"
	whisper   = "chat.postEphemeral"
	reading   = "conversations.history"
	searching = "conversations.list"
)

// paces are how often we ask. Slack counts by method and workspace, Tier 2 from 20 a minute on, Tier 3 from 50, Tier 4
// from 100; of posts it takes about one a second and channel, short bursts aside, and several hundred a minute in all
// (docs.slack.dev/apis/web-api/rate-limits). A minute's worth of ours stays below that, its burst included.
// conversations.history is Tier 3 for an app that its own workspace has made, as here.
var paces = map[string]pace{
	posting:   {time.Minute / 240, 20},
	updating:  {time.Minute / 45, 5},
	deleting:  {time.Minute / 45, 5},
	whisper:   {time.Minute / 40, 50}, // a call that many answered at once
	reading:   {time.Minute / 45, 5},
	searching: {time.Minute / 15, 5},
}

// channelPace is that of posts in one channel.
var channelPace = pace{time.Second, 3}

type pace struct {
	every time.Duration
	burst int
}

// pacer gives out turns, so that Slack's limits are kept and not discovered. Processes that serve one workspace have equal
// shares.
type pacer struct {
	factor *float64   // how many times Slack's limits; 0: once
	among  func() int // how many processes

	mu      sync.Mutex
	buckets map[string]*bucket // by method, or of posting by channel
	ids     map[string]string  // of channels, by their #name
}

type bucket struct {
	rate.Limiter
	share float64
	until time.Time // not before: Slack said so
}

func (p *pacer) bucket(now time.Time, name string, of pace) *bucket {
	share := max(*p.factor, 1) / float64(p.among())
	limit, burst := rate.Every(of.every)*rate.Limit(share), max(1, int(float64(of.burst)*share))
	b := p.buckets[name]
	switch {
	case b == nil:
		b = &bucket{Limiter: *rate.NewLimiter(limit, burst), share: share}
		p.buckets[name] = b
	case b.share != share:
		b.SetLimitAt(now, limit)
		b.SetBurstAt(now, burst)
		b.share = share
	}
	return b
}

// wait is how long until there is a turn. Whatever is not urgent leaves one for what is.
func (b *bucket) wait(now time.Time, urgent bool) time.Duration {
	need := 1
	if !urgent {
		need = min(2, b.Burst())
	}
	short := float64(need) - b.TokensAt(now)
	return max(b.until.Sub(now), time.Duration(short/float64(b.Limit())*float64(time.Second)))
}

// turn takes a turn for one request and returns 0, or says how long until there is one.
func (p *pacer) turn(now time.Time, method, channel string, urgent bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	buckets := []*bucket{p.bucket(now, method, paces[method])}
	if method == posting {
		buckets = append(buckets, p.bucket(now, p.id(channel), channelPace))
	}
	var wait time.Duration
	for _, b := range buckets {
		wait = max(wait, b.wait(now, urgent))
	}
	if wait > 0 {
		return wait
	}
	for _, b := range buckets {
		b.AllowN(now, 1)
	}
	return 0
}

// pause lets Slack's word stand: nothing more of this method, or of posting in this channel, until then.
func (p *pacer) pause(now time.Time, method, channel string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bucket(now, method, paces[method])
	if method == posting {
		b = p.bucket(now, p.id(channel), channelPace)
	}
	b.until = until
}

// id is a channel's ID where it is known, else its #name.
func (p *pacer) id(channel string) string {
	if id := p.ids[channel]; id != "" {
		return id
	}
	return channel
}

func (p *pacer) channel(ref string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id(ref)
}

// learn remembers which channel a #name means: lines may share it, and name it in different ways.
func (p *pacer) learn(ref, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !strings.HasPrefix(ref, "#") || p.ids[ref] == id {
		return
	}
	if b := p.buckets[ref]; b != nil && p.buckets[id] == nil {
		p.buckets[id] = b
	}
	delete(p.buckets, ref)
	p.ids[ref] = id
}

// turn takes a turn for one request to Slack, or returns when there is one.
func (b *Bot) turn(method, channel string, urgent bool) error {
	if wait := b.pacer.turn(b.Store.Clock.Now(), method, channel, urgent); wait > 0 {
		return &store.Later{After: wait}
	}
	return nil
}

// await waits for a turn.
func (b *Bot) await(ctx context.Context, method, channel string) error {
	for {
		wait := b.pacer.turn(b.Store.Clock.Now(), method, channel, true)
		if wait <= 0 {
			return nil
		}
		select {
		case <-b.Store.Clock.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
