package watch

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// An instant is a time of the process's monotonic clock, in nanoseconds. 0 means none.
type instant int64

func (w *Watcher) now() instant { return instant(time.Since(w.began)) + 1 }

func (i instant) add(d time.Duration) instant { return i + instant(d) }
func (i instant) sub(j instant) time.Duration { return time.Duration(i - j) }

// A version is what a scan sees of a file. The zero version is that of a missing file.
type version struct {
	exists   bool
	size     int64
	modified int64 // in nanoseconds
}

func versionOf(s rootfs.FileState) version {
	if s.Kind != rootfs.Regular {
		return version{}
	}
	return version{true, s.Size, s.Modified}
}

// A file is a watched file that exists or that a handler has seen. Its directory and its name
// never change.
type file struct {
	dir        *directory
	name       string
	seen       version // by the last check
	known      bool    // it was checked: seen is not that of an earlier process
	pending    bool    // it is in site.pending
	since      instant // when seen was first seen
	checked    instant // when seen was last seen
	deliveries []delivery
}

// path returns the path below the directory of all datasites.
func (f *file) path() string { return f.dir.name + "/" + f.name }

// A delivery is what one handler knows about a file.
type delivery struct {
	watch    int
	done     version // the version that the handler has seen
	inFlight bool    // queued or running
	attempts int     // of the current version, that failed
	retry    instant // when the next attempt is due
}

// A directory is one that may contain watched files, or has contained some.
type directory struct {
	site     *site
	name     string // with slashes
	depth    int
	linked   bool         // it is reachable from the top, so that scans visit it
	lost     bool         // it no longer exists
	children []*directory // that are linked
	files    map[string]*file

	stamp      rootfs.Stamp
	since      instant // when the stamp was first seen
	listed     instant // when the last listing began; 0 if it must be listed
	left       int     // names of the last listing that exceed a limit
	distrusted bool    // its stamp did not show a change
}

// A site is a datasite.
type site struct {
	name    string
	top     *directory
	pending map[*file]struct{} // whose handlers have not all seen them, and unsettled ones
	files   int
	folders int

	next [kinds]instant       // when a scan of the kind is due
	cost [kinds]time.Duration // of the last two, the smaller
	last [kinds]time.Duration // of the last one
	fail int                  // paths that the last full scan could not read
}

// A kind of scan includes those before it.
const (
	quick = iota // directories that have changed, and pending files
	stats        // all files
	full         // all directories, whatever their stamps
	kinds
)
