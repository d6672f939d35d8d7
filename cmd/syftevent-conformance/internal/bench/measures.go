package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// burstSize is the number of requests in a burst.
const burstSize = 2000

// A burstKind describes a burst of requests.
type burstKind struct {
	senders int
	warm    bool // right after a request, not after an idle second
	pairs   int  // answered pairs that are in the first sender's folder
	reader  bool // beside a program that lists the first folder and stats each name
}

// burst measures the rate of responses from the arrival of the first request of a burst
// to the last response.
func burst(kind burstKind) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (rate float64, err error) {
		err = withServer(ctx, subject, dir, func(s *site) error {
			rate, err = s.burst(ctx, subject, kind)
			return err
		})
		return rate, err
	}
}

// withServer calls run while the server of subject runs. The bare loop has none.
func withServer(ctx context.Context, subject Subject, dir string, run func(*site) error) error {
	return withSite(ctx, subject, dir, func(*site) error { return nil }, run)
}

// withSite is withServer for a server that starts on what prepare has made.
func withSite(ctx context.Context, subject Subject, dir string, prepare, run func(*site) error) error {
	s, err := newSite(dir)
	if err != nil {
		return err
	}
	defer s.close()
	if err := prepare(s); err != nil {
		return err
	}
	if !subject.isBare() {
		if err := s.serve(ctx, subject, nil); err != nil {
			return err
		}
	}
	return run(s)
}

func (s *site) burst(ctx context.Context, subject Subject, kind burstKind) (float64, error) {
	if err := s.pairs("echo", senderOf(0), kind.pairs); err != nil {
		return 0, err
	}
	first, err := s.stage("echo", kind.senders, kind.senders)
	if err != nil {
		return 0, err
	}
	calls, err := s.stage("echo", burstSize, kind.senders)
	if err != nil {
		return 0, err
	}
	var bare []*bareFolder
	for n := range kind.senders {
		folder, err := newBareFolder(filepath.Dir(calls[n].request))
		if err != nil {
			return 0, err
		}
		bare = append(bare, folder)
	}
	if !subject.isBare() {
		// Let the server discover the folders.
		if err := drop(first); err != nil {
			return 0, err
		}
		if err := s.await(ctx, first, time.Millisecond); err != nil {
			return 0, err
		}
		if !kind.warm {
			time.Sleep(time.Second)
		}
	}
	if kind.reader {
		reading, stop := context.WithCancel(ctx)
		defer stop()
		go readAll(reading, bare[0].path)
	}
	began := time.Now()
	ended := make(chan error, 1)
	if subject.isBare() {
		go func() { ended <- bareLoop(ctx, bare, burstSize) }()
	} else {
		ended <- nil
	}
	if err := drop(calls); err != nil {
		return 0, err
	}
	if err := s.await(ctx, calls, time.Millisecond); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if err := <-ended; err != nil {
		return 0, err
	}
	return burstSize / took.Seconds(), checkAnswer(calls[burstSize-1])
}

// readAll lists a folder and stats each name in it, until ctx is canceled.
func readAll(ctx context.Context, folder string) {
	for ctx.Err() == nil {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return
		}
		for _, e := range entries {
			os.Lstat(filepath.Join(folder, e.Name()))
		}
	}
}

// answeredPairs is the number of answered pairs at startup.
const answeredPairs = 50_000

// start measures the time until a server is ready.
func start(ctx context.Context, c *Config, subject Subject, dir string) (float64, error) {
	s, err := newSite(dir)
	if err != nil {
		return 0, err
	}
	defer s.close()
	const senders = 20
	for n := range senders {
		if err := s.pairs("echo", senderOf(n), answeredPairs/senders); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	if err := s.serve(ctx, subject, nil); err != nil {
		return 0, err
	}
	return time.Since(began).Seconds(), nil
}

// memory measures the resident memory after a burst.
func memory(ctx context.Context, c *Config, subject Subject, dir string) (megabytes float64, err error) {
	err = withServer(ctx, subject, dir, func(s *site) error {
		if _, err := s.burst(ctx, subject, burstKind{senders: 1, warm: true}); err != nil {
			return err
		}
		megabytes, err = resident(s.process.PID())
		return err
	})
	return megabytes, err
}

// settleBefore is the interval of the checks whether a server has become idle. After
// startup, a server cleans up and scans active folders more often.
const settleBefore = 5 * time.Second

// idle measures the processor time of an idle server.
func idle(endpoints, pairs int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (float64, error) {
		s, err := newSite(dir)
		if err != nil {
			return 0, err
		}
		defer s.close()
		const senders = 20
		// The endpoints of SPEC.md, Appendix A, count.
		extra := endpoints - len(plainEndpoints)
		names := slices.Clone(plainEndpoints)
		for n := range extra {
			names = append(names, fmt.Sprintf("extra%d", n))
		}
		for _, name := range names {
			for n := range senders {
				if err := s.pairs(name, senderOf(n), pairs); err != nil {
					return 0, err
				}
			}
		}
		if err := s.serve(ctx, subject, map[string]any{"extra_endpoints": extra}); err != nil {
			return 0, err
		}
		if _, err := os.Stat(filepath.Join(s.rpc(), names[len(names)-1], ".syftkeep")); err != nil {
			return 0, fmt.Errorf("server ignores the option extra_endpoints: %w", err)
		}
		return s.idleShare(ctx, c.Idle)
	}
}

// idleShare measures the processor time of an idle server for a while, once it has started
// up, in percent of a core.
func (s *site) idleShare(ctx context.Context, during time.Duration) (float64, error) {
	// The first cleanup is over when it uses no more processor time.
	began := time.Now()
	for before := -1.0; ; {
		now, err := processorTime(s.process.PID())
		if err != nil {
			return 0, err
		}
		if time.Since(began) > settleAtMost {
			return 0, fmt.Errorf("server uses more than %.0f %% of a core %v after startup", 100*settledShare, settleAtMost)
		}
		if before >= 0 && now-before < settledShare*settleBefore.Seconds() {
			break
		}
		before = now
		if !wait(ctx, settleBefore) {
			return 0, context.Cause(ctx)
		}
	}
	before, err := processorTime(s.process.PID())
	if err != nil {
		return 0, err
	}
	began = time.Now()
	if !wait(ctx, during) {
		return 0, context.Cause(ctx)
	}
	after, err := processorTime(s.process.PID())
	if err != nil {
		return 0, err
	}
	if s.process.Exited() {
		return 0, fmt.Errorf("server exited (%s)", s.process.Status())
	}
	return 100 * (after - before) / time.Since(began).Seconds(), nil
}

// A server has started up when it uses less than settledShare of a core. It must do so
// within settleAtMost.
const (
	settledShare = 0.1
	settleAtMost = 3 * time.Minute
)

// plainEndpoints lists the endpoints of the conformance application without wildcards.
var plainEndpoints = []string{"echo", "fail", "inspect", "record", "slow", "sum", "status", "empty"}

// wait waits for d. It returns false if ctx is canceled first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
