package mutantclient

import (
	"os"
	"path/filepath"
	"time"
)

// removeMatches removes the files of a folder that match patterns.
func (c *client) removeMatches(f *folder, patterns ...string) {
	for _, pattern := range patterns {
		names, _ := filepath.Glob(filepath.Join(f.dir, pattern))
		for _, name := range names {
			os.Remove(name)
		}
	}
}

// removeOthers removes files that are not those of the call that has ended.
func (c *client) removeOthers(f *folder) {
	switch {
	case c.has("removes-responses"):
		c.removeMatches(f, "*.response")
	case c.has("removes-temporaries"):
		c.removeMatches(f, "*.tmp")
	case c.has("removes-markers"):
		c.removeMatches(f, "*.rejected.*", "*.conflict.*")
	case c.has("removes-folder") && len(f.active) == 0:
		os.RemoveAll(f.dir)
	}
}

// removesResponseFirst reports whether the order of a removal is wrong.
func (c *client) removesResponseFirst(gone *removal) bool {
	return c.has("responses-first") || c.has("collects-responses-first") && gone.collected
}

// collectTime returns how long files that come back are collected.
func (c *client) collectTime() time.Duration {
	if c.has("collects-briefly") {
		return 5 * time.Second
	}
	return collectTime
}

// collects reports whether files of a call that come back are collected.
func (c *client) collects(p *pending, r result) bool {
	return !c.has("never-collects") && !c.keepsFiles(p, r) && (!c.has("forgets-given-up") || r.reason == "")
}

// leaves reports whether a defect leaves the files of a pair that came back.
func (c *client) leaves(gone *removal, files stemFiles) bool {
	again := gone.collected
	gone.collected = true
	return c.has("collects-once") && again || c.has("collects-requests") && !files.has(requestSuffix)
}
