package lease

import (
	"bytes"
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
	looks   int
	version int // changes with the holders that are alive, and with what they say
}

// A sighting is what is known of one lease.
type sighting struct {
	beat    Beat          // Name is "" before it was read
	bad     []byte        // the last content that was malformed
	silent  time.Duration // how long looks have found no change
	since   time.Time     // what silent counts from next
	changed int           // how often a change was found
	alive   bool
	missing bool
	absent  int  // consecutive looks, since it was dead, that have not found its file
	gone    bool // its process seems to have ended
	hidden  bool // that is wrong: the heartbeat has changed since
}

// NewObserver returns an Observer of all leases but those whose base is own.
func NewObserver(dir Dir, timeout time.Duration, own string) *Observer {
	return &Observer{dir: dir, timeout: timeout, own: own, seen: map[string]*sighting{}}
}

// deadLooks is the number of looks between two at a holder that is dead: it may only have been
// cut off.
const deadLooks = 10

// absentLooks is the number of those after which a lease without a heartbeat is forgotten: who
// leads has removed it. A claim of its holder that is found after that waits for the timeout again.
const absentLooks = 60

// Look reads all heartbeats. It returns an error if they could not be listed; those that are
// known were read then.
func (o *Observer) Look(now time.Time) error {
	names, err := o.dir.names()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	began := time.Now()
	at := func() time.Time { return now.Add(time.Since(began)) } // a look may take long
	o.mu.Lock()
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
		before := at()
		beat, readErr := o.dir.read(name)
		after := at()
		gone := readErr == nil && isGone(beat.Process)
		o.mu.Lock()
		if s := o.seen[name]; s != nil { // not dropped meanwhile
			o.saw(s, beat, readErr, gone, before, after)
			if s.absent >= absentLooks {
				o.drop(name)
			}
		}
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

// saw notes what a look at a heartbeat has found, which was read between two moments. o.mu is
// held.
func (o *Observer) saw(s *sighting, beat Beat, err error, gone bool, before, after time.Time) {
	was := *s
	s.missing = errors.Is(err, fs.ErrNotExist)
	s.since = after
	var malformed *malformedError
	switch {
	case err == nil && (beat.Sequence > s.beat.Sequence || s.beat.Name == ""):
		if s.beat.Name != "" {
			s.changed++
			// As in the clone of a virtual machine, or with the /proc of other processes.
			s.hidden = s.hidden || s.gone
		}
		s.beat, s.silent = beat, 0
		s.alive = beat.State != Stopped
	case errors.As(err, &malformed) && !bytes.Equal(malformed.data, s.bad):
		s.bad, s.silent = malformed.data, 0 // something writes it
	case err == nil || s.missing || malformed != nil:
		if !was.since.IsZero() {
			s.since = before
			// A look that comes late, because this process was suspended, must not make others
			// silent.
			s.silent += min(max(before.Sub(was.since), 0), o.timeout/minRenewals)
		}
	}
	if s.absent++; !s.missing || was.alive {
		s.absent = 0
	}
	s.gone = gone
	// A process that is there renews its lease meanwhile.
	ended := gone && !s.hidden && s.silent >= IntervalOf(o.timeout)*3/4
	if s.silent >= o.timeout || ended {
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

// Version returns a number that changes when other holders begin, end, are dropped or change what
// they say of themselves, apart from figures.
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
	o.drop(name)
}

// drop is Drop. o.mu is held.
func (o *Observer) drop(name string) {
	delete(o.seen, name)
	o.version++
}
