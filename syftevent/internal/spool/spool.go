// Package spool is a tree of directories in which a file with one suffix asks
// for a file with another suffix beside it: it finds the files that ask, reads
// them whole, and publishes what answers them.
//
// The truth is which names exist now. A file without its answer is work; there
// is no memory of events, so a look that was missed costs time and loses
// nothing. The package knows nothing of what the files say.
package spool

import (
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"
)

// Options says which files a spool is made of and how patient it is.
type Options struct {
	// In and Out are the suffixes of the files that ask and that answer.
	In, Out string
	// Ignore reports names with the suffix In that ask for nothing.
	Ignore func(name string) bool
	// Complete reports whether the bytes of a file are all of it.
	Complete func(data []byte) bool
	// MaxSize is the size in bytes above which a file is not read.
	MaxSize int64
	// Settle is how long an incomplete file must stay the same before it is
	// taken to be all that will come.
	Settle time.Duration
	// NudgeInterval is the time between two nudges; negative for none.
	NudgeInterval time.Duration
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

// A Spool may be used by several goroutines, but for Scan, which only one may
// call at a time.
type Spool struct {
	dir     string
	options Options
	links   bool // whether the file system has hard links
	nudges  *nudges

	mu          sync.Mutex
	root        *os.Root
	directories map[string]time.Time // when each was first seen
	pending     map[Entry]*pending
	troubles    map[string]string // what was logged of each path
}

// Open opens the spool in a directory that exists.
func Open(dir string, options Options) (*Spool, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir:         dir,
		options:     options,
		root:        root,
		directories: map[string]time.Time{},
		pending:     map[Entry]*pending{},
		troubles:    map[string]string{},
	}
	if s.links, err = probeLinks(root); err != nil {
		root.Close()
		return nil, fmt.Errorf("writing a file into %s: %w", dir, err)
	}
	s.nudges = startNudges(options.NudgeInterval, s.touch)
	return s, nil
}

// Close gives the nudges that are waiting a second and ends what Open started.
func (s *Spool) Close() error {
	s.nudges.close()
	return s.current().Close()
}

// current is the open directory of the spool.
func (s *Spool) current() *os.Root {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root
}

// reopen follows the spool's directory if another one has taken its place, as
// when a share was mounted again.
func (s *Spool) reopen() error {
	there, err := os.Stat(s.dir)
	if err != nil {
		return err
	}
	root := s.current()
	if here, err := root.Stat("."); err == nil && os.SameFile(here, there) {
		return nil
	}
	renewed, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.root = renewed
	s.mu.Unlock()
	return root.Close()
}

// Exists reports whether there is a regular file of that name.
func (s *Spool) Exists(name string) bool {
	info, err := s.current().Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// maxTroubles is how many paths are remembered: whoever writes files chooses
// their names.
const maxTroubles = 10_000

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
	where := filepath.Join(s.dir, filepath.FromSlash(name))
	switch {
	case text == before:
	case text == "":
		s.options.Logger.Info("syftevent: can be read again", "path", where)
	default:
		s.options.Logger.Warn("syftevent: cannot be read, will be tried again", "path", where, "err", text)
	}
}
