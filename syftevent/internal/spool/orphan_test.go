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
		"pair.in", "pair.out", "asks.in", "alone.out", "back.out", "late.in",
		"x.conflict.in", "x.conflict.out", "x.rejected.out", "asks.conflict.in", "asks.conflict.out", ".hidden.out", ".hidden.in", "notes.txt",
	} {
		write(t, dir, "d", name, asked)
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
		write(t, dir, "d/back.in", asked) // after a minute, nearly
		write(t, dir, "d/late.out", asked)
		os.Remove(filepath.Join(dir, "d/late.in"))
		scan(5, time.Second)
		want := []string{"d/.hidden.in", "d/.hidden.out", "d/asks.conflict.in", "d/asks.conflict.out", "d/asks.in", "d/back.in", "d/back.out", "d/late.out",
			"d/link.out", "d/notes.txt", "d/pair.in", "d/pair.out", "d/x.rejected.out"}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" || removed != 3 {
			t.Errorf("%d removed (-want +got):\n%s", removed, diff)
		}
		// A request that goes and comes back begins the delay anew.
		os.Remove(filepath.Join(dir, "d/back.in"))
		scan(30, time.Second)
		write(t, dir, "d/back.in", asked)
		scan(1, time.Second)
		os.Remove(filepath.Join(dir, "d/back.in"))
		scan(40, time.Second)
		if _, err := os.Lstat(filepath.Join(dir, "d/back.out")); err != nil {
			t.Errorf("removed though its request was there meanwhile: %v", err)
		}
		if _, err := os.Lstat(filepath.Join(dir, "d/late.out")); err == nil {
			t.Error("an orphan is there for more than a minute")
		}
		scan(40, time.Second)
		if s.orphans.count != 0 || len(s.orphans.since) != 0 {
			t.Errorf("%d orphans remembered", s.orphans.count)
		}
		// A directory that does not change is not listed for it.
		if did := s.Scan(func(Entry) Verdict { return Refused }); did.Full || did.Listed > 1 { // asks.in is offered again
			t.Errorf("%+v", did)
		}
	})
}

func TestScanKeepsOrphansWithoutADelay(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/alone.out", asked)
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

// What takes the name of an orphan since the listing is no orphan.
func TestScanChecksForTheInputBeforeItRemovesAnOrphan(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/alone.out", asked)
	synctest.Test(t, func(t *testing.T) {
		s, f := faulty(t, dir, native{}, withOrphans)
		found(s)
		time.Sleep(2 * time.Minute)
		f.onList = func(name string, _ *listing) {
			if name == "d" {
				write(t, dir, "d/alone.in", asked)
			}
		}
		found(s)
		if diff := cmp.Diff([]string{"d/alone.in", "d/alone.out"}, tree(t, dir)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Senders choose how many there are.
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
				t.Fatalf("%d orphans remembered", s.orphans.count)
			}
			time.Sleep(time.Minute)
		}
		if left := tree(t, dir); len(left) != 0 {
			t.Errorf("%d are left", len(left))
		}
	})
}
