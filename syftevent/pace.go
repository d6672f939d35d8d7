package syftevent

import "time"

// After activity the server looks again soon, and then less and less often: where
// a request was, the next one is likely, and a client that waits for one answer
// before it sends the next request should not wait for the poll interval each
// time.
const (
	shortPause  = 200 * time.Microsecond
	shortUntil  = 5 * time.Millisecond // since the last activity
	middlePause = time.Millisecond
	middleUntil = 50 * time.Millisecond

	// costFactor is how many times as long as a look at all folders has taken the
	// server waits before the next: together with the listing of all folders from
	// time to time it takes less than one percent of a core.
	costFactor = 200
	// busyFactor is that for looks that had something to list.
	busyFactor = 20
	// longestWait is the most that it waits for that reason.
	longestWait = 2 * time.Second
	// remoteCostFactor and remoteLongestWait are the same on file systems whose
	// times are not believed. There, a look is mostly waiting for the network.
	remoteCostFactor  = 10
	remoteLongestWait = 30 * time.Second
)

// A pace tells when to look next.
type pace struct {
	poll    time.Duration
	nextAll time.Time     // when to look at all folders
	cost    time.Duration // of the last look at all that had nothing to list
	quiet   time.Duration // the pauses since the last activity
	pause   time.Duration // the last one
}

// lookedAtAll notes what a look at all folders has taken and how many it has
// listed, and returns how long the next one waits.
func (p *pace) lookedAtAll(now time.Time, took time.Duration, listed int, local bool) time.Duration {
	if listed == 0 {
		p.cost = took
	}
	wait := min(max(costFactor*p.cost, busyFactor*took), longestWait)
	if !local {
		wait = min(remoteCostFactor*took, remoteLongestWait)
	}
	wait = max(wait, p.poll)
	p.nextAll = now.Add(wait)
	return wait
}

// A glance is what a look has shown, as far as it matters for the next.
type glance struct {
	took    time.Duration
	found   bool // there was something new
	backlog bool // more is waiting than can be begun soon
	active  bool // there is a folder to look at before the next look at all
}

// next is how long to wait after a look at active folders.
func (p *pace) next(g glance) time.Duration {
	switch {
	case p.quiet < shortUntil:
		p.pause = shortPause
	case p.quiet < middleUntil:
		p.pause = middlePause
	default:
		p.pause = min(2*p.pause, p.poll)
	}
	switch {
	case g.backlog:
		// The processors have better things to do than to list the folder from
		// which there is enough work already.
		return max(p.pause, backlogFactor*g.took)
	case g.found:
		// A client that waits for each answer sends the next request now.
		return p.pause
	}
	// Looking in vain never takes more than a third of the time.
	return max(p.pause, 2*g.took)
}

// backlogFactor is how many times as long as a look has taken the next one waits
// while there is enough to do.
const backlogFactor = 10

// sleep waits for the next look: the next one at all folders if no folder is
// active, and otherwise one at those. Activity cuts a long wait short, as does the
// end of a backlog.
func (p *pace) sleep(g glance, activity, hungry, stopping <-chan struct{}) {
	select {
	case <-activity:
		p.quiet = 0
	default:
	}
	wait := time.Until(p.nextAll)
	if g.active {
		next := p.next(g)
		// The pauses are counted, not the time: in a test's bubble none passes
		// during a short one.
		p.quiet += p.pause
		if next <= shortPause {
			briefly(next)
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
