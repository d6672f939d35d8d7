// Package spool processes the files of a directory tree. An input is a file with one suffix;
// its output is the file of the same stem with another suffix beside it. The package finds
// pending inputs, which have no output, reads them whole, and publishes outputs.
//
// Detection is by level, not by edge: a scan sees which names exist now. A missed scan costs
// time and loses nothing. The package knows nothing about the content of the files.
package spool

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Options configure a Spool.
type Options struct {
	// In and Out are the suffixes of inputs and outputs.
	In, Out string
	// Ignore reports whether a name with the suffix In is not an input.
	Ignore func(name string) bool
	// Wanted reports whether a directory may have inputs of interest; nil for always. Other
	// directories are scanned at most once a second, and less often if there are many. The
	// name is valid until Wanted returns. The same holds for Owner and Own.
	Wanted func(dir string) bool
	// Owner returns the owner of a directory, or "" if it has none; nil for always "". All
	// directories of one owner share a budget of OwnerDirectories.
	Owner func(dir string) string
	// Own reports whether a directory is the program's own, which has no budget; nil for
	// none.
	Own func(dir string) bool
	// Complete reports whether data is the complete content of an input.
	Complete func(data []byte) bool
	// Valid reports whether the content of a non-empty file is that of an output; nil for
	// always. It may be called concurrently.
	Valid func(content io.ReaderAt, size int64) bool
	// MaxSize is the size in bytes above which an input is not read.
	MaxSize int64
	// Settle is how long an incomplete input must stay unchanged before it is taken as it is.
	// SettleRemote replaces it where mtimes are not trusted: there, half of a file may look
	// unchanged for long.
	Settle, SettleRemote time.Duration
	// Orphan returns the stem of the input to which a file belongs, an output or a file that
	// Ignore reports, and whether the file may be removed when the input has been missing for
	// OrphanDelay; nil for never.
	Orphan func(name string) (stem string, ok bool)
	// OrphanDelay is that time. Negative disables the removal.
	OrphanDelay time.Duration
	// Marker is the name of the empty file that Mark puts into a directory.
	Marker string
	// TempPrefix begins the names of temporary files. It should make them hidden.
	TempPrefix string
	// KeepTemp reports whether a temporary file that another process made is in use. Nil means
	// that none is.
	KeepTemp func(name string) bool
	// MaxListed is the largest number of entries that one listing holds. A larger directory is
	// listed in parts, one part per scan. Defaults to 131,072.
	MaxListed int
	// FullScanShare is the share of a core that full scans take. Defaults to 1/500.
	FullScanShare float64
	// NudgeInterval is the time between two nudges. Negative disables nudges.
	NudgeInterval time.Duration
	// Durable syncs an output before it gets its name, and its directory before Publish
	// returns.
	Durable bool
	// Logger is required.
	Logger *slog.Logger
}

// An Entry names an input: its directory, with slashes and relative to the spool's, and its
// name without the suffix.
type Entry struct {
	Dir, Stem string
}

// String returns the path of the input without its suffix.
func (e Entry) String() string { return path.Join(e.Dir, e.Stem) }

// A Spool may be used concurrently, except that only one goroutine at a time may call Scan,
// ScanActive, ScanRecent, Active and Recent.
type Spool struct {
	dir     string
	options Options
	in, out []byte // Options.In and Out
	nudges  *nudges

	// Used only by the scanning goroutine.
	files        fileSystem
	slice        time.Duration // sliceTime
	costlyFrom   time.Duration // costlyFrom
	opened       time.Time
	top          *directory
	nextFull     instant // when all directories are listed next, whatever their stamps
	fullShare    float64 // ScanResult.FullShare
	round        round
	lastFull     uint32 // the last round that listed all
	latelyBefore int    // round.lately of the round before
	numbers      uint16 // of directories; wraps
	budget       budget
	active       []*directory                    // for ScanActive
	recent       []*directory                    // for ScanRecent
	rest         map[*directory][]rootfs.Section // the parts that are left to list, the next one last
	scan         scan
	watch        stopwatch // of the scan
	listing      *listing  // of the directory that is scanned
	ahead        lookahead
	alone        aheadListing // the last one of listAlone
	joined       []byte       // the buffer of join
	returned     []returned   // the spare of done
	orphans      orphans
	deepLogged   map[string]bool
	leftLogged   bool
	refresh      time.Duration // the time between two touches of a directory; 0 for none without a change
	linksKnown   bool          // the file system was tested for hard links
	linksWarned  bool          // a failure of that test was logged

	scanned       chan struct{} // closed by firstScan
	firstScan     func()        // called when all directories were scanned once
	sequence      atomic.Uint64 // counts listings
	touchFailed   atomic.Bool   // which was logged
	left, tooDeep atomic.Int64  // directories beyond a budget, and too deep

	mu          sync.Mutex
	root        *os.Root
	anchor      *os.File              // the same directory, for reading stamps
	links       bool                  // the file system has hard links
	trusted     bool                  // its mtimes show changes
	directories table[directory]      // the tree, by name
	dirHandles  map[string]*dirHandle // by path
	acquired    int                   // number of handles in use
	released    sync.Cond             // signalled by release
	descriptors descriptors
	tracked     map[string]map[string]*file
	torn        map[Entry]tornFile
	done        []returned            // since the last scan
	own         map[string]*ownChange // by directory
	troubles    map[string]string     // the failure that was logged, by path
}

// Open opens the spool in an existing directory.
func Open(dir string, options Options) (*Spool, error) { return openWith(dir, options, native{}) }

func openWith(dir string, options Options, files fileSystem) (*Spool, error) {
	if options.Wanted == nil {
		options.Wanted = func(string) bool { return true }
	}
	if options.FullScanShare == 0 {
		options.FullScanShare = 1. / 500
	}
	if options.Owner == nil {
		options.Owner = func(string) string { return "" }
	}
	if options.Own == nil {
		options.Own = func(string) bool { return false }
	}
	if options.Orphan == nil || options.OrphanDelay < 0 {
		options.Orphan = func(string) (string, bool) { return "", false }
	}
	s := &Spool{
		dir:         dir,
		options:     options,
		in:          []byte(options.In),
		out:         []byte(options.Out),
		files:       files,
		slice:       sliceTime,
		costlyFrom:  costlyFrom,
		opened:      time.Now(),
		budget:      newBudget(),
		deepLogged:  map[string]bool{},
		links:       true,
		rest:        map[*directory][]rootfs.Section{},
		directories: table[directory]{key: func(d *directory) string { return d.name }},
		dirHandles:  map[string]*dirHandle{},
		descriptors: descriptors{budget: dirHandleLimit()},
		tracked:     map[string]map[string]*file{},
		torn:        map[Entry]tornFile{},
		scanned:     make(chan struct{}),
		own:         map[string]*ownChange{},
		troubles:    map[string]string{},
	}
	s.listing = s.newListing(options.MaxListed)
	s.firstScan = sync.OnceFunc(func() { close(s.scanned) })
	s.released.L = &s.mu
	if err := s.openRoot(); err != nil {
		return nil, err
	}
	s.learnLinks()
	s.nudges = startNudges(options.NudgeInterval, s.touch)
	return s, nil
}

// learnLinks tests whether the file system has hard links. If nothing can be written now, on
// a full disk for example, the last result stays, at first that it has, and the next round
// tries again.
func (s *Spool) learnLinks() {
	links, err := s.files.links(s)
	if err != nil {
		if !s.linksWarned {
			s.options.Logger.Warn("syftevent: testing for hard links failed, will retry", "path", s.dir, "err", err)
		}
		s.linksKnown, s.linksWarned = false, true
		return
	}
	s.linksKnown = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = links
}

// Close waits at most a second for queued nudges, and ends the goroutine that Open started.
func (s *Spool) Close() error {
	s.nudges.close()
	return s.closeRoot()
}

// Trusted reports whether mtimes are trusted: a directory whose mtime has not changed is then
// not listed.
func (s *Spool) Trusted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trusted
}

// mount returns what is known about the spool's file system.
func (s *Spool) mount() (links, trusted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links, s.trusted
}

// Figures describe the state of a spool.
type Figures struct {
	Directories int  // that are tracked
	Left        int  // directories beyond a budget, which are scanned in turn
	Incomplete  int  // inputs
	Unreadable  int  // files and directories
	Descriptors int  // directories that may be kept open
	Trusted     bool // as Trusted returns
}

// Figures returns the current figures.
func (s *Spool) Figures() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	figures := Figures{
		Directories: s.directories.count, Left: int(s.left.Load()),
		Unreadable: len(s.troubles) + int(s.tooDeep.Load()), Descriptors: s.descriptors.budget, Trusted: s.trusted,
	}
	for _, files := range s.tracked {
		for _, f := range files {
			if f.incomplete != nil {
				figures.Incomplete++
			}
		}
	}
	return figures
}

// current returns the open directory of the spool.
func (s *Spool) current() *os.Root {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root
}

// path returns the path of a file of the spool, for the log.
func (s *Spool) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// openRoot opens the spool's directory, and forgets what is known about it.
func (s *Spool) openRoot() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	anchor, err := root.Open(".")
	if err != nil {
		return errors.Join(err, root.Close())
	}
	if s.top != nil {
		s.drop(s.top)
	}
	s.mu.Lock()
	s.retireAll()
	s.root, s.anchor = root, anchor
	s.mu.Unlock()
	trusted := s.files.trusted(s)
	s.refresh = s.files.refresh(s)
	s.mu.Lock()
	s.trusted = trusted
	s.mu.Unlock()
	s.top = s.newDirectory(".", nil, &s.budget.own, false)
	return nil
}

func (s *Spool) closeRoot() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retireAll()
	if s.acquired > 0 {
		return s.root.Close() // see reopen
	}
	return errors.Join(s.anchor.Close(), s.root.Close())
}

// reopen opens the spool's directory again if its path leads to another one, after a share was
// remounted for example. It does not close the old anchor: a goroutine may be about to use its
// descriptor, which could belong to another file then. The garbage collector closes it.
func (s *Spool) reopen() error {
	there, err := os.Stat(s.dir)
	if err != nil {
		return err
	}
	root := s.root
	if here, err := root.Stat("."); err == nil && os.SameFile(here, there) {
		return nil
	}
	if err := s.openRoot(); err != nil {
		return err
	}
	s.learnLinks() // it may be another file system
	return root.Close()
}

// Exists reports whether a regular file has the name. A missing file is not an error.
func (s *Spool) Exists(name string) (bool, error) {
	info, err := s.current().Lstat(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || rootfs.IsNameError(err) {
			err = nil
		}
		return false, err
	}
	return info.Mode().IsRegular(), nil
}

// maxTroubles bounds the paths whose failures are remembered, since others choose the names.
const maxTroubles = 10_000

// forgetTrouble forgets the failure of a file that no longer exists.
func (s *Spool) forgetTrouble(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.troubles, name)
}

// trouble logs a failure of a path when it begins, changes, or ends, which a nil error means,
// and not at every scan. Beyond maxTroubles nothing is logged.
func (s *Spool) trouble(name string, err error) {
	s.mu.Lock()
	before, known := s.troubles[name]
	text := ""
	switch {
	case err == nil:
		delete(s.troubles, name)
	case known || len(s.troubles) < maxTroubles:
		text = err.Error()
		s.troubles[name] = text
	default:
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	switch {
	case text == before:
	case text == "":
		s.options.Logger.Info("syftevent: path readable again", "path", s.path(name))
	default:
		s.options.Logger.Warn("syftevent: reading failed, will retry", "path", s.path(name), "err", text)
	}
}
