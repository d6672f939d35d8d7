package syftevent

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// A folder is a directory that a sweep has entered and not ignored: it sweeps what is
// below it.
type folder struct {
	dir       string
	removable bool      // if nothing but its .syftkeep is left in it
	kept      bool      // whether it has a .syftkeep
	entries   int       // that are no files, less the folders that were removed
	changed   bool      // whether folders in it were removed
	modified  time.Time // when it was entered; zero if it is not removable
}

// enter notes what is in a directory, after the sweep has left those that it is not in.
// A folder that holds files is not removable, whether the sweep removes them or not:
// it is not old then. Nor is one with a .syftkeep that is not a sender's: another server
// of the app may have it for an endpoint.
func (s *sweep) enter(dir string, names []spool.Name) {
	s.leaveUntil(dir)
	f := folder{dir: dir, removable: dir != "."}
	for _, entry := range names {
		switch {
		case !entry.Regular:
			f.entries++
		case entry.Name == keepName:
			f.kept = true
		default:
			f.removable = false
		}
	}
	if f.kept && !seemsAddress(path.Base(dir)) {
		f.removable = false
	}
	if f.removable {
		info, err := s.root.Lstat(dir)
		f.removable = err == nil && info.IsDir()
		if f.removable {
			f.modified = s.modified(dir, info)
		}
	}
	s.open = append(s.open, f)
}

// leaveUntil leaves the directories that are open but do not hold dir.
func (s *sweep) leaveUntil(dir string) {
	for n := len(s.open); n > 0; n = len(s.open) {
		last := s.open[n-1]
		if last.dir == "." && dir != "" || strings.HasPrefix(dir, last.dir+"/") {
			return
		}
		s.open = s.open[:n-1]
		if n > 1 && s.removeUnused(last) {
			parent := &s.open[n-2]
			parent.entries--
			parent.changed = true
		}
	}
}

// removeUnused removes a directory in which nothing was put or removed for long, if it
// is empty but for a .syftkeep and not that of an endpoint, and reports whether it did.
// Its mtime tells, and if the sweep has removed folders in it, that from before. SyftBox
// does not watch the directory again when its sender comes back, until it is restarted:
// so the mtime, and not the age of a request, decides. [cleanup-senders]
func (s *sweep) removeUnused(f folder) bool {
	if !f.removable || f.entries > 0 || !s.isOld(f.modified) || s.isEndpoint != nil && s.isEndpoint(f.dir) {
		return false
	}
	if !f.changed {
		info, err := s.root.Lstat(f.dir)
		if err != nil || !s.isOld(info.ModTime()) {
			return false
		}
	}
	remove := s.root.Remove // not RemoveAll
	if f.kept {
		remove = func(dir string) error { return removeKept(s.root, dir) }
	}
	if err := remove(f.dir); err != nil {
		s.failed(f.dir, err)
		return false
	}
	return true
}

// isUnused reports whether there is nothing in a directory but what keeps SyftBox
// from pruning it.
func isUnused(names []spool.Name) bool {
	return len(names) == 0 || len(names) == 1 && names[0].Name == keepName && names[0].Regular
}

// removeKept removes a directory that holds nothing but its .syftkeep. A file may be
// put there meanwhile: then both stay, and the error is fs.ErrExist.
func removeKept(root *os.Root, dir string) error {
	if err := root.Remove(path.Join(dir, keepName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := root.Remove(dir) // not RemoveAll
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = errors.Join(err, keep(root, dir))
	}
	return err
}
