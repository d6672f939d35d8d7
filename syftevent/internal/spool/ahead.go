package spool

import (
	"slices"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// On a network file system a listing mostly waits for the network, so a scan lists the next
// directories at once, ahead of the one that it has come to. The results are used in the order of
// the scan, by the scanning goroutine.
const (
	// aheadMost is the number of directories that are listed at once: 1,000 directories take 0.3 s
	// if each listing takes 5 ms. It also bounds the descriptors and threads for that.
	aheadMost = 16
	// aheadEntries is the number of entries up to which a directory is listed ahead, so that
	// listings take little memory.
	aheadEntries = 4_096
)

// A lookahead has the listings that were made ahead. The zero value is ready.
type lookahead struct {
	listings []*aheadListing
	spare    []*listing
}

// An aheadListing is the listing of a directory to which the scan has not come yet.
type aheadListing struct {
	directory *directory
	sequence  uint64
	began     reading
	took      time.Duration
	touched   bool // its times were set before
	names     *listing
	err       error
}

func (s *Spool) newListing(limit int) *listing {
	return &listing{Listing: rootfs.Listing{Limit: limit, Stem: s.stem, KeepFor: keepListing}}
}

// listAhead lists a directory and those to which the scan comes after it, as next returns them, up
// to the first that was listed before: those after it were as well, and a tree that grows while it is
// scanned must not add up listings.
func (c *scan) listAhead(d *directory) {
	s := c.spool
	var listings []*aheadListing
	for ; d != nil && len(listings) < aheadMost && !s.ahead.has(d); d = c.next(d) {
		if d.large || d.partial || d.dropped {
			continue
		}
		listings = append(listings, &aheadListing{
			directory: d, sequence: s.sequence.Add(1), began: s.watch.read(),
			touched: c.touches(d), names: s.ahead.listing(s),
		})
	}
	var wait sync.WaitGroup
	for _, a := range listings {
		wait.Go(func() {
			if a.touched {
				s.touchDirectory(a.directory)
			}
			a.names.reset(rootfs.Section{})
			a.err = s.files.list(s, a.directory, a.names)
			a.took = s.watch.since(a.began)
		})
	}
	wait.Wait()
	s.ahead.listings = append(s.ahead.listings, listings...)
}

// takeAhead returns the listing of a directory that was made ahead, with those of the next ones if
// there is none yet, or nil if the directory must be listed by itself.
func (c *scan) takeAhead(d *directory) *aheadListing {
	s := c.spool
	if c.trusted || d.large || d.partial {
		return nil
	}
	if !s.ahead.has(d) {
		c.listAhead(d)
	}
	a := s.ahead.take(d)
	if rootfs.IsOutOfDescriptors(a.err) {
		s.ahead.free(a)
		return nil
	}
	if !a.names.Complete() {
		d.large = true
		s.ahead.free(a)
		return nil
	}
	return a
}

func (l *lookahead) index(d *directory) int {
	return slices.IndexFunc(l.listings, func(a *aheadListing) bool { return a.directory == d })
}

func (l *lookahead) has(d *directory) bool { return l.index(d) >= 0 }

// take removes the listing of a directory from the lookahead, which has it.
func (l *lookahead) take(d *directory) *aheadListing {
	n := l.index(d)
	a := l.listings[n]
	l.listings = slices.Delete(l.listings, n, n+1)
	return a
}

// listing returns memory for a listing.
func (l *lookahead) listing(s *Spool) *listing {
	if n := len(l.spare) - 1; n >= 0 {
		names := l.spare[n]
		l.spare = l.spare[:n]
		return names
	}
	return s.newListing(aheadEntries)
}

// free keeps the memory of a listing that is not used any more.
func (l *lookahead) free(a *aheadListing) {
	if len(l.spare) < aheadMost {
		l.spare = append(l.spare, a.names)
	}
}

// discard discards the listings to which the scan did not come: they would be old.
func (l *lookahead) discard() {
	for _, a := range l.listings {
		l.free(a)
	}
	l.listings = l.listings[:0]
}
