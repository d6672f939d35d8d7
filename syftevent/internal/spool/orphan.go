package spool

import (
	"bytes"
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// orphans are the files whose input is missing, such as an output that was fetched. An input
// may be missing for a while and come back, so an orphan is removed only after
// Options.OrphanDelay, by the process's clock. Only the scanning goroutine uses them.
type orphans struct {
	since map[string]map[string]time.Time // by directory and name
	count int
}

// maxOrphans bounds the orphans that are tracked, since others choose how many there are. The
// rest is tracked when there is room again.
const maxOrphans = 10_000

// findOrphans collects the orphans of the listing.
func (c *scan) findOrphans() {
	names := c.spool.listing
	if names.paired >= names.outputs.count && len(names.ignored) == 0 {
		return // no orphans, the usual case
	}
	inputs := make(map[string]struct{}, len(names.inputs)+names.paired)
	for _, e := range names.Entries {
		name := names.Name(e)
		stem, isInput := bytes.CutSuffix(name, c.spool.in)
		if isInput && e.Kind != rootfs.Directory && e.Kind != rootfs.Other && !c.spool.options.Ignore(text(name)) {
			inputs[text(stem)] = struct{}{}
		}
	}
	add := func(name []byte) {
		stem, ok := c.spool.options.Orphan(text(name))
		if _, isInput := inputs[stem]; ok && !isInput && names.CoversStem(bytesOf(stem)) {
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

// adopt tracks the orphans of a listing, and removes those that are due.
func (c *scan) adopt(d *directory) {
	s := c.spool
	found := s.listing.orphans
	before := s.orphans.since[d.name]
	if d.details != nil {
		d.details.orphansDue = 0
	}
	if len(found) == 0 && (len(before) == 0 || s.listing.Complete()) {
		s.orphans.drop(d.name)
		return
	}
	s.orphans.count -= len(before)
	now := map[string]time.Time{}
	keep := func(name string, since time.Time) {
		now[name] = since
		due := max(s.instant(since.Add(s.options.OrphanDelay)), c.now.add(offerAgain))
		if edit := d.edit(); edit.orphansDue == 0 || due < edit.orphansDue {
			edit.orphansDue = due
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
			// Not the beginning of the scan: the input may have existed after that.
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

// removeOrphan removes an orphan, unless its input exists again, and reports whether it did.
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
	c.result.Orphans++
	return true
}

// drop stops tracking the orphans of a directory.
func (o *orphans) drop(dir string) {
	o.count -= len(o.since[dir])
	delete(o.since, dir)
}
