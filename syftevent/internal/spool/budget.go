package spool

import (
	"strings"
	"time"
)

// Whoever sends files makes directories, as many as they like. So a spool remembers a
// bounded number of them, in total and for each owner, and scans a bounded number of
// each owner's in one round, so that those of one do not make the rounds slow for the
// others:
//
//   - MaxDirectories in total. The program's own (Options.Own) are always remembered.
//   - OwnerDirectories of one owner, as Options.Owner names it. Of all owners together,
//     those beyond the first fairShare of each have a quarter of the total.
//   - The others, which nobody owns, have half of the total: those in which nothing can
//     be wanted an eighth, the rest three eighths.
//
// Each of these limits is one of bytes, too: averageName for each directory.
//
// A directory beyond that is not forgotten for good: when all directories are listed,
// the quiet ones of an exceeded budget give their places to the next ones in the order of
// the walk, so that each has its turn.
const (
	// MaxDirectories is how many directories a spool remembers in total, and
	// OwnerDirectories how many of one owner.
	MaxDirectories   = 131_072
	OwnerDirectories = 2_048

	// fairShare is how many directories of one owner are scanned in each round, and are
	// in the lists of active and of recent directories at a time.
	fairShare = 64
	// unownedShare is the same for all directories that nobody owns.
	unownedShare = 2_048
	// roundShare is how many directories of all owners are scanned in a round. With
	// more of them a round takes its part of each owner's in turn.
	roundShare = 8_192

	// averageName is how many bytes the paths of the directories may have that are
	// remembered, for each that may be: a path can have 4,096.
	averageName = 128

	// A directory in which nothing is wanted is scanned once in unwantedEvery at most,
	// and all of them together once in unwantedPause.
	unwantedEvery = time.Second
	unwantedPause = 2 * time.Millisecond
)

// A budget counts the directories that are remembered. The limits are fields for
// the sake of tests.
type budget struct {
	total, owner, fair, inRound int // the limits

	known             int // directories
	bytes             int // of their paths
	unwantedKnown     int // of them, those in which nothing is wanted
	few, many         int // those of owners: the first "fair" of each, and the others
	own, none, unused share
	owners            map[string]*share
	denied            uint32 // the last round in which the total was exceeded
}

// A share is the directories that have one owner, or that are the program's own, or
// that nobody owns.
type share struct {
	owner          string // "" for the last two
	always         bool   // whether there is always room: the program's own
	fair           int    // how many are scanned in each round and are in each list
	known          int
	bytes          int    // of the paths
	active, recent int    // how many are in these lists
	denied         uint32 // the last round in which one was not remembered
}

func newBudget() budget {
	return budget{
		total: MaxDirectories, owner: OwnerDirectories,
		fair: fairShare, inRound: roundShare,
		own: share{always: true}, none: share{fair: unownedShare}, unused: share{fair: fairShare},
		owners: map[string]*share{},
	}
}

// hasRoom reports whether a list that has so many of the share's directories may have
// one more.
func (sh *share) hasRoom(n int) bool { return sh.always || n < sh.fair }

// classify tells to which share a directory counts, and whether nothing is wanted in it.
// The name is good only until it returns.
func (s *Spool) classify(name string) (in *share, unwanted bool) {
	b := &s.budget
	if name == "." || s.options.Own(name) {
		return &b.own, false
	}
	unwanted = !s.options.Wanted(name)
	owner := s.options.Owner(name)
	if owner == "" {
		return b.unowned(unwanted), unwanted
	}
	if in = b.owners[owner]; in == nil {
		in = &share{owner: strings.Clone(owner), fair: b.fair}
	}
	return in, unwanted
}

// unowned is the share of a directory that nobody owns.
func (b *budget) unowned(unwanted bool) *share {
	if unwanted {
		return &b.unused
	}
	return &b.none
}

// admit reports whether one more directory of a share may be remembered.
func (b *budget) admit(in *share, round uint32) bool {
	limit := b.owner
	switch {
	case in.always:
		return true
	case in == &b.none:
		limit = b.noneLimit()
	case in == &b.unused:
		limit = b.total / 8
	case in.known >= b.fair && b.many >= b.total/4:
		limit = 0
	}
	if in.known >= limit || in.bytes >= limit*averageName {
		in.denied = round
		return false
	}
	if b.known-b.own.known >= b.total || b.bytes-b.own.bytes >= b.total*averageName {
		in.denied, b.denied = round, round
		return false
	}
	return true
}

func (b *budget) noneLimit() int { return b.total * 3 / 8 }

// isHopeless reports whether there is no place for a directory because nobody owns it.
// That spares asking for each of very many whether it is wanted; those that are not have
// to wait, too, which does no harm.
func (s *Spool) isHopeless(name string) bool {
	none := &s.budget.none
	if none.known < s.budget.noneLimit() || s.options.Owner(name) != "" || s.options.Own(name) {
		return false
	}
	none.denied = s.round.number
	return true
}

// exceeded reports whether a directory of a share, or of any, has had no place since a
// round.
func (b *budget) exceeded(in *share, since uint32) bool {
	return !in.always && (in.denied >= since && in.denied > 0 || b.denied >= since && b.denied > 0)
}

func (b *budget) add(d *directory) {
	in := d.share
	b.bytes += len(d.name)
	in.bytes += len(d.name)
	b.known++
	if d.unwanted {
		b.unwantedKnown++
	}
	if in.owner != "" {
		if in.known == 0 {
			b.owners[in.owner] = in
		}
		if in.known < b.fair {
			b.few++
		} else {
			b.many++
		}
	}
	in.known++
}

func (b *budget) remove(d *directory) {
	in := d.share
	b.bytes -= len(d.name)
	in.bytes -= len(d.name)
	b.known--
	if d.unwanted {
		b.unwantedKnown--
	}
	in.known--
	if in.owner != "" {
		if in.known < b.fair {
			b.few--
		} else {
			b.many--
		}
		if in.known == 0 {
			delete(b.owners, in.owner)
		}
	}
}

// reclassify follows what Options.Own, Owner and Wanted say by now. A directory that
// holds others does not count to its owner: anybody can make directories in one of any
// name, and would use up the budget of its owner.
func (s *Spool) reclassify(d *directory) {
	in, unwanted := s.classify(d.name)
	if d.child != nil && in.owner != "" {
		in = s.budget.unowned(unwanted)
	}
	if in == d.share && unwanted == d.unwanted {
		return
	}
	active, recent := d.active, d.recent
	s.setActive(d, false)
	s.setRecent(d, false)
	s.budget.remove(d)
	d.share, d.unwanted = in, unwanted
	s.budget.add(d)
	s.setActive(d, active)
	s.setRecent(d, recent)
}

// rests reports whether a directory is not scanned in a round, but in one of the next:
// its owner has more than a fair share, or all together have too many.
func (s *Spool) rests(d *directory, now instant) bool {
	b, in := &s.budget, d.share
	switch {
	case in.always:
		return false
	case d.unwanted:
		every := max(unwantedEvery, time.Duration(b.unwantedKnown)*unwantedPause)
		return d.looked != 0 && now.sub(d.looked) < every
	case d.listed == 0, s.round.full:
		return false
	}
	every := turns(in.known, in.fair)
	if in.owner != "" {
		if every == 1 && d.roused != 0 && now.sub(d.roused) < rousedLately {
			s.round.lately++
			if s.latelyBefore < b.inRound/2 {
				return false
			}
		}
		every *= turns(b.few, b.inRound)
	}
	return every > 1 && (d.number+s.round.number)%uint32(every) != 0
}

// rousedLately is how long a directory in which something happened rests no longer than
// others, as long as there are not too many of those.
const rousedLately = 24 * time.Hour

// turns is how many rounds it takes to scan n directories, so many in each.
func turns(n, inEach int) int { return max(1, (n+inEach-1)/inEach) }

// noteLeft notes how many directories in d are not remembered.
func (s *Spool) noteLeft(d *directory, left uint32) {
	if d.left != left {
		s.left.Add(int64(left) - int64(d.left))
		d.left = left
	}
}

// noteDeep notes how many directories in d are too deep, and logs it once for each
// owner or directory at the top.
func (s *Spool) noteDeep(d *directory, deep uint32) {
	if d.deep == deep {
		return
	}
	s.tooDeep.Add(int64(deep) - int64(d.deep))
	d.deep = deep
	whose := d.share.owner
	if whose == "" {
		whose, _, _ = strings.Cut(d.name, "/")
	}
	if deep > 0 && !s.deepLogged[whose] && len(s.deepLogged) < maxDeepLogged {
		s.deepLogged[strings.Clone(whose)] = true
		s.options.Logger.Warn("syftevent: directories too deep to be scanned", "path", s.path(d.name), "count", deep, "err", errTooDeep)
	}
}

// maxDeepLogged is for how many owners it is logged that directories are too deep.
const maxDeepLogged = 1_000
