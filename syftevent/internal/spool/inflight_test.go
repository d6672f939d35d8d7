package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// take returns a function for Scan that collects the entries and returns the verdict.
func take(into *[]Entry, verdict Verdict) func(Entry) Verdict {
	return func(e Entry) Verdict {
		*into = append(*into, e)
		return verdict
	}
}

func TestScanDoesNotOfferInputsInFlight(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	s := open(t, dir, nil)
	var taken []Entry
	for range 3 {
		s.Scan(take(&taken, Taken))
	}
	entry := Entry{"d", "a"}
	if diff := cmp.Diff([]Entry{entry}, taken); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	// Nor if its directory was missing meanwhile.
	away := filepath.Join(t.TempDir(), "away")
	os.Rename(filepath.Join(dir, "d"), away)
	s.Scan(take(&taken, Taken))
	os.Rename(away, filepath.Join(dir, "d"))
	s.Scan(take(&taken, Taken))
	if len(taken) != 1 {
		t.Fatalf("offered again: %v", taken)
	}
	s.Done(entry)
	s.Scan(take(&taken, Taken))
	if len(taken) != 2 {
		t.Errorf("not offered again after Done: %v", taken)
	}
	s.Done(entry)
	write(t, dir, "d/a.out", "answer")
	s.Scan(take(&taken, Taken))
	if len(taken) != 2 || len(s.tracked) != 0 {
		t.Errorf("offered %v although it has an output, %d still tracked", taken, len(s.tracked))
	}
}

// An input that is done while its directory is listed may have an output that the
// listing does not show.
func TestScanDistrustsAListingOlderThanTheOutput(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	s, f := faulty(t, dir, native{}, nil)
	var taken []Entry
	s.Scan(take(&taken, Taken))
	f.onList = func(dir string, _ *listing) {
		if dir == "d" {
			s.Done(Entry{"d", "a"})
		}
	}
	s.Scan(take(&taken, Taken))
	if len(taken) != 1 {
		t.Errorf("offered by a listing that had begun before: %v", taken)
	}
	f.onList = nil
	s.Scan(take(&taken, Taken))
	if len(taken) != 2 {
		t.Errorf("not offered by the next listing: %v", taken)
	}
}

// Without room a scan offers no more inputs of a directory, and continues with the others.
func TestScanStopsOfferingWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	for n := range 100 {
		write(t, dir, "many", fmt.Sprint(n, ".in"), sampleInput)
	}
	write(t, dir, "few/a.in", sampleInput)
	s := open(t, dir, nil)
	offered := map[string]int{}
	s.Scan(func(e Entry) Verdict {
		offered[e.Dir]++
		if e.Dir == "many" && offered[e.Dir] > 10 {
			return NoRoom
		}
		return Taken
	})
	if diff := cmp.Diff(map[string]int{"many": 11, "few": 1}, offered); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(s.tracked["many"]); n != 10 {
		t.Errorf("%d files are tracked, want the 10 that were taken", n)
	}
	var rest []Entry
	s.Scan(take(&rest, Taken))
	if len(rest) != 90 {
		t.Errorf("%d are offered later, want 90", len(rest))
	}
}

func TestScanActiveScansDirectoriesWithActivity(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/e/a.in", sampleInput)
	write(t, dir, "quiet/first.out", sampleInput)
	s := open(t, dir, nil)
	synctest.Test(t, func(t *testing.T) {
		var taken []Entry
		s.Scan(take(&taken, Taken))
		write(t, dir, "d/e/b.in", sampleInput)
		write(t, dir, "d/new/c.in", sampleInput) // a directory beside the active one
		write(t, dir, "quiet/d.in", sampleInput)
		taken = nil
		s.ScanActive(take(&taken, Taken))
		s.ScanActive(take(&taken, Taken)) // scans the new directory
		got := map[string]bool{}
		for _, e := range taken {
			got[e.String()] = true
		}
		if !got["d/e/b"] || got["quiet/d"] {
			t.Errorf("taken: %v", taken)
		}
		time.Sleep(activeFor + time.Millisecond)
		write(t, dir, "d/e/f.in", sampleInput)
		taken = nil
		s.ScanActive(take(&taken, Taken))
		if taken != nil {
			t.Errorf("after a second: %v", taken)
		}
		write(t, dir, "d/e/b.out", "answer")
		s.Done(Entry{"d/e", "b"}) // the reader of the output may write the next input
		s.ScanActive(take(&taken, Taken))
		if diff := cmp.Diff([]Entry{{"d/e", "f"}}, taken); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// An unwanted directory is scanned once a second at most.
func TestScansUnwantedDirectoriesRarely(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "wanted/first.out", "x")
	write(t, dir, "other/first.out", "x")
	s := open(t, dir, func(o *Options) { o.Wanted = func(dir string) bool { return dir != "other" } })
	synctest.Test(t, func(t *testing.T) {
		found(s)
		write(t, dir, "wanted/a.in", sampleInput)
		write(t, dir, "other/b.in", sampleInput)
		time.Sleep(900 * time.Millisecond)
		if diff := cmp.Diff([]string{"wanted/a"}, found(s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		time.Sleep(100 * time.Millisecond)
		if diff := cmp.Diff([]string{"other/b", "wanted/a"}, found(s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Inputs that are done are not tracked, even if there is never room for all.
func TestScanForgetsWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	for round := range 20 {
		for n := range 10 {
			write(t, dir, fmt.Sprintf("%d-%d.in", round, n), sampleInput)
		}
		var taken []Entry
		s.Scan(func(e Entry) Verdict {
			if len(taken) == 5 {
				return NoRoom
			}
			taken = append(taken, e)
			return Taken
		})
		for _, e := range taken {
			write(t, dir, e.Stem+".out", "answer")
			s.Done(e)
		}
	}
	if n := len(s.tracked["."]); n > 20 {
		t.Errorf("%d files are tracked", n)
	}
}

// A file that cannot be read costs little: its directory is listed rarely and does not
// stay active.
func TestScanReadsUnreadableFilesRarely(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	s, f := faulty(t, dir, native{}, nil)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		for time.Since(began) < 5*time.Minute {
			s.Scan(func(e Entry) Verdict {
				s.wait(e, [32]byte{}, time.Now(), longPause) // as Read does
				s.Done(e)
				return Taken
			})
			if time.Since(began) == 4*time.Minute {
				clear(f.listed)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if s.Active() {
			t.Error("its directory is still active")
		}
		if n := f.listed["d"]; n > 10 {
			t.Errorf("listed %d times in a minute", n)
		}
	})
}
