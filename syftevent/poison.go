package syftevent

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"time"
)

// A request can kill the process that handles it: its handler takes all memory, say. It
// is not answered then, and would be run again by each start. So the replyLog has which
// requests were begun, which is in the file before anything is made of one; after
// maxBegun processes that have begun a request and not answered it, and were not told
// to stop meanwhile, it is answered 500. Requests that were handled at the same time,
// each of these times, share its fate.

// maxBegun is how many processes begin a request.
const maxBegun = 3

// A begunRequest names a request by its file and the SHA-256 of its bytes.
type begunRequest struct {
	entry entry
	sum   [sha256.Size]byte
}

// attempts are those at a request.
type attempts struct {
	count int       // of the processes that have begun it
	at    time.Time // of the last
	mine  bool      // this process has begun it
}

// attempt notes that a request is begun, and reports whether it may be.
func (l *replyLog) attempt(w work, now time.Time) bool {
	l.mu.Lock()
	defer l.unlock()
	key := begunRequest{w.entry, w.sum}
	a := l.begunBy[key]
	switch {
	case l.closed || a != nil && a.mine:
		return true
	case a == nil:
		a = &attempts{}
	case a.count >= maxBegun:
		return false
	}
	a.count, a.at, a.mine = a.count+1, now, true
	line := key.line(a)
	l.write(line.line(), now)
	if l.begunBy == nil {
		l.begunBy = map[begunRequest]*attempts{}
	}
	l.begunBy[key] = a
	return true
}

// left notes that a request was left unanswered, in order.
func (l *replyLog) left(w work, now time.Time) {
	l.mu.Lock()
	defer l.unlock()
	key := begunRequest{w.entry, w.sum}
	if a := l.begunBy[key]; !l.closed && a != nil && a.mine {
		l.leave(key, now)
	}
}

// leaveAll notes that handlers still run that ignore that they were told to stop. l.mu
// is held.
func (l *replyLog) leaveAll() {
	now := time.Now()
	for key, a := range l.begunBy {
		if a.mine {
			l.leave(key, now)
		}
	}
}

// leave writes that a request was left. l.mu is held.
func (l *replyLog) leave(key begunRequest, now time.Time) {
	delete(l.begunBy, key)
	line := key.line(&attempts{at: now})
	l.write(line.line(), now)
}

// restoreBegun takes the lines of requests that were begun, the oldest first. l.mu is
// held.
func (l *replyLog) restoreBegun(lines []loggedReply, answered map[begunRequest]bool) {
	l.begunBy = map[begunRequest]*attempts{}
	for _, r := range lines {
		key, _ := r.key()
		if *r.Begun <= 0 || answered[key] {
			delete(l.begunBy, key)
			continue
		}
		l.begunBy[key] = &attempts{count: *r.Begun, at: r.At}
	}
}

// unanswered returns the lines of the requests that were begun within the time that is
// remembered, and not answered, the oldest first. l.mu is held.
func (l *replyLog) unanswered(now time.Time) []loggedReply {
	var lines []loggedReply
	for key, a := range l.begunBy {
		if now.Sub(a.at) > rememberedFor {
			delete(l.begunBy, key)
			continue
		}
		lines = append(lines, key.line(a))
	}
	slices.SortFunc(lines, func(a, b loggedReply) int { return a.At.Compare(b.At) })
	return lines
}

// line returns what the log has of a request that was begun.
func (k begunRequest) line(a *attempts) loggedReply {
	count := a.count
	return loggedReply{At: a.at, Dir: k.entry.Dir, Stem: k.entry.Stem, Request: hex.EncodeToString(k.sum[:]), Begun: &count}
}

// poisonous answers a request that has killed the processes that have begun it.
func (s *serving) poisonous(w work) *Response {
	s.counters.add(func(c *Stats) { c.Failed++ })
	s.logger.Error("syftevent: a request is not run again, since no process that has begun it has answered it",
		"path", filepath.Join(s.dir, filepath.FromSlash(w.entry.String())+requestSuffix), "begun", maxBegun)
	return internalError()
}
