package fakebox

import "time"

// A Clock is advanced by hand: nothing that waits for it goes on before, and it does
// not advance before all that goes on has come to rest, however long this machine
// takes for it.
type Clock struct {
	clock
	box *Box
}

// NewOnClock is New with a clock that is advanced by hand.
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
				<-done // by something else than time
				return
			}
		}
	}
}

// Settle returns when nothing works and all that was modified has been noticed.
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

// Step advances to the next time for which something waits, lets one go on and come
// to rest, and returns true; false if nothing waits for a time within the limit.
func (c *Clock) Step(limit time.Duration) bool {
	if !c.step(limit) {
		return false
	}
	c.Settle()
	return true
}

// step is Step that does not wait until what goes on has come to rest.
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

// Advance advances by a duration.
func (c *Clock) Advance(d time.Duration) {
	end := c.now().Add(d)
	for c.step(end.Sub(c.now())) {
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = end
}
