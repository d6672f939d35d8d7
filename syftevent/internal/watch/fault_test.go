package watch

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A faultyFileSystem has the faults of network file systems.
type faultyFileSystem struct {
	native
	mu      sync.Mutex
	remote  bool
	frozen  bool                     // the stamps of directories never change
	unseen  map[string]bool          // names that listings lack
	failing map[string]syscall.Errno // by path: listing or reading its state fails
	touched map[string]int           // by directory
}

func newFaulty() *faultyFileSystem {
	return &faultyFileSystem{unseen: map[string]bool{}, failing: map[string]syscall.Errno{}, touched: map[string]int{}}
}

// set changes the faults.
func (f *faultyFileSystem) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *faultyFileSystem) trusted(*os.File) bool { return !f.remote }

func (f *faultyFileSystem) stamp(anchor *os.File, dir string, cname []byte) (rootfs.Stamp, error) {
	stamp, err := f.native.stamp(anchor, dir, cname)
	if f.frozen {
		stamp = rootfs.Stamp{Modified: 1}
	}
	return stamp, err
}

func (f *faultyFileSystem) state(anchor *os.File, dir string, cname []byte) (rootfs.FileState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errno := f.failing[string(bytes.TrimSuffix(cname, []byte{0}))]; errno != 0 {
		return rootfs.FileState{}, errno
	}
	return f.native.state(anchor, dir, cname)
}

func (f *faultyFileSystem) list(l *rootfs.Lister, dir string, visit func(error) error) error {
	f.mu.Lock()
	errno := f.failing[dir]
	f.mu.Unlock()
	if errno != 0 {
		return visit(errno)
	}
	skip := l.Listing.Skip
	l.Listing.Skip = func(name []byte, kind rootfs.Kind) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.unseen[path.Join(dir, string(name))] || skip(name, kind)
	}
	return f.native.list(l, dir, visit)
}

func (f *faultyFileSystem) touch(root *os.Root, dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touched[dir]++
	f.native.touch(root, dir)
}

func TestSettlesLongerOnNetworkFileSystems(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		faulty := newFaulty()
		faulty.remote, faulty.frozen, y.files = true, true, faulty
		y.start()
		y.write(alice+"/a.json", "1")
		if events := y.take(y.options.SettleRemote - time.Second); len(events) > 0 {
			t.Errorf("events before the file has settled: %q", events)
		}
		y.expect("created " + alice + "/a.json")
		// In place: no directory shows it.
		y.write(alice+"/a.json", "22")
		y.expect("changed " + alice + "/a.json")
		faulty.set(func() {
			if faulty.touched[alice] == 0 {
				t.Error("the directory was not touched")
			}
		})
		if y.watcher.Figures().Trusted {
			t.Error("mtimes are trusted")
		}
	})
}

// NFS shows a new name late in the listing or in the state of the file, and may lose it for a
// while: neither is an event.
func TestIgnoresStaleListingsAndStates(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		faulty := newFaulty()
		faulty.remote, y.files = true, faulty
		y.write(alice+"/old.json", "1")
		y.start()
		y.expect("created " + alice + "/old.json")
		faulty.set(func() {
			faulty.unseen[alice+"/old.json"] = true
			faulty.unseen[alice+"/new.json"] = true
			faulty.failing[alice+"/cached.json"] = syscall.ENOENT
		})
		y.write(alice+"/new.json", "1")
		y.write(alice+"/cached.json", "1")
		y.expect()
		faulty.set(func() { clear(faulty.unseen); clear(faulty.failing) })
		y.expect("created "+alice+"/cached.json", "created "+alice+"/new.json")
		faulty.set(func() { faulty.failing[alice+"/new.json"] = syscall.ENOENT })
		y.take(15 * time.Second)
		faulty.set(func() { clear(faulty.failing) })
		y.expect()
	})
}

// A full scan finds a file in a directory whose stamp has not changed. Then the stamp of that
// directory is not trusted any more.
func TestDistrustsStampsThatDoNotChange(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		faulty := newFaulty()
		faulty.frozen, y.files = true, faulty
		y.write(alice+"/a.json", "1")
		y.start()
		y.take(long)
		y.write(alice+"/b.json", "1")
		y.expect("created " + alice + "/b.json")
		y.write(alice+"/c.json", "1")
		if events := y.take(5 * time.Second); !slices.Equal(events, []string{"created " + alice + "/c.json"}) {
			t.Errorf("events: %q", events)
		}
	})
}

func TestFilesInUnreadableFoldersAreNotRemoved(t *testing.T) {
	inYard(t, "**/*.json", func(y *yard) {
		faulty := newFaulty()
		y.files = faulty
		y.write(alice+"/in/a.json", "1")
		y.write(alice+"/b.json", "1")
		y.start()
		y.take(long)
		fail := func(errno syscall.Errno) {
			faulty.set(func() {
				for _, name := range []string{"/in", "/in/a.json", "/b.json"} {
					faulty.failing[alice+name] = errno
				}
			})
		}
		for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EIO} {
			fail(errno)
			y.expect()
			if f := y.watcher.Figures(); f.Unreadable != 1 || f.Files != 2 {
				t.Errorf("figures: %+v", f)
			}
			y.stop()
			y.start()
			y.expect()
		}
		faulty.set(func() { clear(faulty.failing) })
		y.expect()
		y.write(alice+"/in/a.json", "22")
		y.expect("changed " + alice + "/in/a.json")
		if n := strings.Count(y.log.String(), "reading watched path failed"); n != 4 {
			t.Errorf("%d lines: %s", n, y.log.String())
		}
	})
}

func TestWritesTheCursorAfterADiskWasFull(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		// The temporary file cannot be removed: it is a directory that is not empty.
		y.mkdir(appDir + "/" + cursorName + ".next.tmp/x")
		y.write(alice+"/a.json", "1")
		y.start()
		y.expect("created " + alice + "/a.json")
		if n := strings.Count(y.log.String(), "writing cursor of watched files failed"); n != 1 {
			t.Errorf("log: %s", y.log.String())
		}
		y.must(os.RemoveAll(y.name(appDir + "/" + cursorName + ".next.tmp")))
		time.Sleep(long)
		y.kill()
		y.start()
		y.expect()
	})
}

func TestListsHugeFoldersInParts(t *testing.T) {
	inYard(t, "**/*.json", func(y *yard) {
		y.prepare = func(w *Watcher) { w.lister.Listing.Limit = 10 }
		var want []string
		for i := range 100 {
			y.write(fmt.Sprintf("%s/%02d.json", alice, i), "1")
			y.write(fmt.Sprintf("%s/%02d/x.json", alice, i), "1")
			y.write(fmt.Sprintf("%s/%02d.other", alice, i), "1")
			want = append(want, fmt.Sprintf("created %s/%02d.json", alice, i), fmt.Sprintf("created %s/%02d/x.json", alice, i))
		}
		slices.Sort(want)
		y.start()
		y.expect(want...)
	})
}

func TestPausesWithTheServer(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		paused := true
		var mu sync.Mutex
		y.write(alice+"/a.json", "1")
		y.watcher = newWith(y.options, y.files)
		y.cancel = func() {}
		y.must(y.watcher.Start(t.Context(), func() bool { mu.Lock(); defer mu.Unlock(); return paused }))
		y.expect()
		mu.Lock()
		paused = false
		mu.Unlock()
		y.expect("created " + alice + "/a.json")
	})
}

// A handler may be in the middle of the file when its owner replaces it.
func TestOpenRefusesAnotherVersion(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		var errs []error
		y.handle = func(event *Event) error {
			if event.Size == 1 {
				y.write(event.Path, "22")
			}
			f, err := event.Open()
			if err == nil {
				f.Close()
			}
			errs = append(errs, err)
			return err
		}
		y.write(alice+"/a.json", "1")
		y.start()
		y.expect("created "+alice+"/a.json", "created "+alice+"/a.json")
		if len(errs) != 2 || errs[0] == nil || !strings.Contains(errs[0].Error(), ErrChanged.Error()) || errs[1] != nil {
			t.Errorf("errors of Open: %v", errs)
		}
		if f := y.watcher.Figures(); f.Failed != 0 || f.Events != 1 {
			t.Errorf("figures: %+v", f)
		}
	})
}

// Ten thousand files, then a flood of changes, then a restart: one event for each.
func TestWatchesTenThousandFiles(t *testing.T) {
	const folders, each = 100, 100
	inYard(t, "*/public/**/*.json", func(y *yard) {
		y.options.Concurrency = 16
		name := func(i int) string { return fmt.Sprintf("user%d@example.com/public/%d/%d.json", i%7, i%folders, i) }
		for i := range folders * each {
			if i < 7*folders {
				y.mkdir(path.Dir(name(i)))
			}
			y.must(os.WriteFile(y.name(name(i)), []byte("1"), 0o644))
		}
		check := func(op string, n int) {
			t.Helper()
			events := slices.Compact(y.take(8 * time.Second))
			if total := y.watcher.Figures().Events; len(events) != n || total != n || n > 0 && !strings.HasPrefix(events[0], op) {
				t.Errorf("%s: %d events of different files, %d in all, want %d", op, len(events), total, n)
			}
			y.stop()
			y.start()
		}
		y.start()
		check("created", folders*each)
		for i := range folders * each / 5 {
			y.must(os.WriteFile(y.name(name(i)), []byte("22"), 0o644))
		}
		check("changed", folders*each/5)
		check("none", 0)
		y.must(os.RemoveAll(y.name("user3@example.com")))
		check("removed", (folders*each+3)/7)
	})
}
