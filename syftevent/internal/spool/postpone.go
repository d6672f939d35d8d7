package spool

import "time"

// Postpone ends the flight of an input that was taken and left: it is offered again at a time, if
// it has no output then. Postpone of one that is not in flight changes that time. Who does not know
// whether it is must use [Spool.Advance].
func (s *Spool) Postpone(entry Entry, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.tracked[entry.Dir][entry.Stem]
	if f == nil {
		return
	}
	if f.inFlight {
		f.inFlight, f.done = false, s.sequence.Load()
	}
	s.offerLater(entry, f, until)
}

// Advance changes when an input that Postpone has left is offered again. It reports false, and
// changes nothing, if the input is in flight.
func (s *Spool) Advance(entry Entry, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.tracked[entry.Dir][entry.Stem]
	if f == nil {
		return true // it will be found anew
	}
	if f.inFlight {
		return false
	}
	s.offerLater(entry, f, until)
	return true
}

// offerLater sets when an input that is not in flight is offered again. s.mu is held.
func (s *Spool) offerLater(entry Entry, f *file, until time.Time) {
	f.later = until
	if s.directories.get(entry.Dir) == nil {
		s.forget(entry.Dir, func(string, *file) bool { return true })
		return
	}
	s.done = append(s.done, returned{dir: entry.Dir, again: s.instant(until)})
}
