package spool

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A scan of many directories takes many calls, and active directories are scanned between
// them.
func TestScanReturnsForActiveDirectories(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "d%d", 200)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, owners)
		s.files = slowFileSystem{each: 100 * time.Microsecond}
		found(s)
		write(t, dir, "d7/a.in", sampleInput)
		found(s)
		parts, total := 0, 0
		for done := false; !done; parts++ {
			began := time.Now()
			did := s.Scan(refuse)
			if took := time.Since(began); took > sliceTime+clockWork/scanWork*100*time.Microsecond {
				t.Errorf("a slice has taken %v", took)
			}
			total += did.Directories
			done = did.Done
		}
		if parts < 5 || total != 201 {
			t.Errorf("%d directories in %d slices", total, parts)
		}
		var taken []Entry
		s.Scan(take(&taken, Taken))
		for len(taken) == 0 {
			s.Scan(take(&taken, Taken))
		}
		s.Done(taken[0])
		for n := range 20 { // ScanActive finds an input that was written after a slice
			s.Scan(refuse)
			stem := fmt.Sprint("b", n)
			write(t, dir, "d7", stem+".in", sampleInput)
			taken = nil
			s.ScanActive(take(&taken, Taken))
			if !slices.Contains(taken, Entry{"d7", stem}) {
				t.Errorf("taken: %v", taken)
			}
		}
	})
}

// Directories that are created and removed during a round do not end it, and none is missed.
func TestRoundSurvivesChanges(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, owners)
		s.files = slowFileSystem{each: 100 * time.Microsecond}
		s.slice = 0 // as many slices as possible
		for round := range 15 {
			makeDirectories(t, dir, fmt.Sprintf("a%d/b%%d", round), 10)
			if round >= 3 {
				os.RemoveAll(filepath.Join(dir, fmt.Sprint("a", round-3)))
			}
			s.Scan(refuse)
			s.ScanActive(refuse)
		}
		scanAll(s)
		time.Sleep(fullScanEvery)
		scanAll(s) // the rest of a round, perhaps
		scanAll(s)
		if n := s.directories.count; n != 1+3*11 || s.budget.known != n {
			t.Errorf("%d directories are tracked, %d are counted", n, s.budget.known)
		}
	})
}

// A new directory in a tracked one is active at once: its first input is about to appear.
func TestNewDirectoryIsActive(t *testing.T) {
	dir := t.TempDir()
	makeDirectories(t, dir, "own%d", 3)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, owners)
		found(s)
		time.Sleep(racyWindow)
		found(s)
		makeDirectories(t, dir, "own1/x@y%d", 1)
		found(s)
		write(t, dir, "own1/x@y0/a.in", sampleInput)
		var taken []Entry
		s.ScanActive(take(&taken, Taken))
		if diff := cmp.Diff([]Entry{{"own1/x@y0", "a"}}, taken); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// linkless fails to test for hard links while *err is not nil.
type linkless struct {
	native
	err *error
}

func (l linkless) links(s *Spool) (bool, error) {
	if *l.err != nil {
		return false, *l.err
	}
	return l.native.links(s)
}

// Open succeeds on a file system on which nothing can be written.
func TestOpenOnAFullDisk(t *testing.T) {
	for _, failure := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO, errors.New("unknown")} {
		dir := t.TempDir()
		write(t, dir, "a.in", sampleInput)
		var log bytes.Buffer
		options := quietOptions()
		options.Logger = slog.New(slog.NewTextHandler(&log, nil))
		synctest.Test(t, func(t *testing.T) {
			s, err := openWith(dir, options, linkless{err: &failure})
			if err != nil {
				t.Fatalf("%v: %v", failure, err)
			}
			defer s.Close()
			for range 3 {
				if diff := cmp.Diff([]string{"a"}, found(s)); diff != "" {
					t.Errorf("%v (-want +got):\n%s", failure, diff)
				}
				time.Sleep(offerAgain)
			}
			if s.linksKnown || !s.links || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("%v: links known %v, %v, log:\n%s", failure, s.linksKnown, s.links, &log)
			}
			failure = nil
			found(s)
			if !s.linksKnown {
				t.Errorf("%v: not tried again", failure)
			}
		})
	}
}

// If more than maxTroubles paths fail, the others are not logged, and no failure is logged
// twice.
func TestLoggedFailuresAreBounded(t *testing.T) {
	var log bytes.Buffer
	s := open(t, t.TempDir(), func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for range 3 {
		for n := range maxTroubles + 100 {
			s.trouble(path.Join("d", fmt.Sprint(n)), syscall.EIO)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != maxTroubles || s.Figures().Unreadable != maxTroubles {
		t.Errorf("%d log lines, %d troubles", n, s.Figures().Unreadable)
	}
}
