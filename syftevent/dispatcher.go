package syftevent

import (
	"crypto/sha256"
	"log/slog"
	"runtime/debug"
	"sync"
)

// work is a request that was found.
type work struct {
	entry    entry
	location location
	sum      [sha256.Size]byte // of its bytes, once they were read
}

// A dispatcher hands requests to goroutines, as many at once as are allowed.
// Adding one never waits. Senders take turns, each with its requests in the order
// in which they were found, and none has more than half of the goroutines: one
// who sends many, or whose requests take long, delays nobody else.
type dispatcher struct {
	atOnce    int
	perSender int
	answer    func(*work)
	// ended is told of each request that was answered or left, and runs no more.
	ended func(work)
	// crashed answers a request for which answer has not returned.
	crashed func(*work)
	logger  *slog.Logger

	mu        sync.Mutex
	waiting   map[string][]work // by sender
	turns     []string          // the senders of waiting, who is next first
	runningOf map[string]int    // by sender
	running   int
	stopped   bool
	idle      chan struct{} // closed when it has stopped and none runs
	queued    int           // how many wait in all
	hungry    chan struct{} // holds one token when a backlog has ended
}

// How many requests may wait. What finds no room is left where it lies, and
// offered again by the next look: memory is bounded, however many there are.
const (
	maxQueued = 16 << 10
	// maxQueuedOf is for one sender. Listing a folder of many requests takes long,
	// and this many keep the goroutines busy until the next time.
	maxQueuedOf = 4 << 10
	// minQueuedOf is what each sender may always have waiting.
	minQueuedOf = 64
)

func newDispatcher(atOnce int, answer func(*work), ended func(work), crashed func(*work), logger *slog.Logger) *dispatcher {
	return &dispatcher{
		atOnce: atOnce, perSender: max(1, atOnce/2),
		answer: answer, ended: ended, crashed: crashed, logger: logger,
		waiting: map[string][]work{}, runningOf: map[string]int{},
		idle: make(chan struct{}), hungry: make(chan struct{}, 1),
	}
}

// add takes a request, and reports whether there was room for it.
func (d *dispatcher) add(w work) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	sender := w.location.sender
	queued := len(d.waiting[sender])
	if d.stopped || queued >= maxQueuedOf || queued >= minQueuedOf && d.queued >= maxQueued {
		return false
	}
	if queued == 0 {
		d.turns = append(d.turns, sender)
	}
	d.waiting[sender] = append(d.waiting[sender], w)
	d.queued++
	d.startWaiting()
	return true
}

// startWaiting starts what waits, as far as it may run. d.mu is held.
func (d *dispatcher) startWaiting() {
	for passed := 0; d.running < d.atOnce && passed < len(d.turns); {
		sender := d.turns[0]
		d.turns = d.turns[1:]
		if d.runningOf[sender] >= d.perSender {
			d.turns = append(d.turns, sender)
			passed++
			continue
		}
		passed = 0
		queue := d.waiting[sender]
		if len(queue) > 1 {
			d.waiting[sender] = queue[1:]
			d.turns = append(d.turns, sender)
		} else {
			delete(d.waiting, sender)
		}
		if d.queued--; d.queued == d.atOnce {
			select {
			case d.hungry <- struct{}{}:
			default:
			}
		}
		d.running++
		d.runningOf[sender]++
		go d.run(queue[0])
	}
}

// run answers one request. Whatever the code that is called does, even if it
// panics or ends the goroutine, the request is answered and its place is free
// again.
func (d *dispatcher) run(w work) {
	returned := false
	defer func() {
		p := recover()
		if !returned {
			d.logger.Error("syftevent: a handler or what serves it has not returned",
				"request", w.entry.String(), "panic", p, "stack", string(debug.Stack()))
			d.crashed(&w)
		}
		d.ended(w)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.running--
		if sender := w.location.sender; d.runningOf[sender] > 1 {
			d.runningOf[sender]--
		} else {
			delete(d.runningOf, sender)
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
	d.waiting, d.turns, d.queued = nil, nil, 0
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
	return d.queued > d.atOnce
}

// load tells how many requests run and how many wait.
func (d *dispatcher) load() (running, waiting int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(d.running, 0), d.queued
}
