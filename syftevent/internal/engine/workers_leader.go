package engine

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
)

// One worker leads. It does what only one may do: it writes the permissions and the schema, runs
// the cleanup, removes torn responses, answers requests that no worker has a route for, and
// removes claims. The move of the legacy layout belongs to a leader that starts alone. Other
// workers only make the folders of their own endpoints.

// duties are what the leader does in the background.
type duties struct {
	mu     sync.Mutex
	cancel context.CancelFunc // nil while there are none
	tasks  sync.WaitGroup
}

// lead takes over the lead if nobody leads, and gives it up if another server does. [work-lead]
func (t *workers) lead() {
	if t.resigned.Load() {
		return
	}
	c, l := t.leader.Load(), t.holder.Current()
	switch {
	case c != nil && c.Holder == l.Name:
		if t.dir.Leads(*c) || t.tryLead() {
			if t.leads() {
				t.startDuties() // unless it claimed the lead under a lease that was not fresh
			}
			return
		}
		t.server.logger.Warn("syftevent: lead lost to another worker", "path", string(t.dir), "leader", t.leader.Load().Holder)
		t.stopDuties()
	case c != nil && t.mayLead(c.Holder):
	case t.tryLead():
		t.server.logger.Info("syftevent: leading the workers", "path", string(t.dir), "lease", l.Name)
		t.startDuties()
	default:
		t.stopDuties() // of a lease that has lapsed
	}
}

// startDuties starts the duties, unless they run, and makes the server check the layout, which it
// may not have written.
func (t *workers) startDuties() {
	s, d := t.server, &t.duties
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel != nil || t.resigned.Load() {
		return // resign stops them only once
	}
	ctx, cancel := context.WithCancel(s.handlers)
	d.cancel = cancel
	s.layoutStale.Store(true)
	d.tasks.Go(func() { s.spool.Mend(ctx) })
	d.tasks.Go(func() { t.sweepLoop(ctx) })
	if s.options.Cleanup != nil {
		if err := s.options.Cleanup.Start(ctx); err != nil {
			s.logger.Error("syftevent: starting cleanup failed", "err", err)
		}
	}
}

// stopDuties stops the duties and waits for them.
func (t *workers) stopDuties() {
	d := &t.duties
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel == nil {
		return
	}
	d.cancel()
	d.cancel = nil
	d.tasks.Wait()
	if cleanup := t.server.options.Cleanup; cleanup != nil {
		cleanup.Stop()
	}
}

// startsAlone reports whether a server that starts leads, and no other one is there.
func (t *workers) startsAlone() bool {
	if t == nil {
		return true
	}
	if !t.leads() {
		return false
	}
	for _, o := range t.observer.All() {
		if o.Alive {
			return false
		}
	}
	return true
}

const (
	// sweepPause is the time between two sweeps of claims, or sweepCost times the duration of
	// the last one if that is longer and found little: less than one claim in sweepWorth.
	sweepPause = time.Minute
	sweepCost  = 100
	sweepWorth = 10
	// sweptAfter is how long the request of a claim must be missing if Options.OrphanDelay does not
	// say: SyftBox removes requests and restores them.
	sweptAfter = 2 * time.Minute
	// forgottenAfter is how long the heartbeat of a server that has ended is kept.
	forgottenAfter = 10 * time.Minute
	// maxMissing bounds the claims that are tracked because their request is missing.
	maxMissing = 200_000
)

// sweepLoop removes what nobody needs any more.
func (t *workers) sweepLoop(ctx context.Context) {
	t.missing, t.forgotten = map[string]time.Time{}, map[string]time.Time{}
	shortest := min(sweepPause, t.sweptAfter())
	for wait := shortest; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		seen, missing := t.sweepClaims(ctx, began)
		t.sweepBeats(began)
		t.sweepReplyLogs(began)
		wait = sweepWait(shortest, time.Since(began), seen, missing)
	}
}

// sweepWait returns the time until the next sweep after one that took some time, has seen claims,
// and has found the requests of some missing. If sweeps were rare where calls are slow, there
// would be more claims at each, and the next one would be rarer still.
func sweepWait(shortest, took time.Duration, seen, missing int) time.Duration {
	if missing*sweepWorth >= seen {
		return max(shortest, took)
	}
	return max(shortest, sweepCost*took)
}

// sweptAfter returns how long the request of a claim must be missing.
func (t *workers) sweptAfter() time.Duration {
	if delay := t.server.options.OrphanDelay; delay > 0 {
		return delay
	}
	return sweptAfter
}

// sweepClaims removes the claims whose requests are missing for long. It returns the numbers of
// claims that it has seen, and of those whose requests are missing. [work-tidy]
func (t *workers) sweepClaims(ctx context.Context, now time.Time) (seen, gone int) {
	rpc := t.server.options.Dir
	if _, err := os.Lstat(rpc); err != nil {
		return 0, 0 // an unmounted share, not missing requests
	}
	missing := map[string]time.Time{}
	err := t.dir.Claims(func(c lease.Claim) bool {
		if ctx.Err() != nil {
			return false
		}
		seen++
		if !filepath.IsLocal(filepath.FromSlash(c.About)) || !isMissing(filepath.Join(rpc, filepath.FromSlash(c.About))) {
			return true
		}
		gone++
		since, known := t.missing[c.File()]
		switch {
		case known && now.Sub(since) >= t.sweptAfter():
			if err := t.dir.Remove(c); err == nil || os.IsNotExist(err) {
				return true
			}
		case !known:
			since = now
		}
		if len(missing) < maxMissing {
			missing[c.File()] = since
		}
		return true
	})
	if err != nil && t.warned.first("sweep") {
		t.server.logger.Warn("syftevent: reading claims failed", "path", string(t.dir), "err", err)
	}
	t.missing = missing
	return seen, gone
}

func isMissing(path string) bool {
	_, err := os.Lstat(path)
	return os.IsNotExist(err)
}

// sweepBeats removes the heartbeats of servers that have ended.
func (t *workers) sweepBeats(now time.Time) {
	for _, o := range t.observer.All() {
		name := o.Beat.Name
		since, known := t.forgotten[name]
		switch {
		case o.Alive:
			delete(t.forgotten, name)
		case !known:
			t.forgotten[name] = now
		case now.Sub(since) >= forgottenAfter:
			delete(t.forgotten, name)
			t.dir.Forget(name)
			t.observer.Drop(name)
		}
	}
}
