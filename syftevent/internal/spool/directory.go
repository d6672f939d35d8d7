package spool

import (
	"path"
	"time"
)

// A directory is what is known of one directory of the spool: enough to tell
// whether it may have changed since it was listed, and nothing of what is in it.
// Only the goroutine that scans uses it, but for since.
type directory struct {
	name     string // with slashes and relative to the spool's; "." for that
	cname    []byte // name, ended by a zero byte, for system calls
	depth    int
	parent   *directory            // nil for the spool's own
	children map[string]*directory // nil for none; by the last part of the name
	since    time.Time             // when it was first seen, or made anew; Spool.mu guards it

	stamp      stamp
	stampSince time.Time // when the stamp was first seen
	listed     time.Time // when the last listing began; zero if it must be listed again
	looked     time.Time // when it was looked at last
	asks       bool      // whether the last listing showed a file without an answer
	again      time.Time // when one of those is to be offered again
	unwanted   bool      // whether Options.Wanted says that nothing in it is wanted
	doubted    bool      // whether its times have been caught lying

	active      bool      // whether it is in Spool.active
	activeUntil time.Time // when it leaves that
	listing     uint64    // the last listing of its parent that showed it
}

// A stamp is what a file system says of when a directory was changed. It is
// compared with earlier ones of the same directory, and with nothing else: the
// clock behind it may be another machine's.
type stamp struct {
	modified, changed int64 // nanoseconds; changed is 0 where there is no such time
}

// racyWindow is how old a stamp must be before it vouches for a listing. A change
// after the listing may get the same stamp as the one before: on ext3, HFS+ and
// FAT for up to two seconds. This is git's rule for racily clean files, and
// Dovecot's for maildirs.
const racyWindow = 2 * time.Second

// Every directory is listed from time to time, whatever its stamp says: fullScanEvery
// after the last time, or fullScanCost times as long as that has taken, but
// fullScanLatest at the latest.
const (
	fullScanEvery  = 30 * time.Second
	fullScanCost   = 150
	fullScanLatest = 2 * time.Minute
)

// unwantedEvery is how often a directory is looked at in which nothing is wanted.
const unwantedEvery = time.Second

// rules are what makes skipping a directory safe. Each can be switched off so
// that a test can show what it is for.
type rules struct {
	racy    bool // distrust a stamp that is younger than racyWindow
	asking  bool // list a directory again when something in it is to be offered again
	full    bool // list everything every fullScanEvery
	doubt   bool // stop believing a directory's stamps once they have lied
	touch   bool // set a directory's times before a full scan where times are not believed
	believe bool // ask the file system's name before believing any stamp
	dedupe  bool // take a name that is listed twice once
	unknown bool // ask for the type of an entry that is listed without one
}

var allRules = rules{
	racy: true, asking: true, full: true, doubt: true,
	touch: true, believe: true, dedupe: true, unknown: true,
}

// unchanged reports whether a directory that has the stamp now has nothing to offer
// that its last listing did not show.
func (d *directory) unchanged(has stamp, now time.Time, r rules) bool {
	switch {
	case d.listed.IsZero(), has != d.stamp:
		return false
	case d.doubted && r.doubt:
		return false
	case d.asks && r.asking && !now.Before(d.again):
		return false
	}
	return !r.racy || d.listed.Sub(d.stampSince) >= racyWindow
}

// child returns the directory of that name in d, which is made if it is new.
func (s *Spool) child(d *directory, name []byte, now time.Time) *directory {
	if child := d.children[string(name)]; child != nil {
		return child
	}
	if d.children == nil {
		d.children = map[string]*directory{}
	}
	base := string(name)
	child := s.newDirectory(path.Join(d.name, base), now)
	child.parent, child.depth = d, d.depth+1
	d.children[base] = child
	return child
}

func (s *Spool) newDirectory(name string, now time.Time) *directory {
	d := &directory{name: name, cname: append([]byte(name), 0), since: now, unwanted: !s.options.Wanted(name)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.directories[name] = d
	return d
}

// drop forgets a directory that is no more, and all in it but the files that are
// out: whoever has those will hand them back.
func (s *Spool) drop(d *directory) {
	for _, child := range d.children {
		s.drop(child)
	}
	if d.parent != nil {
		delete(d.parent.children, path.Base(d.name))
	}
	d.active, d.activeUntil = false, time.Time{}
	s.forgetTrouble(d.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.directories, d.name)
	s.retireLocked(d.name)
	s.forget(d.name, func(*file) bool { return true })
}

// rouse makes a directory, and those above it, be looked at often for a while:
// where one file has appeared there are more to come, or a new directory beside.
func (s *Spool) rouse(d *directory, now time.Time) {
	for ; d != nil; d = d.parent {
		d.activeUntil = now.Add(activeFor)
		if !d.active {
			d.active = true
			s.active = append(s.active, d)
		}
	}
}

// activeFor is how long a directory is looked at often.
const activeFor = time.Second
