//go:build !linux

package fakebox

import (
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// TellsWritesFromRenames tells whether the watch of this system sees that a file
// was modified, as SyftBox's does on Linux, or only that it is another than before.
const TellsWritesFromRenames = false

// A watch tells of modified files, by looking at all of them every few
// milliseconds. It cannot tell a file that was renamed into its place from one
// that was written there: both are modified. All folders are watched, always.
type watch struct {
	mu    sync.Mutex
	files map[string]fs.FileInfo // nil unless it runs
}

const watchInterval = 10 * time.Millisecond

// startWatch begins to call noticed. What is there by now is not noticed.
func (r *Replica) startWatch() error {
	r.watch.mu.Lock()
	r.watch.files, _ = r.lookAround()
	r.watch.mu.Unlock()
	s := r.current()
	s.background(func() {
		// By the clock of the machine, on which applications write.
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				r.drain()
			case <-s.ctx.Done():
				return
			}
		}
	})
	return nil
}

func (r *Replica) closeWatch() error {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	r.watch.files = nil
	return nil
}

// drain tells of all that was modified until now, in the order of the files' times.
func (r *Replica) drain() {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	if r.watch.files == nil {
		return
	}
	files, changed := r.lookAround()
	r.watch.files = files
	slices.SortStableFunc(changed, func(a, b string) int { return files[a].ModTime().Compare(files[b].ModTime()) })
	for _, key := range changed {
		r.noticed(key, files[key].ModTime())
	}
}

// lookAround returns all files, and the paths of those that are other than before.
func (r *Replica) lookAround() (files map[string]fs.FileInfo, changed []string) {
	files = map[string]fs.FileInfo{}
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
			changed = append(changed, key)
		}
		return nil
	})
	return files, changed
}
