package spool

import (
	"os"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A fileSystem has the calls by which a spool scans. Tests use one with the faults of network
// file systems.
type fileSystem interface {
	// stamp returns the current stamp of a directory, or fs.ErrNotExist. anchor is the
	// spool's directory.
	stamp(s *Spool, anchor *os.File, d *directory) (rootfs.Stamp, error)
	// list adds the names in a directory to a listing.
	list(s *Spool, d *directory, into *listing) error
	// touch sets the times of a directory to now.
	touch(s *Spool, d *directory) error
	// trusted reports whether the stamps of the spool's file system show every change.
	trusted(s *Spool) bool
	// refresh returns the time after which the listings of the spool's file system are old unless
	// the directory is touched, or 0 if they do not grow old.
	refresh(s *Spool) time.Duration
	// links reports whether the spool's file system has hard links.
	links(s *Spool) (bool, error)
}

// native uses the fastest calls of the operating system.
type native struct{}

func (native) stamp(s *Spool, anchor *os.File, d *directory) (rootfs.Stamp, error) {
	return rootfs.ReadStamp(anchor, s.dir, d.cname())
}
func (native) list(s *Spool, d *directory, into *listing) error {
	return rootfs.List(s.current(), s.anchor, d.name, &into.Listing)
}
func (native) touch(s *Spool, d *directory) error {
	now := time.Now()
	return s.current().Chtimes(d.name, now, now)
}
func (native) trusted(s *Spool) bool { return rootfs.IsLocal(s.anchor) }
func (native) refresh(s *Spool) time.Duration {
	if cachesListings[rootfs.MountType(s.anchor)] {
		return refreshEvery
	}
	return 0
}
func (native) links(s *Spool) (bool, error) { return rootfs.ProbeLinks(s.root, s.options.TempPrefix) }

// portable uses calls that every system has.
type portable struct{ native }

func (portable) stamp(s *Spool, anchor *os.File, d *directory) (rootfs.Stamp, error) {
	return rootfs.ReadStampPortable(s.dir, d.name)
}
func (portable) list(s *Spool, d *directory, into *listing) error {
	return rootfs.ListPortable(s.current(), d.name, &into.Listing)
}
