package mutantclient

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// collectTime is how long after a removal the client looks for files that came back: SyftBox
// brings them back within a minute.
const collectTime = time.Minute + 2*collectInterval

// A removal is a pair that the client has removed, or a request that it has given up.
type removal struct {
	until    time.Time
	response tracker
	removalDefectState
}

// finish removes the files of a call, and delivers its result.
func (c *client) finish(f *folder, p *pending, files stemFiles, r result) {
	delete(f.active, p.seq)
	c.inFlight--
	c.closeForCall(p)
	gone := &removal{until: time.Now().Add(c.collectTime()), response: p.response}
	if !files.has(requestSuffix) {
		files = append(stemFiles{requestSuffix}, files...) // it may have come back since
	}
	if !c.keepsFiles(p, r) {
		c.remove(f, p.stem, files, gone)
	}
	c.removeOthers(f)
	if c.collects(p, r) {
		f.removed[p.stem] = gone
	}
	c.deliver(p, r)
}

// keepsFiles reports whether the files of a call stay. Those of a cached call serve others.
func (c *client) keepsFiles(p *pending, r result) bool {
	if p.cached && !c.has("removes-cached") && r.reason != "rejected" && r.reason != "expired" {
		return true
	}
	return c.keepsRequest(r)
}

// collect removes files that SyftBox has brought back, and responses that came late.
func (c *client) collect(f *folder, files listing) {
	for stem, gone := range f.removed {
		if time.Now().After(gone.until) {
			delete(f.removed, stem)
			continue
		}
		if own := files[stem]; len(own) > 0 && !c.leaves(gone, own) {
			c.remove(f, stem, own, gone)
		}
	}
}

// remove removes files of a stem, the requests first: a request without its response would be
// run again. A response of which more may arrive stays until the next time.
func (c *client) remove(f *folder, stem string, files stemFiles, gone *removal) {
	keep := func() {
		if err := c.keep(f.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.log.Error("keep folder failed", "err", err)
		}
	}
	if c.has("keeps-late") {
		defer keep()
	} else {
		keep()
	}
	for _, suffix := range c.removalOrder(files, gone) {
		name := filepath.Join(f.dir, stem+suffix)
		if suffix == responseSuffix {
			if c.isArriving(name, &gone.response) {
				continue
			}
			gone.response = tracker{}
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.log.Error("remove failed", "err", err)
			return
		}
	}
}

// removalOrder returns the suffixes of requests, then those of responses, with or without a
// marker. Other files stay.
func (c *client) removalOrder(files stemFiles, gone *removal) []string {
	var requests, responses []string
	for _, suffix := range files {
		switch {
		case strings.HasSuffix(suffix, requestSuffix):
			requests = append(requests, suffix)
		case strings.HasSuffix(suffix, responseSuffix):
			responses = append(responses, suffix)
		}
	}
	if c.removesResponseFirst(gone) {
		return slices.Concat(responses, requests)
	}
	return slices.Concat(requests, responses)
}
