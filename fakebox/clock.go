package fakebox

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// A clock schedules everything that happens in a network, one waiter at a time, by due
// time: the next waiter proceeds when all work has finished, or waits for the clock
// itself. On a machine that is overloaded or was suspended, things happen late, but in the
// same order.
type clock struct {
	mu      sync.Mutex // guards the fields below, except added, restart, manual and await
	resting sync.Cond  // signals that working is 0
	working int        // units of work in progress
	begun   int        // units of work ever begun
	waiting []*waiter  // sorted by due time
	last    time.Time  // when the last waiter that proceeded was due

	// A clock in real time is driven by a goroutine.
	added   chan struct{} // wakes the driver
	restart func()        // starts another driver
	driver  int           // number of the current driver
	driving bool          // whether the driver runs a function

	// A manual clock is advanced by tests of this package.
	manual bool
	time   time.Time

	await func(done <-chan struct{}) // waits until done is closed
}

// A waiter waits for a time. It is either a goroutine to wake or a function to run.
type waiter struct {
	at   time.Time
	wake chan struct{} // closed to wake the goroutine

	run   func() // nil for a goroutine
	done  func() // called when run has returned, or is dropped
	owner any    // for drop
}

// newClock returns a clock in real time. It stands still until start.
func newClock() *clock {
	c := &clock{added: make(chan struct{}, 1), await: func(done <-chan struct{}) { <-done }}
	c.resting.L = &c.mu
	return c
}

// start starts the driver, in a goroutine that spawn creates, until ctx ends.
func (c *clock) start(ctx context.Context, spawn func(func())) {
	c.restart = func() { spawn(func() { c.drive(ctx) }) }
	c.restart()
}

// drive lets waiters proceed when they are due, until ctx ends or another driver takes
// over: functions run in the driver's goroutine, and if one of them waits, wait starts
// another driver.
func (c *clock) drive(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for driver := c.driver; ctx.Err() == nil && c.driver == driver; {
		if c.working > 0 {
			c.resting.Wait()
			continue
		}
		delay := time.Hour
		if len(c.waiting) > 0 {
			delay = time.Until(c.waiting[0].at)
		}
		if delay <= 0 {
			if w := c.wakeFirst(); w.run != nil {
				c.driving = true
				c.mu.Unlock()
				c.runHere(w)
				c.mu.Lock()
				if c.driver == driver {
					c.driving = false
				}
			}
			continue
		}
		c.mu.Unlock()
		timer.Reset(delay)
		select {
		case <-timer.C:
		case <-c.added:
		case <-ctx.Done():
		}
		c.mu.Lock()
	}
}

// wakeFirst removes the first waiter and wakes it, or returns it for its function to be
// run. The caller holds mu.
func (c *clock) wakeFirst() *waiter {
	w := c.waiting[0]
	c.waiting = c.waiting[1:]
	c.last = w.at
	c.add(1)
	if w.run == nil {
		close(w.wake)
	}
	return w
}

// runHere runs the function of a waiter that wakeFirst returned.
func (c *clock) runHere(w *waiter) {
	defer w.done()
	defer c.leave()
	w.run()
}

func (c *clock) now() time.Time {
	if !c.manual {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

// base returns the time from which the duration of a step counts. While waiters are late
// it is when the one that proceeds now was due: what follows from it has its place among
// the others that are late, not after all of them.
func (c *clock) base() time.Time {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	late := c.driving || len(c.waiting) > 0 && c.waiting[0].at.Before(now)
	if late && c.last.Before(now) && !c.last.IsZero() {
		return c.last
	}
	return now
}

// enter and leave mark the beginning and the end of a unit of work.
func (c *clock) enter() { c.work(1) }
func (c *clock) leave() { c.work(-1) }

func (c *clock) work(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(n)
}

// add is work for callers that hold mu.
func (c *clock) add(n int) {
	c.working += n
	if n > 0 {
		c.begun++
	}
	if c.working < 0 {
		panic("fakebox: clock: leave without enter")
	}
	if c.working == 0 {
		c.resting.Broadcast()
	}
}

// park adds a waiter. Waiters with the same time proceed in the order of their calls.
func (c *clock) park(w *waiter) {
	c.mu.Lock()
	i, _ := slices.BinarySearchFunc(c.waiting, w.at, func(w *waiter, at time.Time) int {
		return cmp.Or(w.at.Compare(at), -1)
	})
	c.waiting = slices.Insert(c.waiting, i, w)
	c.mu.Unlock()
	if i == 0 && !c.manual {
		select {
		case c.added <- struct{}{}:
		default:
		}
	}
}

// drop removes all functions of an owner.
func (c *clock) drop(owner any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = slices.DeleteFunc(c.waiting, func(w *waiter) bool {
		if w.run == nil || w.owner != owner {
			return false
		}
		w.done()
		return true
	})
}

// rest waits until a parked waiter proceeds. Then it returns true, and the waiter has
// entered. It returns false if ctx ends before.
func (c *clock) rest(ctx context.Context, w *waiter) bool {
	select {
	case <-w.wake:
		return true
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, w)
	if i < 0 {
		return true
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return false
}

// wait waits until a time. It returns false if ctx ends before. The caller has entered,
// and has entered again when wait returns.
func (c *clock) wait(ctx context.Context, at time.Time) bool {
	w := &waiter{at: at, wake: make(chan struct{})}
	c.park(w)
	c.mu.Lock()
	replace := c.driving // this goroutine may be the driver
	if replace {
		c.driver++
		c.driving = false
	}
	c.add(-1)
	c.mu.Unlock()
	if replace {
		c.restart()
	}
	if !c.rest(ctx, w) {
		c.enter()
	}
	return ctx.Err() == nil
}
