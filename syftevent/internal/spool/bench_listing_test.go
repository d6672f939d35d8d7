//go:build unix

package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkListing compares the scan of a directory of many pairs, one of which is new, with
// reading its names.
func BenchmarkListing(b *testing.B) {
	for _, pairs := range []int{100, 1000, 20_000} {
		dir := b.TempDir()
		for n := range pairs {
			for _, suffix := range []string{".in", ".out"} {
				name := filepath.Join(dir, fmt.Sprintf("5f5b153c-d742-4027-8091-%012x%s", n, suffix))
				if err := os.WriteFile(name, nil, 0o644); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "new.in"), nil, 0o644); err != nil {
			b.Fatal(err)
		}
		s, err := Open(dir, quietOptions())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		b.Run(fmt.Sprintf("pairs=%d/scan", pairs), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.nextFull = 0
				if did := scanAll(s); did.Listed != 1 {
					b.Fatalf("%+v", did)
				}
			}
		})
		b.Run(fmt.Sprintf("pairs=%d/read", pairs), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := os.Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Readdirnames(-1); err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
}
