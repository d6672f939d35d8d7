package spool

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestPostponedInputIsOfferedLater(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, nil)
		var taken []Entry
		offered := func(after time.Duration) int {
			t.Helper()
			time.Sleep(after)
			s.Scan(take(&taken, Taken))
			return len(taken)
		}
		if offered(0) != 1 {
			t.Fatal("not offered")
		}
		entry := Entry{"d", "a"}
		s.Postpone(entry, time.Now().Add(time.Minute))
		if offered(0) != 1 || offered(50*time.Second) != 1 {
			t.Error("offered before the time")
		}
		if offered(11*time.Second) != 2 {
			t.Error("not offered after the time")
		}
		// The time can be changed.
		s.Postpone(entry, time.Now().Add(time.Hour))
		if offered(time.Minute) != 2 {
			t.Error("offered before the second time")
		}
		s.Postpone(entry, time.Now())
		if offered(time.Millisecond) != 3 {
			t.Error("not offered after the time was changed")
		}
		// It is dropped when it has an output, or is gone.
		s.Postpone(entry, time.Now().Add(time.Minute))
		write(t, dir, "d/a.out", "answer")
		if offered(2*time.Minute) != 3 || len(s.tracked) != 0 {
			t.Errorf("offered although it has an output, %d tracked", len(s.tracked))
		}
	})
}

func TestAdvanceLeavesInputInFlight(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, nil)
		entry := Entry{"d", "a"}
		if !s.Advance(entry, time.Now()) {
			t.Error("an unknown input is in flight")
		}
		var taken []Entry
		s.Scan(take(&taken, Taken))
		if s.Advance(entry, time.Now()) {
			t.Error("advanced in flight")
		}
		time.Sleep(time.Second)
		if s.Scan(take(&taken, Taken)); len(taken) != 1 {
			t.Error("offered again in flight")
		}
		s.Postpone(entry, time.Now().Add(time.Hour))
		if !s.Advance(entry, time.Now()) {
			t.Error("not advanced")
		}
		time.Sleep(time.Second)
		if s.Scan(take(&taken, Taken)); len(taken) != 2 {
			t.Error("not offered after it was advanced")
		}
	})
}

func TestHasOutput(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	s := open(t, dir, nil)
	scanAll(s)
	for n, test := range []struct {
		change func() error
		want   bool
	}{
		{func() error { return nil }, false},
		{func() error { return os.WriteFile(filepath.Join(dir, "d", "a.out"), nil, 0o644) }, false},
		{func() error { return os.WriteFile(filepath.Join(dir, "d", "a.out"), []byte("x"), 0o644) }, true},
	} {
		if err := test.change(); err != nil {
			t.Fatal(err)
		}
		if got, err := s.HasOutput(Entry{"d", "a"}); got != test.want || err != nil {
			t.Errorf("%d: %v, %v", n, got, err)
		}
	}
	if _, err := s.HasOutput(Entry{"missing", "a"}); err == nil {
		t.Error("no error for a missing directory")
	}
}
