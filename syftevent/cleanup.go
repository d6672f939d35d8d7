package syftevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// A PeriodicCleanup removes old requests and responses of one app, at once when
// it is started and then regularly. A [Server] has one of its own; this one is
// for apps whose server does not run all the time. Its fields must not be
// changed after it was started. Its methods may be called concurrently.
//
// Removed are, when they are older than Expiry: requests with their responses,
// responses without a request, requests that are no JSON envelope, temporary
// files of SyftBox, files that it has marked as refused or in conflict, folders of
// senders that hold nothing but a .syftkeep, and folders that hold nothing.
// [cleanup-senders] Never removed are requests that are unanswered and have not expired,
// responses that were written within the last hour (or Expiry, if that is shorter), the
// folders of endpoints, and all other files.
//
// The age is what the envelope says in "created", unless that lies in the
// future or is missing: then it is the file's time, compared with the file
// system's own clock. A file's time that is more than a day ahead of that clock is set
// to it: the file counts as new then, and ages from there. A request is removed before
// its response, so that it never stands without.
type PeriodicCleanup struct {
	// AppName is the name of the app. It must be set.
	AppName string
	// Client says where the datasite is; nil for LoadClient("").
	Client *Client
	// Interval is the time between two runs, default a day. [ParseInterval]
	// reads one from text.
	Interval time.Duration
	// Expiry is how old a file must be, default 30 days.
	Expiry time.Duration
	// OnComplete, if not nil, is called after each run with its figures. It may call the methods; a panic in it is logged.
	OnComplete func(CleanupStats)
	// Logger takes what goes wrong; nil for slog.Default().
	Logger *slog.Logger

	// isEndpoint reports the folders of a server's endpoints, one of which may look like
	// a sender's; nil for none.
	isEndpoint func(dir string) bool
	// maxSize is the server's MaxRequestSize. Of a larger file only its time tells the
	// age.
	maxSize int64

	runs sync.Mutex // held during a run

	mu      sync.Mutex
	telling int // how many calls of OnComplete are under way
	totals  CleanupStats
	cancel  context.CancelFunc // of the goroutine, nil if it does not run
	ended   chan struct{}
}

// Defaults of [PeriodicCleanup] and of [Server].
const (
	DefaultCleanupInterval = 24 * time.Hour
	DefaultCleanupExpiry   = 30 * 24 * time.Hour
)

// CleanupStats are the figures of one or more runs of a cleanup.
type CleanupStats struct {
	// RequestsDeleted and ResponsesDeleted count files.
	RequestsDeleted, ResponsesDeleted int
	// Errors counts the files and folders that could not be read or removed.
	Errors int
	// LastCleanup is when the last run ended; zero if there was none.
	LastCleanup time.Time
}

// String gives the figures as a line of text.
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

// ErrCleanupStarted is returned when a cleanup is started that runs already.
var ErrCleanupStarted = errors.New("syftevent: the cleanup is running already")

// Start begins the runs, the first at once, in a goroutine that ends with
// [PeriodicCleanup.Stop] or when ctx is cancelled. The error is what keeps the
// cleanup from ever working.
func (p *PeriodicCleanup) Start(ctx context.Context) error {
	sweeper, err := p.sweeper()
	if err != nil {
		return err
	}
	if p.Interval < 0 {
		return fmt.Errorf("syftevent: PeriodicCleanup.Interval is negative: %v", p.Interval)
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

func (p *PeriodicCleanup) repeat(ctx context.Context, sweeper *sweeper) {
	for {
		if _, err := p.run(ctx, sweeper); err != nil && ctx.Err() == nil {
			sweeper.logger.Error("syftevent: a cleanup has failed, the next one tries again", "err", err)
		}
		select {
		case <-time.After(orDefault(p.Interval, DefaultCleanupInterval, 0)):
		case <-ctx.Done():
			return
		}
	}
}

// Stop ends the runs, and waits for one that is under way to end after the file
// that it is at, but not for OnComplete. Without a run it does nothing.
func (p *PeriodicCleanup) Stop() {
	p.mu.Lock()
	cancel, ended, telling := p.cancel, p.ended, p.telling
	p.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	if telling == 0 {
		<-ended
	}
}

// Running reports whether the cleanup was started and not stopped.
func (p *PeriodicCleanup) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended != nil && !isClosed(p.ended)
}

// CleanupNow runs once, whether the cleanup was started or not, and returns the
// figures of that run. The error is ctx's, or says why nothing could be done;
// what goes wrong with single files is counted and logged.
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

func (p *PeriodicCleanup) run(ctx context.Context, sweeper *sweeper) (CleanupStats, error) {
	stats, err := p.runOnce(ctx, sweeper)
	if err == nil && p.OnComplete != nil {
		p.tell(stats, sweeper.logger)
	}
	return stats, err
}

// tell calls OnComplete.
func (p *PeriodicCleanup) tell(stats CleanupStats, logger *slog.Logger) {
	count := func(n int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.telling += n
	}
	count(+1)
	defer count(-1)
	defer func() {
		if panicked := recover(); panicked != nil {
			logger.Error("syftevent: PeriodicCleanup.OnComplete has panicked", "panic", panicked, "stack", string(debug.Stack()))
		}
	}()
	p.OnComplete(stats)
}

// runOnce runs while no other run does, and adds to the totals.
func (p *PeriodicCleanup) runOnce(ctx context.Context, sweeper *sweeper) (CleanupStats, error) {
	p.runs.Lock()
	defer p.runs.Unlock()
	stats, err := sweeper.sweep(ctx)
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

// sweeper checks the fields and prepares a run.
func (p *PeriodicCleanup) sweeper() (*sweeper, error) {
	if err := checkAppName(p.AppName); err != nil {
		return nil, err
	}
	client, err := orLoad(p.Client)
	if err != nil {
		return nil, fmt.Errorf("syftevent: cleaning up app %q: %w", p.AppName, err)
	}
	if p.Expiry < 0 {
		return nil, fmt.Errorf("syftevent: PeriodicCleanup.Expiry is negative: %v", p.Expiry)
	}
	return &sweeper{
		dir:        rpcDir(client, p.AppName),
		expiry:     orDefault(p.Expiry, DefaultCleanupExpiry, 0),
		isEndpoint: p.isEndpoint,
		maxSize:    p.maxSize,
		logger:     orDefaultLogger(p.Logger),
	}, nil
}

// orLoad returns the client, or if it is nil that of SyftBox's configuration.
func orLoad(client *Client) (*Client, error) {
	if client == nil {
		return LoadClient("")
	}
	return client, client.check()
}
