package spool

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// An ownChange is what Publish did to a costly directory since its last listing. Publishing an output
// changes the directory's stamp, and listing the directory for that would double the cost of an
// answer. The scan that recognizes the stamp postpones the listing: it is needed only for what
// somebody else changed during the publication.
type ownChange struct {
	before, after rootfs.Stamp // of all publications since the listing
	begun         time.Time    // the first of those that run
	running       int
}

// ownLongest is how long a scan takes the changes of a directory for those of a running
// publication.
const ownLongest = 10 * time.Millisecond

// beginOwn records that a publication in a directory begins. Its end calls the result.
func (s *Spool) beginOwn(dir string) (end func()) {
	s.mu.Lock()
	d, trusted, anchor := s.directories.get(dir), s.trusted, s.anchor
	costly := d != nil && d.costly
	s.mu.Unlock()
	if !costly || !trusted {
		return func() {} // its listing costs less than two stamps
	}
	before, err := s.files.stamp(s, anchor, d)
	if err != nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.own[dir]
	switch {
	case own == nil:
		own = &ownChange{before: before, after: before}
		s.own[dir] = own
	case own.running == 0 && own.after != before:
		own.before = before // somebody else changed the directory
	}
	if own.running == 0 {
		own.begun = time.Now()
	}
	own.running++
	return func() {
		after, err := s.files.stamp(s, anchor, d)
		s.mu.Lock()
		defer s.mu.Unlock()
		own.running--
		if own.after = after; err != nil && s.own[dir] == own {
			delete(s.own, dir)
		}
	}
}

// A change is whose change of a directory a new stamp shows.
type change int

const (
	foreignChange change = iota
	ownChanged
	ownChanging // a publication runs
)

// whose returns whose change a new stamp shows.
func (s *Spool) whose(d *directory, now rootfs.Stamp) change {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.own[d.name]
	switch {
	case own == nil || own.before != d.stamp:
		return foreignChange
	case own.running > 0 && time.Since(own.begun) < ownLongest:
		return ownChanging
	case own.running > 0 || own.after != now:
		return foreignChange
	}
	own.before = now
	return ownChanged
}

// forgetOwn is called when a directory is listed, and must be called before that: the listing
// shows what was published so far.
func (s *Spool) forgetOwn(d *directory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own := s.own[d.name]; own != nil && own.running == 0 {
		delete(s.own, d.name)
	}
}
