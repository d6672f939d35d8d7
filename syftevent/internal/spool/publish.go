package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Publish writes the output of an input beside it, so that its name appears with the whole
// content or not at all. Publishing the same output again is not an error. It returns
// fs.ErrNotExist, and leaves no output, if the input or its directory is gone,
// rootfs.ErrTaken if another output exists, and rootfs.ErrName if the name itself cannot be
// used. Any other error is the directory's or the file system's and may be temporary.
func (s *Spool) Publish(entry Entry, data []byte) error {
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return err
	}
	defer s.release(p)
	if _, err := p.root.Lstat(entry.Stem + s.options.In); err != nil {
		if rootfs.IsStale(err) {
			s.retire(entry.Dir, p)
		}
		return err
	}
	final := entry.Stem + s.options.Out
	links, trusted := s.mount()
	defer s.beginOwn(entry.Dir)()
	how := rootfs.Publication{Prefix: s.options.TempPrefix, Links: links, Durable: s.options.Durable, Verify: !trusted}
	written, err := how.Publish(p.root, final, data)
	if errors.Is(err, rootfs.ErrIncomplete) || errors.Is(err, rootfs.ErrTaken) {
		if torn, stays := s.staysTorn(p.root, entry); stays {
			if err := s.dropTorn(p.root, entry); err != nil {
				return err
			}
			written, err = how.Publish(p.root, final, data)
		} else if torn {
			err = fmt.Errorf("publish %s: %w", final, rootfs.ErrIncomplete)
		}
	}
	if err != nil {
		s.retire(entry.Dir, p) // it may be stale, or gone
		s.relieve(err)
		return err
	}
	if _, gone := p.root.Lstat(entry.Stem + s.options.In); errors.Is(gone, fs.ErrNotExist) && rootfs.RemoveIfSame(p.root, final, written) {
		// The input was removed meanwhile. If the output is gone as well, its reader has
		// fetched it.
		return gone
	}
	s.mu.Lock()
	if f := s.tracked[entry.Dir][entry.Stem]; f != nil {
		f.published = true
	}
	s.mu.Unlock()
	s.nudge(entry.Dir, final, written)
	return nil
}

// Usable checks that the output of an input can have its name, and removes an empty
// directory or a symbolic link there. It returns rootfs.ErrName if it cannot. Unless
// thorough, it checks only a name that the last listing showed as that of a directory, which
// costs nothing otherwise.
func (s *Spool) Usable(entry Entry, thorough bool) error {
	final := entry.Stem + s.options.Out
	s.mu.Lock()
	directory := s.directories.get(path.Join(entry.Dir, final)) != nil
	s.mu.Unlock()
	if !directory && !thorough {
		return nil
	}
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return err
	}
	defer s.release(p)
	if torn, stays := s.staysTorn(p.root, entry); torn && !stays {
		return rootfs.ErrIncomplete
	}
	_, err = rootfs.SettleName(p.root, final, nil)
	if errors.Is(err, rootfs.ErrTaken) {
		return nil // Publish decides whether it is an output
	}
	return err
}
