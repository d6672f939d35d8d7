package spool

import "github.com/syftevent/syftevent-go/syftevent/internal/rootfs"

// Room checks that a file of size bytes fits into the directory of an input, by writing
// one. It returns the errors of [Spool.Publish].
func (s *Spool) Room(entry Entry, size int) error {
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return err
	}
	defer s.release(p)
	err = rootfs.ProbeSpace(p.root, s.options.TempPrefix, size)
	if err != nil {
		s.retire(entry.Dir, p) // it may be stale
	}
	return err
}
