//go:build unix

package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// idle makes a tree in which nothing will happen, and a spool whose stamps are
// old enough to be believed.
func idle(tb testing.TB, parents, children, pairs int) *Spool {
	tb.Helper()
	dir := tb.TempDir()
	for p := range parents {
		for c := range children {
			name := filepath.Join(dir, fmt.Sprintf("endpoint%d", p), fmt.Sprintf("sender%d@example.com", c))
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
	if !s.Believed() {
		tb.Skip("the times of this file system are not believed")
	}
	s.Scan(refuse)
	old := time.Now().Add(-2 * racyWindow)
	var age func(d *directory)
	age = func(d *directory) {
		d.stampSince = old
		for _, child := range d.children {
			age(child)
		}
	}
	age(s.top)
	s.rules.full = false
	return s
}

func refuse(Entry) Verdict { return Refused }

// An idle look costs nothing for each directory but the system call.
func TestIdleScanAllocatesNothingForADirectory(t *testing.T) {
	few, many := idle(t, 2, 5, 1), idle(t, 10, 20, 1)
	allocations := func(s *Spool) float64 { return testing.AllocsPerRun(20, func() { s.Scan(refuse) }) }
	if look := many.Scan(refuse); look.Listed != 0 || look.Directories != 211 {
		t.Fatalf("%+v", look)
	}
	if a, b := allocations(few), allocations(many); a != b {
		t.Errorf("%v allocations for 13 directories, %v for 211", a, b)
	}
}

// BenchmarkIdle compares an idle look with what it is made of.
func BenchmarkIdle(b *testing.B) {
	for _, size := range []struct{ endpoints, senders, pairs int }{{126, 20, 10}, {1000, 20, 1}} {
		s := idle(b, size.endpoints, size.senders, size.pairs)
		name := fmt.Sprintf("endpoints=%d/senders=%d", size.endpoints, size.senders)
		directories := float64(len(s.directories))
		b.Run(name+"/look", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Scan(refuse)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/directories, "ns/directory")
		})
		b.Run(name+"/lstat", func(b *testing.B) {
			var paths []string
			for name := range s.directories {
				paths = append(paths, s.path(name))
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
