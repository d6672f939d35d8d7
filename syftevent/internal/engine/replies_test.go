package engine

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// republishDelay is a typical delay of a server.
const republishDelay = 12 * time.Second

func answeredWork(n int) work {
	return work{entry: entry{Dir: "d", Stem: fmt.Sprint(n)}, sum: sha256.Sum256([]byte{byte(n), byte(n >> 8)})}
}

// answeredFor is a request of a sender.
func answeredFor(sender string, n int) work {
	w := answeredWork(n)
	w.entry.Dir = "endpoint/" + sender
	return w
}

// Senders choose how many requests there are, and how large the responses.
func TestReplyCacheIsBounded(t *testing.T) {
	c := newReplyCache(republishDelay)
	for n := range 3 * maxReplies {
		c.record(answeredWork(n), outcomePublished, []byte("response"))
	}
	if n := len(c.replies); n != maxReplies {
		t.Errorf("%d replies, want %d", n, maxReplies)
	}
	if a := c.admit(answeredWork(3*maxReplies-1), time.Now()).action; a != actionWait {
		t.Errorf("last reply: action %v, want %v", a, actionWait)
	}
	if a := c.admit(answeredWork(0), time.Now()).action; a != actionRun {
		t.Errorf("first reply: action %v, want %v", a, actionRun)
	}
	large := bytes.Repeat([]byte("x"), 1<<20)
	budgets := map[*replyBudget]int{&c.published: maxPublishedSize, &c.unpublished: maxUnpublishedSize, &c.absent: maxAbsentSize, &c.blocked: maxBlockedSize}
	for n := range 100 {
		sender := fmt.Sprint("sender", n, "@example.com")
		c.record(answeredFor(sender, n), outcomePublished, large)
		c.record(answeredFor(sender, 1000+n), outcomeUnpublished, large)
		c.record(answeredFor(sender, 2000+n), outcomeAbsent, large)
		c.record(answeredFor(sender, 3000+n), outcomeBlocked, large)
	}
	for b, most := range budgets {
		size := 0
		for e := b.order.Front(); e != nil; e = e.Next() {
			size += len(e.Value.(*cachedReply).data)
		}
		if size != b.size || size != most {
			t.Errorf("%d bytes, counted as %d, want %d", size, b.size, most)
		}
	}
	if !c.full(answeredFor("another@example.com", 1).entry) {
		t.Error("not full: requests would run whose responses do not fit")
	}
	c.expire(time.Now().Add(publishedFor + time.Second))
	for b := range budgets {
		if b.size != 0 || b.order.Len() != 0 || len(b.senders) != 0 || len(b.heavy) != 0 {
			t.Errorf("after expiry: %+v", b)
		}
	}
	if len(c.replies) != 0 || c.count() != 0 {
		t.Errorf("%d replies after expiry", len(c.replies))
	}
}

// One sender may send any number of requests, with responses of any size.
func TestReplyCacheIsSharedAmongSenders(t *testing.T) {
	for name, flood := range map[string]func(c *replyCache, o outcome, b *replyBudget){
		"many": func(c *replyCache, o outcome, b *replyBudget) {
			for n := range 2 * b.maxEntries {
				c.record(answeredFor("mallory@example.com", n), o, []byte("response"))
			}
		},
		"large": func(c *replyCache, o outcome, b *replyBudget) {
			for n := range 100 {
				c.record(answeredFor("mallory@example.com", n), o, make([]byte, b.maxSize/sharesOfBudget))
			}
		},
		"larger": func(c *replyCache, o outcome, b *replyBudget) {
			for n := range 100 {
				c.record(answeredFor("mallory@example.com", n), o, make([]byte, 2*b.maxSize))
			}
		},
	} {
		c := newReplyCache(republishDelay)
		for o, b := range map[outcome]*replyBudget{
			outcomePublished: &c.published, outcomeUnpublished: &c.unpublished, outcomeAbsent: &c.absent, outcomeBlocked: &c.blocked,
		} {
			b.maxEntries, b.maxSize = 100, 1<<16
			alice := answeredFor("alice@example.com", 1)
			c.record(alice, o, []byte("kept"))
			flood(c, o, b)
			r := c.replies[alice.entry]
			if r == nil || string(r.data) != "kept" || r.budget != b {
				t.Errorf("%s: reply to another sender evicted: %v", name, r)
			}
			if c.full(alice.entry) {
				t.Errorf("%s: full for another sender", name)
			}
			c.expire(time.Now().Add(publishedFor + time.Second))
		}
	}
}

// Only the sender waits whose responses cannot be written or whose names are unusable.
func TestReplyCacheMakesOneSenderWait(t *testing.T) {
	c := newReplyCache(republishDelay)
	next := answeredFor("mallory@example.com", -1).entry
	c.record(answeredFor("mallory@example.com", 1), outcomeBlocked, make([]byte, maxBlockedSize))
	if c.full(next) {
		t.Error("full after one name")
	}
	for n := range maxReplies {
		if c.full(next) {
			break
		}
		c.record(answeredFor("mallory@example.com", n), outcomeBlocked, []byte("response"))
	}
	if n := c.blocked.order.Len(); n != maxReplies/sharesOfBudget/2 {
		t.Errorf("full after %d names", n)
	}
	c.expire(time.Now().Add(publishedFor))
	if c.full(next) {
		t.Error("full after expiry")
	}
	// While the disk is full, neither a request whose response is too large to keep runs
	// again, nor a new one.
	w := answeredFor("mallory@example.com", 1)
	c.record(w, outcomeUnpublished, make([]byte, maxUnpublishedSize))
	if a := c.admit(w, time.Now()); a.action != actionRunWithRoom || a.lost != maxUnpublishedSize || !c.full(next) {
		t.Errorf("%+v, full: %v", a, c.full(next))
	}
	c.record(w, outcomePublished, []byte("response"))
	if c.full(next) {
		t.Error("full after publishing")
	}
}

// A request whose response has an unusable name does not run again, even if the
// response was too large to keep.
func TestReplyCacheNeverRunsBlockedRequestAgain(t *testing.T) {
	c := newReplyCache(republishDelay)
	for n, size := range []int{10, maxBlockedSize} {
		w := answeredWork(n)
		now := time.Now()
		for range 100 {
			c.record(w, outcomeBlocked, make([]byte, size))
			now = now.Add(time.Hour)
			if a := c.admit(w, now).action; a != actionPublish && a != actionRunWithName {
				t.Fatalf("%d bytes: action %v", size, a)
			}
		}
		if p := c.replies[w.entry].pause; p != lastBlockedRetry {
			t.Errorf("retry after %v, want %v", p, lastBlockedRetry)
		}
	}
}

// A response that was too large to keep cannot be republished: if it stays missing, its
// handler runs again, three times at most.
func TestReplyCacheRunsAgainWhatItCouldNotKeep(t *testing.T) {
	c := newReplyCache(republishDelay)
	w := answeredWork(1)
	now := time.Now()
	for n := range maxReruns + 1 {
		c.record(w, outcomePublished, make([]byte, maxPublishedSize+1))
		if a := c.admit(w, now).action; a != actionWait {
			t.Errorf("time %d: action %v at once", n, a)
		}
		want := actionRun
		if n == maxReruns {
			want = actionWait
		}
		now = now.Add(republishDelay)
		if a := c.admit(w, now); a.action != want || a.reply != nil {
			t.Errorf("time %d: action %v after the delay, want %v", n, a.action, want)
		}
	}
}

// On a network share half a minute may pass between two scans.
func TestReplyCacheRepublishesWithRareScans(t *testing.T) {
	c := newReplyCache(republishDelay)
	w := answeredWork(1)
	now := time.Now()
	c.record(w, outcomePublished, []byte("response"))
	const between = 16 * time.Second
	var got []action
	for range 3 {
		now = now.Add(between)
		if c.ready(w.entry, now, 2*between) {
			got = append(got, c.admit(w, now).action)
		}
	}
	if diff := cmp.Diff([]action{actionWait, actionRepublish, actionRepublish}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A request that was not found for long was away, or answered, meanwhile.
	now = now.Add(3 * between)
	c.ready(w.entry, now, 2*between)
	if a := c.admit(w, now).action; a != actionWait {
		t.Errorf("action %v at once after it was away", a)
	}
}

// A response is republished until it stays, whether or not publishing it succeeds. After the
// first three times the delay doubles.
func TestReplyCacheRepublishesLessAndLessOften(t *testing.T) {
	for _, ended := range []outcome{outcomePublished, outcomeUnpublished} {
		c := newReplyCache(republishDelay)
		w, again := answeredWork(1), answeredWork(1)
		again.republish = true
		c.record(w, outcomePublished, []byte("response"))
		for n, factor := range []time.Duration{1, 1, 1, 2, 4, 8} {
			now := time.Now()
			c.admit(w, now)
			if a := c.admit(w, now.Add(factor*republishDelay-1)); a.action != actionWait {
				t.Errorf("time %d: too early: %+v", n, a)
			}
			a := c.admit(w, now.Add(factor*republishDelay))
			if a.action != actionRepublish || a.times != n {
				t.Errorf("time %d: %+v", n, a)
			}
			c.record(again, ended, a.reply)
			if ended != outcomePublished {
				c.record(w, outcomePublished, a.reply) // the retry
			}
		}
	}
	if delay := newReplyCache(republishDelay).republishDelay(1_000_000); delay < publishedFor || delay > 2*publishedFor {
		t.Errorf("the delay grows to %v", delay)
	}
}

// A server that republishes nothing still publishes, once, what an earlier process may not have
// published.
func TestReplyCachePublishesWhatAnEarlierProcessHadNot(t *testing.T) {
	for name, data := range map[string][]byte{"kept": []byte("response"), "not kept": nil} {
		c := newReplyCache(-1)
		w := answeredWork(1)
		now := time.Now()
		c.restore(w, data, now)
		var got []action
		for range 3 {
			got = append(got, c.admit(w, now).action)
			now = now.Add(restoredDelay)
		}
		want := []action{actionWait, actionRepublish, actionRepublish} // it was not recorded
		if data == nil {
			want = []action{actionWait, actionRun, actionWait}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		w.republish = true
		c.record(w, outcomePublished, []byte("response"))
		w.republish = false
		c.admit(w, now)
		if a := c.admit(w, now.Add(time.Hour)).action; a != actionWait {
			t.Errorf("%s: action %v after it was published", name, a)
		}
	}
}

// While the cache is full, a new request under a known name is read once per pause, not
// at each scan.
func TestReplyCacheFullDelaysKnownName(t *testing.T) {
	c := newReplyCache(republishDelay)
	known := answeredFor("a@example.com", 0)
	c.record(known, outcomePublished, []byte("answer"))
	now := time.Now()
	if !c.ready(known.entry, now, time.Second) {
		t.Fatal("not ready at first")
	}
	other := known
	other.sum[0]++
	if a := c.admit(other, now).action; a != actionRun {
		t.Fatalf("action %v, want %v", a, actionRun)
	}
	c.record(answeredFor("a@example.com", 1), outcomeUnpublished, make([]byte, maxUnpublishedSize))
	if c.ready(answeredFor("a@example.com", 2).entry, now, time.Second) {
		t.Error("a request under a new name is ready")
	}
	if a := c.admit(other, now).action; a != actionWait {
		t.Fatalf("action %v while the cache is full, want %v", a, actionWait)
	}
	if c.ready(known.entry, now, time.Second) || !c.ready(known.entry, now.Add(missingPause), time.Hour) {
		t.Error("ready at once, or not after the pause")
	}
}
