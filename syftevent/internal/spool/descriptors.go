package spool

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Each dirHandle takes a file descriptor, and the process needs descriptors for other
// things, too. So the handles have a budget: a quarter of the process's limit, and at
// most 256. When the process runs out of descriptors, unused handles are closed and the
// budget is halved. It is doubled again every descriptorsGrow.
const (
	// maxDirHandles is the largest budget.
	maxDirHandles = 256
	// minDirHandles is the smallest budget.
	minDirHandles = 4
	// descriptorsShare is the divisor of the process's limit.
	descriptorsShare = 4
	// descriptorsGrow is the time between a change of the budget and its next growth.
	descriptorsGrow = 10 * time.Second
	// descriptorsHalve is the time between two halvings: many goroutines may run out
	// of descriptors at once.
	descriptorsHalve = time.Second
)

// descriptors is the budget of the handles. Spool.mu guards it.
type descriptors struct {
	budget  int       // the most handles that may be open
	changed time.Time // the last change of the budget
	short   bool      // whether the budget is below dirHandleLimit
}

// dirHandleLimit returns the budget that the process's limit allows.
func dirHandleLimit() int {
	return int(max(min(rootfs.DescriptorLimit()/descriptorsShare, maxDirHandles), minDirHandles))
}

// relieve closes unused handles and reduces the budget if err means that the process is
// out of descriptors. It reports whether a retry is worthwhile.
func (s *Spool) relieve(err error) bool {
	if !rootfs.IsOutOfDescriptors(err) {
		return false
	}
	s.mu.Lock()
	now := time.Now()
	began := !s.descriptors.short
	if began || now.Sub(s.descriptors.changed) >= descriptorsHalve {
		s.descriptors = descriptors{max(s.descriptors.budget/2, minDirHandles), now, true}
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

// grow doubles a reduced budget when descriptorsGrow has passed. It reports whether the
// budget has reached dirHandleLimit again. s.mu is held.
func (s *Spool) grow() (recovered bool) {
	now := time.Now()
	if !s.descriptors.short || now.Sub(s.descriptors.changed) < descriptorsGrow {
		return false
	}
	most := dirHandleLimit()
	budget := min(2*s.descriptors.budget, most)
	s.descriptors = descriptors{budget, now, budget < most}
	return !s.descriptors.short
}

// closeUnused closes unused handles until at most that many are open, and returns how
// many it closed. s.mu is held.
func (s *Spool) closeUnused(most int) (closed int) {
	for dir, p := range s.dirHandles {
		if len(s.dirHandles) <= most {
			break
		}
		if p.users == 0 {
			delete(s.dirHandles, dir)
			p.root.Close()
			closed++
		}
	}
	return closed
}
