package spool

import (
	"io/fs"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A nudge is a modification of a published file that changes nothing: its first byte is
// written again. Programs that watch for modifications do not see a file that gets its name by
// a link. Nudges are spaced, because such a program may lose files when many are modified at
// once.
const (
	// KnownFor is how long a directory must have existed before a nudge in it: a new one may not
	// be watched yet.
	KnownFor = 25 * time.Millisecond
	// nudgeMaxWait is the longest wait in the queue. By then a program that also scans has found
	// the file without a nudge.
	nudgeMaxWait = 5 * time.Second
	// nudgeGrace is how long close waits for the queue.
	nudgeGrace = time.Second
)

// A nudge is one file to modify.
type nudge struct {
	dir, name string
	published rootfs.Version
	notBefore time.Time
}

// nudges is a queue of nudges with a goroutine, which close ends.
type nudges struct {
	interval time.Duration
	touch    func(nudge)
	finished chan struct{}
	closing  chan struct{}
	wake     chan struct{} // holds one token when the queue has grown

	mu    sync.Mutex
	queue []nudge
}

// startNudges starts the goroutine, unless interval is negative.
func startNudges(interval time.Duration, touch func(nudge)) *nudges {
	n := &nudges{
		interval: interval,
		touch:    touch,
		finished: make(chan struct{}),
		closing:  make(chan struct{}),
		wake:     make(chan struct{}, 1),
	}
	if interval < 0 {
		close(n.finished)
	} else {
		go n.run()
	}
	return n
}

// nudge queues a nudge of a file that was published in a directory.
func (s *Spool) nudge(dir, name string, published fs.FileInfo) {
	since := time.Now()
	s.mu.Lock()
	if d := s.directories.get(dir); d != nil {
		since = s.time(d.since)
	}
	s.mu.Unlock()
	s.nudges.add(nudge{dir, name, rootfs.VersionOf(published), since.Add(KnownFor)})
}

// add queues a nudge, unless it would come too late or the file is too large.
func (n *nudges) add(item nudge) {
	if n.interval < 0 || item.published.Size > rootfs.MaxTouchSize {
		return
	}
	n.mu.Lock()
	late := time.Duration(len(n.queue))*n.interval > nudgeMaxWait
	if !late {
		n.queue = append(n.queue, item)
	}
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *nudges) run() {
	defer close(n.finished)
	closing := n.closing          // nil after it was closed
	var deadline <-chan time.Time // set when closing was closed
	var earliest time.Time        // for the next nudge
	for {
		item, ok := n.next()
		if !ok {
			if closing == nil {
				return
			}
			select {
			case <-n.wake:
			case <-closing:
				closing = nil
			}
			continue
		}
		if item.notBefore.After(earliest) {
			earliest = item.notBefore
		}
		for wait := time.Until(earliest); wait > 0; wait = time.Until(earliest) {
			select {
			case <-time.After(wait):
			case <-closing:
				closing, deadline = nil, time.After(nudgeGrace)
			case <-deadline:
				return
			}
		}
		n.touch(item)
		earliest = time.Now().Add(n.interval)
	}
}

// next removes the first nudge of the queue.
func (n *nudges) next() (nudge, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		return nudge{}, false
	}
	item := n.queue[0]
	n.queue = n.queue[1:]
	return item, true
}

// close ends the goroutine, after at most nudgeGrace.
func (n *nudges) close() {
	close(n.closing)
	<-n.finished
}

func (s *Spool) touch(item nudge) {
	if p, err := s.acquire(item.dir); err == nil {
		defer s.release(p)
		rootfs.Touch(p.root, item.name, item.published)
	}
}
