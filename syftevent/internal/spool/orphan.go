package spool

import (
	"bytes"
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Orphans are answers whose request is gone: the client has fetched the answer, or has
// given up. SyftBox leaves such files behind when a removal races with its full
// synchronization. A request may be away for a while and come back, so an orphan is
// removed only after it was alone for Options.OrphanDelay, by this process's clock.
// Only the goroutine that scans uses the type.
type orphans struct {
	since map[string]map[string]time.Time // by directory and name
	count int
}

// maxOrphans limits how many are remembered, because senders choose how many there
// are. The others are remembered when there is room again.
const maxOrphans = 10_000

// findOrphans adds the files of the listing that belong to none that asks to its
// orphans.
func (c *scan) findOrphans() {
	names := &c.spool.listing
	paired := 0
	for _, a := range names.asking {
		if _, answered := names.answered[text(a.stem)]; answered {
			paired++
		}
	}
	if paired >= len(names.answered) && len(names.ignored) == 0 {
		return // no orphans, the usual case
	}
	asking := make(map[string]struct{}, len(names.asking))
	for _, a := range names.asking {
		asking[text(a.stem)] = struct{}{}
	}
	add := func(name []byte) {
		stem, ok := c.spool.options.Orphan(text(name))
		if _, asks := asking[stem]; ok && !asks && names.CoversStem(bytesOf(stem)) {
			names.orphans = append(names.orphans, string(name))
		}
	}
	for _, e := range names.Entries {
		name := names.Name(e)
		if bytes.HasSuffix(name, c.spool.out) && e.Kind != rootfs.Directory && e.Kind != rootfs.Other {
			add(name)
		}
	}
	for _, name := range names.ignored {
		add(name)
	}
}

// adopt remembers the orphans of a listing, and removes those that have stood alone
// for long enough.
func (c *scan) adopt(d *directory) {
	s := c.spool
	found := s.listing.orphans
	before := s.orphans.since[d.name]
	d.orphansDue = 0
	if len(found) == 0 && (len(before) == 0 || s.listing.Complete()) {
		s.orphans.drop(d.name)
		return
	}
	s.orphans.count -= len(before)
	now := map[string]time.Time{}
	keep := func(name string, since time.Time) {
		now[name] = since
		due := max(s.instant(since.Add(s.options.OrphanDelay)), c.now.add(offerAgain))
		if d.orphansDue == 0 || due < d.orphansDue {
			d.orphansDue = due
		}
	}
	for name, since := range before {
		if !s.listing.Covers(bytesOf(name)) {
			keep(name, since)
		}
	}
	for _, name := range found {
		since, known := before[name]
		if !known {
			if s.orphans.count+len(now) >= maxOrphans {
				continue
			}
			// Not the scan's beginning: the request may have been there since then.
			since = time.Now()
		}
		due := since.Add(s.options.OrphanDelay)
		if !c.began.Before(due) && c.removeOrphan(d, name) {
			continue
		}
		keep(name, since)
	}
	s.orphans.count += len(now)
	if s.orphans.since == nil {
		s.orphans.since = map[string]map[string]time.Time{}
	}
	s.orphans.since[d.name] = now
}

// removeOrphan removes an orphan, unless what it belongs to is there by now, and
// reports whether it did.
func (c *scan) removeOrphan(d *directory, name string) bool {
	s := c.spool
	p, err := s.acquire(d.name)
	if err != nil {
		return false
	}
	defer s.release(p)
	stem, ok := s.options.Orphan(name)
	if _, err := p.root.Lstat(stem + s.options.In); !ok || err == nil {
		return false
	}
	info, err := p.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || p.root.Remove(name) != nil {
		return false
	}
	s.options.Logger.Info("syftevent: orphan removed", "path", s.path(path.Join(d.name, name)))
	c.did.Orphans++
	return true
}

// drop forgets the orphans of a directory.
func (o *orphans) drop(dir string) {
	o.count -= len(o.since[dir])
	delete(o.since, dir)
}
