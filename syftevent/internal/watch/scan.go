package watch

import (
	"cmp"
	"slices"
	"time"
)

const (
	// The shares of the idle share for each kind of scan.
	quickShare = 0.4
	statsShare = 0.4
	fullShare  = 0.2
	// remoteShare is the share of the time in which a file system without trusted mtimes is
	// scanned. Most of it is waiting for the network.
	remoteShare = 0.1
	// fullEvery is the shortest time between two full scans of a datasite.
	fullEvery = 30 * time.Second

	// A scan pauses for as long as it has worked, after sliceTime. clockWork is the number of
	// system calls between two readings of the clock.
	sliceTime = 2 * time.Millisecond
	clockWork = 64
)

// scan scans the datasites that are due.
func (w *Watcher) scan() {
	now := w.now()
	if now >= w.topNext {
		w.scanTop(now)
	}
	scanned := false
	for _, s := range w.due(now) {
		if w.isStopping() || w.paused() {
			return
		}
		w.scanSite(s)
		scanned = true
	}
	if scanned {
		w.schedule()
	}
	if w.unknown && w.now() >= w.nextUnknown && !w.isStopping() {
		w.checkUnknown()
	}
	w.publishFigures()
}

// due returns the datasites that are due, the one that waits longest first.
func (w *Watcher) due(now instant) []*site {
	var due []*site
	for _, s := range w.sites {
		if slices.Min(s.next[:]) <= now {
			due = append(due, s)
		}
	}
	slices.SortFunc(due, func(a, b *site) int {
		return cmp.Compare(slices.Min(a.next[:]), slices.Min(b.next[:]))
	})
	return due
}

func (w *Watcher) isStopping() bool {
	select {
	case <-w.stopping:
		return true
	default:
		return false
	}
}

// breathe pauses a long scan from time to time. It reports whether the scan may go on.
func (w *Watcher) breathe() bool {
	if w.work++; w.work < clockWork {
		return true
	}
	w.work = 0
	worked := time.Since(w.working)
	if worked < sliceTime {
		return true
	}
	select {
	case <-w.stopping:
		return false
	case <-time.After(min(worked, 20*time.Millisecond)):
	}
	w.slept += time.Since(w.working) - worked
	w.working = time.Now()
	return true
}

// measure calls a scan and returns how long it took without its pauses.
func (w *Watcher) measure(scan func()) time.Duration {
	began := time.Now()
	w.working, w.slept = began, 0
	scan()
	return time.Since(began) - w.slept
}

// schedule sets when each datasite is scanned next, from what its scans cost.
func (w *Watcher) schedule() {
	sites := make([]*site, 0, len(w.sites))
	for _, s := range w.sites {
		sites = append(sites, s)
	}
	shares := [kinds]float64{quickShare * w.options.IdleShare, statsShare * w.options.IdleShare, fullShare * w.options.IdleShare}
	shortest := [kinds]time.Duration{w.tick(), w.tick(), max(w.tick(), fullEvery)}
	first, now := quick, w.now()
	if !w.trusted {
		// All scans are full there.
		first, shares[full], shortest[full] = full, remoteShare, w.tick()
	}
	var took, wait time.Duration
	costs := make([]time.Duration, len(sites))
	for kind := first; kind < kinds; kind++ {
		for i, s := range sites {
			costs[i] = s.cost[kind]
		}
		for i, interval := range intervals(costs, shares[kind], shortest[kind]) {
			s := sites[i]
			if next := now.add(interval); s.next[kind] <= now || s.next[kind] > next {
				s.next[kind] = next
			}
			if kind == stats || !w.trusted {
				took += cmp.Or(s.cost[stats], s.cost[full])
				wait = max(wait, interval)
			}
		}
	}
	for _, s := range sites {
		for kind := range first {
			s.next[kind] = s.next[full]
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.figures.ScanDuration, w.figures.ScanWait = took, wait
}

// scanSite scans a datasite: all that is due.
func (w *Watcher) scanSite(s *site) {
	began := w.now()
	kind := quick
	for k := range kinds {
		if s.next[k] <= began {
			kind = k
		}
	}
	if !w.trusted {
		kind = full
	}
	w.mu.Lock()
	w.figures.LastScan = time.Now()
	w.mu.Unlock()
	cost := w.measure(func() {
		if kind == full {
			s.fail = 0
		}
		if s.top != nil && s.top.linked && !w.walk(s.top, kind) {
			s.top = nil
		}
		for f := range s.pending {
			if f.checked < began && f.isDue(began) {
				w.check(f)
			}
			w.evaluate(f)
			if !w.breathe() {
				return
			}
		}
	})
	for k := range kind + 1 {
		s.next[k] = 0
	}
	// The smaller of two: other programs may have run during one of them.
	s.cost[kind], s.last[kind] = cmp.Or(min(cost, s.last[kind]), cost), cost
	if s.top == nil && s.files == 0 && s.folders == 0 {
		delete(w.sites, s.name)
	}
}

// publishFigures updates the figures after a scan.
func (w *Watcher) publishFigures() {
	if w.left > 0 != w.leftLogged {
		w.leftLogged = w.left > 0
		if w.leftLogged {
			w.options.Logger.Warn("syftevent: files or folders beyond a limit are not watched", "path", w.options.Dir,
				"watched", w.count, "others", w.left)
		} else {
			w.options.Logger.Info("syftevent: all files are watched again", "path", w.options.Dir)
		}
	}
	unreadable := 0
	for _, s := range w.sites {
		unreadable += s.fail
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.figures.Files, w.figures.Left, w.figures.Unreadable, w.figures.Trusted = w.count, w.left, unreadable, w.trusted
}
