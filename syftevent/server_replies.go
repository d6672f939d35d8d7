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
type replyCache struct {
	// delay is how long a request must have stood without its response before
	// that is published again; negative for never.
	delay time.Duration

	mu          sync.Mutex
	replies     map[entry]*cachedReply
	published   replyBudget
	unpublished replyBudget // the file system failed
	absent      replyBudget // the request was gone
	blocked     replyBudget // the name of the response cannot be used
}

// An answer is the response to one request.
type cachedReply struct {
	entry entry
	sum   [sha256.Size]byte // of the request's bytes: others are another request
	data  []byte            // nil if there was no room
	size  int               // of the data, kept or not
	seen  time.Time         // when the request was there, or was answered, last
	in    *replyBudget
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
	// lastBlockedRetry is lastRetry for a name that cannot be used: that rarely ends.
	lastBlockedRetry = 10 * time.Minute
	// publishedFor is how long a published answer is kept whose request is not there:
	// a SyftBox that was down for hours deletes all at once what clients have collected
	// meanwhile, and often a response before its request.
	publishedFor = 24 * time.Hour
	// keptFor is how long one is kept that could not be published.
	keptFor = 10 * time.Minute
	// The bounds of each ration: entries, and bytes of data, 32 MiB in all.
	maxReplies         = 10_000
	maxPublishedSize   = 16 << 20
	maxUnpublishedSize = 8 << 20
	maxAbsentSize      = 4 << 20
	maxBlockedSize     = 4 << 20
	// missingPause is how often a request is looked at that stands without its
	// response.
	missingPause = time.Second
	// maxRepublished is how often a response is published again that vanishes.
	maxRepublished = 3
)

func newReplyCache(delay time.Duration) *replyCache {
	return &replyCache{
		delay: delay, replies: map[entry]*cachedReply{},
		published:   replyBudget{maxEntries: maxReplies, maxSize: maxPublishedSize, maxAge: publishedFor},
		unpublished: replyBudget{maxEntries: maxReplies, maxSize: maxUnpublishedSize, maxAge: keptFor, strict: true},
		absent:      replyBudget{maxEntries: maxReplies, maxSize: maxAbsentSize, maxAge: keptFor},
		blocked:     replyBudget{maxEntries: maxReplies, maxSize: maxBlockedSize, maxAge: keptFor, strict: true},
	}
}

// A action is what is to be done with a request.
type action int

const (
	actionRun         action = iota // it was not answered here, or is to be run again
	actionPublish                   // it has an answer that was not published yet
	actionRunWithRoom               // to be run again when the disk has room: its answer was too large to keep
	actionRunWithName               // to be run again when its response can have its name; likewise
	actionRepublish                 // it had an answer, which is to be published again
	actionWait                      // it had an answer, and nothing is to be done now
)

// due reports whether a request that was found without a response is to be read
// now: it is not known, or its pause is over. A request that stands is seen again
// within a time.
func (c *replyCache) due(e entry, now time.Time, within time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.replies[e]
	if a == nil {
		return true
	}
	if now.Sub(a.seen) > within {
		a.missing = time.Time{} // the response, or nothing, was there meanwhile
	}
	a.touch(now)
	return !now.Before(a.next)
}

// action tells what is to be done with a request that was read, and the answer to
// publish.
func (c *replyCache) decide(w work, now time.Time) (action, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.replies[w.entry]
	switch {
	case a == nil || a.sum != w.sum:
		return actionRun, nil
	case a.in == &c.absent && a.data == nil:
		return actionRun, nil // there was no room to keep it
	case a.in == &c.blocked && a.data == nil:
		a.wait(now, lastBlockedRetry)
		return actionRunWithName, nil
	case a.in == &c.unpublished && a.data == nil:
		a.wait(now, lastRetry)
		return actionRunWithRoom, nil
	case a.in != &c.published:
		return actionPublish, a.data
	}
	if a.missing.IsZero() {
		a.missing = now
	}
	if c.delay < 0 || a.republished == maxRepublished {
		a.next = now.Add(lastRetry) // to see whether it is another request
		return actionWait, nil
	}
	if a.next = now.Add(missingPause); now.Sub(a.missing) < c.delay {
		return actionWait, nil
	}
	if a.data == nil {
		// It was too large to be kept: only its handler can make it again.
		a.missing = time.Time{}
		a.republished++
		return actionRun, nil
	}
	return actionRepublish, a.data
}

// postpone puts off the next reading of a request that is not to be run now, if its
// entry has an answer: to an earlier request of the same name, say.
func (c *replyCache) postpone(e entry, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.replies[e]; a != nil {
		a.next = now.Add(missingPause)
	}
}

// wait doubles the pause before the request of an answer is read again.
func (a *cachedReply) wait(now time.Time, longest time.Duration) {
	a.pause = min(2*a.pause, longest)
	a.next = now.Add(a.pause)
}

// again notes that a response is about to be published again, and tells how often
// it was.
func (c *replyCache) again(w work) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.replies[w.entry]
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
func (c *replyCache) keep(w work, data []byte, in *replyBudget) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.replies[w.entry]
	first = a == nil || a.in == &c.published
	now := time.Now()
	kept := &cachedReply{entry: w.entry, sum: w.sum, data: data, seen: now, pause: firstRetry}
	last := lastRetry
	if in == &c.blocked {
		last = lastBlockedRetry
	}
	if !first {
		kept.pause = min(2*a.pause, last)
	}
	kept.republished = a.times(w)
	kept.next = now.Add(kept.pause)
	c.put(kept, in)
	return first
}

// remember notes that a response was published.
func (c *replyCache) remember(w work, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(&cachedReply{
		entry: w.entry, sum: w.sum, data: data, seen: time.Now(),
		republished: c.replies[w.entry].times(w),
	}, &c.published)
}

// restore notes that a response was published, or about to be, by an earlier process.
func (c *replyCache) restore(w work, data []byte, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(&cachedReply{entry: w.entry, sum: w.sum, data: data, seen: at}, &c.published)
}

// times tells how often the response to a request was published again.
func (a *cachedReply) times(w work) int {
	if a == nil || a.sum != w.sum {
		return 0
	}
	return a.republished
}

// drop forgets the answer to a request.
func (c *replyCache) drop(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(c.replies[e])
}

// expire forgets the replies whose requests were not seen for long.
func (c *replyCache) expire(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range []*replyBudget{&c.published, &c.unpublished, &c.absent, &c.blocked} {
		for a := oldest(&r.order); a != nil && now.Sub(a.seen) > r.maxAge; a = oldest(&r.order) {
			c.remove(a)
		}
	}
}

// put puts an answer in the place of an older one of the same entry. c.mu is held.
func (c *replyCache) put(a *cachedReply, in *replyBudget) {
	c.remove(c.replies[a.entry])
	c.replies[a.entry] = a
	in.add(a, c.remove)
}

func (c *replyCache) remove(a *cachedReply) {
	if a == nil {
		return
	}
	a.in.remove(a)
	delete(c.replies, a.entry)
}

func (a *cachedReply) touch(now time.Time) {
	a.seen = now
	a.in.order.MoveToBack(a.place)
	a.share.order.MoveToBack(a.own)
}

// count tells how many replies wait to be published.
func (c *replyCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unpublished.order.Len() + c.absent.order.Len() + c.blocked.order.Len()
}

// full reports whether no more requests like an entry should be run. Either the file
// system has failed for so many responses, of the sender or of all, that there is room
// only for those of the handlers that run; or so many names of the sender's responses
// cannot be used that more would be forgotten, and their requests run again.
func (c *replyCache) full(e entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	sender := senderOf(e)
	unpublished, owed := c.unpublished.halfShare(sender)
	blocked, _ := c.blocked.halfShare(sender)
	return c.unpublished.half() || unpublished || owed || blocked
}

// lost is the size of the response to a request that was too large to keep.
func (c *replyCache) lost(e entry) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.replies[e]; a != nil {
		return a.size
	}
	return 0
}

// knows reports whether a request was answered here lately.
func (c *replyCache) knows(e entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replies[e] != nil
}
