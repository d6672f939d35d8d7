package mutant

import (
	"os"
	"sync"
	"time"
)

// queues reports whether requests wait until the one before them is answered, for
// defects that forget what may happen meanwhile.
func (s *server) queues() bool {
	return s.has("type-when-queued") || s.has("gone-in-flight") || s.has("expiry-when-queued") || s.has("sender-serial")
}

// processInTurn processes a request when the one before it to the same endpoint, or from
// the same sender, is answered.
func (s *server) processInTurn(file requestFile, done func()) {
	if s.has("expiry-when-queued") {
		s.noteInTime(file)
	}
	turn := s.turn(file)
	turn.Lock()
	defer turn.Unlock()
	if _, err := os.Lstat(s.path(file.request())); err != nil && s.has("gone-in-flight") {
		return
	}
	defer done()
	s.process(file)
}

func (s *server) turn(file requestFile) *sync.Mutex {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := file.endpoint
	if s.has("sender-serial") {
		key = file.sender
	}
	if s.turns[key] == nil {
		s.turns[key] = &sync.Mutex{}
	}
	return s.turns[key]
}

// noteInTime notes whether a request has not expired when it is queued.
func (s *server) noteInTime(file requestFile) {
	data, err := s.readFile(s.path(file.request()))
	if err != nil {
		return
	}
	req, err := s.decoder.decode(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inTime[file.request()] = err == nil && req.expires.After(time.Now())
}

// wasInTime reports whether a request had not expired when it was queued.
func (s *server) wasInTime(file requestFile) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inTime[file.request()]
}

// overdue reports whether a request has been in flight for a second, which a defect takes
// for lost.
func (s *server) overdue(name string) bool {
	if !s.has("reruns-slow") {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	since, known := s.begun[name]
	late := known && time.Since(since) > time.Second
	if !known || late {
		s.begun[name] = time.Now()
	}
	return late
}
