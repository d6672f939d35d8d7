package syftevent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/engine"
	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// WorkerStats are the figures of a server with [Server.ShareWork] since its start.
type WorkerStats struct {
	// Claimed is the number of requests that this server claimed, TakenOver the number of those
	// that a dead worker had claimed before, and Stolen the number of those that were another
	// worker's first choice but waited.
	Claimed, TakenOver, Stolen int
	// Lost is the number of attempts to claim a request that another worker had claimed, and
	// Failed the number of attempts that failed, which the log explains.
	Lost, Failed int
	// Fenced is the number of times that a request was not begun because the server had not
	// renewed its lease for half of [Server.WorkerTimeout]. Lapses is the number of times that
	// it had not done so for the whole timeout: others may have taken over its requests.
	Fenced, Lapses int
}

// A Worker is a server of an app that has a heartbeat: one with [Server.ShareWork], or one that
// serves the app alone on a network file system.
type Worker struct {
	// Name is the name of its lease: the host, the process and random text, and a number from
	// the second lease on.
	Name string
	// Host, PID and Started identify the process; Started is by its host's clock.
	Host    string
	PID     int
	Started time.Time
	// State is "starting", "running", "stopping" or "stopped".
	State string
	// Alive reports whether it may be alive, and Silent for how long its heartbeat has not
	// changed while it was observed.
	Alive  bool
	Silent time.Duration
	// Alone reports whether it serves the app alone, and Leading whether it leads the workers.
	Alone, Leading bool
	// Routes are the paths of its patterns.
	Routes []string
	// InFlight is the number of its requests in flight, Answered the number of responses it has
	// published, and TakenOver the number of requests it has taken over from dead workers.
	InFlight, Answered, TakenOver int
	// Requests are the paths below the app's rpc folder of the requests that it has claimed and
	// that have no response. Only [ListWorkers] fills it in.
	Requests []string
}

func newWorker(o lease.Observed) Worker {
	b := o.Beat
	return Worker{
		Name: b.Name, Host: b.Host, PID: b.PID, Started: b.Started, State: string(b.State), Alive: o.Alive, Silent: o.Silent,
		Alone: b.Alone, Leading: b.Leading, Routes: b.Routes, InFlight: b.InFlight, Answered: b.Answered, TakenOver: b.TakenOver,
	}
}

// Workers returns the servers of the app that have heartbeats, as this one observes them, without
// this one. It is empty before the server is ready, and for a server without a heartbeat.
func (s *Server) Workers() []Worker {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running == nil {
		return nil
	}
	var all []Worker
	for _, o := range running.Others() {
		all = append(all, newWorker(o))
	}
	return all
}

// looksAtWorkers is how often [ListWorkers] reads the heartbeats. A live one changes within.
const looksAtWorkers = 3

// ListWorkers observes the heartbeats of an app's servers for three seconds, and returns those
// servers with the requests that they run. A worker whose heartbeat did not change meanwhile is not
// Alive. It returns an empty list if the app has no such server, and an error if ctx ends or the
// app's folder cannot be read.
func ListWorkers(ctx context.Context, client *Client, app string) ([]Worker, error) {
	fail := func(err error) ([]Worker, error) {
		return nil, fmt.Errorf("syftevent: list workers of app %q: %w", app, err)
	}
	if err := checkAppName(app); err != nil {
		return nil, err
	}
	client, err := orLoad(client)
	if err != nil {
		return fail(err)
	}
	rpc := rpcDir(client, app)
	if _, err := os.Stat(filepath.Dir(rpc)); err != nil {
		return fail(err)
	}
	dir := lease.Dir(filepath.Join(filepath.Dir(rpc), protocol.WorkersName))
	observer := lease.NewObserver(dir, time.Hour, "")
	for look := range looksAtWorkers + 1 {
		if look > 0 {
			select {
			case <-time.After(lease.Interval):
			case <-ctx.Done():
				return fail(context.Cause(ctx))
			}
		}
		if err := observer.Look(time.Now()); err != nil {
			return fail(err)
		}
		if len(observer.All()) == 0 {
			return nil, nil
		}
	}
	requests, err := claimedRequests(dir, rpc)
	if err != nil {
		return fail(err)
	}
	leader, _ := dir.Leader()
	var all []Worker
	for _, o := range observer.All() {
		w := newWorker(o)
		w.Alive = o.Alive && o.Proven
		w.Leading = w.Alive && leader.Holder == w.Name
		w.Requests = requests[w.Name]
		slices.Sort(w.Requests)
		all = append(all, w)
	}
	return all, nil
}

// claimedRequests returns the claimed requests without a response, by the name of the lease.
func claimedRequests(dir lease.Dir, rpc string) (map[string][]string, error) {
	last := map[string]lease.Claim{} // by name
	err := dir.Claims(func(c lease.Claim) bool {
		if c.Generation > last[c.Name].Generation {
			last[c.Name] = c
		}
		return true
	})
	requests := map[string][]string{}
	for _, c := range last {
		request := filepath.FromSlash(c.About)
		if !filepath.IsLocal(request) {
			continue
		}
		response := strings.TrimSuffix(request, protocol.RequestSuffix) + protocol.ResponseSuffix
		_, pending := os.Lstat(filepath.Join(rpc, request))
		_, answered := os.Lstat(filepath.Join(rpc, response))
		if pending == nil && errors.Is(answered, os.ErrNotExist) {
			requests[c.Holder] = append(requests[c.Holder], c.About)
		}
	}
	return requests, err
}

// shareWork adds what a server needs to share its work.
func (s *Server) shareWork(options *engine.Options) error {
	options.ShareWork, options.WorkerTimeout, options.LocalLocks = s.ShareWork, s.WorkerTimeout, s.localLocks
	options.MatchRoutes = matchRoutes
	switch {
	case s.ShareWork && !lease.Supported():
		return fmt.Errorf("syftevent: start app %q: share work: %w here", s.AppName, lease.ErrUnsupported)
	case s.ShareWork && len(s.watches) > 0:
		return fmt.Errorf("syftevent: start app %q: ShareWork and Watch exclude each other: use a server of another app to watch files", s.AppName)
	case s.WorkerTimeout < 0 || s.WorkerTimeout > 0 && s.WorkerTimeout < minWorkerTimeout:
		return fmt.Errorf("syftevent: start app %q: WorkerTimeout is %v, must be at least %v", s.AppName, s.WorkerTimeout, minWorkerTimeout)
	}
	return nil
}

// minWorkerTimeout is the shortest [Server.WorkerTimeout].
const minWorkerTimeout = time.Second

// matchRoutes returns a function that reports whether one of the patterns matches an endpoint.
func matchRoutes(texts []string) func(endpoint string) bool {
	var patterns []*pattern
	for _, text := range texts {
		if p, err := parsePattern(text); err == nil {
			patterns = append(patterns, p)
		}
	}
	return func(endpoint string) bool {
		path := splitEndpoint(endpoint)
		return slices.ContainsFunc(patterns, func(p *pattern) bool { return p.matchPath(path) })
	}
}
