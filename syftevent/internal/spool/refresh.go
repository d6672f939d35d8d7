package spool

import (
	"errors"
	"io/fs"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Network file systems keep listings in a cache, which may be behind:
//
//   - NFSv3 keeps a listing as long as the mtime of the directory is the same, even if the listing
//     lacks a change within one tick of the server's clock, 1 to 10 ms. Bursts of up to four files
//     left one unlisted in 10 % of the cases. NFSv4 has a counter of changes.
//   - sshfs keeps a listing for 20 s (dcache_timeout).
//
// Setting the times of the directory, through the mount, ends both. So a directory is touched
// before it is listed
//
//   - in each full scan,
//   - touchAfter after a listing that showed other names than the one before,
//   - each refreshEvery where listings grow old.
const (
	touchAfter   = 500 * time.Millisecond
	refreshEvery = time.Second
	// touchPause is the time from touching a directory to listing it. A listing within the same
	// tick of the server's clock as the touch could miss a change within that tick again.
	touchPause = 15 * time.Millisecond
)

// cachesListings are the types of file systems whose listings grow old.
var cachesListings = map[string]bool{"fuse.sshfs": true}

// touchDirectory sets the times of a directory. It may be called concurrently. It fails if the
// directory belongs to another user, and its listing may then be old.
func (s *Spool) touchDirectory(d *directory) {
	if err := s.files.touch(s, d); err != nil && !errors.Is(err, fs.ErrNotExist) && !s.touchFailed.Swap(true) {
		s.options.Logger.Warn("syftevent: setting the times of a folder failed, requests may be found late",
			"path", s.path(d.name), "err", err)
	}
	if s.refresh == 0 {
		time.Sleep(touchPause)
	}
}

// touches reports whether a directory is touched before it is listed.
func (c *scan) touches(d *directory) bool {
	due := d.detail().touchDue
	return !c.trusted && (c.full || due != 0 && c.now >= due)
}

// scheduleTouch decides after a listing when the directory is touched next.
func (c *scan) scheduleTouch(d *directory, a *aheadListing) {
	s := c.spool
	began := s.instant(a.began.at)
	due := d.detail().touchDue
	if a.touched {
		due = 0
	}
	if due == 0 && s.refresh > 0 {
		due = began.add(s.refresh)
	}
	if stamp := stampOf(a.names); a.names.Complete() && stamp != d.stamp {
		d.stamp = stamp
		if again := began.add(touchAfter); !(d.first && a.touched) && (due == 0 || again < due) {
			due = again
		}
	}
	if due != d.detail().touchDue {
		d.edit().touchDue = due
	}
}

// stampOf returns a stamp that changes with the names of a listing. It takes the place of the
// directory's own where mtimes are not trusted.
func stampOf(names *listing) rootfs.Stamp { return rootfs.Stamp{Modified: int64(names.NamesSum())} }
