package spool

import (
	"errors"
	"io/fs"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// HasOutput reports whether an input has an output by now, which the last listing may not have
// shown. A torn one does not count. It asks for the name, because listings of a network file system
// may be seconds old.
func (s *Spool) HasOutput(entry Entry) (bool, error) {
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return false, err
	}
	defer s.release(p)
	info, err := p.root.Lstat(entry.Stem + s.options.Out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		if rootfs.IsStale(err) {
			s.retire(entry.Dir, p)
		}
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, nil
	}
	torn, _ := s.staysTorn(p.root, entry)
	return !torn, nil
}
