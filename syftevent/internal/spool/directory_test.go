package spool

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// Whatever happens in a costly directory, listing it takes at most half of a core.
func TestListingCostlyDirectoryTakesAtMostHalf(t *testing.T) {
	for name, step := range map[string]struct {
		input string // the content of an input that is in the directory
		take  Verdict
		then  func(s *Spool, stamp *int64) // before each scan
	}{
		"changes by others":  {then: func(_ *Spool, stamp *int64) { *stamp++ }},
		"a change each tick": {then: func(_ *Spool, stamp *int64) { *stamp = time.Now().UnixNano()/1e7*1e7 + 1 }},
		"no room":            {input: sampleInput, take: NoRoom},
		"refused":            {input: sampleInput, take: Refused},
		"incomplete": {input: "{", take: Taken, then: func(s *Spool, stamp *int64) {
			s.Read(Entry{"d", "a"}, 1<<20)
			s.Done(Entry{"d", "a"})
		}},
		"not published": {input: sampleInput, take: Taken, then: func(s *Spool, stamp *int64) {
			s.Done(Entry{"d", "a"})
		}},
		"own changes": {then: func(s *Spool, stamp *int64) {
			end := s.beginOwn("d")
			*stamp++
			end()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, f := faulty(t, dir, native{}, func(o *Options) {
				o.Complete = func(data []byte) bool { return strings.HasSuffix(string(data), "}") }
			})
			synctest.Test(t, func(t *testing.T) {
				stamp := costly(t, s, f, dir)
				if step.input != "" {
					write(t, dir, "d/a.in", step.input)
				}
				*stamp++
				before := f.listed["d"]
				const during = 20 * time.Second
				for began := time.Now(); time.Since(began) < during; {
					time.Sleep(time.Millisecond)
					s.Scan(func(Entry) Verdict { return step.take })
					if step.then != nil {
						step.then(s, stamp)
					}
				}
				listings := f.listed["d"] - before
				if share := float64(listings) * float64(costlyListing) / float64(during); listings == 0 || share > 0.5 {
					t.Errorf("listed %d times, %.0f %% of the time", listings, 100*share)
				}
			})
		})
	}
}

// Allocations of more than 160 bytes take at least 176, and there are up to MaxDirectories
// directories.
func TestDirectoryIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(directory{}); size > 160 {
		t.Errorf("%d bytes", size)
	}
}
