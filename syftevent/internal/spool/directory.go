package spool

import (
	"math/rand/v2"
	"time"
	"unsafe"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A directory is the state of one directory of the spool: enough to decide whether it may
// have changed since it was listed, and nothing about its files. Only the scanning goroutine
// uses it, except for name, since, costly, marked, mended and mendAgain. There may be a hundred
// thousand, so it is small: about 260 bytes with its name, its share and their entries in
// tables.
type directory struct {
	// What a round reads of a directory that it skips is together, for the processor's cache.
	parent      *directory // nil for the spool's directory
	child       *directory // the first child
	next, after *directory // its siblings
	listed      instant    // when the last listing of all its parts began; 0 if it must be listed again
	lastActive  instant    // when something happened in it last
	number      uint16     // spreads directories that are scanned in turn over the rounds
	owned       bool       // its share has an owner
	unwanted    bool       // Options.Wanted returned false

	active, recent bool // it is in Spool.active and Spool.recent
	dropped        bool // it is no longer tracked
	depth          uint8

	share   *share  // of the budget
	name    string  // with slashes, relative to the spool's, which is "."; a zero byte follows
	details *detail // nil for the zero value; use detail and edit
	since   instant // when it was first seen, or recreated; guarded by Spool.mu

	mended mended // used by Mend

	stamp      rootfs.Stamp // where mtimes are not trusted: see stampOf
	stampSince instant      // when the stamp was first seen, or before (see Spool.since)
	took       uint32       // duration of the last listing, in microseconds

	seen       bool // the current listing of its parent shows it
	first      bool // the current listing, of all its parts, is its first
	partial    bool // parts are left to list: Spool.rest
	costly     bool // it is not listed whenever it may have changed; written under Spool.mu
	crowded    bool // it holds mostly directories
	served     bool // a directory in it was evicted
	hasPending bool // the last listing showed a pending input
	distrusted bool // its mtime did not show a change
	fruitless  bool // the last listing was for a change by others and offered nothing
	mendAgain  bool // used by Mend: its stamp was new at the last listing, and may miss a change just after
	large      bool // it is not listed ahead
	marked     bool // it probably has the marker; guarded by Spool.mu
}

// A detail is the part of a directory's state that few directories have at a time.
type detail struct {
	changed    instant // when the first change since the last listing was seen
	owed       instant // when it is listed because of this process's own changes
	again      instant // when a pending input is to be offered again
	orphansDue instant // when an orphan in it is to be removed
	lastPart   instant // when the listing of its last part began
	scanned    instant // when an unwanted one was last scanned

	hand    int32  // where in the listing admit continues
	left    uint32 // directories in it that are not tracked
	waiting uint32 // pending inputs of the last listing that were not taken
	deep    uint32 // directories in it that are too deep

	touchDue instant // when its times are to be set before it is listed; see touches

	leftSoFar, deepSoFar uint32 // left and deep of the parts listed so far
}

// detail returns a copy of the details.
func (d *directory) detail() detail {
	if d.details == nil {
		return detail{}
	}
	return *d.details
}

// edit returns the details, to be changed.
func (d *directory) edit() *detail {
	if d.details == nil {
		d.details = &detail{}
	}
	return d.details
}

// settle frees the details if there are none.
func (d *directory) settle() {
	if d.details != nil && *d.details == (detail{}) {
		d.details = nil
	}
}

// cname returns the name for system calls, which ends in a zero byte.
func (d *directory) cname() []byte { return unsafe.Slice(unsafe.StringData(d.name), len(d.name)+1) }

// An instant is a time of the process's monotonic clock, in nanoseconds. It has a third of the
// size of a time.Time. 0 means none.
type instant int64

// instant converts a time. It counts from 73 years before the spool was opened: the clock of
// synctest begins in 2000 and must not come near 0.
func (s *Spool) instant(t time.Time) instant { return 1<<61 + instant(t.Sub(s.opened)) }

// time is the reverse of instant.
func (s *Spool) time(i instant) time.Time { return s.opened.Add(time.Duration(i - 1<<61)) }

func (i instant) add(d time.Duration) instant { return i + instant(d) }
func (i instant) sub(j instant) time.Duration { return time.Duration(i - j) }

// racyWindow is how old a stamp must be to vouch for a listing. A change after the listing may
// leave the stamp as it is, on ext3, HFS+ and FAT for up to two seconds. This is git's rule for
// racily clean files, and Dovecot's for maildirs.
//
// A stamp that is no multiple of a millisecond is of a file system that stores finer ones, and
// its age is limited only by the clock of the kernel, which ticks every 1 to 16 ms:
// fineWindow replaces racyWindow.
const (
	racyWindow = 2 * time.Second
	fineWindow = 50 * time.Millisecond
)

// windowOf returns the window for a stamp.
func windowOf(stamp rootfs.Stamp) time.Duration {
	if stamp.Modified%int64(time.Millisecond) != 0 {
		return fineWindow
	}
	return racyWindow
}

// oldStamp is how long ago the clock must have shown the times of a stamp for it to be older than
// its directory's next change. A minute is more than clocks are set back when they are corrected.
const oldStamp = time.Minute

// isOld reports whether a stamp is of that age. Its times must come from this machine's clock.
func isOld(stamp rootfs.Stamp, now time.Time) bool {
	return max(stamp.Modified, stamp.Changed) <= now.Add(-oldStamp).UnixNano()
}

// since returns since when a directory has had a stamp that is seen for the first time. Of an
// old one the first listing is enough: of 100,000 directories a second one takes a second.
func (s *Spool) since(stamp rootfs.Stamp) instant {
	now := time.Now()
	if isOld(stamp, now) {
		return s.instant(now.Add(-oldStamp))
	}
	return s.instant(now)
}

// A full scan lists every directory, whatever its stamp. The next one begins after
// fullScanEvery, or later so that they take no more than Options.FullScanShare, but no later
// than fullScanLatest.
const (
	fullScanEvery  = 30 * time.Second
	fullScanLatest = 15 * time.Minute
)

// unchanged reports whether a directory that has the stamp now has nothing to offer
// that its last listing did not show.
func (d *directory) unchanged(has rootfs.Stamp, now instant) bool {
	switch {
	case d.listed == 0, has != d.stamp, d.partial:
		return false
	case d.distrusted:
		return false
	case d.offersAgain(now), d.removesOrphan(now):
		return false
	}
	return d.listed.sub(d.stampSince) >= windowOf(d.stamp)
}

// Listing a directory of thousands of files takes milliseconds. Such a directory is not listed
// whenever it may have changed:
//
//   - After a listing for a change by others that offered nothing, while its stamp does not
//     change, and before a pending input is offered again, it waits for vainPause times the
//     duration of the last listing. Those take at most half of a core.
//   - After this process's own changes (see ownChange) it waits for owedPause times the
//     duration. If somebody else changes it before, that listing is enough.
//   - After a change by others it waits until its stamp has been the same for a calmShare of
//     the duration: most programs change a directory two or three times to publish one file.
const (
	vainPause = 2
	owedPause = 4
	calmShare = 16
	// costlyFrom is the duration of a listing from which this applies.
	costlyFrom = time.Millisecond
)

// duration returns how long the last listing took.
func (d *directory) duration() time.Duration { return time.Duration(d.took) * time.Microsecond }

// offersAgain reports whether the last listing showed an input that is to be offered now.
func (d *directory) offersAgain(now instant) bool { return d.hasPending && now >= d.detail().again }

// removesOrphan reports whether the last listing showed an orphan that is to be removed now.
func (d *directory) removesOrphan(now instant) bool {
	due := d.detail().orphansDue
	return due != 0 && now >= due
}

// lastListed returns when the last listing of one part began.
func (d *directory) lastListed() instant { return max(d.listed, d.detail().lastPart) }

// isDue reports whether a listing cannot wait: the last one failed or is not complete.
func (d *directory) isDue() bool { return d.listed == 0 || d.partial }

// waits reports whether the listing of a costly directory that may have changed waits.
func (d *directory) waits(now instant) bool {
	if !d.costly || d.isDue() {
		return false
	}
	took, has := d.duration(), d.detail()
	switch {
	case has.changed != 0 && !d.fruitless:
		return now.sub(d.stampSince) < took/calmShare && now.sub(has.changed) < took
	case has.changed == 0 && has.owed != 0 && !d.offersAgain(now):
		return now < has.owed
	}
	return now < d.lastListed().add((1+vainPause)*took)
}

// beginListing notes that a listing of a part began. If no parts are left, it is that of a new
// listing.
func (d *directory) beginListing(now instant) {
	has := d.detail()
	has.changed, has.owed = 0, 0
	if d.partial {
		has.lastPart = now
	} else {
		d.first, d.listed, d.hasPending = d.listed == 0, now, false
		has.again, has.lastPart, has.leftSoFar, has.deepSoFar = 0, 0, 0, 0
	}
	if has != d.detail() {
		*d.edit() = has
	}
}

// nextPart returns the part of a directory to list, and the parts that are left after that.
func (s *Spool) nextPart(d *directory) (next rootfs.Section, rest []rootfs.Section) {
	if rest = s.rest[d]; len(rest) == 0 {
		return rootfs.Section{}, nil
	}
	return rest[len(rest)-1], rest[:len(rest)-1]
}

// setRest sets the parts that are left to list.
func (s *Spool) setRest(d *directory, rest []rootfs.Section) {
	if d.partial = len(rest) > 0; d.partial {
		s.rest[d] = rest
	} else {
		delete(s.rest, d)
	}
}

// newDirectory tracks a directory. parent is nil for the spool's directory.
func (s *Spool) newDirectory(name string, parent *directory, in *share, unwanted bool) *directory {
	s.numbers++
	name = (name + "\x00")[:len(name)]
	d := &directory{name: name, parent: parent, share: in, owned: in.owner != "", since: s.instant(time.Now()), unwanted: unwanted, number: s.numbers}
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
	s.directories.set(d)
	return d
}

// drop stops tracking a directory that was removed or is evicted, and everything in it except
// inputs in flight, for which Done will be called.
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
	s.setRest(d, nil)
	d.dropped = true
	s.budget.remove(d)
	s.noteLeft(d, 0)
	s.noteDeep(d, 0)
	s.orphans.drop(d.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.troubles, d.name)
	s.directories.delete(d.name)
	delete(s.own, d.name)
	s.retireLocked(d.name)
	s.forget(d.name, func(string, *file) bool { return true })
}

// following returns the directory that a walk visits after d and everything in it; nil at
// the end.
func following(d *directory) *directory {
	for d != nil && d.after == nil {
		d = d.parent
	}
	if d == nil {
		return nil
	}
	return d.after
}

// walkOn returns the directory that a walk visits after d.
func walkOn(d *directory) *directory {
	if d.child != nil {
		return d.child
	}
	return following(d)
}

// isEvictable reports whether a directory can make room for another one of an exceeded budget:
// it was listed, and nothing is in flight in it. One with untracked directories in it stays for
// some rounds.
func (s *Spool) isEvictable(d *directory) bool {
	if !s.budget.exceeded(d.share, s.lastFull) || d.child != nil || d.listed == 0 || d.active || d.recent {
		return false
	}
	if d.detail().left > 0 && !d.served && rand.N(8) != 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tracked[d.name]) == 0
}

// activate makes scans of a directory, and of those above it, frequent for a while: where one
// input appeared, others are likely, or new directories beside it.
func (s *Spool) activate(d *directory, now instant) {
	for ; d != nil; d = d.parent {
		s.activateOne(d, now)
		if !d.recent && d.share.hasRoom(d.share.recent) {
			s.setRecent(d, true)
			s.recent = append(s.recent, d)
		}
	}
}

// activateOne makes scans of a directory frequent for activeFor.
func (s *Spool) activateOne(d *directory, now instant) {
	d.lastActive = now
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

// count returns the change in size of a set.
func count(joins bool) int32 {
	if joins {
		return 1
	}
	return -1
}

const (
	// activeFor is how long ScanActive scans a directory after the last activity.
	activeFor = time.Second
	// recentFor is the same for ScanRecent.
	recentFor = 5 * time.Minute
)
