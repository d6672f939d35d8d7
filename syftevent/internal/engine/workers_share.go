package engine

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// Each request has a first choice among the workers that have a route for it, by a hash of its
// path and the worker's name. The first choice queues it at once. Every other worker keeps it in
// a pool, and steals it if it is still there after a while and a handler is free. So workers
// rarely want the same request, and one that is slow, busy or dead delays nothing for long. [work-spread]

const (
	// maxPool bounds the pool. What does not fit is offered again by a later scan.
	maxPool = 4 << 10
	// Bounds of the time that a request is left to its first choice, which is twice the poll
	// interval: in a folder that was not used lately, workers find it that far apart.
	minStealDelay, maxStealDelay = 50 * time.Millisecond, 2 * time.Second
)

// A pool has the requests whose first choice is another worker.
type pool struct {
	mu    sync.Mutex
	items []pooled
	wake  chan struct{} // holds a token when a handler has become free
}

type pooled struct {
	work work
	due  time.Time // when it may be stolen
}

func (t *workers) stealDelay() time.Duration {
	return min(max(2*t.server.options.PollInterval, minStealDelay), maxStealDelay)
}

// admit queues a request, keeps it in the pool, or leaves it to others.
func (t *workers) admit(w work) spool.Verdict {
	s := t.server
	endpoint := w.location.endpoint
	if len(about(w.entry)) > lease.MaxAbout {
		s.ignore(w.entry.Dir, "path too long for a claim")
		return spool.Refused
	}
	if !t.holder.Current().Fresh(time.Now()) {
		return spool.Refused
	}
	first := t.leads()
	switch {
	case s.options.Endpoints().Has(endpoint):
		first = t.isFirstChoice(w.entry, endpoint)
	case !first || t.othersHave(endpoint):
		return spool.Refused
	}
	if first || s.replies.knows(w.entry) {
		if !s.dispatcher.add(w) {
			return spool.NoRoom
		}
		return spool.Taken
	}
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if len(t.pool.items) >= maxPool {
		return spool.Refused
	}
	w.stolen = true
	t.pool.items = append(t.pool.items, pooled{work: w, due: time.Now().Add(t.stealDelay())})
	if len(t.pool.items) == 1 {
		t.pool.signal()
	}
	return spool.Taken
}

func (p *pool) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// wakePool makes stealLoop look at the pool, because a handler may be free.
func (t *workers) wakePool() {
	if t == nil {
		return
	}
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if len(t.pool.items) > 0 {
		t.pool.signal()
	}
}

// stealLoop queues requests of the pool while handlers are free, and those whose first choice is
// this server since another one has ended.
func (t *workers) stealLoop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	version := t.observer.Version()
	for {
		select {
		case <-t.ended:
			return
		case <-t.pool.wake:
		case <-timer.C:
		}
		queue := func(may func(*pooled) bool) {
			for {
				w, ok := t.pool.take(may)
				if !ok {
					return
				}
				if !t.server.dispatcher.add(w) {
					t.server.spool.Postpone(w.entry, time.Now().Add(claimRetry))
				}
			}
		}
		if now := t.observer.Version(); now != version {
			version = now
			queue(func(p *pooled) bool {
				endpoint := p.work.location.endpoint
				return t.server.options.Endpoints().Has(endpoint) && t.isFirstChoice(p.work.entry, endpoint)
			})
		}
		queue(func(p *pooled) bool {
			return !p.due.After(time.Now()) && t.server.dispatcher.startsNow(p.work.location.sender)
		})
		timer.Reset(t.pool.next(time.Now()))
	}
}

// take removes a request that may be queued, any of them: other workers take others.
func (p *pool) take(may func(*pooled) bool) (work, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	count := len(p.items)
	if count == 0 {
		return work{}, false
	}
	first := rand.IntN(count)
	for i := range count {
		at := (first + i) % count
		if !may(&p.items[at]) {
			continue
		}
		w := p.items[at].work
		p.items[at] = p.items[count-1]
		p.items[count-1] = pooled{}
		p.items = p.items[:count-1]
		return w, true
	}
	return work{}, false
}

// next returns when to look at the pool again, unless a handler becomes free before.
func (p *pool) next(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := time.Hour
	for _, item := range p.items {
		wait = min(wait, max(item.due.Sub(now), minStealDelay))
	}
	return wait
}

// A view is the other workers that take requests, at one version of the observer.
type view struct {
	version int
	set     *Endpoints
	own     uint64
	peers   []peer
	former  []peer // that have ended or do not run yet; of their leases sweepBeats has left the file
	mu      sync.Mutex
	having  map[string][]uint64 // by endpoint, the peers that have a route
}

// A peer is another worker.
type peer struct {
	hash uint64
	same bool // it has the routes of this server
	has  func(endpoint string) bool
}

// maxHaving bounds the endpoints of a view: senders choose them where a pattern has a wildcard.
const maxHaving = 1000

// currentView returns the view now.
func (t *workers) currentView() *view {
	version, set := t.observer.Version(), t.server.options.Endpoints()
	if v := t.view.Load(); v != nil && v.version == version && v.set == set {
		return v
	}
	v := &view{version: version, set: set, own: hashOf(t.holder.Base()), having: map[string][]uint64{}}
	for _, o := range t.observer.All() {
		p := peer{
			hash: hashOf(lease.Base(o.Beat.Name)), same: slices.Equal(o.Beat.Routes, set.Patterns),
			has: t.server.options.MatchRoutes(o.Beat.Routes),
		}
		switch {
		case o.Beat.Alone:
		case o.Alive && o.Beat.State == lease.Running:
			v.peers = append(v.peers, p)
		default:
			v.former = append(v.former, p)
		}
	}
	t.view.Store(v)
	return v
}

// peersFor returns the hashes of the peers that have a route for an endpoint.
func (v *view) peersFor(endpoint string) []uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	hashes, known := v.having[endpoint]
	if !known {
		own := v.set.Has(endpoint)
		for _, p := range v.peers {
			if p.same && own || !p.same && p.has(endpoint) {
				hashes = append(hashes, p.hash)
			}
		}
		if len(v.having) >= maxHaving {
			clear(v.having)
		}
		v.having[endpoint] = hashes
	}
	return hashes
}

// isFirstChoice reports whether this server is the first choice for a request.
func (t *workers) isFirstChoice(e entry, endpoint string) bool {
	v := t.currentView()
	request := hashOf(e.Dir, e.Stem)
	own := mix(request ^ v.own)
	for _, peer := range v.peersFor(endpoint) {
		if mix(request^peer) > own {
			return false
		}
	}
	return true
}

// othersHave reports whether another worker has a route for an endpoint, or had one lately: it may
// only be restarting.
func (t *workers) othersHave(endpoint string) bool {
	v := t.currentView()
	return len(v.peersFor(endpoint)) > 0 || slices.ContainsFunc(v.former, func(p peer) bool { return p.has(endpoint) })
}

func hashOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, part := range parts {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// mix spreads the bits of a hash (the finalizer of MurmurHash3).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
