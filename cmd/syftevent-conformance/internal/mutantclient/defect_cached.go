package mutantclient

import (
	"path/filepath"
	"time"
)

// corruptKey applies a defect to what identical calls have in common.
func (c *client) corruptKey(key *cacheKey) {
	switch {
	case c.has("caches-any-body"):
		key.Body = nil
	case c.has("caches-any-method"):
		key.Method = ""
	case c.has("caches-any-headers"):
		key.Headers = nil
	case c.has("caches-any-query"):
		key.URL = withoutQuery(key.URL)
	}
}

// joins reports whether a call waits for the response to an identical request.
func (c *client) joins(f *folder, p *pending, expires time.Time) bool {
	if c.has("joins-nothing") && !exists(filepath.Join(f.dir, p.responseName())) {
		return false
	}
	return time.Now().Before(expires) || c.has("reuses-expired")
}
