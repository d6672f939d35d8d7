package spool

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"
)

// An empty file is no answer: a server that was killed while it wrote in place has
// left it, say. But one that is being written begins so, too, and only time tells.
var errEmpty = errors.New("an empty file has the name, which is removed when it stays empty")

// An emptyFile is one that was seen.
type emptyFile struct {
	modified time.Time // as the file system says
	since    time.Time // by this process's clock
}

// staysEmpty reports whether the answer of an entry is an empty file that has
// stayed as it is for the settle time.
func (s *Spool) staysEmpty(p *place, entry Entry) bool {
	info, err := p.root.Lstat(entry.Stem + s.options.Out)
	isEmpty := err == nil && info.Mode().IsRegular() && info.Size() == 0
	settle := s.settleTime()
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, known := s.empties[entry]
	switch {
	case !isEmpty:
		delete(s.empties, entry)
		return false
	case known && seen.modified.Equal(info.ModTime()):
		return time.Since(seen.since) >= settle
	}
	if len(s.empties) >= maxTroubles {
		clear(s.empties) // whoever writes files chooses their names
	}
	s.empties[entry] = emptyFile{info.ModTime(), time.Now()}
	return settle <= 0
}

// RemoveEmpty looks once for empty files that have the name of an answer, waits
// for the settle time, and removes those that have stayed empty, so that the files
// beside them ask again. It ends early when ctx is done; an error of one
// does not keep it from the others.
func (s *Spool) RemoveEmpty(ctx context.Context) error {
	var empty []Entry
	err := Walk(s.current(), func(dir string, names []Name, err error) error {
		if err != nil {
			return nil // the scan logs it
		}
		var p *place
		for _, n := range names {
			stem, ok := strings.CutSuffix(n.Name, s.options.Out)
			if !ok || !n.Regular {
				continue
			}
			if p == nil {
				if p, err = s.enter(dir); err != nil {
					return nil // gone
				}
				defer s.leave(p)
			}
			if info, err := p.root.Lstat(n.Name); err == nil && info.Size() == 0 {
				entry := Entry{dir, strings.Clone(stem)}
				s.staysEmpty(p, entry)
				empty = append(empty, entry)
			}
		}
		return ctx.Err()
	})
	if err != nil || len(empty) == 0 {
		return err
	}
	select {
	case <-time.After(s.settleTime()):
	case <-ctx.Done():
		return ctx.Err()
	}
	var errs []error
	for _, entry := range empty {
		if err := s.removeEmpty(entry); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Spool) removeEmpty(entry Entry) error {
	p, err := s.enter(entry.Dir)
	if err != nil {
		return err
	}
	defer s.leave(p)
	if !s.staysEmpty(p, entry) {
		return nil
	}
	s.options.Logger.Warn("syftevent: an empty file is no answer and is removed", "path", s.path(entry.String()+s.options.Out))
	return p.root.Remove(entry.Stem + s.options.Out)
}
