package syftevent

import (
	"sync"
	"time"
)

// lapsed records cached requests that expired without a response. A late response to one would
// otherwise be taken for that to the same request sent again, and a server that has answered an ID
// does not answer it again. [client-identical]
type lapsed struct {
	mu    sync.Mutex
	until map[collected]time.Time // until when an ID is not used again
}

// maxLapsed is the number of recorded requests. Beyond it, an arbitrary one is dropped.
const maxLapsed = 10_000

// add records a request for as long as the collector checks for the files of others.
func (l *lapsed) add(datasites, dir, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = map[collected]time.Time{}
	}
	if len(l.until) >= maxLapsed {
		for other := range l.until {
			delete(l.until, other)
			break
		}
	}
	l.until[collected{datasites, dir, id}] = time.Now().Add(collectFor)
}

// has reports whether a request with an ID has expired lately.
func (l *lapsed) has(datasites, dir, id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	request := collected{datasites, dir, id}
	until, recorded := l.until[request]
	if recorded && time.Now().After(until) {
		delete(l.until, request)
		return false
	}
	return recorded
}
