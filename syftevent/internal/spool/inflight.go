package spool

import (
	"path"
	"time"
)

// A file is the state of an input that is in flight or is to be read again. It is only a
// cache: without it the input would be found and offered anew.
type file struct {
	inFlight   bool
	published  bool      // Publish has made its output since it was taken
	seen       uint64    // the last listing that showed it without an output
	done       uint64    // the last listing that had begun when Done was called
	later      time.Time // not offered before
	incomplete *incomplete
}

// An offer is what a scan does with a pending input.
type offer struct {
	entry Entry
	known bool      // it was tracked before
	due   bool      // it is offered now, and in flight
	next  time.Time // if it is not due: when it will be
	fresh bool      // it is new, or has changed within activeFor
}

// claim puts an input in flight, unless it already is, is not to be read again yet, or was
// in flight when the listing of its directory began: such a listing may not show the output.
func (s *Spool) claim(dir string, stem []byte, sequence uint64, now time.Time) offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := s.tracked[dir]
	f := files[text(stem)]
	if f != nil {
		f.seen = sequence
		switch {
		case f.inFlight:
			return offer{known: true, next: now.Add(never)} // until Done
		case now.Before(f.later):
			return offer{known: true, next: f.later}
		case f.done >= sequence && f.published:
			return offer{known: true, next: now.Add(never)}
		case f.done >= sequence:
			return offer{known: true, next: now}
		case f.incomplete != nil && now.Before(f.incomplete.next):
			return offer{known: true, next: f.incomplete.next}
		}
	}
	known := f != nil
	entry := Entry{dir, string(stem)}
	if f == nil {
		if files == nil {
			files = map[string]*file{}
			s.tracked[dir] = files
		}
		f = &file{seen: sequence}
		files[entry.Stem] = f
	}
	f.inFlight, f.published, f.later = true, false, time.Time{}
	fresh := f.incomplete == nil || now.Sub(f.incomplete.since) < activeFor
	return offer{entry: entry, known: known, due: true, fresh: fresh}
}

// unclaim reverts claim for an input that was not taken.
func (s *Spool) unclaim(entry Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := s.tracked[entry.Dir]
	f := files[entry.Stem]
	if f == nil {
		return
	}
	if f.inFlight = false; f.incomplete == nil {
		delete(files, entry.Stem)
	}
	if len(files) == 0 {
		delete(s.tracked, entry.Dir)
	}
}

// Done ends the flight of an input that was taken. It has an output now, or is offered again.
func (s *Spool) Done(entry Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.tracked[entry.Dir][entry.Stem]
	if f == nil {
		return
	}
	f.inFlight, f.done = false, s.sequence.Load()
	if s.directories.get(entry.Dir) == nil {
		s.forget(entry.Dir, func(string, *file) bool { return true })
		return
	}
	r := returned{dir: entry.Dir, hasOutput: f.incomplete == nil, published: f.published}
	if f.incomplete != nil {
		r.again = s.instant(f.incomplete.next)
	}
	s.done = append(s.done, r)
}

// A returned is the directory of an input for which Done was called.
type returned struct {
	dir       string
	hasOutput bool    // probably; the reader of the output may write the next input at once
	published bool    // certainly
	again     instant // when it is offered again, if it is not published
}

// activateDone makes scans list the directories of inputs for which Done was called, unless
// they were published, and activates those with new outputs.
func (s *Spool) activateDone() {
	s.mu.Lock()
	s.done, s.returned = s.returned[:0], s.done
	s.mu.Unlock()
	if len(s.returned) == 0 {
		return
	}
	now := s.instant(time.Now())
	for _, r := range s.returned {
		s.mu.Lock()
		d := s.directories.get(r.dir)
		s.mu.Unlock()
		if d == nil {
			continue
		}
		if !r.published {
			d.offerAt(r.again)
		}
		if r.hasOutput {
			s.activate(d, now)
		}
	}
}

// forget drops the files of a directory that are not in flight and for which drop returns
// true. s.mu is held.
func (s *Spool) forget(dir string, drop func(stem string, f *file) bool) {
	files, ok := s.tracked[dir]
	if !ok {
		return
	}
	for stem, f := range files {
		if !f.inFlight && drop(stem, f) {
			delete(files, stem)
			if f.incomplete != nil && len(s.troubles) > 0 {
				delete(s.troubles, path.Join(dir, stem)+s.options.In)
			}
		}
	}
	if len(files) == 0 {
		delete(s.tracked, dir)
	}
}
