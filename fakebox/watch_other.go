//go:build !linux

package fakebox

import (
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// DistinguishesRenames reports whether the watch of this system distinguishes a write
// from a rename, as SyftBox does on Linux. Otherwise it only detects that a file differs.
const DistinguishesRenames = false

// A watch reports modified requests and responses, by polling. It cannot distinguish a
// write from a rename, and watches all folders at all times.
type watch struct {
	sim      *simulation
	tree     *tree
	modified func(key string, at time.Time)

	mu    sync.Mutex             // guards files; held by drain, so that reports are in order
	files map[string]fs.FileInfo // as of the last scan; nil while the watch is stopped
}

const watchInterval = 10 * time.Millisecond

func newWatch(sim *simulation, t *tree, modified func(key string, at time.Time)) *watch {
	return &watch{sim: sim, tree: t, modified: modified}
}

// start begins to report modifications of the files that exist now or later.
func (w *watch) start(s *session) error {
	w.mu.Lock()
	w.files, _ = w.scan()
	w.mu.Unlock()
	s.background(func() {
		// In real time: applications do not follow the network's clock.
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.drain()
			case <-s.ctx.Done():
				return
			}
		}
	})
	return nil
}

func (w *watch) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = nil
	return nil
}

// drain reports all earlier modifications, in the order of the files' times.
func (w *watch) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.files == nil {
		return
	}
	files, changed := w.scan()
	w.files = files
	slices.SortStableFunc(changed, func(a, b string) int { return files[a].ModTime().Compare(files[b].ModTime()) })
	for _, key := range changed {
		w.modified(key, files[key].ModTime())
	}
}

// scan returns all files, and the keys of those that differ from the last scan. The
// caller holds mu.
func (w *watch) scan() (files map[string]fs.FileInfo, changed []string) {
	files = map[string]fs.FileInfo{}
	filepath.WalkDir(w.tree.datasites(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !isMessage(name) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		key := w.tree.keyOf(name)
		files[key] = info
		if before, ok := w.files[key]; !ok || !unchanged(before, info) {
			changed = append(changed, key)
		}
		return nil
	})
	return files, changed
}
