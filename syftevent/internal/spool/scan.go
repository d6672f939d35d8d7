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

// A Verdict is the decision about an input that was offered.
type Verdict int

const (
	// Taken: it is in flight until Done is called.
	Taken Verdict = iota
	// Refused: it is offered again within a second or so.
	Refused
	// NoRoom: it and the others of its directory are offered again by the next scan.
	NoRoom
)

// scanDirectory scans one directory: it lists it if it may have changed.
func (c *scan) scanDirectory(d *directory) {
	s := c.spool
	if c.trusted && d.costly && d.crowded && !c.full && d.listed != 0 && c.now.sub(d.lastListed()) < crowdedPause*d.duration() {
		return
	}
	c.work += scanWork
	if d.unwanted {
		d.edit().scanned = c.now
	}
	c.result.Directories++
	skip := false
	if c.trusted {
		has, err := s.files.stamp(s, s.anchor, d)
		if err != nil {
			c.fail(d, err)
			return
		}
		skip = d.unchanged(has, c.now)
		if has != d.stamp || d.stampSince == 0 {
			if d.costly && !c.noteChange(d, has) {
				return
			}
			d.stamp, d.stampSince = has, s.since(has)
		}
		if !c.full && (skip || d.waits(c.now)) {
			return
		}
	}
	found, err := c.list(d)
	if err != nil {
		c.fail(d, err)
		return
	}
	s.trouble(d.name, nil)
	if found && skip {
		c.distrust(d)
	}
}

// noteChange notes that a costly directory has a new stamp. It returns false if that may be
// due to a running publication, whose end shows.
func (c *scan) noteChange(d *directory, has rootfs.Stamp) bool {
	s := c.spool
	now := s.instant(time.Now())
	switch s.whose(d, has) {
	case ownChanging:
		if !c.full && d.detail().changed == 0 && !d.isDue() {
			return false
		}
		d.edit().changed = now
	case ownChanged:
		if d.detail().owed == 0 {
			d.edit().owed = now.add(owedPause * d.duration())
		}
	case foreignChange:
		if d.detail().changed == 0 {
			d.edit().changed = now
		}
		c.result.Changed = true
		s.activateOne(d, c.now) // its listing waits
	}
	return true
}

// crowdedPause is the ratio of the pause between two listings to the duration of the last, for
// a directory that holds mostly directories. With very many of them a listing is costly, and
// each new one requires listings until the stamp is older than racyWindow.
const crowdedPause = 8

// distrust is called when a directory had a new input although its stamp was unchanged. If the
// stamp still is, the directory is listed in every scan from now on.
func (c *scan) distrust(d *directory) {
	s := c.spool
	now, err := s.files.stamp(s, s.anchor, d)
	if err == nil && now == d.stamp && !d.distrusted {
		d.distrusted = true
		s.options.Logger.Warn("syftevent: mtime unchanged despite a new file, folder is listed in every scan from now on",
			"path", s.path(d.name))
	}
}

// fail records that a directory could not be scanned.
func (c *scan) fail(d *directory, err error) {
	s := c.spool
	d.listed = 0
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.parent != nil:
		// Removed, or a network file system is behind: the next listing of its parent
		// shows which.
		d.parent.listed = 0
		s.drop(d)
		return
	case rootfs.IsOutOfDescriptors(err):
		return // logged once, by relieve
	}
	s.trouble(d.name, err)
}

// list lists a directory, tracks the directories in it, and offers its pending inputs. It
// reports whether one of them is new.
//
// If a directory has more entries than a listing holds, list lists one part of it. The next
// call lists the next part, and the directory counts as changed until all parts were listed.
// The absence of a name means something only if the listing covers the name.
func (c *scan) list(d *directory) (found bool, err error) {
	s := c.spool
	c.result.Listed++
	taken := c.result.Taken
	next, rest := s.nextPart(d)
	a := c.takeAhead(d)
	if a != nil {
		alone := s.listing
		s.listing = a.names
		defer func() {
			s.listing = alone
			s.ahead.free(a)
		}()
	} else {
		a = c.listAlone(d, next)
	}
	names, err, began, sequence := s.listing, a.err, a.began, a.sequence
	if err != nil {
		s.setRest(d, nil)
		return false, err
	}
	listed := s.watch.read()
	c.work += len(names.Entries)
	foreign := d.detail().changed != 0
	d.beginListing(s.instant(began.at))
	s.setRest(d, names.Rest(next, rest))
	marked, folders := false, 0
	names.outputs.reset(names.Files())
	for number, e := range names.Entries {
		name := names.Name(e)
		marked = marked || text(name) == s.options.Marker
		// Without types, an output is assumed to be a regular file: reading each type
		// would cost two calls over the network per pair.
		isOutput, isInput := bytes.HasSuffix(name, s.out), bytes.HasSuffix(name, s.in)
		if e.Kind == rootfs.Unknown && !isInput {
			if e.Kind = rootfs.Regular; !isOutput {
				e.Kind = c.typeOf(d, name)
			}
		}
		switch {
		case e.Kind == rootfs.Directory:
			folders++
			c.folder(d, number)
		case e.Kind == rootfs.Other:
			// A symbolic link could lead anywhere, and a FIFO would block.
		case isOutput:
			names.outputs.add(&names.Listing, bytes.TrimSuffix(name, s.out), number)
		}
	}
	c.findInputs()
	if names.Covers(bytesOf(s.options.Marker)) {
		s.setMarked(d.name, marked)
	}
	c.findOrphans()
	c.findTypes(d)
	for child := d.child; child != nil; {
		after := child.after
		if !child.seen && names.Covers(bytesOf(path.Base(child.name))) {
			s.drop(child)
		}
		child.seen = false
		child = after
	}
	c.admit(d)
	if !d.partial {
		has := d.detail()
		s.noteLeft(d, has.leftSoFar)
		s.noteDeep(d, has.deepSoFar)
	}
	c.adopt(d)
	found = c.offer(d, sequence)
	d.crowded = 2*folders > len(names.Entries)
	d.fruitless = foreign && c.result.Taken == taken
	if !c.trusted {
		c.scheduleTouch(d, a)
	}
	d.settle()
	took := a.took + s.watch.since(listed)
	d.took = uint32(took.Microseconds())
	if costly := took >= s.costlyFrom; costly != d.costly {
		s.mu.Lock()
		d.costly = costly
		s.mu.Unlock()
	}
	c.result.Listing += took
	if c.trusted && d.costly {
		c.result.Costly += took
	}
	return found, nil
}

// listAlone lists a part of one directory.
func (c *scan) listAlone(d *directory, part rootfs.Section) *aheadListing {
	s := c.spool
	s.forgetOwn(d)
	a := &s.alone
	*a = aheadListing{directory: d, sequence: s.sequence.Add(1), began: s.watch.read(), touched: c.touches(d), names: s.listing}
	if a.touched {
		s.touchDirectory(d)
	}
	a.names.reset(part)
	a.err = s.files.list(s, d, a.names)
	if s.relieve(a.err) {
		a.names.reset(part)
		a.err = s.files.list(s, d, a.names)
	}
	if d.large && a.err == nil && part == (rootfs.Section{}) {
		// Half of aheadEntries fits into a listing ahead however long the names are.
		d.large = len(a.names.Entries) > aheadEntries/2 || !a.names.Complete()
	}
	a.took = s.watch.since(a.began)
	return a
}

// findInputs collects the inputs that have no output, once all outputs are known.
func (c *scan) findInputs() {
	names := c.spool.listing
	for number, e := range names.Entries {
		name := names.Name(e)
		stem, isInput := bytes.CutSuffix(name, c.spool.in)
		switch {
		case !isInput || e.Kind == rootfs.Directory || e.Kind == rootfs.Other:
		case c.spool.options.Ignore(text(name)):
			names.ignored = append(names.ignored, name)
		case names.outputs.has(&names.Listing, stem):
			names.paired++
		default:
			names.inputs = append(names.inputs, input{stem, e.Kind, number})
		}
	}
}

// findTypes finds the types of the pending inputs that were listed without one.
func (c *scan) findTypes(d *directory) {
	names := c.spool.listing
	files, folders := names.inputs[:0], len(names.folders)
	for _, a := range names.inputs {
		if a.kind == rootfs.Unknown {
			name := append(slices.Clip(a.stem), c.spool.in...)
			if a.kind = c.typeOf(d, name); a.kind == rootfs.Directory {
				c.folder(d, a.number)
			}
		}
		if a.kind == rootfs.Regular {
			files = append(files, a)
		}
	}
	names.inputs = files
	if len(names.folders) > folders {
		slices.Sort(names.folders)
	}
}

// typeOf returns the type of an entry that was listed without one.
func (c *scan) typeOf(d *directory, name []byte) rootfs.Kind {
	s := c.spool
	info, err := s.current().Lstat(path.Join(d.name, string(name)))
	if err != nil {
		return rootfs.Other // gone, or the next listing finds its type
	}
	return rootfs.KindOf(info.Mode())
}

// folder records a directory in the listing of d. A new one is admitted at the end of the
// listing.
func (c *scan) folder(d *directory, number int) {
	s := c.spool
	if d.depth == rootfs.MaxDepth {
		d.edit().deepSoFar++
		return
	}
	names := s.listing
	child := s.directories.get(s.join(d, names.Name(names.Entries[number])))
	if child == nil {
		names.folders = append(names.folders, int32(number))
		return
	}
	child.seen = true
	if c.full && s.isEvictable(child) {
		s.drop(child)
		d.edit().leftSoFar++
		d.served = true
	}
}

// admit tracks the new directories in the listing of d, as many as the budgets allow. It
// begins after the last one that it admitted before.
func (c *scan) admit(d *directory) {
	s, names, folders := c.spool, c.spool.listing, c.spool.listing.folders
	begin := 0
	if (d.first || !names.Complete()) && len(folders) > 0 {
		begin = rand.N(len(folders)) // it may have been evicted, or d.hand is of another part
	}
	has := d.detail()
	for names.Complete() && has.left > 0 && begin < len(folders) && folders[begin] < has.hand {
		begin++
	}
	for n := range folders {
		number := folders[(begin+n)%len(folders)]
		full := s.join(d, names.Name(names.Entries[number]))
		if s.directories.get(full) != nil {
			continue // a name that was listed twice
		}
		if s.hasNoRoom(full) {
			d.edit().leftSoFar++
			continue
		}
		in, unwanted := s.classify(full)
		if !s.budget.admit(in, s.round.number) {
			d.edit().leftSoFar++
			continue
		}
		d.edit().hand = number + 1
		child := s.newDirectory(full, d, in, unwanted)
		if !d.first && !c.full && !unwanted {
			// Its first input is about to appear.
			s.activateOne(child, c.now)
		}
	}
}

// join returns the name of a directory in d, valid until the next call.
func (s *Spool) join(d *directory, name []byte) string {
	s.joined = s.joined[:0]
	if d.parent != nil {
		s.joined = append(append(s.joined, d.name...), '/')
	}
	s.joined = append(s.joined, name...)
	return text(s.joined)
}

// offer offers the pending inputs of a listing. It reports whether more of them are new than
// were not taken before.
func (c *scan) offer(d *directory, sequence uint64) (found bool) {
	s, names := c.spool, c.spool.listing
	room := true
	var unknown, waiting uint32
	for _, a := range names.inputs {
		stem := a.stem
		// A directory that changes while it is listed may show a name twice.
		if !names.outputs.add(&names.Listing, stem, a.number) {
			continue
		}
		if !d.hasPending {
			d.hasPending = true
			d.edit().again = c.now.add(never)
		}
		if !room {
			waiting++
			continue
		}
		offer := s.claim(d.name, stem, sequence, c.began)
		if !offer.known {
			unknown++
		}
		if !offer.due {
			d.offerAt(s.instant(offer.next))
			continue
		}
		verdict := c.take(offer.entry)
		if verdict != Taken {
			s.unclaim(offer.entry)
			waiting++
		}
		switch verdict {
		case Taken:
			c.result.Taken++
			if offer.fresh {
				s.activate(d, c.now)
			}
		case Refused:
			d.offerAt(c.now.add(offerAgain))
		case NoRoom:
			room = false
			d.offerAt(c.now)
		}
	}
	// Other parts may have more, so only a complete listing counts.
	found = names.Complete() && unknown > d.detail().waiting
	if d.detail().waiting != waiting {
		d.edit().waiting = waiting
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Without room, not all inputs were checked, and incomplete ones are kept.
	s.forget(d.name, func(stem string, f *file) bool {
		return f.seen != sequence && names.CoversStem(bytesOf(stem)) && (room || f.incomplete == nil && f.done < sequence)
	})
	return found
}

const (
	// offerAgain is the time until a refused input is offered again.
	offerAgain = time.Second
	// never is longer than the time between two listings of any directory.
	never = time.Hour
)

// offerAt schedules the next listing of a directory at t, unless it is scheduled earlier.
func (d *directory) offerAt(t instant) {
	if d.hasPending && t < d.detail().again {
		d.edit().again = t
	}
}

// stem returns the stem of a name. Names that are compared with each other have the same. Any
// number of files may share a stem by Options.Orphan.
func (s *Spool) stem(name []byte) (stem []byte, shared bool) {
	stem, isOutput := bytes.CutSuffix(name, s.out)
	if !isOutput {
		var isInput bool
		if stem, isInput = bytes.CutSuffix(name, s.in); !isInput || !s.options.Ignore(text(name)) {
			return stem, false
		}
	}
	owner, ok := s.options.Orphan(text(name))
	switch {
	case !ok && isOutput:
		return stem, false
	case !ok:
		return name, false
	}
	return bytesOf(owner), !isOutput || owner != text(stem)
}
