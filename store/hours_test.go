package store_test

import (
	"fmt"
	"testing"
	"time"

	"pullphone/store"
)

// openSpan is a span of hours, written like "22:00-02:00".
func openSpan(times string, days ...time.Weekday) store.Span {
	var h, m, toH, toM int
	if n, err := fmt.Sscanf(times, "%d:%d-%d:%d", &h, &m, &toH, &toM); n != 4 {
		panic(err)
	}
	return store.Span{Days: days, From: h*60 + m, To: toH*60 + toM}
}

var (
	everyDay = []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
	workdays = everyDay[1:6]
)

// The offset behind a time says which of two equal times in autumn is meant.
var hoursTable = []struct {
	name   string
	zone   string
	spans  []store.Span
	closed []string
	open   []string // moments
	shut   []string
}{
	{
		name: "opening and closing to the minute", zone: "America/Boise",
		spans: []store.Span{openSpan("08:00-17:30", workdays...), openSpan("10:00-14:00", time.Saturday)},
		open: []string{"2026-03-02T08:00:00-07:00", "2026-03-02T17:29:59-07:00", "2026-03-06T12:00:00-07:00",
			"2026-03-07T10:00:00-07:00", "2026-03-07T13:59:59-07:00"},
		shut: []string{"2026-03-02T07:59:59-07:00", "2026-03-02T17:30:00-07:00", "2026-03-07T09:59:59-07:00",
			"2026-03-07T14:00:00-07:00", "2026-03-01T12:00:00-07:00"},
	},
	{
		name: "until midnight", zone: "America/Boise",
		spans: []store.Span{openSpan("22:00-24:00", time.Friday), openSpan("18:00-00:00", time.Sunday)},
		open:  []string{"2026-03-06T23:59:59-07:00", "2026-03-08T23:59:59-06:00"},
		shut:  []string{"2026-03-07T00:00:00-07:00", "2026-03-06T00:00:00-07:00", "2026-03-09T00:00:00-06:00", "2026-03-08T00:00:00-07:00"},
	},
	{
		name: "all day but on holidays", zone: "America/Boise", closed: []string{"2026-12-25", "2027-01-01"},
		open: []string{"2026-12-24T23:59:59-07:00", "2026-12-26T00:00:00-07:00", "2025-12-25T12:00:00-07:00"},
		shut: []string{"2026-12-25T00:00:00-07:00", "2026-12-25T23:59:59-07:00", "2027-01-01T12:00:00-07:00"},
	},
	{
		name: "a holiday is a date where the line is", zone: "Asia/Kolkata",
		spans: []store.Span{openSpan("00:00-24:00", everyDay...)}, closed: []string{"2026-01-26"},
		open: []string{"2026-01-25T23:59:59+05:30", "2026-01-27T00:00:00+05:30"},
		shut: []string{"2026-01-26T00:00:00+05:30", "2026-01-26T23:59:59+05:30"},
	},
	{
		name: "half an hour off", zone: "Asia/Kolkata", spans: []store.Span{openSpan("09:30-18:00", workdays...)},
		open: []string{"2026-03-02T09:30:00+05:30", "2026-03-06T17:59:59+05:30"},
		shut: []string{"2026-03-02T09:29:59+05:30", "2026-03-06T18:00:00+05:30", "2026-03-07T10:00:00+05:30"},
	},
	{
		name: "a shift past midnight", zone: "Europe/Berlin", spans: []store.Span{openSpan("22:00-02:00", time.Friday)},
		open: []string{"2026-03-06T22:00:00+01:00", "2026-03-06T23:59:59+01:00", "2026-03-07T00:00:00+01:00", "2026-03-07T01:59:59+01:00"},
		shut: []string{"2026-03-06T21:59:59+01:00", "2026-03-07T02:00:00+01:00", "2026-03-07T22:00:00+01:00",
			"2026-03-06T00:00:00+01:00", "2026-03-06T01:59:59+01:00"},
	},
	{
		name: "a shift over the end of the week", zone: "America/Boise", spans: []store.Span{openSpan("20:00-04:30", time.Saturday, time.Sunday)},
		open: []string{"2026-03-14T20:00:00-06:00", "2026-03-15T04:29:59-06:00", "2026-03-15T20:00:00-06:00", "2026-03-16T00:00:00-06:00",
			"2026-03-16T04:29:59-06:00"},
		shut: []string{"2026-03-14T04:29:59-06:00", "2026-03-15T04:30:00-06:00", "2026-03-15T19:59:59-06:00", "2026-03-16T04:30:00-06:00",
			"2026-03-16T20:00:00-06:00"},
	},
	{
		name: "shifts around a holiday", zone: "Europe/Berlin", spans: []store.Span{openSpan("22:00-02:00", everyDay...)}, closed: []string{"2026-12-25"},
		open: []string{"2026-12-24T01:59:59+01:00", "2026-12-24T23:59:59+01:00", "2026-12-26T22:00:00+01:00", "2026-12-27T01:00:00+01:00"},
		shut: []string{"2026-12-25T00:00:00+01:00", "2026-12-25T01:00:00+01:00", "2026-12-25T22:00:00+01:00", "2026-12-26T00:00:00+01:00",
			"2026-12-26T01:59:59+01:00"},
	},
	{
		name: "Boise in spring: 02:00 to 03:00 does not exist", zone: "America/Boise",
		spans: []store.Span{openSpan("01:00-03:00", time.Sunday), openSpan("08:00-17:30", everyDay...)},
		open: []string{"2026-03-08T01:00:00-07:00", "2026-03-08T01:59:59-07:00",
			"2026-03-07T08:00:00-07:00", "2026-03-08T08:00:00-06:00", "2026-03-08T17:29:59-06:00"},
		shut: []string{"2026-03-08T00:59:59-07:00", "2026-03-08T03:00:00-06:00",
			"2026-03-07T07:59:59-07:00", "2026-03-08T07:59:59-06:00", "2026-03-08T17:30:00-06:00"},
	},
	{
		name: "Boise in spring: opening within the gap", zone: "America/Boise", spans: []store.Span{openSpan("02:30-03:30", time.Sunday)},
		open: []string{"2026-03-08T03:00:00-06:00", "2026-03-08T03:29:59-06:00"},
		shut: []string{"2026-03-08T01:59:59-07:00", "2026-03-08T03:30:00-06:00"},
	},
	{
		name: "Boise in autumn: 01:00 to 02:00 comes twice", zone: "America/Boise",
		spans: []store.Span{openSpan("01:00-03:00", time.Sunday), openSpan("08:00-17:30", everyDay...)},
		open: []string{"2026-11-01T01:00:00-06:00", "2026-11-01T01:59:59-06:00", "2026-11-01T01:00:00-07:00", "2026-11-01T02:59:59-07:00",
			"2026-10-31T08:00:00-06:00", "2026-11-01T08:00:00-07:00", "2026-11-01T17:29:59-07:00"},
		shut: []string{"2026-11-01T00:59:59-06:00", "2026-11-01T03:00:00-07:00",
			"2026-10-31T07:59:59-06:00", "2026-11-01T07:59:59-07:00", "2026-11-01T17:30:00-07:00"},
	},
	{
		name: "Boise in autumn: a shift that ends in the hour that comes twice", zone: "America/Boise",
		spans: []store.Span{openSpan("22:00-01:30", time.Saturday)},
		open:  []string{"2026-10-31T22:00:00-06:00", "2026-11-01T01:29:59-06:00", "2026-11-01T01:00:00-07:00", "2026-11-01T01:29:59-07:00"},
		shut:  []string{"2026-11-01T01:30:00-06:00", "2026-11-01T01:30:00-07:00", "2026-11-01T02:00:00-07:00"},
	},
	{
		name: "Berlin in spring: 02:00 to 03:00 does not exist", zone: "Europe/Berlin",
		spans: []store.Span{openSpan("22:00-04:00", time.Saturday), openSpan("08:00-17:30", everyDay...)},
		open: []string{"2026-03-28T22:00:00+01:00", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:59:59+02:00",
			"2026-03-28T08:00:00+01:00", "2026-03-29T08:00:00+02:00", "2026-03-29T17:29:59+02:00"},
		shut: []string{"2026-03-29T04:00:00+02:00", "2026-03-28T07:59:59+01:00", "2026-03-29T07:59:59+02:00", "2026-03-29T17:30:00+02:00"},
	},
	{
		name: "Berlin in spring: closing within the gap", zone: "Europe/Berlin", spans: []store.Span{openSpan("22:00-02:30", time.Saturday)},
		open: []string{"2026-03-29T01:59:59+01:00"},
		shut: []string{"2026-03-29T03:00:00+02:00"},
	},
	{
		name: "Berlin in autumn: 02:00 to 03:00 comes twice", zone: "Europe/Berlin",
		spans: []store.Span{openSpan("22:00-04:00", time.Saturday), openSpan("08:00-17:30", everyDay...)},
		open: []string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:59:59+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:59:59+01:00",
			"2026-10-24T08:00:00+02:00", "2026-10-25T08:00:00+01:00", "2026-10-25T17:29:59+01:00"},
		shut: []string{"2026-10-25T04:00:00+01:00", "2026-10-24T07:59:59+02:00", "2026-10-25T07:59:59+01:00", "2026-10-25T17:30:00+01:00"},
	},
	{
		name: "Berlin in autumn: a holiday of 25 hours", zone: "Europe/Berlin", closed: []string{"2026-10-25"},
		open: []string{"2026-10-24T23:59:59+02:00", "2026-10-26T00:00:00+01:00"},
		shut: []string{"2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T23:59:59+01:00"},
	},
	{
		name: "Havana in spring: a Sunday without a midnight", zone: "America/Havana",
		spans: []store.Span{openSpan("22:00-02:00", time.Sunday)}, closed: []string{"2026-03-07"},
		open: []string{"2026-03-08T22:00:00-04:00", "2026-03-09T00:30:00-04:00", "2026-03-09T01:59:59-04:00"},
		shut: []string{"2026-03-08T01:00:00-04:00", "2026-03-08T01:30:00-04:00", "2026-03-09T02:00:00-04:00"},
	},
}

func TestHours(t *testing.T) {
	for _, tt := range hoursTable {
		location, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		hours := &store.Hours{Location: location, Spans: tt.spans, Closed: tt.closed}
		see := func(moments []string, want bool) {
			for _, moment := range moments {
				at, err := time.Parse(time.RFC3339, moment)
				if err != nil || at.In(location).Format(time.RFC3339) != moment {
					t.Fatalf("%s: no clock in %s shows %s: %v", tt.name, tt.zone, moment, err)
				}
				if got := hours.Open(at.UTC()); got != want {
					t.Errorf("%s: open at %s: %t", tt.name, moment, got)
				}
			}
		}
		see(tt.open, true)
		see(tt.shut, false)
	}
}

func TestNoHours(t *testing.T) {
	var none *store.Hours
	if at := time.Date(2026, 12, 25, 3, 0, 0, 0, time.UTC); !none.Open(at) || !(&store.Hours{Location: time.UTC}).Open(at) {
		t.Error("a line without opening hours is closed")
	}
}
