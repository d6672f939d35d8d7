// Package watch finds files of datasites that are created, changed and removed, and passes
// each to the handlers of the patterns that it matches. It polls, as package spool does, but
// has a state for each file: what the handler has seen last.
//
// Detection is by level, not by edge. A file's event follows from what its handler has seen and
// from what is there now, so several changes between two scans are one event, and a file that
// was created and removed in between has none.
package watch

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// An Op is what happened to a file.
type Op uint8

const (
	Created Op = iota + 1
	Changed
	Removed
)

// An Event is what a handler gets.
type Event struct {
	Op      Op
	Path    string // with slashes, relative to the directory of all datasites
	Size    int64
	ModTime time.Time
	Attempt int // 1 for the first
	// Open opens the file. It returns ErrChanged if it is not the version of the event.
	Open func() (*os.File, error)
}

// ErrChanged means that a file is not the version of an event any more.
var ErrChanged = errors.New("syftevent: file changed since the event")

// A Watch is a pattern with its handler.
type Watch struct {
	Pattern *Pattern
	Handle  func(context.Context, *Event) error
}

// Options configure a Watcher. All are required.
type Options struct {
	Dir     string // of all datasites
	Own     string // the name of the server's own datasite
	App     string // the app's directory, with slashes and relative to Dir
	Watches []Watch

	PollInterval         time.Duration
	IdleShare            float64 // of a core
	Settle, SettleRemote time.Duration
	Concurrency          int // handlers at once
	Limits               Limits
	Logger               *slog.Logger
}

// Limits bound what a Watcher tracks.
type Limits struct {
	Files      int // watched files, and the same number of directories
	OwnFiles   int // those of the own datasite
	OtherFiles int // those of each other datasite
}

// DefaultLimits are the limits of a server.
var DefaultLimits = Limits{Files: 100_000, OwnFiles: 50_000, OtherFiles: 20_000}

// Figures are the figures of a Watcher since its start.
type Figures struct {
	Files, Left, Unreadable int           // now; Left are names beyond a limit
	Events, Failed          int           // successful calls of handlers, and failed ones
	InFlight, Queued        int           // events now
	LastScan                time.Time     // when the last scan of a datasite began
	ScanDuration            time.Duration // to check every file once
	ScanWait                time.Duration // until each file has been checked once
	Trusted                 bool          // mtimes show changes
}

// A Watcher watches files between Start and Close.
type Watcher struct {
	options  Options
	files    fileSystem
	began    time.Time
	paused   func() bool
	stopping chan struct{}
	stopOnce sync.Once
	stopped  chan struct{} // closed when the scanning goroutine has ended
	dispatch *dispatcher
	cursor   cursor

	mu      sync.Mutex
	root    *os.Root
	anchor  *os.File // the same directory
	figures Figures

	// Used only by the scanning goroutine.
	trusted     bool
	top         *directory // of all datasites
	topNext     instant
	topCost     time.Duration
	sites       map[string]*site
	directories map[string]*directory
	count       int // files
	left        int // names beyond a limit
	leftLogged  bool
	unknown     bool // some files of the cursor were not checked yet
	nextUnknown instant
	lister      *rootfs.Lister
	joined      []byte    // the buffer of cname
	working     time.Time // since the last pause
	work        int       // since the clock was read
	slept       time.Duration
	troubles    map[string]string // the failure that was logged, by path
}

// New returns a Watcher that is not started.
func New(options Options) *Watcher { return newWith(options, native{}) }

func newWith(options Options, files fileSystem) *Watcher {
	w := &Watcher{
		options: options, files: files, began: time.Now(),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
		sites: map[string]*site{}, directories: map[string]*directory{}, troubles: map[string]string{},
	}
	w.lister = rootfs.NewLister(maxListed)
	w.cursor = cursor{path: filepath.Join(options.Dir, filepath.FromSlash(options.App), cursorName)}
	return w
}

// maxListed is the number of wanted names in one part of a listing.
const maxListed = 1 << 16

// Start starts watching. ctx is that of handlers. While paused returns true, nothing is
// scanned and no handler started.
func (w *Watcher) Start(ctx context.Context, paused func() bool) error {
	w.paused = paused
	w.dispatch = newDispatcher(ctx, w, w.options.Concurrency)
	if err := w.open(); err != nil {
		return err
	}
	w.load()
	go w.run()
	return nil
}

// Stop stops scanning and the start of handlers. It returns a channel that is closed when
// no handler runs.
func (w *Watcher) Stop() <-chan struct{} {
	w.stopOnce.Do(func() { close(w.stopping) })
	return w.dispatch.stop()
}

// Close stops the Watcher and saves the cursor. Handlers that still run are not waited for,
// and their events occur again after the next start.
func (w *Watcher) Close() {
	w.Stop()
	<-w.stopped
	w.apply()
	if w.cursor.dirty {
		w.save()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.root.Close() // the garbage collector closes the anchor: a handler may be about to use it
}

// Figures returns the current figures.
func (w *Watcher) Figures() Figures {
	w.mu.Lock()
	f := w.figures
	w.mu.Unlock()
	f.InFlight, f.Queued = w.dispatch.load()
	return f
}

// open opens the directory of all datasites.
func (w *Watcher) open() error {
	root, err := os.OpenRoot(w.options.Dir)
	if err != nil {
		return err
	}
	anchor, err := root.Open(".")
	if err != nil {
		return errors.Join(err, root.Close())
	}
	w.mu.Lock()
	w.root, w.anchor = root, anchor
	w.mu.Unlock()
	w.lister.Root, w.lister.Anchor = root, anchor
	w.trusted = w.files.trusted(anchor)
	w.forgetListings()
	return nil
}

// current returns the open directory of all datasites.
func (w *Watcher) current() (*os.Root, *os.File) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.root, w.anchor
}

// reopen opens the directory of all datasites again if its path leads to another one, after a
// share was remounted for example.
func (w *Watcher) reopen() error {
	there, err := os.Stat(w.options.Dir)
	if err != nil {
		return err
	}
	before, _ := w.current()
	if here, err := before.Stat("."); err == nil && os.SameFile(here, there) {
		return nil
	}
	if err := w.open(); err != nil {
		return err
	}
	return before.Close()
}

// present returns an error unless the app's directory exists. Without it the share is probably
// not mounted, and files that are missing were not removed.
func (w *Watcher) present() error {
	if err := w.reopen(); err != nil {
		return err
	}
	root, _ := w.current()
	info, err := root.Lstat(filepath.FromSlash(w.options.App))
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "lstat", Path: w.options.App, Err: fs.ErrNotExist}
	}
	return err
}

// settle returns how long a file must stay unchanged.
func (w *Watcher) settle() time.Duration {
	if w.trusted {
		return w.options.Settle
	}
	return w.options.SettleRemote
}

// tick returns the shortest time between two scans of a datasite. A file that is not
// settled need not be found sooner.
func (w *Watcher) tick() time.Duration {
	return max(w.options.PollInterval, w.settle()/4, leastTick)
}

// leastTick bounds the cost of a tick without a scan.
const leastTick = 10 * time.Millisecond

// run scans until the Watcher is stopped.
func (w *Watcher) run() {
	defer close(w.stopped)
	for {
		w.apply()
		if !w.paused() {
			err := w.present()
			w.trouble(".", err)
			if err == nil {
				w.scan()
			}
		}
		if w.cursor.dirty && !time.Now().Before(w.cursor.next) {
			w.save()
		}
		timer := time.NewTimer(w.tick())
		for waiting := true; waiting; {
			select {
			case <-w.stopping:
				timer.Stop()
				return
			case <-w.dispatch.ended:
				w.apply()
			case <-timer.C:
				waiting = false
			}
		}
	}
}

// maxTroubles bounds the paths whose failures are remembered.
const maxTroubles = 1000

// trouble logs a failure of a path when it begins, changes or ends, which a nil error means.
func (w *Watcher) trouble(name string, err error) {
	before, known := w.troubles[name]
	if err == nil {
		if known {
			delete(w.troubles, name)
			w.options.Logger.Info("syftevent: watched path readable again", "path", w.path(name))
		}
		return
	}
	if text := err.Error(); text != before && (known || len(w.troubles) < maxTroubles) {
		w.troubles[name] = text
		w.options.Logger.Warn("syftevent: reading watched path failed, will retry", "path", w.path(name), "err", text)
	}
}

func (w *Watcher) path(name string) string {
	return filepath.Join(w.options.Dir, filepath.FromSlash(name))
}

// A fileSystem has the calls by which a Watcher scans. Tests use one with the faults of network
// file systems.
type fileSystem interface {
	stamp(anchor *os.File, dir string, cname []byte) (rootfs.Stamp, error)
	state(anchor *os.File, dir string, cname []byte) (rootfs.FileState, error)
	list(l *rootfs.Lister, dir string, visit func(error) error) error
	touch(root *os.Root, dir string)
	trusted(anchor *os.File) bool
}

// native uses the calls of the operating system.
type native struct{}

func (native) stamp(anchor *os.File, dir string, cname []byte) (rootfs.Stamp, error) {
	return rootfs.ReadStamp(anchor, dir, cname)
}
func (native) state(anchor *os.File, dir string, cname []byte) (rootfs.FileState, error) {
	return rootfs.ReadState(anchor, dir, cname)
}
func (native) list(l *rootfs.Lister, dir string, visit func(error) error) error {
	return l.Parts(dir, 0, visit)
}
func (native) touch(root *os.Root, dir string) {
	now := time.Now()
	_ = root.Chtimes(dir, now, now)
}
func (native) trusted(anchor *os.File) bool { return rootfs.IsLocal(anchor) }

// isDatasite reports whether a directory in that of all datasites is a datasite.
func isDatasite(name string) bool { return protocol.IsAddress(name) }
