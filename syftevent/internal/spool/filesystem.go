package spool

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A fileSystem is how a spool looks at its directories. Tests put one of their
// own in its place, with the faults of network file systems.
type fileSystem interface {
	// stamp is that of a directory now; ErrNotExist if there is none.
	stamp(s *Spool, d *directory) (stamp, error)
	// list adds the names in a directory to a listing.
	list(s *Spool, d *directory, into *listing) error
	// touch sets the times of a directory.
	touch(s *Spool, d *directory) error
	// believed reports whether the stamps of the spool's file system tell of
	// every change.
	believed(s *Spool) bool
	// links reports whether the spool's file system has hard links.
	links(s *Spool) (bool, error)
}

// native looks by the quickest calls of this system.
type native struct{}

func (native) stamp(s *Spool, d *directory) (stamp, error) { return readStamp(s.anchor, s.dir, d) }
func (native) list(s *Spool, d *directory, into *listing) error {
	return listDirectory(s, d, into, readNative)
}
func (native) touch(s *Spool, d *directory) error {
	now := time.Now()
	return s.current().Chtimes(d.name, now, now)
}
func (native) believed(s *Spool) bool       { return isLocal(s.anchor) }
func (native) links(s *Spool) (bool, error) { return probeLinks(s.root) }

// portable looks by what every system has.
type portable struct{ native }

func (portable) stamp(s *Spool, d *directory) (stamp, error) { return portableStamp(s.dir, d) }
func (portable) list(s *Spool, d *directory, into *listing) error {
	return listDirectory(s, d, into, readNames)
}

func portableStamp(dir string, d *directory) (stamp, error) {
	info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(d.name)))
	if err != nil {
		return stamp{}, err
	}
	if !info.IsDir() {
		return stamp{}, fs.ErrNotExist // something else has its name
	}
	return stamp{modified: info.ModTime().UnixNano()}, nil
}

// openDirectory opens a directory so that a FIFO that was put in its place does not
// block.
func openDirectory(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|openNonblock, 0)
}

func listDirectory(s *Spool, d *directory, into *listing, read func(*os.File, *listing) error) error {
	f, err := openDirectory(s.current(), d.name)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(f, into)
}
