package syftevent

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// Polls are adaptive. Where a request was the next one is likely, and a caller
// that waits for each response sends the next request at once: through SyftBox it
// arrives two hops of 53 ms later, on a shared file system within a millisecond.
// So the pause between two scans of the active directories is a fixed share of the
// time since the last activity: a request is found soon after it came, whatever the
// rhythm, and the scans become rare by themselves.
const (
	// scanShare is how many times as long as a pause the time before it was: a request
	// is found at most 1.6 % later than it came.
	scanShare = 64
	// shortPause is the shortest pause of the server.
	shortPause = 200 * time.Microsecond

	// recentShare is how many times in a poll interval the directories are scanned
	// that were active within the last minutes: every 4 ms by default. A caller that
	// comes back finds a server that is as quick as before.
	recentShare = 25
	// recentCostFactor is how many times as long as such a scan has taken the
	// server waits before the next: it takes half a percent of a core at most.
	recentCostFactor = 200

	// A scan of all directories is done in slices of 2 ms, between which the active
	// ones are scanned, and which are sliceFactor times their time apart.
	sliceFactor = 1
	// costFactor is how many times as long as a scan of all directories has taken
	// the server waits before the next: together with the listing of all
	// directories from time to time it takes less than one percent of a core.
	costFactor = 200
	// busyFactor is that for scans of which more than one directory in busyShare was
	// listed.
	busyFactor = 20
	busyShare  = 16
	// longestWait is the most that it waits for that reason: a new folder is found as
	// late as that. Because of the spool's budgets a scan takes 20 to 30 ms, however many
	// directories there are.
	longestWait = 2 * time.Second
	// remoteCostFactor and remoteLongestWait are the same on file systems whose
	// mtimes are not trusted. There, a scan is mostly waiting for the network.
	remoteCostFactor  = 10
	remoteLongestWait = 30 * time.Second

	// backlogFactor is how many times as long as a scan has taken the next one
	// waits while there is enough to do.
	backlogFactor = 10
)

// pauseAfter returns the pause before the next poll of what was waited for so long: a
// share of that, within limits.
func pauseAfter(waited time.Duration, share int, shortest, longest time.Duration) time.Duration {
	return min(max(waited/time.Duration(share), shortest), longest)
}

// A pace decides when to scan next.
type pace struct {
	poll       time.Duration
	nextAll    time.Time     // when to scan all directories, or the next slice of them
	nextRecent time.Time     // when to scan those that were active lately
	cost       time.Duration // of the last scan of all that had little to list
	quiet      time.Duration // the pauses since the last activity
	pause      time.Duration // the last one
	round      spool.Look    // what the slices of this scan of all have done
	began      time.Time     // when it began
	took       time.Duration // the slices together
}

// scannedSlice adds a slice to the scan of all directories, and reports whether that is
// complete.
func (p *pace) scannedSlice(began time.Time, took time.Duration, did spool.Look) bool {
	if p.round.Done || p.began.IsZero() {
		p.began, p.took, p.round = began, 0, spool.Look{}
	}
	p.took += took
	p.round.Directories += did.Directories
	p.round.Listed += did.Listed
	p.round.Taken += did.Taken
	p.round.Full, p.round.Done = did.Full, did.Done
	p.nextAll = began.Add(took + sliceFactor*took)
	return did.Done
}

// scannedAll decides when the next scan of all directories begins, after one is complete.
func (p *pace) scannedAll(now time.Time, local bool) (wait time.Duration) {
	if p.round.Listed*busyShare <= p.round.Directories {
		p.cost = p.took
	}
	wait = min(max(costFactor*p.cost, busyFactor*p.took), longestWait)
	if !local {
		wait = min(remoteCostFactor*p.took, remoteLongestWait)
	}
	wait = max(wait, p.poll)
	p.nextAll = now.Add(wait)
	return wait
}

// scannedRecent notes what a scan of the recently active directories has taken.
func (p *pace) scannedRecent(now time.Time, took time.Duration) {
	p.nextRecent = now.Add(max(p.poll/recentShare, recentCostFactor*took))
}

// A scanResult is what a scan has shown, as far as it matters for the next.
type scanResult struct {
	took    time.Duration
	found   bool // there was something new
	backlog bool // more is waiting than can be begun soon
	active  bool // ScanActive has something to scan
	recent  bool // ScanRecent has something to scan
}

// next returns how long to wait after a scan of the active directories.
func (p *pace) next(g scanResult) time.Duration {
	p.pause = pauseAfter(p.quiet, scanShare, shortPause, p.poll)
	switch {
	case g.backlog:
		// The processors have better things to do than to list the directory from
		// which there is enough work already.
		return max(p.pause, backlogFactor*g.took)
	case g.found:
		// A caller that waits for each response sends the next request now.
		return p.pause
	}
	// Scans that find nothing take at most a third of the time.
	return max(p.pause, 2*g.took)
}

// sleep waits for the next scan. Activity cuts a long wait short, as does the end
// of a backlog.
func (p *pace) sleep(g scanResult, activity, hungry, stopping <-chan struct{}) {
	select {
	case <-activity:
		p.quiet = 0
	default:
	}
	wait := time.Until(p.nextAll)
	if g.recent && !g.backlog {
		wait = min(wait, time.Until(p.nextRecent))
	}
	if g.active {
		next := p.next(g)
		// The pauses are counted, not the time: in a test's bubble none passes
		// during a short one.
		p.quiet += p.pause
		if next <= shortPause {
			sleepBriefly(next)
			return
		}
		wait = min(wait, next)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	if g.backlog {
		activity = nil // there is some all the time
	}
	select {
	case <-timer.C:
	case <-activity:
		p.quiet = 0
	case <-hungry:
	case <-stopping:
	}
}
