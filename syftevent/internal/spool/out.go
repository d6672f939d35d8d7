package spool

import (
	"path"
	"time"
)

// A file is what is known of a file that asks while it is out, that is in
// somebody's hands, or waits to be read again. It is nothing that must be known:
// without it the file would be found and offered anew.
type file struct {
	out     bool
	seen    uint64 // the last listing that showed it without an answer
	done    uint64 // the last listing that had begun when it was handed back
	pending *pending
}

// An offer is what is to be done with a file that asks.
type offer struct {
	entry Entry
	known bool      // the file was known to ask
	due   bool      // it may be offered now, and is out
	next  time.Time // otherwise: when it may be
	fresh bool      // it is new, or has changed within activeFor
}

// handOut marks a file as out if it may be offered now: it is not out, does not
// wait, and was not handed back since its directory's listing began. A listing
// that is older may not show the answer.
func (s *Spool) handOut(dir string, stem []byte, sequence uint64, now time.Time) offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := s.asked[dir]
	f := files[text(stem)]
	if f != nil {
		f.seen = sequence
		switch {
		case f.out:
			return offer{known: true, next: now.Add(never)} // Done tells
		case f.done >= sequence:
			return offer{known: true, next: now}
		case f.pending != nil && now.Before(f.pending.next):
			return offer{known: true, next: f.pending.next}
		}
	}
	known := f != nil
	entry := Entry{dir, string(stem)}
	if f == nil {
		if files == nil {
			files = map[string]*file{}
			s.asked[dir] = files
		}
		f = &file{seen: sequence}
		files[entry.Stem] = f
	}
	f.out = true
	fresh := f.pending == nil || now.Sub(f.pending.since) < activeFor
	return offer{entry: entry, known: known, due: true, fresh: fresh}
}

// takeBack marks a file as not out, that was offered and not taken.
func (s *Spool) takeBack(entry Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := s.asked[entry.Dir]
	f := files[entry.Stem]
	if f == nil {
		return
	}
	if f.out = false; f.pending == nil {
		delete(files, entry.Stem)
	}
	if len(files) == 0 {
		delete(s.asked, entry.Dir)
	}
}

// Done hands back a file that was taken: it is answered, or may be offered again.
func (s *Spool) Done(entry Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.asked[entry.Dir][entry.Stem]
	if f == nil {
		return
	}
	f.out, f.done = false, s.sequence.Load()
	if s.directories[entry.Dir] == nil {
		s.forget(entry.Dir, func(string, *file) bool { return true })
		return
	}
	s.done = append(s.done, returned{entry.Dir, f.pending == nil})
}

// A returned is a directory of which a file was handed back.
type returned struct {
	dir      string
	answered bool // as far as is known: whoever waited for it may ask again at once
}

// rouseDone makes the directories be listed of which a file was handed back, and
// active if whoever waited for it may ask again at once.
func (s *Spool) rouseDone() {
	s.mu.Lock()
	s.done, s.returned = s.returned[:0], s.done
	s.mu.Unlock()
	if len(s.returned) == 0 {
		return
	}
	now := s.instant(time.Now())
	for _, r := range s.returned {
		s.mu.Lock()
		d := s.directories[r.dir]
		s.mu.Unlock()
		if d == nil {
			continue
		}
		d.again = 0
		if r.answered {
			s.rouse(d, now)
		}
	}
}

// forget drops those files of a directory that are not out and to which a
// condition applies. s.mu is held.
func (s *Spool) forget(dir string, drop func(stem string, f *file) bool) {
	files, ok := s.asked[dir]
	if !ok {
		return
	}
	for stem, f := range files {
		if !f.out && drop(stem, f) {
			delete(files, stem)
			if f.pending != nil && len(s.troubles) > 0 {
				delete(s.troubles, path.Join(dir, stem)+s.options.In)
			}
		}
	}
	if len(files) == 0 {
		delete(s.asked, dir)
	}
}
