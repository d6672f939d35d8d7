package engine

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// A replyCache holds the responses that the server made lately. A request that SyftBox
// removes and restores is therefore not run twice, and a response that was lost, or
// could not be written, is published without running the handler again.
//
// The cache is consulted at three points of a request's way: the scan filters by name
// with ready, the worker that has read the request asks admit, and whoever publishes
// the response, or fails to, calls record.
//
// The cache is bounded, in total and per sender: no sender can evict the replies of
// another. After a restart it holds what the [replyLog] has.
type replyCache struct {
	// delay is how long a response must be missing before it is republished;
	// negative for never.
	delay time.Duration

	mu          sync.Mutex
	replies     map[entry]*cachedReply
	published   replyBudget
	unpublished replyBudget // the file system failed
	absent      replyBudget // the request was gone
	blocked     replyBudget // the response's name is unusable
}

// A cachedReply is the response to one request.
type cachedReply struct {
	entry entry
	sum   [sha256.Size]byte // SHA-256 of the request; other bytes are another request
	data  []byte            // nil if it was too large to keep
	size  int               // of the data, kept or not
	seen  time.Time         // when the request was last found, or answered

	budget   *replyBudget
	share    *share
	inBudget *list.Element // in budget.order
	inShare  *list.Element // in share.order

	next  time.Time     // when the request may be read again
	pause time.Duration // the last retry interval of an unpublished response

	// For a published response: since when it is missing, zero if it is not, how often it
	// was republished, and whether it is known from an earlier process, which may have
	// ended before it published it.
	missing     time.Time
	republished int
	restored    bool
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	// lastBlockedRetry is lastRetry for an unusable name, which rarely becomes usable.
	lastBlockedRetry = 10 * time.Minute
	// publishedFor is how long a published reply is kept without its request. A SyftBox
	// that was down for hours deletes everything that clients have collected meanwhile
	// at once, often a response before its request.
	publishedFor = 24 * time.Hour
	// keptFor is how long an unpublished reply is kept.
	keptFor = 10 * time.Minute
	// The bounds of each budget: entries, and bytes of data, 32 MiB in all.
	maxReplies         = 10_000
	maxPublishedSize   = 16 << 20
	maxUnpublishedSize = 8 << 20
	maxAbsentSize      = 4 << 20
	maxBlockedSize     = 4 << 20
	// missingPause is the time between two reads of a request whose response is missing.
	missingPause = time.Second
	// promptRepublications is how often a response is republished after the same delay,
	// which then doubles each time: a response that SyftBox loses again and again still
	// arrives in the end, and one that a client keeps removing costs little.
	promptRepublications = 3
	// restoredDelay is how long the response of an earlier process must be missing before it
	// is published, even if nothing else is republished.
	restoredDelay = 12 * time.Second
	// maxReruns is how often a handler runs again because its response is missing and was
	// too large to keep.
	maxReruns = 3
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

// ready reports whether a pending request should be read now. A new one should unless
// the cache has no room for its response; a known one when its pause is over. Scans
// find a request that stays in place at intervals of at most within.
func (c *replyCache) ready(e entry, now time.Time, within time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.replies[e]
	if r == nil {
		return !c.full(e)
	}
	if now.Sub(r.seen) > within {
		r.missing = time.Time{} // the request was away or answered meanwhile
	}
	r.touch(now)
	return !now.Before(r.next)
}

// An action is what the server does with a request that it has read.
type action int

const (
	actionRun         action = iota // run the handler
	actionRunWithRoom               // run it again once the disk has room for the reply
	actionRunWithName               // run it again once the response's name is usable
	actionPublish                   // publish the cached reply, which was not published yet
	actionRepublish                 // publish the cached reply again, since it is missing
	actionWait                      // nothing for now
)

// An admission is the cache's decision about a request.
type admission struct {
	action action
	reply  []byte // for actionPublish and actionRepublish
	lost   int    // for actionRunWithRoom: the size of the reply that was not kept
	times  int    // for actionRepublish: how often it was republished before
}

// admit decides what happens to a request that was read.
func (c *replyCache) admit(w work, now time.Time) admission {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.replies[w.entry]
	a := c.decide(r, w, now)
	if a.action == actionRun && c.full(w.entry) {
		if r != nil { // of an earlier request of the same name
			r.next = now.Add(missingPause)
		}
		return admission{action: actionWait}
	}
	return a
}

// decide is admit without the limits. c.mu is held.
func (c *replyCache) decide(r *cachedReply, w work, now time.Time) admission {
	switch {
	case r == nil || r.sum != w.sum:
		return admission{action: actionRun}
	case r.budget == &c.absent && r.data == nil:
		return admission{action: actionRun} // it was too large to keep
	case r.budget == &c.blocked && r.data == nil:
		r.wait(now, lastBlockedRetry)
		return admission{action: actionRunWithName}
	case r.budget == &c.unpublished && r.data == nil:
		r.wait(now, lastRetry)
		return admission{action: actionRunWithRoom, lost: r.size}
	case r.budget != &c.published:
		return admission{action: actionPublish, reply: r.data}
	}
	if r.missing.IsZero() {
		r.missing = now
	}
	delay, never := c.republishDelay(r.republished), r.data == nil && r.republished == maxReruns
	if c.delay < 0 {
		delay, never = restoredDelay, !r.restored || r.republished > 0
	}
	if never {
		r.next = now.Add(lastRetry) // its bytes may change
		return admission{action: actionWait}
	}
	pause := max(missingPause, min(delay/16, lastRetry))
	if r.next = now.Add(pause); now.Sub(r.missing) < delay {
		return admission{action: actionWait}
	}
	if r.data == nil {
		// It was too large to keep: only the handler can make it again.
		r.missing = time.Time{}
		r.republished++
		return admission{action: actionRun}
	}
	return admission{action: actionRepublish, reply: r.data, times: r.republished}
}

// republishDelay returns how long a response must be missing that was republished so often
// before.
func (c *replyCache) republishDelay(times int) time.Duration {
	delay := c.delay
	for n := promptRepublications; n <= times && delay < publishedFor; n++ {
		delay *= 2
	}
	return delay
}

// postpone makes the longest pause before the request is read again.
func (c *replyCache) postpone(w work) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.replies[w.entry]; r != nil {
		r.next = time.Now().Add(lastRetry)
	}
}

// wait doubles the pause before the request is read again.
func (r *cachedReply) wait(now time.Time, longest time.Duration) {
	r.pause = min(2*r.pause, longest)
	r.next = now.Add(r.pause)
}

// An outcome is how publishing a response ended.
type outcome int

const (
	outcomePublished   outcome = iota
	outcomeSuperseded          // another process published a response
	outcomeUnpublished         // the file system failed
	outcomeAbsent              // the request is gone
	outcomeBlocked             // the response's name is unusable
)

// record notes how publishing the response to a request ended. A response that was not
// published is kept until the next attempt; nil data stands for one that was not made.
// It reports whether this is the first failure.
func (c *replyCache) record(w work, o outcome, data []byte) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	before := c.replies[w.entry]
	r := &cachedReply{entry: w.entry, sum: w.sum, data: data, seen: now, republished: before.times(w)}
	if w.republish {
		r.republished++
	}
	budget, longest := &c.unpublished, lastRetry
	switch o {
	case outcomePublished:
		c.put(r, &c.published)
		return false
	case outcomeSuperseded:
		c.remove(before)
		return false
	case outcomeAbsent:
		budget = &c.absent
	case outcomeBlocked:
		budget, longest = &c.blocked, lastBlockedRetry
	}
	r.pause = firstRetry
	if first = before == nil || before.budget == &c.published; !first {
		r.pause = min(2*before.pause, longest)
	}
	r.next = now.Add(r.pause)
	c.put(r, budget)
	return first
}

// restore adds a reply that an earlier process published, or was about to.
func (c *replyCache) restore(w work, data []byte, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(&cachedReply{entry: w.entry, sum: w.sum, data: data, seen: at, restored: true}, &c.published)
}

// adopt is restore for a reply of another worker, unless the cache knows better. One that was
// not published is published at once.
func (c *replyCache) adopt(w work, data []byte, published bool, at time.Time) {
	switch {
	case c.knows(w.entry):
	case published:
		c.restore(w, data, at)
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.put(&cachedReply{entry: w.entry, sum: w.sum, data: data, seen: time.Now(), pause: firstRetry}, &c.unpublished)
	}
}

// knows reports whether the cache has a reply to a request of this name.
func (c *replyCache) knows(e entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replies[e] != nil
}

// answered reports whether the cache has the response to a request, or knows that it was published.
func (c *replyCache) answered(w work) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.replies[w.entry]
	return r != nil && r.sum == w.sum && (r.budget == &c.published || r.data != nil)
}

// times returns how often the response to a request was republished.
func (r *cachedReply) times(w work) int {
	if r == nil || r.sum != w.sum {
		return 0
	}
	return r.republished
}

// expire drops the replies whose requests were not found for long.
func (c *replyCache) expire(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range []*replyBudget{&c.published, &c.unpublished, &c.absent, &c.blocked} {
		for r := oldest(&b.order); r != nil && now.Sub(r.seen) > b.maxAge; r = oldest(&b.order) {
			c.remove(r)
		}
	}
}

// put adds a reply, replacing an earlier one of the same entry. c.mu is held.
func (c *replyCache) put(r *cachedReply, budget *replyBudget) {
	c.remove(c.replies[r.entry])
	c.replies[r.entry] = r
	budget.add(r, c.remove)
}

func (c *replyCache) remove(r *cachedReply) {
	if r == nil {
		return
	}
	r.budget.remove(r)
	delete(c.replies, r.entry)
}

func (r *cachedReply) touch(now time.Time) {
	r.seen = now
	r.budget.order.MoveToBack(r.inBudget)
	r.share.order.MoveToBack(r.inShare)
}

// count returns the number of unpublished responses.
func (c *replyCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unpublished.order.Len() + c.absent.order.Len() + c.blocked.order.Len()
}

// full reports whether no further request like e may run. Either so many responses, of
// the sender or of all, could not be written that the remaining room is needed for the
// requests in flight; or so many of the sender's response names are unusable that one
// more would evict another, whose request would run again. c.mu is held.
func (c *replyCache) full(e entry) bool {
	sender := senderOf(e)
	unpublished, owed := c.unpublished.halfShare(sender)
	blocked, _ := c.blocked.halfShare(sender)
	return c.unpublished.half() || unpublished || owed || blocked
}
