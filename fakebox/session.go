package fakebox

import (
	"context"
	"sync"
	"time"
)

// A session is the time between a start and a stop: of the network, of its server,
// of SyftBox on one machine. What runs in it ends with it. Nothing runs in a nil
// session.
type session struct {
	clock *clock
	ctx   context.Context
	stop  context.CancelFunc

	mu    sync.Mutex
	ended bool
	tasks sync.WaitGroup
}

func newSession(parent context.Context, clock *clock) *session {
	s := &session{clock: clock}
	s.ctx, s.stop = context.WithCancel(parent)
	return s
}

// spawn runs a function in a goroutine, which end waits for. The clock does not
// advance while it works.
func (s *session) spawn(f func()) {
	s.run(true, f)
}

// background is spawn for a function that waits for something else than the clock.
func (s *session) background(f func()) {
	s.run(false, f)
}

func (s *session) run(works bool, f func()) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if !works {
		s.tasks.Go(f)
		return
	}
	s.clock.enter()
	s.tasks.Go(func() {
		defer s.clock.leave()
		f()
	})
}

// at runs a function at a time, unless the session ends before. Of those of the same
// time the first that was asked for is the first to run.
func (s *session) at(when time.Time, f func()) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.tasks.Add(1)
		s.clock.park(&waiter{at: when, run: f, session: s})
	}
}

// after runs a function after a duration, unless the session ends before.
func (s *session) after(d time.Duration, f func()) {
	if s != nil {
		s.at(s.clock.now().Add(d), f)
	}
}

// wait waits for a duration. It returns false if the session ends meanwhile.
func (s *session) wait(d time.Duration) bool {
	return !s.over() && s.clock.wait(s.ctx, d)
}

// over reports whether the session has ended.
func (s *session) over() bool { return s == nil || s.ctx.Err() != nil }

// end ends the session and waits for what runs in it.
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
