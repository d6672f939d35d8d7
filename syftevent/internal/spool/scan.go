package spool

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A Verdict is what becomes of a file that was offered.
type Verdict int

const (
	// Taken: the file is out until Done is called with it.
	Taken Verdict = iota
	// Refused: it is offered again within a second or so.
	Refused
	// NoRoom: it and the others of its directory are offered again by the next
	// scan.
	NoRoom
)

// look scans one directory: it is listed if it may have changed.
func (c *scan) look(d *directory) {
	s := c.spool
	if d.crowded && !c.full && d.listed != 0 && c.now.sub(d.lastListed) < crowdedPause*time.Duration(d.took)*time.Microsecond {
		return
	}
	c.work += lookWork
	d.looked = c.now
	c.did.Directories++
	skip := false
	if c.trusted {
		has, err := s.files.stamp(s, d)
		if err != nil {
			c.cannot(d, err)
			return
		}
		skip = d.unchanged(has, c.now, s.rules)
		if has != d.stamp || d.stampSince == 0 {
			d.stamp, d.stampSince = has, s.instant(time.Now())
		}
		if skip && !c.full {
			return
		}
	} else if c.full && s.rules.touch {
		// NFSv3 keeps a listing as long as the directory has the same time, also
		// if a change within one tick of the server's clock is missing from it.
		s.files.touch(s, d)
	}
	found, err := c.list(d)
	if err != nil {
		c.cannot(d, err)
		return
	}
	s.trouble(d.name, nil)
	if found && skip {
		c.caught(d)
	}
}

// crowdedPause is how many times as long as the last listing of a directory has taken it
// waits for the next, if what it holds is mostly directories: with very many the listing
// is costly, and each new one makes it necessary until the stamp is older than racyWindow.
const crowdedPause = 8

// caught notes that a directory had something new that its stamp did not tell of.
// If the stamp still does not, it is not trusted any more.
func (c *scan) caught(d *directory) {
	s := c.spool
	now, err := s.files.stamp(s, d)
	if err == nil && now == d.stamp && !d.doubted {
		d.doubted = true
		s.options.Logger.Warn("syftevent: a directory's time does not tell of changes, it is listed at every look from now on",
			"path", s.path(d.name))
	}
}

// cannot notes that a directory could not be looked at.
func (c *scan) cannot(d *directory, err error) {
	s := c.spool
	d.listed = 0
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.parent != nil:
		// Removed, or a network file system is behind: its parent's next listing
		// tells.
		d.parent.listed = 0
		s.drop(d)
		return
	case rootfs.IsOutOfDescriptors(err):
		return // logged once for all
	}
	s.trouble(d.name, err)
}

// list lists a directory, takes its directories for children, and offers the
// files that ask. It reports whether there is one that was not known to ask.
//
// Of a directory with more entries than a listing holds, it lists one part. The next
// call goes on with the next part, and the directory counts as changed until all were
// listed. Whatever is concluded from the absence of a name holds only for the names that
// the listing covers.
func (c *scan) list(d *directory) (found bool, err error) {
	s := c.spool
	c.did.Listed++
	sequence := s.sequence.Add(1)
	began := time.Now()
	names, next := &s.listing, d.nextPart()
	names.reset(next)
	err = s.files.list(s, d, names)
	if s.relieve(err) {
		names.reset(next)
		err = s.files.list(s, d, names)
	}
	if err != nil {
		d.rest = nil
		return false, err
	}
	c.work += len(names.Entries)
	d.lastListed = s.instant(began)
	if len(d.rest) == 0 { // no parts are left of the listing before
		d.first, d.listed, d.asks, d.again = d.listed == 0, d.lastListed, false, c.now.add(never)
		d.leftSoFar, d.deepSoFar = 0, 0
	} else {
		d.rest = d.rest[:len(d.rest)-1]
	}
	d.rest = names.Rest(next, d.rest)
	marked, folders := false, 0
	for number, e := range names.Entries {
		name := names.Name(e)
		marked = marked || text(name) == s.options.Marker
		// Without types, a name that answers is taken for what it seems: asking for
		// each would cost two calls over the network for each pair.
		answers, asks := bytes.HasSuffix(name, s.out), bytes.HasSuffix(name, s.in)
		if e.Kind == rootfs.Unknown && !asks {
			if e.Kind = rootfs.Regular; !answers {
				e.Kind = c.ask(d, name)
			}
		}
		switch {
		case e.Kind == rootfs.Directory:
			folders++
			c.folder(d, name, number, sequence)
		case e.Kind == rootfs.Other:
			// A symbolic link could lead anywhere, and a FIFO would block.
		case answers:
			names.answered[text(bytes.TrimSuffix(name, s.out))] = struct{}{}
		case asks && !s.options.Ignore(text(name)):
			names.asking = append(names.asking, asking{bytes.TrimSuffix(name, s.in), e.Kind})
		case asks:
			names.ignored = append(names.ignored, name)
		}
	}
	if names.Covers(bytesOf(s.options.Marker)) {
		s.setMarked(d.name, marked)
	}
	c.findOrphans()
	c.findTypes(d, sequence)
	for child := d.child; child != nil; {
		after := child.after
		if child.listing != sequence && names.Covers(bytesOf(path.Base(child.name))) {
			s.drop(child)
		}
		child = after
	}
	c.admit(d, sequence)
	if len(d.rest) == 0 {
		s.noteLeft(d, d.leftSoFar)
		s.noteDeep(d, d.deepSoFar)
	}
	c.adopt(d)
	found = c.offer(d, sequence)
	d.crowded = 2*folders > len(names.Entries)
	d.took = uint32(time.Since(began).Microseconds())
	return found, nil
}

// findTypes asks for the types of those names that ask, have no answer and were
// listed without a type.
func (c *scan) findTypes(d *directory, sequence uint64) {
	names := &c.spool.listing
	files := names.asking[:0]
	for _, a := range names.asking {
		if _, done := names.answered[text(a.stem)]; a.kind == rootfs.Unknown && !done {
			name := append(slices.Clip(a.stem), c.spool.in...)
			if a.kind = c.ask(d, name); a.kind == rootfs.Directory {
				c.folder(d, name, len(names.Entries), sequence)
			}
		}
		if a.kind == rootfs.Regular {
			files = append(files, a)
		}
	}
	names.asking = files
}

// ask asks for the type of an entry that was listed without one.
func (c *scan) ask(d *directory, name []byte) rootfs.Kind {
	s := c.spool
	if !s.rules.unknown {
		return rootfs.Regular
	}
	info, err := s.current().Lstat(path.Join(d.name, string(name)))
	if err != nil {
		return rootfs.Other // gone, or the next scan asks again
	}
	return rootfs.KindOf(info.Mode())
}

// folder notes a directory that a listing of d has shown: one that is not known waits
// for the end of the listing.
func (c *scan) folder(d *directory, name []byte, number int, sequence uint64) {
	s := c.spool
	if d.depth == rootfs.MaxDepth {
		d.deepSoFar++
		return
	}
	child := s.directories[s.join(d, name)]
	if child == nil {
		s.listing.folders = append(s.listing.folders, newFolder{name, number})
		return
	}
	child.listing = sequence
	if c.full && s.givesPlace(child) {
		s.drop(child)
		d.leftSoFar++
		d.served = true
	}
}

// admit makes the directories known that a listing of d has shown anew, as many as the
// budgets allow. With more than that it goes on behind the one that was last the last
// time.
func (c *scan) admit(d *directory, sequence uint64) {
	s, folders := c.spool, c.spool.listing.folders
	begin := 0
	if (d.first || !s.listing.Complete()) && len(folders) > 0 {
		begin = rand.N(len(folders)) // it had given its place, perhaps, or d.hand is of another part
	}
	for s.listing.Complete() && d.left > 0 && begin < len(folders) && folders[begin].number < d.hand {
		begin++
	}
	for n := range folders {
		f := folders[(begin+n)%len(folders)]
		full := s.join(d, f.name)
		if s.directories[full] != nil {
			continue // a name that was listed twice
		}
		if s.isHopeless(full) {
			d.leftSoFar++
			continue
		}
		in, unwanted := s.classify(full)
		if !s.budget.admit(in, s.round.number) {
			d.leftSoFar++
			continue
		}
		d.hand = f.number + 1
		child := s.newDirectory(full, d, in, unwanted)
		child.listing = sequence
		if !d.first && !c.full && !unwanted {
			// The file for which it was made is about to come.
			s.rouseOne(child, c.now)
		}
	}
}

// join is the name of a directory in d, good until the next is joined.
func (s *Spool) join(d *directory, name []byte) string {
	s.joined = s.joined[:0]
	if d.parent != nil {
		s.joined = append(append(s.joined, d.name...), '/')
	}
	s.joined = append(s.joined, name...)
	return text(s.joined)
}

// offer offers the files of a listing that ask. It reports whether there are more that
// were not known to ask than nobody took before.
func (c *scan) offer(d *directory, sequence uint64) (found bool) {
	s, names := c.spool, &c.spool.listing
	room := true
	var unknown, waiting uint32
	for _, a := range names.asking {
		stem := a.stem
		// A directory that changes while it is listed may show a name twice.
		if _, done := names.answered[text(stem)]; done {
			continue
		}
		if s.rules.dedupe {
			names.answered[text(stem)] = struct{}{}
		}
		d.asks = true
		if !room {
			waiting++
			continue
		}
		offer := s.handOut(d.name, stem, sequence, c.began)
		if !offer.known {
			unknown++
		}
		if !offer.due {
			d.offerAt(s.instant(offer.next))
			continue
		}
		verdict := c.take(offer.entry)
		if verdict != Taken {
			s.takeBack(offer.entry)
			waiting++
		}
		switch verdict {
		case Taken:
			c.did.Taken++
			if offer.fresh {
				s.rouse(d, c.now)
			}
		case Refused:
			d.offerAt(c.now.add(offerAgain))
		case NoRoom:
			room = false
			d.offerAt(c.now)
		}
	}
	// Each part has others that wait, so only a complete listing tells.
	found = names.Complete() && unknown > d.waiting
	d.waiting = waiting
	s.mu.Lock()
	defer s.mu.Unlock()
	// Without room not all were gone through, and what waits is kept.
	s.forget(d.name, func(stem string, f *file) bool {
		return f.seen != sequence && names.CoversStem(bytesOf(stem)) && (room || f.pending == nil && f.done < sequence)
	})
	return found
}

const (
	// offerAgain is how long it takes until a file is offered again that was
	// refused.
	offerAgain = time.Second
	// never is longer than any directory goes without being listed.
	never = time.Hour
)

// offerAt makes a directory be listed at a time, if not sooner.
func (d *directory) offerAt(t instant) {
	if t < d.again {
		d.again = t
	}
}

// stem returns the stem of a name: those that are compared with each other have the same.
// Files that Options.Orphan says belong to a stem may be of any number.
func (s *Spool) stem(name []byte) (stem []byte, shared bool) {
	stem, answers := bytes.CutSuffix(name, s.out)
	if !answers {
		var asks bool
		if stem, asks = bytes.CutSuffix(name, s.in); !asks || !s.options.Ignore(text(name)) {
			return stem, false
		}
	}
	owner, ok := s.options.Orphan(text(name))
	switch {
	case !ok && answers:
		return stem, false
	case !ok:
		return name, false
	}
	return bytesOf(owner), !answers || owner != text(stem)
}
