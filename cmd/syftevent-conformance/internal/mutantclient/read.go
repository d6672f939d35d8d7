package mutantclient

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unicode/utf8"
)

var (
	errNotFile  = errors.New("response is not a file")
	errTooLarge = errors.New("response is too large")
)

// readFile reads a response up to the size limit. It opens only regular files, and never waits.
func (c *client) readFile(name string) ([]byte, error) {
	if c.has("opens-anything") {
		return os.ReadFile(name)
	}
	stat := os.Lstat
	if c.has("follows-response-links") {
		stat = os.Stat
	}
	before, err := stat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, errNotFile
	}
	limit := c.maxSize
	if c.has("no-size-limit") {
		limit = 1 << 40
	}
	if before.Size() > limit {
		return nil, errTooLarge
	}
	// Another file may have replaced it: O_NONBLOCK keeps a FIFO from blocking, and SameFile
	// detects a link.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(before, opened) {
		return nil, fmt.Errorf("file was replaced: %w", fs.ErrNotExist)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}

// A tracker measures since when the content of a file has not changed.
type tracker struct {
	sum   [sha256.Size]byte
	size  int
	since time.Time // zero until the file was read
	whole bool      // no more of the file will arrive
}

// settled reports whether the content, read at a time or later, has been the same for the
// settle time.
func (c *client) settled(t *tracker, content []byte, at time.Time) bool {
	sum := sha256.Sum256(content)
	changed := sum != t.sum
	switch {
	case c.has("settles-from-first"):
		changed = false
	case c.has("settles-by-length"):
		changed = len(content) != t.size
	}
	if t.since.IsZero() || changed {
		t.sum, t.size, t.since = sum, len(content), time.Now()
		return false
	}
	return at.Sub(t.since) >= c.settle
}

func (c *client) isComplete(data []byte) bool {
	if c.has("ends-in-brace") && len(data) > 0 && data[len(data)-1] == '}' {
		return true
	}
	return utf8.Valid(data) && json.Valid(data)
}

// readResponse returns the result of a call if its response is complete, or will not become so.
func (c *client) readResponse(f *folder, p *pending) (result, bool) {
	began := time.Now()
	name := filepath.Join(f.dir, p.responseName())
	data, err := c.readFile(name)
	if c.has("folder-ends") && isDirectory(name) {
		c.fatal = fmt.Errorf("read response: %w", err)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return result{}, false
	case errors.Is(err, errTooLarge):
		if c.has("limit-ends") {
			c.fatal = err
		}
		p.response.whole = true
		return failure("bad-response", "%v of %d bytes", err, c.maxSize), true
	case err == nil && c.isComplete(data):
		p.response.whole = true
		return c.decodeResponse(p, data), true
	case err == nil:
		if r, ok := c.acceptIncomplete(name, p, data); ok {
			return r, true
		}
		err = errors.New("response is incomplete")
	default:
		data = []byte(err.Error()) // which must last as long as an incomplete content
	}
	if !c.settled(&p.response, data, began) {
		return result{}, false
	}
	p.response.whole = true
	return failure("bad-response", "%v", err), true
}

// isArriving reports whether more of a response may arrive.
func (c *client) isArriving(name string, t *tracker) bool {
	if t.whole {
		return false
	}
	began := time.Now()
	data, err := c.readFile(name)
	if err != nil {
		return false
	}
	return !c.isComplete(data) && !c.settled(t, data, began)
}
