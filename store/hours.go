package store

import (
	"slices"
	"time"
)

// Hours says when a line is open, by the clock on the wall in Location.
type Hours struct {
	Location *time.Location // never nil
	Spans    []Span         // none: all day
	Closed   []string       // dates, such as 2026-12-25: closed from midnight to midnight, and no shift begins
}

// Span is a stretch of time on some days of the week. One that ends before it starts is a shift that ends on the next
// day.
type Span struct {
	Days     []time.Weekday // on which it begins
	From, To int            // minutes of the day, 0 ≤ From < 1440, 0 ≤ To ≤ 1440, From ≠ To; open at From, closed at To
}

// Open reports whether a line is open at a time; without hours it always is. What the clock shows decides: an hour that
// is skipped in spring is not made up for, and one that comes twice in autumn is open both times or neither.
func (h *Hours) Open(at time.Time) bool {
	if h == nil {
		return true
	}
	at = at.In(h.Location)
	now := at.Hour()*60 + at.Minute()
	year, month, day := at.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC) // a day of the calendar: not each has a midnight in Location
	yesterday := today.AddDate(0, 0, -1)
	if h.closed(today) {
		return false
	}
	return len(h.Spans) == 0 || slices.ContainsFunc(h.Spans, func(s Span) bool {
		begins := slices.Contains(s.Days, today.Weekday()) && now >= s.From
		if s.From < s.To {
			return begins && now < s.To
		}
		return begins || slices.Contains(s.Days, yesterday.Weekday()) && now < s.To && !h.closed(yesterday)
	})
}

func (h *Hours) closed(day time.Time) bool {
	return slices.Contains(h.Closed, day.Format(time.DateOnly))
}
