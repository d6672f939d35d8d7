package spool

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A guard is a piece of code that makes it safe to skip a directory or an entry.
type guard struct {
	file          string // which has it
	code, without string // the guard, and what the code would be without it
	// finds reports whether a scan finds all that it must.
	finds func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool
}

// settleStamps lets the stamps become older than racyWindow.
func settleStamps(s *Spool) {
	for range 4 {
		time.Sleep(racyWindow)
		found(s)
	}
}

var guards = map[string]guard{
	// A file appears within the same tick of a coarse clock after the listing.
	"racy window": {"directory.go", `return d.listed.sub(d.stampSince) >= windowOf(d.stamp)`, `return true`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		frozen := time.Now().UnixNano()
		f.mtime = func(string, int64) int64 { return frozen }
		write(t, dir, "d/first.out", "x")
		found(s)
		time.Sleep(time.Second)
		write(t, dir, "d/a.in", sampleInput)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// The same, and the clock was set back half a minute.
	"old stamps": {"directory.go", `return max(stamp.Modified, stamp.Changed) <= now.Add(-oldStamp).UnixNano()`, `return true`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		frozen := time.Now().Add(-oldStamp / 2).UnixNano()
		f.mtime = func(string, int64) int64 { return frozen }
		write(t, dir, "d/first.out", "x")
		found(s)
		write(t, dir, "d/a.in", sampleInput)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// The file system stores whole seconds.
	"coarse stamps": {"directory.go", `if stamp.Modified%int64(time.Millisecond) != 0 {`, `if true {`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		second := time.Now().Truncate(time.Second).UnixNano()
		f.mtime = func(string, int64) int64 { return second }
		write(t, dir, "d/first.out", "x")
		for range 3 {
			found(s)
			time.Sleep(500 * time.Millisecond)
		}
		write(t, dir, "d/a.in", sampleInput)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// It stores nanoseconds, of a clock that ticks 100 times a second.
	"fine stamps": {"directory.go", `return fineWindow`, `return 0`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		tick := time.Now().UnixNano() + 1
		f.mtime = func(string, int64) int64 { return tick }
		write(t, dir, "d/first.out", "x")
		for range 3 {
			found(s)
			time.Sleep(5 * time.Millisecond)
		}
		write(t, dir, "d/a.in", sampleInput)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// Somebody else changes a directory during a publication.
	"owed listing": {"directory.go", `return now < has.owed`, `return true`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		stamp := costly(t, s, f, dir)
		end := s.beginOwn("d")
		write(t, dir, "d/a.in", sampleInput)
		*stamp++
		end()
		return foundWithin(s, 200*time.Millisecond, "d/a")
	}},
	// Somebody else changes it before,
	"change before": {"own.go", `case own == nil || own.before != d.stamp:`, `case own == nil:`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		stamp := costly(t, s, f, dir)
		write(t, dir, "d/a.in", sampleInput)
		*stamp++
		end := s.beginOwn("d")
		*stamp++
		end()
		return foundWithin(s, 30*time.Millisecond, "d/a")
	}},
	// or after that,
	"change after": {"own.go", `case own.running > 0 || own.after != now:`, `case own.running > 0:`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		stamp := costly(t, s, f, dir)
		end := s.beginOwn("d")
		*stamp++
		end()
		write(t, dir, "d/a.in", sampleInput)
		*stamp++
		return foundWithin(s, 30*time.Millisecond, "d/a")
	}},
	// or while a publication hangs.
	"hanging publication": {"own.go", `case own.running > 0 && time.Since(own.begun) < ownLongest:`, `case own.running > 0:`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		stamp := costly(t, s, f, dir)
		end := s.beginOwn("d")
		defer end()
		write(t, dir, "d/a.in", sampleInput)
		*stamp++
		return foundWithin(s, time.Second, "d/a")
	}},
	// An input is done without an output, although nothing has changed.
	"not published": {"inflight.go", `if !r.published {`, `if false {`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		stamp := costly(t, s, f, dir)
		write(t, dir, "d/a.in", sampleInput)
		*stamp++
		for range 200 {
			s.Scan(func(Entry) Verdict { return Taken })
			time.Sleep(time.Millisecond)
		}
		settleStamps(s)
		s.Done(Entry{"d", "a"})
		return foundWithin(s, 30*time.Millisecond, "d/a")
	}},
	// An input that was refused, or is to be read again, is offered again.
	"offer again": {"directory.go", `return d.hasPending && now >= d.detail().again`, `return false`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		write(t, dir, "d/a.in", sampleInput)
		settleStamps(s)
		time.Sleep(offerAgain)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// The mtime of a directory never changes.
	"full scan": {"round.go", `full: c.now >= s.nextFull`, `full: false`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.mtime = func(string, int64) int64 { return 1 }
		write(t, dir, "d/first.out", "x")
		settleStamps(s)
		write(t, dir, "d/a.in", sampleInput)
		time.Sleep(fullScanEvery)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// After a full scan found the first input, the next one is found at once.
	"distrust": {"directory.go", `case d.distrusted:`, `case false:`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.mtime = func(string, int64) int64 { return 1 }
		write(t, dir, "d/first.out", "x")
		settleStamps(s)
		write(t, dir, "d/a.in", sampleInput)
		time.Sleep(fullScanEvery)
		if !cmp.Equal(found(s), []string{"d/a"}) {
			t.Error("the full scan has not found the file")
		}
		write(t, dir, "d/a.out", "answer")
		settleStamps(s)
		write(t, dir, "d/b.in", sampleInput)
		return cmp.Equal(found(s), []string{"d/b"})
	}},
	// NFSv3 shows an old listing until the directory's times are set.
	"touch": {"refresh.go", `(c.full || due`, `(false || due`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.remote = true
		s.trusted = false
		f.onList = func(dir string, into *listing) {
			if dir == "d" && f.touches(dir) < 2 {
				into.Entries = nil
			}
		}
		write(t, dir, "d/a.in", sampleInput)
		found(s)
		time.Sleep(fullScanEvery)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// It lacks one of two changes within a tick.
	"touch after change": {"refresh.go", `(due == 0 || again < due) {`, `false {`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.remote = true
		s.trusted = false
		before := -1 // touches when the change was missed
		f.onList = func(dir string, into *listing) {
			if dir == "d" && before >= f.touches(dir) {
				into.Entries = slices.DeleteFunc(into.Entries, func(e rootfs.Entry) bool { return string(into.Name(e)) == "b.in" })
			}
		}
		write(t, dir, "d/first.out", "x")
		settleStamps(s)
		before = f.touches("d")
		write(t, dir, "d/a.in", sampleInput)
		write(t, dir, "d/b.in", sampleInput)
		return foundWithin(s, touchAfter+offerAgain, "d/b")
	}},
	// A touch is a change, too.
	"touch pause": {"refresh.go", `if s.refresh == 0 {`, `if false {`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		const tick = 10 * time.Millisecond
		f.remote = true
		s.trusted = false
		missed := -1 // touches when a change was missed
		created := false
		f.onList = func(name string, into *listing) {
			if name != "d" {
				return
			}
			if touches := f.touches("d"); touches > 0 && !created {
				created = true
				write(t, dir, "d/b.in", sampleInput)
				if time.Since(f.touchedAt("d")) < tick {
					missed = touches
				}
			}
			if missed >= f.touches("d") {
				into.Entries = slices.DeleteFunc(into.Entries, func(e rootfs.Entry) bool { return string(into.Name(e)) == "b.in" })
			}
		}
		write(t, dir, "d/a.in", sampleInput)
		return foundWithin(s, 2*touchAfter+offerAgain, "d/b")
	}},
	// sshfs keeps a listing for 20 s.
	"refresh": {"refresh.go", `due = began.add(s.refresh)`, `due = 0 * due`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.remote = true
		s.trusted, s.refresh = false, refreshEvery
		shown := map[string]int{} // touches when a name was first shown
		f.onList = func(dir string, into *listing) {
			into.Entries = slices.DeleteFunc(into.Entries, func(e rootfs.Entry) bool {
				name := dir + "/" + string(into.Name(e))
				if _, known := shown[name]; !known {
					shown[name] = f.touches(dir)
				}
				return shown[name] == f.touches(dir)
			})
		}
		write(t, dir, "d/first.out", "x")
		settleStamps(s)
		write(t, dir, "d/a.in", sampleInput)
		return foundWithin(s, 2*refreshEvery, "d/a")
	}},
	// A listing lacks an output that was published before the process started.
	"output": {"output.go", `if !info.Mode().IsRegular() {`, `if true || !info.Mode().IsRegular() {`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.remote = true
		s.trusted = false
		stale := true
		f.onList = func(dir string, into *listing) {
			if dir == "d" && stale {
				into.Entries = slices.DeleteFunc(into.Entries, func(e rootfs.Entry) bool { return string(into.Name(e)) == "a.out" })
			}
		}
		write(t, dir, "d/a.in", sampleInput)
		write(t, dir, "d/b.in", sampleInput)
		write(t, dir, "d/a.out", "answer")
		var run []string
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(100 * time.Millisecond) {
			var taken []Entry
			s.Scan(take(&taken, Taken))
			for _, e := range taken {
				if answered, err := s.HasOutput(e); answered || err != nil {
					s.Postpone(e, time.Now().Add(time.Second))
					continue
				}
				run = append(run, e.String())
				if err := s.Publish(e, []byte("answer")); err != nil {
					t.Error(err)
				}
				s.Done(e)
			}
			stale = time.Since(began) < 5*time.Second
		}
		return cmp.Equal(run, []string{"d/b"}) && s.Figures().Incomplete == 0
	}},
	// On a network file system mtimes never change.
	"file system": {"round.go", `trusted: s.trusted}`, `trusted: true}`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.remote = true
		s.trusted = f.trusted(s)
		f.mtime = func(string, int64) int64 { return 1 }
		write(t, dir, "d/first.out", "x")
		settleStamps(s)
		write(t, dir, "d/a.in", sampleInput)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// tmpfs shows a name twice when others in the directory are renamed.
	"duplicate": {"scan.go", `if !names.outputs.add(&names.Listing, stem, a.number) {`, `if false {`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.onList = func(_ string, into *listing) { into.Entries = append(into.Entries, into.Entries...) }
		write(t, dir, "d/a.in", sampleInput)
		return cmp.Equal(found(s), []string{"d/a"})
	}},
	// sshfs lists names without their types.
	"type": {"scan.go", `a.kind = c.typeOf(d, name)`, `_, a.kind = name, rootfs.Regular`, func(t *testing.T, s *Spool, f *faultyFileSystem, dir string) bool {
		f.onList = func(_ string, into *listing) {
			for i := range into.Entries {
				into.Entries[i].Kind = rootfs.Unknown
			}
		}
		write(t, dir, "d/a.in", sampleInput)
		if err := os.Symlink("a.in", filepath.Join(dir, "d", "link.in")); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		return cmp.Equal(found(s), []string{"d/a"})
	}},
}

// costly makes a directory d that takes 20 ms to list, and whose stamp is what the test sets.
// It was listed, and its stamp is old.
func costly(t *testing.T, s *Spool, f *faultyFileSystem, dir string) (stamp *int64) {
	t.Helper()
	s.costlyFrom = costlyFrom
	now := time.Now().UnixNano() + 1
	f.mtime = func(dir string, real int64) int64 {
		if dir == "d" {
			return now
		}
		return real
	}
	f.onList = func(dir string, _ *listing) {
		if dir == "d" {
			time.Sleep(costlyListing)
		}
	}
	write(t, dir, "d/first.out", "x")
	settleStamps(s)
	return &now
}

// costlyListing is how long a listing of the directory of costly takes.
const costlyListing = 20 * time.Millisecond

// foundWithin reports whether scans find an input within a time.
func foundWithin(s *Spool, most time.Duration, want string) bool {
	for began := time.Now(); time.Since(began) <= most; time.Sleep(time.Millisecond) {
		if slices.Contains(found(s), want) {
			return true
		}
	}
	return false
}

const missed = "the scan did not find all, or found too much"

func TestScanWithGuards(t *testing.T) {
	for name, guard := range guards {
		t.Run(name, func(t *testing.T) {
			eachBase(t, func(t *testing.T, base fileSystem) {
				dir := t.TempDir()
				s, f := faulty(t, dir, base, nil)
				synctest.Test(t, func(t *testing.T) {
					if !guard.finds(t, s, f, dir) {
						t.Error(missed)
					}
				})
			})
		})
	}
}

// Each guard is necessary: TestScanWithGuards fails if the package is built without it.
func TestGuardsAreNecessary(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package once for each guard")
	}
	for name, guard := range guards {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(guard.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(source, []byte(guard.code)); n != 1 {
				t.Fatalf("%s contains %q %d times, want once", guard.file, guard.code, n)
			}
			dir := t.TempDir()
			changed := filepath.Join(dir, guard.file)
			original, err := filepath.Abs(guard.file)
			if err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
			if err != nil {
				t.Fatal(err)
			}
			source = bytes.Replace(source, []byte(guard.code), []byte(guard.without), 1)
			for path, content := range map[string][]byte{changed: source, filepath.Join(dir, "overlay.json"): overlay} {
				if err := os.WriteFile(path, content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			run := "^TestScanWithGuards$/^" + strings.ReplaceAll(name, " ", "_") + "$"
			out, err := exec.Command("go", "test", "-v", "-count=1", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-run", run, ".").CombinedOutput()
			switch {
			case bytes.Contains(out, []byte("--- SKIP")):
				t.Skip("the test of this guard does not run here")
			case err == nil || bytes.Count(out, []byte(missed)) != 2: // native and portable
				t.Errorf("the test does not fail without the guard: %v\n%s", err, out)
			}
		})
	}
}
