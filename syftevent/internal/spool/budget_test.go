package spool

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A slowFileSystem sleeps for each directory, in the time of synctest.
type slowFileSystem struct {
	native
	each time.Duration
}

func (f slowFileSystem) stamp(s *Spool, anchor *os.File, d *directory) (rootfs.Stamp, error) {
	time.Sleep(f.each)
	return f.native.stamp(s, anchor, d)
}

// owners sets options by which the part of a path with an @ is the owner.
func owners(o *Options) {
	o.Own = func(dir string) bool { return strings.HasPrefix(dir, "own") && !strings.Contains(dir, "/") }
	o.Owner = func(dir string) string {
		for part := range strings.SplitSeq(dir, "/") {
			if strings.Contains(part, "@") {
				return part
			}
		}
		return ""
	}
	o.Wanted = func(dir string) bool { return !strings.Contains(dir, "junk") }
}

func makeDirectories(t testing.TB, dir, format string, count int) {
	t.Helper()
	for n := range count {
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprintf(format, n)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Directories beyond a budget are scanned in turn, and those of other owners as before.
func TestScansDirectoriesBeyondABudgetInTurn(t *testing.T) {
	for name, layout := range map[string]struct {
		format string
		count  int // that are tracked
	}{
		"side by side": {"own/x@y/%d", 10},
		"apart":        {"own/%d/x@y", 30 + 10},
		"unowned":      {"own/%d", 30},
		"unwanted":     {"junk%d", 10},
		"long paths":   {"own/" + strings.Repeat(strings.Repeat("x", 250)+"/", 2) + "%d/x@y", 10},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			const count = 100
			makeDirectories(t, dir, layout.format, count)
			for n := range count {
				write(t, dir, fmt.Sprintf(layout.format, n), "a.in", sampleInput)
			}
			makeDirectories(t, dir, "own/honest%d@example.com", 5)
			var log bytes.Buffer
			synctest.Test(t, func(t *testing.T) {
				s := open(t, dir, func(o *Options) {
					owners(o)
					o.Logger = slog.New(slog.NewTextHandler(&log, nil))
				})
				s.budget.total, s.budget.owner = 80, 10
				seen := map[string]bool{}
				rounds := 0
				// The number of rounds depends on the order of the listings: it is 80 to 230
				// for the long paths.
				for ; len(seen) < count && rounds < 5_000; rounds++ {
					s.Scan(func(e Entry) Verdict {
						seen[e.Dir] = true
						os.Remove(filepath.Join(dir, e.Dir, "a.in"))
						return Refused
					})
					if n := s.Figures().Directories; n > layout.count+10 {
						t.Fatalf("%d directories are tracked", n)
					}
					for n := range 5 {
						if name := fmt.Sprintf("own/honest%d@example.com", n); s.directories.get(name) == nil {
							t.Fatalf("%s is not tracked", name)
						}
					}
					time.Sleep(fullScanEvery)
				}
				if len(seen) != count {
					t.Errorf("%d of %d were scanned in %d rounds", len(seen), count, rounds)
				}
				if left := s.Figures().Left; left == 0 || strings.Count(log.String(), "too many folders") != 1 {
					t.Errorf("%d are left, log:\n%s", left, &log)
				}
				for n := range count {
					os.RemoveAll(filepath.Join(dir, strings.TrimSuffix(fmt.Sprintf(layout.format, n), "/x@y")))
				}
				for range 3 {
					found(s)
					time.Sleep(fullScanEvery)
				}
				if left := s.Figures().Left; left != 0 || s.budget.owners.count > 6 {
					t.Errorf("%d are left after all were removed, %d owners are tracked", left, s.budget.owners.count)
				}
			})
		})
	}
}

// A directory with an input in flight stays tracked.
func TestKeepsTrackingADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "own/x@y/%d", 100)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, owners)
		s.budget.owner = 40
		found(s)
		var used []string
		for d := range s.directories.all() {
			if d.share.owner == "x@y" && d.depth == 3 && len(used) < 10 {
				used = append(used, d.name)
				write(t, dir, d.name, "a.in", sampleInput)
			}
		}
		var taken []Entry
		for range 10 {
			time.Sleep(time.Second)
			s.Scan(take(&taken, Taken))
		}
		for range 20 {
			time.Sleep(fullScanEvery)
			s.Scan(take(&taken, Taken))
			for _, name := range used {
				if s.directories.get(name) == nil {
					t.Fatalf("%s is no longer tracked", name)
				}
			}
		}
		if len(taken) != len(used) {
			t.Errorf("%d were offered, want %d", len(taken), len(used))
		}
	})
}

// A round scans a fair share of the directories of one owner, and every directory of the
// others. A few rounds scan all.
func TestRoundScansAFairShareOfEachOwner(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "own/x@y/%d", 100)
	makeDirectories(t, dir, "own/honest%d@example.com", 20)
	synctest.Test(t, func(t *testing.T) {
		s, f := faulty(t, dir, native{}, owners)
		s.budget.fair = 16
		stamps := map[string]int{}
		f.mtime = func(dir string, real int64) int64 { stamps[dir]++; return real }
		settleStamps(s)
		clear(stamps)
		s.nextFull = s.nextFull.add(time.Hour)
		const rounds = 21
		for range rounds {
			did := scanAll(s)
			if did.Directories > 22+2*16 {
				t.Errorf("a round scans %d directories", did.Directories)
			}
		}
		for d := range s.directories.all() {
			switch n := stamps[d.name]; {
			case d.share.owner == "x@y" && (n < 3 || n > 3), d.share.owner != "x@y" && n != rounds:
				t.Errorf("%s was scanned %d times", d.name, n)
			}
		}
	})
}

// With very many owners a round scans a part of their directories, and all that were active
// lately.
func TestRoundIsBoundedForAllOwnersTogether(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "own/%d@example.com", 200)
	synctest.Test(t, func(t *testing.T) {
		s, f := faulty(t, dir, native{}, owners)
		s.budget.inRound = 40
		stamps := map[string]int{}
		f.mtime = func(dir string, real int64) int64 { stamps[dir]++; return real }
		write(t, dir, "own/7@example.com/a.in", sampleInput)
		var taken []Entry
		s.Scan(take(&taken, Taken))
		s.Done(taken[0])
		write(t, dir, "own/7@example.com/a.out", sampleInput)
		settleStamps(s)
		clear(stamps)
		s.nextFull = s.nextFull.add(time.Hour)
		for range 5 {
			if did := scanAll(s); did.Directories > 60 {
				t.Errorf("a round scans %d directories", did.Directories)
			}
		}
		for n := range 200 {
			name := fmt.Sprintf("own/%d@example.com", n)
			want := 1
			if n == 7 {
				want = 5
			}
			if stamps[name] != want {
				t.Errorf("%s was scanned %d times, want %d", name, stamps[name], want)
			}
		}
	})
}

// At most about 500 unwanted directories are scanned per second.
func TestScansManyUnwantedDirectoriesMoreRarely(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "junk%d", 600)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, owners)
		settleStamps(s)
		scanned := 0
		for range 600 {
			scanned += s.Scan(refuse).Directories
			time.Sleep(100 * time.Millisecond)
		}
		if scanned < 600+40*600 || scanned > 600+51*600 {
			t.Errorf("%d were scanned in a minute", scanned)
		}
	})
}

// The directories of one owner do not fill the lists of active and recent directories.
func TestActiveDirectoriesOfOneOwnerAreBounded(t *testing.T) {
	dir := t.TempDir()
	for n := range 50 {
		write(t, dir, fmt.Sprint("own/x@y/", n), "a.in", sampleInput)
	}
	write(t, dir, "own/honest@example.com/a.in", sampleInput)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, owners)
		s.budget.fair = 10
		var taken []Entry
		s.Scan(take(&taken, Taken))
		if len(taken) != 51 {
			t.Fatalf("%d were found", len(taken))
		}
		if did := s.ScanActive(refuse); did.Directories > 10+5 {
			t.Errorf("%d directories are active", did.Directories)
		}
		if did := s.ScanRecent(refuse); did.Directories > 10+5 {
			t.Errorf("%d directories are recent", did.Directories)
		}
		if d := s.directories.get("own/honest@example.com"); !d.active || !d.recent {
			t.Error("the other owner's directory is not active and recent")
		}
		time.Sleep(recentFor)
		if s.Recent() || s.Active() || s.budget.owners.get("x@y").recent != 0 || s.budget.owners.get("x@y").active != 0 {
			t.Error("some are still active after five minutes")
		}
	})
}
