package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killed is a process that begins requests, and is killed.
func killed(dir string, now time.Time, begins ...int) (allowed []bool) {
	l := newReplyLog(dir)
	l.restore(newReplyCache(republishDelay), now)
	for _, n := range begins {
		allowed = append(allowed, l.begin(answeredWork(n), now))
	}
	l.file.Close()
	return allowed
}

func TestPoisonIsNotRunAgain(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for n := range 5 {
		now = now.Add(time.Minute)
		// The second request is the same process's, again.
		allowed := killed(dir, now, 1, 1)
		if want := n < maxBegun; allowed[0] != want || want && !allowed[1] {
			t.Errorf("process %d: %v", n, allowed)
		}
	}
	other := answeredWork(1)
	other.sum[0]++
	l := newReplyLog(dir)
	defer l.Close()
	l.restore(newReplyCache(republishDelay), now)
	if !l.begin(other, now) {
		t.Error("a request with other bytes is refused")
	}
	// Once it is answered, all is forgotten.
	l.add(answeredWork(1), []byte(loggedResponse), now)
	if !l.begin(answeredWork(1), now) {
		t.Error("it is refused after it was answered")
	}
	if later := now.Add(publishedFor + time.Minute); !killed(dir, later, 1)[0] {
		t.Error("it is refused after a day")
	}
}

// What ends in order does not count: an answer, and a stop.
func TestOrderlyEndsAreNotPoison(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for range maxBegun - 1 {
		killed(dir, now, 1, 2, 3, 4)
	}
	l := newReplyLog(dir)
	l.restore(newReplyCache(republishDelay), now)
	for n := range 5 {
		l.begin(answeredWork(n), now)
	}
	l.add(answeredWork(1), nil, now)
	l.abandon(answeredWork(2), now)
	l.abandon(answeredWork(2), now)
	l.abandon(answeredWork(5), now) // not begun: nothing
	delete(l.begunRequests, contentKey{answeredWork(4).entry, answeredWork(4).sum})
	l.Close() // the handler of 3 still runs; 4 is as if the process were killed
	if !l.begin(answeredWork(3), now) {
		t.Error("refused after the end")
	}
	for n, want := range map[int]bool{0: true, 1: true, 2: true, 3: true, 4: false} {
		if got := killed(dir, now, n)[0]; got != want {
			t.Errorf("request %d: %v, want %v", n, got, want)
		}
	}
}

// The counts outlive that the log begins its other file.
func TestPoisonOutlivesRotation(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for range maxBegun {
		killed(dir, now, 1)
		l := newReplyLog(dir)
		l.restore(newReplyCache(republishDelay), now)
		for n := range 3 {
			l.size = maxReplyLogSize // it is full
			l.add(answeredWork(n+10), []byte(loggedResponse), now)
		}
		l.file.Close()
	}
	if killed(dir, now, 1)[0] {
		t.Error("it is run again")
	}
}

// A sender with large responses does not make the log forget those of others.
func TestReplyLogIsShared(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	large := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	l := newReplyLog(dir)
	w := answeredWork(1)
	w.location.sender = clientOfLog
	l.add(w, []byte(loggedResponse), now)
	for n := range 20 {
		w := answeredWork(n + 10)
		w.location.sender = "mallory@example.com"
		l.add(w, large, now)
	}
	l.Close()
	var size int64
	for _, name := range replyLogNames {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			size += info.Size()
		}
	}
	if size > maxReplyLogSize {
		t.Errorf("%d bytes", size)
	}
	m := restored(dir, now)
	if a := m.replies[w.entry]; a == nil || string(a.data) != loggedResponse {
		t.Errorf("the other's: %+v", a)
	}
	if len(m.replies) != 21 {
		t.Errorf("%d replies, want 21", len(m.replies))
	}
}

const clientOfLog = "alice@example.com"
