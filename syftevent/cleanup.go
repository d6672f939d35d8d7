package syftevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/sweep"
)

// A PeriodicCleanup removes the old requests and responses of one app, once when it is
// started and then regularly. A [Server] has its own; this one is for apps whose server does
// not run all the time. Its fields must not be changed after it was started. Its methods may
// be called concurrently.
//
// It removes, if they are older than Expiry: requests with their responses, responses
// without a request, requests that are not a valid JSON envelope, temporary files (*.tmp),
// files that SyftBox marked as rejected or in conflict (with ".rejected." or ".conflict." in
// their names), senders' folders that hold nothing but a .syftkeep, and empty folders.
// [cleanup-senders]
//
// It never removes unanswered requests that have not expired, responses that were written
// within the last hour (or Expiry, if that is shorter), folders with a .syftkeep whose names
// are no e-mail addresses, such as those that a server makes for its endpoints, and other
// files.
//
// The age of a request or response is the time since the "created" of its envelope. If that
// is missing or in the future, and for all other files, it is the time since the last
// modification, by the file system's clock. A modification time more than a day ahead of
// that clock is set back to it. A request is removed before its response, because a server
// would handle a request without a response again.
type PeriodicCleanup struct {
	// AppName is the name of the app. It is required.
	AppName string
	// Client is the SyftBox installation with the datasite. Defaults to LoadClient("").
	Client *Client
	// Interval is the time between two runs. Defaults to a day. Negative is an error.
	// [ParseInterval] parses an interval such as "12h".
	Interval time.Duration
	// Expiry is the age at which a file is removed. Defaults to 30 days. Negative is an
	// error.
	Expiry time.Duration
	// Keep is the number of answered requests that each sender's folder keeps: a run removes
	// the oldest beyond that, however young they are, but none that was answered within the
	// last hour or has not expired. It keeps folders small, which are quicker to scan. Zero or
	// negative means all.
	Keep int
	// OnComplete, if not nil, is called after each successful run with its figures. It may
	// call methods of the PeriodicCleanup. If it panics, the panic is logged.
	OnComplete func(CleanupStats)
	// Logger receives the log output. Defaults to slog.Default().
	Logger *slog.Logger

	// isEndpoint reports whether a folder is an endpoint's, even if its name looks like a
	// sender's; nil for none.
	isEndpoint func(dir string) bool
	// maxSize is the server's MaxRequestSize. A larger file is not read for its age.
	maxSize int64

	runs sync.Mutex // held during a run

	mu      sync.Mutex
	calling int // calls of OnComplete in progress
	totals  CleanupStats
	cancel  context.CancelFunc // of the goroutine, nil if it was never started
	ended   chan struct{}
}

// CleanupStats are the figures of one or more cleanup runs.
type CleanupStats struct {
	// RequestsDeleted and ResponsesDeleted are the numbers of removed requests and responses.
	// Other files and folders that were removed are not counted.
	RequestsDeleted, ResponsesDeleted int
	// Errors is the number of files and folders that could not be read or removed.
	Errors int
	// LastCleanup is when the last successful run ended; zero if there was none.
	LastCleanup time.Time
}

// String returns the figures as one line of text.
func (s CleanupStats) String() string {
	last := "never"
	if !s.LastCleanup.IsZero() {
		last = s.LastCleanup.Format(time.RFC3339)
	}
	return fmt.Sprintf("%d requests and %d responses deleted, %d errors, last cleanup %s",
		s.RequestsDeleted, s.ResponsesDeleted, s.Errors, last)
}

// add adds the figures of a run.
func (s *CleanupStats) add(run CleanupStats) {
	s.RequestsDeleted += run.RequestsDeleted
	s.ResponsesDeleted += run.ResponsesDeleted
	s.Errors += run.Errors
	s.LastCleanup = run.LastCleanup
}

// ErrCleanupStarted is returned by [PeriodicCleanup.Start] if the cleanup is running.
var ErrCleanupStarted = errors.New("syftevent: cleanup already running")

// Start starts the runs, the first one at once, in a goroutine that ends with
// [PeriodicCleanup.Stop] or when ctx is canceled. It returns [ErrCleanupStarted] if the
// cleanup is running, and another error if a field is invalid or the datasite cannot be
// determined. A stopped cleanup may be started again.
func (p *PeriodicCleanup) Start(ctx context.Context) error {
	sweeper, err := p.sweeper()
	if err != nil {
		return err
	}
	if p.Interval < 0 {
		return fmt.Errorf("syftevent: negative PeriodicCleanup.Interval: %v", p.Interval)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended != nil && !isClosed(p.ended) {
		return ErrCleanupStarted
	}
	ctx, p.cancel = context.WithCancel(ctx)
	ended := make(chan struct{})
	p.ended = ended
	go func() {
		defer close(ended)
		p.repeat(ctx, sweeper)
	}()
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (p *PeriodicCleanup) repeat(ctx context.Context, sweeper *sweep.Sweeper) {
	for {
		if _, err := p.run(ctx, sweeper); err != nil && ctx.Err() == nil {
			sweeper.Logger.Error("syftevent: cleanup failed, will retry", "err", err)
		}
		select {
		case <-time.After(orDefault(p.Interval, DefaultCleanupInterval, 0)):
		case <-ctx.Done():
			return
		}
	}
}

// Stop ends the runs. It waits for the current run to finish its current file, but not for
// OnComplete. If the cleanup does not run, Stop does nothing.
func (p *PeriodicCleanup) Stop() {
	p.mu.Lock()
	cancel, ended, calling := p.cancel, p.ended, p.calling
	p.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	if calling == 0 {
		<-ended
	}
}

// Running reports whether the cleanup was started and has not ended.
func (p *PeriodicCleanup) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended != nil && !isClosed(p.ended)
}

// CleanupNow performs one run, whether or not the cleanup was started, and returns its
// figures. It returns an error if ctx ends, a field is invalid, the configuration cannot be
// loaded, or the app's folder cannot be read. A failure on a single file is not an error: it
// is logged and counted in [CleanupStats].
func (p *PeriodicCleanup) CleanupNow(ctx context.Context) (CleanupStats, error) {
	sweeper, err := p.sweeper()
	if err != nil {
		return CleanupStats{}, err
	}
	return p.run(ctx, sweeper)
}

// Stats returns the totals since the beginning or [PeriodicCleanup.ResetStats].
func (p *PeriodicCleanup) Stats() CleanupStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.totals
}

// ResetStats sets the totals to zero.
func (p *PeriodicCleanup) ResetStats() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.totals = CleanupStats{}
}

func (p *PeriodicCleanup) run(ctx context.Context, sweeper *sweep.Sweeper) (CleanupStats, error) {
	stats, err := p.runOnce(ctx, sweeper)
	if err == nil && p.OnComplete != nil {
		p.callOnComplete(stats, sweeper.Logger)
	}
	return stats, err
}

// callOnComplete calls OnComplete and recovers its panics.
func (p *PeriodicCleanup) callOnComplete(stats CleanupStats, logger *slog.Logger) {
	count := func(n int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calling += n
	}
	count(+1)
	defer count(-1)
	defer func() {
		if panicked := recover(); panicked != nil {
			logger.Error("syftevent: PeriodicCleanup.OnComplete panicked", "panic", panicked, "stack", string(debug.Stack()))
		}
	}()
	p.OnComplete(stats)
}

// runOnce runs when no other run does, and adds to the totals.
func (p *PeriodicCleanup) runOnce(ctx context.Context, sweeper *sweep.Sweeper) (CleanupStats, error) {
	p.runs.Lock()
	defer p.runs.Unlock()
	removed, err := sweeper.Sweep(ctx)
	stats := CleanupStats{RequestsDeleted: removed.Requests, ResponsesDeleted: removed.Responses, Errors: removed.Errors}
	if err == nil {
		stats.LastCleanup = time.Now()
	}
	p.mu.Lock()
	last := p.totals.LastCleanup
	p.totals.add(stats)
	if err != nil {
		p.totals.LastCleanup = last
	}
	p.mu.Unlock()
	return stats, err
}

// sweeper validates the fields and returns the configuration of a run.
func (p *PeriodicCleanup) sweeper() (*sweep.Sweeper, error) {
	if err := checkAppName(p.AppName); err != nil {
		return nil, err
	}
	client, err := orLoad(p.Client)
	if err != nil {
		return nil, fmt.Errorf("syftevent: clean up app %q: %w", p.AppName, err)
	}
	if p.Expiry < 0 {
		return nil, fmt.Errorf("syftevent: negative PeriodicCleanup.Expiry: %v", p.Expiry)
	}
	return &sweep.Sweeper{
		Dir:        rpcDir(client, p.AppName),
		Expiry:     orDefault(p.Expiry, DefaultCleanupExpiry, 0),
		Keep:       max(p.Keep, 0),
		IsEndpoint: p.isEndpoint,
		MaxSize:    orDefault(p.maxSize, DefaultMaxRequestSize, rootfs.Unlimited),
		Logger:     orDefaultLogger(p.Logger),
	}, nil
}
