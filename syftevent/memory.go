package syftevent

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// A memory keeps what this server has answered lately, so that a request which
// SyftBox takes away and brings back is not run again, and a response that has
// vanished or could not be written is published without running it again. It is
// bounded, and empty after a new start: nothing depends on it but that.
type memory struct {
	// delay is how long a request must have stood without its response before
	// that is published again; negative for never.
	delay time.Duration

	mu      sync.Mutex
	answers map[entry]*answer
	// Those that were published, those that could not be, and those whose request
	// was gone; the longest unseen first.
	published, unpublished, awaited ration
}

// A ration is a part of the memory, with bounds of its own.
type ration struct {
	order               list.List // of *answer
	size                int       // of all data
	maxEntries, maxSize int
}

// An answer is the response to one request.
type answer struct {
	entry entry
	sum   [sha256.Size]byte // of the request's bytes: others are another request
	data  []byte            // nil if there was no room
	seen  time.Time         // when the request was there, or was answered, last
	place *list.Element
	in    *ration

	next  time.Time     // when the request is to be read again that stands without it
	pause time.Duration // before that, of one that could not be published
	// Of one that was published: since when the request stands without it, zero if
	// it does not, and how often it was published again.
	missing     time.Time
	republished int
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	// rememberedFor is how long an answer is kept whose request is not there.
	rememberedFor = 10 * time.Minute
	// The bounds of what was published, and of the other two.
	maxPublished       = 10_000
	maxPublishedSize   = 16 << 20
	maxUnpublished     = 10_000
	maxUnpublishedSize = 64 << 20
	// missingPause is how often a request is looked at that stands without its
	// response.
	missingPause = time.Second
	// maxRepublished is how often a response is published again that vanishes.
	maxRepublished = 3
)

func newMemory(delay time.Duration) *memory {
	return &memory{
		delay: delay, answers: map[entry]*answer{},
		published:   ration{maxEntries: maxPublished, maxSize: maxPublishedSize},
		unpublished: ration{maxEntries: maxUnpublished, maxSize: maxUnpublishedSize},
		awaited:     ration{maxEntries: maxUnpublished, maxSize: maxUnpublishedSize},
	}
}

// A course is what is to be done with a request.
type course int

const (
	courseNew      course = iota // it was not answered here
	courseKept                   // it has an answer that was not published yet
	courseVanished               // it had an answer, which is to be published again
	courseLeave                  // it had an answer, and nothing is to be done now
)

// due reports whether a request that was found without a response is to be read
// now: it is not known, or its pause is over. A request that stands is seen again
// within a time.
func (m *memory) due(e entry, now time.Time, within time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.answers[e]
	if a == nil {
		return true
	}
	if now.Sub(a.seen) > within {
		a.missing = time.Time{} // the response, or nothing, was there meanwhile
	}
	a.touch(now)
	return !now.Before(a.next)
}

// course tells what is to be done with a request that was read, and the answer to
// publish.
func (m *memory) course(w work, now time.Time) (course, []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.answers[w.entry]
	switch {
	case a == nil || a.sum != w.sum:
		return courseNew, nil
	case a.in != &m.published && a.data == nil:
		return courseNew, nil // there was no room to keep it
	case a.in != &m.published:
		return courseKept, a.data
	}
	if a.missing.IsZero() {
		a.missing = now
	}
	if m.delay < 0 || a.data == nil || a.republished == maxRepublished {
		a.next = now.Add(lastRetry) // to see whether it is another request
		return courseLeave, nil
	}
	if a.next = now.Add(missingPause); now.Sub(a.missing) < m.delay {
		return courseLeave, nil
	}
	return courseVanished, a.data
}

// again notes that a response is about to be published again, and tells how often
// it was.
func (m *memory) again(w work) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.answers[w.entry]
	if a == nil {
		return 0
	}
	a.missing = time.Time{}
	a.republished++
	return a.republished
}

// keep remembers a response that could not be written, or whose request is gone,
// until it is due to be tried again. It reports whether it is the first failure.
func (m *memory) keep(w work, data []byte, gone bool) (first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.answers[w.entry]
	first = a == nil || a.in == &m.published
	now := time.Now()
	kept := &answer{entry: w.entry, sum: w.sum, data: data, seen: now, pause: firstRetry}
	if !first {
		kept.pause = min(2*a.pause, lastRetry)
	}
	kept.republished = a.times(w)
	kept.next = now.Add(kept.pause)
	in := &m.unpublished
	if gone {
		in = &m.awaited
	}
	m.put(kept, in)
	return first
}

// remember notes that a response was published.
func (m *memory) remember(w work, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(&answer{
		entry: w.entry, sum: w.sum, data: data, seen: time.Now(),
		republished: m.answers[w.entry].times(w),
	}, &m.published)
}

// times tells how often the response to a request was published again.
func (a *answer) times(w work) int {
	if a == nil || a.sum != w.sum {
		return 0
	}
	return a.republished
}

// drop forgets the answer to a request.
func (m *memory) drop(e entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(m.answers[e])
}

// expire forgets the answers whose requests were not seen for long.
func (m *memory) expire(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range []*ration{&m.published, &m.unpublished, &m.awaited} {
		for a := r.oldest(); a != nil && now.Sub(a.seen) > rememberedFor; a = r.oldest() {
			m.remove(a)
		}
	}
}

// put puts an answer in the place of an older one of the same entry, and makes
// room for it. m.mu is held.
func (m *memory) put(a *answer, in *ration) {
	m.remove(m.answers[a.entry])
	if len(a.data) > in.maxSize {
		a.data = nil
	}
	for in.order.Len() >= in.maxEntries || in.size+len(a.data) > in.maxSize {
		m.remove(in.oldest())
	}
	a.in, a.place = in, in.order.PushBack(a)
	in.size += len(a.data)
	m.answers[a.entry] = a
}

func (m *memory) remove(a *answer) {
	if a == nil {
		return
	}
	a.in.order.Remove(a.place)
	a.in.size -= len(a.data)
	delete(m.answers, a.entry)
}

func (a *answer) touch(now time.Time) {
	a.seen = now
	a.in.order.MoveToBack(a.place)
}

func (r *ration) oldest() *answer {
	if front := r.order.Front(); front != nil {
		return front.Value.(*answer)
	}
	return nil
}

// count tells how many answers wait to be published.
func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unpublished.order.Len() + m.awaited.order.Len()
}

// full reports whether so many responses could not be written that no more should
// be made: the disk is full, say. There is room left for the handlers that run.
func (m *memory) full() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unpublished.order.Len() >= maxUnpublished/2 || m.unpublished.size >= maxUnpublishedSize/2
}

// knows reports whether a request was answered here lately.
func (m *memory) knows(e entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answers[e] != nil
}
