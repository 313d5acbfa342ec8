package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a small container has no time zones of its own
)

// Hours says when a line is open. Outside of Open, and on the days of Closed,
// callers go straight to voicemail.
type Hours struct {
	Location *time.Location // the machine's own if left out
	Open     []Span         // none: all day
	Closed   []string       // dates in Location, such as 2026-12-25; no shift begins on them either
}

// Span is a stretch of some days of the week by the clock on the wall. One
// that ends before it starts is a shift that ends on the next day.
type Span struct {
	Days     []time.Weekday // on which it begins
	From, To int            // minutes of the day: 0 ≤ From < 1440, 0 ≤ To ≤ 1440, From ≠ To
}

func (v value) hours() *Hours {
	if v.unset() {
		return nil
	}
	f, ok := v.fields("timezone", "open", "closed")
	if !ok {
		return nil
	}
	h := &Hours{Location: time.Local}
	zone := f["timezone"]
	const rightZone = `write a name of the IANA database, like "America/Boise"`
	if !zone.unset() {
		if name, ok := zone.need(rightZone); ok {
			location, err := time.LoadLocation(name)
			if err != nil {
				zone.fail("%s is not a time zone; %s", zone.quoted(), rightZone)
			}
			h.Location = location
		}
	}
	open, _ := f["open"].someItems("all day")
	for _, item := range open {
		s, ok := item.need(`write days and times, like "Mon-Fri 08:00-17:30"`)
		if !ok {
			continue
		}
		span, err := parseSpan(s)
		if err != nil {
			item.fail("%s %v", item.quoted(), err)
		}
		h.Open = append(h.Open, span)
	}
	closed, _ := f["closed"].items()
	for _, item := range closed {
		const right = `write year, month and day, like "2026-12-25"`
		s, ok := item.need(right)
		if !ok {
			continue
		}
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			item.fail("%s is not a date; %s", item.quoted(), right)
		}
		h.Closed = append(h.Closed, s)
	}
	return h
}

const (
	dayPattern  = `(Mon|Tue|Wed|Thu|Fri|Sat|Sun)`
	timePattern = `([0-9]{2}):([0-9]{2})`
)

var spanPattern = regexp.MustCompile(`^` + dayPattern + `(?:-` + dayPattern + `)? ` + timePattern + `-` + timePattern + `$`)

var weekdays = map[string]time.Weekday{
	"Mon": time.Monday, "Tue": time.Tuesday, "Wed": time.Wednesday, "Thu": time.Thursday,
	"Fri": time.Friday, "Sat": time.Saturday, "Sun": time.Sunday,
}

// parseSpan reads "Mon-Fri 08:00-17:30", or "Fri 22:00-02:00" for a shift that
// ends on Saturday. Days may run over the weekend ("Fri-Mon"); a day may end at
// 24:00.
func parseSpan(s string) (Span, error) {
	m := spanPattern.FindStringSubmatch(s)
	if m == nil {
		return Span{}, errors.New(`is not days and times; write it like "Mon-Fri 08:00-17:30" or "Sat 10:00-14:00"`)
	}
	var span Span
	last := m[2]
	if last == "" {
		last = m[1]
	}
	for day := weekdays[m[1]]; ; day = (day + 1) % 7 {
		span.Days = append(span.Days, day)
		if day == weekdays[last] {
			break
		}
	}
	span.From, span.To = minutes(m[3], m[4]), minutes(m[5], m[6])
	switch {
	case span.From < 0 || span.To < 0:
		return Span{}, errors.New("has a time that no clock shows; write times from 00:00 to 24:00")
	case span.From == span.To:
		days, _, _ := strings.Cut(s, " ")
		return Span{}, fmt.Errorf("ends when it starts; for all day, write %q", days+" 00:00-24:00")
	case span.From == 24*60:
		return Span{}, errors.New("starts when the day is over; write it as the next day's, from 00:00")
	}
	return span, nil
}

// minutes is a time as minutes of the day, or -1.
func minutes(hour, minute string) int {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	if m > 59 || h*60+m > 24*60 {
		return -1
	}
	return h*60 + m
}
