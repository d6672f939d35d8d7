package watch

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

const (
	// maxPath is the length in bytes of the longest path that is watched.
	maxPath = 1024

	// A change after a listing may leave a directory's stamp as it is for racyWindow, or for
	// fineWindow if the file system stores fractions of a millisecond: package spool has the
	// reasons. A stamp that is older than oldStamp vouches for the first listing already.
	racyWindow = 2 * time.Second
	fineWindow = 50 * time.Millisecond
	oldStamp   = time.Minute
)

// walk scans a directory and those in it. It returns false if the directory no longer exists.
func (w *Watcher) walk(d *directory, kind int) bool {
	if !w.breathe() {
		return true
	}
	now := w.now()
	stamp, err := w.files.stamp(w.lister.Anchor, w.options.Dir, w.cname(d.name, ""))
	switch {
	case isMissing(err):
		w.lost(d)
		return false
	case err != nil:
		w.failed(d, kind, err)
		return true
	}
	skips := w.skips(d, stamp)
	w.note(d, stamp, now)
	if kind == full || !skips {
		if !w.trusted && kind == full {
			// NFSv3 keeps a listing as long as the directory's mtime is the same, even if the listing
			// lacks a change within one tick of the server's clock.
			w.files.touch(w.lister.Root, d.name)
		}
		exceeded := d.left > 0
		found, err := w.list(d, now)
		if isMissing(err) {
			w.lost(d)
			return false
		}
		if err != nil {
			w.failed(d, kind, err)
			return true
		}
		w.trouble(d.name, nil)
		if found && skips && !exceeded {
			// Unless the change was just now, the stamp does not show changes.
			again, err := w.files.stamp(w.lister.Anchor, w.options.Dir, w.cname(d.name, ""))
			d.distrusted = err == nil && again == stamp
		}
		w.checkAll(d)
	} else if kind == stats {
		w.checkAll(d)
	}
	d.children = slices.DeleteFunc(d.children, func(child *directory) bool { return !w.walk(child, kind) })
	return true
}

// skips reports whether a directory with the stamp has no names that its last listing did
// not show.
func (w *Watcher) skips(d *directory, stamp rootfs.Stamp) bool {
	window := racyWindow
	if stamp.Modified%int64(time.Millisecond) != 0 {
		window = fineWindow
	}
	return w.trusted && !d.distrusted && d.listed != 0 && stamp == d.stamp && d.listed.sub(d.since) >= window
}

// note notes the stamp of a directory.
func (w *Watcher) note(d *directory, stamp rootfs.Stamp, now instant) {
	if stamp == d.stamp && d.since != 0 {
		return
	}
	d.stamp, d.since = stamp, now
	if w.trusted && max(stamp.Modified, stamp.Changed) <= time.Now().Add(-oldStamp).UnixNano() {
		d.since = now.add(-oldStamp)
	}
}

// failed notes that a directory could not be read. What is known about its files stays.
func (w *Watcher) failed(d *directory, kind int, err error) {
	if kind == full {
		d.site.fail++
	}
	d.listed = 0
	w.trouble(d.name, err)
}

// isMissing reports whether an error means that a name does not exist or is that of another
// kind of file.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

// lost unlinks a directory that no longer exists, and those in it.
func (w *Watcher) lost(d *directory) {
	w.trouble(d.name, nil)
	for _, child := range d.children {
		w.lost(child)
	}
	d.children, d.linked, d.lost, d.listed = nil, false, true, 0
	w.setLeft(d, 0)
	w.checkAll(d)
	w.forgetDirectory(d)
}

// forgetDirectory forgets a directory that neither exists nor has files.
func (w *Watcher) forgetDirectory(d *directory) {
	if !d.linked && len(d.files) == 0 && w.directories[d.name] == d {
		delete(w.directories, d.name)
		d.site.folders--
		if d.site.top == d {
			d.site.top = nil
		}
	}
}

func (w *Watcher) setLeft(d *directory, left int) {
	w.left += left - d.left
	d.left = left
}

// list adds the names in a directory that are not known. It reports whether there were any.
func (w *Watcher) list(d *directory, now instant) (found bool, err error) {
	states := w.states(d.name)
	w.lister.Listing.Skip = func(name []byte, kind rootfs.Kind) bool { return !w.wants(d, states, name, kind) }
	left := 0
	err = w.files.list(w.lister, d.name, func(err error) error {
		if err != nil {
			return err
		}
		for _, e := range w.lister.Listing.Entries {
			name, kind := w.lister.Listing.Name(e), e.Kind
			if _, known := d.files[string(name)]; known && kind != rootfs.Directory {
				continue
			}
			if kind == rootfs.Unknown {
				state, err := w.files.state(w.lister.Anchor, w.options.Dir, w.cname(d.name, string(name)))
				if kind = state.Kind; err != nil || !w.wants(d, states, name, kind) {
					continue
				}
			}
			if !w.breathe() {
				break
			}
			switch added, room := w.add(d, states, string(name), kind); {
			case !room:
				left++
			case added:
				found = true
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	w.setLeft(d, left)
	if !w.isStopping() {
		d.listed = now
	}
	return found, nil
}

// states returns the state of each pattern after a path.
func (w *Watcher) states(path string) []state {
	states := make([]state, len(w.options.Watches))
	for i, watch := range w.options.Watches {
		states[i] = watch.Pattern.start()
		for name := range strings.SplitSeq(path, "/") {
			states[i] = watch.Pattern.step(states[i], name)
		}
	}
	return states
}

// wants reports whether a name in a directory is that of a file that matches a pattern, or of a
// directory that may contain one.
func (w *Watcher) wants(d *directory, states []state, name []byte, kind rootfs.Kind) bool {
	if kind == rootfs.Other || protocol.IsUnsynced(name, kind == rootfs.Directory) || !isPlain(name) {
		return false
	}
	for i, watch := range w.options.Watches {
		next := watch.Pattern.step(states[i], string(name))
		if kind != rootfs.Directory && watch.Pattern.matches(next) || kind != rootfs.Regular && watch.Pattern.continues(next) {
			return true
		}
	}
	return false
}

// isPlain reports whether a name has no characters that could harm the log or be taken for
// others: control characters, invalid UTF-8, and the backslash, which SyftBox turns into a slash.
func isPlain(name []byte) bool {
	return utf8.Valid(name) && !bytes.ContainsFunc(name, func(r rune) bool { return isControl(r) || r == '\\' })
}

// add adds a name in a directory unless it is known. room is false if a limit is reached.
func (w *Watcher) add(d *directory, states []state, name string, kind rootfs.Kind) (added, room bool) {
	path := d.name + "/" + name
	if len(path) > maxPath {
		return false, false
	}
	if kind == rootfs.Directory {
		child := w.directories[path]
		if child == nil || !child.linked {
			if d.depth >= rootfs.MaxDepth {
				return false, false
			}
			if child = w.directory(d.site, path); child == nil {
				return false, false
			}
			child.linked, child.lost = true, false
			d.children = append(d.children, child)
			return true, true
		}
		return false, true
	}
	var watches []int
	for i, watch := range w.options.Watches {
		if watch.Pattern.matches(watch.Pattern.step(states[i], name)) {
			watches = append(watches, i)
		}
	}
	return true, w.newFile(d, name, watches) != nil
}

// newFile adds a file that was never checked. It returns nil if a limit leaves no room.
func (w *Watcher) newFile(d *directory, name string, watches []int) *file {
	if w.count >= w.options.Limits.Files || d.site.files >= w.limit(d.site) {
		return nil
	}
	f := &file{dir: d, name: name, deliveries: make([]delivery, len(watches))}
	for i, watch := range watches {
		f.deliveries[i].watch = watch
	}
	d.files[name] = f
	d.site.files++
	w.count++
	return f
}

// forget forgets a file that neither exists nor was seen by a handler.
func (w *Watcher) forget(f *file) {
	d := f.dir
	delete(d.site.pending, f)
	if d.files[f.name] != f {
		return
	}
	delete(d.files, f.name)
	d.site.files--
	w.count--
	w.forgetDirectory(d)
}
