package syftevent

import (
	"os"
	"path/filepath"
	"sync"
	"time"
)

// waits waits for the responses of all pending calls, with one goroutine per directory. The
// goroutine ends with the last call of its directory.
type waits struct {
	mu   sync.Mutex
	dirs map[string]*waitDir // by path
}

// A waitDir is a directory in which calls wait for responses.
type waitDir struct {
	path    string
	listed  time.Time // when it was last listed
	waiting map[*wait]struct{}
	changed chan struct{} // holds a token when waiting changed
}

// A wait is one call of [Future.Wait].
type wait struct {
	name    string // of the response
	sent    time.Time
	arrived chan struct{} // holds a token when the response may be there
}

const (
	// waitShare is the ratio of the time since the request was sent to the pause between two
	// checks: a response is found at most 3 % later than it came.
	waitShare = 32
	// firstPause and lastPause bound these pauses.
	firstPause, lastPause = time.Millisecond, 250 * time.Millisecond
	// waitCostFactor is the minimum ratio of the pause to the duration of a check: checks take
	// 5 % of a core at most, however many calls wait.
	waitCostFactor = 20
	// listAbove is the number of names above which listing the directory is cheaper than
	// looking them up one by one.
	listAbove = 16
	// listEvery is how often the directory is listed in any case. On NFS an absent name stays
	// absent for half a minute, unless a listing shows that the directory has changed.
	listEvery = time.Second
)

// add starts waiting for a response, until the returned function is called.
func (w *waits) add(dir, name string, sent time.Time) (added *wait, end func()) {
	added = &wait{name: name, sent: sent, arrived: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.dirs[dir]
	if d == nil {
		d = &waitDir{path: dir, waiting: map[*wait]struct{}{}, changed: make(chan struct{}, 1)}
		if w.dirs == nil {
			w.dirs = map[string]*waitDir{}
		}
		w.dirs[dir] = d
		go w.run(d)
	}
	d.waiting[added] = struct{}{}
	d.wake()
	return added, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(d.waiting, added)
		d.wake()
	}
}

func (d *waitDir) wake() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// run checks a directory repeatedly while calls wait there.
func (w *waits) run(d *waitDir) {
	for {
		waiting, sent := w.of(d)
		if len(waiting) == 0 {
			return
		}
		began := time.Now()
		for _, each := range d.check(waiting, began) {
			select {
			case each.arrived <- struct{}{}:
			default:
			}
		}
		now := time.Now()
		pause := max(min(max(now.Sub(sent)/waitShare, firstPause), lastPause), waitCostFactor*now.Sub(began))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-d.changed:
			timer.Stop()
			// Frequent changes must not cause frequent checks.
			if rest := min(waitCostFactor*now.Sub(began), pause); rest > 0 {
				time.Sleep(rest)
			}
		}
	}
}

// of returns the calls that wait in a directory, and when the last of them sent its
// request. It removes a directory without any.
func (w *waits) of(d *waitDir) (waiting []*wait, sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for each := range d.waiting {
		waiting = append(waiting, each)
		if each.sent.After(sent) {
			sent = each.sent
		}
	}
	if len(waiting) == 0 {
		delete(w.dirs, d.path)
	}
	return waiting, sent
}

// check returns the calls whose responses may be there.
func (d *waitDir) check(waiting []*wait, now time.Time) (arrived []*wait) {
	if len(waiting) <= listAbove && now.Sub(d.listed) < listEvery {
		for _, each := range waiting {
			if _, err := os.Lstat(filepath.Join(d.path, each.name)); err == nil {
				arrived = append(arrived, each)
			}
		}
		return arrived
	}
	d.listed = now
	dir, err := os.Open(d.path)
	if err != nil {
		return nil // Future.Wait finds out why
	}
	defer dir.Close()
	byName := make(map[string][]*wait, len(waiting))
	for _, each := range waiting {
		byName[each.name] = append(byName[each.name], each)
	}
	for {
		names, err := dir.Readdirnames(namesAtOnce)
		for _, name := range names {
			arrived = append(arrived, byName[name]...)
		}
		if err != nil {
			return arrived // io.EOF, or a failure
		}
	}
}
