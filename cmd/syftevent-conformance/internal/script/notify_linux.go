package script

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ObservedBy says how the files below "rpc" are observed.
const ObservedBy = "inotify"

const notifyMask = syscall.IN_CREATE | syscall.IN_MODIFY | syscall.IN_MOVED_TO | syscall.IN_MOVED_FROM | syscall.IN_DELETE | syscall.IN_ONLYDIR

// A notifier shows an observer each change of a folder, by inotify.
type notifier struct {
	observer observer
	file     *os.File // of an inotify instance
	control  syscall.RawConn
	buffer   [64 << 10]byte
	folders  map[int32]string // paths by watch descriptor
	ended    chan struct{}    // closed when the goroutine has ended
}

// startNotifier watches a folder, which contains that of the observer, and starts a goroutine
// that reads its changes until [notifier.end].
func startNotifier(folder string, o observer) (*notifier, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an inotify instance: %w", err)
	}
	n := &notifier{observer: o, file: os.NewFile(uintptr(fd), "inotify"), folders: map[int32]string{}, ended: make(chan struct{})}
	if n.control, err = n.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, n.file.Close())
	}
	n.add(folder)
	go n.run()
	return n, nil
}

// end shows the observer the last changes, and ends the goroutine.
func (n *notifier) end() {
	n.file.SetReadDeadline(time.Now())
	<-n.ended
	n.file.Close()
}

func (n *notifier) run() {
	defer close(n.ended)
	for {
		size, err := n.file.Read(n.buffer[:])
		if err != nil {
			n.drain()
			return
		}
		n.handle(n.buffer[:size])
		n.drain()
	}
}

// drain handles the changes that there are. Then all removals so far are known.
func (n *notifier) drain() {
	for {
		size := 0
		n.control.Control(func(fd uintptr) { size, _ = syscall.Read(int(fd), n.buffer[:]) })
		if size <= 0 {
			n.observer.confirm()
			return
		}
		n.handle(n.buffer[:size])
	}
}

// add watches a folder and all folders in it, and shows the observer the files that are there
// already.
func (n *notifier) add(folder string) {
	filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case d.IsDir():
			n.control.Control(func(fd uintptr) {
				if wd, err := syscall.InotifyAddWatch(int(fd), name, notifyMask); err == nil {
					n.folders[int32(wd)] = name
				}
			})
		default:
			n.look(name)
		}
		return nil
	})
}

func (n *notifier) look(file string) {
	if name, ok := n.relative(file); ok {
		n.observer.look(name)
	}
}

// relative returns the path of a file relative to the observer's folder, if it is in that.
func (n *notifier) relative(file string) (name string, ok bool) {
	name, ok = strings.CutPrefix(file, n.observer.folder()+string(filepath.Separator))
	return filepath.ToSlash(name), ok
}

// A notification is an event of inotify.
type notification struct {
	wd   int32 // of the folder
	mask uint32
	name string // in the folder
}

// notifications returns the events that inotify wrote into a buffer.
func notifications(events []byte) iter.Seq[notification] {
	return func(yield func(notification) bool) {
		for len(events) >= syscall.SizeofInotifyEvent {
			length := binary.NativeEndian.Uint32(events[12:])
			e := notification{
				wd:   int32(binary.NativeEndian.Uint32(events)),
				mask: binary.NativeEndian.Uint32(events[4:]),
				name: strings.TrimRight(string(events[syscall.SizeofInotifyEvent:][:length]), "\x00"),
			}
			events = events[syscall.SizeofInotifyEvent+length:]
			if !yield(e) {
				return
			}
		}
	}
}

func (n *notifier) handle(events []byte) {
	for e := range notifications(events) {
		folder, known := n.folders[e.wd]
		file, isFolder := filepath.Join(folder, e.name), e.mask&syscall.IN_ISDIR != 0
		switch {
		case e.mask&syscall.IN_Q_OVERFLOW != 0:
			n.observer.forgetAll()
		case e.mask&syscall.IN_IGNORED != 0:
			delete(n.folders, e.wd)
		case !known:
		case e.mask&(syscall.IN_DELETE|syscall.IN_MOVED_FROM) != 0:
			if name, ok := n.relative(file); ok {
				n.observer.forget(name, isFolder)
			}
		case isFolder:
			n.add(file)
		default:
			n.look(file)
		}
	}
}
