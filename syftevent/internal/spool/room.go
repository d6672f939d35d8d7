package spool

import (
	"crypto/rand"
	"errors"
	"os"
)

// Room tries whether a file of a size can be written into the directory of an entry, by
// writing one. The error is that of [Spool.Publish].
func (s *Spool) Room(entry Entry, size int) error {
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return err
	}
	defer s.release(p)
	name := tempPrefix + rand.Text() + tempSuffix
	f, err := p.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		s.retire(entry.Dir, p) // it may be stale
		return err
	}
	defer p.root.Remove(name)
	part := make([]byte, 64<<10)
	for ; size > 0 && err == nil; size -= len(part) {
		_, err = f.Write(part[:min(size, len(part))])
	}
	return errors.Join(err, f.Close())
}
