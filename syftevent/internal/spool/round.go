package spool

import (
	"slices"
	"time"
)

// sliceTime is how long a scan runs before it returns, unless it is listing one huge
// directory.
const sliceTime = 2 * time.Millisecond

// A ScanResult is what a scan did.
type ScanResult struct {
	Directories int           // that were checked or listed
	Listed      int           // directories
	Took        time.Duration // how long the scan, or this slice of it, took
	Listing     time.Duration // the time for listing them
	Costly      time.Duration // the part for costly ones, which see to their own pauses
	Taken       int           // inputs
	Changed     bool          // a costly directory changed, whose listing waits a little
	Orphans     int           // that were removed
	Full        bool          // this round lists every directory, whatever its stamp
	FullShare   float64       // the share of a core that full rounds take
	Done        bool          // the round, or the list, is complete
}

// A round is one scan of all directories, in slices.
type round struct {
	number uint32
	next   *directory // where the next slice begins; nil between rounds
	full   bool       // list every directory
	cost   time.Duration
	lately int // directories that are not skipped because of activity
	turns  int // the number of rounds that scan the directories of all owners once
}

// Scan scans all directories and offers each pending input that is not in flight and is due.
// It lists a directory only if it may have changed since the last scan. It logs a directory
// that it cannot read, and tries it again in the next round.
//
// One call scans for about sliceTime, and the next one continues there; ScanResult.Done
// reports that the round is complete. If an owner has very many directories, or there are
// very many owners, a round scans only some of them.
func (s *Spool) Scan(take func(Entry) Verdict) ScanResult {
	c, ok := s.begin(take)
	if !ok {
		return ScanResult{Done: true}
	}
	r := &s.round
	if r.next == nil {
		if !s.linksKnown {
			s.learnLinks()
		}
		*r = round{number: r.number + 1, next: s.top, full: c.now >= s.nextFull, turns: turns(s.budget.few, s.budget.inRound)}
	}
	c.full = r.full
	if !c.trusted {
		c.next = c.nextInRound
	}
	for r.next != nil && !c.pauses(r.next) {
		d := r.next
		if r.full && d.parent != nil {
			s.reclassify(d)
		}
		if !s.isSkipped(d, c.now) {
			c.scanDirectory(d)
		}
		if r.next == d { // not dropped, which leads on
			r.next = walkOn(d)
		}
	}
	c.end()
	r.cost += c.result.Took
	if c.result.Done = r.next == nil; c.result.Done {
		s.endRound()
	}
	c.result.Full, c.result.FullShare = r.full, s.fullShare
	return c.result
}

// endRound is called when a round is complete.
func (s *Spool) endRound() {
	r := &s.round
	if r.full {
		s.lastFull = r.number
		pause := max(fullScanEvery, min(fullScanLatest, time.Duration(float64(r.cost)/s.options.FullScanShare)))
		if r.number > 1 { // the first round belongs to the start
			s.fullShare = float64(r.cost) / float64(pause)
		}
		s.nextFull = s.instant(time.Now()).add(pause - r.cost)
	}
	s.latelyBefore = r.lately
	s.firstScan()
	left := s.left.Load()
	switch {
	case left > 0 && !s.leftLogged:
		s.options.Logger.Warn("syftevent: too many folders to track, the others are scanned in turn",
			"path", s.dir, "tracked", s.budget.known, "others", left)
	case left == 0 && s.leftLogged:
		s.options.Logger.Info("syftevent: all folders are tracked again", "path", s.dir)
	}
	s.leftLogged = left > 0
}

// ScanActive scans the directories with activity in the last second, in slices as Scan does.
func (s *Spool) ScanActive(take func(Entry) Verdict) ScanResult {
	if !s.Active() {
		return ScanResult{Done: true}
	}
	return s.scanSome(take, &s.active)
}

// ScanRecent scans the directories with activity in the last five minutes, in slices as Scan
// does.
func (s *Spool) ScanRecent(take func(Entry) Verdict) ScanResult {
	if !s.Recent() {
		return ScanResult{Done: true}
	}
	return s.scanSome(take, &s.recent)
}

func (s *Spool) scanSome(take func(Entry) Verdict, some *[]*directory) ScanResult {
	c, ok := s.begin(take)
	if !ok {
		return ScanResult{Done: true}
	}
	scanned := 0
	if !c.trusted {
		at := 0
		c.next = func(*directory) *directory {
			if at = max(at, scanned) + 1; at < len(*some) {
				return (*some)[at]
			}
			return nil
		}
	}
	for ; scanned < len(*some) && !c.pauses((*some)[scanned]); scanned++ { // the scan may append to it
		if d := (*some)[scanned]; !d.dropped {
			c.scanDirectory(d)
		}
	}
	c.result.Done = scanned == len(*some)
	if !c.result.Done {
		rotate(*some, scanned)
	}
	c.end()
	return c.result
}

// rotate moves the first n directories to the end.
func rotate(directories []*directory, n int) {
	slices.Reverse(directories[:n])
	slices.Reverse(directories[n:])
	slices.Reverse(directories)
}

// Active reports whether ScanActive has something to scan.
func (s *Spool) Active() bool {
	s.activateDone()
	s.active = s.expire(s.active, activeFor, s.setActive, func(d *directory) bool { return d.active })
	return len(s.active) > 0
}

// Recent reports whether ScanRecent has something to scan.
func (s *Spool) Recent() bool {
	s.activateDone()
	s.recent = s.expire(s.recent, recentFor, s.setRecent, func(d *directory) bool { return d.recent })
	return len(s.recent) > 0
}

// expire removes from a list the directories without activity for the given time, and those
// that were dropped.
func (s *Spool) expire(list []*directory, after time.Duration, set func(*directory, bool), in func(*directory) bool) []*directory {
	now := s.instant(time.Now())
	return slices.DeleteFunc(list, func(d *directory) bool {
		if in(d) && now.sub(d.lastActive) >= after {
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
	s.watch.start()
	s.activateDone()
	return &s.scan, true
}

func (c *scan) end() {
	c.spool.ahead.discard()
	c.result.Took = c.spool.watch.stop()
}

// nextInRound returns the directory to which a round comes after d.
func (c *scan) nextInRound(d *directory) *directory {
	for d = walkOn(d); d != nil; d = walkOn(d) {
		if skipped, _ := c.spool.skips(d, c.now); !skipped {
			return d
		}
	}
	return nil
}

// clockWork is the work of a scan between two readings of the clock. A scanned directory counts
// scanWork, a skipped one or a name in a listing 1.
const (
	clockWork = 2048
	scanWork  = 64
)

// pauses reports whether the slice ends before d. It does not if d was listed ahead, since the
// listing would be lost, and not soon if others were.
func (c *scan) pauses(d *directory) bool {
	ahead := &c.spool.ahead
	if c.work++; c.work < clockWork || len(ahead.listings) > 0 && c.work < 4*clockWork || ahead.has(d) {
		return false
	}
	c.work = 0
	return time.Since(c.began) >= c.spool.slice
}

// A scan is one slice of a round, or a scan of some directories.
type scan struct {
	spool   *Spool
	take    func(Entry) Verdict
	began   time.Time
	now     instant                     // when it began
	work    int                         // since the clock was read
	full    bool                        // list every directory
	trusted bool                        // stamps of this file system
	next    func(*directory) *directory // to which the scan comes after a directory; set unless trusted
	result  ScanResult
}
