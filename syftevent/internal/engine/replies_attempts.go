package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// A request can kill the process that handles it: its handler takes all memory, say. It
// stays unanswered, and each restart would run it again. The replyLog therefore records
// that a request is begun before its handler runs. When maxBegun processes have begun a
// request, and none has answered it or left it because it was stopped, it is answered
// 500. Requests that were in flight each of these times share its fate.

// maxBegun is the number of processes that may begin a request.
const maxBegun = 3

// A contentKey identifies a request by its file and the SHA-256 of its bytes.
type contentKey struct {
	entry entry
	sum   [sha256.Size]byte
}

// attempts counts the processes that have begun a request.
type attempts struct {
	count int
	at    time.Time // of the last
	mine  bool      // this process has begun it
}

// begin records that a request is begun, and reports whether it may run.
func (l *replyLog) begin(w work, now time.Time) bool {
	l.mu.Lock()
	defer l.unlock()
	key := contentKey{w.entry, w.sum}
	a := l.begunRequests[key]
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
	if l.begunRequests == nil {
		l.begunRequests = map[contentKey]*attempts{}
	}
	l.begunRequests[key] = a
	return true
}

// abandon records that the server left a request unanswered on purpose.
func (l *replyLog) abandon(w work, now time.Time) {
	l.mu.Lock()
	defer l.unlock()
	key := contentKey{w.entry, w.sum}
	if a := l.begunRequests[key]; !l.closed && a != nil && a.mine {
		l.writeAbandoned(key, now)
	}
}

// abandonAll abandons the requests whose handlers ignored their cancellation. l.mu is
// held.
func (l *replyLog) abandonAll() {
	now := time.Now()
	for key, a := range l.begunRequests {
		if a.mine {
			l.writeAbandoned(key, now)
		}
	}
}

func (l *replyLog) writeAbandoned(key contentKey, now time.Time) {
	delete(l.begunRequests, key)
	line := key.line(&attempts{at: now})
	l.write(line.line(), now)
}

// restoreBegun restores the attempts from the log's lines, oldest first. l.mu is held.
func (l *replyLog) restoreBegun(lines []loggedReply, answered map[contentKey]bool) {
	l.begunRequests = map[contentKey]*attempts{}
	for _, r := range lines {
		key, _ := r.key()
		if *r.Begun <= 0 || answered[key] {
			delete(l.begunRequests, key)
			continue
		}
		l.begunRequests[key] = &attempts{count: *r.Begun, at: r.At}
	}
}

// adoptBegun adds the attempts of other processes, from the lines of their logs, oldest first. l.mu
// is held.
func (l *replyLog) adoptBegun(lines []loggedReply, answered map[contentKey]bool) {
	theirs := &replyLog{}
	theirs.restoreBegun(lines, answered)
	if l.begunRequests == nil {
		l.begunRequests = map[contentKey]*attempts{}
	}
	for key, a := range theirs.begunRequests {
		if own := l.begunRequests[key]; own == nil || !own.mine && own.count < a.count {
			l.begunRequests[key] = a
		}
	}
}

// unanswered returns the lines of the requests that were begun within publishedFor and
// not answered, oldest first. l.mu is held.
func (l *replyLog) unanswered(now time.Time) []loggedReply {
	var lines []loggedReply
	for key, a := range l.begunRequests {
		if now.Sub(a.at) > publishedFor {
			delete(l.begunRequests, key)
			continue
		}
		lines = append(lines, key.line(a))
	}
	slices.SortFunc(lines, func(a, b loggedReply) int { return a.At.Compare(b.At) })
	return lines
}

// line returns the log's line about a request that was begun.
func (k contentKey) line(a *attempts) loggedReply {
	count := a.count
	return loggedReply{At: a.at, Dir: k.entry.Dir, Stem: k.entry.Stem, Request: hex.EncodeToString(k.sum[:]), Begun: &count}
}

// refusePoison makes the response to a request that may have killed maxBegun processes.
func (s *Server) refusePoison(w work) *Response {
	s.counters.add(func(f *Figures) { f.Failed++ })
	s.logger.Error("syftevent: request not run again", "path", s.requestPath(w), "sender", w.location.sender,
		"reason", "no process that began it answered it", "begun", maxBegun)
	return internalError()
}
