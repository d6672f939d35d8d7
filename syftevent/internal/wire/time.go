package wire

import (
	"errors"
	"math"
	"strconv"
	"time"
)

// layouts are the forms of a time that the Python package accepts in a string.
// time.Parse takes a fraction of a second where a layout has none. A time
// without an offset is UTC.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02",
}

// millisecondsFrom is where the Python package begins to take a number for
// milliseconds since 1970 instead of seconds.
const millisecondsFrom = 2e10

// The range of Python's datetime, which is also what four digits can show.
const minYear, maxYear = 1, 9999

var errTime = errors.New("must be a time such as 2026-01-31T12:00:00Z")

// parseTime reads a time as text, or a number of seconds or milliseconds since
// 1970. What is finer than a microsecond is cut off.
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
		// The zero time stands for an absent field. Nanoseconds are not written.
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
	// Beyond this lies no year that can be shown, and int64 overflows.
	if math.Abs(seconds) > 1e12 {
		return time.Time{}, errTime
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1e3).UTC(), nil
}

// appendTime writes a time as Python's isoformat does: an offset and never Z, a
// fraction of six digits or, when it is zero, none.
func appendTime(dst []byte, t time.Time) []byte {
	layout := "2006-01-02T15:04:05.000000-07:00"
	if t.Nanosecond() < int(time.Microsecond) {
		layout = "2006-01-02T15:04:05-07:00"
	}
	return t.AppendFormat(dst, layout)
}
