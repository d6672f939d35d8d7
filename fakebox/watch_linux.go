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

// A watch tells of modified files, by inotify.
type watch struct {
	file *os.File // nil unless it runs

	mu   sync.Mutex
	dirs map[int32]string // by watch descriptor, relative to "datasites"
}

// Only modifications count, as for SyftBox. The rest keeps the list of folders.
const (
	watchMask   = syscall.IN_MODIFY | syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_MOVED_FROM | syscall.IN_ONLYDIR
	eventHeader = 16
)

// startWatch begins to call noticed. It returns when every folder is watched.
func (r *Replica) startWatch() error {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("fakebox: watching the replica of %s: %w", r.Email, os.NewSyscallError("inotify_init1", err))
	}
	// Non-blocking: a read waits in the runtime's poller, and ends with closeWatch.
	r.watch.file = os.NewFile(uintptr(fd), "inotify")
	r.watch.dirs = map[int32]string{}
	if err := r.watchTree("."); err != nil {
		return errors.Join(err, r.closeWatch())
	}
	r.box.spawn(r.readWatch)
	return nil
}

// closeWatch ends the watch, if there is one.
func (r *Replica) closeWatch() error {
	if r.watch.file == nil {
		return nil
	}
	err := r.watch.file.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// watchTree watches a folder and those below it.
func (r *Replica) watchTree(dir string) error {
	return filepath.WalkDir(filepath.Join(r.Datasites(), filepath.FromSlash(dir)), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return ignoreNotExist(err)
		}
		raw, err := r.watch.file.SyscallConn()
		if err != nil {
			return err
		}
		var wd int
		var errWatch error
		if err := raw.Control(func(fd uintptr) { wd, errWatch = syscall.InotifyAddWatch(int(fd), name, watchMask) }); err != nil {
			return err
		}
		if errWatch != nil {
			return ignoreNotExist(fmt.Errorf("fakebox: watching %s: %w", name, errWatch))
		}
		r.watch.mu.Lock()
		defer r.watch.mu.Unlock()
		key := r.keyOf(name)
		if name == r.Datasites() {
			key = "."
		}
		r.watch.dirs[int32(wd)] = key
		return nil
	})
}

// readWatch reads events until the watch is closed. Those that the kernel drops
// are missed, as they are by SyftBox.
func (r *Replica) readWatch() {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.watch.file.Read(buf)
		if err != nil {
			if r.box.ctx.Err() == nil { // and not closed by Close
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
			r.handle(wd, mask, name)
		}
	}
}

func (r *Replica) handle(wd int32, mask uint32, name string) {
	r.watch.mu.Lock()
	dir, ok := r.watch.dirs[wd]
	if mask&syscall.IN_IGNORED != 0 {
		delete(r.watch.dirs, wd)
	}
	r.watch.mu.Unlock()
	if !ok || name == "" {
		return
	}
	key := path.Join(dir, name)
	switch {
	case mask&syscall.IN_ISDIR != 0 && mask&(syscall.IN_CREATE|syscall.IN_MOVED_TO) != 0:
		// What is written in it before it is watched is not seen.
		r.box.after(WatchDelay, func() {
			if err := r.watchTree(key); err != nil && r.box.ctx.Err() == nil {
				r.box.trouble(r.actor(), key, err)
			}
		})
	case mask&syscall.IN_ISDIR != 0 && mask&syscall.IN_MOVED_FROM != 0:
		r.unwatchTree(key)
	case mask&syscall.IN_MODIFY != 0 && isMessage(name):
		r.noticed(key, r.modifiedAt(key))
	}
}

// unwatchTree forgets a folder that was moved away, and those below it.
func (r *Replica) unwatchTree(dir string) {
	raw, err := r.watch.file.SyscallConn()
	if err != nil {
		return // closed
	}
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	for wd, watched := range r.watch.dirs {
		if watched == dir || strings.HasPrefix(watched, dir+"/") {
			raw.Control(func(fd uintptr) { syscall.InotifyRmWatch(int(fd), uint32(wd)) })
			delete(r.watch.dirs, wd)
		}
	}
}

// modifiedAt returns when a file was modified: by its own time, which does not
// depend on when this goroutine gets to read the event, unless somebody has set it
// to something else.
func (r *Replica) modifiedAt(key string) time.Time {
	now := time.Now()
	info, err := r.root.Lstat(path.Join("datasites", key))
	if err != nil || info.ModTime().After(now) || now.Sub(info.ModTime()) > 10*time.Second {
		return now
	}
	return info.ModTime()
}
