package wire

import (
	"testing"
)

func TestDecodesTimes(t *testing.T) {
	tests := []struct{ given, want string }{
		{`"2026-11-23T11:55:00.040573+00:00"`, "2026-11-23T11:55:00.040573+00:00"},
		{`"2026-11-23T11:59:43.41992149Z"`, "2026-11-23T11:59:43.419921+00:00"},
		{`"2026-11-23T11:59:43Z"`, "2026-11-23T11:59:43+00:00"},
		{`"2026-11-23 11:59:43.5-05:30"`, "2026-11-23T11:59:43.500000-05:30"},
		{`"2026-11-23T11:59:43.5"`, "2026-11-23T11:59:43.500000+00:00"},
		{`"2026-11-23t11:59z"`, "2026-11-23T11:59:00+00:00"},
		{`"2030-01-01"`, "2030-01-01T00:00:00+00:00"},
		{`0`, "1970-01-01T00:00:00+00:00"},
		{`1700000000.25`, "2023-11-14T22:13:20.250000+00:00"},
		{`1700000000250`, "2023-11-14T22:13:20.250000+00:00"},
		{`"1700000000"`, "2023-11-14T22:13:20+00:00"},
	}
	for _, test := range tests {
		r, err := DecodeRequest([]byte(`{` + minimal + `,"created":` + test.given + `}`))
		if err != nil {
			t.Errorf("%s: %v", test.given, err)
			continue
		}
		if got := string(appendTime(nil, r.Created)); got != test.want {
			t.Errorf("%s: encoded as %s, want %s", test.given, got, test.want)
		}
	}
	for _, given := range []string{`"NaN"`, `1e300`, `"0000-01-01"`, `true`, `"2026-13-01"`, `""`} {
		if r, err := DecodeRequest([]byte(`{` + minimal + `,"created":` + given + `}`)); err == nil {
			t.Errorf("%s: decoded as %v, want an error", given, r.Created)
		}
	}
}

// The zero time in a file is distinct from the zero time that means an absent field.
func TestDecodesZeroTimeAsPresent(t *testing.T) {
	for _, text := range []string{`"0001-01-01T00:00:00Z"`, `"0001-01-01"`, `"0001-01-01T05:00:00+05:00"`, `-62135596800000`} {
		r, err := DecodeRequest([]byte(`{` + minimal + `,"created":` + text + `,"expires":` + text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if r.Created.IsZero() || r.Expires.IsZero() || r.Expires.UTC().Year() != 1 {
			t.Errorf("%s: created %v, expires %v, want non-zero times in year 1", text, r.Created, r.Expires)
		}
	}
	r, err := DecodeRequest([]byte(`{` + minimal + `,"expires":"0001-01-01T00:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(appendTime(nil, r.Expires)); got != "0001-01-01T00:00:00+00:00" {
		t.Errorf("encoded as %s", got)
	}
}
