package wire

import (
	"errors"
	"math"
	"strconv"
	"time"
)

// layouts are the time formats that the Python package accepts. time.Parse accepts
// fractional seconds with each of them. A time without an offset is in UTC.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02",
}

// millisecondsFrom is the number above which the Python package interprets a number as
// milliseconds instead of seconds since 1970.
const millisecondsFrom = 2e10

// The range of years of Python's datetime and of four digits.
const minYear, maxYear = 1, 9999

var errTime = errors.New("must be a time such as 2026-01-31T12:00:00Z")

// parseTime parses an ISO 8601 time, or a number of seconds or milliseconds since 1970.
// It truncates the time to microseconds.
func parseTime(text string) (time.Time, error) {
	t, err := parseText(text)
	if err != nil {
		t, err = parseNumber(text)
	}
	if err != nil || t.Year() < minYear || t.Year() > maxYear {
		return time.Time{}, errTime
	}
	t = t.Truncate(time.Microsecond)
	if t.IsZero() {
		// The zero time means an absent field. The encoding omits nanoseconds.
		t = t.Add(1)
	}
	return t, nil
}

func parseText(text string) (time.Time, error) {
	const date = len("2006-01-02")
	b := []byte(text)
	if len(b) > date && (b[date] == ' ' || b[date] == 't') {
		b[date] = 'T'
	}
	if n := len(b); n > 0 && b[n-1] == 'z' {
		b[n-1] = 'Z'
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, string(b)); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errTime
}

func parseNumber(text string) (time.Time, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || math.IsInf(seconds, 0) {
		return time.Time{}, errTime
	}
	if math.Abs(seconds) > millisecondsFrom {
		seconds /= 1000
	}
	// Larger numbers are out of range and could overflow int64.
	if math.Abs(seconds) > 1e12 {
		return time.Time{}, errTime
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1e3).UTC(), nil
}

// appendTime appends a time in the format of Python's isoformat: with an offset, never Z,
// and with a fraction of six digits unless it is zero.
func appendTime(dst []byte, t time.Time) []byte {
	layout := "2006-01-02T15:04:05.000000-07:00"
	if t.Nanosecond() < int(time.Microsecond) {
		layout = "2006-01-02T15:04:05-07:00"
	}
	return t.AppendFormat(dst, layout)
}
