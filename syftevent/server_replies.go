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
// bounded, in total and for each sender, so that no sender makes it forget what
// another was answered. After a restart it has what the replyLog has.
type memory struct {
	// delay is how long a request must have stood without its response before
	// that is published again; negative for never.
	delay time.Duration

	mu          sync.Mutex
	answers     map[entry]*answer
	published   ration
	unpublished ration // the file system failed
	awaited     ration // the request was gone
	blocked     ration // the name of the response cannot be used
}

// An answer is the response to one request.
type answer struct {
	entry entry
	sum   [sha256.Size]byte // of the request's bytes: others are another request
	data  []byte            // nil if there was no room
	size  int               // of the data, kept or not
	seen  time.Time         // when the request was there, or was answered, last
	in    *ration
	share *share
	place *list.Element // in in.order
	own   *list.Element // in share.order

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
	// lastBlocked is lastRetry for a name that cannot be used: that rarely ends.
	lastBlocked = 10 * time.Minute
	// rememberedFor is how long a published answer is kept whose request is not there:
	// a SyftBox that was down for hours deletes all at once what clients have collected
	// meanwhile, and often a response before its request.
	rememberedFor = 24 * time.Hour
	// awaitedFor is how long one is kept that could not be published.
	awaitedFor = 10 * time.Minute
	// The bounds of each ration: entries, and bytes of data, 32 MiB in all.
	maxAnswers         = 10_000
	maxPublishedSize   = 16 << 20
	maxUnpublishedSize = 8 << 20
	maxAwaitedSize     = 4 << 20
	maxBlockedSize     = 4 << 20
	// missingPause is how often a request is looked at that stands without its
	// response.
	missingPause = time.Second
	// maxRepublished is how often a response is published again that vanishes.
	maxRepublished = 3
)

func newMemory(delay time.Duration) *memory {
	return &memory{
		delay: delay, answers: map[entry]*answer{},
		published:   ration{maxEntries: maxAnswers, maxSize: maxPublishedSize, maxAge: rememberedFor},
		unpublished: ration{maxEntries: maxAnswers, maxSize: maxUnpublishedSize, maxAge: awaitedFor, strict: true},
		awaited:     ration{maxEntries: maxAnswers, maxSize: maxAwaitedSize, maxAge: awaitedFor},
		blocked:     ration{maxEntries: maxAnswers, maxSize: maxBlockedSize, maxAge: awaitedFor, strict: true},
	}
}

// A course is what is to be done with a request.
type course int

const (
	courseNew      course = iota // it was not answered here, or is to be run again
	courseKept                   // it has an answer that was not published yet
	courseRoom                   // to be run again when the disk has room: its answer was too large to keep
	courseName                   // to be run again when its response can have its name; likewise
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
	case a.in == &m.awaited && a.data == nil:
		return courseNew, nil // there was no room to keep it
	case a.in == &m.blocked && a.data == nil:
		a.wait(now, lastBlocked)
		return courseName, nil
	case a.in == &m.unpublished && a.data == nil:
		a.wait(now, lastRetry)
		return courseRoom, nil
	case a.in != &m.published:
		return courseKept, a.data
	}
	if a.missing.IsZero() {
		a.missing = now
	}
	if m.delay < 0 || a.republished == maxRepublished {
		a.next = now.Add(lastRetry) // to see whether it is another request
		return courseLeave, nil
	}
	if a.next = now.Add(missingPause); now.Sub(a.missing) < m.delay {
		return courseLeave, nil
	}
	if a.data == nil {
		// It was too large to be kept: only its handler can make it again.
		a.missing = time.Time{}
		a.republished++
		return courseNew, nil
	}
	return courseVanished, a.data
}

// postpone puts off the next reading of a request that is not to be run now, if its
// entry has an answer: to an earlier request of the same name, say.
func (m *memory) postpone(e entry, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.answers[e]; a != nil {
		a.next = now.Add(missingPause)
	}
}

// wait doubles the pause before the request of an answer is read again.
func (a *answer) wait(now time.Time, longest time.Duration) {
	a.pause = min(2*a.pause, longest)
	a.next = now.Add(a.pause)
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

// keep remembers a response that could not be published, in the ration for what has kept
// it from that, until it is due to be tried again. It reports whether it is the first
// failure.
func (m *memory) keep(w work, data []byte, in *ration) (first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.answers[w.entry]
	first = a == nil || a.in == &m.published
	now := time.Now()
	kept := &answer{entry: w.entry, sum: w.sum, data: data, seen: now, pause: firstRetry}
	last := lastRetry
	if in == &m.blocked {
		last = lastBlocked
	}
	if !first {
		kept.pause = min(2*a.pause, last)
	}
	kept.republished = a.times(w)
	kept.next = now.Add(kept.pause)
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

// restore notes that a response was published, or about to be, by an earlier process.
func (m *memory) restore(w work, data []byte, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(&answer{entry: w.entry, sum: w.sum, data: data, seen: at}, &m.published)
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
	for _, r := range []*ration{&m.published, &m.unpublished, &m.awaited, &m.blocked} {
		for a := oldest(&r.order); a != nil && now.Sub(a.seen) > r.maxAge; a = oldest(&r.order) {
			m.remove(a)
		}
	}
}

// put puts an answer in the place of an older one of the same entry. m.mu is held.
func (m *memory) put(a *answer, in *ration) {
	m.remove(m.answers[a.entry])
	m.answers[a.entry] = a
	in.add(a, m.remove)
}

func (m *memory) remove(a *answer) {
	if a == nil {
		return
	}
	a.in.remove(a)
	delete(m.answers, a.entry)
}

func (a *answer) touch(now time.Time) {
	a.seen = now
	a.in.order.MoveToBack(a.place)
	a.share.order.MoveToBack(a.own)
}

// count tells how many answers wait to be published.
func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unpublished.order.Len() + m.awaited.order.Len() + m.blocked.order.Len()
}

// full reports whether no more requests like an entry should be run. Either the file
// system has failed for so many responses, of the sender or of all, that there is room
// only for those of the handlers that run; or so many names of the sender's responses
// cannot be used that more would be forgotten, and their requests run again.
func (m *memory) full(e entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	sender := senderOf(e)
	unpublished, owed := m.unpublished.halfShare(sender)
	blocked, _ := m.blocked.halfShare(sender)
	return m.unpublished.half() || unpublished || owed || blocked
}

// lost is the size of the response to a request that was too large to keep.
func (m *memory) lost(e entry) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.answers[e]; a != nil {
		return a.size
	}
	return 0
}

// knows reports whether a request was answered here lately.
func (m *memory) knows(e entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answers[e] != nil
}
