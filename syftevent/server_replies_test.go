package syftevent

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func answeredWork(n int) work {
	return work{entry: entry{Dir: "d", Stem: fmt.Sprint(n)}, sum: sha256.Sum256([]byte{byte(n), byte(n >> 8)})}
}

// answeredFor is a request of a sender.
func answeredFor(sender string, n int) work {
	w := answeredWork(n)
	w.entry.Dir = "endpoint/" + sender
	return w
}

// Whoever sends requests decides how many there are, and how large the responses.
func TestMemoryIsBounded(t *testing.T) {
	m := newReplyCache(DefaultRepublishDelay)
	for n := range 3 * maxReplies {
		m.remember(answeredWork(n), []byte("response"))
	}
	if n := len(m.replies); n != maxReplies {
		t.Errorf("%d replies, want %d", n, maxReplies)
	}
	if c, _ := m.decide(answeredWork(3*maxReplies-1), time.Now()); c != actionWait {
		t.Errorf("the last answer is forgotten: %v", c)
	}
	if c, _ := m.decide(answeredWork(0), time.Now()); c != actionRun {
		t.Errorf("the first answer is still known: %v", c)
	}
	large := bytes.Repeat([]byte("x"), 1<<20)
	rations := map[*replyBudget]int{&m.published: maxPublishedSize, &m.unpublished: maxUnpublishedSize, &m.absent: maxAbsentSize, &m.blocked: maxBlockedSize}
	for n := range 100 {
		sender := fmt.Sprint("sender", n, "@example.com")
		m.remember(answeredFor(sender, n), large)
		m.keep(answeredFor(sender, 1000+n), large, &m.unpublished)
		m.keep(answeredFor(sender, 2000+n), large, &m.absent)
		m.keep(answeredFor(sender, 3000+n), large, &m.blocked)
	}
	for r, most := range rations {
		size := 0
		for e := r.order.Front(); e != nil; e = e.Next() {
			size += len(e.Value.(*cachedReply).data)
		}
		if size != r.size || size != most {
			t.Errorf("%d bytes, counted as %d, want %d", size, r.size, most)
		}
	}
	if !m.full(answeredFor("another@example.com", 1).entry) {
		t.Error("more would be run whose responses have no room")
	}
	m.expire(time.Now().Add(publishedFor + time.Second))
	for r := range rations {
		if r.size != 0 || r.order.Len() != 0 || len(r.senders) != 0 || len(r.heavy) != 0 {
			t.Errorf("left after the time: %+v", r)
		}
	}
	if len(m.replies) != 0 || m.count() != 0 {
		t.Errorf("%d replies are left after the time", len(m.replies))
	}
}

// One sender can send any number of requests, and have responses of any size.
func TestMemoryIsSharedAmongSenders(t *testing.T) {
	for name, flood := range map[string]func(m *replyCache, in *replyBudget){
		"many": func(m *replyCache, in *replyBudget) {
			for n := range 2 * in.maxEntries {
				m.fill(answeredFor("mallory@example.com", n), []byte("response"), in)
			}
		},
		"large": func(m *replyCache, in *replyBudget) {
			for n := range 100 {
				m.fill(answeredFor("mallory@example.com", n), make([]byte, in.maxSize/sharesOfBudget), in)
			}
		},
		"larger": func(m *replyCache, in *replyBudget) {
			for n := range 100 {
				m.fill(answeredFor("mallory@example.com", n), make([]byte, 2*in.maxSize), in)
			}
		},
	} {
		m := newReplyCache(DefaultRepublishDelay)
		for _, in := range []*replyBudget{&m.published, &m.unpublished, &m.absent, &m.blocked} {
			in.maxEntries, in.maxSize = 100, 1<<16
			alice := answeredFor("alice@example.com", 1)
			m.fill(alice, []byte("kept"), in)
			flood(m, in)
			a := m.replies[alice.entry]
			if a == nil || string(a.data) != "kept" {
				t.Errorf("%s: the answer of another sender is forgotten: %v", name, a)
			}
			if m.full(alice.entry) {
				t.Errorf("%s: another sender has to wait", name)
			}
			m.expire(time.Now().Add(publishedFor + time.Second))
		}
	}
}

// fill puts an answer into one of the rations.
func (m *replyCache) fill(w work, data []byte, in *replyBudget) {
	if in == &m.published {
		m.remember(w, data)
	} else {
		m.keep(w, data, in)
	}
}

// Only the sender waits whose responses cannot be written or whose names cannot be used.
func TestMemoryMakesOneSenderWait(t *testing.T) {
	m := newReplyCache(DefaultRepublishDelay)
	next := answeredFor("mallory@example.com", -1).entry
	m.keep(answeredFor("mallory@example.com", 1), make([]byte, maxBlockedSize), &m.blocked)
	if m.full(next) {
		t.Error("waits because of one name")
	}
	for n := range maxReplies {
		if m.full(next) {
			break
		}
		m.keep(answeredFor("mallory@example.com", n), []byte("response"), &m.blocked)
	}
	if n := m.blocked.order.Len(); n != maxReplies/sharesOfBudget/2 {
		t.Errorf("waits after %d names", n)
	}
	m.expire(time.Now().Add(publishedFor))
	if m.full(next) {
		t.Error("waits when all is forgotten")
	}
	// A response that is too large to keep is not run again while the disk is full, nor
	// another one after it.
	w := answeredFor("mallory@example.com", 1)
	m.keep(w, make([]byte, maxUnpublishedSize), &m.unpublished)
	if c, _ := m.decide(w, time.Now()); c != actionRunWithRoom || m.lost(w.entry) != maxUnpublishedSize || !m.full(next) {
		t.Errorf("%v, %d bytes lost, full: %v", c, m.lost(w.entry), m.full(next))
	}
	m.remember(w, []byte("response"))
	if m.full(next) {
		t.Error("waits when all is published")
	}
}

// What cannot have its name is not run again, also if it was too large to keep.
func TestMemoryNeverRunsAgainWhatHasNoName(t *testing.T) {
	m := newReplyCache(DefaultRepublishDelay)
	for n, size := range []int{10, maxBlockedSize} {
		w := answeredWork(n)
		now := time.Now()
		for range 100 {
			m.keep(w, make([]byte, size), &m.blocked)
			now = now.Add(time.Hour)
			if c, _ := m.decide(w, now); c != actionPublish && c != actionRunWithName {
				t.Fatalf("%d bytes: %v", size, c)
			}
		}
		if p := m.replies[w.entry].pause; p != lastBlockedRetry {
			t.Errorf("tried again after %v", p)
		}
	}
}

// A response that is too large to keep cannot be published again: if it is gone for
// good, its handler is run again, three times at most.
func TestMemoryKnowsWhatItCannotKeep(t *testing.T) {
	m := newReplyCache(DefaultRepublishDelay)
	w := answeredWork(1)
	now := time.Now()
	for n := range maxRepublished + 1 {
		m.remember(w, make([]byte, maxPublishedSize+1))
		if c, _ := m.decide(w, now); c != actionWait {
			t.Errorf("time %d: %v at once", n, c)
		}
		want := actionRun
		if n == maxRepublished {
			want = actionWait
		}
		now = now.Add(DefaultRepublishDelay)
		if c, data := m.decide(w, now); c != want || data != nil {
			t.Errorf("time %d: %v after the delay, want %v", n, c, want)
		}
	}
}

// On a share there may be half a minute between two looks; a request that stands is
// seen by each of them.
func TestMemoryRepublishesWhereLooksAreSeldom(t *testing.T) {
	m := newReplyCache(DefaultRepublishDelay)
	w := answeredWork(1)
	now := time.Now()
	m.remember(w, []byte("response"))
	const between = 16 * time.Second
	var got []action
	for range 3 {
		now = now.Add(between)
		if m.due(w.entry, now, 2*between) {
			c, _ := m.decide(w, now)
			got = append(got, c)
		}
	}
	if diff := cmp.Diff([]action{actionWait, actionRepublish, actionRepublish}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// One that was not seen for long was away, or answered, meanwhile.
	now = now.Add(3 * between)
	m.due(w.entry, now, 2*between)
	if c, _ := m.decide(w, now); c != actionWait {
		t.Errorf("%v at once after it was away", c)
	}
}

// While nothing may be run, a request whose name another one had is read seldom, not at
// each scan.
func TestRequestOfAKnownNameWaitsWhileNothingMayBeRun(t *testing.T) {
	m := newReplyCache(DefaultRepublishDelay)
	known := answeredFor("a@example.com", 0)
	m.remember(known, []byte("answer"))
	now := time.Now()
	if !m.due(known.entry, now, time.Second) {
		t.Fatal("not due at first")
	}
	other := known
	other.sum[0]++
	if action, _ := m.decide(other, now); action != actionRun {
		t.Fatalf("action %v", action)
	}
	m.postpone(known.entry, now)
	if m.due(known.entry, now, time.Second) || !m.due(known.entry, now.Add(missingPause), time.Hour) {
		t.Error("due at once, or not after the pause")
	}
}
