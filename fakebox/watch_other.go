//go:build !linux

package fakebox

import (
	"io/fs"
	"path/filepath"
	"time"
)

// TellsWritesFromRenames tells whether the watch of this system sees that a file
// was modified, as SyftBox's does on Linux, or only that it is another than before.
const TellsWritesFromRenames = false

// A watch tells of modified files, by looking at all of them every few
// milliseconds. It cannot tell a file that was renamed into its place from one
// that was written there: both are modified.
type watch struct {
	files map[string]fs.FileInfo
}

const watchInterval = 10 * time.Millisecond

// startWatch begins to call noticed. What is there by now is not noticed.
func (r *Replica) startWatch() error {
	r.watch.files = map[string]fs.FileInfo{}
	r.lookAround(func(string, fs.FileInfo) {})
	r.box.spawn(func() {
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				r.lookAround(func(key string, info fs.FileInfo) { r.noticed(key, info.ModTime()) })
			case <-r.box.ctx.Done():
				return
			}
		}
	})
	return nil
}

func (r *Replica) closeWatch() error { return nil }

func (r *Replica) lookAround(changed func(string, fs.FileInfo)) {
	files := map[string]fs.FileInfo{}
	filepath.WalkDir(r.Datasites(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !isMessage(name) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		key := r.keyOf(name)
		files[key] = info
		if before, ok := r.watch.files[key]; !ok || !unchanged(before, info) {
			changed(key, info)
		}
		return nil
	})
	r.watch.files = files
}
