package spool

import (
	"math/rand/v2"
	"time"
	"unsafe"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A directory is what is known of one directory of the spool: enough to tell
// whether it may have changed since it was listed, and nothing of what is in it.
// Only the goroutine that scans uses it, but for the name, since,
// marked and mended. There may be a
// hundred thousand, so it is small: about 310 bytes with its name and its place in
// Spool.directories.
type directory struct {
	name        string     // with slashes and relative to the spool's; "." for that; a zero byte follows
	parent      *directory // nil for the spool's own
	child       *directory // the first of its children
	next, after *directory // the children of its parent beside it: next comes after it
	share       *share     // to whose budget it counts
	since       time.Time  // when it was first seen, or made anew; Spool.mu guards it

	mended mended // for Mend

	stamp      rootfs.Stamp
	stampSince instant // when the stamp was first seen
	listed     instant // when the last listing of all its parts began; zero if it must be listed again
	lastListed instant // when the last listing of one part began
	looked     instant // when it was scanned last
	again      instant // when one of the files without an answer is to be offered again
	orphansDue instant // when an orphan in it is to be removed; zero if it has none
	roused     instant // when something happened in it last
	listing    uint64  // the last listing of its parent that showed it

	rest []rootfs.Section // what is left to list of a directory that is listed in parts

	hand    int    // where in the listing to go on with those that are not remembered
	number  uint32 // spreads the directories that are scanned in turn over the rounds
	took    uint32 // microseconds of the last listing
	left    uint32 // directories in it that are not remembered
	waiting uint32 // files that the last listing showed without an answer, and nobody took
	deep    uint32 // directories in it that are too deep
	depth   uint8

	leftSoFar, deepSoFar uint32 // left and deep, of the parts that are listed so far

	first          bool // whether the listing that is under way, in parts perhaps, is its first
	crowded        bool // whether it holds mostly directories
	served         bool // whether one in it has given its place
	asks           bool // whether the last listing showed a file without an answer
	unwanted       bool // whether Options.Wanted says that nothing in it is wanted
	doubted        bool // whether its times have been caught lying
	active, recent bool // whether it is in Spool.active and Spool.recent
	dropped        bool // whether it is forgotten
	marked         bool // whether the marker is there, as far as is known; Spool.mu guards it
}

// cname is the name for system calls, ended by a zero byte.
func (d *directory) cname() []byte { return unsafe.Slice(unsafe.StringData(d.name), len(d.name)+1) }

// An instant is a time of this process's monotonic clock, in nanoseconds: a third of the
// size of a time.Time. Zero is none.
type instant int64

// instant is that of a time. It counts from 73 years before the spool was opened, so
// that a test's clock, which begins in 2000, does not come near zero.
func (s *Spool) instant(t time.Time) instant { return 1<<61 + instant(t.Sub(s.opened)) }

func (i instant) add(d time.Duration) instant { return i + instant(d) }
func (i instant) sub(j instant) time.Duration { return time.Duration(i - j) }

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
	fullScanCost   = 300
	fullScanLatest = 5 * time.Minute
)

// rules are what makes skipping a directory safe. Each can be switched off so
// that a test can show what it is for.
type rules struct {
	racy    bool // distrust a stamp that is younger than racyWindow
	asking  bool // list a directory again when something in it is to be offered again
	full    bool // list everything every fullScanEvery
	doubt   bool // stop believing a directory's stamps once they have lied
	touch   bool // set a directory's times before a full scan where times are not trusted
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
func (d *directory) unchanged(has rootfs.Stamp, now instant, r rules) bool {
	switch {
	case d.listed == 0, has != d.stamp, len(d.rest) > 0:
		return false
	case d.doubted && r.doubt:
		return false
	case d.asks && r.asking && now >= d.again:
		return false
	case d.orphansDue != 0 && now >= d.orphansDue:
		return false
	}
	return !r.racy || d.listed.sub(d.stampSince) >= racyWindow
}

// nextPart is the part of the directory to list.
func (d *directory) nextPart() rootfs.Section {
	if len(d.rest) == 0 {
		return rootfs.Section{}
	}
	return d.rest[len(d.rest)-1]
}

// newDirectory makes a directory known. parent is nil for the spool's own.
func (s *Spool) newDirectory(name string, parent *directory, in *share, unwanted bool) *directory {
	s.numbers++
	name = (name + "\x00")[:len(name)]
	d := &directory{name: name, parent: parent, share: in, since: time.Now(), unwanted: unwanted, number: s.numbers}
	s.budget.add(d)
	if parent != nil {
		d.depth = parent.depth + 1
		if d.after = parent.child; d.after != nil {
			d.after.next = d
		}
		parent.child = d
		if parent.share.owner != "" {
			s.reclassify(parent)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.directories[name] = d
	return d
}

// drop forgets a directory that is no more or gives its place to another, and all in
// it but the files that are out: whoever has those will hand them back.
func (s *Spool) drop(d *directory) {
	for d.child != nil {
		s.drop(d.child)
	}
	if s.round.next == d {
		s.round.next = following(d)
	}
	if d.next != nil {
		d.next.after = d.after
	} else if d.parent != nil {
		d.parent.child = d.after
	}
	if d.after != nil {
		d.after.next = d.next
	}
	s.setActive(d, false)
	s.setRecent(d, false)
	d.dropped = true
	s.budget.remove(d)
	s.noteLeft(d, 0)
	s.noteDeep(d, 0)
	s.orphans.drop(d.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.troubles, d.name)
	delete(s.directories, d.name)
	s.retireLocked(d.name)
	s.forget(d.name, func(string, *file) bool { return true })
}

// following is the directory that a walk through the tree comes to after one and all
// in it; nil at the end.
func following(d *directory) *directory {
	for d != nil && d.after == nil {
		d = d.parent
	}
	if d == nil {
		return nil
	}
	return d.after
}

// walkOn is the directory that a walk through the tree comes to after one.
func walkOn(d *directory) *directory {
	if d.child != nil {
		return d.child
	}
	return following(d)
}

// givesPlace reports whether a directory that a listing of all has shown again is to give
// its place to another one: it has had its turn, and nothing is under way in it. One in
// which others wait for theirs keeps its place for some rounds.
func (s *Spool) givesPlace(d *directory) bool {
	if !s.budget.exceeded(d.share, s.lastFull) || d.child != nil || d.listed == 0 || d.active || d.recent {
		return false
	}
	if d.left > 0 && !d.served && rand.N(8) != 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked[d.name]) == 0
}

// rouse makes a directory, and those above it, be scanned often for a while: where
// one file has appeared there are more to come, or a new directory beside it.
func (s *Spool) rouse(d *directory, now instant) {
	for ; d != nil; d = d.parent {
		s.rouseOne(d, now)
		if !d.recent && d.share.hasRoom(d.share.recent) {
			s.setRecent(d, true)
			s.recent = append(s.recent, d)
		}
	}
}

// rouseOne makes a directory active.
func (s *Spool) rouseOne(d *directory, now instant) {
	d.roused = now
	if !d.active && d.share.hasRoom(d.share.active) {
		s.setActive(d, true)
		s.active = append(s.active, d)
	}
}

func (s *Spool) setActive(d *directory, active bool) {
	if d.active != active {
		d.active = active
		d.share.active += count(active)
	}
}

func (s *Spool) setRecent(d *directory, recent bool) {
	if d.recent != recent {
		d.recent = recent
		d.share.recent += count(recent)
	}
}

// count is what a set that something joins or leaves grows by.
func count(joins bool) int {
	if joins {
		return 1
	}
	return -1
}

const (
	// activeFor is how long after something happened ScanActive scans a directory.
	activeFor = time.Second
	// recentFor is the same for ScanRecent.
	recentFor = 5 * time.Minute
)
