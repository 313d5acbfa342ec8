package bottest

import (
	"fmt"
	"time"
)

// ids makes signs that look like Slack's and count up, so that a failure can be read.
type ids struct {
	n    map[string]int
	last int64 // microseconds of the last timestamp given
}

// count is the next number of a kind.
func (i *ids) count(kind string) int {
	if i.n == nil {
		i.n = map[string]int{}
	}
	i.n[kind]++
	return i.n[kind]
}

// next is a prefix and nine digits: V000000001.
func (i *ids) next(prefix string) string { return fmt.Sprintf("%s%09d", prefix, i.count(prefix)) }

// ts is a message timestamp: seconds and microseconds, never given twice, which makes it the message's ID in its
// channel (docs.slack.dev/messaging).
func (i *ids) ts(now time.Time) string {
	us := max(now.UnixMicro(), i.last+1)
	i.last = us
	return fmt.Sprintf("%d.%06d", us/1e6, us%1e6)
}

// trigger is 13 digits, 12 digits and 32 hex digits, as in Slack's examples.
func (i *ids) trigger() string {
	n := i.count("trigger")
	return fmt.Sprintf("3987%09d.474456291210.%032x", n, n)
}
