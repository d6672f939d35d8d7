package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

const fewListed = 100

func withFewListed(o *Options) {
	withOrphans(o)
	o.Orphan = func(name string) (string, bool) {
		stem, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(name, ".in"), ".out"), ".conflict.")
		return stem, true
	}
	o.MaxListed = fewListed
}

// Each name is in one part, a pair is in the same part, and no part is larger than the
// limit, even if all names share a stem.
func TestPartsCoverEachNameOnce(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for n := range 3 * fewListed {
		for _, name := range []string{fmt.Sprint("pair", n, ".in"), fmt.Sprint("pair", n, ".out"), fmt.Sprint("x.conflict.", n, ".in")} {
			write(t, dir, "d", name, "")
			want = append(want, name)
		}
	}
	slices.Sort(want)
	eachBase(t, func(t *testing.T, base fileSystem) {
		s := open(t, dir, withFewListed)
		found(s)
		var got []string
		for rest := []rootfs.Section{{}}; len(rest) > 0; {
			next := rest[len(rest)-1]
			names := s.listing
			names.reset(next)
			if err := base.list(s, s.directories.get("d"), names); err != nil {
				t.Fatal(err)
			}
			rest = names.Rest(next, rest[:len(rest)-1])
			if n := cap(names.Entries); n > 2*fewListed {
				t.Fatalf("memory for %d names, want %d at most", n, 2*fewListed)
			}
			var here []string
			for _, e := range names.Entries {
				here = append(here, string(names.Name(e)))
			}
			for _, name := range here {
				if stem, ok := strings.CutSuffix(name, ".in"); ok && !strings.Contains(name, "conflict") && !slices.Contains(here, stem+".out") {
					t.Errorf("%s.out is in another part than %s", stem, name)
				}
			}
			for _, name := range want {
				if covered := names.Covers([]byte(name)); covered != slices.Contains(here, name) {
					t.Errorf("%s: covered %v", name, covered)
				}
			}
			got = append(got, here...)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// All inputs of a huge directory get outputs, and it is not listed when nothing changes.
func TestScanFindsAllInputsOfAHugeDirectory(t *testing.T) {
	dir := t.TempDir()
	const count = 3 * fewListed
	for n := range count {
		write(t, dir, "d", fmt.Sprint(n, ".in"), sampleInput)
		write(t, dir, "d", fmt.Sprint("sub", n%50), "a.out", "x")
	}
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, withFewListed)
		published := map[string]int{}
		scan := func() (did ScanResult) {
			for !did.Done {
				slice := s.Scan(func(e Entry) Verdict {
					if len(s.listing.Entries) > fewListed {
						t.Fatalf("%d entries at once", len(s.listing.Entries))
					}
					if err := s.Publish(e, []byte("answer")); err != nil {
						t.Fatal(err)
					}
					published[e.String()]++
					return Taken
				})
				did.Listed += slice.Listed
				did.Done = slice.Done
			}
			for name := range published {
				stem, _ := strings.CutPrefix(name, "d/")
				s.Done(Entry{"d", stem})
			}
			return did
		}
		until := func(want int) {
			t.Helper()
			for range 64 {
				if scan(); len(published) == want {
					return
				}
			}
			t.Fatalf("%d of %d are published", len(published), want)
		}
		until(count)
		sub := s.directories.get("d/sub7")
		write(t, dir, "d/late.in", sampleInput)
		until(count + 1)
		for name, n := range published {
			if n != 1 {
				t.Errorf("%s: published %d times", name, n)
			}
		}
		for range 100 {
			scan()
			time.Sleep(racyWindow)
		}
		if s.Trusted() {
			s.nextFull = s.instant(time.Now()).add(time.Hour)
			if did := scan(); did.Listed != 0 {
				t.Errorf("%d directories listed although nothing has changed", did.Listed)
			}
		}
		if s.directories.get("d/sub7") != sub || sub == nil || sub.dropped {
			t.Error("a directory was dropped by a listing of another part")
		}
		os.RemoveAll(filepath.Join(dir, "d/sub7"))
		for range 64 {
			scan()
		}
		if s.directories.get("d/sub7") != nil {
			t.Error("a removed directory is still tracked")
		}
	})
}

// A full scan lists all parts, even if the mtime of the directory does not change.
func TestFullScanListsAllPartsOfAHugeDirectory(t *testing.T) {
	dir := t.TempDir()
	for n := range 3 * fewListed {
		write(t, dir, "d", fmt.Sprint(n, ".out"), "x")
	}
	s, f := faulty(t, dir, native{}, func(o *Options) { o.MaxListed = fewListed })
	f.mtime = func(string, int64) int64 { return 1 }
	synctest.Test(t, func(t *testing.T) {
		for range 50 {
			settleStamps(s)
		}
		var want, got []string
		for n := range 20 {
			write(t, dir, "d", fmt.Sprint("late", n, ".in"), sampleInput)
			want = append(want, fmt.Sprint("d/late", n))
		}
		time.Sleep(fullScanLatest)
		for range 32 {
			got = append(got, found(s)...)
			time.Sleep(time.Millisecond)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// The orphans of a huge directory are removed, and nothing else.
func TestScanRemovesTheOrphansOfAHugeDirectory(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for n := range 2 * fewListed {
		write(t, dir, "d", fmt.Sprint("alone", n, ".out"), "x")
		write(t, dir, "d", fmt.Sprint("alone", n%9, ".conflict.", n, ".in"), "x")
		for _, name := range []string{fmt.Sprint("pair", n, ".in"), fmt.Sprint("pair", n, ".out"), fmt.Sprint("pair", n%9, ".conflict.", n, ".in")} {
			write(t, dir, "d", name, "x")
			want = append(want, "d/"+name)
		}
	}
	slices.Sort(want)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, withFewListed)
		for range 200 {
			found(s)
			time.Sleep(time.Second)
		}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Mend reads all outputs of a huge directory.
func TestMendChecksAllOfAHugeDirectory(t *testing.T) {
	dir := t.TempDir()
	for n := range fewListed {
		write(t, dir, "d", fmt.Sprint(n, ".in"), sampleInput)
		write(t, dir, "d", fmt.Sprint(n, ".out"), "")
	}
	s := open(t, dir, withFewListed)
	found(s)
	m := newMender(s)
	m.pass(t.Context())
	if len(m.suspects) != fewListed {
		t.Errorf("%d torn outputs found, want %d", len(m.suspects), fewListed)
	}
}
