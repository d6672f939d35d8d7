// Package spool is a tree of directories in which a file with one suffix asks
// for a file with another suffix beside it: it finds the files that ask, reads
// them whole, and publishes what answers them.
//
// The truth is which names exist now. A file without its answer is work; there
// is no memory of events, so a look that was missed costs time and loses
// nothing. The package knows nothing of what the files say.
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

// Options says which files a spool is made of and how patient it is.
type Options struct {
	// In and Out are the suffixes of the files that ask and that answer.
	In, Out string
	// Ignore reports names with the suffix In that ask for nothing.
	Ignore func(name string) bool
	// Wanted reports whether files in a directory may be wanted; nil for always.
	// One where they are not is scanned once a second at most, and more seldom if there
	// are many. The name is good only until it returns, as it is with Owner and Own.
	Wanted func(dir string) bool
	// Owner returns whose directory it is, whoever has made it: all directories of one
	// owner have a budget of OwnerDirectories. "" is for those that nobody owns; nil
	// for "".
	Owner func(dir string) string
	// Own reports whether a directory is the program's own, which is never beyond a
	// budget; nil for none.
	Own func(dir string) bool
	// Complete reports whether the bytes of a file are all of it.
	Complete func(data []byte) bool
	// Answer reports whether the content of a file that is not empty is an answer; nil
	// for always. Several goroutines may call it.
	Answer func(content io.ReaderAt, size int64) bool
	// MaxSize is the size in bytes above which a file is not read.
	MaxSize int64
	// Settle is how long an incomplete file must stay the same before it is
	// taken to be all that will come, and SettleRemote that on file systems whose
	// times are not trusted: there, a half may look the same for long.
	Settle, SettleRemote time.Duration
	// Orphan returns the stem of the file that asks to which a name belongs, which is
	// that of an answer or one that Ignore reports, and whether the file may be removed
	// when it has stood for OrphanDelay without that. nil is for never.
	Orphan func(name string) (stem string, ok bool)
	// OrphanDelay is how long it must have stood so; negative for ever.
	OrphanDelay time.Duration
	// Marker is the name of the empty file that Mark puts into a directory.
	Marker string
	// MaxListed is how many entries of a directory are listed at once; a directory with
	// more is listed in parts, one part a scan. Defaults to 131,072.
	MaxListed int
	// NudgeInterval is the time between two nudges; negative for none.
	NudgeInterval time.Duration
	// Durable makes an answer reach the disk before its name does, and the name
	// before Publish returns.
	Durable bool
	// Logger is never nil.
	Logger *slog.Logger
}

// An Entry names a file that asks: its directory, with slashes and relative to
// the spool's, and its name without the suffix.
type Entry struct {
	Dir, Stem string
}

// String is for messages.
func (e Entry) String() string { return path.Join(e.Dir, e.Stem) }

// A Spool may be used by several goroutines, but only one at a time may call Scan,
// ScanActive, ScanRecent, Active and Recent.
type Spool struct {
	dir     string
	options Options
	in, out []byte // Options.In and Out
	nudges  *nudges

	// What only the goroutine that scans uses.
	files        fileSystem
	rules        rules
	slice        time.Duration // sliceTime
	opened       time.Time
	top          *directory
	nextFull     instant // when all directories are listed, whatever their stamps
	round        round
	lastFull     uint32 // the last round in which they were
	latelyBefore int    // round.lately of the round before
	numbers      uint32 // of directories
	budget       budget
	active       []*directory // for ScanActive
	recent       []*directory // for ScanRecent
	scan         scan
	listing      listing
	joined       []byte     // the memory of join
	returned     []returned // of a swap with done
	orphans      orphans
	deepLogged   map[string]bool
	leftLogged   bool
	linksKnown   bool // whether the file system was tested for hard links
	linksWarned  bool // whether it was logged that this failed

	scanned       chan struct{} // closed by firstScan
	firstScan     func()        // notes that all directories were scanned once
	sequence      atomic.Uint64 // counts listings
	left, tooDeep atomic.Int64  // directories beyond a budget, and those that are too deep

	mu          sync.Mutex
	root        *os.Root
	anchor      *os.File              // the same directory, for reading times
	links       bool                  // whether the file system has hard links
	trusted     bool                  // whether directories' times tell of changes
	directories map[string]*directory // the tree, by name
	dirHandles  map[string]*dirHandle // by path
	acquired    int                   // how many are in use
	released    sync.Cond             // signalled by release
	descriptors descriptors
	asked       map[string]map[string]*file
	torn        map[Entry]tornFile
	done        []returned        // what was handed back since the last scan
	troubles    map[string]string // what was logged of each path
}

// Open opens the spool in a directory that exists.
func Open(dir string, options Options) (*Spool, error) { return openWith(dir, options, native{}) }

func openWith(dir string, options Options, files fileSystem) (*Spool, error) {
	if options.Wanted == nil {
		options.Wanted = func(string) bool { return true }
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
		rules:       allRules,
		slice:       sliceTime,
		opened:      time.Now(),
		budget:      newBudget(),
		deepLogged:  map[string]bool{},
		links:       true,
		directories: map[string]*directory{},
		dirHandles:  map[string]*dirHandle{},
		descriptors: descriptors{budget: dirHandleLimit()},
		asked:       map[string]map[string]*file{},
		torn:        map[Entry]tornFile{},
		scanned:     make(chan struct{}),
		troubles:    map[string]string{},
	}
	s.listing = listing{Listing: rootfs.Listing{Limit: options.MaxListed, Stem: s.stem}}
	s.firstScan = sync.OnceFunc(func() { close(s.scanned) })
	s.released.L = &s.mu
	if err := s.openRoot(); err != nil {
		return nil, err
	}
	s.learnLinks()
	s.nudges = startNudges(options.NudgeInterval, s.touch)
	return s, nil
}

// learnLinks finds out whether the file system has hard links. Where nothing can be
// written now, because senders have filled the disk, say, it is taken to have what it
// had before, or hard links, and the next round tries again.
func (s *Spool) learnLinks() {
	links, err := s.files.links(s)
	if err != nil {
		if !s.linksWarned {
			s.options.Logger.Warn("syftevent: cannot test the file system for hard links, will try again", "path", s.dir, "err", err)
		}
		s.linksKnown, s.linksWarned = false, true
		return
	}
	s.linksKnown = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = links
}

// Close gives the nudges that are waiting a second and ends what Open started.
func (s *Spool) Close() error {
	s.nudges.close()
	return s.closeRoot()
}

// Trusted reports whether directories' times are trusted, so that one is listed
// only if it may have changed.
func (s *Spool) Trusted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trusted
}

// mount tells what is known of the spool's file system.
func (s *Spool) mount() (links, trusted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links, s.trusted
}

// Figures are what a spool knows at a time.
type Figures struct {
	Directories int  // that are remembered
	Left        int  // directories beyond a budget, which are scanned in turn
	Pending     int  // files that are not complete
	Troubles    int  // files and directories that cannot be read
	Descriptors int  // how many directories may be kept open
	Trusted     bool // as Trusted says
}

// Figures returns those of now.
func (s *Spool) Figures() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	figures := Figures{
		Directories: len(s.directories), Left: int(s.left.Load()),
		Troubles: len(s.troubles) + int(s.tooDeep.Load()), Descriptors: s.descriptors.budget, Trusted: s.trusted,
	}
	for _, files := range s.asked {
		for _, f := range files {
			if f.pending != nil {
				figures.Pending++
			}
		}
	}
	return figures
}

// current is the open directory of the spool.
func (s *Spool) current() *os.Root {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root
}

// path is where a file of the spool is, for messages.
func (s *Spool) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// openRoot opens the spool's directory, of which nothing is known then.
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
	trusted := s.files.trusted(s) || !s.rules.believe
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

// reopen follows the spool's directory if another one has taken its place, as
// when a share was mounted again. It does not close the old anchor: somebody may be
// about to use its descriptor, which another file would have then. The garbage
// collector does that.
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

// Exists reports whether there is a regular file of that name. The error is not that
// there is nothing.
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

// maxTroubles is how many paths are remembered: whoever writes files chooses
// their names.
const maxTroubles = 10_000

// forgetTrouble is for what is not there any more.
func (s *Spool) forgetTrouble(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.troubles, name)
}

// trouble logs what is wrong with a path when it begins, changes or ends, not
// at every scan. A nil error is the end of it. Beyond maxTroubles nothing is logged.
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
	where := s.path(name)
	switch {
	case text == before:
	case text == "":
		s.options.Logger.Info("syftevent: can be read again", "path", where)
	default:
		s.options.Logger.Warn("syftevent: cannot be read, will be tried again", "path", where, "err", text)
	}
}
