package script

import (
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A watch scans a folder repeatedly and adds its changes to a timeline.
type watch struct {
	dir      string
	timeline *timeline
	observer observer   // nil if it sees the changes by itself
	mu       sync.Mutex // guards known
	known    map[string]fileState
	stop     chan struct{} // closed to end the watch
	ended    chan struct{} // closed when it has ended
}

// A fileState is the state of a file in a scan.
type fileState struct {
	size     int64 // -1 if it is not a regular file
	modified time.Time
}

// The pause between two scans is short enough to see most temporary files, and long enough
// to leave the processor to the server.
const (
	minWatchPause = 2 * time.Millisecond
	watchFactor   = 10 // the pause is at least so many times as long as the scan
)

// startWatch scans a folder, which need not exist, and starts a goroutine that watches it
// until [watch.end]. If silent, the files of the first scan are not added to the timeline.
func startWatch(dir string, timeline *timeline, observer observer, silent bool) *watch {
	w := &watch{dir: dir, timeline: timeline, observer: observer, stop: make(chan struct{}), ended: make(chan struct{})}
	if silent {
		w.known = w.list()
	} else {
		w.scan()
	}
	go w.run()
	return w
}

func (w *watch) run() {
	defer close(w.ended)
	for {
		began := time.Now()
		w.scan()
		rest := time.NewTimer(max(minWatchPause, watchFactor*time.Since(began)))
		select {
		case <-rest.C:
		case <-w.stop:
			rest.Stop()
			w.scan()
			return
		}
	}
}

// end ends the watch after a last scan. It may be called once.
func (w *watch) end() {
	close(w.stop)
	<-w.ended
}

// scan adds the changes since the last scan to the timeline, sorted by name. It may be
// called concurrently.
func (w *watch) scan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.observer == nil && w.timeline.isFull() {
		return // of tens of thousands of files a scan takes a while
	}
	now := w.list()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		is := now[name]
		was, seen := w.known[name]
		switch {
		case !seen:
			w.timeline.add(Appeared, name, is.size)
			w.observe(name)
		case is.size != was.size || !is.modified.Equal(was.modified):
			w.timeline.add(Modified, name, is.size)
			w.observe(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.known)) {
		if _, there := now[name]; !there {
			w.timeline.add(Vanished, name, w.known[name].size)
			if w.observer != nil {
				w.observer.forget(name, false)
			}
		}
	}
	w.known = now
}

// observe shows the observer a file that appeared or was modified.
func (w *watch) observe(name string) {
	if w.observer != nil {
		w.observer.look(name)
		w.observer.confirm()
	}
}

// list returns the state of each file. A folder that cannot be read counts as empty.
func (w *watch) list() map[string]fileState {
	seen := make(map[string]fileState, len(w.known))
	w.listFolder("", seen)
	return seen
}

func (w *watch) listFolder(rel string, seen map[string]fileState) {
	entries, err := readDir(filepath.Join(w.dir, filepath.FromSlash(rel)))
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := path.Join(rel, entry.Name())
		if entry.IsDir() {
			w.listFolder(name, seen)
		}
		if !isMessage(entry) {
			continue
		}
		if info, err := entry.Info(); err == nil {
			seen[name] = stateOf(info)
		}
	}
}

// isMessage reports whether a file belongs in the timeline. Folders do only if they have
// the name of a request or a response, and the files that keep folders do not.
func isMessage(entry fs.DirEntry) bool {
	suffix := path.Ext(entry.Name())
	if entry.IsDir() {
		return suffix == ".request" || suffix == ".response"
	}
	return !strings.HasPrefix(entry.Name(), ".syftkeep")
}

func stateOf(info fs.FileInfo) fileState {
	if !info.Mode().IsRegular() {
		return fileState{size: -1}
	}
	return fileState{info.Size(), info.ModTime()}
}
