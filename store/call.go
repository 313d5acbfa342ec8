package store

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
)

// CallID is a call's own ID, a ULID. It names the call in URLs and buttons, where Twilio's CallSid has no business.
type CallID string

// NewCallID returns an ID that sorts by time of arrival.
func NewCallID(now time.Time) CallID {
	return newCallID(now, ulid.DefaultEntropy())
}

// newCallID is the same; those of one millisecond sort in the order in which a store made them.
func (s *Store) newCallID(now time.Time) CallID { return newCallID(now, s.ids) }

func newCallID(now time.Time, entropy io.Reader) CallID {
	return CallID(ulid.MustNew(ulid.Timestamp(now), entropy).String())
}

// Time is when the call arrived, to the millisecond.
func (id CallID) Time() time.Time {
	u, _ := ulid.ParseStrict(string(id)) // ours are; else it is 1970
	return u.Timestamp()
}

// State says where a call is.
type State string

// The states.
const (
	Waiting   State = "waiting"   // on hold, anybody may answer
	Ringing   State = "ringing"   // claimed; the taker's phone is being rung, or the caller brought to it
	Talking   State = "talking"   // the taker accepted, the two are connected
	Recording State = "recording" // the caller is asked for a message
	Ended     State = "ended"
)

// Outcome is how a call ended.
type Outcome string

// The outcomes.
const (
	Talked     Outcome = "talked"
	Voicemail  Outcome = "voicemail"
	Missed     Outcome = "missed" // nobody talked to the caller, or called them back as they had asked, and they left no message
	Forwarded  Outcome = "forwarded"
	CalledBack Outcome = "called_back"
	Tried      Outcome = "tried" // was to be called back, and could not be reached
)

// Via is the way an answer came.
type Via string

// The ways.
const (
	BySlack Via = "slack"
	BySMS   Via = "sms"
	ByPhone Via = "phone"
	ByLine  Via = "line" // the person stood in line for the next call
	ByRule  Via = "rule" // see Rule
)

// Rule says which rule decided, where no person did.
type Rule string

// The rules.
const (
	AfterHours   Rule = "hours"
	NobodyOnDuty Rule = "duty"
	AllPassed    Rule = "passed"
	WaitedOut    Rule = "max_wait"
	CallersKey   Rule = "caller"   // the caller asked to leave a message
	HandedBack   Rule = "handover" // nobody took what somebody handed over: their phone rings again
)

// Word is what an answer says.
type Word string

// The words.
const (
	Take          Word = "take"
	SendVoicemail Word = "voicemail"
	Pass          Word = "pass"     // not me
	Forward       Word = "forward"  // to a number outside
	HandOver      Word = "handover" // by whoever talks: somebody else
)

// Claim is the first answer that counted.
type Claim struct {
	Word    Word      `json:"word"`
	Person  string    `json:"person,omitempty"` // name; empty when a rule decided
	Via     Via       `json:"via"`
	Rule    Rule      `json:"rule,omitempty"`
	To      string    `json:"to,omitempty"`     // Forward: E.164
	Say     string    `json:"say,omitempty"`    // what the caller hears before that; empty: the usual
	Answer  string    `json:"answer,omitempty"` // ID of the answer that won
	Leg     string    `json:"leg,omitempty"`    // Twilio CallSid of the taker, when they are on the phone already
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
}

// Try is a take that came to nothing, kept so that people are told why a call waits again.
type Try struct {
	Person string    `json:"person"`
	Why    Why       `json:"why"`
	Word   Word      `json:"word,omitempty"` // Forward, or empty: Take
	At     time.Time `json:"at"`
}

// Why says why a take came to nothing.
type Why string

// The reasons.
const (
	NoAnswer    Why = "no-answer"
	Busy        Why = "busy"
	Declined    Why = "declined"     // pressed 2
	NotAccepted Why = "not-accepted" // somebody or something answered, nobody pressed 1
	HungUp      Why = "hung-up"      // took it on the phone, and was gone before the caller came
	GaveBack    Why = "gave-back"    // said no before they pressed 1
	Unreached   Why = "unreached"    // was there, but the caller to be called back was not
	Failed      Why = "failed"
)

// Handed is a call that the person who talked has handed over.
type Handed struct {
	By   string    `json:"by"` // name
	Note string    `json:"note,omitempty"`
	At   time.Time `json:"at"`

	Via     Via `json:"via,omitempty"`     // of their claim
	Seconds int `json:"seconds,omitempty"` // that the caller had talked until then, with them and with those before

	Returned bool `json:"returned,omitempty"` // nobody else took it in time: their phone was rung again, if they could take it
}

// Callback is a caller who has hung up and waits to be called back.
type Callback struct {
	At    time.Time `json:"at"`              // when they asked for it
	Tries int       `json:"tries,omitempty"` // how often they could not be reached
}

// Voice is a message that a caller left: a Twilio recording that is complete.
type Voice struct {
	SID     string    `json:"sid"`     // Twilio RecordingSid
	Seconds int       `json:"seconds"` // as Twilio reports it, after trimming
	At      time.Time `json:"at"`      // when we heard of it
	Message Message   `json:"message,omitzero"`
}

// Message is where a Slack message stands: that of a call, or of a voicemail.
type Message struct {
	Channel string `json:"channel"` // canonical ID, from Slack's answer
	TS      string `json:"ts"`
	Rev     int64  `json:"rev,omitempty"` // revision of the call that its message shows
}

// Call is one caller's inbound call on a line.
type Call struct {
	ID   CallID `json:"id"`
	SID  string `json:"sid"`  // Twilio CallSid
	Line string `json:"line"` // number of the line
	From string `json:"from"` // E.164, or empty when the caller withheld it
	Name string `json:"name,omitempty"`
	City string `json:"city,omitempty"` // "Boise, ID"

	State    State     `json:"state"`
	Attempt  int       `json:"attempt"`        // counts announcements; buttons, codes and URLs name it
	Code     int       `json:"code,omitempty"` // short code of this attempt, unique among the line's open calls
	Deadline time.Time `json:"deadline,omitzero"`
	Naming   bool      `json:"naming,omitempty"` // the caller's name is being looked up
	Rev      int64     `json:"rev"`              // counts changes that people can see

	Short    bool   `json:"short,omitempty"`    // one call too many of its caller: asked for a short message at once
	Queue    string `json:"queue,omitempty"`    // Twilio QueueSid
	Fetched  int    `json:"fetched,omitempty"`  // attempt whose redirect has arrived: Twilio asked for its TwiML
	Screened Why    `json:"screened,omitempty"` // what the ringing taker did instead of pressing 1

	Claim   *Claim    `json:"claim,omitempty"`
	Told    []string  `json:"told,omitempty"`  // who is, or was, told of this attempt by SMS; names
	Steps   int       `json:"steps,omitempty"` // how many of the line's escalation steps were taken
	Tries   []Try     `json:"tries,omitempty"`
	Passed  []Claim   `json:"passed,omitempty"` // who said "not me" since it was handed over, if it was, and when
	Handed  *Handed   `json:"handed,omitempty"` // the last time
	Back    *Callback `json:"back,omitempty"`
	Missing int       `json:"missing,omitempty"` // attempt for which the caller has yet to be brought back on hold
	Voice   []Voice   `json:"voice,omitempty"`
	Undone  []Undone  `json:"undone,omitempty"`
	Texts   []SMSText `json:"texts,omitempty"`
	Ring    Ring      `json:"ring,omitzero"` // while it waits, and of whoever had picked up until then
	Message Message   `json:"message,omitzero"`

	Arrived  time.Time `json:"arrived"`
	Accepted time.Time `json:"accepted,omitzero"` // the taker pressed 1
	Stopped  time.Time `json:"stopped,omitzero"`  // ended
	Outcome  Outcome   `json:"outcome,omitempty"`
	Seconds  int       `json:"seconds,omitempty"` // talked, since it was handed over, if it was

	Mentions  []Message `json:"mentions,omitempty"`  // that asked those who are active in the channel to take it
	Forgotten bool      `json:"forgotten,omitempty"` // the caller's data were taken out; it is dropped when nothing is due for it
}

// Undone is something that could not be done for good, shown so that it is not silent.
type Undone struct {
	Kind   Kind   `json:"kind"`
	Person string `json:"person,omitempty"`
	Code   int    `json:"code,omitempty"`  // Twilio's error code
	Why    string `json:"why"`             // in words; empty where the code says it all
	Times  int    `json:"times,omitempty"` // Text: how many texts in a row that phone has not taken, of all calls
}

// Open reports whether the call has not ended.
func (c *Call) Open() bool { return c.State != Ended }

// Has reports whether a recording is one of the call's messages.
func (c *Call) Has(recording string) bool {
	return slices.ContainsFunc(c.Voice, func(v Voice) bool { return v.SID == recording })
}

// VoiceSeconds is the length of all that the caller left.
func (c *Call) VoiceSeconds() int {
	n := 0
	for _, v := range c.Voice {
		n += v.Seconds
	}
	return n
}

// WaitBegan is when the caller's wait began: that of one who was handed over began anew.
func (c *Call) WaitBegan() time.Time {
	if c.Handed != nil {
		return c.Handed.At
	}
	return c.Arrived
}

// GaveUp reports whether the call has ended without anybody talking to the caller, since it was handed over, if it was, and
// without a message.
func (c *Call) GaveUp() bool {
	return c.Outcome == Missed || c.Outcome == Talked && c.Handed != nil && c.Accepted.IsZero()
}

// Waited is how long the caller waited, the last time if they were handed over: until somebody talked to them, until they were asked for a message, or until
// they gave up.
func (c *Call) Waited(now time.Time) time.Duration {
	end := now
	switch {
	case !c.Accepted.IsZero():
		end = c.Accepted
	case c.Claim != nil && c.Claim.Word == SendVoicemail:
		end = c.Claim.At
	case !c.Stopped.IsZero():
		end = c.Stopped
	}
	return max(0, end.Sub(c.WaitBegan()))
}

func (c *Call) key() string {
	if c.Open() {
		return "open/" + string(c.ID)
	}
	return "done/" + string(c.ID)
}

// load reads a call, open or done. It returns nil when there is none.
func load(get func(string) ([]byte, error), id CallID) (*Call, error) {
	for _, kind := range [...]string{"open/", "done/"} {
		b, err := get(kind + string(id))
		if err != nil {
			return nil, err
		}
		if b != nil {
			return decode[Call](b)
		}
	}
	return nil, nil
}

func decode[T any](b []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("record in the store: %w", err)
	}
	return v, nil
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own plain structs always marshal
	}
	return b
}
