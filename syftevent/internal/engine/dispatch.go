package engine

import (
	"crypto/sha256"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
)

// A work is one request on its way through the server.
type work struct {
	entry     entry
	location  location
	sum       [sha256.Size]byte // SHA-256 of its bytes, set by read
	bytes     int64             // of the budget that it holds, or waits for
	parked    bool              // it waits for bytes and is not in flight
	republish bool              // its response is being republished
	stolen    bool              // another worker is its first choice
	// lease is the one under which it was claimed, and generation that of the claim; nil and 0 for
	// none.
	lease      *lease.Lease
	generation int
	// later is when it is offered again if it was left; zero for as soon as it is found.
	later time.Time
	// handler is closed when the handler has returned. Nil if it returned before the request
	// was answered.
	handler <-chan struct{}
}

// limits bound the requests in flight.
type limits struct {
	atOnce  int   // in flight, of all senders
	reserve int   // more requests, each the only one of its sender
	bytes   int64 // of large requests
}

// perSender is the limit for one sender.
func (l limits) perSender() int { return max(1, l.atOnce/2) }

// A dispatcher runs requests in goroutines, as many as its limits allow. Adding a request
// never blocks. Senders take turns; the requests of one sender start in the order in which
// they were added, and use at most half of the goroutines. Beyond the limit, a sender with
// nothing in flight may have one request of the reserve. A sender with many or slow requests
// therefore delays nobody else.
type dispatcher struct {
	limits
	// process answers a request.
	process func(*work)
	// ended is called for each request that was answered or left.
	ended func(work)
	// crashed answers a request whose process did not return.
	crashed func(*work)
	logger  *slog.Logger

	mu          sync.Mutex
	senders     map[string]*sender // with requests queued or in flight
	turns       []*sender          // with requests queued, next first
	running     int
	wasRunning  bool    // since the last call of busy
	queued      int     // including those that are parked
	parked      int     // that wait for bytes
	bytes       int64   // held by requests
	starved     *sender // holds no bytes and is the next to get some; nil for none
	stopped     bool
	idle        chan struct{} // closed when stopped and nothing is in flight
	backlogDone chan struct{} // holds one token when a backlog has ended
}

// A sender is one with requests queued or in flight.
type sender struct {
	name    string
	waiting []work
	parked  []work // waiting for bytes
	running int
	bytes   int64 // held by its requests
}

func (s *sender) queued() int { return len(s.waiting) + len(s.parked) }

// Bounds of the queue. A request that does not fit stays in its directory, and the next
// scan offers it again.
const (
	maxQueued = 16 << 10
	// maxQueuedOf is the limit for one sender. Listing a large directory takes long; this
	// many requests keep the goroutines busy until the next scan.
	maxQueuedOf = 4 << 10
	// minQueuedOf requests of a sender are queued even beyond maxQueued, up to half as many
	// more in all; the first one of each sender up to twice as many. Keeping another sender
	// out therefore takes more than 8,000 senders.
	minQueuedOf = 64
)

func newDispatcher(limits limits, process func(*work), ended func(work), crashed func(*work), logger *slog.Logger) *dispatcher {
	return &dispatcher{
		limits: limits, process: process, ended: ended, crashed: crashed, logger: logger,
		senders: map[string]*sender{},
		idle:    make(chan struct{}), backlogDone: make(chan struct{}, 1),
	}
}

// add queues a request, and reports whether there was room for it.
func (d *dispatcher) add(w work) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return false
	}
	s := d.senders[w.location.sender]
	if s == nil {
		s = &sender{name: w.location.sender}
	}
	if !d.hasRoom(s.queued()) {
		return false
	}
	d.senders[s.name] = s
	s.waiting = append(s.waiting, w)
	d.enqueued(s)
	if d.running < d.atOnce+d.reserve {
		d.start(slices.Index(d.turns, s)) // for other senders nothing has changed
	}
	return true
}

// hasRoom reports whether a sender with queued requests may queue another one.
func (d *dispatcher) hasRoom(queued int) bool {
	switch {
	case queued == 0:
		return d.queued < 2*maxQueued
	case queued < minQueuedOf:
		return d.queued < maxQueued+maxQueued/2
	}
	return queued < maxQueuedOf && d.queued < maxQueued
}

// enqueued counts one more queued request of a sender. d.mu is held.
func (d *dispatcher) enqueued(s *sender) {
	if d.queued++; s.queued() == 1 {
		d.turns = append(d.turns, s)
	}
}

// startWaiting starts as many queued requests as the limits allow. d.mu is held.
func (d *dispatcher) startWaiting() {
	for i := 0; i < len(d.turns) && d.running < d.atOnce+d.reserve; {
		if d.start(i) {
			i = 0
		} else {
			i++ // it keeps its turn
		}
	}
}

// start starts a request of the sender with the ith turn, if the limits allow it. d.mu is
// held.
func (d *dispatcher) start(i int) bool {
	s := d.turns[i]
	w, ok := d.next(s)
	if !ok {
		return false
	}
	d.turns = slices.Delete(d.turns, i, i+1)
	if s.queued() > 0 {
		d.turns = append(d.turns, s)
	}
	if d.queued--; d.queued-d.parked == d.atOnce {
		select {
		case d.backlogDone <- struct{}{}:
		default:
		}
	}
	d.running++
	d.wasRunning = true
	s.running++
	go d.run(s, w)
	return true
}

// next dequeues a request of a sender that may start now; those that wait for bytes come
// first. d.mu is held.
func (d *dispatcher) next(s *sender) (w work, ok bool) {
	shared := d.running < d.atOnce && s.running < d.perSender()
	reserved := d.running < d.atOnce+d.reserve && s.running == 0
	if !shared && !reserved {
		return work{}, false
	}
	if len(s.parked) > 0 {
		if w := s.parked[0]; d.fits(s, w.bytes) {
			s.parked = s.parked[1:]
			d.parked--
			d.hold(s, w.bytes)
			return w, true
		}
		d.starve(s)
	}
	if len(s.waiting) > 0 {
		w, s.waiting = s.waiting[0], s.waiting[1:]
		return w, true
	}
	return work{}, false
}

// run processes one request. Even if the code it calls panics or ends the goroutine, the
// request is answered and its slot is freed. If the handler is still running when its
// request was answered, the slot is freed when the handler returns.
func (d *dispatcher) run(s *sender, w work) {
	returned := false
	defer func() {
		p := recover()
		if !returned {
			d.logger.Error("syftevent: handler goroutine exited without returning",
				"path", w.entry.String(), "sender", w.location.sender, "panic", p, "stack", string(debug.Stack()))
			d.crashed(&w)
		}
		if !w.parked {
			d.ended(w)
		}
		if w.handler != nil {
			<-w.handler
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.running--
		s.running--
		if !w.parked {
			d.hold(s, -w.bytes)
		}
		if s.running == 0 && s.queued() == 0 {
			delete(d.senders, s.name)
		}
		d.startWaiting()
		d.endIfIdle()
	}()
	d.process(&w)
	returned = true
}

// stop drops the queued requests, for the next start, and returns a channel that is closed
// when nothing is in flight.
func (d *dispatcher) stop() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	for _, s := range d.turns {
		s.waiting, s.parked = nil, nil
	}
	d.turns, d.queued, d.parked, d.starved = nil, 0, 0, nil
	d.endIfIdle()
	return d.idle
}

// endIfIdle closes idle once the dispatcher is stopped and idle. d.mu is held.
func (d *dispatcher) endIfIdle() {
	if d.stopped && d.running == 0 {
		close(d.idle)
		d.running = -1 // once
	}
}

// backlog reports whether more requests are queued than run at once. If so, backlogDone gets a
// token when that ends.
func (d *dispatcher) backlog() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.backlogDone: // a token of an earlier backlog
	default:
	}
	return d.queued-d.parked > d.atOnce
}

// busy reports whether a request was in flight since the last call.
func (d *dispatcher) busy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.wasRunning
	d.wasRunning = d.running > 0
	return was
}

// startsNow reports whether a request of a sender would start at once within atOnce. Queued
// requests of others are no obstacle: those that the limits allow have started.
func (d *dispatcher) startsNow(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped || d.running >= d.atOnce {
		return false
	}
	s := d.senders[name]
	return s == nil || s.queued() == 0 && s.running < d.perSender()
}

// A load is the state of a dispatcher's queues.
type load struct {
	running, reserved, waiting int
	bytes                      int64
}

func (d *dispatcher) load() load {
	d.mu.Lock()
	defer d.mu.Unlock()
	running := max(d.running, 0)
	return load{running: running, reserved: max(running-d.atOnce, 0), waiting: d.queued, bytes: d.bytes}
}
