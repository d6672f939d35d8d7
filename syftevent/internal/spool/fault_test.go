package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A faultyFileSystem shows real directories with injected faults. Its fields may be
// changed between two scans.
type faultyFileSystem struct {
	fileSystem
	remote  bool                               // mtimes are not trusted
	mtime   func(dir string, real int64) int64 // returns the mtime shown for a directory
	onList  func(dir string, into *listing)    // changes a listing; called by one goroutine at a time
	failure map[string]error                   // of a directory

	change  sync.Mutex // held while onList runs
	mu      sync.Mutex
	listed  map[string]int // how often
	touched map[string]int
	when    map[string]time.Time // of the last touch
}

func (f *faultyFileSystem) trusted(*Spool) bool { return !f.remote }

func (f *faultyFileSystem) stamp(s *Spool, anchor *os.File, d *directory) (rootfs.Stamp, error) {
	if err := f.failure[d.name]; err != nil {
		return rootfs.Stamp{}, err
	}
	now, err := f.fileSystem.stamp(s, anchor, d)
	now.Changed = 0
	if f.mtime != nil {
		now.Modified = f.mtime(d.name, now.Modified)
	}
	return now, err
}

func (f *faultyFileSystem) list(s *Spool, d *directory, into *listing) error {
	if err := f.failure[d.name]; err != nil {
		return err
	}
	f.mu.Lock()
	f.listed[d.name]++
	f.mu.Unlock()
	err := f.fileSystem.list(s, d, into)
	if f.onList != nil {
		f.change.Lock()
		defer f.change.Unlock()
		f.onList(d.name, into)
	}
	return err
}

// touches returns how often a directory was touched.
func (f *faultyFileSystem) touches(dir string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.touched[dir]
}

// touchedAt returns when a directory was last touched.
func (f *faultyFileSystem) touchedAt(dir string) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.when[dir]
}

func (f *faultyFileSystem) touch(s *Spool, d *directory) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touched[d.name]++
	f.when[d.name] = time.Now()
	return nil
}

// faulty opens a spool on a file system with faults.
func faulty(t *testing.T, dir string, base fileSystem, change func(*Options)) (*Spool, *faultyFileSystem) {
	t.Helper()
	s := open(t, dir, change)
	f := &faultyFileSystem{fileSystem: base, listed: map[string]int{}, touched: map[string]int{}, when: map[string]time.Time{}}
	s.files = f
	return s, f
}

// eachBase runs a test with each file system.
func eachBase(t *testing.T, test func(t *testing.T, base fileSystem)) {
	for name, base := range map[string]fileSystem{"native": native{}, "portable": portable{}} {
		t.Run(name, func(t *testing.T) { test(t, base) })
	}
}

// Coarse, future and lagging times delay inputs and lose none.
func TestScanWithUnusualClocks(t *testing.T) {
	began := time.Now()
	clocks := map[string]func(string, int64) int64{
		"coarse 1 s":  func(_ string, real int64) int64 { return real / 1e9 * 1e9 },
		"coarse 2 s":  func(_ string, real int64) int64 { return real / 2e9 * 2e9 },
		"frozen":      func(string, int64) int64 { return 42 },
		"future":      func(_ string, real int64) int64 { return real + int64(24*time.Hour) },
		"distant":     func(_ string, real int64) int64 { return -real },
		"19 s behind": func(_ string, real int64) int64 { return min(real, time.Now().Add(-19*time.Second).UnixNano()) },
		"invented":    func(string, int64) int64 { return time.Since(began).Nanoseconds() },
	}
	for name, clock := range clocks {
		eachBase(t, func(t *testing.T, base fileSystem) {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				s, f := faulty(t, dir, base, nil)
				f.mtime = clock
				synctest.Test(t, func(t *testing.T) {
					for n := range 20 {
						stem := fmt.Sprint("f", n)
						write(t, dir, "d", stem+".in", sampleInput)
						began := time.Now()
						for !cmp.Equal(found(s), []string{"d/" + stem}) {
							if time.Since(began) > fullScanEvery+time.Second {
								t.Fatalf("%s was not found within a full scan", stem)
							}
							time.Sleep(100 * time.Millisecond)
						}
						write(t, dir, "d", stem+".out", "answer")
						time.Sleep(time.Duration(n) * time.Second)
					}
				})
			})
		})
	}
}

// Only a full scan lists directories that have not changed.
func TestScanListsOnlyWhatMayHaveChanged(t *testing.T) {
	eachBase(t, func(t *testing.T, base fileSystem) {
		dir := t.TempDir()
		write(t, dir, "d/a.out", "x")
		write(t, dir, "e/b.out", "x")
		s, f := faulty(t, dir, base, nil)
		synctest.Test(t, func(t *testing.T) {
			settleStamps(s)
			clear(f.listed)
			for range 20 {
				time.Sleep(time.Second)
				found(s)
			}
			if len(f.listed) != 0 {
				t.Errorf("listed without a change: %v", f.listed)
			}
			write(t, dir, "d/c.out", "x")
			found(s)
			if diff := cmp.Diff(map[string]int{"d": 1}, f.listed); diff != "" {
				t.Errorf("listed after a change (-want +got):\n%s", diff)
			}
			time.Sleep(fullScanEvery)
			found(s)
			if diff := cmp.Diff(map[string]int{".": 1, "d": 2, "e": 1}, f.listed); diff != "" {
				t.Errorf("listed by the full scan (-want +got):\n%s", diff)
			}
		})
	})
}

// The failure of a directory is forgotten when the directory is removed.
func TestScanForgetsFailuresOfRemovedFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/e/a.in", sampleInput)
	var log bytes.Buffer
	s, f := faulty(t, dir, native{}, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	found(s)
	f.failure = map[string]error{"d/e": syscall.EIO}
	found(s)
	if n := s.Figures().Unreadable; n != 1 {
		t.Fatalf("%d troubles", n)
	}
	os.RemoveAll(filepath.Join(dir, "d"))
	f.failure = nil
	found(s)
	if n := s.Figures().Unreadable; n != 0 || strings.Contains(log.String(), "path readable again") {
		t.Errorf("%d troubles after it was removed, log:\n%s", n, &log)
	}
}

// The failure of one directory does not stop the scan of the others, and is logged when it
// begins and when it ends.
func TestScanContinuesAfterErrors(t *testing.T) {
	for _, failure := range []error{syscall.EIO, syscall.EACCES, syscall.ESTALE, fs.ErrPermission, syscall.ENOENT, errors.New("unknown")} {
		eachBase(t, func(t *testing.T, base fileSystem) {
			dir := t.TempDir()
			write(t, dir, "d/a.in", sampleInput)
			write(t, dir, "e/b.in", sampleInput)
			var log bytes.Buffer
			s, f := faulty(t, dir, base, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			found(s)
			f.failure = map[string]error{"d": failure}
			for range 3 {
				if diff := cmp.Diff([]string{"e/b"}, found(s)); diff != "" {
					t.Errorf("%v (-want +got):\n%s", failure, diff)
				}
			}
			f.failure = nil
			found(s) // lists the parent of a directory that seemed to be removed
			if diff := cmp.Diff([]string{"d/a", "e/b"}, found(s)); diff != "" {
				t.Errorf("after %v (-want +got):\n%s", failure, diff)
			}
			want := 2
			if errors.Is(failure, fs.ErrNotExist) {
				want = 0
			}
			if n := strings.Count(log.String(), "\n"); n != want {
				t.Errorf("%v: %d log lines, want %d:\n%s", failure, n, want, &log)
			}
		})
	}
}

// A refused input that is offered again is not a new file, so the mtime stays trusted.
func TestScanTrustsTheMtimeAfterARefusal(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	write(t, dir, "d/b.in", sampleInput)
	var log bytes.Buffer
	s := open(t, dir, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	synctest.Test(t, func(t *testing.T) {
		for range 1000 {
			found(s)
			time.Sleep(offerAgain * 3 / 10)
		}
	})
	if log.Len() != 0 {
		t.Errorf("log:\n%s", &log)
	}
}

// Many directories that are too deep are logged once.
func TestScanLogsTooDeepDirectoriesOnce(t *testing.T) {
	dir := t.TempDir()
	reachable := strings.Repeat("d/", rootfs.MaxDepth)
	for n := range 50 {
		write(t, dir, reachable, fmt.Sprint("deep", n), "a.in", sampleInput)
	}
	var log bytes.Buffer
	s := open(t, dir, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	synctest.Test(t, func(t *testing.T) {
		for range 3 {
			found(s)
			time.Sleep(fullScanEvery)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d log lines, want 1:\n%.500s", n, &log)
		}
		if n := s.Figures().Unreadable; n != 50 {
			t.Errorf("%d troubles", n)
		}
		os.RemoveAll(filepath.Join(dir, "d"))
		found(s)
		if n := s.Figures().Unreadable; n != 0 {
			t.Errorf("%d troubles after they were removed", n)
		}
	})
}
