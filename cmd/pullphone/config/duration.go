package config

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var bareNumber = regexp.MustCompile(`^[+-]?[0-9.]+$`)

var days = regexp.MustCompile(`(\d+(?:\.\d*)?|\.\d+)d`)

// ParseDuration reads a length of time as the config file has it: as
// [time.ParseDuration] does, and with d for a day of 24 hours, so "90s", "90d" and
// "1d12h". Its error completes a sentence that begins with the text itself.
func ParseDuration(s string) (time.Duration, error) {
	if bareNumber.MatchString(s) && s != "0" {
		return 0, errors.New(`has no unit; write a length of time like "90s", "2m" or "90d"`)
	}
	hours := days.ReplaceAllStringFunc(s, func(day string) string {
		n, err := strconv.ParseFloat(strings.TrimSuffix(day, "d"), 64)
		if err != nil {
			return day
		}
		return strconv.FormatFloat(n*24, 'f', -1, 64) + "h"
	})
	d, err := time.ParseDuration(hours)
	if err != nil {
		return 0, errors.New(`is not a length of time; write one like "90s", "2m", "90d" or "1d12h"`)
	}
	return d, nil
}
