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

// Whoever sends requests decides how many there are, and how large the responses.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(DefaultRepublishDelay)
	for n := range 3 * maxPublished {
		m.remember(answeredWork(n), []byte("response"))
	}
	if n := len(m.answers); n != maxPublished {
		t.Errorf("%d answers, want %d", n, maxPublished)
	}
	if c, _ := m.course(answeredWork(3*maxPublished-1), time.Now()); c != courseLeave {
		t.Errorf("the last answer is forgotten: %v", c)
	}
	if c, _ := m.course(answeredWork(0), time.Now()); c != courseNew {
		t.Errorf("the first answer is still known: %v", c)
	}
	large := bytes.Repeat([]byte("x"), 1<<20)
	for n := range 100 {
		m.remember(answeredWork(n), large)
		m.keep(answeredWork(1000+n), large, false)
		m.keep(answeredWork(2000+n), large, true)
	}
	if m.published.size > maxPublishedSize || m.unpublished.size > maxUnpublishedSize || m.awaited.size > maxUnpublishedSize {
		t.Errorf("%d and %d bytes", m.published.size, m.unpublished.size)
	}
	if m.count() != 2*maxUnpublishedSize>>20 {
		t.Errorf("%d unpublished", m.count())
	}
	if !m.full() {
		t.Error("more would be run whose responses have no room")
	}
	m.expire(time.Now().Add(rememberedFor + time.Second))
	if len(m.answers) != 0 || m.published.size != 0 || m.unpublished.size != 0 || m.count() != 0 {
		t.Errorf("%d answers are left after the time, %d and %d bytes", len(m.answers), m.published.size, m.unpublished.size)
	}
}

// A response that is too large to keep is not published again, but its request is
// still known.
func TestMemoryKnowsWhatItCannotKeep(t *testing.T) {
	m := newMemory(DefaultRepublishDelay)
	w := answeredWork(1)
	m.remember(w, make([]byte, maxPublishedSize+1))
	now := time.Now()
	m.course(w, now)
	if c, data := m.course(w, now.Add(time.Hour)); c != courseLeave || data != nil {
		t.Errorf("%v", c)
	}
}

// On a share there may be half a minute between two looks; a request that stands is
// seen by each of them.
func TestMemoryRepublishesWhereLooksAreSeldom(t *testing.T) {
	m := newMemory(DefaultRepublishDelay)
	w := answeredWork(1)
	now := time.Now()
	m.remember(w, []byte("response"))
	const between = 16 * time.Second
	var got []course
	for range 3 {
		now = now.Add(between)
		if m.due(w.entry, now, 2*between) {
			c, _ := m.course(w, now)
			got = append(got, c)
		}
	}
	if diff := cmp.Diff([]course{courseLeave, courseVanished, courseVanished}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// One that was not seen for long was away, or answered, meanwhile.
	now = now.Add(3 * between)
	m.due(w.entry, now, 2*between)
	if c, _ := m.course(w, now); c != courseLeave {
		t.Errorf("%v at once after it was away", c)
	}
}
