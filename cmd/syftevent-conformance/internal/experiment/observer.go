package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Sighting is a period in which a person had a file or a directory.
type Sighting struct {
	Who string
	// Key is the slash-separated path below "datasites".
	Key string
	Dir bool
	// Mode and Size are those of the first sight. SyftBox gives files mode 0600 if they
	// arrive by the fast path, and 0644 if they arrive by full synchronization.
	Mode fs.FileMode
	Size int64
	// From is when it was first seen, Until when it was gone or replaced. Until is zero
	// while it is there.
	From, Until time.Time
}

// Present reports whether the file is still there.
func (s Sighting) Present() bool { return s.Until.IsZero() }

// Way returns how a file of another person arrived.
func (s Sighting) Way() Way {
	switch s.Mode.Perm() {
	case 0o600:
		return Fast
	case 0o644:
		return FullSync
	}
	return Way(fmt.Sprintf("mode %v", s.Mode.Perm()))
}

// A Way is one of the two ways in which SyftBox delivers a file.
type Way string

const (
	// Fast is the WebSocket path, which takes about 50 ms.
	Fast Way = "fast path"
	// FullSync is the full synchronization, which runs every 5 s.
	FullSync Way = "full synchronization"
)

// An Observer records who has which files of one directory, and when. It polls the
// replicas, so it misses files that appear and vanish between two polls. Its methods may
// be called concurrently.
type Observer struct {
	roots    map[string]string // datasites directory by person
	dir      string            // slash-separated path below datasites
	interval time.Duration

	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	present map[string]int // index in seen, by person and key
	seen    []Sighting
	polls   int
	err     error
}

// observe starts to poll a directory in several replicas. Its goroutine ends with Close.
func observe(roots map[string]string, dir string, interval time.Duration) *Observer {
	o := newObserver(roots, dir, interval)
	go func() {
		defer close(o.stopped)
		for {
			began := time.Now()
			o.poll()
			// A large directory must not use a whole core.
			pause := max(o.interval, 10*time.Since(began))
			select {
			case <-time.After(pause):
			case <-o.stop:
				return
			}
		}
	}()
	return o
}

func newObserver(roots map[string]string, dir string, interval time.Duration) *Observer {
	return &Observer{
		roots: roots, dir: dir, interval: interval,
		stop: make(chan struct{}), stopped: make(chan struct{}), present: map[string]int{},
	}
}

// Close stops the polling.
func (o *Observer) Close() {
	close(o.stop)
	<-o.stopped
}

// poll scans every replica once.
func (o *Observer) poll() {
	type found struct {
		key  string
		info fs.FileInfo
	}
	for who, root := range o.roots {
		var here []found
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(o.dir)), func(path string, d fs.DirEntry, err error) error {
			var info fs.FileInfo
			if err == nil {
				info, err = d.Info()
			}
			switch {
			case errors.Is(err, fs.ErrNotExist): // removed meanwhile
				return nil
			case err != nil:
				return err
			}
			key := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
			here = append(here, found{key, info})
			return nil
		})
		now := time.Now()
		o.mu.Lock()
		if err != nil && o.err == nil {
			o.err = err
		}
		there := map[string]bool{}
		for _, f := range here {
			id := who + "\x00" + f.key
			there[id] = true
			i, known := o.present[id]
			mode, size := f.info.Mode(), f.info.Size()
			if f.info.IsDir() {
				size = 0
			}
			if known && o.seen[i].Mode == mode && o.seen[i].Size == size {
				continue
			}
			if known {
				o.seen[i].Until = now
			}
			o.present[id] = len(o.seen)
			o.seen = append(o.seen, Sighting{Who: who, Key: f.key, Dir: f.info.IsDir(), Mode: mode, Size: size, From: now})
		}
		for id, i := range o.present {
			if o.seen[i].Who == who && !there[id] {
				o.seen[i].Until = now
				delete(o.present, id)
			}
		}
		o.mu.Unlock()
	}
	o.mu.Lock()
	o.polls++
	o.mu.Unlock()
}

// Of returns the sightings of a person's file or directory, in order.
func (o *Observer) Of(who, key string) []Sighting {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []Sighting
	for _, s := range o.seen {
		if s.Who == who && s.Key == key {
			found = append(found, s)
		}
	}
	return found
}

// Has returns the current sighting of a person's file or directory, if any.
func (o *Observer) Has(who, key string) (Sighting, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, ok := o.present[who+"\x00"+key]
	if !ok {
		return Sighting{}, false
	}
	return o.seen[i], true
}

// Files returns the keys of a person's current files that have the prefix and the suffix,
// sorted.
func (o *Observer) Files(who, prefix, suffix string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var keys []string
	for _, i := range o.present {
		if s := o.seen[i]; s.Who == who && !s.Dir && strings.HasPrefix(s.Key, prefix) && strings.HasSuffix(s.Key, suffix) {
			keys = append(keys, s.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Timeline returns all sightings of files, with a line for each event.
func (o *Observer) Timeline() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	type event struct {
		at   time.Time
		text string
	}
	var events []event
	for _, s := range o.seen {
		if s.Dir {
			continue
		}
		name := strings.TrimPrefix(s.Key, o.dir+"/")
		events = append(events, event{s.From, fmt.Sprintf("%-18s has   %q %v %d bytes", s.Who, name, s.Mode.Perm(), s.Size)})
		if !s.Present() {
			events = append(events, event{s.Until, fmt.Sprintf("%-18s lacks %q", s.Who, name)})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	var out strings.Builder
	for _, e := range events {
		fmt.Fprintf(&out, "%8.3f %s\n", e.at.Sub(events[0].at).Seconds(), e.text)
	}
	return out.String()
}

// writeTimeline writes the timeline to timeline.txt.
func (o *Observer) writeTimeline(dir string) error {
	return os.WriteFile(filepath.Join(dir, "timeline.txt"), []byte(o.Timeline()), 0o644)
}

// All returns all sightings of a person's files and directories, in order.
func (o *Observer) All(who string) []Sighting {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []Sighting
	for _, s := range o.seen {
		if s.Who == who {
			found = append(found, s)
		}
	}
	return found
}
