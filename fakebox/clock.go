package fakebox

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// A clock schedules all that happens in a network, by due time and one after the
// other: the next waiter proceeds when all work has finished or waits itself. On a
// machine that is busy, or was suspended, things happen late, but in the same order.
type clock struct {
	mu      sync.Mutex
	resting sync.Cond
	working int
	begun   int // how often something began to work
	waiting []*waiter

	// The clock of the machine is driven by a goroutine, which added wakes. driver is
	// the number of the one that drives, and driving tells whether it runs a function.
	added   chan struct{}
	restart func()
	driver  int
	driving bool
	// A clock that is advanced by hand, by this package's tests, has a time, and can
	// bring about that a channel is closed.
	byHand bool
	time   time.Time
	await  func(done <-chan struct{})
}

// A waiter waits for a time: either a goroutine, which is woken, or a function that is
// to run in a session.
type waiter struct {
	at      time.Time
	wake    chan struct{}
	run     func()
	session *session
}

// newClock returns the clock of the machine. Its goroutine is one of a session.
func newClock() *clock {
	c := &clock{added: make(chan struct{}, 1), await: func(done <-chan struct{}) { <-done }}
	c.resting.L = &c.mu
	return c
}

// start lets a goroutine of the session drive the clock.
func (c *clock) start(s *session) {
	c.restart = func() { s.background(func() { c.drive(s.ctx) }) }
	c.restart()
}

// drive lets one after the other go on when its time has come, until ctx ends, or
// another goroutine drives: functions run in this one, and if one of them waits there
// has to be another.
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

// wakeFirst lets the first go on: it wakes it, or returns what is to run. The caller
// holds mu.
func (c *clock) wakeFirst() *waiter {
	w := c.waiting[0]
	c.waiting = c.waiting[1:]
	c.add(1)
	if w.run == nil {
		close(w.wake)
	}
	return w
}

// runHere runs the function of a waiter that was woken.
func (c *clock) runHere(w *waiter) {
	defer w.session.tasks.Done()
	defer c.leave()
	if !w.session.over() {
		w.run()
	}
}

func (c *clock) now() time.Time {
	if !c.byHand {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

// enter and leave tell that work begins and ends.
func (c *clock) enter() { c.work(1) }
func (c *clock) leave() { c.work(-1) }

func (c *clock) work(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(n)
}

func (c *clock) add(n int) {
	c.working += n
	if n > 0 {
		c.begun++
	}
	if c.working < 0 {
		panic("fakebox: what has left had not entered")
	}
	if c.working == 0 {
		c.resting.Broadcast()
	}
}

// park adds a waiter. Of those that wait for the same time, the first goes on first.
func (c *clock) park(w *waiter) {
	c.mu.Lock()
	i, _ := slices.BinarySearchFunc(c.waiting, w.at, func(w *waiter, at time.Time) int {
		return cmp.Or(w.at.Compare(at), -1)
	})
	c.waiting = slices.Insert(c.waiting, i, w)
	c.mu.Unlock()
	if i == 0 && !c.byHand {
		select {
		case c.added <- struct{}{}:
		default: // it is being woken
		}
	}
}

// drop removes what is to run in a session.
func (c *clock) drop(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = slices.DeleteFunc(c.waiting, func(w *waiter) bool {
		if w.run == nil || w.session != s {
			return false
		}
		s.tasks.Done()
		return true
	})
}

// rest waits until a parked waiter goes on, and then returns true: it has entered. It
// returns false if ctx ends before.
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

// wait waits for a duration. It returns false if ctx ends before. What waits has
// entered, and has so when it returns.
func (c *clock) wait(ctx context.Context, d time.Duration) bool {
	w := &waiter{at: c.now().Add(d), wake: make(chan struct{})}
	c.park(w)
	c.mu.Lock()
	replace := c.driving // perhaps it is this goroutine that drives
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
