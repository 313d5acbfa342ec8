package store

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/oklog/ulid/v2"
)

// Record is a call as history tells it. The JSON names are part of the program's outside surface.
type Record struct {
	CallSID          string    `json:"call_sid"`
	Line             string    `json:"line"` // name
	From             string    `json:"from"` // E.164, empty when withheld
	Name             string    `json:"name"`
	Place            string    `json:"place"`
	Arrived          time.Time `json:"arrived"`
	WaitedSeconds    int       `json:"waited_seconds"`
	AnsweredBy       string    `json:"answered_by"`
	Via              Via       `json:"via"`
	Outcome          Outcome   `json:"outcome"`
	TalkedSeconds    int       `json:"talked_seconds"`
	VoicemailSeconds int       `json:"voicemail_seconds"`
}

// record tells a call that has ended. Of one who was handed over and gave up, whoever talked to them answered.
func (s *Store) record(c *Call) Record {
	r := Record{
		CallSID: c.SID, Line: c.Line, From: c.From, Name: c.Name, Place: c.City, Arrived: c.Arrived,
		WaitedSeconds: int(c.Waited(c.Stopped).Seconds()),
		Outcome:       c.Outcome, TalkedSeconds: c.Seconds, VoicemailSeconds: c.VoiceSeconds(),
	}
	if line, ok := s.Team.Line(c.Line); ok {
		r.Line = line.Name
	}
	if c.Claim != nil {
		r.AnsweredBy, r.Via = c.Claim.Person, c.Claim.Via
	}
	if c.Handed != nil {
		r.TalkedSeconds += c.Handed.Seconds
		if c.GaveUp() && c.Outcome == Talked {
			r.AnsweredBy, r.Via = c.Handed.By, c.Handed.Via
		}
	}
	return r
}

// Last returns the call of a line that ended last, if that was at or after a time, or else ErrNoCall.
func (s *Store) Last(ctx context.Context, line string, since time.Time) (Call, error) {
	var last *Call
	err := s.backend.View(ctx, func(r Reader) error {
		id, err := r.Get("last/" + line)
		if err != nil || id == nil {
			return err
		}
		last, err = load(r.Get, CallID(id))
		return err
	})
	if err == nil && (last == nil || last.Stopped.Before(since)) {
		err = ErrNoCall
	}
	if err != nil {
		return Call{}, err
	}
	return *last, nil
}

// firstAt is the smallest ID that a call of that time can have.
func firstAt(t time.Time) CallID {
	id := ulid.ULID{}
	_ = id.SetTime(ulid.Timestamp(t)) // beyond the year 10889 it stays zero
	return CallID(id.String())
}

// slice is how many calls one read transaction covers: a long one would hold up the growth of a bbolt file.
const slice = 500

// History returns the calls that arrived at or after a time and have ended, oldest first.
func (s *Store) History(ctx context.Context, since time.Time) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		from := "done/"
		if since.UnixMilli() > 0 {
			from += string(firstAt(since))
		}
		for from != "" {
			var page []Record
			next := ""
			err := s.backend.View(ctx, func(r Reader) error {
				page, next = page[:0], ""
				var bad error
				err := r.Scan("done/", from, func(key string, b []byte) bool {
					if len(page) == slice {
						next = key
						return false
					}
					c, err := decode[Call](b)
					if err != nil {
						bad = err
						return false
					}
					if !c.Forgotten {
						page = append(page, s.record(c))
					}
					return true
				})
				return errors.Join(err, bad)
			})
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			from = next
		}
	}
}
