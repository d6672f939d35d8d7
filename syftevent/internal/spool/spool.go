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
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options says which files a spool is made of and how patient it is.
type Options struct {
	// In and Out are the suffixes of the files that ask and that answer.
	In, Out string
	// Ignore reports names with the suffix In that ask for nothing.
	Ignore func(name string) bool
	// Wanted reports whether files in a directory may be wanted; nil for always.
	// One where they are not is looked at once a second at most.
	Wanted func(dir string) bool
	// Complete reports whether the bytes of a file are all of it.
	Complete func(data []byte) bool
	// MaxSize is the size in bytes above which a file is not read.
	MaxSize int64
	// Settle is how long an incomplete file must stay the same before it is
	// taken to be all that will come, and SettleRemote that on file systems whose
	// times are not believed: there, a half may look the same for long.
	Settle, SettleRemote time.Duration
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

// A Spool may be used by several goroutines, but for Scan, ScanActive and Active,
// of which only one may be called at a time.
type Spool struct {
	dir     string
	options Options
	in, out []byte // Options.In and Out
	nudges  *nudges

	// What only the goroutine that scans uses.
	files    fileSystem
	rules    rules
	top      *directory
	nextFull time.Time    // when all directories are listed, whatever their stamps
	active   []*directory // looked at often
	scan     scan
	listing  listing
	returned []returned // of a swap with done

	sequence atomic.Uint64 // counts listings

	mu          sync.Mutex
	root        *os.Root
	anchor      *os.File              // the same directory, for reading times
	links       bool                  // whether the file system has hard links
	believed    bool                  // whether directories' times tell of changes
	directories map[string]*directory // the tree, by name
	places      map[string]*place     // those that are open
	asked       map[string]map[string]*file
	empties     map[Entry]emptyFile
	done        []returned        // what was handed back since the last scan
	troubles    map[string]string // what was logged of each path
}

// Open opens the spool in a directory that exists.
func Open(dir string, options Options) (*Spool, error) {
	if options.Wanted == nil {
		options.Wanted = func(string) bool { return true }
	}
	s := &Spool{
		dir:         dir,
		options:     options,
		in:          []byte(options.In),
		out:         []byte(options.Out),
		files:       native{},
		rules:       allRules,
		directories: map[string]*directory{},
		places:      map[string]*place{},
		asked:       map[string]map[string]*file{},
		empties:     map[Entry]emptyFile{},
		troubles:    map[string]string{},
	}
	if err := s.openRoot(); err != nil {
		return nil, err
	}
	links, err := probeLinks(s.root)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing a file into %s: %w", dir, err), s.closeRoot())
	}
	s.links = links
	s.nudges = startNudges(options.NudgeInterval, s.touch)
	return s, nil
}

// Close gives the nudges that are waiting a second and ends what Open started.
func (s *Spool) Close() error {
	s.nudges.close()
	return s.closeRoot()
}

// Believed reports whether directories' times are believed, so that one is listed
// only if it may have changed.
func (s *Spool) Believed() bool {
	_, believed := s.mount()
	return believed
}

// mount tells what is known of the spool's file system.
func (s *Spool) mount() (links, believed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links, s.believed
}

// Figures are what a spool knows at a time.
type Figures struct {
	Directories int  // that were found
	Pending     int  // files that are not complete
	Troubles    int  // files and directories that cannot be read
	Believed    bool // as Believed says
}

// Figures returns those of now.
func (s *Spool) Figures() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	figures := Figures{Directories: len(s.directories), Troubles: len(s.troubles), Believed: s.believed}
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
	believed := s.files.believed(s) || !s.rules.believe
	s.mu.Lock()
	s.believed = believed
	s.mu.Unlock()
	s.top = s.newDirectory(".", time.Now())
	return nil
}

func (s *Spool) closeRoot() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retireAll()
	return errors.Join(s.anchor.Close(), s.root.Close())
}

// reopen follows the spool's directory if another one has taken its place, as
// when a share was mounted again.
func (s *Spool) reopen() error {
	there, err := os.Stat(s.dir)
	if err != nil {
		return err
	}
	root, anchor := s.root, s.anchor
	if here, err := root.Stat("."); err == nil && os.SameFile(here, there) {
		return nil
	}
	if err := s.openRoot(); err != nil {
		return err
	}
	// It may be another file system. Where nothing can be written the old answer
	// is as good as any.
	if links, err := probeLinks(s.root); err == nil {
		s.mu.Lock()
		s.links = links
		s.mu.Unlock()
	}
	return errors.Join(anchor.Close(), root.Close())
}

// Exists reports whether there is a regular file of that name.
func (s *Spool) Exists(name string) bool {
	info, err := s.current().Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// maxTroubles is how many paths are remembered: whoever writes files chooses
// their names.
const maxTroubles = 10_000

// forgetTrouble is for what is not there any more, with all below it.
func (s *Spool) forgetTrouble(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.troubles) == 0 {
		return
	}
	maps.DeleteFunc(s.troubles, func(other, _ string) bool {
		return other == name || strings.HasPrefix(other, name+"/")
	})
}

// trouble logs what is wrong with a path when it begins, changes or ends, not
// at every look. A nil error is the end of it.
func (s *Spool) trouble(name string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	before := s.troubles[name]
	if len(s.troubles) == maxTroubles {
		clear(s.troubles) // of files that are gone, say
	}
	if text == "" {
		delete(s.troubles, name)
	} else {
		s.troubles[name] = text
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
