package mutant

import (
	"crypto/sha256"
	"time"
)

// An answer is what is remembered of a request that was run.
type answer struct {
	sum       [sha256.Size]byte // of the request
	response  []byte
	final     string // where the response is published
	at        time.Time
	published int       // how often
	missing   time.Time // since when its response is missing, zero if it is not
}

const (
	// remembered is how long an answer is.
	remembered = 10 * time.Minute
	// publishedMost is how often a response is published: somebody who removes it
	// so often means it.
	publishedMost = 4
)

func (s *server) remember(p place, sum [sha256.Size]byte, response []byte, final string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &answer{sum: sum, response: response, final: final, at: time.Now()}
	s.memory[p.request()] = a
	s.noteAnswer(p.request(), a)
}

// ranBefore reports whether a request with the same bytes was run, and publishes
// its response if that is due.
func (s *server) ranBefore(p place, sum [sha256.Size]byte) bool {
	if !s.recall(p, sum) {
		return false
	}
	s.publish(p)
	return true
}

// recall reports whether a request with the same bytes was run, and notes that its
// response is missing.
func (s *server) recall(p place, sum [sha256.Size]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.memory[p.request()]
	if a == nil || s.has("forgetful") || a.sum != sum && !s.has("name-memory") || time.Since(a.at) > remembered {
		return false
	}
	if a.missing.IsZero() {
		a.missing = time.Now()
	}
	return true
}

// unpublished returns the response to a request, and where it goes, if it is to be
// published now: it never was, or has been missing for long enough.
func (s *server) unpublished(p place) (response []byte, final string, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.memory[p.request()]
	if a == nil || a.published >= publishedMost || a.published > 0 && s.has("never-again") {
		return nil, "", false
	}
	due = a.published == 0 || !a.missing.IsZero() && time.Since(a.missing) >= s.republishDelay
	return a.response, a.final, due
}

// published notes that the response to a request was published.
func (s *server) published(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.memory[p.request()]; a != nil {
		a.published++
		a.missing = time.Time{}
	}
}

// standing notes that the response to a request is there.
func (s *server) standing(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.memory[p.request()]; a != nil {
		a.missing = time.Time{}
	}
}
