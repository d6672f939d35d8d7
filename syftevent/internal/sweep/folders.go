package sweep

import (
	"path"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A folder is a directory that a sweep has entered and not left: the sweep is in it or
// below it.
type folder struct {
	dir       string
	removable bool      // if it holds nothing but a .syftkeep in the end
	kept      bool      // whether it has a .syftkeep
	entries   int       // that are not files, less removed folders
	changed   bool      // whether folders in it were removed
	modified  time.Time // the mtime on entering; zero if not removable
}

// enter records what is in a directory, or in a part of it, after leaving those that do not
// contain it. It is called for each part of a directory, after the sweep of the directories
// in the parts before. A folder with files is not removable, even if the sweep removes them:
// it is not old then. Nor is a folder with a .syftkeep that is not a sender's: it may be an
// endpoint of another server of the app.
func (s *sweep) enter(dir string, names []rootfs.Name) {
	s.leaveUntil(dir)
	if n := len(s.open); n == 0 || s.open[n-1].dir != dir {
		s.open = append(s.open, folder{dir: dir, removable: dir != "."})
	}
	f := &s.open[len(s.open)-1]
	for _, entry := range names {
		switch {
		case !entry.Regular:
			f.entries++
		case entry.Name == protocol.KeepName:
			f.kept = true
		default:
			f.removable = false
		}
	}
	if f.kept && !protocol.SeemsAddress(path.Base(dir)) {
		f.removable = false
	}
	if f.removable && f.modified.IsZero() {
		// Not Lstat: there may be very many, and it takes memory for each.
		s.cname = append(append(s.cname[:0], dir...), 0)
		stamp, err := rootfs.ReadStamp(s.anchor, s.Dir, s.cname)
		if f.removable = err == nil; f.removable {
			f.modified = s.modified(dir, stamp.ModTime())
		}
	}
}

// keepFolder keeps a directory if the sweep is in it: not all of it could be listed.
func (s *sweep) keepFolder(dir string) {
	for n := range s.open {
		if s.open[n].dir == dir {
			s.open[n].removable = false
		}
	}
}

// leaveUntil leaves the open directories that do not contain dir.
func (s *sweep) leaveUntil(dir string) {
	for n := len(s.open); n > 0; n = len(s.open) {
		last := s.open[n-1]
		if last.dir == "." && dir != "" || last.dir == dir || strings.HasPrefix(dir, last.dir+"/") {
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

// removeUnused removes a directory that is empty but for a .syftkeep, is not an endpoint's,
// and has not changed for long; it reports whether it did. The age is that of the mtime, or,
// if the sweep removed folders in it, that of the mtime before. The mtime decides and not
// the age of a request, because SyftBox does not watch the directory again when its sender
// comes back, until it is restarted. [cleanup-senders]
func (s *sweep) removeUnused(f folder) bool {
	if !f.removable || f.entries > 0 || !s.isOld(f.modified) || s.IsEndpoint != nil && s.IsEndpoint(f.dir) {
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
		remove = func(dir string) error { return protocol.RemoveKept(s.root, dir) }
	}
	if err := remove(f.dir); err != nil {
		s.failed(f.dir, err)
		return false
	}
	return true
}
