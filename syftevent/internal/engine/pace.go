package engine

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// Polls are adaptive. A directory that had a request is likely to get another one: a
// caller that waits for each response sends the next request at once. Through SyftBox it
// arrives two hops of 53 ms later, on a shared file system within a millisecond. The
// pause between two scans of the active directories is therefore a fixed share of the
// time since the last activity: requests are found soon at any rate of calls, and scans
// become rare by themselves.
const (
	// scanShare is the ratio of the time since the last activity to the pause: a request is
	// found at most 1.6 % later than it came.
	scanShare = 64
	// shortPause is the shortest pause.
	shortPause = 200 * time.Microsecond

	// recentShare is the largest number of scans per poll interval of the directories that were
	// active in the last minutes: one every 4 ms by default. A caller that comes back soon finds
	// a server as quick as before.
	recentShare = 25
	// recentAgeShare is the ratio of the time since the last activity to the pause between
	// them: 10 ms after 20 s, 30 ms after a minute, because each wake-up costs CPU time.
	recentAgeShare = 2048
	// A scan of them that finds nothing takes a share of a core that falls with the time since
	// the last activity: recentMost while somebody calls, so that the next sender need not wait
	// although very many have called, and recentSecond after a second, half of it after two, and
	// so on, down to recentLeast.
	recentMost   = 0.5
	recentSecond = 0.25
	recentLeast  = 0.005

	// A scan of all directories is done in slices of 2 ms. The pause between two, in
	// which the active directories are scanned, is sliceFactor times a slice.
	sliceFactor = 1
	// Scans of all directories, without their listings, take statShare of the idle share, or
	// less if full scans need it, but no less than statLeast of it.
	statShare = 0.8
	statLeast = 0.25
	// foundFactor is the ratio of the pause to the time for listing in a scan that found
	// requests, and busyFactor that in a scan that found none.
	foundFactor = 4
	busyFactor  = 20
	// On file systems without trusted mtimes, each scan lists every directory, and mostly waits
	// for the network. remoteFactor is the ratio of the pause to the duration of a scan, and
	// remoteLongestWait bounds the pause. A request is thus found within six times the
	// duration of a scan, and a poll interval, after the mount shows it: within 2 s if there are
	// 1,000 directories and listing one takes 5 ms.
	remoteFactor      = 5
	remoteLongestWait = 30 * time.Second
	// remoteFoundFactor replaces remoteFactor after a scan that found requests.
	remoteFoundFactor = 2
	// remoteActiveFactor is the ratio of the pause to the duration of a scan of active
	// directories that found none, and remoteFoundActiveFactor of one that did: listings take from
	// the file server what answers need.
	remoteActiveFactor, remoteFoundActiveFactor = 4, 1
	// remoteDrift bounds how much longer the next scan may count while requests are handled:
	// reading and publishing files makes scans slow, and a burst must not make what comes after
	// it wait. The same holds for a full scan, which also sets the times of each directory.
	remoteDrift = 1.1

	// backlogFactor is the ratio of the pause to the duration of a scan while there is a
	// backlog.
	backlogFactor = 10
)

// pauseAfter returns the pause before the next poll: a share of the time waited so far,
// within bounds.
func pauseAfter(waited time.Duration, share int, shortest, longest time.Duration) time.Duration {
	return min(max(waited/time.Duration(share), shortest), longest)
}

// A pace schedules the scans.
type pace struct {
	poll       time.Duration
	idleShare  float64          // of a core
	nextAll    time.Time        // scan of all directories, or next slice of it
	nextRecent time.Time        // scan of the recently active directories
	cost       time.Duration    // duration of the last complete scan that was not full, without listing
	remoteCost time.Duration    // duration of a scan where mtimes are not trusted, without the effect of other work
	quiet      time.Duration    // sum of the pauses since the last activity
	lastActive time.Time        // when ScanActive had something to scan
	pause      time.Duration    // the last pause
	round      spool.ScanResult // sum of the slices of this scan
	began      time.Time        // when the scan began
	took, ran  time.Duration    // duration of the slices together, and processor time
}

// leastRan is the least part of its duration that a scan counts as having run. On a busy machine
// most of the duration may be time in which handlers or other programs ran, and a scan of 0.1 ms that took
// 80 ms must not be followed by a pause of 11 s.
const leastRan = 0.1

// ranPart returns which part of its duration a scan has run.
func ranPart(took, ran time.Duration) float64 {
	if took <= 0 {
		return 1
	}
	return min(1, max(leastRan, float64(ran)/float64(took)))
}

// scaled returns a part of a duration.
func scaled(d time.Duration, part float64) time.Duration { return time.Duration(part * float64(d)) }

// scannedSlice adds a slice to the scan of all directories, and reports whether the scan
// is complete.
func (p *pace) scannedSlice(began time.Time, took, ran time.Duration, did spool.ScanResult, local bool) bool {
	if p.round.Done || p.began.IsZero() {
		p.began, p.took, p.ran, p.round = began, 0, 0, spool.ScanResult{}
	}
	p.took += took
	p.ran += min(took, ran)
	p.round.Directories += did.Directories
	p.round.Listed += did.Listed
	p.round.Taken += did.Taken
	p.round.Listing += did.Listing
	p.round.Costly += did.Costly
	p.round.Full, p.round.FullShare, p.round.Done = did.Full, did.FullShare, did.Done
	p.nextAll = began.Add(took)
	if local {
		p.nextAll = p.nextAll.Add(sliceFactor * took)
	}
	return did.Done
}

// scannedAll schedules the next scan of all directories after a complete one. busy means that
// requests were handled meanwhile.
func (p *pace) scannedAll(now time.Time, local, busy bool) (wait time.Duration) {
	if local {
		wait = p.localWait()
	} else {
		wait = p.remoteWait(busy)
	}
	wait = max(wait, p.poll)
	p.nextAll = now.Add(wait)
	return wait
}

func (p *pace) localWait() (wait time.Duration) {
	if !p.round.Full {
		part := ranPart(p.took, p.ran)
		p.cost = scaled(p.took-p.round.Listing, part)
		// A scan must not make what comes after it wait because it had work to do.
		factor := time.Duration(busyFactor)
		if p.round.Taken > 0 {
			factor = foundFactor
		}
		wait = factor * scaled(p.round.Listing-p.round.Costly, part)
	}
	share := max(min(statShare*p.idleShare, p.idleShare-p.round.FullShare), statLeast*p.idleShare)
	return max(wait, time.Duration(float64(p.cost)*(1/share-1)))
}

func (p *pace) remoteWait(busy bool) time.Duration {
	cost := p.took
	if (busy || p.round.Full) && p.remoteCost > 0 {
		cost = min(cost, scaled(p.remoteCost, remoteDrift))
	}
	p.remoteCost = cost
	if p.round.Taken > 0 {
		return min(remoteFoundFactor*cost, remoteLongestWait)
	}
	return min(remoteFactor*cost, remoteLongestWait)
}

// scannedRecent schedules the next scan of the recently active directories. took is the
// duration of the last one, without the listings that see to their own pauses, as far as it ran.
func (p *pace) scannedRecent(now time.Time, took time.Duration) {
	silence := now.Sub(p.lastActive)
	pause := pauseAfter(silence, recentAgeShare, p.poll/recentShare, p.poll)
	share := max(min(recentMost, recentSecond/silence.Seconds()), recentLeast)
	p.nextRecent = now.Add(max(pause, time.Duration(float64(took)*(1/share-1))))
}

// A scanResult is what the schedule depends on after a scan.
type scanResult struct {
	took    time.Duration
	costly  time.Duration // the part of it that spool.ScanResult.Costly counts
	found   bool          // a request was queued
	remote  bool          // mtimes are not trusted
	backlog bool          // more requests are queued than run at once
	active  bool          // ScanActive has something to scan
	recent  bool          // ScanRecent has something to scan
}

// next returns the pause after a scan of the active directories.
func (p *pace) next(g scanResult) time.Duration {
	p.pause = pauseAfter(p.quiet, scanShare, shortPause, p.poll)
	switch {
	case g.backlog:
		// There is enough work: do not spend time on listing the directory again.
		return max(p.pause, backlogFactor*g.took)
	case g.remote && g.found:
		return max(p.pause, remoteFoundActiveFactor*g.took)
	case g.remote:
		return max(p.pause, remoteActiveFactor*g.took)
	case g.found:
		// A caller that waits for each response sends the next request soon.
		return p.pause
	}
	// Scans that find nothing take at most a third of a core. Directories see to the same for
	// their listings.
	return max(p.pause, 2*(g.took-g.costly))
}

// sleep waits for the next scan. Activity, or the end of a backlog, shortens a long wait.
func (p *pace) sleep(g scanResult, activity, backlogDone, stopping <-chan struct{}) {
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
		p.lastActive = time.Now()
		next := p.next(g)
		// The sum of the pauses, not the time since: in a synctest bubble no time passes
		// during a short pause.
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
		activity = nil // it never stops
	}
	select {
	case <-timer.C:
	case <-activity:
		p.quiet = 0
	case <-backlogDone:
	case <-stopping:
	}
}
