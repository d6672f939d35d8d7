package script

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// mostEvents is how many events are kept of a scenario; the rest is counted.
const mostEvents = 2000

// A story is what happens in a scenario, in the order of time. Its methods may be
// called concurrently.
type story struct {
	began time.Time

	mu      sync.Mutex
	events  []Event
	leftOut int
}

// tell adds an event that happens now.
func (s *story) tell(change Change, what string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == mostEvents {
		s.leftOut++
		return
	}
	s.events = append(s.events, Event{At: time.Since(s.began), Change: change, What: what, Size: size})
}

// all returns the events so far.
func (s *story) all() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := append([]Event(nil), s.events...)
	if s.leftOut > 0 {
		what := fmt.Sprintf("%d more events are left out", s.leftOut)
		events = append(events, Event{At: time.Since(s.began), Change: Omitted, What: what, Size: -1})
	}
	return events
}

// A watch looks at a folder again and again and tells what has changed in it.
type watch struct {
	dir   string
	story *story
	mu    sync.Mutex // of known
	known map[string]sighting
	stop  chan struct{} // closed to end it
	ended chan struct{} // closed when it has
}

// A sighting is what was seen of a file.
type sighting struct {
	size     int64 // -1 if it is no file
	modified time.Time
}

// The pace of a watch: it must neither miss what lasts for milliseconds nor take a
// processor from the server.
const (
	watchPause = 2 * time.Millisecond
	watchShare = 10 // it rests so many times longer than it looks
)

// startWatch begins to watch a folder, which need not be there, with a first look.
// If silent, what that finds is not told. The watch has a goroutine, which
// [watch.end] ends.
func startWatch(dir string, story *story, silent bool) *watch {
	w := &watch{dir: dir, story: story, stop: make(chan struct{}), ended: make(chan struct{})}
	if silent {
		w.known = w.sight()
	} else {
		w.look()
	}
	go w.run()
	return w
}

func (w *watch) run() {
	defer close(w.ended)
	for {
		began := time.Now()
		w.look()
		rest := time.NewTimer(max(watchPause, watchShare*time.Since(began)))
		select {
		case <-rest.C:
		case <-w.stop:
			rest.Stop()
			w.look()
			return
		}
	}
}

// end ends the watch with a last look. It may be called once.
func (w *watch) end() {
	close(w.stop)
	<-w.ended
}

// look tells what has changed since the last look, in the order of the names. It may
// be called concurrently.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.sight()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		is := now[name]
		was, seen := w.known[name]
		switch {
		case !seen:
			w.story.tell(Appeared, name, is.size)
		case is.size != was.size || !is.modified.Equal(was.modified):
			w.story.tell(Modified, name, is.size)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.known)) {
		if _, there := now[name]; !there {
			w.story.tell(Vanished, name, w.known[name].size)
		}
	}
	w.known = now
}

// sight lists what there is. A folder of which the content cannot be read has none.
func (w *watch) sight() map[string]sighting {
	seen := make(map[string]sighting, len(w.known))
	w.sightFolder("", seen)
	return seen
}

func (w *watch) sightFolder(rel string, seen map[string]sighting) {
	entries, err := os.ReadDir(filepath.Join(w.dir, filepath.FromSlash(rel)))
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := path.Join(rel, entry.Name())
		if entry.IsDir() {
			w.sightFolder(name, seen)
		}
		if !isTold(entry) {
			continue
		}
		if info, err := entry.Info(); err == nil {
			seen[name] = sightingOf(info)
		}
	}
}

// isTold reports whether a file belongs into the story. Folders do not, unless they
// are in the place of a request or a response, nor do the files that keep them.
func isTold(entry fs.DirEntry) bool {
	suffix := path.Ext(entry.Name())
	if entry.IsDir() {
		return suffix == ".request" || suffix == ".response"
	}
	return !strings.HasPrefix(entry.Name(), ".syftkeep")
}

func sightingOf(info fs.FileInfo) sighting {
	if !info.Mode().IsRegular() {
		return sighting{size: -1}
	}
	return sighting{info.Size(), info.ModTime()}
}
