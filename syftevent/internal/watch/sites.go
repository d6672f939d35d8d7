package watch

import (
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// scanTop finds datasites.
func (w *Watcher) scanTop(now instant) {
	w.topCost = w.measure(func() {
		stamp, err := w.files.stamp(w.lister.Anchor, w.options.Dir, []byte(".\x00"))
		if err == nil && w.skips(w.top, stamp) && now.sub(w.top.listed) < fullEvery {
			return
		}
		w.note(w.top, stamp, now)
		w.lister.Listing.Skip = func(name []byte, kind rootfs.Kind) bool {
			return kind != rootfs.Directory && kind != rootfs.Unknown || !isDatasite(string(name))
		}
		err = w.files.list(w.lister, ".", func(err error) error {
			if err != nil {
				return err
			}
			for _, e := range w.lister.Listing.Entries {
				w.addSite(string(w.lister.Listing.Name(e)))
			}
			return nil
		})
		if err == nil {
			w.top.listed = now
		}
	})
	w.topNext = w.now().add(max(w.tick(), min(time.Duration(float64(w.topCost)/(statsShare*w.options.IdleShare)), fullEvery)))
}

// addSite adds a datasite that has a file of interest in it, or will have one.
func (w *Watcher) addSite(name string) {
	s := w.sites[name]
	if s == nil {
		if len(w.sites) >= w.options.Limits.Files || !slices.ContainsFunc(w.options.Watches, func(watch Watch) bool {
			return watch.Pattern.continues(watch.Pattern.step(watch.Pattern.start(), name))
		}) {
			return
		}
		s = w.newSite(name)
	}
	if s.top != nil && s.top.linked {
		return
	}
	if s.top = w.directory(s, name); s.top != nil {
		s.top.linked, s.top.lost = true, false
		s.next = [kinds]instant{} // at once
	}
}

func (w *Watcher) newSite(name string) *site {
	s := &site{name: name, pending: map[*file]struct{}{}}
	w.sites[name] = s
	return s
}

// limit returns the number of files, and of directories, that a datasite may have.
func (w *Watcher) limit(s *site) int {
	if s.name == w.options.Own {
		return w.options.Limits.OwnFiles
	}
	return w.options.Limits.OtherFiles
}

// directory returns a directory of a datasite. It returns nil if a limit leaves no room.
func (w *Watcher) directory(s *site, name string) *directory {
	d := w.directories[name]
	if d == nil {
		if s.folders >= w.limit(s) || len(w.directories) >= w.options.Limits.Files {
			return nil
		}
		d = &directory{site: s, name: name, depth: strings.Count(name, "/"), files: map[string]*file{}}
		w.directories[name] = d
		s.folders++
	}
	return d
}

// forgetListings makes the next scans list all directories.
func (w *Watcher) forgetListings() {
	w.top, w.topNext = &directory{name: "."}, 0
	for _, d := range w.directories {
		d.listed = 0
	}
	for _, s := range w.sites {
		s.next = [kinds]instant{}
	}
}
