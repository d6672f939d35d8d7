package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

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

// enter opens a directory, or returns it if it is open. Whoever enters leaves, and
// enters no second one before: half as many may be inside as directories may be open,
// the others wait.
func (s *Spool) enter(dir string) (*place, error) {
	s.mu.Lock()
	for s.inside >= s.descriptors.budget/2 {
		s.outside.Wait()
	}
	s.inside++
	recovered, budget := s.grow(), s.descriptors.budget
	p, root, anchor := s.places[dir], s.root, s.anchor
	if p != nil {
		p.users++
	}
	s.mu.Unlock()
	if recovered {
		s.options.Logger.Info("syftevent: there are enough file descriptors again", "budget", budget)
	}
	if p != nil {
		if isAt(anchor, s.dir, dir, p.identity) {
			return p, nil
		}
		s.retire(dir, p)
		s.unuse(p)
		s.renew(dir)
	}
	p, err := openPlace(root, dir)
	if s.relieve(err) {
		p, err = openPlace(root, dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.letIn()
		return nil, err
	}
	p.users++
	if s.places[dir] != nil || s.root != root {
		p.retired = true // somebody was faster; this one serves once
		return p, nil
	}
	s.closeUnused(s.descriptors.budget - 1)
	if len(s.places) < s.descriptors.budget {
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

// Mark puts Options.Marker into a directory, unless the last listing has shown it there
// or it was put there since.
func (s *Spool) Mark(dir string) error {
	if s.setMarked(dir, true) {
		return nil
	}
	p, err := s.enter(dir)
	if err == nil {
		defer s.leave(p)
		var f *os.File
		if f, err = p.root.OpenFile(s.options.Marker, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		s.setMarked(dir, false)
		return err
	}
	return nil
}

// setMarked notes whether a directory is marked and returns whether it was.
func (s *Spool) setMarked(dir string, marked bool) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.directories[dir]
	if d == nil {
		return false
	}
	was, d.marked = d.marked, marked
	return was
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
	s.unuse(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letIn()
}

// letIn lets the next one in. s.mu is held.
func (s *Spool) letIn() {
	s.inside--
	s.outside.Signal()
}

func (s *Spool) unuse(p *place) {
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

// HasName reports whether a directory has a name that matches.
func (s *Spool) HasName(dir string, matches func(name string) bool) (bool, error) {
	p, err := s.enter(dir)
	if err != nil {
		return false, err
	}
	defer s.leave(p)
	f, err := p.root.Open(".")
	if err != nil {
		return false, err
	}
	defer f.Close()
	for {
		const atOnce = 1024
		names, err := f.Readdirnames(atOnce)
		switch {
		case slices.ContainsFunc(names, matches):
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}
