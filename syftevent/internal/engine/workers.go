package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// The servers of an app on one shared directory know each other by leases (package lease):
//
//   - With Options.ShareWork a server is one of several workers. A worker claims a request before
//     it runs it (workers_claim.go). One worker leads (workers_leader.go).
//   - Without it, a server on a network file system is alone. It leads by the same claim, because
//     locks may not reach other hosts (workers_alone.go).

// workers is what a server knows of the other servers of its app.
type workers struct {
	server   *Server
	dir      lease.Dir
	shared   bool // Options.ShareWork
	timeout  time.Duration
	interval time.Duration // between two renewals
	holder   *lease.Holder
	observer *lease.Observer

	leader    atomic.Pointer[lease.Claim]   // the last one that is known
	resigned  atomic.Bool                   // this server is about to stop
	beaten    atomic.Pointer[lease.Instant] // when the last attempt to renew the lease ended
	serving   atomic.Bool                   // after begin
	warned    onceLog
	failing   bool          // the last renewal failed, which was logged; used by beat
	ended     chan struct{} // closed by leave
	loops     sync.WaitGroup
	duties    duties
	claims    claimTable
	pool      pool
	view      atomic.Pointer[view]
	readLogs  readLogs
	forgotten map[string]time.Time // since when a lease is known not to be alive; used by sweep
	missing   map[string]time.Time // since when the request of a claim is missing; used by sweep
}

// WorkerFigures are the figures of a worker since its start.
type WorkerFigures struct {
	Claimed, TakenOver, Stolen int // requests; TakenOver from dead workers, Stolen from their first choice
	Lost, Failed               int // attempts to claim a request that another worker had, and that failed
	Fenced, Lapses             int // requests not begun since the lease was too old, and leases that lapsed
}

// A onceLog remembers what was logged.
type onceLog struct {
	mu   sync.Mutex
	keys map[string]bool
}

// first reports whether something was not logged yet. It is logged once.
func (o *onceLog) first(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys[key] || len(o.keys) >= maxIgnored {
		return false
	}
	if o.keys == nil {
		o.keys = map[string]bool{}
	}
	o.keys[key] = true
	return true
}

// isRemote reports whether locks in a directory may not reach other hosts.
func isRemote(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	return !rootfs.IsLocal(f)
}

// join gives the server a lease, waits until it may serve, and lets it lead if nobody does. It
// does nothing where a lock is enough.
func (s *Server) join(starting context.Context) error {
	app := filepath.Dir(s.options.Dir)
	shared := s.options.ShareWork
	if !shared && (!lease.Supported() || !s.options.LocalLocks && !isRemote(app)) {
		return nil
	}
	t := &workers{server: s, dir: lease.Dir(filepath.Join(app, protocol.WorkersName)), shared: shared, ended: make(chan struct{})}
	if err := t.open(); err != nil {
		if shared {
			return fmt.Errorf("syftevent: start app %q: share work: %w", s.options.App, err)
		}
		s.logger.Warn("syftevent: writing heartbeat failed, a second server on another host could serve the app", "path", string(t.dir), "err", err)
		return nil
	}
	s.workers = t
	t.loops.Go(t.beatLoop)
	var err error
	if shared {
		err = t.waitToShare(starting)
	} else {
		err = t.waitToServeAlone(starting)
	}
	if err != nil {
		t.leave()
		s.workers = nil
	}
	return err
}

// open makes the directory and the lease.
func (t *workers) open() error {
	if err := t.dir.Make(); err != nil {
		return err
	}
	if err := t.dir.Probe(); err != nil {
		return err
	}
	if t.timeout = t.server.options.WorkerTimeout; t.timeout <= 0 {
		timeout, err := lease.DefaultTimeout(string(t.dir))
		if err != nil {
			return err
		}
		t.timeout = timeout
	}
	t.interval = lease.IntervalOf(t.timeout)
	t.holder = lease.NewHolder(t.dir, t.timeout, t.describe)
	t.observer = lease.NewObserver(t.dir, t.timeout, t.holder.Base())
	t.claims.lost = map[entry]*lostClaim{}
	t.pool.wake = make(chan struct{}, 1)
	if err := t.holder.Renew(); err != nil {
		return err
	}
	t.noteBeaten()
	return t.observer.Look(time.Now())
}

func (t *workers) noteBeaten() {
	now := t.holder.At(time.Now())
	t.beaten.Store(&now)
}

// describe fills in a heartbeat.
func (t *workers) describe(b *lease.Beat) {
	s := t.server
	b.Alone = !t.shared
	c := t.leader.Load()
	b.Leading = c != nil && c.Holder == b.Name && !t.resigned.Load()
	if t.shared {
		b.Routes = s.options.Endpoints().Patterns
	}
	b.Temp = protocol.ServeTempPrefix + rootfs.ProcessPrefix()
	f := s.counters.read()
	b.Answered, b.TakenOver = f.Answered, f.Workers.TakenOver
	b.InFlight = s.dispatcher.load().running
}

// begin starts what a server does while it runs, after its spool was opened.
func (t *workers) begin() {
	if t == nil {
		return
	}
	t.holder.SetState(lease.Running)
	t.serving.Store(true)
	t.loops.Go(t.watchLoop)
	if t.shared {
		t.loops.Go(t.stealLoop)
		if t.leads() {
			t.startDuties()
		}
	}
}

// resign ends the leadership of a server that is about to stop; others do not give it work any
// more.
func (t *workers) resign() {
	if t == nil {
		return
	}
	t.resigned.Store(true)
	t.holder.SetState(lease.Stopping)
	t.stopDuties()
}

// leave ends the lease, and lets others take over what was not answered. [work-join]
func (t *workers) leave() {
	if t == nil {
		return
	}
	t.resigned.Store(true)
	close(t.ended)
	t.loops.Wait()
	t.stopDuties()
	if err := t.holder.Stop(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.server.logger.Warn("syftevent: ending lease failed, others wait for its timeout", "path", string(t.dir), "err", err)
	}
}

// every calls f at each interval until the server leaves.
func (t *workers) every(interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-t.ended:
			return
		case <-ticker.C:
			f()
		}
	}
}

// beatLoop renews the lease.
func (t *workers) beatLoop() { t.every(t.interval, t.beat) }

func (t *workers) beat() {
	s, lapses := t.server, t.holder.Lapses()
	switch err := t.holder.Renew(); {
	case err != nil:
		if !t.failing {
			s.logger.Warn("syftevent: renewing lease failed, will retry", "path", string(t.dir), "err", err)
		}
		t.failing = true
	case t.failing:
		t.failing = false
		s.logger.Info("syftevent: lease renewed", "path", string(t.dir))
	}
	if n := t.holder.Lapses(); n != lapses {
		s.logger.Warn("syftevent: lease lapsed, another server may have taken over its requests",
			"lease", t.holder.Current().Name, "timeout", t.timeout)
		s.counters.add(func(f *Figures) { f.Workers.Lapses = n })
	}
	if !t.shared {
		t.checkAlone()
	}
	t.noteBeaten()
}

// watchLoop observes the other servers.
func (t *workers) watchLoop() { t.every(t.interval, t.watch) }

func (t *workers) watch() {
	if err := t.observer.Look(time.Now()); err != nil && t.warned.first("look") {
		t.server.logger.Warn("syftevent: reading heartbeats failed", "path", string(t.dir), "err", err)
	}
	t.warnOfOthers()
	if t.shared {
		t.lead()
		t.wakeLost()
		t.wakePool()
	}
}

// warnOfOthers logs, once for each, the servers that do not share their work with this one.
func (t *workers) warnOfOthers() {
	for _, o := range t.observer.All() {
		if name := o.Beat.Name; t.conflicts(o) && o.Proven && o.Beat.State != lease.Starting && t.warned.first(name) {
			t.server.logger.Error("syftevent: another server serves the app", "path", t.server.options.Dir, "server", describeHolder(o))
		}
	}
}

// conflicts reports whether this server and another one must not serve at the same time.
func (t *workers) conflicts(o lease.Observed) bool {
	return o.Alive && (!t.shared || o.Beat.Alone)
}

// describeHolder names a server for people.
func describeHolder(o lease.Observed) string {
	b := o.Beat
	return fmt.Sprintf("process %d on %s, since %s, lease %s", b.PID, b.Host, b.Started.Format(time.RFC3339), b.Name)
}

// served returns the error for a server that must not start.
func (t *workers) served(o lease.Observed) error {
	return fmt.Errorf("%w: %s (%s)", ErrAppServed, describeHolder(o), t.dir)
}

// tryLead makes this server the leader unless another one is, and remembers who is.
func (t *workers) tryLead() (leads bool) {
	l := t.holder.Current()
	c, err := t.dir.Lead(l, t.mayLead)
	if err != nil {
		if t.warned.first("lead") {
			t.server.logger.Warn("syftevent: claiming the lead failed, will retry", "path", string(t.dir), "err", err)
		}
		return false
	}
	t.leader.Store(&c)
	return c.Holder == l.Name && l.Fresh(time.Now())
}

// mayLead reports whether a server that has claimed the lead may still have it.
func (t *workers) mayLead(name string) bool {
	o, known := t.observer.Find(name)
	return t.observer.Alive(name) && !(known && o.Beat.State == lease.Stopping)
}

// leads reports whether this server leads now.
func (t *workers) leads() bool {
	if t == nil {
		return true
	}
	c, l := t.leader.Load(), t.holder.Current()
	return c != nil && c.Holder == l.Name && l.Fresh(time.Now()) && !t.resigned.Load()
}

// wait waits for f, which returns the server that is in the way. It returns an error if that has
// served for lockWait and does not stop. One that is not proven to be alive is waited for until
// it is, or is dead.
func (t *workers) wait(starting context.Context, f func() (lease.Observed, bool)) error {
	deadline := time.Now().Add(lockWait)
	for {
		o, blocked := f()
		if !blocked {
			return nil
		}
		if o.Proven && time.Now().After(deadline) {
			return t.served(o)
		}
		select {
		case <-time.After(t.interval / 2):
		case <-starting.Done():
			return context.Cause(starting)
		}
		t.observer.Look(time.Now())
	}
}

// waitToShare waits until no server serves the app alone, and until a leader that starts has
// prepared the app's folder.
func (t *workers) waitToShare(starting context.Context) error {
	return t.wait(starting, func() (lease.Observed, bool) {
		for _, o := range t.observer.All() {
			if t.conflicts(o) && o.Beat.State != lease.Starting {
				return o, true
			}
		}
		if t.tryLead() {
			return lease.Observed{}, false
		}
		c := t.leader.Load()
		if c == nil {
			return lease.Observed{}, false // it can serve without leading
		}
		o, known := t.observer.Find(c.Holder)
		switch {
		case !t.observer.Alive(c.Holder):
			return o, true // died or stopped meanwhile
		case !known:
			return o, true // until it is read, or dead
		case o.Beat.Alone:
			return o, true
		case o.Beat.State == lease.Starting:
			o.Proven = false // its start may take long
			return o, true
		}
		return o, false
	})
}

// leadsLayout reports whether this server writes the files of the app of which there is one.
func (t *workers) leadsLayout() bool { return t == nil || !t.shared || t.leads() }

// ownsTemp reports whether a temporary file belongs to a server that may be alive.
func (t *workers) ownsTemp(name string) bool {
	if t == nil {
		return false
	}
	for _, o := range t.observer.All() {
		if o.Alive && o.Beat.Temp != "" && strings.HasPrefix(name, o.Beat.Temp) {
			return true
		}
	}
	return false
}
