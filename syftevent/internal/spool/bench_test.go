//go:build unix

package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// idle creates a tree that does not change, and a spool whose stamps are old enough to be
// trusted.
func idle(tb testing.TB, parents, children, pairs int) *Spool {
	tb.Helper()
	dir := tb.TempDir()
	for p := range parents {
		for c := range children {
			name := filepath.Join(dir, fmt.Sprintf("parent%d", p), fmt.Sprintf("child%d", c))
			if err := os.MkdirAll(name, 0o755); err != nil {
				tb.Fatal(err)
			}
			for n := range pairs {
				for _, suffix := range []string{".in", ".out"} {
					if err := os.WriteFile(filepath.Join(name, fmt.Sprint(n, suffix)), nil, 0o644); err != nil {
						tb.Fatal(err)
					}
				}
			}
		}
	}
	s, err := Open(dir, quietOptions())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	if !s.Trusted() {
		tb.Skip("mtimes of this file system are not trusted")
	}
	scanAll(s)
	for d := range s.directories.all() {
		d.stampSince -= instant(2 * racyWindow)
		d.costly = false // a busy machine makes a listing take long
	}
	s.nextFull = s.instant(time.Now()).add(24 * time.Hour)
	return s
}

// An idle scan costs one system call per directory and no allocation.
func TestIdleScanAllocatesNothingForADirectory(t *testing.T) {
	few, many := idle(t, 2, 5, 1), idle(t, 10, 20, 1)
	few.slice, many.slice = time.Hour, time.Hour
	allocations := func(s *Spool) float64 { return testing.AllocsPerRun(20, func() { scanAll(s) }) }
	if did := scanAll(many); did.Listed != 0 || did.Directories != 211 {
		t.Fatalf("%+v", did)
	}
	if a, b := allocations(few), allocations(many); a != b {
		t.Errorf("%v allocations for 13 directories, %v for 211", a, b)
	}
}

// BenchmarkIdle compares an idle scan with its system calls.
func BenchmarkIdle(b *testing.B) {
	for _, size := range []struct{ parents, children, pairs int }{{126, 20, 10}, {1000, 20, 1}} {
		s := idle(b, size.parents, size.children, size.pairs)
		name := fmt.Sprintf("parents=%d/children=%d", size.parents, size.children)
		directories := float64(s.directories.count)
		b.Run(name+"/scan", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				scanAll(s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/directories, "ns/directory")
		})
		b.Run(name+"/lstat", func(b *testing.B) {
			var paths []string
			for d := range s.directories.all() {
				paths = append(paths, s.path(d.name))
			}
			b.ReportAllocs()
			var st syscall.Stat_t
			for b.Loop() {
				for _, path := range paths {
					if err := syscall.Lstat(path, &st); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/directories, "ns/directory")
		})
	}
}

// BenchmarkManyOwners measures rounds over very many directories, each with an owner of its
// own, and the memory per directory. A round scans a part of them.
func BenchmarkManyOwners(b *testing.B) {
	const count = 100_000
	dir := b.TempDir()
	makeDirectories(b, dir, "own/owner%d@example.com", count)
	s, err := Open(dir, ownersOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	scanAll(s)
	first := time.Since(began)
	s.listing = &listing{Listing: rootfs.Listing{Stem: s.stem}}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for d := range s.directories.all() {
		d.stampSince -= instant(2 * racyWindow)
		d.costly = false // a busy machine makes a listing take long
	}
	s.nextFull = s.instant(time.Now()).add(24 * time.Hour)
	slices, longest, scanned := 0, time.Duration(0), 0
	b.ReportAllocs()
	for b.Loop() {
		for done := false; !done; slices++ {
			began := time.Now()
			did := s.Scan(refuse)
			longest = max(longest, time.Since(began))
			scanned += did.Directories
			done = did.Done
		}
	}
	rounds := float64(b.N)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/count, "B/directory")
	b.ReportMetric(float64(first.Nanoseconds())/count, "ns/first-listing")
	b.ReportMetric(float64(scanned)/rounds, "scanned/round")
	b.ReportMetric(float64(slices)/rounds, "slices/round")
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest-slice")
}

func ownersOptions() Options {
	options := quietOptions()
	owners(&options)
	return options
}
