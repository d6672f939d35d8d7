package spool

import (
	"strings"
	"time"
)

// Others can create any number of directories. A spool therefore tracks a bounded number, in
// total and per owner, and scans a bounded number per owner in one round, so that the
// directories of one owner do not slow the rounds down for the others:
//
//   - MaxDirectories in total. The program's own (Options.Own) are always tracked.
//   - OwnerDirectories per owner (Options.Owner). The directories beyond the first fairShare
//     of each owner have a quarter of the total.
//   - Directories without an owner have half of the total: unwanted ones (Options.Wanted) an
//     eighth, the others three eighths.
//
// Each limit also bounds the bytes of the paths: averageName per directory.
//
// A directory beyond a limit is scanned in turn: a full scan evicts quiet directories of an
// exceeded budget, and the next ones in the order of the walk take their places.
const (
	// MaxDirectories is the number of directories that a spool tracks in total, and
	// OwnerDirectories the number per owner.
	MaxDirectories   = 131_072
	OwnerDirectories = 2_048

	// fairShare is the number of directories per owner that are scanned in each round, and
	// that are in the lists of active and of recent directories.
	fairShare = 64
	// unownedShare is the same for all directories without an owner.
	unownedShare = 2_048
	// roundShare is the number of directories of all owners that are scanned in a round. If
	// there are more, each round scans a part of each owner's directories in turn.
	roundShare = 4_096

	// averageName is the number of bytes that the limits allow for each path. A path can have
	// 4,096.
	averageName = 128

	// An unwanted directory is scanned at most once per unwantedEvery, and all of them together
	// once per unwantedPause.
	unwantedEvery = time.Second
	unwantedPause = 2 * time.Millisecond
)

// A budget counts the tracked directories. The limits are fields so that tests can lower
// them.
type budget struct {
	total, owner, inRound int // the limits
	fair                  int32

	known             int // directories
	bytes             int // of their paths
	unwantedKnown     int // unwanted directories
	few, many         int // directories of owners: the first "fair" of each, and the others
	own, none, unused share
	owners            table[share] // by owner
	denied            uint32       // the last round in which the total was exceeded
}

// A share counts the directories of one owner, or the program's own, or those without an
// owner.
type share struct {
	owner          string // "" for the last two
	fair           int32  // the number scanned in each round, and in each list
	known          int32
	bytes          int32  // of the paths
	active, recent int32  // the number in these lists
	denied         uint32 // the last round in which one was not admitted
	always         bool   // there is always room: the program's own
}

func newBudget() budget {
	return budget{
		total: MaxDirectories, owner: OwnerDirectories,
		fair: fairShare, inRound: roundShare,
		own: share{always: true}, none: share{fair: unownedShare}, unused: share{fair: fairShare},
		owners: table[share]{key: func(in *share) string { return in.owner }},
	}
}

// hasRoom reports whether a list with n directories of the share may get another one.
func (sh *share) hasRoom(n int32) bool { return sh.always || n < sh.fair }

// classify returns the share of a directory, and whether it is unwanted. A new share is valid
// as long as the name is, or if add is called.
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
	if in = b.owners.get(owner); in == nil {
		in = &share{owner: owner, fair: b.fair} // add keeps it
	}
	return in, unwanted
}

// unowned returns the share of a directory without an owner.
func (b *budget) unowned(unwanted bool) *share {
	if unwanted {
		return &b.unused
	}
	return &b.none
}

// admit reports whether another directory of a share may be tracked.
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
	if int(in.known) >= limit || int(in.bytes) >= limit*averageName {
		in.denied = round
		return false
	}
	if b.known-int(b.own.known) >= b.total || b.bytes-int(b.own.bytes) >= b.total*averageName {
		in.denied, b.denied = round, round
		return false
	}
	return true
}

func (b *budget) noneLimit() int { return b.total * 3 / 8 }

// hasNoRoom reports whether there is no room for a directory because it has no owner. It
// avoids calling Wanted for each of very many; unwanted ones then wait, too, which is
// harmless.
func (s *Spool) hasNoRoom(name string) bool {
	none := &s.budget.none
	if int(none.known) < s.budget.noneLimit() || s.options.Owner(name) != "" || s.options.Own(name) {
		return false
	}
	none.denied = s.round.number
	return true
}

// exceeded reports whether a directory of the share, or of any, was not admitted since a
// round.
func (b *budget) exceeded(in *share, since uint32) bool {
	return !in.always && (in.denied >= since && in.denied > 0 || b.denied >= since && b.denied > 0)
}

func (b *budget) add(d *directory) {
	in := d.share
	b.bytes += len(d.name)
	in.bytes += int32(len(d.name))
	b.known++
	if d.unwanted {
		b.unwantedKnown++
	}
	if in.owner != "" {
		if in.known == 0 {
			in.owner = part(d.name, in.owner)
			b.owners.set(in)
		}
		if in.known < b.fair {
			b.few++
		} else {
			b.many++
		}
	}
	in.known++
}

// part returns a copy of a string that does not need its memory: the end of name, which is the
// owner of most directories, or a clone.
func part(name, owner string) string {
	if strings.HasSuffix(name, owner) {
		return name[len(name)-len(owner):]
	}
	return strings.Clone(owner)
}

func (b *budget) remove(d *directory) {
	in := d.share
	b.bytes -= len(d.name)
	in.bytes -= int32(len(d.name))
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
			b.owners.delete(in.owner)
		}
	}
}

// reclassify updates the share of a directory. A directory that holds others does not count
// for its owner: anybody can create a directory of any name and others in it, and would use up
// that owner's budget.
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
	d.share, d.owned, d.unwanted = in, in.owner != "", unwanted
	s.budget.add(d)
	s.setActive(d, active)
	s.setRecent(d, recent)
}

// isSkipped reports whether this round skips a directory, and counts one that it does not skip
// because of activity.
func (s *Spool) isSkipped(d *directory, now instant) bool {
	skipped, lately := s.skips(d, now)
	if lately {
		s.round.lately++
	}
	return skipped
}

// skips reports whether this round skips a directory: its owner has more than a fair share, or
// all owners together have too many directories. It also reports whether activity counts.
func (s *Spool) skips(d *directory, now instant) (skipped, counts bool) {
	lately := d.lastActive != 0 && now.sub(d.lastActive) < activeLately
	if d.owned && d.listed != 0 && !d.unwanted && !lately && !s.round.full && !s.round.hasTurn(d) {
		return true, false // as below, without a look at the share
	}
	b, in := &s.budget, d.share
	switch {
	case in.always:
		return false, false
	case d.unwanted:
		every := max(unwantedEvery, time.Duration(b.unwantedKnown)*unwantedPause)
		scanned := d.detail().scanned
		return scanned != 0 && now.sub(scanned) < every, false
	case d.listed == 0, s.round.full:
		return false, false
	}
	every := turns(int(in.known), int(in.fair))
	if d.owned {
		if every == 1 && lately {
			counts = true
			if s.latelyBefore < b.inRound/2 {
				return false, counts
			}
		}
		every *= s.round.turns
	}
	return every > 1 && (uint32(d.number)+s.round.number)%uint32(every) != 0, counts
}

// activeLately is how long a directory is scanned in each round after the last activity, unless
// there are too many such directories.
const activeLately = 24 * time.Hour

// hasTurn reports whether a round scans a directory with an owner who has few.
func (r *round) hasTurn(d *directory) bool { return (uint32(d.number)+r.number)%uint32(r.turns) == 0 }

// turns returns the number of rounds that it takes to scan n directories.
func turns(n, inEach int) int { return max(1, (n+inEach-1)/inEach) }

// noteLeft records the number of untracked directories in d.
func (s *Spool) noteLeft(d *directory, left uint32) {
	if had := d.detail().left; had != left {
		s.left.Add(int64(left) - int64(had))
		d.edit().left = left
	}
}

// noteDeep records the number of directories in d that are too deep, and logs it once per
// owner or top directory.
func (s *Spool) noteDeep(d *directory, deep uint32) {
	had := d.detail().deep
	if had == deep {
		return
	}
	s.tooDeep.Add(int64(deep) - int64(had))
	d.edit().deep = deep
	whose := d.share.owner
	if whose == "" {
		whose, _, _ = strings.Cut(d.name, "/")
	}
	if deep > 0 && !s.deepLogged[whose] && len(s.deepLogged) < maxDeepLogged {
		s.deepLogged[strings.Clone(whose)] = true
		s.options.Logger.Warn("syftevent: folders too deep, not scanned", "path", s.path(d.name), "count", deep, "err", errTooDeep)
	}
}

// maxDeepLogged bounds the owners for whom noteDeep logs.
const maxDeepLogged = 1_000
