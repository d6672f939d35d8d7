package mutant

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// replyLifetime is how long a reply stays in the cache.
	replyLifetime = 10 * time.Minute
	// maxPublished is how often a response is published: whoever removes it that often
	// means it.
	maxPublished = 4
	// maxReplyBytes limits the published responses in the cache together.
	maxReplyBytes = 48 << 20
	// repliesName is the file that keeps the cache across restarts, beside the rpc
	// directory. SyftBox ignores *.tmp.
	repliesName = "../mutant-answered.tmp"
)

// A cachedReply is the reply to a request that was run.
type cachedReply struct {
	sum       [sha256.Size]byte // of the request
	response  []byte
	final     string // path of the response below rpc
	at        time.Time
	published int       // how often
	missing   time.Time // when the response was first missing; zero if it is there
}

// A replyCache keeps recent replies, by path of the request, in memory and in a file.
type replyCache struct {
	defect
	log   *slog.Logger
	delay time.Duration // before a missing response is republished
	file  string
	// shared leaves the file out: servers that share their work record replies one by one.
	shared bool

	mu      sync.Mutex
	entries map[string]*cachedReply
	unsaved []byte // lines of the file, for a defect
}

// add records the reply to a request before it is published.
func (c *replyCache) add(file requestFile, sum [sha256.Size]byte, response []byte, final string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &cachedReply{sum: sum, response: response, final: final, at: time.Now()}
	if c.has("remembers-256") && len(c.entries) >= 256 {
		c.dropOldest()
	}
	c.entries[file.request()] = r
	c.limitBytes()
	switch {
	case c.shared:
	case c.has("forgets-large") && len(response) > 64<<10:
	case c.has("forgets-on-restart"):
	case c.has("records-at-end"):
		c.unsaved = append(c.unsaved, r.line(file.request())...)
	default:
		if err := c.save(r.line(file.request())); err != nil {
			c.log.Error("save reply failed", "err", err)
		}
	}
}

// adopt adds the reply to a request that another server has recorded, and may have published.
func (c *replyCache) adopt(file requestFile, sum [sha256.Size]byte, response []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.entries[file.request()] = &cachedReply{sum: sum, response: response, final: file.response(), at: now, published: 1, missing: now}
	c.limitBytes()
}

// lookup reports whether a request with the same content was run. It notes that the
// response is missing.
func (c *replyCache) lookup(file requestFile, sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.entries[file.request()]
	if r == nil || c.has("forgetful") || r.sum != sum && !c.has("name-memory") || time.Since(r.at) > replyLifetime {
		return false
	}
	if r.missing.IsZero() {
		r.missing = time.Now()
	}
	return true
}

// dropOldest removes the oldest reply.
func (c *replyCache) dropOldest() {
	var oldest string
	for request, r := range c.entries {
		if oldest == "" || r.at.Before(c.entries[oldest].at) {
			oldest = request
		}
	}
	delete(c.entries, oldest)
}

// limitBytes drops the largest published responses while these together are too large. That their
// requests were run stays known. One that is not published yet does not count: it may be larger
// than the limit, and would drop all others.
func (c *replyCache) limitBytes() {
	total := 0
	var published []*cachedReply
	for _, r := range c.entries {
		if r.published > 0 {
			total += len(r.response)
			published = append(published, r)
		}
	}
	if total <= maxReplyBytes {
		return
	}
	slices.SortFunc(published, func(a, b *cachedReply) int { return len(b.response) - len(a.response) })
	for _, r := range published {
		if total <= maxReplyBytes {
			return
		}
		total -= len(r.response)
		r.response = nil
	}
}

// withSum returns the response to a request with the content; nil for none.
func (c *replyCache) withSum(sum [sha256.Size]byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.entries {
		if r.sum == sum {
			return r.response
		}
	}
	return nil
}

// due returns the response to a request and its path if it must be published now: it
// never was, or has been missing for the republish delay.
func (c *replyCache) due(file requestFile) (response []byte, final string, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.entries[file.request()]
	if r == nil || r.response == nil || r.published >= maxPublished || r.published > 0 && c.has("never-again") || r.published > 1 && c.has("again-once") {
		return nil, "", false
	}
	due = r.published == 0 || !r.missing.IsZero() && time.Since(r.missing) >= c.delay
	return r.response, r.final, due
}

// published notes that the response to a request was published.
func (c *replyCache) published(file requestFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.entries[file.request()]; r != nil {
		r.published++
		r.missing = time.Time{}
		if r.published > 1 && c.has("forgets-returned") {
			delete(c.entries, file.request())
		}
	}
}

// found notes that the response to a request is not missing.
func (c *replyCache) found(file requestFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.entries[file.request()]; r != nil {
		r.missing = time.Time{}
	}
}

// isFirst reports whether the response to a request was not published before.
func (c *replyCache) isFirst(file requestFile) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.entries[file.request()]
	return r == nil || r.published == 0
}

// dropIf removes the replies for whose request drop reports true.
func (c *replyCache) dropIf(drop func(request string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for request := range c.entries {
		if drop(request) {
			delete(c.entries, request)
		}
	}
}

// dropOlder removes the reply to a request if it is older than t, and reports whether
// it was.
func (c *replyCache) dropOlder(request string, t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.entries[request]
	if r == nil || !r.at.Before(t) {
		return false
	}
	delete(c.entries, request)
	return true
}

// A replyLine is one line of the file.
type replyLine struct {
	Request  string // path below rpc
	Sum      []byte
	Response []byte
	Final    string
	At       time.Time
}

func (r *cachedReply) line(request string) []byte {
	line, err := json.Marshal(replyLine{request, r.sum[:], r.response, r.final, r.at})
	if err != nil {
		panic(err) // bytes, strings and times always encode
	}
	return append(line, '\n')
}

func (c *replyCache) save(lines []byte) error {
	f, err := os.OpenFile(c.file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("save replies: %w", err)
	}
	_, err = f.Write(lines)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("save replies: %w", err)
	}
	return nil
}

// saveAtEnd saves what a defect has not saved before.
func (c *replyCache) saveAtEnd() error {
	if c.unsaved == nil {
		return nil
	}
	return c.save(c.unsaved)
}

// load reads the recent replies of an earlier process, and drops the rest of the file.
func (c *replyCache) load() error {
	data, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load replies: %w", err)
	}
	var kept bytes.Buffer
	for line := range strings.Lines(string(data)) {
		var l replyLine
		// A killed process may leave the last line incomplete.
		if json.Unmarshal([]byte(line), &l) != nil || len(l.Sum) != sha256.Size || time.Since(l.At) > replyLifetime {
			continue
		}
		c.entries[l.Request] = &cachedReply{sum: [sha256.Size]byte(l.Sum), response: l.Response, final: l.Final, at: l.At, published: 1}
		kept.WriteString(line)
	}
	if err := os.WriteFile(c.file, kept.Bytes(), 0o600); err != nil {
		return fmt.Errorf("compact replies: %w", err)
	}
	return nil
}
