package spool

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// openRemote opens a spool on a simulated network file system.
func openRemote(t *testing.T, dir string, change func(*Options)) (*Spool, *faultyFileSystem) {
	t.Helper()
	s, f := faulty(t, dir, native{}, change)
	f.remote = true
	s.trusted = false
	return s, f
}

// A waitingFileSystem waits in each listing, as a network file system does.
type waitingFileSystem struct {
	fileSystem
	each          time.Duration
	running, most atomic.Int32
}

func (f *waitingFileSystem) list(s *Spool, d *directory, into *listing) error {
	running := f.running.Add(1)
	for most := f.most.Load(); running > most && !f.most.CompareAndSwap(most, running); most = f.most.Load() {
	}
	time.Sleep(f.each)
	f.running.Add(-1)
	return f.fileSystem.list(s, d, into)
}

// A scan of 1,000 directories on a network file system lists 16 at once.
func TestScanListsAhead(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "d%d", 999)
	write(t, dir, "d500/a.in", sampleInput)
	synctest.Test(t, func(t *testing.T) {
		s, f := openRemote(t, dir, owners)
		waiting := &waitingFileSystem{fileSystem: f, each: 5 * time.Millisecond}
		s.files = waiting
		found(s) // finds the directories
		began := time.Now()
		if diff := cmp.Diff([]string{"d500/a"}, found(s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if took := time.Since(began); took > 1000/aheadMost*waiting.each*5/4 {
			t.Errorf("the scan took %v", took)
		}
		if n := waiting.most.Load(); n != aheadMost {
			t.Errorf("at most %d listings at once, want %d", n, aheadMost)
		}
		for name, n := range f.listed {
			if n > 3 {
				t.Errorf("%s was listed %d times in two scans", name, n)
			}
		}
		if n := len(s.ahead.listings); n != 0 {
			t.Errorf("%d listings are left", n)
		}
	})
}

// An input whose output was published after its directory was listed ahead is not offered.
func TestScanAheadKnowsWhatWasPublished(t *testing.T) {
	dir := t.TempDir()
	for n := range 10 {
		write(t, dir, fmt.Sprintf("d%d/a.in", n), sampleInput)
	}
	synctest.Test(t, func(t *testing.T) {
		s, f := openRemote(t, dir, nil)
		var taken []Entry
		for len(taken) < 10 {
			s.Scan(take(&taken, Taken))
		}
		f.onList = func(dir string, _ *listing) { // it was listed without the output
			if dir != "." {
				if err := s.Publish(Entry{dir, "a"}, []byte("answer")); err != nil {
					t.Error(err)
				}
				s.Done(Entry{dir, "a"})
			}
		}
		for range 2 {
			if names := found(s); len(names) > 0 {
				t.Errorf("%v are offered again", names)
			}
			f.onList = nil
			time.Sleep(time.Minute)
		}
	})
}

// Whatever is created and removed during the scans, the next ones find what is there.
func TestScanAheadSurvivesChanges(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, f := openRemote(t, dir, nil)
		s.slice = 0
		change := func() {
			name := filepath.Join(dir, fmt.Sprintf("d%d", random.IntN(40)), fmt.Sprintf("e%d", random.IntN(4)))
			switch random.IntN(4) {
			case 0:
				os.RemoveAll(filepath.Dir(name))
			case 1:
				os.RemoveAll(name)
			default:
				os.MkdirAll(name, 0o755)
				os.WriteFile(filepath.Join(name, "a.in"), []byte(sampleInput), 0o644)
			}
		}
		f.onList = func(string, *listing) {
			if random.IntN(4) == 0 {
				change()
			}
		}
		for range 50 {
			change()
			s.Scan(refuse)
			s.ScanActive(refuse)
			s.ScanRecent(refuse)
		}
		f.onList = nil
		time.Sleep(offerAgain)
		for range 3 {
			scanAll(s)
		}
		time.Sleep(offerAgain)
		want, err := filepath.Glob(filepath.Join(dir, "*", "*", "a.in"))
		if err != nil {
			t.Fatal(err)
		}
		for n, name := range want {
			rel, _ := filepath.Rel(dir, name)
			want[n] = filepath.ToSlash(rel[:len(rel)-len(".in")])
		}
		if diff := cmp.Diff(want, found(s)); diff != "" {
			t.Errorf("seed %d (-want +got):\n%s", seed, diff)
		}
	})
}

// A large directory is listed by itself, in parts if necessary, and nothing in it is lost.
func TestScanListsLargeDirectoriesAlone(t *testing.T) {
	dir := t.TempDir()
	for n := range aheadEntries + 10 {
		write(t, dir, "large", fmt.Sprintf("%d.in", n), sampleInput)
	}
	write(t, dir, "small", "a.in", sampleInput)
	// The names of this one take more memory than a listing ahead may.
	const long = aheadEntries * 3 / 4
	for n := range long {
		write(t, dir, "long", fmt.Sprintf("%0200d.in", n), "")
	}
	s, f := openRemote(t, dir, nil)
	want := aheadEntries + 11 + long
	for range 3 {
		clear(f.listed)
		entries := map[Entry]bool{}
		for done := false; !done; {
			done = s.Scan(func(e Entry) Verdict {
				entries[e] = true
				return Refused
			}).Done
		}
		if f.touches("large") == 0 {
			t.Error("not touched by the full scan")
		}
		if len(entries) != want {
			t.Errorf("%d inputs, want %d", len(entries), want)
		}
	}
	if !s.directories.get("large").large || s.directories.get("small").large {
		t.Error("the size of a directory is not known")
	}
	if f.listed["large"] != 1 || f.listed["long"] != 1 {
		t.Errorf("listed %d and %d times in a scan", f.listed["large"], f.listed["long"])
	}
}

// The listings that a scan makes ahead are used, in directories of many files and among new
// directories.
func TestScanUsesListingsAhead(t *testing.T) {
	for name, layout := range map[string]struct {
		format string
		files  int // in each directory, as listed
	}{
		"many files":      {"d%d", 1_000},
		"new directories": {"d%d/a", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			makeDirectories(t, dir, layout.format, 100)
			makeDirectories(t, dir, "d0/b%d", 20)
			synctest.Test(t, func(t *testing.T) {
				s, f := openRemote(t, dir, nil)
				s.files = &waitingFileSystem{fileSystem: f, each: 5 * time.Millisecond}
				ahead := 0 // the most listings at a time
				f.onList = func(dir string, into *listing) {
					ahead = max(ahead, len(s.ahead.listings))
					for n := range layout.files {
						into.Add(fmt.Appendf(nil, "%d.out", n), rootfs.Regular)
					}
				}
				for range 3 {
					clear(f.listed)
					scanAll(s)
					listings := 0
					for _, n := range f.listed {
						listings += n
					}
					if unused := listings - len(f.listed); unused > aheadMost {
						t.Errorf("%d of %d listings were not used", unused, listings)
					}
				}
				if ahead > 3*aheadMost { // up to aheadMost per level
					t.Errorf("%d listings ahead", ahead)
				}
			})
		})
	}
}

// A failure to set the times of directories is logged once.
func TestScanLogsThatItCannotTouch(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "d%d", 40)
	var log bytes.Buffer
	s, f := openRemote(t, dir, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	s.files = untouchable{f}
	found(s)
	if n := strings.Count(log.String(), "setting the times of a folder failed"); n != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("log:\n%s", &log)
	}
}

// An untouchable file system belongs to another user.
type untouchable struct{ fileSystem }

func (untouchable) touch(*Spool, *directory) error { return fs.ErrPermission }
