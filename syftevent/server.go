package syftevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A Server answers the requests that arrive in the folder of one app. Its
// fields must not be changed after the server was started. Of durations and
// sizes 0 is the default, and negative is off.
type Server struct {
	// AppName is the name of the app, one folder's name. It must be set.
	AppName string
	// Client says where the datasite is; nil for LoadClient("").
	Client *Client
	// Router has the endpoints; nil for one without any.
	Router *Router
	// PollInterval is the time between two looks for requests while nothing
	// happens; default 100 ms. After a request its folder is looked at more often.
	// With very many folders a look takes long, and the server waits longer, up to
	// 2 s, or 30 s on network file systems: [Stats] shows it.
	PollInterval time.Duration
	// SettleTime is how long a request that is not complete must have stayed
	// the same before it is answered 400; default 2 s, or 30 s on file systems
	// that may show it late, such as network shares; negative for at once.
	// [read-settle]
	SettleTime time.Duration
	// MaxRequestSize is the size of a request file, in bytes, above which it is
	// answered 413; default 64 MiB, negative for no limit. A body is a third
	// larger in the file than it is.
	MaxRequestSize int64
	// Concurrency is how many handlers may run at once; default 64. Half of
	// them, or one, is the most for the requests of one sender.
	Concurrency int
	// DrainTimeout is how long handlers may go on when the server is stopped,
	// before their contexts are cancelled; default 10 s, negative for not at
	// all.
	DrainTimeout time.Duration
	// Durable makes each response reach the disk, by fsync of the file and of its
	// folder, before it counts as published: it then survives a loss of power.
	// That takes a few times as long.
	Durable bool
	// NudgeInterval is the time between two nudges, the modifications that make
	// SyftBox upload a response at once and not with its next full
	// synchronisation; default 5 ms, negative for none. [publish-nudge]
	NudgeInterval time.Duration
	// RepublishDelay is how long a request must have stood without its response,
	// after it was answered, before the same response is published again, as
	// SyftBox sometimes deletes one; default 12 s, two of SyftBox's cycles,
	// negative for never. A response is published again three times at most.
	// [publish-again]
	RepublishDelay time.Duration
	// CleanupExpiry is how old requests and responses become before they are
	// removed, as [PeriodicCleanup] says; default 30 days, negative for never.
	CleanupExpiry time.Duration
	// CleanupInterval is the time between two cleanups, of which the first is
	// at the start; default a day, negative for none.
	CleanupInterval time.Duration
	// DebugMode makes the answer to a failed handler tell how it failed.
	DebugMode bool
	// AllowAnyName lets endpoints have names that SyftBox never delivers to, such
	// as "logs" or "dist". Without it a server with such an endpoint does not
	// start. It is for servers that do not run under SyftBox.
	AllowAnyName bool
	// Logger takes what the server has to say; nil for slog.Default(). With the
	// environment variable SYFTEVENT_DEBUG set to 1 that is each look, too.
	Logger *slog.Logger

	mu          sync.Mutex
	started     bool
	cancelStart context.CancelCauseFunc // while it starts
	startEnded  chan struct{}           // closed when it has, one way or the other
	running     *serving                // nil until it is ready
	ready       chan struct{}
}

// Defaults of [Server].
const (
	DefaultPollInterval     = 100 * time.Millisecond
	DefaultSettleTime       = 2 * time.Second
	DefaultRemoteSettleTime = 30 * time.Second // on network file systems
	DefaultMaxRequestSize   = 64 << 20
	DefaultConcurrency      = 64
	DefaultDrainTimeout     = 10 * time.Second
	DefaultNudgeInterval    = 5 * time.Millisecond
	DefaultRepublishDelay   = 12 * time.Second
)

var (
	// ErrServerStarted is returned when a server is started a second time.
	ErrServerStarted = errors.New("syftevent: the server was started before")
	// ErrServerClosed is returned by [Server.Start] when [Server.Shutdown] is
	// called meanwhile.
	ErrServerClosed = errors.New("syftevent: the server was told to stop while it started")
)

// Run serves until ctx is cancelled or [Server.Shutdown] is called, and returns
// nil when the work in hand is done. The error is what kept the server from
// starting.
func (s *Server) Run(ctx context.Context) error {
	err := s.Start(ctx)
	if errors.Is(err, ErrServerClosed) || err != nil && errors.Is(err, ctx.Err()) {
		return nil // stopped before there was any work
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	<-running.finished
	return nil
}

// Start starts the server and returns when it is ready: its folders are there
// and a request that arrives will be answered. The server runs until ctx is
// cancelled or [Server.Shutdown] is called. A server runs once; one that failed
// to start may be started again. If another server serves the app, Start waits
// ten seconds for it to end; the error is then [ErrAppServed].
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.started {
		s.mu.Unlock()
		return ErrServerStarted
	}
	s.started = true
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.cancelStart, s.startEnded = cancel, make(chan struct{})
	s.mu.Unlock()

	serving, err := s.newServing()
	if err == nil {
		err = serving.start(starting, ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.startEnded)
	s.cancelStart = nil
	if err != nil {
		s.started = false
		return err
	}
	s.running = serving
	close(s.readyLocked())
	return nil
}

// Ready returns a channel that is closed when the server is ready.
func (s *Server) Ready() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readyLocked()
}

func (s *Server) readyLocked() chan struct{} {
	if s.ready == nil {
		s.ready = make(chan struct{})
	}
	return s.ready
}

// Shutdown stops the server: no handler is started any more, and those that run
// have [Server.DrainTimeout], or until ctx is done if that is sooner, before
// their contexts are cancelled. It returns when the server has stopped; the
// error is ctx's if handlers had to be cancelled because of it. A server that
// starts at the time ends without being ready. Shutdown of a server that does not
// run does nothing.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.cancelStart != nil {
		s.cancelStart(ErrServerClosed)
		ended := s.startEnded
		s.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
	}
	serving := s.running
	s.mu.Unlock()
	if serving == nil {
		return nil
	}
	serving.stop()
	select {
	case <-serving.finished:
		return nil
	case <-ctx.Done():
		serving.cancelHandlers()
		<-serving.finished
		return ctx.Err()
	}
}

// CleanupStats returns the totals of the server's cleanup, zero before the
// server is ready.
func (s *Server) CleanupStats() CleanupStats {
	if cleanup := s.cleanup(); cleanup != nil {
		return cleanup.Stats()
	}
	return CleanupStats{}
}

// CleanupRunning reports whether the server cleans up regularly: it runs, and
// neither CleanupExpiry nor CleanupInterval is negative.
func (s *Server) CleanupRunning() bool {
	cleanup := s.cleanup()
	return cleanup != nil && cleanup.Running()
}

func (s *Server) cleanup() *PeriodicCleanup {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	return s.running.cleanup
}

// newServing checks the fields and fills in the defaults.
func (s *Server) newServing() (*serving, error) {
	if err := checkAppName(s.AppName); err != nil {
		return nil, err
	}
	client, err := orLoad(s.Client)
	if err != nil {
		return nil, fmt.Errorf("syftevent: starting app %q: %w", s.AppName, err)
	}
	if err := checkDeliverable(s.AppName); err != nil && !s.AllowAnyName {
		return nil, fmt.Errorf("syftevent: app %q: %w", s.AppName, err)
	}
	router := s.Router
	if router == nil {
		router = NewRouter()
	}
	logger := orDefaultLogger(s.Logger)
	var cleanup *PeriodicCleanup
	if s.CleanupExpiry >= 0 && s.CleanupInterval >= 0 {
		cleanup = &PeriodicCleanup{
			AppName: s.AppName, Client: client,
			Interval: s.CleanupInterval, Expiry: s.CleanupExpiry, Logger: logger,
		}
	}
	serving := &serving{
		cleanup:     cleanup,
		app:         s.AppName,
		email:       client.Email,
		dir:         rpcDir(client, s.AppName),
		router:      router,
		logger:      logger,
		poll:        orDefault(s.PollInterval, DefaultPollInterval, 0),
		settle:      orDefault(s.SettleTime, DefaultSettleTime, 0),
		settleThere: orDefault(s.SettleTime, DefaultRemoteSettleTime, 0),
		maxSize:     orDefault(s.MaxRequestSize, DefaultMaxRequestSize, unlimited),
		drain:       orDefault(s.DrainTimeout, DefaultDrainTimeout, 0),
		nudge:       orDefault(s.NudgeInterval, DefaultNudgeInterval, -1),
		durable:     s.Durable,
		debug:       s.DebugMode,
		trace:       os.Getenv(debugVariable) == "1",
		anyName:     s.AllowAnyName,
		stopping:    make(chan struct{}),
		activity:    make(chan struct{}, 1),
		finished:    make(chan struct{}),
		left:        map[string]bool{},
		memory:      newMemory(orDefault(s.RepublishDelay, DefaultRepublishDelay, -1)),
	}
	serving.dispatcher = newDispatcher(orDefault(s.Concurrency, DefaultConcurrency, 1), serving.answer, serving.returned, serving.crashed, logger)
	return serving, nil
}

func orDefaultLogger(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.Default()
	}
	return logger
}

// unlimited is a size that no file has.
const unlimited = 1 << 62

// orDefault gives a field its meaning: 0 is the default, negative is off.
func orDefault[T time.Duration | int64 | int](value, byDefault, off T) T {
	switch {
	case value == 0:
		return byDefault
	case value < 0:
		return off
	}
	return value
}
