package fakebox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// DistinguishesRenames reports whether the watch of this system distinguishes a write
// from a rename, as SyftBox does on Linux. Otherwise it only detects that a file differs.
const DistinguishesRenames = true

// A watch reports modified requests and responses, by inotify. It reproduces a defect of
// the watch that SyftBox uses, github.com/rjeczalik/notify: a path that was ever watched
// is never watched again, even if the folder was removed and another one has its name.
type watch struct {
	sim      *simulation
	tree     *tree
	modified func(key string, at time.Time)

	mu     sync.Mutex                // guards the fields below
	file   *os.File                  // nil while the watch is stopped
	dirs   map[int32]string          // keys of the watched folders, by watch descriptor
	known  map[string]bool           // keys of all folders that are or were watched
	probes map[int32]chan<- struct{} // see drain, by watch descriptor
}

// SyftBox handles only modifications and new folders.
const (
	watchMask   = syscall.IN_MODIFY | syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_ONLYDIR
	eventHeader = 16
)

func newWatch(sim *simulation, t *tree, modified func(key string, at time.Time)) *watch {
	return &watch{sim: sim, tree: t, modified: modified}
}

// start begins to report modifications. It returns when every folder is watched.
func (w *watch) start(s *session) error {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch replica: %w", os.NewSyscallError("inotify_init1", err))
	}
	w.mu.Lock()
	// The descriptor is non-blocking, so that close interrupts a read.
	w.file = os.NewFile(uintptr(fd), "inotify")
	w.dirs, w.known, w.probes = map[int32]string{}, map[string]bool{}, map[int32]chan<- struct{}{}
	w.mu.Unlock()
	if err := w.addTree("."); err != nil {
		return errors.Join(err, w.close())
	}
	s.background(func() { w.read(s) })
	return nil
}

// close stops the watch, if it is running.
func (w *watch) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for wd, probe := range w.probes {
		delete(w.probes, wd)
		close(probe)
	}
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}

// add watches a folder. The caller holds mu.
func (w *watch) add(name string, mask uint32) (wd int32, err error) {
	err = w.control(func(fd int) (err error) {
		n, err := syscall.InotifyAddWatch(fd, name, mask)
		wd = int32(n)
		return err
	})
	return wd, err
}

// control calls f with the inotify descriptor. The caller holds mu.
func (w *watch) control(f func(fd int) error) error {
	if w.file == nil {
		return os.ErrClosed
	}
	raw, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	var errCall error
	err = raw.Control(func(fd uintptr) { errCall = f(int(fd)) })
	return errors.Join(err, errCall)
}

// addTree watches a folder and all folders below it, except those that are known. A
// folder that is removed meanwhile becomes known, too.
func (w *watch) addTree(dir string) error {
	return filepath.WalkDir(w.tree.path(dir), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return ignoreNotExist(err)
		}
		key := w.tree.keyOf(name)
		if name == w.tree.datasites() {
			key = "."
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.known[key] {
			return nil
		}
		w.known[key] = true
		wd, err := w.add(name, watchMask)
		if err != nil {
			return ignoreNotExist(fmt.Errorf("watch %s: %w", name, err))
		}
		w.dirs[wd] = key // replaces the old key of a renamed folder
		return nil
	})
}

// read handles events until the watch is closed. Like SyftBox it misses events that the
// kernel drops.
func (w *watch) read(s *session) {
	w.mu.Lock()
	file := w.file
	w.mu.Unlock()
	if file == nil {
		return
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := file.Read(buf)
		if err != nil {
			if !s.over() {
				w.sim.journal.trouble(boxActor(w.tree.email), "", fmt.Errorf("read inotify events: %w", err))
			}
			return
		}
		for rest := buf[:n]; len(rest) >= eventHeader; {
			wd := int32(binary.NativeEndian.Uint32(rest))
			mask := binary.NativeEndian.Uint32(rest[4:])
			end := eventHeader + int(binary.NativeEndian.Uint32(rest[12:]))
			name := strings.TrimRight(string(rest[eventHeader:end]), "\x00")
			rest = rest[end:]
			w.handle(s, wd, mask, name)
		}
	}
}

func (w *watch) handle(s *session, wd int32, mask uint32, name string) {
	w.mu.Lock()
	dir, ok := w.dirs[wd]
	if mask&syscall.IN_IGNORED != 0 {
		delete(w.dirs, wd)
		if probe := w.probes[wd]; probe != nil {
			delete(w.probes, wd)
			close(probe)
		}
	}
	w.mu.Unlock()
	if !ok || name == "" {
		return
	}
	key := path.Join(dir, name)
	switch {
	case mask&syscall.IN_ISDIR != 0 && mask&(syscall.IN_CREATE|syscall.IN_MOVED_TO) != 0:
		// What is written in the folder before it is watched is missed.
		s.after(w.sim.scaled(WatchDelay), func() {
			if err := w.addTree(key); err != nil && !s.over() {
				w.sim.journal.trouble(boxActor(w.tree.email), key, err)
			}
		})
	case mask&syscall.IN_MODIFY != 0 && isMessage(name):
		w.modified(key, w.modifiedAt(key))
	}
}

// drain waits until all earlier modifications have been reported. It adds and removes a
// watch: the kernel delivers events in order, including the one for a removed watch.
func (w *watch) drain() {
	probe := make(chan struct{})
	w.mu.Lock()
	// The parent of the SyftBox folder is not watched otherwise.
	wd, err := w.add(filepath.Dir(w.tree.dir), syscall.IN_DELETE_SELF)
	if err == nil {
		w.probes[wd] = probe
		err = w.control(func(fd int) error {
			_, err := syscall.InotifyRmWatch(fd, uint32(wd))
			return err
		})
	}
	w.mu.Unlock()
	if err == nil {
		<-probe
	}
}

// modifiedAt returns when a file was modified: its modification time, which does not
// depend on the load of this machine, unless it is implausible. A manual clock differs
// from that of the file system, so its current time is used.
func (w *watch) modifiedAt(key string) time.Time {
	now := w.sim.clock.now()
	info, err := w.tree.lstat(key)
	if err != nil || info.ModTime().After(now) || now.Sub(info.ModTime()) > 10*time.Second || w.sim.clock.manual {
		return now
	}
	return info.ModTime()
}
