package mutantclient

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// shareCached chooses the stem of a cached call, and reports whether it is that of a request that
// has not expired. Identical calls try the same stems in the same order. A stem whose request has
// expired, or is gone, is never used again: a response to that request may still come.
func (c *client) shareCached(f *folder, p *pending) bool {
	for round := 0; ; round++ {
		p.stem = c.cachedStem(p, round)
		if c.join(f, p) {
			return true
		}
		if c.isFree(f, p) {
			return false
		}
	}
}

// cachedStem returns the stem that identical calls try in a round.
func (c *client) cachedStem(p *pending, round int) string {
	key := cacheKey{c.email, p.url, p.method, p.headers, p.body, round}
	c.corruptKey(&key)
	text, err := json.Marshal(key)
	if err != nil {
		panic(err) // texts, bytes and numbers have no errors
	}
	sum := sha256.Sum256(text)
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// A cacheKey is what identical calls have in common.
type cacheKey struct {
	Sender, URL, Method string
	Headers             map[string]string
	Body                []byte // null or base64
	Round               int
}

// join makes a call wait for the response to the request with its stem, unless that does not exist
// or has expired.
func (c *client) join(f *folder, p *pending) bool {
	data, err := c.readFile(filepath.Join(f.dir, p.requestName()))
	if err != nil {
		return false
	}
	var request struct {
		Expires time.Time `json:"expires"`
	}
	if err := json.Unmarshal(data, &request); err != nil || !c.joins(f, p, request.Expires) {
		return false
	}
	p.data, p.expires, p.nudged = data, request.Expires, true
	return true
}

// isFree reports whether no request has had the stem of a call.
func (c *client) isFree(f *folder, p *pending) bool {
	request, response := filepath.Join(f.dir, p.requestName()), filepath.Join(f.dir, p.responseName())
	switch _, removed := f.removed[p.stem]; {
	case removed && c.has("reuses-stems"):
		delete(f.removed, p.stem)
	case removed:
		return false
	case c.has("keeps-old-response"):
		os.Remove(request)
		return true
	}
	return !exists(request) && !exists(response)
}
