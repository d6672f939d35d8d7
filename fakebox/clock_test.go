package fakebox

import "time"

// A Clock is a clock that tests advance. It does not advance before all work has finished
// or waits for it, however slow this machine is.
type Clock struct {
	clock
	box *Box
}

// NewOnClock is like New, with a clock that the test advances.
func NewOnClock(t TB, config Config) (*Box, *Clock) {
	c := &Clock{clock: clock{manual: true, time: time.Now()}}
	c.resting.L = &c.mu
	c.clock.await = c.await
	config.clock = &c.clock
	c.box = New(t, config)
	return c.box, c
}

// Now returns the time.
func (c *Clock) Now() time.Time { return c.now() }

func (c *Clock) await(done <-chan struct{}) {
	for {
		c.Settle()
		select {
		case <-done:
			return
		default:
			if !c.Step(time.Hour) {
				<-done // does not depend on the clock
				return
			}
		}
	}
}

// Settle waits until all work has finished, and all modifications have been reported.
func (c *Clock) Settle() {
	for {
		c.mu.Lock()
		begun := c.begun
		c.mu.Unlock()
		for _, r := range c.box.members() {
			r.daemon.watch.drain()
		}
		c.mu.Lock()
		for c.working > 0 {
			c.resting.Wait()
		}
		rests := c.begun == begun
		c.mu.Unlock()
		if rests {
			return
		}
	}
}

// Step advances to the due time of the next waiter, lets it proceed, and waits until its
// work has finished. It returns false if no waiter is due within the limit.
func (c *Clock) Step(limit time.Duration) bool {
	if !c.step(limit) {
		return false
	}
	c.Settle()
	return true
}

// step is like Step, but does not wait for the work of the waiter.
func (c *Clock) step(limit time.Duration) bool {
	c.Settle()
	c.mu.Lock()
	if len(c.waiting) == 0 || c.waiting[0].at.Sub(c.time) > limit {
		c.mu.Unlock()
		return false
	}
	if at := c.waiting[0].at; at.After(c.time) {
		c.time = at
	}
	w := c.wakeFirst()
	c.mu.Unlock()
	if w.run != nil {
		go c.runHere(w)
	}
	return true
}

// Advance advances the clock by d.
func (c *Clock) Advance(d time.Duration) {
	end := c.now().Add(d)
	for c.step(end.Sub(c.now())) {
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = end
}
