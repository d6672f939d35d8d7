package lease

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"
)

// An Observer observes the leases of others. Look must not be called concurrently; the other
// methods may be.
type Observer struct {
	dir     Dir
	timeout time.Duration
	own     string // the base of the leases that are not observed

	mu      sync.Mutex
	seen    map[string]*sighting
	looked  time.Time // the last look
	looks   int
	version int // changes with the holders that are alive, and with what they say
}

// A sighting is what is known of one lease.
type sighting struct {
	beat    Beat          // Name is "" before it was read
	silent  time.Duration // how long looks have found no change
	changed int           // how often one was found
	alive   bool
	missing bool
}

// NewObserver returns an Observer of all leases but those whose base is own.
func NewObserver(dir Dir, timeout time.Duration, own string) *Observer {
	return &Observer{dir: dir, timeout: timeout, own: own, seen: map[string]*sighting{}}
}

// deadLooks is the number of looks between two at a holder that is dead: it may only have been
// cut off.
const deadLooks = 10

// Look reads all heartbeats. It returns an error if they could not be listed; those that are
// known were read then.
func (o *Observer) Look(now time.Time) error {
	names, err := o.dir.names()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	o.mu.Lock()
	// A look that comes late, because this process was suspended, must not make others silent.
	step := min(now.Sub(o.looked), o.timeout/minRenewals)
	if o.looked.IsZero() {
		step = 0
	}
	o.looked = now
	o.looks++
	for _, name := range names {
		o.sight(name)
	}
	var due []string
	for name, s := range o.seen {
		if s.alive || o.looks%deadLooks == 0 {
			due = append(due, name)
		}
	}
	o.mu.Unlock()
	for _, name := range due {
		beat, readErr := o.dir.read(name)
		gone := readErr == nil && isGone(beat.Process)
		o.mu.Lock()
		o.saw(o.seen[name], beat, readErr, gone, step)
		o.mu.Unlock()
	}
	return err
}

// sight begins to observe a name. o.mu is held.
func (o *Observer) sight(name string) *sighting {
	s := o.seen[name]
	if s == nil && Base(name) != o.own {
		s = &sighting{alive: true}
		o.seen[name] = s
		o.version++
	}
	return s
}

// saw notes what a look at a heartbeat has found. o.mu is held.
func (o *Observer) saw(s *sighting, beat Beat, err error, gone bool, step time.Duration) {
	was := *s
	s.missing = errors.Is(err, fs.ErrNotExist)
	switch {
	case err == nil && (beat.Sequence > s.beat.Sequence || s.beat.Name == ""):
		if s.beat.Name != "" {
			s.changed++
		}
		s.beat, s.silent = beat, 0
		s.alive = beat.State != Stopped
	case err == nil || s.missing:
		s.silent += step
	}
	if s.silent >= o.timeout || gone {
		s.alive = false
	}
	if s.alive != was.alive || s.beat.State != was.beat.State || s.beat.Leading != was.beat.Leading ||
		!slices.Equal(s.beat.Routes, was.beat.Routes) {
		o.version++
	}
}

// Alive reports whether the holder of a lease may be alive. One that was not known is observed
// from now on.
func (o *Observer) Alive(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.sight(name)
	return s != nil && s.alive
}

// Version returns a number that changes when other holders begin, end or change what they say of
// themselves, apart from figures.
func (o *Observer) Version() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.version
}

// An Observed is a lease of another holder.
type Observed struct {
	Beat   Beat
	Alive  bool          // it may be alive
	Proven bool          // it has renewed its lease since it was first seen
	Silent time.Duration // how long it has not
}

// All returns the leases of others whose heartbeats were read, by name.
func (o *Observer) All() []Observed {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []Observed
	for _, s := range o.seen {
		if s.beat.Name != "" {
			all = append(all, Observed{Beat: s.beat, Alive: s.alive, Proven: s.changed > 0, Silent: s.silent})
		}
	}
	slices.SortFunc(all, func(a, b Observed) int { return strings.Compare(a.Beat.Name, b.Beat.Name) })
	return all
}

// Find returns the lease of a name.
func (o *Observer) Find(name string) (Observed, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.seen[name]
	if s == nil || s.beat.Name == "" {
		return Observed{}, false
	}
	return Observed{Beat: s.beat, Alive: s.alive, Proven: s.changed > 0, Silent: s.silent}, true
}

// Drop stops to observe a lease whose heartbeat was removed.
func (o *Observer) Drop(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.seen, name)
}
