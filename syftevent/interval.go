package syftevent

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ParseInterval parses a duration such as "1d", "2h15m30s" or "1D2H": whole numbers with
// the units d (24 hours), h, m and s, in either case, in this order and each at most
// once. The sum must be positive.
//
// Unlike [time.ParseDuration] it accepts days, but no fractions, signs or other units.
func ParseInterval(s string) (time.Duration, error) {
	bad := func(reason string) (time.Duration, error) {
		return 0, fmt.Errorf("syftevent: bad interval %q: %s; want days, hours, minutes and seconds in this order, such as 1d, 12h or 1d2h30m", s, reason)
	}
	if s == "" {
		return bad("it is empty")
	}
	var total time.Duration
	smallest := time.Duration(math.MaxInt64)
	for rest := s; rest != ""; {
		number, unit, after, err := cutPart(rest)
		switch {
		case err != nil:
			return bad(err.Error())
		case unit >= smallest:
			return bad("units are repeated or out of order")
		case number > int64((math.MaxInt64-total)/unit):
			return bad("it is longer than 292 years")
		}
		total += time.Duration(number) * unit
		smallest, rest = unit, after
	}
	if total == 0 {
		return bad("it is zero")
	}
	return total, nil
}

var intervalUnits = map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}

// cutPart parses a number and its unit at the start of s.
func cutPart(s string) (number int64, unit time.Duration, after string, err error) {
	digits := 0
	for digits < len(s) && '0' <= s[digits] && s[digits] <= '9' {
		digit := int64(s[digits] - '0')
		if number > (math.MaxInt64-digit)/10 {
			return 0, 0, "", errors.New("a number is too large")
		}
		number = 10*number + digit
		digits++
	}
	switch {
	case digits == 0:
		return 0, 0, "", fmt.Errorf("want a number at %q", s)
	case digits == len(s):
		return 0, 0, "", fmt.Errorf("the number %s has no unit", s)
	}
	unit, ok := intervalUnits[s[digits]|0x20] // in lower case
	if !ok {
		return 0, 0, "", fmt.Errorf("unknown unit %q", s[digits:digits+1])
	}
	return number, unit, s[digits+1:], nil
}
