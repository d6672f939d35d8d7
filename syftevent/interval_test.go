package syftevent

import (
	"strings"
	"testing"
	"time"
)

func TestParseInterval(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"1d": day, "1D": day, "2h": 2 * time.Hour, "30m": 30 * time.Minute, "45s": 45 * time.Second,
		"1d2h30m": day + 2*time.Hour + 30*time.Minute, "2h15m30s": 2*time.Hour + 15*time.Minute + 30*time.Second,
		"1d12h30m45s": day + 12*time.Hour + 30*time.Minute + 45*time.Second, "1D2H": day + 2*time.Hour,
		"0d1s": time.Second, "90m": 90 * time.Minute, "106751d": 106751 * day, "007s": 7 * time.Second,
	} {
		if got, err := ParseInterval(text); got != want || err != nil {
			t.Errorf("ParseInterval(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0s", "0d0h", "1.5h", "-1d", "+1d", "1d garbage", " 1d", "1d ", "1 d", "1d,2h", "5", "h", "1w", "10min", "1ms",
		"1d1d", "1h1d", "9999999d", "106752d", "106751d23h59m", "99999999999999999999s", "٣d", "1d\n"} {
		got, err := ParseInterval(text)
		if err == nil {
			t.Errorf("ParseInterval(%q) = %v, want an error", text, got)
		} else if !strings.Contains(err.Error(), "such as 1d") || !strings.HasPrefix(err.Error(), "syftevent: bad interval ") {
			t.Errorf("ParseInterval(%q): %v does not say what is allowed", text, err)
		}
	}
}

func FuzzParseInterval(f *testing.F) {
	for _, seed := range []string{"1d2h30m", "2h15m30s", "1.5h", "9999999d", "0s", "1D"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseInterval(text)
		if err != nil {
			return
		}
		if d <= 0 {
			t.Errorf("ParseInterval(%q) = %v", text, d)
		}
		if again, err := ParseInterval(strings.ToUpper(text)); again != d || err != nil {
			t.Errorf("ParseInterval(%q) = %v, %v in upper case", text, again, err)
		}
	})
}
