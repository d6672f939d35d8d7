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
	// Running and Waiting are how many requests a handler has now, and how many
	// are to get one.
	Running, Waiting int
	// Unpublished is how many responses wait to be written, after that has
	// failed.
	Unpublished int
	// Looks counts the looks at all folders; LastLook is when the last one began,
	// LookDuration how long it took, and LookWait how long the next one waits.
	// Between them the server looks more often at folders where there was
	// something lately.
	Looks        int
	LastLook     time.Time
	LookDuration time.Duration
	LookWait     time.Duration
	// Folders is how many there are, Pending how many requests are not complete
	// yet, and Unreadable how many files and folders could not be read by the last
	// look; the log has named them.
	Folders, Pending, Unreadable int
	// TimesBelieved tells whether the file system is one whose folders' times
	// tell of changes, so that only what has changed is listed at each look.
	TimesBelieved bool
}

// Stats returns the figures of the server, zero before it is ready.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	serving := s.running
	s.mu.Unlock()
	if serving == nil {
		return Stats{}
	}
	stats := serving.counters.read()
	stats.Running, stats.Waiting = serving.dispatcher.load()
	stats.Unpublished = serving.memory.count()
	known := serving.spool.Figures()
	stats.Folders, stats.Pending, stats.Unreadable = known.Directories, known.Pending, known.Troubles
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

// looked notes a look, at all folders or at the active ones.
func (c *counters) looked(began time.Time, took time.Duration, all bool) {
	if all {
		c.add(func(s *Stats) { s.Looks, s.LastLook, s.LookDuration = s.Looks+1, began, took })
	}
}

func (c *counters) waits(wait time.Duration) { c.add(func(s *Stats) { s.LookWait = wait }) }
