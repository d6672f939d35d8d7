package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A dirHandle is a directory of the spool that is kept open, since resolving its path
// costs more than what is done in it. Each acquire checks that the path still leads to
// it: directories are removed and made again under the same name.
type dirHandle struct {
	root     *os.Root
	identity rootfs.Identity
	users    int
	retired  bool // the last user closes it
}

// acquire returns the handle of a directory, and opens it if necessary. The caller must
// release it before it acquires another one: handles in use are limited to half of the
// budget, and acquire waits for one to be released.
func (s *Spool) acquire(dir string) (*dirHandle, error) {
	s.mu.Lock()
	for s.acquired >= s.descriptors.budget/2 {
		s.released.Wait()
	}
	s.acquired++
	recovered, budget := s.grow(), s.descriptors.budget
	p, root, anchor := s.dirHandles[dir], s.root, s.anchor
	if p != nil {
		p.users++
	}
	s.mu.Unlock()
	if recovered {
		s.options.Logger.Info("syftevent: there are enough file descriptors again", "budget", budget)
	}
	if p != nil {
		if rootfs.IsAt(anchor, s.dir, dir, p.identity) {
			return p, nil
		}
		s.retire(dir, p)
		s.unuse(p)
		s.renew(dir)
	}
	p, err := openDirHandle(root, dir)
	if s.relieve(err) {
		p, err = openDirHandle(root, dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.releaseOne()
		return nil, err
	}
	p.users++
	if s.dirHandles[dir] != nil || s.root != root {
		p.retired = true // another goroutine was faster; this handle is used once
		return p, nil
	}
	s.closeUnused(s.descriptors.budget - 1)
	if len(s.dirHandles) < s.descriptors.budget {
		s.dirHandles[dir] = p
	} else {
		p.retired = true
	}
	return p, nil
}

// renew notes that a directory was made again: nothing watches it yet.
func (s *Spool) renew(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.directories.get(dir); d != nil {
		d.since = s.instant(time.Now())
	}
}

// Mark creates Options.Marker in a directory, unless it is known to exist.
func (s *Spool) Mark(dir string) error {
	if s.setMarked(dir, true) {
		return nil
	}
	p, err := s.acquire(dir)
	if err == nil {
		defer s.release(p)
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

// setMarked sets whether a directory has the marker and returns the previous value.
func (s *Spool) setMarked(dir string, marked bool) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.directories.get(dir)
	if d == nil {
		return false
	}
	was, d.marked = d.marked, marked
	return was
}

// openDirHandle opens a directory. It does not follow a symbolic link.
func openDirHandle(root *os.Root, dir string) (*dirHandle, error) {
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
	return &dirHandle{root: opened, identity: rootfs.IdentityOf(info)}, nil
}

// release ends the use of a handle.
func (s *Spool) release(p *dirHandle) {
	s.unuse(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseOne()
}

// releaseOne wakes a goroutine that waits in acquire. s.mu is held.
func (s *Spool) releaseOne() {
	s.acquired--
	s.released.Signal()
}

func (s *Spool) unuse(p *dirHandle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users--; p.users == 0 && p.retired {
		p.root.Close()
	}
}

// retire makes the next acquire open the directory again.
func (s *Spool) retire(dir string, p *dirHandle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirHandles[dir] == p {
		s.retireLocked(dir)
	}
}

// retireAll retires all handles. s.mu is held.
func (s *Spool) retireAll() {
	for dir := range s.dirHandles {
		s.retireLocked(dir)
	}
}

func (s *Spool) retireLocked(dir string) {
	p := s.dirHandles[dir]
	if p == nil {
		return
	}
	delete(s.dirHandles, dir)
	if p.retired = true; p.users == 0 {
		p.root.Close()
	}
}

// HasName reports whether a directory has a name that matches.
func (s *Spool) HasName(dir string, matches func(name string) bool) (bool, error) {
	p, err := s.acquire(dir)
	if err != nil {
		return false, err
	}
	defer s.release(p)
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
