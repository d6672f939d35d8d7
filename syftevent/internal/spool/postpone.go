package spool

import "time"

// Postpone ends the flight of an input that was taken and left: it is offered again at a time, if
// it has no output then. Postpone of one that is not in flight changes that time.
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
	f.later = until
	if s.directories.get(entry.Dir) == nil {
		s.forget(entry.Dir, func(string, *file) bool { return true })
		return
	}
	s.done = append(s.done, returned{dir: entry.Dir, again: s.instant(until)})
}
