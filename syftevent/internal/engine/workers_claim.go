package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A worker claims a request when it has read it and a handler could run now. Until then its queue
// is a list of candidates, which other workers may claim. A claim stays until its request is gone.

// claimRetry is the time after which a request is offered again whose claim failed.
const claimRetry = time.Second

// sharesWork reports whether the server is one of several workers.
func (s *Server) sharesWork() bool { return s.workers != nil && s.workers.shared }

// Bounds of the time after which a request that another worker has is offered again. If that
// worker dies, it is offered at once.
const (
	firstLostPause = time.Second
	lastLostPause  = 30 * time.Second
	maxLost        = 64 << 10
)

// A lostClaim is a request that another worker has claimed.
type lostClaim struct {
	name   string // of the claim
	holder string
	pause  time.Duration
	next   time.Time // when the request is offered again
}

// A claimTable has the requests that other workers have claimed. It is only a cache.
type claimTable struct {
	mu   sync.Mutex
	lost map[entry]*lostClaim
}

// claimName returns the name of the claim of a request: a hash of its path and its bytes. Other
// bytes are another request.
func claimName(w *work) string {
	h := sha256.New()
	h.Write([]byte(w.entry.String()))
	h.Write([]byte{0})
	h.Write(w.sum[:])
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// about returns what a claim says of its request.
func about(e entry) string { return e.String() + protocol.RequestSuffix }

// claim makes a request this server's, and reports whether it is to be run now. [work-once] If it
// is not, w.later may be when it is offered again.
func (s *Server) claim(w *work) bool {
	t := s.workers
	switch {
	case t == nil:
		return true
	case !t.shared:
		if !t.mayBegin(time.Now()) {
			w.later = time.Now().Add(t.interval)
			return false
		}
		return true
	}
	l := t.holder.Current()
	if !l.Fresh(time.Now()) {
		return t.fenced(w)
	}
	var earlier []string // holders; the last of them is dead if the claim is this server's
	c, err := t.dir.Take(l, claimName(w), about(w.entry), func(holder string) bool {
		earlier = append(earlier, holder)
		return t.observer.Alive(holder)
	})
	switch {
	case err != nil:
		s.counters.add(func(f *Figures) { f.Workers.Failed++ })
		s.logger.Warn("syftevent: claiming request failed, will retry", "path", s.requestPath(*w), "err", err)
		w.later = time.Now().Add(claimRetry)
		return false
	case c.Holder != l.Name:
		s.counters.add(func(f *Figures) { f.Workers.Lost++ })
		w.later = t.claims.add(w.entry, c, time.Now())
		return false
	}
	t.claims.drop(w.entry)
	w.lease, w.generation = l, c.Generation
	if !s.isClaimed(w) {
		return false
	}
	takenOver := len(earlier) > 0
	s.counters.add(func(f *Figures) {
		f.Workers.Claimed++
		if takenOver {
			f.Workers.TakenOver++
		}
		if w.stolen {
			f.Workers.Stolen++
		}
	})
	if takenOver {
		s.logger.Info("syftevent: request taken over", "path", s.requestPath(*w), "from", earlier[len(earlier)-1], "generation", c.Generation)
		if t.readReplies(earlier, *w) {
			return false // one of them had answered it
		}
	}
	// The listing that showed it without a response may be older than the response.
	return !s.isAnswered(w)
}

// isClaimed reports whether a request that was claimed may still be begun [work-fenced]: the
// process may have been suspended since, and the request taken over. It is asked last before the
// handler is called.
func (s *Server) isClaimed(w *work) bool {
	return w.lease == nil || w.lease.Fresh(time.Now()) || s.workers.fenced(w)
}

// isOvertaken reports whether another worker has taken over a request while its handler ran: this
// process was suspended, and the response of the other one counts, even if it is missing just now.
// [work-replies]
func (s *Server) isOvertaken(w *work) bool {
	if w.lease == nil || w.lease.Fresh(time.Now()) {
		return false
	}
	superseded, err := s.workers.dir.Superseded(lease.Claim{Name: claimName(w), Generation: w.generation})
	return err == nil && superseded
}

// fenced leaves a request because this server may soon be taken for dead, or was.
func (t *workers) fenced(w *work) bool {
	t.server.counters.add(func(f *Figures) { f.Workers.Fenced++ })
	w.later = time.Now().Add(t.interval)
	return false
}

// add notes that another worker has a request, and returns when it is offered again.
func (c *claimTable) add(e entry, has lease.Claim, now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lost[e]
	if l == nil || l.name != has.Name || l.holder != has.Holder {
		l = &lostClaim{name: has.Name, holder: has.Holder, pause: firstLostPause}
		if len(c.lost) < maxLost {
			c.lost[e] = l
		}
	} else {
		l.pause = min(2*l.pause, lastLostPause)
	}
	l.next = now.Add(l.pause)
	return l.next
}

func (c *claimTable) drop(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.lost, e)
}

// wakeLost makes the requests of workers that have died be offered at once [work-dead], and
// forgets those that were not offered again: they are answered.
func (t *workers) wakeLost() {
	now := time.Now()
	t.claims.mu.Lock()
	defer t.claims.mu.Unlock()
	alive := map[string]bool{}
	for e, l := range t.claims.lost {
		is, known := alive[l.holder]
		if !known {
			is = t.observer.Alive(l.holder)
			alive[l.holder] = is
		}
		switch {
		case !is && l.next.After(now):
			// One that is in flight was offered meanwhile, because its file was away.
			if t.server.spool.Advance(e, now) {
				l.next, l.pause = now, firstLostPause
			}
		case now.Sub(l.next) > lastLostPause:
			delete(t.claims.lost, e)
		}
	}
}
