package spool

import "time"

// Each directory that is kept open takes a descriptor, of which the process has a limited
// number that it needs for other things, too. So the places have a budget: a quarter of
// the process's limit, and 256 at most. When there is no descriptor left all the same,
// those that nobody uses are closed and the budget is halved; it is doubled again each
// time descriptorsGrow has passed.
const (
	// maxPlaces is the most directories that are kept open.
	maxPlaces = 256
	// minPlaces is how many are always allowed.
	minPlaces = 4
	// descriptorsShare is the part of the process's limit that they may take.
	descriptorsShare = 4
	// descriptorsGrow is how long the budget stays as it is before it grows again.
	descriptorsGrow = 10 * time.Second
	// descriptorsHalve is how long after it was halved it may be halved again: many
	// may run out of descriptors at once.
	descriptorsHalve = time.Second
)

// descriptors are the budget of the places. Spool.mu guards them.
type descriptors struct {
	budget  int       // how many directories may be open
	changed time.Time // when the budget was changed last
	short   bool      // whether it is smaller than the process's limit allows
}

// mostPlaces is the budget that the process's limit allows.
func mostPlaces() int {
	return int(max(min(descriptorLimit()/descriptorsShare, maxPlaces), minPlaces))
}

// relieve closes the directories that nobody uses and makes the budget smaller if an
// error says that there are no descriptors left. It reports whether it is worth trying
// again.
func (s *Spool) relieve(err error) bool {
	if !isOutOfDescriptors(err) {
		return false
	}
	s.mu.Lock()
	now := time.Now()
	began := !s.descriptors.short
	if began || now.Sub(s.descriptors.changed) >= descriptorsHalve {
		s.descriptors = descriptors{max(s.descriptors.budget/2, minPlaces), now, true}
	}
	budget := s.descriptors.budget
	closed := s.closeUnused(0)
	s.mu.Unlock()
	if began {
		s.options.Logger.Warn("syftevent: out of file descriptors, directories are kept open no longer",
			"closed", closed, "budget", budget, "err", err)
	}
	return closed > 0
}

// grow lets the budget grow again when all has gone well for a while. It reports whether
// it is as large as ever again. s.mu is held.
func (s *Spool) grow() (recovered bool) {
	now := time.Now()
	if !s.descriptors.short || now.Sub(s.descriptors.changed) < descriptorsGrow {
		return false
	}
	most := mostPlaces()
	budget := min(2*s.descriptors.budget, most)
	s.descriptors = descriptors{budget, now, budget < most}
	return !s.descriptors.short
}

// closeUnused closes directories that nobody uses until no more than so many are open,
// and returns how many it has closed. s.mu is held.
func (s *Spool) closeUnused(most int) (closed int) {
	for dir, p := range s.places {
		if len(s.places) <= most {
			break
		}
		if p.users == 0 {
			delete(s.places, dir)
			p.root.Close()
			closed++
		}
	}
	return closed
}
