package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func withOrphans(o *Options) {
	o.Ignore = func(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, ".conflict.") }
	o.Orphan = func(name string) (string, bool) {
		stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".in"), ".out"), ".conflict")
		return stem, !strings.HasPrefix(name, ".") && !strings.Contains(name, ".rejected.")
	}
	o.OrphanDelay = time.Minute
}

func TestScanRemovesOldOrphans(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"pair.in", "pair.out", "pending.in", "alone.out", "back.out", "late.in",
		"x.conflict.in", "x.conflict.out", "x.rejected.out", "pending.conflict.in", "pending.conflict.out", ".hidden.out", ".hidden.in", "notes.txt",
	} {
		write(t, dir, "d", name, sampleInput)
	}
	if err := os.Symlink("notes.txt", filepath.Join(dir, "d/link.out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d/folder.out"), 0o755); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, withOrphans)
		removed := 0
		scan := func(count int, pause time.Duration) {
			for range count {
				removed += s.Scan(func(Entry) Verdict { return Refused }).Orphans
				time.Sleep(pause)
			}
		}
		scan(59, time.Second)
		write(t, dir, "d/back.in", sampleInput) // after almost a minute
		write(t, dir, "d/late.out", sampleInput)
		os.Remove(filepath.Join(dir, "d/late.in"))
		scan(5, time.Second)
		want := []string{"d/.hidden.in", "d/.hidden.out", "d/back.in", "d/back.out", "d/late.out",
			"d/link.out", "d/notes.txt", "d/pair.in", "d/pair.out", "d/pending.conflict.in", "d/pending.conflict.out", "d/pending.in", "d/x.rejected.out"}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" || removed != 3 {
			t.Errorf("%d removed (-want +got):\n%s", removed, diff)
		}
		// An input that is removed and written again restarts the delay.
		os.Remove(filepath.Join(dir, "d/back.in"))
		scan(30, time.Second)
		write(t, dir, "d/back.in", sampleInput)
		scan(1, time.Second)
		os.Remove(filepath.Join(dir, "d/back.in"))
		scan(40, time.Second)
		if _, err := os.Lstat(filepath.Join(dir, "d/back.out")); err != nil {
			t.Errorf("removed although its input existed meanwhile: %v", err)
		}
		if _, err := os.Lstat(filepath.Join(dir, "d/late.out")); err == nil {
			t.Error("an orphan still exists after more than a minute")
		}
		scan(40, time.Second)
		if s.orphans.count != 0 || len(s.orphans.since) != 0 {
			t.Errorf("%d orphans tracked", s.orphans.count)
		}
		// An unchanged directory is not listed for its orphans.
		if did := s.Scan(func(Entry) Verdict { return Refused }); did.Full || did.Listed > 1 { // pending.in is offered again
			t.Errorf("%+v", did)
		}
	})
}

func TestScanKeepsOrphansWithoutADelay(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/alone.out", sampleInput)
	synctest.Test(t, func(t *testing.T) {
		for _, change := range []func(*Options){nil, func(o *Options) { withOrphans(o); o.OrphanDelay = -1 }} {
			s := open(t, dir, change)
			for range 10 {
				s.Scan(func(Entry) Verdict { return Refused })
				time.Sleep(time.Hour)
			}
			if diff := cmp.Diff([]string{"d/alone.out"}, tree(t, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
}

// A file whose input appeared after the listing is not an orphan.
func TestScanChecksForTheInputBeforeItRemovesAnOrphan(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/alone.out", sampleInput)
	synctest.Test(t, func(t *testing.T) {
		s, f := faulty(t, dir, native{}, withOrphans)
		found(s)
		time.Sleep(2 * time.Minute)
		f.onList = func(name string, _ *listing) {
			if name == "d" {
				write(t, dir, "d/alone.in", sampleInput)
			}
		}
		found(s)
		if diff := cmp.Diff([]string{"d/alone.in", "d/alone.out"}, tree(t, dir)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Others choose how many orphans there are.
func TestOrphansAreBounded(t *testing.T) {
	dir := t.TempDir()
	const folders, each = 3, maxOrphans/2 - 1
	for n := range folders * each {
		write(t, dir, fmt.Sprint(n%folders), fmt.Sprint(n, ".out"), "x")
	}
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, withOrphans)
		for range 6 {
			found(s)
			if s.orphans.count > maxOrphans {
				t.Fatalf("%d orphans tracked", s.orphans.count)
			}
			time.Sleep(time.Minute)
		}
		if left := tree(t, dir); len(left) != 0 {
			t.Errorf("%d are left", len(left))
		}
	})
}
