package script

import (
	"fmt"
	"sync"
	"time"
)

// A Change is the kind of an [Event].
type Change string

// The kinds of events.
const (
	Commanded Change = "command" // a command began
	Appeared  Change = "appear"  // a file appeared
	Modified  Change = "modify"  // a file's size or modification time changed
	Vanished  Change = "vanish"  // a file disappeared
	Omitted   Change = "omit"    // further events were not recorded
)

// An Event is one event of a scenario's timeline.
type Event struct {
	// At is the time since the scenario began.
	At     time.Duration
	Change Change
	// What is the command, the path of the file below "rpc" with slashes, or the number of
	// events that were not recorded.
	What string
	// Size is the size of the file in bytes, -1 if there is no regular file.
	Size int64
}

// maxEvents is the number of events that a timeline records. It counts the rest.
const maxEvents = 2000

// A timeline records the events of a scenario in order. Its methods may be called
// concurrently.
type timeline struct {
	began time.Time

	mu      sync.Mutex
	events  []Event
	omitted int
}

// add records an event that happens now.
func (t *timeline) add(change Change, what string, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.events) == maxEvents {
		t.omitted++
		return
	}
	t.events = append(t.events, Event{At: time.Since(t.began), Change: change, What: what, Size: size})
}

// isFull reports whether further events are only counted.
func (t *timeline) isFull() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.omitted > 0
}

// all returns the events so far.
func (t *timeline) all() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	events := append([]Event(nil), t.events...)
	if t.omitted > 0 {
		what := fmt.Sprintf("at least %d more events are left out", t.omitted)
		events = append(events, Event{At: time.Since(t.began), Change: Omitted, What: what, Size: -1})
	}
	return events
}
