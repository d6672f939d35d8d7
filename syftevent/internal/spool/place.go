package spool

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// maxPlaces is how many directories are kept open.
const maxPlaces = 256

// A place is a directory of the spool that is kept open, because the way from the
// top costs more than what is done there. Before each use its name is looked at:
// SyftBox prunes directories and makes them again, and what has another
// directory's name is another directory.
type place struct {
	root     *os.Root
	identity identity
	users    int
	retired  bool // closed by the last user
}

// enter opens a directory, or returns it if it is open. Whoever enters leaves.
func (s *Spool) enter(dir string) (*place, error) {
	s.mu.Lock()
	p, root, anchor := s.places[dir], s.root, s.anchor
	if p != nil {
		p.users++
	}
	s.mu.Unlock()
	if p != nil {
		if isAt(anchor, s.dir, dir, p.identity) {
			return p, nil
		}
		s.retire(dir, p)
		s.leave(p)
		s.renew(dir)
	}
	p, err := openPlace(root, dir)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.users++
	if s.places[dir] != nil || s.root != root {
		p.retired = true // somebody was faster; this one serves once
		return p, nil
	}
	if len(s.places) >= maxPlaces {
		for other, unused := range s.places {
			if unused.users == 0 {
				delete(s.places, other)
				unused.root.Close()
				break
			}
		}
	}
	if len(s.places) < maxPlaces {
		s.places[dir] = p
	} else {
		p.retired = true
	}
	return p, nil
}

// renew notes that a directory was made anew: SyftBox does not watch it yet.
func (s *Spool) renew(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.directories[dir]; d != nil {
		d.since = time.Now()
	}
}

// openPlace opens a directory unless its name is a symbolic link's.
func openPlace(root *os.Root, dir string) (*place, error) {
	named, err := root.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !named.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	opened, err := root.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	info, err := opened.Stat(".")
	if err == nil && !os.SameFile(named, info) {
		err = &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return &place{root: opened, identity: identityOf(info)}, nil
}

// leave ends a use.
func (s *Spool) leave(p *place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users--; p.users == 0 && p.retired {
		p.root.Close()
	}
}

// retire makes sure that the next to enter a directory opens it anew.
func (s *Spool) retire(dir string, p *place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places[dir] == p {
		s.retireLocked(dir)
	}
}

// retireAll is for another directory in the place of the spool's, or none. s.mu
// is held.
func (s *Spool) retireAll() {
	for dir := range s.places {
		s.retireLocked(dir)
	}
}

func (s *Spool) retireLocked(dir string) {
	p := s.places[dir]
	if p == nil {
		return
	}
	delete(s.places, dir)
	if p.retired = true; p.users == 0 {
		p.root.Close()
	}
}

// Names lists what is in a directory.
func (s *Spool) Names(dir string) ([]string, error) {
	p, err := s.enter(dir)
	if err != nil {
		return nil, err
	}
	defer s.leave(p)
	f, err := p.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
