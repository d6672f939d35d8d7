package syftevent

import (
	"crypto/sha256"
	"sync"
	"time"
)

// unpublished keeps the responses that could not be written, because the disk is
// full, say, or the request is gone for a while. The handler has run, so writing
// is tried again and nothing else, after pauses that grow.
type unpublished struct {
	mu      sync.Mutex
	kept    map[entry]*keptResponse
	size    int // of all data
	maxSize int
}

type keptResponse struct {
	data  []byte            // nil if there was no room: the request is run again then
	sum   [sha256.Size]byte // of the request that it answers
	pause time.Duration
	next  time.Time
	seen  time.Time // when the request was there last
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	// maxUnpublished is how many bytes of responses are kept.
	maxUnpublished = 64 << 20
	// keptFor is how long a response is kept whose request is not there: SyftBox
	// may bring it back, and a folder may be out of reach for a while.
	keptFor = 10 * time.Minute
)

func newUnpublished() *unpublished {
	return &unpublished{kept: map[entry]*keptResponse{}, maxSize: maxUnpublished}
}

// keep keeps a response until it is due to be tried again. It reports whether it
// is the first failure.
func (u *unpublished) keep(w work, data []byte) (first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	k := u.kept[w.entry]
	if k == nil {
		first = true
		k = &keptResponse{pause: firstRetry / 2}
		u.kept[w.entry] = k
	}
	k.sum = w.sum
	u.size -= len(k.data)
	k.data = nil
	if u.size+len(data) <= u.maxSize {
		k.data = data
		u.size += len(data)
	}
	k.pause = min(2*k.pause, lastRetry)
	k.seen = time.Now()
	k.next = k.seen.Add(k.pause)
	return first
}

// of returns the response that is kept for a request, nil for none. A request of
// other bytes is another one, whose name alone is the same.
func (u *unpublished) of(w work) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	k := u.kept[w.entry]
	if k == nil || k.sum != w.sum {
		return nil
	}
	return k.data
}

// drop forgets the response to a request.
func (u *unpublished) drop(e entry) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.dropLocked(e)
}

func (u *unpublished) dropLocked(e entry) {
	if k := u.kept[e]; k != nil {
		u.size -= len(k.data)
		delete(u.kept, e)
	}
}

// due reports whether a request that was found is to be taken now: nothing is kept
// for it, or its pause is over.
func (u *unpublished) due(e entry, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	k := u.kept[e]
	if k == nil {
		return true
	}
	k.seen = now
	return !now.Before(k.next)
}

// expire forgets the responses to requests that were not found for long.
func (u *unpublished) expire(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for e, k := range u.kept {
		if now.Sub(k.seen) > keptFor {
			u.dropLocked(e)
		}
	}
}

func (u *unpublished) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.kept)
}
