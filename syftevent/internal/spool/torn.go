package spool

import (
	"io/fs"
	"os"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A torn file has the name of an answer and is none: it is empty, or incomplete, or
// full of NULs. A server that was killed while it wrote in place leaves one, and so
// does a loss of power. But a file that is being written in place begins so, too, and
// only time tells.
//
// A tornFile is one that was seen.
type tornFile struct {
	size     int64
	modified time.Time // as the file system says
	since    time.Time // by this process's clock
}

// isTorn reports whether a file with the name of an answer is none. What cannot be
// read counts as an answer.
func (s *Spool) isTorn(root *os.Root, name string, info fs.FileInfo) bool {
	switch {
	case !info.Mode().IsRegular():
		return false
	case info.Size() == 0:
		return true
	case s.options.Answer == nil:
		return false
	}
	f, info, err := rootfs.OpenRegular(root, name, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	return !s.options.Answer(f, info.Size())
}

// staysTorn reports whether the file that has the name of an entry's answer is torn,
// and whether it has stayed as it is for the settle time.
func (s *Spool) staysTorn(root *os.Root, entry Entry) (torn, stays bool) {
	name := entry.Stem + s.options.Out
	info, err := root.Lstat(name)
	torn = err == nil && s.isTorn(root, name, info)
	settle := s.settleTime()
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, known := s.torn[entry]
	switch {
	case !torn:
		delete(s.torn, entry)
		return false, false
	case known && seen.size == info.Size() && seen.modified.Equal(info.ModTime()):
		return true, time.Since(seen.since) >= settle
	}
	if len(s.torn) >= maxTroubles {
		clear(s.torn) // whoever writes files chooses their names
	}
	s.torn[entry] = tornFile{info.Size(), info.ModTime(), time.Now()}
	return true, settle <= 0
}
