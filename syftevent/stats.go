package syftevent

import (
	"sync"
	"time"
)

// Stats are the figures of a server since its start.
type Stats struct {
	// Answered counts the responses that were published.
	Answered int
	// Failed counts the requests whose handler failed.
	Failed int
	// Refused counts the requests that were answered without a handler.
	Refused int
	// Orphans counts the files that were removed because the request to which they
	// belonged was gone.
	Orphans int
	// Running and Waiting are how many requests a handler has now, and how many
	// are to get one. Of those that run, Reserved are beyond [Server.Concurrency].
	Running, Waiting, Reserved int
	// BytesHeld is how much large requests hold of BytesLimit, as
	// [Server.MaxRequestSize] says.
	BytesHeld, BytesLimit int64
	// Unpublished is how many responses wait to be written, after that has
	// failed.
	Unpublished int
	// Looks counts the complete looks at all folders; LastLook is when the last one
	// began, LookDuration how long it took, without the pauses in it, and LookWait how
	// long the next one waits.
	// Between them the server looks more often at folders where there was
	// something lately.
	Looks        int
	LastLook     time.Time
	LookDuration time.Duration
	LookWait     time.Duration
	// Folders is how many the server remembers: 131,072 at most, of which 2,048 of one
	// sender and half in no sender's folder. FoldersLeft is how many there are beyond
	// that, each of which is scanned when its turn comes.
	Folders, FoldersLeft int
	// FolderDescriptors is how many folders may be kept open: a quarter of the process's
	// limit of descriptors and 256 at most, less when it has none left.
	FolderDescriptors int
	// Pending is how many requests are not complete yet, and Unreadable how many files
	// and folders could not be read by the last look; the log has named them.
	Pending, Unreadable int
	// TimesBelieved tells whether the file system is one whose folders' times
	// tell of changes, so that only what has changed is listed at each look.
	TimesBelieved bool
}

// Stats returns the figures of the server, zero before it is ready.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running == nil {
		return Stats{}
	}
	stats := running.counters.read()
	load := running.dispatcher.load()
	stats.Running, stats.Waiting, stats.Reserved = load.running, load.waiting, load.reserved
	stats.BytesHeld, stats.BytesLimit = load.bytes, running.dispatcher.limits.bytes
	stats.Unpublished = running.replies.count()
	known := running.spool.Figures()
	stats.Folders, stats.FoldersLeft, stats.FolderDescriptors = known.Directories, known.Left, known.Descriptors
	stats.Pending, stats.Unreadable = known.Pending, known.Troubles
	stats.TimesBelieved = known.Believed
	return stats
}

// counters are the figures that are counted as things happen.
type counters struct {
	mu    sync.Mutex
	stats Stats
}

func (c *counters) read() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *counters) add(count func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.stats)
}

// looked notes a complete scan of all folders: when it began, the time of its slices, and
// how long the next one waits.
func (c *counters) looked(began time.Time, took, wait time.Duration) {
	c.add(func(s *Stats) { s.Looks, s.LastLook, s.LookDuration, s.LookWait = s.Looks+1, began, took, wait })
}
