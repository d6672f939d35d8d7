package spool

import (
	"io/fs"
	"os"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A torn file has the name of an output and invalid content: it is empty, incomplete, or full
// of NULs. A process that was killed while it wrote in place leaves one, and so does a power
// loss. A file that is still being written in place looks the same, so only one that does not
// change counts.
//
// A tornFile is the state of a torn file.
type tornFile struct {
	size     int64
	modified time.Time // by the file system's clock
	since    time.Time // by this process's clock
}

// isTorn reports whether a file with the name of an output is torn. A file that cannot be read
// is not.
func (s *Spool) isTorn(root *os.Root, name string, info fs.FileInfo) bool {
	switch {
	case !info.Mode().IsRegular():
		return false
	case info.Size() == 0:
		return true
	case s.options.Valid == nil:
		return false
	}
	f, info, err := rootfs.OpenRegular(root, name, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	return !s.options.Valid(f, info.Size())
}

// staysTorn reports whether the output of an entry is torn, and whether it has not changed for
// the settle time.
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
		clear(s.torn) // others choose the names
	}
	s.torn[entry] = tornFile{info.Size(), info.ModTime(), time.Now()}
	return true, settle <= 0
}
