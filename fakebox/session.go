package fakebox

import (
	"context"
	"sync"
	"time"
)

// A session is the time between the start and the stop of the network, its server, or
// a client. Everything that runs in it ends with it. A nil session runs nothing.
type session struct {
	clock *clock
	ctx   context.Context
	stop  context.CancelFunc

	mu    sync.Mutex // guards ended, and tasks.Add against end
	ended bool
	tasks sync.WaitGroup
}

func newSession(parent context.Context, clock *clock) *session {
	s := &session{clock: clock}
	s.ctx, s.stop = context.WithCancel(parent)
	return s
}

// spawn runs f in a goroutine. The clock does not advance until f returns or waits.
func (s *session) spawn(f func()) { s.run(true, f) }

// background runs f in a goroutine that the clock does not wait for.
func (s *session) background(f func()) { s.run(false, f) }

func (s *session) run(holdClock bool, f func()) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if !holdClock {
		s.tasks.Go(f)
		return
	}
	s.clock.enter()
	s.tasks.Go(func() {
		defer s.clock.leave()
		f()
	})
}

// at runs f at the given time, unless the session ends before. Functions with the same
// time run in the order of the calls of at.
func (s *session) at(when time.Time, f func()) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.tasks.Add(1)
		s.clock.park(&waiter{at: when, owner: s, done: s.tasks.Done, run: func() {
			if !s.over() {
				f()
			}
		}})
	}
}

// after runs f after a delay, unless the session ends before. The delay begins when the
// current step was due, see spend.
func (s *session) after(d time.Duration, f func()) {
	if s != nil {
		s.at(s.clock.base().Add(d), f)
	}
}

// wait pauses for d. It returns false if the session ends before.
func (s *session) wait(d time.Duration) bool {
	return !s.over() && s.clock.wait(s.ctx, s.clock.now().Add(d))
}

// spend waits for d, which a step of SyftBox takes. Unlike a pause it begins when the step
// was due, however late this machine is. It returns false if the session ends before.
func (s *session) spend(d time.Duration) bool {
	return !s.over() && s.clock.wait(s.ctx, s.clock.base().Add(d))
}

// over reports whether the session has ended, or is nil.
func (s *session) over() bool { return s == nil || s.ctx.Err() != nil }

// end ends the session and waits for everything that runs in it.
func (s *session) end() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.stop()
	s.clock.drop(s)
	s.tasks.Wait()
}

// A process is a program that can be stopped and started again: the server, or the
// client of one machine.
type process struct {
	network *session

	mu      sync.Mutex // guards session
	session *session   // nil while the process is stopped
}

func newProcess(network *session) *process { return &process{network: network} }

// current returns the session of the process, or nil if it is stopped.
func (p *process) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session
}

func (p *process) running() bool { return p.current() != nil }

// currentOrNetwork returns the session of the process or, if it is stopped, that of the
// network.
func (p *process) currentOrNetwork() *session {
	if s := p.current(); s != nil {
		return s
	}
	return p.network
}

// begin starts the process.
func (p *process) begin() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = newSession(p.network.ctx, p.network.clock)
	return p.session
}

// end marks the process as stopped and waits until everything in its session has ended.
// It returns false if the process was not running.
func (p *process) end() bool {
	p.mu.Lock()
	s := p.session
	p.session = nil
	p.mu.Unlock()
	s.end()
	return s != nil
}
