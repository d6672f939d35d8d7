package spool

import (
	"io/fs"
	"os"
	"sync"
	"time"
)

// SyftBox uploads a file at once only when it sees it modified, and a file that
// gets its name by a link never is: it would travel with the next full
// synchronisation, 5 to 7 seconds later. A nudge is a modification that changes
// nothing: the first byte of the file is written again. Nudges are apart, because
// SyftBox loses files when too many are modified at once.
//
// Truncating the file to its own size would be seen as well, but must not be used:
// ext4 allocates the blocks of new data late and writes the new size to its journal
// with them, but a truncation writes the size at once (ext4_setattr sets
// i_disksize). After a loss of power 3,286 of 3,679 files nudged so had the right
// length and held only NULs; of those nudged by a byte, none did.
const (
	// KnownFor is how long a directory must have been there before SyftBox is
	// sure to watch it.
	KnownFor = 25 * time.Millisecond
	// nudgeMaxSize is the size above which SyftBox's fast path loses files.
	nudgeMaxSize = 3_000_000
	// nudgeMaxWait is when a full synchronisation is as fast.
	nudgeMaxWait = 5 * time.Second
	// nudgeGrace is how long close waits for the queue.
	nudgeGrace = time.Second
)

// A nudge is a file to be modified.
type nudge struct {
	dir, name string
	published publishedFile
	notBefore time.Time
}

// A publishedFile is as much of a file's information as a nudge needs: thousands
// may wait.
type publishedFile struct {
	identity identity
	size     int64
}

func publishedAs(info fs.FileInfo) publishedFile {
	return publishedFile{identityOf(info), info.Size()}
}

// nudges is a queue of nudges and the goroutine that works it off, which close
// ends.
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
	if d := s.directories[dir]; d != nil {
		since = d.since
	}
	s.mu.Unlock()
	s.nudges.add(nudge{dir, name, publishedAs(published), since.Add(KnownFor)})
}

// add queues a nudge, or drops it if it would come too late or do harm.
func (n *nudges) add(item nudge) {
	if n.interval < 0 || item.published.size > nudgeMaxSize {
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
	closing := n.closing          // nil once it was seen closed
	var deadline <-chan time.Time // set when closing was
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

// next takes the first of the queue.
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

// close gives the queue nudgeGrace and ends the goroutine.
func (n *nudges) close() {
	close(n.closing)
	<-n.finished
}

func (s *Spool) touch(item nudge) {
	if p, err := s.acquire(item.dir); err == nil {
		defer s.release(p)
		item.published.touch(p.root, item.name)
	}
}

// Touch modifies a published file without changing it, unless it is too large
// for that to help. Whatever goes wrong, SyftBox's full synchronisation will
// carry the file.
func Touch(root *os.Root, name string, published fs.FileInfo) {
	publishedAs(published).touch(root, name)
}

func (published publishedFile) touch(root *os.Root, name string) {
	if published.size > nudgeMaxSize {
		return
	}
	f, info, err := openRegular(root, name, os.O_RDWR)
	if err != nil {
		return
	}
	defer f.Close()
	// A client may have replaced it meanwhile; another's file is not touched.
	if !published.identity.is(info) || info.Size() != published.size {
		return
	}
	// SyftBox may overwrite the file in place between the two calls. The first byte
	// does no harm then: it is "{" in the new content as well, and in a file that was
	// just truncated it is overwritten. Any later byte would leave NULs before it.
	var first [1]byte
	if _, err := f.ReadAt(first[:], 0); err == nil {
		f.WriteAt(first[:], 0)
	}
}
