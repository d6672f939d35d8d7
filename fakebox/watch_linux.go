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

// TellsWritesFromRenames tells whether the watch of this system sees that a file
// was modified, as SyftBox's does on Linux, or only that it is another than before.
const TellsWritesFromRenames = true

// A watch tells of modified files, by inotify. It is the tree of SyftBox's watch,
// github.com/rjeczalik/notify with its faults: a folder that was ever in the tree is
// never put into it again, also if it was removed and another has its path.
type watch struct {
	file *os.File // nil unless it runs

	mu     sync.Mutex
	dirs   map[int32]string          // by watch descriptor, relative to "datasites"
	known  map[string]bool           // each folder that is or was watched
	probes map[int32]chan<- struct{} // by watch descriptor: of drain
}

// Only modifications and new folders count, as for SyftBox.
const (
	watchMask   = syscall.IN_MODIFY | syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_ONLYDIR
	eventHeader = 16
)

// startWatch begins to call noticed. It returns when every folder is watched.
func (r *Replica) startWatch() error {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch the replica: %w", os.NewSyscallError("inotify_init1", err))
	}
	r.watch.mu.Lock()
	// Non-blocking: a read waits in the runtime's poller, and ends with closeWatch.
	r.watch.file = os.NewFile(uintptr(fd), "inotify")
	r.watch.dirs, r.watch.known, r.watch.probes = map[int32]string{}, map[string]bool{}, map[int32]chan<- struct{}{}
	r.watch.mu.Unlock()
	if err := r.watchTree("."); err != nil {
		return errors.Join(err, r.closeWatch())
	}
	s := r.current()
	s.background(func() { r.readWatch(s) })
	return nil
}

// closeWatch ends the watch, if there is one.
func (r *Replica) closeWatch() error {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	for wd, probe := range r.watch.probes {
		delete(r.watch.probes, wd)
		close(probe)
	}
	if r.watch.file == nil {
		return nil
	}
	err := r.watch.file.Close()
	r.watch.file = nil
	return err
}

// add watches a folder of this machine. The caller holds watch.mu.
func (w *watch) add(name string, mask uint32) (wd int32, err error) {
	err = w.control(func(fd int) (err error) {
		n, err := syscall.InotifyAddWatch(fd, name, mask)
		wd = int32(n)
		return err
	})
	return wd, err
}

// control calls a function with the descriptor of the watch. The caller holds
// watch.mu.
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

// watchTree watches a folder and those below it, but for those that are known. One
// that goes meanwhile is known all the same.
func (r *Replica) watchTree(dir string) error {
	return filepath.WalkDir(filepath.Join(r.Datasites(), filepath.FromSlash(dir)), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return ignoreNotExist(err)
		}
		key := r.keyOf(name)
		if name == r.Datasites() {
			key = "."
		}
		w := &r.watch
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
		w.dirs[wd] = key // of a folder that has moved: its new path
		return nil
	})
}

// readWatch reads events until the watch is closed. Those that the kernel drops
// are missed, as they are by SyftBox.
func (r *Replica) readWatch(s *session) {
	r.watch.mu.Lock()
	file := r.watch.file
	r.watch.mu.Unlock()
	if file == nil {
		return // closed already
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := file.Read(buf)
		if err != nil {
			if !s.over() {
				r.box.trouble(r.actor(), "", fmt.Errorf("watching: %w", err))
			}
			return
		}
		for rest := buf[:n]; len(rest) >= eventHeader; {
			wd := int32(binary.NativeEndian.Uint32(rest))
			mask := binary.NativeEndian.Uint32(rest[4:])
			end := eventHeader + int(binary.NativeEndian.Uint32(rest[12:]))
			name := strings.TrimRight(string(rest[eventHeader:end]), "\x00")
			rest = rest[end:]
			r.handle(s, wd, mask, name)
		}
	}
}

func (r *Replica) handle(s *session, wd int32, mask uint32, name string) {
	r.watch.mu.Lock()
	dir, ok := r.watch.dirs[wd]
	if mask&syscall.IN_IGNORED != 0 {
		delete(r.watch.dirs, wd)
		if probe := r.watch.probes[wd]; probe != nil {
			delete(r.watch.probes, wd)
			close(probe)
		}
	}
	r.watch.mu.Unlock()
	if !ok || name == "" {
		return
	}
	key := path.Join(dir, name)
	switch {
	case mask&syscall.IN_ISDIR != 0 && mask&(syscall.IN_CREATE|syscall.IN_MOVED_TO) != 0:
		// What is written in it before it is watched is not seen.
		s.after(r.box.scaled(WatchDelay), func() {
			if err := r.watchTree(key); err != nil && !s.over() {
				r.box.trouble(r.actor(), key, err)
			}
		})
	case mask&syscall.IN_MODIFY != 0 && isMessage(name):
		r.noticed(key, r.modifiedAt(key))
	}
}

// drain returns when all that was modified before has been noticed: the kernel tells
// in order, also that a watch has ended.
func (r *Replica) drain() {
	w := &r.watch
	probe := make(chan struct{})
	w.mu.Lock()
	// The folder around the replica is not watched otherwise.
	wd, err := w.add(r.dir, syscall.IN_DELETE_SELF)
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

// modifiedAt returns when a file was modified: by its own time, which does not
// depend on when this goroutine gets to read the event, unless somebody has set it
// to something else. A clock that is advanced by hand is not that of the files.
func (r *Replica) modifiedAt(key string) time.Time {
	now := r.box.clock.now()
	info, err := r.root.Lstat(path.Join("datasites", key))
	if err != nil || info.ModTime().After(now) || now.Sub(info.ModTime()) > 10*time.Second || r.box.clock.byHand {
		return now
	}
	return info.ModTime()
}
