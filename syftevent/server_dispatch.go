package syftevent

import (
	"crypto/sha256"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
)

// work is a request that was found.
type work struct {
	entry    entry
	location location
	sum      [sha256.Size]byte // of its bytes, once they were read
	bytes    int64             // of the dispatcher's budget: what it holds, or waits for
	parked   bool              // it waits for bytes of the budget, and no longer runs
	// handler is closed when its handler has returned; nil unless the request was
	// answered before that.
	handler <-chan struct{}
}

// limits bound what a dispatcher runs.
type limits struct {
	atOnce  int   // requests of all senders
	reserve int   // more requests, each the only one of its sender
	bytes   int64 // of large requests
}

// perSender is how many requests of one sender may run at once.
func (l limits) perSender() int { return max(1, l.atOnce/2) }

// A dispatcher hands requests to goroutines, as many at once as its limits allow.
// Adding one never waits. Senders take turns, each with its requests in the order
// in which they were found, and none has more than half of the goroutines. Beyond
// those, a sender of whom nothing runs may have one request of the reserve: one who
// sends many, or whose requests take long, delays nobody else.
type dispatcher struct {
	limits
	answer func(*work)
	// ended is told of each request that was answered or left.
	ended func(work)
	// crashed answers a request for which answer has not returned.
	crashed func(*work)
	logger  *slog.Logger

	mu      sync.Mutex
	senders map[string]*sender // those of whom something waits or runs
	turns   []*sender          // those of whom something waits, who is next first
	running int
	queued  int     // requests that wait, those that are parked included
	parked  int     // requests that wait for bytes
	bytes   int64   // that requests hold
	starved *sender // it holds no bytes, and is the next to get some; nil for none
	stopped bool
	idle    chan struct{} // closed when it has stopped and none runs
	hungry  chan struct{} // holds one token when a backlog has ended
}

// A sender is one of whom requests wait or run.
type sender struct {
	name    string
	waiting []work
	parked  []work // these wait for bytes
	running int
	bytes   int64 // that its requests hold
}

func (s *sender) queued() int { return len(s.waiting) + len(s.parked) }

// How many requests may wait. What finds no room is left where it lies, and
// offered again by the next look: memory is bounded, however many there are.
const (
	maxQueued = 16 << 10
	// maxQueuedOf is for one sender. Listing a folder of many requests takes long,
	// and this many keep the goroutines busy until the next time.
	maxQueuedOf = 4 << 10
	// minQueuedOf is what a sender may have waiting when maxQueued wait: as long as
	// not a half more do. The first of each may wait until twice as many do. So it
	// takes more than 8,000 senders to keep another one out.
	minQueuedOf = 64
)

func newDispatcher(limits limits, answer func(*work), ended func(work), crashed func(*work), logger *slog.Logger) *dispatcher {
	return &dispatcher{
		limits: limits, answer: answer, ended: ended, crashed: crashed, logger: logger,
		senders: map[string]*sender{},
		idle:    make(chan struct{}), hungry: make(chan struct{}, 1),
	}
}

// add takes a request, and reports whether there was room for it.
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
		d.start(slices.Index(d.turns, s)) // of others, all that may run do
	}
	return true
}

// hasRoom reports whether one more may wait of a sender of whom so many do.
func (d *dispatcher) hasRoom(queued int) bool {
	switch {
	case queued == 0:
		return d.queued < 2*maxQueued
	case queued < minQueuedOf:
		return d.queued < maxQueued+maxQueued/2
	}
	return queued < maxQueuedOf && d.queued < maxQueued
}

// enqueued notes that one more request of a sender waits. d.mu is held.
func (d *dispatcher) enqueued(s *sender) {
	if d.queued++; s.queued() == 1 {
		d.turns = append(d.turns, s)
	}
}

// startWaiting starts what waits, as far as it may run. d.mu is held.
func (d *dispatcher) startWaiting() {
	for i := 0; i < len(d.turns) && d.running < d.atOnce+d.reserve; {
		if d.start(i) {
			i = 0
		} else {
			i++ // it keeps its turn
		}
	}
}

// start starts a request of the sender with the ith turn, if one may run. d.mu is
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
		case d.hungry <- struct{}{}:
		default:
		}
	}
	d.running++
	s.running++
	go d.run(s, w)
	return true
}

// next takes a request of a sender that may run now, first one that waited for
// bytes. d.mu is held.
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

// run answers one request. Whatever the code that is called does, even if it
// panics or ends the goroutine, the request is answered and its place is free
// again. The place of a handler that still runs when its request is answered is
// free when it returns.
func (d *dispatcher) run(s *sender, w work) {
	returned := false
	defer func() {
		p := recover()
		if !returned {
			d.logger.Error("syftevent: a handler or what serves it has not returned",
				"request", w.entry.String(), "panic", p, "stack", string(debug.Stack()))
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
	d.answer(&w)
	returned = true
}

// stop drops what waits, for the next start, and returns a channel that is
// closed when what runs has ended.
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

// endIfIdle closes idle when it is time. d.mu is held.
func (d *dispatcher) endIfIdle() {
	if d.stopped && d.running == 0 {
		close(d.idle)
		d.running = -1 // once
	}
}

// backlog reports whether more requests wait than run at once. If so, hungry will
// have a token when that ends.
func (d *dispatcher) backlog() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.hungry: // of a backlog before this one
	default:
	}
	return d.queued-d.parked > d.atOnce
}

// A load is what a dispatcher runs and has waiting.
type load struct {
	running, reserved, waiting int
	bytes                      int64
}

// load returns that of now.
func (d *dispatcher) load() load {
	d.mu.Lock()
	defer d.mu.Unlock()
	running := max(d.running, 0)
	return load{running: running, reserved: max(running-d.atOnce, 0), waiting: d.queued, bytes: d.bytes}
}
