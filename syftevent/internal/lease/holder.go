package lease

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// A Holder holds the lease of this process. Renew, Stop and SetState must not be called
// concurrently; the other methods may be.
type Holder struct {
	dir      Dir
	timeout  time.Duration
	base     string
	describe func(*Beat)
	// suspended returns for how long the machine has been suspended, see [Instant].
	suspended func() time.Duration

	mu      sync.Mutex
	beat    Beat
	count   int // of leases
	current *Lease
	lapses  int
}

// A Lease is one lease of a Holder.
type Lease struct {
	// Name is the name of the lease. It is in the claims that are made under it.
	Name string

	holder  *Holder
	timeout time.Duration
	mu      sync.Mutex
	renewed Instant // when the last renewal began that succeeded
}

// NewHolder returns a Holder without a lease. describe, unless nil, fills in what others want to
// know, before each renewal.
func NewHolder(dir Dir, timeout time.Duration, describe func(*Beat)) *Holder {
	host, _ := os.Hostname()
	pid := os.Getpid()
	base := newName(host, pid)
	return &Holder{dir: dir, timeout: timeout, base: base, describe: describe, suspended: clockFor(dir),
		beat: Beat{State: Starting, Process: process(), Host: host, PID: pid, Started: time.Now().UTC().Truncate(time.Second)}}
}

// Renew renews the lease. If the last one has lapsed, before the heartbeat is written or meanwhile,
// it begins a new one, and others may have taken over what was claimed under the old one.
func (h *Holder) Renew() error {
	began := h.At(time.Now())
	h.mu.Lock()
	l, known := h.current, h.current != nil
	var lapsed *Lease
	if l == nil || l.age(began) >= h.timeout {
		if l != nil {
			lapsed = l
		}
		name := h.base
		if h.count > 0 {
			name = fmt.Sprintf("%s.%d", h.base, h.count+1)
		}
		l = &Lease{Name: name, holder: h, timeout: h.timeout}
	}
	h.mu.Unlock()
	if err := h.write(l); err != nil {
		return fmt.Errorf("renew lease %s: %w", l.Name, err)
	}
	if lapsed == nil && known && l.Age(time.Now()) >= h.timeout {
		// Writing took so long that others may have taken the lease for dead.
		return h.Renew()
	}
	l.mu.Lock()
	l.renewed = began
	l.mu.Unlock()
	h.mu.Lock()
	if h.current != l {
		h.current = l
		h.count++
	}
	if lapsed != nil {
		h.lapses++
	}
	h.mu.Unlock()
	if lapsed != nil {
		h.dir.Forget(lapsed.Name)
	}
	return nil
}

func (h *Holder) write(l *Lease) error {
	h.mu.Lock()
	h.beat.Name = l.Name
	h.beat.Sequence++
	beat := h.beat
	h.mu.Unlock()
	if h.describe != nil {
		h.describe(&beat)
	}
	return h.dir.write(&beat)
}

// SetState sets the state that the next renewals show.
func (h *Holder) SetState(state State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beat.State = state
}

// Stop ends the lease: its claims may be taken over at once. The heartbeat stays, to say so.
func (h *Holder) Stop() error {
	h.SetState(Stopped)
	h.mu.Lock()
	l := h.current
	h.mu.Unlock()
	if l == nil {
		return nil
	}
	err := h.write(l)
	l.mu.Lock()
	l.renewed = Instant{}
	l.mu.Unlock()
	return err
}

// Current returns the current lease, nil before the first renewal.
func (h *Holder) Current() *Lease {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current
}

// At returns a moment, which must be time.Now, as an Instant.
func (h *Holder) At(now time.Time) Instant { return Instant{now, h.suspended()} }

// Base returns the name of the first lease.
func (h *Holder) Base() string { return h.base }

// Lapses returns how often a lease has lapsed.
func (h *Holder) Lapses() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lapses
}

// Age returns the time since the last renewal began.
func (l *Lease) Age(now time.Time) time.Duration { return l.age(l.holder.At(now)) }

func (l *Lease) age(now Instant) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.renewed)
}

// Fresh reports whether the holder may begin something under the lease. It is false half a
// timeout after the last renewal, long before an observer takes the holder for dead: what it
// has begun is visible to others by then. Ask after a claim was made, too: the process may
// have been suspended meanwhile.
func (l *Lease) Fresh(now time.Time) bool { return l.Age(now) < l.timeout/2 }
