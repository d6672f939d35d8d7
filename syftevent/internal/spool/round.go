package spool

import (
	"slices"
	"time"
)

// sliceTime is how long a scan goes on before it gives way to what is more urgent,
// but for the listing of one huge directory.
const sliceTime = 2 * time.Millisecond

// A Look tells what a scan has done.
type Look struct {
	Directories int  // whose times were asked for, or that were listed at once
	Listed      int  // of them
	Taken       int  // files
	Orphans     int  // that were removed
	Full        bool // whether every directory is listed in this round, whatever its time
	Done        bool // whether it came to the end, of the round or of the list
}

// A round is one way through all directories, in slices.
type round struct {
	number uint32
	next   *directory // where the next slice begins; nil if no round is under way
	full   bool       // list every directory
	cost   time.Duration
	lately int // directories that do not rest because something happened in them
}

// Scan scans all directories and offers to take each file that asks and has no
// answer, is not out, and does not wait to be read again. A directory that cannot
// be read is logged and left for the next round. What is read of a directory is
// only what may have changed since it was scanned last.
//
// One call scans for about sliceTime, and the next one goes on there; Look.Done
// tells that the round is complete. Of an owner who has very many directories, and of
// very many owners, only some are scanned in each round.
func (s *Spool) Scan(take func(Entry) Verdict) Look {
	c, ok := s.begin(take)
	if !ok {
		return Look{Done: true}
	}
	r := &s.round
	if r.next == nil {
		if !s.linksKnown {
			s.learnLinks()
		}
		*r = round{number: r.number + 1, next: s.top, full: s.rules.full && c.now >= s.nextFull}
	}
	c.full = r.full
	for r.next != nil && !c.pauses() {
		d := r.next
		if r.full && d.parent != nil {
			s.reclassify(d)
		}
		if !s.rests(d, c.now) {
			c.look(d)
		}
		if r.next == d { // not dropped, which leads on
			r.next = walkOn(d)
		}
	}
	r.cost += time.Since(c.began)
	c.did.Full = r.full
	if c.did.Done = r.next == nil; c.did.Done {
		s.endRound()
	}
	return c.did
}

// endRound draws the conclusions from a complete round.
func (s *Spool) endRound() {
	r := &s.round
	if r.full {
		s.lastFull = r.number
		pause := min(max(fullScanEvery, fullScanCost*r.cost), fullScanLatest)
		s.nextFull = s.instant(time.Now()).add(pause - r.cost)
	}
	s.latelyBefore = r.lately
	s.firstScan()
	left := s.left.Load()
	switch {
	case left > 0 && !s.leftLogged:
		s.options.Logger.Warn("syftevent: more directories than are remembered, the others are scanned in turn",
			"path", s.dir, "remembered", s.budget.known, "others", left)
	case left == 0 && s.leftLogged:
		s.options.Logger.Info("syftevent: all directories are remembered again", "path", s.dir)
	}
	s.leftLogged = left > 0
}

// ScanActive scans only the directories in which something happened within the
// last second; as Scan does, in slices.
func (s *Spool) ScanActive(take func(Entry) Verdict) Look {
	if !s.Active() {
		return Look{Done: true}
	}
	return s.scanSome(take, &s.active)
}

// ScanRecent scans only the directories in which something happened within the
// last five minutes; as Scan does, in slices.
func (s *Spool) ScanRecent(take func(Entry) Verdict) Look {
	if !s.Recent() {
		return Look{Done: true}
	}
	return s.scanSome(take, &s.recent)
}

func (s *Spool) scanSome(take func(Entry) Verdict, some *[]*directory) Look {
	c, ok := s.begin(take)
	if !ok {
		return Look{Done: true}
	}
	scanned := 0
	for ; scanned < len(*some) && !c.pauses(); scanned++ { // the scan may append to it
		if d := (*some)[scanned]; !d.dropped {
			c.look(d)
		}
	}
	c.did.Done = scanned == len(*some)
	if !c.did.Done {
		rotate(*some, scanned)
	}
	return c.did
}

// rotate moves the first n to the end.
func rotate(directories []*directory, n int) {
	slices.Reverse(directories[:n])
	slices.Reverse(directories[n:])
	slices.Reverse(directories)
}

// Active reports whether ScanActive has something to scan.
func (s *Spool) Active() bool {
	s.rouseDone()
	s.active = s.expire(s.active, activeFor, s.setActive, func(d *directory) bool { return d.active })
	return len(s.active) > 0
}

// Recent reports whether ScanRecent has something to scan.
func (s *Spool) Recent() bool {
	s.rouseDone()
	s.recent = s.expire(s.recent, recentFor, s.setRecent, func(d *directory) bool { return d.recent })
	return len(s.recent) > 0
}

// expire takes the directories out of a list in which nothing happened for so long,
// or that were dropped.
func (s *Spool) expire(list []*directory, after time.Duration, set func(*directory, bool), in func(*directory) bool) []*directory {
	now := s.instant(time.Now())
	return slices.DeleteFunc(list, func(d *directory) bool {
		if in(d) && now.sub(d.roused) >= after {
			set(d, false)
		}
		return !in(d)
	})
}

func (s *Spool) begin(take func(Entry) Verdict) (*scan, bool) {
	err := s.reopen()
	s.trouble(".", err)
	if err != nil {
		return nil, false
	}
	now := time.Now()
	s.scan = scan{spool: s, take: take, began: now, now: s.instant(now), trusted: s.trusted}
	s.rouseDone()
	return &s.scan, true
}

// Until the clock is read again a scan does so much, where a directory that is scanned
// counts as lookWork and one that rests, or a name in a listing, as one.
const (
	clockWork = 2048
	lookWork  = 64
)

// pauses reports whether the slice is over.
func (c *scan) pauses() bool {
	if c.work++; c.work < clockWork {
		return false
	}
	c.work = 0
	return time.Since(c.began) >= c.spool.slice
}

// scan is one slice of a round, or a scan of some directories.
type scan struct {
	spool   *Spool
	take    func(Entry) Verdict
	began   time.Time
	now     instant // when it began
	work    int     // since the clock was read
	full    bool    // list every directory
	trusted bool    // stamps of this file system
	did     Look
}
