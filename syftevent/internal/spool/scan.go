package spool

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"
)

// maxDepth is how deep below the spool's directory files are looked for.
const maxDepth = 32

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

// A Look tells what a scan has done.
type Look struct {
	Directories int  // whose times were asked for, or that were listed at once
	Listed      int  // of them
	Taken       int  // files
	Full        bool // whether every directory was listed, whatever its time
}

// Scan looks at all directories and offers to take each file that asks and has no
// answer, is not out, and does not wait to be read again. A directory that cannot
// be read is logged and left for the next scan. What is read of a directory is
// only what may have changed since the last scan.
func (s *Spool) Scan(take func(Entry) Verdict) Look {
	c, ok := s.begin(take)
	if !ok {
		return Look{}
	}
	c.full = s.rules.full && !c.now.Before(s.nextFull)
	c.visit(s.top)
	if c.full {
		took := time.Since(c.now)
		s.nextFull = c.now.Add(min(max(fullScanEvery, fullScanCost*took), fullScanLatest))
	}
	c.did.Full = c.full
	return c.did
}

// ScanActive looks at those directories only in which there has been something
// within the last second.
func (s *Spool) ScanActive(take func(Entry) Verdict) Look {
	if !s.Active() {
		return Look{}
	}
	c, ok := s.begin(take)
	if !ok {
		return Look{}
	}
	for _, d := range s.active { // looking may add to s.active, behind these
		if d.active { // not dropped meanwhile
			c.look(d)
		}
	}
	return c.did
}

// Active reports whether ScanActive has something to look at.
func (s *Spool) Active() bool {
	s.rouseDone()
	now := time.Now()
	still := s.active[:0]
	for _, d := range s.active {
		if d.active = now.Before(d.activeUntil); d.active {
			still = append(still, d)
		}
	}
	clear(s.active[len(still):])
	s.active = still
	return len(still) > 0
}

func (s *Spool) begin(take func(Entry) Verdict) (*scan, bool) {
	err := s.reopen()
	s.trouble(".", err)
	if err != nil {
		return nil, false
	}
	s.scan = scan{spool: s, take: take, now: time.Now(), believed: s.believed}
	s.rouseDone()
	return &s.scan, true
}

// scan is one look, at all or at some directories.
type scan struct {
	spool    *Spool
	take     func(Entry) Verdict
	now      time.Time // when it began
	full     bool      // list every directory
	believed bool      // stamps of this file system
	did      Look
}

// visit looks at a directory and all below it.
func (c *scan) visit(d *directory) {
	c.look(d)
	for _, child := range d.children {
		c.visit(child)
	}
}

// look looks at one directory, and lists it if it may have changed.
func (c *scan) look(d *directory) {
	s := c.spool
	if c.full {
		d.unwanted = !s.options.Wanted(d.name)
	} else if d.unwanted && c.now.Sub(d.looked) < unwantedEvery {
		return
	}
	d.looked = c.now
	c.did.Directories++
	skip := false
	if c.believed {
		has, err := s.files.stamp(s, d)
		if err != nil {
			c.cannot(d, err)
			return
		}
		skip = d.unchanged(has, c.now, s.rules)
		if has != d.stamp || d.stampSince.IsZero() {
			d.stamp, d.stampSince = has, time.Now()
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

// caught notes that a directory had something new that its stamp did not tell of.
// If the stamp still does not, it is not believed any more.
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
	d.listed = time.Time{}
	if errors.Is(err, fs.ErrNotExist) && d.parent != nil {
		// Removed, or a network file system is behind: its parent's next listing
		// tells.
		d.parent.listed = time.Time{}
		s.drop(d)
		return
	}
	s.trouble(d.name, err)
}

// list lists a directory, takes its directories for children, and offers the
// files that ask. It reports whether there is one that was not known to ask.
func (c *scan) list(d *directory) (found bool, err error) {
	s := c.spool
	c.did.Listed++
	sequence := s.sequence.Add(1)
	began := time.Now()
	names := &s.listing
	names.reset()
	if err := s.files.list(s, d, names); err != nil {
		return false, err
	}
	d.listed, d.asks = began, false
	for _, e := range names.entries {
		name := names.name(e)
		// Without types, a name that answers is taken for what it seems: asking for
		// each would cost two calls over the network for each pair.
		answers, asks := bytes.HasSuffix(name, s.out), bytes.HasSuffix(name, s.in)
		if e.kind == unknown && !asks {
			if e.kind = regular; !answers {
				e.kind = c.ask(d, name)
			}
		}
		switch {
		case e.kind == folder:
			c.folder(d, name, sequence)
		case e.kind == other:
			// A symbolic link could lead anywhere, and a FIFO would block.
		case answers:
			names.answered[text(bytes.TrimSuffix(name, s.out))] = struct{}{}
		case asks && !s.options.Ignore(text(name)):
			names.asking = append(names.asking, asking{bytes.TrimSuffix(name, s.in), e.kind})
		}
	}
	c.findTypes(d, sequence)
	for _, child := range d.children {
		if child.listing != sequence {
			s.drop(child)
		}
	}
	return c.offer(d, sequence), nil
}

// findTypes asks for the types of those names that ask, have no answer and were
// listed without a type.
func (c *scan) findTypes(d *directory, sequence uint64) {
	names := &c.spool.listing
	files := names.asking[:0]
	for _, a := range names.asking {
		if _, done := names.answered[text(a.stem)]; a.kind == unknown && !done {
			name := append(slices.Clip(a.stem), c.spool.in...)
			if a.kind = c.ask(d, name); a.kind == folder {
				c.folder(d, name, sequence)
			}
		}
		if a.kind == regular {
			files = append(files, a)
		}
	}
	names.asking = files
}

// ask asks for the type of an entry that was listed without one.
func (c *scan) ask(d *directory, name []byte) kind {
	s := c.spool
	if !s.rules.unknown {
		return regular
	}
	info, err := s.current().Lstat(path.Join(d.name, string(name)))
	if err != nil {
		return other // gone, or the next scan asks again
	}
	return kindOf(info.Mode())
}

func (c *scan) folder(d *directory, name []byte, sequence uint64) {
	s := c.spool
	if d.depth == maxDepth {
		s.trouble(path.Join(d.name, string(name)), errTooDeep)
		return
	}
	s.child(d, name, c.now).listing = sequence
}

// offer offers the files of a listing that ask.
func (c *scan) offer(d *directory, sequence uint64) (found bool) {
	s, names := c.spool, &c.spool.listing
	room := true
	d.again = c.now.Add(never)
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
			continue
		}
		offer := s.handOut(d.name, stem, sequence, c.now)
		found = found || !offer.known
		if !offer.due {
			d.offerAt(offer.next)
			continue
		}
		verdict := c.take(offer.entry)
		if verdict != Taken {
			s.takeBack(offer.entry)
		}
		switch verdict {
		case Taken:
			c.did.Taken++
			if offer.fresh {
				s.rouse(d, c.now)
			}
		case Refused:
			d.offerAt(c.now.Add(offerAgain))
		case NoRoom:
			room = false
			d.offerAt(c.now)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Without room not all were gone through, and what waits is kept.
	s.forget(d.name, func(f *file) bool {
		return f.seen != sequence && (room || f.pending == nil && f.done < sequence)
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
func (d *directory) offerAt(t time.Time) {
	if t.Before(d.again) {
		d.again = t
	}
}
