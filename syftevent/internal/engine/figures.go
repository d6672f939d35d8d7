package engine

import (
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
)

// Figures are the figures of a server since its start.
type Figures struct {
	Answered, Failed, Refused, Orphans int // that were counted
	InFlight, Queued, InReserve        int // requests now; InReserve are among InFlight
	BytesHeld, BytesLimit              int64
	Unpublished                        int           // responses that could not be written yet
	Scans                              int           // complete scans of all folders
	LastScan                           time.Time     // when the last one began
	ScanDuration, ScanWait             time.Duration // of the last one, and until the next
	Folders, FoldersLeft               int           // that are tracked, and those beyond the limit
	DirHandles                         int           // that may be open
	Incomplete, Unreadable             int           // requests, and files and folders
	TrustedMtimes                      bool
	Workers                            WorkerFigures
}

// Figures returns the figures now.
func (s *Server) Figures() Figures {
	f := s.counters.read()
	load := s.dispatcher.load()
	f.InFlight, f.Queued, f.InReserve = load.running, load.waiting, load.reserved
	f.BytesHeld, f.BytesLimit = load.bytes, s.dispatcher.limits.bytes
	f.Unpublished = s.replies.count()
	known := s.spool.Figures()
	f.Folders, f.FoldersLeft, f.DirHandles = known.Directories, known.Left, known.Descriptors
	f.Incomplete, f.Unreadable = known.Incomplete, known.Unreadable
	f.TrustedMtimes = known.Trusted
	return f
}

// Others returns the leases of the other servers of the app.
func (s *Server) Others() []lease.Observed {
	if s.workers == nil {
		return nil
	}
	return s.workers.observer.All()
}

// counters are the figures that are counted as events happen.
type counters struct {
	mu      sync.Mutex
	figures Figures
}

func (c *counters) read() Figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.figures
}

func (c *counters) add(count func(*Figures)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.figures)
}

// scanned records a complete scan of all folders: when it began, how long it took
// without its pauses, and the time until the next one.
func (c *counters) scanned(began time.Time, took, wait time.Duration) {
	c.add(func(f *Figures) { f.Scans, f.LastScan, f.ScanDuration, f.ScanWait = f.Scans+1, began, took, wait })
}
